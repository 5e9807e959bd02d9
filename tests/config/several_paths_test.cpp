// A router's certificates as a configuration names them, and what its daemon makes of them: one
// path below each anchor, or no router at all.
#include "config/fixture.h"
#include "nd/path_messages.h"
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

class SeveralPaths : public RouterTest {
 protected:
  // The example of the tests with these sections in place of its [certificate].
  Result<config::Loaded<router::Config>, config::Problems> load(const std::string& certificates) {
    config::MemoryFiles files;
    config::CountingRandom drawn;
    files.put("etc/ar.pem", load_file("keys/ar-2048.pem"), 0600);
    files.put("etc/anchor.der", certificate("anchor"));
    files.put("etc/second.der", second.anchor);
    put_path(files, "etc/chain.pem", {certificate("ca"), certificate("good-router")});
    put_path(files, "etc/second.pem", second.path_to("ar-2048"));
    put_path(files, "etc/of-another.pem", second.path_to("ar2-2048"));
    std::string text = config::kRouterFile;
    const std::size_t at = text.find("[certificate]");
    text.replace(at, text.find("[keys]") - at, certificates);
    files.put("etc/router.toml", text);
    return config::load_router("etc/router.toml", {files, config::kToday, drawn});
  }
  static void put_path(config::MemoryFiles& files, const std::string& name,
                       const std::vector<Bytes>& path) {
    std::string pem;
    for (const Bytes& der : path) pem += pki::to_pem(der);
    files.put(name, pem);
  }
  static std::string section(const std::string& chain, const std::string& anchor) {
    return "[[certificate]]\nchain = \"" + chain + "\"\nanchor = \"" + anchor + "\"\n";
  }
  // The path that the router answers a question for these anchors with, and whose it says it is.
  std::pair<std::vector<Bytes>, std::optional<Bytes>> answer(
      const std::vector<const pki::TrustAnchor*>& wanted) {
    bench.advance(seconds(2));
    bench.forget();
    Craft question;
    question.source = mn.link_local();
    question.destination = kAllRouters;
    question.head = octets_of(wire::CertificationPathSolicitation{++identifier_, 0xffff});
    for (const pki::TrustAnchor* anchor : wanted) question.options.push_back(option_of(*anchor));
    receive(question, mn);
    std::vector<Bytes> path;
    std::optional<Bytes> named;
    for (const machine::Transmit& sent : bench.sent) {
      if (sent.packet[40] != 149) continue;
      if (const auto option = find_option(sent.packet, wire::OptionType::kTrustAnchor))
        named = *option;
      const auto option = find_option(sent.packet, wire::OptionType::kCertificate);
      if (!option) continue;
      const auto parsed = wire::CertificateOption::parse(*option);
      path.push_back(to_bytes(pki::without_padding(parsed->certificate)));
    }
    return {path, named};
  }
  static Bytes option_of(const pki::TrustAnchor& anchor) {
    return octets_of(
        wire::TrustAnchorOption{wire::TrustAnchorOption::NameType::kDerName, anchor.subject_name});
  }

  Authority second{"other-2048", "Second anchor"};
  const pki::TrustAnchor first_ = *pki::TrustAnchor::parse(certificate("anchor"));
  const pki::TrustAnchor second_ = second.trusted();
  const pki::TrustAnchor unknown_ = Authority{"mn-2048", "Unknown anchor"}.trusted();

 private:
  std::uint16_t identifier_ = 0;
};

TEST_F(SeveralPaths, AreServedEachBelowItsAnchor) {
  COVERS("SND-6.5-3");
  const auto loaded =
      load(section("chain.pem", "anchor.der") + section("second.pem", "second.der"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  config = loaded->machine;
  bench.now.utc = config::kToday;
  start();
  for (const pki::TrustAnchor* anchor : {&first_, &second_}) {
    const auto [path, named] = answer({anchor});
    EXPECT_EQ(named, option_of(*anchor));
    const auto valid = pki::validate_path(path, {*anchor}, config::kToday);
    ASSERT_TRUE(valid) << name(valid.error());
    EXPECT_TRUE(equal(valid->spki, config.interfaces[0].identity.key->spki()));
  }
  EXPECT_EQ(answer({&first_}).first, (std::vector{certificate("ca"), certificate("good-router")}));
  EXPECT_EQ(answer({&second_}).first, second.path_to("ar-2048"));
  // Of several the first that it can serve, in the order of who asks.
  EXPECT_EQ(answer({&second_, &first_}).second, option_of(second_));
  EXPECT_EQ(answer({&first_, &second_}).second, option_of(first_));
  EXPECT_EQ(answer({&unknown_, &second_}).second, option_of(second_));
  EXPECT_TRUE(answer({&unknown_}).first.empty());

  // None: there is no router that could be trusted, so there is none.
  const auto none = load("");
  ASSERT_FALSE(none);
  ASSERT_EQ(none.error().size(), 1u);
  EXPECT_TRUE(none.error()[0].what.contains("[certificate] is missing"));
  EXPECT_FALSE(load("[certificate]\n"));
}

TEST_F(SeveralPaths, AreAllOfTheRoutersKeyAndOfDifferentAnchors) {
  const std::string good = section("chain.pem", "anchor.der");
  EXPECT_TRUE(load(good));
  EXPECT_FALSE(load(good + section("of-another.pem", "second.der")));
  EXPECT_FALSE(load(good + section("second.pem", "anchor.der")));
  const auto twice = load(good + good);
  ASSERT_FALSE(twice);
  EXPECT_TRUE(twice.error()[0].what.contains("one path for each"));
  // Another one below it is nothing that a running router takes.
  config = load(good)->machine;
  bench.now.utc = config::kToday;
  start();
  EXPECT_TRUE(router->handle(bench.now, config));
  EXPECT_FALSE(
      router->handle(bench.now, load(good + section("second.pem", "second.der"))->machine));
}

}  // namespace
}  // namespace sendoff::test
