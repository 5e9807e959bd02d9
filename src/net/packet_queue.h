// A netfilter queue: packets that a rule stopped wait in the kernel until they are judged here.
// What waits when the queue is closed, or comes when it is full, is dropped by the kernel.
#pragma once

#include <functional>

#include "base/address.h"
#include "net/netlink_socket.h"
#include "net/system_error.h"

namespace sendoff::net {

class PacketQueue {
 public:
  struct Packet {
    std::uint32_t id = 0;
    bool outgoing = false;  // it was about to leave; else it came in
    unsigned index = 0;     // of the interface that it leaves or came in by
    LinkAddress source;     // of the frame that it came in
    ByteView octets;        // from the IPv6 header on; borrowed for the call
  };

  static constexpr std::size_t kLargest = 16'384;

  // `length`: packets that may wait. Needs CAP_NET_ADMIN. A number that somebody else reads is an
  // error (EBUSY or EPERM).
  [[nodiscard]] static Attempt<PacketQueue> open(std::uint16_t number, std::uint32_t length);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  // Hands out at most `limit` packets that wait; false when there were fewer. Each must be judged
  // once, in the call or later.
  bool receive(std::size_t limit, const std::function<void(const Packet&)>& deliver);

  void accept(std::uint32_t id);
  // It goes on with these octets instead of its own; above kLargest it is dropped.
  void replace(std::uint32_t id, ByteView octets);
  void drop(std::uint32_t id);

 private:
  PacketQueue(NetlinkSocket socket, std::uint16_t number)
      : socket_(std::move(socket)), number_(number) {}
  [[nodiscard]] Attempt<> bind(std::uint32_t length);
  nlmsghdr* request(std::uint8_t type, std::uint16_t flags);
  void judge(std::uint32_t id, std::uint32_t verdict, ByteView octets);
  void send_drops();

  NetlinkSocket socket_;
  std::uint16_t number_;
  Bytes buffer_;
  bool receiving_ = false;
  Bytes drops_;  // while it receives: messages for one call, for under a flood nearly all are
};

}  // namespace sendoff::net
