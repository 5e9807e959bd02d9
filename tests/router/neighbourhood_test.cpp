// What a PrRtAdv says of access points and their routers (RFC 5568 3.3, 4, 6.1.2, GF14, GF19),
// asked for and unasked.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using Code = wire::LinkLayerAddressOption::Code;

class Neighbourhood : public RouterTest {
 protected:
  const LinkAddress own_ap = LinkAddress::literal("02:00:00:00:0a:01");
  const LinkAddress unknown_ap = LinkAddress::literal("02:00:00:00:0b:0b");
  const LinkAddress second_ap = LinkAddress::literal("02:00:00:00:0a:03");
  const LinkAddress third_ap = LinkAddress::literal("02:00:00:00:0a:04");
  const LinkAddress slow_ap = LinkAddress::literal("02:00:00:00:0a:05");
  std::uint16_t identifier = 0x1234;

  // Two access points on one router, one on another, one whose router has no fast handover.
  Neighbourhood() {
    config.neighbours[0].access_points = {kNarAp, second_ap};
    router::Neighbour third = config.neighbours[0];
    third.name = "third";
    third.address = Ipv6Address::literal("2001:db8:ffff::1");  // outside its prefix
    third.link_address = LinkAddress::literal("02:00:00:00:00:03");
    third.prefix = Prefix::literal("2001:db8:a:3::/64");
    third.access_points = {third_ap};
    config.neighbours.push_back(third);
    router::Neighbour slow = third;
    slow.name = "slow";
    slow.address = Ipv6Address::literal("2001:db8:a:4::1");
    slow.prefix = Prefix::literal("2001:db8:a:4::/64");
    slow.access_points = {slow_ap};
    slow.fast_handover = false;
    config.neighbours.push_back(slow);
  }
  struct Item {
    Code code;
    LinkAddress link;                                    // of option 19
    std::optional<wire::IpAddressPrefixOption> address;  // of option 17, then `link` is empty
  };
  struct Told {
    wire::Ipv6Header ip;
    int code = -1;
    int identifier = -1;
    std::vector<Item> items;  // behind the source's own link-layer address
    bool source_first = false;
    std::size_t size = 0;
  };
  [[nodiscard]] static Told read(const Bytes& packet) {
    Told told;
    told.ip = *wire::Ipv6Header::parse(packet);
    told.size = packet.size();
    const auto head = *wire::PrRtAdv::parse(ByteView(packet).subspan(40));
    told.code = head.code;
    told.identifier = head.identifier;
    bool first = true;
    for (const wire::RawOption& raw : options_of(packet)) {
      if (raw.type == wire::OptionType::kLinkLayerAddress) {
        const bool empty = raw.octets.size() == 8;
        const auto link = wire::LinkLayerAddressOption::parse(raw.octets, empty ? 0 : 6);
        if (std::exchange(first, false) && link->code == Code::kSource) {
          told.source_first = link->address == kRouterLink;
          continue;
        }
        told.items.push_back({link->code, link->address, std::nullopt});
      } else if (raw.type == wire::OptionType::kIpAddressPrefix) {
        told.items.push_back(
            {Code::kWildcard, {}, *wire::IpAddressPrefixOption::parse(raw.octets)});
      }
    }
    return told;
  }
  // Asks about these access points; none: by wildcard.
  Told ask(const std::vector<LinkAddress>& access_points) {
    bench.advance(seconds(1));
    bench.forget();
    Craft craft = mn.rtsolpr(ar_global(), bench.now);
    craft.head[6] = static_cast<std::uint8_t>(identifier >> 8);
    craft.head[7] = static_cast<std::uint8_t>(identifier);
    if (!access_points.empty()) {
      craft.options.resize(1);
      for (const LinkAddress& each : access_points)
        craft.options.push_back(
            octets_of(wire::LinkLayerAddressOption{Code::kNewAccessPoint, each}));
    }
    receive(craft, mn);
    return read(reply());
  }
  Told advise(std::optional<LinkAddress> access_point) {
    bench.forget();
    EXPECT_TRUE(bench.order(machine::Advise{mn.global(), access_point}).has_value());
    return read(reply());
  }
  static void expect_tuple(const Told& told, std::size_t at, const LinkAddress& access_point,
                           const router::Neighbour& owner) {
    ASSERT_GE(told.items.size(), at + 3);
    EXPECT_EQ(told.items[at].code, Code::kNewAccessPoint);
    EXPECT_EQ(told.items[at].link, access_point);
    EXPECT_EQ(told.items[at + 1].code, Code::kNewAccessRouter);
    EXPECT_EQ(told.items[at + 1].link, owner.link_address);
    ASSERT_TRUE(told.items[at + 2].address.has_value());
    EXPECT_EQ(told.items[at + 2].address->code, wire::IpAddressPrefixOption::Code::kNarAddress);
    EXPECT_EQ(told.items[at + 2].address->address, owner.address);
    if (owner.prefix.contains(owner.address)) return;
    ASSERT_GE(told.items.size(), at + 4);
    ASSERT_TRUE(told.items[at + 3].address.has_value());
    EXPECT_EQ(told.items[at + 3].address->code, wire::IpAddressPrefixOption::Code::kNarPrefix);
    EXPECT_EQ(told.items[at + 3].address->address, owner.prefix.address());
    EXPECT_EQ(told.items[at + 3].address->prefix_length, owner.prefix.length());
  }
};

