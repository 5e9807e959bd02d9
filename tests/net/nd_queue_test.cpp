// Which line a message of Neighbor Discovery waits in, by real packets between two namespaces.
#include "net/nd_queue.h"

#include <map>

#include "machine/action.h"
#include "net/testbed.h"

namespace sendoff::net {
namespace {

using Line = NdQueue::Line;

class NdQueueTest : public test::LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    open_peer();
    open({"here"});
  }
  void TearDown() override {
    queue_.reset();
    LinkTest::TearDown();
  }

  void open(const std::vector<std::string>& interfaces, OnStop on_stop = OnStop::kOpen) {
    queue_.reset();
    auto opened = NdQueue::open(interfaces, on_stop);
    ASSERT_TRUE(opened) << opened.error().text();
    queue_.emplace(std::move(*opened));
  }
  void set_proven(const Ipv6Address& source, bool proven, const std::string& on = "here") {
    const auto set = queue_->set_proven(on, source, proven);
    EXPECT_TRUE(set) << set.error().text();
  }
  void send(const Ipv6Address& source, std::size_t count = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto sent = peer_->send(here_link_, test::icmp(source, here_local_, 135, 24));
      ASSERT_TRUE(sent) << sent.error().text();
    }
  }
  // Waits until `count` of these have come, and drops them: how many in each line.
  std::map<Line, std::size_t> lines_of(const Ipv6Address& source, std::size_t count) {
    std::map<Line, std::size_t> lines;
    std::size_t come = 0;
    const Instant deadline = read_clocks().boot + test::kPatience;
    while (come < count && read_clocks().boot < deadline) {
      for (const Line line : NdQueue::kLines)
        queue_->queue(line).receive(64, [&](const PacketQueue::Packet& packet) {
          queue_->queue(line).drop(packet.id);
          const auto header = wire::Ipv6Header::parse(packet.octets);
          if (!header || header->source != source) return;
          ++lines[line];
          ++come;
        });
      if (come < count) usleep(1000);
    }
    EXPECT_EQ(come, count);
    return lines;
  }
  using Lines = std::map<Line, std::size_t>;

  const Ipv6Address other_ = Ipv6Address::literal("fe80::3");
  std::optional<NdQueue> queue_;
};

TEST_F(NdQueueTest, WhoHasProvedHimselfWaitsApart) {
  set_proven(there_local_, true);
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kProven, 1}}));
  send(other_);
  EXPECT_EQ(lines_of(other_, 1), (Lines{{Line::kStrangers, 1}}));
  set_proven(there_local_, false);
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kStrangers, 1}}));
}

TEST_F(NdQueueTest, RulesThatStayDoNotRemember) {
  open({"here"}, OnStop::kClosed);
  set_proven(there_local_, true);
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kProven, 1}}));
  open({"here"});
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kStrangers, 1}}));
}

TEST_F(NdQueueTest, IsToldTwiceWithoutHarm) {
  set_proven(there_local_, false);
  set_proven(there_local_, true);
  set_proven(there_local_, true);
  set_proven(there_local_, false);
  set_proven(there_local_, false);
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kStrangers, 1}}));
}

TEST_F(NdQueueTest, OnAnotherInterfaceHeIsAStranger) {
  set_proven(there_local_, true, "elsewhere");
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kStrangers, 1}}));
}

// Whoever sends in his name takes no more of that line than he has to say, and nothing is lost.
TEST_F(NdQueueTest, TooMuchInHisNameWaitsWithStrangers) {
  constexpr std::size_t kCount = 2000;
  set_proven(there_local_, true);
  set_proven(other_, true);
  send(there_local_, kCount);
  send(other_);
  Lines lines = lines_of(there_local_, kCount);
  EXPECT_GE(lines[Line::kProven], 100u);
  EXPECT_GE(lines[Line::kStrangers], kCount / 2);
  send(other_);
  EXPECT_EQ(lines_of(other_, 1), (Lines{{Line::kProven, 1}}));
}

// What strangers send has no place left: his has.
TEST_F(NdQueueTest, AFullLineOfStrangersKeepsNobodyElseWaiting) {
  constexpr std::size_t kMore = 10'000;
  set_proven(there_local_, true);
  send(other_, kMore);
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kProven, 1}}));
  const std::string dropped =
      test::output_of("awk '$1 == 3971 { print $6 }' /proc/net/netfilter/nfnetlink_queue");
  EXPECT_GT(std::atoi(dropped.c_str()), 0) << "it was not full";
}

TEST_F(NdQueueTest, TakesAsManyInterfacesAsItSays) {
  std::vector<std::string> names{"here"};
  for (std::size_t i = 1; i < NdQueue::kMaxInterfaces; ++i)
    names.push_back("interface-" + std::string(i < 10 ? "000" : "00") + std::to_string(i));
  open(names);
  send(there_local_);
  EXPECT_EQ(lines_of(there_local_, 1), (Lines{{Line::kStrangers, 1}}));
}

TEST_F(NdQueueTest, TakesAsManyNeighboursAsItSays) {
  const auto neighbour = [](std::size_t i) {
    return Ipv6Address::literal("fe80::1:" + std::to_string(i));
  };
  for (std::size_t i = 0; i < machine::SetProven::kMost; ++i) set_proven(neighbour(i), true);
  EXPECT_FALSE(queue_->set_proven("here", neighbour(machine::SetProven::kMost), true));
  set_proven(neighbour(0), false);
  set_proven(neighbour(machine::SetProven::kMost), true);
}

}  // namespace
}  // namespace sendoff::net
