// AF_PACKET: IPv6 packets as they came off the link, with the frame's source, and packets sent to
// a link address of our choice. The kernel's own stack sees the same packets and is not disturbed.
// ND and FMIPv6 messages and FBUs are received here: a raw socket never sees an FBU with a Home
// Address option, and knows no frame source.
#pragma once

#include <functional>

#include "net/file_descriptor.h"
#include "net/packet_filter.h"
#include "net/system_error.h"

namespace sendoff::net {

class PacketSocket {
 public:
  struct Frame {
    unsigned index = 0;  // of the interface
    LinkAddress source;
    ByteView packet;  // borrowed for the call
  };

  // `index` 0: all interfaces.
  [[nodiscard]] static Attempt<PacketSocket> open(unsigned index, const PacketSelection& selection);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Takes the place of the earlier selection at once.
  [[nodiscard]] Attempt<> select(const PacketSelection& selection);
  // Frames to the link address of this IPv6 group reach the host while the socket lives.
  [[nodiscard]] Attempt<> listen_to(const Ipv6Address& group);
  // Hands out at most `limit` frames that wait.
  void receive(std::size_t limit, const std::function<void(const Frame&)>& deliver);
  // A complete IPv6 packet to a link address on this socket's interface.
  [[nodiscard]] Attempt<> send(const LinkAddress& destination, ByteView packet);

  // Frames that the kernel dropped because nobody read in time.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  PacketSocket(FileDescriptor fd, unsigned index) : fd_(std::move(fd)), index_(index) {}

  FileDescriptor fd_;
  unsigned index_;
  Bytes buffer_;
  mutable std::uint64_t dropped_ = 0;  // reading the kernel's counter resets it
};

// 33:33 and the group's last four octets (RFC 2464 7).
[[nodiscard]] LinkAddress link_address_of_group(const Ipv6Address& group);

}  // namespace sendoff::net
