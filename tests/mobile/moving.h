// A mobile node that holds a key of its router and moves: what tests of moves have in common.
#pragma once

#include "world.h"

namespace sendoff::test {

inline const Prefix kNextPrefix = Prefix::literal("2001:db8:b:1::/64");
inline const LinkAddress kThirdNode = LinkAddress::literal("02:00:5e:00:53:99");

inline std::vector<machine::AttachTunnel> tunnels(const World& world) {
  return world.asked<machine::AttachTunnel>();
}

struct Moving : Attached {
  explicit Moving(const mobile::Config& config = mobile_config(),
                  const std::function<void(World&)>& prepare = {})
      : Attached(config, prepare),
        pcoa(world.care_of()),
        ncoa(config.identity.address(kNextPrefix)) {
    world.event(machine::ApAttached{kLink, kApHere});
    world.advance(seconds(1));
    world.forget_output();
  }

  // The order, and the FBack that accepts it.
  void prepare_handover(FakeRouter::Fback fields = {}) {
    ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
    world.deliver(world.fback(par, world.updates().back(), fields));
  }
  // To the next router's access point. A deaf one says nothing.
  void roam() { world.roam({&nar}, kApNext); }
  void roam_to_deaf() {
    world.answer_rs = false;
    roam();
  }
  // An RA of the next router for the address that was announced.
  void naack(std::uint8_t status, std::optional<Ipv6Address> address = std::nullopt,
             std::optional<Ipv6Address> destination = std::nullopt) {
    FakeRouter::Advertised advertised;
    wire::NaackOption option;
    option.status = status;
    option.address = address;
    advertised.naack = option;
    world.deliver(nar.router_advertisement(destination.value_or(ncoa), world.seal(), advertised),
                  nar.link_address);
  }
  // PrRtAdv that nobody asked for.
  Bytes unsolicited(std::uint8_t code, const std::vector<Tuple>& tuples) {
    return par.proxy_advertisement(pcoa, code, 0, tuples, {}, world.seal());
  }
  bool has_address(const Ipv6Address& address) const {
    bool present = false;
    for (const machine::ActionKind& action : world.actions) {
      if (const auto* add = std::get_if<machine::AddAddress>(&action))
        present = present || add->address == address;
      if (const auto* gone = std::get_if<machine::RemoveAddress>(&action))
        present = present && gone->address != address;
    }
    return present;
  }
  std::string failure() const {
    const auto* event = world.last(machine::EventKind::kHandoverFailed);
    return event == nullptr ? "" : std::string(event->text("reason"));
  }

  Ipv6Address pcoa;
  Ipv6Address ncoa;
};

inline std::optional<machine::AddAddress> added(const World& world, const Ipv6Address& address) {
  for (const auto& add : world.asked<machine::AddAddress>())
    if (add.address == address) return add;
  return std::nullopt;
}
inline bool removed(const World& world, const Ipv6Address& address) {
  return std::ranges::any_of(world.asked<machine::RemoveAddress>(),
                             [&](const auto& gone) { return gone.address == address; });
}

}  // namespace sendoff::test
