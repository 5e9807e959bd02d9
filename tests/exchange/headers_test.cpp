// What the Mobility Headers of all messages have in common, as both ends send and take them (RFC
// 6275 6.1.1, 6.2.1, 6.3, 9.2; RFC 5568 6.4, 11).
#include "exchange/filter.h"
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

// Every packet with a Mobility Header that these machines send in handovers of every kind, by type.
using Captures = std::map<int, std::vector<Bytes>>;

void capture(const Bytes& packet, Captures& captures) {
  const auto view = wire::PacketView::parse(packet);
  if (view && view->upper_protocol == wire::kProtocolMobility)
    captures[view->upper[2]].push_back(packet);
}

Captures captured() {
  Captures captures;
  Moving node;
  node.prepare_handover();
  node.roam();
  node.world.advance(seconds(16));
  node.world.roam({&node.par}, kApHere);
  node.world.advance(milliseconds(10));
  Moving reactive;
  reactive.roam();
  reactive.world.advance(milliseconds(10));
  for (const Moving* each : {&node, &reactive})
    for (const machine::Transmit& transmit : each->world.sent) capture(transmit.packet, captures);

  ParNode par;
  par.start();
  EXPECT_EQ(par.status_of(par.predictive(1)), 0);
  std::vector<machine::Transmit> sent = par.bench.sent;
  const auto keep = [&] { sent.insert(sent.end(), par.bench.sent.begin(), par.bench.sent.end()); };
  EXPECT_EQ(par.status_of(par.reactive(2)), 0);
  keep();
  CraftFbu craft = par.predictive(3);
  craft.lifetime_s = 0;
  EXPECT_EQ(par.status_of(craft), 0);
  keep();
  EXPECT_EQ(par.status_of(par.reactive(4)), 0);
  keep();
  craft = par.predictive(5);
  craft.alternate_care_of = Ipv6Address::literal("2001:db8:b::1");
  EXPECT_EQ(par.status_of(craft), 129);
  keep();
  Bytes unknown = craft.packet();  // a type that nobody knows: a Binding Error
  unknown[ParNode::kHeaderAt + 2] = 200;
  wire::seal_mobility(par.mn.global(), par.ar_global(),
                      ByteSpan(unknown).subspan(ParNode::kHeaderAt));
  par.bench.forget();
  par.receive_packet(unknown);
  keep();

  NarNode nar;
  nar.config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
  nar.start();
  nar.take(nar.hi(1));
  CraftPeer assigned = nar.hi(2);
  assigned.assigned_addressing = true;
  assigned.ncoa = Ipv6Address::literal("2001:db8:a:1::55");
  nar.take(assigned);
  CraftPeer refused = nar.hi(3);
  refused.ncoa.reset();
  nar.take(refused);
  sent.insert(sent.end(), nar.bench.sent.begin(), nar.bench.sent.end());
  for (const machine::Transmit& transmit : sent) capture(transmit.packet, captures);
  for (const int type : {7, 8, 9, 14, 15}) EXPECT_FALSE(captures[type].empty()) << type;
  EXPECT_EQ(captures.size(), 5u);
  return captures;
}

// One message of each type to whoever takes it, with its Mobility Header bent. What came of it is
// to be seen in `taken`; `dropped` counts what was dropped for its header.
struct Receivers {
  struct Result {
    bool taken = false;
    bool answered = false;
    std::uint64_t dropped = 0;
  };
  using Bend = std::function<void(Bytes& header)>;

