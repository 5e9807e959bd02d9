// The settings that `--check --show` prints, and that they are what the machine goes by.
#include "app/terminal.h"
#include "config/config.h"
#include "crypto/random.h"
#include "nd/guard.h"
#include "net/clock.h"
#include "support/covers.h"
#include "support/machine_bench.h"
#include "support/peer.h"

namespace sendoff::test {
namespace {

class ShownSettings : public Terminal {
 protected:
  void SetUp() override {
    Terminal::SetUp();
    make("cga key --out key");
  }
  // A guard's file with these lines at its end.
  void configure(const std::string& lines) const {
    write("guard.toml",
          "[guard]\non_stop = \"open\"\n[[interface]]\nname = \"lo\"\n[cga]\nkey = \"key\"\n" +
              lines);
  }
  [[nodiscard]] bool shows(const std::string& line) const {
    const Ran ran = sendoff("guard -c guard.toml --check --show");
    EXPECT_EQ(ran.status, 0) << ran.output;
    return ("\n" + ran.output).contains("\n" + line + "\n");
  }
  // Whether a guard with that file believes a neighbour's signed question.
  [[nodiscard]] bool believes(const std::string& key) const {
    crypto::SystemRandom drawn;
    const auto loaded = config::load_guard(path("guard.toml"),
                                           {config::SystemFiles(), net::read_clocks().utc, drawn});
    if (!loaded) return false;
    const nd::GuardConfig& config = loaded->machine;
    FakeRandom random{3};
    MachineBench bench;
    nd::Guard guard(config, {}, random, bench.now);
    bench.attach(guard);
    bench.host(machine::InterfaceUp{{0}, LinkAddress::literal("02:00:00:00:00:01"), 1500});
    const Ipv6Address own = config.identity.address(send::link_local_prefix(), 0);
    const Peer peer(signing_key(key), "2001:db8:a:1::/64", "02:00:00:00:00:02");
    Craft craft;
    craft.source = peer.link_local();
    craft.destination = own.solicited_node();
    craft.head = octets_of(wire::NeighborSolicitation{own});
    craft.options = {octets_of(
        wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, peer.link_address()})};
    craft.cga_parameters = peer.parameters(craft.source).octets();
    craft.timestamp = timestamp_at(bench.now.utc);
    craft.nonce = Bytes{1, 2, 3, 4, 5, 6};
    craft.signer = peer.key();
    const Bytes packet = craft.packet();
    machine::Received received;
    received.frame_source = peer.link_address();
    received.packet = packet;
    received.hold = machine::HoldId{1};
    bench.receive(received);
    EXPECT_EQ(bench.asked<machine::Verdict>().size(), 1u);
    const bool secured = bench.counter("guard", "taken-secured") == 1;
    EXPECT_EQ(bench.counter("send", "key-limits"), secured ? 0u : 1u);
    return secured;
  }
};

TEST_F(ShownSettings, TheSmallestKeyThatIsTakenIsSet) {
  COVERS("SND-5.1.3-1");
  configure("");
  EXPECT_TRUE(shows("[send] min_key_bits = 1024"));
  EXPECT_TRUE(believes("mn-1024"));
  configure("[send]\nmin_key_bits = 2048\n");
  EXPECT_TRUE(shows("[send] min_key_bits = 2048"));
  EXPECT_FALSE(believes("mn-1024"));
  EXPECT_TRUE(believes("mn-2048"));
  configure("[send]\nmin_key_bits = 1024\n");
  EXPECT_TRUE(shows("[send] min_key_bits = 1024"));
  EXPECT_TRUE(believes("mn-1024"));
}

TEST_F(ShownSettings, AreThoseOfTheFileElseTheDefaults) {
  configure("[trust]\npath_retry = 0.75\nrfc3971_profile = true\n[limits]\npending = 7\n");
  EXPECT_TRUE(shows("[trust] path_retry = 0.75"));
  EXPECT_TRUE(shows("[trust] path_give_up = 15"));
  EXPECT_TRUE(shows("[trust] rfc3971_profile = true"));
  EXPECT_TRUE(shows("[[interface]] cga = true"));
  EXPECT_TRUE(shows("[limits] pending = 7"));
  EXPECT_FALSE(sendoff("guard -c guard.toml --check").output.contains("pending"));
}

}  // namespace
}  // namespace sendoff::test
