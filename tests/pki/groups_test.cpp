// The groups of rules that a certification path of SEND is under: the profile of resource
// certificates, their validation, their revocation lists, and the validation of RFC 5280. A path
// that keeps them all, and each group broken once; `openssl verify` is asked beside us wherever the
// rule is one that it knows.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "pki/forge_list.h"
#include "pki/revocation.h"
#include "support/covers.h"
#include "system/command.h"

namespace sendoff::pki {
namespace {

using test::days;
using test::kNow;

// Anchor > ca > middle > router as RFC 6487 4 wants them to the letter, with a current list of each
// issuer. A test spoils something, before it is signed or on its way.
struct Papers {
  test::LongChain path;
  test::Forgery& ca = path.chain.ca;
  test::Forgery& middle = path.middle;
  test::Forgery& router = path.chain.router;
  std::vector<test::ListForgery> lists;  // of the anchor, of ca, of middle
  std::function<void(std::vector<Bytes>&)> on_the_way;
  UtcTime at = kNow;

  Papers() {
    for (test::Forgery* each : path.places()) {
      each->extensions["certificatePolicies"] = "critical,1.3.6.1.5.5.7.14.2";
      each->extensions["crlDistributionPoints"] = "URI:rsync://repository.example/a.crl";
      each->extensions["authorityInfoAccess"] = "caIssuers;URI:rsync://repository.example/a.cer";
      each->extensions["subjectInfoAccess"] =
          "1.3.6.1.5.5.7.48.11;URI:rsync://repository.example/a.roa";
      lists.push_back({.issuer_name = each->issuer_name, .issuer_key = each->issuer_key});
    }
  }
  Papers(const Papers&) = delete;

  [[nodiscard]] std::vector<Bytes> certificates() const {
    std::vector<Bytes> made = path.path();
    if (on_the_way) on_the_way(made);
    return made;
  }
};

// The error of the path or, of one that is valid, whether it is revoked.
std::string our_verdict(const Papers& papers, const Policy& policy) {
  const auto router =
      validate_path(papers.certificates(), {papers.path.chain.trust_anchor()}, papers.at, policy);
  if (!router) return std::string(name(router.error()));
  auto lists = std::make_shared<std::vector<RevocationList>>();
  for (const test::ListForgery& forgery : papers.lists)
    if (auto list = RevocationList::parse(forge_list(forgery))) lists->push_back(std::move(*list));
  return std::string(name(standing_of(*router->chain, lists, papers.at)));
}

// In a directory that ends with it.
class OpenSslVerify {
 public:
  OpenSslVerify() {
    directory_ = testing::TempDir() + "/sendoff-groups-XXXXXX";
    invariant(mkdtemp(directory_.data()) != nullptr);
  }
  ~OpenSslVerify() { std::filesystem::remove_all(directory_); }
  OpenSslVerify(const OpenSslVerify&) = delete;

  [[nodiscard]] test::Ran operator()(const Papers& papers) const {
    std::vector<Bytes> path = papers.certificates();
    write("anchor", to_pem(papers.path.chain.trust_anchor().certificate));
    write("leaf", path.empty() ? "" : to_pem(path.back()));
    std::string above;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) above += to_pem(path[i]);
    write("above", above);
    std::string command = "cd " + directory_ +
                          " && openssl verify -x509_strict -policy_check -policy anyPolicy "
                          "-crl_check_all "
                          "-attime " +
                          std::to_string(whole_seconds(papers.at.time_since_epoch())) +
                          " -CAfile anchor " + (above.empty() ? "" : "-untrusted above ");
    for (std::size_t i = 0; i < papers.lists.size(); ++i) {
      write("list" + std::to_string(i), list_to_pem(forge_list(papers.lists[i])));
      command += "-CRLfile list" + std::to_string(i) + " ";
    }
    return test::run(command + "leaf");
  }

 private:
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(directory_ + "/" + file, std::ios::binary) << text;
  }
  std::string directory_;
};

enum class Theirs : std::uint8_t { kTheSame, kNotTheirRule };

struct GroupRule {
  const char* where;  // section and what is broken
  std::function<void(Papers&)> breaks;
  const char* normal;
  const char* strict;
  Theirs theirs = Theirs::kTheSame;  // as in normal mode
};

void judge_rules(const std::vector<GroupRule>& rules) {
  const OpenSslVerify openssl;
  for (const GroupRule& rule : rules) {
    SCOPED_TRACE(rule.where);
    Papers papers;
    ASSERT_EQ(our_verdict(papers, {.strict_rfc6487 = true}), "good");
    rule.breaks(papers);
    EXPECT_EQ(our_verdict(papers, {}), rule.normal);
    EXPECT_EQ(our_verdict(papers, {.strict_rfc6487 = true}), rule.strict);
    if (rule.theirs == Theirs::kNotTheirRule) continue;
    const test::Ran theirs = openssl(papers);
    EXPECT_EQ(theirs.status == 0, std::string_view(rule.normal) == "good") << theirs.output;
  }
}

