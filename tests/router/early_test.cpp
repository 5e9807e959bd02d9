// A reactive FBU that is accepted before the new router has answered (RFC 5568 6.2.3).
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::InstallBinding;
using machine::RemoveBinding;

class Early : public ParTest {
 protected:
  Early() { config.previous_router.early_fback = true; }
  [[nodiscard]] std::size_t removed() const { return bench.asked<RemoveBinding>().size(); }
};

TEST_F(Early, TheFbackOfAReactiveHandoverGoesBeforeTheHack) {
  COVERS("FH-6.2.3-05");
  start();
  receive(reactive(1));
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].message.code, router::kHiReactive);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(installed(), 1u);
  ASSERT_EQ(bindings().size(), 1u);
  EXPECT_EQ(bindings()[0].ncoa, ncoa());
  // Agreed: all stays as it is, and nothing is sent again.
  const CraftPeer agreed = hack(0);
  bench.forget();
  take(agreed);
  bench.advance(seconds(3));
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_TRUE(his().empty());
  EXPECT_TRUE(fbacks().empty());
  EXPECT_EQ(bindings().size(), 1u);
  // Refused: the binding goes.
  bench = MachineBench();
  start();
  receive(reactive(1));
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(removed(), 0u);
  take(hack(129));
  EXPECT_EQ(removed(), 1u);
  EXPECT_TRUE(bindings().empty());
  EXPECT_EQ(fbacks().size(), 1u);
  ASSERT_EQ(bench.reported(machine::EventKind::kBindingRemoved).size(), 1u);
  // A predictive FBU waits all the same.
  bench = MachineBench();
  start();
  receive(predictive(1));
  EXPECT_EQ(his().size(), 1u);
  EXPECT_TRUE(fbacks().empty());
  EXPECT_EQ(installed(), 0u);
  take(hack(0));
  EXPECT_EQ(fbacks().size(), 2u);
  // And by default a reactive one, too.
  config.previous_router.early_fback = router::PreviousRouterConfig{}.early_fback;
  bench = MachineBench();
  start();
  receive(reactive(1));
  EXPECT_TRUE(fbacks().empty());
  EXPECT_EQ(installed(), 0u);
  take(hack(0));
  EXPECT_EQ(fbacks().size(), 1u);
}

TEST_F(Early, AnAddressThatTheRouterGivesInsteadMovesTheBinding) {
  start();
  receive(reactive(1));
  ASSERT_EQ(installed(), 1u);
  CraftPeer other = hack(0);
  other.ncoa = Ipv6Address::literal("2001:db8:a:2::1234");
  take(other);
  EXPECT_EQ(installed(), 2u);
  EXPECT_EQ(removed(), 0u);
  ASSERT_EQ(bindings().size(), 1u);
  EXPECT_EQ(bindings()[0].ncoa, *other.ncoa);
}

TEST_F(Early, ASilentRouterIsARefusal) {
  start();
  receive(reactive(1));
  bench.advance(milliseconds(1499));
  EXPECT_EQ(his().size(), 4u);
  EXPECT_EQ(removed(), 0u);
  bench.advance(milliseconds(1));
  EXPECT_EQ(removed(), 1u);
  EXPECT_TRUE(bindings().empty());
  EXPECT_EQ(router->status(bench.now, 10).handover_count, 0u);
}

TEST_F(Early, NothingIsAcceptedThatTheRouterCannotBeAskedFor) {
  config.neighbours[0].protection = router::Protection::kNone;
  start();
  receive(reactive(1));
  EXPECT_EQ(installed(), 0u);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 128);
  // Nor where the answer decides what the tunnel's end is.
  config.neighbours[0].protection = router::Protection::kClear;
  bench = MachineBench();
  start();
  CraftFbu named = reactive(1);
  named.alternate_care_of = kNar;
  receive(named);
  EXPECT_EQ(his().size(), 1u);
  EXPECT_EQ(installed(), 0u);
  EXPECT_TRUE(fbacks().empty());
}

TEST_F(Early, TheFbackWaitsForTheBinding) {
  start();
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<InstallBinding>(action.what);
  };
  receive(reactive(1));
  EXPECT_TRUE(fbacks().empty());
  bench.answer(bench.unanswered.at(0), fail(machine::ActionError::kRefused));
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 130);
  EXPECT_TRUE(bindings().empty());
  take(hack(0));
  EXPECT_TRUE(bindings().empty());
  // Refused while the binding was under way: it does not stay.
  bench.forget();
  receive(reactive(2));
  take(hack(128));
  bench.answer(bench.unanswered.at(0));
  EXPECT_EQ(removed(), 1u);
  EXPECT_TRUE(bindings().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 128);
  // Agreed while it was under way: the FBack tells when all stands.
  bench.forget();
  receive(reactive(3));
  take(hack(0));
  EXPECT_TRUE(fbacks().empty());
  while (!bench.unanswered.empty()) bench.answer(bench.unanswered[0]);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(bindings().size(), 1u);
}

TEST_F(Early, ARepeatedFbuWaitsForTheHackAndOneOfLifetimeZeroEndsAll) {
  start();
  receive(reactive(1));
  receive(reactive(2));
  EXPECT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(his().size(), 1u);
  take(hack(0));
  EXPECT_EQ(fbacks().size(), 2u);
  EXPECT_EQ(bindings().size(), 1u);
  bench = MachineBench();
  start();
  receive(reactive(1));
  CraftFbu ending = predictive(2);
  ending.alternate_care_of = mn.global();
  ending.lifetime_s = 0;
  const CraftPeer refusal = hack(128);
  receive(ending);
  EXPECT_EQ(removed(), 1u);
  take(refusal);
  EXPECT_EQ(removed(), 1u);
}

}  // namespace
}  // namespace sendoff::test
