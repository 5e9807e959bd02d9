#include "net/packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cerrno>

namespace sendoff::net {

namespace {

constexpr int kPacketIgnoreOutgoing = 23;  // PACKET_IGNORE_OUTGOING, Linux 4.20
constexpr int kReceiveBuffer = 1 << 20;
constexpr std::size_t kLargestPacket = 65575;  // 40 + 65535

sockaddr_ll link_socket_address(unsigned index) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IPV6);
  address.sll_ifindex = static_cast<int>(index);
  return address;
}

}  // namespace

LinkAddress link_address_of_group(const Ipv6Address& group) {
  std::array<std::uint8_t, 6> octets{0x33, 0x33};
  std::ranges::copy(group.view().last(4), octets.begin() + 2);
  return LinkAddress::from(octets).value_or(LinkAddress{});
}

Attempt<PacketSocket> PacketSocket::open(unsigned index, const PacketSelection& selection) {
  // Without a protocol it receives nothing until the filter is in place.
  FileDescriptor fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return fail(last_error("open packet socket"));
  PacketSocket packet_socket(std::move(fd), index);
  const int raw = packet_socket.fd();
  if (auto selected = packet_socket.select(selection); !selected) return fail(selected.error());
  const int on = 1;
  // Older kernels lack it; the filter refuses outgoing packets anyway.
  (void)setsockopt(raw, SOL_PACKET, kPacketIgnoreOutgoing, &on, sizeof on);
  if (setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) < 0)
    (void)setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  const sockaddr_ll address = link_socket_address(index);
  if (bind(raw, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return fail(last_error("bind packet socket"));
  packet_socket.buffer_.resize(kLargestPacket);
  return packet_socket;
}

Attempt<> PacketSocket::select(const PacketSelection& selection) {
  std::vector<sock_filter> code = compile_filter(selection);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (setsockopt(fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
    return fail(last_error("attach packet filter"));
  return {};
}

Attempt<> PacketSocket::listen_to(const Ipv6Address& group) {
  const LinkAddress address = link_address_of_group(group);
  packet_mreq request{};
  request.mr_ifindex = static_cast<int>(index_);
  request.mr_type = PACKET_MR_MULTICAST;
  request.mr_alen = static_cast<unsigned short>(address.view().size());
  std::ranges::copy(address.view(), std::begin(request.mr_address));
  if (setsockopt(fd(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request) < 0)
    return fail(last_error("listen to " + group.text()));
  return {};
}

void PacketSocket::receive(std::size_t limit, const std::function<void(const Frame&)>& deliver) {
  for (std::size_t i = 0; i < limit; ++i) {
    sockaddr_ll from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = recvfrom(fd(), buffer_.data(), buffer_.size(), MSG_TRUNC,
                                  reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0) {
      // ENETDOWN is told once when the interface goes down; others are told by netlink.
      if (errno == EINTR || errno == ENETDOWN) continue;
      return;
    }
    if (static_cast<std::size_t>(size) > buffer_.size()) continue;
    const std::size_t length = std::min<std::size_t>(from.sll_halen, sizeof from.sll_addr);
    const auto source = LinkAddress::from(ByteView(from.sll_addr, length));
    deliver({static_cast<unsigned>(from.sll_ifindex), source.value_or(LinkAddress{}),
             ByteView(buffer_).first(static_cast<std::size_t>(size))});
  }
}

Attempt<> PacketSocket::send(const LinkAddress& destination, ByteView packet) {
  sockaddr_ll address = link_socket_address(index_);
  address.sll_halen = static_cast<unsigned char>(destination.view().size());
  std::ranges::copy(destination.view(), std::begin(address.sll_addr));
  if (sendto(fd(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&address),
             sizeof address) < 0)
    return fail(last_error("send to " + destination.text()));
  return {};
}

std::uint64_t PacketSocket::dropped() const {
  tpacket_stats statistics{};
  socklen_t size = sizeof statistics;
  if (getsockopt(fd(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0)
    dropped_ += statistics.tp_drops;
  return dropped_;
}

}  // namespace sendoff::net
