#include "lab/network.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace sendoff::lab {

namespace {

constexpr unsigned kCore = 1001;  // bridges among the cables
constexpr unsigned kAir = 1002;
constexpr unsigned kToCorrespondent = 1011;
constexpr unsigned kToCore[] = {1012, 1013};
constexpr unsigned kAccessPoint[] = {1021, 1022};
constexpr unsigned kRadio = 1023;
constexpr unsigned kCorrespondentCore = 1101;
constexpr unsigned kRouterCore[] = {1201, 1301};
constexpr unsigned kRouterAccess[] = {1202, 1302};

const Place kPlaces[] = {
    {Prefix::literal("2001:db8:a:1::/64"), Ipv6Address::literal("2001:db8:c::a"),
     LinkAddress::literal("02:00:00:00:0a:11"), LinkAddress::literal("02:00:00:00:0c:0a"),
     LinkAddress::literal("02:00:00:00:0a:01")},
    {Prefix::literal("2001:db8:a:2::/64"), Ipv6Address::literal("2001:db8:c::b"),
     LinkAddress::literal("02:00:00:00:0b:11"), LinkAddress::literal("02:00:00:00:0c:0b"),
     LinkAddress::literal("02:00:00:00:0b:01")},
};
const CorrespondentPlace kCorrespondentPlace{Ipv6Address::literal("2001:db8:c::c"),
                                             LinkAddress::literal("02:00:00:00:0c:0c")};
const LinkAddress kMobileLink = LinkAddress::literal("02:00:00:00:01:01");

std::size_t number(Side side) { return static_cast<std::size_t>(side); }

Ipv6Address link_local(const Ipv6Address& address) {
  Ipv6Address::Octets octets{0xfe, 0x80};
  std::copy(address.octets().begin() + 8, address.octets().end(), octets.begin() + 8);
  return Ipv6Address(octets);
}

// By flags that the kernel tells without its configuration lock, which others may hold for long.
Attempt<> wait_until_running(const Namespace& mobile) {
  constexpr int kTurns = 100'000;
  const Inside inside(mobile);
  const net::FileDescriptor fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, kAccessInterface);
  for (int turn = 0; turn < kTurns; ++turn) {
    if (ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return failed_call("read the MN's interface");
    if ((request.ifr_flags & IFF_RUNNING) != 0) return {};
    std::this_thread::sleep_for(microseconds(50));
  }
  return failed("the MN's interface gets no carrier");
}

// Nothing but the daemons and the lab gives an interface addresses.
void quiet(Links& links, const std::string& interface) {
  const std::string conf = "net/ipv6/conf/" + interface;
  links.set(conf + "/addr_gen_mode", "1");
  links.set(conf + "/accept_ra", "0");
  links.set(conf + "/autoconf", "0");
}

}  // namespace

const Place& place(Side side) { return kPlaces[number(side)]; }
const CorrespondentPlace& correspondent_place() { return kCorrespondentPlace; }
const LinkAddress& mobile_link() { return kMobileLink; }

struct Network::State {
  Namespace cables;
  Namespace correspondent;
  Namespace routers[2];
  Namespace mobile;
  Links at_cables{cables};
  Links at_correspondent{correspondent};
  Links at_router[2]{Links(routers[0]), Links(routers[1])};
  Links at_mobile{mobile};

  [[nodiscard]] Attempt<> build();
  void lay_core();
  void lay_access();
  void hang_on(const Port& plug, unsigned bridge, const Port& socket, const Namespace& node);
};

// A cable from a node's interface to a bridge.
void Network::State::hang_on(const Port& plug, unsigned bridge, const Port& socket,
                             const Namespace& node) {
  at_cables.add_veth(plug, socket, node);
  at_cables.set_master(plug.index, bridge);
  at_cables.set_up(plug.index, true);
}

