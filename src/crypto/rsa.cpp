// RSA operations over OpenSSL. The only file with deprecated calls: RSA_private_encrypt and
// RSA_private_decrypt on an RSA of one thread do what EVP_PKEY_sign and _decrypt do, without the
// parameter lists and context locks (docs/performance.md), and RSA_NO_PADDING lets this file
// check the decrypted block itself, in constant time. Public key operations are exponentiations on
// plain numbers: a key seen once is not worth an RSA object.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/rsa.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <atomic>
#include <bit>
#include <mutex>

#include "crypto/openssl.h"
#include "crypto/spki.h"

namespace sendoff::crypto {

namespace {

using RsaPtr = std::unique_ptr<RSA, Freed<RSA_free>>;
using GenerationPtr = std::unique_ptr<BN_GENCB, Freed<BN_GENCB_free>>;

// 00 | 01 | at least 8 x ff | 00 | DigestInfo, or 00 | 02 | at least 8 non-zero | 00 | plaintext.
constexpr std::size_t kMinPadding = 8;
constexpr std::size_t kFrame = 3;

// DigestInfo of SHA-1 up to the digest (RFC 8017 9.2 note 1).
constexpr std::array<std::uint8_t, 15> kSha1Info = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                                    0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
constexpr std::size_t kDigestInfoSize = kSha1Info.size() + 20;

std::array<std::uint8_t, kDigestInfoSize> digest_info(const Sha1Digest& digest) {
  std::array<std::uint8_t, kDigestInfoSize> info{};
  std::ranges::copy(digest, std::ranges::copy(kSha1Info, info.begin()).out);
  return info;
}

int as_int(std::size_t size) { return static_cast<int>(size); }

// Numbers of public key operations. They live as long as their thread, so that a packet costs no
// allocation; nothing secret stays in them.
struct PublicNumbers {
  BignumPtr modulus{BN_new()};
  BignumPtr input{BN_new()};
  BignumPtr form{BN_new()};  // the input's Montgomery form
  BignumPtr power{BN_new()};
  MontgomeryPtr montgomery{BN_MONT_CTX_new()};
};

// power := input ^ exponent, from the exponent's highest bit down. The exponent is public and odd.
// For its last bit the plain input is the factor: a Montgomery form times a plain number is plain,
// so that no conversion back is needed.
bool climb(const PublicNumbers& numbers, std::uint32_t exponent, BN_CTX* scratch) {
  BIGNUM* const power = numbers.power.get();
  const auto times = [&](const BIGNUM* factor) {
    return BN_mod_mul_montgomery(power, power, factor, numbers.montgomery.get(), scratch) == 1;
  };
  bool ok = BN_to_montgomery(numbers.form.get(), numbers.input.get(), numbers.montgomery.get(),
                             scratch) == 1 &&
            BN_copy(power, numbers.form.get()) != nullptr;
  for (int bit = static_cast<int>(std::bit_width(exponent)) - 2; ok && bit >= 0; --bit) {
    ok = times(power);
    if (ok && (exponent >> bit & 1) != 0)
      ok = times(bit == 0 ? numbers.input.get() : numbers.form.get());
  }
  return ok;
}

BN_CTX* public_scratch() {
  thread_local const BnContextPtr scratch(BN_CTX_new());
  return scratch.get();
}

// power := input ^ exponent mod modulus; false when the input is not below the modulus or the
// modulus is even. `numbers` and `scratch` keep traces of the input. A little faster than
// BN_mod_exp_mont, which finds out by itself what is known here.
bool raise(const PublicNumbers& numbers, const RsaPublicKey& key, ByteView input, BN_CTX* scratch) {
  const ByteView modulus = key.modulus();
  const bool ok =
      scratch != nullptr && public_scratch() != nullptr &&
      BN_bin2bn(modulus.data(), as_int(modulus.size()), numbers.modulus.get()) != nullptr &&
      BN_bin2bn(input.data(), as_int(input.size()), numbers.input.get()) != nullptr &&
      BN_ucmp(numbers.input.get(), numbers.modulus.get()) < 0 &&
      BN_MONT_CTX_set(numbers.montgomery.get(), numbers.modulus.get(), public_scratch()) == 1 &&
      climb(numbers, key.exponent(), scratch);
  if (!ok) ERR_clear_error();
  return ok;
}

PublicNumbers& public_numbers() {
  thread_local PublicNumbers numbers;
  return numbers;
}

bool above_zero(ByteView octets) {
  return std::ranges::all_of(octets, [](std::uint8_t octet) { return octet != 0; });
}

}  // namespace

bool verify_sha1(const RsaPublicKey& key, const Sha1Digest& digest, ByteView signature) {
  const std::size_t size = key.modulus_size();
  if (signature.size() != size || size < kFrame + kMinPadding + kDigestInfoSize) return false;
  PublicNumbers& numbers = public_numbers();
  if (!raise(numbers, key, signature, public_scratch())) return false;

  // The whole expected block is compared, since every parser of what stands in a signed block has
  // had its forgery (RFC 8017 8.2.2 note).
  const auto info = digest_info(digest);
  thread_local Bytes expected;
  expected.assign(size, 0xff);
  expected[0] = 0;
  expected[1] = 1;
  expected[size - info.size() - 1] = 0;
  std::ranges::copy(info, expected.end() - static_cast<std::ptrdiff_t>(info.size()));
  return BN_bin2bn(expected.data(), as_int(size), numbers.input.get()) != nullptr &&
         BN_ucmp(numbers.power.get(), numbers.input.get()) == 0;
}

std::size_t padding_size(const RsaPublicKey& key, std::size_t plaintext_size) {
  const std::size_t size = key.modulus_size();
  const std::size_t rest = kFrame + kMinPadding;
  return size < rest || plaintext_size > size - rest ? 0 : size - kFrame - plaintext_size;
}

Bytes encrypt(const RsaPublicKey& key, const Secret& plaintext, const Secret& padding) {
  const std::size_t wanted = padding_size(key, plaintext.size());
  if (wanted == 0) return {};
  invariant(padding.size() == wanted && above_zero(padding.expose()));
  Secret block(key.modulus_size());
  Writer writer(block.expose_mutable());
  writer.u8(0);
  writer.u8(2);
  writer.bytes(padding.expose());
  writer.u8(0);
  writer.bytes(plaintext.expose());

  // A context of its own: freeing it clears the powers of the plaintext.
  const BnContextPtr scratch(BN_CTX_new());
  PublicNumbers& numbers = public_numbers();
  Bytes ciphertext(key.modulus_size());
  const bool ok =
      raise(numbers, key, block.expose(), scratch.get()) &&
      BN_bn2binpad(numbers.power.get(), ciphertext.data(), as_int(ciphertext.size())) >= 0;
  BN_clear(numbers.input.get());
  BN_clear(numbers.form.get());
  if (!ok) ciphertext.clear();
  return ciphertext;
}

std::string_view name(KeyError error) {
  switch (error) {
    case KeyError::kPem:
      return "pem";
    case KeyError::kNotRsa:
      return "not-rsa";
    case KeyError::kModulusSize:
      return "modulus-size";
    case KeyError::kExponent:
      return "exponent";
    case KeyError::kInconsistent:
      return "inconsistent";
    case KeyError::kGeneration:
      return "generation";
  }
  return "unknown";
}

namespace {

constexpr std::size_t kMaxPem = 65536;

// A copy with secrets, blinding and Montgomery caches of its own. RSAPrivateKey_dup is not used:
// it leaves the encoded private key in freed memory. Null when memory ran out.
RsaPtr duplicate(const RSA& key) {
  RsaPtr copy(RSA_new());
  const auto dup = [](const BIGNUM* number) { return BignumPtr(BN_dup(number)); };
  BignumPtr n = dup(RSA_get0_n(&key)), e = dup(RSA_get0_e(&key)), d = dup(RSA_get0_d(&key));
  BignumPtr p = dup(RSA_get0_p(&key)), q = dup(RSA_get0_q(&key));
  BignumPtr dp = dup(RSA_get0_dmp1(&key)), dq = dup(RSA_get0_dmq1(&key));
  BignumPtr qi = dup(RSA_get0_iqmp(&key));
  if (!copy || !n || !e || !d || !p || !q || !dp || !dq || !qi) return nullptr;
  // The setters take the numbers over when they succeed, and they fail only for null arguments.
  invariant(RSA_set0_key(copy.get(), n.release(), e.release(), d.release()) == 1 &&
            RSA_set0_factors(copy.get(), p.release(), q.release()) == 1 &&
            RSA_set0_crt_params(copy.get(), dp.release(), dq.release(), qi.release()) == 1);
  return copy;
}

// Threads get numbers in the order of their first private operation.
constexpr std::size_t kSlots = 16;
std::size_t slot_of_thread() {
  static std::atomic<std::size_t> next = 0;
  thread_local const std::size_t slot = next.fetch_add(1, std::memory_order_relaxed) % kSlots;
  return slot;
}

// The octets of a big-endian number, without leading zeros.
Bytes magnitude(const BIGNUM* number) {
  Bytes octets(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, octets.data());
  if (octets.empty()) octets.push_back(0);
  return octets;
}

KeyError key_error(SpkiError error) {
  switch (error) {
    case SpkiError::kModulusSize:
      return KeyError::kModulusSize;
    case SpkiError::kExponent:
      return KeyError::kExponent;
    case SpkiError::kNotRsa:
      return KeyError::kNotRsa;
    case SpkiError::kMalformed:
      break;
  }
  return KeyError::kInconsistent;
}

// A checked key pair. Each thread works on a copy of its own, since a blinding belongs to the
// thread that made it. The copies stand here and not in thread_local storage, so that they go
// when the key goes. Two threads of one slot are still safe (OpenSSL locks), only slower.
class PrivateKey {
 public:
  static Result<std::unique_ptr<const PrivateKey>, KeyError> from_pem(ByteView pem,
                                                                      const KeyLimits& limits);
  static Result<std::unique_ptr<const PrivateKey>, KeyError> generate(
      std::uint32_t bits, std::uint32_t exponent, const std::atomic<bool>* cancel);

