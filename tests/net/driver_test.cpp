#include "net/driver.h"

#include <deque>
#include <map>

#include "net/testbed.h"

namespace sendoff::net {
namespace {

using machine::ActionError;
using machine::ActionId;
using machine::ActionKind;
using machine::Facts;
using machine::JobId;

// Asks for what the test puts into it and notes what it is told.
class FakeMachine final : public machine::Machine {
 public:
  void handle(Now, const machine::Received& received) override {
    enter();
    packets.push_back(to_bytes(received.packet));
    leave();
  }
  void handle(Now, machine::JobResult result) override {
    enter();
    jobs[result.job_id].push_back(std::move(result.output));
    leave();
  }
  void handle(Now, const machine::Outcome& outcome) override {
    enter();
    outcomes[outcome.action_id].push_back(outcome.result);
    leave();
  }
  void handle(Now, const machine::HostEvent& event) override {
    enter();
    events.push_back(event);
    leave();
  }
  Result<void, machine::OrderError> handle(Now, const machine::Order&) override {
    ask(machine::Report{{machine::EventKind::kHandoverStarted, {}}});
    return fail(machine::OrderError::kNoKey);
  }
  [[nodiscard]] Instant next_deadline() const override { return deadline; }
  void tick(Now now) override {
    enter();
    ticked.push_back(now.boot);
    deadline = kNever;
    leave();
  }
  std::optional<machine::Action> poll() override {
    if (actions.empty()) return std::nullopt;
    auto action = std::move(actions.front());
    actions.pop_front();
    return action;
  }
  void counters(const CounterVisitor&) const override {}

  ActionId ask(ActionKind what) {
    const ActionId id{++last};
    if (machine::has_outcome(what)) owed.push_back(id);
    actions.push_back({id, std::move(what)});
    return id;
  }
  void enter() {
    EXPECT_FALSE(inside) << "entered twice";
    inside = true;
  }
  void leave() { inside = false; }

  std::deque<machine::Action> actions;
  std::vector<ActionId> owed;
  std::map<ActionId, std::vector<Result<Facts, ActionError>>> outcomes;
  std::map<JobId, std::vector<Result<machine::JobOutput, machine::JobError>>> jobs;
  std::vector<Bytes> packets;
  std::vector<machine::HostEvent> events;
  std::vector<Instant> ticked;
  Instant deadline = kNever;
  std::uint64_t last = 0;
  bool inside = false;
};

// How everything that owes an answer behaves.
enum class Manner { kAtOnce, kLater, kTwice, kNever };

struct Answers {
  void give(Done done, Result<Facts, ActionError> result = Facts{}) {
    if (manner == Manner::kAtOnce) done(std::move(result));
    if (manner == Manner::kLater) kept.push_back([done, result] { done(result); });
    if (manner == Manner::kTwice) {
      done(result);
      done(fail(ActionError::kRefused));
    }
  }
  Manner manner = Manner::kAtOnce;
  std::vector<std::function<void()>> kept;
};

class FakeHost final : public Host {
 public:
  explicit FakeHost(Answers& answers) : answers_(answers) {}
  void start(Sink its_sink) override { sink = std::move(its_sink); }
  void carry_out(const machine::Transmit& action) override { sent.push_back(action.packet); }
  void carry_out(const machine::Verdict& action) override { judged.push_back(action.hold); }
  void carry_out(const machine::SetProven&) override { ++told_apart; }
  void carry_out(const machine::AddAddress&, Done done) override { answers_.give(done); }
  void carry_out(const machine::RemoveAddress&, Done done) override { answers_.give(done); }
  void carry_out(const machine::SetRoute&, Done done) override { answers_.give(done); }
  void carry_out(const machine::SetNeighbour&, Done done) override { answers_.give(done); }
  void carry_out(const machine::SetProxy&, Done done) override { answers_.give(done); }
  void carry_out(const machine::JoinGroup&, Done done) override { answers_.give(done); }
  void counters(const CounterVisitor&) const override {}

  Sink sink;
  std::vector<Bytes> sent;
  std::vector<machine::HoldId> judged;
  int told_apart = 0;

