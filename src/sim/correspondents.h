// The other ends of the mobile nodes' sessions. Each sends its node a stream of numbered datagrams,
// to the address that Mobile IPv6 told last; the telling itself is no part of this project, and
// happens here without a packet.
#pragma once

#include "sim/mobiles.h"

namespace sendoff::sim {

class Correspondents {
 public:
  Correspondents(Context& context, Core& core,
                 const std::vector<std::unique_ptr<MobileNode>>& mobiles);
  void start();
  // From now on one datagram a second.
  void slow_down() { interval_ = seconds(1); }
  void stop() { stopped_ = true; }

  // Whether the correspondent knows where its node is, and the node that it does.
  [[nodiscard]] bool settled(std::size_t stream) const;

 private:
  struct Stream {
    std::optional<Ipv6Address> destination;
    std::optional<Ipv6Address> announced;  // on its way to being told
    std::uint32_t next = 0;
    bool completing = false;
  };
  void send(std::size_t stream);
  void look(std::size_t stream);

  Context& context_;
  Core& core_;
  const std::vector<std::unique_ptr<MobileNode>>& mobiles_;
  std::vector<Stream> streams_;
  Dice dice_;
  Duration interval_;
  bool stopped_ = false;
};

}  // namespace sendoff::sim
