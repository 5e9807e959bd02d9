// What every Mobility Header must pass (RFC 6275 9.2), and the way of HI and HAck between routers.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

class PeerLink : public ParTest {
 protected:
  // A Mobility Header of 16 octets from the NAR, its checksum right.
  [[nodiscard]] Bytes header_of(std::uint8_t type, std::uint8_t payload_protocol = 59,
                                std::size_t size = 16) const {
    Bytes header(size);
    header[0] = payload_protocol;
    header[1] = static_cast<std::uint8_t>(size / 8 - 1);
    header[2] = type;
    return header;
  }
  [[nodiscard]] Bytes packet_of(Bytes header, const Ipv6Address& source,
                                std::optional<Ipv6Address> home = std::nullopt) const {
    wire::seal_mobility(home.value_or(source), ar_global(), header);
    wire::Ipv6Header ip;
    ip.source = source;
    ip.destination = ar_global();
    ip.next_header = home ? wire::kProtocolDestinationOptions : wire::kProtocolMobility;
    Bytes extension;
    if (home) extension = octets_of(wire::HomeAddressHeader{wire::kProtocolMobility, *home});
    return wire::build_packet(ip, extension, header);
  }
  [[nodiscard]] std::vector<Sent<wire::BindingError>> errors() const {
    return sent_by<wire::BindingError>(bench);
  }
  struct Problem {
    wire::Ipv6Header ip;
    std::uint8_t code;
    std::uint32_t pointer;
  };
  [[nodiscard]] std::vector<Problem> problems() const {
    std::vector<Problem> found;
    for (const machine::Transmit& transmit : bench.sent) {
      if (transmit.packet[6] != wire::kProtocolIcmpv6) continue;
      const auto problem = wire::ParameterProblem::parse(ByteView(transmit.packet).subspan(40));
      if (!problem) continue;
      const auto ip = *wire::Ipv6Header::parse(transmit.packet);
      EXPECT_TRUE(wire::icmpv6_checksum_ok(ip.source, ip.destination,
                                           ByteView(transmit.packet).subspan(40)));
      EXPECT_LE(transmit.packet.size(), 1280u);
      found.push_back({ip, problem->code, problem->pointer});
    }
    return found;
  }
};

TEST_F(PeerLink, AnUnknownTypeGetsABindingError) {
  COVERS("FH-6275-08");
  start();
  bench.receive(packet_of(header_of(200), kNar), kNarLink);
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_EQ(errors()[0].message.status, 2);
  EXPECT_TRUE(errors()[0].message.home_address.is_unspecified());
  EXPECT_EQ(errors()[0].ip.destination, kNar);
  EXPECT_EQ(errors()[0].ip.source, ar_global());
  EXPECT_TRUE(
      wire::mobility_checksum_ok(ar_global(), kNar, ByteView(errors()[0].packet).subspan(40)));
  bench.forget();
  bench.receive(packet_of(header_of(200), ncoa(), mn.global()), kNarLink);
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_EQ(errors()[0].message.home_address, mn.global());
  EXPECT_EQ(errors()[0].ip.destination, ncoa());
  bench.forget();
  for (const char* source : {"ff02::5", "::"})
    bench.receive(packet_of(header_of(200), Ipv6Address::literal(source)), kNarLink);
  EXPECT_TRUE(bench.sent.empty());
  for (int i = 0; i < 1000; ++i) bench.receive(packet_of(header_of(200), kNar), kNarLink);
  EXPECT_GE(errors().size(), 1u);
  EXPECT_LE(errors().size(), 10u);
  EXPECT_EQ(bench.counter("mobility", "unknown-type"), 1004u);
  // What Mobile IPv6 itself knows may be somebody else's on this host.
  bench.advance(seconds(2));
  bench.forget();
  for (std::uint8_t type = 0; type <= 7; ++type)
    bench.receive(packet_of(header_of(type), kNar), kNarLink);
  EXPECT_TRUE(bench.sent.empty());
}

TEST_F(PeerLink, TheDeprecatedNeighbourAdvertisementIsUnknown) {
  COVERS("FH-8-01");
  config.new_router.dad_transmits = 0;
  start();
  CraftPeer craft;  // a node is expected
  craft.source = kNar;
  craft.destination = ar_global();
  craft.buffer = true;
  craft.link_address = mn.link_address();
  craft.ncoa = Ipv6Address::literal("2001:db8:a:1::42");
  bench.receive(craft.initiate(), kNarLink);
  bench.forget();
  for (int i = 0; i < 100; ++i) bench.receive(packet_of(header_of(10), kNar), kNarLink);
  EXPECT_TRUE(bench.actions.empty());
  ASSERT_FALSE(errors().empty());
  EXPECT_LE(errors().size(), 10u);
  EXPECT_EQ(errors()[0].message.status, 2);
  EXPECT_EQ(router->status(bench.now, 10).arrivals.at(0).state, "expected");
}

