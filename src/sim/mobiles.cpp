#include "sim/mobiles.h"

#include "sim/places.h"
#include "sim/routers.h"
#include "wire/ipv6.h"

namespace sendoff::sim {

namespace {

constexpr std::size_t kPairs = 2;
constexpr std::uint32_t kEchoes = 4;  // one datagram in so many is answered

mobile::Config mobile_config(const Scenario& scenario, std::size_t number) {
  Dice dice(scenario.seed, "mobile config " + std::to_string(number));
  mobile::Config config;
  config.interfaces = {{kAccess, "wlan0"}};
  config.identity = mobile_identity(number);
  static const auto anchors =
      std::make_shared<const std::vector<pki::TrustAnchor>>(std::vector{anchor()});
  config.paths.anchors = anchors;
  config.paths.policy = policy();
  config.dad = dice.chance(500'000) ? machine::DadMode::kOptimistic : machine::DadMode::kNormal;
  config.algorithm = crypto::kAlgorithms[dice.below(crypto::kAlgorithms.size())];
  config.request_interval_s = 60;
  config.fback_wait = seconds(2);
  config.fbu_link_address = !dice.chance(200'000);
  config.una_unicast = dice.chance(200'000);
  config.encryption_pair.handovers = 2 + static_cast<std::uint32_t>(dice.below(10));
  if (scenario.rate(Fault::kSmallTables) != 0) {
    config.max_keys = 2;
    config.max_held_replies = 1;
    config.receiver.max_pending = 4;
    config.receiver.timestamps.max_peers = 4;
  }
  return config;
}

}  // namespace

Node::Parts MobileNode::parts(Context& context, std::size_t number, MobileNode* self) {
  const std::string name = "mn" + std::to_string(number + 1);
  return {.name = name,
          .link_address = mobile_link_address(number),
          .clock = draw_clock(context.scenario, name),
          .limits = {},
          .uplink = nullptr,
          .datagram = [self](ByteView packet) { self->take(packet); },
          .first_pair = kPairs * number,
          .pairs = kPairs};
}

MobileNode::MobileNode(Context& context, std::size_t number,
                       std::vector<std::unique_ptr<Link>>& links)
    : Node(context, parts(context, number, this)),
      number_(number),
      links_(links),
      config_(mobile_config(context.scenario, number)),
      driver_(static_cast<Driver>(
          Dice(context.scenario.seed, "driver " + std::to_string(number)).below(4))) {}

std::unique_ptr<machine::Machine> MobileNode::build(machine::Snapshot snapshot, Random& random,
                                                    Now now) {
  auto made = std::make_unique<mobile::Mobile>(config_, std::move(snapshot), random, now);
  mobile_ = made.get();
  return made;
}

std::optional<mobile::Mobile::Status> MobileNode::status() const {
  if (!running()) return std::nullopt;
  return mobile_->status(now());
}

std::optional<Ipv6Address> MobileNode::care_of() const {
  const auto seen = status();
  if (!seen || !place_ || host().link() == nullptr) return std::nullopt;
  for (const mobile::Mobile::LinkStatus& link : seen->links)
    for (const Ipv6Address& address : link.addresses)
      if (access_prefix(*place_).contains(address) && host().owns(address)) return address;
  return std::nullopt;
}

void MobileNode::tell_interfaces() {
  told_ = host().link() != nullptr;
  if (!told_) return;
  const machine::InterfaceUp up{kAccess, host().link_address(), 1500};
  const machine::ApAttached attached{kAccess, access_point(*place_)};
  if (driver_ == Driver::kAccessPointFirst) tell(attached);
  tell(up);
  if (driver_ == Driver::kCarrierFirst || driver_ == Driver::kAccessPoint) tell(attached);
}

void MobileNode::tell_left() {
  if (driver_ == Driver::kAccessPoint)
    tell(machine::ApLost{kAccess});
  else
    tell(machine::InterfaceDown{kAccess});
}

void MobileNode::switch_link(const LinkAddress& wanted, Host::Done done) {
  for (std::size_t router = 0; router < links_.size(); ++router)
    if (access_point(router) == wanted)
      return context_.queue.after(Duration{}, [this, router, done = std::move(done)]() mutable {
        ++context_.statistics.handovers;
        move(router, std::move(done));
      });
  done(fail(machine::ActionError::kRefused));
}

void MobileNode::move(std::size_t router, Host::Done done) {
  context_.trace.note(name(), "moves to", links_[router]->name());
  place_ = router;
  const bool was_somewhere = host().link() != nullptr;
  host().unplug();
  if (was_somewhere) tell_left();
  const Duration gap = dice_.between(milliseconds(5), milliseconds(100));
  context_.queue.after(gap,
                       [this, move = ++moves_, done = std::move(done), was_somewhere]() mutable {
                         if (move != moves_) {
                           if (done) done(fail(machine::ActionError::kRefused));
                           return;
                         }
                         context_.trace.note(name(), "enters", links_[*place_]->name());
                         host().plug(*links_[*place_]);
                         // Who started meanwhile knows of no interface yet.
                         if (driver_ == Driver::kAccessPoint && was_somewhere && told_)
                           tell(machine::ApAttached{kAccess, access_point(*place_)});
                         else
                           tell_interfaces();
                         if (done) done(machine::Facts{});
                       });
}

void MobileNode::take(ByteView packet) {
  const auto mark = mark_of(packet);
  const auto header = wire::Ipv6Header::parse(packet);
  if (!mark || !header || mark->echo) return;
  ++context_.statistics.delivered;
  context_.trace.packet(name(), "delivers", packet);
  context_.tell([&](Promise& promise) { promise.delivered(*this, *mark); });
  if (mark->number % kEchoes != 0) return;
  host().send(datagram(header->destination, header->source, {mark->stream, mark->number, true}));
}

}  // namespace sendoff::sim