  PrivateKey(RsaPtr key, Bytes spki, RsaPublicKey public_key)
      : key_(std::move(key)), spki_(std::move(spki)), public_(std::move(public_key)) {}

  [[nodiscard]] ByteView spki() const { return spki_; }
  [[nodiscard]] const RsaPublicKey& public_key() const { return public_; }
  [[nodiscard]] RSA* of_this_thread() const {
    Slot& slot = slots_[slot_of_thread()];
    std::call_once(slot.once, [&] { slot.key = duplicate(*key_); });
    return slot.key != nullptr ? slot.key.get() : key_.get();
  }
  [[nodiscard]] Secret to_pem() const;

 private:
  struct Slot {
    std::once_flag once;
    RsaPtr key;
  };

  static Result<std::unique_ptr<const PrivateKey>, KeyError> checked(RsaPtr key,
                                                                     const KeyLimits& limits,
                                                                     bool prove);

  RsaPtr key_;
  Bytes spki_;
  RsaPublicKey public_;
  mutable std::array<Slot, kSlots> slots_;
};

using PrivateKeyResult = Result<std::unique_ptr<const PrivateKey>, KeyError>;

// `prove`: the primes and all relations between the numbers are checked too.
PrivateKeyResult PrivateKey::checked(RsaPtr key, const KeyLimits& limits, bool prove) {
  const Bytes modulus = magnitude(RSA_get0_n(key.get()));
  const Bytes exponent = magnitude(RSA_get0_e(key.get()));
  Bytes spki = emit_spki(modulus, exponent);
  auto public_key = RsaPublicKey::parse(spki, limits);
  if (!public_key) return fail(key_error(public_key.error()));
  if (RSA_get_multi_prime_extra_count(key.get()) != 0) return fail(KeyError::kInconsistent);
  // Without the key's own caches, and without parts that only its file had.
  RsaPtr copy = duplicate(*key);
  if (copy == nullptr || (prove && RSA_check_key(copy.get()) != 1)) {
    ERR_clear_error();
    return fail(KeyError::kInconsistent);
  }
  return std::make_unique<const PrivateKey>(std::move(copy), std::move(spki),
                                            std::move(*public_key));
}

PrivateKeyResult PrivateKey::from_pem(ByteView pem, const KeyLimits& limits) {
  if (pem.empty() || pem.size() > kMaxPem) return fail(KeyError::kPem);
  const BioPtr input(BIO_new_mem_buf(pem.data(), as_int(pem.size())));
  // Refuses encrypted keys; the default would ask on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  const PkeyPtr any(PEM_read_bio_PrivateKey(input.get(), nullptr, no_password, nullptr));
  const bool is_rsa = any != nullptr && EVP_PKEY_is_a(any.get(), "RSA") == 1;
  RsaPtr key(is_rsa ? EVP_PKEY_get1_RSA(any.get()) : nullptr);
  ERR_clear_error();
  if (any == nullptr) return fail(KeyError::kPem);
  if (key == nullptr) return fail(KeyError::kNotRsa);
  return checked(std::move(key), limits, true);
}

// OpenSSL asks between candidates for primes whether to go on.
int goes_on(int, int, BN_GENCB* callback) {
  return static_cast<const std::atomic<bool>*>(BN_GENCB_get_arg(callback))->load() ? 0 : 1;
}

PrivateKeyResult PrivateKey::generate(std::uint32_t bits, std::uint32_t exponent,
                                      const std::atomic<bool>* cancel) {
  const KeyLimits limits;
  if (bits < limits.min_bits || bits > limits.max_bits) return fail(KeyError::kModulusSize);
  if (exponent < 3 || exponent % 2 == 0) return fail(KeyError::kExponent);
  const BignumPtr wanted(BN_new());
  const GenerationPtr asks(cancel == nullptr ? nullptr : BN_GENCB_new());
  if (asks != nullptr) BN_GENCB_set(asks.get(), &goes_on, const_cast<std::atomic<bool>*>(cancel));
  RsaPtr key(RSA_new());
  if (wanted == nullptr || key == nullptr || (cancel != nullptr && asks == nullptr) ||
      BN_set_word(wanted.get(), exponent) != 1 ||
      RSA_generate_key_ex(key.get(), static_cast<int>(bits), wanted.get(), asks.get()) != 1) {
    ERR_clear_error();
    return fail(KeyError::kGeneration);
  }
  return checked(std::move(key), {bits, bits}, false);
}

Secret PrivateKey::to_pem() const {
  const PkeyPtr wrapped(EVP_PKEY_new());
  const BioPtr output(BIO_new(BIO_s_mem()));  // OpenSSL clears it when it grows and when freed
  if (wrapped == nullptr || output == nullptr ||
      EVP_PKEY_set1_RSA(wrapped.get(), key_.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(output.get(), wrapped.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1) {
    ERR_clear_error();
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(output.get(), &text);
  Secret pem(static_cast<std::size_t>(size));
  std::copy_n(text, pem.size(), pem.expose_mutable().begin());
  return pem;
}

class OpenSslSigningKey final : public SigningKey {
 public:
  explicit OpenSslSigningKey(std::unique_ptr<const PrivateKey> key)
      : key_(std::move(key)), hash_(key_hash(key_->spki())) {}

  [[nodiscard]] ByteView spki() const override { return key_->spki(); }
  [[nodiscard]] const RsaPublicKey& public_key() const override { return key_->public_key(); }
  [[nodiscard]] const KeyHash& hash() const override { return hash_; }
  [[nodiscard]] Bytes sign_sha1(const Sha1Digest& digest) const override {
    const auto info = digest_info(digest);
    Bytes signature(public_key().modulus_size());
    const int size = RSA_private_encrypt(as_int(info.size()), info.data(), signature.data(),
                                         key_->of_this_thread(), RSA_PKCS1_PADDING);
    if (size == as_int(signature.size())) return signature;
    ERR_clear_error();
    return {};
  }
  [[nodiscard]] Secret to_pem() const override { return key_->to_pem(); }

 private:
  std::unique_ptr<const PrivateKey> key_;
  KeyHash hash_;
};

// 0xff when `octet` is zero, else 0, without a branch.
std::uint8_t zero_mask(std::uint8_t octet) {
  return static_cast<std::uint8_t>((static_cast<std::uint32_t>(octet) - 1) >> 8);
}

// Zero when `block` is 00 | 02 | non-zero padding | 00 | `tail` octets. Reads every octet whatever
// it finds (W12): with the length of the plaintext known, so is the place of the separator.
std::uint8_t frame_errors(ByteView block, std::size_t tail) {
  const std::size_t separator = block.size() - tail - 1;
  auto errors = static_cast<std::uint8_t>(block[0] | (block[1] ^ 2) | block[separator]);
  for (std::size_t i = 2; i < separator; ++i)
    errors = static_cast<std::uint8_t>(errors | zero_mask(block[i]));
  return errors;
}

class OpenSslDecryptionKey final : public HandoverDecryptionKey {
 public:
  explicit OpenSslDecryptionKey(std::unique_ptr<const PrivateKey> key) : key_(std::move(key)) {}

  [[nodiscard]] ByteView spki() const override { return key_->spki(); }
  [[nodiscard]] const RsaPublicKey& public_key() const override { return key_->public_key(); }
  [[nodiscard]] Secret decrypt(ByteView ciphertext, std::size_t plaintext_size) const override;

 private:
  std::unique_ptr<const PrivateKey> key_;
};

Secret OpenSslDecryptionKey::decrypt(ByteView ciphertext, std::size_t plaintext_size) const {
  const RsaPublicKey& key = public_key();
  const std::size_t size = key.modulus_size();
  // What cannot be a ciphertext or cannot hold the plaintext costs a private operation too: on a
  // fixed block, whose result is thrown away.
  const bool fits = padding_size(key, plaintext_size) != 0 && ciphertext.size() == size &&
                    std::ranges::lexicographical_compare(ciphertext, key.modulus());
  Bytes block(size);
  block.back() = 2;
  if (fits) std::ranges::copy(ciphertext, block.begin());
  const std::size_t tail = padding_size(key, plaintext_size) != 0 ? plaintext_size : 0;

  Secret decrypted(size);
  const int got = RSA_private_decrypt(as_int(size), block.data(), decrypted.expose_mutable().data(),
                                      key_->of_this_thread(), RSA_NO_PADDING);
  ERR_clear_error();
  const std::uint8_t errors = frame_errors(decrypted.expose(), tail);
  Secret plaintext = Secret::copy_of(decrypted.expose().last(tail));
  if (!fits || got != as_int(size) || errors != 0) plaintext = Secret();
  return plaintext;
}

template <typename Key, typename Concrete>
Result<std::shared_ptr<const Key>, KeyError> wrapped(PrivateKeyResult key) {
  if (!key) return fail(key.error());
  return std::make_shared<const Concrete>(std::move(*key));
}

}  // namespace

Result<std::shared_ptr<const SigningKey>, KeyError> SigningKey::from_pem(ByteView pem,
                                                                         const KeyLimits& limits) {
  return wrapped<SigningKey, OpenSslSigningKey>(PrivateKey::from_pem(pem, limits));
}

Result<std::shared_ptr<const SigningKey>, KeyError> SigningKey::generate(std::uint32_t bits,
                                                                         std::uint32_t exponent) {
  return wrapped<SigningKey, OpenSslSigningKey>(PrivateKey::generate(bits, exponent, nullptr));
}

Result<std::shared_ptr<const HandoverDecryptionKey>, KeyError> HandoverDecryptionKey::generate(
    std::uint32_t bits, std::uint32_t exponent, const std::atomic<bool>* cancel) {
  return wrapped<HandoverDecryptionKey, OpenSslDecryptionKey>(
      PrivateKey::generate(bits, exponent, cancel));
}

Result<std::shared_ptr<const HandoverDecryptionKey>, KeyError> HandoverDecryptionKey::from_pem(
    ByteView pem, const KeyLimits& limits) {
  return wrapped<HandoverDecryptionKey, OpenSslDecryptionKey>(PrivateKey::from_pem(pem, limits));
}

}  // namespace sendoff::crypto
