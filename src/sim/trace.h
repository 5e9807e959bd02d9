// The log of a run: one line a packet and a change of state, for whoever replays it; and a digest
// of the same, which is made always, so that two runs can be compared without their texts.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "machine/event.h"
#include "sim/packet.h"
#include "sim/queue.h"

namespace sendoff::sim {

class Trace {
 public:
  using Sink = std::function<void(std::string_view line)>;
  Trace(const Queue& queue, Sink sink) : queue_(queue), sink_(std::move(sink)) {}

  // `what`: "sends", "receives", "lost" …
  void packet(std::string_view node, std::string_view what, ByteView packet,
              const LinkAddress& link_source = {});
  void event(std::string_view node, const machine::Event& event);
  // Anything else: a fault, a move, an action that was refused.
  void note(std::string_view node, std::string_view what, std::string_view detail = {});

  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  void mix(ByteView octets);
  void mix(std::string_view text);
  void line(std::string_view node, std::string_view what, std::string_view detail);

  const Queue& queue_;
  Sink sink_;
  std::uint64_t digest_ = 0xcbf29ce484222325;
};

}  // namespace sendoff::sim
