// That keys leave no octets in memory that was given back (RFC 5269 3.1, 3.6).
#include "keys/encryption_pair.h"
#include "keys/held_keys.h"
#include "keys/issued_keys.h"
#include "keys/keys_fixture.h"
#include "support/fake_random.h"
#include "support/freed_memory.h"
#include "support/vectors.h"

namespace sendoff::keys {
namespace {

using crypto::Algorithm;
using sendoff::test::factor_in_memory;
using sendoff::test::Watching;
using test::address;
using test::after;
using test::kLink;
using test::kPar;
using test::kPcoa;
using test::now_after;

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
  ASSERT_TRUE(sendoff::test::openssl_is_watched());
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
