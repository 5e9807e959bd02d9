#include "send/identity.h"

namespace sendoff::send {

namespace {

std::array<std::uint8_t, 8> prefix_octets(const Ipv6Address& address) {
  std::array<std::uint8_t, 8> octets{};
  std::ranges::copy(ByteView(address.octets()).first(8), octets.begin());
  return octets;
}

}  // namespace

cga::Parameters Identity::parameters(const Prefix& prefix, std::uint8_t collision_count) const {
  invariant(prefix.length() <= 64);
  return {modifier, prefix_octets(prefix.address()), collision_count, to_bytes(key->spki()),
          extensions};
}

Ipv6Address Identity::address(const Prefix& prefix, std::uint8_t collision_count) const {
  return cga::address_of(parameters(prefix, collision_count), sec);
}

bool same(const Identity& a, const Identity& b) {
  return equal(a.key->spki(), b.key->spki()) && a.modifier == b.modifier && a.sec == b.sec &&
         a.extensions == b.extensions;
}

const Prefix& link_local_prefix() {
  static const Prefix prefix = Prefix::literal("fe80::/64");
  return prefix;
}

bool is_sibling(const Ipv6Address& address, const cga::ParametersView& parameters) {
  cga::Parameters sibling{parameters.modifier, prefix_octets(address), 0,
                          to_bytes(parameters.public_key), to_bytes(parameters.extensions)};
  for (; sibling.collision_count <= 2; ++sibling.collision_count) {
    // Hash1 covers the octets themselves, so they are made anew for each count.
    const Bytes octets = sibling.octets();
    const auto view = cga::ParametersView::parse(octets);
    if (view && cga::verify(address, *view)) return true;
  }
  return false;
}

}  // namespace sendoff::send
