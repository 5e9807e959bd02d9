// What the previous access router keeps of a node that speaks from elsewhere (GF56): from its
// authentic FBU on until the binding stands, or until there will be none.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::DiscardBuffer;
using machine::InstallBinding;
using machine::OpenBuffer;
using machine::Persist;
using machine::ReleaseBuffer;

template <typename T>
bool is_a(const machine::Action& action) {
  return std::holds_alternative<T>(action.what);
}

class Hold : public ParTest {
 protected:
  // Outcomes of these wait in bench.unanswered.
  template <typename T>
  void delay() {
    bench.hold_outcome = [](const machine::Action& action) { return is_a<T>(action); };
  }
  template <typename T>
  void fail_all() {
    bench.outcome_of =
        [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
      if (is_a<T>(action)) return fail(machine::ActionError::kRefused);
      return machine::Facts{};
    };
  }
  template <typename T>
  [[nodiscard]] std::size_t count() const {
    return bench.asked<T>().size();
  }
  // Index of the first action of this kind; behind the last one when there is none.
  template <typename T>
  [[nodiscard]] std::ptrdiff_t place() const {
    return std::ranges::find_if(bench.actions, is_a<T>) - bench.actions.begin();
  }
  [[nodiscard]] bool held_only() const {
    return count<OpenBuffer>() == 1 && count<ReleaseBuffer>() == 0 && count<DiscardBuffer>() == 0;
  }
  [[nodiscard]] bool held_and_released() const {
    return count<OpenBuffer>() == 1 && count<ReleaseBuffer>() == 1 && count<DiscardBuffer>() == 0;
  }
  [[nodiscard]] bool nothing_held() const {
    return count<OpenBuffer>() == 0 && count<ReleaseBuffer>() == 0 && count<DiscardBuffer>() == 0;
  }
  [[nodiscard]] CraftFbu to(const char* care_of, std::uint16_t sequence) const {
    CraftFbu craft = reactive(sequence);
    craft.source = Ipv6Address::literal(care_of);
    return craft;
  }
  // The node is on our link again.
  [[nodiscard]] CraftFbu ending(std::uint16_t sequence) const {
    CraftFbu craft = predictive(sequence);
    craft.alternate_care_of = mn.global();
    craft.lifetime_s = 0;
    return craft;
  }
};

TEST_F(Hold, PacketsWaitFromTheFbuOnAndFollowTheBinding) {
  start();
  delay<Persist>();
  receive(reactive(1001));
  ASSERT_TRUE(held_only());
  EXPECT_EQ(bench.asked<OpenBuffer>()[0]->address, mn.global());
  EXPECT_FALSE(bench.asked<OpenBuffer>()[0]->copies);
  // Before the store is asked, which may take as long as it likes.
  EXPECT_LT(place<OpenBuffer>(), place<Persist>());
  EXPECT_TRUE(his().empty());
  ASSERT_EQ(bench.unanswered.size(), 1u);
  delay<InstallBinding>();
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(his().size(), 1u);
  EXPECT_TRUE(held_only());
  take(hack(0));
  EXPECT_EQ(installed(), 1u);
  EXPECT_TRUE(held_only());
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(held_and_released());
  EXPECT_EQ(bench.asked<ReleaseBuffer>()[0]->address, mn.global());
  EXPECT_EQ(bindings().size(), 1u);
}

// The block that is stored with the key is enough for a node that begins with small numbers.
TEST_F(Hold, TheFirstFbuWaitsForNoStore) {
  start();
  delay<Persist>();
  receive(reactive(1));
  EXPECT_EQ(count<Persist>(), 0u);
  EXPECT_EQ(his().size(), 1u);
}

TEST_F(Hold, NothingWaitsBeforeTheAuthenticatorVerified) {
  start();
  CraftFbu forged = reactive(1);
  forged.flip_tag = true;
  receive(forged);
  EXPECT_TRUE(nothing_held());
  receive(reactive(5));
  take(hack(0));
  bench.forget();
  receive(reactive(5));                // heard again
  receive(to("2001:db8:a:2::77", 4));  // an old one
  EXPECT_TRUE(nothing_held());
  EXPECT_EQ(counted("fbu", "stale"), 1u);
}

