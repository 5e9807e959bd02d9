// RSAES-PKCS1-v1_5 against OpenSSL's EVP calls in both directions, and every spoiled block.
#include <gtest/gtest.h>

#include "crypto/mac.h"
#include "crypto/reference.h"
#include "crypto/rsa.h"
#include "support/covers.h"

namespace sendoff::crypto {
namespace {

using test::KeyKind;
using test::Reference;

Secret counted(std::size_t size, std::uint8_t first = 1) {
  Secret out(size);
  for (std::uint8_t& octet : out.expose_mutable()) octet = first++ | 1;
  return out;
}

class EncryptionOfEverySize : public testing::TestWithParam<KeyKind> {
 protected:
  const Reference& reference_ = Reference::of(GetParam().bits, GetParam().exponent);
  const RsaPublicKey public_ = *RsaPublicKey::parse(reference_.spki());
  const std::size_t size_ = public_.modulus_size();
};

INSTANTIATE_TEST_SUITE_P(Keys, EncryptionOfEverySize,
                         testing::Values(KeyKind{1024, 65537}, KeyKind{2048, 65537},
                                         KeyKind{3072, 65537}, KeyKind{1024, 3}, KeyKind{2048, 3},
                                         KeyKind{3072, 3}, KeyKind{1031, 65537},
                                         KeyKind{2047, 65537}),
                         [](const auto& kind) {
                           return std::to_string(kind.param.bits) + "e" +
                                  std::to_string(kind.param.exponent);
                         });

TEST_P(EncryptionOfEverySize, OpensslDecryptsOurs) {
  COVERS("HK-3.2-20");
  for (Algorithm algorithm : kAlgorithms) {
    const Secret plaintext = counted(key_size(algorithm), 50);
    const Secret padding = counted(padding_size(public_, plaintext.size()));
    const Bytes ciphertext = encrypt(public_, plaintext, padding);
    ASSERT_EQ(ciphertext.size(), size_);
    EXPECT_EQ(reference_.decrypt(ciphertext), to_bytes(plaintext.expose()));

    // The block as it is: 00 02, the padding given, 00, the raw key.
    const Bytes block = reference_.decrypt(ciphertext, RSA_NO_PADDING);
    ASSERT_EQ(block.size(), size_);
    EXPECT_EQ(block[0], 0);
    EXPECT_EQ(block[1], 2);
    EXPECT_GE(padding.size(), 8U);
    EXPECT_TRUE(equal(ByteView(block).subspan(2, padding.size()), padding.expose()));
    EXPECT_EQ(block[2 + padding.size()], 0);
    EXPECT_TRUE(equal(ByteView(block).subspan(3 + padding.size()), plaintext.expose()));

    // Another key of the same size, as the CGA key is, does not decrypt it.
    const Reference& other = Reference::of(GetParam().bits, GetParam().exponent == 3 ? 65537 : 3);
    EXPECT_NE(other.decrypt(ciphertext), to_bytes(plaintext.expose()));
  }
}

TEST_P(EncryptionOfEverySize, WeDecryptOpenssls) {
  COVERS("HK-4.2-11");
  const auto key = HandoverDecryptionKey::from_pem(reference_.pem());
  ASSERT_TRUE(key) << name(key.error());
  EXPECT_EQ(to_bytes((*key)->spki()), reference_.spki());
  for (Algorithm algorithm : kAlgorithms) {
    const Secret plaintext = counted(key_size(algorithm), 50);
    const Bytes theirs = reference_.encrypt(plaintext.expose());
    ASSERT_EQ(theirs.size(), size_);
    EXPECT_TRUE((*key)->decrypt(theirs, plaintext.size()).equals(plaintext));
    // And the other direction: theirs reads ours.
    const Bytes ours =
        encrypt(public_, plaintext, counted(padding_size(public_, plaintext.size())));
    EXPECT_EQ(reference_.decrypt(ours), to_bytes(plaintext.expose()));
    EXPECT_TRUE((*key)->decrypt(ours, plaintext.size()).equals(plaintext));
  }
}

TEST_P(EncryptionOfEverySize, EverySpoiledBlockGivesTheSameNothing) {
  const auto key = HandoverDecryptionKey::from_pem(reference_.pem());
  ASSERT_TRUE(key);
  const std::size_t plaintext_size = 20;
  const std::size_t separator = size_ - plaintext_size - 1;
  const auto result = [&](const Bytes& block) {
    const Bytes ciphertext = reference_.encrypt(block, RSA_NO_PADDING);
    EXPECT_EQ(ciphertext.size(), size_);
    return (*key)->decrypt(ciphertext, plaintext_size);
  };
  Bytes good(size_, 0x55);
  good[0] = 0;
  good[1] = 2;
  good[separator] = 0;
  ASSERT_EQ(result(good).size(), plaintext_size);

  for (unsigned type : {0U, 1U, 3U, 0x82U, 0xffU}) {
    Bytes block = good;
    block[1] = static_cast<std::uint8_t>(type);
    EXPECT_TRUE(result(block).empty()) << type;
  }
  Bytes first = good;
  first[0] = 1;
  if (public_.modulus()[0] > 1) {  // else the block is not below the modulus
    EXPECT_TRUE(result(first).empty());
  }
  for (std::size_t at = 2; at < separator; ++at) {  // padding with a zero: the key is longer
    Bytes block = good;
    block[at] = 0;
    EXPECT_TRUE(result(block).empty()) << at;
  }
  for (unsigned octet : {1U, 2U, 0x80U, 0xffU}) {  // no separator, or one further on
    Bytes block = good;
    block[separator] = static_cast<std::uint8_t>(octet);
    EXPECT_TRUE(result(block).empty());
    block[separator + 1] = 0;
    EXPECT_TRUE(result(block).empty());
  }
  // Zeros in the key itself are no separators.
  Bytes zeros = good;
  std::fill(zeros.begin() + static_cast<std::ptrdiff_t>(separator), zeros.end(), std::uint8_t{0});
  EXPECT_TRUE(result(zeros).equals(Secret(plaintext_size)));
}

TEST_P(EncryptionOfEverySize, AKeyOfAnotherLengthGivesTheSameNothing) {
  const auto key = HandoverDecryptionKey::from_pem(reference_.pem());
  ASSERT_TRUE(key);
  const Bytes ciphertext = reference_.encrypt(counted(20, 50).expose());
  for (std::size_t wanted = 0; wanted <= size_ + 10; ++wanted)
    EXPECT_EQ((*key)->decrypt(ciphertext, wanted).size(), wanted == 20 ? 20U : 0U) << wanted;
  EXPECT_TRUE((*key)->decrypt(ciphertext, SIZE_MAX).empty());
}

TEST_P(EncryptionOfEverySize, ACiphertextThatIsNoneGivesTheSameNothing) {
  const auto key = HandoverDecryptionKey::from_pem(reference_.pem());
  ASSERT_TRUE(key);
  const Bytes good = reference_.encrypt(counted(20, 50).expose());
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_TRUE((*key)->decrypt(longer, 20).empty());
  longer = good;
  longer.insert(longer.begin(), 0);
  EXPECT_TRUE((*key)->decrypt(longer, 20).empty());
  EXPECT_TRUE((*key)->decrypt(ByteView(good).first(size_ - 1), 20).empty());
  EXPECT_TRUE((*key)->decrypt(ByteView(good).subspan(1), 20).empty());
  EXPECT_TRUE((*key)->decrypt({}, 20).empty());
  EXPECT_TRUE((*key)->decrypt(Bytes(size_, 0xff), 20).empty());
  EXPECT_TRUE((*key)->decrypt(Bytes(size_, 0), 20).empty());
  EXPECT_TRUE((*key)->decrypt(public_.modulus(), 20).empty());
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_EQ((*key)->decrypt(good, 20).size(), 20U);
}

TEST(Encryption, ExactlyEightOctetsOfPaddingAreEnough) {
  const Reference& reference = Reference::of(1024);
  const auto key = RsaPublicKey::parse(reference.spki());
  const auto hke = HandoverDecryptionKey::from_pem(reference.pem());
  ASSERT_TRUE(key && hke);
  EXPECT_EQ(padding_size(*key, 117), 8U);
  const Secret longest = counted(117);
  const Bytes ciphertext = encrypt(*key, longest, counted(8));
  EXPECT_EQ(reference.decrypt(ciphertext), to_bytes(longest.expose()));
  EXPECT_TRUE((*hke)->decrypt(ciphertext, 117).equals(longest));

  // Seven: no sender can say so, and no receiver takes it.
  EXPECT_EQ(padding_size(*key, 118), 0U);
  EXPECT_TRUE(encrypt(*key, counted(118), counted(7)).empty());
  Bytes block(128, 0x55);
  block[0] = 0;
  block[1] = 2;
  block[9] = 0;
  EXPECT_TRUE((*hke)->decrypt(reference.encrypt(block, RSA_NO_PADDING), 118).empty());
}

TEST(Encryption, IsDeterminedByThePaddingGiven) {
  const auto key = RsaPublicKey::parse(Reference::of(2048).spki());
  ASSERT_TRUE(key);
  const Bytes one = encrypt(*key, counted(20), counted(233, 1));
  EXPECT_EQ(encrypt(*key, counted(20), counted(233, 1)), one);
  EXPECT_NE(encrypt(*key, counted(20), counted(233, 9)), one);
}

TEST(EncryptionDeathTest, PaddingWithAZeroOrOfAnotherLengthIsABrokenInvariant) {
  const auto key = RsaPublicKey::parse(Reference::of(1024).spki());
  ASSERT_TRUE(key);
  Secret zero = counted(105);
  zero.expose_mutable()[50] = 0;
  EXPECT_DEATH((void)encrypt(*key, counted(20), zero), "");
  EXPECT_DEATH((void)encrypt(*key, counted(20), counted(104)), "");
}

TEST(HandoverDecryptionKey, GeneratesPairsOfTheWantedKind) {
  const auto key = HandoverDecryptionKey::generate(1024, 3);
  ASSERT_TRUE(key);
  EXPECT_EQ((*key)->public_key().bits(), 1024U);
  EXPECT_EQ((*key)->public_key().exponent(), 3U);
  const Secret plaintext = counted(20, 50);
  const Bytes ciphertext = Reference::from_spki((*key)->spki()).encrypt(plaintext.expose());
  EXPECT_TRUE((*key)->decrypt(ciphertext, 20).equals(plaintext));
}

}  // namespace
}  // namespace sendoff::crypto