// Sets an extension; nothing for a value takes it away.
std::function<void(Papers&)> setting(test::Forgery& (*which)(Papers&), const char* extension,
                                     const char* value) {
  return [=](Papers& papers) { which(papers).extensions[extension] = value; };
}
test::Forgery& the_ca(Papers& papers) { return papers.ca; }
test::Forgery& the_middle(Papers& papers) { return papers.middle; }
test::Forgery& the_router(Papers& papers) { return papers.router; }

TEST(RuleGroups, APathThatKeepsThemAllIsGoodForOpenSslToo) {
  const Papers papers;
  EXPECT_EQ(our_verdict(papers, {}), "good");
  EXPECT_EQ(our_verdict(papers, {.strict_rfc6487 = true}), "good");
  const test::Ran theirs = OpenSslVerify()(papers);
  EXPECT_EQ(theirs.status, 0) << theirs.output;
}

TEST(RuleGroups, OfTheResourceCertificateProfileEachFieldIsHeld) {
  COVERS("CRT-6494-2");
  constexpr Theirs kOurs = Theirs::kNotTheirRule;
  judge_rules({
      {"4.1 version", [](Papers& p) { p.middle.version = 2; }, "profile", "profile"},
      {"4.2 serial number", [](Papers& p) { p.middle.serial = -7; }, "profile", "profile", kOurs},
      {"4.3 algorithm", [](Papers& p) { p.router.digest = EVP_sha384(); }, "key-policy",
       "key-policy", kOurs},
      {"4.4 issuer, as the name of its subject",
       [](Papers& p) { p.router.name_type = V_ASN1_UTF8STRING; }, "good", "profile"},
      {"4.5 subject", [](Papers& p) { p.router.organization = "Example"; }, "good", "profile"},
      {"4.6 validity", [](Papers& p) { p.middle.not_after = days(-1); }, "expired", "expired"},
      {"4.7 key", [](Papers& p) { p.router.key = test::test_key("ar-1024"); }, "key-policy",
       "key-policy", kOurs},
      {"4.8 an extension that it does not mention", setting(the_router, "1.2.3.4", "DER:05:00"),
       "good", "profile"},
      {"4.8 a critical one", setting(the_router, "1.2.3.4", "critical,DER:05:00"), "profile",
       "profile"},
      {"4.8.1 basic constraints of a CA", setting(the_middle, "basicConstraints", ""), "not-ca",
       "not-ca"},
      {"4.8.1 not critical", setting(the_middle, "basicConstraints", "CA:TRUE"), "profile",
       "profile"},
      {"4.8.1 path length", setting(the_middle, "basicConstraints", "critical,CA:TRUE,pathlen:0"),
       "good", "profile"},
      {"4.8.1 of a router", setting(the_router, "basicConstraints", "critical,CA:FALSE"), "good",
       "profile"},
      {"4.8.2 subject key identifier", setting(the_middle, "subjectKeyIdentifier", ""), "profile",
       "profile"},
      {"4.8.3 authority key identifier", setting(the_router, "authorityKeyIdentifier", ""),
       "profile", "profile"},
      {"4.8.4 key usage of a CA",
       setting(the_ca, "keyUsage", "critical,keyCertSign,cRLSign,digitalSignature"), "profile",
       "profile", kOurs},
      {"4.8.4 of a router",
       setting(the_router, "keyUsage", "critical,digitalSignature,keyAgreement"), "profile",
       "profile", kOurs},
      {"4.8.5 extended key usage of a CA",
       setting(the_middle, "extendedKeyUsage", "1.3.6.1.5.5.7.3.23"), "extended-key-usage",
       "extended-key-usage", kOurs},
      {"4.8.5 critical", setting(the_router, "extendedKeyUsage", "critical,1.3.6.1.5.5.7.3.23"),
       "extended-key-usage", "extended-key-usage", kOurs},
      {"4.8.6 two distribution points",
       setting(the_router, "crlDistributionPoints",
               "URI:rsync://repository.example/a,URI:rsync://repository.example/b"),
       "profile", "profile", kOurs},
      {"4.8.6 none", setting(the_router, "crlDistributionPoints", ""), "good", "profile"},
      {"4.8.7 authority information", setting(the_middle, "authorityInfoAccess", ""), "good",
       "profile"},
      {"4.8.8 subject information", setting(the_middle, "subjectInfoAccess", ""), "good",
       "profile"},
      {"4.8.9 policy", setting(the_router, "certificatePolicies", ""), "good", "profile"},
      {"4.8.9 two",
       setting(the_router, "certificatePolicies", "critical,1.3.6.1.5.5.7.14.2,1.2.3.4"), "good",
       "profile"},
      {"4.8.10 addresses", setting(the_middle, "sbgp-ipAddrBlock", ""), "address-blocks",
       "address-blocks"},
      {"4.8.10 not critical", setting(the_middle, "sbgp-ipAddrBlock", "IPv6:2001:db8::/32"),
       "address-blocks", "address-blocks", kOurs},
      {"4.8.11 routing domains", setting(the_router, "sbgp-autonomousSysNum", "critical,RDI:1"),
       "profile", "profile", kOurs},
  });
}

