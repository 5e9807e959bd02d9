// What the backends have in common: tables of tunnels with their routes, buffers with their pace,
// counters, and news of the kernel. A backend says how packets are diverted and how they go on.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include <absl/container/flat_hash_map.h>
#include "datapath/backend.h"
#include "datapath/encapsulation.h"
#include "datapath/held_packets.h"
#include "datapath/kernel.h"
#include "machine/rate.h"
#include "net/raw_socket.h"

namespace sendoff::datapath {

// A tunnel of one PCoA and how it is reached.
struct TunnelEnd {
  Tunnel tunnel;
  unsigned interface = 0;              // where the PCoA is, or was, on-link
  NextHop way;                         // to the far end; mtu: of outer packets
  std::uint32_t path_mtu = 0;          // that the way told; 0: nothing
  std::vector<TunnelRoute> routes;     // ours
  std::optional<std::uint32_t> table;  // of ours, that a rule leads its packets to

  [[nodiscard]] std::uint32_t inner_mtu() const;
};

class Path : public Backend {
 public:
  void start(Warning warning) override;
  void counters(const CounterVisitor& visit) const override;

  void carry_out(const machine::InstallBinding& action, net::Done done) final;
  void carry_out(const machine::RemoveBinding& action, net::Done done) final;
  void carry_out(const machine::AttachTunnel& action, net::Done done) final;
  void carry_out(const machine::DetachTunnel& action, net::Done done) final;
  void carry_out(const machine::OpenBuffer& action, net::Done done) final;
  void carry_out(const machine::ReleaseBuffer& action, net::Done done) final;
  void carry_out(const machine::DiscardBuffer& action, net::Done done) final;

 protected:
  using Table = absl::flat_hash_map<Ipv6Address, TunnelEnd>;
  static constexpr std::size_t kMaxEnded = 4096;  // tunnels that are over and known for that

  struct Counted {
    std::uint64_t encapsulated = 0;
    std::uint64_t decapsulated = 0;
    std::uint64_t refused = 0;  // by the reverse tunnel check
    std::uint64_t failed = 0;   // could not be changed or sent
    std::uint64_t too_big = 0;
    std::uint64_t held = 0;
    std::uint64_t copied = 0;
    std::uint64_t released = 0;
    std::uint64_t overflowed = 0;
    std::uint64_t dropped = 0;  // held for a node that did not come
  };

  // What every backend opens.
  struct Parts {
    std::unique_ptr<Kernel> kernel;
    net::RoutedSender sender;
    net::FileDescriptor errors;
  };
  [[nodiscard]] static Attempt<Parts> open_parts(const Config& config);
  Path(net::EventLoop& loop, const Config& config, Parts parts);

  // --- what a backend says
  // Where a route of ours sends what is for the tunnel, given the way to its far end; `mtu` is of
  // inner packets.
  [[nodiscard]] virtual NextHop divert(const TunnelEnd& end) const = 0;
  // Whether packets of a node at this router are diverted by a rule and a table.
  [[nodiscard]] virtual bool rules_at_router() const = 0;
  [[nodiscard]] virtual Attempt<> put_binding(const Ipv6Address& pcoa, const TunnelEnd& end) = 0;
  virtual void drop_binding(const Ipv6Address& pcoa) = 0;
  [[nodiscard]] virtual Attempt<> put_attached(const Ipv6Address& pcoa, const TunnelEnd& end) = 0;
  virtual void drop_attached(const Ipv6Address& pcoa) = 0;
  // kCopies: packets go on, and each is seen as well. May change for a buffer that there is.
  [[nodiscard]] virtual Attempt<> divert_buffer(const Ipv6Address& address, unsigned interface,
                                                HeldPackets::Kind kind) = 0;
  // A tunnel that is over still has to be known by its ends (names_tunnel), or not any more.
  virtual void keep_pair(const Tunnel& tunnel) = 0;
  virtual void release_pair(const Tunnel& tunnel) = 0;
  // From then on packets may pass by themselves once nothing is held.
  virtual void begin_release(const Ipv6Address& address) = 0;
  virtual void end_diversion(const Ipv6Address& address) = 0;
  // Nothing held: whether packets that were diverted may still be on their way to us.
  [[nodiscard]] virtual bool is_settled(const Ipv6Address& address) = 0;
  [[nodiscard]] virtual bool send_on(const Ipv6Address& address, ByteView packet) = 0;
  // A diverted packet of a buffer has gone, wherever: sent or dropped.
  virtual void account(const Ipv6Address& address) = 0;
  virtual void device_appeared(const Device& device) = 0;
  virtual void serve() = 0;  // from start() on
  // Added to what is counted here.
  [[nodiscard]] virtual Counted counted() const { return counted_; }

