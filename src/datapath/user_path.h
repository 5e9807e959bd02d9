// The data path in this process, for hosts without bpf(): routes lead packets of tunnels and
// buffers to a port, a raw socket of protocol 41 brings what comes out of tunnels. Slow, and the
// same to look at, with two differences: a packet that comes while the last one of a buffer leaves
// may overtake it, and at most kTables nodes can keep their PCoA at one router.
#pragma once

#include <memory>

#include "datapath/path.h"
#include "datapath/port.h"

namespace sendoff::datapath {

class UserPath final : public Path {
 public:
  // Through a TUN device.
  [[nodiscard]] static Attempt<std::unique_ptr<Backend>> open_tun(net::EventLoop& loop,
                                                                  const Config& config);
  // Through a wire that leads nowhere and a netfilter queue, where no TUN device opens.
  [[nodiscard]] static Attempt<std::unique_ptr<Backend>> open_nfqueue(net::EventLoop& loop,
                                                                      const Config& config);

  [[nodiscard]] std::string_view name() const override { return name_; }

 protected:
  [[nodiscard]] NextHop divert(const TunnelEnd& end) const override;
  [[nodiscard]] bool rules_at_router() const override { return true; }
  [[nodiscard]] Attempt<> put_binding(const Ipv6Address&, const TunnelEnd&) override { return {}; }
  void drop_binding(const Ipv6Address&) override {}
  [[nodiscard]] Attempt<> put_attached(const Ipv6Address&, const TunnelEnd&) override { return {}; }
  void drop_attached(const Ipv6Address&) override {}
  [[nodiscard]] Attempt<> divert_buffer(const Ipv6Address& address, unsigned interface,
                                        HeldPackets::Kind kind) override;
  void keep_pair(const Tunnel&) override {}
  void release_pair(const Tunnel&) override {}
  void begin_release(const Ipv6Address&) override {}
  void end_diversion(const Ipv6Address& address) override;
  [[nodiscard]] bool is_settled(const Ipv6Address& address) override;
  [[nodiscard]] bool send_on(const Ipv6Address& address, ByteView packet) override;
  void account(const Ipv6Address&) override {}
  void device_appeared(const Device&) override {}
  void serve() override;

 private:
  UserPath(net::EventLoop& loop, const Config& config, Parts parts, std::unique_ptr<Port> port,
           net::FileDescriptor tunnels, std::string_view name);
  [[nodiscard]] static Attempt<std::unique_ptr<Backend>> build(net::EventLoop& loop,
                                                               const Config& config, Parts parts,
                                                               std::unique_ptr<Port> port,
                                                               std::string_view name);
  [[nodiscard]] TunnelRoute buffer_route(const Ipv6Address& address) const;
  void read_port();
  void route(ByteView packet);
  void send_into(const TunnelEnd& end, ByteView packet);
  void send_out(unsigned interface, const Ipv6Address& destination, ByteView packet);
  void read_tunnels();
  struct Outer {
    Tunnel tunnel;  // as we see it: the destination is near
    std::uint8_t traffic_class = 0;
  };
  void receive(const Outer& outer, ByteView inner);
  void take_inner(const Outer& outer, const Ipv6Address& destination, ByteView inner);

  std::string_view name_;
  std::unique_ptr<Port> port_;
  net::FileDescriptor tunnels_;                         // raw, protocol 41
  absl::flat_hash_map<Ipv6Address, unsigned> buffers_;  // with their access interface
  net::EventLoop::Watch port_watch_;
  net::EventLoop::Watch tunnels_watch_;
};

}  // namespace sendoff::datapath
