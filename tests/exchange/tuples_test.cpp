// What PrRtAdv tell of access points and routers, at both ends (RFC 5568 6.1.2, 6.4.1, 6.4.3, GF14,
// GF19): which options a router sends, and what a node makes of those that are odd or missing.
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

using wire::PrRtAdv;
using Code = wire::LinkLayerAddressOption::Code;
using Info = wire::IpAddressPrefixOption;

const LinkAddress kApY = LinkAddress::literal("02:00:5e:00:53:c2");
const LinkAddress kRouterX = LinkAddress::literal("02:00:5e:00:54:01");
const Ipv6Address kRouterAddressX = Ipv6Address::literal("2001:db8:b:7::1");
const Prefix kPrefixX = Prefix::literal("2001:db8:b:7::/64");
const Ipv6Address kSuppliedX = Ipv6Address::literal("2001:db8:b:7::77");

Tuple tuple_x() {
  Tuple tuple;
  tuple.access_point = kApX;
  tuple.router = kRouterAddressX;
  tuple.router_link_address = kRouterX;
  tuple.prefix_length = 64;
  return tuple;
}

std::vector<wire::LinkLayerAddressOption> link_options_in(const Bytes& packet) {
  std::vector<wire::LinkLayerAddressOption> found;
  for (const wire::RawOption& raw : options_of(packet))
    if (raw.type == wire::OptionType::kLinkLayerAddress)
      found.push_back(
          *wire::LinkLayerAddressOption::parse(raw.octets, raw.octets.size() == 8 ? 0 : 6));
  return found;
}
std::vector<Info> address_options_in(const Bytes& packet) {
  std::vector<Info> found;
  for (const wire::RawOption& raw : options_of(packet))
    if (raw.type == wire::OptionType::kIpAddressPrefix) found.push_back(*Info::parse(raw.octets));
  return found;
}
std::ptrdiff_t count(const Bytes& packet, Code code) {
  return std::ranges::count(link_options_in(packet), code, &wire::LinkLayerAddressOption::code);
}
std::ptrdiff_t count(const Bytes& packet, Info::Code code) {
  return std::ranges::count(address_options_in(packet), code, &Info::code);
}

// A router whose second neighbour has an address outside its own prefix.
struct Guide : RouterNode {
  Guide() {
    router::Neighbour outside = config.neighbours[0];
    outside.name = "outside";
    outside.address = Ipv6Address::literal("2001:db8:ffff::1");
    outside.prefix = kPrefixX;
    outside.access_points = {kApX};
    config.neighbours.push_back(outside);
    config.receiver.budget = {1000, 1000, 1000};
  }
  Bytes advise(std::optional<LinkAddress> access_point) {
    bench.forget();
    EXPECT_TRUE(bench.order(machine::Advise{mn.global(), access_point}).has_value());
    return reply();
  }
  Bytes asked_about(const std::vector<LinkAddress>& access_points) {
    Craft craft = mn.rtsolpr(ar_global(), bench.now);
    craft.options.resize(1);
    for (const LinkAddress& each : access_points)
      craft.options.push_back(link_option(Code::kNewAccessPoint, each));
    return answer_to(craft);
  }
};

