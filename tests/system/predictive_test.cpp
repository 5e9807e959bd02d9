// A predictive handover of whole daemons and the way back, judged by what every link carried
// (RFC 5568 3.1, 4, 5.6; RFC 5269 3.5, 3.6).
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lab/links.h"
#include "lab/process.h"
#include "support/covers.h"
#include "system/bed.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::test {
namespace {

using Json = nlohmann::json;
using lab::place;
using wire::MobilityType;

class Predictive : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  Ipv6Address pcoa() { return bed_->pcoa(); }
  Ipv6Address ncoa() { return bed_->ncoa(); }
  Ipv6Address par() { return bed_->router_address(Side::kPar); }

  void hand_over();
  void expect_messages_of_a_handover(Mark ordered);
  void expect_interception(Mark ordered);
  void expect_proxy_at_nar();
  void expect_unsigned_announcement_ignored();
  void expect_signed(const Match& announcement, Mark since);
  void expect_tunnel_while_nobody_is_there();
  void start_watching_neighbours();
  void arrive();
  void expect_release(Mark entered);
  void expect_optimistic_use(Mark entered);
  void expect_neighbour_states();
  void expect_old_address_through_tunnel();
  void expect_reverse_check();
  void come_back();
  void expect_replay_refused();
  void expect_no_interception();

  Seen fbu_;  // the one that made the binding
  std::optional<lab::Process> monitor_;
};

void Predictive::hand_over() {
  const Mark ordered = links().mark();
  ASSERT_DONE(bed_->hand_over());
  fbu_ = links().wait(at(Place::kParLink) && mobility(MobilityType::kFastBindingUpdate), ordered);
  ASSERT_TRUE(fbu_);
  expect_messages_of_a_handover(ordered);
  expect_interception(ordered);
}

// FBU, HI, HAck, FBack, in clear here, each on the link where it belongs.
void Predictive::expect_messages_of_a_handover(Mark ordered) {
  const auto position = [&](Place where, MobilityType type) {
    return links().position(at(where) && mobility(type), ordered);
  };
  const Mark fbu = position(Place::kParLink, MobilityType::kFastBindingUpdate);
  const Mark hi = position(Place::kParCore, MobilityType::kHandoverInitiate);
  const Mark hack = position(Place::kParCore, MobilityType::kHandoverAcknowledge);
  const Mark fback = position(Place::kParLink, MobilityType::kFastBindingAcknowledgement);
  EXPECT_TRUE(fbu < hi && hi < hack && hack < fback && fback < links().mark())
      << bed_->story(ordered);
  // The new router looked for another owner before it agreed.
  const Mark probe = links().position(
      at(Place::kNarLink) && from_node() && solicitation(ncoa()) && source({}), ordered);
  EXPECT_TRUE(hi < probe && probe < hack) << bed_->story(ordered);
}

// GF25: neighbours on the old link are told that the PCoA is at the router now.
void Predictive::expect_interception(Mark ordered) {
  const Seen told =
      links().wait(at(Place::kParLink) && from_node() && advertisement(pcoa()), ordered);
  ASSERT_TRUE(told) << bed_->story(ordered);
  EXPECT_EQ(told->view.header.destination, kAllNodes);
  EXPECT_EQ(flags_of(*told), (Flags{.override_flag = true}));
  EXPECT_EQ(target_link_address(*told), bed_->router_link(Side::kPar));
}

void Predictive::expect_proxy_at_nar() {
  expect_seen(at(Place::kNarLink) && from_node() && multicast_report(ncoa().solicited_node()), 0,
              "a report of the NAR for the NCoA's group");
  const auto answers = bed_->answers_of_router(Side::kNar, ncoa());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(target_link_address(*answers[0]), bed_->router_link(Side::kNar));
  EXPECT_FALSE(flags_of(*answers[0]).override_flag);
  const auto nobodys = Ipv6Address::literal("2001:db8:a:2::77");
  EXPECT_TRUE(bed_->answers_of_router(Side::kNar, nobodys).empty());
}

