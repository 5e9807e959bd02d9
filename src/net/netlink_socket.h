// A netlink socket for requests and their answers, through libmnl: builds a request in a buffer of
// its own, sends it, and reads until the acknowledgement or the end of the dump. For what speaks
// rtnetlink (net/netlink.cpp, datapath/kernel.cpp); nothing here knows a message's meaning.
#pragma once

#include <libmnl/libmnl.h>
#include <strings.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.h"
#include "net/system_error.h"

namespace sendoff::net {

class NetlinkSocket {
 public:
  // `groups`: what it is told of by itself, as in RTMGRP_LINK; 0 for requests only. `bus`: another
  // one than NETLINK_ROUTE.
  [[nodiscard]] static Attempt<NetlinkSocket> open(unsigned groups, int bus = NETLINK_ROUTE);

  [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }

  // A request with room for its attributes, valid until the next one.
  template <typename Header>
  nlmsghdr* request(std::uint16_t type, unsigned flags, const Header& header) {
    nlmsghdr* message = start(type, flags);
    *static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof header)) = header;
    return message;
  }

  // Answers of an earlier request are skipped by their sequence number.
  [[nodiscard]] Attempt<> exchange(const nlmsghdr* message, const std::string& what,
                                   const std::function<void(const nlmsghdr*)>& each);
  // Nothing but an acknowledgement is waited for; the errno `tolerated` is a success.
  [[nodiscard]] Attempt<> acknowledge(const nlmsghdr* message, const std::string& what,
                                      int tolerated = 0);

  // What it is told of, into `buffer`; negative with errno as mnl_socket_recvfrom() says.
  [[nodiscard]] ssize_t receive(std::span<char> buffer) const {
    return mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
  }
  // Forgets the answers read last, where they may hold keys.
  void wipe() { explicit_bzero(buffers_->answers.data(), buffers_->answers.size()); }
  // What libmnl recommends for a dump on any page size, and alignment for its headers.
  struct alignas(nlmsghdr) Buffer : std::array<char, 32768> {};

  template <typename Value>
  [[nodiscard]] Attempt<std::vector<Value>> dump(const nlmsghdr* message, const std::string& what,
                                                 std::optional<Value> (*parse)(const nlmsghdr*)) {
    std::vector<Value> values;
    const auto result = exchange(message, what, [&](const nlmsghdr* answer) {
      if (auto value = parse(answer)) values.push_back(std::move(*value));
    });
    if (!result) return fail(result.error());
    return values;
  }

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  using Socket = std::unique_ptr<mnl_socket, Close>;

  explicit NetlinkSocket(Socket socket)
      : socket_(std::move(socket)), buffers_(std::make_unique<Buffers>()) {}
  nlmsghdr* start(std::uint16_t type, unsigned flags);

  struct Buffers {
    Buffer request;
    Buffer answers;
  };
  Socket socket_;
  std::unique_ptr<Buffers> buffers_;
  std::uint32_t sequence_ = 0;
};

// The type of a message of one of netfilter's subsystems.
constexpr std::uint16_t nf_type(std::uint8_t subsystem, std::uint8_t message) {
  return static_cast<std::uint16_t>(subsystem << 8 | message);
}

// An attribute that holds an address.
inline void put_address(nlmsghdr* message, std::uint16_t type, const Ipv6Address& address) {
  mnl_attr_put(message, type, Ipv6Address::kSize, address.octets().data());
}

}  // namespace sendoff::net
