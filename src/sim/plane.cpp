#include "sim/plane.h"

#include "wire/ipv6.h"

namespace sendoff::sim {

namespace {

using Kind = datapath::HeldPackets::Kind;

constexpr std::size_t kInnerMtu = 1500 - datapath::kOuterSize;

}  // namespace

bool Plane::carry_out(const machine::InstallBinding& action) {
  if (!bindings_.contains(action.pcoa) && bindings_.size() >= limits_.tunnels) return false;
  bindings_.insert_or_assign(action.pcoa, datapath::Tunnel{action.tunnel_source, action.ncoa});
  return true;
}

bool Plane::carry_out(const machine::AttachTunnel& action) {
  if (!attached_.contains(action.pcoa) && attached_.size() >= limits_.tunnels) return false;
  attached_.insert_or_assign(action.pcoa, datapath::Tunnel{action.local, action.remote});
  return true;
}

bool Plane::carry_out(const machine::OpenBuffer& action) {
  if (!held_.open(action.address, action.copies ? Kind::kCopies : Kind::kOriginals)) return false;
  releasing_.erase(action.address);
  return true;
}

bool Plane::carry_out(const machine::ReleaseBuffer& action, Instant now) {
  if (!held_.has(action.address)) return false;
  if (!bindings_.contains(action.address)) held_.drop_copies(action.address);
  held_.release(action.address, now);
  releasing_.insert(action.address);
  drain(now);
  return true;
}

void Plane::carry_out(const machine::DiscardBuffer& action) { close(action.address); }

void Plane::close(const Ipv6Address& address) {
  releasing_.erase(address);
  held_.close(address);
}

// True: it goes no further. What is copied does.
bool Plane::hold(Instant now, const Ipv6Address& destination, const Bytes& packet) {
  const bool taken = held_.takes(destination, Kind::kOriginals);
  if (taken || held_.takes(destination, Kind::kCopies)) (void)held_.hold(destination, now, packet);
  return taken;
}

bool Plane::take(Instant now, const Bytes& packet) {
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header) return false;
  if (hold(now, header->destination, packet)) return true;
  if (const auto found = bindings_.find(header->destination); found != bindings_.end()) {
    // The router's own signalling goes to where the node was, as it is.
    if (header->source == found->second.near && datapath::is_signalling(packet))
      hooks_.send_on_link(packet);
    else
      send_into(found->second, packet);
    return true;
  }
  if (const auto found = attached_.find(header->source);
      found != attached_.end() && !datapath::is_signalling(packet)) {
    send_into(found->second, packet);
    return true;
  }
  return false;
}

void Plane::send_into(const datapath::Tunnel& tunnel, ByteView packet) {
  if (packet.size() > kInnerMtu) return;
  Bytes outer = datapath::encapsulate(tunnel, packet);
  if (!outer.empty()) hooks_.route(std::move(outer));
}

void Plane::decapsulate(Instant now, ByteView packet) {
  const auto outer = wire::Ipv6Header::parse(packet);
  if (!outer) return;
  const ByteView inner = packet.subspan(wire::Ipv6Header::kSize);
  const auto header = wire::Ipv6Header::parse(inner);
  if (!header) return;
  const datapath::Tunnel tunnel{outer->destination, outer->source};
  auto end = bindings_.find(header->source);
  bool known = end != bindings_.end() && end->second == tunnel &&
               !datapath::is_on_link_only(header->destination);
  if (!known) {
    end = attached_.find(header->destination);
    known = end != attached_.end() && end->second == tunnel &&
            !datapath::is_on_link_only(header->source);
  }
  if (!known) return;
  auto opened = datapath::decapsulate(outer->traffic_class, inner);
  if (!opened) return;
  if (!hold(now, header->destination, *opened)) hooks_.accept(std::move(*opened));
}

void Plane::clear() {
  bindings_.clear();
  attached_.clear();
  releasing_.clear();
  held_ = datapath::HeldPackets(limits_.buffers);
}

Instant Plane::next_due() const { return held_.next_due(); }

void Plane::drain(Instant now) {
  while (auto due = held_.take_due(now)) {
    if (const auto found = bindings_.find(due->address); found != bindings_.end())
      send_into(found->second, due->packet);
    else
      hooks_.send_on_link(std::move(due->packet));
  }
  for (auto each = releasing_.begin(); each != releasing_.end();) {
    const Ipv6Address address = *each++;
    if (held_.is_empty(address)) close(address);
  }
}

}  // namespace sendoff::sim
