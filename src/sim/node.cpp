#include "sim/node.h"

#include <utility>

#include "base/overloaded.h"
#include "sim/key_pool.h"

namespace sendoff::sim {

namespace {

// What RSA, a disk and netlink take.
constexpr Duration kJobTime = milliseconds(3);
constexpr Duration kSlowJobTime = seconds(1);
constexpr Duration kStoreTime = milliseconds(4);
constexpr Duration kHostTime = microseconds(300);

// What an action is about, for the trace.
template <typename Action>
std::string subject(const Action& action) {
  std::string text;
  if constexpr (requires { action.pcoa; }) text = action.pcoa.text();
  if constexpr (requires { action.address.text(); }) text = action.address.text();
  if constexpr (requires { action.group.text(); }) text = action.group.text();
  if constexpr (requires { action.destination.text(); }) text = action.destination.text();
  if constexpr (requires { action.ncoa; }) text += " to " + action.ncoa.text();
  if constexpr (requires { action.remote; }) text += " to " + action.remote.text();
  if constexpr (requires { action.present; })
    if (!action.present) text += " is gone";
  return text;
}

}  // namespace

Node::Node(Context& context, Parts parts)
    : context_(context),
      dice_(context.scenario.seed, parts.name),
      parts_(std::move(parts)),
      random_(context.scenario.seed, parts_.name + " octets"),
      host_(
          context, parts_.name, parts_.link_address, parts_.limits,
          {[this] { return now(); }, [this](Instant instant) { return parts_.clock.when(instant); },
           [this](const machine::Received& received) { receive(received); },
           [this](const machine::HostEvent& event) { tell(event); },
           [this](ByteView packet) {
             if (parts_.datagram) parts_.datagram(packet);
           },
           parts_.uplink}) {}

void Node::later(Duration delay, Queue::Deed deed) {
  context_.queue.after(delay, [this, life = life_, deed = std::move(deed)]() mutable {
    if (life == life_) deed();
  });
}

void Node::start() {
  context_.trace.note(name(), "starts");
  machine_ = build(store_.snapshot(now().utc), random_, now());
  tell_interfaces();
  pump();
}

void Node::crash(bool lose_store) {
  context_.trace.note(name(), "crashes", lose_store ? "its store is lost" : "");
  ++life_;
  machine_.reset();
  jobs_.clear();
  wakes_ = kNoTime;
  host_.withdraw();
  if (lose_store) store_.clear();
  context_.tell([&](Promise& promise) { promise.crashed(*this, lose_store); });
}

void Node::step_clock(Duration by) {
  if (by == Duration{}) return;
  context_.trace.note(name(), "clock steps", std::to_string(by / milliseconds(1)) + " ms");
  parts_.clock.step(by);
  stepped_ += by < Duration{} ? -by : by;
  tell(machine::ClockStepped{by});
}

void Node::receive(const machine::Received& received) {
  if (!machine_) return;
  context_.tell([&](Promise& promise) { promise.heard(*this, received); });
  machine_->handle(now(), received);
  pump();
}

void Node::tell(const machine::HostEvent& event) {
  if (!machine_) return;
  machine_->handle(now(), event);
  pump();
}

Result<void, machine::OrderError> Node::order(const machine::Order& order) {
  if (!machine_) return fail(machine::OrderError::kBusy);
  auto result = machine_->handle(now(), order);
  pump();
  return result;
}

void Node::pump() {
  if (std::exchange(pumping_, true)) return;
  while (auto action = machine_->poll()) {
    context_.tell([&](Promise& promise) { promise.asked(*this, action->what); });
    carry_out(action->id, action->what);
  }
  pumping_ = false;
  wake();
}

void Node::wake() {
  const WorldTime when = parts_.clock.when(machine_->next_deadline());
  if (when == kNoTime || when >= wakes_) return;
  wakes_ = when;
  context_.queue.at(when, [this, life = life_, when] {
    if (life != life_ || wakes_ != when) return;
    wakes_ = kNoTime;
    const Now at = now();
    if (machine_->next_deadline() <= at.boot) machine_->tick(at);
    pump();
  });
}

void Node::answer(machine::ActionId id, Host::Answer result) {
  later(dice_.between(Duration{}, kHostTime), [this, id, result = std::move(result)] {
    machine_->handle(now(), machine::Outcome{id, result});
    pump();
  });
}

Host::Done Node::owe(machine::ActionId id) {
  return [this, id, life = life_](Host::Answer result) {
    if (life == life_) answer(id, std::move(result));
  };
}

// What a host can refuse and a node can live with. An address that the host will not have, or
// something that it does not let go of, is a broken host: no promise is made for that.
bool Node::may_be_refused(const machine::ActionKind& what) const {
  if (const auto* proxy = std::get_if<machine::SetProxy>(&what)) return proxy->present;
  return std::holds_alternative<machine::InstallBinding>(what) ||
         std::holds_alternative<machine::AttachTunnel>(what) ||
         std::holds_alternative<machine::OpenBuffer>(what) ||
         std::holds_alternative<machine::SwitchLink>(what);
}

void Node::carry_out(machine::ActionId id, machine::ActionKind& what) {
  if (may_be_refused(what) && context_.strikes(dice_, Fault::kRefusal)) {
    context_.trace.note(name(), "host refuses", machine::name(what));
    return answer(id, fail(machine::ActionError::kRefused));
  }
  std::visit(
      Overloaded{
          [&](const machine::Transmit& action) { host_.transmit(action); },
          [&](const machine::Verdict&) {}, [&](const machine::SetProven&) {},
          [&](machine::Start& action) { start_job(std::move(action)); },
          [&](const machine::Cancel& action) {
            if (jobs_.erase(action.job_id) == 0) return;
            later({}, [this, job = action.job_id] {
              machine_->handle(now(), machine::JobResult{job, fail(machine::JobError::kCancelled)});
              pump();
            });
          },
          [&](const machine::AddAddress& action) { host_.carry_out(action, owe(id)); },
          [&](const machine::SwitchLink& action) { switch_link(action.access_point, owe(id)); },
          [&](const machine::RunDhcp&) { answer(id, fail(machine::ActionError::kUnsupported)); },
          [&](const machine::ReadRevocationLists&) {
            answer(id, fail(machine::ActionError::kUnsupported));
          },
          [&](const machine::Persist& action) { persist(id, action.record); },
          [&](const machine::Forget& action) {
            write([this, id, record = action.name] {
              store_.erase(record);
              answer(id, machine::Facts{});
            });
          },
          [&](const machine::Report& action) {
            context_.trace.event(name(), action.event);
            if (on_report) on_report(action.event);
          },
          [&](const auto& action) {
            context_.trace.note(name(), machine::name(what), subject(action));
            if constexpr (requires { host_.carry_out(action); })
              answer(id, host_.carry_out(action));
            else
              answer(id, host_.carry_out_on_plane(action));
          }},
      what);
}

void Node::switch_link(const LinkAddress&, Host::Done done) {
  done(fail(machine::ActionError::kUnsupported));
}

// --- jobs

void Node::start_job(machine::Start start) {
  ++context_.statistics.jobs;
  const bool slow = context_.strikes(dice_, Fault::kSlowJobs);
  const Duration takes = dice_.between(microseconds(100), slow ? kSlowJobTime : kJobTime);
  const machine::JobId id = start.job_id;
  jobs_.emplace(id, std::move(start));
  later(takes, [this, id] { end_job(id); });
}

void Node::end_job(machine::JobId id) {
  const auto found = jobs_.extract(id);
  if (found.empty()) return;
  const machine::Job& job = found.mapped().job;
  Result<machine::JobOutput, machine::JobError> output = fail(machine::JobError::kCrypto);
  if (!context_.strikes(dice_, Fault::kLostJobs)) output = run(job);
  if (output) context_.tell([&](Promise& promise) { promise.job_ended(*this, job, *output); });
  machine_->handle(now(), machine::JobResult{id, std::move(output)});
  pump();
}

Result<machine::JobOutput, machine::JobError> Node::run(const machine::Job& job) {
  if (std::holds_alternative<machine::GenerateDecryptionKey>(job)) {
    if (parts_.pairs == 0) return fail(machine::JobError::kCrypto);
    return machine::DecryptionKeyGenerated{
        decryption_key(parts_.first_pair + pairs_made_++ % parts_.pairs)};
  }
  if (const auto* question = std::get_if<machine::LookUp>(&job))
    return machine::RecordsFound{store_.find(question->name)};
  return machine::execute(job);
}

// One after the other, as a disk writes them.
void Node::write(Queue::Deed deed) {
  store_busy_until_ = std::max(store_busy_until_, context_.queue.now()) +
                      dice_.between(microseconds(100), kStoreTime);
  later(store_busy_until_ - context_.queue.now(), std::move(deed));
}

void Node::persist(machine::ActionId id, const machine::Record& record) {
  if (context_.strikes(dice_, Fault::kStoreFailure)) {
    context_.trace.note(name(), "store fails");
    return answer(id, fail(machine::ActionError::kStore));
  }
  auto entry = std::make_shared<Store::Entry>(Store::encode(record));
  write([this, id, entry] {
    store_.put(std::move(*entry));
    answer(id, machine::Facts{});
  });
}

}  // namespace sendoff::sim
