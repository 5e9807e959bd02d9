// A new link whose addresses come from DHCPv6 (PrRtAdv Code 5), with a server and a client that are
// not ours: the node leases its address there, and the one that it formed for its FBU is the source
// of nothing (RFC 5568 3.1, 5.2, 6.1.2; GF33).
#include <nlohmann/json.hpp>
#include <thread>

#include "lab/process.h"
#include "net/clock.h"
#include "support/covers.h"
#include "support/paths.h"
#include "system/bed.h"
#include "system/command.h"
#include "system/forgery.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

constexpr std::uint8_t kUdpProtocol = 17;
constexpr char kSolicit = 1;
const Ipv6Address kServers = Ipv6Address::literal("ff02::1:2");
const Ipv6Address kLeased = Ipv6Address::literal("2001:db8:a:2::d:1");

class Lease : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }
  Ipv6Address pcoa() { return bed_->pcoa(); }
  Ipv6Address ncoa() { return bed_->ncoa(); }

  static std::string script() { return source_directory() + "/examples/dhclient-script"; }
  // As docs/dhcp.md says it.
  static std::string dhclient() {
    return R"(["/usr/sbin/dhclient", "-6", "-1", "-d", "-q", "--no-pid", "-D", "LL", "-lf", )"
           R"("/dev/null", "-sf", ")" +
           script() + "\"]";
  }
  void build_with(const std::string& dhcp_command) {
    build({.routers = {{{"neighbour", {{"dhcp", "true"}}}}, {{"interface", {{"dhcp", "true"}}}}},
           .mobile = {{"handover", {{"dhcp_command", dhcp_command}}}},
           .other = {}});
  }
  void serve_leases();
  void move_predictively();
  [[nodiscard]] std::string addresses() {
    return Bed::run_in(bed_->network().mobile(), "ip -o -6 addr show dev access0");
  }
  [[nodiscard]] bool has_lease() {
    const std::string line = Bed::run_in(bed_->network().mobile(),
                                         "ip -o -6 addr show dev access0 to " + kLeased.text());
    return !line.empty() && line.find("tentative") == std::string::npos &&
           line.find("optimistic") == std::string::npos;
  }
  [[nodiscard]] static bool client_runs() {
    // Written so that the shell that looks does not find itself.
    return !run("pgrep -f '[d]hclient.*" + script() + "'").output.empty();
  }
  // New sessions, one after the other, until `done`.
  bool open_sessions_until(const std::function<bool()>& done);
  void expect_sources();
  void expect_lease_in_use();

  Mark ordered_ = 0;
  Mark entered_ = 0;
  std::unique_ptr<lab::Process> server_;
};

void Lease::serve_leases() {
  auto server = lab::Process::start(
      bed_->network().router(Side::kNar),
      {"/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
       "--user=root", "--pid-file", "--interface=access0", "--bind-interfaces",
       "--dhcp-leasefile=" + bed_->directory() + "/leases", "--log-dhcp", "--log-facility=-",
       "--dhcp-range=" + kLeased.text() + "," + kLeased.text() + ",64,10m"},
      bed_->directory() + "/other.log");
  ASSERT_DONE(server);
  server_ = std::make_unique<lab::Process>(std::move(*server));
}

void Lease::move_predictively() {
  ordered_ = links().mark();
  ASSERT_DONE(bed_->hand_over());
  const Seen fbu =
      links().wait(at(Place::kParLink) && mobility(MobilityType::kFastBindingUpdate), ordered_);
  ASSERT_TRUE(fbu) << bed_->story(ordered_);
  const auto parsed = wire::FastBindingUpdate::parse(fbu->view.upper);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->options.alternate_care_of, ncoa());
  ASSERT_DONE(bed_->leave());
  entered_ = links().mark();
  ASSERT_DONE(bed_->enter(Side::kNar));
}

