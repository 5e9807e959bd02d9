// Programs that a daemon runs: what they get, what is heard of them, and that none is left.
#include "net/child.h"

#include <signal.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "net/privileges.h"
#include "net/testbed.h"

namespace sendoff::net {
namespace {

class ChildTest : public testing::Test {
 protected:
  // A script of /bin/sh.
  ChildSpec script(const std::string& text, Duration patience = seconds(20)) {
    ChildSpec spec{.words = {"/bin/sh", "-c", text, "sh", "an argument"}, .patience = patience};
    spec.line = [this](std::string_view line) { lines_.emplace_back(line); };
    spec.ended = [this](const ChildEnd& end) { ends_.push_back(end); };
    return spec;
  }
  void start(ChildSpec spec) {
    auto child = Child::start(loop_, std::move(spec));
    ASSERT_TRUE(child) << child.error().text();
    child_ = std::move(*child);
  }
  void run_to_its_end(const std::string& text) {
    start(script(text));
    ASSERT_TRUE(test::serve(loop_, [&] { return !ends_.empty(); }));
    loop_.run_for(milliseconds(1));
    ASSERT_EQ(ends_.size(), 1U);
  }
  bool serve_lines(std::size_t count) {
    return test::serve(loop_, [&] { return lines_.size() >= count; });
  }
  // Whether a process of that number runs; one that has ended may wait for its parent a while.
  static bool runs(const std::string& pid) {
    const std::string state = test::output_of("ps -o stat= -p " + pid);
    return !state.empty() && state[0] != 'Z';
  }
  bool goes(const std::string& pid) {
    return test::serve(loop_, [&] { return !runs(pid); });
  }

