// CGA Parameters and the RSA key in them. What parses is written as it was read; the address that
// parameters give verifies, and no other one does.
#include "cga/cga.h"

#include "crypto/rsa.h"
#include "crypto/spki.h"
#include "memory.h"
#include "target.h"

namespace sendoff::fuzz {

namespace {

void key(ByteView octets) {
  // Room for small keys: what a limit refuses is not looked at further.
  constexpr crypto::KeyLimits kAny{.min_bits = 8, .max_bits = 4096};
  const auto parsed = crypto::RsaPublicKey::parse(octets, kAny);
  std::size_t consumed = 0;
  const auto prefix = crypto::RsaPublicKey::parse_prefix(octets, consumed, kAny);
  require(!parsed || (prefix && consumed == octets.size()), "a whole key is a prefix too");
  if (!prefix) return;
  require(consumed <= octets.size(), "a key ends inside its octets");
  const std::uint32_t number = prefix->exponent();
  Bytes exponent;
  for (int shift = 24; shift >= 0; shift -= 8)
    if (number >> shift != 0) exponent.push_back(static_cast<std::uint8_t>(number >> shift));
  require(crypto::emit_spki(prefix->modulus(), exponent) == to_bytes(octets.first(consumed)),
          "a key has one encoding");
  const auto strict = crypto::RsaPublicKey::parse_prefix(octets, consumed);
  if (strict) require(strict->bits() >= 1024 && strict->bits() <= 3072, "limits hold");
}

void parameters(ByteView octets) {
  const Allocations before;
  const auto view = cga::ParametersView::parse(octets);
  require(before.count() == 0, "a parser asks for no memory");
  if (!view) return;
  cga::Parameters kept;
  kept.modifier = view->modifier;
  kept.subnet_prefix = view->subnet_prefix;
  kept.collision_count = view->collision_count;
  kept.public_key = to_bytes(view->public_key);
  kept.extensions = to_bytes(view->extensions);
  require(kept.octets() == to_bytes(octets), "parameters are written as they were read");

  const Ipv6Address address = cga::address_of(kept, 0);
  const bool verified = cga::verify(address, *view).has_value();
  require(verified == (view->collision_count <= cga::kMaxCollisionCount),
          "an address of these parameters verifies");
  Ipv6Address::Octets other = address.octets();
  other[15] ^= 1;
  require(!cga::verify(Ipv6Address(other), *view), "another address does not verify");
  key(view->public_key);
}

}  // namespace

void cga(ByteView input) {
  if (input.empty()) return;
  const Bytes octets = to_bytes(input.subspan(1));
  if (input[0] % 2 == 0)
    parameters(octets);
  else
    key(octets);
}

}  // namespace sendoff::fuzz
