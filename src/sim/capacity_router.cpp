#include "sim/capacity_router.h"

#include <utility>

#include "sim/capacity_mobile.h"
#include "sim/capacity_places.h"
#include "sim/host.h"
#include "sim/places.h"

namespace sendoff::sim::capacity {

namespace {

constexpr Duration kRouterDetection = seconds(1);
constexpr std::size_t kMostHeld = 16;
constexpr std::size_t kTagSize = 16;

// Whom a job of the router is for: the sender of what it verifies, the receiver of what it signs.
std::optional<Ipv6Address> peer_of(const machine::Job& job) {
  if (const auto* sign = std::get_if<machine::SignMessage>(&job)) return sign->destination;
  const auto* verify = std::get_if<machine::VerifySignature>(&job);
  if (verify == nullptr || verify->signed_octets.size() < kTagSize + Ipv6Address::kSize)
    return std::nullopt;
  return Ipv6Address::from(ByteView(verify->signed_octets).subspan(kTagSize, Ipv6Address::kSize));
}

}  // namespace

RouterSite::RouterSite(Region& region, std::size_t number, const router::Config& config)
    : region_(region),
      number_(number),
      link_local_(config.interfaces[0].identity.address(send::link_local_prefix())),
      global_(config.interfaces[0].identity.address(access_prefix(number))),
      random_(region.plan().seed, "router " + std::to_string(number)),
      machine_(config, {}, random_, region.now()),
      workers_(region.plan().workers) {}

void RouterSite::start() {
  const machine::InterfaceUp up{
      kAccess, station(Station::kRouter, static_cast<std::uint32_t>(number_)), 1500};
  machine_.handle(region_.now(), machine::HostEvent(up));
  pump();
}

void RouterSite::receive(const Packet& packet, const LinkAddress& source, bool waking) {
  if (region_.counts() && !waking) {
    ++load_.received;
    load_.thread_busy += region_.plan().costs.packet;
  }
  machine::Received received;
  received.interface = kAccess;
  received.frame_source = source;
  received.packet = *packet;
  machine_.handle(region_.now(), received);
  pump();
}

void RouterSite::sent(bool waking) {
  if (!region_.counts() || waking) return;
  ++load_.sent;
  load_.thread_busy += region_.plan().costs.packet;
}

std::optional<Ipv6Address> RouterSite::far_end(const Ipv6Address& pcoa) const {
  const auto found = tunnels_.find(pcoa);
  if (found == tunnels_.end()) return std::nullopt;
  return found->second;
}

void RouterSite::hold(const Ipv6Address& address, const Packet& packet) {
  std::vector<Packet>& held = buffers_[address];
  if (held.size() < kMostHeld) held.push_back(packet);
}

void RouterSite::release(const Ipv6Address& address) {
  auto held = buffers_.extract(address);
  Traveller* owner = region_.owner_of(address);
  if (held.empty() || owner == nullptr) return;
  for (const Packet& packet : held.mapped()) region_.hand(number_, owner->number(), packet);
  owner->look();
}

void RouterSite::sample() {
  const router::Router::Status status = machine_.status(region_.now(), 0);
  load_.keys = status.key_count;
  load_.bindings = status.binding_count;
  load_.most_keys = std::max(load_.most_keys, load_.keys);
  load_.most_bindings = std::max(load_.most_bindings, load_.bindings);
}

void RouterSite::pump() {
  if (std::exchange(pumping_, true)) return;
  while (auto action = machine_.poll()) carry_out(std::move(*action));
  pumping_ = false;
  wake();
}

void RouterSite::wake() {
  const Instant due = machine_.next_deadline();
  if (due == kNever) return;
  const WorldTime when = region_.queue().now() + std::max(due - region_.now().boot, Duration{});
  if (when >= wakes_) return;
  wakes_ = when;
  region_.queue().at(when, [this, when] {
    if (wakes_ != when) return;
    wakes_ = kNoTime;
    machine_.tick(region_.now());
    pump();
  });
}

void RouterSite::answer(machine::ActionId id) {
  machine_.handle(region_.now(), machine::Outcome{id, machine::Facts{}});
  pump();
}

void RouterSite::answer_later(Duration delay, machine::ActionId id) {
  region_.queue().after(delay, [this, id] { answer(id); });
}

// True: it was one for the data path, and is done.
bool RouterSite::carry_out_on_plane(const machine::ActionKind& what) {
  if (const auto* install = std::get_if<machine::InstallBinding>(&what)) {
    tunnels_.insert_or_assign(install->pcoa, install->ncoa);
    if (Traveller* owner = region_.owner_of(install->pcoa)) owner->bound();
  } else if (const auto* remove = std::get_if<machine::RemoveBinding>(&what)) {
    tunnels_.erase(remove->pcoa);
  } else if (const auto* open = std::get_if<machine::OpenBuffer>(&what)) {
    buffers_.try_emplace(open->address);
  } else if (const auto* let_go = std::get_if<machine::ReleaseBuffer>(&what)) {
    release(let_go->address);
  } else if (const auto* discard = std::get_if<machine::DiscardBuffer>(&what)) {
    buffers_.erase(discard->address);
  } else {
    return false;
  }
  return true;
}

void RouterSite::carry_out(machine::Action action) {
  if (const auto* transmit = std::get_if<machine::Transmit>(&action.what))
    return region_.send(number_, *transmit);
  if (auto* start = std::get_if<machine::Start>(&action.what)) return start_job(std::move(*start));
  if (const auto* cancel = std::get_if<machine::Cancel>(&action.what)) {
    cancelled_.insert(cancel->job_id);
    return;
  }
  if (!machine::has_outcome(action.what)) return;
  if (std::holds_alternative<machine::AddAddress>(action.what))
    return answer_later(kRouterDetection, action.id);
  if (std::holds_alternative<machine::Persist>(action.what))
    return answer_later(region_.plan().costs.store, action.id);
  (void)carry_out_on_plane(action.what);
  answer(action.id);
}

void RouterSite::account(const machine::Job& job, Duration price) {
  const auto* sign = std::get_if<machine::SignMessage>(&job);
  const std::int64_t second = whole_seconds(region_.queue().now());
  if (sign != nullptr) {
    if (std::exchange(second_, second) != second) signatures_in_second_ = 0;
    load_.most_signatures_s = std::max(load_.most_signatures_s, ++signatures_in_second_);
  }
  if (!region_.counts()) return;
  load_.workers_busy += price;
  if (sign != nullptr) {
    ++load_.signatures;
    if (sign->seal) ++load_.seals;
  } else if (std::holds_alternative<machine::VerifySignature>(job)) {
    ++load_.verifications;
  }
}

// In the order of their coming, whatever their class. What is for a node that wakes takes its time
// and nobody else's.
void RouterSite::start_job(machine::Start start) {
  const WorldTime now = region_.queue().now();
  const Duration price = region_.model().price(start.job);
  const auto peer = peer_of(start.job);
  WorldTime end = now + price;
  if (!peer || !region_.is_waking(*peer)) {
    account(start.job, price);
    WorldTime& worker = *std::ranges::min_element(workers_);
    worker = end = std::max(worker, now) + price;
  }
  region_.queue().at(end, [this, start = std::move(start)] {
    Result<machine::JobOutput, machine::JobError> output = fail(machine::JobError::kCancelled);
    if (cancelled_.erase(start.job_id) == 0) output = region_.model().run(start.job, number_);
    machine_.handle(region_.now(), machine::JobResult{start.job_id, std::move(output)});
    pump();
  });
}

}  // namespace sendoff::sim::capacity