  // --- what it uses
  [[nodiscard]] const TunnelEnd* binding(const Ipv6Address& pcoa) const;
  [[nodiscard]] const TunnelEnd* attached(const Ipv6Address& pcoa) const;
  // Whether the outer addresses are those of a tunnel of ours.
  [[nodiscard]] bool names_tunnel(const Tunnel& tunnel) const { return pairs_.contains(tunnel); }
  // A packet that was diverted for a buffer. False: there is none of originals for its destination.
  bool take_held(const Ipv6Address& destination, ByteView packet);
  // The same for a buffer of copies; the packet itself goes on, or has gone.
  bool take_copy(const Ipv6Address& destination, ByteView packet);
  // After a number of these: sends what is due. A timer for each packet would cost more than it.
  void drain_on();
  // Says so to the packet's source, at a bounded rate.
  void tell_too_big(const TunnelEnd& end, ByteView packet);
  void warn(const std::string& text);
  void complain(const net::SystemError& error);
  // The kernel's index of a configured interface; 0: not there.
  [[nodiscard]] unsigned index_of(InterfaceId interface) const;

  net::EventLoop& loop_;
  const Config config_;
  std::unique_ptr<Kernel> kernel_;
  Counted counted_;
  net::RoutedSender sender_;

 private:
  [[nodiscard]] Attempt<> install(Table& table, const Ipv6Address& pcoa, TunnelEnd end);
  [[nodiscard]] Attempt<> tell_backend(const Table& table, const Ipv6Address& pcoa,
                                       const TunnelEnd& end);
  [[nodiscard]] std::vector<TunnelRoute> routes_of(const Table& table, const Ipv6Address& pcoa,
                                                   const TunnelEnd& end) const;
  [[nodiscard]] Attempt<> lay_routes(const Table& table, const Ipv6Address& pcoa, TunnelEnd& end);
  void remove(Table& table, const Ipv6Address& pcoa);
  void remember_ended(const Tunnel& tunnel);
  void forget_ended();
  [[nodiscard]] std::optional<std::uint32_t> free_table() const;
  void refresh(Table& table, const Ipv6Address& pcoa);
  void refresh_some();
  void hear_too_big();
  void keep(const Ipv6Address& destination, ByteView packet, std::uint64_t& counter);
  void drain();
  void close_buffer(const Ipv6Address& address);

  Table bindings_;
  Table attached_;
  std::map<Tunnel, std::size_t> pairs_;  // of both tables and of ended_, counted
  // Of bindings that are over, and until when what still comes out of their tunnels is known for
  // that: it is dropped and counted. Oldest first.
  std::deque<std::pair<Instant, Tunnel>> ended_;
  std::map<std::uint32_t, Ipv6Address> tables_;
  std::vector<Ipv6Address> stale_;  // whose way may have changed
  HeldPackets held_;
  std::set<Ipv6Address> releasing_;
  machine::TokenBucket answers_{100, 100};
  machine::TokenBucket warnings_{2, 10};
  net::FileDescriptor errors_;  // ICMPv6 Packet Too Big, about tunnel packets among others
  Warning warning_;
  net::Timer drain_timer_;
  net::Timer refresh_timer_;
  net::Timer ended_timer_;
  net::EventLoop::Watch kernel_watch_;
  net::EventLoop::Watch errors_watch_;
};

}  // namespace sendoff::datapath