TEST_F(Neighbourhood, EachAccessPointHasItsRouter) {
  COVERS("FH-2-02", "FH-4-06");
  start();
  expect_tuple(ask({kNarAp}), 0, kNarAp, config.neighbours[0]);
  expect_tuple(ask({second_ap}), 0, second_ap, config.neighbours[0]);
  expect_tuple(ask({third_ap}), 0, third_ap, config.neighbours[1]);
  const Told told = ask({third_ap});
  EXPECT_EQ(told.code, 0);
  EXPECT_EQ(told.items.size(), 4u);
  EXPECT_EQ(ask({unknown_ap}).items.size(), 1u);
}

TEST_F(Neighbourhood, AnUnknownAccessPointIsCalledSo) {
  COVERS("FH-4-02");
  start();
  const Told told = ask({unknown_ap});
  EXPECT_EQ(told.code, 2);
  ASSERT_EQ(told.items.size(), 1u);
  EXPECT_EQ(told.items[0].code, Code::kNoPrefixInformation);
  EXPECT_EQ(told.items[0].link, unknown_ap);
}

TEST_F(Neighbourhood, AnAccessPointOfTheSameInterfaceNeedsNoRouter) {
  COVERS("FH-4-04");
  start();
  const Told told = ask({own_ap});
  EXPECT_EQ(told.code, 2);
  ASSERT_EQ(told.items.size(), 1u);
  EXPECT_EQ(told.items[0].code, Code::kCurrentInterface);
}

TEST_F(Neighbourhood, ARouterWithoutFastHandoverIsCalledSo) {
  COVERS("FH-4-07");
  start();
  Told told = ask({slow_ap});
  EXPECT_EQ(told.code, 3);
  ASSERT_EQ(told.items.size(), 1u);
  EXPECT_EQ(told.items[0].code, Code::kNoFastHandover);
  told = ask({slow_ap, kNarAp});
  EXPECT_EQ(told.code, 3);
  EXPECT_EQ(told.items.at(0).code, Code::kNoFastHandover);
  expect_tuple(told, 1, kNarAp, config.neighbours[0]);
}

TEST_F(Neighbourhood, APartialAnswerSaysWhyForEach) {
  COVERS("FH-6.1.2-26", "FH-6.1.2-11");
  start();
  const Told told = ask({kNarAp, unknown_ap, own_ap});
  EXPECT_EQ(told.code, 3);
  ASSERT_EQ(told.items.size(), 5u);
  expect_tuple(told, 0, kNarAp, config.neighbours[0]);
  EXPECT_EQ(told.items[3].code, Code::kNoPrefixInformation);
  EXPECT_EQ(told.items[3].link, unknown_ap);
  EXPECT_EQ(told.items[4].code, Code::kCurrentInterface);
  EXPECT_EQ(told.items[4].link, own_ap);
  // A wildcard names each access point that is supplied, once.
  const Told all = ask({});
  std::vector<LinkAddress> named;
  for (const Item& item : all.items)
    if (item.code == Code::kNewAccessPoint) named.push_back(item.link);
  EXPECT_EQ(named, (std::vector{kNarAp, second_ap, third_ap}));
}

