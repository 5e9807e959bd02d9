// Authenticated encryption of what is written to a file: AES-256-GCM (NIST SP 800-38D) with a
// random nonce of 96 bits for every sealing.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/random.h"
#include "base/secret.h"

namespace sendoff::crypto {

// Nonces are drawn, so one key is good for 2^32 sealings (SP 800-38D 8.3): 136 years of one a
// second. One object for one thread.
class Sealer {
 public:
  static constexpr std::size_t kKeySize = 32;
  static constexpr std::size_t kOverhead = 12 + 16;  // nonce before, tag behind the ciphertext

  // `key` must have kKeySize octets; the cipher keeps its schedule until the sealer ends.
  explicit Sealer(const Secret& key);
  ~Sealer();
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;

  // plaintext.size() + kOverhead octets that only open() with the same `associated` opens. Nothing
  // when `random` failed.
  [[nodiscard]] std::optional<Bytes> seal(ByteView plaintext, ByteView associated, Random& random);
  // Nothing when key, octets or `associated` are not those of the sealing; no plaintext is let out
  // before the tag verified.
  [[nodiscard]] std::optional<Secret> open(ByteView sealed, ByteView associated);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::crypto