// The node is on neither link: what is for it waits at the new router.
void Predictive::expect_tunnel_while_nobody_is_there() {
  const Mark since = links().mark();
  bed_->send(bed_->other_space(), std::nullopt, pcoa(), "from a neighbour");
  expect_seen(at(Place::kParCore) && from_node() && tunnelled("from a neighbour", par(), ncoa()),
              since, "a neighbour's packet in the tunnel");
  const Seen answer =
      links().wait(at(Place::kOtherLink) && !from_node() && advertisement(pcoa()), since);
  ASSERT_TRUE(answer) << bed_->story(since);
  EXPECT_EQ(target_link_address(*answer), bed_->router_link(Side::kPar));
  EXPECT_TRUE(bed_->counted(bed_->nar(), "datapath", "held", 2)) << bed_->story();
  expect_never(at(Place::kNarLink) && (carries("early") || carries("from a neighbour")), 0,
               "what is held, before the announcement");
  expect_never(at(Place::kNarLink) && from_node() && solicitation(ncoa()) && !source({}), 0,
               "Neighbor Discovery for the NCoA");
}

// FH-6.3-11: in the node's name, but not signed by it.
void Predictive::expect_unsigned_announcement_ignored() {
  const std::uint64_t before = bed_->counter(bed_->nar(), "send", "unsecured");
  links().inject(Place::kNarLink, lab::mobile_link(), group_link(kAllNodes),
                 advertisement_packet(ncoa(), kAllNodes, ncoa(), {}, lab::mobile_link()));
  EXPECT_TRUE(bed_->counted(bed_->nar(), "send", "unsecured", before + 1));
  EXPECT_EQ(bed_->answers_of_router(Side::kNar, ncoa()).size(), 1U) << "the proxy stands";
  expect_never(at(Place::kNarLink) && (carries("early") || carries("from a neighbour")), 0,
               "what is held, after a forged announcement");
}

void Predictive::expect_signed(const Match& announcement, Mark since) {
  const Seen una = links().wait(announcement, since);
  ASSERT_TRUE(una) << bed_->story(since);
  const auto options =
      wire::OptionList::parse(una->view.upper.subspan(wire::NeighborAdvertisement::kSize));
  ASSERT_TRUE(options);
  for (const auto type :
       {wire::OptionType::kCga, wire::OptionType::kTimestamp, wire::OptionType::kRsaSignature})
    EXPECT_TRUE(options->first(type)) << int{std::to_underlying(type)};
}

void Predictive::start_watching_neighbours() {
  auto process = lab::Process::start(bed_->network().router(Side::kNar),
                                     {"/bin/ip", "monitor", "neigh", "dev", lab::kAccessInterface},
                                     bed_->directory() + "/neighbours.log");
  ASSERT_DONE(process);
  monitor_.emplace(std::move(*process));
  // Other entries are changed until it tells of one: then it listens.
  const auto size = [&] {
    std::error_code unknown;
    const auto octets = std::filesystem::file_size(bed_->directory() + "/neighbours.log", unknown);
    return unknown ? 0 : octets;
  };
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries && size() == 0; ++i)
    (void)Bed::run_in(bed_->network().router(Side::kNar),
                      "ip -6 neigh replace fe80::7777 lladdr 02:00:00:00:77:0" +
                          std::to_string(i % 10) + " nud stale dev " +
                          std::string(lab::kAccessInterface));
  ASSERT_GT(size(), 0U);
}

void Predictive::arrive() {
  // Detection of other owners goes on for seconds, so that what happens meanwhile is told apart.
  lab::Links(bed_->network().mobile())
      .set("net/ipv6/conf/" + std::string(lab::kAccessInterface) + "/dad_transmits", "4");
  const Mark entered = links().mark();
  ASSERT_DONE(bed_->enter(Side::kNar));
  expect_release(entered);
  expect_optimistic_use(entered);
}

