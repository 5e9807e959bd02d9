#include "net/raw_socket.h"

#include <arpa/inet.h>
#include <linux/xfrm.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::net {

namespace {

constexpr int kRecvFragSize = 77;  // IPV6_RECVFRAGSIZE
constexpr int kFlowInfo = 11;      // IPV6_FLOWINFO, which glibc does not name
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

// What receive_rebuilt() needs to be told with each message.
bool tell_headers(int fd) {
  return set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) && set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT) &&
         set(fd, IPPROTO_IPV6, kRecvFragSize);
}

// A message with the IPv6 header that it came with, as far as the socket tells.
struct Rebuilt {
  unsigned index = 0;
  ByteView packet;
  bool fragmented = false;
};

// Fills in what one control message tells.
void read_control(const cmsghdr* control, wire::Ipv6Header& header, Rebuilt& rebuilt) {
  if (control->cmsg_level != IPPROTO_IPV6) return;
  if (control->cmsg_type == IPV6_PKTINFO) {
    const auto info = read_as<in6_pktinfo>(control);
    header.destination = address_from(info.ipi6_addr);
    rebuilt.index = info.ipi6_ifindex;
  } else if (control->cmsg_type == IPV6_HOPLIMIT) {
    header.hop_limit = static_cast<std::uint8_t>(read_as<int>(control));
  } else if (control->cmsg_type == kFlowInfo) {
    const std::uint32_t flow = ntohl(read_as<std::uint32_t>(control));
    header.traffic_class = static_cast<std::uint8_t>(flow >> 20);
    header.flow_label = flow & 0xfffff;
  } else if (control->cmsg_type == kRecvFragSize) {
    rebuilt.fragmented = true;
  }
}

// `buffer` has room for a header and the largest message.
template <typename Deliver>
void receive_rebuilt(int fd, Bytes& buffer, std::uint8_t next_header, std::size_t limit,
                     const Deliver& deliver) {
  for (std::size_t i = 0; i < limit; ++i) {
    ByteSpan payload = ByteSpan(buffer).subspan(wire::Ipv6Header::kSize);
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
    const ssize_t size = recvmsg(fd, &message, 0);
    if (size < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) continue;
    wire::Ipv6Header header;
    header.payload_length = static_cast<std::uint16_t>(size);
    header.next_header = next_header;
    header.source = address_from(from.sin6_addr);
    Rebuilt rebuilt;
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each))
      read_control(each, header, rebuilt);
    Writer writer(ByteSpan(buffer).first(wire::Ipv6Header::kSize));
    header.emit(writer);
    rebuilt.packet =
        ByteView(buffer).first(wire::Ipv6Header::kSize + static_cast<std::size_t>(size));
    deliver(rebuilt);
  }
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
      tell_headers(fd.get());
  if (!ready) return fail(last_error("set up ICMPv6 socket"));
  AdvertisementSocket opened(std::move(fd), index);
  opened.buffer_.resize(wire::Ipv6Header::kSize + kLargestMessage);
  return opened;
}

void AdvertisementSocket::receive(std::size_t limit,
                                  const std::function<void(const Message&)>& deliver) {
  receive_rebuilt(fd(), buffer_, wire::kProtocolIcmpv6, limit,
                  [&](const Rebuilt& rebuilt) { deliver({rebuilt.packet, rebuilt.fragmented}); });
}

Attempt<EspSocket> EspSocket::open(const EspSelection& selection) {
  FileDescriptor fd(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ESP));
  if (!fd.ok()) return fail(last_error("open ESP socket"));
  EspSocket opened(std::move(fd));
  if (auto selected = opened.select(selection); !selected) return fail(selected.error());
  if (!tell_headers(opened.fd()) || !set(opened.fd(), IPPROTO_IPV6, kFlowInfo))
    return fail(last_error("set up ESP socket"));
  opened.buffer_.resize(wire::Ipv6Header::kSize + kLargestMessage);
  return opened;
}

