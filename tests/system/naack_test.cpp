// What a node makes of a new router's NAACK (RFC 5568 6.4.6). The advertisements that carry it are
// signed with the new router's key, as its own are.
#include <netinet/in.h>

#include <nlohmann/json.hpp>

#include "lab/links.h"
#include "net/clock.h"
#include "support/covers.h"
#include "system/bed.h"
#include "system/forgery.h"
#include "wire/icmpv6.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

constexpr std::uint8_t kConfigure = 1;
constexpr std::uint8_t kUseRouterAddress = 3;
constexpr std::uint8_t kUnrecognised = 128;

class Naack : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  Ipv6Address pcoa() { return bed_->pcoa(); }
  Ipv6Address par() { return bed_->router_address(Side::kPar); }
  Ipv6Address nar() { return bed_->router_address(Side::kNar); }

  void move() {
    ASSERT_TRUE(bed_->session_opens());
    ASSERT_DONE(bed_->leave());
    moved_ = links().mark();
    moved_at_ = net::read_clocks().boot;
    ASSERT_DONE(bed_->enter(Side::kNar));
    ASSERT_DONE(bed_->mobile().wait_for("handover-done", kPatience, moved_at_));
  }
  // The NAR's word on the announcement of `address`; returns when the node has it.
  void say(std::uint8_t status, const Ipv6Address& address, bool with_link_address = true) {
    const Seen own =
        links().wait(at(Place::kNarLink) && from_node() &&
                         icmp(static_cast<std::uint8_t>(wire::Icmpv6Type::kRouterAdvertisement)),
                     moved_);
    ASSERT_TRUE(own) << bed_->story(moved_);
    said_at_ = net::read_clocks().boot;
    links().inject(Place::kMobileLink, bed_->router_link(Side::kNar), lab::mobile_link(),
                   naack_of_nar(*bed_, *own, address, status, with_link_address));
    const auto heard = bed_->mobile().wait_for("naack-received", kPatience, said_at_);
    ASSERT_DONE(heard);
    ASSERT_TRUE(bed_->node_loses(address));
    said_ = links().mark();
  }
  // The node's kernel has forgotten its router's link-layer address, and nobody tells it again.
  // What it sends by way of the router waits.
  void forget_router();
  void router_is_found();
  [[nodiscard]] std::string node_says(const std::string& command) {
    return Bed::run_in(bed_->network().mobile(), command);
  }
  void expect_no_use(Mark since, const Ipv6Address& refused);
  void expect_right_given_back(const Ipv6Address& refused);
  Mark moved_ = 0;
  Mark said_ = 0;
  Instant moved_at_;
  Instant said_at_;
};

// FH-3.1-09. The applications hold sockets of both addresses, and go on sending.
TEST_F(Naack, WhatItRefusesIsNeverUsedAgain) {
  COVERS("FH-3.1-09");
  build();
  ASSERT_TRUE(bed_);
  ASSERT_NO_FATAL_FAILURE(move());
  const Ipv6Address first = bed_->ncoa();
  const auto second_session = bed_->session_of(first);
  ASSERT_TRUE(second_session.ok());
  Bed::send_on(second_session, "used at once");
  expect_seen(at(Place::kNarLink) && !from_node() && plain("used at once") && source(first), moved_,
              "a packet from the NCoA");
  const Match una = at(Place::kNarLink) && !from_node() && advertisement(first);
  EXPECT_LT(links().position(una, moved_),
            links().position(at(Place::kNarLink) && plain("used at once"), moved_));

  // Another address is to be formed: only that one is used.
  ASSERT_NO_FATAL_FAILURE(say(kConfigure, first));
  const auto another = bed_->mobile().wait_for("handover-done", kPatience, said_at_);
  ASSERT_DONE(another);
  const Ipv6Address second = Ipv6Address::literal(another->text("ncoa"));
  EXPECT_NE(second, first);
  Bed::send_on(second_session, "under the first address");
  bed_->session_sends("the session under the second address");
  expect_seen(at(Place::kNarLink) && !from_node() &&
                  tunnelled("the session under the second address", second, par()),
              said_, "the session in the tunnel of the second address");
  bed_->wait_for_node();
  expect_never(at(Place::kMobileLink) && from_node() && source(first), said_,
               "a packet from the first address");

  // The link-layer address is not known to the router: this address is not used either.
  const auto third_session = bed_->session_of(second);
  ASSERT_TRUE(third_session.ok());
  ASSERT_NO_FATAL_FAILURE(say(kUnrecognised, second));
  Bed::send_on(third_session, "under the second address");
  bed_->session_sends_or_fails("under the old address");
  bed_->wait_for_node();
  expect_never(at(Place::kMobileLink) && from_node() && (source(first) || source(second)), said_,
               "a packet from an address that was refused");
}