void Network::State::lay_core() {
  at_cables.add_bridge({kCore, "core", {}});
  at_cables.set_up(kCore, true);
  hang_on({kToCorrespondent, "to-cn", {}}, kCore,
          {kCorrespondentCore, kCoreInterface, kCorrespondentPlace.link}, correspondent);
  quiet(at_correspondent, kCoreInterface);
  at_correspondent.add_address(kCorrespondentCore, kCorrespondentPlace.address, 64);
  at_correspondent.set_up(kCorrespondentCore, true);
  for (const Side side : {Side::kPar, Side::kNar}) {
    const std::size_t i = number(side);
    const Place& here = place(side);
    const Place& there = place(other(side));
    hang_on({kToCore[i], i == 0 ? "to-par" : "to-nar", {}}, kCore,
            {kRouterCore[i], kCoreInterface, here.core_link}, routers[i]);
    Links& links = at_router[i];
    quiet(links, kCoreInterface);
    links.set("net/ipv6/conf/all/forwarding", "1");
    links.add_address(kRouterCore[i], here.core_address, 64);
    // Who forwards asks for neighbours from a link-local address, or not at all.
    links.add_address(kRouterCore[i], link_local(here.core_address), 64);
    links.set_up(kRouterCore[i], true);
    links.add_route(there.prefix, there.core_address, kRouterCore[i]);
    at_correspondent.add_route(here.prefix, here.core_address, kCorrespondentCore);
  }
}

void Network::State::lay_access() {
  at_cables.add_bridge({kAir, "air", {}});
  at_cables.set_up(kAir, true);
  for (const Side side : {Side::kPar, Side::kNar}) {
    const std::size_t i = number(side);
    hang_on({kAccessPoint[i], i == 0 ? "ap-par" : "ap-nar", {}}, kAir,
            {kRouterAccess[i], kAccessInterface, place(side).access_link}, routers[i]);
    quiet(at_router[i], kAccessInterface);
    at_router[i].set_up(kRouterAccess[i], true);
  }
  hang_on({kRadio, kRadioPort, {}}, kAir, {kMobileIndex, kAccessInterface, kMobileLink}, mobile);
  quiet(at_mobile, kAccessInterface);
  at_mobile.set_up(kMobileIndex, true);
}

Attempt<> Network::State::build() {
  at_cables.set("net/ipv6/conf/default/disable_ipv6", "1");
  at_cables.set("net/ipv6/conf/all/disable_ipv6", "1");
  at_cables.set_if_there("net/bridge/bridge-nf-call-ip6tables", "0");
  lay_core();
  lay_access();
  for (Links* links : {&at_correspondent, &at_router[0], &at_router[1], &at_mobile})
    links->set_up(1, true);  // the loopback interface
  // A carrier that comes enables its bridge port; enter() decides about that from now on.
  for (const unsigned port : {kAccessPoint[0], kAccessPoint[1], kRadio, kToCore[0], kToCore[1]})
    at_cables.wait_for_carrier(port);
  for (Links* links : {&at_cables, &at_correspondent, &at_router[0], &at_router[1], &at_mobile})
    if (auto outcome = links->outcome(); !outcome) return outcome;
  return {};
}

Attempt<std::unique_ptr<Network>> Network::make() {
  std::vector<Namespace> made;
  for (int i = 0; i < 5; ++i) {
    auto space = Namespace::make();
    if (!space) return fail(space.error());
    made.push_back(std::move(*space));
  }
  auto state = std::unique_ptr<State>(new State{.cables = std::move(made[0]),
                                                .correspondent = std::move(made[1]),
                                                .routers = {std::move(made[2]), std::move(made[3])},
                                                .mobile = std::move(made[4])});
  if (auto built = state->build(); !built) return fail(built.error());
  auto network = std::unique_ptr<Network>(new Network(std::move(state)));
  if (auto entered = network->enter(Side::kPar); !entered) return fail(entered.error());
  return network;
}

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::~Network() = default;

const Namespace& Network::correspondent() const { return state_->correspondent; }
const Namespace& Network::router(Side side) const { return state_->routers[number(side)]; }
const Namespace& Network::mobile() const { return state_->mobile; }
const Namespace& Network::cables() const { return state_->cables; }

Attempt<> Network::leave() {
  state_->at_cables.set_up(kRadio, false);
  return state_->at_cables.outcome();
}

// The access points stand on one bridge; the one that the MN does not hear has a disabled port.
// Moving a port between bridges would cost milliseconds of the kernel's own.
Attempt<> Network::enter(Side side) {
  state_->at_cables.set_port_state(kAccessPoint[number(other(side))], PortState::kDisabled);
  state_->at_cables.set_port_state(kAccessPoint[number(side)], PortState::kForwarding);
  state_->at_cables.set_up(kRadio, true);
  if (auto done = state_->at_cables.outcome(); !done) return done;
  return wait_until_running(state_->mobile);
}

}  // namespace sendoff::lab