// What was held leaves behind the announcement, in its order, without a question before.
void Predictive::expect_release(Mark entered) {
  const Match on_link = at(Place::kNarLink) && from_node();
  EXPECT_TRUE(bed_->application_got("early")) << bed_->story(entered);
  EXPECT_TRUE(bed_->application_got("from a neighbour")) << bed_->story(entered);
  const Match announcement = at(Place::kNarLink) && advertisement(ncoa()) && by(lab::mobile_link());
  expect_signed(announcement, entered);
  const Mark una = links().position(announcement, entered);
  const Mark first = links().position(on_link && carries("early"), entered);
  const Mark second = links().position(on_link && carries("from a neighbour"), entered);
  EXPECT_TRUE(una < first && first < second) << bed_->story(entered);
  const Mark question = links().position(on_link && solicitation(ncoa()), entered);
  EXPECT_TRUE(second < question) << bed_->story(entered);
  // The NAR proxies no more: only the node answers.
  EXPECT_TRUE(bed_->answers_of_router(Side::kNar, ncoa()).empty());
}

// FH-3.1-08: the FBack was had before, so nothing waits for duplicate address detection.
void Predictive::expect_optimistic_use(Mark entered) {
  bed_->send(bed_->network().mobile(), ncoa(), Bed::correspondent(), "from the new address");
  expect_seen(at(Place::kCorrespondent) && plain("from the new address"), entered,
              "a packet from the NCoA");
  const std::string now =
      Bed::run_in(bed_->network().mobile(), "ip -o -6 addr show | grep optimistic");
  EXPECT_NE(now.find(ncoa().text()), std::string::npos) << now;
  const Mark una =
      links().position(at(Place::kNarLink) && advertisement(ncoa()) && !from_node(), entered);
  const Match detection = at(Place::kNarLink) && !from_node() && solicitation(ncoa()) && source({});
  expect_seen(detection, entered, "the node's probe for its NCoA");
  const Mark probe = links().position(detection, entered);
  const Mark data = links().position(at(Place::kNarLink) && plain("from the new address"), entered);
  EXPECT_TRUE(una < probe && una < data) << bed_->story(entered);
}

// The kernel told each state of the NAR's entry for the NCoA. The first is STALE.
void Predictive::expect_neighbour_states() {
  monitor_.reset();
  std::ifstream file(bed_->directory() + "/neighbours.log");
  std::vector<std::string> states;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string address;
    std::string state;
    words >> address;
    for (std::string word; words >> word;)
      if (word == "STALE" || word == "DELAY" || word == "PROBE" || word == "REACHABLE")
        state = word;
    if (address == ncoa().text() && !state.empty()) states.push_back(state);
  }
  ASSERT_FALSE(states.empty());
  EXPECT_EQ(states[0], "STALE");
}

// The session that began on the old link goes on under the old address, all of it in the tunnel.
void Predictive::expect_old_address_through_tunnel() {
  const Mark since = links().mark();
  bed_->send(bed_->network().mobile(), pcoa(), Bed::correspondent(), "from the old address");
  bed_->session_sends("the session goes on");
  for (const char* data : {"from the old address", "the session goes on"}) {
    expect_seen(at(Place::kNarLink) && !from_node() && tunnelled(data, ncoa(), par()) &&
                    inner_source(pcoa()),
                since, std::string(data) + " in the reverse tunnel");
    expect_seen(at(Place::kCorrespondent) && plain(data) && source(pcoa()), since,
                std::string(data) + " at the correspondent");
  }
  expect_never(at(Place::kNarLink) && !from_node() && source(pcoa()) && !icmp(kSolicitation), 0,
               "a user's bare packet from the PCoA on the new link");
}

// FH-4-42, FH-6275-47: only the bound node's packets leave the tunnel at the PAR.
void Predictive::expect_reverse_check() {
  const Mark since = links().mark();
  const std::uint64_t before =
      bed_->counter(bed_->par(), "datapath", "refused-by-the-reverse-check");
  const auto from_nar_link = [&](const Ipv6Address& outer, const Ipv6Address& inner,
                                 const std::string& data) {
    links().inject(Place::kNarLink, Bed::stranger(), bed_->router_link(Side::kNar),
                   in_tunnel(outer, par(), datagram(inner, Bed::correspondent(), 5568, data)));
  };
  from_nar_link(ncoa(), Bed::host(), "another's inner source");
  from_nar_link(bed_->other_ncoa(), pcoa(), "another's outer source");
  from_nar_link(ncoa(), pcoa(), "as bound");
  expect_seen(at(Place::kCorrespondent) && plain("as bound"), since, "what is as it should be");
  for (const char* data : {"another's inner source", "another's outer source"})
    expect_never(at(Place::kCorrespondent) && carries(data), since, data);
  EXPECT_EQ(bed_->counter(bed_->par(), "datapath", "refused-by-the-reverse-check"), before + 2);
}

