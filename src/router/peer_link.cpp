#include "router/peer_link.h"

#include <algorithm>

namespace sendoff::router {

namespace {

using wire::MobilityType;

constexpr std::size_t kTypeOffset = 2;

Bytes header_of(const Ipv6Address& source, const Ipv6Address& destination, const ToPeer& message) {
  Bytes header;
  std::visit([&](const auto& kind) { append(header, kind); }, message);
  wire::seal_mobility(source, destination, header);
  return header;
}

}  // namespace

std::string_view name(Protection protection) {
  switch (protection) {
    case Protection::kNone:
      return "none";
    case Protection::kClear:
      return "clear";
    case Protection::kEsp:
      return "esp";
    case Protection::kHost:
      return "host";
  }
  return "unknown";
}

std::string_view name(PeerLinkCounter counter) {
  switch (counter) {
    case PeerLinkCounter::kSent:
      return "sent";
    case PeerLinkCounter::kNotSent:
      return "not-sent";
    case PeerLinkCounter::kTaken:
      return "taken";
    case PeerLinkCounter::kUnknownPeer:
      return "unknown-peer";
    case PeerLinkCounter::kUnprotected:
      return "unprotected";
    case PeerLinkCounter::kClear:
      return "clear-from-protected";
    case PeerLinkCounter::kEsp:
      return "esp-not-opened";
    case PeerLinkCounter::kExtension:
      return "extension";
    case PeerLinkCounter::kHeader:
      return "header";
    case PeerLinkCounter::kCount:
      break;
  }
  return "unknown";
}

std::string_view explain(SendRefusal refusal) {
  switch (refusal) {
    case SendRefusal::kUnknownPeer:
      return "the configuration names no such neighbour";
    case SendRefusal::kNoProtection:
      return "nothing protects HI and HAck to this neighbour, and no switch says that nothing need";
    case SendRefusal::kNoAddress:
      return "our own address is not ready";
    case SendRefusal::kEsp:
      return "it cannot be protected, and never goes unprotected instead";
    case SendRefusal::kHost:
      return "the policies of the kernel's IPsec do not protect HI and HAck to this neighbour";
  }
  return "unknown";
}

PeerLink::PeerLink(const Config& config, const std::vector<ServedLink>& links,
                   nd::MobilityGate& gate, machine::Outbox& outbox)
    : config_(config), links_(links), gate_(gate), outbox_(outbox), esp_(outbox) {}

bool PeerLink::concerns(const wire::PacketView& packet) {
  if (packet.upper_protocol == wire::kProtocolEsp) return true;
  if (packet.upper_protocol != wire::kProtocolMobility || packet.upper.size() <= kTypeOffset)
    return false;
  const auto type = static_cast<MobilityType>(packet.upper[kTypeOffset]);
  return type == MobilityType::kHandoverInitiate || type == MobilityType::kHandoverAcknowledge;
}

const Neighbour* PeerLink::find(const Ipv6Address& peer) const {
  const auto found = std::ranges::find(config_.neighbours, peer, &Neighbour::address);
  return found == config_.neighbours.end() ? nullptr : &*found;
}

std::optional<FromPeer> PeerLink::take(Now now, const machine::Received& received,
                                       const wire::PacketView& packet) {
  const auto drop = [&](PeerLinkCounter why) {
    counters_.add(why);
    return std::nullopt;
  };
  if (packet.upper_protocol == wire::kProtocolEsp) {
    const auto opened = esp_.open(now, packet);
    if (!opened) return drop(PeerLinkCounter::kEsp);
    counters_.add(PeerLinkCounter::kTaken);
    return FromPeer{opened->peer, opened->local,
                    static_cast<MobilityType>(opened->mobility_header[kTypeOffset]),
                    opened->mobility_header};
  }
  return take_plain(now, received, packet);
}

std::optional<PeerLinkCounter> PeerLink::objection(const Neighbour& peer,
                                                   const machine::Received& received,
                                                   const wire::PacketView& packet) const {
  switch (peer.protection) {
    case Protection::kClear:
      return std::nullopt;
    case Protection::kEsp:
      return PeerLinkCounter::kClear;
    case Protection::kHost:
      // Policies are between two addresses: what comes for another one they do not guard.
      if (!peer.ipsec || !host_lacks(peer).empty()) return PeerLinkCounter::kUnprotected;
      if (!received.policed || packet.header.destination != peer.ipsec->local)
        return PeerLinkCounter::kClear;
      return std::nullopt;
    case Protection::kNone:
      break;
  }
  return PeerLinkCounter::kUnprotected;
}

std::optional<FromPeer> PeerLink::take_plain(Now now, const machine::Received& received,
                                             const wire::PacketView& packet) {
  const auto drop = [&](PeerLinkCounter why) {
    counters_.add(why);
    return std::nullopt;
  };
  const Neighbour* peer = find(packet.header.source);
  if (peer == nullptr) return drop(PeerLinkCounter::kUnknownPeer);
  if (const auto why = objection(*peer, received, packet)) return drop(*why);
  if (packet.home_address || packet.routing) return drop(PeerLinkCounter::kExtension);
  const auto header =
      gate_.admit(now, received, packet, find_holder(links_, packet.header.destination) != nullptr);
  if (!header) return drop(PeerLinkCounter::kHeader);
  counters_.add(PeerLinkCounter::kTaken);
  return FromPeer{packet.header.source, packet.header.destination, header->type,
                  packet.upper.first(header->octets())};
}

Result<void, SendRefusal> PeerLink::send(Now now, const Ipv6Address& peer, const Ipv6Address& local,
                                         const ToPeer& message) {
  const auto sent = try_to_send(now, peer, local, message);
  counters_.add(sent ? PeerLinkCounter::kSent : PeerLinkCounter::kNotSent);
  return sent;
}

Ipv6Address PeerLink::source_to(const Ipv6Address& peer, const Ipv6Address& wanted) const {
  const Neighbour* neighbour = find(peer);
  if (neighbour != nullptr && neighbour->esp) return neighbour->esp->local;
  return neighbour != nullptr && neighbour->ipsec ? neighbour->ipsec->local : wanted;
}

void PeerLink::observe(const machine::HostProtection& protection) {
  const Neighbour* peer = find(protection.peer);
  const auto before = host_.find(protection.peer);
  const bool news = before == host_.end() || before->second.local != protection.local ||
                    before->second.lacks != protection.lacks;
  host_.insert_or_assign(protection.peer, protection);
  if (!news || peer == nullptr || peer->protection != Protection::kHost) return;
  outbox_.report(machine::EventKind::kWarning,
                 {{"peer", peer->name},
                  {"text", protection.lacks.empty()
                               ? "the kernel's IPsec protects HI and HAck with " + peer->name
                               : "no HI or HAck with " + peer->name + ": " + protection.lacks}});
}

std::string PeerLink::host_lacks(const Neighbour& peer) const {
  const auto told = host_.find(peer.address);
  const bool known = peer.ipsec && told != host_.end() && told->second.local == peer.ipsec->local;
  return known ? told->second.lacks : "the kernel's policies have not been looked at yet";
}

std::uint64_t PeerLink::in_clear() const {
  return static_cast<std::uint64_t>(
      std::ranges::count(config_.neighbours, Protection::kClear, &Neighbour::protection));
}

std::vector<machine::HostProtection> PeerLink::host_protections() const {
  std::vector<machine::HostProtection> out;
  for (const Neighbour& peer : config_.neighbours)
    if (peer.protection == Protection::kHost && peer.ipsec)
      out.push_back({peer.address, peer.ipsec->local, host_lacks(peer)});
  return out;
}

Result<void, SendRefusal> PeerLink::try_to_send(Now now, const Ipv6Address& peer,
                                                const Ipv6Address& local, const ToPeer& message) {
  const Neighbour* neighbour = find(peer);
  if (neighbour == nullptr) return fail(SendRefusal::kUnknownPeer);
  if (neighbour->protection == Protection::kNone) return fail(SendRefusal::kNoProtection);
  const bool sealed = neighbour->protection == Protection::kEsp;
  const bool policed = neighbour->protection == Protection::kHost;
  if (policed && !host_lacks(*neighbour).empty()) return fail(SendRefusal::kHost);
  const Ipv6Address source = source_to(peer, local);
  const ServedLink* holder = find_holder(links_, source);
  if (holder == nullptr) return fail(SendRefusal::kNoAddress);
  const Bytes header = header_of(source, peer, message);
  if (sealed) {
    auto packet = esp_.seal(now, *neighbour, header);
    if (!packet) return fail(SendRefusal::kEsp);
    outbox_.push(machine::Transmit{holder->config.id, std::nullopt, std::move(*packet), true});
    return {};
  }
  wire::Ipv6Header ip;
  ip.next_header = wire::kProtocolMobility;
  ip.source = source;
  ip.destination = peer;
  outbox_.push(machine::Transmit{holder->config.id, std::nullopt,
                                 wire::build_packet(ip, {}, header), true, policed});
  return {};
}

}  // namespace sendoff::router
