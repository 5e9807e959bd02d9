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

const Prefix& link_local_prefix() {
  static const Prefix prefix = Prefix::literal("fe80::/64");
  return prefix;
}

bool is_sibling(const Ipv6Address& address, const cga::ParametersView& parameters) {
  cga::ParametersView sibling = parameters;
  sibling.subnet_prefix = prefix_octets(address);
  for (std::uint8_t count = 0; count <= 2; ++count) {
    sibling.collision_count = count;
    if (cga::verify(address, sibling)) return true;
  }
  return false;
}

}  // namespace sendoff::send
