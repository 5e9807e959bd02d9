#include "station.h"

#include "target.h"

namespace sendoff::fuzz {

namespace {

// Far above what an input of a few thousand octets can be answered with.
constexpr std::size_t kMostActions = 20'000;

}  // namespace

Station::Station(FastCrypto& crypto, std::string_view name, Build build)
    : crypto_(crypto), build_(std::move(build)), random_(1, name) {}

void Station::restart() {
  // A store wipes what has expired.
  std::erase_if(records, [this](const auto& entry) {
    const auto expires = machine::expiry_of(entry.second);
    return expires && *expires <= now.utc;
  });
  machine::Snapshot snapshot;
  for (const auto& [name, record] : records) snapshot.push_back(machine::duplicate(record));
  machine_.reset();
  jobs.clear();
  owed.clear();
  machine_ = build_(std::move(snapshot), random_, now);
  pump();
}

void Station::receive(const machine::Received& received) {
  machine_->handle(now, received);
  pump();
}

void Station::tell(const machine::HostEvent& event) {
  machine_->handle(now, event);
  pump();
}

void Station::order(const machine::Order& order) {
  (void)machine_->handle(now, order);
  pump();
}

void Station::change(const std::function<void(machine::Machine&)>& what) {
  what(*machine_);
  pump();
}

void Station::tick() {
  machine_->tick(now);
  pump();
}

void Station::end_job(std::size_t index, bool well) {
  if (jobs.empty()) return;
  const auto at = jobs.begin() + static_cast<std::ptrdiff_t>(index % jobs.size());
  const machine::Start start = std::move(*at);
  jobs.erase(at);
  if (well)
    run(start);
  else
    machine_->handle(now, machine::JobResult{start.job_id, fail(machine::JobError::kCrypto)});
  pump();
}

void Station::give_outcome(std::size_t index, bool well) {
  if (owed.empty()) return;
  const auto at = owed.begin() + static_cast<std::ptrdiff_t>(index % owed.size());
  const machine::Action action = std::move(*at);
  owed.erase(at);
  answer(action, well);
  pump();
}

void Station::settle() {
  for (std::size_t steps = 0; !jobs.empty() || !owed.empty(); ++steps) {
    require(steps < kMostActions, "a machine comes to rest");
    end_job(0, true);
    give_outcome(0, true);
  }
}

void Station::pump() {
  if (std::exchange(pumping_, true)) return;
  std::size_t actions = 0;
  while (auto action = machine_->poll()) {
    require(++actions < kMostActions, "a machine comes to rest");
    carry_out(std::move(*action));
  }
  pumping_ = false;
}

void Station::carry_out(machine::Action action) {
  if (auto* transmit = std::get_if<machine::Transmit>(&action.what)) {
    require(transmit->packet.size() <= 1500 || transmit->routed, "a packet fits into its link");
    return sent.push_back(std::move(*transmit));
  }
  if (auto* start = std::get_if<machine::Start>(&action.what)) {
    if (hold) return jobs.push_back(std::move(*start));
    return run(*start);
  }
  if (const auto* cancel = std::get_if<machine::Cancel>(&action.what)) {
    const std::size_t cancelled =
        std::erase_if(jobs, [&](const auto& job) { return job.job_id == cancel->job_id; });
    if (cancelled > 0)
      machine_->handle(now,
                       machine::JobResult{cancel->job_id, fail(machine::JobError::kCancelled)});
    return;
  }
  if (!machine::has_outcome(action.what)) return;
  if (hold) return owed.push_back(std::move(action));
  answer(action, true);
}

void Station::run(const machine::Start& start) {
  Result<machine::JobOutput, machine::JobError> output = fail(machine::JobError::kStore);
  if (const auto* question = std::get_if<machine::LookUp>(&start.job))
    output = machine::RecordsFound{find(question->name)};
  else
    output = crypto_.execute(start.job);
  machine_->handle(now, machine::JobResult{start.job_id, std::move(output)});
}

void Station::answer(const machine::Action& action, bool well) {
  using machine::ActionError;
  const bool adding = std::holds_alternative<machine::AddAddress>(action.what);
  if (!well) {
    const ActionError error = adding ? ActionError::kDuplicate : ActionError::kRefused;
    return machine_->handle(now, machine::Outcome{action.id, fail(error)});
  }
  machine::Facts facts;
  if (const auto* persist = std::get_if<machine::Persist>(&action.what))
    records.insert_or_assign(machine::name_of(persist->record),
                             machine::duplicate(persist->record));
  if (const auto* forget = std::get_if<machine::Forget>(&action.what)) records.erase(forget->name);
  if (const auto* wanted = std::get_if<machine::SwitchLink>(&action.what))
    link_wanted = wanted->access_point;
  if (std::holds_alternative<machine::RunDhcp>(action.what))
    return machine_->handle(now, machine::Outcome{action.id, fail(ActionError::kUnsupported)});
  machine_->handle(now, machine::Outcome{action.id, facts});
}

std::vector<machine::Record> Station::find(const machine::RecordName& name) const {
  std::vector<machine::Record> found;
  const auto* issued = std::get_if<machine::IssuedKeyName>(&name);
  for (const auto& [each, record] : records) {
    const auto* key = std::get_if<machine::IssuedKey>(&record);
    if (each == name || (issued != nullptr && key != nullptr && key->cga == issued->cga))
      found.push_back(machine::duplicate(record));
  }
  return found;
}

}  // namespace sendoff::fuzz
