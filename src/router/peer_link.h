// The one place through which HI and HAck (RFC 5568 6.2.1) reach a neighbouring access router and
// come from one. What protects them is the neighbour's Protection (RFC 5568 10, E8): with none,
// nothing is sent and nothing taken; kClear exchanges them unprotected; kEsp has them in ESP alone;
// kHost leaves them to the kernel's IPsec, while the host says that its policies protect them.
// Nothing that comes from elsewhere, or by another way than the peer's protection, is answered or
// leaves a trace but a counter.
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "base/counters.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "nd/mobility_gate.h"
#include "router/config.h"
#include "router/esp_peers.h"
#include "router/links.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::router {

enum class PeerLinkCounter : std::uint8_t {
  kSent,
  kNotSent,  // refused: see SendRefusal
  kTaken,
  // Dropped.
  kUnknownPeer,  // from no neighbour of ours
  kUnprotected,  // from a neighbour with whom nothing is exchanged, now or at all
  kClear,        // in clear, from a protected neighbour
  kEsp,          // ESP that did not open; the cause is counted with the associations
  kExtension,    // with a Home Address option or a Routing header (FH-6275-21)
  kHeader,       // refused by the MobilityGate, which counts the cause
  kCount,
};
[[nodiscard]] std::string_view name(PeerLinkCounter counter);

// Why an HI or HAck was not sent. It is never sent in another way instead (E15).
enum class SendRefusal : std::uint8_t {
  kUnknownPeer,   // the configuration names it no more
  kNoProtection,  // neither an association nor the switch
  kNoAddress,     // `local` is not ours, or not ready
  kEsp,           // ESP cannot be applied; an event says why
  kHost,          // the host's policies do not protect it
};
// One sentence for a person.
[[nodiscard]] std::string_view explain(SendRefusal refusal);

// One HI or HAck, as it came from a peer.
struct FromPeer {
  Ipv6Address peer;
  Ipv6Address local;  // our address that it was sent to
  wire::MobilityType type{};
  ByteView header;  // the whole Mobility Header; borrowed from the packet
};

using ToPeer = std::variant<wire::HandoverInitiate, wire::HandoverAcknowledge>;

class PeerLink {
 public:
  PeerLink(const Config& config, const std::vector<ServedLink>& links, nd::MobilityGate& gate,
           machine::Outbox& outbox);

  // Whether `packet` is this class's business: HI or HAck in clear, or ESP.
  [[nodiscard]] static bool concerns(const wire::PacketView& packet);

  // The HI or HAck in such a packet, when the peer's protection says that it is its own and RFC
  // 6275 9.2 has nothing against its header; what is inside is still to be parsed.
  [[nodiscard]] std::optional<FromPeer> take(Now now, const machine::Received& received,
                                             const wire::PacketView& packet);

  // Sends one message to `peer` from source_to(peer, local), an address of ours. A repetition is a
  // call of its own, which protects it anew (E13).
  [[nodiscard]] Result<void, SendRefusal> send(Now now, const Ipv6Address& peer,
                                               const Ipv6Address& local, const ToPeer& message);

  // The address of ours that HI and HAck to this peer leave from: that of its association, else
  // `wanted`.
  [[nodiscard]] Ipv6Address source_to(const Ipv6Address& peer, const Ipv6Address& wanted) const;

  // What the host says of its policies. Until it does, they protect nothing.
  void observe(const machine::HostProtection& protection);
  // Of the neighbours that are left to it, in the configuration's order.
  [[nodiscard]] std::vector<machine::HostProtection> host_protections() const;

  // How many neighbours have the switch that gives protection up.
  [[nodiscard]] std::uint64_t in_clear() const;
  // The neighbour of that address; nothing when there is none.
  [[nodiscard]] const Neighbour* find(const Ipv6Address& peer) const;

  [[nodiscard]] const Counters<PeerLinkCounter>& counters() const { return counters_; }
  // Associations and their part of the machine's inputs.
  [[nodiscard]] EspPeers& esp() { return esp_; }
  [[nodiscard]] const EspPeers& esp() const { return esp_; }

 private:
  [[nodiscard]] std::optional<FromPeer> take_plain(Now now, const machine::Received& received,
                                                   const wire::PacketView& packet);
  // Nothing where the packet came as the peer's protection wants it.
  [[nodiscard]] std::optional<PeerLinkCounter> objection(const Neighbour& peer,
                                                         const machine::Received& received,
                                                         const wire::PacketView& packet) const;
  // What keeps the host's policies from protecting HI and HAck with this neighbour.
  [[nodiscard]] std::string host_lacks(const Neighbour& peer) const;
  [[nodiscard]] Result<void, SendRefusal> try_to_send(Now now, const Ipv6Address& peer,
                                                      const Ipv6Address& local,
                                                      const ToPeer& message);

  const Config& config_;
  const std::vector<ServedLink>& links_;
  nd::MobilityGate& gate_;
  machine::Outbox& outbox_;
  EspPeers esp_;
  std::map<Ipv6Address, machine::HostProtection> host_;  // as last told, by peer
  Counters<PeerLinkCounter> counters_;
};

}  // namespace sendoff::router
