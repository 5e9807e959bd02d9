// The guard of the kernel's Neighbor Discovery: a machine without I/O. The host holds each message
// of types 133 to 137 (Received::hold), on its way out and on its way in. The guard secures what
// goes out (KernelSigner) and gives the kernel what it believes of what comes in: exactly the
// octets that the signature covers, or an unsecured message where RFC 3971 8 allows it. All else is
// dropped, and counted. It also gives the interfaces their CGAs (OwnAddresses), fetches routers'
// certification paths, and answers for its own when it is a router's.
//
// Every held packet gets exactly one Verdict.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "machine/machine.h"
#include "nd/certified_keys.h"
#include "nd/guard_config.h"
#include "nd/guarded_routers.h"
#include "nd/kernel_signer.h"
#include "nd/own_addresses.h"
#include "nd/path_fetcher.h"
#include "nd/proven_neighbours.h"
#include "nd/secured_neighbours.h"
#include "send/receiver.h"

namespace sendoff::nd {

class Guard final : public machine::Machine {
 public:
  // `random` outlives the machine. It persists nothing.
  Guard(const GuardConfig& config, const machine::Snapshot& snapshot, Random& random, Now now);

  void handle(Now now, const machine::Received& received) override;
  void handle(Now now, machine::JobResult result) override;
  void handle(Now now, const machine::Outcome& outcome) override;
  void handle(Now now, const machine::HostEvent& event) override;
  // It takes no orders.
  [[nodiscard]] Result<void, machine::OrderError> handle(Now, const machine::Order&) override {
    return fail(machine::OrderError::kNotMyRole);
  }
  // Whole or not at all: names of interfaces, the CGA key and the certificates need a restart.
  [[nodiscard]] Result<void, machine::NeedsRestart> handle(Now now, const GuardConfig& config);

  // Beside a role (GuardPlace), which has the addresses: it is about to add this one to the
  // interface, has it there, has it no more. False: known already, or no CGA of the identity.
  bool adopt(InterfaceId interface, const Ipv6Address& address) {
    return own_.adopt(interface, address);
  }
  void adopted(InterfaceId interface, const Ipv6Address& address) {
    own_.adopted(interface, address);
  }
  void abandon(InterfaceId interface, const Ipv6Address& address) {
    own_.abandon(interface, address);
  }

  [[nodiscard]] Instant next_deadline() const override;
  void tick(Now now) override;
  [[nodiscard]] std::optional<machine::Action> poll() override { return outbox_.poll(); }
  void counters(const CounterVisitor& visit) const override;

  // For `sendoff status`: copies, no secrets. What a secured message told last is told apart from
  // what none did (RFC 3971 8); neighbours of the kernel's that are no secured ones are unsecured.
  struct LinkStatus {
    std::string name;
    bool up = false;
    GuardMode mode = GuardMode::kMixed;
    std::vector<Ipv6Address> addresses;
    std::vector<Ipv6Address> routers;                // certified ones
    std::vector<Ipv6Address> provisional_routers{};  // those of them that wait for a list (GS24)
    std::vector<Ipv6Address> unsecured_routers{};
    std::vector<Prefix> secured_prefixes{};
    std::vector<Prefix> unsecured_prefixes{};
    std::vector<Ipv6Address> secured_neighbours{};
  };
  struct Status {
    std::vector<LinkStatus> links;
    std::size_t secured_neighbours = 0;
  };
  [[nodiscard]] Status status(Now now) const;

 private:
  // A secured RA that waits for its router's certification path (GS33).
  struct Waiting {
    send::Judged advertisement;
    Instant until;
  };

  void from_wire(Now now, const machine::Received& received);
  void judge(Now now, send::Judged judged);
  [[nodiscard]] bool host_authorised(const send::Judged& judged) const;
  void answer(Now now, const send::Judged& question);
  void secured(Now now, send::Judged judged);
  void secured_advertisement(Now now, send::Judged judged);
  void secured_redirect(Now now, send::Judged judged);
  void await_path(Now now, send::Judged advertisement);
  void fetch_path(Now now, const send::Message& advertisement);
  [[nodiscard]] const pki::CertifiedRouter* certified_for(Now now,
                                                          const send::Judged& judged) const;
  // False: the peer table is full, and it was dropped.
  [[nodiscard]] bool accept(Now now, const send::Judged& judged, Bytes icmp);
  void accept_advertisement(Now now, const send::Judged& judged,
                            const pki::CertifiedRouter& certified);
  void note_unsecured_router(Now now, const send::Message& advertisement);
  void unsecured(Now now, const send::Judged& judged);
  [[nodiscard]] std::optional<GuardCounter> objection(Now now, const send::Message& message) const;
  void form_addresses(Now now, const send::Message& message, const wire::OptionList& options,
                      bool is_secured);
  void note_neighbour(Now now, const send::Message& message);
  void hand_over(const send::Message& message, Bytes icmp, GuardCounter how);
  void drop(const send::Message& message, GuardCounter why);
  void interface_down(InterfaceId interface);
  void settle(Now now);
  void look_for_routers();
  [[nodiscard]] bool has_anchors() const {
    return config_.paths.anchors && !config_.paths.anchors->empty();
  }
  [[nodiscard]] bool is_router() const {
    return certifier_.has_value() || config_.place == GuardPlace::kBesideRouter;
  }
  // Mixed mode without anchors: any router will do.
  [[nodiscard]] bool trusts_anybody(InterfaceId interface) const {
    return !has_anchors() && links_.at(interface).config.mode == GuardMode::kMixed;
  }

  GuardConfig config_;
  machine::Outbox outbox_;
  GuardedLinks links_;
  Counters<GuardCounter> counters_;
  send::Receiver receiver_;
  CertifiedKeys keys_;
  PathFetcher paths_;
  std::optional<Certifier> certifier_;
  OwnAddresses own_;
  SecuredNeighbours neighbours_;
  ProvenNeighbours proven_;
  KernelSigner signer_;
  GuardedRouters routers_;
  std::vector<Waiting> waiting_;  // oldest first
};

}  // namespace sendoff::nd
