// What routers and nodes must not follow, sent to whole daemons: nothing answers, nothing changes,
// and packets keep their way (RFC 5269 1, 3.5; RFC 5568 2, 6.2.1.2, 6.2.3).
#include <array>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/covers.h"
#include "system/bed.h"
#include "system/forgery.h"

namespace sendoff::test {
namespace {

using Json = nlohmann::json;
using wire::MobilityType;

class Refused : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  Ipv6Address par() { return bed_->router_address(Side::kPar); }

  // As a stranger on the PAR's link sends it.
  void send_to_par(ByteView packet) {
    links().inject(Place::kParLink, Bed::stranger(), bed_->router_link(Side::kPar), packet);
  }
  // Sends it, waits until the PAR has counted it under `counter`, and sees that it says nothing.
  void expect_silence(const Bytes& packet, const std::string& counter) {
    const std::uint64_t before = bed_->counter(bed_->par(), "fbu", counter);
    const Mark since = links().mark();
    send_to_par(packet);
    EXPECT_TRUE(bed_->counted(bed_->par(), "fbu", counter, before + 1)) << counter;
    expect_no_word(since, counter);
  }
  // No FBack, Binding Error, HI or ICMPv6 error of the PAR's. The answer to a question of Neighbor
  // Discovery, which comes later, says that there was time for one.
  void expect_no_word(Mark since, const std::string& what) {
    (void)bed_->answers_of_router(Side::kPar, Ipv6Address::literal("2001:db8:a:1::77"));
    const Match spoke = Match::Test([](const Frame& frame) {
      const bool error = frame.icmp_type() > 0 && frame.icmp_type() < 128;
      // The correspondent may be told that a packet of its own was not delivered.
      return frame.mobility().has_value() ||
             (error && frame.view.header.destination != Bed::correspondent());
    });
    expect_never((at(Place::kParLink) || at(Place::kParCore)) && from_node() && spoke, since,
                 "an answer to " + what);
  }
  // Of a daemon, all but its counters and what time changes.
  Json state(lab::Daemon& daemon) {
    Json all = bed_->status(daemon);
    Json kept;
    for (const char* field : {"interfaces", "key_count", "binding_count", "handover_count",
                              "arrival_count", "arrivals", "handover"})
      if (all.contains(field)) kept[field] = all[field];
    for (Json& binding : all["bindings"])
      kept["bindings"].push_back({binding["pcoa"], binding["ncoa"]});
    for (Json& key : all["keys"]) kept["keys"].push_back(key["fingerprint"]);
    return kept;
  }
  void expect_defects_refused(const Frame& fbu);
  void expect_no_packet_under_the_victims_name();
  void expect_few_lines_of_many(const Frame& fbu);
};

// The way of packets for the PCoA is asked by expect_way after each.
void Refused::expect_defects_refused(const Frame& fbu) {
  const auto next = [](wire::FastBindingUpdate& update) { ++update.sequence; };
  expect_silence(changed_fbu(fbu, next), "mac");
  expect_silence(changed_fbu(fbu,
                             [&](wire::FastBindingUpdate& update) {
                               next(update);
                               update.options.authorization->authenticator =
                                   update.options.authorization->authenticator.first(11);
                             }),
                 "mac-length");
  expect_silence(changed_fbu(fbu,
                             [&](wire::FastBindingUpdate& update) {
                               next(update);
                               update.options.authorization->spi = 1;
                             }),
                 "spi");
  expect_silence(changed_fbu(fbu,
                             [&](wire::FastBindingUpdate& update) {
                               next(update);
                               update.options.authorization.reset();
                             }),
                 "no-authorization");
  expect_silence(fbu_in_the_name_of(Bed::host(), fbu), "no-key");
}

void Refused::expect_few_lines_of_many(const Frame& fbu) {
  constexpr std::uint64_t kMany = 1000;
  constexpr std::size_t kFew = 100;  // one a second is said, and this takes seconds
  const auto lines = [&] {
    const std::string log = bed_->log("par");
    std::size_t count = 0;
    for (auto found = log.find("fbu-refused"); found != log.npos;
         found = log.find("fbu-refused", found + 1))
      ++count;
    return count;
  };
  const std::size_t lines_before = lines();
  const std::uint64_t before = bed_->counter(bed_->par(), "fbu", "mac");
  const Bytes packet = changed_fbu(fbu, [](wire::FastBindingUpdate& update) { ++update.sequence; });
  const Mark since = links().mark();
  for (std::uint64_t sent = 0; sent < kMany; ++sent) {
    send_to_par(packet);
    // No more at a time than its socket surely holds.
    if (sent % 50 == 49) {
      EXPECT_TRUE(bed_->counted(bed_->par(), "fbu", "mac", before + sent + 1));
    }
  }
  expect_no_word(since, "a thousand bad FBUs");
  EXPECT_LT(lines() - lines_before, kFew);
}

// FH-6275-47: the attacker's tunnel is as good as anybody's, but for its own PCoA only.
void Refused::expect_no_packet_under_the_victims_name() {
  const Mark since = links().mark();
  const auto by_the_attackers_tunnel = [&](const Ipv6Address& inner, const std::string& data) {
    links().inject(
        Place::kParCore, lab::place(Side::kNar).core_link, lab::place(Side::kPar).core_link,
        in_tunnel(bed_->other_ncoa(), par(), datagram(inner, Bed::correspondent(), 5568, data)));
  };
  by_the_attackers_tunnel(bed_->pcoa(), "in the victim's name");
  by_the_attackers_tunnel(bed_->other_pcoa(), "in its own name");
  expect_seen(at(Place::kCorrespondent) && plain("in its own name"), since,
              "the attacker's packet");
  expect_never(at(Place::kCorrespondent) && carries("in the victim's name"), since,
               "a packet in the victim's name");
}

TEST_F(Refused, AnAttackerWithAKeyOfItsOwnMovesNobodyElsesPackets) {
  COVERS("HK-1-03", "HK-3.5-03", "HK-3.5-04", "HK-3.5-05", "FH-3.1-03", "FH-6275-47");
  build({.routers = {}, .mobile = {}, .other = {}, .other_node = true});
  ASSERT_TRUE(bed_);
  const Ipv6Address pcoa = bed_->pcoa();
  bed_->expect_on_old_link("before");

  // The attacker's own handover is as good as anybody's.
  ASSERT_DONE(bed_->order(bed_->other(), Side::kNar));
  ASSERT_DONE(bed_->other().wait_for("handover-done", kPatience));
  const Seen own = links().wait(at(Place::kParLink) && mobility(MobilityType::kFastBindingUpdate) &&
                                by(Bed::other_link()));
  ASSERT_TRUE(own) << bed_->story();
  ASSERT_EQ(bed_->status(bed_->par())["binding_count"], 1);

  // The same FBU, authentic under the attacker's key, names the victim.
  expect_silence(fbu_in_the_name_of(pcoa, *own), "mac");
  EXPECT_EQ(bed_->status(bed_->par())["binding_count"], 1);
  bed_->expect_on_old_link("after the attack");
  // Addresses without a key, and other defects, while the victim has no binding either.
  expect_defects_refused(*own);
  EXPECT_EQ(bed_->status(bed_->par())["binding_count"], 1);
  bed_->expect_on_old_link("after the defects");
  const Mark to_host = links().mark();
  bed_->send(bed_->network().correspondent(), std::nullopt, Bed::host(), "for nobody's key");
  expect_seen(at(Place::kParLink) && from_node() && solicitation(Bed::host()), to_host,
              "the PAR's question for an address without key");

  // The victim's own FBU is followed, and what is wrong with later ones changes nothing.
  const Mark ordered = links().mark();
  ASSERT_DONE(bed_->hand_over());
  const Seen fbu = links().wait(
      at(Place::kParLink) && mobility(MobilityType::kFastBindingUpdate) && by(lab::mobile_link()),
      ordered);
  ASSERT_TRUE(fbu) << bed_->story(ordered);
  bed_->expect_tunnelled("handed over", bed_->ncoa());
  expect_no_packet_under_the_victims_name();
  const Json before = state(bed_->par());
  expect_defects_refused(*fbu);
  EXPECT_EQ(state(bed_->par()), before);
  bed_->expect_tunnelled("still handed over", bed_->ncoa());
  expect_few_lines_of_many(*fbu);
  EXPECT_EQ(state(bed_->par()), before);
}

// HK-3.5-05, of the five causes the one that takes time. The FBU is authentic, and was answered
// while its key lived; the node asks for no other key meanwhile.
TEST_F(Refused, AnFbuUnderAnExpiredKeyIsMetWithTheSameSilence) {
  COVERS("HK-3.5-05");
  build({.routers = {{{"keys", {{"lifetime", "20"}}}}, {}},
         .mobile = {},
         .other = {},
         .new_router = false});
  ASSERT_TRUE(bed_);
  const Mark ordered = links().mark();
  ASSERT_DONE(bed_->order(bed_->mobile(), Side::kNar));
  const Seen fbu =
      links().wait(at(Place::kParLink) && mobility(MobilityType::kFastBindingUpdate), ordered);
  ASSERT_TRUE(fbu) << bed_->story(ordered);
  // Nobody answers for the NAR.
  const Seen fback = links().wait(
      at(Place::kParLink) && mobility(MobilityType::kFastBindingAcknowledgement), ordered);
  ASSERT_TRUE(fback) << bed_->story(ordered);
  const auto parsed = wire::FastBindingAcknowledgement::parse(fback->view.upper);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->status, 128);
  const Standstill deaf(bed_->mobile());
  EXPECT_TRUE(bed_->status_becomes(bed_->par(),
                                   [](const Json& status) { return status["key_count"] == 0; }));
  expect_silence(fbu->packet, "key-expired");
  expect_silence(changed_fbu(*fbu, [](wire::FastBindingUpdate& update) { ++update.sequence; }),
                 "key-expired");
  EXPECT_EQ(bed_->counter(bed_->par(), "fbu", "no-key"), 0U);
  EXPECT_EQ(bed_->status(bed_->par())["binding_count"], 0);
  bed_->expect_on_old_link("after the key");
}