TEST(RuleGroups, OfItsRevocationListsEachRuleIsHeld) {
  COVERS("CRT-6494-18");
  constexpr Theirs kOurs = Theirs::kNotTheirRule;
  const Bytes serial = {7};  // of all certificates here
  const Bytes other = {6};
  const auto extended = [](const char* extension, const char* value) {
    return [=](Papers& p) { p.lists[2].extensions[extension] = value; };
  };
  judge_rules({
      {"7.2 the router is listed", [&](Papers& p) { p.lists[2].serials = {other, serial}; },
       "revoked", "revoked"},
      {"7.2 its CA is listed", [&](Papers& p) { p.lists[1].serials = {serial}; }, "revoked",
       "revoked"},
      {"7.2 the highest CA is listed", [&](Papers& p) { p.lists[0].serials = {serial}; }, "revoked",
       "revoked"},
      {"7.2 another one is listed", [&](Papers& p) { p.lists[2].serials = {other}; }, "good",
       "good"},
      {"7.2 no list", [](Papers& p) { p.lists.pop_back(); }, "undetermined", "undetermined"},
      {"7.2 by another key",
       [](Papers& p) { p.lists[2].signing_key = test::test_key("other-2048"); }, "undetermined",
       "undetermined"},
      {"7.2 by a key that calls itself the issuer",
       [](Papers& p) { p.lists[2].issuer_key = p.lists[2].signing_key = p.ca.key; }, "undetermined",
       "undetermined"},
      {"5 of another issuer", [](Papers& p) { p.lists[2].issuer_name = "ca"; }, "undetermined",
       "undetermined"},
      {"5 nextUpdate", [](Papers& p) { p.lists[2].next_update = days(-1); }, "undetermined",
       "undetermined"},
      {"5 thisUpdate", [](Papers& p) { p.lists[2].this_update = days(1); }, "undetermined",
       "undetermined"},
      {"5 version 1", [](Papers& p) { p.lists[2].version = 1; }, "undetermined", "undetermined",
       kOurs},
      {"5 no number", [](Papers& p) { p.lists[2].number = {}; }, "undetermined", "undetermined",
       kOurs},
      {"5 no key identifier", extended("authorityKeyIdentifier", ""), "undetermined",
       "undetermined", kOurs},
      {"5 a delta list", extended("2.5.29.27", "critical,DER:020101"), "undetermined",
       "undetermined", kOurs},
      {"5 an indirect list", extended("2.5.29.28", "critical,DER:30038401ff"), "undetermined",
       "undetermined"},
      {"5 an unknown extension", extended("1.2.3.4", "DER:0500"), "undetermined", "undetermined",
       kOurs},
      {"5 an extension of an entry",
       [&](Papers& p) {
         p.lists[2].serials = {other};
         p.lists[2].entry_extension = true;
       },
       "undetermined", "undetermined", kOurs},
      {"5 of two lists the higher number counts",
       [&](Papers& p) {
         p.lists.push_back(p.lists[2]);
         p.lists.back().this_update = days(-2);
         p.lists[2].serials = {serial};
         p.lists[2].number = {2};
       },
       "revoked", "revoked"},
      {"5 and what the lower one says does not",
       [&](Papers& p) {
         p.lists.push_back(p.lists[2]);
         p.lists.back().serials = {serial};
         p.lists.back().this_update = days(-2);
         p.lists[2].number = {2};
       },
       "good", "good"},
  });
}

