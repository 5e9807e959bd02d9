// The four authentication algorithms of handover keys (W13) and their MACs.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace sendoff::crypto {

// The 4-bit AT codes of RFC 5269 as the project defines them (W13).
enum class Algorithm : std::uint8_t {
  kHmacSha1_96 = 1,
  kHmacSha256_128 = 2,
  kHmacSha384_192 = 3,
  kAes128Cmac_96 = 4,
};
inline constexpr std::array kAlgorithms = {Algorithm::kHmacSha1_96, Algorithm::kAes128Cmac_96,
                                           Algorithm::kHmacSha256_128,
                                           Algorithm::kHmacSha384_192};  // weakest first

// 0 is read as 1; 5 to 15 name nothing.
[[nodiscard]] std::optional<Algorithm> algorithm_of(std::uint8_t code);
// "hmac-sha1-96", "hmac-sha256-128", "hmac-sha384-192", "aes128-cmac-96"
[[nodiscard]] std::string_view name(Algorithm algorithm);
[[nodiscard]] std::optional<Algorithm> algorithm_named(std::string_view name);
// 0 (weakest) to 3, in the order 1 < 4 < 2 < 3.
[[nodiscard]] int strength(Algorithm algorithm);
[[nodiscard]] std::size_t key_size(Algorithm algorithm);  // 20, 32, 48, 16 octets
[[nodiscard]] std::size_t tag_size(Algorithm algorithm);  // 12, 16, 24, 12 octets

// An authenticator: the first tag_size(algorithm) octets of the MAC.
class Tag {
 public:
  static constexpr std::size_t kMaxSize = 24;
  Tag() = default;
  explicit Tag(ByteView octets);
  [[nodiscard]] ByteView view() const { return ByteView(octets_).first(size_); }

 private:
  std::array<std::uint8_t, kMaxSize> octets_{};
  std::size_t size_ = 0;
};

// `key` must have key_size(algorithm) octets. One context per thread and algorithm.
[[nodiscard]] Tag mac(Algorithm algorithm, const Secret& key, ByteView octets);

// True when `tag` has exactly the algorithm's length and is the MAC; constant time.
[[nodiscard]] bool mac_matches(Algorithm algorithm, const Secret& key, ByteView octets,
                               ByteView tag);

}  // namespace sendoff::crypto
