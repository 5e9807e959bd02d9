// HI and HAck that are left to the kernel's IPsec.
#include <cerrno>
#include <limits>
#include <utility>

#include "net/linux_host_state.h"
#include "wire/ipv6.h"

namespace sendoff::net {

Attempt<> LinuxHost::State::protect(std::vector<ProtectedPair> pairs) {
  if (pairs.empty() && !ipsec) return {};
  if (!ipsec) {
    auto opened = KernelIpsec::open();
    if (!opened) return fail(opened.error());
    auto socket = PolicedSocket::open();
    if (!socket) return fail(socket.error());
    ipsec = std::move(*opened);
    policed.emplace(std::move(*socket));
    ipsec->on_change([this](const KernelIpsec::Verdict& verdict) { tell_protection(verdict); });
    if (started) watch_ipsec();
  }
  std::vector<IcmpGuard::Pair> unguarded;
  policed_sources.clear();
  for (const ProtectedPair& pair : pairs) {
    unguarded.push_back({pair.peer, pair.local});
    policed_sources.push_back(pair.peer);
  }
  if (guard)
    if (auto let = guard->let_pass(unguarded); !let) return let;
  select_mobility();
  auto selected = ipsec->select(std::move(pairs), journal);
  discard_stale();
  return selected;
}

void LinuxHost::State::watch_ipsec() {
  ipsec_watch = loop.watch(ipsec->event_fd(), EventLoop::Interest::kReadable, [this] {
    ipsec->refresh();
    discard_stale();
  });
  policed_watch =
      loop.watch(policed->fd(), EventLoop::Interest::kReadable, [this] { receive_policed(); });
}

// Never from within a call into the host.
void LinuxHost::State::tell_protection(const KernelIpsec::Verdict& verdict) {
  if (verdict.lacks.empty()) policed_stale = true;
  if (!started) return;
  loop.post([weak = weak_from_this(),
             told = machine::HostProtection{verdict.pair.peer, verdict.pair.local, verdict.lacks}] {
    if (const auto state = weak.lock()) state->tell(told);
  });
}

// What waits in the socket since before policies stood may have come in clear.
void LinuxHost::State::discard_stale() {
  if (!std::exchange(policed_stale, false)) return;
  policed->receive(std::numeric_limits<std::size_t>::max(),
                   [this](const PolicedSocket::Message&) { ++counted.unpoliced; });
}

void LinuxHost::State::receive_policed() {
  discard_stale();
  policed->receive(kPacketsAtOnce, [&](const PolicedSocket::Message& message) {
    const auto header = wire::Ipv6Header::parse(message.packet);
    // A policy that went a moment ago may have let it pass, or one that has just come.
    ipsec->refresh();
    if (!header || policed_stale || !ipsec->stands(header->source, header->destination)) {
      ++counted.unpoliced;
      return;
    }
    machine::Received received;
    received.packet = message.packet;
    received.arrived_as_fragment = message.fragmented;
    received.policed = true;
    deliver(message.index, received);
  });
  discard_stale();
}

Attempt<> LinuxHost::State::send_policed(ByteView packet) {
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header || !policed) return fail(SystemError{EINVAL, "send HI or HAck"});
  ipsec->refresh();
  if (!ipsec->stands(header->destination, header->source))
    return fail(
        SystemError{EACCES, "no policy protects HI and HAck to " + header->destination.text()});
  return policed->send(header->source, header->destination,
                       packet.subspan(wire::Ipv6Header::kSize));
}

Attempt<> LinuxHost::protect(std::vector<ProtectedPair> pairs) {
  return state_->protect(std::move(pairs));
}

std::vector<KernelIpsec::Verdict> LinuxHost::protection() const {
  return state_->ipsec ? state_->ipsec->verdicts() : std::vector<KernelIpsec::Verdict>{};
}

}  // namespace sendoff::net
