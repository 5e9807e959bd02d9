#include "sim/host.h"

#include <utility>

#include "wire/ipv6.h"

namespace sendoff::sim {

namespace {

constexpr std::size_t kHopLimitAt = 7;

Ipv6Address source_of(ByteView packet) { return Ipv6Address::from(packet.subspan(8, 16)); }
Ipv6Address destination_of(ByteView packet) { return Ipv6Address::from(packet.subspan(24, 16)); }

const LinkAddress& net_side() {
  static const LinkAddress address = link_address(0xfe, 1);
  return address;
}

}  // namespace

Host::Host(Context& context, std::string name, const LinkAddress& link_address,
           const Plane::Limits& limits, Hooks hooks)
    : context_(context),
      name_(std::move(name)),
      link_address_(link_address),
      hooks_(std::move(hooks)),
      plane_(limits, {[this](Bytes packet) { route(std::move(packet)); },
                      [this](Bytes packet) {
                        const Ipv6Address to = destination_of(packet);
                        send_on_link(to, share(std::move(packet)));
                      },
                      [this](Bytes packet) {
                        if (owns(destination_of(packet)))
                          take(packet, net_side());
                        else if (is_router())
                          forward(std::move(packet), false);
                      }}),
      neighbours_(context.queue,
                  {[this](const LinkAddress& to, const Packet& packet) { put(to, packet); },
                   [this](const Ipv6Address& target, const std::optional<LinkAddress>& known) {
                     solicit(target, known);
                   },
                   [this](const Ipv6Address& address, const std::optional<LinkAddress>& now_at) {
                     tell(machine::NeighbourChanged{kAccess, address, now_at, now_at.has_value()});
                   }}) {}

void Host::tell(machine::HostEvent event) {
  context_.queue.after(Duration{}, [this, event = std::move(event)] { hooks_.event(event); });
}

void Host::plug(Link& link) {
  link_ = &link;
  link.enter(*this);
}

void Host::unplug() {
  if (link_ == nullptr) return;
  link_->leave(*this);
  link_ = nullptr;
  carrier_lost();
}

void Host::carrier_lost() { neighbours_.flush(); }

bool Host::owns(const Ipv6Address& address) const {
  const auto found = addresses_.find(address);
  return found != addresses_.end() && found->second.state != State::kTentative;
}

bool Host::member_of(const Ipv6Address& group) const {
  if (group == kAllNodes || (group == kAllRouters && is_router())) return true;
  const auto joined = groups_.find(group);
  return joined != groups_.end() && joined->second > 0;
}

void Host::put(const LinkAddress& destination, const Packet& packet) {
  if (link_ == nullptr) return;
  context_.trace.packet(name_, "sends", *packet);
  link_->send(*this, {link_address_, destination, packet});
}

// --- in

void Host::receive(const Frame& frame) {
  const ByteView packet = *frame.packet;
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header) return;
  if (header->destination.is_multicast() && !member_of(header->destination)) return;
  context_.trace.packet(name_, "hears", packet, frame.source);
  discover(frame);
  if (header->destination.is_multicast() || owns(header->destination) ||
      addresses_.contains(header->destination) || header->destination.is_link_local())
    return take(packet, frame.source);
  if (is_router())
    forward(*frame.packet, true);
  else if (header->next_header == wire::kProtocolIcmpv6)
    take(packet, frame.source);  // a packet socket asks for no address of ours
}

void Host::receive_from_net(const Packet& packet) {
  context_.trace.packet(name_, "hears", *packet, net_side());
  if (owns(destination_of(*packet))) return take(*packet, net_side());
  forward(*packet, false);
}

// What the daemon's sockets and the host's programs get.
void Host::take(ByteView octets, const LinkAddress& frame_source) {
  const auto header = wire::Ipv6Header::parse(octets);
  if (!header) return;
  if (header->next_header == wire::kProtocolIpv6) {
    if (owns(header->destination)) plane_.decapsulate(hooks_.now().boot, octets);
    wake_plane();
    return;
  }
  if (header->next_header == wire::kProtocolUdp) {
    if (owns(header->destination)) hooks_.datagram(octets);
    return;
  }
  machine::Received received;
  received.interface = kAccess;
  received.frame_source = frame_source;
  received.packet = octets;
  hooks_.packet(received);
}

// --- out

// Link-local, or under the prefix of an address.
bool Host::on_link(const Ipv6Address& address) const {
  return address.is_link_local() || std::ranges::any_of(addresses_, [&](const auto& entry) {
           return Prefix(entry.first, entry.second.prefix_length).contains(address);
         });
}

const Host::Route* Host::route_to(const Ipv6Address& destination) const {
  const Route* best = nullptr;
  for (const Route& route : routes_)
    if (route.destination.contains(destination) &&
        (best == nullptr || route.destination.length() > best->destination.length()))
      best = &route;
  return best;
}

void Host::send_on_link(const Ipv6Address& next_hop, const Packet& packet) {
  if (link_ != nullptr && link_->up()) neighbours_.send_to(next_hop, packet);
}

