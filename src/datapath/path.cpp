#include "datapath/path.h"

#include <linux/icmpv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "net/clock.h"
#include "wire/ipv6.h"

namespace sendoff::datapath {

namespace {

using machine::ActionError;
using machine::Facts;

constexpr Duration kSettling = milliseconds(10);
// Routes come in swarms, and re-reading many ways must not keep the loop from its work.
constexpr Duration kRouteQuiet = milliseconds(50);
constexpr std::size_t kRefreshAtOnce = 256;
constexpr int kSendAtOnce = 64;
// A node that did not hear of the end of its tunnel goes on for no longer than it was granted.
constexpr Duration kEndedIsKnown = seconds(60);
constexpr std::uint32_t kUsualMtu = 1500;

// Errors about what we sent, which no protocol of the kernel's takes.
Attempt<net::FileDescriptor> open_error_socket() {
  net::FileDescriptor fd(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  if (!fd.ok()) return fail(net::last_error("open raw ICMPv6 socket"));
  icmp6_filter only{};
  std::ranges::fill(only.data, ~std::uint32_t{0});
  only.data[ICMPV6_PKT_TOOBIG >> 5] &= ~(std::uint32_t{1} << (ICMPV6_PKT_TOOBIG & 31));
  if (setsockopt(fd.get(), IPPROTO_ICMPV6, ICMPV6_FILTER, &only, sizeof only) < 0)
    return fail(net::last_error("filter raw ICMPv6 socket"));
  return fd;
}

Prefix host_prefix(const Ipv6Address& address) { return {address, 128}; }

}  // namespace

std::uint32_t TunnelEnd::inner_mtu() const {
  std::uint32_t outer = way.mtu == 0 ? kUsualMtu : way.mtu;
  if (path_mtu != 0) outer = std::min(outer, path_mtu);
  // Below, outer packets would have to be fragmented, which nothing here does (RFC 2473 7.1).
  return std::max(outer, kMinimumMtu + kOuterSize) - kOuterSize;
}

Attempt<Path::Parts> Path::open_parts(const Config& config) {
  auto kernel = Kernel::open(config.runtime_directory);
  if (!kernel) return fail(kernel.error());
  auto sender = net::RoutedSender::open();
  if (!sender) return fail(sender.error());
  auto errors = open_error_socket();
  if (!errors) return fail(errors.error());
  return Parts{std::move(*kernel), std::move(*sender), std::move(*errors)};
}

Path::Path(net::EventLoop& loop, const Config& config, Parts parts)
    : loop_(loop),
      config_(config),
      kernel_(std::move(parts.kernel)),
      sender_(std::move(parts.sender)),
      held_(config.buffers),
      errors_(std::move(parts.errors)),
      drain_timer_(loop, [this] { drain(); }),
      refresh_timer_(loop, [this] { refresh_some(); }),
      ended_timer_(loop, [this] { forget_ended(); }) {}

void Path::start(Warning warning) {
  warning_ = std::move(warning);
  using enum net::EventLoop::Interest;
  kernel_watch_ = loop_.watch(kernel_->event_fd(), kReadable, [this] {
    kernel_->read_events({[this] {
                            if (!stale_.empty()) return;
                            for (const Table* table : {&bindings_, &attached_})
                              for (const auto& [pcoa, end] : *table) stale_.push_back(pcoa);
                            if (!stale_.empty())
                              refresh_timer_.at(net::read_clocks().boot + kRouteQuiet);
                          },
                          [this](const Device& device) { device_appeared(device); }});
  });
  errors_watch_ = loop_.watch(errors_.get(), kReadable, [this] { hear_too_big(); });
  serve();
}

void Path::counters(const CounterVisitor& visit) const {
  const Counted all = counted();
  const HeldPackets::Size now = held_.size();
  visit("datapath", "bindings", bindings_.size());
  visit("datapath", "attached-tunnels", attached_.size());
  visit("datapath", "buffers", now.addresses);
  visit("datapath", "packets-in-buffers", now.packets);
  visit("datapath", "octets-in-buffers", now.octets);
  visit("datapath", "encapsulated", all.encapsulated);
  visit("datapath", "decapsulated", all.decapsulated);
  visit("datapath", "refused-by-the-reverse-check", all.refused);
  visit("datapath", "packets-failed", all.failed);
  visit("datapath", "packets-too-big", all.too_big);
  visit("datapath", "held", all.held);
  visit("datapath", "copied", all.copied);
  visit("datapath", "released", all.released);
  visit("datapath", "overflowed", all.overflowed);
  visit("datapath", "dropped", all.dropped);
}

// --- tunnels

void Path::carry_out(const machine::InstallBinding& action, net::Done done) {
  const auto installed =
      install(bindings_, action.pcoa,
              {{action.tunnel_source, action.ncoa}, index_of(action.interface), {}, 0, {}, {}});
  if (installed) return done(Facts{});
  complain(installed.error());
  done(fail(ActionError::kRefused));
}

void Path::carry_out(const machine::RemoveBinding& action, net::Done done) {
  remove(bindings_, action.pcoa);
  done(Facts{});
}

void Path::carry_out(const machine::AttachTunnel& action, net::Done done) {
  const unsigned interface = index_of(action.interface);
  if (interface == 0) return done(fail(ActionError::kGone));
  const auto installed =
      install(attached_, action.pcoa, {{action.local, action.remote}, interface, {}, 0, {}, {}});
  if (installed) return done(Facts{});
  complain(installed.error());
  done(fail(ActionError::kRefused));
}

void Path::carry_out(const machine::DetachTunnel& action, net::Done done) {
  remove(attached_, action.pcoa);
  done(Facts{});
}

Attempt<> Path::install(Table& table, const Ipv6Address& pcoa, TunnelEnd end) {
  const bool at_host = &table == &attached_ && !config_.router;
  if (!table.contains(pcoa) && table.size() >= config_.max_tunnels)
    return fail(net::SystemError{ENOSPC, "tunnel for " + pcoa.text()});
  if (auto way = kernel_->next_hop(end.tunnel.far))
    end.way = *way;
  else if (&table == &bindings_)
    // A node's own end may be told before its route is; the route's event sets it right.
    return fail(way.error());
  if (const auto old = table.find(pcoa); old != table.end()) {
    end.routes = old->second.routes;
    end.table = old->second.table;
    if (--pairs_[old->second.tunnel] == 0) pairs_.erase(old->second.tunnel);
    table.erase(old);
  }
  ++pairs_[end.tunnel];
  TunnelEnd& kept = table.emplace(pcoa, std::move(end)).first->second;
  auto done = tell_backend(table, pcoa, kept);
  if (done && &table == &attached_ && (at_host || rules_at_router()) && !kept.table) {
    kept.table = free_table();
    if (!kept.table) done = fail(net::SystemError{ENOSPC, "table for " + pcoa.text()});
    if (done) {
      tables_.emplace(*kept.table, pcoa);
      done = kernel_->add_rule(pcoa, *kept.table);
    }
  }
  if (done) done = lay_routes(table, pcoa, kept);
  if (!done) remove(table, pcoa);
  return done;
}

Attempt<> Path::tell_backend(const Table& table, const Ipv6Address& pcoa, const TunnelEnd& end) {
  return &table == &bindings_ ? put_binding(pcoa, end) : put_attached(pcoa, end);
}

std::vector<TunnelRoute> Path::routes_of(const Table& table, const Ipv6Address& pcoa,
                                         const TunnelEnd& end) const {
  std::vector<TunnelRoute> routes;
  const bool there = end.way.index != 0;
  if (&table == &bindings_) {
    routes.push_back({kMainTable, host_prefix(pcoa), divert(end)});
  } else {
    if (end.table && there) routes.push_back({*end.table, Prefix(), divert(end)});
    if (config_.router)
      routes.push_back({kMainTable, host_prefix(pcoa), {end.interface, std::nullopt, 0}});
  }
  return routes;
}

Attempt<> Path::lay_routes(const Table& table, const Ipv6Address& pcoa, TunnelEnd& end) {
  const std::vector<TunnelRoute> wanted = routes_of(table, pcoa, end);
  for (const TunnelRoute& route : wanted)
    if (auto set = kernel_->set_route(route); !set) return set;
  // A replaced route has the same table and destination.
  for (const TunnelRoute& old : end.routes) {
    const bool replaced = std::ranges::any_of(wanted, [&](const TunnelRoute& now) {
      return now.table == old.table && now.destination == old.destination;
    });
    if (!replaced) (void)kernel_->remove_route(old);
  }
  end.routes = wanted;
  return {};
}

// The route goes first: without its tunnel it would lead packets away as they are.
void Path::remove(Table& table, const Ipv6Address& pcoa) {
  const auto found = table.find(pcoa);
  if (found == table.end()) return;
  TunnelEnd& end = found->second;
  for (const TunnelRoute& route : end.routes) (void)kernel_->remove_route(route);
  if (end.table) {
    (void)kernel_->remove_rule(pcoa, *end.table);
    tables_.erase(*end.table);
  }
  if (&table == &bindings_) {
    remember_ended(end.tunnel);
    drop_binding(pcoa);
  } else {
    drop_attached(pcoa);
  }
  if (--pairs_[end.tunnel] == 0) pairs_.erase(end.tunnel);
  table.erase(found);
}

// FH-4-42: what comes by a tunnel without a binding is dropped here, not left to the kernel.
void Path::remember_ended(const Tunnel& tunnel) {
  const Instant now = net::read_clocks().boot;
  if (ended_.size() >= kMaxEnded) ended_.front().first = now;
  ended_.emplace_back(now + kEndedIsKnown, tunnel);
  ++pairs_[tunnel];
  keep_pair(tunnel);
  forget_ended();
}

void Path::forget_ended() {
  const Instant now = net::read_clocks().boot;
  for (; !ended_.empty() && ended_.front().first <= now; ended_.pop_front()) {
    const Tunnel& tunnel = ended_.front().second;
    if (--pairs_[tunnel] == 0) pairs_.erase(tunnel);
    release_pair(tunnel);
  }
  ended_timer_.at(ended_.empty() ? kNever : ended_.front().first);
}

std::optional<std::uint32_t> Path::free_table() const {
  for (std::uint32_t table = kFirstTable; table < kFirstTable + kTables; ++table)
    if (!tables_.contains(table)) return table;
  return std::nullopt;
}

void Path::refresh(Table& table, const Ipv6Address& pcoa) {
  const auto found = table.find(pcoa);
  if (found == table.end()) return;
  TunnelEnd& end = found->second;
  const auto way = kernel_->next_hop(end.tunnel.far);
  if (!way) return;  // as good as the old one, which may come back
  end.way = *way;
  auto done = tell_backend(table, pcoa, end);
  if (done) done = lay_routes(table, pcoa, end);
  if (!done) complain(done.error());
}

void Path::refresh_some() {
  for (std::size_t i = 0; i < kRefreshAtOnce && !stale_.empty(); ++i) {
    const Ipv6Address pcoa = stale_.back();
    stale_.pop_back();
    refresh(bindings_, pcoa);
    refresh(attached_, pcoa);
  }
  if (!stale_.empty()) refresh_timer_.at(net::read_clocks().boot);
}

// What a router on a tunnel's way says of outer packets; who sends inner ones learns it from the
// route's MTU (RFC 2473 7.1). Anybody can send this: it is believed only about a tunnel and the
// PCoA within it, and no further down than IPv6 goes.
void Path::hear_too_big() {
  std::array<std::uint8_t, 2048> buffer{};
  for (int i = 0; i < kSendAtOnce; ++i) {
    const ssize_t size = recv(errors_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) return;
    const auto told = parse_too_big(ByteView(buffer).first(static_cast<std::size_t>(size)));
    if (!told) continue;
    for (Table* table : {&bindings_, &attached_}) {
      const Ipv6Address& pcoa = table == &bindings_ ? told->inner_destination : told->inner_source;
      const auto found = table->find(pcoa);
      if (found == table->end() || found->second.tunnel != told->tunnel) continue;
      const std::uint32_t before = found->second.inner_mtu();
      found->second.path_mtu = std::max(told->mtu, kMinimumMtu);
      if (found->second.inner_mtu() < before) refresh(*table, pcoa);
    }
  }
}

// --- buffers

void Path::carry_out(const machine::OpenBuffer& action, net::Done done) {
  using Kind = HeldPackets::Kind;
  const Kind kind = action.copies ? Kind::kCopies : Kind::kOriginals;
  if (!held_.open(action.address, kind)) {
    if (!held_.has(action.address))
      warn("no buffer for " + action.address.text() + ": there are too many");
    return done(fail(ActionError::kRefused));
  }
  releasing_.erase(action.address);
  const auto diverted = divert_buffer(action.address, index_of(action.interface), kind);
  if (diverted) return done(Facts{});
  complain(diverted.error());
  counted_.dropped += held_.close(action.address);
  done(fail(ActionError::kRefused));
}

void Path::carry_out(const machine::ReleaseBuffer& action, net::Done done) {
  if (!held_.has(action.address)) return done(fail(ActionError::kGone));
  if (!binding(action.address))
    for (std::size_t copies = held_.drop_copies(action.address); copies > 0; --copies) {
      ++counted_.dropped;
      account(action.address);
    }
  held_.release(action.address, net::read_clocks().boot);
  releasing_.insert(action.address);
  begin_release(action.address);
  done(Facts{});
  drain();
}

void Path::carry_out(const machine::DiscardBuffer& action, net::Done done) {
  if (held_.has(action.address)) close_buffer(action.address);
  done(Facts{});
}

void Path::close_buffer(const Ipv6Address& address) {
  releasing_.erase(address);
  counted_.dropped += held_.close(address);
  end_diversion(address);
}

bool Path::take_held(const Ipv6Address& destination, ByteView packet) {
  if (!held_.takes(destination, HeldPackets::Kind::kOriginals)) return false;
  keep(destination, packet, counted_.held);
  return true;
}

bool Path::take_copy(const Ipv6Address& destination, ByteView packet) {
  if (!held_.takes(destination, HeldPackets::Kind::kCopies)) return false;
  keep(destination, packet, counted_.copied);
  return true;
}

void Path::keep(const Ipv6Address& destination, ByteView packet, std::uint64_t& counter) {
  const Instant now = net::read_clocks().boot;
  if (held_.hold(destination, now, to_bytes(packet)) != HeldPackets::Held::kHeld) {
    ++counted_.overflowed;
    return account(destination);
  }
  ++counter;
}

void Path::drain_on() {
  if (!releasing_.empty()) drain();
}

void Path::drain() {
  const Instant now = net::read_clocks().boot;
  for (int i = 0; i < kSendAtOnce; ++i) {
    const auto due = held_.take_due(now);
    if (!due) break;
    if (send_on(due->address, due->packet))
      ++counted_.released;
    else
      ++counted_.failed;
    account(due->address);
  }
  Instant next = held_.next_due();
  for (auto each = releasing_.begin(); each != releasing_.end();) {
    const Ipv6Address address = *each++;
    if (!held_.is_empty(address)) continue;
    if (is_settled(address))
      close_buffer(address);
    else
      next = std::min(next, now + kSettling);
  }
  drain_timer_.at(next);
}

// --- for the backends

const TunnelEnd* Path::binding(const Ipv6Address& pcoa) const {
  const auto found = bindings_.find(pcoa);
  return found == bindings_.end() ? nullptr : &found->second;
}

const TunnelEnd* Path::attached(const Ipv6Address& pcoa) const {
  const auto found = attached_.find(pcoa);
  return found == attached_.end() ? nullptr : &found->second;
}

void Path::tell_too_big(const TunnelEnd& end, ByteView packet) {
  ++counted_.too_big;
  if (!answers_.take(net::read_clocks().boot)) return;
  const auto answer = packet_too_big(end.tunnel.near, packet, end.inner_mtu());
  const auto header = answer ? wire::Ipv6Header::parse(*answer) : wire::Parsed<wire::Ipv6Header>{};
  if (answer && header) (void)sender_.send(0, header->destination, *answer);
}

void Path::warn(const std::string& text) {
  if (warning_ && warnings_.take(net::read_clocks().boot)) warning_(text);
}

void Path::complain(const net::SystemError& error) { warn("data path: " + error.text()); }

unsigned Path::index_of(InterfaceId interface) const {
  for (const net::HostConfig::Interface& each : config_.interfaces)
    if (each.id == interface) return if_nametoindex(each.name.c_str());
  return 0;
}

}  // namespace sendoff::datapath
