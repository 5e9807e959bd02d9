#include "world.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

TEST(Attach, FindsACertifiedRouterFormsAnAddressAndGetsAKey) {
  Attached node;
  World& world = node.world;
  const auto status = world.status();
  ASSERT_EQ(status.links.size(), 1U);
  EXPECT_EQ(status.links[0].router, node.par.link_local);
  EXPECT_EQ(status.links[0].router_global, node.par.global[0]);
  ASSERT_EQ(status.keys.size(), 1U) << world.account();
  EXPECT_EQ(status.keys[0].ar, node.par.global[0]);
  EXPECT_EQ(status.keys[0].ar_link_local, node.par.link_local);
  EXPECT_EQ(status.keys[0].cga, world.care_of());
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  const Update update = std::move(world.updates()[0]);
  world.deliver(world.fback(node.par, update));
  ASSERT_NE(world.last(EventKind::kHandoverDone), nullptr);
}

// What the host was asked for, of one kind.
template <typename Action>
std::vector<Action> asked(const World& world) {
  std::vector<Action> found;
  for (const machine::ActionKind& action : world.actions)
    if (const auto* match = std::get_if<Action>(&action)) found.push_back(*match);
  return found;
}

TEST(Attach, TakesTheNextCollisionCountAndStopsAfterTheThird) {
  int duplicates = 1;
  const auto refuse =
      [&](const machine::ActionKind& action) -> std::optional<machine::ActionError> {
    const auto* add = std::get_if<machine::AddAddress>(&action);
    if (add == nullptr || add->address.is_link_local() || duplicates-- <= 0) return std::nullopt;
    return machine::ActionError::kDuplicate;
  };
  Attached once(mobile_config(), [&](World& made) { made.refuse = refuse; });
  const Prefix prefix = Prefix::literal("2001:db8:a:1::/64");
  EXPECT_EQ(once.world.care_of(), once.world.config.identity.address(prefix, 1));
  ASSERT_FALSE(once.world.solicitations().empty());
  EXPECT_TRUE(once.world.solicitations().back().valid);
  EXPECT_EQ(once.world.status().keys.size(), 1U);

  duplicates = 3;
  Attached thrice(mobile_config(), [&](World& made) { made.refuse = refuse; });
  EXPECT_TRUE(thrice.world.care_of().is_unspecified());
  EXPECT_EQ(thrice.world.events_of(EventKind::kAddressLost), 3U);
  ASSERT_NE(thrice.world.last(EventKind::kWarning), nullptr);
  thrice.world.advance(seconds(10));
  EXPECT_EQ(asked<machine::AddAddress>(thrice.world).size(), 4U);  // link-local and three
}

TEST(Attach, KeepsToTheMtuThatItsRouterTells) {
  COVERS("ND-4861-66");
  // How large the key request is that it sends; nothing where it does not fit.
  const auto request = [](std::uint32_t link_mtu, std::optional<std::uint32_t> told) {
    const auto pair = *crypto::HandoverDecryptionKey::from_pem(load_file("keys/hke-3072.pem"));
    const Attached node(mobile_config("mn-3072"), [&](World& made) {
      made.answer_rtsolpr = false;
      made.forced_pair = pair;
      made.link_mtu = link_mtu;
      made.advertised.mtu = told;
    });
    std::optional<std::uint32_t> size;
    for (const auto& transmit : node.world.sent)
      if (read_solicitation(transmit.packet))
        size = static_cast<std::uint32_t>(transmit.packet.size());
    EXPECT_EQ(node.world.count("too-big"), size ? 0U : 1U);
    return size;
  };
  const auto size = request(1500, std::nullopt);
  ASSERT_TRUE(size && *size > 1281) << size.value_or(0);
  EXPECT_EQ(request(1500, *size), size);
  EXPECT_EQ(request(1500, *size - 1), std::nullopt);
  EXPECT_EQ(request(1500, 1280), std::nullopt);
  // What no link may have, and more than this one has.
  EXPECT_EQ(request(1500, 1279), size);
  EXPECT_EQ(request(1500, 1501), size);
  EXPECT_EQ(request(*size - 1, *size), std::nullopt);
}

