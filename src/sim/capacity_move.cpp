// Moves of a mobile node of a capacity run, from the order to the end of Mobile IPv6's signalling.
#include <utility>

#include "sim/capacity_awake.h"
#include "sim/capacity_mobile.h"
#include "sim/capacity_router.h"
#include "sim/host.h"

namespace sendoff::sim::capacity {

namespace {

// Longer than a binding that nobody renews: who comes back sooner is not let in by the router that
// forwards for him (docs/simulator.md).
constexpr Duration kBindingLasts = seconds(45);
constexpr Duration kRetry = milliseconds(500);
// Without FBack and without refusal a link is left long before.
constexpr Duration kLongestOrder = seconds(10);
constexpr Duration kLeastRadioGap = milliseconds(20);
constexpr Duration kMostRadioGap = milliseconds(80);
constexpr Duration kLeastUpdate = milliseconds(1500);
constexpr Duration kMostUpdate = seconds(5);
constexpr unsigned kUpdateAttempts = 20;

}  // namespace

std::size_t Traveller::choose() {
  std::vector<std::size_t> ways = neighbours_of(region_.plan(), place_);
  const bool remembered = region_.queue().now() - left_at_ < kBindingLasts;
  if (remembered && ways.size() > 1) std::erase(ways, std::size_t{previous_});
  return ways[dice_.below(ways.size())];
}

void Traveller::go(unsigned attempts) {
  if (region_.closing()) return sleep();
  if (!awake_->target) awake_->target = choose();
  const Stage before = std::exchange(stage_, Stage::kMoving);
  awake_->move = Awake::Move{};
  const machine::Order order = machine::HandOver{
      station(Station::kAccessPoint, static_cast<std::uint32_t>(*awake_->target))};
  const auto ordered = awake_->machine.handle(region_.now(), order);
  if (!ordered && attempts > 0) {
    stage_ = before;
    awake_->move.reset();
    pump();
    return later(kRetry, [this, attempts] { go(attempts - 1); });
  }
  ++region_.figures().moves.begun;
  if (!ordered) {
    ++region_.figures().moves.unprepared;
    return move(*awake_->target, std::nullopt);
  }
  pump();
  later(kLongestOrder, [this, order_number = ++awake_->orders] {
    const bool stuck = awake_->move && awake_->move->left == kNoTime;
    if (stuck && awake_->orders == order_number) move(*awake_->target, std::nullopt);
  });
}

void Traveller::move(std::size_t there, std::optional<machine::ActionId> action) {
  // The one who asks again is there already.
  if (!awake_->move || awake_->move->left != kNoTime) {
    if (action) answer(*action, fail(machine::ActionError::kRefused));
    return;
  }
  Awake::Move& going = *awake_->move;
  left_at_ = going.left = region_.queue().now();
  going.predictive = going.acknowledged;
  previous_ = place_;
  region_.router(place_).leave(number_);
  awake_->plugged = awake_->keyed = false;
  awake_->target.reset();
  place_ = static_cast<std::uint32_t>(there);
  next_move_ = left_at_ + stay();
  tell(machine::InterfaceDown{kAccess});
  later(dice_.between(kLeastRadioGap, kMostRadioGap), [this, action] {
    enter();
    if (action) answer(*action, machine::Facts{});
    look();
    later(dice_.between(kLeastUpdate, kMostUpdate), [this] { complete(kUpdateAttempts); });
  });
}

// Mobile IPv6 has updated its bindings (RFC 5269 3.6), as soon as this move is over one way or
// another.
void Traveller::complete(unsigned attempts) {
  const auto again = [&] { later(kRetry, [this, attempts] { complete(attempts - 1); }); };
  if (attempts > 0 && !awake_->move->acknowledged) return again();
  const auto completed =
      awake_->machine.handle(region_.now(), machine::Order(machine::BindingComplete{}));
  pump();
  if (attempts > 0 && !completed) return again();
  conclude();
}

void Traveller::conclude() {
  const Awake::Move done = *std::exchange(awake_->move, std::nullopt);
  Moves& moves = region_.figures().moves;
  if (!done.acknowledged)
    ++moves.failed;
  else if (done.predictive)
    ++moves.predictive;
  else
    ++moves.reactive;
  stage_ = Stage::kStaying;
  settle(kUpdateAttempts);
}

void Traveller::bound() {
  if (!awake_->move) return;
  awake_->move->bound = true;
  look();
}

void Traveller::look() {
  if (!awake_ || !awake_->move) return;
  Awake::Move& going = *awake_->move;
  if (!going.bound || going.reached || going.left == kNoTime || !awake_->plugged) return;
  const RouterSite& router = region_.router(place_);
  for (const Awake::Address& address : awake_->addresses)
    if (router.buffers(address.address)) return;
  going.reached = true;
  const Duration gap = region_.queue().now() - going.left;
  Moves& moves = region_.figures().moves;
  ++moves.gaps;
  moves.gap_sum += gap;
  moves.longest_gap = std::max(moves.longest_gap, gap);
}

void Traveller::heard_of(const machine::Event& event) {
  if (event.kind == machine::EventKind::kKeyReceived) {
    awake_->keyed = true;
  } else if (event.kind == machine::EventKind::kHandoverDone && awake_->move) {
    awake_->move->acknowledged = true;
  } else if (event.kind == machine::EventKind::kHandoverFailed && awake_->move &&
             awake_->move->left == kNoTime && awake_->target) {
    // Refused; the person goes all the same.
    later({}, [this, there = *awake_->target] { move(there, std::nullopt); });
  }
}

}  // namespace sendoff::sim::capacity
