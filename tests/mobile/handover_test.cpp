// Fast Binding Updates of the mobile node and what comes back (RFC 5269 3.4, 3.6; RFC 5568 5, 6.2).
#include "keys/authenticator.h"
#include "pki/issue.h"
#include "world.h"

namespace sendoff::test {
namespace {

using crypto::Algorithm;
using machine::EventKind;
using machine::HandOver;
using machine::OrderError;
using Code = wire::LinkLayerAddressOption::Code;

const Prefix kNextPrefix = Prefix::literal("2001:db8:b:1::/64");

Ipv6Address ncoa_of(const World& world) { return world.config.identity.address(kNextPrefix); }

TEST(Handover, SendsAnFbuWithoutAnyAsymmetricWork) {
  COVERS("HK-1-01");
  Attached node;
  World& world = node.world;
  world.forget_output();
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_TRUE(world.jobs_seen.empty());

  Attached without(mobile_config(), [](World& made) { made.answer_rtsolpr = false; });
  World& other = without.world;
  other.deliver(other.answer(without.par, other.solicitations().back(), {}));
  other.forget_output();
  EXPECT_EQ(other.order(HandOver{kApNext}).error(), OrderError::kNoKey);
  EXPECT_TRUE(other.sent.empty());
  EXPECT_TRUE(other.jobs_seen.empty());
}

TEST(Handover, FbuHasTheFieldsOfThePreviousLink) {
  COVERS("HK-3.4-01", "HK-3.4-03", "HK-3.4-06");
  Attached node;
  World& world = node.world;
  const Ipv6Address pcoa = world.care_of();
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  const Update& update = updates[0];
  EXPECT_EQ(update.source, pcoa);
  EXPECT_EQ(update.destination, node.par.global[0]);
  EXPECT_EQ(update.home, pcoa);
  EXPECT_TRUE(update.fbu.acknowledge);
  EXPECT_TRUE(update.fbu.home_registration);
  EXPECT_FALSE(update.fbu.link_local);
  EXPECT_FALSE(update.fbu.key_management);
  EXPECT_EQ(update.fbu.lifetime_s, 30);
  EXPECT_EQ(update.fbu.options.alternate_care_of, ncoa_of(world));
  ASSERT_TRUE(update.fbu.options.link_address);
  EXPECT_EQ(update.fbu.options.link_address->address, kMobileLink);
  EXPECT_TRUE(wire::mobility_checksum_ok(pcoa, node.par.global[0], update.header));
  EXPECT_EQ(world.sent.back().link_destination, node.par.link_address);
  EXPECT_FALSE(world.sent.back().routed);

  // BADF: once, last, SPI 0, by the key and algorithm of this router only.
  ASSERT_TRUE(update.fbu.options.authorization);
  const auto& authorization = *update.fbu.options.authorization;
  EXPECT_EQ(authorization.offset + 16, update.header.size());
  EXPECT_TRUE(std::ranges::all_of(ByteView(update.header).subspan(authorization.offset - 4, 4),
                                  [](auto octet) { return octet == 0; }));
  EXPECT_EQ(update.header[authorization.offset - 6], 21);
  EXPECT_TRUE(update.made_by(Algorithm::kHmacSha256_128, world.issued(node.par), ncoa_of(world)));
  EXPECT_FALSE(update.made_by(Algorithm::kHmacSha256_128, world.issued(node.nar), ncoa_of(world)));
  Bytes longer = world.issued(node.par);
  longer.resize(48);
  EXPECT_FALSE(update.made_by(Algorithm::kHmacSha384_192, longer, ncoa_of(world)));
}

TEST(Handover, IsDoneWhenAnAuthenticFbackAcceptsIt) {
  COVERS("FH-6275-42");
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto updates = world.updates();
  const Update& update = updates[0];
  const Ipv6Address ncoa = ncoa_of(world);
  const Bytes key = world.issued(node.par);
  FakeRouter::Fback fields;
  fields.sequence = update.fbu.sequence;
  fields.destination = update.source;
  const auto deliver = [&](const FakeRouter::Fback& with, const Bytes& under,
                           const Ipv6Address& care_of, const Ipv6Address& par) {
    world.deliver(FakeRouter::fback(with, world.issued_algorithm, under, care_of, par));
  };
  deliver(fields, world.issued(node.nar), ncoa, node.par.global[0]);  // key
  deliver(fields, key, update.source, node.par.global[0]);            // care-of term
  deliver(fields, key, ncoa, node.nar.global[0]);                     // source
  FakeRouter::Fback other = fields;
  other.sequence = static_cast<std::uint16_t>(fields.sequence + 1);
  deliver(other, key, ncoa, node.par.global[0]);  // number
  other = fields;
  other.destination = Ipv6Address::literal("2001:db8:a:1::99");
  deliver(other, key, ncoa, node.par.global[0]);  // not to us
  Bytes bare = FakeRouter::fback(fields, world.issued_algorithm, key, ncoa, node.par.global[0]);
  bare.back() ^= 1;  // checksum and MAC
  world.deliver(bare);
  EXPECT_EQ(world.last(EventKind::kHandoverDone), nullptr);
  EXPECT_EQ(world.count("fback-unauthenticated"), 2U);
  EXPECT_EQ(world.count("fback-unexpected"), 2U);
  EXPECT_EQ(world.count("mobility", "not-our-address"), 1U);
  EXPECT_EQ(world.count("mobility", "checksum"), 1U);
  world.forget_output();
  world.advance(seconds(1));
  EXPECT_EQ(world.updates().size(), 1U) << "still asking";

  deliver(fields, key, ncoa, node.par.global[0]);
  const auto* done = world.last(EventKind::kHandoverDone);
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->text("ncoa"), ncoa.text());
  EXPECT_EQ(done->number("lifetime_s"), 30);
  world.forget_output();
  deliver(fields, key, ncoa, node.par.global[0]);
  EXPECT_EQ(world.last(EventKind::kHandoverDone), nullptr);
  world.advance(seconds(10));
  EXPECT_TRUE(world.updates().empty());
}

TEST(Handover, TakesAnFbackWithARoutingHeader) {
  COVERS("FH-6275-22");
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto updates = world.updates();
  FakeRouter::Fback fields;
  fields.destination = ncoa_of(world);
  fields.routing_home = updates[0].source;
  world.deliver(world.fback(node.par, updates[0], fields));
  EXPECT_NE(world.last(EventKind::kHandoverDone), nullptr) << world.account();
}

TEST(Handover, RepeatsAnUnansweredFbuWithNewNumbersAndThenGivesUp) {
  COVERS("FH-4-28");
  Attached node;
  World& world = node.world;
  world.answer_rtsolpr = false;
  world.forget_output();
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const Instant start = world.now.boot;
  EXPECT_EQ(world.order(HandOver{kApNext}).error(), OrderError::kBusy);
  world.advance(seconds(14));
  std::vector<Duration> times;
  for (std::size_t i = 0; i < world.sent.size(); ++i)
    if (read_update(world.sent[i].packet)) times.push_back(world.sent_at[i] - start);
  EXPECT_EQ(times, (std::vector<Duration>{Duration{}, seconds(1), seconds(3), seconds(7)}));
  const auto updates = world.updates();
  for (std::size_t i = 1; i < updates.size(); ++i)
    EXPECT_EQ(updates[i].fbu.sequence, updates[0].fbu.sequence + i);
  world.forget_output();
  world.advance(seconds(30));
  EXPECT_TRUE(world.updates().empty());
  ASSERT_NE(world.last(EventKind::kHandoverFailed), nullptr);
  EXPECT_EQ(world.last(EventKind::kHandoverFailed)->text("reason"), "unanswered");
  // The router may have lost our key: another one is asked for (GF42).
  EXPECT_FALSE(world.solicitations().empty());
  // A late FBack is ignored.
  world.deliver(world.fback(node.par, updates[3]));
  EXPECT_EQ(world.last(EventKind::kHandoverDone), nullptr);
}

TEST(Handover, IsRefusedByStatus128AndAbove) {
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  FakeRouter::Fback refusal;
  refusal.status = 129;
  world.deliver(world.fback(node.par, world.updates()[0], refusal));
  EXPECT_EQ(world.last(EventKind::kHandoverFailed)->text("reason"), "status-129");
  EXPECT_EQ(world.status().handover, "none");
  world.forget_output();
  world.advance(seconds(60));
  EXPECT_TRUE(world.updates().empty());
}

TEST(Handover, FollowsARoutersSequenceNumberOnce) {
  COVERS("FH-6275-34");
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto first = world.updates();
  FakeRouter::Fback stale;
  stale.status = 135;
  stale.sequence = 20;
  stale.destination = first[0].source;
  world.forget_output();
  world.deliver(FakeRouter::fback(stale, world.issued_algorithm, world.issued(node.nar),
                                  ncoa_of(world), node.par.global[0]));
  EXPECT_TRUE(world.updates().empty());
  world.deliver(world.fback(node.par, first[0], stale));
  const auto again = world.updates();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].fbu.sequence, 21);
  stale.sequence = 40;
  world.deliver(world.fback(node.par, again[0], stale));
  EXPECT_EQ(world.last(EventKind::kHandoverFailed)->text("reason"), "status-135");
}