TEST(Attach, SetsRoutesAndTakesThemBack) {
  Attached node;
  World& world = node.world;
  auto routes = asked<machine::SetRoute>(world);
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0].gateway, node.par.link_local);
  EXPECT_EQ(routes[0].destination, Prefix());
  EXPECT_EQ(routes[1].destination, Prefix::literal("2001:db8:a:1::/64"));
  EXPECT_FALSE(routes[1].gateway);
  ASSERT_EQ(asked<machine::SetNeighbour>(world).size(), 1U);
  EXPECT_EQ(asked<machine::SetNeighbour>(world)[0].link_address, node.par.link_address);

  // A router that says it is none any more.
  world.forget_output();
  world.answer_rs = false;
  FakeRouter::Advertised farewell;
  farewell.lifetime_s = 0;
  world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), farewell));
  routes = asked<machine::SetRoute>(world);
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_FALSE(routes[0].present || routes[1].present);
  EXPECT_NE(world.last(EventKind::kRouterLost), nullptr);
  EXPECT_FALSE(world.status().keys.at(0).delivered);
  EXPECT_EQ(world.order(machine::HandOver{kApNext}).error(), machine::OrderError::kNoRouter);
}

TEST(Attach, LosesItsRouterByTimeByLinkAndByAccessPoint) {
  for (const int how : {0, 1, 2}) {
    Attached node;
    World& world = node.world;
    world.event(machine::ApAttached{kLink, kApHere});
    EXPECT_TRUE(world.status().links.at(0).router) << "nothing new";
    world.answer_rs = false;
    if (how == 0) world.advance(seconds(1801));
    if (how == 1) world.down();
    if (how == 2) world.event(machine::ApLost{kLink});
    EXPECT_FALSE(world.status().links.at(0).router) << how;
    EXPECT_NE(world.last(EventKind::kRouterLost), nullptr) << how;
    EXPECT_FALSE(world.status().keys.at(0).delivered) << how;
  }
}

TEST(Attach, UsesNoPrefixThatTheCertificateDoesNotCover) {
  Attached node(mobile_config(), [](World& made) {
    const FakeRouter router = previous_router();
    made.advertised.prefixes = {router.information(Prefix::literal("2001:db8:a:2::/64"))};
  });
  EXPECT_TRUE(node.world.care_of().is_unspecified());
  EXPECT_EQ(node.world.count("discovery", "prefix-refused"), 1U);
  EXPECT_TRUE(node.world.solicitations().empty());
}

TEST(Attach, IgnoresUnsecuredAdvertisements) {
  Attached node(mobile_config(), [](World& made) { made.answer_rs = false; });
  Seal plain = node.world.seal();
  plain.signature = plain.cga = plain.timestamp = false;
  node.world.deliver(node.par.router_advertisement(kAllNodes, plain, {}));
  EXPECT_FALSE(node.world.status().links.at(0).router);
  EXPECT_EQ(node.world.count("discovery", "unsecured"), 1U);
}

TEST(Attach, SolicitsThreeTimesThenFromTheUnspecifiedAddress) {
  COVERS("SND-5.3.4.2-17");
  Attached node(mobile_config(), [](World& made) { made.answer_rs = false; });
  World& world = node.world;
  world.advance(seconds(13));
  std::vector<bool> anonymous;
  for (const auto& transmit : world.sent)
    anonymous.push_back(wire::PacketView::parse(transmit.packet)->header.source.is_unspecified());
  EXPECT_EQ(anonymous, (std::vector<bool>{false, false, false, true}));
  // A node with a wrong clock is believed by its Nonce (GS26).
  world.answer_rs = true;
  world.now.utc -= hours(2);
  world.advance(seconds(60));
  EXPECT_TRUE(world.status().links.at(0).router) << world.account();
}

TEST(Attach, AsksForAPathWithDoublingPausesAndEndsAtItsLimit) {
  COVERS("SND-6.4.6-8", "SND-6.4.6-9");
  Attached node(mobile_config(), [](World& made) { made.answer_cps = false; });
  World& world = node.world;
  const Instant start = world.sent_at.back();
  world.answer_rs = false;
  world.advance(seconds(40));
  std::vector<Duration> times;
  for (std::size_t i = 0; i < world.sent.size(); ++i)
    if (wire::PacketView::parse(world.sent[i].packet)->upper[0] == 148)
      times.push_back(world.sent_at[i] - start);
  EXPECT_EQ(times, (std::vector<Duration>{Duration{}, seconds(1), seconds(3), seconds(7)}));
  EXPECT_EQ(world.count("path", "timed-out"), 1U);
  EXPECT_FALSE(world.status().links.at(0).router);
}

