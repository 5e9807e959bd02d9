// A TCP transfer from the correspondent to the MN, paced to 50 Mbit/s.
#pragma once

#include <cstdint>
#include <memory>

#include "lab/namespace.h"

namespace sendoff::lab {

class TransferTraffic {
 public:
  static constexpr std::uint64_t kOctetsPerSecond = 50'000'000 / 8;

  // The correspondent serves, the MN connects and reads.
  [[nodiscard]] static Attempt<std::unique_ptr<TransferTraffic>> start(
      const Namespace& correspondent, const Namespace& mobile);
  ~TransferTraffic();
  TransferTraffic(const TransferTraffic&) = delete;
  TransferTraffic& operator=(const TransferTraffic&) = delete;

  // Gives the connection up and makes a new one from whatever address the MN has now: what is left
  // to an application when its address is gone.
  void reconnect();
  void stop();

 private:
  struct State;
  explicit TransferTraffic(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// How often a retransmission timer ran out in this namespace, since it was made.
[[nodiscard]] Attempt<std::uint64_t> tcp_timeouts(const Namespace& space);

}  // namespace sendoff::lab