TEST_F(PeerLink, APayloadBehindTheHeaderIsAProblem) {
  COVERS("FH-6275-09");
  start();
  for (const std::uint8_t type : {std::uint8_t{8}, std::uint8_t{14}, std::uint8_t{15}}) {
    bench.forget();
    bench.receive(packet_of(header_of(type, 6), kNar), kNarLink);
    ASSERT_EQ(problems().size(), 1u);
    EXPECT_EQ(problems()[0].code, 0);
    EXPECT_EQ(problems()[0].pointer, 40u);
    EXPECT_EQ(problems()[0].ip.destination, kNar);
    EXPECT_EQ(bench.sent.size(), 1u);
    EXPECT_TRUE(bench.actions.empty());
  }
  bench.forget();
  bench.receive(packet_of(header_of(8, 6), ncoa(), mn.global()), kNarLink);
  ASSERT_EQ(problems().size(), 1u);
  EXPECT_EQ(problems()[0].pointer, 64u);  // behind the Destination Options
  bench.forget();
  for (int i = 0; i < 1000; ++i) bench.receive(packet_of(header_of(8, 6), kNar), kNarLink);
  EXPECT_LE(problems().size(), 10u);
}

TEST_F(PeerLink, AHeaderShorterThanItsTypeIsAProblem) {
  COVERS("FH-6275-10");
  start();
  for (const std::uint8_t type : {std::uint8_t{8}, std::uint8_t{9}, std::uint8_t{14}}) {
    bench.forget();
    bench.receive(packet_of(header_of(type, 59, 8), kNar), kNarLink);
    ASSERT_EQ(problems().size(), 1u) << int{type};
    EXPECT_EQ(problems()[0].code, 0);
    EXPECT_EQ(problems()[0].pointer, 41u);
    EXPECT_TRUE(bench.actions.empty());
  }
  bench.forget();
  for (int i = 0; i < 1000; ++i) bench.receive(packet_of(header_of(8, 59, 8), kNar), kNarLink);
  EXPECT_LE(problems().size(), 10u);
}

TEST_F(PeerLink, AWrongChecksumIsSilence) {
  start();
  for (const std::uint8_t type : {std::uint8_t{8}, std::uint8_t{14}, std::uint8_t{200}}) {
    Bytes packet = packet_of(header_of(type), kNar);
    packet.back() ^= 1;
    bench.receive(packet, kNarLink);
  }
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.counter("mobility", "checksum"), 3u);
}

TEST_F(PeerLink, WithoutProtectionNothingIsSentOrTaken) {
  for (const auto protection :
       {router::Protection::kNone, router::Protection::kEsp, router::Protection::kHost}) {
    const bool esp = protection == router::Protection::kEsp;
    config.neighbours[0].protection = protection;
    bench = MachineBench();
    start();
    receive(predictive(1));
    EXPECT_TRUE(his().empty());
    ASSERT_EQ(fbacks().size(), 1u);
    EXPECT_EQ(fbacks()[0].status, 128);
    EXPECT_EQ(counted("fbu", "not-asked"), 1u);
    bench.forget();
    CraftPeer craft;
    craft.source = kNar;
    craft.destination = ar_global();
    craft.link_address = mn.link_address();
    craft.ncoa = Ipv6Address::literal("2001:db8:a:1::42");
    bench.receive(craft.initiate(), kNarLink);
    craft.flip_checksum = true;
    bench.receive(craft.initiate(), kNarLink);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_TRUE(bench.actions.empty());
    EXPECT_EQ(counted("peer", esp ? "clear-from-protected" : "unprotected"), 2u);
  }
}

TEST_F(PeerLink, NoHiComesWithAHomeAddress) {
  COVERS("FH-6275-21");
  start();
  receive(predictive(1));
  for (const machine::Transmit& transmit : bench.sent)
    EXPECT_EQ(transmit.packet[6], wire::kProtocolMobility);  // no extension header
  CraftPeer answer = hack(0);
  answer.home_address = mn.global();
  take(answer);
  EXPECT_EQ(installed(), 0u);
  CraftPeer craft;
  craft.source = kNar;
  craft.destination = ar_global();
  craft.link_address = mn.link_address();
  craft.ncoa = Ipv6Address::literal("2001:db8:a:1::42");
  craft.home_address = mn.global();
  bench.receive(craft.initiate(), kNarLink);
  EXPECT_TRUE(router->status(bench.now, 10).arrivals.empty());
  EXPECT_EQ(counted("peer", "extension"), 2u);
  take(hack(0));
  EXPECT_EQ(installed(), 1u);
  for (const auto& fback : sent_by<wire::FastBindingAcknowledgement>(bench))
    EXPECT_EQ(fback.packet[6], wire::kProtocolMobility);
}

TEST_F(PeerLink, AnFbuWithNonceIndicesIsDropped) {
  COVERS("FH-6275-49");
  start();
  CraftFbu craft = predictive(1);
  craft.raw_options = {4, 4, 0, 1, 0, 2, 1, 0};
  receive(craft);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_EQ(counted("fbu", "nonce-indices"), 1u);
  // An unknown option at the same place is skipped.
  craft.raw_options = {250, 4, 0, 1, 0, 2, 1, 0};
  receive(craft);
  EXPECT_EQ(his().size(), 1u);
}

}  // namespace
}  // namespace sendoff::test