TEST(Handover, IsRefusedWhereItCannotBe) {
  COVERS("FH-4-05");
  World nowhere;
  EXPECT_EQ(nowhere.order(HandOver{kApNext}).error(), OrderError::kNoRouter);
  Attached node(mobile_config(), [](World& made) { made.answer_rtsolpr = false; });
  World& world = node.world;
  EXPECT_EQ(world.order(HandOver{kApNext}).error(), OrderError::kUnknownAccessPoint);
  const Solicitation request = world.solicitations().back();
  const auto tuple = [](Code code, const char* address) {
    Tuple made;
    made.code = code;
    made.access_point = LinkAddress::literal(address);
    return made;
  };
  Tuple narrow = world.tuple_of_next();
  narrow.access_point = LinkAddress::literal("02:00:00:00:00:08");
  narrow.prefix_length = 80;
  const std::vector<Tuple> tuples{tuple(Code::kCurrentInterface, "02:00:00:00:00:05"),
                                  tuple(Code::kNoPrefixInformation, "02:00:00:00:00:06"),
                                  tuple(Code::kNoFastHandover, "02:00:00:00:00:07"), narrow,
                                  world.tuple_of_next()};
  const Bytes key =
      FakeRouter::reply_option(*request.encryption_key, 2, 1000, world.issued(node.par));
  world.deliver(node.par.proxy_advertisement(request.source, wire::PrRtAdv::kPartial,
                                             request.identifier, tuples, {key},
                                             world.seal(request.nonce)));
  world.forget_output();
  const auto refused = [&](const char* address) {
    return world.order(HandOver{LinkAddress::literal(address)}).error();
  };
  EXPECT_EQ(refused("02:00:00:00:00:05"), OrderError::kSameInterface);
  EXPECT_EQ(refused("02:00:00:00:00:06"), OrderError::kNoFastHandover);
  EXPECT_EQ(refused("02:00:00:00:00:07"), OrderError::kNoFastHandover);
  EXPECT_EQ(refused("02:00:00:00:00:08"), OrderError::kNoFastHandover);
  EXPECT_TRUE(world.sent.empty());
  EXPECT_TRUE(world.order(HandOver{kApNext}));
}

