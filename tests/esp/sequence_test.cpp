#include "esp/sequence.h"

#include "esp/fixture.h"

namespace sendoff::esp {
namespace {

constexpr Instant kNow{seconds(1000)};

TEST(ReplayWindow, TakesEachNumberOfTheWindowOnce) {
  ReplayWindow window(0);
  window.accept(100);
  EXPECT_TRUE(window.fresh(37));
  window.accept(37);
  for (const std::uint32_t refused : {37U, 36U, 100U, 0U}) EXPECT_FALSE(window.fresh(refused));
  EXPECT_TRUE(window.fresh(101));
  window.accept(101);
  EXPECT_FALSE(window.fresh(37));
  EXPECT_TRUE(window.fresh(38));

  ReplayWindow young(0);
  young.accept(5);
  for (std::uint32_t number = 1; number <= 4; ++number) {
    EXPECT_TRUE(young.fresh(number));
    young.accept(number);
    EXPECT_FALSE(young.fresh(number));
  }

  ReplayWindow jumped(0);
  jumped.accept(10);
  jumped.accept(2000);
  EXPECT_TRUE(jumped.fresh(1937));
  EXPECT_FALSE(jumped.fresh(1936));
  EXPECT_FALSE(jumped.fresh(10));
}

// Against a set of all that was accepted, over the whole space and its end.
TEST(ReplayWindow, AgreesWithAnExactRecordOfAllNumbers) {
  for (const std::uint32_t base : {0U, 0x7fffffc0U, kLastSequence - 400}) {
    ReplayWindow window(base);
    std::vector<bool> accepted(401);
    accepted[0] = true;  // and all below
    std::uint32_t highest = 0;
    std::uint32_t state = base + 12345;
    for (int i = 0; i < 3000; ++i) {
      state = state * 1664525 + 1013904223;
      const std::uint32_t range = std::min(400U, 20U + static_cast<std::uint32_t>(i) / 5);
      const std::uint32_t number = (state >> 16) % (range + 1);
      const bool wanted =
          base + number != 0 && !accepted[number] && (number > highest || highest - number < 64);
      ASSERT_EQ(window.fresh(base + number), wanted) << base << " + " << number;
      if (!wanted) continue;
      window.accept(base + number);
      accepted[number] = true;
      highest = std::max(highest, number);
    }
    EXPECT_EQ(window.highest(), base + highest);
  }
}

TEST(ReplayWindow, EverythingUpToTheFloorCountsAsAccepted) {
  ReplayWindow window(500);
  for (std::uint32_t number = 400; number <= 500; ++number) EXPECT_FALSE(window.fresh(number));
  window.accept(501);
  for (std::uint32_t number = 400; number <= 501; ++number) EXPECT_FALSE(window.fresh(number));
  EXPECT_TRUE(window.fresh(502));
}

// Grants every reservation that is asked for.
void grant(OutboundNumbers& numbers) {
  if (const auto wanted = numbers.wanted(kNow)) {
    numbers.ceiling().ask(*wanted);
    numbers.ceiling().answered(kNow, true);
  }
}

TEST(OutboundNumbers, AreGivenOutOnlyWhenReserved) {
  OutboundNumbers numbers(0);
  EXPECT_FALSE(numbers.take());
  EXPECT_EQ(numbers.wanted(kNow), 256U);
  numbers.ceiling().ask(256);
  EXPECT_FALSE(numbers.wanted(kNow)) << "one write at a time";
  EXPECT_FALSE(numbers.take()) << "asked for is not granted";
  numbers.ceiling().answered(kNow, true);
  for (std::uint32_t number = 1; number <= 256; ++number) ASSERT_EQ(numbers.take(), number);
  EXPECT_FALSE(numbers.take());
  EXPECT_FALSE(numbers.exhausted());
}

TEST(OutboundNumbers, AFailedReservationIsTriedAgainASecondLater) {
  OutboundNumbers numbers(0);
  numbers.ceiling().ask(256);
  numbers.ceiling().answered(kNow, false);
  EXPECT_FALSE(numbers.take());
  EXPECT_FALSE(numbers.wanted(kNow + milliseconds(999)));
  EXPECT_EQ(numbers.wanted(kNow + seconds(1)), 256U);
}

// Ended after any number of packets, the next run begins above all of them, and not far above.
TEST(OutboundNumbers, ARestartGoesOnAboveAllThatWasUsed) {
  for (const std::uint32_t packets : {1U, 127U, 128U, 129U, 130U, 255U, 256U, 257U, 1000U}) {
    OutboundNumbers numbers(0);
    grant(numbers);
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < packets; ++i) {
      last = numbers.take().value();
      grant(numbers);
    }
    ASSERT_EQ(last, packets);
    OutboundNumbers next(numbers.ceiling().stored());
    grant(next);
    const std::uint32_t first = next.take().value();
    EXPECT_GT(first, last);
    EXPECT_LE(first, last + 512);
  }
}

TEST(OutboundNumbers, EndAtTheLastAndDoNotWrap) {
  OutboundNumbers numbers(kLastSequence - 1);
  EXPECT_EQ(numbers.wanted(kNow), kLastSequence);
  grant(numbers);
  EXPECT_EQ(numbers.take(), kLastSequence);
  EXPECT_TRUE(numbers.exhausted());
  EXPECT_FALSE(numbers.take());
  EXPECT_FALSE(numbers.wanted(kNow));
  EXPECT_FALSE(numbers.low());
}

}  // namespace
}  // namespace sendoff::esp