  // `seal`: the checksum is put right.
  static Bytes bent(const Bytes& packet, const Bend& bend, bool seal) {
    const auto view = wire::PacketView::parse(packet);
    const std::size_t at = packet.size() - view->upper.size();
    Bytes header = to_bytes(view->upper);
    bend(header);
    if (seal)
      wire::seal_mobility(view->home_address.value_or(view->header.source),
                          view->header.destination, header);
    const ByteView extension = ByteView(packet).subspan(40, at - 40);
    return wire::build_packet(view->header, extension, header);
  }
  static Result fbu(const Bend& bend, bool seal) {
    ParNode par;
    par.start();
    par.receive_packet(bent(par.predictive().packet(), bend, seal));
    return {par.his().size() == 1, !par.silent(), par.counted("mobility", "checksum")};
  }
  static Result hack(const Bend& bend, bool seal) {
    ParNode par;
    par.start();
    par.receive(par.predictive());
    const Bytes packet = bent(par.hack(0).acknowledge(), bend, seal);
    par.bench.forget();
    par.bench.receive(packet, kNarLink);
    return {par.installed() == 1, !par.silent(), par.counted("mobility", "checksum")};
  }
  static Result hi(const Bend& bend, bool seal) {
    NarNode nar;
    nar.start();
    nar.bench.receive(bent(nar.hi().initiate(), bend, seal), kNarLink);
    return {nar.hacks().size() == 1 && nar.hacks()[0].message.code == 0,
            !nar.bench.sent.empty() || !nar.bench.actions.empty(),
            nar.bench.counter("mobility", "checksum")};
  }
  static Result fback(const Bend& bend, bool seal) {
    mobile::Config config = mobile_config();
    config.fback_wait = seconds(600);
    Moving node(config);
    node.world.order(machine::HandOver{kApNext}).value();
    const Bytes packet = node.world.fback(node.par, node.world.updates().back());
    node.world.forget_output();
    node.world.deliver(bent(packet, bend, seal));
    return {node.world.count("fback-accepted") == 1, !node.world.trace.empty(),
            node.world.count("mobility", "checksum")};
  }
  static void each(const std::function<void(const char*, Result (*)(const Bend&, bool))>& visit) {
    visit("FBU", fbu);
    visit("FBack", fback);
    visit("HI", hi);
    visit("HAck", hack);
  }
};

TEST(MobilityHeaders, HaveTheNumbersOfTheRegistry) {
  COVERS("FH-11-02");
  const auto all = captured();
  // Encoders: what each message of ours holds.
  std::map<int, std::set<int>> options;
  for (const auto& [type, packets] : all)
    for (const Bytes& packet : packets)
      if (type != 7)
        for (const auto& option : mobility_options_of(mobility_header_of(packet)))
          options[type].insert(option.type);
  EXPECT_EQ(options[8], (std::set<int>{3, 7, 21}));
  EXPECT_TRUE(options[9].contains(21));
  EXPECT_EQ(options[14], (std::set<int>{7, 34}));
  EXPECT_EQ(options[15], std::set<int>{34});
  // Decoders take these numbers, and no neighbour of theirs.
  const std::pair<MobilityType, int> types[] = {
      {MobilityType::kFastBindingUpdate, 8},
      {MobilityType::kFastBindingAcknowledgement, 9},
      {MobilityType::kHandoverInitiate, 14},
      {MobilityType::kHandoverAcknowledge, 15},
  };
  for (const auto& [type, number] : types) EXPECT_EQ(std::to_underlying(type), number);
  const Bytes update{59, 6,  8, 0,   0,    0, 0,   1,    0xc0, 0, 0, 30,
                     7,  8,  2, 2,   0,    0, 0,   0,    1,    0,        // 7: MH-LLA
                     34, 18, 2, 128, 0x20, 1, 0xd, 0xb8, 0,    0, 0, 0,  // 34
                     0,  0,  0, 0,   0,    0, 0,   1,    21,   8, 0, 0,
                     0,  0,  1, 2,   3,    4, 5,   6,    7,    8};  // 21
  ASSERT_EQ(update.size(), 56u);
  const auto read = wire::FastBindingUpdate::parse(update);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->options.link_address && read->options.authorization);
  EXPECT_EQ(read->options.addresses.size(), 1u);
  for (const std::size_t at : {12u, 22u})
    for (const int off : {-1, 1}) {
      Bytes other = update;
      other[at] = static_cast<std::uint8_t>(other[at] + off);
      const auto odd = wire::FastBindingUpdate::parse(other);
      ASSERT_TRUE(odd) << int{other[at]};
      EXPECT_EQ(odd->options.link_address.has_value(), at != 12) << int{other[at]};
      EXPECT_EQ(odd->options.addresses.size(), at != 22 ? 1u : 0u) << int{other[at]};
    }
  EXPECT_EQ(std::to_underlying(wire::OptionType::kIpAddressPrefix), 17);
  EXPECT_EQ(std::to_underlying(wire::OptionType::kLinkLayerAddress), 19);
  EXPECT_EQ(std::to_underlying(wire::OptionType::kNaack), 20);
  EXPECT_EQ(octets_of(wire::IpAddressPrefixOption{})[0], 17);
  EXPECT_EQ(octets_of(wire::LinkLayerAddressOption{})[0], 19);
  EXPECT_EQ(octets_of(wire::NaackOption{})[0], 20);
  // The kernel hands over what stands in these messages, and no type of Mobile IPv6's or of another
  // program's.
  for (const auto& [type, packets] : all)
    for (const Bytes& packet : packets) {
      const auto to = wire::Ipv6Header::parse(packet)->destination;
      EXPECT_TRUE(passes(net::mobility_headers({to}), packet)) << type;
      EXPECT_FALSE(passes(net::neighbour_discovery(), packet)) << type;
      for (const int other : {0, 5, 6, 10, 13}) {
        Bytes foreign = packet;
        foreign[packet.size() - mobility_header_of(packet).size() + 2] =
            static_cast<std::uint8_t>(other);
        EXPECT_FALSE(passes(net::mobility_headers({to}, {10, 13}), foreign)) << other;
      }
    }
}

