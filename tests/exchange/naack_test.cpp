// The Neighbor Advertisement Acknowledgement at both ends (RFC 5568 6.4.6, GF17): the option, and
// the Router Advertisement that carries it.
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

const Ipv6Address kSupplied = Ipv6Address::literal("2001:db8:b:1::77");
const LinkAddress kStranger = LinkAddress::literal("02:00:00:00:0e:0e");

// A node on the next router's link that has announced itself and hears nothing.
struct OnNextLink : Moving {
  OnNextLink() {
    world.order(machine::HandOver{kApNext}).value();
    roam_to_deaf();
    world.answer_cps = true;
    world.forget_output();
  }
  // An RA with this option, signed.
  void tell(const Bytes& option) {
    Seal seal = world.seal();
    seal.before_signing = [&](Bytes& message) {
      message.insert(message.end(), option.begin(), option.end());
    };
    world.deliver(nar.router_advertisement(ncoa, seal, {}), nar.link_address);
  }
  [[nodiscard]] bool followed() const { return world.count("naack-followed") == 1; }
  // The option is skipped, the RA is not.
  void expect_ignored(const std::string& what) const {
    EXPECT_EQ(world.count("naack-followed"), 0u) << what;
    EXPECT_FALSE(removed(world, ncoa)) << what;
    EXPECT_TRUE(world.status().links.at(0).router) << what;
  }
};

Bytes naack(std::uint8_t status, std::optional<Ipv6Address> address = std::nullopt) {
  wire::NaackOption option;
  option.status = address || status != 2 ? status : 0;
  option.address = address;
  Bytes octets = octets_of(option);
  octets[3] = status;
  return octets;
}

