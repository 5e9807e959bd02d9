// That keys leave no octets in memory that was given back: this program's operator new and delete
// and OpenSSL's allocator look at every block before they free it. What they look for is kept
// outside the heap and inverted, so that only the key itself can be found.
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "keys/encryption_pair.h"
#include "keys/held_keys.h"
#include "keys/issued_keys.h"
#include "keys/keys_fixture.h"
#include "support/fake_random.h"
#include "support/vectors.h"

namespace {

constexpr std::size_t kPatternSize = 16;

struct Watch {
  std::array<std::uint8_t, kPatternSize> inverted{};
  std::atomic<bool> armed = false;
  std::atomic<int> found = 0;   // freed blocks that held the pattern
  std::atomic<int> looked = 0;  // freed blocks
};
Watch watch;

void look(const void* block) {
  if (block == nullptr || !watch.armed) return;
  ++watch.looked;
  const auto* octets = static_cast<const std::uint8_t*>(block);
  const std::size_t size = malloc_usable_size(const_cast<void*>(block));
  for (std::size_t at = 0; at + kPatternSize <= size; ++at) {
    std::size_t same = 0;
    while (same < kPatternSize &&
           octets[at + same] == static_cast<std::uint8_t>(~watch.inverted[same]))
      ++same;
    if (same < kPatternSize) continue;
    ++watch.found;
    return;
  }
}

void* take(std::size_t size) { return std::malloc(size == 0 ? 1 : size); }
void give_back(void* block) {
  look(block);
  std::free(block);
}

void* openssl_malloc(std::size_t size, const char*, int) { return std::malloc(size); }
void openssl_free(void* block, const char*, int) { give_back(block); }
void* openssl_realloc(void* block, std::size_t size, const char*, int) {
  void* const grown = std::malloc(size);
  if (grown == nullptr) return nullptr;
  if (block != nullptr) std::memcpy(grown, block, std::min(size, malloc_usable_size(block)));
  give_back(block);
  return grown;
}
// Before main, since OpenSSL takes an allocator only until it first allocates.
const bool openssl_is_watched =
    CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

void* operator new(std::size_t size) {
  void* const block = take(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void operator delete(void* block) noexcept { give_back(block); }
void operator delete[](void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give_back(block); }

namespace sendoff::keys {
namespace {

using crypto::Algorithm;
using test::address;
using test::after;
using test::kLink;
using test::kPar;
using test::kPcoa;
using test::now_after;

// Looks for the first octets of `secret` in what is freed from now on.
class Watching {
 public:
  explicit Watching(ByteView secret) {
    invariant(secret.size() >= kPatternSize);
    for (std::size_t i = 0; i < kPatternSize; ++i)
      watch.inverted[i] = static_cast<std::uint8_t>(~secret[i]);
    watch.found = 0;
    watch.looked = 0;
    watch.armed = true;
  }
  ~Watching() { watch.armed = false; }
  [[nodiscard]] int found() const { return watch.found; }
  [[nodiscard]] int looked() const { return watch.looked; }
};

HeldKey held(ByteView octets, const Ipv6Address& ar = kPar) {
  HeldKey key;
  key.ar = ar;
  key.cga = kPcoa;
  key.algorithm = Algorithm::kHmacSha256_128;
  key.key = Secret::copy_of(octets);
  key.received_for = after(seconds(0));
  key.expires = after(seconds(1000));
  return key;
}

TEST(Wiping, WouldBeMissedByThisTestIfItDidNotHappen) {
  const Secret secret = test::key_of(Algorithm::kHmacSha256_128, 0x51);
  const Watching watching(secret.expose());
  {
    const Bytes careless = to_bytes(secret.expose());
  }
  EXPECT_EQ(watching.found(), 1);
  {
    const Secret careful = secret.duplicate();
  }
  EXPECT_EQ(watching.found(), 1);
  ASSERT_TRUE(openssl_is_watched);
  void* const block = OPENSSL_malloc(40);
  std::ranges::copy(secret.expose(), static_cast<std::uint8_t*>(block) + 3);
  OPENSSL_free(block);
  EXPECT_EQ(watching.found(), 2);
}

TEST(Wiping, HappensToEveryIssuedKeyHoweverItGoes) {
  sendoff::test::FakeRandom random;
  for (int way = 0; way < 6; ++way) {
    IssuedKeyConfig config{.lifetime_s = 1000};
    if (way == 3) config.max_keys = 1;
    auto keys = std::make_optional<IssuedKeys>(config, random);
    IssuedKey* const key = keys->find_or_create(after(seconds(0)), kPcoa, kLink, 2)->key;
    const auto name = key->name();
    const Watching watching(key->key.expose());
    switch (way) {
      case 0:
        EXPECT_EQ(keys->discard(kPcoa).size(), 1u);
        break;
      case 1:
        keys->discard(name);
        break;
      case 2:
        EXPECT_EQ(keys->expire(after(seconds(1000))).size(), 1u);
        break;
      case 3:
        EXPECT_TRUE(keys->find_or_create(after(seconds(950)), kPcoa, kLink, 2)->dropped);
        break;
      case 4:
        for (std::uint32_t i = 0; i < 100; ++i)  // the table grows and moves its contents
          ASSERT_TRUE(keys->find_or_create(after(seconds(0)), address(i), test::link(i), 2));
        break;
      default:
        keys.reset();
    }
    if (way != 4 && way != 5) {
      EXPECT_EQ(keys->find(name), nullptr);
    }
    EXPECT_EQ(watching.found(), 0) << way;
    EXPECT_GT(watching.looked(), 0) << way;
  }
}

TEST(Wiping, HappensOnTheWayToAndFromTheStoreAndInTheMac) {
  sendoff::test::FakeRandom random;
  IssuedKeys keys({}, random);
  const IssuedKey& key = *keys.find_or_create(after(seconds(0)), kPcoa, kLink, 2)->key;
  const Watching watching(key.key.expose());
  {
    const machine::IssuedKey record = keys.record_of(key, now_after(seconds(1)));
    IssuedKeys other({}, random);
    EXPECT_TRUE(other.restore(now_after(seconds(2)), record));
    EXPECT_FALSE(other.restore(now_after(seconds(2)), record));
    const auto fbu = test::signed_fbu(key.algorithm, key.key);
    EXPECT_TRUE(
        other.authenticate(after(seconds(3)), kPcoa, test::kNcoa, kPar, fbu.header, fbu.fbu));
    EXPECT_FALSE(fingerprint(key.key).empty());
  }
  EXPECT_EQ(watching.found(), 0);
  EXPECT_GT(watching.looked(), 0);
}

TEST(Wiping, HappensToEveryHeldKeyHoweverItGoes) {
  const Secret octets = test::key_of(Algorithm::kHmacSha256_128, 0x31);
  const Secret others = test::key_of(Algorithm::kHmacSha256_128, 0x71);
  for (int way = 0; way < 8; ++way) {
    auto keys = std::make_optional<HeldKeys>(1);
    keys->store(held(octets.expose()));
    const Watching watching(octets.expose());
    switch (way) {
      case 0:
        EXPECT_TRUE(keys->discard(kPar, kPcoa));
        break;
      case 1:
        EXPECT_EQ(keys->discard_all_but(address(1)).size(), 1u);
        break;
      case 2:
        EXPECT_EQ(keys->expire(after(seconds(1000))).size(), 1u);
        break;
      case 3:
        EXPECT_EQ(keys->store(held(others.expose())), HeldKeys::Stored::kReplaced);
        break;
      case 4:
        EXPECT_EQ(keys->store(held(octets.expose())), HeldKeys::Stored::kSame);
        break;
      case 5:
        EXPECT_EQ(keys->store(held(others.expose(), address(2))), HeldKeys::Stored::kNew);
        break;
      case 6:
        keys->retain_previous(kPar, kPcoa, true);
        keys->store(held(others.expose()));
        EXPECT_NE(keys->previous(kPar, kPcoa), nullptr);
        keys->retain_previous(kPar, kPcoa, false);
        EXPECT_EQ(keys->previous(kPar, kPcoa), nullptr);
        break;
      default:
        keys.reset();
    }
    EXPECT_EQ(watching.found(), 0) << way;
    EXPECT_GT(watching.looked(), 0) << way;
  }
}

// The octets of a factor of the private key as OpenSSL holds them: words, the lowest first.
Bytes factor_in_memory(ByteView pem) {
  BIO* const input = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(input, nullptr, nullptr, nullptr);
  BIGNUM* factor = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &factor), 1);
  Bytes octets(static_cast<std::size_t>(BN_num_bytes(factor)));
  EXPECT_EQ(BN_bn2lebinpad(factor, octets.data(), static_cast<int>(octets.size())),
            static_cast<int>(octets.size()));
  BN_clear_free(factor);
  EVP_PKEY_free(key);
  BIO_free(input);
  return octets;
}

TEST(Wiping, HappensToAPrivateKeyWhenItsLastHolderLetsGo) {
  const Bytes pem = sendoff::test::load_file("keys/hke-1024.pem");
  const Secret factor = Secret::copy_of(factor_in_memory(pem));
  const auto cga =
      (*crypto::SigningKey::from_pem(sendoff::test::load_file("keys/mn-1024.pem")))->public_key();
  EncryptionPair pair({});
  ASSERT_TRUE(pair.wanted(after(seconds(0)), cga, seconds(0)));
  pair.generated(after(seconds(0)), *crypto::HandoverDecryptionKey::from_pem(pem));
  DecryptionKey outstanding = pair.current(after(seconds(1)), cga);
  ASSERT_NE(outstanding, nullptr);
  const std::weak_ptr alive = outstanding;
  const Watching watching(factor.expose());
  pair.tick(after(seconds(43'200)));
  EXPECT_FALSE(alive.expired());
  const int before = watching.looked();
  outstanding.reset();
  EXPECT_TRUE(alive.expired());
  EXPECT_GT(watching.looked(), before + 5);
  EXPECT_EQ(watching.found(), 0);
}

}  // namespace
}  // namespace sendoff::keys
