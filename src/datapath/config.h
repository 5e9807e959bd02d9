// What the data path is told by the configuration.
#pragma once

#include <string>
#include <vector>

#include "datapath/held_packets.h"
#include "net/linux_host.h"

namespace sendoff::datapath {

enum class Choice : std::uint8_t { kAuto, kBpf, kTun, kNfqueue, kNone };
[[nodiscard]] std::string_view name(Choice choice);

struct Config {
  Choice backend = Choice::kAuto;
  bool router = false;
  std::vector<net::HostConfig::Interface> interfaces;
  std::string runtime_directory;      // exists and is ours
  std::size_t max_tunnels = 100'000;  // bindings, and as many attached tunnels at a router
  BufferLimits buffers;
};

}  // namespace sendoff::datapath
