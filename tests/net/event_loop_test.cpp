#include "net/event_loop.h"

#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "net/testbed.h"

namespace sendoff::net {
namespace {

std::pair<FileDescriptor, FileDescriptor> make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

TEST(EventLoop, RunsWorkFromOtherThreadsUntilItIsStopped) {
  EventLoop loop;
  int done = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&] { ++done; });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(done, 100);
}

TEST(EventLoop, CallsAWatchWhileThereIsSomethingToReadAndNotAfterItsEnd) {
  EventLoop loop;
  auto [reading, writing] = make_pipe();
  ASSERT_EQ(write(writing.get(), "abc", 3), 3);
  int calls = 0;
  EventLoop::Watch watch =
      loop.watch(reading.get(), EventLoop::Interest::kReadable, [&, fd = reading.get()] {
        char octet = 0;
        EXPECT_EQ(read(fd, &octet, 1), 1);
        if (++calls == 2) watch = {};  // ends itself
      });
  ASSERT_TRUE(test::serve(loop, [&] { return calls == 2; }));
  loop.run_for(milliseconds(20));
  EXPECT_EQ(calls, 2);
}

TEST(EventLoop, WatchesReadingAndWritingOfOneDescriptorApart) {
  EventLoop loop;
  auto [reading, writing] = make_pipe();
  int readable = 0;
  int writable = 0;
  const auto one = loop.watch(reading.get(), EventLoop::Interest::kReadable, [&] { ++readable; });
  const auto two = loop.watch(writing.get(), EventLoop::Interest::kWritable, [&] { ++writable; });
  ASSERT_TRUE(test::serve(loop, [&] { return writable > 0; }));
  EXPECT_EQ(readable, 0);
}

TEST(EventLoop, CatchesSignals) {
  EventLoop loop;
  std::vector<int> caught;
  loop.on_signals({SIGHUP, SIGTERM}, [&](int number) { caught.push_back(number); });
  std::raise(SIGHUP);
  ASSERT_TRUE(test::serve(loop, [&] { return caught.size() == 1; }));
  std::raise(SIGTERM);
  ASSERT_TRUE(test::serve(loop, [&] { return caught.size() == 2; }));
  EXPECT_EQ(caught, (std::vector<int>{SIGHUP, SIGTERM}));
}

TEST(Timer, FiresOnceAtItsDeadlineAndNeverBefore) {
  EventLoop loop;
  std::vector<Instant> fired;
  Timer timer(loop, [&] { fired.push_back(read_clocks().boot); });
  const Instant deadline = read_clocks().boot + milliseconds(30);
  timer.at(deadline);
  ASSERT_TRUE(test::serve(loop, [&] { return !fired.empty(); }));
  EXPECT_GE(fired[0], deadline);
  loop.run_for(milliseconds(20));
  EXPECT_EQ(fired.size(), 1U);
}

TEST(Timer, FiresAtOnceForThePastAndNotAtAllWhenDisarmed) {
  EventLoop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.at(read_clocks().boot + milliseconds(10));
  timer.at(kNever);
  loop.run_for(milliseconds(50));
  EXPECT_EQ(fired, 0);
  timer.at(Instant{});
  EXPECT_TRUE(test::serve(loop, [&] { return fired == 1; }));
}

TEST(Timer, FollowsADeadlineThatMovesAwayAndOneThatComesNearer) {
  EventLoop loop;
  std::vector<Instant> fired;
  Timer timer(loop, [&] { fired.push_back(read_clocks().boot); });
  const Instant begin = read_clocks().boot;
  timer.at(begin + milliseconds(5));
  timer.at(begin + milliseconds(40));
  ASSERT_TRUE(test::serve(loop, [&] { return !fired.empty(); }));
  EXPECT_GE(fired[0], begin + milliseconds(40));
  timer.at(kNever);
  timer.at(read_clocks().boot + seconds(100));
  timer.at(read_clocks().boot + milliseconds(5));
  EXPECT_TRUE(test::serve(loop, [&] { return fired.size() == 2; })) << "long before the 100 s";
}

TEST(Timer, MayBeDestroyedByWhatItCalls) {
  EventLoop loop;
  bool fired = false;
  auto timer = std::make_unique<Timer>(loop, [] {});
  timer = std::make_unique<Timer>(loop, [&] {
    fired = true;
    timer.reset();
  });
  timer->at(Instant{});
  EXPECT_TRUE(test::serve(loop, [&] { return fired; }));
}

TEST(Clocks, BootTimeAndUtcAreThoseOfTheKernel) {
  const Now first = read_clocks();
  timespec utc{};
  timespec boot{};
  ASSERT_EQ(clock_gettime(CLOCK_REALTIME, &utc), 0);
  ASSERT_EQ(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
  const Now second = read_clocks();
  const Duration between = seconds(boot.tv_sec) + Duration(boot.tv_nsec);
  EXPECT_LE(first.boot.time_since_epoch(), between);
  EXPECT_GE(second.boot.time_since_epoch(), between);
  EXPECT_GE(whole_seconds(second.utc.time_since_epoch()), utc.tv_sec - 1);
}

}  // namespace
}  // namespace sendoff::net
