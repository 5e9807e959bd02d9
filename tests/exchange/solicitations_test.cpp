// RtSolPr and PrRtAdv at both ends (RFC 5568 6.1, 11): what each fixed field holds when sent, and
// what a receiver makes of every value of it.
#include "exchange/filter.h"
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

using wire::PrRtAdv;
using Code = wire::LinkLayerAddressOption::Code;

constexpr std::size_t kSubtypeAt = 44;  // in a packet without extension headers
constexpr std::size_t kReservedAt = 45;

Bytes with_octet(Bytes packet, std::size_t at, std::uint8_t value) {
  packet[at] = value;
  repair_checksum(packet);
  return packet;
}

TEST(Solicitations, AreToldApartByTheirSubtype) {
  COVERS("FH-6-01", "FH-11-01");
  static_assert(std::to_underlying(wire::Icmpv6Type::kFastMobility) == 154);
  static_assert(wire::kSubtypeRtSolPr == 2 && wire::kSubtypePrRtAdv == 3);
  RouterNode router;
  router.config.receiver.budget = {1000, 1000, 1000};
  router.config.unvalidated_answers_s = router.config.unvalidated_answers_per_source_s = 1000;
  router.start();
  Listening node;
  node.world.advance(seconds(5));  // until it asks no more
  node.world.forget_output();
  for (unsigned subtype = 0; subtype < 256; ++subtype) {
    router.bench.forget();
    const std::uint64_t before = router.bench.counter("send", "subtype");
    const auto value = static_cast<std::uint8_t>(subtype);
    router.bench.receive(with_octet(router.request().packet(), kSubtypeAt, value),
                         router.mn.link_address());
    EXPECT_EQ(router.bench.sent.size(), subtype == 2 ? 1u : 0u) << subtype;
    EXPECT_EQ(router.bench.counter("send", "subtype") - before,
              subtype == 2 || subtype == 3 ? 0u : 1u)
        << subtype;

    node.world.advance(milliseconds(10));
    const std::uint64_t ignored = node.world.count("send", "subtype");
    const auto subtype_is = [&](Bytes& message) { message[4] = value; };
    node.tell(PrRtAdv::kUnsolicited, {options_of_tuple(node.world.tuple_of_next())}, subtype_is);
    EXPECT_EQ(node.world.count("send", "subtype") - ignored, subtype == 2 || subtype == 3 ? 0u : 1u)
        << subtype;
    EXPECT_EQ(node.known(), subtype < 3 ? 0u : 1u) << subtype;
    EXPECT_TRUE(node.world.sent.empty()) << subtype;
  }
  // What both send has the numbers, and comes through the filter of the daemons.
  router.bench.forget();
  router.receive(router.request(), router.mn);
  const std::pair<Bytes, int> sent[] = {{node.request.packet, 2}, {router.reply(), 3}};
  for (const auto& [packet, subtype] : sent) {
    EXPECT_EQ(packet[40], 154);
    EXPECT_EQ(packet[kSubtypeAt], subtype);
    EXPECT_TRUE(passes(net::neighbour_discovery(), packet));
    for (const unsigned other : {153U, 155U})
      EXPECT_FALSE(passes(net::neighbour_discovery(),
                          with_octet(packet, 40, static_cast<std::uint8_t>(other))));
  }
}