TEST(MobilityHeaders, EndThePacket) {
  COVERS("FH-6275-02");
  for (const auto& [type, packets] : captured())
    for (const Bytes& packet : packets) {
      const Bytes header = mobility_header_of(packet);
      EXPECT_EQ(header[0], 0x3b) << type;
      EXPECT_EQ(header.size(), 8u * (header[1] + 1u)) << type;
    }
}

TEST(MobilityHeaders, HaveAReservedOctetOfZeroThatNobodyReads) {
  COVERS("FH-6275-04");
  for (const auto& [type, packets] : captured())
    for (const Bytes& packet : packets) EXPECT_EQ(mobility_header_of(packet)[3], 0) << type;
  const auto reserved = [](Bytes& header) { header[3] = 0xff; };
  // HI and HAck: that of the header and their own.
  for (const auto& result : {Receivers::hi(reserved, true), Receivers::hack(reserved, true)})
    EXPECT_TRUE(result.taken);
  // FBU and FBack have it under their authenticator.
  ParNode par;
  par.start();
  const Signer::Bend bend = [](Bytes& header, std::size_t&) { header[3] = 0xff; };
  EXPECT_EQ(par.status_of(signer_of(par, par.ncoa()).bent(par.predictive().packet(), bend)), 0);
  Moving node;
  node.world.order(machine::HandOver{kApNext}).value();
  node.world.deliver(signer_of(node, node.ncoa)
                         .bent(node.world.fback(node.par, node.world.updates().back()), bend));
  EXPECT_EQ(node.world.count("fback-accepted"), 1u);
}

TEST(MobilityHeaders, WithAWrongChecksumAreNotAnswered) {
  COVERS("FH-6275-07");
  Receivers::each([](const char* what, auto take) {
    EXPECT_TRUE(take([](Bytes&) {}, true).taken) << what;
    // A bit of the checksum, of what it covers in each part, and the length that says how much.
    for (const std::size_t octet :
         {std::size_t{4}, std::size_t{5}, std::size_t{3}, std::size_t{7}, std::size_t{15}}) {
      const auto result = take(
          [&](Bytes& header) { header[octet] = static_cast<std::uint8_t>(header[octet] ^ 0x10); },
          false);
      EXPECT_FALSE(result.taken) << what << " " << octet;
      EXPECT_FALSE(result.answered) << what << " " << octet;
      EXPECT_EQ(result.dropped, 1u) << what << " " << octet;
    }
  });
}

TEST(MobilityHeaders, HaveOptionsThatNobodyKnowsSkipped) {
  COVERS("FH-6275-11");
  ParNode par;
  par.start();
  CraftFbu craft = par.predictive(1);
  craft.raw_options = {250, 6, 1, 2, 3, 4, 5, 6};
  Bytes bad = craft.packet();
  bad[ParNode::kHeaderAt + 12 + 4] ^= 1;  // inside the unknown option: under the MAC
  wire::seal_mobility(par.mn.global(), par.ar_global(), ByteSpan(bad).subspan(ParNode::kHeaderAt));
  EXPECT_EQ(par.status_of(bad), -1);
  EXPECT_EQ(par.counted("fbu", "mac"), 1u);
  EXPECT_EQ(par.status_of(craft), 0);
  // HI, HAck and FBack likewise.
  const auto unknown = [](std::size_t at) {
    return [at](Bytes& header) {
      const Bytes option{250, 6, 1, 2, 3, 4, 5, 6};
      header.insert(header.begin() + static_cast<std::ptrdiff_t>(at), option.begin(), option.end());
      ++header[1];
    };
  };
  EXPECT_TRUE(Receivers::hi(unknown(10), true).taken);
  EXPECT_TRUE(Receivers::hack(unknown(10), true).taken);
  Moving node;
  node.world.order(machine::HandOver{kApNext}).value();
  node.world.deliver(signer_of(node, node.ncoa)
                         .bent(node.world.fback(node.par, node.world.updates().back()),
                               [&](Bytes& header, std::size_t& tag_at) {
                                 unknown(12)(header);
                                 tag_at += 8;
                               }));
  EXPECT_EQ(node.world.count("fback-accepted"), 1u);
}

