// The data path in the kernel: bpf/sendoff.bpf.c at the tc hooks of all Ethernet interfaces, told
// by maps. A binding is one map update and one /128 route; packets of users meet this process only
// while they are held for a node (through a TUN device), or are too big for a node's own tunnel.
//
// Nothing is pinned: programs and maps live by the filters and by this process's descriptors.
#pragma once

#include <memory>

#include "datapath/path.h"
#include "datapath/tun_device.h"

namespace sendoff::datapath {

class BpfPath final : public Path {
 public:
  // Needs bpf(), clsact and /dev/net/tun.
  [[nodiscard]] static Attempt<std::unique_ptr<Backend>> open(net::EventLoop& loop,
                                                              const Config& config);
  ~BpfPath() override;

  [[nodiscard]] std::string_view name() const override { return "bpf"; }

 protected:
  [[nodiscard]] NextHop divert(const TunnelEnd& end) const override;
  [[nodiscard]] bool rules_at_router() const override { return false; }
  [[nodiscard]] Attempt<> put_binding(const Ipv6Address& pcoa, const TunnelEnd& end) override;
  void drop_binding(const Ipv6Address& pcoa) override;
  [[nodiscard]] Attempt<> put_attached(const Ipv6Address& pcoa, const TunnelEnd& end) override;
  void drop_attached(const Ipv6Address& pcoa) override;
  [[nodiscard]] Attempt<> divert_buffer(const Ipv6Address& address, unsigned interface,
                                        HeldPackets::Kind kind) override;
  void keep_pair(const Tunnel& tunnel) override;
  void release_pair(const Tunnel& tunnel) override;
  void begin_release(const Ipv6Address& address) override;
  void end_diversion(const Ipv6Address& address) override;
  [[nodiscard]] bool is_settled(const Ipv6Address& address) override;
  [[nodiscard]] bool send_on(const Ipv6Address& address, ByteView packet) override;
  void account(const Ipv6Address& address) override;
  void device_appeared(const Device& device) override;
  void serve() override;
  [[nodiscard]] Counted counted() const override;

 private:
  struct Programs;
  BpfPath(net::EventLoop& loop, const Config& config, Parts parts, TunDevice tun,
          std::unique_ptr<Programs> programs);
  [[nodiscard]] Attempt<> attach(const Device& device);
  [[nodiscard]] Attempt<> put(int map, const Ipv6Address& pcoa, const TunnelEnd& end,
                              std::uint32_t kind);
  void release_pair(absl::flat_hash_map<Ipv6Address, Tunnel>& of, const Ipv6Address& pcoa);
  void tell_present();
  void read_tun();

  TunDevice tun_;
  std::unique_ptr<Programs> programs_;
  std::set<unsigned> devices_;  // with our filters
  // Buffer slots in the memory shared with the programs.
  struct Slot {
    std::uint32_t number = 0;
    // While nothing is held but packets seem to be missing: how many there were, and when.
    std::optional<std::pair<std::uint64_t, Instant>> missing;
  };
  absl::flat_hash_map<Ipv6Address, Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  // The tunnel that each map holds a pair for.
  absl::flat_hash_map<Ipv6Address, Tunnel> binding_pairs_;
  absl::flat_hash_map<Ipv6Address, Tunnel> attached_pairs_;
  std::map<Tunnel, std::size_t> pair_uses_;
  net::EventLoop::Watch tun_watch_;
};

}  // namespace sendoff::datapath
