#include "net/doctor.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "net/file_descriptor.h"
#include "net/icmp_guard.h"
#include "net/kernel_ipsec.h"
#include "net/nd_queue.h"
#include "net/netlink.h"

namespace sendoff::net {

namespace {

std::string reason(int error, const char* capability) {
  std::string text = std::strerror(error);
  if (error == EPERM || error == EACCES) text += std::string(": needs ") + capability;
  return text;
}

Finding socket_finding(std::string feature, int family, int type, int protocol, bool required,
                       std::string used_for) {
  Finding finding{std::move(feature), false, required, {}, std::move(used_for)};
  const FileDescriptor fd(socket(family, type | SOCK_CLOEXEC, protocol));
  finding.available = fd.ok();
  finding.detail = fd.ok() ? "opened" : reason(errno, "CAP_NET_RAW");
  return finding;
}

std::string kernel_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "unknown";
}

// "6.18" >= 5.18
bool kernel_is_at_least(int major, int minor) {
  int have_major = 0;
  int have_minor = 0;
  const std::string release = kernel_release();
  if (std::sscanf(release.c_str(), "%d.%d", &have_major, &have_minor) != 2) return false;
  return have_major != major ? have_major > major : have_minor >= minor;
}

Finding nft_finding() {
  Finding finding{"nft with owned tables",
                  false,
                  false,
                  {},
                  "keeping the kernel from answering FBU, FBack, HI and HAck with ICMPv6 errors"};
  const auto guard = IcmpGuard::open({});
  finding.available = guard.has_value();
  finding.detail = guard ? "a table was made and is gone again" : guard.error().text();
  return finding;
}

// In a child: what it tries must not happen to us. `attempt` gives an errno, or 0.
Finding tried_finding(std::string feature, int (*attempt)(), const char* works,
                      std::string used_for) {
  Finding finding{std::move(feature), false, false, {}, std::move(used_for)};
  const pid_t child = fork();
  if (child == 0) _exit(attempt());
  int status = 0;
  const bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
  finding.available = ended && WEXITSTATUS(status) == 0;
  finding.detail = finding.available ? works
                   : ended           ? std::strerror(WEXITSTATUS(status))
                                     : "could not be tried";
  return finding;
}

Finding user_namespace_finding() {
  return tried_finding(
      "user namespaces", [] { return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno; },
      "can be made", "trying things out without root");
}

// Rules of a network namespace without links: those of this one are left alone.
Finding guard_finding() {
  return tried_finding(
      "Neighbor Discovery under guard",
      [] {
        if (unshare(CLONE_NEWNET) != 0) return errno;
        const auto queue = NdQueue::open({"lo"}, OnStop::kOpen);
        return queue ? 0 : std::max(queue.error().code, 1);
      },
      "a queue and its rules were made and are gone again", "sendoff guard");
}

Finding address_protocol_finding() {
  const bool there = kernel_is_at_least(5, 18);
  return {"address protocol (IFA_PROTO)", there, false,
          "kernel " + kernel_release() + (there ? "" : ", since 5.18"),
          "finding our addresses again after a kill -9"};
}

Finding file_finding(std::string feature, const std::string& path, std::string used_for) {
  const bool there = access(path.c_str(), F_OK) == 0;
  return {std::move(feature), there, false, path + (there ? " is there" : " is missing"),
          std::move(used_for)};
}

Finding bpf_finding() {
  Finding finding{"bpf()", false, false, {}, "the data path bpf"};
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_HASH;
  attributes.key_size = 16;
  attributes.value_size = 16;
  attributes.max_entries = 1;
  const FileDescriptor fd(
      static_cast<int>(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes)));
  finding.available = fd.ok();
  finding.detail = fd.ok() ? "a map was made" : reason(errno, "CAP_BPF or root");
  return finding;
}

// From the kernel's list of registered things, or the modules of this kernel.
bool module_available(std::string_view module) {
  const std::string release = kernel_release();
  for (const char* list : {"modules.builtin", "modules.dep"}) {
    std::ifstream lines("/lib/modules/" + release + "/" + list);
    std::string line;
    while (std::getline(lines, line)) {
      const std::size_t end = line.find(".ko");
      if (end == std::string::npos) continue;
      const std::size_t slash = line.rfind('/', end);
      const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
      if (std::string_view(line).substr(start, end - start) == module) return true;
    }
  }
  return access(("/sys/module/" + std::string(module)).c_str(), F_OK) == 0;
}

