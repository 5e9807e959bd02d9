#include "datapath/backend.h"
#include "datapath/bpf_path.h"

namespace sendoff::datapath {

std::string_view name(Choice choice) {
  switch (choice) {
    case Choice::kAuto:
      return "auto";
    case Choice::kBpf:
      return "bpf";
    case Choice::kTun:
      return "tun";
    case Choice::kNfqueue:
      return "nfqueue";
    case Choice::kNone:
      return "none";
  }
  return "none";
}

net::Attempt<std::unique_ptr<Backend>> open(net::EventLoop& loop, const Config& config) {
  return BpfPath::open(loop, config);
}

}  // namespace sendoff::datapath
