#include "net/linux_host.h"

#include <cerrno>

#include "net/linux_host_state.h"
#include "wire/ipv6.h"

namespace sendoff::net {

namespace {

constexpr std::string_view kNeighbourLine = "neighbour ";
constexpr std::string_view kProxyLine = "proxy ";

PacketSelection mobility_headers(const HostConfig& config,
                                 const std::vector<Ipv6Address>& destinations,
                                 const std::vector<Ipv6Address>& policed) {
  PacketSelection selection = net::mobility_headers(destinations, config.other_mobility_types);
  selection.policed = policed;
  selection.destination_options = config.router && config.home_addresses;
  return selection;
}

}  // namespace

LinuxHost::State::State(EventLoop& event_loop, const HostConfig& host_config,
                        std::unique_ptr<Netlink> open_netlink, UndoJournal open_journal)
    : loop(event_loop),
      config(host_config),
      netlink(std::move(open_netlink)),
      journal(std::move(open_journal)),
      addresses(*netlink,
                {[this](unsigned index, const Ipv6Address& address, AddressBook::What what) {
                   if (const HostInterface* interface = by_index(index))
                     tell(machine::AddressChanged{interface->id, address, what});
                 },
                 [this](const SystemError& error) { warn(error.text()); }}) {
  for (const HostConfig::Interface& each : config.interfaces)
    interfaces.push_back({each.id, each.name, 0, {}, true, {}, {}, {}, {}});
}

LinuxHost::State::~State() {
  started = false;
  // Nobody judges what the kernel says from now on.
  guarded_watches.clear();
  nd_queue.reset();
  for (HostInterface& interface : interfaces)
    if (interface.index != 0) withdraw(interface.index);
  admit_all_sources();
  undo_left_over(journal.lines());
  journal.clear();
}

Attempt<> LinuxHost::State::open() {
  undo_left_over(journal.left_over());
  journal.clear();
  admit_all_sources();
  const auto links = netlink->links();
  if (!links) return fail(links.error());
  if (config.router)
    for (const Setting& setting : router_settings()) apply_or_warn(setting);
  if (config.guard) {
    std::vector<std::string> names;
    for (const HostInterface& interface : interfaces) names.push_back(interface.name);
    auto opened = NdQueue::open(names, *config.guard);
    if (!opened) return fail(opened.error());
    nd_queue.emplace(std::move(*opened));
  }
  for (HostInterface& interface : interfaces) {
    const auto link = std::ranges::find(*links, interface.name, &LinkInfo::name);
    if (link == links->end()) return fail(SystemError{ENODEV, "interface " + interface.name});
    if (link->mtu < config.least_mtu)
      return fail(SystemError{0, "interface " + interface.name + " has an MTU of " +
                                     std::to_string(link->mtu) +
                                     ", and a certificate needs packets of " +
                                     std::to_string(config.least_mtu) + " octets"});
    withdraw(link->index);
    if (auto attached = attach(interface, *link); !attached) return attached;
  }
  // What a killed run left is taken back, and its end must not pass for that of the same addresses
  // when they are added anew.
  netlink->read_events({[](const LinkInfo&, bool) {}, [](const AddressInfo&, bool) {},
                        [](const NeighbourInfo&, bool) {}, [](const ForwardingInfo&) {}, [] {}});
  if (config.guard_icmp) {
    if (auto opened =
            IcmpGuard::open({config.router && config.home_addresses, config.other_mobility_types}))
      guard.emplace(std::move(*opened));
    else
      shortcomings.push_back(opened.error().text());
  }
  auto all_interfaces = PacketSocket::open(0, mobility_headers(config, {}, {}));
  if (!all_interfaces) return fail(all_interfaces.error());
  mobility.emplace(std::move(*all_interfaces));
  auto routed = RoutedSender::open();
  if (!routed) return fail(routed.error());
  sender.emplace(std::move(*routed));
  return {};
}

void LinuxHost::State::start() {
  started = true;
  for (HostInterface& interface : interfaces) {
    if (interface.index == 0) continue;
    if (interface.link.up)
      tell(machine::InterfaceUp{interface.id, interface.link.address, interface.link.mtu});
    watch(interface);
  }
  netlink_watch =
      loop.watch(netlink->event_fd(), EventLoop::Interest::kReadable, [this] { read_netlink(); });
  mobility_watch =
      loop.watch(mobility->fd(), EventLoop::Interest::kReadable, [this] { receive_mobility(); });
  if (nd_queue) {
    for (const NdQueue::Line line : NdQueue::kLines)
      guarded_watches.push_back(loop.watch(nd_queue->queue(line).fd(),
                                           EventLoop::Interest::kReadable,
                                           [this, line] { receive_guarded(line); }));
  }
  if (esp) watch_esp();
  if (ipsec) {
    for (const KernelIpsec::Verdict& verdict : ipsec->verdicts()) tell_protection(verdict);
    watch_ipsec();
  }
  clock_watch.emplace(loop, [this](Duration by) { tell(machine::ClockStepped{by}); });
  resynchronise();
}

// Backwards: a setting may have been changed by a later one.
void LinuxHost::State::undo_left_over(const std::vector<std::string>& lines) {
  const auto links = netlink->links();
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (undo_setting(*line) || undo_policy(*line) || !links) continue;
    const std::size_t kind_end = line->find(' ') + 1;
    const std::size_t name_end = line->find(' ', kind_end);
    if (kind_end == 0 || name_end == std::string::npos) continue;
    const auto link =
        std::ranges::find(*links, line->substr(kind_end, name_end - kind_end), &LinkInfo::name);
    const auto address = Ipv6Address::parse(line->substr(name_end + 1));
    if (link == links->end() || !address) continue;
    if (line->starts_with(kProxyLine)) (void)netlink->remove_proxy(link->index, *address);
    if (line->starts_with(kNeighbourLine)) (void)netlink->remove_neighbour(link->index, *address);
  }
}

