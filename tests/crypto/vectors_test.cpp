// The answers of tests/vectors/mac.txt and rsaes.txt, which were computed without OpenSSL.
#include <gtest/gtest.h>

#include <map>

#include "crypto/mac.h"
#include "crypto/rsa.h"
#include "support/vectors.h"

namespace sendoff::crypto {
namespace {

using DecryptionKey = std::shared_ptr<const HandoverDecryptionKey>;

const DecryptionKey& key_of_file(const std::string& name) {
  static std::map<std::string, DecryptionKey> read;
  DecryptionKey& key = read[name];
  if (key == nullptr) {
    auto parsed = HandoverDecryptionKey::from_pem(test::load_file("keys/" + name + ".pem"));
    EXPECT_TRUE(parsed) << name;
    if (parsed) key = *parsed;
  }
  return key;
}

TEST(Vectors, EveryMacIsAsComputedElsewhere) {
  const auto vectors = test::load_vectors("mac.txt");
  ASSERT_GT(vectors.size(), 20U);
  for (const test::Vector& vector : vectors) {
    const auto algorithm = algorithm_of(static_cast<std::uint8_t>(vector.number("algorithm-type")));
    ASSERT_TRUE(algorithm) << vector.name;
    const Secret key = Secret::copy_of(vector.hex("key"));
    const Bytes data = vector.hex("data");
    EXPECT_EQ(to_hex(mac(*algorithm, key, data).view()), vector.text("mac")) << vector.name;
    EXPECT_TRUE(mac_matches(*algorithm, key, data, vector.hex("mac"))) << vector.name;
    if (vector.hex("full-mac").size() != tag_size(*algorithm)) {
      EXPECT_FALSE(mac_matches(*algorithm, key, data, vector.hex("full-mac"))) << vector.name;
    }
  }
}

TEST(Vectors, EveryCiphertextGivesItsKeyOrTheOneFailure) {
  const auto vectors = test::load_vectors("rsaes.txt");
  ASSERT_GT(vectors.size(), 60U);
  for (const test::Vector& vector : vectors) {
    const auto algorithm = algorithm_of(static_cast<std::uint8_t>(vector.number("algorithm-type")));
    ASSERT_TRUE(algorithm) << vector.name;
    const DecryptionKey& key = key_of_file(vector.text("key-file"));
    ASSERT_TRUE(key);
    const Secret got = key->decrypt(vector.hex("ciphertext"), key_size(*algorithm));
    if (vector.text("outcome") == "good") {
      EXPECT_TRUE(got.equals(Secret::copy_of(vector.hex("handover-key")))) << vector.name;
    } else {
      EXPECT_TRUE(got.empty()) << vector.name << ": " << vector.text("why");
    }
  }
}

}  // namespace
}  // namespace sendoff::crypto
