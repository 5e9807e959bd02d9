// What an embedded store does on a day without trouble: it keeps, replaces, finds, forgets, and
// hides the keys.
#include <thread>

#include "store/sqlite_fixture.h"
#include "support/fake_random.h"

namespace sendoff::test {
namespace {

std::vector<machine::Record> one_of_each() {
  std::vector<machine::Record> records;
  auto key = issued(kCga, 3, 0x11);
  key.sequence_ceiling = 0x1234;
  records.emplace_back(std::move(key));
  records.emplace_back(issued(kCga, 4, 0x22));
  machine::HeldKey held;
  held.ar = kRouter;
  held.cga = kOther;
  held.ar_link_local = Ipv6Address::literal("fe80::1");
  held.algorithm = crypto::Algorithm::kAes128Cmac_96;
  held.key = Secret::copy_of(Bytes(16, 0x33));
  held.expires = at(5000);
  held.sequence_ceiling = 0xffff;
  records.emplace_back(std::move(held));
  records.emplace_back(machine::LiveBinding{kCga, kOther, kRouter, 4, at(6000)});
  records.emplace_back(
      machine::EspCounter{machine::EspDirection::kInbound, 0xffffffff, {1, 2, 3, 4}, 0x80000001});
  return records;
}

TEST_F(SqliteTest, EveryKindOfRecordComesBackAsItWas) {
  const auto records = one_of_each();
  {
    const auto store = open();
    for (const auto& record : records) ASSERT_TRUE(persist(*store, machine::duplicate(record)));
    EXPECT_EQ(kept(*store), words(records));
  }
  const auto store = open();
  EXPECT_EQ(kept(*store), words(records));
  EXPECT_EQ(store->counters().records, records.size());
}

TEST_F(SqliteTest, TheFileIsMadeForItsUserAlone) {
  const mode_t before = umask(0);
  const auto store = open();
  ASSERT_TRUE(persist(*store, issued(kCga, 1, 1)));
  umask(before);
  for (const auto& entry : std::filesystem::directory_iterator(directory()))
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << entry.path();
}

TEST_F(SqliteTest, FindsEveryGenerationOfACgaOldestFirstAndNothingElse) {
  const auto store = open();
  for (const std::uint32_t generation : {9U, 0xffffffffU, 3U})
    ASSERT_TRUE(persist(*store, issued(kCga, generation, 1)));
  ASSERT_TRUE(persist(*store, issued(kOther, 4, 4)));
  std::vector<machine::Record> expected;
  for (const std::uint32_t generation : {3U, 9U, 0xffffffffU})
    expected.emplace_back(issued(kCga, generation, 1));
  EXPECT_EQ(look_up(*store, machine::IssuedKeyName{kCga, 0}), words(expected));
  EXPECT_EQ(look_up(*store, machine::HeldKeyName{kCga, kOther}), std::vector<std::string>());
}

TEST_F(SqliteTest, ReplacesARecordOfTheSameNameAndForgetsOne) {
  const auto store = open();
  ASSERT_TRUE(persist(*store, issued(kCga, 1, 1)));
  ASSERT_TRUE(persist(*store, issued(kCga, 1, 2)));
  EXPECT_EQ(kept(*store), std::vector{words(machine::Record(issued(kCga, 1, 2)))});
  EXPECT_TRUE(forget(*store, machine::IssuedKeyName{kCga, 1}));
  EXPECT_TRUE(forget(*store, machine::IssuedKeyName{kCga, 1}));
  EXPECT_EQ(kept(*store), std::vector<std::string>());
  EXPECT_EQ(store->counters().records, 0U);
}

TEST_F(SqliteTest, WhatWaitsTogetherIsCarriedOutInTheOrderOfTheCalls) {
  const auto store = open();
  std::vector<int> order;
  const auto note = [&](int number) {
    return [&order, number](const auto& result) {
      EXPECT_TRUE(result);
      order.push_back(number);
    };
  };
  for (int i = 0; i < 300; i += 3) {
    store->persist(counter(300, static_cast<std::uint32_t>(i)), note(i));
    store->forget(machine::name_of(counter(300, 0)), note(i + 1));
    store->persist(counter(300, static_cast<std::uint32_t>(i + 1)), note(i + 2));
  }
  caller_.run_until([&] { return order.size() == 300; });
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(kept(*store), std::vector{words(machine::Record(counter(300, 298)))});
  // Batches, not a transaction a call: else each would wait for the disk.
  EXPECT_LT(store->counters().transactions, 300U);
  EXPECT_EQ(store->counters().writes, 300U);
}

TEST_F(SqliteTest, AnswersComeOnTheCallersThreadOnly) {
  const auto store = open();
  std::thread::id thread;
  store->persist(counter(1, 1), [&](auto) { thread = std::this_thread::get_id(); });
  while (store->counters().pending > 0) std::this_thread::yield();
  EXPECT_EQ(thread, std::thread::id());
  caller_.run_until([&] { return thread != std::thread::id(); });
  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST_F(SqliteTest, RefusesWhatIsAboveItsBoundButReplacesStill) {
  auto limited = options();
  limited.max_records = 2;
  const auto store = open(std::move(limited));
  ASSERT_TRUE(persist(*store, counter(1, 1)));
  ASSERT_TRUE(persist(*store, counter(2, 1)));
  const auto refused = persist(*store, counter(3, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), StoreError::kFull);
  EXPECT_TRUE(persist(*store, counter(2, 9)));
  EXPECT_TRUE(forget(*store, machine::name_of(counter(1, 0))));
  EXPECT_TRUE(persist(*store, counter(3, 1)));
  EXPECT_EQ(store->counters().failures, 1U);
}

TEST_F(SqliteTest, MoreCallsThanMayWaitAreRefusedAtOnce) {
  auto limited = options();
  limited.max_pending = 0;
  const auto store = open(std::move(limited));
  bool refused = false;
  store->persist(counter(1, 1), [&](auto result) {
    refused = !result && result.error() == StoreError::kUnavailable;
  });
  EXPECT_TRUE(refused);
}

TEST_F(SqliteTest, ASnapshotHoldsWhatHasNotExpiredAndForgetsTheRest) {
  const auto store = open();
  ASSERT_TRUE(persist(*store, issued(kOther, 1, 1, 100)));
  ASSERT_TRUE(persist(*store, issued(kCga, 1, 2, 101)));
  ASSERT_TRUE(persist(*store, counter(1, 1)));
  const auto snapshot = store->snapshot(at(100));
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->size(), 2U);
  EXPECT_EQ(look_up(*store, machine::IssuedKeyName{kOther, 1}), std::vector<std::string>());
}

TEST_F(SqliteTest, WhatExpiredAndNobodyForgetsGoesAllTheSame) {
  std::atomic<std::int64_t> now = 1;
  auto timed = options();
  timed.utc = [&] { return at(now); };
  const auto store = open(std::move(timed));
  for (std::uint32_t i = 0; i < 600; ++i)
    store->persist(issued(kCga, i, 1, 50), [](auto result) { EXPECT_TRUE(result); });
  ASSERT_TRUE(persist(*store, issued(kOther, 1, 2, 5000)));
  now = 200;
  while (store->counters().expired < 600) std::this_thread::yield();
  EXPECT_EQ(kept(*store).size(), 1U);
  EXPECT_EQ(store->counters().records, 1U);
}

TEST_F(SqliteTest, NoKeyIsFoundInAnyFile) {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(0xa0 + i);
  const std::string octets(key.begin(), key.end());
  auto record = issued(kCga, 1, 0);
  record.key = Secret::copy_of(key);
  auto store = open();
  ASSERT_TRUE(persist(*store, std::move(record)));
  const std::string address(reinterpret_cast<const char*>(kCga.octets().data()), 16);
  for (int closed = 0; closed < 2; ++closed) {
    bool holds_the_name = false;
    for (const auto& [name, content] : files()) {
      holds_the_name |= content.find(address) != std::string::npos;
      for (std::size_t from = 0; from + 8 <= octets.size(); ++from)
        EXPECT_EQ(content.find(octets.substr(from, 8)), std::string::npos) << name;
    }
    EXPECT_TRUE(holds_the_name);  // else the search would prove nothing
    store.reset();
  }
}

TEST_F(SqliteTest, AForgottenKeysCiphertextLeavesTheFiles) {
  auto store = open();
  ASSERT_TRUE(persist(*store, issued(kCga, 1, 1)));
  ASSERT_TRUE(persist(*store, issued(kOther, 1, 1)));
  ASSERT_TRUE(forget(*store, machine::IssuedKeyName{kCga, 1}));
  store.reset();
  const std::string gone(reinterpret_cast<const char*>(kCga.octets().data()), 16);
  const std::string there(reinterpret_cast<const char*>(kOther.octets().data()), 16);
  const std::string content = read(path());
  EXPECT_EQ(content.find(gone), std::string::npos);
  EXPECT_NE(content.find(there), std::string::npos);
  EXPECT_EQ(files().size(), 1U);  // no log beside it
}

TEST_F(SqliteTest, WithoutRandomnessNothingIsWritten) {
  auto unlucky = options();
  auto random = std::make_unique<FakeRandom>();
  FakeRandom& source = *random;
  unlucky.random = std::move(random);
  const auto store = open(std::move(unlucky));
  source.set(FakeRandom::Mode::kFails, 1);
  const auto refused = persist(*store, issued(kCga, 1, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), StoreError::kUnavailable);
  EXPECT_EQ(kept(*store), std::vector<std::string>());
  EXPECT_TRUE(persist(*store, issued(kCga, 1, 1)));
}

}  // namespace
}  // namespace sendoff::test
