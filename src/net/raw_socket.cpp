#include "net/raw_socket.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::net {

namespace {

constexpr int kRecvFragSize = 77;  // IPV6_RECVFRAGSIZE
constexpr std::size_t kLargestMessage = 65535;

sockaddr_in6 socket_address(const Ipv6Address& address, unsigned scope) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  std::memcpy(&out.sin6_addr, address.octets().data(), Ipv6Address::kSize);
  out.sin6_scope_id = scope;
  return out;
}

Ipv6Address address_from(const in6_addr& address) {
  return Ipv6Address::from(ByteView(address.s6_addr, Ipv6Address::kSize));
}

template <typename T>
T read_as(const cmsghdr* control) {
  T value{};
  std::memcpy(&value, CMSG_DATA(control), sizeof value);
  return value;
}

bool set(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

}  // namespace

Attempt<AdvertisementSocket> AdvertisementSocket::open(unsigned index, const std::string& name) {
  FileDescriptor fd(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  if (!fd.ok()) return fail(last_error("open ICMPv6 socket"));
  if (setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, name.data(),
                 static_cast<socklen_t>(name.size())) < 0)
    return fail(last_error("bind ICMPv6 socket to " + name));
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  constexpr auto kType =
      static_cast<std::uint8_t>(wire::Icmpv6Type::kCertificationPathAdvertisement);
  ICMP6_FILTER_SETPASS(kType, &filter);
  const bool ready =
      setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0 &&
      set(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO) &&
      set(fd.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT) && set(fd.get(), IPPROTO_IPV6, kRecvFragSize);
  if (!ready) return fail(last_error("set up ICMPv6 socket"));
  AdvertisementSocket opened(std::move(fd), index);
  opened.buffer_.resize(wire::Ipv6Header::kSize + kLargestMessage);
  return opened;
}

void AdvertisementSocket::receive(std::size_t limit,
                                  const std::function<void(const Message&)>& deliver) {
  for (std::size_t i = 0; i < limit; ++i) {
    ByteSpan payload = ByteSpan(buffer_).subspan(wire::Ipv6Header::kSize);
    sockaddr_in6 from{};
    iovec vector{payload.data(), payload.size()};
    alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd(), &message, 0);
    if (size < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) continue;
    wire::Ipv6Header header;
    header.payload_length = static_cast<std::uint16_t>(size);
    header.next_header = wire::kProtocolIcmpv6;
    header.source = address_from(from.sin6_addr);
    bool fragmented = false;
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
      if (each->cmsg_level != IPPROTO_IPV6) continue;
      if (each->cmsg_type == IPV6_PKTINFO)
        header.destination = address_from(read_as<in6_pktinfo>(each).ipi6_addr);
      else if (each->cmsg_type == IPV6_HOPLIMIT)
        header.hop_limit = static_cast<std::uint8_t>(read_as<int>(each));
      else if (each->cmsg_type == kRecvFragSize)
        fragmented = true;
    }
    Writer writer(ByteSpan(buffer_).first(wire::Ipv6Header::kSize));
    header.emit(writer);
    const std::size_t total = wire::Ipv6Header::kSize + static_cast<std::size_t>(size);
    deliver({ByteView(buffer_).first(total), fragmented});
  }
}

namespace {

Attempt<> change_membership(int fd, int option, unsigned index, const Ipv6Address& group,
                            int tolerated, const char* what) {
  ipv6_mreq request{};
  std::memcpy(&request.ipv6mr_multiaddr, group.octets().data(), Ipv6Address::kSize);
  request.ipv6mr_interface = index;
  if (setsockopt(fd, IPPROTO_IPV6, option, &request, sizeof request) < 0 && errno != tolerated)
    return fail(last_error(what + group.text()));
  return {};
}

}  // namespace

Attempt<> AdvertisementSocket::join(const Ipv6Address& group) {
  return change_membership(fd(), IPV6_JOIN_GROUP, index_, group, EADDRINUSE, "join ");
}

Attempt<> AdvertisementSocket::leave(const Ipv6Address& group) {
  return change_membership(fd(), IPV6_LEAVE_GROUP, index_, group, EADDRNOTAVAIL, "leave ");
}

Attempt<RoutedSender> RoutedSender::open() {
  // IPPROTO_RAW: the packet comes with its header.
  FileDescriptor fd(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd.ok()) return fail(last_error("open raw socket"));
  return RoutedSender(std::move(fd));
}

Attempt<> RoutedSender::send(unsigned index, const Ipv6Address& destination, ByteView packet) {
  auto sent = send_through(index, destination, packet);
  const bool no_way =
      !sent && (sent.error().code == ENETUNREACH || sent.error().code == EHOSTUNREACH);
  return no_way && index != 0 && !destination.is_link_local() ? send_through(0, destination, packet)
                                                              : sent;
}

Attempt<> RoutedSender::send_through(unsigned index, const Ipv6Address& destination,
                                     ByteView packet) {
  sockaddr_in6 to = socket_address(destination, destination.is_link_local() ? index : 0);
  iovec vector{const_cast<std::uint8_t*>(packet.data()), packet.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (index != 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
    in6_pktinfo info{};
    info.ipi6_ifindex = index;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
  }
  if (sendmsg(fd_.get(), &message, 0) >= 0) return {};
  return fail(last_error("send to " + destination.text()));
}

}  // namespace sendoff::net
