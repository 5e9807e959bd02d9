// What comes in: each cause of a drop, its counter, and that nothing changes before the ICV holds.
#include "crypto/mac.h"
#include "esp/fixture.h"

namespace sendoff::esp {
namespace {

using Open = EspTest;

constexpr std::array kDropCounts{Count::kForeign,       Count::kFragment, Count::kMalformed,
                                 Count::kNoAssociation, Count::kSelector, Count::kReplay,
                                 Count::kIntegrity,     Count::kDummy,    Count::kChecksum};

// All that a drop could have changed.
struct Seen {
  std::array<std::uint64_t, kDropCounts.size()> drops{};
  std::uint64_t macs = 0;
  std::uint32_t highest = 0;
};
Seen look(const Node& node) {
  Seen seen;
  for (std::size_t i = 0; i < kDropCounts.size(); ++i)
    seen.drops.at(i) = node.count(kDropCounts.at(i));
  seen.macs = node.count(Count::kMacs);
  seen.highest = node.associations.status()[0].inbound[0].highest;
  return seen;
}

TEST_F(Open, TakesTheVectorsPacket) {
  Config config;
  config.pairs.push_back({kNar,
                          kPar,
                          {0x9999, key_numbered(9)},
                          {{0xc7a50e31, key_of(vector().hex("hmac-hi-key")), true}}});
  Node node;
  node.configure(now, config);
  EXPECT_EQ(node.open(now, vector().hex("hmac-hi-ipv6-packet")), std::nullopt);
  ASSERT_EQ(node.taken.size(), 1U);
  EXPECT_EQ(node.taken[0], hi());
}

TEST_F(Open, RefusesExtendedSequenceNumbers) {
  COVERS("ESP-4303-21");  // and that no setting knows them: RouterFile.EspHasNoSettingBeyondItsOwn
  Config config;
  config.pairs.push_back({kNar,
                          kPar,
                          {0x9999, key_numbered(9)},
                          {{0xc7a50e31, key_of(vector().hex("hmac-hi-key")), true}}});
  Node node;
  node.configure(now, config);
  const Craft at{.source = kPar, .destination = kNar};
  EXPECT_EQ(node.open(now, at.around(vector().hex("hmac-hi-bad-esn-esp-packet"))),
            Drop::kIntegrity);
  EXPECT_EQ(node.count(Count::kIntegrity), 1U);
  EXPECT_EQ(node.open(now, at.around(vector().hex("hmac-hi-esp-packet"))), std::nullopt);
}

TEST_F(Open, WhatTheHeaderDoesNotCoverMayChange) {
  Bytes packet = par.seal(now, kNar, hi()).value();
  Bytes changed = packet;
  changed[0] = 0x6f;
  changed[1] = 0xff;
  changed[2] = 0xff;
  changed[7] = 1;
  EXPECT_EQ(nar.open(now, changed), std::nullopt);
}

TEST_F(Open, EachFlippedBitOfTheEspPacketIsRefused) {
  COVERS("ESP-4303-10");
  const Bytes packet = par.seal(now, kNar, hi()).value();
  for (std::size_t bit = 40 * 8; bit < packet.size() * 8; ++bit) {
    Bytes flipped = packet;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_NE(nar.open(now, flipped), std::nullopt) << bit;
  }
  EXPECT_TRUE(nar.taken.empty());
  EXPECT_EQ(nar.associations.status()[0].inbound[0].highest, 0U);
  // Hop limit, traffic class and flow label are not covered.
  Bytes changed = packet;
  for (const std::size_t octet : {1U, 2U, 3U, 7U}) changed[octet] ^= 0xff;
  EXPECT_EQ(nar.open(now, changed), std::nullopt);
}

TEST_F(Open, LengthsThatNoPacketHasAreRefusedBeforeCryptography) {
  COVERS("ESP-4303-08");
  std::uint64_t dropped = 0;
  for (std::size_t size = 0; size <= 31; ++size) {
    if (size == 28) continue;
    EXPECT_EQ(open({.cut = size}), Drop::kMalformed) << size;
    EXPECT_EQ(nar.count(Count::kMalformed), ++dropped);
  }
  EXPECT_EQ(nar.count(Count::kMacs), 0U);
  // 28 octets with a right ICV hold nothing.
  Craft empty;
  empty.payload.clear();
  EXPECT_EQ(empty.packet().size(), 40U + 28U);
  EXPECT_EQ(open(empty), Drop::kMalformed);
  EXPECT_EQ(nar.count(Count::kMacs), 1U);
  EXPECT_TRUE(nar.taken.empty());
}

TEST_F(Open, SpisThatAreNotOursAreDroppedBeforeCryptography) {
  COVERS("ESP-4303-06");
  // The last is our own outbound one; and one that a reload removed.
  Config without = nar_config;
  without.pairs[0].inbound[0] = {0x1001, key_numbered(7), true};
  nar.configure(now, without);
  std::uint64_t dropped = 0;
  for (const std::uint32_t spi : {0x7777U, 0U, kToPar, kToNar}) {
    EXPECT_EQ(open({.spi = spi}), Drop::kNoAssociation) << spi;
    EXPECT_EQ(nar.count(Count::kNoAssociation), ++dropped);
  }
  EXPECT_EQ(nar.audit.size(), 4U);
  EXPECT_EQ(nar.count(Count::kMacs), 0U);
  EXPECT_EQ(open({.spi = 0x7777, .source = kStranger}), Drop::kForeign);
  EXPECT_EQ(nar.count(Count::kForeign), 1U);
  EXPECT_EQ(nar.audit.size(), 4U) << "somebody else's ESP is not audited";
  // A neighbour without associations is one of ours.
  EXPECT_EQ(open({.spi = 0x7777, .source = kThird}), Drop::kNoAssociation);
}

TEST_F(Open, AddressesMustBeTheAssociations) {
  COVERS("ESP-4303-07");
  const Seen before = look(nar);
  EXPECT_EQ(open({.source = kThird}), Drop::kSelector);
  EXPECT_EQ(open({.source = kStranger}), Drop::kSelector);
  EXPECT_EQ(open({.destination = Ipv6Address::literal("2001:db8:b::2")}), Drop::kSelector);
  EXPECT_EQ(nar.count(Count::kSelector), 3U);
  EXPECT_EQ(nar.count(Count::kMacs), 0U);
  EXPECT_EQ(look(nar).highest, before.highest);
  EXPECT_EQ(open({}), std::nullopt) << "the number was not used up";
}

// A Home Address option makes another node the source (RFC 6275 6.3), a routing header another the
// destination.
TEST_F(Open, ExtensionHeadersThatChangeTheAddressesAreRefused) {
  const Bytes plain = Craft{}.packet();
  Bytes extension;
  append(extension, wire::HomeAddressHeader{wire::kProtocolEsp, kStranger});
  wire::Ipv6Header header;
  header.source = kPar;
  header.destination = kNar;
  header.next_header = wire::kProtocolDestinationOptions;
  EXPECT_EQ(nar.open(now, wire::build_packet(header, extension, ByteView(plain).subspan(40))),
            Drop::kSelector);
  extension.clear();
  wire::RoutingHeader routing;
  routing.next_header = wire::kProtocolEsp;
  routing.home_address = kNar;
  append(extension, routing);
  header.next_header = wire::kProtocolRouting;
  EXPECT_EQ(nar.open(now, wire::build_packet(header, extension, ByteView(plain).subspan(40))),
            Drop::kSelector);
  EXPECT_EQ(nar.count(Count::kMacs), 0U);
}

TEST_F(Open, AForgedNumberChangesNothing) {
  const Bytes genuine = par.seal(now, kNar, hi()).value();
  const Seen before = look(nar);
  const std::size_t stored = nar.records.size();
  EXPECT_EQ(open({.sequence = 0xffffffff, .bad_icv = true}), Drop::kIntegrity);
  EXPECT_EQ(nar.count(Count::kIntegrity), 1U);
  EXPECT_EQ(look(nar).highest, before.highest);
  EXPECT_EQ(nar.records.size(), stored) << "no floor is stored";
  EXPECT_EQ(nar.associations.next_deadline(), kNever) << "and none is to be";
  EXPECT_TRUE(nar.taken.empty());
  EXPECT_EQ(nar.open(now, genuine), std::nullopt);
}

TEST_F(Open, NumbersAreTakenOnceWithinTheWindow) {
  COVERS("ESP-4303-19");
  const auto number = [&](std::uint32_t sequence) { return open({.sequence = sequence}); };
  std::uint64_t replays = 0;
  const auto replayed = [&](std::uint32_t sequence) {
    EXPECT_EQ(number(sequence), Drop::kReplay) << sequence;
    EXPECT_EQ(nar.count(Count::kReplay), ++replays);
  };
  EXPECT_EQ(number(5), std::nullopt);
  for (std::uint32_t each = 1; each <= 4; ++each) {
    EXPECT_EQ(number(each), std::nullopt);
    replayed(each);
  }
  EXPECT_EQ(number(100), std::nullopt);
  EXPECT_EQ(number(37), std::nullopt);
  for (const std::uint32_t each : {37U, 36U, 100U, 0U}) replayed(each);
  EXPECT_EQ(number(101), std::nullopt);
  replayed(37);
  EXPECT_EQ(number(2000), std::nullopt);
  EXPECT_EQ(number(1937), std::nullopt);
  replayed(1936);
}

TEST_F(Open, AntiReplayCanBeSwitchedOffPerAssociation) {
  nar_config.pairs[0].inbound[0].anti_replay = false;
  nar.configure(now, nar_config);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(open({.sequence = 7}), std::nullopt);
    EXPECT_EQ(open({.sequence = 0}), std::nullopt);
  }
  EXPECT_EQ(nar.taken.size(), 4U);
  EXPECT_EQ(nar.count(Count::kReplay), 0U);
  EXPECT_EQ(open({.sequence = 8, .bad_icv = true}), Drop::kIntegrity);
}

TEST_F(Open, PaddingIsTakenWhenItCountsUp) {
  COVERS("ESP-4303-04");
  std::uint32_t sequence = 1;
  for (const std::size_t padding : {2U, 6U, 254U})
    EXPECT_EQ(open({.sequence = sequence++, .padding = padding}), std::nullopt) << padding;
  EXPECT_EQ(nar.taken.size(), 3U);
  for (const Bytes& header : nar.taken) EXPECT_EQ(header, hi());
  // A trailer of ours behind a payload that brings its own padding and Pad Length.
  const auto with_trailer = [&](std::vector<std::uint8_t> padding, std::uint8_t pad_length,
                                std::size_t payload) {
    Bytes body(payload, 0);
    const Bytes header = hi();
    std::copy_n(header.begin(), std::min(payload, header.size()), body.begin());
    body.insert(body.end(), padding.begin(), padding.end());
    body.push_back(pad_length);
    body.push_back(wire::kProtocolMobility);
    Bytes esp(8 + body.size());
    Writer out(esp);
    out.u32(kToNar);
    out.u32(sequence++);
    out.bytes(body);
    const auto icv = crypto::mac(crypto::Algorithm::kHmacSha256_128, *key_numbered(1), esp);
    esp.insert(esp.end(), icv.view().begin(), icv.view().end());
    return nar.open(now, Craft{}.around(esp));
  };
  EXPECT_EQ(with_trailer({1, 2}, 2, 64), std::nullopt);
  EXPECT_EQ(with_trailer({0, 0}, 2, 64), Drop::kMalformed);
  EXPECT_EQ(with_trailer({2, 1}, 2, 64), Drop::kMalformed);
  EXPECT_EQ(with_trailer({}, 200, 74), Drop::kMalformed) << "100 octets in all";
  EXPECT_EQ(with_trailer({}, 75, 74), Drop::kMalformed) << "one more than there is";
  EXPECT_EQ(nar.count(Count::kMalformed), 4U);
}

TEST_F(Open, DummiesAreDroppedAndTheirNumbersUsed) {
  Craft dummy{.sequence = 9, .next_header = wire::kProtocolNoNext};
  dummy.payload = Bytes(37, 0xd7);
  EXPECT_EQ(open(dummy), Drop::kDummy);
  EXPECT_EQ(nar.count(Count::kDummy), 1U);
  EXPECT_TRUE(nar.audit.empty());
  EXPECT_EQ(open(dummy), Drop::kReplay);
  dummy.sequence = 10;
  dummy.payload = hi();
  EXPECT_EQ(open(dummy), Drop::kDummy);
  EXPECT_TRUE(nar.taken.empty());
}

TEST_F(Open, WhatFollowsTheMobilityHeaderIsIgnored) {
  COVERS("ESP-4303-23");
  for (const std::size_t more : {8U, 400U}) {
    Craft craft{.sequence = static_cast<std::uint32_t>(more)};
    craft.payload.resize(craft.payload.size() + more, 0xee);
    EXPECT_EQ(open(craft), std::nullopt);
    ASSERT_FALSE(nar.taken.empty());
    EXPECT_EQ(nar.taken.back(), hi());
  }
  Craft beyond{.sequence = 500};
  beyond.payload[1] = 8;  // one unit more than there is
  EXPECT_EQ(open(beyond), Drop::kMalformed);
  EXPECT_EQ(nar.taken.size(), 2U);
  // Our own carry none: header, 8 x (Header Len + 1) octets, trailer, ICV.
  EXPECT_EQ(par.seal(now, kNar, hi()).value().size(), 40U + 8U + 8U * (hi()[1] + 1U) + 4U + 16U);
}

// NULL encryption has no IV: octets where one would be are the beginning of the payload.
TEST_F(Open, NothingStandsBetweenSequenceNumberAndMobilityHeader) {
  COVERS("ESP-2410-01");  // the vector's octets: EspPacket.NullEncryptionLeaves…; the file: EspFile
  Craft craft;
  craft.payload.insert(craft.payload.begin(), 8, 0x3c);
  EXPECT_NE(open(craft), std::nullopt);
  EXPECT_EQ(nar.count(Count::kMacs), 1U);
  EXPECT_EQ(nar.count(Count::kIntegrity), 0U) << "its ICV is right";
  EXPECT_TRUE(nar.taken.empty());
}

TEST_F(Open, FragmentsAreDroppedAtomicOnesAreNot) {
  const auto fragment = [](std::uint16_t offset, bool more) {
    return wire::FragmentHeader{wire::kProtocolEsp, offset, more, 77};
  };
  EXPECT_EQ(open({.fragment = fragment(0, true)}), Drop::kFragment);
  EXPECT_EQ(open({.fragment = fragment(1, false)}), Drop::kFragment);
  EXPECT_EQ(nar.count(Count::kFragment), 2U);
  EXPECT_EQ(nar.audit.size(), 2U);
  EXPECT_EQ(nar.count(Count::kMacs), 0U);
  EXPECT_TRUE(nar.taken.empty());
  EXPECT_EQ(open({.fragment = fragment(0, false)}), std::nullopt);
  EXPECT_EQ(open({.source = kStranger, .fragment = fragment(0, true)}), Drop::kForeign);
}

// RFC 5568 6.2.2, 6.2.3, 6.1.2 inside ESP, and what is no Mobility Header at all.
TEST_F(Open, OnlyHandoverInitiateAndAcknowledgeComeOut) {
  std::uint32_t sequence = 1;
  std::uint64_t dropped = 0;
  for (const std::uint8_t protocol : std::array<std::uint8_t, 9>{4, 6, 41, 50, 60, 0, 44, 58, 17}) {
    EXPECT_EQ(open({.sequence = sequence++, .next_header = protocol}), Drop::kSelector)
        << int{protocol};
    EXPECT_EQ(nar.count(Count::kSelector), ++dropped);
  }
  for (const std::uint8_t type : std::array<std::uint8_t, 7>{5, 7, 8, 9, 13, 16, 200}) {
    Craft craft{.sequence = sequence++};
    craft.payload[2] = type;
    wire::seal_mobility(kPar, kNar, craft.payload);
    EXPECT_EQ(open(craft), Drop::kSelector) << int{type};
    EXPECT_EQ(nar.count(Count::kSelector), ++dropped);
  }
  EXPECT_TRUE(nar.taken.empty());
  Craft hack{.sequence = sequence};
  hack.payload[2] = 15;
  wire::seal_mobility(kPar, kNar, hack.payload);
  EXPECT_EQ(open(hack), std::nullopt);
}

TEST_F(Open, TheChecksumIsThatOfTheMobilityHeaderWithoutEsp) {
  const Bytes header = hi();
  ASSERT_TRUE(wire::mobility_checksum_ok(kPar, kNar, header)) << "the vector's";
  Bytes blank = header;
  set_checksum(blank, 0);
  Bytes esp_length = blank;
  esp_length.resize(vector().hex("hmac-hi-esp-packet").size());
  std::uint32_t sequence = 1;
  std::uint64_t dropped = 0;
  Reader in(ByteView(header).subspan(4));
  const std::uint16_t right = in.u16();
  for (const std::uint16_t wrong :
       {wire::checksum(kPar, kNar, wire::kProtocolEsp, blank),
        wire::checksum(kPar, kNar, wire::kProtocolMobility, esp_length),
        static_cast<std::uint16_t>(right ^ 1), static_cast<std::uint16_t>(right ^ 0x8000)}) {
    Craft craft{.sequence = sequence++};
    set_checksum(craft.payload, wrong);
    EXPECT_EQ(open(craft), Drop::kChecksum);
    EXPECT_EQ(nar.count(Count::kChecksum), ++dropped);
  }
  EXPECT_TRUE(nar.taken.empty());
  EXPECT_EQ(open({.sequence = sequence}), std::nullopt);
}

// One's own HI sent back: another key in each direction, so its ICV fails.
TEST_F(Open, AReflectedPacketIsRefused) {
  const Bytes packet = par.seal(now, kNar, hi()).value();
  Bytes reflected = packet;
  std::copy_n(packet.begin() + 24, 16, reflected.begin() + 8);
  std::copy_n(packet.begin() + 8, 16, reflected.begin() + 24);
  Writer(ByteSpan(reflected).subspan(40, 4)).u32(kToPar);
  EXPECT_EQ(par.open(now, reflected), Drop::kIntegrity);
  EXPECT_TRUE(par.taken.empty());
}

// Each packet fails at one stage and at all later ones: only that stage counts it.
TEST_F(Open, ChecksComeInOrderOfCost) {
  struct Stage {
    Drop wanted;
    Craft craft;
  };
  ASSERT_EQ(open({.sequence = 50}), std::nullopt);
  Craft all;  // wrong in everything that does not decide the stage
  all.spi = 0x7777;
  all.source = kThird;
  all.sequence = 50;
  all.next_header = 6;
  all.payload = Bytes(64, 9);
  all.pad_length = 200;
  all.bad_icv = true;
  Craft length = all;
  length.cut = 27;
  Craft fragment = length;
  fragment.fragment = wire::FragmentHeader{wire::kProtocolEsp, 0, true, 1};
  const Craft spi = all;
  Craft selector = spi;
  selector.spi = kToNar;
  Craft replay = selector;
  replay.source = kPar;
  Craft integrity = replay;
  integrity.sequence = 51;
  Craft padding = integrity;
  padding.bad_icv = false;
  Craft next_header = padding;
  next_header.sequence = 52;
  next_header.pad_length.reset();
  Craft type = next_header;
  type.sequence = 53;
  type.next_header = wire::kProtocolMobility;
  Craft truncated = type;
  truncated.sequence = 54;
  truncated.payload[2] = 14;
  truncated.payload[1] = 200;
  Craft checksum = truncated;
  checksum.sequence = 55;
  checksum.payload[1] = 7;
  const std::vector<Stage> stages{
      {Drop::kFragment, fragment},   {Drop::kMalformed, length},     {Drop::kNoAssociation, spi},
      {Drop::kSelector, selector},   {Drop::kReplay, replay},        {Drop::kIntegrity, integrity},
      {Drop::kMalformed, padding},   {Drop::kSelector, next_header}, {Drop::kSelector, type},
      {Drop::kMalformed, truncated}, {Drop::kChecksum, checksum},
  };
  for (const Stage& stage : stages) {
    const Seen before = look(nar);
    EXPECT_EQ(open(stage.craft), stage.wanted) << name(stage.wanted);
    const Seen after = look(nar);
    for (std::size_t i = 0; i < kDropCounts.size(); ++i)
      EXPECT_EQ(after.drops.at(i) - before.drops.at(i),
                i == static_cast<std::size_t>(stage.wanted) ? 1U : 0U)
          << name(kDropCounts.at(i)) << " at " << name(stage.wanted);
    const bool cheap = stage.wanted < Drop::kIntegrity && stage.craft.bad_icv;
    EXPECT_EQ(after.macs - before.macs, cheap ? 0U : 1U);
    EXPECT_EQ(after.highest, stage.craft.bad_icv ? before.highest : stage.craft.sequence);
  }
  EXPECT_EQ(nar.taken.size(), 1U);
}

}  // namespace
}  // namespace sendoff::esp
