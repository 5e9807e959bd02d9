// The packet filter of the daemons, asked about one packet.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "net/packet_filter.h"

namespace sendoff::test {

// Whether the kernel lets this packet through our filter.
inline bool passes(const net::PacketSelection& selection, const Bytes& packet) {
  std::array<int, 2> ends{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()), 0);
  std::vector<sock_filter> code = net::compile_filter(selection);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  EXPECT_EQ(setsockopt(ends[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
  (void)::send(ends[0], packet.data(), packet.size(), MSG_DONTWAIT);
  std::array<std::uint8_t, 2048> buffer{};
  const bool arrived = recv(ends[1], buffer.data(), buffer.size(), MSG_DONTWAIT) ==
                       static_cast<ssize_t>(packet.size());
  close(ends[0]);
  close(ends[1]);
  return arrived;
}

}  // namespace sendoff::test
