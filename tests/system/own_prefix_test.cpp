// A whole new router that gives each node a prefix of its own, while nodes are told the aggregate
// of them all (RFC 5568 5.3).
#include <nlohmann/json.hpp>

#include "net/clock.h"
#include "support/covers.h"
#include "system/bed.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

// Of the NAR: what nodes are told of, and get their prefixes from.
const Prefix kAggregate = Prefix::literal("2001:db8:a:300::/56");

class OwnPrefix : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  void hand_over();
  void expect_prefix_on_the_new_link();
  Ipv6Address given_;
  Ipv6Address others_;  // what another node got before
};

void OwnPrefix::hand_over() {
  // The core knows the aggregate as it knows the shared prefix.
  const std::string route =
      "ip -6 route add " + kAggregate.text() + " via " + lab::place(Side::kNar).core_address.text();
  for (const lab::Namespace* space :
       {&bed_->network().correspondent(), &bed_->network().router(Side::kPar)})
    ASSERT_EQ(Bed::run_in(*space, route), "");
  ASSERT_DONE(bed_->order(bed_->other(), Side::kNar));
  const auto first = bed_->other().wait_for("handover-done", kPatience);
  ASSERT_DONE(first);
  others_ = Ipv6Address::literal(first->text("ncoa"));
  const Mark ordered = links().mark();
  ASSERT_DONE(bed_->hand_over());
  const Seen fbu = links().wait(
      at(Place::kParLink) && by(lab::mobile_link()) && mobility(MobilityType::kFastBindingUpdate),
      ordered);
  ASSERT_TRUE(fbu) << bed_->story(ordered);
  const auto update = wire::FastBindingUpdate::parse(fbu->view.upper);
  ASSERT_TRUE(update && update->options.alternate_care_of);
  EXPECT_TRUE(kAggregate.contains(*update->options.alternate_care_of));
  const Seen hack =
      links().wait(at(Place::kParCore) && mobility(MobilityType::kHandoverAcknowledge), ordered);
  ASSERT_TRUE(hack) << bed_->story(ordered);
  const auto answer = wire::HandoverAcknowledge::parse(hack->view.upper);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, 2);
  const Seen fback = links().wait(
      at(Place::kParLink) && mobility(MobilityType::kFastBindingAcknowledgement), ordered);
  ASSERT_TRUE(fback) << bed_->story(ordered);
  const auto told = wire::FastBindingAcknowledgement::parse(fback->view.upper);
  ASSERT_TRUE(told && told->options.alternate_care_of);
  EXPECT_EQ(told->status, 1);
  given_ = *told->options.alternate_care_of;
  EXPECT_TRUE(kAggregate.contains(given_));
  EXPECT_NE(given_, *update->options.alternate_care_of);
  EXPECT_NE(Prefix(given_, 64), Prefix(others_, 64));
}

// All of the prefix leads there, whether the node has the address or not; what is beside it does
// not.
void OwnPrefix::expect_prefix_on_the_new_link() {
  const Mark since = links().mark();
  EXPECT_TRUE(bed_->node_delivers(given_));
  bed_->send(bed_->network().correspondent(), std::nullopt, given_, "to the address itself");
  EXPECT_TRUE(bed_->application_got("to the address itself")) << bed_->story(since);
  Ipv6Address::Octets octets = given_.octets();
  octets[15] ^= 1;
  const Ipv6Address beside(octets);
  bed_->send(bed_->network().correspondent(), std::nullopt, beside, "to another of its prefix");
  expect_seen(at(Place::kNarLink) && from_node() && solicitation(beside), since,
              "the NAR's question for another address of the prefix");
  octets[7] ^= 2;
  const Ipv6Address nobodys(octets);
  bed_->send(bed_->network().correspondent(), std::nullopt, nobodys, "to nobody's prefix");
  (void)bed_->answers_of_router(Side::kNar, Ipv6Address::literal("2001:db8:a:2::77"));
  expect_never(at(Place::kNarLink) && from_node() && solicitation(nobodys), since,
               "the NAR's question for an address of a prefix that nobody has");
}

TEST_F(OwnPrefix, LeadsToTheNodeThatGotIt) {
  COVERS("FH-5.3-01");
  const auto quoted = [](const std::string& text) { return '"' + text + '"'; };
  build({.routers = {{{"neighbour", {{"prefix", quoted(kAggregate.text())}}}},
                     {{"interface", {{"mobile_prefixes", quoted(kAggregate.text())}}}}},
         .mobile = {},
         .other = {},
         .other_node = true});
  ASSERT_TRUE(bed_);
  ASSERT_TRUE(bed_->session_opens());
  ASSERT_NO_FATAL_FAILURE(hand_over());
  bed_->expect_tunnelled("held for it", given_);
  ASSERT_DONE(bed_->leave());
  expect_never(at(Place::kNarLink) && carries("held for it"), 0, "what is held");
  const Mark entered = links().mark();
  ASSERT_DONE(bed_->enter(Side::kNar));
  EXPECT_TRUE(bed_->application_got("held for it")) << bed_->story(entered);
  const Mark una = links().position(
      at(Place::kNarLink) && advertisement(given_) && by(lab::mobile_link()), entered);
  EXPECT_LT(una,
            links().position(at(Place::kNarLink) && from_node() && carries("held for it"), entered))
      << bed_->story(entered);
  bed_->expect_tunnelled("by the tunnel", given_);
  EXPECT_TRUE(bed_->application_got("by the tunnel"));
  // And back.
  bed_->session_sends("the session goes on");
  expect_seen(at(Place::kNarLink) && !from_node() &&
                  tunnelled("the session goes on", given_, bed_->router_address(Side::kPar)),
              entered, "the session in the tunnel of the address that was given");
  bed_->send(bed_->network().mobile(), given_, Bed::correspondent(), "from the address itself");
  expect_seen(at(Place::kCorrespondent) && plain("from the address itself") && source(given_),
              entered, "a packet of the address that was given");
  expect_prefix_on_the_new_link();
}

}  // namespace
}  // namespace sendoff::test
