// RtSolPr of a real mobile node as a real access router takes them (RFC 5568 6.1.1), and the
// settings that say how often they are sent (9).
#include "mobile/solicitation.h"
#include "exchange/both.h"

namespace sendoff::test {
namespace {

using Code = wire::LinkLayerAddressOption::Code;

const LinkAddress kUnknownAp = LinkAddress::literal("02:00:00:00:0a:99");
const LinkAddress kOwnAp = LinkAddress::literal("02:00:00:00:0a:01");
const LinkAddress kNarAp2 = LinkAddress::literal("02:00:00:00:0a:03");
const LinkAddress kNarAp3 = LinkAddress::literal("02:00:00:00:0a:04");

router::Config with_access_points() {
  router::Config config = router_config();
  config.neighbours[0].access_points = {kNarAp, kNarAp2, kNarAp3};
  return config;
}

// The access points that a PrRtAdv is about, in its order.
std::vector<LinkAddress> told_of(ByteView advertisement) {
  std::vector<LinkAddress> found;
  for (const wire::RawOption& option : options_of(advertisement)) {
    if (option.type != wire::OptionType::kLinkLayerAddress) continue;
    const auto address = wire::LinkLayerAddressOption::parse(option.octets);
    if (address->code == Code::kNewAccessPoint || address->code == Code::kCurrentInterface ||
        address->code == Code::kNoPrefixInformation || address->code == Code::kNoFastHandover)
      found.push_back(address->address);
  }
  return found;
}

class Solicitations : public config::ConfigTest {};

TEST_F(Solicitations, ComeFromAnAddressOfTheInterface) {
  COVERS("FH-6.1.1-02");
  Both both;
  World& world = both.world;
  both.advance(seconds(2));
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  both.advance(seconds(1));
  std::set<Ipv6Address> ours;
  for (const auto& add : world.asked<machine::AddAddress>()) ours.insert(add.address);
  ASSERT_GE(world.solicitations().size(), 2U);
  for (const Solicitation& request : world.solicitations()) {
    EXPECT_TRUE(ours.contains(request.source)) << request.source.text();
    EXPECT_EQ(request.source, world.care_of());
    EXPECT_TRUE(request.valid) << "and it is our CGA";
  }
  RouterNode node;
  node.start();
  const auto dropped = node.bench.counter("send", "source");
  for (const char* source : {"::", "ff02::1", "ff02::2"}) {
    Craft craft = node.request();
    craft.source = Ipv6Address::literal(source);
    node.receive(craft, node.mn);
  }
  EXPECT_TRUE(node.bench.sent.empty());
  EXPECT_EQ(node.bench.counter("send", "source"), dropped + 3);
  EXPECT_TRUE(node.has_key(node.answer_to(node.request()))) << "nothing else was wrong";
}

TEST_F(Solicitations, MayBeAboutSeveralAccessPoints) {
  COVERS("FH-6.1.1-11");
  Both both(mobile_config(), with_access_points());
  World& world = both.world;
  both.advance(seconds(2));
  const std::vector<LinkAddress> asked{kNarAp2, kUnknownAp, kNarAp, kOwnAp, kNarAp3};
  ASSERT_TRUE(world.order(machine::RequestKey{.access_points = asked}));
  EXPECT_EQ(std::ranges::count(world.solicitations().back().link_codes, Code::kNewAccessPoint), 5);
  both.advance(milliseconds(10));
  EXPECT_EQ(told_of(both.advertisements().back()), asked);
  EXPECT_EQ(world.status().neighbours.size(), 5U);
  both.advance(seconds(2));
  ASSERT_TRUE(world.order(machine::RequestKey{.access_points = {kNarAp, kNarAp2, kNarAp}}));
  both.advance(milliseconds(10));
  EXPECT_EQ(told_of(both.advertisements().back()), (std::vector<LinkAddress>{kNarAp, kNarAp2}));
}

TEST_F(Solicitations, AreNotAboutAllAndSome) {
  COVERS("FH-6.1.1-12");
  mobile::Solicitation both{.identifier = 1, .wildcard = true, .access_points = {kNarAp}};
  ASSERT_FALSE(mobile::compose(both));
  EXPECT_EQ(mobile::compose(both).error(), mobile::SolicitationError::kWildcardAndMore);
  // A node that does it is told of all.
  RouterNode node;
  node.config = with_access_points();
  node.start();
  const auto all = told_of(node.answer_to(node.request()));
  EXPECT_EQ(all, (std::vector<LinkAddress>{kNarAp, kNarAp2, kNarAp3}));
  Craft craft = node.request();
  craft.options.push_back(
      octets_of(wire::LinkLayerAddressOption{Code::kNewAccessPoint, kUnknownAp}));
  EXPECT_EQ(told_of(node.answer_to(craft)), all);
}

// How often something was sent, and the shortest time between two.
struct Series {
  std::size_t count = 0;
  Duration shortest = Duration::max();
};
template <typename Is>
Series series_of(const World& world, const Is& is) {
  Series series;
  Instant last{};
  for (std::size_t i = 0; i < world.sent.size(); ++i) {
    if (!is(world.sent[i].packet)) continue;
    if (series.count++ > 0) series.shortest = std::min(series.shortest, world.sent_at[i] - last);
    last = world.sent_at[i];
  }
  return series;
}

TEST_F(Solicitations, AreRepeatedAsTheConfigurationSays) {
  COVERS("FH-9-01");
  const auto loaded = mobile(config::kMobileFile);
  ASSERT_TRUE(loaded);
  running_ = &loaded->machine.identity;
  Attached node(loaded->machine);
  World& world = node.world;
  world.advance(seconds(5));
  ASSERT_TRUE(world.key_of(node.par.global[0])) << world.account();
  world.answer_rtsolpr = false;
  // Takes the changed file, then counts requests and FBUs of one use.
  const auto take = [&](const std::string& lines) {
    const auto changed_file = mobile(changed(config::kMobileFile, "fbu_retries = 3", lines));
    ASSERT_TRUE(changed_file);
    ASSERT_TRUE(world.mobile->handle(world.now, changed_file->machine));
    world.advance(seconds(100));
    world.forget_output();
  };
  const auto requests = [&] {
    world.forget_output();
    EXPECT_TRUE(world.order(machine::RequestKey{}));
    world.advance(seconds(40));
    return series_of(world, [](ByteView packet) { return read_solicitation(packet).has_value(); });
  };
  take("rtsolpr_retries = 1\nrtsolpr_rate = 3");
  EXPECT_EQ(requests().count, 2U);
  take("rtsolpr_retries = 5\nrtsolpr_rate = 3");
  EXPECT_EQ(requests().count, 6U);
  take("rtsolpr_retries = 3\nrtsolpr_rate = 10");
  EXPECT_EQ(requests().shortest, milliseconds(100));
  take("rtsolpr_retries = 3\nrtsolpr_rate = 1");
  EXPECT_EQ(requests().count, 4U);
  EXPECT_EQ(requests().shortest, seconds(1));
  for (const unsigned retries : {0U, 2U}) {
    take("fbu_retries = " + std::to_string(retries) + "\nfback_wait_ms = 60000");
    ASSERT_TRUE(world.order(machine::HandOver{kApNext})) << world.account();
    world.advance(seconds(40));
    EXPECT_EQ(world.updates().size(), retries + 1);
  }
  for (const std::string name : {"rtsolpr_retries", "rtsolpr_rate", "fbu_retries"})
    for (const std::string value : {"-1", "\"many\"", "true"})
      mobile_error("fbu_retries = 3", name + " = " + value, name);
}

}  // namespace
}  // namespace sendoff::test
