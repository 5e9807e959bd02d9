// What a whole PAR and a whole node make of each HAck that refuses, from a NAR that is played by
// the test; and of HI and HAck that nobody may send (RFC 5568 6.2.1.2, 6.2.3, GF16).
#include <nlohmann/json.hpp>

#include "net/clock.h"
#include "support/covers.h"
#include "system/bed.h"
#include "system/forgery.h"

namespace sendoff::test {
namespace {

using wire::MobilityType;

constexpr std::uint8_t kNoResources = 130;

class Codes : public Packets {
 protected:
  const Wiretap& links() { return bed_->links(); }

  // As it comes from the core to the PAR.
  void send_to_par(ByteView packet) {
    links().inject(Place::kParCore, lab::place(Side::kNar).core_link,
                   lab::place(Side::kPar).core_link, packet);
  }
  // Answers the HI that comes as the NAR, and gives back the FBack.
  Seen answered(std::uint8_t code, Mark since) {
    const Seen hi =
        links().wait(at(Place::kParCore) && mobility(MobilityType::kHandoverInitiate), since);
    if (!hi) return nullptr;
    send_to_par(hack_for(*hi, code));
    return links().wait(at(Place::kParLink) && mobility(MobilityType::kFastBindingAcknowledgement),
                        since);
  }
  void expect_refused(std::uint8_t code, std::uint8_t status);
  void expect_unbound_node();
};

void Codes::expect_refused(std::uint8_t code, std::uint8_t status) {
  const Instant ordered = net::read_clocks().boot;
  const Mark since = links().mark();
  ASSERT_DONE(bed_->order(bed_->mobile(), Side::kNar));
  const Seen fback = answered(code, since);
  ASSERT_TRUE(fback) << bed_->story(since);
  // A lack of resources may pass: the node asks once more.
  if (code == kNoResources) {
    const Mark again = links().mark();
    ASSERT_TRUE(answered(code, again)) << bed_->story(again);
  }
  const auto parsed = wire::FastBindingAcknowledgement::parse(fback->view.upper);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->status, status) << "HAck " << int{code};
  // The caller of the order is told the status.
  const auto failed = bed_->mobile().wait_for("handover-failed", kPatience, ordered);
  ASSERT_DONE(failed);
  EXPECT_EQ(failed->text("reason"), "status-" + std::to_string(status));
  EXPECT_EQ(bed_->status(bed_->par())["binding_count"], 0);
  bed_->expect_on_old_link("after HAck " + std::to_string(code));
}

// FH-6.2.3-15: on the NAR's link after all, nothing of the old address is tunnelled either way.
void Codes::expect_unbound_node() {
  const Ipv6Address par = bed_->router_address(Side::kPar);
  ASSERT_DONE(bed_->leave());
  const Mark since = links().mark();
  ASSERT_DONE(bed_->enter(Side::kNar));
  links().inject(
      Place::kMobileLink, bed_->router_link(Side::kNar), lab::mobile_link(),
      in_tunnel(par, bed_->ncoa(), datagram(Bed::correspondent(), bed_->pcoa(), 5568, "unwanted")));
  bed_->session_sends_or_fails("from a node without binding");
  bed_->wait_for_node();
  EXPECT_FALSE(bed_->application_has("unwanted"));
  expect_never(at(Place::kMobileLink) && from_node() && source(bed_->ncoa()) &&
                   Match::Test([](const Frame& frame) { return frame.inner.has_value(); }),
               since, "a reverse-tunnelled packet");
}

TEST_F(Codes, ARefusedHandoverLeavesPacketsOnTheOldLink) {
  COVERS("FH-6.2.1.2-12", "FH-6.2.3-15");
  build({.routers = {}, .mobile = {}, .other = {}, .new_router = false});
  ASSERT_TRUE(bed_);
  bed_->expect_on_old_link("before");
  ASSERT_TRUE(bed_->session_opens());
  ASSERT_NO_FATAL_FAILURE(expect_refused(1, 128));  // not valid, and no address instead
  ASSERT_NO_FATAL_FAILURE(expect_refused(128, 128));
  ASSERT_NO_FATAL_FAILURE(expect_refused(kNoResources, kNoResources));
  ASSERT_NO_FATAL_FAILURE(expect_refused(129, 129));
  ASSERT_NO_FATAL_FAILURE(expect_unbound_node());
}

}  // namespace
}  // namespace sendoff::test
