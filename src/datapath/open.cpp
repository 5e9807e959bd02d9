#include "datapath/backend.h"
#include "datapath/bpf_path.h"
#include "datapath/user_path.h"

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

namespace {

using Opener = net::Attempt<std::unique_ptr<Backend>> (*)(net::EventLoop&, const Config&);
struct Known {
  Choice choice;
  Opener open;
};
// The fastest first.
constexpr Known kBackends[] = {{Choice::kBpf, BpfPath::open},
                               {Choice::kTun, UserPath::open_tun},
                               {Choice::kNfqueue, UserPath::open_nfqueue}};

}  // namespace

net::Attempt<std::unique_ptr<Backend>> open(net::EventLoop& loop, const Config& config) {
  net::SystemError missing;
  for (const Known& known : kBackends) {
    if (config.backend != Choice::kAuto && config.backend != known.choice) continue;
    auto opened = known.open(loop, config);
    if (opened) return opened;
    if (!missing.what.empty()) missing.what += "; ";
    missing.what += std::string(name(known.choice)) + ": " + opened.error().text();
  }
  missing.what = "no data path opens (" + missing.what +
                 "); [datapath] backend = \"none\" leaves traffic to others";
  return fail(missing);
}

}  // namespace sendoff::datapath
