// Known answers: RFC 2202 (HMAC-SHA1), RFC 4231 (HMAC-SHA256, -SHA384), RFC 4494 (AES-CMAC-96).
// Their keys are shorter or longer than handover keys; HMAC pads a short key with zeros, so that
// the vectors with shorter keys are run with the key padded to our size.
#include "crypto/mac.h"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <set>
#include <string>
#include <thread>

#include "crypto/reference.h"
#include "support/covers.h"

namespace sendoff::crypto {
namespace {

using test::as_octets;
using test::hex;

// `key` with zeros behind it, as HMAC itself does.
Secret padded(ByteView key, Algorithm algorithm) {
  EXPECT_LE(key.size(), key_size(algorithm));
  Bytes octets = to_bytes(key);
  octets.resize(key_size(algorithm));
  return Secret::copy_of(octets);
}

Secret some_key(Algorithm algorithm, std::uint8_t first) {
  Secret key(key_size(algorithm));
  for (std::uint8_t& octet : key.expose_mutable()) octet = first++;
  return key;
}

std::string tag_of(Algorithm algorithm, const Secret& key, ByteView octets) {
  return to_hex(mac(algorithm, key, octets).view());
}

TEST(Mac, EveryCodeNamesItsFunctionKeySizeAndTagSize) {
  COVERS("HK-4.1-08");
  struct Row {
    std::uint8_t code;
    Algorithm algorithm;
    std::string_view name;
    std::size_t key;
    std::size_t tag;
    int strength;
  };
  const Row rows[] = {{1, Algorithm::kHmacSha1_96, "hmac-sha1-96", 20, 12, 0},
                      {2, Algorithm::kHmacSha256_128, "hmac-sha256-128", 32, 16, 2},
                      {3, Algorithm::kHmacSha384_192, "hmac-sha384-192", 48, 24, 3},
                      {4, Algorithm::kAes128Cmac_96, "aes128-cmac-96", 16, 12, 1},
                      {0, Algorithm::kHmacSha1_96, "hmac-sha1-96", 20, 12, 0}};
  for (const Row& row : rows) {
    ASSERT_EQ(algorithm_of(row.code), row.algorithm);
    EXPECT_EQ(name(row.algorithm), row.name);
    EXPECT_EQ(algorithm_named(row.name), row.algorithm);
    EXPECT_EQ(key_size(row.algorithm), row.key);
    EXPECT_EQ(tag_size(row.algorithm), row.tag);
    EXPECT_EQ(strength(row.algorithm), row.strength);
    EXPECT_EQ(mac(row.algorithm, Secret(row.key), {}).view().size(), row.tag);
  }
  for (unsigned code = 5; code < 256; ++code)
    EXPECT_FALSE(algorithm_of(static_cast<std::uint8_t>(code))) << code;
  EXPECT_FALSE(algorithm_named("hmac-md5"));
  // Each code gives the function it is named after.
  const ByteView abc = as_octets("abc");
  EXPECT_EQ(tag_of(Algorithm::kHmacSha1_96, Secret(20), abc), "9b4a918f398d74d3e367970a");
  EXPECT_EQ(tag_of(Algorithm::kHmacSha256_128, Secret(32), abc),
            "fd7adb152c05ef80dccf50a1fa4c05d5");
}

TEST(Mac, TheListOfAlgorithmsGoesFromTheWeakest) {
  for (std::size_t i = 0; i < kAlgorithms.size(); ++i)
    EXPECT_EQ(strength(kAlgorithms[i]), static_cast<int>(i));
}

TEST(Mac, GivesTheKnownAnswersOfRfc2202) {
  const Algorithm sha1_96 = Algorithm::kHmacSha1_96;
  EXPECT_EQ(tag_of(sha1_96, padded(Bytes(20, 0x0b), sha1_96), as_octets("Hi There")),
            "b617318655057264e28bc0b6");
  EXPECT_EQ(tag_of(sha1_96, padded(as_octets("Jefe"), sha1_96),
                   as_octets("what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5");
  EXPECT_EQ(tag_of(sha1_96, padded(Bytes(20, 0xaa), sha1_96), Bytes(50, 0xdd)),
            "125d7342b9ac11cd91a39af4");
}

TEST(Mac, GivesTheKnownAnswersOfRfc4231) {
  const Algorithm sha256 = Algorithm::kHmacSha256_128;
  const Algorithm sha384 = Algorithm::kHmacSha384_192;
  EXPECT_EQ(tag_of(sha256, padded(Bytes(20, 0x0b), sha256), as_octets("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b");
  EXPECT_EQ(tag_of(sha256, padded(Bytes(20, 0xaa), sha256), Bytes(50, 0xdd)),
            "773ea91e36800e46854db8ebd09181a7");
  EXPECT_EQ(tag_of(sha384, padded(Bytes(20, 0x0b), sha384), as_octets("Hi There")),
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6");
  EXPECT_EQ(tag_of(sha384, padded(Bytes(20, 0xaa), sha384), Bytes(50, 0xdd)),
            "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9feb");
}

TEST(Mac, GivesTheKnownAnswersOfRfc4494) {
  const Algorithm cmac = Algorithm::kAes128Cmac_96;
  const Secret key = Secret::copy_of(hex("2b7e151628aed2a6abf7158809cf4f3c"));
  const Bytes message =
      hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
          "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
  const ByteView all(message);
  EXPECT_EQ(tag_of(cmac, key, {}), "bb1d6929e95937287fa37d12");
  EXPECT_EQ(tag_of(cmac, key, all.first(16)), "070a16b46b4d4144f79bdd9d");
  EXPECT_EQ(tag_of(cmac, key, all.first(40)), "dfa66747de9ae63030ca3261");
  EXPECT_EQ(tag_of(cmac, key, all), "51f0bebf7e3b9d92fc497417");
}

TEST(Mac, AgreesWithAnotherImplementationOverAllLengths) {
  const std::pair<Algorithm, const EVP_MD*> hmacs[] = {{Algorithm::kHmacSha1_96, EVP_sha1()},
                                                       {Algorithm::kHmacSha256_128, EVP_sha256()},
                                                       {Algorithm::kHmacSha384_192, EVP_sha384()}};
  for (const auto& [algorithm, digest] : hmacs) {
    const Secret key = some_key(algorithm, 7);
    Bytes message;
    for (std::uint8_t size = 0; size < 200; ++size) {
      std::array<std::uint8_t, EVP_MAX_MD_SIZE> full{};
      unsigned full_size = 0;
      ASSERT_NE(HMAC(digest, key.expose().data(), static_cast<int>(key.size()), message.data(),
                     message.size(), full.data(), &full_size),
                nullptr);
      EXPECT_EQ(tag_of(algorithm, key, message), to_hex(ByteView(full).first(tag_size(algorithm))));
      message.push_back(size);
    }
  }
}

TEST(Mac, ChangingTheKeyLeavesNothingOfTheOneBefore) {
  for (Algorithm algorithm : kAlgorithms) {
    const Secret a = some_key(algorithm, 1);
    const Secret b = some_key(algorithm, 100);
    const Bytes message(100, 0x5a);
    const std::string with_a = tag_of(algorithm, a, message);
    const std::string with_b = tag_of(algorithm, b, message);
    EXPECT_NE(with_a, with_b);
    EXPECT_EQ(tag_of(algorithm, a, message), with_a);
    std::string elsewhere;
    std::thread([&] { elsewhere = tag_of(algorithm, b, message); }).join();
    EXPECT_EQ(elsewhere, with_b);
  }
}

TEST(Mac, MatchesOnlyTheExactTag) {
  for (Algorithm algorithm : kAlgorithms) {
    const Secret key = some_key(algorithm, 3);
    Bytes message(77, 0x11);
    const Bytes tag = to_bytes(mac(algorithm, key, message).view());
    EXPECT_TRUE(mac_matches(algorithm, key, message, tag));
    for (std::size_t bit = 0; bit < tag.size() * 8; ++bit) {
      Bytes flipped = tag;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
      EXPECT_FALSE(mac_matches(algorithm, key, message, flipped)) << bit;
    }
    message.back() ^= 1;
    EXPECT_FALSE(mac_matches(algorithm, key, message, tag));
  }
}

TEST(Mac, RefusesATagOfAnyOtherLength) {
  for (Algorithm algorithm : kAlgorithms) {
    const Secret key = some_key(algorithm, 3);
    const Bytes message(77, 0x11);
    // All octets of the untruncated MAC are right, however many of them are sent.
    Bytes longest = to_bytes(mac(algorithm, key, message).view());
    longest.resize(48);
    if (algorithm == Algorithm::kHmacSha256_128) {
      unsigned size = 0;
      HMAC(EVP_sha256(), key.expose().data(), 32, message.data(), message.size(), longest.data(),
           &size);
      ASSERT_EQ(size, 32U);
    }
    for (std::size_t size = 0; size <= longest.size(); ++size)
      EXPECT_EQ(mac_matches(algorithm, key, message, ByteView(longest).first(size)),
                size == tag_size(algorithm))
          << name(algorithm) << " " << size;
  }
}

TEST(MacDeathTest, AKeyOfAnotherSizeIsABrokenInvariant) {
  EXPECT_DEATH((void)mac(Algorithm::kHmacSha1_96, Secret(16), {}), "");
}

}  // namespace
}  // namespace sendoff::crypto