TEST(Tuples, NameTheNextRoutersLinkLayerAddressAndAddress) {
  COVERS("FH-6.1.2-12", "FH-6.1.2-13");
  Guide router;
  router.start();
  const auto complete = [&](const Bytes& packet, int code, std::ptrdiff_t tuples) {
    EXPECT_EQ(packet[41], code);
    EXPECT_EQ(count(packet, Code::kNewAccessPoint), tuples);
    EXPECT_EQ(count(packet, Code::kNewAccessRouter), tuples);
    EXPECT_EQ(count(packet, Info::Code::kNarAddress), tuples);
  };
  complete(router.answer_to(router.request()), PrRtAdv::kTuples, 2);
  complete(router.asked_about({kApX}), PrRtAdv::kTuples, 1);
  complete(router.advise(kApX), PrRtAdv::kNetworkInitiated, 1);
  complete(router.advise(kNarAp), PrRtAdv::kNetworkInitiated, 1);

  for (const bool without_address : {false, true}) {
    Tuple lame = tuple_x();
    if (without_address)
      lame.router.reset();
    else
      lame.router_link_address.reset();
    lame.prefix = kPrefixX;
    Listening node;
    const Bytes whole = options_of_tuple(node.world.tuple_of_next());
    node.tell(PrRtAdv::kTuples, {options_of_tuple(lame), whole});
    EXPECT_EQ(node.state_of(kApX), "");
    EXPECT_EQ(node.state_of(kApNext), "handover possible");
    // A trigger without them is followed as far as the others go: by none here.
    Listening triggered;
    triggered.tell(PrRtAdv::kNetworkInitiated, {options_of_tuple(lame)});
    EXPECT_EQ(triggered.known(), 0u);
    EXPECT_TRUE(triggered.world.updates().empty());
  }
}

TEST(Tuples, LeaveThePrefixOutWhereTheAddressGivesIt) {
  COVERS("FH-6.1.2-14");
  Guide router;
  router.start();
  for (const auto& access_point : {kNarAp, kApX}) {
    const bool outside = access_point == kApX;
    for (const Bytes& packet : {router.asked_about({access_point}), router.advise(access_point)}) {
      ASSERT_EQ(count(packet, Info::Code::kNarAddress), 1);
      const Info address = address_options_in(packet)[0];
      EXPECT_EQ(address.prefix_length, 64);
      EXPECT_EQ(count(packet, Info::Code::kNarPrefix), outside ? 1 : 0);
      const Prefix prefix = router.config.neighbours[outside ? 1 : 0].prefix;
      EXPECT_EQ(prefix.contains(address.address), !outside);
      if (outside) {
        EXPECT_EQ(address_options_in(packet)[1].address, prefix.address());
        EXPECT_EQ(address_options_in(packet)[1].prefix_length, prefix.length());
      }
    }
  }
  Listening derived;
  derived.tell(PrRtAdv::kTuples, {options_of_tuple(tuple_x())});
  EXPECT_EQ(derived.ncoa_towards(kApX), derived.world.config.identity.address(kPrefixX));
  Listening told;
  Tuple outside = tuple_x();
  outside.router = Ipv6Address::literal("2001:db8:ffff::1");
  outside.prefix = kPrefixX;
  told.tell(PrRtAdv::kTuples, {options_of_tuple(outside)});
  EXPECT_EQ(told.ncoa_towards(kApX), told.world.config.identity.address(kPrefixX));
}

