// How long what whole daemons make for a handover lasts: tunnels that lapse or are called off,
// nodes that do not come, answers that are lost, triggers that are not followed yet (RFC
// 5568 3.1, 3.3, 4, 6.2.1.1; RFC 5269 3.6).
#include <nlohmann/json.hpp>

#include "lab/links.h"
#include "net/clock.h"
#include "support/covers.h"
#include "system/bed.h"
#include "system/forgery.h"
#include "wire/icmpv6.h"

namespace sendoff::test {
namespace {

using Json = nlohmann::json;
using wire::MobilityType;

class Lives : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  Ipv6Address pcoa() { return bed_->pcoa(); }
  Ipv6Address ncoa() { return bed_->ncoa(); }
  Ipv6Address par() { return bed_->router_address(Side::kPar); }
  std::string neighbour_entry(const Ipv6Address& address) {
    return Bed::run_in(
        bed_->network().router(Side::kNar),
        "ip -6 neigh show " + address.text() + " dev " + std::string(lab::kAccessInterface));
  }
  // Unanswered questions of a router's neighbour cache go on for this long, instead of 3 s.
  void let_nar_ask_long() {
    lab::Links nar(bed_->network().router(Side::kNar));
    nar.set("net/ipv6/neigh/" + std::string(lab::kAccessInterface) + "/mcast_solicit", "60");
    ASSERT_DONE(nar.outcome());
  }
  void expect_nothing_left_of_arrival();
  void expect_queue_leaves_at_announcement();
  void expect_key_and_tunnel_gone(const Frame& fbu);
  void expect_check_at_node();
  void expect_session_until_binding_complete();
};

TEST_F(Lives, ATunnelLastsItsTimeAndTakesTheKeyWithIt) {
  COVERS("FH-3.1-04", "FH-4-42", "HK-3.6-10");
  build({.routers = {},
         .mobile = {{"handover", {{"tunnel_lifetime", "10"}, {"keep_forwarding", "1"}}}},
         .other = {}});
  ASSERT_TRUE(bed_);
  ASSERT_DONE(bed_->hand_over());
  const Seen fbu = links().wait(at(Place::kParLink) && mobility(MobilityType::kFastBindingUpdate));
  ASSERT_TRUE(fbu) << bed_->story();
  ASSERT_DONE(bed_->leave());
  ASSERT_DONE(bed_->enter(Side::kNar));
  // Nothing is sent for most of its time.
  EXPECT_TRUE(bed_->status_becomes(bed_->par(), [](const Json& status) {
    return status["binding_count"] == 1 && status["bindings"][0]["remaining_s"] <= 3;
  }));
  bed_->expect_tunnelled("late", ncoa());
  EXPECT_TRUE(bed_->application_got("late"));
  const auto removed = bed_->par().wait_for("binding-removed", kPatience);
  ASSERT_DONE(removed);
  EXPECT_EQ(removed->text("reason"), "its lifetime ended");
  expect_key_and_tunnel_gone(*fbu);
}

void Lives::expect_key_and_tunnel_gone(const Frame& fbu) {
  const Mark since = links().mark();
  const Json status = bed_->status(bed_->par());
  EXPECT_EQ(status["binding_count"], 0);
  for (const Json& key : status["keys"]) EXPECT_NE(key["cga"], pcoa().text());
  bed_->send_to_node("too late");
  expect_seen(at(Place::kParLink) && from_node() && solicitation(pcoa()), since,
              "the PAR's question for the PCoA on its own link");
  expect_never(at(Place::kParCore) && from_node() && carries("too late"), since,
               "a packet in the tunnel that was");
  // Nor does anything come back by it.
  const std::uint64_t refused =
      bed_->counter(bed_->par(), "datapath", "refused-by-the-reverse-check");
  links().inject(
      Place::kParCore, lab::place(Side::kNar).core_link, lab::place(Side::kPar).core_link,
      in_tunnel(ncoa(), par(), datagram(pcoa(), Bed::correspondent(), 5568, "back too late")));
  EXPECT_TRUE(bed_->counted(bed_->par(), "datapath", "refused-by-the-reverse-check", refused + 1));
  expect_never(at(Place::kCorrespondent) && carries("back too late"), since,
               "a packet from the tunnel that was");
  // An FBU that would have been good.
  const std::uint64_t unknown = bed_->counter(bed_->par(), "fbu", "no-key");
  links().inject(Place::kParLink, Bed::stranger(), bed_->router_link(Side::kPar), fbu.packet);
  EXPECT_TRUE(bed_->counted(bed_->par(), "fbu", "no-key", unknown + 1));
  (void)bed_->answers_of_router(Side::kPar, pcoa());
  expect_never((at(Place::kParLink) || at(Place::kParCore)) && from_node() &&
                   mobility(MobilityType::kFastBindingAcknowledgement),
               since, "an FBack");
}

TEST_F(Lives, WhatWasMadeForANodeThatDoesNotComeIsTakenBack) {
  COVERS("FH-4-19", "FH-4-20", "FH-4-33");
  build(
      {.routers = {{}, {{"arrival", {{"proxy_lifetime_ms", "3000"}}}}}, .mobile = {}, .other = {}});
  ASSERT_TRUE(bed_);
  const Mark ordered = links().mark();
  ASSERT_DONE(bed_->hand_over());
  // While the node is expected, the NAR answers for its address, and for no other.
  expect_seen(at(Place::kNarLink) && from_node() && multicast_report(ncoa().solicited_node()),
              ordered, "a report of the NAR for the NCoA's group");
  const auto answers = bed_->answers_of_router(Side::kNar, ncoa());
  ASSERT_EQ(answers.size(), 1U) << bed_->story(ordered);
  EXPECT_EQ(target_link_address(*answers[0]), bed_->router_link(Side::kNar));
  EXPECT_FALSE(flags_of(*answers[0]).override_flag);
  EXPECT_TRUE(
      bed_->answers_of_router(Side::kNar, Ipv6Address::literal("2001:db8:a:2::77")).empty());
  bed_->expect_tunnelled("in vain", ncoa());
  EXPECT_TRUE(bed_->counted(bed_->nar(), "datapath", "held", 1));
  ASSERT_DONE(bed_->nar().wait_for("arrival-ended", kPatience));
  expect_nothing_left_of_arrival();
  expect_queue_leaves_at_announcement();
}

void Lives::expect_nothing_left_of_arrival() {
  EXPECT_EQ(bed_->counter(bed_->nar(), "arrival", "expired"), 1U);
  EXPECT_TRUE(bed_->counted(bed_->nar(), "datapath", "dropped", 1));
  EXPECT_EQ(bed_->counter(bed_->nar(), "datapath", "buffers"), 0U);
  EXPECT_EQ(bed_->status(bed_->nar())["arrival_count"], 0);
  EXPECT_TRUE(bed_->answers_of_router(Side::kNar, ncoa()).empty());
  expect_never(at(Place::kNarLink) && carries("in vain"), 0, "what was held for it");
}

// FH-4-33. Later packets for the address meet plain Neighbor Discovery, and who then announces it
// gets them.
void Lives::expect_queue_leaves_at_announcement() {
  ASSERT_NO_FATAL_FAILURE(let_nar_ask_long());
  const Mark since = links().mark();
  const Match question = at(Place::kNarLink) && from_node() && solicitation(ncoa());
  bed_->send(bed_->network().correspondent(), std::nullopt, ncoa(), "queued");
  const Seen asked = links().wait(question, since);
  ASSERT_TRUE(asked) << bed_->story(since);
  EXPECT_TRUE(asked->view.header.destination.is_multicast());
  const auto announce = [&](const std::optional<LinkAddress>& link) {
    links().inject(Place::kNarLink, Bed::stranger(), group_link(kAllNodes),
                   advertisement_packet(ncoa(), kAllNodes, ncoa(), {}, link));
    (void)bed_->answers_of_router(Side::kNar, ncoa());
  };
  announce(std::nullopt);
  EXPECT_NE(neighbour_entry(ncoa()).find("INCOMPLETE"), std::string::npos)
      << neighbour_entry(ncoa());
  const Mark announced = links().mark();
  announce(Bed::stranger());
  const Seen delivered = links().wait(at(Place::kNarLink) && from_node() && plain("queued"), since);
  ASSERT_TRUE(delivered) << bed_->story(since);
  EXPECT_EQ(delivered->to, Bed::stranger());
  EXPECT_GE(links().position(at(Place::kNarLink) && plain("queued"), since), announced);
  const std::string entry = neighbour_entry(ncoa());
  EXPECT_TRUE(entry.find("STALE") != entry.npos || entry.find("DELAY") != entry.npos) << entry;
  bed_->send(bed_->network().correspondent(), std::nullopt, ncoa(), "at once");
  expect_seen(at(Place::kNarLink) && from_node() && plain("at once"), announced, "a later packet");
  const auto to_group = [](const Frame& frame) {
    return frame.view.header.destination.is_multicast();
  };
  expect_never(question && Match::Test(to_group), announced, "another question to the group");
}

TEST_F(Lives, WithoutBufferingOnlyTheNeighbourCacheKeepsWhatComesTooEarly) {
  COVERS("FH-6.2.1.1-06");
  build({.routers = {{{"handover", {{"request_buffering", "false"}}}}, {}},
         .mobile = {},
         .other = {}});
  ASSERT_TRUE(bed_);
  constexpr int kSent = 40;
  constexpr int kQueue = 5;
  lab::Links nar(bed_->network().router(Side::kNar));
  nar.set("net/ipv6/neigh/" + std::string(lab::kAccessInterface) + "/unres_qlen",
          std::to_string(kQueue));
  ASSERT_DONE(nar.outcome());
  ASSERT_NO_FATAL_FAILURE(let_nar_ask_long());
  ASSERT_DONE(bed_->hand_over());
  ASSERT_DONE(bed_->leave());
  for (int i = 0; i < kSent; ++i) bed_->send_to_node("early " + std::to_string(i));
  expect_seen(at(Place::kNarCore) && !from_node() && carries("early " + std::to_string(kSent - 1)),
              0, "the last of the early packets");
  EXPECT_EQ(bed_->counter(bed_->nar(), "datapath", "held"), 0U);
  ASSERT_DONE(bed_->enter(Side::kNar));
  bed_->send_to_node("in time");
  EXPECT_TRUE(bed_->application_got("in time"));
  int delivered = 0;
  for (int i = 0; i < kSent; ++i)
    delivered += bed_->application_has("early " + std::to_string(i)) ? 1 : 0;
  // That many packets of the largest size are some more of these.
  EXPECT_LT(delivered, kSent / 2) << bed_->story();
}

// FH-4-40: of what comes to the new address in a tunnel, the PAR's packets for the PCoA only.
void Lives::expect_check_at_node() {
  const auto to_node = [&](const Ipv6Address& outer, const Ipv6Address& inner,
                           const std::string& data) {
    links().inject(Place::kMobileLink, bed_->router_link(Side::kNar), lab::mobile_link(),
                   in_tunnel(outer, ncoa(), datagram(Bed::correspondent(), inner, 5568, data)));
  };
  to_node(par(), ncoa(), "for another inner address");
  to_node(bed_->router_address(Side::kNar), pcoa(), "from another router");
  to_node(par(), pcoa(), "from the PAR");
  EXPECT_TRUE(bed_->application_got("from the PAR"));
  EXPECT_FALSE(bed_->application_has("for another inner address"));
  EXPECT_FALSE(bed_->application_has("from another router"));
}

// Under the old address and in the tunnel until Mobile IPv6 has updated its bindings, and not as a
// bare packet then.
void Lives::expect_session_until_binding_complete() {
  const Mark since = links().mark();
  bed_->session_sends("the session goes on");
  expect_seen(at(Place::kNarLink) && !from_node() &&
                  tunnelled("the session goes on", ncoa(), par()) && inner_source(pcoa()),
              since, "the session in the reverse tunnel");
  expect_seen(at(Place::kCorrespondent) && plain("the session goes on") && source(pcoa()), since,
              "the session at the correspondent");
  const Instant now = net::read_clocks().boot;
  const auto told =
      bed_->mobile().ask(control::Request(machine::Order(machine::BindingComplete{})));
  ASSERT_DONE(told);
  const auto ended = bed_->mobile().wait_for("handover-ended", kPatience, now);
  ASSERT_DONE(ended);
  EXPECT_EQ(ended->text("reason"), "binding-complete");
  bed_->session_sends_or_fails("without a tunnel");
  bed_->send(bed_->network().mobile(), ncoa(), Bed::correspondent(), "behind it");
  expect_seen(at(Place::kNarLink) && plain("behind it"), since, "a packet of the new address");
  expect_never(at(Place::kNarLink) && !from_node() && tunnelled("without a tunnel", ncoa(), par()),
               since, "a reverse-tunnelled packet after the signal");
  expect_never(at(Place::kNarLink) && !from_node() && source(pcoa()) && !icmp(kSolicitation), 0,
               "a user's bare packet from the PCoA on the new link");
}

TEST_F(Lives, WithTheFbackLostTheTunnelIsOpenAllTheSame) {
  COVERS("FH-3.1-07", "FH-4-40");
  build({.routers = {{{"handover", {{"hi_timeout_ms", "10000"}}}}, {}},
         .mobile = {{"handover", {{"fbu_timeout_ms", "20000"}}}},
         .other = {}});
  ASSERT_TRUE(bed_);
  ASSERT_TRUE(bed_->session_opens());
  // The copy for the old link comes when nobody is there, those for the new one are dropped.
  const std::string filter = Bed::run_in(
      bed_->network().router(Side::kNar),
      "nft 'add table ip6 lost; add chain ip6 lost way { type filter hook forward priority 0; }; "
      "add rule ip6 lost way mh type 9 drop'");
  ASSERT_EQ(filter, "");
  const Mark ordered = links().mark();
  // The NAR answers when the node has gone, and not before.
  Standstill silence(bed_->nar());
  ASSERT_DONE(bed_->order(bed_->mobile(), Side::kNar));
  expect_seen(at(Place::kParCore) && mobility(MobilityType::kHandoverInitiate), ordered, "the HI");
  ASSERT_DONE(bed_->leave());
  silence.end();
  ASSERT_DONE(bed_->par().wait_for("binding-installed", kPatience));
  bed_->expect_tunnelled("on the way", ncoa());
  const Match lost = at(Place::kParLink) && mobility(MobilityType::kFastBindingAcknowledgement);
  expect_seen(lost, ordered, "the FBack for the old link");
  ASSERT_DONE(bed_->enter(Side::kNar));
  EXPECT_TRUE(bed_->application_got("on the way")) << bed_->story(ordered);
  expect_check_at_node();
  expect_never(at(Place::kMobileLink) && mobility(MobilityType::kFastBindingAcknowledgement),
               ordered, "an FBack at the node");
  // Once one comes through, all is as it would have been.
  ASSERT_EQ(Bed::run_in(bed_->network().router(Side::kNar), "nft delete table ip6 lost"), "");
  expect_session_until_binding_complete();
}

// FH-3.3-04. The daemon that would answer the trigger stands still meanwhile; its kernel does not.
TEST_F(Lives, BetweenTheTriggerAndTheFbuPacketsStayOnTheOldLink) {
  COVERS("FH-3.3-04");
  build();
  ASSERT_TRUE(bed_);
  Standstill deaf(bed_->mobile());
  const Mark since = links().mark();
  const auto told = bed_->par().ask(control::Request(
      machine::Order(machine::Advise{pcoa(), lab::place(Side::kNar).access_point})));
  EXPECT_TRUE(told);
  const auto trigger = [](const Frame& frame) {
    const ByteView upper = frame.view.upper;
    return frame.icmp_type() == 154 && upper.size() > 4 &&
           upper[1] == wire::PrRtAdv::kNetworkInitiated && upper[4] == wire::kSubtypePrRtAdv;
  };
  expect_seen(at(Place::kParLink) && from_node() && Match::Test(trigger), since, "the trigger");
  const Instant until = net::read_clocks().boot + seconds(1);
  for (int i = 0; net::read_clocks().boot < until; ++i)
    bed_->expect_on_old_link("still here " + std::to_string(i));
  expect_never(mobility(MobilityType::kFastBindingUpdate), since, "an FBU");
  deaf.end();
  ASSERT_DONE(bed_->mobile().wait_for("handover-done", kPatience));
  bed_->expect_tunnelled("gone", ncoa());
}

}  // namespace
}  // namespace sendoff::test
