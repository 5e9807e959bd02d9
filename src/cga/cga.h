// Cryptographically Generated Addresses (RFC 3972; extension fields RFC 4581): parameters, the two
// hashes, generation and verification. Key size policy is not here: the RFC's own example key has
// 512 bits.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <optional>

#include "base/address.h"
#include "base/random.h"
#include "base/result.h"

namespace sendoff::cga {

using Modifier = std::array<std::uint8_t, 16>;

enum class Error : std::uint8_t {
  kTruncated,       // parameters too short for modifier, prefix, count and a key
  kCollisionCount,  // above 2 (RFC 3972 5 step 1)
  kPrefix,          // parameters name another subnet prefix than the address
  kHash1,           // interface identifier is not Hash1 (outside sec, u, g)
  kHash2,           // 16*Sec leading bits are not zero
  kPublicKey,       // no DER SubjectPublicKeyInfo where the key should start
  kCount,
};
[[nodiscard]] std::string_view name(Error error);
[[nodiscard]] std::string_view explain(Error error);  // half a sentence for a person

inline constexpr std::uint8_t kMaxCollisionCount = 2;  // RFC 3972 4 step 8, 5 step 1

// CGA Parameters (RFC 3972 3). Borrows what it was parsed from.
struct ParametersView {
  static constexpr std::size_t kFixedSize = 25;
  Modifier modifier{};
  std::array<std::uint8_t, 8> subnet_prefix{};
  std::uint8_t collision_count = 0;
  ByteView public_key;  // DER SPKI: its own length says where it ends
  ByteView extensions;  // may be anything (GS29)
  ByteView octets;      // the whole structure

  // Finds the key's end by its outer DER length; does not judge the key.
  [[nodiscard]] static Result<ParametersView, Error> parse(ByteView octets);
};

// CGA Parameters that a node keeps for an address of its own.
struct Parameters {
  Modifier modifier{};
  std::array<std::uint8_t, 8> subnet_prefix{};
  std::uint8_t collision_count = 0;
  Bytes public_key;
  Bytes extensions;

  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
  [[nodiscard]] Bytes octets() const;
};

// RFC 3972 5: whether `address` was generated from `parameters`, for any Sec 0..7.
[[nodiscard]] Result<void, Error> verify(const Ipv6Address& address,
                                         const ParametersView& parameters);

// Sec of an address: the three leftmost bits of its interface identifier.
[[nodiscard]] inline std::uint8_t sec_of(const Ipv6Address& address) {
  return static_cast<std::uint8_t>(address.octets()[8] >> 5);
}

// The procedures of generation that are assigned (the registry of RFC 4982 5). One that is assigned
// later comes with a least size of keys of its own; these have that of RFC 3972 3. What a node
// demands of others' keys beyond that is its policy (RFC 3971 5.1.3).
struct Procedure {
  std::uint8_t sec = 0;
  std::uint32_t min_bits = 0;  // of an RSA modulus
};
inline constexpr std::array<Procedure, 3> kProcedures{{{0, 384}, {1, 384}, {2, 384}}};
// Null where none is assigned to this Sec.
[[nodiscard]] const Procedure* procedure_of(std::uint8_t sec);

// The address that parameters give with this Sec (RFC 3972 4 steps 5 to 7). Hash2 is not checked:
// the modifier must have been found for `sec`. Two SHA-1 blocks, no search; a modifier serves any
// prefix, since Hash2 does not cover it.
[[nodiscard]] Ipv6Address address_of(const Parameters& parameters, std::uint8_t sec);

// True when 16*sec leading bits of Hash2 are zero.
[[nodiscard]] bool hash2_ok(const Modifier& modifier, ByteView public_key, ByteView extensions,
                            std::uint8_t sec);

struct SearchOptions {
  std::uint8_t sec = 1;  // 0, 1 or 2
  unsigned threads = 0;  // 0: as many as there are cores
  // Called from time to time with the number of modifiers tried, from the calling thread.
  std::function<void(std::uint64_t tried)> progress = {};
  const std::atomic<bool>* cancel = nullptr;
  // Where it is told, when nothing was found, how many modifiers from the start on were tried: a
  // search from there goes on without a gap.
  std::uint64_t* tried = nullptr;
};

// `start` + `steps` as 128-bit numbers; wraps (RFC 3972 4 step 3).
[[nodiscard]] Modifier advanced(const Modifier& start, std::uint64_t steps);

// Searches from `start` upwards on all threads for a modifier with hash2_ok; which of several it
// finds depends on the threads. Nothing when cancelled, or without a procedure for the Sec.
[[nodiscard]] std::optional<Modifier> find_modifier(const Modifier& start, ByteView public_key,
                                                    ByteView extensions,
                                                    const SearchOptions& options);

}  // namespace sendoff::cga
