#include "lab/capture.h"

#include <pcap/pcap.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/bytes.h"

namespace sendoff::lab {

namespace {

constexpr int kSnapLength = 2048;
constexpr int kBuffer = 32 << 20;
constexpr int kPollMs = 20;
// The kernel hands frames over in blocks, each at the latest after this: a capture that woke for
// every frame would keep the daemons waiting that it watches.
constexpr int kBlockMs = 50;
constexpr bpf_u_int32 kSegmentKept = 134;  // Ethernet, two IPv6 headers, the longest TCP header
constexpr std::size_t kNextHeader = 14 + 6;
constexpr std::size_t kInnerNextHeader = kNextHeader + 40;

bool is_tcp(const u_char* frame, bpf_u_int32 size) {
  if (size <= kInnerNextHeader) return false;
  return frame[kNextHeader] == 6 || (frame[kNextHeader] == 41 && frame[kInnerNextHeader] == 6);
}

}  // namespace

struct Capture::State {
  using Handle = std::unique_ptr<pcap_t, decltype([](pcap_t* p) { pcap_close(p); })>;
  using Dumper =
      std::unique_ptr<pcap_dumper_t, decltype([](pcap_dumper_t* d) { pcap_dump_close(d); })>;

  void read_until_stopped();
  void read_what_is_there();

  std::string what;  // for messages
  Handle handle;
  Dumper dumper;
  std::atomic<bool> stopping = false;
  std::thread reader;
};

void Capture::State::read_what_is_there() {
  const auto keep = [](u_char* user, const pcap_pkthdr* header, const u_char* frame) {
    pcap_pkthdr shortened = *header;
    if (is_tcp(frame, shortened.caplen))
      shortened.caplen = std::min(shortened.caplen, kSegmentKept);
    pcap_dump(user, &shortened, frame);
  };
  while (pcap_dispatch(handle.get(), -1, keep, reinterpret_cast<u_char*>(dumper.get())) > 0)
    continue;
}

void Capture::State::read_until_stopped() {
  pollfd readable{pcap_get_selectable_fd(handle.get()), POLLIN, 0};
  while (!stopping) {
    (void)poll(&readable, 1, kPollMs);
    read_what_is_there();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2 * kBlockMs));  // the last block
  read_what_is_there();
}

Capture::Capture(std::unique_ptr<State> state) : state_(std::move(state)) {}

Capture::~Capture() {
  state_->stopping = true;
  if (state_->reader.joinable()) state_->reader.join();
}

Attempt<std::unique_ptr<Capture>> Capture::start(const Namespace& space,
                                                 const std::string& interface,
                                                 const std::string& path) {
  const Inside inside(space);
  auto capture = std::unique_ptr<Capture>(new Capture(std::make_unique<State>()));
  State& state = *capture->state_;
  state.what = "capture on " + interface + " into " + path;
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  state.handle.reset(pcap_create(interface.c_str(), why.data()));
  if (!state.handle) return failed(state.what + ": " + why.data());
  pcap_t* handle = state.handle.get();
  pcap_set_snaplen(handle, kSnapLength);
  pcap_set_buffer_size(handle, kBuffer);
  pcap_set_timeout(handle, kBlockMs);
  pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO);
  if (pcap_activate(handle) < 0) return failed(state.what + ": " + pcap_geterr(handle));
  bpf_program ipv6{};
  const bool filtered = pcap_compile(handle, &ipv6, "ip6", 1, PCAP_NETMASK_UNKNOWN) == 0 &&
                        pcap_setfilter(handle, &ipv6) == 0;
  pcap_freecode(&ipv6);
  if (!filtered || pcap_setnonblock(handle, 1, why.data()) != 0)
    return failed(state.what + ": " + pcap_geterr(handle));
  state.dumper.reset(pcap_dump_open(handle, path.c_str()));
  if (!state.dumper) return failed(state.what + ": " + pcap_geterr(handle));
  state.reader = std::thread([&state] { state.read_until_stopped(); });
  return capture;
}

Attempt<> Capture::finish() {
  state_->stopping = true;
  if (state_->reader.joinable()) state_->reader.join();
  pcap_stat counted{};
  if (pcap_stats(state_->handle.get(), &counted) == 0 && counted.ps_drop > 0)
    return failed(state_->what + ": " + std::to_string(counted.ps_drop) +
                  " packets were lost by the capture itself");
  if (pcap_dump_flush(state_->dumper.get()) != 0) return failed_call(state_->what);
  state_->dumper.reset();
  return {};
}

}  // namespace sendoff::lab
