#include "esp/key.h"

#include "crypto/random.h"
#include "esp/fixture.h"
#include "support/fake_random.h"

namespace sendoff::esp {
namespace {

Result<Key, KeyError> read(const std::string& text) {
  return read_key(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

const std::string kGood = "424eab8b43d3345f3c0b8bed4da13b110fb0dd4a83c7b8ccc3afc67c2ca5b0a2";

TEST(EspKey, AreSixtyFourDigits) {
  for (const std::string& text : {kGood, kGood + "\n", kGood + "\r\n"}) {
    const auto key = read(text);
    ASSERT_TRUE(key);
    EXPECT_TRUE(equal((*key)->expose(), vector().hex("hmac-hi-key")));
  }
  for (const std::size_t octets : {0U, 16U, 31U, 33U, 64U}) {
    std::string text;
    while (text.size() < 2 * octets) text += kGood;
    text.resize(2 * octets);
    const auto key = read(text);
    ASSERT_FALSE(key) << octets;
    EXPECT_EQ(key.error(), KeyError::kSize) << octets;
    EXPECT_EQ(key_octets(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())),
              octets);
  }
  EXPECT_EQ(read(kGood.substr(1)).error(), KeyError::kSize) << "odd";
  EXPECT_EQ(read("correct horse battery staple").error(), KeyError::kNotHex);
  EXPECT_EQ(read(kGood.substr(2) + " \n").error(), KeyError::kNotHex);
  EXPECT_EQ(read("0x" + kGood.substr(2)).error(), KeyError::kNotHex);
}

TEST(EspKey, WhatIsPlainlyNotRandomIsRefused) {
  const auto key_of_octets = [](const std::function<std::uint8_t(std::size_t)>& octet) {
    Bytes octets(kKeySize);
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = octet(i);
    return read(to_hex(octets));
  };
  const std::vector<std::function<std::uint8_t(std::size_t)>> patterns{
      [](std::size_t) { return std::uint8_t{0}; },
      [](std::size_t) { return std::uint8_t{0xff}; },
      [](std::size_t) { return std::uint8_t{0x5a}; },
      [](std::size_t i) { return static_cast<std::uint8_t>(i); },
      [](std::size_t i) { return static_cast<std::uint8_t>(i + 1); },
      [](std::size_t i) { return static_cast<std::uint8_t>(250 + i); },
      [](std::size_t i) { return static_cast<std::uint8_t>(31 - i); },
  };
  for (const auto& pattern : patterns) {
    const auto key = key_of_octets(pattern);
    ASSERT_FALSE(key) << int{pattern(0)};
    EXPECT_EQ(key.error(), KeyError::kNotRandom);
  }
  EXPECT_TRUE(key_of_octets([](std::size_t i) { return static_cast<std::uint8_t>(i * i); }));
}

TEST(EspKey, NewOnesDifferAndAreTakenAsTheyAre) {
  crypto::SystemRandom random;
  const Secret first = new_key_text(random);
  const Secret second = new_key_text(random);
  ASSERT_EQ(first.size(), 65U);
  EXPECT_EQ(first.expose().back(), '\n');
  EXPECT_FALSE(first.equals(second));
  const auto key = read_key(first.expose());
  ASSERT_TRUE(key);
  EXPECT_EQ((*key)->size(), 32U);
  EXPECT_TRUE(read_key(second.expose()));
}

TEST(EspKey, NoNewOneComesFromARandomSourceThatFailed) {
  test::FakeRandom random;
  random.set(test::FakeRandom::Mode::kFails);
  EXPECT_TRUE(new_key_text(random).empty());
}

TEST(EspKey, FingerprintsAreHalfOfSha256) {
  const Bytes key{'a', 'b', 'c'};  // FIPS 180-2 B.1
  EXPECT_EQ(to_hex(fingerprint(Secret::copy_of(key))), "ba7816bf8f01cfea414140de5dae2223");
}

}  // namespace
}  // namespace sendoff::esp
