// Paths of NIST's Public Key Interoperability Test Suite (PKITS 1.0.1, as Debian's
// python3-cryptography-vectors has it) through our RFC 5280 validation, each with the verdict that
// PKITS gives. They are no paths of SEND, so that what SEND demands besides is not asked here.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "pki/forge.h"
#include "pki/revocation.h"
#include "pki/rfc5280.h"
#include "support/covers.h"
#include "support/paths.h"

namespace sendoff::pki {
namespace {

using test::kNow;

// `number` as in PKITS, section 4: its certificates are named after it. The anchor's certificate
// stands above all paths.
struct PkitsPath {
  const char* number;
  std::vector<const char*> issuers;  // from the anchor's issue down
  const char* last;                  // begins with PKITS's verdict where it has one
  const char* expected;              // "accepted", or the name of the error
};

// Left out: 4.1.5, whose DSA keys leave their parameters to the issuer (SEND knows RSA alone, and
// OpenSSL does not do it), and what depends on policies that a verifier chooses (RFC 5280 6.1.1
// (c); ours takes any).
const std::vector<PkitsPath> kPkitsPaths = {
    // Signature verification. Some are bad by unused bits, which no signature has.
    {"1.1", {"GoodCA"}, "ValidCertificatePathTest1", "accepted"},
    {"1.2", {"BadSignedCA"}, "InvalidCASignatureTest2", "malformed"},
    {"1.3", {"GoodCA"}, "InvalidEESignatureTest3", "signature"},
    {"1.4", {"DSACA"}, "ValidDSASignaturesTest4", "accepted"},
    {"1.6", {"DSACA"}, "InvalidDSASignatureTest6", "malformed"},
    // Validity periods
    {"2.1", {"BadnotBeforeDateCA"}, "InvalidCAnotBeforeDateTest1", "not-yet-valid"},
    {"2.2", {"GoodCA"}, "InvalidEEnotBeforeDateTest2", "not-yet-valid"},
    {"2.3", {"GoodCA"}, "Validpre2000UTCnotBeforeDateTest3", "accepted"},
    {"2.4", {"GoodCA"}, "ValidGeneralizedTimenotBeforeDateTest4", "accepted"},
    {"2.5", {"BadnotAfterDateCA"}, "InvalidCAnotAfterDateTest5", "expired"},
    {"2.6", {"GoodCA"}, "InvalidEEnotAfterDateTest6", "expired"},
    {"2.7", {"GoodCA"}, "Invalidpre2000UTCEEnotAfterDateTest7", "expired"},
    {"2.8", {"GoodCA"}, "ValidGeneralizedTimenotAfterDateTest8", "accepted"},
    // Name chaining
    {"3.1", {"GoodCA"}, "InvalidNameChainingTest1", "signature"},
    {"3.2", {"NameOrderingCA"}, "InvalidNameChainingOrderTest2", "signature"},
    {"3.3", {"GoodCA"}, "ValidNameChainingWhitespaceTest3", "accepted"},
    {"3.4", {"GoodCA"}, "ValidNameChainingWhitespaceTest4", "accepted"},
    {"3.5", {"GoodCA"}, "ValidNameChainingCapitalizationTest5", "accepted"},
    {"3.6", {"UIDCA"}, "ValidNameUIDsTest6", "accepted"},
    {"3.7",
     {"RFC3280MandatoryAttributeTypesCA"},
     "ValidRFC3280MandatoryAttributeTypesTest7",
     "accepted"},
    {"3.8",
     {"RFC3280OptionalAttributeTypesCA"},
     "ValidRFC3280OptionalAttributeTypesTest8",
     "accepted"},
    {"3.9", {"UTF8StringEncodedNamesCA"}, "ValidUTF8StringEncodedNamesTest9", "accepted"},
    {"3.10",
     {"RolloverfromPrintableStringtoUTF8StringCA"},
     "ValidRolloverfromPrintableStringtoUTF8StringTest10",
     "accepted"},
    {"3.11",
     {"UTF8StringCaseInsensitiveMatchCA"},
     "ValidUTF8StringCaseInsensitiveMatchTest11",
     "accepted"},
    // Self-issued certificates
    {"5.1",
     {"BasicSelfIssuedNewKeyCA", "BasicSelfIssuedNewKeyOldWithNewCA"},
     "ValidBasicSelfIssuedOldWithNewTest1",
     "accepted"},
    {"5.3",
     {"BasicSelfIssuedOldKeyCA", "BasicSelfIssuedOldKeyNewWithOldCA"},
     "ValidBasicSelfIssuedNewWithOldTest3",
     "accepted"},
    {"5.4", {"BasicSelfIssuedOldKeyCA"}, "ValidBasicSelfIssuedNewWithOldTest4", "accepted"},
    {"5.6",
     {"BasicSelfIssuedCRLSigningKeyCA"},
     "ValidBasicSelfIssuedCRLSigningKeyTest6",
     "accepted"},
    {"5.8",
     {"BasicSelfIssuedCRLSigningKeyCA", "BasicSelfIssuedCRLSigningKeyCRL"},
     "InvalidBasicSelfIssuedCRLSigningKeyTest8",
     "not-ca"},
    // Basic constraints
    {"6.1", {"MissingbasicConstraintsCA"}, "InvalidMissingbasicConstraintsTest1", "not-ca"},
    {"6.2", {"basicConstraintsCriticalcAFalseCA"}, "InvalidcAFalseTest2", "not-ca"},
    {"6.3", {"basicConstraintsNotCriticalcAFalseCA"}, "InvalidcAFalseTest3", "not-ca"},
    {"6.4", {"basicConstraintsNotCriticalCA"}, "ValidbasicConstraintsNotCriticalTest4", "accepted"},
    {"6.5",
     {"pathLenConstraint0CA", "pathLenConstraint0subCA"},
     "InvalidpathLenConstraintTest5",
     "not-ca"},
    {"6.6",
     {"pathLenConstraint0CA", "pathLenConstraint0subCA"},
     "InvalidpathLenConstraintTest6",
     "not-ca"},
    {"6.7", {"pathLenConstraint0CA"}, "ValidpathLenConstraintTest7", "accepted"},
    {"6.8", {"pathLenConstraint0CA"}, "ValidpathLenConstraintTest8", "accepted"},
    {"6.9",
     {"pathLenConstraint6CA", "pathLenConstraint6subCA0", "pathLenConstraint6subsubCA00"},
     "InvalidpathLenConstraintTest9",
     "not-ca"},
    {"6.10",
     {"pathLenConstraint6CA", "pathLenConstraint6subCA0", "pathLenConstraint6subsubCA00"},
     "InvalidpathLenConstraintTest10",
     "not-ca"},
    {"6.11",
     {"pathLenConstraint6CA", "pathLenConstraint6subCA1", "pathLenConstraint6subsubCA11",
      "pathLenConstraint6subsubsubCA11X"},
     "InvalidpathLenConstraintTest11",
     "not-ca"},
    {"6.12",
     {"pathLenConstraint6CA", "pathLenConstraint6subCA1", "pathLenConstraint6subsubCA11",
      "pathLenConstraint6subsubsubCA11X"},
     "InvalidpathLenConstraintTest12",
     "not-ca"},
    {"6.13",
     {"pathLenConstraint6CA", "pathLenConstraint6subCA4", "pathLenConstraint6subsubCA41",
      "pathLenConstraint6subsubsubCA41X"},
     "ValidpathLenConstraintTest13",
     "accepted"},
    {"6.14",
     {"pathLenConstraint6CA", "pathLenConstraint6subCA4", "pathLenConstraint6subsubCA41",
      "pathLenConstraint6subsubsubCA41X"},
     "ValidpathLenConstraintTest14",
     "accepted"},
    {"6.15",
     {"pathLenConstraint0CA", "pathLenConstraint0SelfIssuedCA"},
     "ValidSelfIssuedpathLenConstraintTest15",
     "accepted"},
    {"6.16",
     {"pathLenConstraint0CA", "pathLenConstraint0SelfIssuedCA", "pathLenConstraint0subCA2"},
     "InvalidSelfIssuedpathLenConstraintTest16",
     "not-ca"},
    {"6.17",
     {"pathLenConstraint1CA", "pathLenConstraint1SelfIssuedCA", "pathLenConstraint1subCA",
      "pathLenConstraint1SelfIssuedsubCA"},
     "ValidSelfIssuedpathLenConstraintTest17",
     "accepted"},
    // Key usage
    {"7.1",
     {"keyUsageCriticalkeyCertSignFalseCA"},
     "InvalidkeyUsageCriticalkeyCertSignFalseTest1",
     "not-ca"},
    {"7.2",
     {"keyUsageNotCriticalkeyCertSignFalseCA"},
     "InvalidkeyUsageNotCriticalkeyCertSignFalseTest2",
     "not-ca"},
    {"7.3", {"keyUsageNotCriticalCA"}, "ValidkeyUsageNotCriticalTest3", "accepted"},
    // Require explicit policy
    {"9.1",
     {"requireExplicitPolicy10CA", "requireExplicitPolicy10subCA",
      "requireExplicitPolicy10subsubCA", "requireExplicitPolicy10subsubsubCA"},
     "ValidrequireExplicitPolicyTest1",
     "accepted"},
    {"9.2",
     {"requireExplicitPolicy5CA", "requireExplicitPolicy5subCA", "requireExplicitPolicy5subsubCA",
      "requireExplicitPolicy5subsubsubCA"},
     "ValidrequireExplicitPolicyTest2",
     "accepted"},
    {"9.3",
     {"requireExplicitPolicy4CA", "requireExplicitPolicy4subCA", "requireExplicitPolicy4subsubCA",
      "requireExplicitPolicy4subsubsubCA"},
     "InvalidrequireExplicitPolicyTest3",
     "profile"},
    {"9.4",
     {"requireExplicitPolicy0CA", "requireExplicitPolicy0subCA", "requireExplicitPolicy0subsubCA",
      "requireExplicitPolicy0subsubsubCA"},
     "ValidrequireExplicitPolicyTest4",
     "accepted"},
    {"9.5",
     {"requireExplicitPolicy7CA", "requireExplicitPolicy7subCARE2",
      "requireExplicitPolicy7subsubCARE2RE4", "requireExplicitPolicy7subsubsubCARE2RE4"},
     "InvalidrequireExplicitPolicyTest5",
     "profile"},
    {"9.6",
     {"requireExplicitPolicy2CA", "requireExplicitPolicy2SelfIssuedCA"},
     "ValidSelfIssuedrequireExplicitPolicyTest6",
     "accepted"},
    {"9.7",
     {"requireExplicitPolicy2CA", "requireExplicitPolicy2SelfIssuedCA",
      "requireExplicitPolicy2subCA"},
     "InvalidSelfIssuedrequireExplicitPolicyTest7",
     "profile"},
    {"9.8",
     {"requireExplicitPolicy2CA", "requireExplicitPolicy2SelfIssuedCA",
      "requireExplicitPolicy2subCA", "requireExplicitPolicy2SelfIssuedsubCA"},
     "InvalidSelfIssuedrequireExplicitPolicyTest8",
     "profile"},
    // Policy mappings
    {"10.2", {"Mapping1to2CA"}, "InvalidPolicyMappingTest2", "profile"},
    {"10.4",
     {"P12Mapping1to3CA", "P12Mapping1to3subCA", "P12Mapping1to3subsubCA"},
     "InvalidPolicyMappingTest4",
     "profile"},
    {"10.7", {"MappingFromanyPolicyCA"}, "InvalidMappingFromanyPolicyTest7", "profile"},
    {"10.8", {"MappingToanyPolicyCA"}, "InvalidMappingToanyPolicyTest8", "profile"},
    {"10.9", {"PanyPolicyMapping1to2CA"}, "ValidPolicyMappingTest9", "accepted"},
    {"10.10",
     {"GoodCA", "GoodsubCAPanyPolicyMapping1to2CA"},
     "InvalidPolicyMappingTest10",
     "profile"},
    {"10.11",
     {"GoodCA", "GoodsubCAPanyPolicyMapping1to2CA"},
     "ValidPolicyMappingTest11",
     "accepted"},
    // Inhibit policy mapping
    {"11.1",
     {"inhibitPolicyMapping0CA", "inhibitPolicyMapping0subCA"},
     "InvalidinhibitPolicyMappingTest1",
     "profile"},
    {"11.2",
     {"inhibitPolicyMapping1P12CA", "inhibitPolicyMapping1P12subCA"},
     "ValidinhibitPolicyMappingTest2",
     "accepted"},
    {"11.3",
     {"inhibitPolicyMapping1P12CA", "inhibitPolicyMapping1P12subCA",
      "inhibitPolicyMapping1P12subsubCA"},
     "InvalidinhibitPolicyMappingTest3",
     "profile"},
    {"11.4",
     {"inhibitPolicyMapping1P12CA", "inhibitPolicyMapping1P12subCA",
      "inhibitPolicyMapping1P12subsubCA"},
     "ValidinhibitPolicyMappingTest4",
     "accepted"},
    {"11.5",
     {"inhibitPolicyMapping5CA", "inhibitPolicyMapping5subCA", "inhibitPolicyMapping5subsubCA",
      "inhibitPolicyMapping5subsubsubCA"},
     "InvalidinhibitPolicyMappingTest5",
     "profile"},
    {"11.6",
     {"inhibitPolicyMapping1P12CA", "inhibitPolicyMapping1P12subCAIPM5",
      "inhibitPolicyMapping1P12subsubCAIPM5"},
     "InvalidinhibitPolicyMappingTest6",
     "profile"},
    {"11.7",
     {"inhibitPolicyMapping1P1CA", "inhibitPolicyMapping1P1SelfIssuedCA",
      "inhibitPolicyMapping1P1subCA"},
     "ValidSelfIssuedinhibitPolicyMappingTest7",
     "accepted"},
    {"11.8",
     {"inhibitPolicyMapping1P1CA", "inhibitPolicyMapping1P1SelfIssuedCA",
      "inhibitPolicyMapping1P1subCA", "inhibitPolicyMapping1P1subsubCA"},
     "InvalidSelfIssuedinhibitPolicyMappingTest8",
     "profile"},
    {"11.9",
     {"inhibitPolicyMapping1P1CA", "inhibitPolicyMapping1P1SelfIssuedCA",
      "inhibitPolicyMapping1P1subCA", "inhibitPolicyMapping1P1subsubCA"},
     "InvalidSelfIssuedinhibitPolicyMappingTest9",
     "profile"},
    {"11.10",
     {"inhibitPolicyMapping1P1CA", "inhibitPolicyMapping1P1SelfIssuedCA",
      "inhibitPolicyMapping1P1subCA", "inhibitPolicyMapping1P1SelfIssuedsubCA"},
     "InvalidSelfIssuedinhibitPolicyMappingTest10",
     "profile"},
    {"11.11",
     {"inhibitPolicyMapping1P1CA", "inhibitPolicyMapping1P1SelfIssuedCA",
      "inhibitPolicyMapping1P1subCA", "inhibitPolicyMapping1P1SelfIssuedsubCA"},
     "InvalidSelfIssuedinhibitPolicyMappingTest11",
     "profile"},
    // Inhibit any policy
    {"12.1", {"inhibitAnyPolicy0CA"}, "InvalidinhibitAnyPolicyTest1", "profile"},
    {"12.2", {"inhibitAnyPolicy0CA"}, "ValidinhibitAnyPolicyTest2", "accepted"},
    {"12.4",
     {"inhibitAnyPolicy1CA", "inhibitAnyPolicy1subCA1"},
     "InvalidinhibitAnyPolicyTest4",
     "profile"},
    {"12.5",
     {"inhibitAnyPolicy5CA", "inhibitAnyPolicy5subCA", "inhibitAnyPolicy5subsubCA"},
     "InvalidinhibitAnyPolicyTest5",
     "profile"},
    {"12.6",
     {"inhibitAnyPolicy1CA", "inhibitAnyPolicy1subCAIAP5"},
     "InvalidinhibitAnyPolicyTest6",
     "profile"},
    {"12.7",
     {"inhibitAnyPolicy1CA", "inhibitAnyPolicy1SelfIssuedCA", "inhibitAnyPolicy1subCA2"},
     "ValidSelfIssuedinhibitAnyPolicyTest7",
     "accepted"},
    {"12.8",
     {"inhibitAnyPolicy1CA", "inhibitAnyPolicy1SelfIssuedCA", "inhibitAnyPolicy1subCA2",
      "inhibitAnyPolicy1subsubCA2"},
     "InvalidSelfIssuedinhibitAnyPolicyTest8",
     "profile"},
    {"12.9",
     {"inhibitAnyPolicy1CA", "inhibitAnyPolicy1SelfIssuedCA", "inhibitAnyPolicy1subCA2",
      "inhibitAnyPolicy1SelfIssuedsubCA2"},
     "ValidSelfIssuedinhibitAnyPolicyTest9",
     "accepted"},
    {"12.10",
     {"inhibitAnyPolicy1CA", "inhibitAnyPolicy1SelfIssuedCA", "inhibitAnyPolicy1subCA2"},
     "InvalidSelfIssuedinhibitAnyPolicyTest10",
     "profile"},
    // Name constraints
    {"13.1", {"nameConstraintsDN1CA"}, "ValidDNnameConstraintsTest1", "accepted"},
    {"13.2", {"nameConstraintsDN1CA"}, "InvalidDNnameConstraintsTest2", "profile"},
    {"13.3", {"nameConstraintsDN1CA"}, "InvalidDNnameConstraintsTest3", "profile"},
    {"13.4", {"nameConstraintsDN1CA"}, "ValidDNnameConstraintsTest4", "accepted"},
    {"13.5", {"nameConstraintsDN2CA"}, "ValidDNnameConstraintsTest5", "accepted"},
    {"13.6", {"nameConstraintsDN3CA"}, "ValidDNnameConstraintsTest6", "accepted"},
    {"13.7", {"nameConstraintsDN3CA"}, "InvalidDNnameConstraintsTest7", "profile"},
    {"13.8", {"nameConstraintsDN4CA"}, "InvalidDNnameConstraintsTest8", "profile"},
    {"13.9", {"nameConstraintsDN4CA"}, "InvalidDNnameConstraintsTest9", "profile"},
    {"13.10", {"nameConstraintsDN5CA"}, "InvalidDNnameConstraintsTest10", "profile"},
    {"13.11", {"nameConstraintsDN5CA"}, "ValidDNnameConstraintsTest11", "accepted"},
    {"13.12",
     {"nameConstraintsDN1CA", "nameConstraintsDN1subCA1"},
     "InvalidDNnameConstraintsTest12",
     "profile"},
    {"13.13",
     {"nameConstraintsDN1CA", "nameConstraintsDN1subCA2"},
     "InvalidDNnameConstraintsTest13",
     "profile"},
    {"13.14",
     {"nameConstraintsDN1CA", "nameConstraintsDN1subCA2"},
     "ValidDNnameConstraintsTest14",
     "accepted"},
    {"13.15",
     {"nameConstraintsDN3CA", "nameConstraintsDN3subCA1"},
     "InvalidDNnameConstraintsTest15",
     "profile"},
    {"13.16",
     {"nameConstraintsDN3CA", "nameConstraintsDN3subCA1"},
     "InvalidDNnameConstraintsTest16",
     "profile"},
    {"13.17",
     {"nameConstraintsDN3CA", "nameConstraintsDN3subCA2"},
     "InvalidDNnameConstraintsTest17",
     "profile"},
    {"13.18",
     {"nameConstraintsDN3CA", "nameConstraintsDN3subCA2"},
     "ValidDNnameConstraintsTest18",
     "accepted"},
    {"13.19",
     {"nameConstraintsDN1CA", "nameConstraintsDN1SelfIssuedCA"},
     "ValidDNnameConstraintsTest19",
     "accepted"},
    {"13.20", {"nameConstraintsDN1CA"}, "InvalidDNnameConstraintsTest20", "profile"},
    {"13.21", {"nameConstraintsRFC822CA1"}, "ValidRFC822nameConstraintsTest21", "accepted"},
    {"13.22", {"nameConstraintsRFC822CA1"}, "InvalidRFC822nameConstraintsTest22", "profile"},
    {"13.23", {"nameConstraintsRFC822CA2"}, "ValidRFC822nameConstraintsTest23", "accepted"},
    {"13.24", {"nameConstraintsRFC822CA2"}, "InvalidRFC822nameConstraintsTest24", "profile"},
    {"13.25", {"nameConstraintsRFC822CA3"}, "ValidRFC822nameConstraintsTest25", "accepted"},
    {"13.26", {"nameConstraintsRFC822CA3"}, "InvalidRFC822nameConstraintsTest26", "profile"},
    {"13.27",
     {"nameConstraintsDN1CA", "nameConstraintsDN1subCA3"},
     "ValidDNandRFC822nameConstraintsTest27",
     "accepted"},
    {"13.28",
     {"nameConstraintsDN1CA", "nameConstraintsDN1subCA3"},
     "InvalidDNandRFC822nameConstraintsTest28",
     "profile"},
    {"13.29",
     {"nameConstraintsDN1CA", "nameConstraintsDN1subCA3"},
     "InvalidDNandRFC822nameConstraintsTest29",
     "profile"},
    {"13.30", {"nameConstraintsDNS1CA"}, "ValidDNSnameConstraintsTest30", "accepted"},
    {"13.31", {"nameConstraintsDNS1CA"}, "InvalidDNSnameConstraintsTest31", "profile"},
    {"13.32", {"nameConstraintsDNS2CA"}, "ValidDNSnameConstraintsTest32", "accepted"},
    {"13.33", {"nameConstraintsDNS2CA"}, "InvalidDNSnameConstraintsTest33", "profile"},
    {"13.34", {"nameConstraintsURI1CA"}, "ValidURInameConstraintsTest34", "accepted"},
    {"13.35", {"nameConstraintsURI1CA"}, "InvalidURInameConstraintsTest35", "profile"},
    {"13.36", {"nameConstraintsURI2CA"}, "ValidURInameConstraintsTest36", "accepted"},
    {"13.37", {"nameConstraintsURI2CA"}, "InvalidURInameConstraintsTest37", "profile"},
    {"13.38", {"nameConstraintsDNS1CA"}, "InvalidDNSnameConstraintsTest38", "profile"},
    // Private extensions
    {"16.1", {}, "ValidUnknownNotCriticalCertificateExtensionTest1", "accepted"},
    {"16.2", {}, "InvalidUnknownCriticalCertificateExtensionTest2", "profile"},
};

Bytes pkits_file(const std::string& name) {
  std::ifstream file(test::pkits_directory() + "/" + name, std::ios::binary);
  const std::vector<char> octets{std::istreambuf_iterator<char>(file), {}};
  if (octets.empty())
    ADD_FAILURE() << "no " << name << " in " << test::pkits_directory()
                  << "; tools/setup installs python3-cryptography-vectors";
  return {octets.begin(), octets.end()};
}
Bytes pkits_certificate(const std::string& name) { return pkits_file("certs/" + name + ".crt"); }
Bytes pkits_anchor() { return pkits_certificate("TrustAnchorRootCertificate"); }

std::vector<Bytes> pkits_chain(const PkitsPath& path) {
  std::vector<Bytes> chain;
  for (const char* issuer : path.issuers)
    chain.push_back(pkits_certificate(std::string(issuer) + "Cert"));
  chain.push_back(pkits_certificate(std::string(path.last) + "EE"));
  return chain;
}

std::string pkits_verdict(const std::vector<Bytes>& chain) {
  const Bytes anchor_der = pkits_anchor();
  const auto anchor = decode(anchor_der);
  std::vector<Decoded> path;
  for (const Bytes& der : chain) {
    const auto certificate = decode(der);
    if (!certificate) return std::string(name(certificate.error()));
    path.push_back(*certificate);
  }
  if (!anchor) return "no anchor";
  const auto valid = validate_rfc5280(*anchor, path, kNow, Addresses::kJudged);
  return valid ? "accepted" : std::string(name(valid.error()));
}

TEST(Pkits, GivesItsVerdictOfEachPath) {
  COVERS("CRT-5280-1");
  for (const PkitsPath& path : kPkitsPaths) {
    SCOPED_TRACE(std::string("4.") + path.number + " " + path.last);
    const bool valid = std::string_view(path.last).starts_with("Valid");
    ASSERT_TRUE(valid || std::string_view(path.last).starts_with("Invalid"));
    ASSERT_EQ(valid, std::string_view(path.expected) == "accepted");
    EXPECT_EQ(pkits_verdict(pkits_chain(path)), path.expected);
  }
}

// A list as RFC 6487 wants it: those of PKITS with reasons for their entries are none, and most
// that revoke something have such.
struct PkitsList {
  const char* number;
  const char* issuer;
  const char* last;
  const char* list;
  const char* expected;
};

constexpr PkitsList kPkitsLists[] = {
    {"4.4", "BadCRLSignatureCA", "InvalidBadCRLSignatureTest4", "BadCRLSignatureCACRL",
     "not read: malformed"},
    {"4.5", "BadCRLIssuerNameCA", "InvalidBadCRLIssuerNameTest5", "BadCRLIssuerNameCACRL",
     "no source"},
    {"4.8", "UnknownCRLEntryExtensionCA", "InvalidUnknownCRLEntryExtensionTest8",
     "UnknownCRLEntryExtensionCACRL", "not read: profile"},
    {"4.9", "UnknownCRLExtensionCA", "InvalidUnknownCRLExtensionTest9", "UnknownCRLExtensionCACRL",
     "not read: profile"},
    {"4.10", "UnknownCRLExtensionCA", "InvalidUnknownCRLExtensionTest10",
     "UnknownCRLExtensionCACRL", "not read: profile"},
    {"4.11", "OldCRLnextUpdateCA", "InvalidOldCRLnextUpdateTest11", "OldCRLnextUpdateCACRL",
     "undetermined, stale"},
    {"4.12", "pre2000CRLnextUpdateCA", "Invalidpre2000CRLnextUpdateTest12",
     "pre2000CRLnextUpdateCACRL", "undetermined, stale"},
    {"4.13", "GeneralizedTimeCRLnextUpdateCA", "ValidGeneralizedTimeCRLnextUpdateTest13",
     "GeneralizedTimeCRLnextUpdateCACRL", "good"},
    {"7.3", "keyUsageNotCriticalCA", "ValidkeyUsageNotCriticalTest3", "keyUsageNotCriticalCACRL",
     "good"},
    {"7.4", "keyUsageCriticalcRLSignFalseCA", "InvalidkeyUsageCriticalcRLSignFalseTest4",
     "keyUsageCriticalcRLSignFalseCACRL", "undetermined, not-signer"},
    {"7.5", "keyUsageNotCriticalcRLSignFalseCA", "InvalidkeyUsageNotCriticalcRLSignFalseTest5",
     "keyUsageNotCriticalcRLSignFalseCACRL", "undetermined, not-signer"},
    {"15.1", "deltaCRLIndicatorNoBaseCA", "InvaliddeltaCRLIndicatorNoBaseTest1",
     "deltaCRLIndicatorNoBaseCACRL", "not read: profile"},
};

TEST(Pkits, NoListIsBelievedThatItDoesNotBelieve) {
  COVERS("CRT-5280-1", "CRT-5280-11");
  for (const PkitsList& each : kPkitsLists) {
    SCOPED_TRACE(std::string("4.") + each.number + " " + each.last);
    const bool valid = std::string_view(each.last).starts_with("Valid");
    ASSERT_EQ(valid, std::string_view(each.expected) == "good");
    std::string found;
    auto list = RevocationList::parse(pkits_file("crls/" + std::string(each.list) + ".crl"));
    if (list) {
      const std::vector<RevocationList> lists{std::move(*list)};
      const Revocation revocation =
          revocation_of(pkits_certificate(std::string(each.last) + "EE"),
                        pkits_certificate(std::string(each.issuer) + "Cert"), lists, kNow);
      found = name(revocation.standing);
      if (revocation.unused) found += ", " + std::string(name(*revocation.unused));
    } else {
      found = "not read: " + std::string(name(list.error()));
    }
    EXPECT_EQ(found, each.expected);
  }
}

}  // namespace
}  // namespace sendoff::pki