// FH-2-01, for what each role discards.
TEST_F(Refused, WhatIsDiscardedLeavesNothingButACounter) {
  COVERS("FH-2-01");
  build();
  ASSERT_TRUE(bed_);
  const Ipv6Address nar = bed_->router_address(Side::kNar);
  const std::array before{state(bed_->par()), state(bed_->nar()), state(bed_->mobile())};
  const Mark since = links().mark();
  const auto from_core = [&](Place place, Side side, ByteView packet) {
    links().inject(place, lab::correspondent_place().link, lab::place(side).core_link, packet);
  };
  // Routers: of no neighbour, of nobody's asking, without its Home Address option, cut short.
  from_core(Place::kNarCore, Side::kNar,
            mobility_packet(Bed::correspondent(), nar,
                            wire::HandoverInitiate{.sequence = 7, .options = {}}));
  from_core(Place::kNarCore, Side::kNar,
            mobility_packet(par(), nar, wire::HandoverAcknowledge{.sequence = 7, .options = {}}));
  send_to_par(mobility_packet(Bed::host(), par(),
                              wire::FastBindingUpdate{.sequence = 7,
                                                      .acknowledge = true,
                                                      .home_registration = true,
                                                      .lifetime_s = 30,
                                                      .options = {}}));
  // The node: an answer to nothing, what is for routers.
  const auto to_node = [&](ByteView packet) {
    links().inject(Place::kMobileLink, bed_->router_link(Side::kPar), lab::mobile_link(), packet);
  };
  to_node(mobility_packet(par(), bed_->pcoa(),
                          wire::FastBindingAcknowledgement{.sequence = 7, .options = {}}));
  to_node(
      mobility_packet(par(), bed_->pcoa(), wire::HandoverInitiate{.sequence = 7, .options = {}}));
  wire::BindingError error;
  error.status = 2;
  error.home_address = bed_->pcoa();
  to_node(mobility_packet(par(), bed_->pcoa(), error));
  EXPECT_TRUE(bed_->counted(bed_->nar(), "peer", "unknown-peer", 1));
  EXPECT_TRUE(bed_->counted(bed_->nar(), "initiate", "unmatched", 1));
  EXPECT_TRUE(bed_->counted(bed_->par(), "fbu", "no-home-address", 1));
  bed_->wait_for_node();
  // What the requirement says of silence.
  std::this_thread::sleep_for(seconds(2));
  const auto answers = [](const Frame& frame) {
    return frame.mobility().has_value() || (frame.icmp_type() > 0 && frame.icmp_type() < 128);
  };
  expect_never(from_node() && Match::Test(answers), since, "a word about what was discarded");
  EXPECT_EQ(state(bed_->par()), before[0]);
  EXPECT_EQ(state(bed_->nar()), before[1]);
  EXPECT_EQ(state(bed_->mobile()), before[2]);
}

}  // namespace
}  // namespace sendoff::test
