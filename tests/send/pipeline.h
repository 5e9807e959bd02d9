// The receive pipeline on its own, and a neighbour's good message of each kind that it judges.
#pragma once

#include <gtest/gtest.h>

#include "machine/job.h"
#include "send/receiver.h"
#include "support/covers.h"
#include "support/peer.h"
#include "support/vectors.h"

namespace sendoff::test {

class PipelineTest : public testing::Test {
 protected:
  using Kind = send::Kind;
  using Reason = send::Reason;
  static constexpr std::array kKinds{Kind::kRouterSolicitation,
                                     Kind::kRouterAdvertisement,
                                     Kind::kNeighborSolicitation,
                                     Kind::kNeighborAdvertisement,
                                     Kind::kRedirect,
                                     Kind::kRtSolPr,
                                     Kind::kPrRtAdv};
  static inline const std::string kPipelinePrefix = "2001:db8:a:1::/64";
  static inline const Ipv6Address kOurs = Ipv6Address::literal("fe80::77");

  // What became of one packet.
  struct Heard {
    std::optional<send::Judged> judged;
    Reason reason = Reason::kCount;
    int verifications = 0;

    [[nodiscard]] bool secured() const {
      return judged && judged->verdict == send::Verdict::kSecured;
    }
    // Not secured, and for that reason; only an RtSolPr is then still heard, as unsecured (W9).
    [[nodiscard]] bool refused(Reason why) const { return !secured() && reason == why; }
  };

  PipelineTest() {
    config.budget = {100'000, 100'000, 4096};
    restart();
  }
  // Nothing is known of anybody.
  void restart() {
    outbox = {};
    receiver = std::make_unique<send::Receiver>(config, outbox);
    for (const Kind kind : kKinds) receiver->take(kind);
  }
  // As a node does that believes what is secured.
  Heard hear(ByteView packet, InterfaceId interface = {}) {
    machine::Received received;
    received.interface = interface;
    received.frame_source = peer.link_address();
    received.packet = packet;
    const auto before = receiver->counters();
    Heard heard;
    heard.judged = receiver->receive(now, received);
    while (auto action = outbox.poll()) {
      const auto& start = std::get<machine::Start>(action->what);
      ++heard.verifications;
      heard.judged = receiver->complete(now, {start.job_id, machine::execute(start.job)});
    }
    int counted = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::kCount); ++i) {
      const auto reason = static_cast<Reason>(i);
      if (receiver->counters()[reason] == before[reason]) continue;
      heard.reason = reason;
      ++counted;
    }
    EXPECT_EQ(counted, 1) << "one counter a message";
    if (heard.secured()) {
      EXPECT_TRUE(receiver->accept(*heard.judged));
    }
    return heard;
  }
  Heard hear(const Craft& craft, InterfaceId interface = {}) {
    return hear(craft.packet(), interface);
  }
  // By a node that never heard of the sender.
  Heard hear_first(const Craft& craft) {
    restart();
    return hear(craft);
  }

  // A good message, each with a Nonce of its own where it needs one.
  [[nodiscard]] Craft good(Kind kind) { return good(kind, peer); }
  [[nodiscard]] Craft good(Kind kind, const Peer& from) {
    if (kind == Kind::kRtSolPr) return from.rtsolpr(kOurs, now, {});
    Craft craft = from.router_solicitation(now);
    if (kind == Kind::kRouterSolicitation) return craft;
    craft.options.clear();
    craft.destination = kind == Kind::kRouterAdvertisement ? kAllNodes : kOurs;
    craft.head = head(kind, from);
    if (!send::is_solicitation(kind)) craft.nonce.reset();
    return craft;
  }
  // A solicitation of who checks that nobody has the address yet.
  [[nodiscard]] Craft detection(const Peer& from) {
    Craft craft = good(Kind::kNeighborSolicitation, from);
    craft.source = {};
    craft.destination = from.link_local().solicited_node();
    craft.head = octets_of(wire::NeighborSolicitation{from.link_local()});
    return craft;
  }
  // The message claims another address of the same key than its parameters make.
  [[nodiscard]] Craft with_parameters_of(Craft craft, const Ipv6Address& address) const {
    craft.cga_parameters = peer.parameters(address).octets();
    return craft;
  }

  send::ReceiverConfig config;
  Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  machine::Outbox outbox;
  std::unique_ptr<send::Receiver> receiver;
  Peer peer{signing_key("mn-1024"), kPipelinePrefix, "02:00:5e:00:53:21"};

 private:
  [[nodiscard]] static Bytes head(Kind kind, const Peer& from) {
    switch (kind) {
      case Kind::kRouterAdvertisement:
        return octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800});
      case Kind::kNeighborSolicitation:
        return octets_of(wire::NeighborSolicitation{kOurs});
      case Kind::kNeighborAdvertisement:
        return octets_of(
            wire::NeighborAdvertisement{.override_flag = true, .target = from.link_local()});
      case Kind::kRedirect:
        return octets_of(
            wire::Redirect{Ipv6Address::literal("fe80::5"), Ipv6Address::literal("2001:db8:f::5")});
      default:
        return octets_of(wire::PrRtAdv{wire::PrRtAdv::kUnsolicited, 0});
    }
  }
};

}  // namespace sendoff::test