TEST(Tuples, MayBringTheAddressToUseWithATrigger) {
  COVERS("FH-6.1.2-15");
  Guide router;
  router.start();
  const auto order = [&](const LinkAddress& access_point, const Ipv6Address& address) {
    router.bench.forget();
    return router.bench.order(machine::Advise{router.mn.global(), access_point, address});
  };
  ASSERT_TRUE(order(kApX, kSuppliedX).has_value());
  const Bytes packet = router.reply();
  EXPECT_EQ(packet[41], PrRtAdv::kNetworkInitiated);
  const auto told = address_options_in(packet);
  ASSERT_EQ(told.size(), 3u);  // the NAR's address, its prefix, and behind them the care-of address
  EXPECT_EQ(told[1].code, Info::Code::kNarPrefix);
  EXPECT_EQ(told[2].code, Info::Code::kNewCareOfAddress);
  EXPECT_EQ(told[2].address, kSuppliedX);
  EXPECT_EQ(told[2].prefix_length, 128);
  for (const char* address : {"2001:db8:b:8::77", "fe80::1", "ff0e::1", "::"}) {
    EXPECT_EQ(order(kApX, Ipv6Address::literal(address)).error(),
              machine::OrderError::kWrongPrefix);
    EXPECT_TRUE(router.bench.sent.empty());
  }
  // In no other message: asked and unasked, with every code that this router has.
  std::set<int> codes;
  const auto without = [&](RouterNode& node, const Bytes& other) {
    codes.insert(other[41]);
    EXPECT_EQ(count(other, Info::Code::kNewCareOfAddress), 0) << int{other[41]};
    EXPECT_TRUE(node.bench.actions.empty());
  };
  without(router, router.advise(kApX));
  without(router, router.advise(std::nullopt));
  without(router, router.asked_about({kApX, kNarAp}));
  without(router, router.asked_about({kApY}));
  without(router, router.asked_about({kApX, kApY}));
  Guide dhcp;
  for (router::Neighbour& each : dhcp.config.neighbours) each.dhcp = true;
  dhcp.start();
  without(dhcp, dhcp.asked_about({kApX}));
  EXPECT_EQ(codes, (std::set<int>{0, 1, 2, 3, 4, 5}));
  // The node takes it at once, instead of an address of its own.
  Listening node;
  node.tell(PrRtAdv::kNetworkInitiated,
            {options_of_tuple(tuple_x()),
             address_option(Info::Code::kNewCareOfAddress, 128, kSuppliedX)});
  ASSERT_EQ(node.world.updates().size(), 1u);
  EXPECT_EQ(node.world.updates()[0].fbu.options.alternate_care_of, kSuppliedX);
}

TEST(Tuples, AreReadAroundUnknownOptions) {
  COVERS("FH-6.1.2-18");
  const auto read = [](const std::vector<Bytes>& between) {
    Listening node;
    std::vector<Bytes> options{options_of_tuple(node.world.tuple_of_next())};
    options.insert(options.end(), between.begin(), between.end());
    options.push_back(options_of_tuple(tuple_x()));
    node.tell(PrRtAdv::kTuples, options);
    std::vector<std::tuple<LinkAddress, std::string, std::optional<Prefix>>> known;
    for (const auto& each : node.world.status().neighbours)
      known.emplace_back(each.access_point, each.state, each.prefix);
    EXPECT_EQ(node.ncoa_towards(kApX), node.world.config.identity.address(kPrefixX));
    return known;
  };
  const auto plain = read({});
  ASSERT_EQ(plain.size(), 2u);
  EXPECT_EQ(read({kUnknownOption}), plain);
  Bytes longer(24, 0xff);
  longer[0] = 253;
  longer[1] = 3;
  EXPECT_EQ(read({longer, kUnknownOption}), plain);
}

TEST(Tuples, SayNothingButWhyWhereNoRouterIsKnown) {
  COVERS("FH-6.1.2-21");
  Guide router;
  router.start();
  const LinkAddress here = router.config.interfaces[0].access_points[0];
  const Bytes packet = router.asked_about({here, kApY});
  EXPECT_EQ(packet[41], PrRtAdv::kNoRouterInformation);
  std::vector<std::pair<Code, LinkAddress>> said;
  for (const auto& option : link_options_in(packet))
    if (option.code != Code::kSource) said.emplace_back(option.code, option.address);
  EXPECT_EQ(said, (std::vector<std::pair<Code, LinkAddress>>{{Code::kCurrentInterface, here},
                                                             {Code::kNoPrefixInformation, kApY}}));
  EXPECT_TRUE(address_options_in(packet).empty());
  EXPECT_EQ(count(packet, Code::kNewAccessRouter), 0);

  Listening node;
  node.tell(PrRtAdv::kNoRouterInformation, {link_option(Code::kCurrentInterface, kApX),
                                            link_option(Code::kNoPrefixInformation, kApY)});
  EXPECT_EQ(node.state_of(kApX), "same interface");
  EXPECT_EQ(node.state_of(kApY), "router unknown");
  EXPECT_EQ(node.known(), 2u);
}

