// Numbers with a meaning, counters of an enumeration, whole seconds.
#include <gtest/gtest.h>

#include <limits>
#include <type_traits>

#include "base/counters.h"
#include "base/ids.h"
#include "base/time.h"

namespace sendoff {
namespace {

using AppleId = Id<struct AppleTag>;
using PearId = Id<struct PearTag>;

static_assert(!std::is_convertible_v<AppleId, PearId>);
static_assert(!std::is_convertible_v<AppleId, std::uint64_t>);
static_assert(std::is_same_v<decltype(InterfaceId::value), std::uint32_t>);

TEST(Id, IsOrderedByItsNumber) {
  EXPECT_EQ(AppleId{3}, AppleId{3});
  EXPECT_LT(AppleId{2}, AppleId{3});
  EXPECT_EQ(AppleId{}.value, 0U);
}

enum class Fruit : std::uint8_t { kApple, kPear, kCount };
std::string_view name(Fruit fruit) { return fruit == Fruit::kApple ? "apple" : "pear"; }

TEST(Counters, CountEachEnumeratorApart) {
  Counters<Fruit> counters;
  counters.add(Fruit::kPear);
  counters.add(Fruit::kPear, 5);
  EXPECT_EQ(counters[Fruit::kApple], 0U);
  EXPECT_EQ(counters[Fruit::kPear], 6U);
}

TEST(Counters, AreVisitedByNameInTheOrderOfTheEnumeration) {
  Counters<Fruit> counters;
  counters.add(Fruit::kApple, 2);
  std::vector<std::pair<std::string, std::uint64_t>> seen;
  counters.for_each([&](std::string_view label, std::uint64_t value) {
    seen.emplace_back(std::string(label), value);
  });
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], (std::pair<std::string, std::uint64_t>("apple", 2)));
  EXPECT_EQ(seen[1], (std::pair<std::string, std::uint64_t>("pear", 0)));
}

TEST(WholeSeconds, AreRoundedTowardsMinusInfinity) {
  EXPECT_EQ(whole_seconds(milliseconds(1999)), 1);
  EXPECT_EQ(whole_seconds(milliseconds(2000)), 2);
  EXPECT_EQ(whole_seconds(milliseconds(-1)), -1);
  EXPECT_EQ(whole_seconds(Duration{}), 0);
}

static_assert(!std::is_same_v<Instant, UtcTime>);
static_assert(!std::is_convertible_v<Instant, UtcTime>);

}  // namespace
}  // namespace sendoff
