#include "net/kernel_ipsec.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>

#include "net/netlink_attributes.h"
#include "net/netlink_socket.h"
#include "net/raw_socket.h"

namespace sendoff::net {

namespace {

constexpr std::string_view kPolicyLine = "ipsec-policy ";
constexpr std::uint32_t kProbedSpi = 0x5e4d0ff0;
constexpr std::size_t kKeyOctets = 32;

std::optional<IpsecPolicy> parse_policy(const nlmsghdr* message) {
  const auto* info = header_of<xfrm_userpolicy_info>(message);
  if (message->nlmsg_type != XFRM_MSG_NEWPOLICY || info == nullptr) return std::nullopt;
  const Attributes attributes(message, sizeof *info);
  const ByteView type = attributes.octets(XFRMA_POLICY_TYPE);
  if (!type.empty() && type[0] != XFRM_POLICY_TYPE_MAIN) return std::nullopt;
  IpsecPolicy policy{*info, {}, attributes.nest(XFRMA_MARK) || attributes.nest(XFRMA_IF_ID)};
  ByteView templates = attributes.octets(XFRMA_TMPL);
  for (; templates.size() >= sizeof(xfrm_user_tmpl);
       templates = templates.subspan(sizeof(xfrm_user_tmpl)))
    std::memcpy(&policy.templates.emplace_back(), templates.data(), sizeof(xfrm_user_tmpl));
  return policy;
}

std::optional<IpsecAssociation> parse_association(const nlmsghdr* message) {
  const auto* info = header_of<xfrm_usersa_info>(message);
  if (message->nlmsg_type != XFRM_MSG_NEWSA || info == nullptr) return std::nullopt;
  const Attributes attributes(message, sizeof *info);
  bool integrity = attributes.nest(XFRMA_ALG_AEAD) != nullptr;
  // The name of the algorithm comes first in either kind.
  for (const std::uint16_t kind : {XFRMA_ALG_AUTH, XFRMA_ALG_AUTH_TRUNC})
    if (attributes.nest(kind)) integrity = integrity || attributes.text(kind) != "digest_null";
  return IpsecAssociation{*info, integrity};
}

Ipv6Address address_of(const xfrm_address_t& address) {
  return Ipv6Address::from(
      ByteView(reinterpret_cast<const std::uint8_t*>(&address), Ipv6Address::kSize));
}

// "ipsec-policy out 14 FROM TO"; type 0 stands for none.
std::string line_of(const IpsecPolicy& policy) {
  const xfrm_selector& selector = policy.info.sel;
  return std::string(kPolicyLine) + (policy.info.dir == XFRM_POLICY_OUT ? "out " : "in ") +
         std::to_string(ntohs(selector.sport)) + " " + address_of(selector.saddr).text() + " " +
         address_of(selector.daddr).text();
}

// Requests of one socket.
class Requests {
 public:
  static Attempt<Requests> open() {
    auto socket = NetlinkSocket::open(0, NETLINK_XFRM);
    if (!socket) return fail(SystemError{socket.error().code, "this kernel has no IPsec (XFRM)"});
    return Requests(std::move(*socket));
  }