TEST(Handover, NeedsALiveKey) {
  COVERS("HK-3.4-05");
  mobile::Config config = mobile_config();
  config.request_interval_s = 3;
  Attached node(config, [](World& made) { made.issued_lifetime_s = 2; });
  World& world = node.world;
  world.answer_rtsolpr = false;
  world.advance(seconds(3));
  world.forget_output();
  EXPECT_EQ(world.order(HandOver{kApNext}).error(), OrderError::kNoKey);
  EXPECT_TRUE(world.updates().empty());
  EXPECT_FALSE(world.forgotten.empty());
}

TEST(Handover, SendsAReactiveFbuFromTheNextLink) {
  COVERS("HK-3.4-04", "FH-6.2.2-04");
  Attached node;
  World& world = node.world;
  const Ipv6Address pcoa = world.care_of();
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto first = world.updates();
  EXPECT_EQ(first[0].home, pcoa);
  world.forget_output();
  world.move({&node.nar});  // before any FBack
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U) << world.account();
  EXPECT_EQ(updates[0].source, ncoa_of(world));
  EXPECT_EQ(updates[0].destination, node.par.global[0]);
  EXPECT_EQ(updates[0].home, pcoa);
  EXPECT_EQ(updates[0].fbu.sequence, first[0].fbu.sequence + 1);
  EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par), ncoa_of(world)));
  EXPECT_TRUE(wire::mobility_checksum_ok(pcoa, node.par.global[0], updates[0].header));
  world.deliver(world.fback(node.par, updates[0]));
  EXPECT_NE(world.last(EventKind::kHandoverDone), nullptr);
}