TEST_F(Neighbourhood, AWildcardGetsAsManyWholeTuplesAsFit) {
  COVERS("FH-4-08");
  config.neighbours.resize(1);
  config.neighbours[0].access_points.clear();
  for (int i = 0; i < 50; ++i) {
    const auto number = static_cast<std::uint8_t>(i);
    config.neighbours[0].access_points.push_back(
        LinkAddress::literal("02:00:00:00:0c:" + to_hex(ByteView(&number, 1))));
  }
  start();
  const Told told = ask({});
  EXPECT_LE(told.size, 1500u);
  EXPECT_GE(told.size, 1500u - 56);  // no room for another
  EXPECT_EQ(told.items.size() % 3, 0u);
  for (std::size_t at = 0; at < told.items.size(); at += 3)
    expect_tuple(told, at, config.neighbours[0].access_points[at / 3], config.neighbours[0]);
  EXPECT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.sent[0].packet[6], wire::kProtocolIcmpv6);  // not a fragment
}

TEST_F(Neighbourhood, AddressesAndIdentifiersOfAnswersAndAdvice) {
  COVERS("FH-6.1.2-03", "FH-6.1.2-04", "FH-6.1.2-08", "FH-6.1.2-10");
  start();
  for (const int wanted : {1, 0x1234, 0xffff}) {
    identifier = static_cast<std::uint16_t>(wanted);
    const Told told = ask({kNarAp});
    EXPECT_EQ(told.identifier, wanted);
    EXPECT_EQ(told.ip.destination, mn.global());
    EXPECT_EQ(told.ip.hop_limit, 255);
    EXPECT_TRUE(told.source_first);
  }
  for (const std::optional<LinkAddress>& target :
       {std::optional(kNarAp), std::optional<LinkAddress>()}) {
    const Told told = advise(target);
    EXPECT_EQ(told.code, target ? 1 : 4);
    EXPECT_EQ(told.identifier, 0);
    EXPECT_EQ(told.ip.destination, mn.global());
    EXPECT_EQ(told.ip.hop_limit, 255);
    EXPECT_TRUE(told.source_first);
  }
}

TEST_F(Neighbourhood, TuplesOfEveryCodeBeginWithAnAccessPoint) {
  COVERS("FH-6.1.2-28", "FH-6.1.2-16");
  const auto all_tuples = [&](const Told& told, int code) {
    EXPECT_EQ(told.code, code);
    EXPECT_FALSE(told.items.empty());
    for (const Item& item : told.items) {
      if (item.address) continue;
      EXPECT_TRUE(item.code == Code::kNewAccessPoint || item.code == Code::kNewAccessRouter);
    }
  };
  start();
  Told told = ask({kNarAp});
  all_tuples(told, 0);
  expect_tuple(told, 0, kNarAp, config.neighbours[0]);
  EXPECT_EQ(option_types(bench.sent[0].packet), (std::vector<int>{19, 19, 19, 17, 11, 13, 14, 12}));
  told = ask({kNarAp, third_ap, second_ap});
  all_tuples(told, 0);
  expect_tuple(told, 0, kNarAp, config.neighbours[0]);
  expect_tuple(told, 3, third_ap, config.neighbours[1]);
  expect_tuple(told, 7, second_ap, config.neighbours[0]);
  EXPECT_EQ(option_types(bench.sent[0].packet),
            (std::vector<int>{19, 19, 19, 17, 19, 19, 17, 17, 19, 19, 17, 11, 13, 14, 12}));
  all_tuples(advise(kNarAp), 1);
  all_tuples(advise(std::nullopt), 4);
  config.neighbours[0].dhcp = true;
  bench = MachineBench();
  start();
  told = ask({kNarAp});
  all_tuples(told, 5);
  expect_tuple(told, 0, kNarAp, config.neighbours[0]);
  // Behind the tuples comes the key, then SEND's options.
  bench.forget();
  receive(request(), mn);
  const std::vector<int> types = option_types(reply());
  EXPECT_EQ(std::vector<int>(types.end() - 5, types.end()), (std::vector<int>{28, 11, 13, 14, 12}));
}

