// Attackers on a link, without any key that counts: forger, replayer, flooder, and the one in the
// middle.
#include <utility>

#include "sim/attackers.h"
#include "sim/forgery.h"
#include "sim/key_pool.h"
#include "sim/places.h"
#include "sim/world.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::sim {

namespace {

using wire::NaackOption;

Secret some_key(Dice& dice) {
  Secret key(crypto::key_size(crypto::Algorithm::kHmacSha256_128));
  for (std::uint8_t& octet : key.expose_mutable()) octet = static_cast<std::uint8_t>(dice.next());
  return key;
}

Bytes some_nonce(Dice& dice) {
  Bytes nonce(6);
  for (std::uint8_t& octet : nonce) octet = static_cast<std::uint8_t>(dice.next());
  return nonce;
}

// Speaks in others' names.
class Forger final : public Attacker {
 public:
  using Attacker::Attacker;

  void strike() override {
    const std::size_t place = some_place();
    MobileNode& mobile = some_mobile();
    const Ipv6Address victim = address_of(mobile, place);
    switch (parts_.dice.below(8)) {
      case 0:
        return send(place, router_link_address(place),
                    unsigned_packet(victim, router(place).address(),
                                    key_request(7, mobile_link_address(mobile.number()),
                                                decryption_key(kStrangerPair)->spki())));
      case 1:
        return request_as(victim, place);
      case 2:
        return update(victim, place);
      case 3:
        return acknowledge(mobile, victim, place);
      case 4:
        return advertise_router(victim, place);
      case 5:
        return announce(mobile, victim, place);
      case 6:
        return call_away(mobile, victim, place);
      default:
        return initiate(mobile, victim, place);
    }
  }

