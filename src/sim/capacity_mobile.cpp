#include "sim/capacity_mobile.h"

#include <utility>

#include "sim/capacity_awake.h"
#include "sim/capacity_router.h"
#include "sim/host.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::sim::capacity {

namespace {

constexpr Duration kDetection = seconds(1);
// So long before a move a node wakes; it takes four to be ready.
constexpr Duration kLead = seconds(8);
// No sleep is shorter.
constexpr Duration kShortestSleep = seconds(2);
// What waits in the queue for a node that sleeps by then is only in the way: timers of half an hour
// are set again and again.
constexpr Duration kFarthest = seconds(5);
constexpr unsigned kPatience = 30;
constexpr unsigned kOrders = 20;

}  // namespace

Traveller::Traveller(Region& region, std::uint32_t number)
    : region_(region),
      dice_(region.plan().seed, "mobile " + std::to_string(number)),
      number_(number),
      previous_(static_cast<std::uint32_t>(region.plan().routers)) {}

Traveller::~Traveller() = default;
Traveller::Traveller(Traveller&&) noexcept = default;

Duration Traveller::stay() {
  const Duration dwell = region_.plan().dwell;
  return dice_.between(dwell / 2, dwell * 3 / 2);
}

bool Traveller::on(std::size_t router) const {
  return awake_ != nullptr && awake_->plugged && place_ == router;
}

bool Traveller::listens(const Ipv6Address& group) const {
  return std::ranges::any_of(awake_->addresses, [&](const Awake::Address& each) {
    return each.address.solicited_node() == group;
  });
}

// --- from link to link, and to sleep

void Traveller::reminded() {
  if (life_ == 0)
    set_out();
  else
    wake();
}

void Traveller::set_out() {
  place_ = static_cast<std::uint32_t>(dice_.below(region_.plan().routers));
  next_move_ = region_.queue().now() + stay();
  rouse(Stage::kStaying);
  enter();
  settle(kPatience);
}

void Traveller::rouse(Stage stage) {
  stage_ = stage;
  const std::string name = "octets " + std::to_string(number_) + " " + std::to_string(life_);
  awake_ = std::make_unique<Awake>(mobile_config(region_.mobile_key(number_), number_), region_,
                                   name, store_.snapshot(region_.now().utc));
  region_.awake(1);
}

void Traveller::enter() {
  awake_->plugged = true;
  region_.router(place_).enter(number_);
  tell(machine::InterfaceUp{kAccess, station(Station::kMobile, number_), 1500});
  tell(machine::ApAttached{kAccess, station(Station::kAccessPoint, place_)});
}

bool Traveller::quiet() const {
  if (!awake_->keyed) return false;
  const mobile::Mobile::Status status = awake_->machine.status(region_.now());
  return status.movements.empty() && status.requests.empty();
}

void Traveller::settle(unsigned patience) {
  later(seconds(1), [this, patience] {
    if (quiet()) return rest();
    if (patience > 0) return settle(patience - 1);
    ++region_.figures().keyless;
    rest();
  });
}

// Sleeps, if it is worth it.
void Traveller::rest() {
  const Duration left = next_move_ - region_.queue().now();
  const bool moves = !region_.closing() && next_move_ < region_.plan().time;
  if (!moves || left > kLead + kShortestSleep) return sleep();
  later(std::max(left, Duration{}), [this] { go(kOrders); });
}

void Traveller::sleep() {
  for (const Awake::Address& address : awake_->addresses)
    region_.disclaim(address.address, number_);
  if (awake_->plugged) region_.router(place_).leave(number_);
  awake_.reset();
  region_.awake(-1);
  stage_ = Stage::kAsleep;
  ++life_;
  if (region_.closing() || next_move_ >= region_.plan().time) return;
  region_.remind(next_move_ - kLead, number_);
}

void Traveller::wake() {
  ++region_.figures().wakes;
  rouse(Stage::kWaking);
  enter();
  later(kLead, [this] { go(kOrders); });
}

// --- what a driver does

void Traveller::receive(const Packet& packet, const LinkAddress& source) {
  machine::Received received;
  received.interface = kAccess;
  received.frame_source = source;
  received.packet = *packet;
  awake_->machine.handle(region_.now(), received);
  pump();
}

void Traveller::tell(const machine::HostEvent& event) {
  awake_->machine.handle(region_.now(), event);
  pump();
}

void Traveller::answer(machine::ActionId id, Result<machine::Facts, machine::ActionError> result) {
  awake_->machine.handle(region_.now(), machine::Outcome{id, std::move(result)});
  pump();
}