TEST(Handover, SendsNoSecondFbuWhereItWasAcknowledged) {
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.deliver(world.fback(node.par, world.updates()[0]));
  world.forget_output();
  world.move({&node.nar});
  EXPECT_TRUE(world.updates().empty());
  // Renewed at half its lifetime, from there (GF41).
  world.advance(seconds(15));
  const auto renewals = world.updates();
  ASSERT_EQ(renewals.size(), 1U);
  EXPECT_EQ(renewals[0].source, ncoa_of(world));
  world.deliver(world.fback(node.par, renewals[0]));
  EXPECT_EQ(world.status().handover, "forwarding");
}

TEST(Handover, LosesItsKeyWithALapsedBinding) {
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.deliver(world.fback(node.par, world.updates()[0]));
  world.move({&node.nar});
  world.advance(seconds(31));
  EXPECT_EQ(world.count("bindings-lapsed"), 1U);
  EXPECT_FALSE(world.key_of(node.par.global[0]));
  EXPECT_EQ(world.last(EventKind::kKeyDiscarded)->text("reason"), "binding-lapsed");
}

TEST(Handover, EndsWithTheKeyThatItsUpdateWasMadeUnder) {
  Attached node(mobile_config(), [](World& made) { made.issued_lifetime_s = 2; });
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.answer_rtsolpr = false;
  world.advance(milliseconds(1500));
  EXPECT_EQ(world.last(EventKind::kHandoverFailed), nullptr);
  world.advance(milliseconds(600));
  ASSERT_NE(world.last(EventKind::kHandoverFailed), nullptr) << world.account();
  EXPECT_EQ(world.last(EventKind::kHandoverFailed)->text("reason"), "key-expired");
}

TEST(Handover, AsksForAKeyWhenABindingLapsesWhereItsRouterIs) {
  mobile::Config config = mobile_config();
  config.keep_forwarding_s = 1;
  Attached away(config);
  ASSERT_TRUE(away.world.order(HandOver{kApNext}));
  away.world.deliver(away.world.fback(away.par, away.world.updates()[0]));
  away.world.move({&away.nar});
  away.world.forget_output();
  away.world.advance(seconds(31));
  EXPECT_EQ(away.world.count("bindings-lapsed"), 1U);
  EXPECT_TRUE(away.world.solicitations().empty()) << "this router forgot nothing";

  // Still there, with another FBU under way that keeps the binding from being ended.
  Attached here;
  World& world = here.world;
  FakeRouter::Fback fields;
  fields.lifetime_s = 6;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.deliver(world.fback(here.par, world.updates()[0], fields));
  world.advance(milliseconds(2500));
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.advance(milliseconds(3400));
  ASSERT_EQ(world.count("bindings-lapsed"), 0U);
  world.forget_output();
  world.advance(milliseconds(200));
  EXPECT_EQ(world.count("bindings-lapsed"), 1U);
  EXPECT_EQ(world.solicitations().size(), 1U);
  EXPECT_TRUE(world.key_of(here.par.global[0])) << world.account();
}