TEST(Naacks, AreOf8Or24OctetsWithOptionCodeZero) {
  COVERS("FH-6.4.6-01");
  const Bytes whole = load_vector("wire-ndoptions.txt", "naack-2").hex("octets");
  ASSERT_EQ(whole.size(), 24u);
  EXPECT_EQ(to_bytes(ByteView(whole).first(8)), (Bytes{20, 3, 0, 2, 0, 0, 0, 0}));
  const auto read = wire::NaackOption::parse(whole);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, 2);
  ASSERT_TRUE(read->address);
  EXPECT_TRUE(equal(read->address->view(), ByteView(whole).subspan(8)));
  EXPECT_EQ(octets_of(*read), whole);
  const Bytes bare = load_vector("wire-ndoptions.txt", "naack-1").hex("octets");
  EXPECT_EQ(bare, (Bytes{20, 1, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(octets_of(*wire::NaackOption::parse(bare)), bare);

  {
    OnNextLink node;
    node.tell(naack(2, kSupplied));
    EXPECT_TRUE(node.followed());
    EXPECT_TRUE(added(node.world, kSupplied));
  }
  for (const std::size_t units : {2u, 4u, 5u}) {
    Bytes odd = naack(1);
    odd.resize(8 * units);
    odd[1] = static_cast<std::uint8_t>(units);
    OnNextLink node;
    node.tell(odd);
    node.expect_ignored("length " + std::to_string(units));
  }
  for (const int code : {1, 2, 255}) {
    Bytes odd = naack(1);
    odd[2] = static_cast<std::uint8_t>(code);
    OnNextLink node;
    node.tell(odd);
    node.expect_ignored("option-code " + std::to_string(code));
  }
}

TEST(Naacks, MeanWhatTheirStatusSays) {
  COVERS("FH-6.4.6-02");
  for (const int status : {1, 2, 3, 4, 128}) {
    const Vector vector = load_vector("wire-ndoptions.txt", "naack-" + std::to_string(status));
    const auto read = wire::NaackOption::parse(vector.hex("octets"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->status, status);
  }
  {  // 1: configure an address
    OnNextLink node;
    node.tell(naack(1));
    EXPECT_TRUE(node.followed());
    EXPECT_TRUE(removed(node.world, node.ncoa));
    EXPECT_EQ(node.world.care_of(), node.world.config.identity.address(kNextPrefix, 1));
  }
  {  // 2: take this one
    OnNextLink node;
    node.tell(naack(2, kSupplied));
    EXPECT_TRUE(node.followed());
    EXPECT_EQ(node.world.updates().at(0).source, kSupplied);
  }
  {  // 3: name the router
    OnNextLink node;
    node.tell(naack(3));
    EXPECT_TRUE(node.followed());
    EXPECT_EQ(node.world.updates().at(0).fbu.options.alternate_care_of, node.nar.global[0]);
  }
  {  // 4: keep the PCoA, and send no FBU
    OnNextLink node;
    node.tell(naack(4, node.pcoa));
    EXPECT_TRUE(node.followed());
    node.world.advance(seconds(20));
    EXPECT_TRUE(node.world.updates().empty());
    EXPECT_EQ(node.world.announced().at(0).source, node.pcoa);
  }
  {  // 128: nobody knows this node
    OnNextLink node;
    node.tell(naack(128));
    EXPECT_TRUE(node.followed());
    EXPECT_TRUE(removed(node.world, node.ncoa));
    EXPECT_TRUE(removed(node.world, node.pcoa));
  }
  for (const int status : {0, 5, 127, 129, 255}) {
    OnNextLink node;
    node.tell(naack(static_cast<std::uint8_t>(status)));
    node.expect_ignored("status " + std::to_string(status));
    OnNextLink other;
    other.tell(naack(static_cast<std::uint8_t>(status), kSupplied));
    other.expect_ignored("status " + std::to_string(status) + " with address");
  }
}

TEST(NaacksDeathTest, OfStatusTwoSupplyTheAddress) {
  COVERS("FH-6.4.6-03");
  wire::NaackOption option;
  option.status = 2;
  EXPECT_DEATH((void)octets_of(option), "");
  option.address = kSupplied;
  EXPECT_EQ(octets_of(option).size(), 24u);
  EXPECT_EQ(octets_of(option)[1], 3);
  OnNextLink node;
  node.tell(naack(2));
  node.expect_ignored("without address");
  EXPECT_TRUE(node.world.updates().empty());
}

// Every NAACK that a new router sends: for an address of the pool, for the PCoA, for a link-layer
// address that nobody announced, and in place of the node's own.
std::vector<Bytes> naacks_of_a_router(std::uint16_t router_lifetime_s = 1800) {
  std::vector<Bytes> found;
  const auto keep = [&](const NarNode& nar) {
    for (const machine::Transmit& transmit : nar.bench.sent)
      if (find_option(transmit.packet, wire::OptionType::kNaack)) found.push_back(transmit.packet);
  };
  for (const bool replace : {false, true}) {
    NarNode nar;
    nar.config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
    nar.config.interfaces[0].advertised.router_lifetime_s = router_lifetime_s;
    nar.config.new_router.replace_ncoa = replace;
    nar.start();
    CraftPeer craft = nar.hi(1);
    craft.assigned_addressing = !replace;
    nar.take(craft);
    nar.arrive(nar.ncoa());
    keep(nar);
  }
  NarNode nar;
  nar.config.interfaces[0].advertised.router_lifetime_s = router_lifetime_s;
  nar.start();
  CraftPeer craft = nar.hi(1);
  craft.assigned_addressing = true;
  nar.take(craft);
  nar.arrive(nar.ncoa());
  nar.bench.receive(nar.una(nar.pcoa, kStranger), kStranger);
  keep(nar);
  return found;
}

TEST(Naacks, HaveReservedOctetsOfZeroThatNobodyReads) {
  COVERS("FH-6.4.6-07");
  std::multiset<int> statuses;
  for (const Bytes& packet : naacks_of_a_router()) {
    const Bytes option = *find_option(packet, wire::OptionType::kNaack);
    EXPECT_EQ(to_bytes(ByteView(option).subspan(4, 4)), Bytes(4));
    statuses.insert(option[3]);
  }
  EXPECT_EQ(statuses, (std::multiset<int>{2, 2, 4, 128}));
  Bytes odd = naack(2, kSupplied);
  std::fill(odd.begin() + 4, odd.begin() + 8, std::uint8_t{0xff});
  OnNextLink node;
  node.tell(odd);
  EXPECT_TRUE(node.followed());
  EXPECT_EQ(node.world.updates().at(0).source, kSupplied);
}

// The fixed part behind the checksum, and the options that are neither SEND's nor a NAACK.
std::vector<Bytes> parameters_of(const Bytes& advertisement) {
  std::vector<Bytes> parts{to_bytes(ByteView(advertisement).subspan(44, 12))};
  for (const wire::RawOption& option : options_of(advertisement))
    if (std::to_underlying(option.type) <= 5) parts.push_back(to_bytes(option.octets));
  return parts;
}

TEST(Naacks, StandInTheRoutersRealAdvertisement) {
  COVERS("FH-6.4.6-12");
  NarNode usual;
  usual.start();
  usual.bench.advance(seconds(20));
  Bytes periodic;
  for (const machine::Transmit& transmit : usual.bench.sent)
    if (transmit.packet[40] == 134) periodic = transmit.packet;
  ASSERT_FALSE(periodic.empty());
  EXPECT_FALSE(find_option(periodic, wire::OptionType::kNaack));
  EXPECT_TRUE(find_option(periodic, wire::OptionType::kPrefixInformation));
  const auto sent = naacks_of_a_router();
  EXPECT_EQ(sent.size(), 4u);
  for (const Bytes& packet : sent) {
    EXPECT_EQ(parameters_of(packet), parameters_of(periodic));
    EXPECT_EQ(wire::RouterAdvertisement::parse(ByteView(packet).subspan(40))->router_lifetime_s,
              1800);
    EXPECT_TRUE(signed_properly(packet));
  }
  // A router that is nobody's default router does not become one by it, nor says that it is none.
  EXPECT_TRUE(naacks_of_a_router(0).empty());

  // The node's lists are what they were.
  Moving node;
  World& world = node.world;
  node.world.order(machine::HandOver{kApNext}).value();
  node.roam();
  world.advance(milliseconds(100));
  const auto before = world.status().links.at(0);
  ASSERT_TRUE(before.router);
  world.forget_output();
  node.naack(3);
  EXPECT_EQ(world.count("naack-followed"), 1u);
  const auto after = world.status().links.at(0);
  EXPECT_EQ(after.router, before.router);
  EXPECT_EQ(after.router_global, before.router_global);
  for (const auto& route : world.asked<machine::SetRoute>())
    EXPECT_TRUE(route.present) << route.destination.text();
  // The prefix stands: the address instead of the refused one is formed from it.
  EXPECT_TRUE(kNextPrefix.contains(world.care_of()));
}

}  // namespace
}  // namespace sendoff::test