  EventLoop loop_;
  std::unique_ptr<Child> child_;
  std::vector<std::string> lines_;
  std::vector<ChildEnd> ends_;
};

TEST_F(ChildTest, GetsItsWordsAndOneVariableAndAnEmptyInput) {
  setenv("SENDOFF_SECRET", "x", 1);
  run_to_its_end("echo \"$1\"; echo $SENDOFF_SECRET$HOME; echo $PATH; cat; printf unfinished");
  unsetenv("SENDOFF_SECRET");
  EXPECT_TRUE(ends_[0].good) << ends_[0].how;
  EXPECT_EQ(lines_, (std::vector<std::string>{"an argument", "", "/usr/sbin:/usr/bin:/sbin:/bin",
                                              "unfinished"}));
}

TEST_F(ChildTest, HasNoSignalBlockedOrIgnoredAndLeadsItsGroup) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigset_t before;
  ASSERT_EQ(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
  const auto pipe_before = std::signal(SIGPIPE, SIG_IGN);
  run_to_its_end(
      "grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '[:space:]'; echo; ps -o pgid= -p $$ | tr "
      "-d "
      "' '; echo $$");
  (void)std::signal(SIGPIPE, pipe_before);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  ASSERT_EQ(lines_.size(), 3U);
  // What the C library keeps for itself, above 28, does not count.
  EXPECT_TRUE(lines_[0].starts_with("SigBlk:0000000000000000SigIgn:")) << lines_[0];
  EXPECT_TRUE(lines_[0].ends_with("0000000")) << lines_[0];
  EXPECT_EQ(lines_[1], lines_[2]);
}

TEST_F(ChildTest, SaysHowItEnded) {
  run_to_its_end("exit 7");
  EXPECT_FALSE(ends_[0].good);
  EXPECT_EQ(ends_[0].how, "exit status 7");
  ends_.clear();
  run_to_its_end("kill -9 $$");
  EXPECT_FALSE(ends_[0].good);
  EXPECT_EQ(ends_[0].how, "signal 9");
  ends_.clear();
  EXPECT_FALSE(Child::start(loop_, {.words = {"/nonexistent/program"}, .patience = seconds(1)}));
}

TEST_F(ChildTest, IsKilledWithAllThatItStartedWhenItTakesTooLong) {
  ChildSpec spec = script("sleep 600 & sleep 600", milliseconds(200));
  spec.line = nullptr;
  start(std::move(spec));
  ASSERT_TRUE(test::serve(loop_, [&] { return !ends_.empty(); }));
  EXPECT_FALSE(ends_[0].good);
  EXPECT_EQ(ends_[0].how, "no answer within 0 s");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);  // nothing of ours is left to wait for
}

TEST_F(ChildTest, WithAFirstLineItMayGoOnUntilItIsDestroyed) {
  start(script("sleep 600 & echo $!; echo $$; wait", milliseconds(300)));
  ASSERT_TRUE(serve_lines(2));
  loop_.run_for(milliseconds(500));
  loop_.run_for(milliseconds(100));
  EXPECT_TRUE(ends_.empty());
  EXPECT_TRUE(runs(lines_[0]));
  child_.reset();
  EXPECT_TRUE(goes(lines_[0]));
  EXPECT_FALSE(runs(lines_[1]));
  EXPECT_TRUE(ends_.empty());
}

TEST_F(ChildTest, WhatItLeavesBehindEndsWithIt) {
  run_to_its_end("sleep 600 > /dev/null & echo $!");
  EXPECT_TRUE(ends_[0].good);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(goes(lines_[0]));
}

TEST_F(ChildTest, MayBeDestroyedByWhatItCallsBack) {
  ChildSpec spec = script("echo one; echo two; sleep 600");
  spec.line = [this](std::string_view line) {
    lines_.emplace_back(line);
    child_.reset();
  };
  start(std::move(spec));
  ASSERT_TRUE(serve_lines(1));
  loop_.run_for(milliseconds(20));
  EXPECT_EQ(lines_, std::vector<std::string>{"one"});
  EXPECT_TRUE(ends_.empty());
  spec = script("exit 0");
  spec.ended = [this](const ChildEnd& end) {
    child_.reset();
    ends_.push_back(end);
  };
  start(std::move(spec));
  ASSERT_TRUE(test::serve(loop_, [&] { return !ends_.empty(); }));
}

TEST_F(ChildTest, ALineWithoutEndIsCutAndAFloodDoesNotStopTheLoop) {
  start(script("head -c 100000 /dev/zero | tr '\\0' x; echo; exec yes"));
  ASSERT_TRUE(serve_lines(2));
  EXPECT_EQ(lines_[0], std::string(255, 'x'));
  EXPECT_EQ(lines_[1], "y");
  Timer timer(loop_, [this] { loop_.stop(); });
  timer.at(read_clocks().boot + milliseconds(10));
  loop_.run();
  EXPECT_TRUE(ends_.empty());
}

// In a process that gives up its privileges: what a program that it runs can do.
int capabilities_of_child(const std::string& user, Lends lends, bool low_ports,
                          std::string_view wanted) {
  const pid_t process = fork();
  if (process == 0) {
    const auto dropped = drop_privileges(user, lends);
    if (!dropped) _exit(2);
    if (dropped->lends_ports != (lends == Lends::kLowPorts)) _exit(3);
    EventLoop loop;
    std::string line;
    ChildSpec spec{.words = {"/bin/sh", "-c",
                             "grep -E 'Cap(Prm|Eff)' /proc/self/status | tr -d "
                             "'[:space:]'"},
                   .low_ports = low_ports,
                   .patience = seconds(20)};
    spec.line = [&](std::string_view text) { line = text; };
    bool over = false;
    spec.ended = [&](const ChildEnd&) { over = true; };
    const auto child = Child::start(loop, std::move(spec));
    if (!child || !test::serve(loop, [&] { return over; })) _exit(4);
    const std::string all =
        "CapPrm:000000000000" + std::string(wanted) + "CapEff:000000000000" + std::string(wanted);
    _exit(line == all ? 0 : 5);
  }
  int status = 0;
  EXPECT_EQ(waitpid(process, &status, 0), process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(ChildTest, HasNoCapabilityButTheOneThatIsLent) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to drop it";
  constexpr std::string_view kNone = "0000";
  constexpr std::string_view kBindService = "0400";  // bit 10
  EXPECT_EQ(capabilities_of_child("nobody", Lends::kNothing, false, kNone), 0);
  EXPECT_EQ(capabilities_of_child("nobody", Lends::kNothing, true, kNone), 0);
  EXPECT_EQ(capabilities_of_child("nobody", Lends::kLowPorts, false, kNone), 0);
  EXPECT_EQ(capabilities_of_child("nobody", Lends::kLowPorts, true, kBindService), 0);
  EXPECT_EQ(capabilities_of_child("", Lends::kNothing, false, kNone), 0);
  EXPECT_EQ(capabilities_of_child("", Lends::kLowPorts, true, kBindService), 0);
}

}  // namespace
}  // namespace sendoff::net