// RFC 4291 2.5.6 and, as access networks do, nothing from a link but from its own addresses.
void Host::forward(Bytes packet, bool from_link) {
  if (packet[kHopLimitAt] <= 1) return;
  const Ipv6Address source = source_of(packet);
  const Ipv6Address destination = destination_of(packet);
  if (datapath::is_on_link_only(source) || datapath::is_on_link_only(destination) ||
      source.is_unspecified())
    return;
  const Route* back = route_to(source);
  const bool local = on_link(source) || (back != nullptr && !back->gateway);
  if (from_link && !local && !plane_.attached(source)) return;
  --packet[kHopLimitAt];
  if (plane_.take(hooks_.now().boot, packet)) return wake_plane();
  route(std::move(packet));
}

void Host::route(Bytes packet) {
  const Ipv6Address destination = destination_of(packet);
  if (owns(destination)) {
    const Packet kept = share(std::move(packet));
    context_.queue.after(Duration{}, [this, kept] { take(*kept, link_address_); });
    return;
  }
  const Route* way = route_to(destination);
  if (way != nullptr && way->destination.length() > 0 && !way->gateway)
    return send_on_link(destination, share(std::move(packet)));
  if (on_link(destination)) return send_on_link(destination, share(std::move(packet)));
  if (way != nullptr)
    return send_on_link(way->gateway.value_or(destination), share(std::move(packet)));
  if (!is_router()) return;
  const Packet sent = share(std::move(packet));
  context_.trace.packet(name_, "sends", *sent);
  hooks_.uplink(sent);
}

void Host::send(Bytes packet) {
  if (plane_.take(hooks_.now().boot, packet)) return wake_plane();
  route(std::move(packet));
}

void Host::transmit(const machine::Transmit& action) {
  const auto header = wire::Ipv6Header::parse(action.packet);
  if (!header) return;
  if (action.link_destination) return put(*action.link_destination, share(action.packet));
  if (header->destination.is_multicast())
    return put(link_address_of_group(header->destination), share(action.packet));
  if (action.routed) return send(action.packet);
  // Bound to the interface: routes into the data path do not see it.
  const Route* way = route_to(header->destination);
  const std::optional<Ipv6Address> gateway = way != nullptr ? way->gateway : std::nullopt;
  if (way == nullptr && !on_link(header->destination)) return;
  send_on_link(gateway.value_or(header->destination), share(action.packet));
}

void Host::wake_plane() {
  const WorldTime due = hooks_.when(plane_.next_due());
  if (due >= plane_wakes_) return;
  plane_wakes_ = due;
  context_.queue.at(due, [this, due] {
    if (plane_wakes_ != due) return;
    plane_wakes_ = kNoTime;
    plane_.drain(hooks_.now().boot);
    wake_plane();
  });
}

// --- actions

void Host::carry_out(const machine::AddAddress& action, Done done) {
  const auto [entry, fresh] = addresses_.try_emplace(action.address);
  Address& address = entry->second;
  address.prefix_length = action.prefix_length;
  if (fresh) {
    ++groups_[action.address.solicited_node()];
    address.state = action.dad == machine::DadMode::kNone         ? State::kReady
                    : action.dad == machine::DadMode::kOptimistic ? State::kOptimistic
                                                                  : State::kTentative;
    if (action.dad != machine::DadMode::kNone) detect(action.address);
  }
  if (address.state == State::kTentative) return address.waiting.push_back(std::move(done));
  done(machine::Facts{});
}

Host::Answer Host::carry_out(const machine::RemoveAddress& action) {
  const auto found = addresses_.find(action.address);
  if (found == addresses_.end()) return fail(machine::ActionError::kRefused);
  auto waiting = std::move(found->second.waiting);
  --groups_[action.address.solicited_node()];
  addresses_.erase(found);
  for (Done& done : waiting) done(fail(machine::ActionError::kGone));
  return machine::Facts{};
}

// As NLM_F_REPLACE has it: one route a destination.
Host::Answer Host::carry_out(const machine::SetRoute& action) {
  const auto found = std::ranges::find(routes_, action.destination, &Route::destination);
  if (action.present) {
    if (found != routes_.end())
      found->gateway = action.gateway;
    else
      routes_.push_back({action.destination, action.gateway});
  } else if (found != routes_.end() && found->gateway == action.gateway) {
    routes_.erase(found);
  }
  return machine::Facts{};
}

Host::Answer Host::carry_out(const machine::SetNeighbour& action) {
  if (action.link_address)
    neighbours_.set(action.address, *action.link_address);
  else
    neighbours_.remove(action.address);
  return machine::Facts{};
}

Host::Answer Host::carry_out(const machine::SetProxy& action) {
  if (action.present && proxies_.insert(action.address).second)
    ++groups_[action.address.solicited_node()];
  if (!action.present && proxies_.erase(action.address) > 0)
    --groups_[action.address.solicited_node()];
  return machine::Facts{};
}

Host::Answer Host::carry_out(const machine::JoinGroup& action) {
  groups_[action.group] += action.member ? 1 : -1;
  return machine::Facts{};
}

std::vector<Ipv6Address> Host::host_routes() const {
  std::vector<Ipv6Address> nodes;
  for (const Route& route : routes_)
    if (route.destination.length() == 128) nodes.push_back(route.destination.address());
  return nodes;
}

void Host::withdraw() {
  addresses_.clear();
  proxies_.clear();
  groups_.clear();
  routes_.clear();
  neighbours_.flush();
  plane_.clear();
}

}  // namespace sendoff::sim
