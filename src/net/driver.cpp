#include "net/driver.h"

#include <deque>
#include <set>

#include "net/clock.h"

namespace sendoff::net {

using machine::ActionError;
using machine::ActionId;
using machine::Facts;
using machine::JobError;
using machine::JobId;

struct Driver::State : std::enable_shared_from_this<State> {
  using Input = std::function<void(machine::Machine&, Now)>;

  State(machine::Machine& its_machine, EventLoop& loop, Workers& its_workers, Host& its_host,
        RecordKeeper keeper, Datapath& its_datapath, Hooks its_hooks)
      : machine(its_machine),
        workers(its_workers),
        host(its_host),
        records(std::move(keeper)),
        datapath(its_datapath),
        hooks(std::move(its_hooks)),
        timer(loop, [this] { feed([](machine::Machine& fed, Now now) { fed.tick(now); }); }) {}

  [[nodiscard]] Now now() const { return hooks.now ? hooks.now() : read_clocks(); }

  // Hands an input in, at once or, from within an action, after it.
  void feed(Input input) {
    inputs.push_back(std::move(input));
    pump();
  }

  void pump() {
    if (std::exchange(pumping, true)) return;
    while (!ended) {
      if (auto action = machine.poll()) {
        ++counters.actions;
        std::visit([&](auto& what) { carry_out(action->id, what); }, action->what);
      } else if (!inputs.empty()) {
        const Input input = std::move(inputs.front());
        inputs.pop_front();
        input(machine, now());
      } else if (!reports.empty()) {
        const machine::Event event = std::move(reports.front());
        reports.pop_front();
        hooks.report(event);
      } else {
        break;
      }
    }
    pumping = false;
    if (!ended) timer.at(machine.next_deadline());
  }

  void answer(ActionId id, Result<Facts, ActionError> result) {
    ++counters.outcomes;
    if (!result) ++counters.outcomes_failed;
    feed([outcome = machine::Outcome{id, std::move(result)}](machine::Machine& fed, Now now) {
      fed.handle(now, outcome);
    });
  }

  void answer(JobId id, Result<machine::JobOutput, JobError> output) {
    // An input is copied with its function, a result can only be moved.
    auto result = std::make_shared<machine::JobResult>(id, std::move(output));
    feed([result](machine::Machine& fed, Now now) { fed.handle(now, std::move(*result)); });
  }

  // The outcome owed for one action: the first answer counts, and an answer that never comes
  // because everybody dropped the question is a refusal.
  class Debt {
   public:
    Debt(std::weak_ptr<State> creditor, ActionId action)
        : creditor_(std::move(creditor)), action_(action) {}
    Debt(const Debt&) = delete;
    Debt& operator=(const Debt&) = delete;
    ~Debt() { pay(fail(ActionError::kRefused)); }

    void pay(Result<Facts, ActionError> result) {
      if (std::exchange(paid_, true)) return;
      if (const auto creditor = creditor_.lock()) creditor->answer(action_, std::move(result));
    }

   private:
    std::weak_ptr<State> creditor_;
    ActionId action_;
    bool paid_ = false;
  };

  [[nodiscard]] Done owe(ActionId id) {
    return [debt = std::make_shared<Debt>(weak_from_this(), id)](
               Result<Facts, ActionError> result) { debt->pay(std::move(result)); };
  }
  [[nodiscard]] RecordKeeper::Kept owe_record(ActionId id) {
    return [done = owe(id)](bool kept) {
      done(kept ? Result<Facts, ActionError>(Facts{}) : fail(ActionError::kStore));
    };
  }

  void carry_out(ActionId, const machine::Transmit& action) { host.carry_out(action); }
  void carry_out(ActionId, const machine::Verdict& action) { host.carry_out(action); }
  void carry_out(ActionId, const machine::SetProven& action) { host.carry_out(action); }

  void carry_out(ActionId, machine::Start& action) {
    const auto* question = std::get_if<machine::LookUp>(&action.job);
    if (!question) return workers.start(action.job_id, std::move(action.job), action.job_class);
    look_ups.insert(action.job_id);
    records.look_up(question->name, [weak = weak_from_this(), id = action.job_id](
                                        std::optional<std::vector<machine::Record>> found) {
      const auto state = weak.lock();
      if (!state || state->look_ups.erase(id) == 0) return;
      if (found)
        state->answer(id, machine::RecordsFound{std::move(*found)});
      else
        state->answer(id, fail(JobError::kStore));
    });
  }
  void carry_out(ActionId, const machine::Cancel& action) {
    if (look_ups.erase(action.job_id) > 0)
      answer(action.job_id, fail(JobError::kCancelled));
    else
      workers.cancel(action.job_id);
  }