void Traveller::pump() {
  if (std::exchange(awake_->pumping, true)) return;
  while (auto action = awake_->machine.poll()) carry_out(std::move(*action));
  awake_->pumping = false;
  set_timer();
}

void Traveller::set_timer() {
  const Instant due = awake_->machine.next_deadline();
  if (due == kNever) return;
  const Duration left = std::clamp(due - region_.now().boot, Duration{}, kFarthest);
  const WorldTime when = region_.queue().now() + left;
  if (when >= awake_->wakes) return;
  awake_->wakes = when;
  later(left, [this, when] {
    if (awake_->wakes != when) return;
    awake_->wakes = kNoTime;
    if (awake_->machine.next_deadline() <= region_.now().boot) awake_->machine.tick(region_.now());
    pump();
  });
}

void Traveller::carry_out(machine::Action action) {
  if (auto* transmit = std::get_if<machine::Transmit>(&action.what))
    return region_.send(*this, std::move(transmit->packet));
  if (auto* start = std::get_if<machine::Start>(&action.what)) return start_job(std::move(*start));
  if (const auto* cancel = std::get_if<machine::Cancel>(&action.what))
    return awake_->cancelled.push_back(cancel->job_id);
  if (const auto* report = std::get_if<machine::Report>(&action.what))
    return heard_of(report->event);
  if (!machine::has_outcome(action.what)) return;
  if (const auto* add = std::get_if<machine::AddAddress>(&action.what))
    return add_address(action.id, *add);
  if (const auto* change = std::get_if<machine::SwitchLink>(&action.what)) {
    const std::size_t there = number_of(change->access_point);
    return later({}, [this, there, id = action.id] { move(there, id); });
  }
  if (const auto* remove = std::get_if<machine::RemoveAddress>(&action.what))
    remove_address(remove->address);
  if (const auto* persist = std::get_if<machine::Persist>(&action.what))
    store_.put(Store::encode(persist->record));
  if (const auto* forget = std::get_if<machine::Forget>(&action.what)) store_.erase(forget->name);
  answer(action.id, machine::Facts{});
}

void Traveller::start_job(machine::Start start) {
  later(region_.model().price(start.job), [this, start = std::move(start)] {
    Result<machine::JobOutput, machine::JobError> output = fail(machine::JobError::kCancelled);
    if (std::erase(awake_->cancelled, start.job_id) == 0)
      output = region_.model().run(start.job, number_);
    awake_->machine.handle(region_.now(), machine::JobResult{start.job_id, std::move(output)});
    pump();
  });
}

// --- addresses

void Traveller::add_address(machine::ActionId id, const machine::AddAddress& action) {
  auto& addresses = awake_->addresses;
  const WorldTime now = region_.queue().now();
  auto found = std::ranges::find(addresses, action.address, &Awake::Address::address);
  if (found == addresses.end()) {
    const bool tentative = action.dad == machine::DadMode::kNormal;
    addresses.push_back({action.address, now + kDetection, tentative});
    found = addresses.end() - 1;
    region_.claim(action.address, number_);
    if (action.dad != machine::DadMode::kNone) solicit(action.address);
    if (action.dad == machine::DadMode::kOptimistic)
      later(kDetection, [this, id, address = action.address] {
        detected(id, address, machine::DadMode::kOptimistic);
      });
  }
  if (!found->tentative || found->ready <= now) return answer(id, machine::Facts{});
  later(found->ready - now,
        [this, id, address = action.address] { detected(id, address, machine::DadMode::kNormal); });
}

void Traveller::detected(machine::ActionId id, const Ipv6Address& address, machine::DadMode mode) {
  auto& addresses = awake_->addresses;
  const auto found = std::ranges::find(addresses, address, &Awake::Address::address);
  const bool there = found != addresses.end();
  if (mode == machine::DadMode::kOptimistic) {
    if (there && found->ready <= region_.queue().now())
      tell(machine::AddressChanged{kAccess, address, machine::AddressChanged::What::kReady});
    return;
  }
  if (!there) return answer(id, fail(machine::ActionError::kGone));
  found->tentative = false;
  answer(id, machine::Facts{});
}

void Traveller::remove_address(const Ipv6Address& address) {
  if (std::erase_if(awake_->addresses,
                    [&](const Awake::Address& each) { return each.address == address; }) > 0)
    region_.disclaim(address, number_);
}

// RFC 4862 5.4.2; the host's, so unsigned.
void Traveller::solicit(const Ipv6Address& address) {
  const Ipv6Address group = address.solicited_node();
  Bytes message;
  append(message, wire::NeighborSolicitation{address});
  wire::seal_icmpv6({}, group, message);
  region_.send(*this, wire::icmpv6_packet({}, group, message));
}

}  // namespace sendoff::sim::capacity
