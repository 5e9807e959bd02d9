// HI and HAck that are left to the kernel's IPsec, as far as the machine sees it: nothing is sent
// and nothing taken while the host does not say that its policies stand.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

class HostPar : public ParTest {
 protected:
  HostPar() {
    config.neighbours[0].protection = router::Protection::kHost;
    config.neighbours[0].ipsec = router::HostIpsec{ar_global(), false, 0};
  }
  void told(const std::string& lacks) {
    bench.host(machine::HostProtection{kNar, ar_global(), lacks});
  }
  [[nodiscard]] std::vector<machine::Transmit> handover_messages() const {
    std::vector<machine::Transmit> found;
    for (const machine::Transmit& transmit : bench.sent) {
      const auto view = wire::PacketView::parse(transmit.packet);
      if (view && view->upper_protocol == wire::kProtocolMobility &&
          wire::HandoverInitiate::parse(view->upper))
        found.push_back(transmit);
    }
    return found;
  }
  [[nodiscard]] CraftPeer initiate() const {
    CraftPeer craft;
    craft.source = kNar;
    craft.destination = ar_global();
    craft.link_address = mn.link_address();
    craft.ncoa = Ipv6Address::literal("2001:db8:a:1::42");
    return craft;
  }
  void take_packet(const Bytes& packet, bool policed) {
    machine::Received received;
    received.packet = packet;
    received.policed = policed;
    bench.receive(received);
  }
  [[nodiscard]] std::size_t arrivals() const {
    return router->status(bench.now, 10).arrivals.size();
  }
};

TEST_F(HostPar, NothingLeavesBeforeThePoliciesStandAndThenByThemOnly) {
  COVERS("FH-10-08");
  start();
  const auto refused = [&](std::uint16_t sequence) {
    bench.forget();
    receive(predictive(sequence));
    EXPECT_TRUE(handover_messages().empty());
    ASSERT_EQ(fbacks().size(), 1u);
    EXPECT_EQ(fbacks()[0].status, 128);
  };
  refused(1);  // not told yet
  told("no policy");
  refused(2);
  bench.host(machine::HostProtection{kNar, Ipv6Address::literal("2001:db8:a:1::9"), ""});
  refused(3);  // of another address of ours
  told("");
  bench.forget();
  receive(predictive(4));
  const auto sent = handover_messages();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].policed);
  EXPECT_TRUE(sent[0].routed);
  for (const machine::Transmit& transmit : bench.sent)
    EXPECT_EQ(transmit.policed,
              !wire::FastBindingAcknowledgement::parse(ByteView(transmit.packet).subspan(40)));
}

TEST_F(HostPar, WhatComesPastThePoliciesIsNothing) {
  COVERS("FH-10-08");
  config.new_router.dad_transmits = 0;
  start();
  const Bytes packet = initiate().initiate();
  take_packet(packet, true);
  EXPECT_EQ(counted("peer", "unprotected"), 1u);
  told("");
  bench.forget();
  take_packet(packet, false);
  EXPECT_EQ(counted("peer", "clear-from-protected"), 1u);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(arrivals(), 0u);
  take_packet(packet, true);
  EXPECT_EQ(arrivals(), 1u);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_TRUE(bench.sent[0].policed) << "the HAck";
  told("a policy went away");
  bench.forget();
  take_packet(packet, true);
  EXPECT_TRUE(bench.sent.empty()) << "not even the answer of before";
  EXPECT_EQ(counted("peer", "unprotected"), 2u);
}

TEST_F(HostPar, SaysWhatIsMissingOnceAndShowsItAlways) {
  start();
  const auto shown = [&] { return router->status(bench.now, 10).host_protections.at(0).lacks; };
  EXPECT_NE(shown(), "") << "before anybody looked";
  bench.forget();
  told("no policy for HI");
  told("no policy for HI");
  ASSERT_EQ(bench.reported(EventKind::kWarning).size(), 1u);
  EXPECT_EQ(bench.reported(EventKind::kWarning)[0]->text("text"),
            "no HI or HAck with nar: no policy for HI");
  EXPECT_EQ(shown(), "no policy for HI");
  told("");
  EXPECT_EQ(bench.reported(EventKind::kWarning).size(), 2u);
  EXPECT_EQ(shown(), "");
}

}  // namespace
}  // namespace sendoff::test
