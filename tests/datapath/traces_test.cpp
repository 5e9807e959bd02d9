// What a data path leaves in the kernel when it ends, and when it is killed: nothing.
#include <sys/wait.h>

#include <csignal>

#include "datapath/world.h"
#include "net/privileges.h"
#include "support/covers.h"

namespace sendoff::test {
namespace {

using datapath::Choice;

class TracesTest : public World, public ::testing::WithParamInterface<Choice> {
 protected:
  // All that a data path touches, without the counters and states that change by themselves.
  std::string kernel_of(const std::string& node) {
    return output_in(
        node,
        "ip -6 rule; ip -6 route show table all | sort; ip -o link | sed 's/state .*//';"
        " tc qdisc | sed 's/refcnt.*//'; for i in $(ip -o link | awk -F'[ :@]+' '{print $2}'); do"
        " tc filter show dev $i ingress 2>/dev/null; tc filter show dev $i egress 2>/dev/null; "
        "done;"
        " nft list ruleset; cat /proc/sys/net/ipv6/conf/*/forwarding");
  }
  void use(const std::string& node) {
    if (node == "mn") {
      EXPECT_TRUE(order("mn", own_end()));
      return;
    }
    EXPECT_TRUE(order("par", binding()));
    EXPECT_TRUE(order("par", machine::OpenBuffer{kOther, kAccess}));
    EXPECT_TRUE(order(
        "par", machine::AttachTunnel{Ipv6Address::literal("2001:db8:c::5"), kPar, kNar, kAccess}));
  }
};

TEST_P(TracesTest, NothingStaysBehindAnEnd) {
  for (const char* node : {"par", "mn"}) {
    const std::string before = kernel_of(node);
    ASSERT_NE(open_path(node, GetParam()), nullptr);
    use(node);
    EXPECT_NE(kernel_of(node), before);
    close_path(node);
    EXPECT_EQ(kernel_of(node), before) << node;
  }
}

TEST_P(TracesTest, WhatIsTakenBackByOneLeavesNothingEither) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  const std::string before = kernel_of("par");
  use("par");
  EXPECT_TRUE(order("par", machine::RemoveBinding{kPcoa}));
  EXPECT_TRUE(order("par", machine::DiscardBuffer{kOther}));
  EXPECT_TRUE(order("par", machine::DetachTunnel{Ipv6Address::literal("2001:db8:c::5")}));
  // Twice is once.
  EXPECT_TRUE(order("par", machine::RemoveBinding{kPcoa}));
  EXPECT_TRUE(order("par", machine::DiscardBuffer{kOther}));
  EXPECT_TRUE(order("par", machine::DetachTunnel{Ipv6Address::literal("2001:db8:c::5")}));
  EXPECT_EQ(kernel_of("par"), before);
  EXPECT_TRUE(warnings_.empty());
}

TEST_P(TracesTest, TheNextStartRemovesWhatAKilledOneLeft) {
  // A qdisc of somebody else's, which stays.
  in("par", "tc qdisc add dev access clsact");
  for (const char* node : {"par", "mn"}) {
    const std::string before = kernel_of(node);
    const pid_t child = fork();
    if (child == 0) {
      if (open_path(node, GetParam())) use(node);
      (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_NE(kernel_of(node), before) << "the killed one left nothing: nothing is proved";
    ASSERT_NE(open_path(node, GetParam()), nullptr);
    close_path(node);
    EXPECT_EQ(kernel_of(node), before) << node;
  }
}

// As the daemon does it: all is opened as root, and works with the two capabilities that stay.
TEST_P(TracesTest, CarriesOutEverythingAfterPrivilegesAreDropped) {
  const pid_t child = fork();
  if (child == 0) {
    if (!open_path("par", GetParam()) || !net::drop_privileges("nobody")) _exit(1);
    if (!order_here("par", binding()) || !order_here("par", machine::OpenBuffer{kOther, kAccess}) ||
        !order_here("par", machine::AttachTunnel{kNcoa, kPar, kNar, kAccess}))
      _exit(3);
    if (counter("par", "bindings") != 1 || counter("par", "buffers") != 1) _exit(4);
    if (!order_here("par", machine::RemoveBinding{kPcoa}) ||
        !order_here("par", machine::ReleaseBuffer{kOther}) || !warnings_.empty())
      _exit(5);
    _exit(counter("par", "buffers") == 0 ? 0 : 6);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_P(TracesTest, ASecondOneInTheSameNamespaceIsRefused) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  use("par");
  const std::string before = kernel_of("par");
  datapath::Config config;
  config.backend = GetParam();
  config.runtime_directory = directories_.at("mn");
  const auto second = datapath::open(loop_, config);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("another sendoff"), std::string::npos);
  EXPECT_EQ(kernel_of("par"), before);
}

TEST_P(TracesTest, AWayThatChangesTakesTheTunnelWithIt) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  ASSERT_TRUE(order("par", binding()));
  // Another router towards the core, on a link of its own.
  wire("core", "to-par2", "2001:db8:4::1/64", "par", "upstream2", "2001:db8:4::2/64");
  wait_for_carriers("core");
  in("par", "ip -6 route replace default via 2001:db8:4::1 dev upstream2");
  enter("par");
  Capture second("upstream2");
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  std::uint32_t number = 0;
  bool tunnelled = false;
  EXPECT_TRUE(serve_until([&] {
    (void)correspondent.send_number(kPcoa, ++number);
    for (const Bytes& packet : second.packets())
      if (const auto header = wire::Ipv6Header::parse(packet);
          header && header->next_header == wire::kProtocolIpv6 && header->destination == kNcoa)
        tunnelled = true;
    return tunnelled;
  })) << state_of("par");
}

TEST_P(TracesTest, ATunnelWithoutAWayIsRefusedAndLeavesNothing) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  in("par", "ip -6 route del default");
  const std::string before = kernel_of("par");
  EXPECT_FALSE(order("par", binding()));
  EXPECT_EQ(kernel_of("par"), before);
  EXPECT_EQ(counter("par", "bindings"), 0U);
  EXPECT_EQ(warnings_.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Every, TracesTest,
                         ::testing::Values(Choice::kBpf, Choice::kTun, Choice::kNfqueue),
                         [](const auto& backend) { return std::string(name(backend.param)); });

}  // namespace
}  // namespace sendoff::test
