#include "datapath/queue_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "net/netlink_attributes.h"
#include "wire/ipv6.h"

namespace sendoff::datapath {

namespace {

using net::Attributes;
using net::header_of;
using net::last_error;
using net::NetlinkSocket;
using net::SystemError;

constexpr std::uint16_t kQueue = 5269;
constexpr std::uint32_t kQueueLength = 16384;
constexpr int kReceiveBuffer = 32 << 20;
constexpr std::uint32_t kWholePacket = 0xffff;
constexpr std::size_t kLongest = 80'000;
constexpr std::size_t kAlignment = NLMSG_ALIGNTO;
constexpr const char* kChain = "diverted";
constexpr int kPriority = -150;  // of mangle
// struct xt_NFQ_info of the target's revision 0: the queue's number.
constexpr std::uint32_t kTargetRevision = 0;

std::uint16_t type_of(std::uint8_t subsystem, std::uint8_t message) {
  return static_cast<std::uint16_t>(subsystem << 8 | message);
}

// Messages one behind the other: nf_tables takes all of them or none.
class Batch {
 public:
  explicit Batch(std::string table) : table_(std::move(table)) {
    put(NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES, AF_UNSPEC);
  }
  nlmsghdr* add(std::uint8_t type, std::uint16_t flags, std::uint16_t table_attribute) {
    nlmsghdr* message =
        put(type_of(NFNL_SUBSYS_NFTABLES, type),
            static_cast<std::uint16_t>(NLM_F_CREATE | NLM_F_ACK | flags), 0, NFPROTO_IPV6);
    mnl_attr_put_strz(message, table_attribute, table_.c_str());
    ++answers_;
    return message;
  }
  [[nodiscard]] Attempt<> send(NetlinkSocket& socket) {
    put(NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES, AF_UNSPEC);
    finish();
    if (::send(socket.fd(), buffer_.data(), used_, 0) < 0)
      return fail(last_error("send to nf_tables"));
    NetlinkSocket::Buffer answers;
    while (answers_ > 0) {
      const ssize_t size = socket.receive(answers);
      if (size < 0) return fail(last_error("ask nf_tables"));
      int left = static_cast<int>(size);
      for (const auto* each = reinterpret_cast<const nlmsghdr*>(answers.data());
           mnl_nlmsg_ok(each, left); each = mnl_nlmsg_next(each, &left)) {
        if (each->nlmsg_type != NLMSG_ERROR) continue;
        const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(each));
        if (error->error != 0)
          return fail(SystemError{-error->error, "divert packets by nf_tables"});
        --answers_;
      }
    }
    return {};
  }

 private:
  nlmsghdr* put(std::uint16_t type, std::uint16_t flags, std::uint16_t resource,
                std::uint8_t family) {
    finish();
    current_ = mnl_nlmsg_put_header(buffer_.data() + used_);
    current_->nlmsg_type = type;
    current_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    current_->nlmsg_seq = ++sequence_;
    auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(current_, sizeof(nfgenmsg)));
    header->nfgen_family = family;
    header->version = NFNETLINK_V0;
    header->res_id = htons(resource);
    return current_;
  }
  void finish() {
    if (current_) used_ += (current_->nlmsg_len + kAlignment - 1) / kAlignment * kAlignment;
    current_ = nullptr;
  }

  std::string table_;
  NetlinkSocket::Buffer buffer_;
  std::size_t used_ = 0;
  nlmsghdr* current_ = nullptr;
  std::uint32_t sequence_ = 0;
  int answers_ = 0;
};

void put_number(nlmsghdr* message, std::uint16_t type, std::uint32_t number) {
  mnl_attr_put_u32(message, type, htonl(number));
}

// One expression of a rule; `fill` puts its attributes.
template <typename Fill>
void put_expression(nlmsghdr* message, const char* name, const Fill& fill) {
  nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
  nlattr* data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
  fill();
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, element);
}

// oif INDEX queue num kQueue, natively or by the target of xtables.
void put_rule(nlmsghdr* rule, unsigned index, bool native) {
  mnl_attr_put_strz(rule, NFTA_RULE_CHAIN, kChain);
  nlattr* expressions = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
  put_expression(rule, "meta", [&] {
    put_number(rule, NFTA_META_DREG, NFT_REG_1);
    put_number(rule, NFTA_META_KEY, NFT_META_OIF);
  });
  put_expression(rule, "cmp", [&] {
    put_number(rule, NFTA_CMP_SREG, NFT_REG_1);
    put_number(rule, NFTA_CMP_OP, NFT_CMP_EQ);
    nlattr* value = mnl_attr_nest_start(rule, NFTA_CMP_DATA);
    mnl_attr_put_u32(rule, NFTA_DATA_VALUE, index);
    mnl_attr_nest_end(rule, value);
  });
  if (native) {
    put_expression(rule, "queue", [&] {
      mnl_attr_put_u16(rule, NFTA_QUEUE_NUM, htons(kQueue));
      mnl_attr_put_u16(rule, NFTA_QUEUE_TOTAL, htons(1));
    });
  } else {
    put_expression(rule, "target", [&] {
      // The xtables ABI pads what a target is told to eight octets.
      std::array<std::uint16_t, 4> information{kQueue};
      mnl_attr_put_strz(rule, NFTA_TARGET_NAME, "NFQUEUE");
      put_number(rule, NFTA_TARGET_REV, kTargetRevision);
      mnl_attr_put(rule, NFTA_TARGET_INFO, sizeof information, information.data());
    });
  }
  mnl_attr_nest_end(rule, expressions);
}

