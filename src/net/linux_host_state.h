// What a LinuxHost is made of; for linux_host.cpp and linux_host_actions.cpp.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "machine/rate.h"
#include "net/address_book.h"
#include "net/clock.h"
#include "net/icmp_guard.h"
#include "net/kernel_ipsec.h"
#include "net/linux_host.h"
#include "net/netlink.h"
#include "net/packet_socket.h"
#include "net/raw_socket.h"
#include "net/sysctl.h"

namespace sendoff::net {

inline constexpr std::size_t kPacketsAtOnce = 64;

// A packet that waits: in which line, and its number there.
[[nodiscard]] inline machine::HoldId hold_of(NdQueue::Line line, std::uint32_t id) {
  return machine::HoldId{std::uint64_t{id} << 2 | static_cast<std::uint64_t>(line)};
}
[[nodiscard]] inline std::pair<NdQueue::Line, std::uint32_t> held_packet(machine::HoldId hold) {
  return {static_cast<NdQueue::Line>(hold.value & 3), static_cast<std::uint32_t>(hold.value >> 2)};
}

// A configured interface. It may go away and come back under another index.
struct HostInterface {
  InterfaceId id;
  std::string name;
  unsigned index = 0;  // 0: not there
  LinkInfo link;
  bool forwarding = true;  // as the machine was told last
  std::optional<PacketSocket> packets;
  std::optional<AdvertisementSocket> advertisements;
  EventLoop::Watch packet_watch;
  EventLoop::Watch advertisement_watch;
};

struct LinuxHost::State : std::enable_shared_from_this<State> {
  State(EventLoop& event_loop, const HostConfig& host_config, std::unique_ptr<Netlink> open_netlink,
        UndoJournal open_journal);
  ~State();

  [[nodiscard]] Attempt<> open();
  void start();

  // --- linux_host.cpp
  void undo_left_over(const std::vector<std::string>& lines);
  void withdraw(unsigned index);
  void refuse_source(unsigned index, const Ipv6Address& address);
  void admit_source(const Ipv6Address& address);
  void admit_all_sources();
  [[nodiscard]] Attempt<> attach(HostInterface& interface, const LinkInfo& link);
  void detach(HostInterface& interface);
  void watch(HostInterface& interface);
  void apply_or_warn(const Setting& setting);
  void refresh_destinations();
  void read_netlink();
  void resynchronise();
  void observe_link(const LinkInfo& link, bool gone);
  void read_forwarding(HostInterface& interface);
  void observe_forwarding(HostInterface& interface, bool forwarding);
  void observe_neighbour(const NeighbourInfo& neighbour, bool gone);
  void receive(HostInterface& interface);
  void receive_advertisements(HostInterface& interface);
  void receive_guarded(NdQueue::Line line);
  void remove_kernels_addresses(const LinkInfo& link);
  void forget_neighbours(const LinkInfo& link);
  void receive_mobility();
  [[nodiscard]] Attempt<> select_esp(const EspSelection& selection);
  void watch_esp();
  void receive_esp();
  void deliver(unsigned index, machine::Received received);
  void select_mobility();

  // --- linux_host_ipsec.cpp
  [[nodiscard]] Attempt<> protect(std::vector<ProtectedPair> pairs);
  void watch_ipsec();
  void tell_protection(const KernelIpsec::Verdict& verdict);
  void receive_policed();
  void discard_stale();
  [[nodiscard]] Attempt<> send_policed(ByteView packet);

  [[nodiscard]] HostInterface* by_id(InterfaceId id);
  [[nodiscard]] HostInterface* by_index(unsigned index);
  void tell(const machine::HostEvent& event) const;
  void warn(const std::string& text);

  // Answers with what came of a netlink request.
  void conclude(const Attempt<>& attempt, const Done& done);

  EventLoop& loop;
  const HostConfig config;
  std::unique_ptr<Netlink> netlink;
  UndoJournal journal;
  std::vector<HostInterface> interfaces;  // never resized after open()
  AddressBook addresses;
  std::deque<Ipv6Address> refused;  // as sources, the earliest first
  std::optional<IcmpGuard> guard;
  std::optional<NdQueue> nd_queue;       // the kernel's, that waits for verdicts
  std::optional<PacketSocket> mobility;  // all interfaces: an FBU may come in by any
  std::optional<EspSocket> esp;          // when the machine takes some
  std::unique_ptr<KernelIpsec> ipsec;    // when HI and HAck of a neighbour are left to it
  std::optional<PolicedSocket> policed;  // likewise
  std::optional<RoutedSender> sender;
  std::vector<Ipv6Address> destinations;     // that `mobility` lets through
  std::vector<Ipv6Address> policed_sources;  // whose HI and HAck it leaves to `policed`
  bool policed_stale = false;                // `policed` may hold what came in clear
  std::vector<std::string> shortcomings;
  Sink sink;
  bool started = false;
  machine::TokenBucket warnings{2, 10};
  EventLoop::Watch netlink_watch;
  EventLoop::Watch mobility_watch;
  EventLoop::Watch esp_watch;
  EventLoop::Watch ipsec_watch;
  EventLoop::Watch policed_watch;
  std::vector<EventLoop::Watch> guarded_watches;  // of the kernel's that waits
  std::optional<ClockWatch> clock_watch;

  struct Counted {
    std::uint64_t sent = 0;
    std::uint64_t send_failed = 0;
    std::uint64_t received = 0;
    std::uint64_t not_ours = 0;  // Mobility Headers and ESP to no address of a configured interface
    std::uint64_t unpoliced = 0;  // HI and HAck that no policy vouches for
    std::uint64_t netlink_overruns = 0;
    std::uint64_t guarded = 0;  // messages of the kernel's that were stopped
  } counted;
};

}  // namespace sendoff::net
