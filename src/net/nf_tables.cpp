#include "net/nf_tables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <utility>

#include "net/netlink_attributes.h"

namespace sendoff::net {

namespace {

constexpr std::size_t kAlignment = NLMSG_ALIGNTO;
constexpr std::size_t kLargestRule = 1024;
constexpr int kPriority = -150;  // of mangle
// struct xt_NFQ_info_v3: the queue's number, how many there are, flags.
constexpr std::uint32_t kTargetRevision = 3;
constexpr std::uint16_t kTargetBypass = 1;
// The types of nft(8) for what a set's key is made of, so that it can print it.
constexpr std::uint32_t kTypeIpv6Address = 8;
constexpr std::uint32_t kTypeInterfaceName = 41;
constexpr std::uint32_t kBitsOfType = 6;
constexpr std::uint32_t kSourceOffset = 8;  // in the IPv6 header

void put_number(nlmsghdr* message, std::uint16_t type, std::uint32_t number) {
  mnl_attr_put_u32(message, type, htonl(number));
}

// One expression, as attribute `type`; `fill` puts its own.
template <typename Fill>
void put_expression(nlmsghdr* message, std::uint16_t type, const char* name, const Fill& fill) {
  nlattr* element = mnl_attr_nest_start(message, type);
  mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
  nlattr* data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
  fill();
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, element);
}

// The next one of a rule.
template <typename Fill>
void put_expression(nlmsghdr* rule, const char* name, const Fill& fill) {
  put_expression(rule, NFTA_LIST_ELEM, name, fill);
}

using InterfaceName = std::array<std::uint8_t, IFNAMSIZ>;

InterfaceName padded(std::string_view interface) {
  InterfaceName name{};
  invariant(interface.size() < name.size());
  std::ranges::copy(interface, name.begin());
  return name;
}

// As the registers have it: each part begins a register of 16 octets.
using NeighbourKey = std::array<std::uint8_t, Ipv6Address::kSize + IFNAMSIZ>;

NeighbourKey neighbour_key(const Ipv6Address& source, std::string_view interface) {
  NeighbourKey key{};
  std::ranges::copy(source.octets(), key.begin());
  std::ranges::copy(padded(interface), key.begin() + Ipv6Address::kSize);
  return key;
}

}  // namespace

NfBatch::NfBatch(std::string table) : table_(std::move(table)) {
  put(NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES, AF_UNSPEC);
}