// RFC 5568 6.4.6: an address that is taken off is no source any more, but a socket that is bound to
// it does not know, nor does what waits for a neighbour's answer (of all addresses, for the kernel
// does not tell whose it is). Of routers' addresses nobody takes leave in such haste.
void LinuxHost::State::refuse_source(unsigned index, const Ipv6Address& address) {
  constexpr std::size_t kMaxRefused = 64;
  if (config.router) return;
  if (std::ranges::find(refused, address) == refused.end()) {
    if (refused.size() >= kMaxRefused) admit_source(refused.front());
    if (const auto set = netlink->refuse_source(address); !set) return warn(set.error().text());
    refused.push_back(address);
  }
  if (const auto dropped = netlink->drop_waiting(index); !dropped) warn(dropped.error().text());
}

void LinuxHost::State::admit_source(const Ipv6Address& address) {
  const Ipv6Address admitted = address;  // it may be one of those
  if (std::erase(refused, admitted) == 0) return;
  if (const auto gone = netlink->admit_source(admitted); !gone) warn(gone.error().text());
}

void LinuxHost::State::admit_all_sources() {
  const auto all = netlink->refused_sources();
  if (!all) return;
  for (const Ipv6Address& address : *all) (void)netlink->admit_source(address);
  refused.clear();
}

// Takes back addresses and routes of ours, this run's and an earlier one's.
void LinuxHost::State::withdraw(unsigned index) {
  addresses.withdraw(index);
  const auto routes = netlink->our_routes();
  if (!routes) return;
  for (const RouteInfo& route : *routes)
    if (route.index == index) (void)netlink->remove_route(route);
}

