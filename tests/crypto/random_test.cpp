#include "crypto/random.h"

#include <gtest/gtest.h>

#include <set>

namespace sendoff::crypto {
namespace {

TEST(SystemRandom, NeverGivesTheSameOctetsTwice) {
  SystemRandom random;
  SystemRandom other;
  std::set<Bytes> seen;
  for (int i = 0; i < 2000; ++i) {  // many pools
    Bytes octets(16);
    ASSERT_TRUE((i % 2 != 0 ? random : other).fill(octets));
    EXPECT_TRUE(seen.insert(octets).second);
  }
}

TEST(SystemRandom, FillsAnyNumberOfOctets) {
  SystemRandom random;
  ASSERT_TRUE(random.fill({}));
  for (std::size_t size : {1U, 15U, 255U, 2000U, 2047U, 2048U, 2049U, 5000U}) {
    // No octet is left as it was: over 40 tries, none keeps its value but by a chance of 2^-320.
    Bytes changed(size, 0);
    for (int i = 0; i < 40; ++i) {
      Bytes octets(size, 0);
      ASSERT_TRUE(random.fill(octets));
      for (std::size_t at = 0; at < size; ++at) changed[at] |= octets[at];
    }
    EXPECT_TRUE(std::ranges::none_of(changed, [](auto octet) { return octet == 0; })) << size;
  }
}

TEST(SystemRandom, CannotBeCopied) {
  static_assert(!std::is_copy_constructible_v<SystemRandom>);
  static_assert(!std::is_copy_assignable_v<SystemRandom>);
}

}  // namespace
}  // namespace sendoff::crypto
