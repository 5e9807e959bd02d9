// The section [datapath] of a configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sendoff::datapath {

enum class Choice : std::uint8_t { kAuto, kBpf, kTun, kNfqueue, kNone };
// "auto", "bpf", …
[[nodiscard]] std::string_view name(Choice choice);
[[nodiscard]] std::optional<Choice> choice_named(std::string_view name);

// Of packets held for nodes on their way (FH-10-06); octets are those of whole packets.
struct BufferLimits {
  std::size_t addresses = 1024;
  std::size_t packets_per_address = 8192;
  std::size_t octets_per_address = 16U << 20;
  std::size_t packets = 65536;
  std::size_t octets = 128U << 20;

  friend bool operator==(const BufferLimits&, const BufferLimits&) = default;
};

struct Settings {
  Choice backend = Choice::kAuto;
  std::size_t max_tunnels = 100'000;  // bindings; and as many nodes that keep their PCoA
  BufferLimits buffers;

  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace sendoff::datapath
