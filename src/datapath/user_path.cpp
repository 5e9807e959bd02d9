#include "datapath/user_path.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "datapath/queue_port.h"
#include "datapath/tun_device.h"
#include "wire/ipv6.h"

namespace sendoff::datapath {

namespace {

constexpr std::size_t kAtOnce = 256;
constexpr int kReceiveBuffer = 8 << 20;

Attempt<net::FileDescriptor> open_tunnel_socket() {
  net::FileDescriptor fd(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IPV6));
  if (!fd.ok()) return fail(net::last_error("open raw socket of protocol 41"));
  const int on = 1;
  for (const int option : {IPV6_RECVPKTINFO, IPV6_RECVTCLASS})
    if (setsockopt(fd.get(), IPPROTO_IPV6, option, &on, sizeof on) < 0)
      return fail(net::last_error("set up raw socket of protocol 41"));
  // As much as it gets: without privilege the limit of the host holds.
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) < 0)
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  return fd;
}

Ipv6Address address_of(const in6_addr& address) {
  return Ipv6Address::from(ByteView(address.s6_addr, Ipv6Address::kSize));
}

}  // namespace

Attempt<std::unique_ptr<Backend>> UserPath::open_tun(net::EventLoop& loop, const Config& config) {
  auto parts = open_parts(config);
  if (!parts) return fail(parts.error());
  auto tun = TunDevice::open(*parts->kernel);
  if (!tun) return fail(tun.error());
  return build(loop, config, std::move(*parts), std::make_unique<TunDevice>(std::move(*tun)),
               "tun");
}

Attempt<std::unique_ptr<Backend>> UserPath::open_nfqueue(net::EventLoop& loop,
                                                         const Config& config) {
  auto parts = open_parts(config);
  if (!parts) return fail(parts.error());
  auto port = QueuePort::open(*parts->kernel, config.router);
  if (!port) return fail(port.error());
  return build(loop, config, std::move(*parts), std::move(*port), "nfqueue");
}

Attempt<std::unique_ptr<Backend>> UserPath::build(net::EventLoop& loop, const Config& config,
                                                  Parts parts, std::unique_ptr<Port> port,
                                                  std::string_view name) {
  auto tunnels = open_tunnel_socket();
  if (!tunnels) return fail(tunnels.error());
  return std::unique_ptr<Backend>(
      new UserPath(loop, config, std::move(parts), std::move(port), std::move(*tunnels), name));
}

UserPath::UserPath(net::EventLoop& loop, const Config& config, Parts parts,
                   std::unique_ptr<Port> port, net::FileDescriptor tunnels, std::string_view name)
    : Path(loop, config, std::move(parts)),
      name_(name),
      port_(std::move(port)),
      tunnels_(std::move(tunnels)) {}

void UserPath::serve() {
  using enum net::EventLoop::Interest;
  port_watch_ = loop_.watch(port_->fd(), kReadable, [this] { read_port(); });
  tunnels_watch_ = loop_.watch(tunnels_.get(), kReadable, [this] {
    read_tunnels();
    drain_on();
  });
}

NextHop UserPath::divert(const TunnelEnd& end) const {
  return {port_->index(), std::nullopt, end.inner_mtu()};
}

TunnelRoute UserPath::buffer_route(const Ipv6Address& address) const {
  return {kMainTable, Prefix(address, 128), {port_->index(), std::nullopt, 0}, kBufferMetric};
}

// Copies are taken here of what passes through here (route()).
Attempt<> UserPath::divert_buffer(const Ipv6Address& address, unsigned interface,
                                  HeldPackets::Kind) {
  if (auto set = kernel_->set_route(buffer_route(address)); !set) return set;
  buffers_[address] = interface;
  return {};
}

// What was diverted last is read while buffers_ still says where it goes; it is past its buffer.
void UserPath::end_diversion(const Ipv6Address& address) {
  (void)kernel_->remove_route(buffer_route(address));
  while (port_->receive(kAtOnce, [this](ByteView packet) { route(packet); })) {
  }
  buffers_.erase(address);
}

bool UserPath::is_settled(const Ipv6Address&) { return true; }

