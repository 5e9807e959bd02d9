#include "net/packet_queue.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <cstring>

#include "net/netlink_attributes.h"

namespace sendoff::net {

namespace {

constexpr int kReceiveBuffer = 32 << 20;
constexpr std::uint32_t kWholePacket = 0xffff;
constexpr std::size_t kLongestMessage = 80'000;

LinkAddress frame_source(const Attributes& attributes) {
  const ByteView given = attributes.octets(NFQA_HWADDR);
  if (given.size() < sizeof(nfqnl_msg_packet_hw)) return {};
  nfqnl_msg_packet_hw hardware{};
  std::memcpy(&hardware, given.data(), sizeof hardware);
  const std::size_t size = ntohs(hardware.hw_addrlen);
  if (size > sizeof hardware.hw_addr) return {};
  return LinkAddress::from(ByteView(hardware.hw_addr).first(size)).value_or(LinkAddress{});
}

}  // namespace

Attempt<PacketQueue> PacketQueue::open(std::uint16_t number, std::uint32_t length) {
  auto socket = NetlinkSocket::open(0, NETLINK_NETFILTER);
  if (!socket) return fail(socket.error());
  PacketQueue queue(std::move(*socket), number);
  if (auto bound = queue.bind(length); !bound) return fail(bound.error());
  return queue;
}

Attempt<> PacketQueue::bind(std::uint32_t length) {
  nlmsghdr* message = request(NFQNL_MSG_CONFIG, NLM_F_ACK);
  const nfqnl_msg_config_cmd command{NFQNL_CFG_CMD_BIND, 0, htons(AF_INET6)};
  mnl_attr_put(message, NFQA_CFG_CMD, sizeof command, &command);
  if (auto bound = socket_.acknowledge(message, "bind netfilter queue"); !bound) return bound;
  message = request(NFQNL_MSG_CONFIG, NLM_F_ACK);
  const nfqnl_msg_config_params whole{htonl(kWholePacket), NFQNL_COPY_PACKET};
  mnl_attr_put(message, NFQA_CFG_PARAMS, sizeof whole, &whole);
  mnl_attr_put_u32(message, NFQA_CFG_QUEUE_MAXLEN, htonl(length));
  if (auto sized = socket_.acknowledge(message, "set up netfilter queue"); !sized) return sized;
  const int on = 1;
  (void)setsockopt(fd(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  if (setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) < 0)
    (void)setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (fcntl(fd(), F_SETFL, O_NONBLOCK) < 0) return fail(last_error("netfilter queue"));
  return {};
}

nlmsghdr* PacketQueue::request(std::uint8_t type, std::uint16_t flags) {
  nfgenmsg header{};
  header.nfgen_family = AF_UNSPEC;
  header.version = NFNETLINK_V0;
  header.res_id = htons(number_);
  return socket_.request(nf_type(NFNL_SUBSYS_QUEUE, type), flags, header);
}

bool PacketQueue::receive(std::size_t limit, const std::function<void(const Packet&)>& deliver) {
  buffer_.resize(kLongestMessage);
  receiving_ = true;
  bool more = true;
  for (std::size_t i = 0; i < limit; ++i) {
    const ssize_t size = recv(fd(), buffer_.data(), buffer_.size(), 0);
    more = size >= 0;
    if (!more) break;
    int left = static_cast<int>(size);
    for (const auto* each = reinterpret_cast<const nlmsghdr*>(buffer_.data());
         mnl_nlmsg_ok(each, left); each = mnl_nlmsg_next(each, &left)) {
      if (each->nlmsg_type != nf_type(NFNL_SUBSYS_QUEUE, NFQNL_MSG_PACKET) ||
          !header_of<nfgenmsg>(each))
        continue;
      const Attributes attributes(each, sizeof(nfgenmsg));
      const ByteView header = attributes.octets(NFQA_PACKET_HDR);
      if (header.size() < sizeof(nfqnl_msg_packet_hdr)) continue;
      nfqnl_msg_packet_hdr told{};
      std::memcpy(&told, header.data(), sizeof told);
      Packet packet;
      packet.id = ntohl(told.packet_id);
      packet.outgoing = told.hook == NF_INET_POST_ROUTING;
      packet.index = ntohl(
          attributes.u32(packet.outgoing ? NFQA_IFINDEX_OUTDEV : NFQA_IFINDEX_INDEV).value_or(0));
      packet.source = frame_source(attributes);
      packet.octets = attributes.octets(NFQA_PAYLOAD);
      deliver(packet);
    }
  }
  receiving_ = false;
  send_drops();
  return more;
}

void PacketQueue::accept(std::uint32_t id) { judge(id, NF_ACCEPT, {}); }
void PacketQueue::replace(std::uint32_t id, ByteView octets) {
  judge(id, octets.empty() || octets.size() > kLargest ? NF_DROP : NF_ACCEPT, octets);
}
void PacketQueue::drop(std::uint32_t id) { judge(id, NF_DROP, {}); }

// A verdict that the kernel does not take concerns a packet that is gone.
void PacketQueue::judge(std::uint32_t id, std::uint32_t verdict, ByteView octets) {
  nlmsghdr* message = request(NFQNL_MSG_VERDICT, 0);
  const nfqnl_msg_verdict_hdr header{htonl(verdict), htonl(id)};
  mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof header, &header);
  if (verdict == NF_ACCEPT && !octets.empty())
    mnl_attr_put(message, NFQA_PAYLOAD, octets.size(), octets.data());
  if (verdict == NF_DROP && receiving_) {
    const auto* octets_of = reinterpret_cast<const std::uint8_t*>(message);
    drops_.insert(drops_.end(), octets_of, octets_of + NLMSG_ALIGN(message->nlmsg_len));
    return;
  }
  (void)::send(fd(), message, message->nlmsg_len, 0);
}

void PacketQueue::send_drops() {
  if (!drops_.empty()) (void)::send(fd(), drops_.data(), drops_.size(), 0);
  drops_.clear();
}

}  // namespace sendoff::net