TEST(RuleGroups, OfResourceCertificateValidationEachStepIsTaken) {
  COVERS("CRT-6494-20");
  judge_rules({
      {"7.1 addresses beyond the issuer's",
       setting(the_router, "sbgp-ipAddrBlock", "critical,IPv6:2001:db9::/64"), "address-blocks",
       "address-blocks"},
      {"7.1 a range across two of the issuer's",
       [](Papers& p) {
         p.middle.extensions["sbgp-ipAddrBlock"] =
             "critical,IPv6:2001:db8::/48,IPv6:2001:db8:2::/48";
         p.router.extensions["sbgp-ipAddrBlock"] = "critical,IPv6:2001:db8::/46";
       },
       "address-blocks", "address-blocks"},
      {"7.2 AS numbers beyond the issuer's",
       setting(the_router, "sbgp-autonomousSysNum", "critical,AS:64500"), "address-blocks",
       "address-blocks"},
      {"7.2 a certificate is missing",
       [](Papers& p) { p.on_the_way = [](auto& path) { path.erase(path.begin() + 1); }; },
       "signature", "signature"},
      {"7.2 no anchor issued the first one",
       [](Papers& p) { p.on_the_way = [](auto& path) { path.erase(path.begin()); }; }, "no-anchor",
       "no-anchor"},
      {"7.2 (1) signature",
       [](Papers& p) { p.on_the_way = [](auto& path) { path[1].back() ^= 1; }; }, "signature",
       "signature"},
      {"7.2 (2) not yet", [](Papers& p) { p.router.not_before = days(1); }, "not-yet-valid",
       "not-yet-valid"},
      {"7.2 (2) no more", [](Papers& p) { p.at = days(101); }, "expired", "expired"},
      {"7.2 (3) a field that has to be there", setting(the_middle, "subjectKeyIdentifier", ""),
       "profile", "profile"},
      {"7.2 (3) in the strict profile", setting(the_middle, "authorityInfoAccess", ""), "good",
       "profile"},
      {"7.2 (4) one that may not be there",
       setting(the_middle, "extendedKeyUsage", "1.3.6.1.5.5.7.3.23"), "extended-key-usage",
       "extended-key-usage", Theirs::kNotTheirRule},
      {"7.2 (5) revoked", [](Papers& p) { p.lists[1].serials = {Bytes{7}}; }, "revoked", "revoked"},
      {"7.2 (7) the name of the issuer", [](Papers& p) { p.router.issuer_name = "another"; },
       "signature", "signature"},
      {"7.2 (7) the key of the issuer",
       [](Papers& p) { p.router.issuer_key = test::test_key("other-2048"); }, "signature",
       "signature"},
  });
}

TEST(RuleGroups, OfPathValidationEachPartIsThatOfRfc5280) {
  COVERS("CRT-3971-24");
  judge_rules({
      {"6.1.3 (a)(1) signature",
       [](Papers& p) { p.on_the_way = [](auto& path) { path[0].back() ^= 1; }; }, "signature",
       "signature"},
      {"6.1.3 (a)(2) time", [](Papers& p) { p.ca.not_after = days(-1); }, "expired", "expired"},
      {"6.1.3 (a)(3) revocation", [](Papers& p) { p.lists[2].serials = {Bytes{7}}; }, "revoked",
       "revoked"},
      {"6.1.3 (a)(4) issuer", [](Papers& p) { p.middle.issuer_name = "another"; }, "signature",
       "signature"},
      {"6.1.3 (b) a name that is not permitted",
       [](Papers& p) {
         p.ca.extensions["nameConstraints"] = "critical,permitted;DNS:a.example";
         p.router.extensions["subjectAltName"] = "DNS:router.b.example";
       },
       "profile", "profile"},
      {"6.1.3 (c) a name that is excluded",
       [](Papers& p) {
         p.middle.extensions["nameConstraints"] = "critical,excluded;DNS:a.example";
         p.router.extensions["subjectAltName"] = "DNS:router.a.example";
       },
       "profile", "profile"},
      {"6.1.3 (f) no policy where one is required",
       [](Papers& p) {
         p.ca.extensions["policyConstraints"] = "critical,requireExplicitPolicy:0";
         p.router.extensions["certificatePolicies"] = "";
       },
       "profile", "profile"},
      {"6.1.4 (k) an issuer that is no CA",
       setting(the_ca, "basicConstraints", "critical,CA:FALSE"), "not-ca", "not-ca"},
      {"6.1.4 (l) path length", setting(the_ca, "basicConstraints", "critical,CA:TRUE,pathlen:0"),
       "not-ca", "profile"},
      {"6.1.4 (n) key usage", setting(the_middle, "keyUsage", "critical,cRLSign"), "not-ca",
       "not-ca"},
      {"6.1.4 (o) a critical extension of an issuer",
       setting(the_middle, "1.2.3.4", "critical,DER:05:00"), "profile", "profile"},
      {"6.1.5 (f) of the last", setting(the_router, "1.2.3.4", "critical,DER:05:00"), "profile",
       "profile"},
      {"6.3.3 a list that is out of date", [](Papers& p) { p.lists[0].next_update = days(-1); },
       "undetermined", "undetermined"},
  });
}

}  // namespace
}  // namespace sendoff::pki