// The table lives as long as the socket.
Attempt<NetlinkSocket> make_table(unsigned index, bool native) {
  auto socket = NetlinkSocket::open(0, NETLINK_NETFILTER);
  if (!socket) return socket;
  Batch batch("sendoff-datapath-" + std::to_string(getpid()));
  nlmsghdr* table = batch.add(NFT_MSG_NEWTABLE, 0, NFTA_TABLE_NAME);
  put_number(table, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  nlmsghdr* chain = batch.add(NFT_MSG_NEWCHAIN, 0, NFTA_CHAIN_TABLE);
  mnl_attr_put_strz(chain, NFTA_CHAIN_NAME, kChain);
  nlattr* hook = mnl_attr_nest_start(chain, NFTA_CHAIN_HOOK);
  put_number(chain, NFTA_HOOK_HOOKNUM, NF_INET_POST_ROUTING);
  put_number(chain, NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(kPriority));
  mnl_attr_nest_end(chain, hook);
  mnl_attr_put_strz(chain, NFTA_CHAIN_TYPE, "filter");
  put_rule(batch.add(NFT_MSG_NEWRULE, NLM_F_APPEND, NFTA_RULE_TABLE), index, native);
  if (auto made = batch.send(*socket); !made) return fail(made.error());
  return socket;
}

nlmsghdr* queue_request(NetlinkSocket& socket, std::uint8_t type, std::uint16_t flags) {
  nfgenmsg header{};
  header.nfgen_family = AF_UNSPEC;
  header.version = NFNETLINK_V0;
  header.res_id = htons(kQueue);
  return socket.request(type_of(NFNL_SUBSYS_QUEUE, type), flags, header);
}

Attempt<> bind_queue(NetlinkSocket& socket) {
  nlmsghdr* bind = queue_request(socket, NFQNL_MSG_CONFIG, NLM_F_ACK);
  const nfqnl_msg_config_cmd command{NFQNL_CFG_CMD_BIND, 0, htons(AF_INET6)};
  mnl_attr_put(bind, NFQA_CFG_CMD, sizeof command, &command);
  if (auto bound = socket.acknowledge(bind, "bind netfilter queue"); !bound) return bound;
  nlmsghdr* size = queue_request(socket, NFQNL_MSG_CONFIG, NLM_F_ACK);
  const nfqnl_msg_config_params whole{htonl(kWholePacket), NFQNL_COPY_PACKET};
  mnl_attr_put(size, NFQA_CFG_PARAMS, sizeof whole, &whole);
  put_number(size, NFQA_CFG_QUEUE_MAXLEN, kQueueLength);
  if (auto sized = socket.acknowledge(size, "set up netfilter queue"); !sized) return sized;
  const int on = 1;
  (void)setsockopt(socket.fd(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  if (setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) <
      0)
    (void)setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (fcntl(socket.fd(), F_SETFL, O_NONBLOCK) < 0) return fail(last_error("netfilter queue"));
  return {};
}

}  // namespace

Attempt<std::unique_ptr<QueuePort>> QueuePort::open(Kernel& kernel, bool forwards) {
  auto queue = NetlinkSocket::open(0, NETLINK_NETFILTER);
  if (!queue) return fail(queue.error());
  if (auto bound = bind_queue(*queue); !bound) return fail(bound.error());
  auto sender = net::RoutedSender::open();
  if (!sender) return fail(sender.error());
  auto index = kernel.make_wire("sendoffq");
  if (!index) return fail(index.error());
  auto table = make_table(*index, true);
  if (!table) table = make_table(*index, false);
  if (!table) return fail(table.error());
  return std::unique_ptr<QueuePort>(
      new QueuePort(std::move(*table), std::move(*queue), std::move(*sender), *index, forwards));
}

// The verdict comes first: what is delivered may close the queue's buffer.
bool QueuePort::receive(std::size_t limit, const std::function<void(ByteView)>& deliver) {
  buffer_.resize(kLongest);
  for (std::size_t i = 0; i < limit; ++i) {
    const ssize_t size = recv(queue_.fd(), buffer_.data(), buffer_.size(), 0);
    if (size < 0) return false;
    int left = static_cast<int>(size);
    for (const auto* each = reinterpret_cast<const nlmsghdr*>(buffer_.data());
         mnl_nlmsg_ok(each, left); each = mnl_nlmsg_next(each, &left)) {
      if (each->nlmsg_type != type_of(NFNL_SUBSYS_QUEUE, NFQNL_MSG_PACKET) ||
          !header_of<nfgenmsg>(each))
        continue;
      const Attributes attributes(each, sizeof(nfgenmsg));
      const ByteView packet_header = attributes.octets(NFQA_PACKET_HDR);
      if (packet_header.size() < sizeof(nfqnl_msg_packet_hdr)) continue;
      nfqnl_msg_verdict_hdr verdict{};
      verdict.verdict = htonl(NF_DROP);
      std::memcpy(&verdict.id, packet_header.data(), sizeof verdict.id);
      nlmsghdr* message = queue_request(queue_, NFQNL_MSG_VERDICT, 0);
      mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof verdict, &verdict);
      (void)::send(queue_.fd(), message, message->nlmsg_len, 0);
      deliver(attributes.octets(NFQA_PAYLOAD));
    }
  }
  return true;
}

bool QueuePort::send(ByteView packet) {
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header) return false;
  if (!forwards_) return sender_.send_through(0, header->destination, packet).has_value();
  // A raw socket sends as the host's own: nobody else counts the hop.
  constexpr std::size_t kHopLimitAt = 7;
  Bytes forwarded = to_bytes(packet);
  if (header->hop_limit <= 1) return false;
  --forwarded[kHopLimitAt];
  return sender_.send_through(0, header->destination, forwarded).has_value();
}

}  // namespace sendoff::datapath
