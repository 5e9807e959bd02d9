#include "store/memory_store.h"

#include <gtest/gtest.h>

namespace sendoff::store {
namespace {

using machine::HeldKey;
using machine::HeldKeyName;
using machine::IssuedKey;
using machine::IssuedKeyName;

const Ipv6Address kCga = Ipv6Address::literal("2001:db8::1");
const Ipv6Address kOther = Ipv6Address::literal("2001:db8::2");

IssuedKey issued(const Ipv6Address& cga, std::uint32_t generation, std::uint8_t octet,
                 std::int64_t expires_s = 100) {
  IssuedKey key;
  key.cga = cga;
  key.generation = generation;
  key.key = Secret::copy_of(Bytes(20, octet));
  key.expires = UtcTime(seconds(expires_s));
  return key;
}

class MemoryStoreTest : public ::testing::Test {
 protected:
  Result<void, StoreError> persist(machine::Record record) {
    Result<void, StoreError> result = fail(StoreError::kUnavailable);
    store_.persist(std::move(record), [&](auto answer) { result = answer; });
    return result;
  }
  // The first octet of each key found.
  std::vector<int> look_up(const machine::RecordName& name) {
    std::vector<int> octets;
    store_.look_up(name, [&](auto found) {
      ASSERT_TRUE(found);
      for (const machine::Record& record : *found)
        std::visit(
            [&](const auto& key) {
              if constexpr (requires { key.key.expose(); })
                octets.push_back(key.key.expose()[0]);
              else
                ADD_FAILURE() << "no key";
            },
            record);
    });
    return octets;
  }

  MemoryStore store_{4};
};

TEST_F(MemoryStoreTest, FindsEveryGenerationOfACgaOldestFirst) {
  ASSERT_TRUE(persist(issued(kCga, 9, 9)));
  ASSERT_TRUE(persist(issued(kCga, 3, 3)));
  ASSERT_TRUE(persist(issued(kOther, 4, 4)));
  ASSERT_TRUE(persist(HeldKey{kOther, kCga, {}, {}, Secret::copy_of(Bytes(20, 7)), {}, 0}));
  EXPECT_EQ(look_up(IssuedKeyName{kCga, 0}), (std::vector<int>{3, 9}));
  EXPECT_EQ(look_up(IssuedKeyName{kCga, 9}), (std::vector<int>{3, 9}));
  EXPECT_EQ(look_up(HeldKeyName{kOther, kCga}), (std::vector<int>{7}));
  EXPECT_TRUE(look_up(HeldKeyName{kCga, kOther}).empty());
}

TEST_F(MemoryStoreTest, WhatDoesNotExpireByItselfStaysUntilItIsForgotten) {
  const machine::EspCounter counter{machine::EspDirection::kInbound, 256, {1}, 7};
  ASSERT_TRUE(persist(counter));
  ASSERT_TRUE(persist(machine::LiveBinding{kCga, kOther, kOther, 1, UtcTime(seconds(10))}));
  const auto snapshot = store_.snapshot(UtcTime(seconds(10)));
  ASSERT_TRUE(snapshot);
  ASSERT_EQ(snapshot->size(), 2U);
  EXPECT_EQ(std::get<machine::LiveBinding>(snapshot->front()).pcoa, kCga);
  EXPECT_EQ(std::get<machine::EspCounter>(snapshot->back()).value, 7U);
}

TEST_F(MemoryStoreTest, ReplacesARecordOfTheSameNameAndForgetsOne) {
  ASSERT_TRUE(persist(issued(kCga, 1, 1)));
  ASSERT_TRUE(persist(issued(kCga, 1, 2)));
  EXPECT_EQ(look_up(IssuedKeyName{kCga, 0}), (std::vector<int>{2}));
  int answers = 0;
  for (int i = 0; i < 2; ++i)
    store_.forget(IssuedKeyName{kCga, 1}, [&](auto result) { answers += result ? 1 : 0; });
  EXPECT_EQ(answers, 2);
  EXPECT_EQ(store_.size(), 0U);
}

TEST_F(MemoryStoreTest, RefusesWhatIsAboveItsBoundButReplacesStill) {
  for (std::uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(persist(issued(kCga, i, 1)));
  const auto refused = persist(issued(kOther, 1, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), StoreError::kFull);
  EXPECT_TRUE(persist(issued(kCga, 2, 5)));
}

TEST_F(MemoryStoreTest, ASnapshotHoldsWhatHasNotExpiredAndForgetsTheRest) {
  ASSERT_TRUE(persist(issued(kOther, 1, 1, 100)));
  ASSERT_TRUE(persist(issued(kCga, 1, 2, 101)));
  const auto snapshot = store_.snapshot(UtcTime(seconds(100)));
  ASSERT_TRUE(snapshot);
  ASSERT_EQ(snapshot->size(), 1U);
  EXPECT_EQ(std::get<IssuedKey>(snapshot->front()).cga, kCga);
  EXPECT_EQ(store_.size(), 1U);
}

}  // namespace
}  // namespace sendoff::store