Attempt<> LinuxHost::State::attach(HostInterface& interface, const LinkInfo& link) {
  if (config.own_discovery)
    for (const Setting& setting : interface_settings(interface.name, config.router))
      apply_or_warn(setting);
  if (config.guard) {
    for (const Setting& setting : guard_settings(interface.name)) apply_or_warn(setting);
    remove_kernels_addresses(link);
    forget_neighbours(link);
  }
  auto packets = PacketSocket::open(
      link.index, config.own_discovery ? neighbour_discovery() : path_questions());
  if (!packets) return fail(packets.error());
  for (const Ipv6Address& group : {kAllNodes, kAllRouters}) {
    if (group == kAllRouters && !config.router) continue;
    if (auto listening = packets->listen_to(group); !listening) return listening;
  }
  auto advertisements = AdvertisementSocket::open(link.index, interface.name);
  if (!advertisements) return fail(advertisements.error());
  interface.index = link.index;
  interface.link = link;
  interface.packets.emplace(std::move(*packets));
  interface.advertisements.emplace(std::move(*advertisements));
  return {};
}

void LinuxHost::State::detach(HostInterface& interface) {
  interface.packet_watch = {};
  interface.advertisement_watch = {};
  interface.packets.reset();
  interface.advertisements.reset();
  interface.index = 0;
}

void LinuxHost::State::watch(HostInterface& interface) {
  interface.packet_watch = loop.watch(interface.packets->fd(), EventLoop::Interest::kReadable,
                                      [this, &interface] { receive(interface); });
  interface.advertisement_watch =
      loop.watch(interface.advertisements->fd(), EventLoop::Interest::kReadable,
                 [this, &interface] { receive_advertisements(interface); });
}

void LinuxHost::State::apply_or_warn(const Setting& setting) {
  const auto applied = apply(setting, journal);
  if (!applied) shortcomings.push_back(applied.error().text());
}

void LinuxHost::State::refresh_destinations() {
  std::vector<Ipv6Address> all = addresses.all();
  if (all == destinations) return;
  destinations = std::move(all);
  select_mobility();
}

void LinuxHost::State::select_mobility() {
  const auto selected = mobility->select(mobility_headers(config, destinations, policed_sources));
  if (!selected) warn(selected.error().text());
}

void LinuxHost::State::read_netlink() {
  bool lost = false;
  netlink->read_events(
      {[this](const LinkInfo& link, bool gone) { observe_link(link, gone); },
       [this](const AddressInfo& address, bool gone) { addresses.observe(address, gone); },
       [this](const NeighbourInfo& neighbour, bool gone) { observe_neighbour(neighbour, gone); },
       [this](const ForwardingInfo& change) {
         if (HostInterface* interface = by_index(change.index))
           observe_forwarding(*interface, change.forwarding);
       },
       [&lost] { lost = true; }});
  if (lost) {
    ++counted.netlink_overruns;
    resynchronise();
  }
  refresh_destinations();
}

void LinuxHost::State::resynchronise() {
  if (const auto links = netlink->links()) {
    for (HostInterface& interface : interfaces) {
      const bool there =
          std::ranges::find(*links, interface.index, &LinkInfo::index) != links->end();
      if (interface.index != 0 && !there) observe_link(LinkInfo(interface.link), true);
    }
    for (const LinkInfo& link : *links) observe_link(link, false);
  }
  for (HostInterface& interface : interfaces)
    if (interface.index != 0) read_forwarding(interface);
  if (const auto all = netlink->addresses()) addresses.observe_all(*all);
  refresh_destinations();
}

void LinuxHost::State::observe_link(const LinkInfo& link, bool gone) {
  const auto found = std::ranges::find(interfaces, link.name, &HostInterface::name);
  HostInterface* interface = by_index(link.index);
  if (!interface && !gone && found != interfaces.end() && found->index == 0) {
    if (const auto attached = attach(*found, link); !attached) return warn(attached.error().text());
    watch(*found);
    if (link.up) tell(machine::InterfaceUp{found->id, link.address, link.mtu});
    read_forwarding(*found);
    return;
  }
  if (!interface) return;
  const LinkInfo before = interface->link;
  interface->link = link;
  if (gone) {
    detach(*interface);
    if (before.up) tell(machine::InterfaceDown{interface->id});
    return;
  }
  const bool renumbered = before.up && link.up && before.address != link.address;
  if (before.up && (!link.up || renumbered)) tell(machine::InterfaceDown{interface->id});
  if (link.up && (!before.up || renumbered))
    tell(machine::InterfaceUp{interface->id, link.address, link.mtu});
  else if (link.up && link.mtu != before.mtu)
    tell(machine::MtuChanged{interface->id, link.mtu});
}