TEST_F(Hold, NothingWaitsOfANodeThatIsHereOrWhereItsPacketsGo) {
  start();
  delay<Persist>();
  receive(predictive(1001));
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(nothing_held());
  take(hack(0));
  receive(reactive(1002));  // the binding leads there
  EXPECT_TRUE(nothing_held());
  receive(ending(1003));
  receive(ending(1004));
  CraftFbu from_afar = reactive(1005);
  from_afar.lifetime_s = 0;
  receive(from_afar);
  EXPECT_TRUE(nothing_held());
}

TEST_F(Hold, NothingWaitsForAWishThatIsRefusedAtOnce) {
  start();
  delay<Persist>();
  receive(to("2001:db8:b::5", 1001));    // nobody's prefix
  receive(to("2001:db8:a:1::5", 1002));  // our own
  bench.answer(bench.unanswered.at(0));
  EXPECT_EQ(counted("fbu", "prohibited"), 2u);
  EXPECT_TRUE(nothing_held());
  config.previous_router.blocked = {mn.global()};
  bench = MachineBench();
  start();
  delay<Persist>();
  receive(reactive(1001));
  EXPECT_TRUE(nothing_held());
}

TEST_F(Hold, WhatWaitedGoesOnWhenTheStoreFails) {
  start();
  delay<Persist>();
  receive(reactive(1001));
  EXPECT_TRUE(held_only());
  bench.answer(bench.unanswered.at(0), fail(machine::ActionError::kStore));
  EXPECT_TRUE(held_and_released());
  EXPECT_TRUE(his().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 130);
  // The next FBU has its number stored, though it is in the block that should have been.
  bench.forget();
  receive(reactive(1002));
  EXPECT_EQ(count<Persist>(), 1u);
}

TEST_F(Hold, WhatWaitedGoesOnWhenTheNarRefusesOrIsSilent) {
  start();
  receive(reactive(1));
  EXPECT_TRUE(held_only());
  take(hack(128));
  EXPECT_TRUE(held_and_released());
  bench.forget();
  receive(reactive(2));
  bench.advance(milliseconds(1499));
  EXPECT_TRUE(held_only());
  bench.advance(milliseconds(1));
  EXPECT_EQ(counted("fbu", "nar-silent"), 1u);
  EXPECT_TRUE(held_and_released());
}

TEST_F(Hold, WhatWaitedGoesOnWhenTheNarCannotBeAsked) {
  config.neighbours[0].protection = router::Protection::kNone;
  start();
  receive(reactive(1));
  EXPECT_EQ(counted("fbu", "not-asked"), 1u);
  EXPECT_TRUE(held_and_released());
}

TEST_F(Hold, WhatWaitedGoesOnWhenTheBindingFails) {
  start();
  fail_all<InstallBinding>();
  receive(reactive(1));
  take(hack(0));
  EXPECT_TRUE(bindings().empty());
  EXPECT_TRUE(held_and_released());
}

TEST_F(Hold, WhatWaitedGoesOnWhenTheKeyIsGone) {
  config.keys.lifetime_s = 100;
  start();
  delay<Persist>();
  receive(reactive(1001));
  bench.advance(seconds(101));
  EXPECT_TRUE(held_only());
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(his().empty());
  EXPECT_TRUE(held_and_released());
}

