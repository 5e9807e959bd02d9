#include "net/netlink_socket.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace sendoff::net {

Attempt<NetlinkSocket> NetlinkSocket::open(unsigned groups, int bus) {
  Socket socket(mnl_socket_open2(bus, SOCK_CLOEXEC));
  if (!socket) return fail(last_error("open netlink socket"));
  if (mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) < 0)
    return fail(last_error("bind netlink socket"));
  return NetlinkSocket(std::move(socket));
}

nlmsghdr* NetlinkSocket::start(std::uint16_t type, unsigned flags) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffers_->request.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = ++sequence_;
  return message;
}

Attempt<> NetlinkSocket::exchange(const nlmsghdr* message, const std::string& what,
                                  const std::function<void(const nlmsghdr*)>& each) {
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0)
    return fail(last_error(what));
  const auto visit = [](const nlmsghdr* answer, void* data) {
    (*static_cast<const std::function<void(const nlmsghdr*)>*>(data))(answer);
    return MNL_CB_OK;
  };
  const unsigned port = mnl_socket_get_portid(socket_.get());
  const unsigned expected = sequence_;
  Buffer& answers = buffers_->answers;
  while (true) {
    const auto size = mnl_socket_recvfrom(socket_.get(), answers.data(), answers.size());
    if (size < 0) return fail(last_error(what));
    const auto* first = reinterpret_cast<const nlmsghdr*>(answers.data());
    if (mnl_nlmsg_ok(first, static_cast<int>(size)) && first->nlmsg_seq != expected) continue;
    auto visitor = each;
    const int result =
        mnl_cb_run(answers.data(), static_cast<std::size_t>(size), expected, port, visit, &visitor);
    if (result < 0) return fail(last_error(what));
    // One answer, or the end of the dump.
    if (result == MNL_CB_STOP) return {};
  }
}

Attempt<> NetlinkSocket::acknowledge(const nlmsghdr* message, const std::string& what,
                                     int tolerated) {
  auto result = exchange(message, what, [](const nlmsghdr*) {});
  if (!result && result.error().code == tolerated) return {};
  return result;
}

}  // namespace sendoff::net
