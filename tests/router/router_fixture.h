// An access router under test: the vectors' certified router key, one interface with the prefix
// 2001:db8:a:1::/64, one neighbour without HI, and everything the bench records.
#pragma once

#include <gtest/gtest.h>

#include "keys/authenticator.h"
#include "router/router.h"
#include "support/covers.h"
#include "support/machine_bench.h"
#include "support/peer.h"
#include "support/vectors.h"

namespace sendoff::test {

inline const std::string kPrefix = "2001:db8:a:1::/64";
inline const std::string kNarPrefix = "2001:db8:a:2::/64";
inline const LinkAddress kRouterLink = LinkAddress::literal("02:00:00:00:00:01");
inline const LinkAddress kNarAp = LinkAddress::literal("02:00:00:00:0a:02");

inline router::Config router_config() {
  router::Config config;
  router::Interface interface;
  interface.name = "access0";
  interface.identity.key = signing_key("ar-2048");
  interface.prefixes.push_back({Prefix::literal(kPrefix), 86'400, 14'400});
  interface.access_points.push_back(LinkAddress::literal("02:00:00:00:0a:01"));
  interface.max_answer_delay = Duration{};
  config.interfaces.push_back(std::move(interface));
  router::Neighbour nar;
  nar.name = "nar";
  nar.address = Ipv6Address::literal("2001:db8:a:2::1");
  nar.link_address = LinkAddress::literal("02:00:00:00:00:02");
  nar.prefix = Prefix::literal(kNarPrefix);
  nar.access_points.push_back(kNarAp);
  nar.handover_initiate = false;
  config.neighbours.push_back(std::move(nar));
  config.certification.path = {load_file("pki/ca.der"), load_file("pki/good-router.der")};
  config.certification.anchor = *pki::TrustAnchor::parse(load_file("pki/anchor.der"));
  return config;
}

class RouterTest : public testing::Test {
 protected:
  // Built by start(), so that a test may change `config` before.
  router::Config config = router_config();
  FakeRandom random{7};
  MachineBench bench;
  std::unique_ptr<router::Router> router;
  Peer mn{signing_key("mn-1024"), kPrefix, "02:00:00:00:01:01"};
  std::shared_ptr<const crypto::HandoverDecryptionKey> hke = decryption_key("hke-1024");

  // Link up, addresses ready; what was sent and reported by then is forgotten.
  void start(machine::Snapshot snapshot = {}) {
    router = std::make_unique<router::Router>(config, std::move(snapshot), random, bench.now);
    bench.attach(*router);
    bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
    bench.forget();
    bench.jobs.clear();
  }

  [[nodiscard]] Ipv6Address ar_link_local() const {
    return config.interfaces[0].identity.address(send::link_local_prefix());
  }
  [[nodiscard]] Ipv6Address ar_global() const {
    return config.interfaces[0].identity.address(Prefix::literal(kPrefix));
  }
  void receive(const Craft& craft, const Peer& from) {
    bench.receive(craft.packet(), from.link_address());
  }
  // An RS of a node that has no address yet.
  [[nodiscard]] Craft from_unspecified() const {
    Craft craft = mn.router_solicitation(bench.now);
    craft.source = Ipv6Address{};
    craft.options.clear();
    craft.cga_parameters.reset();
    craft.signer.reset();
    return craft;
  }
  [[nodiscard]] Craft request(std::uint8_t algorithm = 2) const {
    return mn.rtsolpr(ar_global(), bench.now, hke->spki(), algorithm);
  }
  // The one PrRtAdv that was sent since the last forget(); fails the test when there is another
  // number of them.
  [[nodiscard]] Bytes reply() const {
    std::vector<Bytes> replies;
    for (const machine::Transmit& transmit : bench.sent)
      if (transmit.packet.size() > 44 && transmit.packet[6] == wire::kProtocolIcmpv6 &&
          transmit.packet[40] == 154)
        replies.push_back(transmit.packet);
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? Bytes(48) : replies.back();
  }
  [[nodiscard]] bool has_key(ByteView packet) const {
    return find_option(packet, wire::OptionType::kHandoverKeyReply).has_value();
  }
  struct Delivered {
    std::uint8_t algorithm = 0;
    std::uint16_t lifetime_s = 0;
    Bytes key;
  };
  // Opens the Handover Key Reply of a PrRtAdv.
  [[nodiscard]] std::optional<Delivered> open(ByteView packet,
                                              const crypto::HandoverDecryptionKey& with) const {
    const auto octets = find_option(packet, wire::OptionType::kHandoverKeyReply);
    if (!octets) return std::nullopt;
    const auto option = wire::HandoverKeyReply::parse(*octets);
    const auto algorithm = crypto::algorithm_of(option->algorithm.value);
    const Secret key = with.decrypt(option->encrypted_key, crypto::key_size(*algorithm));
    return Delivered{option->algorithm.value, option->lifetime_s, to_bytes(key.expose())};
  }
  // A whole exchange of `mn`: the key that it got.
  Delivered provision(std::uint8_t algorithm = 2) {
    bench.forget();
    receive(request(algorithm), mn);
    const auto delivered = open(reply(), *hke);
    EXPECT_TRUE(delivered.has_value());
    bench.forget();
    return delivered.value_or(Delivered{});
  }
  [[nodiscard]] CraftFbu fbu(const Delivered& delivered, std::uint16_t sequence = 1) const {
    CraftFbu craft;
    craft.source = mn.global();
    craft.destination = ar_global();
    craft.home_address = mn.global();
    craft.alternate_care_of = mn.address_in(kNarPrefix);
    craft.sequence = sequence;
    craft.algorithm = *crypto::algorithm_of(delivered.algorithm);
    craft.key = delivered.key;
    return craft;
  }
  void receive(const CraftFbu& craft) { bench.receive(craft.packet(), mn.link_address()); }
  // FBacks sent since the last forget().
  [[nodiscard]] std::vector<wire::FastBindingAcknowledgement> fbacks() const {
    std::vector<wire::FastBindingAcknowledgement> found;
    for (const machine::Transmit& transmit : bench.sent) {
      if (transmit.packet[6] != wire::kProtocolMobility || transmit.packet[42] != 9) continue;
      const auto fback =
          wire::FastBindingAcknowledgement::parse(ByteView(transmit.packet).subspan(40));
      EXPECT_TRUE(fback.has_value());
      if (fback) found.push_back(*fback);
    }
    return found;
  }
};

}  // namespace sendoff::test
