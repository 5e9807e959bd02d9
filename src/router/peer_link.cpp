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
  }
  return "unknown";
}

PeerLink::PeerLink(const Config& config, const std::vector<ServedLink>& links, MobilityGate& gate,
                   machine::Outbox& outbox)
    : config_(config), links_(links), gate_(gate), outbox_(outbox) {}

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
  const Neighbour* peer = find(packet.header.source);
  if (peer == nullptr) return drop(PeerLinkCounter::kUnknownPeer);
  if (peer->protection != Protection::kClear || packet.upper_protocol == wire::kProtocolEsp)
    return drop(PeerLinkCounter::kUnprotected);
  if (packet.home_address || packet.routing) return drop(PeerLinkCounter::kExtension);
  const auto header = gate_.admit(now, received, packet);
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

Result<void, SendRefusal> PeerLink::try_to_send(Now, const Ipv6Address& peer,
                                                const Ipv6Address& local, const ToPeer& message) {
  const Neighbour* neighbour = find(peer);
  if (neighbour == nullptr) return fail(SendRefusal::kUnknownPeer);
  if (neighbour->protection != Protection::kClear) return fail(SendRefusal::kNoProtection);
  const ServedLink* holder = find_holder(links_, local);
  if (holder == nullptr) return fail(SendRefusal::kNoAddress);
  wire::Ipv6Header ip;
  ip.next_header = wire::kProtocolMobility;
  ip.source = local;
  ip.destination = peer;
  outbox_.push(machine::Transmit{holder->config.id, std::nullopt,
                                 wire::build_packet(ip, {}, header_of(local, peer, message)),
                                 true});
  return {};
}

}  // namespace sendoff::router
