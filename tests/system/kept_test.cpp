// Nodes that keep their old address on the new link: "use PCoA" (HAck 3) because no other is to be
// had, because addresses come from DHCP there (PrRtAdv Code 5), or because the new router wants its
// own address named (NAACK 3). The new router delivers by a host route (RFC 5568 4, 5.2, 6.1.2,
// 6.2.1.2, 6.4.6).
#include <nlohmann/json.hpp>

#include "support/covers.h"
#include "system/bed.h"
#include "system/forgery.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

class Kept : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  Ipv6Address pcoa() { return bed_->pcoa(); }
  Ipv6Address par() { return bed_->router_address(Side::kPar); }
  Ipv6Address nar() { return bed_->router_address(Side::kNar); }

  void expect_held_without_question();
  void expect_delivery_after_announcement(Mark entered);
  void expect_way_back();
  void expect_reverse_check();
};

// The node is on neither link. What is for it goes to the NAR itself, and no further.
void Kept::expect_held_without_question() {
  bed_->expect_tunnelled("held", nar());
  EXPECT_TRUE(bed_->counted(bed_->nar(), "datapath", "held", 1));
  expect_never(at(Place::kNarLink) && from_node() && solicitation(pcoa()), 0,
               "a question of the NAR for the PCoA");
  expect_never(at(Place::kNarLink) && carries("held"), 0, "what is held");
}

void Kept::expect_delivery_after_announcement(Mark entered) {
  EXPECT_TRUE(bed_->application_got("held")) << bed_->story(entered);
  const Mark una = links().position(
      at(Place::kNarLink) && advertisement(pcoa()) && by(lab::mobile_link()), entered);
  const Mark delivered =
      links().position(at(Place::kNarLink) && from_node() && plain("held"), entered);
  const Mark question =
      links().position(at(Place::kNarLink) && from_node() && solicitation(pcoa()), entered);
  EXPECT_TRUE(una < delivered && delivered < links().mark()) << bed_->story(entered);
  EXPECT_TRUE(una < question) << bed_->story(entered);
  bed_->expect_tunnelled("delivered", nar());
  EXPECT_TRUE(bed_->application_got("delivered"));
}

// The node sends as it always did; the NAR takes it to the PAR, for whose link the address is.
void Kept::expect_way_back() {
  const Mark since = links().mark();
  bed_->send(bed_->network().mobile(), pcoa(), Bed::correspondent(), "from the old address");
  expect_seen(at(Place::kNarLink) && !from_node() && plain("from the old address"), since,
              "the node's packet on the new link");
  expect_seen(at(Place::kNarCore) && from_node() &&
                  tunnelled("from the old address", nar(), par()) && inner_source(pcoa()),
              since, "the node's packet in the NAR's tunnel to the PAR");
  expect_seen(at(Place::kCorrespondent) && plain("from the old address") && source(pcoa()), since,
              "the node's packet at the correspondent");
}

// GF26: the far end of this binding's tunnel is the NAR, and nobody else.
void Kept::expect_reverse_check() {
  const Mark since = links().mark();
  const auto from_core = [&](const Ipv6Address& outer, const std::string& data) {
    links().inject(Place::kParCore, lab::place(Side::kNar).core_link,
                   lab::place(Side::kPar).core_link,
                   in_tunnel(outer, par(), datagram(pcoa(), Bed::correspondent(), 5568, data)));
  };
  from_core(bed_->ncoa(), "from the proposed address");
  from_core(nar(), "from the NAR");
  expect_seen(at(Place::kCorrespondent) && plain("from the NAR"), since, "what the NAR tunnels");
  expect_never(at(Place::kCorrespondent) && carries("from the proposed address"), since,
               "what another tunnels");
}

TEST_F(Kept, AnAddressThatTheNewRouterAsksToKeepIsDeliveredByItsHostRoute) {
  COVERS("FH-4-24", "FH-4-25");
  build(
      {.routers = {{{"handover", {{"request_address", "true"}}}}, {}}, .mobile = {}, .other = {}});
  ASSERT_TRUE(bed_);
  const Mark ordered = links().mark();
  ASSERT_DONE(bed_->hand_over());
  const Seen fback = links().wait(
      at(Place::kParLink) && mobility(MobilityType::kFastBindingAcknowledgement), ordered);
  ASSERT_TRUE(fback) << bed_->story(ordered);
  const auto parsed = wire::FastBindingAcknowledgement::parse(fback->view.upper);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->status, 1);
  EXPECT_EQ(parsed->options.alternate_care_of, pcoa());

  ASSERT_DONE(bed_->leave());
  expect_held_without_question();
  const Mark entered = links().mark();
  ASSERT_DONE(bed_->enter(Side::kNar));
  expect_delivery_after_announcement(entered);
  expect_way_back();
  expect_reverse_check();
}

TEST_F(Kept, WhereAddressesComeFromDhcpTheOldOneServesMeanwhile) {
  COVERS("FH-6.1.2-29");
  build({.routers = {{{"neighbour", {{"dhcp", "true"}}}}, {{"interface", {{"dhcp", "true"}}}}},
         .mobile = {},
         .other = {}});
  ASSERT_TRUE(bed_);
  const Mark ordered = links().mark();
  ASSERT_DONE(bed_->hand_over());
  // The FBU names an address that was formed all the same.
  const Seen fbu =
      links().wait(at(Place::kParLink) && mobility(MobilityType::kFastBindingUpdate), ordered);
  ASSERT_TRUE(fbu) << bed_->story(ordered);
  const auto parsed = wire::FastBindingUpdate::parse(fbu->view.upper);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->options.alternate_care_of, bed_->ncoa());
  const Seen hi =
      links().wait(at(Place::kParCore) && mobility(MobilityType::kHandoverInitiate), ordered);
  ASSERT_TRUE(hi) << bed_->story(ordered);
  const auto initiate = wire::HandoverInitiate::parse(hi->view.upper);
  ASSERT_TRUE(initiate);
  EXPECT_FALSE(initiate->assigned_addressing);

  ASSERT_DONE(bed_->leave());
  expect_held_without_question();
  const Mark entered = links().mark();
  ASSERT_DONE(bed_->enter(Side::kNar));
  expect_delivery_after_announcement(entered);
  expect_way_back();
}

}  // namespace
}  // namespace sendoff::test