// An FBack of lifetime 0 would say that a binding is over.
TEST_F(Hold, WhatWaitedGoesOnWhenTheKeyHasNoWholeSecondLeft) {
  config.keys.lifetime_s = 100;
  for (const bool needs_hack : {true, false}) {
    config.neighbours[0].handover_initiate = needs_hack;
    start();
    bench.advance(milliseconds(98'600));
    bench.forget();
    delay<InstallBinding>();
    receive(reactive(1));
    if (needs_hack) take(hack(0));
    ASSERT_EQ(installed(), 1U);
    bench.advance(milliseconds(600));
    bench.answer(bench.unanswered.at(0));
    bench.hold_outcome = nullptr;
    EXPECT_TRUE(bindings().empty());
    EXPECT_TRUE(fback_destinations().empty());
    EXPECT_EQ(count<machine::RemoveBinding>(), 1U);
    EXPECT_TRUE(held_and_released());
  }
}

TEST_F(Hold, WhoComesBackGetsWhatWaited) {
  start();
  receive(reactive(1));
  EXPECT_TRUE(held_only());
  receive(ending(2));
  EXPECT_TRUE(held_and_released());
  EXPECT_TRUE(bindings().empty());
  // Also while the binding is being installed: not before that is taken back.
  bench.forget();
  receive(reactive(3));
  delay<InstallBinding>();
  take(hack(0));
  receive(ending(4));
  EXPECT_TRUE(held_only());
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(held_and_released());
  EXPECT_LT(place<machine::RemoveBinding>(), place<ReleaseBuffer>());
}

TEST_F(Hold, WhoMovesOnTakesAlongWhatWaited) {
  start();
  receive(reactive(1));
  const char* other = "2001:db8:a:2::1234";
  receive(to(other, 2));
  EXPECT_EQ(counted("initiate", "abandoned"), 1u);
  EXPECT_TRUE(held_only());
  take(hack(0));
  EXPECT_TRUE(held_and_released());
  ASSERT_EQ(bindings().size(), 1u);
  EXPECT_EQ(bindings()[0].ncoa, Ipv6Address::literal(other));
  // From one that stands, too, and during an installation.
  bench.forget();
  receive(to("2001:db8:a:2::2", 3));
  EXPECT_TRUE(held_only());
  delay<InstallBinding>();
  take(hack(0));
  receive(to("2001:db8:a:2::3", 4));
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(held_only());
  take(hack(0));
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(held_and_released());
  EXPECT_EQ(bindings().at(0).ncoa, Ipv6Address::literal("2001:db8:a:2::3"));
}

TEST_F(Hold, WhatWaitsForALaterUpdateWaitsOn) {
  start();
  // Stored, while the binding that it replaces is still asked for.
  receive(reactive(1));
  delay<Persist>();
  receive(to("2001:db8:a:2::7777", 1000));
  take(hack(0));
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_TRUE(held_only());
  bench.answer(bench.unanswered.at(0));
  take(hack(0));
  EXPECT_TRUE(held_and_released());
  // Left while the binding for another place is installed, under which nothing was held.
  receive(ending(1001));
  bench.forget();
  receive(predictive(1002));
  delay<InstallBinding>();
  take(hack(0));
  EXPECT_TRUE(nothing_held());
  receive(to("2001:db8:a:2::8888", 1003));
  EXPECT_TRUE(held_only());
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(held_only());
}

TEST_F(Hold, WhoLeftBeforeItsAnswerIsHeldFromItsNextFbuOn) {
  start();
  receive(predictive(1));
  EXPECT_TRUE(nothing_held());
  receive(reactive(2));
  EXPECT_EQ(counted("fbu", "joined"), 1u);
  EXPECT_TRUE(held_only());
  take(hack(0));
  EXPECT_TRUE(held_and_released());
}

TEST_F(Hold, PacketsWaitBehindTheCopies) {
  config.previous_router.copy_packets = true;
  start();
  receive(predictive(1));
  ASSERT_EQ(count<OpenBuffer>(), 1u);
  EXPECT_TRUE(bench.asked<OpenBuffer>()[0]->copies);
  receive(reactive(2));
  ASSERT_EQ(count<OpenBuffer>(), 2u);
  EXPECT_FALSE(bench.asked<OpenBuffer>()[1]->copies);
  take(hack(0));
  EXPECT_EQ(count<OpenBuffer>(), 2u);
  EXPECT_EQ(count<ReleaseBuffer>(), 1u);
  EXPECT_EQ(count<DiscardBuffer>(), 0u);
  // Held already: nothing is to be copied.
  receive(ending(3));
  bench.forget();
  delay<Persist>();
  receive(to("2001:db8:a:2::9", 300));
  receive(predictive(301));
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(held_only());
  // One that cannot be changed is gone, whatever the data path made of it.
  bench = MachineBench();
  start();
  receive(predictive(1));
  fail_all<OpenBuffer>();
  receive(reactive(2));
  EXPECT_EQ(count<DiscardBuffer>(), 1u);
  take(hack(0));
  EXPECT_EQ(count<ReleaseBuffer>(), 0u);
}

TEST_F(Hold, AnEarlyBindingReleases) {
  config.previous_router.early_fback = true;
  start();
  delay<InstallBinding>();
  receive(reactive(1));
  EXPECT_TRUE(held_only());
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(held_and_released());
  EXPECT_EQ(router->status(bench.now, 10).handover_count, 1u);
  // Where it fails, too.
  bench = MachineBench();
  start();
  fail_all<InstallBinding>();
  receive(reactive(1));
  EXPECT_TRUE(held_and_released());
}

TEST_F(Hold, WithoutABufferTheHandoverGoesOn) {
  start();
  fail_all<OpenBuffer>();
  receive(reactive(1));
  take(hack(0));
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_EQ(count<OpenBuffer>(), 1u);
  EXPECT_EQ(count<ReleaseBuffer>(), 0u);
  EXPECT_EQ(count<DiscardBuffer>(), 0u);
}

TEST_F(Hold, UpdatesThatWaitForTheStoreAreFollowedInTheirOrder) {
  start();
  delay<Persist>();
  receive(to("2001:db8:a:2::1111", 1001));
  receive(to("2001:db8:a:2::2222", 1002));  // needs no writing of its own
  EXPECT_TRUE(his().empty());
  EXPECT_TRUE(held_only());
  receive(to("2001:db8:a:2::3333", 1300));  // does
  ASSERT_EQ(bench.unanswered.size(), 2u);
  bench.answer(bench.unanswered[1]);
  EXPECT_TRUE(his().empty());
  bench.answer(bench.unanswered[0]);
  ASSERT_EQ(his().size(), 3u);
  EXPECT_EQ(address_in(his()[2].message.options, AddressCode::kNewCareOfAddress),
            Ipv6Address::literal("2001:db8:a:2::3333"));
  EXPECT_TRUE(held_only());
  take(hack(0));
  EXPECT_TRUE(held_and_released());
  EXPECT_EQ(bindings().at(0).ncoa, Ipv6Address::literal("2001:db8:a:2::3333"));
}

TEST_F(Hold, NoMoreNodesAreHeldThanMayBeHandedOver) {
  config.previous_router.max_handovers = 1;
  start();
  const Peer other{signing_key("mn-1024"), kPrefix, "02:00:00:00:01:02", 2};
  RouterTest::receive(other.rtsolpr(ar_global(), bench.now, hke->spki(), 2), other);
  const auto key = open(reply(), *hke);
  ASSERT_TRUE(key.has_value());
  bench.forget();
  delay<Persist>();
  receive(reactive(1001));
  CraftFbu second = fbu(*key);
  second.sequence = 1001;
  second.home_address = other.global();
  second.source = other.address_in(kNarPrefix);
  second.alternate_care_of.reset();
  bench.receive(second.packet(), other.link_address());
  EXPECT_EQ(bench.unanswered.size(), 2u);
  EXPECT_TRUE(held_only());
}

// The node was announced to come back here, and is heard of elsewhere instead.
TEST_F(Hold, ABufferOfTheNewRoutersPartIsNotTakenAwayMeanwhile) {
  config.new_router.dad_transmits = 0;
  start();
  receive(predictive(1));
  take(hack(0));
  CraftPeer hi;
  hi.source = kNar;
  hi.destination = ar_global();
  hi.buffer = true;
  hi.link_address = mn.link_address();
  hi.pcoa = ncoa();
  hi.ncoa = mn.global();
  bench.receive(hi.initiate(), kNarLink);
  ASSERT_EQ(count<OpenBuffer>(), 1u);
  bench.advance(config.new_router.proxy_lifetime - milliseconds(50));
  bench.forget();
  receive(to("2001:db8:a:2::99", 2));
  ASSERT_EQ(his().size(), 1u);
  bench.advance(milliseconds(60));  // it did not come
  EXPECT_EQ(router->status(bench.now, 10).arrival_count, 0u);
  EXPECT_TRUE(held_only());
  take(hack(0));
  EXPECT_TRUE(held_and_released());
}

}  // namespace
}  // namespace sendoff::test
