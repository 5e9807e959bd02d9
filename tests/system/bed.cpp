#include "system/bed.h"

#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/time.h"
#include "crypto/random.h"
#include "crypto/rsa.h"
#include "lab/links.h"
#include "lab/plain_node.h"
#include "net/clock.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {

namespace {

using Json = nlohmann::json;

constexpr Duration kTurn = milliseconds(10);
constexpr std::uint16_t kPort = 5568;
constexpr unsigned kOtherPort = 1031;  // of the sixth node's cable
constexpr unsigned kOtherInterface = 1501;
constexpr std::uint32_t kMobileBits = 1024;

const Ipv6Address kHost = Ipv6Address::literal("2001:db8:a:1::99");
const LinkAddress kOtherLink = LinkAddress::literal("02:00:00:00:02:02");

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string toml(const Sections& sections) {
  std::string text;
  for (const auto& [section, settings] : sections) {
    const bool repeated = section == "interface" || section == "neighbour";
    text += repeated ? "[[" + section + "]]\n" : "[" + section + "]\n";
    for (const auto& [name, value] : settings) text += name + " = " + value + "\n";
  }
  return text;
}

void overlay(Sections& sections, const Sections& changes) {
  for (const auto& [section, settings] : changes)
    for (const auto& [name, value] : settings) sections[section][name] = value;
}

Sections cga_section(const lab::NodeKey& key) {
  return {{"cga",
           {{"key", quoted(key.path)}, {"sec", "0"}, {"modifier", quoted(to_hex(key.modifier))}}}};
}

// Keys and certificates, made once for all tests of this program.
struct Made {
  std::string directory;
  lab::Credentials credentials;
  lab::NodeKey other;
  std::string failure;

  Made() {
    std::string pattern = "/tmp/sendoff-bed-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      failure = "no temporary directory can be made";
      return;
    }
    directory = pattern;
    auto made = lab::make_credentials(directory, net::read_clocks().utc);
    if (!made) {
      failure = made.error().text;
      return;
    }
    credentials = std::move(*made);
    const auto key = crypto::SigningKey::generate(kMobileBits);
    crypto::SystemRandom random;
    if (!key || !random.fill(other.modifier)) {
      failure = "no key of the second node can be made";
      return;
    }
    other.path = directory + "/other.key";
    other.public_key = to_bytes((*key)->spki());
    if (auto kept = lab::write_private_file(other.path, (*key)->to_pem().expose()); !kept)
      failure = kept.error().text;
  }
  ~Made() {
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }
};

const Made& made() {
  static const Made all;
  return all;
}

Sections router_sections(Side side) {
  const auto i = static_cast<std::size_t>(side);
  const lab::Place& here = lab::place(side);
  const lab::Place& there = lab::place(lab::other(side));
  const lab::Credentials& credentials = made().credentials;
  const lab::NodeKey& neighbour = credentials.routers[1 - i];
  Sections sections = cga_section(credentials.routers[i]);
  sections["interface"] = {{"name", quoted(lab::kAccessInterface)},
                           {"prefixes", "[" + quoted(here.prefix.text()) + "]"},
                           {"access_points", "[" + quoted(here.access_point.text()) + "]"},
                           {"max_ra_interval", "10"},
                           {"answer_delay_ms", "0"}};
  sections["certificate"] = {{"chain", quoted(credentials.chains[i])},
                             {"anchor", quoted(credentials.anchor)}};
  sections["neighbour"] = {{"name", quoted(side == Side::kPar ? "nar" : "par")},
                           {"address", quoted(neighbour.address_in(there.prefix).text())},
                           {"link_address", quoted(there.access_link.text())},
                           {"prefix", quoted(there.prefix.text())},
                           {"access_points", "[" + quoted(there.access_point.text()) + "]"},
                           {"protection", quoted("clear")}};  // so that captures show HI and HAck
  // On a link without delay an answer to a probe comes at once. A node of this bed comes when the
  // test lets it.
  sections["arrival"] = {{"dad_interval_ms", "50"}, {"proxy_lifetime_ms", "60000"}};
  return sections;
}

Sections mobile_sections(const lab::NodeKey& key) {
  Sections sections = cga_section(key);
  sections["interface"] = {{"name", quoted(lab::kAccessInterface)}};
  sections["trust"] = {{"anchors", "[" + quoted(made().credentials.anchor) + "]"}};
  sections["discovery"] = {{"first_delay_max", "0"}, {"dad", quoted("optimistic")}};
  sections["handover"] = {{"min_interval_ms", "100"}, {"fback_wait_ms", "10000"}};
  return sections;
}

