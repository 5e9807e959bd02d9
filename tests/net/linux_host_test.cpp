#include "net/linux_host.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "net/sysctl.h"
#include "net/testbed.h"
#include "router/router_fixture.h"
#include "wire/ipv6.h"

namespace sendoff::net {
namespace {

using machine::ActionError;
using machine::AddressChanged;
using Ending = Result<machine::Facts, ActionError>;

constexpr InterfaceId kHere{7};

class LinuxHostTest : public test::LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    std::string directory = ::testing::TempDir() + "so-XXXXXX";
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    config_ = {{{kHere, "here"}}, false, directory, false};
  }
  void TearDown() override {
    host_.reset();
    std::filesystem::remove_all(config_.runtime_directory);
    LinkTest::TearDown();
  }
  void open() {
    auto opened = LinuxHost::open(loop_, config_);
    ASSERT_TRUE(opened) << opened.error().text();
    host_ = std::move(*opened);
    host_->start(
        {[this](const machine::Received& received) {
           // The two kernels' own neighbour discovery comes at any time.
           const bool neighbours = received.packet.size() > 40 &&
                                   received.packet[6] == wire::kProtocolIcmpv6 &&
                                   (received.packet[40] == 135 || received.packet[40] == 136);
           (neighbours ? neighbour_packets_ : packets_).push_back(to_bytes(received.packet));
           if (!neighbours) interfaces_.push_back(received.interface);
         },
         [this](const machine::HostEvent& event) { events_.push_back(event); },
         [this](const std::string& text) { warnings_.push_back(text); }});
    ASSERT_TRUE(test::serve(loop_, [&] { return !events_.empty(); }));
  }
  template <typename Action>
  Ending carry_out(const Action& action) {
    std::optional<Ending> ending;
    int answers = 0;
    host_->carry_out(action, [&](Ending result) {
      ending = std::move(result);
      ++answers;
    });
    EXPECT_TRUE(test::serve(loop_, [&] { return ending.has_value(); }));
    EXPECT_EQ(answers, 1);
    return ending.value_or(fail(ActionError::kUnsupported));
  }
  template <typename Event, typename Matches>
  bool told(Matches matches) {
    return test::serve(loop_, [&] {
      return std::ranges::any_of(events_, [&](const machine::HostEvent& event) {
        const auto* wanted = std::get_if<Event>(&event);
        return wanted && matches(*wanted);
      });
    });
  }
  // A datagram socket with this address, in the namespace that the process stands in.
  static FileDescriptor socket_at(const Ipv6Address& address) {
    FileDescriptor made(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in6 name = socket_address(address);
    EXPECT_EQ(bind(made.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    return made;
  }
  static sockaddr_in6 socket_address(const Ipv6Address& address) {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(kPort);
    std::ranges::copy(address.octets(), name.sin6_addr.s6_addr);
    return name;
  }
  static void send_on(const FileDescriptor& from, const Ipv6Address& to, char what) {
    const sockaddr_in6 name = socket_address(to);
    EXPECT_EQ(
        sendto(from.get(), &what, 1, 0, reinterpret_cast<const sockaddr*>(&name), sizeof name), 1);
  }
  static bool ip_shows(const std::string& what, const std::string& text) {
    return test::output_of("ip -6 " + what).find(text) != std::string::npos;
  }

  static constexpr std::uint16_t kPort = 9;
  EventLoop loop_;
  HostConfig config_;
  std::unique_ptr<LinuxHost> host_;
  std::vector<Bytes> packets_;
  std::vector<Bytes> neighbour_packets_;
  std::vector<InterfaceId> interfaces_;
  std::vector<machine::HostEvent> events_;
  std::vector<std::string> warnings_;
};

const Ipv6Address kNew = Ipv6Address::literal("2001:db8::42");

TEST_F(LinuxHostTest, TellsInterfacesAndWhatBecomesOfThem) {
  open();
  const auto* up = std::get_if<machine::InterfaceUp>(&events_.front());
  ASSERT_NE(up, nullptr);
  EXPECT_EQ(up->interface, kHere);
  EXPECT_EQ(up->address, here_link_);
  EXPECT_EQ(up->mtu, 1500U);
  ASSERT_TRUE(test::run("ip link set here mtu 1400"));
  EXPECT_TRUE(told<machine::MtuChanged>([](const auto& e) { return e.mtu == 1400; }));
  ASSERT_TRUE(test::run("ip link set here down"));
  EXPECT_TRUE(told<machine::InterfaceDown>([](const auto& e) { return e.interface == kHere; }));
  events_.clear();
  ASSERT_TRUE(test::run("ip link set here up"));
  EXPECT_TRUE(told<machine::InterfaceUp>([](const auto& e) { return e.mtu == 1400; }));
}

TEST_F(LinuxHostTest, AnInterfaceMayGoAwayAndComeBack) {
  open();
  ASSERT_TRUE(test::run("ip link del here"));
  EXPECT_TRUE(told<machine::InterfaceDown>([](const auto&) { return true; }));
  const auto ending = carry_out(machine::RemoveAddress{kHere, kNew});
  ASSERT_FALSE(ending);
  EXPECT_EQ(ending.error(), ActionError::kGone);
  events_.clear();
  ASSERT_TRUE(
      test::run("ip link add here type veth peer name ereh && ip link set ereh up"
                " && ip link set here up"));
  EXPECT_TRUE(told<machine::InterfaceUp>([](const auto&) { return true; }));
  EXPECT_TRUE(carry_out(machine::AddAddress{kHere, kNew, 64, machine::DadMode::kNone, {}, {}}));
}

TEST_F(LinuxHostTest, RefusesAnInterfaceThatIsNotThere) {
  config_.interfaces.push_back({InterfaceId{8}, "nowhere"});
  const auto opened = LinuxHost::open(loop_, config_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find("nowhere"), std::string::npos);
}

TEST_F(LinuxHostTest, AnAddressIsAnsweredWhenDuplicateAddressDetectionHasEnded) {
  open();
  ASSERT_TRUE(carry_out(machine::AddAddress{kHere, kNew, 64, machine::DadMode::kNormal,
                                            seconds(1000), seconds(500)}));
  const std::string shown = test::output_of("ip -6 addr show dev here to 2001:db8::42");
  EXPECT_EQ(shown.find("tentative"), std::string::npos);
  EXPECT_NE(shown.find("valid_lft"), std::string::npos);
  EXPECT_EQ(shown.find("valid_lft forever"), std::string::npos);
  // Again: the lifetimes are updated, and the answer comes without a new detection.
  ASSERT_TRUE(carry_out(machine::AddAddress{kHere, kNew, 64, machine::DadMode::kNormal, {}, {}}));
  EXPECT_TRUE(ip_shows("addr show dev here to 2001:db8::42", "valid_lft forever"));
  ASSERT_TRUE(carry_out(machine::RemoveAddress{kHere, kNew}));
  EXPECT_FALSE(ip_shows("addr show dev here", "2001:db8::42"));
  ASSERT_TRUE(carry_out(machine::RemoveAddress{kHere, kNew}));
  // Who asked was answered, so that no event tells it again.
  loop_.run_for(milliseconds(100));
  for (const machine::HostEvent& event : events_) {
    const auto* changed = std::get_if<AddressChanged>(&event);
    EXPECT_FALSE(changed && changed->address == kNew);
  }
}

TEST_F(LinuxHostTest, AnAddressThatThePeerHasIsADuplicate) {
  open();
  for (const auto& valid : {std::optional<Duration>{}, std::optional<Duration>{seconds(600)}}) {
    const auto ending = carry_out(
        machine::AddAddress{kHere, there_global_, 64, machine::DadMode::kNormal, valid, valid});
    ASSERT_FALSE(ending);
    EXPECT_EQ(ending.error(), ActionError::kDuplicate);
    EXPECT_FALSE(ip_shows("addr show dev here", "2001:db8::2/"));
  }
}

TEST_F(LinuxHostTest, AnOptimisticAddressIsUsableAtOnceAndReadyWhenDetectionHasEnded) {
  open();
  ASSERT_TRUE(
      carry_out(machine::AddAddress{kHere, kNew, 64, machine::DadMode::kOptimistic, {}, {}}));
  EXPECT_TRUE(ip_shows("addr show dev here to 2001:db8::42", "optimistic"));
  EXPECT_TRUE(told<AddressChanged>([&](const AddressChanged& changed) {
    return changed.address == kNew && changed.what == AddressChanged::What::kReady;
  }));
  EXPECT_FALSE(ip_shows("addr show dev here to 2001:db8::42", "optimistic"));
}

TEST_F(LinuxHostTest, AnOptimisticDuplicateIsToldByTheAnswerOrLater) {
  open();
  // The peer may be quicker than the answer.
  const auto ending = carry_out(
      machine::AddAddress{kHere, there_global_, 64, machine::DadMode::kOptimistic, {}, {}});
  const auto told_later = [&](const AddressChanged& changed) {
    return changed.address == there_global_ && changed.what == AddressChanged::What::kDuplicate;
  };
  if (ending) {
    EXPECT_TRUE(told<AddressChanged>(told_later));
  } else {
    EXPECT_EQ(ending.error(), ActionError::kDuplicate);
  }
  EXPECT_FALSE(ip_shows("addr show dev here", "2001:db8::2/"));
}

TEST_F(LinuxHostTest, TellsAddressesOfOthersAndTheirRemoval) {
  open();
  ASSERT_TRUE(test::run("ip addr add 2001:db8::55/64 dev here nodad"));
  const auto is = [](AddressChanged::What what) {
    return [what](const AddressChanged& changed) {
      return changed.address == Ipv6Address::literal("2001:db8::55") && changed.what == what;
    };
  };
  EXPECT_TRUE(told<AddressChanged>(is(AddressChanged::What::kReady)));
  ASSERT_TRUE(test::run("ip addr del 2001:db8::55/64 dev here"));
  EXPECT_TRUE(told<AddressChanged>(is(AddressChanged::What::kRemoved)));
}

TEST_F(LinuxHostTest, KeepsRoutesNeighboursAndProxies) {
  config_.router = true;
  open();
  const Prefix prefix = Prefix::literal("2001:db8:5::/48");
  machine::SetRoute route{prefix, there_local_, kHere, true};
  ASSERT_TRUE(carry_out(route));
  EXPECT_TRUE(ip_shows("route show proto 82", "2001:db8:5::/48 via fe80::2"));
  route.present = false;
  ASSERT_TRUE(carry_out(route));
  ASSERT_TRUE(carry_out(route));
  EXPECT_FALSE(ip_shows("route show", "2001:db8:5::"));
  // Of a node that came: to be confirmed as usual (RFC 5568 4).
  ASSERT_TRUE(carry_out(machine::SetNeighbour{kHere, kNew, there_link_}));
  EXPECT_TRUE(ip_shows("neigh show dev here", "2001:db8::42 lladdr 02:00:00:00:00:02"));
  EXPECT_TRUE(ip_shows("neigh show dev here nud stale", "2001:db8::42"));
  ASSERT_TRUE(carry_out(machine::SetNeighbour{kHere, kNew, std::nullopt}));
  EXPECT_FALSE(ip_shows("neigh show dev here", "2001:db8::42"));
  ASSERT_TRUE(carry_out(machine::SetProxy{kHere, kNew, true}));
  EXPECT_TRUE(ip_shows("neigh show proxy", "2001:db8::42"));
  ASSERT_TRUE(carry_out(machine::SetProxy{kHere, kNew, false}));
  EXPECT_FALSE(ip_shows("neigh show proxy", "2001:db8::42"));
  ASSERT_TRUE(carry_out(machine::JoinGroup{kHere, Ipv6Address::literal("ff02::77"), true}));
  EXPECT_TRUE(ip_shows("maddr show dev here", "ff02::77"));
  const auto refused =
      carry_out(machine::SetRoute{prefix, Ipv6Address::literal("2001:db8:ffff::1"), kHere, true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), ActionError::kRefused);
  EXPECT_FALSE(warnings_.empty());
}

TEST_F(LinuxHostTest, OfANodesRoutersAreCertainAndAddressesTakenOffSendNoMore) {
  open();
  ASSERT_TRUE(carry_out(machine::SetNeighbour{kHere, kNew, there_link_}));
  EXPECT_TRUE(ip_shows("neigh show dev here nud permanent", "2001:db8::42"));
  const auto add = machine::AddAddress{kHere, kNew, 64, machine::DadMode::kNone, {}, {}};
  ASSERT_TRUE(carry_out(add));
  const FileDescriptor socket_of_it = socket_at(kNew);
  const sockaddr_in6 there = socket_address(Ipv6Address::literal("2001:db8::7"));
  ASSERT_EQ(connect(socket_of_it.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there),
            0);
  EXPECT_EQ(::send(socket_of_it.get(), "x", 1, 0), 1);
  ASSERT_TRUE(carry_out(machine::RemoveAddress{kHere, kNew}));
  EXPECT_EQ(::send(socket_of_it.get(), "x", 1, 0), -1);
  EXPECT_TRUE(ip_shows("rule show", "from 2001:db8::42 prohibit"));
  ASSERT_TRUE(carry_out(add));
  EXPECT_FALSE(ip_shows("rule show", "2001:db8::42"));
  ASSERT_TRUE(carry_out(machine::RemoveAddress{kHere, kNew}));
  host_.reset();
  EXPECT_EQ(test::output_of("ip -6 rule show").find("2001:db8::42"), std::string::npos);
}

// RFC 5568 6.4.6: not even what the kernel keeps until a neighbour has answered.
TEST_F(LinuxHostTest, WhatWaitsUnderAnAddressThatIsTakenOffIsDropped) {
  open();
  ASSERT_TRUE(carry_out(machine::AddAddress{kHere, kNew, 64, machine::DadMode::kNone, {}, {}}));
  const Ipv6Address silent = Ipv6Address::literal("2001:db8::7");
  ASSERT_TRUE(test::run("echo 60 > /proc/sys/net/ipv6/neigh/here/mcast_solicit"));
  send_on(socket_at(kNew), silent, 'x');
  EXPECT_TRUE(ip_shows("neigh show dev here", "2001:db8::7 INCOMPLETE"));
  ASSERT_TRUE(carry_out(machine::RemoveAddress{kHere, kNew}));
  // Its neighbour is there after all.
  there_->enter();
  ASSERT_TRUE(test::run("ip addr add 2001:db8::7/64 dev there nodad"));
  const FileDescriptor neighbour = socket_at(silent);
  here_->enter();
  send_on(socket_at(here_global_), silent, 'y');
  pollfd waiting{neighbour.get(), POLLIN, 0};
  ASSERT_EQ(poll(&waiting, 1, 20'000), 1);
  char first = 0;
  EXPECT_EQ(recv(neighbour.get(), &first, 1, 0), 1);
  EXPECT_EQ(first, 'y');
}

// Everything that a daemon can leave in the kernel, as text.
std::string kernel_state() {
  std::string state;
  for (const Setting& setting : interface_settings("here", true))
    state += read_setting(setting.path).value_or("?") + "\n";
  for (const Setting& setting : interface_settings("here", false))
    state += read_setting(setting.path).value_or("?") + "\n";
  for (const Setting& setting : router_settings())
    state += setting.path + read_setting(setting.path).value_or("?") + "\n";
  return state + test::output_of("ip -6 addr show dev here | sed 's/ [0-9]*sec/ SEC/g'") +
         test::output_of("ip -6 route show") + test::output_of("ip -6 neigh show nud permanent") +
         test::output_of("ip -6 neigh show 2001:db8::42") +
         test::output_of("ip -6 neigh show proxy") + test::output_of("nft list tables") +
         test::output_of("ip -6 rule show");
}

// A router machine on a real host: what it wants of neighbour discovery is carried out.
class RouterHostTest : public LinuxHostTest {
 protected:
  void open_router() {
    config_.router = true;
    router::Config config = test::router_config();
    config.interfaces[0].id = kHere;
    config.interfaces[0].min_ra_interval = nd::kMinDelayBetweenAdvertisements;
    config.interfaces[0].max_ra_interval = seconds(4);
    router_ = std::make_unique<router::Router>(config, machine::Snapshot{}, random_, read_clocks());
    open();
    ASSERT_TRUE(carry_on([&] { return ready_; }));
  }
  // Hands over what has come, until `done`.
  bool carry_on(const std::function<bool()>& done) {
    return test::serve(loop_, [&] {
      for (const machine::HostEvent& event : std::exchange(events_, {}))
        router_->handle(read_clocks(), event);
      for (const Bytes& packet : std::exchange(neighbour_packets_, {})) {
        ++seen_;
        router_->handle(read_clocks(), {.interface = kHere,
                                        .origin = machine::Received::Origin::kWire,
                                        .frame_source = there_link_,
                                        .packet = packet,
                                        .arrived_as_fragment = false,
                                        .hold = std::nullopt});
      }
      while (auto action = router_->poll()) {
        if (const auto* entry = std::get_if<machine::SetNeighbour>(&action->what)) {
          EXPECT_TRUE(carry_out(*entry));
        }
        if (auto* start = std::get_if<machine::Start>(&action->what))
          router_->handle(read_clocks(),
                          machine::JobResult{start->job_id, machine::execute(start->job)});
        if (auto* transmit = std::get_if<machine::Transmit>(&action->what))
          sent_.push_back(std::move(transmit->packet));
        const auto* report = std::get_if<machine::Report>(&action->what);
        ready_ = ready_ || (report && report->event.kind == machine::EventKind::kRouterReady);
        if (machine::has_outcome(action->what))
          router_->handle(read_clocks(), machine::Outcome{action->id, machine::Facts{}});
      }
      return done();
    });
  }
  // An unsolicited advertisement from the peer for an address that it says is at `link`.
  void announce(const Ipv6Address& address, const LinkAddress& link) {
    Bytes message;
    append(message, wire::NeighborAdvertisement{.target = address});
    append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, link});
    wire::seal_icmpv6(address, kAllNodes, message);
    there_->enter();
    auto peer = PacketSocket::open(if_nametoindex("there"), {});
    ASSERT_TRUE(peer);
    ASSERT_TRUE(peer->send(link_address_of_group(kAllNodes),
                           wire::icmpv6_packet(address, kAllNodes, message)));
    here_->enter();
  }
  // The R flag of the kernel's answer to the peer's question for our address.
  bool kernel_answers_as_router() {
    there_->enter();
    auto peer = PacketSocket::open(if_nametoindex("there"), {{136}, {}, {}});
    EXPECT_TRUE(peer);
    const Ipv6Address group = here_global_.solicited_node();
    Bytes question;
    append(question, wire::NeighborSolicitation{.target = here_global_});
    append(question, wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, there_link_});
    wire::seal_icmpv6(there_local_, group, question);
    EXPECT_TRUE(peer->send(link_address_of_group(group),
                           wire::icmpv6_packet(there_local_, group, question)));
    here_->enter();
    std::optional<wire::NeighborAdvertisement> answer;
    EXPECT_TRUE(test::serve(loop_, [&] {
      peer->receive(100, [&](const PacketSocket::Frame& frame) {
        const auto read = wire::NeighborAdvertisement::parse(frame.packet.subspan(40));
        if (read && read->target == here_global_) answer = *read;
      });
      return answer.has_value();
    }));
    return answer && answer->router;
  }
  test::FakeRandom random_{7};
  std::unique_ptr<router::Router> router_;
  std::vector<Bytes> sent_;
  bool ready_ = false;
  std::size_t seen_ = 0;
};

TEST_F(RouterHostTest, AUnaForAnAddressThatIsNotProxiedFollowsRfc4861) {
  COVERS("FH-6.3-02");
  open_router();
  const Ipv6Address known = Ipv6Address::literal("2001:db8:a:1::98");
  const Ipv6Address unknown = Ipv6Address::literal("2001:db8:a:1::99");
  ASSERT_TRUE(test::run(
      "ip neigh replace 2001:db8:a:1::98 lladdr 02:00:00:00:00:98 nud reachable dev here"));
  seen_ = 0;
  announce(unknown, LinkAddress::literal("02:00:00:00:00:99"));
  announce(known, LinkAddress::literal("02:00:00:00:00:97"));
  const auto entry = [] { return test::output_of("ip -6 neigh show 2001:db8:a:1::98 dev here"); };
  EXPECT_TRUE(carry_on([&] { return seen_ >= 2 && entry().find("STALE") != std::string::npos; }))
      << entry();
  EXPECT_NE(entry().find("02:00:00:00:00:98"), std::string::npos) << entry();
  EXPECT_FALSE(ip_shows("neigh show dev here", "2001:db8:a:1::99"));
}

TEST_F(RouterHostTest, IsNoDefaultRouterWhileTheKernelForwardsNothing) {
  COVERS("ND-4861-52");
  // The lifetime in the first advertisement from now on.
  const auto next_lifetime = [&] {
    sent_.clear();
    std::optional<wire::RouterAdvertisement> next;
    EXPECT_TRUE(carry_on([&] {
      router_->tick(read_clocks());
      for (const Bytes& packet : sent_)
        if (const auto read = wire::RouterAdvertisement::parse(ByteView(packet).subspan(40));
            read && !next)
          next = *read;
      return next.has_value();
    }));
    return next ? int{next->router_lifetime_s} : -1;
  };
  const auto switch_forwarding = [&](const std::string& interface, const std::string& value) {
    ASSERT_TRUE(write_setting({"/proc/sys/net/ipv6/conf/" + interface + "/forwarding", value}));
    ASSERT_TRUE(test::serve(loop_, [&] {
      return std::ranges::any_of(events_, [](const machine::HostEvent& event) {
        return std::holds_alternative<machine::ForwardingChanged>(event);
      });
    }));
  };
  open_router();
  EXPECT_EQ(next_lifetime(), 1800);
  EXPECT_TRUE(kernel_answers_as_router());
  switch_forwarding("here", "0");
  EXPECT_EQ(next_lifetime(), 0);
  EXPECT_FALSE(kernel_answers_as_router());
  switch_forwarding("here", "1");
  EXPECT_EQ(next_lifetime(), 1800);
  EXPECT_TRUE(kernel_answers_as_router());
  switch_forwarding("all", "0");  // for every interface
  EXPECT_EQ(next_lifetime(), 0);
  EXPECT_FALSE(kernel_answers_as_router());
}

TEST_F(LinuxHostTest, UnderGuardWhatTheKernelLearntBeforeIsForgotten) {
  const auto entries = [] { return test::output_of("ip -6 neigh show dev here"); };
  for (const bool guarded : {false, true}) {
    here_->enter();
    ASSERT_TRUE(
        test::run("ip neigh replace 2001:db8:a:1::98 lladdr 02:00:00:00:00:98 nud stale dev here"));
    ASSERT_TRUE(test::run(
        "ip neigh replace 2001:db8:a:1::97 lladdr 02:00:00:00:00:97 nud permanent dev here"));
    config_.own_discovery = !guarded;
    if (guarded) config_.guard = OnStop::kOpen;
    open();
    EXPECT_EQ(entries().find("2001:db8:a:1::98") == std::string::npos, guarded) << entries();
    EXPECT_NE(entries().find("2001:db8:a:1::97"), std::string::npos) << entries();
    host_.reset();
  }
}

class UndoTest : public LinuxHostTest {
 protected:
  void change_everything() {
    config_.router = true;
    config_.guard_icmp = true;
    open();
    EXPECT_TRUE(carry_out(machine::AddAddress{kHere, kNew, 64, machine::DadMode::kNone, {}, {}}));
    EXPECT_TRUE(carry_out(
        machine::SetRoute{Prefix::literal("2001:db8:5::/48"), there_local_, kHere, true}));
    EXPECT_TRUE(carry_out(machine::SetNeighbour{kHere, kNew, there_link_}));
    EXPECT_TRUE(carry_out(machine::SetProxy{kHere, Ipv6Address::literal("2001:db8::43"), true}));
  }
};

TEST_F(UndoTest, WhatItChangedIsUndoneAtTheEnd) {
  const std::string before = kernel_state();
  change_everything();
  EXPECT_EQ(host_->shortcomings(), std::vector<std::string>{});
  EXPECT_EQ(read_setting("/proc/sys/net/ipv6/conf/here/accept_ra").value_or("?"), "0");
  EXPECT_EQ(read_setting("/proc/sys/net/ipv6/conf/all/forwarding").value_or("?"), "1");
  EXPECT_NE(kernel_state(), before);
  host_.reset();
  EXPECT_EQ(kernel_state(), before);
}

TEST_F(UndoTest, AnAddressThatWasGivenLifetimesLeavesNoRoute) {
  const std::string before = kernel_state();
  open();
  for (const std::optional<Duration> valid : {std::optional<Duration>{}, {hours(1)}})
    EXPECT_TRUE(
        carry_out(machine::AddAddress{kHere, kNew, 128, machine::DadMode::kNone, valid, valid}));
  EXPECT_TRUE(ip_shows("addr show dev here", "2001:db8::42/128"));
  host_.reset();
  EXPECT_EQ(kernel_state(), before);
}

TEST_F(UndoTest, WhatAKilledProcessLeftIsUndoneByTheNextStart) {
  const std::string before = kernel_state();
  const pid_t child = fork();
  if (child == 0) {
    change_everything();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const std::string left = kernel_state();
  EXPECT_NE(left, before);
  EXPECT_NE(left.find("2001:db8::42"), std::string::npos);
  config_.guard_icmp = false;
  open();
  EXPECT_FALSE(ip_shows("addr show dev here", "2001:db8::42"));
  EXPECT_FALSE(ip_shows("route show", "2001:db8:5::"));
  EXPECT_FALSE(ip_shows("neigh show dev here", "PERMANENT"));
  host_.reset();
  EXPECT_EQ(kernel_state(), before);
}

TEST_F(LinuxHostTest, SendsToTheLinkToAGroupAndByTheNeighbourCache) {
  open();
  there_->enter();
  auto peer = PacketSocket::open(if_nametoindex("there"), {{154, kMarker}, {}, {}});
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->listen_to(kAllRouters));
  here_->enter();
  const Bytes to_link = test::icmp(here_local_, kNew, 154);
  const Bytes to_group = test::icmp(here_local_, kAllRouters, 154);
  const Bytes by_cache = test::icmp(here_global_, there_global_, 154);
  host_->carry_out(machine::Transmit{kHere, there_link_, to_link});
  host_->carry_out(machine::Transmit{kHere, std::nullopt, to_group});
  host_->carry_out(machine::Transmit{kHere, std::nullopt, by_cache});
  host_->carry_out(
      machine::Transmit{kHere, std::nullopt, test::icmp(here_global_, there_global_, kMarker)});
  EXPECT_EQ(receive_until_marker(*peer), (std::vector<Bytes>{to_link, to_group, by_cache}));
  host_->carry_out(machine::Transmit{InterfaceId{9}, there_link_, to_link});
  host_->carry_out(machine::Transmit{kHere, there_link_, Bytes(3)});
  std::uint64_t failed = 0;
  host_->counters([&](std::string_view, std::string_view counter, std::uint64_t value) {
    if (counter == "packets-not-sent") failed = value;
  });
  EXPECT_EQ(failed, 2U);
}

TEST_F(LinuxHostTest, NeighbourSolicitationsAndAdvertisementsOfOthersAreHandedOn) {
  open();
  there_->enter();
  auto peer = PacketSocket::open(if_nametoindex("there"), {});
  ASSERT_TRUE(peer);
  here_->enter();
  const LinkAddress all_nodes = LinkAddress::literal("33:33:00:00:00:01");
  for (const std::uint8_t type : {std::uint8_t{135}, std::uint8_t{136}}) {
    const Bytes packet = test::icmp(there_global_, kAllNodes, type);
    ASSERT_TRUE(peer->send(all_nodes, packet));
    EXPECT_TRUE(test::serve(loop_, [&] {
      return std::ranges::find(neighbour_packets_, packet) != neighbour_packets_.end();
    })) << int{type};
  }
}

TEST_F(LinuxHostTest, AnFbuThatComesInElsewhereIsHandedOnForTheInterfaceThatHasTheAddress) {
  ASSERT_TRUE(
      test::run("ip link add elsewhere address 02:00:00:00:00:05 type veth"
                " peer name outside && ip link set elsewhere up && ip link set outside up"));
  wait_for_carrier("outside");
  wait_for_carrier("elsewhere");
  open();
  auto sender = PacketSocket::open(if_nametoindex("outside"), {});
  ASSERT_TRUE(sender);
  loop_.run_for(milliseconds(10));
  const LinkAddress elsewhere = LinkAddress::literal("02:00:00:00:00:05");
  const Bytes ours = test::mobility(there_global_, here_global_, 8, true);
  ASSERT_TRUE(sender->send(elsewhere, test::mobility(there_global_, kNew, 8, true)));
  ASSERT_TRUE(sender->send(elsewhere, ours));
  ASSERT_TRUE(test::serve(loop_, [&] { return !packets_.empty(); }));
  EXPECT_EQ(packets_, std::vector<Bytes>{ours});
  EXPECT_EQ(interfaces_, std::vector<InterfaceId>{kHere});
}

}  // namespace
}  // namespace sendoff::net
