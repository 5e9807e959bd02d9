// RSA for SEND (RSASSA-PKCS1-v1_5 with SHA-1, RFC 3971 5.2) and for handover keys
// (RSAES-PKCS1-v1_5, RFC 5269 4.2). Public keys are read by a strict DER reader of our own, since
// OpenSSL's decoder costs seven verifications (docs/performance.md). Deprecated low-level calls
// stand in rsa.cpp only.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/digest.h"

namespace sendoff::crypto {

enum class SpkiError : std::uint8_t {
  kMalformed,    // not strict DER of a SubjectPublicKeyInfo, or octets behind it
  kNotRsa,       // AlgorithmIdentifier is not rsaEncryption with NULL parameters
  kModulusSize,  // outside KeyLimits
  kExponent,     // even, below 3 or 2^32 and above
};
[[nodiscard]] std::string_view name(SpkiError error);

struct KeyLimits {
  std::uint32_t min_bits = 1024;
  std::uint32_t max_bits = 3072;
};

// A public key whose limits were checked before any arithmetic (W8, GS25).
class RsaPublicKey {
 public:
  // `spki` is a DER SubjectPublicKeyInfo and nothing else.
  [[nodiscard]] static Result<RsaPublicKey, SpkiError> parse(ByteView spki,
                                                             const KeyLimits& limits = {});
  // As parse, but `octets` may go on behind the key; `consumed` becomes the key's length.
  [[nodiscard]] static Result<RsaPublicKey, SpkiError> parse_prefix(ByteView octets,
                                                                    std::size_t& consumed,
                                                                    const KeyLimits& limits = {});

  [[nodiscard]] std::uint32_t bits() const { return bits_; }
  [[nodiscard]] std::uint32_t exponent() const { return exponent_; }
  [[nodiscard]] ByteView modulus() const { return modulus_; }  // without leading zeros
  [[nodiscard]] std::size_t modulus_size() const { return modulus_.size(); }
  [[nodiscard]] bool same_parameters(const RsaPublicKey& other) const {
    return bits_ == other.bits_ && exponent_ == other.exponent_;
  }

 private:
  RsaPublicKey() = default;
  Bytes modulus_;
  std::uint32_t exponent_ = 0;
  std::uint32_t bits_ = 0;
};

// The first 128 bits of SHA-1 over an SPKI (RFC 3971 5.2).
using KeyHash = std::array<std::uint8_t, 16>;
[[nodiscard]] KeyHash key_hash(ByteView spki);

// RSASSA-PKCS1-v1_5, SHA-1. `signature` must have modulus_size() octets, else false.
[[nodiscard]] bool verify_sha1(const RsaPublicKey& key, const Sha1Digest& digest,
                               ByteView signature);

// Number of padding octets that encrypt() wants: modulus size - 3 - plaintext size, at least 8.
[[nodiscard]] std::size_t padding_size(const RsaPublicKey& key, std::size_t plaintext_size);

// RSAES-PKCS1-v1_5 with the padding octets given, so that randomness comes from the caller. They
// must be non-zero and padding_size() many. Empty result: OpenSSL failed.
[[nodiscard]] Bytes encrypt(const RsaPublicKey& key, const Secret& plaintext,
                            const Secret& padding);

enum class KeyError : std::uint8_t {
  kPem,  // not a PEM private key, or encrypted
  kNotRsa,
  kModulusSize,
  kExponent,
  kInconsistent,  // the private parts do not fit the public ones
  kGeneration,    // the generator or OpenSSL failed
};
[[nodiscard]] std::string_view name(KeyError error);

// The private half of a CGA key pair. Signs; cannot decrypt. Sharing one between threads is safe:
// contexts are per thread. Its octets stay inside OpenSSL and are cleared when the last owner goes.
class SigningKey {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const SigningKey>, KeyError> from_pem(
      ByteView pem, const KeyLimits& limits = {});
  [[nodiscard]] static Result<std::shared_ptr<const SigningKey>, KeyError> generate(
      std::uint32_t bits, std::uint32_t exponent = 65537);
  virtual ~SigningKey() = default;

  [[nodiscard]] virtual ByteView spki() const = 0;
  [[nodiscard]] virtual const RsaPublicKey& public_key() const = 0;
  // key_hash() of the SPKI, made once.
  [[nodiscard]] virtual const KeyHash& hash() const = 0;
  // Empty when OpenSSL failed.
  [[nodiscard]] virtual Bytes sign_sha1(const Sha1Digest& digest) const = 0;
  // PKCS#8, for `sendoff cga` to store a new key with.
  [[nodiscard]] virtual Secret to_pem() const = 0;
};

// The private half of a handover-key-encryption (HKE) pair. Decrypts handover keys; cannot sign
// (RFC 5269 3.1).
class HandoverDecryptionKey {
 public:
  // `cancel`: once it is true, kGeneration is returned soon.
  [[nodiscard]] static Result<std::shared_ptr<const HandoverDecryptionKey>, KeyError> generate(
      std::uint32_t bits, std::uint32_t exponent = 65537,
      const std::atomic<bool>* cancel = nullptr);
  [[nodiscard]] static Result<std::shared_ptr<const HandoverDecryptionKey>, KeyError> from_pem(
      ByteView pem, const KeyLimits& limits = {});
  virtual ~HandoverDecryptionKey() = default;

  [[nodiscard]] virtual ByteView spki() const = 0;
  [[nodiscard]] virtual const RsaPublicKey& public_key() const = 0;
  // RSAES-PKCS1-v1_5 of a plaintext that must have `plaintext_size` octets. Every failure (block
  // type, padding, separator, length, ciphertext of another length than the modulus) gives the
  // same empty Secret on the same path (W12).
  [[nodiscard]] virtual Secret decrypt(ByteView ciphertext, std::size_t plaintext_size) const = 0;
};

}  // namespace sendoff::crypto
