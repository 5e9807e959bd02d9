// Raw IPv6 sockets, for what a packet socket cannot do: messages that may come in fragments
// (Certification Path Advertisements, RFC 6980 5; ESP, RFC 4303 3.4.1), group membership, and
// sending by the host's routes and neighbour cache.
#pragma once

#include <functional>

#include "base/address.h"
#include "net/file_descriptor.h"
#include "net/packet_filter.h"
#include "net/system_error.h"

namespace sendoff::net {

// Certification Path Advertisements on one interface, reassembled by the kernel, their checksum
// verified by it. The IPv6 header is rebuilt from what the socket tells; the frame source is not
// known. Also the interface's memberships of multicast groups, with MLD.
class AdvertisementSocket {
 public:
  struct Message {
    ByteView packet;  // borrowed for the call
    bool fragmented = false;
  };

  [[nodiscard]] static Attempt<AdvertisementSocket> open(unsigned index, const std::string& name);

  [[nodiscard]] int fd() const { return fd_.get(); }
  void receive(std::size_t limit, const std::function<void(const Message&)>& deliver);
  [[nodiscard]] Attempt<> join(const Ipv6Address& group);
  [[nodiscard]] Attempt<> leave(const Ipv6Address& group);

 private:
  AdvertisementSocket(FileDescriptor fd, unsigned index) : fd_(std::move(fd)), index_(index) {}

  FileDescriptor fd_;
  unsigned index_;
  Bytes buffer_;
};

// ESP to this host, reassembled by the kernel, the IPv6 header rebuilt from what the socket tells.
// The kernel's own IPsec sees the same packets and is not disturbed. As long as the socket lives,
// the kernel answers no ESP with an ICMPv6 error.
class EspSocket {
 public:
  struct Message {
    unsigned index = 0;  // of the interface
    ByteView packet;     // borrowed for the call
    bool fragmented = false;
  };

  [[nodiscard]] static Attempt<EspSocket> open(const EspSelection& selection);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Takes the place of the earlier selection at once.
  [[nodiscard]] Attempt<> select(const EspSelection& selection);
  void receive(std::size_t limit, const std::function<void(const Message&)>& deliver);

 private:
  explicit EspSocket(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
  Bytes buffer_;
};

// HI and HAck under the host's IPsec policies, in both directions: what comes in has passed them,
// what goes out does as they say. Otherwise as the EspSocket.
class PolicedSocket {
 public:
  using Message = EspSocket::Message;

  [[nodiscard]] static Attempt<PolicedSocket> open();

  [[nodiscard]] int fd() const { return fd_.get(); }
  void receive(std::size_t limit, const std::function<void(const Message&)>& deliver);
  [[nodiscard]] Attempt<> send(const Ipv6Address& source, const Ipv6Address& destination,
                               ByteView mobility_header);

 private:
  explicit PolicedSocket(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
  Bytes buffer_;
};

// Whether policies for one type of Mobility Headers are followed for what such a socket sends.
// Tried with a message of the loopback interface to itself.
[[nodiscard]] Attempt<> probe_mobility_types();

// Sends complete IPv6 packets the way the host would: routes, neighbour resolution, path MTU
// (never fragmenting). The octets go out as they are; the source need not be an address of ours.
class RoutedSender {
 public:
  [[nodiscard]] static Attempt<RoutedSender> open();

  // Through the interface if a route leads there, else wherever the host's routes lead; a
  // link-local destination only through the interface.
  [[nodiscard]] Attempt<> send(unsigned index, const Ipv6Address& destination, ByteView packet);
  // Through the interface or not at all; of index 0, wherever the host's routes lead.
  [[nodiscard]] Attempt<> send_through(unsigned index, const Ipv6Address& destination,
                                       ByteView packet);

 private:
  explicit RoutedSender(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace sendoff::net
