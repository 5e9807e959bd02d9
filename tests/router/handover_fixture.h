// Routers in a handover: a PAR with a scripted NAR, a NAR with a scripted PAR, and both as real
// machines that exchange their octets.
#pragma once

#include "router/handover_codes.h"
#include "router/router_fixture.h"

namespace sendoff::test {

inline const Ipv6Address kNar = Ipv6Address::literal("2001:db8:a:2::1");
inline const LinkAddress kNarLink = LinkAddress::literal("02:00:00:00:00:02");

using AddressCode = wire::MobilityAddressPrefix::Code;

inline std::optional<Ipv6Address> address_in(const wire::MobilityOptions& options,
                                             AddressCode code) {
  for (const wire::MobilityAddressPrefix& item : options.addresses)
    if (item.code == code) return item.address;
  return std::nullopt;
}

// A message of `type` that a machine sent, with its packet.
template <typename Message>
struct Sent {
  wire::Ipv6Header ip;
  Message message;
  Bytes packet;
};
template <typename Message>
std::vector<Sent<Message>> sent_by(const MachineBench& bench) {
  std::vector<Sent<Message>> found;
  for (const machine::Transmit& transmit : bench.sent) {
    const auto view = wire::PacketView::parse(transmit.packet);
    if (!view || view->upper_protocol != wire::kProtocolMobility) continue;
    const auto message = Message::parse(view->upper);
    if (message) found.push_back({view->header, *message, transmit.packet});
  }
  return found;
}

// The PAR under test; the NAR is whatever the test writes.
class ParTest : public RouterTest {
 protected:
  ParTest() {
    config.neighbours[0].handover_initiate = true;
    config.neighbours[0].protection = router::Protection::kClear;
    config.neighbours[0].address = kNar;
  }
  void start(machine::Snapshot snapshot = {}) {
    RouterTest::start(std::move(snapshot));
    delivered = provision();
  }
  [[nodiscard]] CraftFbu predictive(std::uint16_t sequence = 1) const {
    CraftFbu craft = fbu(delivered, sequence);
    craft.link_address = mn.link_address();
    return craft;
  }
  [[nodiscard]] CraftFbu reactive(std::uint16_t sequence = 1) const {
    CraftFbu craft = predictive(sequence);
    craft.source = ncoa();
    craft.alternate_care_of.reset();
    return craft;
  }
  [[nodiscard]] Ipv6Address ncoa() const { return mn.address_in(kNarPrefix); }
  [[nodiscard]] std::vector<Sent<wire::HandoverInitiate>> his() const {
    return sent_by<wire::HandoverInitiate>(bench);
  }
  // A HAck to the last HI sent since the last forget().
  [[nodiscard]] CraftPeer hack(std::uint8_t code) const {
    CraftPeer craft;
    craft.source = kNar;
    craft.destination = ar_global();
    craft.code = code;
    const auto asked = his();
    EXPECT_FALSE(asked.empty());
    if (!asked.empty()) craft.sequence = asked.back().message.sequence;
    return craft;
  }
  void take(const CraftPeer& craft) { bench.receive(craft.acknowledge(), kNarLink); }
  [[nodiscard]] std::uint64_t counted(std::string_view group, std::string_view name) const {
    return bench.counter(group, name);
  }
  [[nodiscard]] std::vector<router::Router::BindingStatus> bindings() const {
    return router->status(bench.now, 100).bindings;
  }
  [[nodiscard]] std::size_t installed() const {
    return bench.asked<machine::InstallBinding>().size();
  }
  // Destinations of the FBacks sent since the last forget().
  [[nodiscard]] std::vector<Ipv6Address> fback_destinations() const {
    std::vector<Ipv6Address> found;
    for (const auto& sent : sent_by<wire::FastBindingAcknowledgement>(bench))
      found.push_back(sent.ip.destination);
    return found;
  }
  Delivered delivered;
};

// The NAR under test, with the prefix 2001:db8:a:1::/64; a PAR in 2001:db8:a:2::/64 is scripted.
class NarTest : public RouterTest {
 protected:
  NarTest() {
    config.neighbours[0].address = par;
    config.neighbours[0].protection = router::Protection::kClear;
    config.new_router.dad_transmits = 0;
  }
  const Ipv6Address par = Ipv6Address::literal("2001:db8:a:2::1");
  const Ipv6Address pcoa = Ipv6Address::literal("2001:db8:a:2::77");