// A third router: its certificate is made here, since each vector's key has blocks of its own.
FakeRouter third_router() {
  const Prefix prefix = Prefix::literal("2001:db8:b:7::/64");
  pki::Request request;
  request.common_name = "third router";
  request.blocks = {prefix};
  request.not_before = UtcTime(seconds(1'700'000'000));
  request.not_after = UtcTime(seconds(1'900'000'000));
  request.serial = {3};
  const auto made = pki::issue(request, signing_key("other-2048")->spki(),
                               {certificate("ca"), Secret::copy_of(load_file("keys/ca-2048.pem"))});
  EXPECT_TRUE(made) << (made ? "" : pki::explain(made.error()));
  return FakeRouter("other-2048", {certificate("ca"), made.value_or(Bytes{})}, {prefix}, 6);
}

TEST(Handover, MovesTheTunnelOnUnderTheSameKey) {
  COVERS("HK-3.6-05");
  Attached node;
  World& world = node.world;
  FakeRouter third = third_router();
  const Ipv6Address pcoa = world.care_of();
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto first = world.updates();
  world.deliver(world.fback(node.par, first[0]));
  world.answer_rtsolpr = false;
  world.move({&node.nar});
  world.advance(seconds(1));
  world.forget_output();
  world.move({&third});
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U) << world.account();
  EXPECT_EQ(updates[0].destination, node.par.global[0]);
  EXPECT_EQ(updates[0].home, pcoa);
  EXPECT_EQ(updates[0].source, world.care_of());
  EXPECT_TRUE(Prefix::literal("2001:db8:b:7::/64").contains(updates[0].source));
  EXPECT_EQ(updates[0].fbu.sequence, first[0].fbu.sequence + 1);
  EXPECT_TRUE(
      updates[0].made_by(world.issued_algorithm, world.issued(node.par), updates[0].source));
}

TEST(Handover, UsesTheKeyOfEachPreviousRouter) {
  COVERS("HK-3.4-02");
  Attached node;
  World& world = node.world;
  FakeRouter third = third_router();
  world.answer_fbu = false;
  world.move({&node.nar});
  world.deliver(world.fback(node.par, world.updates().back()));
  world.move({&third});
  world.advance(milliseconds(100));
  ASSERT_EQ(world.status().keys.size(), 3U);
  const auto updates = world.updates();
  std::set<Ipv6Address> reached;
  for (const Update& update : updates) {
    const FakeRouter& its = update.destination == node.par.global[0] ? node.par : node.nar;
    const FakeRouter& other = update.destination == node.par.global[0] ? node.nar : node.par;
    const Ipv6Address care_of = update.fbu.options.alternate_care_of.value_or(update.source);
    EXPECT_EQ(update.destination, its.global[0]);
    EXPECT_TRUE(update.made_by(world.issued_algorithm, world.issued(its), care_of));
    EXPECT_FALSE(update.made_by(world.issued_algorithm, world.issued(other), care_of));
    EXPECT_FALSE(update.made_by(world.issued_algorithm, world.issued(third), care_of));
    reached.insert(update.destination);
  }
  EXPECT_EQ(reached.size(), 2U);
  // And to the third, from its own link.
  world.forget_output();
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto last = world.updates();
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last[0].destination, third.global[0]);
  EXPECT_TRUE(last[0].made_by(world.issued_algorithm, world.issued(third), ncoa_of(world)));
  EXPECT_FALSE(last[0].made_by(world.issued_algorithm, world.issued(node.par), ncoa_of(world)));
}

TEST(Handover, EndsTheBindingOnReturnAndWaitsForTheKeyToBeDeliveredAgain) {
  COVERS("HK-3.6-08", "FH-5.6-01");
  Attached node;
  World& world = node.world;
  const Ipv6Address pcoa = world.care_of();
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.deliver(world.fback(node.par, world.updates()[0]));
  world.move({&node.nar});
  world.answer_rtsolpr = false;
  world.forget_output();
  world.move({&node.par});
  ASSERT_EQ(world.care_of(), pcoa);
  const auto updates = world.updates();
  // One ends the binding here; the other tells the router that was left just now.
  const auto end = std::ranges::find(updates, node.par.global[0], &Update::destination);
  ASSERT_NE(end, updates.end()) << world.account();
  EXPECT_EQ(end->fbu.lifetime_s, 0);
  EXPECT_EQ(end->source, pcoa);
  EXPECT_EQ(end->home, pcoa);
  EXPECT_EQ(end->fbu.options.alternate_care_of, pcoa);
  EXPECT_TRUE(end->fbu.acknowledge && end->fbu.home_registration);
  EXPECT_TRUE(end->made_by(world.issued_algorithm, world.issued(node.par), pcoa));
  world.deliver(world.fback(node.par, *end));

  const Solicitation request = world.solicitations().back();
  world.deliver(node.par.proxy_advertisement(request.source, 0, request.identifier, world.tuples,
                                             {}, world.seal(request.nonce)));
  world.forget_output();
  EXPECT_EQ(world.order(HandOver{kApNext}).error(), OrderError::kNoKey);
  EXPECT_TRUE(world.updates().empty());
  world.answer_rtsolpr = true;
  world.advance(seconds(3));
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  EXPECT_TRUE(world.order(HandOver{kApNext}));
  const auto after = world.updates();
  ASSERT_FALSE(after.empty());
  EXPECT_EQ(after.back().destination, node.par.global[0]);
}

TEST(Handover, GoesOnCountingUnderAKeyThatWasDeliveredAgain) {
  COVERS("HK-3.6-07");
  Attached node;
  World& world = node.world;
  world.answer_fbu = true;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.move({&node.nar});
  world.move({&node.par});
  world.advance(seconds(2));
  const auto before = world.updates();
  std::uint16_t number = 0;
  for (const Update& update : before)
    if (update.destination == node.par.global[0]) number = update.fbu.sequence;
  ASSERT_GE(number, 2) << "the end of the binding has a number of its own";
  world.forget_output();
  ASSERT_TRUE(world.order(HandOver{kApNext})) << world.account();
  EXPECT_EQ(world.updates().back().fbu.sequence, number + 1);

  // Restarted without memory: the router's 135 brings it in step.
  world.answer_fbu = false;
  world.restart({});
  world.up();
  world.advance(milliseconds(10));
  world.forget_output();
  ASSERT_TRUE(world.order(HandOver{kApNext})) << world.account();
  const auto fresh = world.updates();
  EXPECT_EQ(fresh[0].fbu.sequence, 1);
  FakeRouter::Fback stale;
  stale.status = 135;
  stale.sequence = static_cast<std::uint16_t>(number + 1);
  world.deliver(world.fback(node.par, fresh[0], stale));
  const auto retry = world.updates();
  ASSERT_EQ(retry.size(), 2U);
  EXPECT_EQ(retry[1].fbu.sequence, number + 2);
  world.deliver(world.fback(node.par, retry[1]));
  EXPECT_NE(world.last(EventKind::kHandoverDone), nullptr);
}

TEST(Handover, DiscardsThePreviousKeyWhenMobileIpHasUpdatedItsBindings) {
  COVERS("HK-3.6-09");
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.deliver(world.fback(node.par, world.updates()[0]));
  const Ipv6Address pcoa = world.care_of();
  world.move({&node.nar});
  EXPECT_TRUE(world.key_of(node.par.global[0])) << "kept until then";
  world.forgotten.clear();
  ASSERT_TRUE(world.order(machine::BindingComplete{}));
  EXPECT_FALSE(world.key_of(node.par.global[0]));
  EXPECT_TRUE(world.key_of(node.nar.global[0]));
  ASSERT_EQ(world.forgotten.size(), 1U);
  EXPECT_EQ(std::get<machine::HeldKeyName>(world.forgotten[0]),
            (machine::HeldKeyName{node.par.global[0], pcoa}));
  world.forget_output();
  world.advance(seconds(60));
  EXPECT_TRUE(world.updates().empty());
  // Back there, nothing can be sent under it.
  world.answer_rtsolpr = false;
  world.move({&node.par});
  EXPECT_FALSE(world.order(HandOver{kApNext}));
  for (const Update& update : world.updates()) EXPECT_NE(update.destination, node.par.global[0]);
}

TEST(Handover, UsesTheNewestKey) {
  Attached node;
  World& world = node.world;
  const Bytes old = world.issued(node.par);
  world.key_version = 5;
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par), ncoa_of(world)));
  EXPECT_FALSE(updates[0].made_by(world.issued_algorithm, old, ncoa_of(world)));
}

