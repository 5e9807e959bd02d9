// Certification paths made by an independent program (tests/vectors/make_pki.py).
#include <gtest/gtest.h>

#include <sstream>

#include "pki/forge.h"
#include "support/covers.h"

namespace sendoff::pki {
namespace {

using test::verdict;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

UtcTime time_of(const std::string& text) {
  std::tm civil{};
  invariant(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &civil) != nullptr);
  return UtcTime(std::chrono::seconds(timegm(&civil)));
}

Bytes certificate(const std::string& name) { return test::load_file("pki/" + name + ".der"); }

struct Case {
  test::Vector vector;

  [[nodiscard]] Result<CertifiedRouter, PathError> validate(const Policy& policy = {}) const {
    std::vector<Bytes> path;
    for (const std::string& name : words(vector.text("path"))) path.push_back(certificate(name));
    const auto anchor = TrustAnchor::parse(certificate(vector.text("anchor")));
    invariant(anchor.has_value());
    return validate_path(path, {*anchor}, time_of(vector.text("now")), policy);
  }
};

std::vector<Case> cases() {
  std::vector<Case> found;
  for (test::Vector& vector : test::load_vectors("pki.txt"))
    if (vector.has("path")) found.push_back({std::move(vector)});
  return found;
}

TEST(CertificationPath, VectorsThatAreGoodAreAccepted) {
  COVERS("CRT-3971-3", "CRT-6494-15");
  std::size_t seen = 0;
  for (const Case& each : cases()) {
    if (each.vector.text("verdict") != "good") continue;
    SCOPED_TRACE(each.vector.name + ": " + each.vector.text("about"));
    ++seen;
    const auto router = each.validate();
    ASSERT_EQ(verdict(router), "accepted");
    EXPECT_FALSE(router->any_prefix);
    EXPECT_EQ(router->spki, test::spki_of(test::test_key(each.vector.text("message-key")).get()));
    EXPECT_EQ(to_hex(crypto::key_hash(router->spki)), each.vector.text("router-key-hash"));
    for (const std::string& prefix : words(each.vector.text("prefixes")))
      EXPECT_TRUE(router->may_advertise(Prefix::literal(prefix))) << prefix;
    for (const std::string& prefix : words(each.vector.text("prefix-refused")))
      EXPECT_FALSE(router->may_advertise(Prefix::literal(prefix))) << prefix;
  }
  EXPECT_GE(seen, 15U);
}

// The reasons of the vectors in our words.
const std::map<std::string, std::string> kReasons = {
    {"eku", "extended-key-usage"},
    {"ca-eku", "extended-key-usage"},
    {"no-address-blocks", "address-blocks"},
    {"address-blocks-not-critical", "address-blocks"},
    {"not-contained", "address-blocks"},
    {"safi", "address-blocks"},
    {"empty-blocks", "address-blocks"},
    {"not-canonical", "address-blocks"},
    {"expired", "expired"},
    {"not-yet-valid", "not-yet-valid"},
    {"signature", "signature"},
    {"unknown-anchor", "no-anchor"},
    {"issuer-name", "signature"},
    {"aki", "signature"},
    {"signature-algorithm", "key-policy"},
    {"key-size", "key-policy"},
    {"key-exponent", "key-policy"},
    {"not-a-ca", "not-ca"},
    {"router-is-ca", "not-ca"},
    {"key-usage", "not-ca"},
    {"ski", "profile"},
    {"unknown-critical", "profile"},
    {"duplicate-extension", "profile"},
    {"version", "profile"},
};

TEST(CertificationPath, VectorsThatAreBadAreRefusedForTheirReason) {
  COVERS("CRT-3971-4", "CRT-3971-10", "CRT-3971-14", "CRT-6494-3", "CRT-6494-4", "CRT-6494-11",
         "CRT-6494-13", "CRT-3779-2", "CRT-3779-16", "CRT-3779-18", "CRT-6487-1", "CRT-5280-5",
         "CRT-5280-7", "CRT-5280-9", "CRT-5280-14");
  // An absent extension is a rule of its own, though the vectors name it like a wrong one.
  const std::map<std::string, std::string> exceptions = {{"no-aki", "profile"},
                                                         {"no-key-usage", "profile"}};
  std::size_t seen = 0;
  for (const Case& each : cases()) {
    const std::string reason =
        each.vector.has("reason") ? each.vector.text("reason") : std::string();
    // Whether the certified key signed the message is for the receiver of the message to see.
    if (each.vector.text("verdict") != "bad" || reason == "key-mismatch") continue;
    SCOPED_TRACE(each.vector.name + ": " + each.vector.text("about"));
    ++seen;
    const auto router = each.validate();
    ASSERT_FALSE(router.has_value());
    const auto exception = exceptions.find(each.vector.name);
    const auto known = kReasons.find(reason);
    if (exception != exceptions.end())
      EXPECT_EQ(verdict(router), exception->second);
    else if (known != kReasons.end())
      EXPECT_EQ(verdict(router), known->second);
    else
      EXPECT_EQ(verdict(router), "malformed") << reason;
  }
  EXPECT_GE(seen, 45U);
}

TEST(CertificationPath, LegacyVerdictsOfTheVectorsHoldWithTheSwitchOn) {
  std::size_t seen = 0;
  for (const Case& each : cases()) {
    if (!each.vector.has("verdict-legacy")) continue;
    SCOPED_TRACE(each.vector.name);
    ++seen;
    EXPECT_EQ(each.validate({.accept_rfc3971_profile = true}).has_value(),
              each.vector.text("verdict-legacy") == "good");
  }
  EXPECT_GE(seen, 2U);
}

TEST(TrustAnchor, ParseReadsWhatATrustAnchorOptionNames) {
  for (const std::string name : {"anchor", "anchor2", "anchor-fqdn"}) {
    const test::Vector vector = test::load_vector("pki.txt", "certificate-" + name);
    const auto anchor = TrustAnchor::parse(certificate(name));
    ASSERT_TRUE(anchor.has_value()) << name;
    EXPECT_EQ(anchor->subject_name, vector.hex("subject"));
    EXPECT_EQ(anchor->key_identifier, vector.hex("ski"));
    EXPECT_EQ(anchor->certificate, vector.hex("certificate"));
    ASSERT_EQ(anchor->blocks.size(), 1U);
    EXPECT_EQ(anchor->blocks[0].text(), vector.text("prefixes"));
  }
}

TEST(CertificationPath, EveryTruncationIsRefused) {
  const Bytes ca = certificate("ca");
  const Bytes router = certificate("good-router");
  const auto anchor = TrustAnchor::parse(certificate("anchor"));
  for (std::size_t size = 0; size < router.size(); ++size) {
    const auto result =
        validate_path({ca, Bytes(router.begin(), router.begin() + static_cast<long>(size))},
                      {*anchor}, test::kNow);
    ASSERT_EQ(verdict(result), "malformed") << size;
    EXPECT_FALSE(inspect(ByteView(router).first(size)).has_value());
    EXPECT_FALSE(TrustAnchor::parse(ByteView(router).first(size)).has_value());
  }
}

TEST(CertificationPath, NoFlippedBitIsAccepted) {
  COVERS("CRT-3971-10");
  const auto anchor = TrustAnchor::parse(certificate("anchor"));
  const std::vector<Bytes> good = {certificate("ca"), certificate("good-router")};
  ASSERT_TRUE(validate_path(good, {*anchor}, test::kNow).has_value());
  for (std::size_t which = 0; which < good.size(); ++which) {
    for (std::size_t at = 0; at < good[which].size(); ++at) {
      std::vector<Bytes> spoiled = good;
      spoiled[which][at] = static_cast<std::uint8_t>(spoiled[which][at] ^ 1 << at % 8);
      EXPECT_FALSE(validate_path(spoiled, {*anchor}, test::kNow).has_value())
          << "certificate " << which << " octet " << at;
    }
  }
}

}  // namespace
}  // namespace sendoff::pki
