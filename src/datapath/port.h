// Where packets that the host routes to a device come to this process, and the way back.
#pragma once

#include <functional>

#include "base/bytes.h"

namespace sendoff::datapath {

class Port {
 public:
  virtual ~Port() = default;
  // Readable when packets wait.
  [[nodiscard]] virtual int fd() const = 0;
  // The device that routes of ours lead to.
  [[nodiscard]] virtual unsigned index() const = 0;
  // Hands over at most `limit` IPv6 packets; false when there were fewer.
  virtual bool receive(std::size_t limit, const std::function<void(ByteView)>& deliver) = 0;
  // As if it came from a link: forwarded, or taken by the host itself. False: it was dropped.
  [[nodiscard]] virtual bool send(ByteView packet) = 0;
};

}  // namespace sendoff::datapath
