// A whole previous router that keeps copies of a node's packets while it asks the next one: they go
// to the new address before all others, in their order; and one that was not told to keep any
// (RFC 5568 4, 5.4).
#include "net/clock.h"
#include "support/covers.h"
#include "system/bed.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

class Copies : public Packets {
 protected:
  static constexpr int kCount = 10;  // while the node is there, and as many when it has left

  const Wiretap& links() { return bed_->links(); }
  static std::string packet(int number) { return "number " + std::to_string(number); }
  Match in_tunnel(const std::string& data) {
    return at(Place::kParCore) && from_node() &&
           tunnelled(data, bed_->router_address(Side::kPar), bed_->ncoa());
  }
  void TearDown() override {
    silence_.reset();
    Packets::TearDown();
  }
  // The NAR says nothing until `silence_` ends, and all packets go on the old link.
  void leave_between_hi_and_hack(const std::map<std::string, std::string>& settings);
  void expect_copies_first(Mark since);
  Mark position(const Match& match, Mark since) { return links().position(match, since); }
  Mark ordered_ = 0;
  std::optional<Standstill> silence_;
};

void Copies::leave_between_hi_and_hack(const std::map<std::string, std::string>& settings) {
  Sections par = {{"handover", settings}};
  par["handover"]["hi_timeout_ms"] = "10000";
  build({.routers = {par, {}}, .mobile = {}, .other = {}});
  ASSERT_TRUE(bed_);
  bed_->expect_on_old_link("before");
  ordered_ = links().mark();
  silence_.emplace(bed_->nar());
  ASSERT_DONE(bed_->order(bed_->mobile(), Side::kNar));
  const Seen hi =
      links().wait(at(Place::kParCore) && mobility(MobilityType::kHandoverInitiate), ordered_);
  ASSERT_TRUE(hi) << bed_->story(ordered_);
  const auto asked = wire::HandoverInitiate::parse(hi->view.upper);
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->buffer);
  if (!settings.empty()) {
    EXPECT_TRUE(bed_->counted(bed_->par(), "datapath", "buffers", 1));
  }
  for (int i = 0; i < kCount; ++i) {
    bed_->expect_on_old_link(packet(i));
    EXPECT_TRUE(bed_->application_got(packet(i)));
  }
  ASSERT_DONE(bed_->leave());
  for (int i = kCount; i < 2 * kCount; ++i) bed_->expect_on_old_link(packet(i));
}

// On the way to the new address, and from the NAR's buffer to the node.
void Copies::expect_copies_first(Mark since) {
  ASSERT_DONE(bed_->par().wait_for("binding-installed", kPatience));
  bed_->expect_tunnelled("behind the copies", bed_->ncoa());
  const Mark hack =
      position(at(Place::kParCore) && mobility(MobilityType::kHandoverAcknowledge), since);
  Mark last = hack;
  for (int i = 0; i < 2 * kCount; ++i) {
    const Mark copy = position(in_tunnel(packet(i)), since);
    EXPECT_LT(last, copy) << packet(i) << bed_->story(since);
    last = copy;
    EXPECT_EQ(links().count(in_tunnel(packet(i)), since), 1U) << packet(i);
  }
  EXPECT_LT(last, position(in_tunnel("behind the copies"), since)) << bed_->story(since);
  ASSERT_DONE(bed_->enter(Side::kNar));
  EXPECT_TRUE(bed_->application_got("behind the copies"));
  // What went to nobody on the old link is not lost.
  for (int i = kCount; i < 2 * kCount; ++i) EXPECT_TRUE(bed_->application_has(packet(i)));
  Mark delivered =
      position(at(Place::kNarLink) && advertisement(bed_->ncoa()) && !from_node(), since);
  for (int i = 0; i < 2 * kCount; ++i) {
    const Mark next = position(at(Place::kNarLink) && from_node() && carries(packet(i)), since);
    EXPECT_LT(delivered, next) << packet(i) << bed_->story(since);
    delivered = next;
  }
}

TEST_F(Copies, OfWhatComesUntilTheHackLeadTheWayToTheNewAddress) {
  COVERS("FH-4-09", "FH-5.4-01");
  ASSERT_NO_FATAL_FAILURE(leave_between_hi_and_hack({{"copy_packets", "true"}}));
  EXPECT_TRUE(bed_->counted(bed_->par(), "datapath", "copied", 2 * kCount));
  EXPECT_EQ(bed_->counter(bed_->par(), "datapath", "packets-in-buffers"), 2U * kCount);
  silence_.reset();
  ASSERT_NO_FATAL_FAILURE(expect_copies_first(ordered_));
  EXPECT_EQ(bed_->counter(bed_->par(), "datapath", "copied"), 2U * kCount);
  EXPECT_TRUE(bed_->counted(bed_->par(), "datapath", "released", 2 * kCount));
  EXPECT_EQ(bed_->counter(bed_->par(), "datapath", "packets-in-buffers"), 0U);
}

TEST_F(Copies, AreNotKeptWithoutTheSetting) {
  COVERS("FH-4-09");
  ASSERT_NO_FATAL_FAILURE(leave_between_hi_and_hack({}));
  EXPECT_EQ(bed_->counter(bed_->par(), "datapath", "copied"), 0U);
  EXPECT_EQ(bed_->counter(bed_->par(), "datapath", "packets-in-buffers"), 0U);
  silence_.reset();
  ASSERT_DONE(bed_->par().wait_for("binding-installed", kPatience));
  bed_->expect_tunnelled("the first in the tunnel", bed_->ncoa());
  for (int i = 0; i < 2 * kCount; ++i)
    expect_never(at(Place::kParCore) && from_node() && carries(packet(i)), ordered_,
                 "a copy of what went on the old link");
}

}  // namespace
}  // namespace sendoff::test