// From /proc/config.gz we would need zlib; symbols tell as well what is built in.
bool has_symbol(std::string_view symbol) {
  std::ifstream lines("/proc/kallsyms");
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t at = line.find(symbol);
    if (at == std::string::npos || at == 0 || line[at - 1] != ' ') continue;
    const std::size_t end = at + symbol.size();
    if (end == line.size() || line[end] == '\t') return true;
  }
  return false;
}

Finding kernel_part(std::string feature, std::string_view module, std::string_view symbol,
                    std::string used_for) {
  const bool built_in = has_symbol(symbol);
  const bool module_there = !built_in && module_available(module);
  std::string detail = built_in       ? "in the running kernel"
                       : module_there ? "as module " + std::string(module)
                                      : "neither in the running kernel nor as a module";
  return {std::move(feature), built_in || module_there, false, std::move(detail),
          std::move(used_for)};
}

Finding tun_finding() {
  Finding finding{"TUN device", false, false, {}, "the data paths bpf and tun"};
  const FileDescriptor fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  finding.available = fd.ok();
  finding.detail = fd.ok() ? "/dev/net/tun opens" : "/dev/net/tun: " + reason(errno, "root");
  return finding;
}

Finding netlink_finding() {
  Finding finding{"rtnetlink", false, true, {}, "addresses, routes, neighbours"};
  const auto netlink = Netlink::open();
  finding.available = netlink.has_value();
  finding.detail = netlink ? "opened" : netlink.error().text();
  return finding;
}

// Tried, where that is allowed; else guessed.
Finding ipsec_finding() {
  constexpr const char* kUse = "HI and HAck with protection = \"host\" (with \"esp\" not needed)";
  const auto probed = probe_ipsec();
  if (!probed && probed.error().code == EPERM)
    return kernel_part("IPsec: ESP for IPv6", "esp6", "esp6_input", kUse);
  return {"IPsec: ESP for IPv6", probed.has_value(), false,
          probed ? "an association was made and is gone again" : probed.error().text(), kUse};
}

}  // namespace

std::vector<Finding> examine_host() {
  std::vector<Finding> findings;
  findings.push_back(socket_finding("AF_PACKET socket", AF_PACKET, SOCK_DGRAM, 0, true,
                                    "receiving ND and FMIPv6 messages and FBUs"));
  findings.push_back(socket_finding("raw ICMPv6 socket", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, true,
                                    "receiving certification paths"));
  findings.push_back(socket_finding("raw IPv6 socket", AF_INET6, SOCK_RAW, IPPROTO_RAW, true,
                                    "sending by the host's routes"));
  findings.push_back(netlink_finding());
  findings.push_back(nft_finding());
  findings.push_back(user_namespace_finding());
  findings.push_back(address_protocol_finding());
  findings.push_back(file_finding("optimistic DAD", "/proc/sys/net/ipv6/conf/all/optimistic_dad",
                                  "using a care-of address before DAD has ended"));
  findings.push_back(file_finding("proxy ND", "/proc/sys/net/ipv6/conf/all/proxy_ndp",
                                  "answering for nodes that are on their way"));
  findings.push_back(bpf_finding());
  findings.push_back(kernel_part("clsact", "sch_ingress", "clsact_init", "the data path bpf"));
  findings.push_back(
      kernel_part("ip6_tunnel", "ip6_tunnel", "ip6_tnl_xmit", "not needed: tunnels are our own"));
  findings.push_back(kernel_part("Mobile IPv6 (MIP6)", "mip6", "mip6_destopt_input",
                                 "not needed: with it the kernel drops Home Address options "
                                 "without an answer"));
  findings.push_back(ipsec_finding());
  findings.push_back(tun_finding());
  findings.push_back(
      kernel_part("NFQUEUE", "nfnetlink_queue", "nfqnl_rcv_nl_event", "the data path nfqueue"));
  findings.push_back(guard_finding());
  return findings;
}

}  // namespace sendoff::net
