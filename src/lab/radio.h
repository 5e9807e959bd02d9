// Where the MN's interface hears an access point, and who may change that: the lab itself, or the
// mobile daemon through its switch_socket.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lab/network.h"
#include "lab/scenario.h"

namespace sendoff::lab {

class Radio {
 public:
  // Told what the link does, in between: nothing (left), or the side that it entered.
  using Listener = std::function<Attempt<>(std::optional<Side>)>;

  [[nodiscard]] static Attempt<std::unique_ptr<Radio>> open(Network& network,
                                                            const std::string& socket, Duration gap,
                                                            Listener listener);
  ~Radio();
  Radio(const Radio&) = delete;
  Radio& operator=(const Radio&) = delete;

  // Takes the link down, waits the gap, brings it up at `to`. `begin` of the result is link_down.
  [[nodiscard]] Attempt<Move> move(Side to);
  // Waits until `deadline` for a request of the daemon to go where it is not, and follows it; one
  // for where it is already is granted. Nothing: none came.
  [[nodiscard]] Attempt<std::optional<Move>> serve(Instant deadline);

 private:
  struct State;
  explicit Radio(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::lab