TEST(MobilityHeaders, OfRoutersHoldTheirAddressesInOptions34) {
  COVERS("FH-6.4.2-02");
  // HI: codes 1 and 2. HAck: code 2, where there is an address.
  const auto codes = [](const Bytes& packet) {
    const Bytes header = mobility_header_of(packet);
    std::vector<int> found;
    for (const MobilityOption& option : mobility_options_of(header)) {
      if (option.type != 34) continue;
      EXPECT_EQ(option.length, 18u);
      EXPECT_EQ(header[option.at + 3], 128);
      found.push_back(header[option.at + 2]);
    }
    return found;
  };
  const auto all = captured();
  for (const Bytes& packet : all.at(14)) EXPECT_EQ(codes(packet), (std::vector<int>{1, 2}));
  std::set<std::vector<int>> of_hacks;
  for (const Bytes& packet : all.at(15)) of_hacks.insert(codes(packet));
  EXPECT_EQ(of_hacks, (std::set<std::vector<int>>{{}, {2}}));

  // Of another length it is no address: an HI without NCoA is refused, one without PCoA is not.
  for (const int code : {1, 2})
    for (const int off : {-8, -1, 1, 8}) {
      NarNode nar;
      nar.start();
      const auto bend = [&](Bytes& header) {
        for (const MobilityOption& option : mobility_options_of(header)) {
          if (option.type != 34 || header[option.at + 2] != code) continue;
          header[option.at + 1] = static_cast<std::uint8_t>(header[option.at + 1] + off);
          const auto end = header.begin() + static_cast<std::ptrdiff_t>(option.at + 20);
          if (off < 0)
            std::fill(end + off, end, std::uint8_t{0});
          else
            header.insert(end, static_cast<std::size_t>(off), 0);
          break;
        }
        while (header.size() % 8 != 0) header.push_back(0);
        header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
      };
      nar.bench.receive(Receivers::bent(nar.hi().initiate(), bend, true), kNarLink);
      ASSERT_EQ(nar.hacks().size(), 1u) << code << " " << off;
      EXPECT_EQ(nar.hacks()[0].message.code, code == 1 ? 0 : 128) << off;
      if (code == 1) {
        EXPECT_EQ(nar.arrivals().at(0).pcoa, std::nullopt);
      }
    }
  // Bits behind a prefix are not read, and a Prefix Length above 128 is none.
  Bytes hack(10);
  hack[0] = 59;
  hack[2] = 15;
  const Bytes prefix{34,  18,  4,   44,  0x20, 1,   0xd, 0xb8, 0,   0x1f,
                     255, 255, 255, 255, 255,  255, 255, 255,  255, 255};
  hack.insert(hack.end(), {1, 0});
  hack.insert(hack.end(), prefix.begin(), prefix.end());
  hack[1] = 3;
  ASSERT_EQ(hack.size(), 32u);
  const auto read = wire::HandoverAcknowledge::parse(hack);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->options.addresses.size(), 1u);
  EXPECT_EQ(read->options.addresses[0].address, Ipv6Address::literal("2001:db8:10::"));
  for (const int length : {129, 255}) {
    hack[15] = static_cast<std::uint8_t>(length);
    EXPECT_TRUE(wire::HandoverAcknowledge::parse(hack)->options.addresses.empty()) << length;
  }
}

