// The bed of tests that judge whole daemons by their packets: the lab's network (src/lab/network.h)
// with a sixth node on the access links, `sendoff router` and `sendoff mobile` in it as a user
// would start them, and every link wiretapped. A test moves the node's link itself, so it stands
// between any two steps of a handover as long as it likes.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lab/credentials.h"
#include "lab/daemon.h"
#include "lab/network.h"
#include "system/wiretap.h"

#define ASSERT_DONE(attempt)                                            \
  do {                                                                  \
    const auto& outcome_of_attempt = (attempt);                         \
    ASSERT_TRUE(outcome_of_attempt) << outcome_of_attempt.error().text; \
  } while (false)

namespace sendoff::test {

using lab::Side;

// How long anything may take before a test gives up; nothing is judged by it.
inline constexpr Duration kPatience = seconds(60);
inline constexpr std::uint8_t kSolicitation = 135;  // the ICMPv6 type, RFC 4861 4.3

// Settings of one daemon, section → name → value as TOML. "interface" and "neighbour" are the one
// section of that kind that a router here has.
using Sections = std::map<std::string, std::map<std::string, std::string>>;

struct BedOptions {
  Sections routers[2];
  Sections mobile;
  Sections other;
  bool new_router = true;   // whether the NAR's daemon runs
  bool daemons = true;      // whether any runs; else the hosts have the addresses, nothing more
  bool other_node = false;  // the sixth node is a second mobile node; else a plain host
};

// A daemon that does nothing for a while; its kernel does not stand still, and what is for it
// waits.
class Standstill {
 public:
  explicit Standstill(const lab::Daemon& daemon);
  ~Standstill() { end(); }
  Standstill(const Standstill&) = delete;
  Standstill& operator=(const Standstill&) = delete;
  void end();

 private:
  pid_t process_;
  bool over_ = false;
};

class Bed {
 public:
  // Everything runs, the node has its address and key at the PAR. Null after a test failure.
  [[nodiscard]] static std::unique_ptr<Bed> make(const BedOptions& options = {});
  ~Bed();
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;

  [[nodiscard]] lab::Network& network() { return *network_; }
  [[nodiscard]] const Wiretap& links() const { return *tap_; }
  [[nodiscard]] lab::Daemon& par() { return *routers_[0]; }
  [[nodiscard]] lab::Daemon& nar() { return *routers_[1]; }
  [[nodiscard]] lab::Daemon& mobile() { return *mobile_; }
  [[nodiscard]] lab::Daemon& other() { return *other_; }
  [[nodiscard]] const lab::Namespace& other_space() const;
  [[nodiscard]] const std::string& directory() const { return directory_; }
  // Ends the daemon; its forwarding may go on without it.
  void stop_mobile() { mobile_.reset(); }

  // --- addresses
  [[nodiscard]] const lab::NodeKey& router_key(Side side) const;
  [[nodiscard]] Ipv6Address router_address(Side side) const;  // global, on the access link
  [[nodiscard]] Ipv6Address router_link_local(Side side) const;
  [[nodiscard]] const LinkAddress& router_link(Side side) const {
    return lab::place(side).access_link;
  }
  [[nodiscard]] Ipv6Address pcoa() const { return own_.address_in(lab::place(Side::kPar).prefix); }
  [[nodiscard]] Ipv6Address ncoa() const { return own_.address_in(lab::place(Side::kNar).prefix); }
  // Of the second mobile node.
  [[nodiscard]] Ipv6Address other_pcoa() const;
  [[nodiscard]] Ipv6Address other_ncoa() const;
  [[nodiscard]] static const Ipv6Address& correspondent();
  [[nodiscard]] static const Ipv6Address& host();  // of the plain host on the PAR's link
  [[nodiscard]] static const LinkAddress& other_link();

  // --- what a test does
  [[nodiscard]] lab::Attempt<> order(lab::Daemon& node, Side to);
  // Orders it and waits until the node has its FBack.
  [[nodiscard]] lab::Attempt<> hand_over();
  [[nodiscard]] lab::Attempt<> leave();
  [[nodiscard]] lab::Attempt<> enter(Side side);
  // A datagram of an application; from any address of the node when none is named, else as soon as
  // the node has that address.
  void send(const lab::Namespace& from, const std::optional<Ipv6Address>& source,
            const Ipv6Address& to, const std::string& data);
  void send_to_node(const std::string& data) {
    send(network_->correspondent(), std::nullopt, pcoa(), data);
  }
  // A session of the node's with the correspondent: a connected socket, from the address that the
  // host chooses now, or from the named one as soon as the node has it.
  [[nodiscard]] net::FileDescriptor session_of(const std::optional<Ipv6Address>& source) const;
  [[nodiscard]] bool session_opens();
  void session_sends(const std::string& data);
  void session_sends_or_fails(const std::string& data) { send_on(session_, data); }
  // The host may refuse it.
  static void send_on(const net::FileDescriptor& session, const std::string& data);
  // Whether the application at the MN got this datagram, on whatever address; waits for it.
  [[nodiscard]] bool application_got(const std::string& data);
  [[nodiscard]] bool application_has(const std::string& data);  // does not wait