void Naack::forget_router() {
  const std::string filter =
      Bed::run_in(bed_->network().router(Side::kNar),
                  "nft 'add table ip6 lost; add chain ip6 lost asked { type filter hook input "
                  "priority -400; }; "
                  "add rule ip6 lost asked icmpv6 type nd-neighbor-solicit drop; "
                  "add chain ip6 lost way { type filter hook forward priority 0; }; "
                  "add rule ip6 lost way mh type 9 drop'");
  ASSERT_EQ(filter, "");
  lab::Links node(bed_->network().mobile());
  node.set("net/ipv6/neigh/" + std::string(lab::kAccessInterface) + "/mcast_solicit", "60");
  ASSERT_DONE(node.outcome());
  const std::string device = " dev " + std::string(lab::kAccessInterface);
  for (const Ipv6Address& address : {bed_->router_link_local(Side::kNar), nar()})
    (void)node_says("ip -6 neigh del " + address.text() + device + " 2>/dev/null");
}

void Naack::router_is_found() {
  for (const Ipv6Address& address : {bed_->router_link_local(Side::kNar), nar()})
    links().inject(
        Place::kMobileLink, bed_->router_link(Side::kNar), lab::mobile_link(),
        advertisement_packet(address, kAllNodes, address, {.router = true, .override_flag = true},
                             bed_->router_link(Side::kNar)));
}

void Naack::expect_no_use(Mark since, const Ipv6Address& refused) {
  bed_->wait_for_node();
  expect_never(
      at(Place::kMobileLink) && from_node() &&
          (source(refused) || source(pcoa()) || inner_source(refused) || inner_source(pcoa())),
      since, "a packet from an address that was refused");
}

// GF58. The FBU is repeated, and its FBack comes through: the PCoA may be used, in the tunnel of
// the address that is accepted, and the other one never.
void Naack::expect_right_given_back(const Ipv6Address& refused) {
  const Mark since = links().mark();
  ASSERT_EQ(Bed::run_in(bed_->network().router(Side::kNar), "nft delete table ip6 lost"), "");
  const auto done = bed_->mobile().wait_for("handover-done", kPatience, said_at_);
  ASSERT_DONE(done);
  const Ipv6Address second = Ipv6Address::literal(done->text("ncoa"));
  EXPECT_NE(second, refused);
  const auto session = bed_->session_of(pcoa());
  ASSERT_TRUE(session.ok());
  Bed::send_on(session, "with a right to it");
  expect_seen(at(Place::kNarLink) && !from_node() &&
                  tunnelled("with a right to it", second, par()) && inner_source(pcoa()),
              since, "a packet of the PCoA in the tunnel of the next address");
  EXPECT_TRUE(bed_->node_delivers(pcoa()));
  bed_->expect_tunnelled("to the next address", second);
  EXPECT_TRUE(bed_->application_got("to the next address")) << bed_->story(since);
  expect_never(at(Place::kMobileLink) && from_node() &&
                   (source(refused) || (source(pcoa()) && !icmp(kSolicitation))),
               since, "a bare packet from an address that was refused");
}

