#include "crypto/sealer.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/reference.h"
#include "support/fake_random.h"

namespace sendoff::crypto {
namespace {

using test::hex;

// Hands out the octets it was given.
class Given final : public Random {
 public:
  explicit Given(Bytes octets) : octets_(std::move(octets)) {}
  bool fill(ByteSpan out) override {
    std::ranges::copy_n(octets_.begin(), static_cast<std::ptrdiff_t>(out.size()), out.begin());
    return true;
  }

 private:
  Bytes octets_;
};

// Made with python3-cryptography's AESGCM.
TEST(Sealer, SealsAsAnotherImplementationDoes) {
  Sealer sealer(
      Secret::copy_of(hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")));
  Given nonce(hex("cafebabefacedbaddecaf888"));
  const auto sealed =
      sealer.seal(hex("d9313225f88406e5a55909c5aff5269a86"), hex("feedfacedeadbeef"), nonce);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(
      to_hex(*sealed),
      "cafebabefacedbaddecaf8885392920352fe49fee3525418d4e8afa58b923048db73fc1d1ae6276240cc436791");
}

TEST(Sealer, OpensWhatItSealedAndNothingElse) {
  test::FakeRandom random;
  Sealer sealer(Secret::copy_of(Bytes(32, 1)));
  Sealer other(Secret::copy_of(Bytes(32, 2)));
  const Bytes plain(40, 7);
  const Bytes name(5, 9);
  auto sealed = sealer.seal(plain, name, random);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->size(), plain.size() + Sealer::kOverhead);
  const auto opened = sealer.open(*sealed, name);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(equal(opened->expose(), plain));

  EXPECT_FALSE(other.open(*sealed, name));
  EXPECT_FALSE(sealer.open(*sealed, Bytes(5, 8)));
  EXPECT_FALSE(sealer.open(*sealed, Bytes(4, 9)));
  for (std::size_t size = 0; size < sealed->size(); ++size)
    EXPECT_FALSE(sealer.open(ByteView(*sealed).first(size), name)) << size;
  for (std::size_t bit = 0; bit < 8 * sealed->size(); ++bit) {
    (*sealed)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(sealer.open(*sealed, name)) << bit;
    (*sealed)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
  EXPECT_TRUE(sealer.open(*sealed, name));
}

TEST(Sealer, EmptyTextsAreSealedToo) {
  test::FakeRandom random;
  Sealer sealer(Secret::copy_of(Bytes(32, 1)));
  const auto sealed = sealer.seal({}, {}, random);
  ASSERT_TRUE(sealed);
  const auto opened = sealer.open(*sealed, {});
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->empty());
  EXPECT_FALSE(sealer.open(*sealed, Bytes(1, 0)));
}

TEST(Sealer, NoTwoSealingsShareANonce) {
  test::FakeRandom random;
  Sealer sealer(Secret::copy_of(Bytes(32, 1)));
  std::set<Bytes> nonces;
  for (int i = 0; i < 1000; ++i) {
    const auto sealed = sealer.seal(Bytes(4, 0), {}, random);
    ASSERT_TRUE(sealed);
    nonces.insert(Bytes(sealed->begin(), sealed->begin() + 12));
  }
  EXPECT_EQ(nonces.size(), 1000U);
}

TEST(Sealer, WithoutRandomnessItSealsNothing) {
  test::FakeRandom random;
  random.set(test::FakeRandom::Mode::kFails, 1);
  Sealer sealer(Secret::copy_of(Bytes(32, 1)));
  EXPECT_FALSE(sealer.seal(Bytes(4, 0), {}, random));
  EXPECT_TRUE(sealer.seal(Bytes(4, 0), {}, random));
}

}  // namespace
}  // namespace sendoff::crypto