TEST(MobilityHeaders, FollowOneHomeAddressOptionAtMost) {
  COVERS("FH-6275-17");
  for (const auto& [type, packets] : captured())
    for (const Bytes& packet : packets) {
      const std::size_t before = packet.size() - 40 - mobility_header_of(packet).size();
      EXPECT_EQ(before, type == 8 ? 24u : 0u) << type;
      if (type != 8) continue;
      // Its head, two octets of padding behind theirs, and the one option fill the 24.
      EXPECT_EQ(to_bytes(ByteView(packet).subspan(41, 7)), (Bytes{2, 1, 2, 0, 0, 201, 16}));
    }
  ParNode par;
  par.start();
  const Bytes good = par.predictive().packet();
  const auto with = [&](const Bytes& extension) {
    wire::Ipv6Header ip = *wire::Ipv6Header::parse(good);
    return wire::build_packet(ip, extension, mobility_header_of(good));
  };
  const Bytes option = to_bytes(ByteView(good).subspan(46, 18));
  Bytes one = octets_of(wire::HomeAddressHeader{wire::kProtocolMobility, par.mn.global()});
  // Twice in one header: 8n+6, so 6 octets of padding stand between.
  Bytes twice = one;
  twice[1] = 5;
  twice.insert(twice.end(), {1, 4, 0, 0, 0, 0});
  twice.insert(twice.end(), option.begin(), option.end());
  ASSERT_EQ(twice.size(), 48u);
  EXPECT_EQ(par.status_of(with(twice)), -1);
  EXPECT_TRUE(par.silent());
  Bytes other = twice;
  other.back() ^= 1;
  EXPECT_EQ(par.status_of(with(other)), -1);
  EXPECT_TRUE(par.silent());
  // In two headers.
  Bytes chained =
      octets_of(wire::HomeAddressHeader{wire::kProtocolDestinationOptions, par.mn.global()});
  chained.insert(chained.end(), one.begin(), one.end());
  EXPECT_EQ(par.status_of(with(chained)), -1);
  EXPECT_TRUE(par.silent());
  EXPECT_EQ(par.status_of(with(one)), 0);
}

TEST(MobilityHeaders, FollowTheHomeAddressWithNothingBetween) {
  COVERS("FH-6275-18");
  const auto all = captured();
  for (const Bytes& packet : all.at(8)) {
    // IPv6, Destination Options, Mobility Header: neither Routing, Fragment nor AH or ESP.
    EXPECT_EQ(packet[6], wire::kProtocolDestinationOptions);
    EXPECT_EQ(packet[40], wire::kProtocolMobility);
    EXPECT_EQ(packet[41], 2);
  }
  ParNode par;
  par.start();
  const Bytes good = par.predictive().packet();
  const Bytes header = mobility_header_of(good);
  wire::Ipv6Header ip = *wire::Ipv6Header::parse(good);
  ip.next_header = wire::kProtocolFragment;
  // Atomic, so that nothing but the order is wrong.
  Bytes behind = octets_of(wire::FragmentHeader{wire::kProtocolDestinationOptions, 0, false, 7});
  const Bytes option = octets_of(wire::HomeAddressHeader{wire::kProtocolMobility, par.mn.global()});
  behind.insert(behind.end(), option.begin(), option.end());
  EXPECT_EQ(par.status_of(wire::build_packet(ip, behind, header)), -1);
  EXPECT_TRUE(par.silent());
  // Before a Routing header it is out of its place, too.
  ip.next_header = wire::kProtocolDestinationOptions;
  Bytes before = octets_of(wire::HomeAddressHeader{wire::kProtocolRouting, par.mn.global()});
  wire::RoutingHeader routing;
  routing.next_header = wire::kProtocolMobility;
  routing.home_address = par.mn.global();
  append(before, routing);
  EXPECT_EQ(par.status_of(wire::build_packet(ip, before, header)), -1);
  EXPECT_TRUE(par.silent());
  EXPECT_EQ(par.status_of(good), 0);
}

TEST(MobilityHeaders, HaveAChecksumOverTheFinishedAuthenticator) {
  COVERS("FH-6275-37");
  Moving node;
  node.prepare_handover();
  node.roam();
  node.world.advance(seconds(16));
  ASSERT_GE(node.world.updates().size(), 2u);
  for (const Update& update : node.world.updates()) {
    EXPECT_EQ(wire::checksum(node.pcoa, update.destination, 135, update.header), 0);
    Bytes without = update.header;
    without[4] = without[5] = 0;
    const Signer signer = signer_of(node, node.ncoa);
    const std::size_t tag_at = without.size() - signer.size();
    // The MAC of the copy whose checksum is zero is the one that the checksum covers.
    EXPECT_EQ(to_bytes(ByteView(update.header).subspan(tag_at)), signer.tag(without, tag_at));
    Bytes unfinished = update.header;
    std::fill(unfinished.begin() + static_cast<std::ptrdiff_t>(tag_at), unfinished.end(),
              std::uint8_t{0});
    EXPECT_NE(wire::checksum(node.pcoa, update.destination, 135, unfinished), 0);
  }
}

}  // namespace
}  // namespace sendoff::test
