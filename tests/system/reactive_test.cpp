// Nodes that come to the new link without having been told that they may: reactive handovers, what
// the new router and strangers say of the address, lost answers, and the lives of tunnels
// (RFC 5568 3.2, 4, 5.2, 6.2, 6.4.6; RFC 5269 3.6).
#include <nlohmann/json.hpp>

#include "lab/links.h"
#include "net/clock.h"
#include "support/covers.h"
#include "support/paths.h"
#include "system/bed.h"
#include "system/command.h"
#include "system/forgery.h"
#include "wire/icmpv6.h"

namespace sendoff::test {
namespace {

using Json = nlohmann::json;
using wire::MobilityType;

constexpr std::uint8_t kFastMobility = 154;

class Reactive : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  Ipv6Address pcoa() { return bed_->pcoa(); }
  Ipv6Address ncoa() { return bed_->ncoa(); }
  Ipv6Address par() { return bed_->router_address(Side::kPar); }

  // Onto the new link without an order. Duplicate address detection goes on for seconds there, so
  // that what comes meanwhile meets an optimistic address.
  void move() {
    lab::Links(bed_->network().mobile())
        .set("net/ipv6/conf/" + std::string(lab::kAccessInterface) + "/dad_transmits", "8");
    ASSERT_DONE(bed_->leave());
    moved_ = links().mark();
    moved_at_ = net::read_clocks().boot;
    ASSERT_DONE(bed_->enter(Side::kNar));
    ASSERT_DONE(bed_->mobile().wait_for("handover-done", kPatience, moved_at_));
  }
  [[nodiscard]] Match una(const Ipv6Address& address) const {
    return at(Place::kNarLink) && !from_node() && advertisement(address) && by(lab::mobile_link());
  }
  void expect_fbu_passes_the_nar_untouched();
  void expect_only_what_fmipv6_sends();
  void expect_announcement_repeated_for_a_proxy();
  void expect_address_given_up_to_its_owner();