bool UserPath::send_on(const Ipv6Address& address, ByteView packet) {
  if (const TunnelEnd* end = binding(address)) {
    send_into(*end, packet);
    return true;
  }
  const auto found = buffers_.find(address);
  return found != buffers_.end() &&
         sender_.send_through(found->second, address, packet).has_value();
}

void UserPath::read_port() {
  port_->receive(kAtOnce, [this](ByteView packet) { route(packet); });
  drain_on();
}

void UserPath::route(ByteView packet) {
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header || is_on_link_only(header->destination)) return;  // the device's own MLD
  const Ipv6Address& destination = header->destination;
  if (take_held(destination, packet)) return;
  (void)take_copy(destination, packet);
  if (const TunnelEnd* end = binding(destination)) {
    // Our own signalling goes to where the node was, as it is.
    if (header->source == end->tunnel.near && is_signalling(packet))
      return send_out(end->interface, destination, packet);
    return send_into(*end, packet);
  }
  if (const TunnelEnd* end = attached(header->source)) {
    if (is_signalling(packet)) return send_out(0, destination, packet);
    return send_into(*end, packet);
  }
  if (const auto found = buffers_.find(destination); found != buffers_.end())
    return send_out(found->second, destination, packet);
  ++counted_.dropped;
}

void UserPath::send_into(const TunnelEnd& end, ByteView packet) {
  if (packet.size() > end.inner_mtu()) return tell_too_big(end, packet);
  const Bytes outer = encapsulate(end.tunnel, packet);
  if (outer.empty()) {
    ++counted_.failed;
    return;
  }
  ++counted_.encapsulated;
  send_out(0, end.tunnel.far, outer);
}

void UserPath::send_out(unsigned interface, const Ipv6Address& destination, ByteView packet) {
  if (!sender_.send_through(interface, destination, packet)) ++counted_.failed;
}

void UserPath::read_tunnels() {
  std::array<std::uint8_t, 65536> buffer;
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    sockaddr_in6 source{};
    iovec vector{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
    msghdr message{};
    message.msg_name = &source;
    message.msg_namelen = sizeof source;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(tunnels_.get(), &message, 0);
    if (size < 0) return;
    Outer outer{{{}, address_of(source.sin6_addr)}, 0};
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
      if (each->cmsg_level != IPPROTO_IPV6) continue;
      if (each->cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(each), sizeof info);
        outer.tunnel.near = address_of(info.ipi6_addr);
      } else if (each->cmsg_type == IPV6_TCLASS) {
        int traffic_class = 0;
        std::memcpy(&traffic_class, CMSG_DATA(each), sizeof traffic_class);
        outer.traffic_class = static_cast<std::uint8_t>(traffic_class);
      }
    }
    receive(outer, ByteView(buffer).first(static_cast<std::size_t>(size)));
  }
}

// The reverse tunnel check of RFC 5568 section 4 (GF26), and its mirror at the node's end. Packets
// of other tunnels are not ours: whoever has them gets them too.
void UserPath::receive(const Outer& outer, ByteView inner) {
  const auto header = wire::Ipv6Header::parse(inner);
  const TunnelEnd* end = header ? binding(header->source) : nullptr;
  bool forwardable = header && !is_on_link_only(header->destination);
  if (!end || end->tunnel.near != outer.tunnel.near) {
    end = header ? attached(header->destination) : nullptr;
    forwardable = header && !is_on_link_only(header->source);
  }
  if (!end || end->tunnel.near != outer.tunnel.near) {
    if (names_tunnel(outer.tunnel)) ++counted_.refused;
    return;
  }
  if (end->tunnel.far != outer.tunnel.far || !forwardable) {
    ++counted_.refused;
    return;
  }
  take_inner(outer, header->destination, inner);
}

void UserPath::take_inner(const Outer& outer, const Ipv6Address& destination, ByteView inner) {
  const auto packet = decapsulate(outer.traffic_class, inner);
  if (!packet) {
    ++counted_.refused;
    return;
  }
  ++counted_.decapsulated;
  if (take_held(destination, *packet)) return;
  if (!port_->send(*packet)) ++counted_.failed;
}

}  // namespace sendoff::datapath
