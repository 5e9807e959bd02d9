// What a mobile node says to Mobility Headers that are not for it (RFC 6275 9.2).
#include "moving.h"

namespace sendoff::test {
namespace {

const Ipv6Address kStranger = Ipv6Address::literal("2001:db8:f::1");

struct Addressed : Moving {
  // A Mobility Header to the node's address, its checksum right.
  [[nodiscard]] Bytes packet_of(std::uint8_t type, std::uint8_t payload_protocol = 59,
                                std::size_t size = 16, const Ipv6Address& source = kStranger,
                                std::optional<Ipv6Address> home = std::nullopt) const {
    Bytes header(size);
    header[0] = payload_protocol;
    header[1] = static_cast<std::uint8_t>(size / 8 - 1);
    header[2] = type;
    wire::seal_mobility(home.value_or(source), pcoa, header);
    wire::Ipv6Header ip;
    ip.source = source;
    ip.destination = pcoa;
    ip.next_header = home ? wire::kProtocolDestinationOptions : wire::kProtocolMobility;
    Bytes extension;
    if (home) append(extension, wire::HomeAddressHeader{wire::kProtocolMobility, *home});
    return wire::build_packet(ip, extension, header);
  }
  // The one answer since the last forget_output().
  [[nodiscard]] wire::PacketView answer() const {
    EXPECT_EQ(world.sent.size(), 1U);
    if (world.sent.size() != 1) return {};
    const auto packet = wire::PacketView::parse(world.sent[0].packet);
    EXPECT_EQ(packet->header.source, pcoa);
    EXPECT_EQ(packet->header.destination, kStranger);
    EXPECT_TRUE(world.sent[0].routed);
    return *packet;
  }
  [[nodiscard]] std::uint32_t problem_pointer() const {
    const wire::PacketView packet = answer();
    const auto problem = wire::ParameterProblem::parse(packet.upper);
    EXPECT_TRUE(problem);
    if (!problem) return 0;
    EXPECT_EQ(problem->code, 0);
    EXPECT_TRUE(wire::icmpv6_checksum_ok(pcoa, kStranger, packet.upper));
    return problem->pointer;
  }
};

TEST(MobilityHeader, OfAnUnknownTypeGetsABindingError) {
  COVERS("FH-6275-08");
  Addressed node;
  World& world = node.world;
  for (const bool with_home : {false, true}) {
    world.forget_output();
    const auto home =
        with_home ? std::optional(Ipv6Address::literal("2001:db8:f::77")) : std::nullopt;
    world.deliver(node.packet_of(200, 59, 16, kStranger, home));
    const wire::PacketView packet = node.answer();
    const auto error = wire::BindingError::parse(packet.upper);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->status, 2);
    EXPECT_EQ(error->home_address, home.value_or(Ipv6Address{}));
    EXPECT_TRUE(wire::mobility_checksum_ok(node.pcoa, kStranger, packet.upper));
  }
  world.forget_output();
  for (const char* source : {"ff02::5", "::"})
    world.deliver(node.packet_of(200, 59, 16, Ipv6Address::literal(source)));
  EXPECT_TRUE(world.sent.empty());
  for (int i = 0; i < 1000; ++i) world.deliver(node.packet_of(200));
  EXPECT_GE(world.sent.size(), 1U);
  EXPECT_LE(world.sent.size(), 10U);
  EXPECT_EQ(world.count("mobility", "unknown-type"), 1004U);
  // What Mobile IPv6 itself knows may be somebody else's on this host; so may be what others sent
  // to others.
  world.advance(seconds(2));
  world.forget_output();
  for (std::uint8_t type = 0; type <= 7; ++type) world.deliver(node.packet_of(type));
  Bytes elsewhere = node.packet_of(200);
  elsewhere[39] ^= 1;
  world.deliver(elsewhere);
  EXPECT_TRUE(world.sent.empty());
}

TEST(MobilityHeader, WithSomethingBehindItIsAProblem) {
  COVERS("FH-6275-09");
  Addressed node;
  World& world = node.world;
  world.deliver(node.packet_of(9, 6));
  EXPECT_EQ(node.problem_pointer(), 40U);
  world.forget_output();
  world.deliver(node.packet_of(9, 6, 16, kStranger, Ipv6Address::literal("2001:db8:f::77")));
  EXPECT_EQ(node.problem_pointer(), 64U) << "behind the Destination Options";
  world.forget_output();
  for (int i = 0; i < 1000; ++i) world.deliver(node.packet_of(9, 6));
  EXPECT_LE(world.sent.size(), 10U);
  // An FBack that is right but for this ends nothing.
  world.advance(seconds(2));
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  Bytes fback = world.fback(node.par, world.updates().back());
  Bytes header(fback.begin() + 40, fback.end());
  header[0] = 6;
  wire::seal_mobility(node.par.global[0], node.pcoa, header);
  std::ranges::copy(header, fback.begin() + 40);
  world.deliver(fback);
  EXPECT_EQ(world.last(machine::EventKind::kHandoverDone), nullptr);
}

TEST(MobilityHeader, ThatIsTooShortForItsTypeIsAProblem) {
  COVERS("FH-6275-10");
  Addressed node;
  World& world = node.world;
  for (const std::uint8_t type : {std::uint8_t{8}, std::uint8_t{9}}) {
    world.forget_output();
    world.deliver(node.packet_of(type, 59, 8));
    EXPECT_EQ(node.problem_pointer(), 41U) << int{type};
  }
  world.forget_output();
  for (int i = 0; i < 1000; ++i) world.deliver(node.packet_of(9, 59, 8));
  EXPECT_LE(world.sent.size(), 10U);
}

TEST(MobilityHeader, WithAWrongChecksumOrInFragmentsIsSilence) {
  Addressed node;
  World& world = node.world;
  for (const std::uint8_t type : {std::uint8_t{9}, std::uint8_t{200}}) {
    Bytes packet = node.packet_of(type);
    packet.back() ^= 1;
    world.deliver(packet);
  }
  const Bytes whole = node.packet_of(200);
  machine::Received received;
  received.interface = kLink;
  received.packet = whole;
  received.arrived_as_fragment = true;
  world.mobile->handle(world.now, received);
  EXPECT_TRUE(world.sent.empty());
  EXPECT_EQ(world.count("mobility", "checksum"), 2U);
  EXPECT_EQ(world.count("mobility", "fragment"), 1U);
}

}  // namespace
}  // namespace sendoff::test