  Mark moved_ = 0;
  Instant moved_at_;
};

// FH-3.2-05: what the node sent and what the PAR got differ in the hop limit alone.
void Reactive::expect_fbu_passes_the_nar_untouched() {
  const Match fbu = mobility(MobilityType::kFastBindingUpdate);
  const Seen sent = links().wait(at(Place::kNarLink) && !from_node() && fbu, moved_);
  const Seen passed = links().wait(at(Place::kNarCore) && from_node() && fbu, moved_);
  const Seen came = links().wait(at(Place::kParCore) && !from_node() && fbu, moved_);
  ASSERT_TRUE(sent && passed && came) << bed_->story(moved_);
  EXPECT_EQ(sent->view.header.source, ncoa());
  EXPECT_EQ(sent->view.home_address, pcoa());
  Bytes expected = sent->packet;
  constexpr std::size_t kHopLimit = 7;
  --expected[kHopLimit];
  EXPECT_EQ(came->packet, expected);
  EXPECT_EQ(bed_->status(bed_->nar())["arrival_count"], 0);
  EXPECT_EQ(bed_->status(bed_->nar())["binding_count"], 0);
}

// FH-1-01, FH-6.2-01, FH-6275-21, of all that was ever on the links.
void Reactive::expect_only_what_fmipv6_sends() {
  const auto old_initiate = [](const Frame& frame) {
    return frame.icmp_type() == kFastMobility && frame.view.upper.size() > 4 &&
           (frame.view.upper[4] < wire::kSubtypeRtSolPr ||
            frame.view.upper[4] > wire::kSubtypePrRtAdv);
  };
  expect_never(Match::Test(old_initiate), 0, "HI or HAck as ICMPv6");
  const auto other_type = [](const Frame& frame) {
    const auto type = frame.mobility();
    return type && *type != MobilityType::kFastBindingUpdate &&
           *type != MobilityType::kFastBindingAcknowledgement &&
           *type != MobilityType::kHandoverInitiate && *type != MobilityType::kHandoverAcknowledge;
  };
  expect_never(Match::Test(other_type), 0, "another type of Mobility Header");
  const auto with_extension = [](const Frame& frame) {
    const auto type = frame.mobility();
    return type && (frame.view.routing ||
                    (*type != MobilityType::kFastBindingUpdate && frame.view.home_address));
  };
  expect_never(Match::Test(with_extension), 0, "an extension header that does not belong there");
  for (const MobilityType type :
       {MobilityType::kFastBindingUpdate, MobilityType::kFastBindingAcknowledgement,
        MobilityType::kHandoverInitiate, MobilityType::kHandoverAcknowledge})
    EXPECT_GT(links().count(mobility(type)), 0U);
  EXPECT_GT(links().count(icmp(kFastMobility)), 0U);
}

TEST_F(Reactive, AnFbuFromTheNewLinkBringsThePacketsThere) {
  COVERS("FH-1-01", "FH-3.2-05", "FH-4-12", "FH-6.2-01", "FH-6275-21");
  build();
  ASSERT_TRUE(bed_);
  bed_->expect_on_old_link("before");
  ASSERT_NO_FATAL_FAILURE(move());
  ASSERT_NO_FATAL_FAILURE(expect_fbu_passes_the_nar_untouched());
  const Mark announced = links().position(una(ncoa()), moved_);
  const Mark fbu = links().position(mobility(MobilityType::kFastBindingUpdate), moved_);
  EXPECT_LT(announced, fbu) << bed_->story(moved_);
  bed_->expect_tunnelled("to the new link", ncoa());
  EXPECT_TRUE(bed_->application_got("to the new link"));

  // Back again, predictive this time: with a key of the router that was new.
  ASSERT_DONE(bed_->mobile().wait_for("key-received", kPatience, moved_at_));
  const Mark ordered = links().mark();
  const Instant since = net::read_clocks().boot;
  ASSERT_DONE(bed_->order(bed_->mobile(), Side::kPar));
  ASSERT_DONE(bed_->mobile().wait_for("handover-done", kPatience, since));
  expect_seen(at(Place::kNarCore) && from_node() && mobility(MobilityType::kHandoverInitiate),
              ordered, "an HI of the router that was new");
  expect_only_what_fmipv6_sends();
  // RtSolPr of the node, answered by PrRtAdv of both routers.
  for (const Place link : {Place::kParLink, Place::kNarLink}) {
    const auto subtype = [](std::uint8_t wanted) {
      return icmp(kFastMobility) && Match::Test([wanted](const Frame& frame) {
               return frame.view.upper.size() > 4 && frame.view.upper[4] == wanted;
             });
    };
    const Mark asked = links().position(at(link) && !from_node() && subtype(wire::kSubtypeRtSolPr));
    const Mark told = links().position(at(link) && from_node() && subtype(wire::kSubtypePrRtAdv));
    EXPECT_TRUE(asked < told && told < links().mark()) << name(link);
  }
  // And neither can be switched off: nothing in a configuration names them.
  const Ran ran = run("printf '[rtsolpr]\\nanswer = false\\n' > " + bed_->directory() +
                      "/off.toml; for role in router mobile; do " + program() + " $role -c " +
                      bed_->directory() + "/off.toml --check; done");
  EXPECT_NE(ran.output.find("rtsolpr"), std::string::npos) << ran.output;
  EXPECT_NE(ran.status, 0);
}

// GF20: the NAR answers for the address, so it did not hear of its owner: once more. Nothing else.
void Reactive::expect_announcement_repeated_for_a_proxy() {
  const Mark since = links().mark();
  links().inject(Place::kMobileLink, bed_->router_link(Side::kNar), group_link(kAllNodes),
                 advertisement_packet(bed_->router_link_local(Side::kNar), kAllNodes, ncoa(), {},
                                      bed_->router_link(Side::kNar)));
  EXPECT_TRUE(bed_->counted(bed_->mobile(), "mobile", "proxy-answers", 1));
  expect_seen(una(ncoa()), since, "another announcement");
  bed_->send(bed_->network().mobile(), ncoa(), Bed::correspondent(), "still ours");
  expect_seen(at(Place::kCorrespondent) && plain("still ours"), since, "a packet from the NCoA");
}

// Somebody else has the address. The next one is announced and named to the PAR, and packets go
// there only.
void Reactive::expect_address_given_up_to_its_owner() {
  const Mark since = links().mark();
  const Instant now = net::read_clocks().boot;
  links().inject(
      Place::kMobileLink, Bed::stranger(), group_link(kAllNodes),
      advertisement_packet(ncoa(), kAllNodes, ncoa(), {.override_flag = true}, Bed::stranger()));
  ASSERT_DONE(bed_->mobile().wait_for("address-lost", kPatience, now));
  const auto another = bed_->mobile().wait_for("handover-done", kPatience, now);
  ASSERT_DONE(another);
  const Ipv6Address second = Ipv6Address::literal(another->text("ncoa"));
  EXPECT_NE(second, ncoa());
  EXPECT_TRUE(lab::place(Side::kNar).prefix.contains(second));
  EXPECT_EQ(Bed::run_in(bed_->network().mobile(), "ip -6 addr show").find(ncoa().text() + "/"),
            std::string::npos);
  expect_seen(at(Place::kMobileLink) && from_node() && multicast_done(ncoa().solicited_node()),
              since, "the end of the membership in the lost address's group");
  bed_->expect_tunnelled("to the second address", second);
  EXPECT_TRUE(bed_->application_got("to the second address"));
  const Json bindings = bed_->status(bed_->par())["bindings"];
  ASSERT_EQ(bindings.size(), 1U);
  EXPECT_EQ(bindings[0]["ncoa"], second.text());
  expect_never(
      at(Place::kParCore) && from_node() && carries("to the second address") && destination(ncoa()),
      since, "a packet to the first address");
}

TEST_F(Reactive, AnAddressThatSomebodyElseHasMakesWayForAnother) {
  COVERS("FH-4-30", "FH-4-31", "FH-5.6-08", "HK-3.6-04");
  build();
  ASSERT_TRUE(bed_);
  ASSERT_NO_FATAL_FAILURE(move());
  const Mark announced = links().position(una(ncoa()), moved_);
  const Match probe = at(Place::kNarLink) && !from_node() && solicitation(ncoa()) && source({});
  expect_seen(probe, moved_, "the host's own detection");
  EXPECT_LT(announced, links().position(probe, moved_)) << bed_->story(moved_);
  const Ipv6Address group = ncoa().solicited_node();
  expect_seen(at(Place::kMobileLink) && from_node() && multicast_report(group), moved_,
              "the node's report for the address's group");
  const Mark asked = links().mark();
  links().inject(Place::kMobileLink, Bed::stranger(), group_link(group),
                 solicitation_packet(Bed::stranger_address(), Bed::stranger(), group, ncoa()));
  expect_seen(at(Place::kMobileLink) && from_node() && advertisement(ncoa()), asked,
              "the node's answer to a question that went to the group");
  const Json keys = bed_->status(bed_->par())["keys"];
  bed_->expect_tunnelled("to the first address", ncoa());
  expect_announcement_repeated_for_a_proxy();
  ASSERT_NO_FATAL_FAILURE(expect_address_given_up_to_its_owner());
  // Both FBUs were accepted under one key, which is still there.
  const Json after = bed_->status(bed_->par())["keys"];
  ASSERT_EQ(after.size(), keys.size());
  EXPECT_EQ(after[0]["fingerprint"], keys[0]["fingerprint"]);
}

}  // namespace
}  // namespace sendoff::test
