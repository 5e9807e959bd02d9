// A real mobile node and a real access router on one link, and each of them beside a scripted
// peer; configured from files where a requirement speaks of configuration.
#pragma once

#include "config/fixture.h"
#include "mobile/asked.h"
#include "router/router_fixture.h"

namespace sendoff::test {

// Keeps what it gave.
class RecordingRandom final : public Random {
 public:
  [[nodiscard]] bool fill(ByteSpan octets) override {
    const bool filled = random_.fill(octets);
    drawn.push_back(to_bytes(octets));
    return filled;
  }
  std::vector<Bytes> drawn;

 private:
  FakeRandom random_{7};
};

// The router's test bench as an object.
struct RouterNode : RouterTest {
  void TestBody() override {}
  using RouterTest::ar_global;
  using RouterTest::ar_link_local;
  using RouterTest::bench;
  using RouterTest::config;
  using RouterTest::Delivered;
  using RouterTest::has_key;
  using RouterTest::hke;
  using RouterTest::mn;
  using RouterTest::open;
  using RouterTest::receive;
  using RouterTest::reply;
  using RouterTest::request;
  using RouterTest::router;
  using RouterTest::start;
  // What it answers this with.
  Bytes answer_to(const Craft& craft) {
    bench.forget();
    receive(craft, mn);
    return reply();
  }
};

class Both {
 public:
  explicit Both(const mobile::Config& node = mobile_config(),
                const router::Config& given = router_config())
      : config(given), world(node) {
    bench.now = world.now;
    router = std::make_unique<router::Router>(config, machine::Snapshot{}, random, bench.now);
    bench.attach(*router);
    world.forced_pair = hke;
    bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
    world.up();
    advance(seconds(3));
  }
  void advance(Duration duration) {
    for (Duration passed{}; passed < duration; passed += milliseconds(10)) {
      carry();
      bench.advance(milliseconds(10));
      world.advance(milliseconds(10));
    }
    carry();
  }
  // What was sent reaches the other side.
  void carry() {
    while (to_router_ < world.sent.size() || to_mobile_ < bench.sent.size()) {
      if (to_router_ < world.sent.size())
        bench.receive(Bytes(world.sent[to_router_++].packet), kMobileLink);
      else
        world.deliver(Bytes(bench.sent[to_mobile_++].packet), kRouterLink);
    }
  }
  // Packets of the router's PrRtAdv type, in the order of sending.
  [[nodiscard]] std::vector<Bytes> advertisements() const {
    std::vector<Bytes> found;
    for (const machine::Transmit& transmit : bench.sent)
      if (transmit.packet[6] == wire::kProtocolIcmpv6 && transmit.packet[40] == 154)
        found.push_back(transmit.packet);
    return found;
  }

  std::shared_ptr<const crypto::HandoverDecryptionKey> hke = decryption_key("hke-1024");
  router::Config config;
  RecordingRandom random;
  MachineBench bench;
  std::unique_ptr<router::Router> router;
  World world;

 private:
  std::size_t to_router_ = 0;
  std::size_t to_mobile_ = 0;
};

}  // namespace sendoff::test
