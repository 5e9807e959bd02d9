#include "datapath/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

namespace sendoff::datapath {

namespace {

// Room for what a link at full rate brings while the loop is at something else.
constexpr std::uint32_t kQueue = 16384;
constexpr std::size_t kLongest = 65575;  // IPv6 header and the longest payload

}  // namespace

Attempt<TunDevice> TunDevice::open(Kernel& kernel) {
  net::FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.ok()) return fail(net::last_error("open /dev/net/tun"));
  ifreq request{};
  std::strncpy(request.ifr_name, "sendoff%d", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(fd.get(), TUNSETIFF, &request) < 0) return fail(net::last_error("make TUN device"));
  const unsigned index = if_nametoindex(request.ifr_name);
  if (auto up = kernel.set_up(index, kQueue); !up) return fail(up.error());
  return TunDevice(std::move(fd), index);
}

bool TunDevice::receive(std::size_t limit, const std::function<void(ByteView)>& deliver) {
  buffer_.resize(kLongest);
  for (std::size_t i = 0; i < limit; ++i) {
    const ssize_t size = read(fd_.get(), buffer_.data(), buffer_.size());
    if (size <= 0) return false;
    deliver(ByteView(buffer_).first(static_cast<std::size_t>(size)));
  }
  return true;
}

bool TunDevice::send(ByteView packet) {
  return write(fd_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size());
}

}  // namespace sendoff::datapath