  Attempt<std::vector<IpsecPolicy>> policies() {
    return socket_.dump(socket_.request(XFRM_MSG_GETPOLICY, NLM_F_DUMP, xfrm_userpolicy_id{}),
                        "list IPsec policies", parse_policy);
  }
  Attempt<std::vector<IpsecAssociation>> associations() {
    auto found = socket_.dump(socket_.request(XFRM_MSG_GETSA, NLM_F_DUMP, xfrm_usersa_id{}),
                              "list IPsec associations", parse_association);
    socket_.wipe();  // their keys
    return found;
  }
  // False: there is one already.
  Attempt<bool> add(const IpsecPolicy& policy) {
    nlmsghdr* message =
        socket_.request(XFRM_MSG_NEWPOLICY, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, policy.info);
    mnl_attr_put(message, XFRMA_TMPL, policy.templates.size() * sizeof(xfrm_user_tmpl),
                 policy.templates.data());
    const auto added = socket_.acknowledge(message, "install an IPsec policy");
    if (!added && added.error().code == EEXIST) return false;
    if (!added) return fail(added.error());
    return true;
  }
  Attempt<> remove(const IpsecPolicy& policy) {
    xfrm_userpolicy_id id{};
    id.sel = policy.info.sel;
    id.dir = policy.info.dir;
    return socket_.acknowledge(socket_.request(XFRM_MSG_DELPOLICY, NLM_F_ACK, id),
                               "remove an IPsec policy", ENOENT);
  }
  // Adds an association that nothing uses, between addresses that lead nowhere (RFC 6666), and
  // takes it away again.
  Attempt<> probe_esp() {
    xfrm_usersa_info info{};
    const Ipv6Address nowhere = Ipv6Address::literal("100::1");
    info.sel.family = info.family = AF_INET6;
    std::memcpy(&info.saddr, nowhere.octets().data(), Ipv6Address::kSize);
    std::memcpy(&info.id.daddr, nowhere.octets().data(), Ipv6Address::kSize);
    info.id.spi = htonl(kProbedSpi);
    info.id.proto = IPPROTO_ESP;
    info.mode = XFRM_MODE_TRANSPORT;
    info.lft.soft_byte_limit = info.lft.hard_byte_limit = XFRM_INF;
    info.lft.soft_packet_limit = info.lft.hard_packet_limit = XFRM_INF;
    nlmsghdr* message = socket_.request(XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE, info);
    xfrm_algo none{};
    copy_name("ecb(cipher_null)", none.alg_name);
    mnl_attr_put(message, XFRMA_ALG_CRYPT, sizeof none, &none);
    xfrm_algo_auth algorithm{};
    copy_name("hmac(sha256)", algorithm.alg_name);
    algorithm.alg_key_len = 8 * kKeyOctets;
    algorithm.alg_trunc_len = 128;
    std::array<std::uint8_t, sizeof algorithm + kKeyOctets> integrity{};
    std::memcpy(integrity.data(), &algorithm, sizeof algorithm);
    mnl_attr_put(message, XFRMA_ALG_AUTH_TRUNC, integrity.size(), integrity.data());
    if (auto added = socket_.acknowledge(message, "this kernel has no ESP for IPv6 (module esp6)");
        !added)
      return added;
    xfrm_usersa_id id{};
    id.daddr = info.id.daddr;
    id.spi = info.id.spi;
    id.family = AF_INET6;
    id.proto = IPPROTO_ESP;
    return socket_.acknowledge(socket_.request(XFRM_MSG_DELSA, NLM_F_ACK, id),
                               "remove the association that was tried");
  }