TEST_F(Neighbourhood, TheNetworkMayTellANodeToGo) {
  COVERS("FH-3.3-01", "FH-3.3-04");
  start();
  const Told told = advise(kNarAp);
  EXPECT_EQ(told.code, 1);
  EXPECT_EQ(told.identifier, 0);
  EXPECT_EQ(told.ip.destination, mn.global());
  EXPECT_EQ(told.items.size(), 3u);
  expect_tuple(told, 0, kNarAp, config.neighbours[0]);
  EXPECT_TRUE(signed_properly(bench.sent.at(0).packet));
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_EQ(router->status(bench.now, 1).handover_count, 0u);
  EXPECT_EQ(router->status(bench.now, 1).binding_count, 0u);
  EXPECT_EQ(bench.order(machine::Advise{mn.global(), unknown_ap}).error(),
            machine::OrderError::kUnknownAccessPoint);
}

TEST_F(Neighbourhood, TheNetworkMayNameANodeByTheLinkAddressItHasAKeyWith) {
  start();
  const machine::Advise order{mn.link_address(), kNarAp};
  EXPECT_EQ(bench.order(order).error(), machine::OrderError::kUnknownNode);
  EXPECT_TRUE(bench.sent.empty());
  (void)provision();
  ASSERT_TRUE(bench.order(order).has_value());
  const Told told = read(reply());
  EXPECT_EQ(told.code, 1);
  EXPECT_EQ(told.ip.destination, mn.global());
  EXPECT_EQ(bench.sent.at(0).link_destination, mn.link_address());
  EXPECT_TRUE(signed_properly(bench.sent.at(0).packet));
}

TEST_F(Neighbourhood, TheNetworkMayTellOfTheNeighbourhood) {
  COVERS("FH-3.3-05");
  start();
  const Told told = advise(std::nullopt);
  EXPECT_EQ(told.code, 4);
  EXPECT_EQ(told.identifier, 0);
  expect_tuple(told, 0, kNarAp, config.neighbours[0]);
  EXPECT_TRUE(bench.actions.empty());
}

TEST_F(Neighbourhood, SolicitationsMakeNoHandoverState) {
  COVERS("FH-3.2-02");
  config.unvalidated_answers_s = 10'000;
  config.unvalidated_answers_per_source_s = 10'000;
  start();
  for (int i = 0; i < 1000; ++i) {
    Craft craft = mn.rtsolpr(ar_global(), bench.now);
    Ipv6Address::Octets octets = mn.global().octets();
    octets[14] = static_cast<std::uint8_t>(i >> 8);
    octets[15] = static_cast<std::uint8_t>(i);
    craft.source = Ipv6Address(octets);
    craft.cga_parameters.reset();
    craft.signer.reset();
    craft.nonce.reset();
    craft.timestamp.reset();
    bench.receive(craft.packet(), mn.link_address());
  }
  EXPECT_FALSE(bench.sent.empty());
  (void)ask({kNarAp});
  EXPECT_TRUE(bench.asked<machine::InstallBinding>().empty());
  EXPECT_TRUE(bench.asked<machine::OpenBuffer>().empty());
  EXPECT_TRUE(bench.asked<machine::SetProxy>().empty());
  EXPECT_TRUE(bench.actions.empty());
  const auto status = router->status(bench.now, 1);
  EXPECT_EQ(status.binding_count + status.handover_count + status.arrival_count, 0u);
}

}  // namespace
}  // namespace sendoff::test
