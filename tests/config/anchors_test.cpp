// Trust anchors as a configuration names them: by a certificate, or by a key and a name.
#include "config/fixture.h"
#include "nd/path_messages.h"

namespace sendoff::test {
namespace {

constexpr std::string_view kCertificateOfIt = "[trust]\nanchors = [\"anchor.der\"]\n";

// One authority whose certificate, key and name the files hold, as `blocks` says.
class Anchors : public PathMessages {
 protected:
  using Loaded = Result<config::Loaded<nd::GuardConfig>, config::Problems>;

  Loaded load(const std::string& trust) {
    config::MemoryFiles files;
    config::CountingRandom drawn;
    files.put("etc/mn.pem", load_file("keys/mn-2048.pem"), 0600);
    files.put("etc/anchor.der", authority.anchor);
    files.put("etc/anchor.pub", signing_key(authority.key)->spki());
    files.put("etc/other.pub", signing_key("ar2-2048")->spki());
    files.put("etc/guard.toml",
              "[guard]\non_stop = \"open\"\n[[interface]]\nname = \"eth0\"\n[cga]\nkey = "
              "\"mn.pem\"\n" +
                  trust);
    return config::load_guard("etc/guard.toml", {files, config::kToday, drawn});
  }
  // As [[anchor]] says it, with some lines of the test's.
  [[nodiscard]] std::string fields(const std::string& more,
                                   const std::string& name = "CN=Our network") const {
    return "[[anchor]]\nkey = \"anchor.pub\"\nname = \"" + name + "\"\n" + more;
  }
  [[nodiscard]] std::string key_identifier() const {
    return "key_identifier = \"" + to_hex(pki::inspect(authority.anchor)->key_identifier) + "\"\n";
  }
  // What becomes of a path whose router has this prefix.
  Result<pki::CertifiedRouter, pki::PathError> judge(const std::string& trust,
                                                     const std::string& prefix) {
    const auto loaded = load(trust);
    EXPECT_TRUE(loaded) << trust << loaded.error()[0].text();
    if (!loaded) return fail(pki::PathError::kEmpty);
    EXPECT_EQ(loaded->machine.paths.anchors->size(), 1u);
    // Issued by the same key and name, which may be said to have more.
    const Authority generous{authority.key, authority.name, {Prefix::literal("2001:db8::/31")}};
    return pki::validate_path(generous.path_to("ar-2048", Prefix::literal(prefix)),
                              *loaded->machine.paths.anchors, config::kToday,
                              loaded->machine.paths.policy);
  }

