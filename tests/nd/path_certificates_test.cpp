// Which certificates make a path that a host uses, for how long, and for which key (RFC 3971 6.3,
// RFC 5280 4.1.2.4, RFC 6487 7).
#include "crypto/der.h"
#include "crypto/digest.h"
#include "nd/path_messages.h"

namespace sendoff::test {
namespace {

Bytes element(std::uint8_t tag, const std::vector<Bytes>& parts) {
  Bytes content;
  for (const Bytes& part : parts) content.insert(content.end(), part.begin(), part.end());
  Bytes octets;
  crypto::der::append_header(octets, tag, content.size());
  octets.insert(octets.end(), content.begin(), content.end());
  return octets;
}

Bytes octets_of_text(std::string_view text) { return {text.begin(), text.end()}; }

constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kGeneralizedTime = 0x18;
constexpr std::uint8_t kPrintableString = 0x13;
constexpr std::uint8_t kIa5String = 0x16;

// RFC 5755 4.1: a role for the holder of a certificate, by hand, signed by the CA above it.
Bytes attribute_certificate() {
  using crypto::der::kSequence;
  const auto names = [](const char* of) {  // GeneralNames with the subject of a certificate
    return element(0xa4, {pki::inspect(certificate(of))->subject_name});
  };
  const Bytes algorithm =  // sha1WithRSAEncryption
      element(kSequence, {element(kOid, {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5}}), {5, 0}});
  const Bytes role = element(0xa1, {element(0x86, {octets_of_text("urn:router")})});
  const Bytes signed_part = element(
      kSequence,
      {{2, 1, 1},                                                    // version 2
       element(kSequence, {element(0xa1, {names("good-router")})}),  // holder, by its name
       element(0xa0, {element(kSequence, {names("ca")})}),           // issuer
       algorithm,
       {2, 1, 7},
       element(kSequence, {element(kGeneralizedTime, {octets_of_text("20200101000000Z")}),
                           element(kGeneralizedTime, {octets_of_text("20400101000000Z")})}),
       element(kSequence, {element(kSequence, {element(kOid, {{0x55, 0x04, 0x48}}),
                                               element(kSet, {element(kSequence, {role})})})})});
  const auto key = signing_key("ca-2048");
  const Bytes signature = key->sign_sha1(crypto::sha1(signed_part));
  EXPECT_TRUE(crypto::verify_sha1(key->public_key(), crypto::sha1(signed_part), signature));
  return element(kSequence,
                 {signed_part, algorithm, element(crypto::der::kBitString, {{0}, signature})});
}

TEST_F(PathMessages, AnAttributeCertificateIsNoPartOfAPath) {
  COVERS("CRT-3971-1");
  const Bytes attributes = attribute_certificate();
  EXPECT_TRUE(usable([](Cpa&) {}));
  for (const std::uint16_t place : {std::uint16_t{0}, std::uint16_t{1}}) {
    EXPECT_FALSE(usable([&](Cpa& cpa) {
      if (cpa.component == place) cpa.certificate = attributes;
    })) << place;
    EXPECT_EQ(bench.counter("path", "refused"), 1u) << place;
  }
  // Beside the certificates that would do without it.
  for (std::ptrdiff_t at = 0; at <= 2; ++at) {
    std::vector<Bytes> path{certificate("ca"), certificate("good-router")};
    path.insert(path.begin() + at, attributes);
    start();
    const Bytes question = ask_for_path();
    for (std::uint16_t i = 0; i < 3; ++i) {
      Cpa cpa;
      cpa.identifier = head(question).identifier;
      cpa.components = 3;
      cpa.component = static_cast<std::uint16_t>(2 - i);
      cpa.certificate = path[i];
      deliver(packet(cpa));
    }
    EXPECT_FALSE(router_heard()) << at;
    EXPECT_EQ(bench.counter("path", "refused"), 1u) << at;
    EXPECT_EQ(bench.counter("path", "validated"), 0u) << at;
  }
}

// The same key with another AlgorithmIdentifier: without its NULL.
Bytes without_null(ByteView spki) {
  using crypto::der::kSequence;
  const auto outer = crypto::der::read(spki, kSequence);
  const auto algorithm = crypto::der::read(outer.content, kSequence);
  const ByteView oid = algorithm.content.first(algorithm.content.size() - 2);
  return element(kSequence, {element(kSequence, {to_bytes(oid)}),
                             to_bytes(outer.content.subspan(algorithm.size))});
}

TEST_F(PathMessages, OfTheCertifiedKeyEachOctetIsThatOfTheCgaOption) {
  COVERS("CRT-3971-20");
  const Bytes spki = to_bytes(router.key->spki());
  const Bytes other = without_null(spki);
  ASSERT_EQ(other.size(), spki.size() - 2);
  nd::CertifiedKeys keys;
  pki::CertifiedRouter certified;
  certified.spki = spki;
  certified.not_after = UtcTime::max();
  keys.store(certified);
  EXPECT_NE(keys.find(spki, bench.now.utc), nullptr);
  EXPECT_EQ(keys.find(other, bench.now.utc), nullptr);
  for (std::size_t at = 0; at < spki.size(); ++at) {
    Bytes changed = spki;
    changed[at] ^= 1;
    EXPECT_EQ(keys.find(changed, bench.now.utc), nullptr) << at;
  }
  // In the certificate: other octets in the place of the NULL's.
  const Bytes algorithm{0xf7, 0x0d, 1, 1, 1, 5, 0};
  EXPECT_FALSE(usable([&](Cpa& cpa) {
    if (cpa.component != 0) return;
    const auto found = std::ranges::search(cpa.certificate, algorithm);
    ASSERT_FALSE(found.empty());
    *(found.begin() + 5) = 4;
  }));
  // And in the CGA option, of the address that is made from those octets.
  ASSERT_TRUE(usable([](Cpa&) {}));
  bench.advance(seconds(1));
  cga::Parameters parameters = router.parameters(send::link_local_prefix());
  parameters.public_key = other;
  Craft craft = secured(cga::address_of(parameters, 0), kAllNodes,
                        octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800}), {});
  craft.cga_parameters = parameters.octets();
  craft.signer = router.key;
  craft.key_hash = crypto::key_hash(other);
  EXPECT_TRUE(dropped(from_wire(craft.packet(), router.link_address)));
  EXPECT_EQ(guard->status(bench.now).links[0].routers, std::vector{router.link_local});
}

