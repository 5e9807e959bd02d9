#include "machine/outbox.h"

namespace sendoff::machine {

ActionId Outbox::push(ActionKind action) {
  const ActionId id{++last_action_};
  actions_.push_back({id, std::move(action)});
  return id;
}

JobId Outbox::start(Job job, JobClass job_class) {
  const JobId id{++last_job_};
  push(Start{id, std::move(job), job_class});
  return id;
}

void Outbox::report(EventKind kind, std::initializer_list<Field> fields) {
  push(Report{Event{kind, fields}});
}

std::optional<Action> Outbox::poll() {
  if (actions_.empty()) return std::nullopt;
  std::optional<Action> action = std::move(actions_.front());
  actions_.pop_front();
  return action;
}

}  // namespace sendoff::machine
