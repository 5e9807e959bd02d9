// A prefix that a router advertises outside of its certificate, and a host that asks for
// certificates (RFC 3971 7.3).
#include "config/fixture.h"
#include "nd/path_messages.h"
#include "router/router.h"

namespace sendoff::test {
namespace {

class UncertifiedPrefix : public PathMessages {
 protected:
  static inline const std::string kUncertified = "2001:db8:b:1::/64";

  static auto load(const std::string& prefix) {
    config::MemoryFiles files;
    config::CountingRandom drawn;
    files.put("etc/ar.pem", load_file("keys/ar-2048.pem"), 0600);
    files.put("etc/anchor.der", certificate("anchor"));
    files.put("etc/chain.der",
              pki::to_pem(certificate("ca")) + pki::to_pem(certificate("good-router")));
    std::string text = config::kRouterFile;
    const std::string certified = "\"" + kOnLink + "\"";
    text.insert(text.find(certified) + certified.size(), ", " + prefix);
    files.put("etc/router.toml", text);
    return config::load_router("etc/router.toml", {files, config::kToday, drawn});
  }
  static std::vector<Prefix> prefixes_of(ByteView icmp) {
    std::vector<Prefix> found;
    const auto options =
        wire::OptionList::parse(icmp.subspan(wire::RouterAdvertisement::kSize)).value();
    for (const wire::RawOption& option : options)
      if (const auto information = wire::PrefixInformation::parse(option.octets))
        found.push_back(information->prefix());
    return found;
  }
};

TEST_F(UncertifiedPrefix, IsAllowedWhereThatIsSaidAndLeavesTheOthersValid) {
  COVERS("SND-7.3-1");
  const auto refused = load("\"" + kUncertified + "\"");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error()[0].what.find("outside the address blocks"), std::string::npos);
  const auto loaded = load("{prefix = \"" + kUncertified + "\", certified = false}");
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(std::ranges::any_of(loaded->warnings, [](const config::Problem& warning) {
    return warning.what.find("certified is false") != std::string::npos;
  }));

  FakeRandom drawn{7};
  router::Router machine(loaded->machine, {}, drawn, bench.now);
  MachineBench there(&machine);
  there.host(machine::InterfaceUp{{0}, router.link_address, 1500});
  there.advance(seconds(4));
  ASSERT_FALSE(there.sent.empty());
  const Bytes said = there.sent[0].packet;
  ASSERT_EQ(said[40], 134);
  EXPECT_TRUE(signed_properly(said));
  EXPECT_EQ(prefixes_of(ByteView(said).subspan(40)),
            (std::vector{Prefix::literal(kOnLink), Prefix::literal(kUncertified)}));

  secured_only();
  start();
  (void)from_wire(said, router.link_address);
  const machine::HoldId hold = last_hold();
  give_path();
  const Bytes heard = icmp_of(verdict(hold));
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(prefixes_of(heard), std::vector{Prefix::literal(kOnLink)});
}

}  // namespace
}  // namespace sendoff::test