 private:
  template <std::size_t Size>
  static void copy_name(std::string_view name, char (&to)[Size]) {
    std::memcpy(to, name.data(), std::min(name.size(), Size - 1));
  }
  explicit Requests(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace

struct KernelIpsec::State {
  State(Requests for_requests, NetlinkSocket for_events)
      : requests(std::move(for_requests)), events(std::move(for_events)) {}

  // What is to be read from `events` is of no interest but that it is there.
  bool heard() {
    bool anything = false;
    while (true) {
      const ssize_t size = events.receive(buffer);
      if (size < 0 && errno != ENOBUFS && errno != EINTR) break;
      anything = true;
    }
    if (anything) explicit_bzero(buffer.data(), buffer.size());  // keys of associations
    return anything;
  }

  void examine() {
    const auto policies = requests.policies();
    const auto associations = requests.associations();
    for (Verdict& verdict : verdicts) {
      std::string lacks;
      if (!policies)
        lacks = policies.error().text();
      else if (!associations)
        lacks = associations.error().text();
      else
        lacks = find_gap(verdict.pair, *policies, *associations);
      if (lacks == verdict.lacks) continue;
      verdict.lacks = std::move(lacks);
      if (changed) changed(verdict);
    }
  }

  Requests requests;
  NetlinkSocket events;
  NetlinkSocket::Buffer buffer{};
  std::vector<Verdict> verdicts;
  std::vector<IpsecPolicy> installed;
  std::function<void(const Verdict&)> changed;
};

KernelIpsec::KernelIpsec(std::unique_ptr<State> state) : state_(std::move(state)) {}
KernelIpsec::~KernelIpsec() = default;

Attempt<std::unique_ptr<KernelIpsec>> KernelIpsec::open() {
  if (auto probed = probe_ipsec(); !probed) return fail(probed.error());
  auto requests = Requests::open();
  if (!requests) return fail(requests.error());
  auto events = NetlinkSocket::open(XFRMGRP_POLICY | XFRMGRP_SA, NETLINK_XFRM);
  if (!events) return fail(events.error());
  if (fcntl(events->fd(), F_SETFL, O_NONBLOCK) < 0) return fail(last_error("XFRM socket"));
  auto state = std::make_unique<State>(std::move(*requests), std::move(*events));
  return std::unique_ptr<KernelIpsec>(new KernelIpsec(std::move(state)));
}

Attempt<> KernelIpsec::select(std::vector<ProtectedPair> pairs, UndoJournal& journal) {
  Attempt<> result;
  std::vector<IpsecPolicy> wanted;
  for (const ProtectedPair& pair : pairs)
    if (pair.install)
      for (IpsecPolicy& policy : policies_for(pair)) wanted.push_back(std::move(policy));
  // All anew: a reqid may be another one. What stood before blocks nothing in between, since no HI
  // is sent or taken before the verdicts below.
  state_->verdicts.clear();
  for (const IpsecPolicy& policy : state_->installed) {
    if (auto removed = state_->requests.remove(policy); !removed) result = removed;
    journal.strike(line_of(policy));
  }
  state_->installed.clear();
  for (IpsecPolicy& policy : wanted) {
    if (auto noted = journal.note(line_of(policy)); !noted) return noted;
    const auto added = state_->requests.add(policy);
    if (!added) return fail(added.error());
    if (*added)
      state_->installed.push_back(std::move(policy));
    else
      journal.strike(line_of(policy));
  }
  for (ProtectedPair& pair : pairs)
    state_->verdicts.push_back({std::move(pair), "the kernel's policies have not been read"});
  (void)state_->heard();
  state_->examine();
  return result;
}

int KernelIpsec::event_fd() const { return state_->events.fd(); }

void KernelIpsec::refresh() {
  if (state_->heard()) state_->examine();
}

const std::vector<KernelIpsec::Verdict>& KernelIpsec::verdicts() const { return state_->verdicts; }

bool KernelIpsec::stands(const Ipv6Address& peer, const Ipv6Address& local) const {
  for (const Verdict& verdict : state_->verdicts)
    if (verdict.pair.peer == peer && verdict.pair.local == local) return verdict.lacks.empty();
  return false;
}

void KernelIpsec::on_change(std::function<void(const Verdict&)> changed) {
  state_->changed = std::move(changed);
}

bool undo_policy(const std::string& line) {
  if (!line.starts_with(kPolicyLine)) return false;
  std::istringstream words(line.substr(kPolicyLine.size()));
  std::string direction;
  std::string type;
  std::string source;
  std::string destination;
  words >> direction >> type >> source >> destination;
  const auto from = Ipv6Address::parse(source);
  const auto to = Ipv6Address::parse(destination);
  auto requests = Requests::open();
  if (!from || !to || !requests) return true;
  const bool out = direction == "out";
  for (const IpsecPolicy& policy : policies_for({out ? *to : *from, out ? *from : *to, true, 0}))
    if (line_of(policy) == line) (void)requests->remove(policy);
  return true;
}

Attempt<> probe_ipsec() {
  auto requests = Requests::open();
  if (!requests) return fail(requests.error());
  if (auto probed = requests->probe_esp(); !probed) return probed;
  return probe_mobility_types();
}

}  // namespace sendoff::net
