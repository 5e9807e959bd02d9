// A TUN device of this process: packets that the host routes, or a program redirects, into it are
// read here, and what is written comes in as if from a link. It vanishes with its descriptor.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "datapath/kernel.h"

namespace sendoff::datapath {

class TunDevice {
 public:
  // Up, without addresses. Needs /dev/net/tun and CAP_NET_ADMIN.
  [[nodiscard]] static Attempt<TunDevice> open(Kernel& kernel);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] unsigned index() const { return index_; }
  // Hands over at most `limit` IPv6 packets; false when there were fewer.
  bool receive(std::size_t limit, const std::function<void(ByteView)>& deliver);
  // It has been forwarded, or dropped, when it returns.
  [[nodiscard]] bool send(ByteView packet);

 private:
  TunDevice(net::FileDescriptor fd, unsigned index) : fd_(std::move(fd)), index_(index) {}

  net::FileDescriptor fd_;
  unsigned index_;
  Bytes buffer_;
};

}  // namespace sendoff::datapath