TEST(Attach, TakesAConfigurationWholeOrNotAtAll) {
  Attached node;
  World& world = node.world;
  mobile::Config other_key = mobile_config("mn-2048");
  other_key.algorithm = crypto::Algorithm::kHmacSha384_192;
  other_key.interfaces.push_back({InterfaceId{1}, "wlan1"});
  const auto refused = world.mobile->handle(world.now, other_key);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().settings, (std::vector<std::string>{"interfaces", "CGA key"}));
  world.advance(seconds(3));
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  EXPECT_EQ(world.solicitations().back().algorithm, 2);
  mobile::Config stronger = mobile_config();
  stronger.algorithm = crypto::Algorithm::kHmacSha384_192;
  ASSERT_TRUE(world.mobile->handle(world.now, stronger));
  world.advance(seconds(3));
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  EXPECT_EQ(world.solicitations().back().algorithm, 3);
}

TEST(Attach, ComesToTheSameEndInWhateverOrderJobsEnd) {
  for (const bool reversed : {false, true}) {
    Attached node(mobile_config(),
                  [](World& made) { made.hold = [](const machine::Start&) { return true; }; });
    for (int i = 0; i < 12; ++i) node.world.run_held(reversed);
    EXPECT_EQ(node.world.status().keys.size(), 1U) << reversed << node.world.account();
  }
}

// Who may be reached is what neighbours prove; of an interface and its access point comes at most
// that what was known is known no more.
TEST(Attach, NoHintOfTheLinkMakesANeighbourReachable) {
  COVERS("ND-4861-94");
  using Hints = std::vector<machine::HostEvent>;
  const machine::InterfaceUp up{kLink, kMobileLink, 1500};
  const auto neighbours_after = [](Attached& node, const Hints& hints) {
    node.world.forget_output();
    node.world.answer_rs = false;
    for (const machine::HostEvent& hint : hints) node.world.event(hint);
    node.world.advance(seconds(30));
    return asked<machine::SetNeighbour>(node.world);
  };
  for (const Hints& hints :
       {Hints{machine::ApAttached{kLink, kApHere}},
        Hints{machine::ApAttached{kLink, kApHere}, machine::ApAttached{kLink, kApHere}},
        Hints{machine::MtuChanged{kLink, 1400}}}) {
    Attached node;
    EXPECT_TRUE(neighbours_after(node, hints).empty());
    EXPECT_EQ(node.world.status().links.at(0).router, node.par.link_local);
  }
  for (const Hints& hints :
       {Hints{machine::ApAttached{kLink, kApHere}, machine::ApAttached{kLink, kApX}},
        Hints{machine::ApLost{kLink}}, Hints{up}, Hints{up, up},
        Hints{machine::ApLost{kLink}, machine::ApAttached{kLink, kApHere}},
        Hints{machine::InterfaceDown{kLink}, up},
        Hints{machine::InterfaceDown{kLink}, machine::ApAttached{kLink, kApHere}, up}}) {
    Attached node;
    const auto neighbours = neighbours_after(node, hints);
    ASSERT_EQ(neighbours.size(), 1U);
    EXPECT_EQ(neighbours[0].address, node.par.link_local);
    EXPECT_FALSE(neighbours[0].link_address);
    EXPECT_FALSE(node.world.status().links.at(0).router);
    if (std::holds_alternative<machine::ApLost>(hints.back())) continue;  // it hears nobody
    // What its router signs makes it one again.
    node.world.forget_output();
    node.world.deliver(node.par.router_advertisement(kAllNodes, node.world.seal(), {}));
    const auto again = asked<machine::SetNeighbour>(node.world);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].link_address, node.par.link_address);
  }
}

TEST(Attach, TheFirstAccessPointThatIsNamedIsALinkThatIsEntered) {
  World world(mobile_config());
  world.up();
  const std::size_t before = world.events_of(EventKind::kLinkEntered);
  world.event(machine::ApAttached{kLink, kApHere});
  EXPECT_EQ(world.events_of(EventKind::kLinkEntered), before + 1);
  EXPECT_EQ(world.last(EventKind::kLinkEntered)->text("access_point"), kApHere.text());
  world.event(machine::ApAttached{kLink, kApNext});
  EXPECT_EQ(world.events_of(EventKind::kLinkEntered), before + 2);
}

}  // namespace
}  // namespace sendoff::test
