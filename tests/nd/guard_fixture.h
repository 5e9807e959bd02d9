// A guard under test: one interface with a key of its own, neighbours that craft their messages by
// wire/ and crypto/ alone, a kernel whose messages a test writes, and the verdicts. Every held
// packet must get exactly one.
#pragma once

#include <gtest/gtest.h>

#include "mobile/fake_router.h"
#include "nd/guard.h"
#include "support/covers.h"
#include "support/machine_bench.h"
#include "support/peer.h"

namespace sendoff::test {

class GuardTest : public testing::Test {
 protected:
  using Kind = machine::Verdict::Kind;
  static constexpr InterfaceId kGuarded{0};
  static inline const LinkAddress kOwnLink = LinkAddress::literal("02:00:5e:00:53:01");
  static inline const std::string kOnLink = "2001:db8:a:1::/64";

  GuardTest() {
    nd::GuardedInterface interface;
    interface.name = "eth0";
    config.interfaces.push_back(interface);
    config.identity.key = signing_key("other-2048");
    config.identity.modifier = {3, 9, 7, 1};
    config.receiver.budget = {1000, 1000, 100};
    config.signatures = {1000, 1000, 100};
  }
  // When its link goes, the guard lets go of what it still holds.
  ~GuardTest() override {
    if (guard) bench.host(machine::InterfaceDown{kGuarded});
    collect();
    for (const auto& [hold, count] : verdicts_) EXPECT_EQ(count, 1) << "of packet " << hold.value;
  }

  // Anew: the guard before lets go of what it holds.
  void start() {
    if (guard) bench.host(machine::InterfaceDown{kGuarded});
    collect();
    bench.unanswered.clear();
    guard = std::make_unique<nd::Guard>(config, machine::Snapshot{}, random, bench.now);
    bench.attach(*guard);
    bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
    bench.forget();
    bench.jobs.clear();
  }
  void trust() {
    auto list = std::make_shared<std::vector<pki::TrustAnchor>>();
    list->push_back(*pki::TrustAnchor::parse(certificate("anchor")));
    config.paths.anchors = std::move(list);
  }
  void secured_only() { config.interfaces[0].mode = nd::GuardMode::kSecuredOnly; }

  [[nodiscard]] Ipv6Address own(std::uint8_t collision_count = 0) const {
    return config.identity.address(send::link_local_prefix(), collision_count);
  }

  // --- packets that the host holds; nothing: the verdict is still to come
  std::optional<machine::Verdict> hand(machine::Received::Origin origin, ByteView packet,
                                       const LinkAddress& from = {}, InterfaceId on = kGuarded,
                                       bool in_pieces = false) {
    machine::Received received;
    received.arrived_as_fragment = in_pieces;
    received.interface = on;
    received.origin = origin;
    received.frame_source = from;
    received.packet = packet;
    received.hold = machine::HoldId{++last_hold_};
    verdicts_[*received.hold] = 0;
    bench.receive(received);
    return verdict(*received.hold);
  }
  std::optional<machine::Verdict> from_kernel(ByteView packet) {
    return hand(machine::Received::Origin::kHost, packet);
  }
  std::optional<machine::Verdict> from_wire(ByteView packet,
                                            const LinkAddress& from = peer_link()) {
    return hand(machine::Received::Origin::kWire, packet, from);
  }
  [[nodiscard]] machine::HoldId last_hold() const { return machine::HoldId{last_hold_}; }
  [[nodiscard]] std::optional<machine::Verdict> verdict(machine::HoldId hold) {
    collect();
    const auto found = given_.find(hold);
    if (found == given_.end()) return std::nullopt;
    return found->second;
  }
  // What the kernel is given of a packet: the ICMPv6 message; empty where it is dropped.
  static Bytes icmp_of(const std::optional<machine::Verdict>& verdict) {
    if (!verdict || verdict->kind != Kind::kReplace) return {};
    const auto packet = wire::PacketView::parse(verdict->packet);
    EXPECT_TRUE(packet.has_value());
    EXPECT_EQ(packet->header.hop_limit, 255);
    EXPECT_TRUE(
        wire::icmpv6_checksum_ok(packet->header.source, packet->header.destination, packet->upper));
    return to_bytes(packet->upper);
  }
  static bool dropped(const std::optional<machine::Verdict>& verdict) {
    return verdict && verdict->kind == Kind::kDrop;
  }
  static bool taken(const std::optional<machine::Verdict>& verdict) {
    return verdict && verdict->kind != Kind::kDrop;
  }
  [[nodiscard]] std::uint64_t counted(std::string_view counter) const {
    return bench.counter("guard", counter);
  }

