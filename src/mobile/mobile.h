// The mobile node: finds certified routers (attach), obtains handover keys (provision, RFC 5269)
// and orders handovers with them (handover, RFC 5568). A machine without I/O.
#pragma once

#include <memory>

#include "base/random.h"
#include "machine/machine.h"
#include "mobile/config.h"

namespace sendoff::mobile {

class Mobile final : public machine::Machine {
 public:
  // `random` outlives the machine. Starts with what was persisted.
  Mobile(const Config& config, machine::Snapshot snapshot, Random& random, Now now);
  ~Mobile() override;

  void handle(Now now, const machine::Received& received) override;
  void handle(Now now, machine::JobResult result) override;
  void handle(Now now, const machine::Outcome& outcome) override;
  void handle(Now now, const machine::HostEvent& event) override;
  [[nodiscard]] Result<void, machine::OrderError> handle(Now now,
                                                         const machine::Order& order) override;
  // Whole or not at all: interfaces and the CGA key need a restart.
  [[nodiscard]] Result<void, machine::NeedsRestart> handle(Now now, const Config& config);

  [[nodiscard]] Instant next_deadline() const override;
  void tick(Now now) override;
  [[nodiscard]] std::optional<machine::Action> poll() override;
  void counters(const machine::Machine::CounterVisitor& visit) const override;

  // For `sendoff status`: copies, no secrets.
  struct KeyStatus {
    Ipv6Address ar;
    Ipv6Address ar_link_local;
    Ipv6Address cga;
    crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
    std::uint32_t remaining_s = 0;
    bool delivered = true;
    std::string fingerprint;
  };
  struct LinkStatus {
    std::string name;
    bool up = false;
    std::vector<Ipv6Address> addresses;
    std::optional<Ipv6Address> router;  // link-local
    std::optional<Ipv6Address> router_global;
    std::string certified_as;          // subject of the router's certificate
    std::string_view revocation = "";  // how its path stands: a literal (nd::state_of)
  };
  struct NeighbourStatus {  // from PrRtAdv
    LinkAddress access_point;
    std::string state;  // "handover possible", "same interface" …
    std::optional<Prefix> prefix;
  };
  struct RequestStatus {  // a key request whose answers may still come (HK-3.1-16)
    std::uint16_t identifier = 0;
    Bytes nonce;
    Ipv6Address source;
    Ipv6Address destination;
    crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
    crypto::KeyHash encryption_key_hash{};  // of the public key in the request
    Instant first_sent;
  };
  struct MovementStatus {  // away from a router whose care-of address is still in use
    Ipv6Address par;
    Ipv6Address pcoa;
    std::optional<Ipv6Address> ncoa;  // that it granted
    std::string state;                // "waiting for FBack", "forwarding", "left", "stopped"
    std::int64_t remaining_s = 0;     // of its forwarding
  };
  struct Status {
    std::vector<LinkStatus> links;
    std::vector<KeyStatus> keys;
    std::vector<RequestStatus> requests;
    std::vector<NeighbourStatus> neighbours;
    std::vector<MovementStatus> movements;
    std::string handover;  // "none", "waiting for FBack" …
  };
  [[nodiscard]] Status status(Now now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::mobile