bool Lease::open_sessions_until(const std::function<bool()>& done) {
  const Instant deadline = net::read_clocks().boot + seconds(60);
  while (net::read_clocks().boot < deadline) {
    const net::FileDescriptor session = bed_->session_of(std::nullopt);
    Bed::send_on(session, "a session");
    if (done()) return true;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return false;
}

// Of datagrams of the node on the new link, and of whatever is of the formed address.
void Lease::expect_sources() {
  bed_->wait_for_node();
  const auto strange = [this](const Frame& frame) {
    const Ipv6Address& from = frame.view.header.source;
    return frame.view.upper_protocol == kUdpProtocol && from != pcoa() && from != kLeased &&
           !from.is_link_local();
  };
  const Match of_node = at(Place::kNarLink) && by(lab::mobile_link());
  expect_never(of_node && Match::Test(strange), entered_, "a datagram from a third address");
  expect_never(of_node && (source(ncoa()) || inner_source(ncoa()) || advertisement(ncoa()) ||
                           solicitation(ncoa())),
               0, "the address that was formed for the FBU");
  EXPECT_EQ(addresses().find(ncoa().text() + "/"), std::string::npos) << addresses();
}

void Lease::expect_lease_in_use() {
  const Mark since = links().mark();
  const net::FileDescriptor session = bed_->session_of(std::nullopt);
  Bed::send_on(session, "a session with the lease");
  expect_seen(at(Place::kCorrespondent) && plain("a session with the lease") && source(kLeased),
              since, "a session that begins now, from the leased address");
  bed_->send(bed_->network().correspondent(), std::nullopt, kLeased, "to the lease");
  EXPECT_TRUE(bed_->application_got("to the lease")) << bed_->story(since);
}

TEST_F(Lease, TheNodeLeasesItsAddressAndSendsNoDataFromTheFormedOne) {
  COVERS("FH-3.1-02", "FH-5.2-04");
  build_with(dhclient());
  ASSERT_TRUE(bed_);
  serve_leases();
  ASSERT_TRUE(bed_->session_opens());
  move_predictively();
  EXPECT_TRUE(open_sessions_until([this] { return has_lease(); }))
      << addresses() << bed_->story(entered_);
  const auto solicit = [](const Frame& frame) {
    return frame.view.header.destination == kServers && frame.data().starts_with(kSolicit);
  };
  expect_seen(at(Place::kNarLink) && by(lab::mobile_link()) && Match::Test(solicit), entered_,
              "a Solicit");
  expect_lease_in_use();
  // A session of before goes on.
  const Mark since = links().mark();
  bed_->session_sends("of before");
  expect_seen(at(Place::kCorrespondent) && plain("of before") && source(pcoa()), since,
              "a session that began on the old link");
  bed_->send_to_node("for before");
  EXPECT_TRUE(bed_->application_got("for before"));
  // Its own address there is for keys only.
  const std::string nar = bed_->router_address(Side::kNar).text();
  ASSERT_DONE(bed_->mobile().wait_for(
      "key-received", seconds(60), {},
      [&nar](const lab::DaemonEvent& event) { return event.text("ar") == nar; }));
  EXPECT_TRUE(open_sessions_until([] { return true; }));
  expect_sources();
  EXPECT_EQ(bed_->counter(bed_->mobile(), "mobile", "dhcp-failed"), 0U);
  // The client renews as long as the node is there.
  EXPECT_TRUE(client_runs());
  ASSERT_DONE(bed_->leave());
  EXPECT_TRUE(bed_->node_loses(kLeased));
  EXPECT_FALSE(client_runs());
}

TEST_F(Lease, AFastBindingUpdateFromTheNewLinkNamesTheLease) {
  build_with(dhclient());
  ASSERT_TRUE(bed_);
  serve_leases();
  ASSERT_DONE(bed_->leave());
  entered_ = links().mark();
  ASSERT_DONE(bed_->enter(Side::kNar));
  const Seen fbu = links().wait(
      at(Place::kNarLink) && by(lab::mobile_link()) && mobility(MobilityType::kFastBindingUpdate),
      entered_);
  ASSERT_TRUE(fbu) << bed_->story(entered_);
  EXPECT_EQ(fbu->view.header.source, kLeased);
  EXPECT_TRUE(open_sessions_until([this] { return has_lease(); })) << addresses();
  expect_lease_in_use();
  bed_->send_to_node("tunnelled to the lease");
  EXPECT_TRUE(bed_->application_got("tunnelled to the lease")) << bed_->story(entered_);
  expect_sources();
}

TEST_F(Lease, AClientThatFailsIsSaidAndTriedAgainAndTheFormedAddressStaysUnused) {
  build_with(R"(["/bin/false"])");
  ASSERT_TRUE(bed_);
  move_predictively();
  bed_->send_to_node("to the old address");
  EXPECT_TRUE(bed_->application_got("to the old address")) << bed_->story(entered_);
  EXPECT_TRUE(bed_->counted(bed_->mobile(), "mobile", "dhcp-failed", 2));
  EXPECT_NE(bed_->log("mn").find("dhcp_command gave no address: exit status 1"), std::string::npos);
  expect_never(at(Place::kNarLink) && by(lab::mobile_link()) &&
                   (source(ncoa()) || advertisement(ncoa()) || solicitation(ncoa())),
               0, "the address that was formed for the FBU");
}

}  // namespace
}  // namespace sendoff::test