void Predictive::come_back() {
  ASSERT_DONE(bed_->leave());
  const Mark since = links().mark();
  ASSERT_DONE(bed_->enter(Side::kPar));
  ASSERT_DONE(bed_->par().wait_for("binding-removed", kPatience));
  // The NAR, which the node has left with a key of its own, sends one, too.
  const Seen fback = links().wait(
      at(Place::kParLink) && source(par()) && mobility(MobilityType::kFastBindingAcknowledgement),
      since);
  ASSERT_TRUE(fback) << bed_->story(since);
  const auto parsed = wire::FastBindingAcknowledgement::parse(fback->view.upper);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->status, 0);
  EXPECT_EQ(parsed->lifetime_s, 0);
  expect_never(at(Place::kParCore) && from_node() && mobility(MobilityType::kHandoverInitiate),
               since, "an HI of the router that it comes back to");
  EXPECT_EQ(bed_->status(bed_->par())["binding_count"], 0);
  bed_->expect_on_old_link("back again");
  EXPECT_TRUE(bed_->application_got("back again"));
}

// The key is still there, and with it the memory of what was accepted under it.
void Predictive::expect_replay_refused() {
  const Json keys = bed_->status(bed_->par())["keys"];
  const bool kept =
      std::ranges::any_of(keys, [&](const Json& key) { return key["cga"] == pcoa().text(); });
  EXPECT_TRUE(kept) << keys;
  links().inject(Place::kParLink, fbu_->from, fbu_->to, fbu_->packet);
  EXPECT_TRUE(bed_->counted(bed_->par(), "fbu", "stale", 1));
  EXPECT_EQ(bed_->status(bed_->par())["binding_count"], 0);
  bed_->expect_on_old_link("after the replay");
}

void Predictive::expect_no_interception() {
  ASSERT_DONE(bed_->leave());
  EXPECT_TRUE(bed_->answers_of_router(Side::kPar, pcoa()).empty());
}

// One story from the first packet to the return, since each step needs the one before it.
TEST_F(Predictive, PacketsFollowTheNodeAndComeBackWithIt) {
  COVERS("FH-3.1-03", "FH-3.1-08", "FH-4-32", "FH-4-34", "FH-4-42", "FH-5.6-02", "FH-6.3-11",
         "FH-10-03", "FH-6275-30", "FH-6275-46");
  build({.routers = {{}, {{"send", {{"secured_only", "true"}}}}}, .mobile = {}, .other = {}});
  ASSERT_TRUE(bed_);
  bed_->expect_on_old_link("before");
  EXPECT_TRUE(bed_->application_got("before"));
  ASSERT_TRUE(bed_->session_opens());
  ASSERT_NO_FATAL_FAILURE(hand_over());

  // From the binding on, though the node is still there. Others are not concerned.
  bed_->expect_tunnelled("early", ncoa());
  const Mark to_host = links().mark();
  bed_->send(bed_->network().correspondent(), std::nullopt, Bed::host(), "for the host");
  expect_seen(at(Place::kParLink) && from_node() && plain("for the host"), to_host,
              "a packet for another host of the link");
  expect_proxy_at_nar();

  ASSERT_DONE(bed_->leave());
  ASSERT_NO_FATAL_FAILURE(expect_tunnel_while_nobody_is_there());
  expect_unsigned_announcement_ignored();
  ASSERT_NO_FATAL_FAILURE(start_watching_neighbours());
  ASSERT_NO_FATAL_FAILURE(arrive());
  expect_neighbour_states();
  expect_old_address_through_tunnel();
  expect_reverse_check();
  bed_->expect_tunnelled("still away", ncoa());

  ASSERT_NO_FATAL_FAILURE(come_back());
  expect_replay_refused();
  expect_no_interception();
}

}  // namespace
}  // namespace sendoff::test
