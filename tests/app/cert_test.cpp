// `sendoff cert` at the terminal, and `openssl verify` beside it: of what RFC 5280 and RFC 3779 say
// both must have the same opinion, on good paths and on bad ones.
#include "app/terminal.h"
#include "pki/certificate.h"
#include "pki/forge.h"
#include "support/vectors.h"

namespace sendoff::test {
namespace {

// By what a chain is judged.
struct Extra {
  std::vector<std::string> lists = {};
  int days_from_now = 0;
  std::string anchor = "anchor.pem";
  bool host = false;
};

class Cert : public Terminal {
 protected:
  // Anchor > CA > router, in chain.pem.
  void SetUp() override {
    Terminal::SetUp();
    make(
        "cert anchor --name anchor --prefix 2001:db8::/32 --out-cert anchor.pem "
        "--out-key anchor.key");
    make(
        "cert ca --name ca --issuer-cert anchor.pem --issuer-key anchor.key "
        "--prefix 2001:db8:a::/47 --out-cert ca.pem --out-key ca.key");
    make("cert router --name ar1 " + by_ca() +
         " --prefix 2001:db8:a:1::/64 --out-cert chain.pem --out-key ar.key");
  }
  static std::string by_ca() { return "--issuer-cert ca.pem --issuer-key ca.key"; }
  static std::string by_anchor() { return "--issuer-cert anchor.pem --issuer-key anchor.key"; }