  void carry_out(ActionId id, machine::Persist& action) {
    records.persist(std::move(action.record), owe_record(id));
  }
  void carry_out(ActionId id, const machine::Forget& action) {
    records.forget(action.name, owe_record(id));
  }
  void carry_out(ActionId, machine::Report& action) {
    if (hooks.follow) hooks.follow(action.event);
    if (hooks.report) reports.push_back(std::move(action.event));
  }

  void carry_out(ActionId id, const machine::SwitchLink& action) {
    if (!hooks.switch_link) return answer(id, fail(ActionError::kUnsupported));
    hooks.switch_link(action, owe(id));
  }
  void carry_out(ActionId id, const machine::RunDhcp& action) {
    if (!hooks.run_dhcp) return answer(id, fail(ActionError::kUnsupported));
    hooks.run_dhcp(action, owe(id));
  }
  void carry_out(ActionId id, const machine::ReadRevocationLists& action) {
    if (!hooks.read_lists) return answer(id, fail(ActionError::kUnsupported));
    hooks.read_lists(action, owe(id));
  }

  // Addresses, routes, neighbours, proxies and groups are the host's, the rest is the data path's.
  template <typename A>
  void carry_out(ActionId id, const A& action) {
    if constexpr (requires { host.carry_out(action, Done{}); })
      host.carry_out(action, owe(id));
    else
      datapath.carry_out(action, owe(id));
  }

  machine::Machine& machine;
  Workers& workers;
  Host& host;
  RecordKeeper records;
  Datapath& datapath;
  Hooks hooks;
  Timer timer;
  std::deque<Input> inputs;
  std::deque<machine::Event> reports;
  std::set<JobId> look_ups;  // that the store has not answered
  Counters counters;
  bool pumping = false;
  bool ended = false;
};

Driver::Driver(machine::Machine& machine, EventLoop& loop, Workers& workers, Host& host,
               RecordKeeper records, Datapath& datapath, Hooks hooks)
    : state_(std::make_shared<State>(machine, loop, workers, host, std::move(records), datapath,
                                     std::move(hooks))) {
  workers.on_result([weak = std::weak_ptr(state_)](machine::JobResult result) {
    if (const auto state = weak.lock()) state->answer(result.job_id, std::move(result.output));
  });
}

Driver::~Driver() { state_->ended = true; }

void Driver::start() {
  Host::Sink sink;
  sink.packet = [weak = std::weak_ptr(state_)](const machine::Received& received) {
    const auto state = weak.lock();
    if (!state || state->ended) return;
    invariant(!state->pumping);  // the packet is borrowed and cannot wait
    ++state->counters.packets;
    state->machine.handle(state->now(), received);
    state->pump();
  };
  sink.event = [weak = std::weak_ptr(state_)](const machine::HostEvent& event) {
    if (const auto state = weak.lock())
      state->feed([event](machine::Machine& fed, Now now) { fed.handle(now, event); });
  };
  sink.warning = [weak = std::weak_ptr(state_)](const std::string& text) {
    const auto state = weak.lock();
    if (state && state->hooks.report)
      state->hooks.report({machine::EventKind::kWarning, {{"text", text}}});
  };
  state_->host.start(std::move(sink));
  state_->pump();
}

Result<void, machine::OrderError> Driver::order(const machine::Order& order) {
  invariant(!state_->pumping);
  auto result = state_->machine.handle(state_->now(), order);
  state_->pump();
  return result;
}

void Driver::with_machine(const std::function<void(Now)>& work) {
  invariant(!state_->pumping);
  work(state_->now());
  state_->pump();
}

void Driver::tell(const machine::HostEvent& event) {
  state_->feed([event](machine::Machine& fed, Now now) { fed.handle(now, event); });
}

Driver::Counters Driver::counters() const { return state_->counters; }

}  // namespace sendoff::net
