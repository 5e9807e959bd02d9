// Loss, order and silence, computed from captures in files that the test lays out itself.
#include "lab/analysis.h"

#include <gtest/gtest.h>

#include "lab/scenario.h"
#include "lab/synthetic.h"

namespace sendoff::lab {
namespace {

using namespace sendoff::test;

class FlowAnalysis : public testing::Test {
 protected:
  // Writes the frames to a file and reads it back.
  static Trace through_file(const std::string& name, const std::vector<Captured>& frames) {
    const std::string path = testing::TempDir() + "/" + name + ".pcap";
    EXPECT_EQ(write_pcap(path, frames), path);
    auto trace = read_trace(path);
    (void)std::remove(path.c_str());
    EXPECT_TRUE(trace) << trace.error().text;
    return trace ? *trace : Trace{};
  }
  // Datagrams 0 to count - 1, one a millisecond.
  static std::vector<Captured> sent(std::uint64_t count) {
    std::vector<Captured> frames;
    for (std::uint64_t i = 0; i < count; ++i)
      frames.push_back({at_us(static_cast<std::int64_t>(i) * 1000), datagram_frame(i)});
    return frames;
  }
  static Captured arrival(std::uint64_t sequence, std::int64_t us) {
    return {at_us(us), datagram_frame(sequence, kParLink)};
  }
  static Flow analyse(std::uint64_t count, const std::vector<Captured>& received,
                      UtcTime since = {}) {
    return analyse_flow(through_file("sent", sent(count)), through_file("received", received), {},
                        kMobileLink, since);
  }
};

TEST_F(FlowAnalysis, AStreamThatArrivesWholeLosesNothing) {
  std::vector<Captured> received;
  for (std::uint64_t i = 0; i < 50; ++i)
    received.push_back(arrival(i, static_cast<std::int64_t>(i) * 1000 + 150));
  const Flow flow = analyse(50, received);
  EXPECT_EQ(flow.sent, 50U);
  EXPECT_EQ(flow.received, 50U);
  EXPECT_EQ(flow.lost + flow.duplicated + flow.reordered, 0U);
  EXPECT_EQ(flow.longest_silence, milliseconds(1));
  EXPECT_EQ(flow.deliveries[7].arrived, at_us(7150));
}

TEST_F(FlowAnalysis, LossAndTheSilenceAroundItAreFound) {
  std::vector<Captured> received;
  for (std::uint64_t i = 0; i < 100; ++i)
    if (i < 40 || i > 69) received.push_back(arrival(i, static_cast<std::int64_t>(i) * 1000 + 100));
  const Flow flow = analyse(100, received);
  EXPECT_EQ(flow.lost, 30U);
  EXPECT_FALSE(flow.deliveries[40].arrived);
  EXPECT_TRUE(flow.deliveries[70].arrived);
  EXPECT_EQ(flow.longest_silence, milliseconds(31));
  EXPECT_EQ(flow.silence_begin, at_us(39'100));
  EXPECT_EQ(flow.silence_end, at_us(70'100));
  EXPECT_EQ(flow.first_arrival_after(at_us(39'100)), at_us(70'100));
}

TEST_F(FlowAnalysis, ASecondCopyIsADuplicateAndNotAnArrivalMore) {
  const Flow flow = analyse(
      3, {arrival(0, 100), arrival(1, 1100), arrival(1, 1200), arrival(1, 1300), arrival(2, 2100)});
  EXPECT_EQ(flow.received, 3U);
  EXPECT_EQ(flow.duplicated, 2U);
  EXPECT_EQ(flow.deliveries[1].copies, 3U);
  EXPECT_EQ(flow.deliveries[1].arrived, at_us(1100));
  EXPECT_EQ(flow.reordered, 0U);
}

TEST_F(FlowAnalysis, OnlyWhatComesBehindAHigherNumberIsOutOfOrder) {
  const Flow flow = analyse(6, {arrival(0, 100), arrival(3, 200), arrival(1, 300), arrival(2, 400),
                                arrival(4, 500), arrival(5, 600)});
  EXPECT_EQ(flow.reordered, 2U);
  EXPECT_EQ(flow.lost, 0U);
}

TEST_F(FlowAnalysis, SilenceUntilTheFirstAndAfterTheLastArrivalCounts) {
  EXPECT_EQ(analyse(100, {arrival(60, 60'500), arrival(61, 61'500)}).longest_silence,
            microseconds(60'500));
  EXPECT_EQ(analyse(100, {arrival(0, 100), arrival(1, 1100)}).longest_silence,
            microseconds(99'000 - 1100));
  const Flow nothing = analyse(100, {});
  EXPECT_EQ(nothing.lost, 100U);
  EXPECT_EQ(nothing.longest_silence, milliseconds(99));
}

TEST_F(FlowAnalysis, WhatTheReceiverSendsOrNobodySentDoesNotCount) {
  const Flow flow =
      analyse(2, {arrival(0, 100), {at_us(200), datagram_frame(1, kMobileLink)}, arrival(77, 300)});
  EXPECT_EQ(flow.received, 1U);
  EXPECT_EQ(flow.lost, 1U);
}

TEST_F(FlowAnalysis, WhatWasSentBeforeTheMeasurementDoesNotCount) {
  const Flow flow = analyse(10, {arrival(6, 6100), arrival(7, 7100)}, at_us(5000));
  EXPECT_EQ(flow.sent, 5U);
  EXPECT_EQ(flow.lost, 3U);
  EXPECT_EQ(flow.deliveries.front().sequence, 5U);
}

TEST_F(FlowAnalysis, ATunnelledCopyIsTheDatagramThatItCarries) {
  const Trace trace = through_file("received", {{at_us(100), datagram_frame(0, kParLink)},
                                                {at_us(1100), tunnelled_frame(1, kNarLink)}});
  const Flow flow = analyse_flow(through_file("sent", sent(2)), trace, {}, kMobileLink);
  EXPECT_EQ(flow.lost, 0U);
  EXPECT_FALSE(flow.deliveries[0].tunnelled);
  EXPECT_TRUE(flow.deliveries[1].tunnelled);
}

TEST_F(FlowAnalysis, ADatagramThatWaitsAtTheNewRouterWasHeld) {
  const Trace nar = through_file("nar", {{at_us(100), tunnelled_frame(0, kParCoreLink)},
                                         {at_us(1100), tunnelled_frame(1, kParCoreLink)}});
  const Trace air = through_file("air", {{at_us(50'100), tunnelled_frame(0, kNarLink)},
                                         {at_us(1400), tunnelled_frame(1, kNarLink)}});
  const Flow flow = analyse_flow(through_file("sent", sent(3)), air, nar, kMobileLink);
  EXPECT_TRUE(was_held(flow.deliveries[0]));
  EXPECT_FALSE(was_held(flow.deliveries[1]));
  EXPECT_FALSE(was_held(flow.deliveries[2]));
  EXPECT_EQ(flow.deliveries[0].at_nar, at_us(100));
}

// Datagrams 0 to 299; the link is gone from 100 ms to 150 ms, the backlog ends `late` ms after
// that.
class Backlog : public FlowAnalysis {
 protected:
  static Flow with_delay(std::int64_t late_until_ms, std::int64_t late_us) {
    std::vector<Captured> received;
    for (std::int64_t i = 0; i < 300; ++i) {
      const std::int64_t usual = i * 1000 + 200;
      std::int64_t at = usual;
      if (i >= 100 && i < late_until_ms) at = std::max<std::int64_t>(usual + late_us, 150'500 + i);
      received.push_back(arrival(static_cast<std::uint64_t>(i), at));
    }
    return analyse(300, received);
  }
  static std::optional<Duration> gone(const Flow& flow, UtcTime until = UtcTime::max()) {
    return backlog_gone(flow, at_us(90'000), at_us(150'000), until);
  }
};

TEST_F(Backlog, IsGoneWhenDatagramsComeAsSoonAsBefore) {
  // The one of 190 ms is the first in time.
  EXPECT_EQ(gone(with_delay(190, 1'500)), microseconds(190'200 - 150'000));
  // What is late by less than the tolerance is not late: the one of 150 ms is the first in time.
  EXPECT_EQ(gone(with_delay(190, 900)), microseconds(151'100 - 150'000));
}

TEST_F(Backlog, IsNeverGoneWhenDatagramsStayLate) {
  EXPECT_EQ(gone(with_delay(300, 1'500)), std::nullopt);
  // Nine in a row are no proof, and what is sent after the next handover's begin is not asked.
  EXPECT_EQ(gone(with_delay(291, 1'500)), std::nullopt);
  EXPECT_EQ(gone(with_delay(190, 1'500), at_us(195'000)), std::nullopt);
  // Nothing arrived before, so nothing is known to compare with.
  EXPECT_EQ(gone(analyse(50, {})), std::nullopt);
}

TEST_F(FlowAnalysis, EachSilenceBelongsToTheTimeThatItFallsIn) {
  std::vector<Captured> received;
  for (std::uint64_t i = 0; i < 100; ++i)
    if ((i < 20 || i > 29) && (i < 60 || i > 79))
      received.push_back(arrival(i, static_cast<std::int64_t>(i) * 1000 + 100));
  const Flow flow = analyse(100, received);
  EXPECT_EQ(flow.silence_between(at_us(15'000), at_us(50'000)), milliseconds(11));
  EXPECT_EQ(flow.silence_between(at_us(50'000), at_us(99'000)), milliseconds(21));
  EXPECT_EQ(flow.silence_between(at_us(40'000), at_us(50'000)), milliseconds(1));
  // One that reaches over the border belongs to the time in which it ends.
  EXPECT_EQ(flow.silence_between(at_us(40'000), at_us(70'000)), milliseconds(1));
  EXPECT_EQ(flow.silence_between(at_us(70'000), at_us(99'000)), milliseconds(21));
}

class TransferAnalysis : public FlowAnalysis {};

TEST_F(TransferAnalysis, NewDataStallsAndRetransmissionsAreToldApart) {
  const std::vector<Captured> sent{
      {at_us(0), segment_frame(4'294'967'000, 1000, kCorrespondentLink)},
      {at_us(10), segment_frame(704, 1000, kCorrespondentLink)},
      {at_us(90'000), segment_frame(704, 1000, kCorrespondentLink)},
      {at_us(91'000), segment_frame(1704, 500, kCorrespondentLink)}};
  const std::vector<Captured> received{{at_us(100), segment_frame(4'294'967'000, 1000, kParLink)},
                                       {at_us(90'100), segment_frame(704, 1000, kParLink)},
                                       {at_us(90'200), segment_frame(704, 1000, kParLink)},
                                       {at_us(100'100), segment_frame(1704, 500, kParLink)}};
  const Transfer transfer =
      analyse_transfer(through_file("sent", sent), through_file("received", received), kMobileLink);
  EXPECT_EQ(transfer.octets, 2500U);
  EXPECT_EQ(transfer.retransmitted, 1000U);
  EXPECT_EQ(transfer.longest_stall, milliseconds(90));
  EXPECT_EQ(transfer.duration, milliseconds(100));
  EXPECT_EQ(transfer.connections, 1U);
  EXPECT_NEAR(transfer.mbit_per_s(), 0.2, 1e-9);
  EXPECT_EQ(transfer.stall_between(at_us(50'000), at_us(95'000)), milliseconds(90));
  EXPECT_EQ(transfer.stall_between(at_us(95'000), at_us(200'000)), milliseconds(10));
}

TEST(TraceFile, AFileThatIsNoCaptureIsRefusedWithItsName) {
  const auto missing = read_trace("/nonexistent/x.pcap");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text.find("/nonexistent/x.pcap"), std::string::npos);
}

TEST(TraceFile, NoTruncatedFrameIsUnderstoodOrReadBeyondItsEnd) {
  for (const Bytes& whole : {tunnelled_frame(1, kParLink), segment_frame(1, 100, kParLink)}) {
    ASSERT_TRUE(understand({}, whole));
    for (std::size_t size = 0; size < 14 + 40 + 12; ++size)
      EXPECT_FALSE(understand({}, Bytes(whole.begin(), whole.begin() + static_cast<long>(size))))
          << size;
  }
}

TEST(TraceFile, ForeignUdpIsNotOfTheStream) {
  EXPECT_FALSE(understand({}, frame(kParLink, ipv6(kCorrespondent, kOldAddress, 17, udp(1, 53)))));
  Bytes other = datagram_frame(1);
  other[14 + 40 + 8] ^= 1;  // another mark
  EXPECT_FALSE(understand({}, other));
}

TEST(Median, IsTheMiddle) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
}

}  // namespace
}  // namespace sendoff::lab