Attempt<> EspSocket::select(const EspSelection& selection) {
  std::vector<sock_filter> filter = compile_filter(selection);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (setsockopt(fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0) return {};
  return fail(last_error("select ESP packets"));
}

void EspSocket::receive(std::size_t limit, const std::function<void(const Message&)>& deliver) {
  receive_rebuilt(fd(), buffer_, wire::kProtocolEsp, limit, [&](const Rebuilt& rebuilt) {
    deliver({rebuilt.index, rebuilt.packet, rebuilt.fragmented});
  });
}

Attempt<PolicedSocket> PolicedSocket::open() {
  FileDescriptor fd(
      socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, wire::kProtocolMobility));
  if (!fd.ok()) return fail(last_error("open Mobility Header socket"));
  PolicedSocket opened(std::move(fd));
  std::vector<sock_filter> filter = compile_handover_filter();
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (setsockopt(opened.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
      !tell_headers(opened.fd()))
    return fail(last_error("set up Mobility Header socket"));
  opened.buffer_.resize(wire::Ipv6Header::kSize + kLargestMessage);
  return opened;
}

void PolicedSocket::receive(std::size_t limit, const std::function<void(const Message&)>& deliver) {
  receive_rebuilt(fd(), buffer_, wire::kProtocolMobility, limit, [&](const Rebuilt& rebuilt) {
    deliver({rebuilt.index, rebuilt.packet, rebuilt.fragmented});
  });
}

namespace {

// `source`: of the packet; nothing leaves it to the kernel.
Attempt<> send_from(int fd, unsigned index, const Ipv6Address* source,
                    const Ipv6Address& destination, ByteView packet) {
  sockaddr_in6 to = socket_address(destination, destination.is_link_local() ? index : 0);
  iovec vector{const_cast<std::uint8_t*>(packet.data()), packet.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (index != 0 || source) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
    in6_pktinfo info{};
    info.ipi6_ifindex = index;
    if (source) std::memcpy(&info.ipi6_addr, source->octets().data(), Ipv6Address::kSize);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
  }
  if (sendmsg(fd, &message, 0) >= 0) return {};
  return fail(last_error("send to " + destination.text()));
}

}  // namespace

Attempt<> PolicedSocket::send(const Ipv6Address& source, const Ipv6Address& destination,
                              ByteView mobility_header) {
  return send_from(fd(), 0, &source, destination, mobility_header);
}

// A policy of the socket's own that blocks HI: one must not leave, a HAck must.
Attempt<> probe_mobility_types() {
  const FileDescriptor fd(
      socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, wire::kProtocolMobility));
  if (!fd.ok()) return fail(last_error("open Mobility Header socket"));
  constexpr auto kBlocked = static_cast<std::uint8_t>(wire::MobilityType::kHandoverInitiate);
  constexpr auto kFree = static_cast<std::uint8_t>(wire::MobilityType::kHandoverAcknowledge);
  xfrm_userpolicy_info policy{};
  policy.sel.family = AF_INET6;
  policy.sel.proto = wire::kProtocolMobility;
  policy.sel.sport = htons(kBlocked);
  policy.sel.sport_mask = 0xffff;
  policy.lft.soft_byte_limit = policy.lft.hard_byte_limit = XFRM_INF;
  policy.lft.soft_packet_limit = policy.lft.hard_packet_limit = XFRM_INF;
  policy.dir = XFRM_POLICY_OUT;
  policy.action = XFRM_POLICY_BLOCK;
  if (setsockopt(fd.get(), IPPROTO_IPV6, IPV6_XFRM_POLICY, &policy, sizeof policy) < 0)
    return fail(last_error("give a socket an IPsec policy"));
  const auto send_one = [&](std::uint8_t type) {
    std::array<std::uint8_t, 8> header{wire::kProtocolNoNext, 0, type};
    return send_from(fd.get(), 0, nullptr, Ipv6Address::literal("::1"), header);
  };
  if (auto sent = send_one(kFree); !sent)
    return fail(SystemError{sent.error().code, "try IPsec policies on the loopback interface"});
  if (const auto sent = send_one(kBlocked); sent || sent.error().code != EPERM)
    return fail(SystemError{
        0, "this kernel's IPsec does not see the types of Mobility Headers (CONFIG_IPV6_MIP6)"});
  return {};
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
  return send_from(fd_.get(), index, nullptr, destination, packet);
}

}  // namespace sendoff::net
