// Routers whose neighbour is protected by ESP.
#pragma once

#include "esp/fixture.h"
#include "router/handover_fixture.h"
#include "router/peer_link.h"

namespace sendoff::test {

inline constexpr std::uint32_t kToPeer = 0x1000;
inline constexpr std::uint32_t kFromPeer = 0x2000;

// A router fixture whose neighbour is protected, and the neighbour's end of the associations.
template <typename Base>
class Protected : public Base {
 protected:
  explicit Protected(const Ipv6Address& peer) : peer_(peer) {
    router::Neighbour& neighbour = this->config.neighbours[0];
    neighbour.protection = router::Protection::kEsp;
    neighbour.esp = esp::Pair{this->ar_global(),
                              peer,
                              {kToPeer, esp::key_numbered(1)},
                              {{kFromPeer, esp::key_numbered(2), true}}};
    far_pair = {peer,
                this->ar_global(),
                {kFromPeer, esp::key_numbered(2)},
                {{kToPeer, esp::key_numbered(1), true}}};
    far.configure(this->bench.now, {{far_pair}, {}, true});
  }

  // The Mobility Headers that the peer finds in what was sent since the last forget(). Fails the
  // test when an HI or HAck left in clear.
  [[nodiscard]] std::vector<Bytes> inside() {
    far.taken.clear();
    for (const machine::Transmit& transmit : this->bench.sent) {
      const auto view = wire::PacketView::parse(transmit.packet);
      EXPECT_FALSE(router::PeerLink::concerns(*view) &&
                   view->upper_protocol == wire::kProtocolMobility)
          << "in clear";
      if (view->upper_protocol != wire::kProtocolEsp) continue;
      EXPECT_TRUE(transmit.routed);
      EXPECT_EQ(view->header.source, this->ar_global());
      EXPECT_EQ(view->header.destination, peer_);
      EXPECT_EQ(view->header.next_header, wire::kProtocolEsp) << "no extension header";
      EXPECT_EQ(far.open(this->bench.now, transmit.packet), std::nullopt);
    }
    return far.taken;
  }
  template <typename Message>
  [[nodiscard]] std::vector<Message> messages() {
    std::vector<Message> found;
    for (const Bytes& header : inside())
      if (const auto message = Message::parse(header)) found.push_back(*message);
    return found;
  }
  [[nodiscard]] Bytes sealed(const Bytes& clear) {
    return far.seal(this->bench.now, this->ar_global(), ByteView(clear).subspan(40)).value();
  }
  void take_packet(const Bytes& packet) { this->bench.receive(packet, kNarLink); }
  // Of what the router sends, at both ends; its end counts when the router is told.
  void replace_key(std::uint8_t number) {
    this->config.neighbours[0].esp->outbound.key = esp::key_numbered(number);
    far_pair.inbound[0].key = esp::key_numbered(number);
    far.configure(this->bench.now, {{far_pair}, {}, true});
  }
  // What a router kept that has used up the numbers of its first key.
  [[nodiscard]] static machine::Snapshot spent() {
    machine::Snapshot snapshot;
    snapshot.emplace_back(machine::EspCounter{esp::Direction::kOutbound, kToPeer,
                                              esp::fingerprint(*esp::key_numbered(1)), 0xffffffff});
    return snapshot;
  }
  // The store takes everything but counters.
  void refuse_counters() {
    this->bench.outcome_of =
        [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
      const auto* persist = std::get_if<machine::Persist>(&action.what);
      if (persist != nullptr && std::holds_alternative<machine::EspCounter>(persist->record))
        return fail(machine::ActionError::kStore);
      return machine::Facts{};
    };
  }
  [[nodiscard]] std::uint64_t dropped(std::string_view cause) const {
    return this->bench.counter("esp", cause);
  }

  const Ipv6Address peer_;
  esp::Pair far_pair;
  esp::Node far;
};

class EspPar : public Protected<ParTest> {
 protected:
  EspPar() : Protected(kNar) {}
  // A HAck to this HI, in clear.
  [[nodiscard]] CraftPeer answer(const wire::HandoverInitiate& hi, std::uint8_t code = 0) const {
    CraftPeer craft;
    craft.source = kNar;
    craft.destination = ar_global();
    craft.sequence = hi.sequence;
    craft.code = code;
    return craft;
  }
};

class EspNar : public Protected<NarTest> {
 protected:
  EspNar() : Protected(Ipv6Address::literal("2001:db8:a:2::1")) {}
};

}  // namespace sendoff::test
