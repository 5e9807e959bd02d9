// The access router: advertises with SEND, certifies itself, issues handover keys (RFC 5269),
// follows authenticated FBUs as previous access router and receives nodes as new one (RFC 5568). A
// machine without I/O.
#pragma once

#include <memory>

#include "base/random.h"
#include "esp/associations.h"
#include "machine/machine.h"
#include "router/config.h"

namespace sendoff::router {

class Router final : public machine::Machine {
 public:
  // `random` outlives the machine. Starts with what was persisted.
  Router(const Config& config, machine::Snapshot snapshot, Random& random, Now now);
  ~Router() override;

  void handle(Now now, const machine::Received& received) override;
  void handle(Now now, machine::JobResult result) override;
  void handle(Now now, const machine::Outcome& outcome) override;
  void handle(Now now, const machine::HostEvent& event) override;
  [[nodiscard]] Result<void, machine::OrderError> handle(Now now,
                                                         const machine::Order& order) override;
  // Takes a new configuration as a whole, or refuses it as a whole: interfaces, but for more
  // prefixes, their keys and the certification path need a restart.
  [[nodiscard]] Result<void, machine::NeedsRestart> handle(Now now, const Config& config);

  [[nodiscard]] Instant next_deadline() const override;
  void tick(Now now) override;
  [[nodiscard]] std::optional<machine::Action> poll() override;
  void counters(const machine::Machine::CounterVisitor& visit) const override;

  // For `sendoff status`: copies, no secrets.
  struct KeyStatus {
    Ipv6Address cga;
    std::uint32_t generation = 0;
    crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
    std::uint32_t remaining_s = 0;
    std::string fingerprint;
  };
  struct BindingStatus {
    Ipv6Address pcoa;
    Ipv6Address ncoa;
    std::uint32_t remaining_s = 0;
  };
  struct InterfaceStatus {
    std::string name;
    bool up = false;
    Ipv6Address link_local;
    std::vector<Ipv6Address> addresses;
    // Addresses left to assign; nothing without a pool.
    std::optional<std::size_t> pool_free = std::nullopt;
    // Prefixes left to give to single nodes; nothing without such.
    std::optional<std::size_t> prefixes_free = std::nullopt;
  };
  struct HostProtectionStatus {  // of a neighbour that is left to the kernel's IPsec
    Ipv6Address peer;
    Ipv6Address local;
    std::string lacks;  // empty: its policies stand
  };
  struct HandoverStatus {  // as PAR: no binding yet
    Ipv6Address pcoa;
    Ipv6Address ncoa;
    std::optional<Ipv6Address> nar;
    std::string state;
  };
  struct ArrivalStatus {  // as NAR: a node that is expected, or has come
    Ipv6Address address;
    std::optional<Ipv6Address> pcoa;
    Ipv6Address par;
    LinkAddress link_address;
    std::string state;
    bool proxied = false;
    bool buffered = false;
  };
  struct Status {
    std::vector<InterfaceStatus> interfaces;
    std::vector<KeyStatus> keys;          // in order of CGA, at most `limit`
    std::vector<BindingStatus> bindings;  // likewise
    std::vector<esp::Associations::PairStatus> associations;
    std::vector<HostProtectionStatus> host_protections;
    std::vector<HandoverStatus> handovers;
    std::vector<ArrivalStatus> arrivals;
    std::size_t handover_count = 0;
    std::size_t arrival_count = 0;
    std::size_t key_count = 0;
    std::size_t binding_count = 0;
  };
  [[nodiscard]] Status status(Now now, std::size_t limit = 1000) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::router
