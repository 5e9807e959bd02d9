// The data path of a virtual host: tunnels and buffers, with the rules and the paces of datapath/.
// What it decides about a packet is carried out by the host.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "datapath/encapsulation.h"
#include "datapath/held_packets.h"
#include "machine/action.h"
#include "sim/packet.h"

namespace sendoff::sim {

class Plane {
 public:
  struct Limits {
    std::size_t tunnels = 1000;
    datapath::BufferLimits buffers;
  };
  struct Hooks {
    std::function<void(Bytes)> route;         // by the host's routes alone, past this data path
    std::function<void(Bytes)> send_on_link;  // to its destination as a neighbour
    std::function<void(Bytes)> accept;        // what came out of a tunnel, as if from a link
  };
  Plane(const Limits& limits, Hooks hooks)
      : limits_(limits), held_(limits.buffers), hooks_(std::move(hooks)) {}

  [[nodiscard]] bool carry_out(const machine::InstallBinding& action);
  void carry_out(const machine::RemoveBinding& action) { bindings_.erase(action.pcoa); }
  [[nodiscard]] bool carry_out(const machine::AttachTunnel& action);
  void carry_out(const machine::DetachTunnel& action) { attached_.erase(action.pcoa); }
  [[nodiscard]] bool carry_out(const machine::OpenBuffer& action);
  [[nodiscard]] bool carry_out(const machine::ReleaseBuffer& action, Instant now);
  void carry_out(const machine::DiscardBuffer& action);

  // True: the packet was held or went into a tunnel.
  [[nodiscard]] bool take(Instant now, const Bytes& packet);
  // A packet of protocol 41 for an address of ours.
  void decapsulate(Instant now, ByteView packet);

  void clear();

  [[nodiscard]] Instant next_due() const;
  void drain(Instant now);

  using Table = std::map<Ipv6Address, datapath::Tunnel>;
  [[nodiscard]] const Table& bindings() const { return bindings_; }
  [[nodiscard]] const Table& attached() const { return attached_; }
  [[nodiscard]] std::size_t tunnels() const { return bindings_.size() + attached_.size(); }
  [[nodiscard]] datapath::HeldPackets::Size held() const { return held_.size(); }
  // Whether packets from this address go through a tunnel of the node's end.
  [[nodiscard]] bool attached(const Ipv6Address& pcoa) const { return attached_.contains(pcoa); }

 private:
  [[nodiscard]] bool hold(Instant now, const Ipv6Address& destination, const Bytes& packet);
  void send_into(const datapath::Tunnel& tunnel, ByteView packet);
  void close(const Ipv6Address& address);

  Limits limits_;
  datapath::HeldPackets held_;
  Hooks hooks_;
  Table bindings_;
  Table attached_;
  std::set<Ipv6Address> releasing_;
};

}  // namespace sendoff::sim
