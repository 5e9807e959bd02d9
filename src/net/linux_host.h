// The Linux host of a daemon: packet sockets, netlink, sysctls and the ICMP guard of its
// interfaces under one roof.
//
// What it changes in the kernel is undone by the destructor, by the end of the process (the nft
// table), or by the next open() with the same runtime directory (sysctls, neighbours, proxies,
// IPsec policies from the undo journal; addresses and routes by their protocol number), so that a
// kill -9 leaves nothing for good.
//
// A packet for an address of ours that came in by an interface that is not configured (an FBU from
// the NAR's side) is handed on as if it came in by the interface that has the address.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/event_loop.h"
#include "net/host.h"
#include "net/kernel_ipsec.h"
#include "net/nd_queue.h"
#include "net/packet_filter.h"
#include "net/system_error.h"

namespace sendoff::net {

struct HostConfig {
  struct Interface {
    InterfaceId id;
    std::string name;
  };
  std::vector<Interface> interfaces;
  bool router = false;                             // forwarding, proxies, ff02::2
  std::string runtime_directory = "/run/sendoff";  // exists and is ours: the undo journal
  bool guard_icmp = true;
  // Router: packets with Destination Options come to the machine, and the guard keeps the kernel
  // from answering those with a Home Address option.
  bool home_addresses = true;
  // Mobility Header types, beside those of Mobile IPv6 (0 to 7), that another program here handles:
  // neither delivered nor kept from the kernel.
  std::vector<std::uint8_t> other_mobility_types{};
  // The machine listens to routers in the kernel's place; else the kernel goes on with that.
  bool own_discovery = true;
  // The kernel's own Neighbor Discovery on the interfaces waits for verdicts (Received::hold): the
  // kernel makes no addresses there, those that it made are taken away until the end.
  std::optional<OnStop> guard{};
  // Of each interface, else it is an error: what the machine sends at a time, unfragmented.
  std::size_t least_mtu = 0;
};

class LinuxHost final : public Host {
 public:
  // Needs CAP_NET_ADMIN and CAP_NET_RAW. An interface that is not there is an error. Run it before
  // drop_privileges(): afterwards both capabilities are all that is needed.
  [[nodiscard]] static Attempt<std::unique_ptr<LinuxHost>> open(EventLoop& loop,
                                                                const HostConfig& config);
  ~LinuxHost() override;

  void start(Sink sink) override;
  void carry_out(const machine::Transmit& action) override;
  void carry_out(const machine::Verdict& action) override;
  void carry_out(const machine::SetProven& action) override;
  void carry_out(const machine::AddAddress& action, Done done) override;
  void carry_out(const machine::RemoveAddress& action, Done done) override;
  void carry_out(const machine::SetRoute& action, Done done) override;
  void carry_out(const machine::SetNeighbour& action, Done done) override;
  void carry_out(const machine::SetProxy& action, Done done) override;
  void carry_out(const machine::JoinGroup& action, Done done) override;
  void counters(const CounterVisitor& visit) const override;

  // ESP that the machine takes itself, from now on. Nothing selected: the kernel has all ESP for
  // itself. To be called again when the configuration changes.
  [[nodiscard]] Attempt<> receive_esp(const EspSelection& selection);

  // HI and HAck that are left to the kernel's IPsec, from now on; to be called again when the
  // configuration changes. The sink is told (machine::HostProtection) what becomes of each pair.
  // An error says what this kernel lacks.
  [[nodiscard]] Attempt<> protect(std::vector<ProtectedPair> pairs);
  [[nodiscard]] std::vector<KernelIpsec::Verdict> protection() const;

  // What could not be had and is not fatal: "nft is not installed: ...". For the log and doctor.
  [[nodiscard]] const std::vector<std::string>& shortcomings() const;

 private:
  struct State;
  explicit LinuxHost(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace sendoff::net