sockaddr_in6 socket_address(const Ipv6Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.octets().data(), Ipv6Address::kSize);
  return out;
}

net::FileDescriptor udp_socket(const lab::Namespace& space) {
  const lab::Inside inside(space);
  return net::FileDescriptor(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

template <typename Condition>
bool becomes(const Condition& condition) {
  const Instant deadline = net::read_clocks().boot + kPatience;
  while (!condition()) {
    if (net::read_clocks().boot > deadline) return false;
    std::this_thread::sleep_for(kTurn);
  }
  return true;
}

// Every address of the node's interface has ended its duplicate address detection.
bool settled(const lab::Namespace& space) {
  return becomes([&] {
    const std::string all = Bed::run_in(space, "ip -o -6 addr show scope global");
    const std::string open =
        Bed::run_in(space, "ip -o -6 addr show tentative; ip -o -6 addr show | grep optimistic");
    return !all.empty() && open.empty();
  });
}

// The kernel of that namespace takes what is for the address and for its group: some time after it
// shows it.
bool delivers(const lab::Namespace& space, const Ipv6Address& address) {
  return becomes([&] {
    return Bed::run_in(space, "ip -6 route show table local " + address.text())
        .starts_with("local");
  });
}

}  // namespace

// What listens at the MN, on all its addresses.
struct Bed::Application {
  net::FileDescriptor fd;
  std::multiset<std::string> got;

  void read() {
    std::array<char, 2048> data{};
    for (;;) {
      const ssize_t size = recv(fd.get(), data.data(), data.size(), 0);
      if (size < 0) return;
      got.emplace(data.data(), static_cast<std::size_t>(size));
    }
  }
};

Standstill::Standstill(const lab::Daemon& daemon) : process_(daemon.process()) {
  EXPECT_EQ(kill(process_, SIGSTOP), 0);
}

void Standstill::end() {
  if (std::exchange(over_, true)) return;
  EXPECT_EQ(kill(process_, SIGCONT), 0);
}

Bed::Bed() = default;

Bed::~Bed() {
  mobile_.reset();
  other_.reset();
  for (auto& router : routers_) router.reset();
  tap_.reset();
  if (!directory_.empty()) std::filesystem::remove_all(directory_);
}

std::unique_ptr<Bed> Bed::make(const BedOptions& options) {
  if (!made().failure.empty()) {
    ADD_FAILURE() << made().failure;
    return nullptr;
  }
  auto bed = std::unique_ptr<Bed>(new Bed);
  if (const auto built = bed->build(options); !built) {
    ADD_FAILURE() << built.error().text << (bed->tap_ ? bed->story() : std::string());
    return nullptr;
  }
  return bed;
}

lab::Attempt<> Bed::build(const BedOptions& options) {
  std::string pattern = "/tmp/sendoff-bed-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return lab::failed_call("make " + pattern);
  directory_ = pattern;
  own_ = made().credentials.mobile;
  others_ = made().other;
  auto network = lab::Network::make();
  if (!network) return fail(network.error());
  network_ = std::move(*network);
  if (auto hung = hang_other(!options.other_node); !hung) return hung;
  auto tap = Wiretap::start(network_->cables());
  if (!tap) return fail(tap.error());
  tap_ = std::move(*tap);
  if (!options.daemons) return give_addresses();
  if (auto started = start_routers(options); !started) return started;
  if (options.other_node) {
    auto daemon = start_mobile(*other_space_, "other", others_, options.other);
    if (!daemon) return fail(daemon.error());
    other_ = std::move(*daemon);
  }
  return start_node(options);
}

// A node that hears both access points, as far as they are on the air.
lab::Attempt<> Bed::hang_other(bool plain_host) {
  auto space = lab::Namespace::make();
  if (!space) return fail(space.error());
  other_space_ = std::make_unique<lab::Namespace>(std::move(*space));
  unsigned air = 0;
  {
    const lab::Inside inside(network_->cables());
    air = if_nametoindex("air");
  }
  lab::Links cables(network_->cables());
  lab::Links other(*other_space_);
  cables.add_veth({kOtherPort, "to-other", {}},
                  {kOtherInterface, lab::kAccessInterface, kOtherLink}, *other_space_);
  cables.set_master(kOtherPort, air);
  cables.set_up(kOtherPort, true);
  const std::string conf = "net/ipv6/conf/" + std::string(lab::kAccessInterface);
  other.set(conf + "/addr_gen_mode", "1");
  other.set(conf + "/accept_ra", "0");
  other.set(conf + "/autoconf", "0");
  other.set_up(1, true);
  other.set_up(kOtherInterface, true);
  cables.wait_for_carrier(kOtherPort);
  if (plain_host) other.add_address(kOtherInterface, kHost, 64);
  if (auto done = cables.outcome(); !done) return done;
  return other.outcome();
}

// What the daemons would put on the interfaces, by hand.
lab::Attempt<> Bed::give_addresses() {
  const auto index_in = [](const lab::Namespace& space) {
    const lab::Inside inside(space);
    return if_nametoindex(lab::kAccessInterface);
  };
  for (const Side side : {Side::kPar, Side::kNar}) {
    lab::Links links(network_->router(side));
    const unsigned index = index_in(network_->router(side));
    links.add_address(index, router_link_local(side), 64);
    links.add_address(index, router_address(side), 64);
    if (auto done = links.outcome(); !done) return done;
    if (!delivers(network_->router(side), router_link_local(side)) ||
        !delivers(network_->router(side), router_address(side)))
      return lab::failed("a router does not have its addresses");
  }
  lab::Links links(network_->mobile());
  links.add_address(lab::kMobileIndex, own_.address_in(Prefix::literal("fe80::/64")), 64);
  links.add_address(lab::kMobileIndex, pcoa(), 64);
  links.add_route(Prefix::literal("::/0"), router_link_local(Side::kPar), lab::kMobileIndex);
  if (auto done = links.outcome(); !done) return done;
  if (!node_delivers(pcoa())) return lab::failed("the node does not have its address");
  return {};
}

lab::Attempt<std::unique_ptr<lab::Daemon>> Bed::start(const lab::Namespace& space,
                                                      const std::string& node,
                                                      const Sections& sections,
                                                      const Sections& changes) const {
  Sections all = sections;
  overlay(all, changes);
  const bool router = all.contains("neighbour");
  return lab::Daemon::start(space, {.node = node,
                                    .role = router ? "router" : "mobile",
                                    .configuration = toml(all),
                                    .directory = directory_,
                                    .log_level = "debug",
                                    .program = program()});
}

lab::Attempt<> Bed::start_routers(const BedOptions& options) {
  for (const Side side : {Side::kPar, Side::kNar}) {
    const auto i = static_cast<std::size_t>(side);
    if (side == Side::kNar && !options.new_router) continue;
    auto daemon = start(network_->router(side), i == 0 ? "par" : "nar", router_sections(side),
                        options.routers[i]);
    if (!daemon) return fail(daemon.error());
    routers_[i] = std::move(*daemon);
  }
  for (auto& router : routers_)
    if (router)
      if (auto ready = router->wait_for("router-ready", kPatience); !ready)
        return fail(ready.error());
  return {};
}

lab::Attempt<std::unique_ptr<lab::Daemon>> Bed::start_mobile(const lab::Namespace& space,
                                                             const std::string& node,
                                                             const lab::NodeKey& key,
                                                             const Sections& changes) const {
  auto daemon = start(space, node, mobile_sections(key), changes);
  if (!daemon) return daemon;
  const auto told = (*daemon)->ask(
      control::LinkMoved{lab::kAccessInterface, lab::place(Side::kPar).access_point});
  if (!told) return fail(told.error());
  if (auto had = (*daemon)->wait_for("key-received", kPatience); !had) return fail(had.error());
  if (!settled(space)) return lab::failed("an address of " + node + " stays under detection");
  return daemon;
}

lab::Attempt<> Bed::start_node(const BedOptions& options) {
  auto daemon = start_mobile(network_->mobile(), "mn", own_, options.mobile);
  if (!daemon) return fail(daemon.error());
  mobile_ = std::move(*daemon);
  application_ = std::make_unique<Application>();
  application_->fd = udp_socket(network_->mobile());
  const sockaddr_in6 any = socket_address({}, kPort);
  if (bind(application_->fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
    return lab::failed_call("open the application's socket");
  return {};
}

const lab::Namespace& Bed::other_space() const { return *other_space_; }

const lab::NodeKey& Bed::router_key(Side side) const {
  return made().credentials.routers[static_cast<std::size_t>(side)];
}
Ipv6Address Bed::router_address(Side side) const {
  return router_key(side).address_in(lab::place(side).prefix);
}
Ipv6Address Bed::router_link_local(Side side) const {
  return router_key(side).address_in(Prefix::literal("fe80::/64"));
}
Ipv6Address Bed::other_pcoa() const { return others_.address_in(lab::place(Side::kPar).prefix); }
Ipv6Address Bed::other_ncoa() const { return others_.address_in(lab::place(Side::kNar).prefix); }
const Ipv6Address& Bed::correspondent() { return lab::correspondent_place().address; }
const Ipv6Address& Bed::host() { return kHost; }
const LinkAddress& Bed::other_link() { return kOtherLink; }

lab::Attempt<> Bed::order(lab::Daemon& node, Side to) {
  // No handover is ordered from an address under detection (GF45).
  if (auto settled = lab::wait_for_settled_addresses(network(), kPatience); !settled)
    return settled;
  const auto taken =
      node.ask(control::Request(machine::Order(machine::HandOver{lab::place(to).access_point})));
  if (!taken) return fail(taken.error());
  return {};
}

lab::Attempt<> Bed::hand_over() {
  const Instant since = net::read_clocks().boot;
  if (auto ordered = order(*mobile_, Side::kNar); !ordered) return ordered;
  const auto done = mobile_->wait_for("handover-done", kPatience, since);
  if (!done) return fail(done.error());
  return {};
}

lab::Attempt<> Bed::leave() {
  if (auto left = network_->leave(); !left) return left;
  const auto told = mobile_->ask(control::LinkMoved{lab::kAccessInterface, std::nullopt});
  if (!told) return fail(told.error());
  return {};
}

lab::Attempt<> Bed::enter(Side side) {
  if (auto entered = network_->enter(side); !entered) return entered;
  const auto told =
      mobile_->ask(control::LinkMoved{lab::kAccessInterface, lab::place(side).access_point});
  if (!told) return fail(told.error());
  return {};
}

void Bed::send(const lab::Namespace& from, const std::optional<Ipv6Address>& source,
               const Ipv6Address& to, const std::string& data) {
  const net::FileDescriptor fd = udp_socket(from);
  if (source) {
    const sockaddr_in6 own = socket_address(*source, 0);
    const bool bound = becomes(
        [&] { return bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0; });
    ASSERT_TRUE(bound) << "bind " << source->text() << ": " << std::strerror(errno);
  }
  const sockaddr_in6 name = socket_address(to, kPort);
  ASSERT_EQ(sendto(fd.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&name),
                   sizeof name),
            static_cast<ssize_t>(data.size()))
      << "send to " << to.text() << ": " << std::strerror(errno);
}

net::FileDescriptor Bed::session_of(const std::optional<Ipv6Address>& source) const {
  net::FileDescriptor fd = udp_socket(network_->mobile());
  const sockaddr_in6 own = socket_address(source.value_or(Ipv6Address{}), 0);
  const sockaddr_in6 name = socket_address(correspondent(), kPort);
  const bool opened = becomes([&] {
    return bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0 &&
           connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  });
  return opened ? std::move(fd) : net::FileDescriptor();
}

bool Bed::session_opens() {
  session_ = session_of(std::nullopt);
  return session_.ok();
}

void Bed::session_sends(const std::string& data) {
  ASSERT_EQ(::send(session_.get(), data.data(), data.size(), 0), static_cast<ssize_t>(data.size()))
      << std::strerror(errno);
}

void Bed::send_on(const net::FileDescriptor& session, const std::string& data) {
  (void)::send(session.get(), data.data(), data.size(), 0);
}

void Bed::expect_on_old_link(const std::string& data) {
  const Mark since = tap_->mark();
  send_to_node(data);
  EXPECT_TRUE(
      tap_->wait(at(Place::kParLink) && from_node() && plain(data) && destination(pcoa()), since))
      << data << " never came to the old link" << story(since);
  EXPECT_EQ(tap_->count(carries(data) && !plain(data), since), 0U)
      << data << " was in a tunnel" << story(since);
}

void Bed::expect_tunnelled(const std::string& data, const Ipv6Address& far) {
  const Mark since = tap_->mark();
  send_to_node(data);
  EXPECT_TRUE(tap_->wait(
      at(Place::kParCore) && from_node() && tunnelled(data, router_address(Side::kPar), far),
      since))
      << data << " never left the PAR in a tunnel to " << far.text() << story(since);
  EXPECT_EQ(tap_->count(at(Place::kParLink) && carries(data), since), 0U)
      << data << " went on the old link" << story(since);
}

// A second question, which the router must answer for itself, says when the first one had its
// chance.
std::vector<Seen> Bed::answers_of_router(Side side, const Ipv6Address& target) {
  const Place link = side == Side::kPar ? Place::kParLink : Place::kNarLink;
  const Ipv6Address own = router_link_local(side);
  const Mark since = tap_->mark();
  for (const Ipv6Address& asked : {target, own})
    tap_->inject(
        link, stranger(), group_link(asked.solicited_node()),
        solicitation_packet(stranger_address(), stranger(), asked.solicited_node(), asked));
  EXPECT_TRUE(tap_->wait(at(link) && from_node() && advertisement(own), since)) << story(since);
  return tap_->all(at(link) && from_node() && advertisement(target), since);
}

void Bed::wait_for_node() const {
  const Ipv6Address own = own_.address_in(Prefix::literal("fe80::/64"));
  EXPECT_TRUE(node_delivers(own));  // on a link that it has just entered
  const Mark since = tap_->mark();
  tap_->inject(Place::kMobileLink, stranger(), group_link(own.solicited_node()),
               solicitation_packet(stranger_address(), stranger(), own.solicited_node(), own));
  EXPECT_TRUE(tap_->wait(at(Place::kMobileLink) && from_node() && advertisement(own), since))
      << "the node does not answer for its link-local address" << story(since);
}

LinkAddress Bed::stranger() { return LinkAddress::literal("02:00:00:00:09:09"); }
Ipv6Address Bed::stranger_address() { return Ipv6Address::literal("fe80::9"); }

bool Bed::application_has(const std::string& data) {
  application_->read();
  return application_->got.contains(data);
}

bool Bed::application_got(const std::string& data) {
  return becomes([&] { return application_has(data); });
}

Json Bed::status(lab::Daemon& daemon) const {
  const auto answer = daemon.ask(control::AskStatus{});
  if (!answer) {
    ADD_FAILURE() << answer.error().text;
    return {};
  }
  return Json::parse(*answer, nullptr, false);
}

std::uint64_t Bed::counter(lab::Daemon& daemon, const std::string& group,
                           const std::string& counter) const {
  const Json all = status(daemon);
  const auto path = nlohmann::json::json_pointer("/counters/" + group + "/" + counter);
  if (all.contains(path)) return all[path].get<std::uint64_t>();
  ADD_FAILURE() << "there is no counter " << group << " " << counter << " in "
                << all.value("counters", Json()).dump();
  return 0;
}

bool Bed::counted(lab::Daemon& daemon, const std::string& group, const std::string& name,
                  std::uint64_t at_least) const {
  return becomes([&] { return counter(daemon, group, name) >= at_least; });
}

bool Bed::status_becomes(lab::Daemon& daemon, const std::function<bool(const Json&)>& condition) {
  return becomes([&] { return condition(status(daemon)); });
}

bool Bed::node_loses(const Ipv6Address& address) const {
  return becomes([&] {
    return run_in(network_->mobile(), "ip -6 addr show").find(address.text() + "/") ==
           std::string::npos;
  });
}

bool Bed::node_delivers(const Ipv6Address& address) const {
  return delivers(network_->mobile(), address);
}

std::string Bed::run_in(const lab::Namespace& space, const std::string& command) {
  const lab::Inside inside(space);
  return run(command).output;
}

std::string Bed::log(const std::string& node) const {
  return lab::last_lines(directory_ + "/" + node + ".log", 2000);
}

void Packets::SetUp() {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
}

void Packets::TearDown() {
  if (!bed_) return;
  EXPECT_EQ(bed_->links().lost(), 0U) << "frames were missed: nothing can be said of absence";
  if (HasFailure())
    for (const char* node : {"par", "nar", "mn", "other"})
      std::fprintf(stderr, "--- log of %s\n%s", node, bed_->log(node).c_str());
  bed_.reset();
}

void Packets::expect_seen(const Match& match, Mark since, const std::string& what) const {
  EXPECT_TRUE(bed_->links().wait(match, since)) << "never seen: " << what << bed_->story(since);
}

void Packets::expect_never(const Match& match, Mark since, const std::string& what) const {
  const auto found = bed_->links().all(match, since);
  EXPECT_TRUE(found.empty()) << "seen: " << what << ": " << found.front()->text()
                             << bed_->story(since);
}

}  // namespace sendoff::test