 private:
  Answers& answers_;
};

class DriverTest : public ::testing::Test {
 protected:
  void make(bool with_hooks = true) {
    RecordKeeper keeper;
    const auto kept = [this](const RecordKeeper::Kept& answer) {
      answers_.give(
          [answer](const Result<Facts, ActionError>& result) { answer(result.has_value()); },
          store_works_ ? Result<Facts, ActionError>(Facts{}) : fail(ActionError::kRefused));
    };
    keeper.persist = [kept](const machine::Record&, const RecordKeeper::Kept& answer) {
      kept(answer);
    };
    keeper.forget = [kept](const machine::RecordName&, const RecordKeeper::Kept& answer) {
      kept(answer);
    };
    keeper.look_up = [this](const machine::RecordName&, const RecordKeeper::Found& found) {
      look_up_ = found;
    };
    Driver::Hooks hooks;
    hooks.report = [this](const machine::Event& event) {
      reports_.push_back(event);
      if (on_report_) on_report_();
    };
    if (with_hooks) {
      hooks.switch_link = [this](const machine::SwitchLink& action, const Done& done) {
        driver_->tell(machine::ApAttached{action.interface, action.access_point});
        answers_.give(done);
      };
      hooks.run_dhcp = [this](const machine::RunDhcp&, const Done& done) { answers_.give(done); };
      hooks.read_lists = [this](const machine::ReadRevocationLists&, const Done& done) {
        answers_.give(done);
      };
    }
    driver_.emplace(machine_, loop_, workers_, host_, keeper, datapath_, hooks);
    driver_->start();
  }
  void run() {
    driver_->with_machine([](Now) {});
  }
  void ask_for_everything() {
    const InterfaceId interface{1};
    machine_.ask(machine::InstallBinding{});
    machine_.ask(machine::RemoveBinding{});
    machine_.ask(machine::AttachTunnel{});
    machine_.ask(machine::DetachTunnel{});
    machine_.ask(machine::OpenBuffer{});
    machine_.ask(machine::ReleaseBuffer{});
    machine_.ask(machine::DiscardBuffer{});
    machine_.ask(machine::AddAddress{interface, {}, 64, machine::DadMode::kNormal, {}, {}});
    machine_.ask(machine::RemoveAddress{interface, {}});
    machine_.ask(machine::SetRoute{{}, {}, interface, true});
    machine_.ask(machine::SetNeighbour{interface, {}, {}});
    machine_.ask(machine::SetProxy{interface, {}, true});
    machine_.ask(machine::JoinGroup{interface, {}, true});
    machine_.ask(machine::SwitchLink{interface, LinkAddress::literal("02:00:00:00:00:09")});
    machine_.ask(machine::RunDhcp{interface});
    machine_.ask(machine::ReadRevocationLists{});
    machine_.ask(machine::Persist{machine::HeldKey{}});
    machine_.ask(machine::Forget{machine::HeldKeyName{}});
    // Those that owe no outcome.
    machine_.ask(machine::Transmit{interface, {}, Bytes{1}});
    machine_.ask(machine::Verdict{machine::HoldId{5}, machine::Verdict::Kind::kPass, {}});
    machine_.ask(machine::SetProven{});
    machine_.ask(machine::Cancel{JobId{77}});
    machine_.ask(machine::Report{});
    ASSERT_EQ(machine_.owed.size(), 18U);
    ASSERT_EQ(std::variant_size_v<ActionKind>, 24U);  // Start has a test of its own
  }
  void expect_one_outcome_each() {
    EXPECT_EQ(machine_.outcomes.size(), machine_.owed.size());
    for (ActionId id : machine_.owed) EXPECT_EQ(machine_.outcomes[id].size(), 1U) << id.value;
  }