using Attributes = std::vector<std::pair<Bytes, std::string>>;  // OID and value

// Country, organization, organizational unit, dnQualifier, state, common name, serial number,
// domain component.
Attributes all_attributes(const std::string& common_name) {
  return {{{0x55, 4, 6}, "DE"},
          {{0x55, 4, 10}, "Example"},
          {{0x55, 4, 11}, "Roaming"},
          {{0x55, 4, 46}, "q7"},
          {{0x55, 4, 8}, "Bavaria"},
          {{0x55, 4, 3}, common_name},
          {{0x55, 4, 5}, "4711-0815"},
          {{0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25}, "example"}};
}

Bytes name_with(const Attributes& attributes) {
  std::vector<Bytes> sets;
  for (const auto& [oid, value] : attributes) {
    const std::uint8_t type = oid[0] == 0x09 ? kIa5String : kPrintableString;
    sets.push_back(
        element(kSet, {element(crypto::der::kSequence,
                               {element(kOid, {oid}), element(type, {octets_of_text(value)})})}));
  }
  return element(crypto::der::kSequence, sets);
}

TEST_F(PathMessages, NamesOfEveryAttributeAreChainedAndAskedFor) {
  COVERS("CRT-5280-24");
  const auto issued = [](pki::Role role, const Bytes& name, const std::string& key,
                         const Bytes& issuer, const std::string& issuer_key) {
    pki::Request request;
    request.role = role;
    request.subject_name = name;
    request.blocks = {Prefix::literal("2001:db8::/32")};
    request.not_before = UtcTime(seconds(1'700'000'000));
    request.not_after = UtcTime(seconds(1'900'000'000));
    request.serial = {1};
    return pki::issue(request, signing_key(key)->spki(), {issuer, Authority::pem(issuer_key)})
        .value();
  };
  const Bytes anchor_name = name_with(all_attributes("Anchor"));
  const Bytes anchor = issued(pki::Role::kAnchor, anchor_name, "anchor-2048", {}, "anchor-2048");
  const auto ca_named = [&](const Attributes& attributes) {
    return issued(pki::Role::kCa, name_with(attributes), "ca-2048", anchor, "anchor-2048");
  };
  const Attributes of_ca = all_attributes("Issuer");
  const Bytes ca = ca_named(of_ca);
  const Bytes last =
      issued(pki::Role::kRouter, name_with(all_attributes("ar")), "ar-2048", ca, "ca-2048");
  auto anchors = std::make_shared<std::vector<pki::TrustAnchor>>();
  anchors->push_back(*pki::TrustAnchor::parse(anchor));
  EXPECT_EQ(anchors->front().subject_name, anchor_name);
  config.paths.anchors = anchors;
  config.certifier->anchor = anchors->front();
  config.certifier->path = {ca, last};
  // A host asks by that name, and is answered.
  start();
  const Bytes question = ask_for_path();
  const Bytes option =
      octets_of(wire::TrustAnchorOption{wire::TrustAnchorOption::NameType::kDerName, anchor_name});
  EXPECT_EQ(find_option(question, wire::OptionType::kTrustAnchor), option);
  const auto heard_with = [&](const Bytes& asked, const Bytes& above) {
    answer(asked, [&](Cpa& cpa) { cpa.certificate = cpa.component == 1 ? above : last; });
    return router_heard();
  };
  EXPECT_TRUE(heard_with(question, ca));
  // Each attribute counts.
  for (std::size_t i = 0; i < of_ca.size(); ++i) {
    Attributes other = of_ca;
    other[i].second[0] = other[i].second[0] == 'A' ? 'B' : 'A';
    start();
    EXPECT_FALSE(heard_with(ask_for_path(), ca_named(other))) << i;
    EXPECT_EQ(bench.counter("path", "refused"), 1u) << i;
  }
  // At the other end.
  start();
  EXPECT_EQ(answers_to(cps({option})).size(), 2u);
}

TEST_F(PathMessages, AnAnchorCountsByItsKeyUntilItEnds) {
  COVERS("CRT-5280-4");
  // The same anchor again, which ends before what it certified, and whose own signature is wrong.
  const Authority authority{"anchor-2048", "Anchor"};
  const UtcTime ends(seconds(1'800'001'000));
  Bytes shorter = Authority::issue(pki::Role::kAnchor, authority.key, authority.name,
                                   authority.blocks, {}, authority.key, ends);
  shorter.back() ^= 1;
  auto anchors = std::make_shared<std::vector<pki::TrustAnchor>>();
  anchors->push_back(*pki::TrustAnchor::parse(shorter));
  config.paths.anchors = anchors;
  const Prefix prefix = Prefix::literal(kOnLink);
  router = FakeRouter("ar-2048", authority.path_to("ar-2048", prefix), {prefix}, 1);
  for (const bool over : {false, true}) {
    start();
    bench.now.utc = ends + seconds(over ? 1 : -10);
    (void)ask_for_path();
    give_path();
    EXPECT_EQ(router_heard(), !over);
    const auto refusals = bench.reported(machine::EventKind::kPathRefused);
    ASSERT_EQ(refusals.size(), over ? 1u : 0u);
    if (over) {
      EXPECT_EQ(refusals[0]->text("reason"), "expired");
    }
  }
}

TEST_F(PathMessages, CertificatesCountFromTheirFirstSecondToTheirLast) {
  COVERS("CRT-6487-24");
  const Authority authority{"anchor-2048", "Anchor"};  // valid from 1.7 to 1.9 thousand million s
  auto anchors = std::make_shared<std::vector<pki::TrustAnchor>>();
  anchors->push_back(authority.trusted());
  config.paths.anchors = anchors;
  const UtcTime begins(seconds(1'700'000'000));
  const UtcTime ends(seconds(1'800'000'100));
  const Prefix prefix = Prefix::literal(kOnLink);
  router = FakeRouter("ar-2048", authority.path_to("ar-2048", prefix, ends), {prefix}, 1);
  const auto heard_at = [&](UtcTime utc) {
    start();
    bench.now.utc = utc;
    bench.sent.clear();
    (void)ask_for_path();
    give_path();
    return router_heard();
  };
  EXPECT_FALSE(heard_at(begins - seconds(1)));
  EXPECT_TRUE(heard_at(begins));
  EXPECT_FALSE(heard_at(ends + seconds(1)));
  EXPECT_TRUE(heard_at(ends));
  // One that was taken while it was valid.
  EXPECT_TRUE(heard_at(ends - seconds(10)));
  EXPECT_EQ(guard->status(bench.now).links[0].routers, std::vector{router.link_local});
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  const Bytes unsecured = router_advertisement(Ipv6Address::literal("fe80::66"), link, 1800);
  EXPECT_TRUE(dropped(from_wire(unsecured, link)));
  bench.advance(seconds(11));
  EXPECT_TRUE(guard->status(bench.now).links[0].routers.empty());
  EXPECT_TRUE(taken(from_wire(unsecured, link)));
  (void)from_wire(certified_advertisement(), router.link_address);
  EXPECT_FALSE(taken(verdict(last_hold())));
}

TEST_F(PathMessages, WhileARouterIsReachableNobodyElsesPathIsAskedFor) {
  COVERS("SND-6.4.6-13");
  start();
  const Bytes question = ask_for_path();
  answer(question);
  ASSERT_TRUE(router_heard());
  const FakeRouter first = router;
  const auto asks_for = [&](const FakeRouter& other) {
    router = other;
    bench.advance(seconds(16));
    bench.sent.clear();
    (void)from_wire(certified_advertisement(), router.link_address);
    return !sent_of(148).empty();
  };
  // Under the path that is known, and by a key that is not.
  const std::vector<Bytes> path{certificate("ca"), certificate("good-router")};
  EXPECT_FALSE(asks_for(FakeRouter("ar-2048", path, {Prefix::literal(kOnLink)}, 7)));
  EXPECT_TRUE(taken(verdict(last_hold())));
  const FakeRouter unknown("ar2-2048", path, {Prefix::literal(kOnLink)}, 2);
  EXPECT_FALSE(asks_for(unknown));
  // The kernel gives them up, one after the other.
  const auto give_up = [&](const Ipv6Address& gone) {
    bench.host(machine::NeighbourChanged{kGuarded, gone, std::nullopt, false});
  };
  give_up(first.link_local);
  EXPECT_FALSE(asks_for(unknown));
  give_up(FakeRouter("ar-2048", path, {}, 7).link_local);
  EXPECT_TRUE(asks_for(unknown));
}

}  // namespace
}  // namespace sendoff::test