  Authority authority{"other-2048", "Our network"};
};

TEST_F(Anchors, AreACertificateOrAKeyAndAName) {
  COVERS("SND-6.5-1");
  const std::string blocks = "blocks = [\"2001:db8::/32\"]\n";
  for (const std::string& trust :
       {std::string(kCertificateOfIt), fields(key_identifier() + blocks), fields(blocks)}) {
    const auto inside = judge(trust, "2001:db8:a:1::/64");
    ASSERT_TRUE(inside) << trust << name(inside.error());
    EXPECT_EQ(inside->blocks, std::vector{Prefix::literal("2001:db8:a:1::/64")});
    EXPECT_EQ(inside->path, "CN=Our network > CN=router");
    const auto outside = judge(trust, "2001:db9::/48");
    ASSERT_FALSE(outside) << trust;
    EXPECT_EQ(outside.error(), pki::PathError::kAddressBlocks);
  }
  // Ranges are the operator's to say, and may be left out where the profile allows it.
  EXPECT_TRUE(judge(fields("blocks = [\"2001:db8::/32\", \"2001:db9::/32\"]\n"), "2001:db9::/48"));
  EXPECT_FALSE(load(fields("")));
  const std::string older = "[trust]\nrfc3971_profile = true\n";
  EXPECT_TRUE(judge(older + fields(""), "2001:db9::/48"));

  // A host that has only these asks for a path by the name, and takes it.
  config.paths = load(fields(key_identifier() + blocks))->machine.paths;
  start();
  const Bytes question = ask_for_path();
  const auto asked = find_option(question, wire::OptionType::kTrustAnchor);
  ASSERT_TRUE(asked);
  EXPECT_EQ(wire::TrustAnchorOption::parse(*asked)->name_type,
            wire::TrustAnchorOption::NameType::kDerName);
  Cpa cpa;
  cpa.identifier = head(question).identifier;
  cpa.components = 1;
  cpa.certificate = authority.path_to("ar-2048").front();
  deliver(packet(cpa));
  EXPECT_TRUE(router_heard());
}

TEST_F(Anchors, OfAKeyAndANameEachPartCounts) {
  const std::string prefix = "2001:db8:a:1::/64";
  const std::string blocks = "blocks = \"2001:db8::/32\"\n";
  const auto error = [&](const std::string& trust) {
    const auto judged = judge(trust, prefix);
    return judged ? pki::PathError::kCount : judged.error();
  };
  EXPECT_EQ(error(fields(blocks)), pki::PathError::kCount);
  EXPECT_EQ(error(fields(blocks, "cn=our  NETWORK")), pki::PathError::kCount);
  EXPECT_EQ(error(fields(blocks, "CN=Our network,O=Other")), pki::PathError::kNoAnchor);
  EXPECT_EQ(error(fields(blocks + "key_identifier = \"0011\"\n")), pki::PathError::kSignature);
  std::string other = fields(blocks);
  other.replace(other.find("anchor.pub"), 10, "other.pub");
  EXPECT_EQ(error(other), pki::PathError::kSignature);
  // A change of any is another anchor.
  const auto anchors = [&](const std::string& trust) { return load(trust)->machine.paths.anchors; };
  EXPECT_EQ(*anchors(fields(blocks)), *anchors(fields(blocks)));
  EXPECT_NE(*anchors(fields(blocks)), *anchors(fields("blocks = \"2001:db8::/31\"\n")));
  EXPECT_NE(*anchors(fields(blocks)), *anchors(other));
}

TEST_F(Anchors, OfFieldsThatAreNoneAreRefused) {
  const std::string blocks = "blocks = \"2001:db8::/32\"\n";
  const auto says = [&](const std::string& trust) {
    const auto loaded = load(trust);
    return loaded ? std::string() : loaded.error()[0].what;
  };
  const auto without = [&](const std::string& part) {
    std::string text = fields(blocks);
    const std::size_t at = text.find(part);
    return text.erase(at, text.find('\n', at) + 1 - at);
  };
  EXPECT_TRUE(says(without("key")).contains("[[anchor]] key is missing"));
  EXPECT_TRUE(says(without("name")).contains("[[anchor]] name is missing"));
  EXPECT_TRUE(says(fields(blocks + "key_identifier = \"0x\"\n")).contains("hexadecimal"));
  EXPECT_TRUE(says(fields("blocks = \"everything\"\n")).contains("[[anchor]] blocks"));
  for (const char* no_name :
       {"Our network", "CN=", "XX=1", "CN=a+O=b", "CN=a,", "CN=a\\\\\\\\\\\\"})
    EXPECT_TRUE(says(fields(blocks, no_name)).contains("[[anchor]] name")) << no_name;
  std::string text = fields(blocks);
  text.replace(text.find("anchor.pub"), 10, "anchor.der");
  EXPECT_TRUE(says(text).contains("makes no trust anchor"));
  text = fields(blocks);
  text.replace(text.find("anchor.pub"), 10, "guard.toml");
  EXPECT_TRUE(says(text).contains("no public key"));
}

TEST_F(Anchors, HaveNamesAsTheyAreShown) {
  for (const std::string shown :
       {"CN=Our network", "CN=a\\,b,O=c\\+d\\=e", "CN=\xc3\xbc,OU=two,OU=one,O=Example,C=DE"}) {
    authority.anchor = [&] {
      pki::AnchorFields made;
      made.spki = to_bytes(signing_key("ar-2048")->spki());
      made.name = pki::name_from_text(shown).value();
      made.blocks = {Prefix::literal("2001:db8::/32")};
      return pki::TrustAnchor::of(made)->certificate;
    }();
    const auto info = pki::inspect(authority.anchor);
    ASSERT_TRUE(info) << shown;
    EXPECT_EQ(pki::name_from_text(info->subject), info->subject_name) << info->subject;
  }
}

}  // namespace
}  // namespace sendoff::test