void NfBatch::add_table(NfLife life) {
  nlmsghdr* table = add(NFT_MSG_NEWTABLE, 0, NFTA_TABLE_NAME);
  if (life == NfLife::kProcess) put_number(table, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
}

void NfBatch::remove_table() { add(NFT_MSG_DELTABLE, 0, NFTA_TABLE_NAME); }

void NfBatch::add_chain(const std::string& chain, NfHook hook) {
  nlmsghdr* message = add(NFT_MSG_NEWCHAIN, 0, NFTA_CHAIN_TABLE);
  mnl_attr_put_strz(message, NFTA_CHAIN_NAME, chain.c_str());
  nlattr* place = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
  put_number(message, NFTA_HOOK_HOOKNUM,
             hook == NfHook::kInput ? NF_INET_LOCAL_IN : NF_INET_POST_ROUTING);
  put_number(message, NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(kPriority));
  mnl_attr_nest_end(message, place);
  mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
}

void NfBatch::add_set(const NfNeighbourSet& set) {
  nlmsghdr* message = add(NFT_MSG_NEWSET, 0, NFTA_SET_TABLE);
  mnl_attr_put_strz(message, NFTA_SET_NAME, set.name.c_str());
  put_number(message, NFTA_SET_ID, sequence_);
  put_number(message, NFTA_SET_FLAGS, set.rate > 0 ? NFT_SET_EXPR : 0);
  put_number(message, NFTA_SET_KEY_TYPE, kTypeIpv6Address << kBitsOfType | kTypeInterfaceName);
  put_number(message, NFTA_SET_KEY_LEN, std::tuple_size_v<NeighbourKey>);
  nlattr* description = mnl_attr_nest_start(message, NFTA_SET_DESC);
  put_number(message, NFTA_SET_DESC_SIZE, set.max_entries);
  mnl_attr_nest_end(message, description);
  if (set.rate == 0) return;
  constexpr std::uint64_t kPerSecond = 1;
  put_expression(message, NFTA_SET_EXPR, "limit", [&] {
    mnl_attr_put_u64(message, NFTA_LIMIT_RATE, htobe64(set.rate));
    mnl_attr_put_u64(message, NFTA_LIMIT_UNIT, htobe64(kPerSecond));
    put_number(message, NFTA_LIMIT_BURST, set.burst);
    put_number(message, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
  });
}

void NfBatch::add_to_set(const std::string& set, const Ipv6Address& source,
                         std::string_view interface) {
  change_set(NFT_MSG_NEWSETELEM, set, source, interface);
}

void NfBatch::remove_from_set(const std::string& set, const Ipv6Address& source,
                              std::string_view interface) {
  change_set(NFT_MSG_DELSETELEM, set, source, interface);
}

void NfBatch::change_set(std::uint8_t type, const std::string& set, const Ipv6Address& source,
                         std::string_view interface) {
  nlmsghdr* message = add(type, 0, NFTA_SET_ELEM_LIST_TABLE);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
  nlattr* elements = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
  nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  nlattr* key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
  const NeighbourKey value = neighbour_key(source, interface);
  mnl_attr_put(message, NFTA_DATA_VALUE, value.size(), value.data());
  mnl_attr_nest_end(message, key);
  mnl_attr_nest_end(message, element);
  mnl_attr_nest_end(message, elements);
}

void NfBatch::begin_rule(const std::string& chain) {
  nlmsghdr* rule = add(NFT_MSG_NEWRULE, NLM_F_APPEND, NFTA_RULE_TABLE);
  mnl_attr_put_strz(rule, NFTA_RULE_CHAIN, chain.c_str());
  expressions_ = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
}

void NfBatch::end_rule() { mnl_attr_nest_end(current_, std::exchange(expressions_, nullptr)); }

void NfBatch::if_in(std::string_view interface) {
  load(NFT_META_IIFNAME, NFT_REG_1);
  compare(NFT_CMP_EQ, padded(interface));
}

void NfBatch::if_out(std::string_view interface) {
  load(NFT_META_OIFNAME, NFT_REG_1);
  compare(NFT_CMP_EQ, padded(interface));
}

void NfBatch::if_out(unsigned index) {
  load(NFT_META_OIF, NFT_REG_1);
  compare(NFT_CMP_EQ, ByteView(reinterpret_cast<const std::uint8_t*>(&index), sizeof index));
}

void NfBatch::if_protocol(std::uint8_t protocol) {
  load(NFT_META_L4PROTO, NFT_REG_1);
  compare(NFT_CMP_EQ, ByteView(&protocol, 1));
}

void NfBatch::if_neighbour_in(const std::string& set) {
  read(NFT_PAYLOAD_NETWORK_HEADER, kSourceOffset, Ipv6Address::kSize);
  load(NFT_META_IIFNAME, NFT_REG_2);
  put_expression(current_, "lookup", [&] {
    mnl_attr_put_strz(current_, NFTA_LOOKUP_SET, set.c_str());
    put_number(current_, NFTA_LOOKUP_SREG, NFT_REG_1);
  });
}

void NfBatch::if_octet_within(std::uint32_t offset, std::uint8_t first, std::uint8_t last) {
  read(NFT_PAYLOAD_TRANSPORT_HEADER, offset, 1);
  compare(NFT_CMP_GTE, ByteView(&first, 1));
  compare(NFT_CMP_LTE, ByteView(&last, 1));
}

void NfBatch::to_queue(const NfQueueTarget& target) {
  if (target.native) {
    put_expression(current_, "queue", [&] {
      mnl_attr_put_u16(current_, NFTA_QUEUE_NUM, htons(target.number));
      mnl_attr_put_u16(current_, NFTA_QUEUE_TOTAL, htons(1));
      mnl_attr_put_u16(current_, NFTA_QUEUE_FLAGS,
                       htons(target.bypass ? NFT_QUEUE_FLAG_BYPASS : 0));
    });
    return;
  }
  put_expression(current_, "target", [&] {
    // The xtables ABI pads what a target is told to eight octets.
    const std::array<std::uint16_t, 4> information{
        target.number, 1, target.bypass ? kTargetBypass : std::uint16_t{0}, 0};
    mnl_attr_put_strz(current_, NFTA_TARGET_NAME, "NFQUEUE");
    put_number(current_, NFTA_TARGET_REV, kTargetRevision);
    mnl_attr_put(current_, NFTA_TARGET_INFO, sizeof information, information.data());
  });
}

Attempt<> NfBatch::send(NetlinkSocket& socket, const std::string& what) {
  put(NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES, AF_UNSPEC);
  finish();
  if (::send(socket.fd(), buffer_.data(), used_, 0) < 0) return fail(last_error(what));
  NetlinkSocket::Buffer answers;
  while (answers_ > 0) {
    const ssize_t size = socket.receive(answers);
    if (size < 0) return fail(last_error(what));
    int left = static_cast<int>(size);
    for (const auto* each = reinterpret_cast<const nlmsghdr*>(answers.data());
         mnl_nlmsg_ok(each, left); each = mnl_nlmsg_next(each, &left)) {
      if (each->nlmsg_type != NLMSG_ERROR) continue;
      const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(each));
      if (error->error != 0) return fail(SystemError{-error->error, what});
      --answers_;
    }
  }
  return {};
}

nlmsghdr* NfBatch::add(std::uint8_t type, std::uint16_t flags, std::uint16_t table_attribute) {
  nlmsghdr* message =
      put(nf_type(NFNL_SUBSYS_NFTABLES, type),
          static_cast<std::uint16_t>(NLM_F_CREATE | NLM_F_ACK | flags), 0, NFPROTO_IPV6);
  mnl_attr_put_strz(message, table_attribute, table_.c_str());
  ++answers_;
  return message;
}

nlmsghdr* NfBatch::put(std::uint16_t type, std::uint16_t flags, std::uint16_t resource,
                       std::uint8_t family) {
  finish();
  invariant(used_ + kLargestRule <= buffer_.size());
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

// Octets of the packet into the first register.
void NfBatch::read(std::uint32_t header, std::uint32_t offset, std::uint32_t size) {
  put_expression(current_, "payload", [&] {
    put_number(current_, NFTA_PAYLOAD_DREG, NFT_REG_1);
    put_number(current_, NFTA_PAYLOAD_BASE, header);
    put_number(current_, NFTA_PAYLOAD_OFFSET, offset);
    put_number(current_, NFTA_PAYLOAD_LEN, size);
  });
}

// One of NFT_META_* into a register; comparisons look at the first.
void NfBatch::load(std::uint32_t key, std::uint32_t where) {
  put_expression(current_, "meta", [&] {
    put_number(current_, NFTA_META_DREG, where);
    put_number(current_, NFTA_META_KEY, key);
  });
}

void NfBatch::compare(std::uint32_t operation, ByteView value) {
  put_expression(current_, "cmp", [&] {
    put_number(current_, NFTA_CMP_SREG, NFT_REG_1);
    put_number(current_, NFTA_CMP_OP, operation);
    nlattr* data = mnl_attr_nest_start(current_, NFTA_CMP_DATA);
    mnl_attr_put(current_, NFTA_DATA_VALUE, value.size(), value.data());
    mnl_attr_nest_end(current_, data);
  });
}

void NfBatch::finish() {
  if (current_) used_ += (current_->nlmsg_len + kAlignment - 1) / kAlignment * kAlignment;
  current_ = nullptr;
}

}  // namespace sendoff::net