 private:
  // The victim's address and the stranger's signature: under the stranger's own address, or under
  // the victim's, which the stranger's key does not make.
  void request_as(const Ipv6Address& victim, std::size_t place) {
    const send::Identity stranger = stranger_identity(0);
    if (std::exchange(under_victims_, !under_victims_))
      return send(
          place, router_link_address(place),
          signed_packet(
              stranger, stranger.address(access_prefix(place)), router(place).address(),
              key_request(8, attacker_link_address(place), decryption_key(kStrangerPair)->spki()),
              router(place).now().utc, some_nonce(parts_.dice), victim));
    const Bytes honest = signed_packet(
        stranger, stranger.address(access_prefix(place)), router(place).address(),
        key_request(8, attacker_link_address(place), decryption_key(kStrangerPair)->spki()),
        router(place).now().utc, some_nonce(parts_.dice));
    if (honest.size() < 40) return;
    Bytes packet = honest;
    std::ranges::copy(victim.view(), packet.begin() + 8);
    send(place, router_link_address(place), tampered(packet, 4, 0));
  }
  void update(const Ipv6Address& victim, std::size_t place) {
    ForgedUpdate forged;
    forged.router = router(place).address();
    forged.home_address = victim;
    const std::size_t elsewhere = (place + 1) % parts_.spies.size();
    forged.care_of = stranger_identity(0).address(access_prefix(elsewhere));
    forged.source = parts_.dice.chance(500'000) ? victim : forged.care_of;
    forged.sequence = static_cast<std::uint16_t>(parts_.dice.next());
    forged.lifetime_s = parts_.dice.chance(300'000) ? 0 : 30;
    send(place, router_link_address(place),
         update_packet(forged, crypto::Algorithm::kHmacSha256_128, some_key(parts_.dice)));
  }
  void acknowledge(const MobileNode& mobile, const Ipv6Address& victim, std::size_t place) {
    wire::FastBindingAcknowledgement fback;
    fback.status = static_cast<std::uint8_t>(parts_.dice.chance(500'000) ? 0 : 135);
    fback.sequence = static_cast<std::uint16_t>(parts_.dice.below(64));
    fback.lifetime_s = 30;
    const Bytes zeros(16);
    fback.options.authorization = wire::AuthorizationData{0, zeros, 0};
    send(place, mobile_link_address(mobile.number()),
         mobility_packet(router(place).address(), victim, fback));
  }
  void advertise_router(const Ipv6Address& victim, std::size_t place) {
    if (std::exchange(as_stranger_, !as_stranger_)) return advertise_itself(place);
    const Ipv6Address source = router_identity(place).address(send::link_local_prefix());
    wire::RouterAdvertisement head;
    head.router_lifetime_s = static_cast<std::uint16_t>(parts_.dice.chance(500'000) ? 0 : 1800);
    Bytes message;
    append(message, head);
    append(message, NaackOption{0, static_cast<std::uint8_t>(1 + parts_.dice.below(4)), victim});
    send(place, link_address_of_group(kAllNodes),
         unsigned_packet(source, kAllNodes, std::move(message)));
  }
  // A router's advertisement with a signature that is good, and no certificate.
  void advertise_itself(std::size_t place) {
    const send::Identity stranger = stranger_identity(1);
    wire::RouterAdvertisement head;
    head.router_lifetime_s = 1800;
    wire::PrefixInformation prefix;
    prefix.autonomous = prefix.router_address = true;
    prefix.valid_lifetime_s = prefix.preferred_lifetime_s = wire::PrefixInformation::kInfinite;
    prefix.address = stranger.address(access_prefix(place));
    Bytes message;
    append(message, head);
    append(message, prefix);
    send(place, link_address_of_group(kAllNodes),
         signed_packet(stranger, stranger.address(send::link_local_prefix()), kAllNodes,
                       std::move(message), router(place).now().utc, {}));
  }
  // For an address that the router may wait for.
  void announce(const MobileNode& mobile, const Ipv6Address& victim, std::size_t place) {
    const bool honest_address = parts_.dice.chance(500'000);
    wire::NeighborAdvertisement head;
    head.target = victim;
    Bytes message;
    append(message, head);
    append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress,
                                            honest_address ? mobile_link_address(mobile.number())
                                                           : attacker_link_address(place)});
    send(place, link_address_of_group(kAllNodes),
         unsigned_packet(victim, kAllNodes, std::move(message)));
  }
  // An unsolicited PrRtAdv that would make the node hand over.
  void call_away(const MobileNode& mobile, const Ipv6Address& victim, std::size_t place) {
    Bytes message;
    append(message, wire::PrRtAdv{wire::PrRtAdv::kNetworkInitiated, 0});
    append(message,
           wire::LinkLayerAddressOption{wire::LinkLayerAddressOption::Code::kNewAccessPoint,
                                        access_point((place + 1) % parts_.spies.size())});
    send(place, mobile_link_address(mobile.number()),
         unsigned_packet(router_identity(place).address(send::link_local_prefix()), victim,
                         std::move(message)));
  }
  // An HI from somewhere that is no neighbour.
  void initiate(const MobileNode& mobile, const Ipv6Address& victim, std::size_t place) {
    using Code = wire::MobilityAddressPrefix::Code;
    wire::HandoverInitiate hi;
    hi.sequence = static_cast<std::uint16_t>(parts_.dice.next());
    hi.buffer = true;
    hi.options.link_address = wire::MobilityLinkAddress{wire::MobilityLinkAddress::kMobileNode,
                                                        mobile_link_address(mobile.number())};
    hi.options.addresses.push_back({Code::kNewCareOfAddress, 128, victim});
    send(place, router_link_address(place),
         mobility_packet(stranger_identity(1).address(access_prefix(place)),
                         router(place).address(), hi));
  }

  bool under_victims_ = true;
  bool as_stranger_ = false;
};

// Says again what was said, there or elsewhere.
class Replayer final : public Attacker {
 public:
  using Attacker::Attacker;
  void strike() override {
    const auto& heard = parts_.spies[some_place()]->heard();
    if (heard.empty()) return;
    const Frame frame = heard[parts_.dice.below(heard.size())];
    Spy& there = *parts_.spies[some_place()];
    note("replays", *frame.packet);
    there.send(frame);
  }
};

// Solicitations whose signatures must be verified to be refused, and some that are good, of many
// nodes.
class Flooder final : public Attacker {
 public:
  using Attacker::Attacker;
  void strike() override {
    const std::size_t place = some_place();
    const std::size_t number = parts_.dice.below(kStrangerCgas);
    send::Identity identity = stranger_identity(1, number);
    const bool good = parts_.dice.chance(100'000);
    if (!good)
      for (std::uint8_t& octet : identity.modifier)
        octet = static_cast<std::uint8_t>(parts_.dice.next());
    Bytes packet = signed_packet(
        identity, identity.address(access_prefix(place)), router(place).address(),
        key_request(9, attacker_link_address(place), decryption_key(kStrangerPair)->spki()),
        router(place).now().utc, some_nonce(parts_.dice));
    if (packet.empty()) return;
    // The last octets of the message are the signature's.
    if (!good) packet = tampered(packet, packet.size() - 40 - 8, 0x55);
    note("sends", packet);
    parts_.spies[place]->send({link_address(5, static_cast<std::uint8_t>(number)),
                               router_link_address(place), share(std::move(packet))});
  }
};

// Changes one message of a link, the next one that comes by.
class Tamperer final : public Attacker {
 public:
  using Attacker::Attacker;
  void strike() override {
    Link& link = parts_.spies[some_place()]->link();
    link.tamper = [this, &link](const Frame& frame) -> std::optional<Frame> {
      if (!is_signal(*frame.packet)) return frame;
      Frame changed = frame;
      note("tampers with", *frame.packet);
      const std::uint64_t where = parts_.dice.next();
      changed.packet =
          share(tampered(*frame.packet, where, static_cast<std::uint8_t>(parts_.dice.next())));
      const bool keeps = parts_.dice.chance(100'000);
      link.tamper = nullptr;
      if (keeps) return std::nullopt;
      return changed;
    };
  }
};

// Has an address that a mobile node will want: answers the next probe for it.
class Squatter final : public Attacker {
 public:
  using Attacker::Attacker;
  void strike() override {
    const std::size_t place = some_place();
    const Ipv6Address coveted = address_of(some_mobile(), place);
    parts_.spies[place]->on_frame = [this, place, coveted](const Frame& frame) {
      const auto view = wire::PacketView::parse(*frame.packet);
      if (!view || !view->header.source.is_unspecified() ||
          view->header.destination != coveted.solicited_node())
        return;
      wire::NeighborAdvertisement head;
      head.target = coveted;
      head.override_flag = true;
      Bytes message;
      append(message, head);
      append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress,
                                              attacker_link_address(place)});
      parts_.spies[place]->on_frame = nullptr;
      send(place, link_address_of_group(kAllNodes),
           unsigned_packet(coveted, kAllNodes, std::move(message)));
    };
  }
};

}  // namespace

std::unique_ptr<Attacker> make_forger(Attacker::Parts parts) {
  return std::make_unique<Forger>(std::move(parts));
}
std::unique_ptr<Attacker> make_squatter(Attacker::Parts parts) {
  return std::make_unique<Squatter>(std::move(parts));
}
std::unique_ptr<Attacker> make_replayer(Attacker::Parts parts) {
  return std::make_unique<Replayer>(std::move(parts));
}
std::unique_ptr<Attacker> make_flooder(Attacker::Parts parts) {
  return std::make_unique<Flooder>(std::move(parts));
}
std::unique_ptr<Attacker> make_tamperer(Attacker::Parts parts) {
  return std::make_unique<Tamperer>(std::move(parts));
}

}  // namespace sendoff::sim
