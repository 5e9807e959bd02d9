#include "net/workers.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "net/testbed.h"

namespace sendoff::net {
namespace {

using machine::JobClass;
using machine::JobError;
using machine::JobId;
using machine::JobOutput;
using machine::JobResult;

// A job that names itself by the size of its key.
machine::Job job(std::uint32_t number) { return machine::GenerateDecryptionKey{number, 65537}; }
std::uint32_t number_of(const machine::Job& job) {
  return std::get<machine::GenerateDecryptionKey>(job).bits;
}

// Holds every job until it is let go, and notes the order in which they ran.
class Gate {
 public:
  Result<JobOutput, JobError> pass(const machine::Job& job, const std::atomic<bool>* cancel) {
    std::unique_lock lock(mutex_);
    order_.push_back(number_of(job));
    nice_ = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
    entered_.notify_all();
    while (!open_ && !*cancel) changed_.wait_for(lock, milliseconds(5));
    machine::HandoverKeyOpened opened{Secret(16)};
    return opened;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_until_entered(std::size_t count) {
    std::unique_lock lock(mutex_);
    entered_.wait(lock, [&] { return order_.size() >= count; });
  }
  std::vector<std::uint32_t> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  int nice() {
    const std::lock_guard lock(mutex_);
    return nice_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable entered_;
  std::vector<std::uint32_t> order_;
  bool open_ = false;
  int nice_ = 0;
};

class WorkersTest : public ::testing::Test {
 protected:
  void make(const Workers::Config& config) {
    workers_.emplace(loop_, config,
                     [this](const machine::Job& each, const std::atomic<bool>* stop) {
                       return gate_.pass(each, stop);
                     });
    workers_->on_result([this](JobResult result) { results_.push_back(std::move(result)); });
  }
  void start(std::uint32_t number, JobClass job_class) {
    workers_->start(JobId{number}, job(number), job_class);
  }
  bool wait_for(std::size_t count) {
    return test::serve(loop_, [&] { return results_.size() >= count; });
  }

  EventLoop loop_;
  Gate gate_;
  std::optional<Workers> workers_;
  std::vector<JobResult> results_;
};

TEST_F(WorkersTest, RunTheClassesInOrderAndTheOldestOfAClassFirst) {
  make({1, 100});
  start(1, JobClass::kPath);
  gate_.wait_until_entered(1);
  start(2, JobClass::kLookup);
  start(3, JobClass::kPath);
  start(4, JobClass::kUnsolicited);
  start(5, JobClass::kSign);
  start(6, JobClass::kSolicited);
  start(7, JobClass::kSolicited);
  gate_.open();
  ASSERT_TRUE(wait_for(7));
  EXPECT_EQ(gate_.order(), (std::vector<std::uint32_t>{1, 6, 7, 5, 4, 3, 2}));
  for (const JobResult& result : results_) EXPECT_TRUE(result.output.has_value());
}

TEST_F(WorkersTest, EachNormalWorkerRehearsesBeforeItsFirstJob) {
  static thread_local bool rehearsed = false;
  std::atomic<int> rehearsals = 0;
  std::atomic<int> unprepared = 0;
  workers_.emplace(loop_,
                   Workers::Config{.threads = 2,
                                   .rehearse =
                                       [&] {
                                         rehearsed = true;
                                         ++rehearsals;
                                       }},
                   [&](const machine::Job& each, const std::atomic<bool>* stop) {
                     if (!rehearsed) ++unprepared;
                     return gate_.pass(each, stop);
                   });
  workers_->on_result([this](JobResult result) { results_.push_back(std::move(result)); });
  start(1, JobClass::kSign);
  start(2, JobClass::kSign);
  gate_.wait_until_entered(2);  // one in each worker
  gate_.open();
  ASSERT_TRUE(wait_for(2));
  EXPECT_EQ(rehearsals, 2);
  EXPECT_EQ(unprepared, 0);
}

TEST_F(WorkersTest, BackgroundWorkHasAThreadOfItsOwnAtLowPriority) {
  make({1, 100});
  start(1, JobClass::kSign);
  gate_.wait_until_entered(1);
  start(2, JobClass::kBackground);
  start(3, JobClass::kBackground);
  gate_.wait_until_entered(2);  // although the only normal worker is taken
  EXPECT_EQ(gate_.nice(), 19);
  EXPECT_EQ(gate_.order().size(), 2U);  // and only one thread for the background
  gate_.open();
  ASSERT_TRUE(wait_for(3));
}

TEST_F(WorkersTest, ACancelledJobGivesOneCancelledResultWhereverItIs) {
  make({1, 100});
  start(1, JobClass::kSign);
  gate_.wait_until_entered(1);
  start(2, JobClass::kSign);
  workers_->cancel(JobId{2});  // waits
  workers_->cancel(JobId{1});  // runs
  workers_->cancel(JobId{1});
  workers_->cancel(JobId{99});
  ASSERT_TRUE(wait_for(2));
  start(3, JobClass::kSign);
  gate_.open();
  gate_.wait_until_entered(2);
  ASSERT_TRUE(wait_for(3));
  EXPECT_EQ(gate_.order(), (std::vector<std::uint32_t>{1, 3}));
  ASSERT_EQ(results_.size(), 3U);
  for (std::size_t i : {0U, 1U}) {
    ASSERT_FALSE(results_[i].output.has_value());
    EXPECT_EQ(results_[i].output.error(), JobError::kCancelled);
  }
  EXPECT_EQ(results_[2].job_id, JobId{3});
  EXPECT_EQ(workers_->counters().cancelled, 2U);
  EXPECT_EQ(workers_->counters().in_flight, 0U);
}

TEST_F(WorkersTest, AResultThatIsCancelledBeforeItIsDeliveredIsWithheld) {
  make({2, 100});
  gate_.open();
  start(1, JobClass::kSign);
  start(2, JobClass::kSign);
  gate_.wait_until_entered(2);
  workers_->cancel(JobId{2});
  ASSERT_TRUE(wait_for(2));
  for (const JobResult& result : results_)
    EXPECT_EQ(result.output.has_value(), result.job_id == JobId{1});
}

TEST_F(WorkersTest, RefuseWhatTheQueueCannotHoldWithACancelledResult) {
  make({1, 2});
  start(1, JobClass::kSign);
  gate_.wait_until_entered(1);
  for (std::uint32_t i = 2; i <= 5; ++i) start(i, JobClass::kSign);
  ASSERT_TRUE(wait_for(2));
  EXPECT_EQ(results_[0].job_id, JobId{4});
  EXPECT_EQ(results_[1].job_id, JobId{5});
  EXPECT_EQ(workers_->counters().refused, 2U);
  gate_.open();
  ASSERT_TRUE(wait_for(5));
}

TEST_F(WorkersTest, EndWithoutWaitingForWhatIsQueued) {
  make({2, 100});
  for (std::uint32_t i = 1; i <= 50; ++i)
    start(i, i % 2 == 0 ? JobClass::kSign : JobClass::kBackground);
  gate_.wait_until_entered(2);
  workers_.reset();
  loop_.run_for(milliseconds(1));
  EXPECT_TRUE(results_.empty());
  EXPECT_LE(gate_.order().size(), 3U);
}

TEST_F(WorkersTest, GiveEveryJobExactlyOneResultUnderCancellationFromAllSides) {
  make({3, 10'000});
  gate_.open();
  constexpr std::uint32_t kJobs = 2000;
  for (std::uint32_t i = 1; i <= kJobs; ++i) {
    start(i, static_cast<JobClass>(i % 6));
    if (i % 3 == 0) workers_->cancel(JobId{i - 2});
    if (i % 50 == 0) loop_.run_for(milliseconds(1));
  }
  ASSERT_TRUE(wait_for(kJobs));
  std::vector<bool> seen(kJobs + 1);
  for (const JobResult& result : results_) {
    EXPECT_FALSE(seen[result.job_id.value]);
    seen[result.job_id.value] = true;
  }
  EXPECT_EQ(results_.size(), kJobs);
}

}  // namespace
}  // namespace sendoff::net