  EventLoop loop_;
  Answers answers_;
  FakeMachine machine_;
  FakeHost host_{answers_};
  ControlPlaneOnly datapath_;
  Workers workers_{loop_, {1, 10}};
  bool store_works_ = true;
  RecordKeeper::Found look_up_;
  std::vector<machine::Event> reports_;
  std::function<void()> on_report_;
  std::optional<Driver> driver_;
};

TEST_F(DriverTest, GivesEveryKindOfActionExactlyOneOutcomeWhenAnswersComeAtOnce) {
  make();
  ask_for_everything();
  run();
  expect_one_outcome_each();
  EXPECT_EQ(host_.sent, std::vector<Bytes>{Bytes{1}});
  EXPECT_EQ(reports_.size(), 1U);
  EXPECT_EQ(datapath_.counters().bindings_installed, 1U);
  EXPECT_EQ(host_.judged, std::vector{machine::HoldId{5}});
  EXPECT_EQ(host_.told_apart, 1);
  EXPECT_EQ(machine_.events.size(), 1U);  // ApAttached, told from within the hook
}

TEST_F(DriverTest, TellsWhatHappenedWhenAllIsDoneAndInItsOrder) {
  make();
  std::vector<std::size_t> sent_before;
  on_report_ = [&] { sent_before.push_back(host_.sent.size()); };
  machine_.ask(machine::Report{{machine::EventKind::kUnaSent, {}}});
  machine_.ask(machine::InstallBinding{});
  machine_.ask(machine::Report{{machine::EventKind::kWarning, {}}});
  machine_.ask(machine::Transmit{InterfaceId{1}, {}, Bytes{1}});
  run();
  EXPECT_EQ(sent_before, (std::vector<std::size_t>{1, 1}));
  ASSERT_EQ(reports_.size(), 2U);
  EXPECT_EQ(reports_[0].kind, machine::EventKind::kUnaSent);
}

TEST_F(DriverTest, GivesEveryKindOfActionExactlyOneOutcomeWhenAnswersComeLater) {
  make();
  answers_.manner = Manner::kLater;
  ask_for_everything();
  run();
  EXPECT_EQ(machine_.outcomes.size(), 7U);  // the data path's
  for (const auto& answer : answers_.kept) answer();
  expect_one_outcome_each();
}

TEST_F(DriverTest, GivesOneOutcomeEvenWhereABackendAnswersTwice) {
  make();
  answers_.manner = Manner::kTwice;
  ask_for_everything();
  run();
  expect_one_outcome_each();
  for (const auto& [id, results] : machine_.outcomes) EXPECT_TRUE(results[0].has_value());
}

TEST_F(DriverTest, AnAnswerThatNobodyCanGiveAnyMoreIsARefusal) {
  make();
  answers_.manner = Manner::kNever;
  ask_for_everything();
  run();
  expect_one_outcome_each();
}

TEST_F(DriverTest, NamesTheErrorOfAStoreAndOfAMissingHook) {
  make(false);
  store_works_ = false;
  const ActionId persist = machine_.ask(machine::Persist{machine::HeldKey{}});
  const ActionId dhcp = machine_.ask(machine::RunDhcp{});
  const ActionId change = machine_.ask(machine::SwitchLink{});
  const ActionId lists = machine_.ask(machine::ReadRevocationLists{});
  run();
  EXPECT_EQ(machine_.outcomes[persist].at(0).error(), ActionError::kStore);
  EXPECT_EQ(machine_.outcomes[dhcp].at(0).error(), ActionError::kUnsupported);
  EXPECT_EQ(machine_.outcomes[change].at(0).error(), ActionError::kUnsupported);
  EXPECT_EQ(machine_.outcomes[lists].at(0).error(), ActionError::kUnsupported);
}

TEST_F(DriverTest, RunsJobsAndAsksTheStoreForLookUps) {
  make();
  machine_.ask(machine::Start{JobId{1}, machine::SearchModifier{}, machine::JobClass::kBackground});
  machine_.ask(machine::Start{JobId{2}, machine::LookUp{}, machine::JobClass::kLookup});
  run();
  ASSERT_TRUE(look_up_);
  look_up_(std::vector<machine::Record>{});
  look_up_(std::vector<machine::Record>{});
  ASSERT_TRUE(test::serve(loop_, [&] { return machine_.jobs.size() == 2; }));
  ASSERT_EQ(machine_.jobs[JobId{2}].size(), 1U);
  EXPECT_TRUE(std::holds_alternative<machine::RecordsFound>(*machine_.jobs[JobId{2}][0]));
  EXPECT_TRUE(machine_.jobs[JobId{1}].at(0).has_value());
}

TEST_F(DriverTest, ACancelledLookUpEndsOnce) {
  make();
  machine_.ask(machine::Start{JobId{2}, machine::LookUp{}, machine::JobClass::kLookup});
  machine_.ask(machine::Cancel{JobId{2}});
  run();
  look_up_(std::nullopt);
  ASSERT_EQ(machine_.jobs[JobId{2}].size(), 1U);
  EXPECT_EQ(machine_.jobs[JobId{2}][0].error(), machine::JobError::kCancelled);
}

TEST_F(DriverTest, HandsInPacketsEventsOrdersAndWarnings) {
  make();
  machine::Received received;
  const Bytes octets{1, 2, 3};
  received.packet = octets;
  host_.sink.packet(received);
  host_.sink.event(machine::ClockStepped{});
  host_.sink.warning("it went wrong");
  EXPECT_EQ(machine_.packets, std::vector<Bytes>{octets});
  EXPECT_EQ(machine_.events.size(), 1U);
  const auto refused = driver_->order(machine::RequestKey{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), machine::OrderError::kNoKey);
  ASSERT_EQ(reports_.size(), 2U);
  EXPECT_EQ(reports_[0].text("text"), "it went wrong");
  EXPECT_EQ(reports_[1].kind, machine::EventKind::kHandoverStarted);
}

TEST_F(DriverTest, TicksTheMachineAtItsDeadline) {
  make();
  const Instant deadline = read_clocks().boot + milliseconds(20);
  driver_->with_machine([&](Now) { machine_.deadline = deadline; });
  ASSERT_TRUE(test::serve(loop_, [&] { return !machine_.ticked.empty(); }));
  EXPECT_GE(machine_.ticked[0], deadline);
}

TEST_F(DriverTest, DropsWhatIsAnsweredAfterItsEnd) {
  make();
  answers_.manner = Manner::kLater;
  ask_for_everything();
  run();
  const std::size_t before = machine_.outcomes.size();
  driver_.reset();
  for (const auto& answer : answers_.kept) answer();
  host_.sink.event(machine::ClockStepped{});
  EXPECT_EQ(machine_.outcomes.size(), before);
}

}  // namespace
}  // namespace sendoff::net
