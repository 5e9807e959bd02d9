// A TUN device of this process: packets that the host routes, or a program redirects, into it are
// read here, and what is written comes in as if from a link. It vanishes with its descriptor.
#pragma once

#include "datapath/kernel.h"
#include "datapath/port.h"

namespace sendoff::datapath {

class TunDevice final : public Port {
 public:
  // Up, without addresses. Needs /dev/net/tun and CAP_NET_ADMIN.
  [[nodiscard]] static Attempt<TunDevice> open(Kernel& kernel);

  [[nodiscard]] int fd() const override { return fd_.get(); }
  [[nodiscard]] unsigned index() const override { return index_; }
  bool receive(std::size_t limit, const std::function<void(ByteView)>& deliver) override;
  // It has been forwarded, or dropped, when it returns.
  [[nodiscard]] bool send(ByteView packet) override;

 private:
  TunDevice(net::FileDescriptor fd, unsigned index) : fd_(std::move(fd)), index_(index) {}

  net::FileDescriptor fd_;
  unsigned index_;
  Bytes buffer_;
};

}  // namespace sendoff::datapath