TEST(Solicitations, HaveAChecksumOverBothAddressesAndTheWholeMessage) {
  COVERS("FH-6-02");
  RouterNode router;
  router.start();
  const Vector vector = load_vector("send-signatures.txt", "rtsolpr-rsa1024-at2");
  const Bytes good = vector.hex("packet");
  router.bench.now.utc =
      UtcTime(seconds(static_cast<std::int64_t>(vector.number("timestamp") >> 16)));
  Listening node;
  const Bytes advice =
      node.message(PrRtAdv::kUnsolicited, {options_of_tuple(node.world.tuple_of_next())});
  // Every bit of the message and of its addresses. Type and subtype say whose it is.
  const auto flipped = [](const Bytes& packet, const auto& check) {
    for (std::size_t at = 8; at < packet.size(); ++at) {
      if (at == 40 || at == kSubtypeAt) continue;
      Bytes bad = packet;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ 1U << at % 8);
      check(bad, at);
    }
  };
  const std::uint64_t before = router.bench.counter("send", "checksum");
  flipped(good, [&](const Bytes& bad, std::size_t at) {
    router.bench.receive(bad, router.mn.link_address());
    EXPECT_TRUE(router.bench.sent.empty()) << at;
    EXPECT_TRUE(router.bench.jobs.empty()) << at;
  });
  EXPECT_EQ(router.bench.counter("send", "checksum") - before, good.size() - 10);
  const std::uint64_t dropped = node.world.count("send", "checksum");
  flipped(advice, [&](const Bytes& bad, std::size_t at) {
    node.world.deliver(bad);
    EXPECT_EQ(node.known(), 0u) << at;
    EXPECT_TRUE(node.world.sent.empty()) << at;
  });
  EXPECT_EQ(node.world.count("send", "checksum") - dropped, advice.size() - 10);
  // What neither end changed is taken, and what both send verifies.
  router.bench.receive(good, router.mn.link_address());
  EXPECT_TRUE(router.has_key(router.reply()));
  node.world.deliver(advice);
  EXPECT_EQ(node.known(), 1u);
  for (const Bytes& packet : {router.reply(), node.request.packet}) {
    const auto ip = *wire::Ipv6Header::parse(packet);
    EXPECT_EQ(wire::checksum(ip.source, ip.destination, 58, ByteView(packet).subspan(40)), 0);
  }
}

TEST(Solicitations, HaveReservedOctetsOfZeroThatNobodyReads) {
  COVERS("FH-6.1.1-06", "FH-6.1.2-07");
  Asked asked;
  EXPECT_EQ(asked.request.packet[kReservedAt], 0);
  RouterNode router;
  router.start();
  Craft craft = router.request();
  craft.head[5] = 0xff;
  const Bytes answer = router.answer_to(craft);
  EXPECT_TRUE(router.has_key(answer));
  std::vector<Bytes> sent{
      answer, router.answer_to(router.mn.rtsolpr(router.ar_global(), router.bench.now))};
  for (const std::optional<LinkAddress>& target :
       {std::optional(kNarAp), std::optional<LinkAddress>()}) {
    router.bench.forget();
    EXPECT_TRUE(router.bench.order(machine::Advise{router.mn.global(), target}).has_value());
    sent.push_back(router.reply());
  }
  for (const Bytes& packet : sent) {
    EXPECT_EQ(packet[kSubtypeAt], 3);
    EXPECT_EQ(packet[kReservedAt], 0);
  }
  for (const unsigned reserved : {0x80U, 0xffU}) {
    Listening node;
    node.tell(PrRtAdv::kTuples, {options_of_tuple(node.world.tuple_of_next())},
              [&](Bytes& message) { message[5] = static_cast<std::uint8_t>(reserved); });
    EXPECT_EQ(node.state_of(kApNext), "handover possible") << reserved;
  }
}

TEST(Solicitations, AreAnsweredAlikeWithAndWithoutUnknownOptions) {
  COVERS("FH-6.1.1-13");
  // The same random octets, the same time: the answers are the same to the last octet.
  const auto answer = [](const std::function<void(Craft&)>& bend) {
    RouterNode router;
    router.start();
    Craft craft = router.request();
    bend(craft);
    const Bytes packet = router.answer_to(craft);
    EXPECT_TRUE(router.has_key(packet));
    return packet;
  };
  const Bytes without = answer([](Craft&) {});
  for (const std::size_t place : {0u, 1u, 2u, 3u})
    EXPECT_EQ(answer([&](Craft& craft) {
                craft.options.insert(craft.options.begin() + static_cast<std::ptrdiff_t>(place),
                                     kUnknownOption);
              }),
              without)
        << place;
}