TEST(Tuples, OfAnEmptyNeighbourhoodAreOneEmptyOption) {
  COVERS("FH-6.1.2-22");
  Guide router;
  router.config.neighbours.clear();
  router.start();
  const Bytes packet = router.answer_to(router.request());
  EXPECT_EQ(packet[41], PrRtAdv::kNoRouterInformation);
  std::vector<Bytes> said;
  for (const wire::RawOption& raw : options_of(packet))
    if (raw.type == wire::OptionType::kLinkLayerAddress && raw.octets[2] != 4)
      said.push_back(to_bytes(raw.octets));
  EXPECT_EQ(said, (std::vector<Bytes>{{19, 1, 6, 0, 0, 0, 0, 0}}));
  EXPECT_TRUE(address_options_in(packet).empty());
  // With one neighbour it is Code 0.
  Guide other;
  other.config.neighbours.resize(1);
  other.start();
  EXPECT_EQ(other.answer_to(other.request())[41], PrRtAdv::kTuples);

  Listening node;
  node.tell(PrRtAdv::kUnsolicited, {options_of_tuple(tuple_x())});
  EXPECT_EQ(node.known(), 1u);
  node.tell(PrRtAdv::kNoRouterInformation, said);
  EXPECT_EQ(node.known(), 0u) << "nothing is known here";
  EXPECT_EQ(node.world.order(machine::HandOver{kApX}).error(),
            machine::OrderError::kUnknownAccessPoint);
  // Said of one access point it is about that one alone.
  Listening partly;
  partly.tell(PrRtAdv::kUnsolicited, {options_of_tuple(tuple_x())});
  partly.tell(PrRtAdv::kNoRouterInformation, {link_option(Code::kNoPrefixInformation, kApY)});
  EXPECT_EQ(partly.known(), 2u);
}

TEST(AddressOptions, AreOf24OctetsOrNone) {
  COVERS("FH-6.4.1-01");
  const Bytes whole = load_vector("wire-ndoptions.txt", "ip-nar-address").hex("octets");
  ASSERT_EQ(whole.size(), 24u);
  EXPECT_EQ(whole[0], 17);
  EXPECT_EQ(whole[1], 3);
  const auto read = Info::parse(whole);
  ASSERT_TRUE(read);
  EXPECT_EQ(static_cast<int>(read->code), whole[2]);
  EXPECT_EQ(read->prefix_length, whole[3]);
  EXPECT_TRUE(equal(read->address.view(), ByteView(whole).subspan(8)));
  EXPECT_EQ(octets_of(*read), whole);
  // A prefix of another length than 3 is no prefix: the one of the NAR's address stands.
  for (const std::size_t units : {1u, 2u, 4u, 5u}) {
    Bytes odd = address_option(Info::Code::kNarPrefix, 64, Ipv6Address::literal("2001:db8:bad::"));
    odd.resize(8 * units);
    odd[1] = static_cast<std::uint8_t>(units);
    Listening node;
    node.tell(PrRtAdv::kTuples, {options_of_tuple(tuple_x()), odd});
    EXPECT_EQ(node.ncoa_towards(kApX), node.world.config.identity.address(kPrefixX)) << units;
  }
}

TEST(AddressOptions, AreReadByTheirOptionCode) {
  COVERS("FH-6.4.1-02");
  const auto with = [](int code, const Ipv6Address& address, std::uint8_t length) {
    Listening node;
    const Bytes option = address_option(static_cast<Info::Code>(code), length, address);
    node.tell(PrRtAdv::kTuples,
              {options_of_tuple(tuple_x()), option, options_of_tuple(node.world.tuple_of_next())});
    EXPECT_EQ(node.state_of(kApNext), "handover possible") << code;  // the message goes on
    return node.ncoa_towards(kApX);
  };
  const Ipv6Address formed = mobile_config().identity.address(kPrefixX);
  const Prefix other = Prefix::literal("2001:db8:b:8::/64");
  EXPECT_EQ(with(1, kSuppliedX, 128), formed);      // an old care-of address is nothing here
  EXPECT_EQ(with(2, kSuppliedX, 128), kSuppliedX);  // a new one is taken
  EXPECT_EQ(with(4, other.address(), 64), mobile_config().identity.address(other));
  for (const int code : {0, 5, 255}) EXPECT_EQ(with(code, kSuppliedX, 64), formed) << code;
  {  // the NAR's address: an FBU goes by it at once
    Listening node;
    Tuple bare = tuple_x();
    bare.router.reset();
    node.tell(PrRtAdv::kTuples, {options_of_tuple(bare),
                                 address_option(Info::Code::kNarAddress, 64, kRouterAddressX)});
    EXPECT_EQ(node.ncoa_towards(kApX), formed);
  }
}

