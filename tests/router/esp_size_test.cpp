// HI inside ESP is never sent in fragments (RFC 4303 3.3.4, E14).
#include "esp/fixture.h"
#include "router/esp_peers.h"
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

class EspSize : public ParTest {
 protected:
  EspSize() {
    router::Neighbour& nar = config.neighbours[0];
    nar.protection = router::Protection::kEsp;
    nar.esp = esp::Pair{
        ar_global(), kNar, {0x1000, esp::key_numbered(1)}, {{0x2000, esp::key_numbered(2), true}}};
  }
  [[nodiscard]] std::vector<Bytes> sealed() const {
    std::vector<Bytes> found;
    for (const machine::Transmit& transmit : bench.sent)
      if (transmit.packet[6] == wire::kProtocolEsp) found.push_back(transmit.packet);
    return found;
  }
  [[nodiscard]] std::string warning() const {
    const auto warnings = bench.reported(machine::EventKind::kWarning);
    std::string text;
    for (const machine::Event* event : warnings) text += std::string(event->text("text")) + "\n";
    return text;
  }
};

TEST_F(EspSize, WhatDoesNotFitIsRefusedWithBothSizes) {
  COVERS("ESP-4303-24");
  // By itself: 40 octets of IPv6, 8 of ESP's head, 16 of its ICV, and a trailer of 4.
  machine::Outbox outbox;
  router::EspPeers peers(outbox);
  peers.configure(bench.now, config);
  EXPECT_EQ(config.peer_path_mtu, 1280u);
  const auto stored = [&] {
    std::string said;
    while (const auto action = outbox.poll()) {
      EXPECT_FALSE(std::holds_alternative<machine::Transmit>(action->what));
      if (std::holds_alternative<machine::Persist>(action->what))
        peers.outcome(bench.now, {action->id, machine::Facts{}});
      if (const auto* report = std::get_if<machine::Report>(&action->what))
        said += std::string(report->event.text("text"));
    }
    return said;
  };
  (void)stored();
  Bytes header(1208);
  header[0] = wire::kProtocolNoNext;
  header[1] = 1208 / 8 - 1;
  const auto fits = peers.seal(bench.now, config.neighbours[0], header);
  ASSERT_TRUE(fits.has_value());
  EXPECT_EQ(fits->size(), 1276u);
  EXPECT_EQ((*fits)[6], wire::kProtocolEsp) << "no Fragment header";
  EXPECT_EQ(stored(), "");
  header.resize(1216);
  ++header[1];
  const auto refused = peers.seal(bench.now, config.neighbours[0], header);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().why, esp::SealError::kTooLarge);
  EXPECT_EQ(refused.error().size, 1284u);
  EXPECT_EQ(refused.error().mtu, 1280u);
  const std::string said = stored();
  EXPECT_NE(said.find("1284"), std::string::npos) << said;
  EXPECT_NE(said.find("1280"), std::string::npos) << said;

  // In the router, whose HI are small: on ways that take even less. Nothing leaves, and the FBack
  // says so.
  start();
  receive(predictive(1));
  ASSERT_EQ(sealed().size(), 1u);
  const std::size_t size = sealed()[0].size();
  for (const bool fits_exactly : {true, false}) {
    config.peer_path_mtu = fits_exactly ? size : size - 1;
    bench = MachineBench();
    start();
    receive(predictive(1));
    EXPECT_EQ(sealed().size(), fits_exactly ? 1u : 0u);
    if (fits_exactly) continue;
    for (const machine::Transmit& transmit : bench.sent)
      EXPECT_EQ(transmit.packet[42], 9);  // FBack alone
    ASSERT_EQ(fbacks().size(), 1u);
    EXPECT_EQ(fbacks()[0].status, 128);
    EXPECT_EQ(installed(), 0u);
    EXPECT_EQ(counted("esp", "not-sent-too-large"), 1u);
    EXPECT_NE(warning().find(std::to_string(size)), std::string::npos) << warning();
    EXPECT_NE(warning().find(std::to_string(size - 1)), std::string::npos) << warning();
  }
}

}  // namespace
}  // namespace sendoff::test