TEST(Advertisements, ComeFromTheLinkLocalAddressOfTheirInterface) {
  COVERS("FH-6.1.2-02");
  RouterNode router;
  router.start();
  const Bytes answer = router.answer_to(router.request());
  const auto source = wire::Ipv6Header::parse(answer)->source;
  EXPECT_EQ(source, router.ar_link_local());
  EXPECT_TRUE(Prefix::literal("fe80::/10").contains(source));

  // All is right but the source: a CGA of the same key and modifier, under the router's own prefix.
  Listening node;
  const auto from = [&](const Ipv6Address& address, const Prefix& prefix) {
    Craft craft;
    craft.source = address;
    craft.destination = node.request.source;
    append(craft.head, PrRtAdv{PrRtAdv::kTuples, node.request.identifier});
    craft.options.push_back(options_of_tuple(node.world.tuple_of_next()));
    craft.cga_parameters = node.par.parameters(prefix).octets();
    craft.timestamp = timestamp_at(node.world.now.utc);
    craft.nonce = node.request.nonce;
    craft.signer = node.par.key;
    return craft.packet();
  };
  const Prefix global = Prefix::literal("2001:db8:a:1::/64");
  const Prefix local = Prefix::literal("fe80::/64");
  node.world.deliver(from(node.par.address(global), global));
  EXPECT_EQ(node.known(), 0u);
  EXPECT_EQ(node.world.count("send", "source"), 1u);
  node.world.deliver(from(node.par.address(local), local));
  EXPECT_EQ(node.known(), 1u);
}

TEST(Advertisements, MeanWhatTheirCodeSays) {
  COVERS("FH-6.1.2-06");
  const auto tuple = [](const World& world) { return options_of_tuple(world.tuple_of_next()); };
  {  // 0: what was asked for
    Listening node;
    node.tell(0, {tuple(node.world)});
    EXPECT_EQ(node.state_of(kApNext), "handover possible");
    EXPECT_TRUE(node.world.updates().empty());
  }
  {  // 1: go
    Listening node;
    node.tell(1, {tuple(node.world)});
    ASSERT_EQ(node.world.updates().size(), 1u);
    EXPECT_EQ(node.world.updates()[0].fbu.options.alternate_care_of, node.ncoa);
  }
  {  // 2: nothing about a router, so a tuple has no place in it
    Listening node;
    node.tell(2, {link_option(Code::kNoPrefixInformation, kApX), tuple(node.world)});
    EXPECT_EQ(node.state_of(kApX), "router unknown");
    EXPECT_EQ(node.known(), 1u);
  }
  {  // 3: about some
    Listening node;
    node.tell(3, {link_option(Code::kNoPrefixInformation, kApX), tuple(node.world)});
    EXPECT_EQ(node.state_of(kApX), "router unknown");
    EXPECT_EQ(node.state_of(kApNext), "handover possible");
  }
  {  // 4: to be known, not to be followed
    Listening node;
    node.tell(4, {tuple(node.world)});
    EXPECT_EQ(node.state_of(kApNext), "handover possible");
    EXPECT_TRUE(node.world.updates().empty());
  }
  {  // 5: addresses come by DHCP there
    Listening node;
    node.tell(5, {tuple(node.world)});
    EXPECT_EQ(node.state_of(kApNext), "handover possible");
    node.roam_to_deaf();
    EXPECT_EQ(node.world.asked<machine::RunDhcp>().size(), 1u);
  }
  for (const unsigned code : {6U, 255U}) {
    Listening node;
    node.tell(4, {tuple(node.world)});
    node.world.advance(milliseconds(10));
    node.tell(static_cast<std::uint8_t>(code), {link_option(Code::kNoPrefixInformation, kApX)});
    node.world.advance(milliseconds(10));
    node.tell(static_cast<std::uint8_t>(code), {link_option(Code::kNoFastHandover, kApNext)});
    EXPECT_EQ(node.world.count("send", "code"), 2u) << code;
    EXPECT_EQ(node.known(), 1u) << code;
    EXPECT_EQ(node.state_of(kApNext), "handover possible") << code;
    EXPECT_TRUE(node.world.sent.empty()) << code;
  }
}

}  // namespace
}  // namespace sendoff::test
