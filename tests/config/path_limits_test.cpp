// What [limits] says of certification paths, and a host that goes by it (RFC 3971 9.3).
#include "config/fixture.h"
#include "nd/path_messages.h"

namespace sendoff::test {
namespace {

class PathLimits : public PathMessages {
 protected:
  // What a guard's file with these limits comes to.
  void limit(const std::string& lines) {
    config::MemoryFiles files;
    config::CountingRandom drawn;
    files.put("etc/mn.pem", load_file("keys/mn-2048.pem"), 0600);
    files.put("etc/anchor.der", certificate("anchor"));
    files.put("etc/guard.toml", config::kGuardFile + "[limits]\n" + lines);
    const auto loaded = config::load_guard("etc/guard.toml", {files, config::kToday, drawn});
    ASSERT_TRUE(loaded) << loaded.error()[0].text();
    config.paths = loaded->machine.paths;
  }
  // Of the router's path, one certificate of somebody else's between its two.
  bool usable_between_others() {
    start();
    const Bytes question = ask_for_path();
    answer(question, [&](Cpa& cpa) {
      if (cpa.component == 1) return;
      Cpa other = cpa;
      other.component = 1;
      other.source = Ipv6Address::literal("fe80::77");
      deliver(packet(other));
    });
    return router_heard();
  }
};

TEST_F(PathLimits, HoldInAFlood) {
  COVERS("SND-9.3-4");
  limit("path_certificates = 2\n");
  EXPECT_TRUE(usable({}));
  limit("path_certificates = 1\n");
  EXPECT_FALSE(usable({}));
  EXPECT_EQ(bench.jobs["validate"], 0);

  const std::size_t largest = std::max(certificate("ca").size(), certificate("good-router").size());
  limit("certificate_octets = " + std::to_string(largest) + "\n");
  EXPECT_TRUE(usable({}));
  limit("certificate_octets = " + std::to_string(largest - 1) + "\n");
  EXPECT_FALSE(usable({}));
  EXPECT_EQ(bench.jobs["validate"], 0);

  limit("path_sources = 2\n");
  EXPECT_TRUE(usable_between_others());
  limit("path_sources = 1\n");
  EXPECT_FALSE(usable_between_others());

  limit("path_validations = 2\n");
  start();
  const Bytes question = ask_for_path();
  Cpa forged;
  forged.identifier = head(question).identifier;
  forged.components = 1;
  forged.certificate = Authority{"other-2048", "Rogue"}.path_to("ar-2048").front();
  const auto most = [](int tenths) { return 2 + 2 * tenths / 10; };  // two at once
  for (int tenth = 0; tenth < 50; ++tenth) {
    for (int copy = 0; copy < 20; ++copy) deliver(packet(forged));
    EXPECT_LE(bench.jobs["validate"], most(tenth));
    bench.advance(milliseconds(100));
  }
  EXPECT_GE(bench.jobs["validate"], most(50) - 1);
  // The flood does not keep the router away.
  answer(question);
  bench.advance(seconds(1));
  EXPECT_TRUE(router_heard());
}

TEST_F(PathLimits, AreWithinWhatTheProgramCanBear) {
  for (const char* line : {"path_certificates = 0", "path_certificates = 9",
                           "certificate_octets = 255", "certificate_octets = 4097",
                           "path_sources = 0", "path_validations = 0", "path_validations = 1001"}) {
    config::MemoryFiles files;
    config::CountingRandom drawn;
    files.put("etc/mn.pem", load_file("keys/mn-2048.pem"), 0600);
    files.put("etc/anchor.der", certificate("anchor"));
    files.put("etc/guard.toml", config::kGuardFile + "[limits]\n" + line);
    const auto refused = config::load_guard("etc/guard.toml", {files, config::kToday, drawn});
    ASSERT_FALSE(refused) << line;
    EXPECT_EQ(refused.error().size(), 1u) << line;
  }
}

}  // namespace
}  // namespace sendoff::test