  [[nodiscard]] Ipv6Address ncoa() const { return mn.global(); }
  [[nodiscard]] CraftPeer hi(std::uint16_t sequence = 1) const {
    CraftPeer craft;
    craft.source = par;
    craft.destination = ar_global();
    craft.sequence = sequence;
    craft.buffer = true;
    craft.link_address = mn.link_address();
    craft.pcoa = pcoa;
    craft.ncoa = ncoa();
    return craft;
  }
  void take(const CraftPeer& craft) { bench.receive(craft.initiate(), kNarLink); }
  [[nodiscard]] std::vector<Sent<wire::HandoverAcknowledge>> hacks() const {
    return sent_by<wire::HandoverAcknowledge>(bench);
  }
  // The code of the only HAck since the last forget().
  [[nodiscard]] int code() const {
    const auto all = hacks();
    EXPECT_EQ(all.size(), 1u);
    return all.size() == 1 ? all[0].message.code : -1;
  }
  [[nodiscard]] Bytes una(const Ipv6Address& address, const LinkAddress& link_address,
                          const Ipv6Address& destination = kAllNodes) const {
    Craft craft;
    craft.source = address;
    craft.destination = destination;
    append(craft.head, wire::NeighborAdvertisement{.target = address});
    craft.options.push_back(
        octets_of(wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, link_address}));
    return craft.packet();
  }
  void arrive(const Ipv6Address& address) {
    bench.receive(una(address, mn.link_address()), mn.link_address());
  }
  // DAD probes sent since the last forget().
  [[nodiscard]] std::vector<Ipv6Address> probed() const {
    std::vector<Ipv6Address> targets;
    for (const machine::Transmit& transmit : bench.sent) {
      if (transmit.packet[6] != wire::kProtocolIcmpv6) continue;
      const auto probe = wire::NeighborSolicitation::parse(ByteView(transmit.packet).subspan(40));
      if (probe) targets.push_back(probe->target);
    }
    return targets;
  }
  [[nodiscard]] bool proxied(const Ipv6Address& address) const {
    bool there = false;
    for (const machine::SetProxy* action : bench.asked<machine::SetProxy>())
      if (action->address == address) there = action->present;
    return there;
  }
  [[nodiscard]] std::uint64_t counted(std::string_view name) const {
    return bench.counter("arrival", name);
  }
  [[nodiscard]] std::vector<router::Router::ArrivalStatus> arrivals() const {
    return router->status(bench.now, 10'000).arrivals;
  }
  // RAs with NAACK sent since the last forget().
  struct Naack {
    wire::NaackOption option;
    wire::RouterAdvertisement ra;
    std::size_t prefixes = 0;
    Ipv6Address destination;
    std::optional<LinkAddress> link_destination;
  };
  [[nodiscard]] std::vector<Naack> naacks() const {
    std::vector<Naack> found;
    for (const machine::Transmit& transmit : bench.sent) {
      if (transmit.packet[6] != wire::kProtocolIcmpv6 || transmit.packet[40] != 134) continue;
      const auto option = find_option(transmit.packet, wire::OptionType::kNaack);
      if (!option) continue;
      Naack naack;
      naack.option = *wire::NaackOption::parse(*option);
      naack.ra = *wire::RouterAdvertisement::parse(ByteView(transmit.packet).subspan(40));
      naack.destination = wire::Ipv6Header::parse(transmit.packet)->destination;
      naack.link_destination = transmit.link_destination;
      for (const wire::RawOption& raw : options_of(transmit.packet))
        naack.prefixes += raw.type == wire::OptionType::kPrefixInformation;
      EXPECT_TRUE(signed_properly(transmit.packet));
      found.push_back(naack);
    }
    return found;
  }
};

}  // namespace sendoff::test
