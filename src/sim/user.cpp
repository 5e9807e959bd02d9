#include "sim/user.h"

#include "sim/places.h"

namespace sendoff::sim {

namespace {

constexpr unsigned kAttempts = 5;
constexpr std::uint32_t kByNetwork = 150'000;

}  // namespace

User::User(Context& context, MobileNode& mobile, std::vector<std::unique_ptr<RouterNode>>& routers,
           const Correspondents& correspondents)
    : context_(context),
      mobile_(mobile),
      routers_(routers),
      correspondents_(correspondents),
      dice_(context.scenario.seed, mobile.name() + " user") {}

void User::start() {
  const std::size_t first = dice_.below(routers_.size());
  context_.queue.after(dice_.between(Duration{}, seconds(2)), [this, first] {
    mobile_.start();
    mobile_.move(first);
    stay();
  });
}

void User::stay() {
  const Duration dwell = context_.scenario.dwell;
  context_.queue.after(dice_.between(dwell / 2, dwell * 3 / 2), [this] { go(); });
}

void User::go() {
  if (context_.calm) return;
  const std::size_t here = mobile_.place().value_or(0);
  std::size_t there = dice_.below(routers_.size() - 1);
  if (there >= here) ++there;
  // Where nothing goes wrong, nobody moves before the last move is over.
  if (context_.scenario.undisturbed() && !correspondents_.settled(mobile_.number())) return stay();
  if (context_.strikes(dice_, Fault::kAbruptMoves)) {
    mobile_.move(there);
    return stay();
  }
  ask(there, kAttempts);
}

void User::ask(std::size_t router, unsigned attempts) {
  if (context_.calm) return;
  const auto again = [&] {
    context_.queue.after(dice_.between(milliseconds(500), seconds(2)),
                         [this, router, attempts] { ask(router, attempts - 1); });
  };
  const auto care_of = mobile_.care_of();
  if (care_of && dice_.chance(kByNetwork)) {
    RouterNode& here = *routers_[*mobile_.place()];
    if (here.order(machine::Advise{*care_of, access_point(router)})) return stay();
  }
  const auto done = mobile_.order(machine::HandOver{access_point(router)});
  if (done) return stay();
  context_.trace.note(mobile_.name(), "cannot hand over:", machine::name(done.error()));
  if (attempts > 1) return again();
  if (!context_.scenario.undisturbed()) mobile_.move(router);
  stay();
}

}  // namespace sendoff::sim