  // --- what a kernel says
  static Bytes plain(const Ipv6Address& source, const Ipv6Address& destination, Bytes message) {
    wire::seal_icmpv6(source, destination, message);
    return wire::icmpv6_packet(source, destination, message);
  }
  static Bytes solicitation(const Ipv6Address& source, const Ipv6Address& destination,
                            const Ipv6Address& target, const LinkAddress& link = {}) {
    Bytes message = octets_of(wire::NeighborSolicitation{target});
    if (!link.empty())
      append(message, wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, link});
    return plain(source, destination, std::move(message));
  }
  static Bytes advertisement(const Ipv6Address& source, const Ipv6Address& destination,
                             const Ipv6Address& target, bool solicited, const LinkAddress& link) {
    wire::NeighborAdvertisement head;
    head.target = target;
    head.solicited = solicited;
    head.override_flag = true;
    Bytes message = octets_of(head);
    append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, link});
    return plain(source, destination, std::move(message));
  }
  [[nodiscard]] Bytes detection(std::uint8_t collision_count = 0) const {
    const Ipv6Address target = own(collision_count);
    return solicitation(Ipv6Address{}, target.solicited_node(), target);
  }
  static Bytes router_advertisement(const Ipv6Address& source, const LinkAddress& link,
                                    std::uint16_t lifetime_s, std::uint32_t valid_s = 3600) {
    wire::RouterAdvertisement head;
    head.router_lifetime_s = lifetime_s;
    Bytes message = octets_of(head);
    append(message, wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, link});
    wire::PrefixInformation prefix;
    prefix.on_link = prefix.autonomous = true;
    prefix.address = Prefix::literal(kOnLink).address();
    prefix.valid_lifetime_s = prefix.preferred_lifetime_s = valid_s;
    append(message, prefix);
    return plain(source, kAllNodes, std::move(message));
  }

  // --- what a neighbour with SEND says
  static const LinkAddress& peer_link() {
    static const LinkAddress link = LinkAddress::literal("02:00:5e:00:53:21");
    return link;
  }
  [[nodiscard]] Craft secured(const Ipv6Address& source, const Ipv6Address& destination, Bytes head,
                              std::optional<Bytes> nonce) const {
    Craft craft;
    craft.source = source;
    craft.destination = destination;
    craft.head = std::move(head);
    craft.cga_parameters = peer.parameters(source).octets();
    craft.timestamp = timestamp_at(bench.now.utc);
    craft.nonce = std::move(nonce);
    craft.signer = peer.key();
    return craft;
  }
  // For our link-local address, from its own.
  [[nodiscard]] Craft secured_solicitation() {
    Craft craft =
        secured(peer.link_local(), own().solicited_node(),
                octets_of(wire::NeighborSolicitation{own()}), Bytes{1, 1, 1, 1, 1, ++serial_});
    craft.options.push_back(octets_of(
        wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, peer.link_address()}));
    return craft;
  }
  [[nodiscard]] Craft secured_advertisement(std::optional<Bytes> nonce) const {
    wire::NeighborAdvertisement head;
    head.target = peer.link_local();
    head.solicited = true;
    head.override_flag = true;
    Craft craft = secured(peer.link_local(), own(), octets_of(head), std::move(nonce));
    craft.options.push_back(octets_of(
        wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, peer.link_address()}));
    return craft;
  }
  // The kernel asks for the peer: the Nonce that it left with.
  [[nodiscard]] Bytes ask_for_peer() {
    const auto asked = from_kernel(
        solicitation(own(), peer.link_local().solicited_node(), peer.link_local(), kOwnLink));
    return nonce_of(asked->packet).value_or(Bytes{});
  }
  static std::optional<Bytes> nonce_of(ByteView packet) {
    const auto option = find_option(packet, wire::OptionType::kNonce);
    if (!option) return std::nullopt;
    return to_bytes(wire::NonceOption::parse(*option)->nonce);
  }

  // --- a certified router
  [[nodiscard]] Bytes certified_advertisement(const FakeRouter::Advertised& advertised = {}) const {
    Seal seal;
    seal.utc = bench.now.utc;
    return router.router_advertisement(kAllNodes, seal, advertised);
  }
  // Answers the CPS that was sent.
  void give_path() {
    ASSERT_FALSE(bench.sent.empty());
    const Bytes cps = bench.sent.back().packet;
    const auto head = wire::CertificationPathSolicitation::parse(ByteView(cps).subspan(40));
    ASSERT_TRUE(head.has_value());
    for (const Bytes& cpa : router.path_advertisements(own(), head->identifier)) {
      machine::Received received;
      received.interface = kGuarded;
      received.packet = cpa;
      bench.receive(received);
    }
  }
  // A router of this link, its path known, its RA accepted.
  void have_router() {
    (void)from_wire(certified_advertisement(), router.link_address);
    const machine::HoldId first = last_hold();
    give_path();
    EXPECT_TRUE(taken(verdict(first)));
  }

  nd::GuardConfig config;
  FakeRandom random{11};
  MachineBench bench;
  std::unique_ptr<nd::Guard> guard;
  Peer peer{signing_key("mn-1024"), kOnLink, "02:00:5e:00:53:21"};
  FakeRouter router{
      "ar-2048", {certificate("ca"), certificate("good-router")}, {Prefix::literal(kOnLink)}, 1};

 private:
  void collect() {
    for (const auto* each : bench.asked<machine::Verdict>()) {
      given_.insert_or_assign(each->hold, *each);
      ++verdicts_[each->hold];
    }
    std::erase_if(bench.actions, [](const machine::Action& action) {
      return std::holds_alternative<machine::Verdict>(action.what);
    });
  }

  std::map<machine::HoldId, int> verdicts_;
  std::map<machine::HoldId, machine::Verdict> given_;
  std::uint64_t last_hold_ = 0;
  std::uint8_t serial_ = 0;
};

}  // namespace sendoff::test