// FH-6.4.6-09. Packets of both addresses wait in the node's kernel when the refusal comes, and the
// applications go on. The FBU for the next address is sent at once, its FBack is lost.
TEST_F(Naack, OfWhatItRefusesNothingLeavesUntilThereIsARight) {
  COVERS("FH-6.4.6-09");
  build({.routers = {}, .mobile = {{"handover", {{"fbu_timeout_ms", "4000"}}}}, .other = {}});
  ASSERT_TRUE(bed_);
  const Instant left = net::read_clocks().boot;
  ASSERT_NO_FATAL_FAILURE(move());
  const Ipv6Address first = bed_->ncoa();
  const auto first_session = bed_->session_of(first);
  ASSERT_TRUE(first_session.ok());
  expect_seen(at(Place::kNarLink) && from_node() &&
                  icmp(static_cast<std::uint8_t>(wire::Icmpv6Type::kRouterAdvertisement)),
              moved_, "an advertisement of the NAR");
  ASSERT_DONE(bed_->mobile().wait_for("router-found", kPatience, left));  // with its path
  Standstill silence(bed_->nar());  // none tells the link-layer address any more
  ASSERT_NO_FATAL_FAILURE(forget_router());
  const Mark queued = links().mark();
  Bed::send_on(first_session, "waits under the first address");
  bed_->session_sends("waits under the old address");
  expect_seen(at(Place::kMobileLink) && from_node() &&
                  (solicitation(bed_->router_link_local(Side::kNar)) || solicitation(nar())),
              queued, "the node's question for its router");
  EXPECT_NE(node_says("ip -6 neigh show").find("INCOMPLETE"), std::string::npos);

  const Mark told = links().mark();
  ASSERT_NO_FATAL_FAILURE(say(kUnrecognised, first, false));
  EXPECT_TRUE(bed_->node_loses(pcoa()));
  const Mark refused = links().mark();
  // Told only who asks: the question that went unanswered is over, the next may not be asked yet.
  const Match fbu = at(Place::kNarLink) && !from_node() &&
                    mobility(MobilityType::kFastBindingUpdate) && !source(first);
  const Instant deadline = net::read_clocks().boot + kPatience;
  while (links().count(fbu, told) == 0 && net::read_clocks().boot < deadline) {
    router_is_found();
    bed_->wait_for_node();
  }
  expect_seen(fbu, told, "an FBU from the next address");
  Bed::send_on(first_session, "under the first address");
  bed_->session_sends_or_fails("under the old address");
  expect_no_use(refused, first);
  expect_never(carries("waits under the first address") || carries("waits under the old address"),
               queued, "what the host had queued");
  silence.end();
  ASSERT_NO_FATAL_FAILURE(expect_right_given_back(first));
}

// FH-6.4.6-05. The old address goes on, behind the new router's own.
TEST_F(Naack, WhereTheRoutersAddressIsToBeNamedItDeliversToTheOldOne) {
  COVERS("FH-6.4.6-05");
  build();
  ASSERT_TRUE(bed_);
  ASSERT_NO_FATAL_FAILURE(move());
  ASSERT_NO_FATAL_FAILURE(say(kUseRouterAddress, bed_->ncoa()));
  const auto done = bed_->mobile().wait_for("handover-done", kPatience, said_at_);
  ASSERT_DONE(done);
  const auto names_router = [this](const Frame& frame) {
    if (frame.mobility() != MobilityType::kFastBindingUpdate) return false;
    const auto fbu = wire::FastBindingUpdate::parse(frame.view.upper);
    return fbu && fbu->options.alternate_care_of == nar();
  };
  expect_seen(at(Place::kNarLink) && !from_node() && Match::Test(names_router), moved_,
              "an FBU that names the NAR's address");
  bed_->expect_tunnelled("by way of the router", nar());
  const Mark since = links().mark();
  bed_->send_to_node("by host route");
  expect_seen(at(Place::kNarLink) && from_node() && plain("by host route") && destination(pcoa()),
              since, "the packet without a tunnel on the new link");
  EXPECT_TRUE(bed_->application_got("by host route"));
}

}  // namespace
}  // namespace sendoff::test
