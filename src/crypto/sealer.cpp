#include "crypto/sealer.h"

#include <array>

#include "crypto/openssl.h"

namespace sendoff::crypto {

namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
static_assert(Sealer::kOverhead == kNonceSize + kTagSize);

using CipherPtr = std::unique_ptr<EVP_CIPHER, Freed<EVP_CIPHER_free>>;
using CipherContextPtr = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;

int length_of(ByteView octets) {
  invariant(octets.size() < 1U << 30);
  return static_cast<int>(octets.size());
}

}  // namespace

// A context for each direction: setting a nonce alone leaves the key's schedule where it is.
struct Sealer::State {
  CipherContextPtr sealing{EVP_CIPHER_CTX_new()};
  CipherContextPtr opening{EVP_CIPHER_CTX_new()};
};

Sealer::Sealer(const Secret& key) : state_(std::make_unique<State>()) {
  invariant(key.size() == kKeySize);
  const CipherPtr cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  const std::uint8_t* const octets = key.expose().data();
  invariant(
      cipher && state_->sealing && state_->opening &&
      EVP_EncryptInit_ex2(state_->sealing.get(), cipher.get(), octets, nullptr, nullptr) == 1 &&
      EVP_DecryptInit_ex2(state_->opening.get(), cipher.get(), octets, nullptr, nullptr) == 1);
}

Sealer::~Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;

std::optional<Bytes> Sealer::seal(ByteView plaintext, ByteView associated, Random& random) {
  Bytes sealed(plaintext.size() + kOverhead);
  const ByteSpan nonce = ByteSpan(sealed).first(kNonceSize);
  if (!random.fill(nonce)) return std::nullopt;
  std::uint8_t* const ciphertext = sealed.data() + kNonceSize;
  std::uint8_t* const tag = ciphertext + plaintext.size();
  EVP_CIPHER_CTX* const context = state_->sealing.get();
  int size = 0;
  invariant(
      EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(context, nullptr, &size, associated.data(), length_of(associated)) == 1 &&
      EVP_EncryptUpdate(context, ciphertext, &size, plaintext.data(), length_of(plaintext)) == 1 &&
      EVP_EncryptFinal_ex(context, tag, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, int{kTagSize}, tag) == 1);
  return sealed;
}

std::optional<Secret> Sealer::open(ByteView sealed, ByteView associated) {
  if (sealed.size() < kOverhead) return std::nullopt;
  const ByteView nonce = sealed.first(kNonceSize);
  const ByteView ciphertext = sealed.subspan(kNonceSize, sealed.size() - kOverhead);
  std::array<std::uint8_t, kTagSize> tag{};
  std::ranges::copy(sealed.last(kTagSize), tag.begin());
  Secret plaintext(ciphertext.size());
  EVP_CIPHER_CTX* const context = state_->opening.get();
  int size = 0;
  invariant(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, int{kTagSize}, tag.data()) == 1 &&
            EVP_DecryptUpdate(context, nullptr, &size, associated.data(), length_of(associated)) ==
                1 &&
            EVP_DecryptUpdate(context, plaintext.expose_mutable().data(), &size, ciphertext.data(),
                              length_of(ciphertext)) == 1);
  std::array<std::uint8_t, kTagSize> rest{};
  if (EVP_DecryptFinal_ex(context, rest.data(), &size) == 1) return plaintext;
  ERR_clear_error();
  return std::nullopt;
}

}  // namespace sendoff::crypto