void LinuxHost::State::read_forwarding(HostInterface& interface) {
  if (const auto forwarding = forwards(interface.name)) observe_forwarding(interface, *forwarding);
}

void LinuxHost::State::observe_forwarding(HostInterface& interface, bool forwarding) {
  if (interface.forwarding == forwarding) return;
  interface.forwarding = forwarding;
  tell(machine::ForwardingChanged{interface.id, forwarding});
}

void LinuxHost::State::observe_neighbour(const NeighbourInfo& neighbour, bool gone) {
  const HostInterface* interface = by_index(neighbour.index);
  if (!interface || neighbour.proxy || neighbour.address.is_multicast()) return;
  machine::NeighbourChanged event{interface->id, neighbour.address, std::nullopt, false};
  if (!gone) {
    event.link_address = neighbour.link_address;
    event.reachable = neighbour.reachable;
  }
  tell(event);
}

void LinuxHost::State::receive(HostInterface& interface) {
  interface.packets->receive(kPacketsAtOnce, [&](const PacketSocket::Frame& frame) {
    ++counted.received;
    machine::Received received;
    received.interface = interface.id;
    received.frame_source = frame.source;
    received.packet = frame.packet;
    sink.packet(received);
  });
}

void LinuxHost::State::receive_advertisements(HostInterface& interface) {
  const auto deliver = [&](const AdvertisementSocket::Message& message) {
    ++counted.received;
    machine::Received received;
    received.interface = interface.id;
    received.packet = message.packet;
    received.arrived_as_fragment = message.fragmented;
    sink.packet(received);
  };
  interface.advertisements->receive(kPacketsAtOnce, deliver);
}

// One of an interface that is not ours, or not any more, waits for nobody.
void LinuxHost::State::receive_guarded(NdQueue::Line line) {
  using Origin = machine::Received::Origin;
  PacketQueue& queue = nd_queue->queue(line);
  queue.receive(kPacketsAtOnce, [&](const PacketQueue::Packet& packet) {
    ++counted.guarded;
    const HostInterface* interface = by_index(packet.index);
    if (!interface) return queue.drop(packet.id);
    machine::Received received;
    received.interface = interface->id;
    received.origin = line == NdQueue::Line::kOutgoing ? Origin::kHost : Origin::kWire;
    received.frame_source = packet.source;
    received.packet = packet.octets;
    received.hold = hold_of(line, packet.id);
    received.proven = line == NdQueue::Line::kProven;
    sink.packet(received);
  });
}

// They come back with the settings that made them.
void LinuxHost::State::remove_kernels_addresses(const LinkInfo& link) {
  const auto all = netlink->addresses();
  if (!all) return warn(all.error().text());
  for (const AddressInfo& info : *all) {
    if (info.index != link.index || !info.by_kernel) continue;
    const auto removed = netlink->remove_address(info.index, info.address, info.prefix_length);
    if (!removed) warn(removed.error().text());
  }
}

// What the kernel learnt while nobody verified it.
void LinuxHost::State::forget_neighbours(const LinkInfo& link) {
  const auto all = netlink->neighbours(link.index);
  if (!all) return warn(all.error().text());
  for (const NeighbourInfo& known : *all) {
    if (known.permanent || known.proxy || known.address.is_multicast()) continue;
    const auto removed = netlink->remove_neighbour(link.index, known.address);
    if (!removed) warn(removed.error().text());
  }
}

void LinuxHost::State::receive_mobility() {
  mobility->receive(kPacketsAtOnce, [&](const PacketSocket::Frame& frame) {
    machine::Received received;
    received.frame_source = frame.source;
    received.packet = frame.packet;
    deliver(frame.index, received);
  });
}