TEST(AddressOptions, HaveAPrefixLengthOf0To128) {
  COVERS("FH-6.4.1-05");
  const Ipv6Address formed = mobile_config().identity.address(kPrefixX);
  for (const int length : {129, 200, 255}) {
    Listening node;
    Bytes option = address_option(Info::Code::kNewCareOfAddress, 128, kSuppliedX);
    option[3] = static_cast<std::uint8_t>(length);
    Bytes prefix = address_option(Info::Code::kNarPrefix, 64, Ipv6Address::literal("2001:db8:9::"));
    prefix[3] = static_cast<std::uint8_t>(length);
    node.tell(PrRtAdv::kTuples, {options_of_tuple(tuple_x()), option, prefix});
    EXPECT_EQ(node.ncoa_towards(kApX), formed) << length;
  }
  // That of a care-of address is not read, whatever it says within the range.
  for (const int length : {0, 64, 128}) {
    Listening node;
    node.tell(PrRtAdv::kTuples, {options_of_tuple(tuple_x()),
                                 address_option(Info::Code::kNewCareOfAddress,
                                                static_cast<std::uint8_t>(length), kSuppliedX)});
    EXPECT_EQ(node.ncoa_towards(kApX), kSuppliedX) << length;
  }
  // Of the NAR's address it is that of the subnet, which a router tells and a node uses.
  Guide router;
  router.start();
  const Bytes packet = router.asked_about({kNarAp});
  EXPECT_EQ(address_options_in(packet).at(0).prefix_length,
            router.config.neighbours[0].prefix.length());
  Listening node;
  node.tell(PrRtAdv::kTuples, {options_of_tuple(tuple_x())});
  EXPECT_EQ(node.ncoa_towards(kApX), formed);
}

TEST(AddressOptions, HaveReservedOctetsOfZeroThatNobodyReads) {
  COVERS("FH-6.4.1-06");
  Guide router;
  router.start();
  std::size_t seen = 0;
  for (const Bytes& packet :
       {router.answer_to(router.request()), router.advise(kApX), router.advise(std::nullopt)})
    for (const wire::RawOption& raw : options_of(packet)) {
      if (raw.type != wire::OptionType::kIpAddressPrefix) continue;
      EXPECT_EQ(to_bytes(raw.octets.subspan(4, 4)), Bytes(4));
      ++seen;
    }
  EXPECT_GE(seen, 6u);
  Tuple bare = tuple_x();
  bare.router.reset();
  Bytes address = address_option(Info::Code::kNarAddress, 64, kRouterAddressX);
  Bytes supplied = address_option(Info::Code::kNewCareOfAddress, 128, kSuppliedX);
  for (Bytes* option : {&address, &supplied})
    std::fill(option->begin() + 4, option->begin() + 8, std::uint8_t{0xff});
  Listening node;
  node.tell(PrRtAdv::kTuples, {options_of_tuple(bare), address, supplied});
  EXPECT_EQ(node.ncoa_towards(kApX), kSuppliedX);
}

