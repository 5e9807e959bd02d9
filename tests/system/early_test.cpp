// A whole previous router that accepts a node which is away already before the next router has
// answered, and one that waits (RFC 5568 6.2.3, GF52).
#include <nlohmann/json.hpp>

#include "net/clock.h"
#include "support/covers.h"
#include "system/bed.h"
#include "system/forgery.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

class EarlyFback : public Packets {
 protected:
  static constexpr std::uint8_t kProhibited = 129;

  const Wiretap& links() { return bed_->links(); }
  void TearDown() override {
    silence_.reset();
    Packets::TearDown();
  }
  void start(bool early) {
    Sections par = {{"handover", {{"hi_timeout_ms", "10000"}}}};
    if (early) par["handover"]["early_fback"] = "true";
    build({.routers = {par, {}}, .mobile = {}, .other = {}});
  }
  // Onto the link of a NAR whose daemon says nothing: the node has heard of it at the PAR. Returns
  // when the NAR was asked.
  void move_to_silent_router();
  void expect_refusal_ends_it();
  Match hi() {
    return at(Place::kParCore) && from_node() && mobility(MobilityType::kHandoverInitiate);
  }
  Match hack() {
    return at(Place::kParCore) && !from_node() && mobility(MobilityType::kHandoverAcknowledge);
  }
  Match fback() {
    return from_node() && (at(Place::kParCore) || at(Place::kParLink)) &&
           mobility(MobilityType::kFastBindingAcknowledgement);
  }
  Seen asked_;
  Mark moved_ = 0;
  Instant moved_at_;
  std::optional<Standstill> silence_;
};

void EarlyFback::move_to_silent_router() {
  ASSERT_TRUE(bed_->session_opens());
  bed_->expect_on_old_link("before");
  silence_.emplace(bed_->nar());
  ASSERT_DONE(bed_->leave());
  moved_ = links().mark();
  moved_at_ = net::read_clocks().boot;
  ASSERT_DONE(bed_->enter(Side::kNar));
  asked_ = links().wait(hi(), moved_);
  ASSERT_TRUE(asked_) << bed_->story(moved_);
  const auto message = wire::HandoverInitiate::parse(asked_->view.upper);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->code, 1);
}

// The NAR's answer as it would send it. Packets are on-link again, both ways.
void EarlyFback::expect_refusal_ends_it() {
  links().inject(Place::kParCore, lab::place(Side::kNar).core_link,
                 lab::place(Side::kPar).core_link, hack_for(*asked_, kProhibited));
  ASSERT_DONE(bed_->par().wait_for("binding-removed", kPatience, moved_at_));
  EXPECT_EQ(bed_->status(bed_->par())["binding_count"], 0);
  const Mark since = links().mark();
  bed_->send_to_node("after the refusal");
  const Match question = at(Place::kParLink) && from_node() && solicitation(bed_->pcoa());
  const Match delivered = at(Place::kParLink) && from_node() && plain("after the refusal");
  expect_seen(question || delivered, since, "the PAR's packet, or its question for the PCoA");
  // Whoever is there now.
  links().inject(Place::kParLink, Bed::stranger(), bed_->router_link(Side::kPar),
                 advertisement_packet(bed_->pcoa(), bed_->router_address(Side::kPar), bed_->pcoa(),
                                      {.solicited = true, .override_flag = true}, Bed::stranger()));
  expect_seen(delivered, since, "the packet on the old link");
  expect_never(at(Place::kParCore) && from_node() && carries("after the refusal"), since,
               "the packet in the tunnel that was");
  const std::uint64_t refused =
      bed_->counter(bed_->par(), "datapath", "refused-by-the-reverse-check");
  bed_->session_sends("in the tunnel that was");
  EXPECT_TRUE(bed_->counted(bed_->par(), "datapath", "refused-by-the-reverse-check", refused + 1));
  expect_never(at(Place::kCorrespondent) && carries("in the tunnel that was"), since,
               "the node's packet from the tunnel that was");
  // No second FBack says so.
  EXPECT_EQ(links().count(at(Place::kParCore) && fback(), moved_), 1U);
}

TEST_F(EarlyFback, MovesThePacketsBeforeTheHackAndARefusalBringsThemBack) {
  COVERS("FH-6.2.3-05");
  start(true);
  ASSERT_TRUE(bed_);
  ASSERT_NO_FATAL_FAILURE(move_to_silent_router());
  ASSERT_DONE(bed_->mobile().wait_for("handover-done", kPatience, moved_at_));
  expect_never(hack(), moved_, "a HAck");
  bed_->expect_tunnelled("at once", bed_->ncoa());
  EXPECT_TRUE(bed_->application_got("at once"));
  ASSERT_NO_FATAL_FAILURE(expect_refusal_ends_it());
}

TEST_F(EarlyFback, IsForNodesThatAreAwayOnly) {
  COVERS("FH-6.2.3-05");
  start(true);
  ASSERT_TRUE(bed_);
  silence_.emplace(bed_->nar());
  const Mark ordered = links().mark();
  const Instant now = net::read_clocks().boot;
  ASSERT_DONE(bed_->order(bed_->mobile(), Side::kNar));
  expect_seen(hi(), ordered, "the HI");
  bed_->expect_on_old_link("not yet");
  silence_.reset();
  ASSERT_DONE(bed_->mobile().wait_for("handover-done", kPatience, now));
  EXPECT_LT(links().position(hack(), ordered), links().position(fback(), ordered))
      << bed_->story(ordered);
  bed_->expect_tunnelled("now", bed_->ncoa());
}

TEST_F(EarlyFback, IsNoneUnlessItIsSet) {
  COVERS("FH-6.2.3-05");
  start(false);
  ASSERT_TRUE(bed_);
  ASSERT_NO_FATAL_FAILURE(move_to_silent_router());
  bed_->send_to_node("not yet");
  EXPECT_TRUE(bed_->counted(bed_->par(), "datapath", "held", 1));  // GF56
  silence_.reset();
  ASSERT_DONE(bed_->mobile().wait_for("handover-done", kPatience, moved_at_));
  const Match moved = at(Place::kParCore) && from_node() &&
                      tunnelled("not yet", bed_->router_address(Side::kPar), bed_->ncoa());
  expect_seen(moved, moved_, "what came before the HAck, in the tunnel");
  for (const Match& behind : {fback(), moved})
    EXPECT_LT(links().position(hack(), moved_), links().position(behind, moved_))
        << bed_->story(moved_);
  bed_->expect_tunnelled("now", bed_->ncoa());
}

}  // namespace
}  // namespace sendoff::test
