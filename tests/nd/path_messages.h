// A guard as a router that answers for its certificates, and as a host that asks for those of one;
// messages of certification path discovery by hand.
#pragma once

#include "nd/guard_fixture.h"
#include "support/authority.h"

namespace sendoff::test {

inline const Ipv6Address kAsker = Ipv6Address::literal("fe80::aa:bb:ccdd");

class PathMessages : public GuardTest {
 protected:
  PathMessages() {
    nd::CertifierConfig certifier;
    certifier.path = {certificate("ca"), certificate("ca2"), certificate("good-deep")};
    certifier.anchor = *pki::TrustAnchor::parse(certificate("anchor"));
    config.certifier = certifier;
    trust();
  }
  [[nodiscard]] Bytes our_anchor() const {
    return octets_of(wire::TrustAnchorOption{wire::TrustAnchorOption::NameType::kDerName,
                                             config.certifier->anchor.subject_name});
  }
  void deliver(ByteView packet, bool in_pieces = false) {
    bench.receive(packet, router.link_address, kGuarded, in_pieces);
  }
  // --- as a router
  [[nodiscard]] Bytes cps(const std::vector<Bytes>& options, std::uint16_t identifier = 0x1234,
                          const Ipv6Address& source = kAsker,
                          std::uint16_t component = 0xffff) const {
    Bytes message = octets_of(wire::CertificationPathSolicitation{identifier, component});
    for (const Bytes& option : options) message.insert(message.end(), option.begin(), option.end());
    return plain(source, kAllRouters, std::move(message));
  }
  std::vector<Bytes> answers_to(const Bytes& packet) {
    bench.advance(seconds(2));  // past MAX_CPA_RATE
    bench.sent.clear();
    deliver(packet);
    return sent_of(149);
  }
  [[nodiscard]] std::vector<Bytes> sent_of(int type) const {
    std::vector<Bytes> found;
    for (const machine::Transmit& transmit : bench.sent)
      if (transmit.packet[40] == type) found.push_back(transmit.packet);
    return found;
  }
  // --- as a host
  // An RA of a router that nobody knows: it waits, and its path is asked for. That CPS.
  Bytes ask_for_path() {
    bench.sent.clear();
    (void)from_wire(certified_advertisement(), router.link_address);
    held = last_hold();
    const auto found = sent_of(148);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? Bytes(48) : found.front();
  }
  [[nodiscard]] static wire::CertificationPathSolicitation head(const Bytes& packet) {
    return *wire::CertificationPathSolicitation::parse(ByteView(packet).subspan(40));
  }
  // What a test may bend of a CPA.
  struct Cpa {
    std::uint16_t identifier = 0;
    std::uint16_t components = 2;
    std::uint16_t component = 0;
    Bytes certificate;
    std::vector<Bytes> before;     // options
    std::vector<Bytes> instead{};  // of the Certificate option
    std::optional<Ipv6Address> source{};
    std::optional<Ipv6Address> destination{};
    std::uint8_t code = 0;
    std::uint8_t hop_limit = 255;
    std::uint16_t reserved = 0;
  };
  [[nodiscard]] Bytes packet(const Cpa& cpa) const {
    Bytes message = octets_of(
        wire::CertificationPathAdvertisement{cpa.identifier, cpa.components, cpa.component});
    message[1] = cpa.code;
    message[10] = static_cast<std::uint8_t>(cpa.reserved >> 8);
    message[11] = static_cast<std::uint8_t>(cpa.reserved);
    const auto add = [&](const Bytes& option) {
      message.insert(message.end(), option.begin(), option.end());
    };
    for (const Bytes& option : cpa.before) add(option);
    for (const Bytes& option : cpa.instead) add(option);
    if (cpa.instead.empty())
      add(octets_of(wire::CertificateOption{wire::CertificateOption::kX509, cpa.certificate}));
    Bytes octets = plain(cpa.source.value_or(router.link_local),
                         cpa.destination.value_or(own().solicited_node()), std::move(message));
    octets[7] = cpa.hop_limit;
    return octets;
  }
  // Both components of the router's path, as an answer to `question`, and each of them bent.
  using Bend = std::function<void(Cpa&)>;
  void answer(const Bytes& question, const Bend& bend = {}, bool in_pieces = false) {
    const std::vector<Bytes> path{certificate("ca"), certificate("good-router")};
    for (std::uint16_t i = 0; i < 2; ++i) {
      Cpa cpa;
      cpa.identifier = head(question).identifier;
      cpa.component = static_cast<std::uint16_t>(1 - i);
      cpa.certificate = path[i];
      if (bend) bend(cpa);
      deliver(packet(cpa), in_pieces);
    }
  }
  [[nodiscard]] bool router_heard() { return taken(verdict(held)); }
  // Whether a path that came like this is usable, from the beginning.
  bool usable(const Bend& bend) {
    start();
    answer(ask_for_path(), bend);
    return router_heard();
  }

  machine::HoldId held;
};

}  // namespace sendoff::test