  // The verdicts of `sendoff cert verify` and of `openssl verify` on a chain file.
  [[nodiscard]] std::pair<Ran, Ran> verdicts(const std::string& chain, const Extra& extra) const {
    const std::string day =
        "$(date -u -d '" + std::to_string(extra.days_from_now) + " days' +%Y-%m-%dT%H:%M:%SZ)";
    std::string ours = program() + " cert verify --anchor " + extra.anchor + " " + chain +
                       " --at " + day + (extra.host ? " --host" : "");
    // openssl wants the last certificate by itself.
    std::string theirs =
        "awk '/BEGIN/{text=\"\"} {text=text $0 \"\\n\"} END{printf \"%s\", text}' " + chain +
        " > leaf; openssl verify -x509_strict -attime $(date -d '" +
        std::to_string(extra.days_from_now) + " days' +%s) -CAfile " + extra.anchor +
        " -untrusted " + chain;
    for (const std::string& list : extra.lists) {
      ours += " --crl " + list;
      theirs += " -CRLfile " + list;
    }
    if (!extra.lists.empty()) theirs += " -crl_check_all";
    return {shell(ours), shell(theirs + " leaf")};
  }
  void expect_good(const std::string& chain, const Extra& extra = {}) const {
    const auto [ours, theirs] = verdicts(chain, extra);
    EXPECT_EQ(ours.status, 0) << ours.output;
    EXPECT_EQ(theirs.status, 0) << theirs.output;
  }
  void expect_bad(const std::string& chain, const std::string& why, const Extra& extra = {}) const {
    const auto [ours, theirs] = verdicts(chain, extra);
    EXPECT_EQ(ours.status, 1) << ours.output;
    EXPECT_NE(ours.output.find("refused: " + why + "\n"), std::string::npos) << ours.output;
    EXPECT_NE(theirs.status, 0) << theirs.output;
  }
};

TEST_F(Cert, GoodPathsAreGoodForBoth) {
  expect_good("chain.pem");
  make("cert router --name direct " + by_anchor() +
       " --prefix 2001:db8:c::/64 --out-cert direct.pem --out-key direct.key");
  expect_good("direct.pem");
  make("cert router --name heir " + by_ca() + " --inherit --out-cert heir.pem --out-key heir.key");
  expect_good("heir.pem");
  make("cert host --name host1 " + by_ca() +
       " --prefix 2001:db8:a:1::7/128 --out-cert host.pem --out-key host.key");
  expect_good("host.pem", {.host = true});
  EXPECT_EQ(sendoff("cert verify --anchor anchor.pem host.pem").status, 1);
  EXPECT_EQ(sendoff("cert verify --host --anchor anchor.pem chain.pem").status, 1);
}

TEST_F(Cert, BadPathsAreBadForBoth) {
  expect_bad("chain.pem", "expired", {.days_from_now = 366});
  expect_bad("chain.pem", "not-yet-valid", {.days_from_now = -1});
  make("cert anchor --name anchor --prefix 2001:db8::/32 --out-cert other.pem --out-key other.key");
  expect_bad("chain.pem", "signature", {.anchor = "other.pem"});
  make("cert anchor --name else --prefix 2001:db8::/32 --out-cert else.pem --out-key else.key");
  expect_bad("chain.pem", "no-anchor", {.anchor = "else.pem"});
  // The CA left out.
  ASSERT_EQ(
      shell("awk '/BEGIN/{text=\"\"} {text=text $0 \"\\n\"} END{printf \"%s\", text}' chain.pem "
            "> alone.pem")
          .status,
      0);
  expect_bad("alone.pem", "no-anchor");
  // Another CA of the same name in its place.
  make("cert ca --name ca " + by_anchor() +
       " --prefix 2001:db8:a::/47 --out-cert ca2.pem --out-key ca2.key");
  ASSERT_EQ(shell("cat ca2.pem alone.pem > swapped.pem").status, 0);
  expect_bad("swapped.pem", "signature");
}

TEST_F(Cert, RevokedAndUndeterminedAreRefusedByBoth) {
  make("cert router --name ar2 " + by_ca() +
       " --prefix 2001:db8:b:1::/64 --out-cert chain2.pem --out-key ar2.key");
  make("cert revoke " + by_ca() + " --crl ca.crl");
  make("cert revoke " + by_anchor() + " --crl anchor.crl");
  const Extra both{.lists = {"ca.crl", "anchor.crl"}};
  expect_good("chain.pem", both);
  make("cert revoke " + by_ca() + " --crl ca.crl --cert chain.pem");
  expect_bad("chain.pem", "revoked", both);
  expect_good("chain2.pem", both);
  // Without lists nothing is asked.
  expect_good("chain.pem");
  // The next list has it still, and its number is higher.
  make("cert revoke " + by_ca() + " --crl ca.crl --days 10");
  expect_bad("chain.pem", "revoked", both);
  EXPECT_NE(sendoff("cert inspect ca.crl").output.find("number          0x03"), std::string::npos);
  // Out of date; of one issuer only; of another CA of the same name.
  Extra late = both;
  late.days_from_now = 11;
  expect_bad("chain2.pem", "undetermined", late);
  expect_bad("chain2.pem", "no source", {.lists = {"anchor.crl"}});
  make("cert ca --name ca " + by_anchor() +
       " --prefix 2001:db8:a::/47 --out-cert ca2.pem --out-key ca2.key");
  make("cert revoke --issuer-cert ca2.pem --issuer-key ca2.key --crl ca2.crl");
  expect_bad("chain2.pem", "undetermined", {.lists = {"ca2.crl", "anchor.crl"}});
  // The CA itself.
  make("cert revoke " + by_anchor() + " --crl anchor.crl --cert ca.pem");
  expect_bad("chain2.pem", "revoked", both);
}

TEST_F(Cert, AReasonIsGivenInWords) {
  make("cert revoke " + by_ca() + " --crl ca.crl --cert chain.pem");
  make("cert revoke " + by_anchor() + " --crl anchor.crl");
  const Ran ran =
      sendoff("cert verify --anchor anchor.pem chain.pem --crl ca.crl --crl anchor.crl");
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.output.find("CN=ar1 (serial number "), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("is on list 0x01 of CN=ca"), std::string::npos) << ran.output;
  const Ran other = sendoff("cert verify --anchor anchor.pem chain.pem --crl anchor.crl");
  EXPECT_NE(other.output.find("none of its issuer CN=ca was given"), std::string::npos)
      << other.output;
}

TEST_F(Cert, RenewalKeepsWhoAndWhatAndChangesWhen) {
  make("cert renew chain.pem " + by_ca() + " --days 30 --out-cert renewed.pem");
  expect_good("renewed.pem");
  expect_bad("renewed.pem", "expired", {.days_from_now = 31});
  const auto last = [&](const std::string& name) {
    const std::string text = read(name);
    const auto certificates =
        pki::decode_certificates({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return *pki::inspect(pki::path_order(*certificates).back());
  };
  const auto before = last("chain.pem");
  const auto after = last("renewed.pem");
  EXPECT_EQ(after.subject_name, before.subject_name);
  EXPECT_EQ(after.spki, before.spki);
  EXPECT_EQ(after.blocks, before.blocks);
  EXPECT_TRUE(after.send_router);
  EXPECT_NE(after.serial, before.serial);
  EXPECT_LT(after.not_after, before.not_after);
  // A revoked one is not what the new one is.
  make("cert revoke " + by_ca() + " --crl ca.crl --cert chain.pem");
  make("cert revoke " + by_anchor() + " --crl anchor.crl");
  expect_good("renewed.pem", {.lists = {"ca.crl", "anchor.crl"}});
  expect_bad("chain.pem", "revoked", {.lists = {"ca.crl", "anchor.crl"}});
  // CA and anchor too.
  make("cert renew ca.pem " + by_anchor() + " --out-cert ca-new.pem");
  ASSERT_EQ(shell("awk '/BEGIN/{n++} n==2' chain.pem | cat ca-new.pem - > under-new.pem").status,
            0);
  expect_good("under-new.pem");
  make("cert renew anchor.pem " + by_anchor() + " --out-cert anchor-new.pem");
  expect_good("chain.pem", {.anchor = "anchor-new.pem"});
}

TEST_F(Cert, OnlyWhatTheIssuerSignedIsRenewedOrRevoked) {
  // A certificate that borrows the CA's name.
  Chain forged;
  forged.ca.name = forged.router.issuer_name = "ca";
  forged.router.issuer_key = test_key("ca2-2048");
  write("forged.pem", pki::to_pem(forge(forged.router)));
  const Ran renewed = sendoff("cert renew forged.pem " + by_ca() + " --out-cert new.pem");
  EXPECT_EQ(renewed.status, 2);
  EXPECT_NE(renewed.output.find("was not issued by CN=ca"), std::string::npos) << renewed.output;
  EXPECT_FALSE(std::filesystem::exists(path("new.pem")));
  const Ran revoked = sendoff("cert revoke " + by_ca() + " --crl ca.crl --cert forged.pem");
  EXPECT_EQ(revoked.status, 2);
  EXPECT_NE(revoked.output.find("holds no certificate that CN=ca issued"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path("ca.crl")));
  // Nor does a list of somebody else go on as this CA's.
  make("cert revoke " + by_anchor() + " --crl anchor.crl");
  const std::string before = read("anchor.crl");
  const Ran other = sendoff("cert revoke " + by_ca() + " --crl anchor.crl --cert chain.pem");
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.output.find("is no list of CN=ca"), std::string::npos) << other.output;
  EXPECT_EQ(read("anchor.crl"), before);
  for (const char* serial : {"", "00", "xyz", "010203040506070809101112131415161718192021"})
    EXPECT_EQ(sendoff("cert revoke " + by_ca() + " --crl ca.crl --serial '" + serial + "'").status,
              2)
        << serial;
  make("cert revoke " + by_ca() + " --crl ca.crl --serial 9a");
  EXPECT_NE(sendoff("cert inspect ca.crl").output.find("    009a since "), std::string::npos);
}

TEST_F(Cert, InspectTellsCertificatesAndListsInWords) {
  make("cert router --name ar3 " + by_ca() +
       " --crl-uri rsync://example.org/ca.crl --crl-uri http://example.org/ca.crl"
       " --prefix 2001:db8:a:1::/64 --out-cert listed.pem --out-key ar3.key");
  const Ran shown = sendoff("cert inspect listed.pem");
  EXPECT_EQ(shown.status, 0);
  for (const char* part :
       {"certificate 2 of 2", "role            router (sendRouter)", "subject         CN=ar3",
        "issuer          CN=ca", "addresses       2001:db8:a:1::/64",
        "lists at        rsync://example.org/ca.crl", "lists at        http://example.org/ca.crl"})
    EXPECT_NE(shown.output.find(part), std::string::npos) << part << "\n" << shown.output;
  EXPECT_EQ(sendoff("cert show chain.pem").status, 0);  // its older name
}

// OpenSSL knows RFC 5280 and RFC 3779, but neither the key purposes and key sizes of SEND nor RFC
// 6487's own rules: these reasons are ours alone.
bool ours_alone(const Vector& vector) {
  static const std::set<std::string> kOurs = {"eku",
                                              "ca-eku",
                                              "no-address-blocks",
                                              "address-blocks-not-critical",
                                              "safi",
                                              "key-mismatch",
                                              "key-size",
                                              "aki",
                                              "key-exponent",
                                              "router-is-ca",
                                              "ski",
                                              "key-usage",
                                              "version",
                                              "signature-algorithm",
                                              "duplicate-extension",
                                              "empty-blocks"};
  if (vector.has("note") && vector.text("note").find("OpenSSL alone") != std::string::npos)
    return true;
  return vector.text("verdict") == "bad" && kOurs.contains(vector.text("reason"));
}

TEST_F(Terminal, OpenSslAndWeAgreeOnEveryPathOfTheVectors) {
  std::size_t compared = 0;
  for (const Vector& vector : load_vectors("pki.txt")) {
    if (!vector.has("path")) continue;
    std::string chain;
    std::string untrusted;
    std::string leaf;
    std::istringstream names(vector.text("path"));
    for (std::string name; names >> name;) {
      const std::string pem = pki::to_pem(load_file("pki/" + name + ".der"));
      if (!leaf.empty()) untrusted += leaf;
      leaf = pem;
      chain += pem;
    }
    write("anchor.pem", pki::to_pem(load_file("pki/" + vector.text("anchor") + ".der")));
    write("chain.pem", chain);
    write("untrusted.pem", untrusted.empty() ? leaf : untrusted);
    write("leaf.pem", leaf);
    const bool good = vector.text("verdict") == "good";
    const Ran ours =
        sendoff("cert verify --anchor anchor.pem chain.pem --at " + vector.text("now"));
    // Whose message it is for, the path alone does not say.
    if (good || vector.text("reason") != "key-mismatch") {
      EXPECT_EQ(ours.status == 0, good) << vector.name << "\n" << ours.output;
    }
    if (ours_alone(vector)) continue;
    const Ran theirs = shell("openssl verify -x509_strict -attime $(date -d " + vector.text("now") +
                             " +%s) -CAfile anchor.pem -untrusted untrusted.pem leaf.pem");
    EXPECT_EQ(theirs.status == 0, good) << vector.name << "\n" << theirs.output;
    ++compared;
  }
  EXPECT_GT(compared, 25U);
}

}  // namespace
}  // namespace sendoff::test