Attempt<> LinuxHost::State::select_esp(const EspSelection& selection) {
  if (selection.empty()) {
    esp_watch = {};
    esp.reset();
    return {};
  }
  if (esp) return esp->select(selection);
  auto opened = EspSocket::open(selection);
  if (!opened) return fail(opened.error());
  esp.emplace(std::move(*opened));
  if (started) watch_esp();
  return {};
}

void LinuxHost::State::watch_esp() {
  esp_watch = loop.watch(esp->fd(), EventLoop::Interest::kReadable, [this] { receive_esp(); });
}

void LinuxHost::State::receive_esp() {
  esp->receive(kPacketsAtOnce, [&](const EspSocket::Message& message) {
    machine::Received received;
    received.packet = message.packet;
    received.arrived_as_fragment = message.fragmented;
    deliver(message.index, received);
  });
}

// What comes in for an address of ours, by whatever interface.
void LinuxHost::State::deliver(unsigned index, machine::Received received) {
  const auto header = wire::Ipv6Header::parse(received.packet);
  if (!header) return;
  const auto owner = addresses.owner(header->destination);
  const HostInterface* interface = by_index(index);
  if (!interface && owner) interface = by_index(*owner);
  if (!interface || !owner) {
    ++counted.not_ours;
    return;
  }
  ++counted.received;
  received.interface = interface->id;
  sink.packet(received);
}

HostInterface* LinuxHost::State::by_id(InterfaceId id) {
  const auto found = std::ranges::find(interfaces, id, &HostInterface::id);
  return found == interfaces.end() ? nullptr : &*found;
}

HostInterface* LinuxHost::State::by_index(unsigned index) {
  if (index == 0) return nullptr;
  const auto found = std::ranges::find(interfaces, index, &HostInterface::index);
  return found == interfaces.end() ? nullptr : &*found;
}

void LinuxHost::State::tell(const machine::HostEvent& event) const {
  if (started && sink.event) sink.event(event);
}

void LinuxHost::State::warn(const std::string& text) {
  if (started && sink.warning && warnings.take(read_clocks().boot)) sink.warning(text);
}

Attempt<std::unique_ptr<LinuxHost>> LinuxHost::open(EventLoop& loop, const HostConfig& config) {
  auto netlink = Netlink::open();
  if (!netlink) return fail(netlink.error());
  auto journal = UndoJournal::open(config.runtime_directory);
  if (!journal) return fail(journal.error());
  auto state = std::make_shared<State>(loop, config, std::move(*netlink), std::move(*journal));
  if (const auto opened = state->open(); !opened) return fail(opened.error());
  return std::unique_ptr<LinuxHost>(new LinuxHost(std::move(state)));
}

LinuxHost::LinuxHost(std::shared_ptr<State> state) : state_(std::move(state)) {}
LinuxHost::~LinuxHost() { state_->started = false; }

void LinuxHost::start(Sink sink) {
  state_->sink = std::move(sink);
  // Events are never told from within a call into the host.
  state_->loop.post([weak = std::weak_ptr(state_)] {
    if (const auto state = weak.lock()) state->start();
  });
}

Attempt<> LinuxHost::receive_esp(const EspSelection& selection) {
  return state_->select_esp(selection);
}

const std::vector<std::string>& LinuxHost::shortcomings() const { return state_->shortcomings; }

void LinuxHost::counters(const CounterVisitor& visit) const {
  const State::Counted& counted = state_->counted;
  std::uint64_t dropped = state_->mobility->dropped();
  for (const HostInterface& interface : state_->interfaces)
    if (interface.packets) dropped += interface.packets->dropped();
  visit("host", "packets-received", counted.received);
  visit("host", "packets-lost-by-the-kernel", dropped);
  visit("host", "packets-not-ours", counted.not_ours);
  visit("host", "packets-not-policed", counted.unpoliced);
  visit("host", "packets-sent", counted.sent);
  visit("host", "packets-not-sent", counted.send_failed);
  visit("host", "netlink-overruns", counted.netlink_overruns);
  visit("host", "messages-stopped", counted.guarded);
}

}  // namespace sendoff::net