TEST(Handover, StartsFromStoredKeysOnlyAfterTheRouterDeliversThemAgain) {
  Attached node;
  World& world = node.world;
  machine::Snapshot snapshot;
  snapshot.push_back(machine::duplicate(world.persisted.back()));
  world.answer_rtsolpr = false;
  world.restart(std::move(snapshot));
  ASSERT_EQ(world.status().keys.size(), 1U);
  EXPECT_FALSE(world.status().keys[0].delivered);
  world.forget_output();
  world.answer_fbu = true;
  world.up();
  world.advance(milliseconds(10));
  const Solicitation request = world.solicitations().back();
  world.deliver(world.answer(node.par, request, {}));
  EXPECT_EQ(world.order(HandOver{kApNext}).error(), OrderError::kNoKey);
  world.advance(seconds(3));
  world.answer_rtsolpr = true;
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  ASSERT_TRUE(world.order(HandOver{kApNext})) << world.account();
  // Behind the stored ceiling; the first one ends what the earlier run may have left (GF57).
  EXPECT_EQ(world.updates().front().fbu.sequence, 257);
  EXPECT_EQ(world.updates().front().fbu.lifetime_s, 0);
  EXPECT_EQ(world.updates().back().fbu.sequence, 258);
  EXPECT_GT(world.updates().back().fbu.lifetime_s, 0);
}

}  // namespace
}  // namespace sendoff::test
