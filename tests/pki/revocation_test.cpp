// Which revocation lists count, and what they say of a certificate; lists of ours among them.
#include "pki/revocation.h"

#include <gtest/gtest.h>

#include "pki/forge_list.h"
#include "pki/issue.h"
#include "support/covers.h"

namespace sendoff::pki {
namespace {

using test::Chain;
using test::days;
using test::forge;
using test::forge_list;
using test::kNow;
using test::ListForgery;

const Bytes kSerial = {7};  // of what Chain makes

std::string parse_verdict(const ListForgery& forgery) {
  const auto list = RevocationList::parse(forge_list(forgery));
  return list ? "taken" : std::string(name(list.error()));
}

// "good", "revoked" …, with the reason where a list was not used.
std::string standing(const Bytes& certificate, const Bytes& issuer,
                     const std::vector<ListForgery>& forgeries, UtcTime at = kNow) {
  std::vector<RevocationList> lists;
  for (const ListForgery& forgery : forgeries) {
    auto list = RevocationList::parse(forge_list(forgery));
    EXPECT_TRUE(list);
    if (list) lists.push_back(std::move(*list));
  }
  const Revocation found = revocation_of(certificate, issuer, lists, at);
  std::string text(name(found.standing));
  if (found.unused) text += ", " + std::string(name(*found.unused));
  return text;
}

std::string standing(const std::vector<ListForgery>& forgeries, UtcTime at = kNow) {
  const Chain chain;
  return standing(forge(chain.router), forge(chain.ca), forgeries, at);
}

TEST(RevocationList, SaysWhoIsRevokedSinceWhen) {
  const auto list =
      RevocationList::parse(forge_list({.serials = {{9}, kSerial}, .number = {2, 1}}));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->number, (Bytes{2, 1}));
  EXPECT_EQ(list->this_update, days(-1));
  EXPECT_EQ(list->next_update, days(30));
  ASSERT_EQ(list->revoked.size(), 2U);
  EXPECT_TRUE(list->lists(kSerial));
  EXPECT_TRUE(list->lists(Bytes{9}));
  EXPECT_FALSE(list->lists(Bytes{8}));
  EXPECT_EQ(list->revoked[0].since, days(-2));
}

TEST(RevocationList, OnlyTheFormOfTheProfileIsTaken) {
  COVERS("CRT-6487-27", "CRT-5280-22");
  EXPECT_EQ(parse_verdict({}), "taken");
  ListForgery odd;
  odd.version = 1;
  EXPECT_NE(parse_verdict(odd), "taken");
  for (const auto& [extension, value] : std::map<std::string, std::string>{
           {"2.5.29.27", "critical,DER:020101"},      // delta CRL indicator
           {"2.5.29.28", "critical,DER:30038401ff"},  // issuing distribution point, indirect
           {"issuerAltName", "DNS:ca.example"},
           {"1.2.3.4", "critical,DER:0500"},
           {"1.2.3.5", "DER:0500"}}) {
    ListForgery extended;
    extended.extensions[extension] = value;
    EXPECT_EQ(parse_verdict(extended), "profile") << extension;
  }
  EXPECT_EQ(parse_verdict({.extensions = {}}), "profile");
  EXPECT_EQ(parse_verdict({.number = {}}), "profile");
  EXPECT_EQ(parse_verdict({.serials = {kSerial}, .entry_extension = true}), "profile");
}

TEST(RevocationList, EveryCutAndEveryChangedOctetIsRefusedOrDoesNotVerify) {
  const Bytes der = forge_list({.serials = {kSerial}});
  const Bytes issuer = forge(Chain().ca);
  for (std::size_t size = 0; size < der.size(); ++size)
    EXPECT_FALSE(RevocationList::parse(ByteView(der).first(size))) << size;
  for (std::size_t at = 0; at < der.size(); ++at) {
    Bytes wrong = der;
    wrong[at] ^= 1;
    const auto list = RevocationList::parse(wrong);
    if (list) {
      EXPECT_FALSE(check_list(*list, issuer, kNow)) << at;
    }
  }
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_FALSE(RevocationList::parse(longer));
}

TEST(RevocationList, NumbersOfTwentyOctetsCompare) {
  COVERS("CRT-5280-23");
  Bytes low(20, 0x7f);
  Bytes high = low;
  ++high[19];
  Bytes highest(20, 0xff);
  const auto parsed = [](const Bytes& number) {
    return *RevocationList::parse(forge_list({.number = number}));
  };
  EXPECT_EQ(parsed(highest).number, highest);
  EXPECT_TRUE(parsed(high).newer_than(parsed(low)));
  EXPECT_FALSE(parsed(low).newer_than(parsed(high)));
  EXPECT_TRUE(parsed(highest).newer_than(parsed(high)));
  EXPECT_TRUE(parsed({1, 0}).newer_than(parsed({0xff})));
  EXPECT_EQ(parse_verdict({.number = Bytes(21, 1)}), "profile");
}

TEST(Revocation, TheCurrentListOfTheIssuerDecides) {
  EXPECT_EQ(standing({ListForgery{}}), "good");
  EXPECT_EQ(standing({{.serials = {kSerial}}}), "revoked");
  EXPECT_EQ(standing({{.serials = {{8}}}}), "good");
  EXPECT_EQ(standing(std::vector<ListForgery>{}), "no source");
}

TEST(Revocation, SerialNumbersOfTwentyOctetsAreFoundOnTheList) {
  COVERS("CRT-6487-2");
  Request request;
  request.common_name = "r";
  request.blocks = {Prefix::literal("2001:db8:a:1::/64")};
  request.not_before = days(-1);
  request.not_after = days(1);
  request.serial = Bytes(20, 0x7f);
  const Chain chain;
  const Bytes ca = forge(chain.ca);
  const auto pem = [] { return Secret::copy_of(test::load_file("keys/ca-2048.pem")); };
  const auto router = issue(request, test::spki_of(chain.router.key.get()), {ca, pem()});
  ASSERT_TRUE(router);
  Bytes near = request.serial;
  near[19] ^= 1;
  EXPECT_EQ(standing(*router, ca, {{.serials = {near}}}), "good");
  EXPECT_EQ(standing(*router, ca, {{.serials = {request.serial}}}), "revoked");
  EXPECT_EQ(test::verdict(validate_path({ca, *router}, {chain.trust_anchor()}, kNow)), "accepted");
  for (const long serial : {0L, -1L}) {
    Chain odd;
    odd.router.serial = serial;
    EXPECT_EQ(test::verdict(odd.validate()), "profile") << serial;
  }
}

TEST(Revocation, TheHighestNumberCounts) {
  COVERS("CRT-6487-28");
  const ListForgery fifth{.serials = {kSerial}, .number = {5}};
  const ListForgery fourth{.number = {4}};
  EXPECT_EQ(standing({fifth, fourth}), "revoked");
  EXPECT_EQ(standing({fourth, fifth}), "revoked");
  EXPECT_EQ(standing({fifth, {.number = {6}}}), "good");
}

TEST(Revocation, AListThatDoesNotCountLeavesItUndetermined) {
  COVERS("CRT-5280-21");
  EXPECT_EQ(standing({{.next_update = kNow}}), "undetermined, stale");
  EXPECT_EQ(standing({ListForgery{}}, days(30) - seconds(1)), "good");
  EXPECT_EQ(standing({ListForgery{}}, days(30)), "undetermined, stale");
  EXPECT_EQ(standing({{.this_update = kNow + seconds(1)}}), "undetermined, not-yet-valid");
  EXPECT_EQ(standing({{.this_update = kNow}}), "good");
  // Of the same name, but by another key, whether it admits that or not.
  EXPECT_EQ(standing({{.issuer_key = test::test_key("ca2-2048")}}), "undetermined, issuer");
  EXPECT_EQ(standing({{.signing_key = test::test_key("ca2-2048")}}), "undetermined, signature");
  // Of another name: not this certificate's, which says that there are lists.
  Chain chain;
  chain.router.extensions["crlDistributionPoints"] = "URI:rsync://example.org/ca.crl";
  const Bytes router = forge(chain.router);
  EXPECT_EQ(standing(router, forge(chain.ca), {{.issuer_name = "another"}}), "undetermined");
  EXPECT_EQ(standing(router, forge(chain.ca), {ListForgery{}}), "good");
  // A good one beside it decides.
  EXPECT_EQ(standing({{.next_update = kNow}, {.serials = {kSerial}}}), "revoked");
}

TEST(Revocation, AnIssuerThatMayNotSignListsIsNotBelieved) {
  COVERS("CRT-5280-11");
  Chain chain;
  chain.ca.extensions["keyUsage"] = "critical,keyCertSign";
  EXPECT_EQ(standing(forge(chain.router), forge(chain.ca), {ListForgery{}}),
            "undetermined, not-signer");
  // An anchor may certify without it, and its lists then say nothing of what it certified.
  const ListForgery list{
      .issuer_name = "anchor", .issuer_key = chain.anchor.key, .serials = {kSerial}};
  chain = Chain();
  for (const auto& [usage, expected] :
       std::map<std::string, std::string>{{"critical,keyCertSign", "undetermined, not-signer"},
                                          {"keyCertSign", "undetermined, not-signer"},
                                          {"critical,keyCertSign,cRLSign", "revoked"},
                                          {"", "revoked"}}) {
    chain.anchor.extensions["keyUsage"] = usage;
    EXPECT_EQ(test::verdict(chain.validate()), "accepted") << usage;
    EXPECT_EQ(standing(forge(chain.ca), forge(chain.anchor), {list}), expected) << usage;
  }
}

class OwnLists : public testing::Test {
 protected:
  const Bytes anchor_ = forge(Chain().anchor);
  static Issuer issuer(const Bytes& certificate, const std::string& key) {
    return {certificate, Secret::copy_of(test::load_file("keys/" + key + ".pem"))};
  }
  static std::string outcome(const Result<Bytes, IssueError>& made) {
    return made ? "made" : std::string(name(made.error()));
  }
};

TEST_F(OwnLists, AreTakenByUsAndByOpenSsl) {
  const ListRequest request{
      Bytes(20, 0x80), kNow, days(7), {{{1, 2}, days(-3)}, {{0, 0x91}, kNow}}};
  const auto der = issue_list(request, issuer(anchor_, "anchor-2048"));
  ASSERT_TRUE(der);
  const auto list = RevocationList::parse(*der);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->number, request.number);
  EXPECT_EQ(list->next_update, days(7));
  EXPECT_TRUE(list->lists(Bytes{1, 2}));
  EXPECT_TRUE(list->lists(Bytes{0, 0x91}));
  EXPECT_EQ(list->revoked.size(), 2U);
  EXPECT_TRUE(check_list(*list, anchor_, kNow));
  const unsigned char* at = der->data();
  X509_CRL* crl = d2i_X509_CRL(nullptr, &at, static_cast<long>(der->size()));
  ASSERT_NE(crl, nullptr);
  EXPECT_EQ(X509_CRL_verify(crl, test::test_key("anchor-2048").get()), 1);
  EXPECT_EQ(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
  EXPECT_EQ(X509_CRL_get_ext_count(crl), 2);
  X509_CRL_free(crl);
  const auto pem = decode_lists(ByteView(
      reinterpret_cast<const std::uint8_t*>(list_to_pem(*der).data()), list_to_pem(*der).size()));
  ASSERT_TRUE(pem);
  EXPECT_EQ(pem->front().der, *der);
}

TEST_F(OwnLists, EachErrorIsNamed) {
  const ListRequest good{{1}, kNow, days(7), {}};
  EXPECT_EQ(outcome(issue_list(good, issuer(anchor_, "anchor-2048"))), "made");
  EXPECT_EQ(outcome(issue_list({{1}, kNow, kNow, {}}, issuer(anchor_, "anchor-2048"))), "validity");
  EXPECT_EQ(outcome(issue_list(good, issuer(anchor_, "ca-2048"))), "issuer");
  EXPECT_EQ(outcome(issue_list(good, {anchor_, Secret::copy_of(Bytes{1})})), "key");
  EXPECT_EQ(outcome(issue_list({Bytes(21, 1), kNow, days(7), {}}, issuer(anchor_, "anchor-2048"))),
            "openssl");
  Chain chain;
  chain.ca.extensions["keyUsage"] = "critical,keyCertSign";
  EXPECT_EQ(outcome(issue_list(good, issuer(forge(chain.ca), "ca-2048"))), "issuer");
}

TEST(Issue, OneDistributionPointHoldsAllUris) {
  COVERS("CRT-6487-14");
  const Chain chain;
  Request request;
  request.common_name = "r";
  request.blocks = {Prefix::literal("2001:db8:a:1::/64")};
  request.not_before = days(-1);
  request.not_after = days(1);
  request.serial = {1};
  request.crl_uris = {"rsync://example.org/ca.crl", "http://example.org/ca.crl"};
  const Bytes ca = forge(chain.ca);
  const auto pem = [] { return Secret::copy_of(test::load_file("keys/ca-2048.pem")); };
  const auto router = issue(request, test::spki_of(chain.router.key.get()), {ca, pem()});
  ASSERT_TRUE(router);
  EXPECT_EQ(inspect(*router)->crl_uris, request.crl_uris);
  EXPECT_EQ(test::verdict(validate_path({ca, *router}, {chain.trust_anchor()}, kNow)), "accepted");
  EXPECT_EQ(standing(*router, ca, {}), "undetermined");
  // Other forms are refused; none at all is not.
  EXPECT_EQ(test::verdict(chain.validate()), "accepted");
  EXPECT_EQ(standing(std::vector<ListForgery>{}), "no source");
  Chain two;
  two.router.extensions["crlDistributionPoints"] = "URI:rsync://a/b,URI:rsync://c/d";
  EXPECT_EQ(test::verdict(two.validate()), "profile");
  Chain other;
  // SEQUENCE { SEQUENCE { [2] cRLIssuer { [4] directoryName { a Name } } } }
  other.router.extensions["crlDistributionPoints"] =
      "DER:30153013a211a40f300d310b3009060355040313026361";
  EXPECT_EQ(test::verdict(other.validate()), "profile");
}

TEST(Purpose, AHostIsNoRouterAndARouterIsNoHost) {
  Chain host;
  host.router.extensions["extendedKeyUsage"] = "1.3.6.1.5.5.7.3.25";
  const Policy for_hosts{.purpose = Purpose::kOwner};
  EXPECT_EQ(test::verdict(host.validate(for_hosts)), "accepted");
  EXPECT_EQ(test::verdict(host.validate()), "extended-key-usage");
  EXPECT_EQ(test::verdict(Chain().validate(for_hosts)), "extended-key-usage");
  EXPECT_EQ(test::verdict(Chain().validate()), "accepted");
}

TEST(IssuedBy, DemandsNameAndSignature) {
  const Chain chain;
  EXPECT_TRUE(issued_by(forge(chain.router), forge(chain.ca)));
  EXPECT_FALSE(issued_by(forge(chain.router), forge(chain.anchor)));
  Chain forged;
  forged.router.issuer_key = test::test_key("ca2-2048");
  EXPECT_FALSE(issued_by(forge(forged.router), forge(forged.ca)));
  Chain renamed;
  renamed.router.issuer_name = "another";
  EXPECT_FALSE(issued_by(forge(renamed.router), forge(renamed.ca)));
}

}  // namespace
}  // namespace sendoff::pki
