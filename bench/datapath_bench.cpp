// What the data path costs: installing a binding with many present, and forwarding through its
// tunnel against a plain route, both on one router between veth links. Needs root; without it every
// benchmark is skipped.
//
// Read the ratios: time_ratio of Install is against ten bindings present (goal: within 1.5), and
// packets_per_cpu_s of Forward with and without a tunnel are to be divided (goal: at least 0.75).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

#include "datapath/backend.h"
#include "net/file_descriptor.h"

namespace sendoff {
namespace {

using datapath::Choice;

constexpr InterfaceId kAccess{1};
const Ipv6Address kPar = Ipv6Address::literal("2001:db8:a::1");

// n-th address behind this prefix.
Ipv6Address numbered(const char* prefix, std::uint32_t number) {
  Ipv6Address::Octets octets = Ipv6Address::literal(prefix).octets();
  for (std::size_t i = 0; i < 4; ++i) octets[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Ipv6Address(octets);
}

bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

// source -- PAR -- sink, each in a namespace of this process; the PAR's data path is open.
class Router {
 public:
  explicit Router(Choice choice) : origin_(current()) {
    source_ = make();
    sink_ = make();
    par_ = make();
    if (!par_.ok() || !wire("source", source_, "2001:db8:1::") ||
        !wire("sink", sink_, "2001:db8:2::") || !wire("access", sink_, "2001:db8:a::"))
      return;
    enter(par_);
    if (!run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
             " && ip -6 route add default via 2001:db8:2::2"))
      return;
    std::string directory = "/tmp/sendoff-bench-XXXXXX";
    if (!mkdtemp(directory.data())) return;
    directory_ = directory;
    datapath::Config config;
    config.backend = choice;
    config.router = true;
    config.max_tunnels = 200'000;
    config.interfaces = {{kAccess, "access"}};
    config.runtime_directory = directory;
    enter(par_);
    auto opened = datapath::open(loop_, config);
    if (opened) path_ = std::move(*opened);
  }
  ~Router() {
    path_.reset();
    (void)setns(origin_.get(), CLONE_NEWNET);
    if (!directory_.empty()) (void)run("rm -r " + directory_);
  }
  [[nodiscard]] bool ok() const { return path_ != nullptr; }

  bool install(const Ipv6Address& pcoa) {
    enter(par_);
    bool done = false;
    path_->carry_out(
        machine::InstallBinding{pcoa, Ipv6Address::literal("2001:db8:b::77"), kPar, kAccess},
        [&](const auto& result) { done = result.has_value(); });
    return done;
  }
  bool remove(const Ipv6Address& pcoa) {
    bool done = false;
    path_->carry_out(machine::RemoveBinding{pcoa},
                     [&](const auto& result) { done = result.has_value(); });
    return done;
  }
  void enter_source() const { enter(source_); }

 private:
  static net::FileDescriptor current() {
    return net::FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }
  net::FileDescriptor make() {
    if (unshare(CLONE_NEWNET) != 0) return {};
    (void)run("ip link set lo up");
    return current();
  }
  static void enter(const net::FileDescriptor& space) { (void)setns(space.get(), CLONE_NEWNET); }
  bool wire(const std::string& name, const net::FileDescriptor& peer, const std::string& prefix) {
    const auto path = [](const net::FileDescriptor& space) {
      return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(space.get());
    };
    const auto up = [&](const std::string& end, const std::string& last) {
      return run("ip addr add " + prefix + last + "/64 dev " + end + " nodad && ip link set dev " +
                 end + " addrgenmode none && ip addr add fe80::" + last + "/64 dev " + end +
                 " nodad && ip link set dev " + end + " up");
    };
    enter(par_);
    if (!run("ip link add " + name + " type veth peer name to-" + name + " netns " + path(peer)) ||
        !up(name, "1"))
      return false;
    enter(peer);
    return up("to-" + name, "2") &&
           (name != "source" || run("ip -6 route add default via 2001:db8:1::1"));
  }

  net::FileDescriptor origin_;
  net::FileDescriptor source_;
  net::FileDescriptor sink_;
  net::FileDescriptor par_;
  net::EventLoop loop_;
  std::string directory_;
  std::unique_ptr<datapath::Backend> path_;
};

double seconds_of(clockid_t clock) {
  timespec now{};
  (void)clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double first_median = 0;

void install(benchmark::State& state, Choice choice) {
  Router router(choice);
  if (!router.ok()) return state.SkipWithError("needs root and this backend");
  const auto present = static_cast<std::uint32_t>(state.range(0));
  for (std::uint32_t i = 0; i < present; ++i)
    if (!router.install(numbered("2001:db8:a:1::", i)))
      return state.SkipWithError("a binding was refused");
  std::vector<double> taken;
  const Ipv6Address one = Ipv6Address::literal("2001:db8:a::77");
  for (auto _ : state) {
    const double before = seconds_of(CLOCK_MONOTONIC);
    if (!router.install(one)) return state.SkipWithError("the binding was refused");
    taken.push_back(seconds_of(CLOCK_MONOTONIC) - before);
    state.PauseTiming();
    (void)router.remove(one);
    state.ResumeTiming();
  }
  const double middle = median(std::move(taken));
  if (present == 10) first_median = middle;
  state.counters["median_us"] = middle * 1e6;
  if (first_median > 0) state.counters["time_ratio"] = middle / first_median;
}

// Bursts of UDP datagrams; on veth the sender's own time pays for the whole way.
void forward(benchmark::State& state, bool tunnelled) {
  Router router(Choice::kBpf);
  if (!router.ok()) return state.SkipWithError("needs root and bpf");
  const Ipv6Address node = Ipv6Address::literal("2001:db8:a::77");
  // Without a tunnel it leaves by the same link: to an address behind the sink.
  const Ipv6Address to = tunnelled ? node : Ipv6Address::literal("2001:db8:b::77");
  if (tunnelled && !router.install(node)) return state.SkipWithError("the binding was refused");
  router.enter_source();
  const net::FileDescriptor fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(9);
  std::memcpy(&name.sin6_addr, to.octets().data(), Ipv6Address::kSize);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0)
    return state.SkipWithError("no way to the node");
  const Bytes datagram(1200);
  std::uint64_t packets = 0;
  const double before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  for (auto _ : state)
    for (int i = 0; i < 1000; ++i)
      packets += send(fd.get(), datagram.data(), datagram.size(), 0) > 0 ? 1U : 0U;
  const double spent = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before;
  state.counters["packets_per_cpu_s"] = static_cast<double>(packets) / spent;
}

BENCHMARK_CAPTURE(install, bpf, Choice::kBpf)->Arg(10)->Arg(1000)->Arg(100'000)->Iterations(500);
BENCHMARK_CAPTURE(install, tun, Choice::kTun)->Arg(10)->Arg(1000)->Iterations(500);
BENCHMARK_CAPTURE(forward, plain, false);
BENCHMARK_CAPTURE(forward, bpf_tunnel, true);

}  // namespace
}  // namespace sendoff