  // --- what a test sees
  [[nodiscard]] nlohmann::json status(lab::Daemon& daemon) const;
  [[nodiscard]] std::uint64_t counter(lab::Daemon& daemon, const std::string& group,
                                      const std::string& counter) const;
  // Waits until the counter is at least that.
  [[nodiscard]] bool counted(lab::Daemon& daemon, const std::string& group,
                             const std::string& counter, std::uint64_t at_least) const;
  // Waits until `condition` of the status holds.
  [[nodiscard]] bool status_becomes(lab::Daemon& daemon,
                                    const std::function<bool(const nlohmann::json&)>& condition);
  // A datagram to the node's old address, and that it goes on its old link and nowhere else.
  void expect_on_old_link(const std::string& data);
  // The same, that it leaves the PAR through the tunnel to `far`, and does not go on the old link.
  void expect_tunnelled(const std::string& data, const Ipv6Address& far);
  // A stranger's question on a router's link, and the frames by which that router answered.
  [[nodiscard]] std::vector<Seen> answers_of_router(Side side, const Ipv6Address& target);
  // Waits for an answer of the node to a question about its link-local address: what it sent before
  // has been carried.
  void wait_for_node() const;
  [[nodiscard]] static LinkAddress stranger();
  [[nodiscard]] static Ipv6Address stranger_address();
  // Waits until the node's interface has no such address.
  [[nodiscard]] bool node_loses(const Ipv6Address& address) const;
  // Waits until its kernel delivers what is for the address, which is later than it can be bound.
  [[nodiscard]] bool node_delivers(const Ipv6Address& address) const;
  // What a command prints in a node's namespace.
  [[nodiscard]] static std::string run_in(const lab::Namespace& space, const std::string& command);
  // The last lines of the daemon's log.
  [[nodiscard]] std::string log(const std::string& node) const;
  [[nodiscard]] std::string story(Mark since = 0) const { return tap_->story(since); }

 private:
  struct Application;
  Bed();
  [[nodiscard]] lab::Attempt<> build(const BedOptions& options);
  [[nodiscard]] lab::Attempt<> hang_other(bool plain_host);
  [[nodiscard]] lab::Attempt<> give_addresses();
  [[nodiscard]] lab::Attempt<std::unique_ptr<lab::Daemon>> start(const lab::Namespace& space,
                                                                 const std::string& node,
                                                                 const Sections& sections,
                                                                 const Sections& changes) const;
  // A mobile node on the PAR's link, until it has its key and its addresses.
  [[nodiscard]] lab::Attempt<std::unique_ptr<lab::Daemon>> start_mobile(
      const lab::Namespace& space, const std::string& node, const lab::NodeKey& key,
      const Sections& changes) const;
  [[nodiscard]] lab::Attempt<> start_routers(const BedOptions& options);
  [[nodiscard]] lab::Attempt<> start_node(const BedOptions& options);

  std::string directory_;
  lab::NodeKey own_;
  lab::NodeKey others_;
  std::unique_ptr<lab::Network> network_;
  std::unique_ptr<lab::Namespace> other_space_;
  std::unique_ptr<Wiretap> tap_;
  std::unique_ptr<Application> application_;
  net::FileDescriptor session_;
  std::unique_ptr<lab::Daemon> routers_[2];
  std::unique_ptr<lab::Daemon> mobile_;
  std::unique_ptr<lab::Daemon> other_;
};

// Skips without root; otherwise gives each test a bed.
class Packets : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  void build(const BedOptions& options = {}) { bed_ = Bed::make(options); }

  // Expectations on what was carried, with the story when they fail.
  void expect_seen(const Match& match, Mark since, const std::string& what) const;
  void expect_never(const Match& match, Mark since, const std::string& what) const;

  std::unique_ptr<Bed> bed_;
};

}  // namespace sendoff::test