TEST(LinkOptions, AreReadByTheirOptionCode) {
  COVERS("FH-6.4.3-02");
  {  // at the router: 0 and 1 ask, the others do not
    Guide router;
    router.start();
    const auto told = [&](const std::vector<Bytes>& options) {
      Craft craft = router.mn.rtsolpr(router.ar_global(), router.bench.now);
      craft.options.resize(1);  // 4: the sender
      craft.options.insert(craft.options.end(), options.begin(), options.end());
      router.bench.forget();
      router.receive(craft, router.mn);
      return router.bench.sent.empty() ? std::ptrdiff_t{-1}
                                       : count(router.reply(), Code::kNewAccessPoint);
    };
    EXPECT_EQ(told({link_option(Code::kWildcard, {})}), 2);
    EXPECT_EQ(told({link_option(Code::kNewAccessPoint, kApX)}), 1);
    for (const int code : {2, 3, 4, 5, 6, 7, 8, 255}) {
      const Bytes odd = link_option(static_cast<Code>(code), kNarAp);
      EXPECT_EQ(told({odd}), -1) << code;
      EXPECT_EQ(told({odd, link_option(Code::kNewAccessPoint, kApX)}), 1) << code;
    }
  }
  // At the node: 1, 5, 6 and 7 are access points, 3 is the router of the one before.
  const auto said = [](int code, const LinkAddress& address) {
    Listening node;
    node.tell(PrRtAdv::kPartial, {link_option(static_cast<Code>(code), address),
                                  options_of_tuple(node.world.tuple_of_next())});
    EXPECT_EQ(node.state_of(kApNext), "handover possible") << code;
    EXPECT_EQ(node.known(), node.state_of(address).empty() ? 1u : 2u) << code;
    return node.state_of(address);
  };
  EXPECT_EQ(said(5, kApX), "same interface");
  EXPECT_EQ(said(6, kApX), "router unknown");
  EXPECT_EQ(said(7, kApX), "no fast handover");
  for (const int code : {0, 2, 3, 4, 8, 255}) EXPECT_EQ(said(code, kApX), "") << code;
  Tuple bare = tuple_x();
  bare.router_link_address.reset();
  for (const int code : {3, 8, 255}) {
    Listening node;
    node.tell(PrRtAdv::kTuples,
              {options_of_tuple(bare), link_option(static_cast<Code>(code), kRouterX)});
    EXPECT_EQ(node.state_of(kApX), code == 3 ? "handover possible" : "") << code;
  }
}

TEST(LinkOptions, HaveTheAddressLengthOfTheLink) {
  COVERS("FH-6.4.3-03");
  const Bytes option{19, 2, 1, 2, 0, 0x5e, 0, 0x53, 0xc1, 9, 9, 9, 9, 9, 9, 9};
  EXPECT_EQ(wire::LinkLayerAddressOption::parse(option)->address, kApX);
  const Bytes shorter{19, 1, 1, 2, 0, 0x5e, 0, 0x53};
  Guide router;
  router.start();
  Craft craft = router.mn.rtsolpr(router.ar_global(), router.bench.now);
  craft.options.resize(1);
  craft.options.push_back(option);
  craft.options.push_back(shorter);
  EXPECT_EQ(count(router.answer_to(craft), Code::kNewAccessPoint), 1);
  craft = router.mn.rtsolpr(router.ar_global(), router.bench.now);
  craft.options.resize(1);
  craft.options.push_back(shorter);
  router.bench.forget();
  router.receive(craft, router.mn);
  EXPECT_TRUE(router.bench.sent.empty()) << "too short to ask for anything";
  // Too short to be an access point, or its router: skipped, and the others are read.
  for (const int code : {1, 3, 5, 7}) {
    Bytes odd = shorter;
    odd[2] = static_cast<std::uint8_t>(code);
    EXPECT_FALSE(wire::LinkLayerAddressOption::parse(odd));
    Listening node;
    node.tell(PrRtAdv::kPartial, {odd, options_of_tuple(tuple_x())});
    EXPECT_EQ(node.known(), 1u) << code;
    EXPECT_EQ(node.state_of(kApX), "handover possible") << code;
  }
}

}  // namespace
}  // namespace sendoff::test
