// The kinds of message that a guarded kernel and its neighbour send, for tests of what stands in
// them.
#pragma once

#include "nd/guard_fixture.h"

namespace sendoff::test {

class GuardMessages : public GuardTest {
 protected:
  struct Sent {
    const char* what;
    Bytes packet;  // as the kernel makes it
    Ipv6Address claimed;
    bool asks = false;
  };
  [[nodiscard]] std::vector<Sent> every_kind() const {
    const Ipv6Address there = peer.link_local();
    const Bytes rs = octets_of(wire::RouterSolicitation{});
    const Bytes ra = octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800});
    const Bytes last = octets_of(wire::RouterAdvertisement{.router_lifetime_s = 0});
    const Bytes redirect = octets_of(
        wire::Redirect{Ipv6Address::literal("fe80::5"), Ipv6Address::literal("2001:db8:f::5")});
    return {
        {"resolution", solicitation(own(), there.solicited_node(), there, kOwnLink), own(), true},
        {"probe", solicitation(own(), there, there, kOwnLink), own(), true},
        {"detection", detection(), own(), true},
        {"question for routers", plain(own(), kAllRouters, rs), own(), true},
        {"answer", advertisement(own(), there, own(), true, kOwnLink), own()},
        {"unsolicited", advertisement(own(), kAllNodes, own(), false, kOwnLink), own()},
        {"router", plain(own(), kAllNodes, ra), own()},
        {"router to one", plain(own(), there, ra), own()},
        {"router's last", plain(own(), kAllNodes, last), own()},
        {"redirect", plain(own(), there, redirect), own()},
    };
  }
  static std::ptrdiff_t count_of(ByteView packet, wire::OptionType type) {
    return std::ranges::count(option_types(packet), static_cast<int>(type));
  }
  // Whether nothing came of it but that it was counted: the tables are as before.
  [[nodiscard]] bool traceless() const {
    return bench.sent.empty() && bench.actions.empty() && bench.events.empty() &&
           guard->status(bench.now).secured_neighbours == 0 &&
           guard->status(bench.now).links[0].routers.empty();
  }
  // The kinds as the neighbour sends them, each right.
  [[nodiscard]] std::vector<Craft> from_peer() {
    Craft rs = peer.router_solicitation(bench.now);
    Craft ra = secured(peer.link_local(), kAllNodes,
                       octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800}), {});
    Craft redirect = secured(peer.link_local(), own(),
                             octets_of(wire::Redirect{Ipv6Address::literal("fe80::5"),
                                                      Ipv6Address::literal("2001:db8:f::5")}),
                             {});
    std::vector<Craft> crafts;
    crafts.push_back(secured_solicitation());
    crafts.push_back(secured_advertisement(std::nullopt));
    crafts.push_back(std::move(rs));
    crafts.push_back(std::move(ra));
    crafts.push_back(std::move(redirect));
    return crafts;
  }
  static bool asks(const Craft& craft) { return craft.head[0] == 133 || craft.head[0] == 135; }
};

}  // namespace sendoff::test
