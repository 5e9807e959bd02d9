// The router's answers to Certification Path Solicitations (RFC 3971 6.4.5, GS13, GS14; RFC 5269
// 3.2): who gets which certificates, and how often.
#include "nd/certifier.h"

#include <gtest/gtest.h>

#include <utility>

#include "crypto/digest.h"
#include "send/receiver.h"
#include "support/covers.h"
#include "support/peer.h"
#include "support/vectors.h"

namespace sendoff::test {
namespace {

using wire::CertificationPathAdvertisement;
using wire::CertificationPathSolicitation;
using wire::TrustAnchorOption;
using Type = TrustAnchorOption::NameType;

const Ipv6Address kOwn = Ipv6Address::literal("fe80::1");
const Ipv6Address kHost = Ipv6Address::literal("fe80::abcd:ef01");

class Certifier : public testing::Test {
 protected:
  nd::CertifierConfig config;
  machine::Outbox outbox;
  Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  std::unique_ptr<nd::Certifier> certifier;
  std::uint16_t identifier = 77;

  Certifier() {
    config.anchor = *pki::TrustAnchor::parse(load_file("pki/anchor.der"));
    config.path = {Bytes(101, 3), Bytes(102, 2), Bytes(103, 1)};
    config.anchor_fqdns = {"TrustAnchor.Example.com"};
  }
  void start() { certifier = std::make_unique<nd::Certifier>(config, outbox); }
  [[nodiscard]] Bytes anchor(Type type, ByteView name) const {
    return octets_of(TrustAnchorOption{type, name});
  }
  [[nodiscard]] Bytes ours() const { return anchor(Type::kDerName, config.anchor.subject_name); }
  [[nodiscard]] Bytes foreign() const {
    return anchor(Type::kDerName,
                  pki::TrustAnchor::parse(load_file("pki/anchor2.der"))->subject_name);
  }
  // The CPAs that a CPS with these options is answered with.
  std::vector<Bytes> ask(const std::vector<Bytes>& options, std::uint16_t component = 0xffff,
                         const Ipv6Address& source = kHost) {
    send::Message message;
    message.kind = send::Kind::kCertificationPathSolicitation;
    message.source = source;
    append(message.packet, CertificationPathSolicitation{identifier, component});
    for (const Bytes& option : options)
      message.packet.insert(message.packet.end(), option.begin(), option.end());
    message.icmp = message.packet;
    message.options = *wire::OptionList::parse(message.icmp.subspan(8));
    certifier->handle(now, message, kOwn);
    return sent();
  }
  std::vector<Bytes> sent() {
    std::vector<Bytes> packets;
    while (auto action = outbox.poll())
      packets.push_back(std::get<machine::Transmit>(action->what).packet);
    return packets;
  }
  static CertificationPathAdvertisement head(const Bytes& packet) {
    EXPECT_EQ(packet[7], 255);
    const ByteView message = ByteView(packet).subspan(40);
    EXPECT_TRUE(wire::icmpv6_checksum_ok(Ipv6Address::from(ByteView(packet).subspan(8, 16)),
                                         destination(packet), message));
    return *CertificationPathAdvertisement::parse(message);
  }
  static Ipv6Address destination(const Bytes& packet) {
    return Ipv6Address::from(ByteView(packet).subspan(24, 16));
  }
  void expect_whole_path(const std::vector<Bytes>& packets, const Bytes& named) {
    ASSERT_EQ(packets.size(), 3u);
    for (std::uint16_t i = 0; i < 3; ++i) {
      const auto advertised = head(packets[i]);
      EXPECT_EQ(advertised.identifier, identifier);
      EXPECT_EQ(advertised.all_components, 3);
      EXPECT_EQ(advertised.component, 2 - i);
      const auto option = find_option(packets[i], wire::OptionType::kCertificate);
      ASSERT_TRUE(option.has_value());
      const auto certificate = wire::CertificateOption::parse(*option);
      EXPECT_TRUE(equal(certificate->certificate.first(config.path[i].size()), config.path[i]));
      EXPECT_EQ(find_option(packets[i], wire::OptionType::kTrustAnchor).has_value(), i == 0);
    }
    EXPECT_EQ(find_option(packets[0], wire::OptionType::kTrustAnchor), named);
  }
};

TEST_F(Certifier, AnswersTheConfiguredAnchorByEveryNameWithTheWholePath) {
  COVERS("HK-3.2-30", "CRT-6495-3");
  start();
  expect_whole_path(ask({ours()}), ours());
  Bytes dns{11};
  const auto label = [&](std::string_view text) {
    dns.insert(dns.end(), text.begin(), text.end());
  };
  label("trustanchor");
  dns.push_back(7);
  label("example");
  dns.push_back(3);
  label("com");
  dns.push_back(0);
  std::vector<Bytes> names{anchor(Type::kFqdn, dns)};
  ASSERT_FALSE(config.anchor.key_identifier.empty());
  for (int type = 3; type <= 7; ++type)
    names.push_back(anchor(static_cast<Type>(type), config.anchor.key_identifier));
  for (const Bytes& name : names) {
    now.boot += seconds(5);
    expect_whole_path(ask({foreign(), name}), name);
  }
  now.boot += seconds(5);
  Bytes shorter = config.anchor.key_identifier;
  shorter.pop_back();
  const auto refused = ask({foreign(), anchor(Type::kSkiSha1, shorter)});
  ASSERT_EQ(refused.size(), 1u);
  const auto none = head(refused[0]);
  EXPECT_EQ(none.all_components, 0);
  EXPECT_EQ(none.component, 0);
  EXPECT_EQ(option_types(refused[0]), (std::vector<int>{15, 15}));
  EXPECT_EQ(find_option(refused[0], wire::OptionType::kTrustAnchor), foreign());
}

TEST_F(Certifier, NamesTheAnchorThatThePathIsFor) {
  COVERS("SND-6.4.5-11", "SND-6.4.5-12");
  start();
  expect_whole_path(ask({foreign(), ours()}), ours());
  const auto none = ask({foreign()});
  ASSERT_EQ(none.size(), 1u);
  EXPECT_EQ(head(none[0]).all_components, 0);
  EXPECT_EQ(head(none[0]).component, 0);
  EXPECT_EQ(option_types(none[0]), std::vector<int>{15});
  EXPECT_EQ(find_option(none[0], wire::OptionType::kTrustAnchor), foreign());
}

TEST_F(Certifier, AnswersForTheFirstNameThatIsItsAnchors) {
  COVERS("SND-6.4.1-8");
  start();
  const Bytes other_key = anchor(Type::kSkiSha1, Bytes(20, 9));
  Bytes dns{11};
  for (const char c : std::string_view("trustanchor")) dns.push_back(static_cast<std::uint8_t>(c));
  for (const std::string_view label : {"example", "com"}) {
    dns.push_back(static_cast<std::uint8_t>(label.size()));
    dns.insert(dns.end(), label.begin(), label.end());
  }
  dns.push_back(0);
  const Bytes fqdn = anchor(Type::kFqdn, dns);
  expect_whole_path(ask({foreign(), other_key, fqdn}), fqdn);
  now.boot += seconds(2);
  const Bytes our_key = anchor(Type::kSkiSha1, config.anchor.key_identifier);
  expect_whole_path(ask({foreign(), our_key, fqdn}), our_key);
  now.boot += seconds(2);
  expect_whole_path(ask({ours(), our_key, fqdn}), ours());
}

TEST_F(Certifier, SendsWhereTheSourceSays) {
  COVERS("SND-6.4.5-4", "SND-6.4.5-5");
  start();
  for (const Bytes& packet : ask({ours()}, 0xffff, Ipv6Address{})) {
    EXPECT_EQ(destination(packet), kAllNodes);
    EXPECT_EQ(head(packet).identifier, 0);
  }
  for (const char* source : {"fe80::1:2233:4455", "fe80::7788:99aa"})
    for (const Bytes& packet : ask({ours()}, 0xffff, Ipv6Address::literal(source)))
      EXPECT_EQ(destination(packet), Ipv6Address::literal(source).solicited_node());
}

TEST_F(Certifier, AnswersOneComponentAlone) {
  COVERS("SND-6.4.5-8");
  start();
  expect_whole_path(ask({ours()}), ours());
  const auto one = ask({ours()}, 1);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(head(one[0]).all_components, 3);
  EXPECT_EQ(head(one[0]).component, 1);
  EXPECT_TRUE(ask({ours()}, 7).empty());
  EXPECT_TRUE(ask({ours()}, 3).empty());
}

TEST_F(Certifier, KeepsTheRateInEveryWindowOfASecond) {
  COVERS("SND-6.4.5-6", "SND-10.1-4");
  EXPECT_EQ(nd::CertifierConfig{}.max_cpa_s, 10u);
  config.path.pop_back();
  start();
  std::vector<Instant> sent;
  for (int i = 0; i < 300; ++i, now.boot += milliseconds(10))
    sent.insert(sent.end(), ask({ours()}).size(), now.boot);
  for (std::size_t i = 10; i < sent.size(); ++i) EXPECT_GE(sent[i] - sent[i - 10], seconds(1));
  EXPECT_EQ(sent.size(), 30u);
}

TEST_F(Certifier, BeyondTheRateOneAnswerServesAll) {
  COVERS("SND-6.4.5-7");
  start();
  const auto host = [](int number) {
    return Ipv6Address::literal("fe80::77:" + std::to_string(1000 + number));
  };
  std::size_t first = 0;  // messages, each to who asked
  for (int i = 0; i < 100; ++i) {
    const auto packets = ask({ours()}, 0xffff, host(i));
    for (const Bytes& packet : packets)
      EXPECT_EQ(destination(packet), host(i).solicited_node()) << i;
    first += packets.size();
  }
  EXPECT_EQ(first, 9u);  // three of three
  // Each part once more, as soon as the rate allows it; nobody else has to ask.
  EXPECT_EQ(certifier->next_deadline(), now.boot + seconds(1));
  now.boot += milliseconds(999);
  certifier->tick(now);
  EXPECT_TRUE(sent().empty());
  now.boot += milliseconds(1);
  certifier->tick(now);
  const auto served = sent();
  identifier = 0;
  expect_whole_path(served, ours());
  identifier = 77;
  for (const Bytes& packet : served) EXPECT_EQ(destination(packet), kAllNodes);
  EXPECT_EQ(certifier->next_deadline(), kNever);
  EXPECT_EQ(certifier->counters()[nd::CertifierCounter::kRateLimited], 97u);
  // Nothing is due: to who asks again.
  for (const Bytes& packet : ask({ours()}, 0xffff, host(5)))
    EXPECT_EQ(destination(packet), host(5).solicited_node());
  // A part of the path is another answer than the whole.
  for (int i = 0; i < 5; ++i) (void)ask({ours()}, 0xffff, host(i));
  EXPECT_TRUE(ask({ours()}, 1, host(6)).empty());
  EXPECT_TRUE(ask({ours()}, 1, host(7)).empty());
  now.boot += seconds(1);
  certifier->tick(now);
  std::vector<int> components;
  for (const Bytes& packet : sent()) components.push_back(head(packet).component);
  EXPECT_EQ(components, (std::vector{2, 1, 0, 1}));
}

TEST_F(Certifier, APathThatIsLongerThanTheRateGoesInParts) {
  config.max_cpa_s = 2;
  start();
  EXPECT_TRUE(ask({ours()}).empty());
  std::vector<Bytes> packets;
  for (int i = 0; i < 21; ++i, now.boot += milliseconds(100)) {
    certifier->tick(now);
    for (Bytes& packet : sent()) packets.push_back(std::move(packet));
    EXPECT_EQ(packets.size(), i < 10 ? 2u : 3u) << i;
  }
  identifier = 0;
  expect_whole_path(packets, ours());
}

TEST_F(Certifier, AFloodOfUnknownAnchorsKeepsNobodyWaiting) {
  COVERS("SND-9.3-3");
  start();
  std::size_t sent_in_all = 0;
  for (int i = 0; i < 1000; ++i) {
    Bytes name = to_bytes(config.anchor.subject_name);
    name.back() = static_cast<std::uint8_t>(i);
    name[name.size() - 2] = static_cast<std::uint8_t>(i >> 8);
    sent_in_all += ask({anchor(Type::kDerName, name)}).size();
  }
  EXPECT_EQ(sent_in_all, 10u);
  // Sixteen wait; the others are gone.
  EXPECT_EQ(certifier->counters()[nd::CertifierCounter::kShed], 1000u - 10u - 16u);
  EXPECT_TRUE(ask({ours()}).empty());
  now.boot += seconds(1);
  certifier->tick(now);
  const auto packets = sent();
  ASSERT_EQ(packets.size(), 10u);
  identifier = 0;
  expect_whole_path({packets.begin(), packets.begin() + 3}, ours());
}

TEST_F(Certifier, IgnoresWhatDoesNotConform) {
  start();
  EXPECT_TRUE(ask({}).empty());
  EXPECT_TRUE(ask({anchor(Type::kFqdn, Bytes{0}), ours()}).empty());
  identifier = 0;
  EXPECT_TRUE(ask({ours()}).empty());
  EXPECT_EQ(certifier->counters()[nd::CertifierCounter::kMalformed], 3u);
}

// Attribute by attribute, whatever the case and the type of string (RFC 5280 7.1).
TEST_F(Certifier, ComparesNamesAsX501Does) {
  COVERS("SND-6.4.5-9");
  // A Name of an O and a CN, each a relative name of its own, as a string of this type.
  const auto attribute = [](std::uint8_t kind, std::uint8_t string_type, std::string_view text) {
    const auto size = static_cast<std::uint8_t>(text.size());
    Bytes octets{0x31, static_cast<std::uint8_t>(size + 9),
                 0x30, static_cast<std::uint8_t>(size + 7),
                 0x06, 3,
                 0x55, 0x04,
                 kind, string_type,
                 size};
    octets.insert(octets.end(), text.begin(), text.end());
    return octets;
  };
  const auto name_of = [](const Bytes& first, const Bytes& second) {
    Bytes octets{0x30, static_cast<std::uint8_t>(first.size() + second.size())};
    octets.insert(octets.end(), first.begin(), first.end());
    octets.insert(octets.end(), second.begin(), second.end());
    return octets;
  };
  constexpr std::uint8_t kPrintable = 0x13;
  constexpr std::uint8_t kUtf8 = 0x0c;
  constexpr std::uint8_t kOrganization = 10;
  constexpr std::uint8_t kCommonName = 3;
  const auto name = [&](std::uint8_t type, std::string_view organization, std::string_view common) {
    return name_of(attribute(kOrganization, type, organization),
                   attribute(kCommonName, type, common));
  };
  config.anchor.subject_name = name(kPrintable, "Example", "Trust Anchor");
  start();
  for (const Bytes& same :
       {name(kPrintable, "Example", "Trust Anchor"), name(kUtf8, "Example", "Trust Anchor"),
        name(kUtf8, "EXAMPLE", "trust anchor"), name(kPrintable, "example", "TRUST ANCHOR")}) {
    now.boot += seconds(2);
    expect_whole_path(ask({anchor(Type::kDerName, same)}), anchor(Type::kDerName, same));
  }
  for (const Bytes& other :
       {name(kPrintable, "Example", "Trust Anchor 2"), name(kPrintable, "Example", "TrustAnchor"),
        name_of(attribute(kCommonName, kPrintable, "Trust Anchor"),
                attribute(kOrganization, kPrintable, "Example"))}) {
    now.boot += seconds(2);
    const auto none = ask({anchor(Type::kDerName, other)});
    ASSERT_EQ(none.size(), 1u);
    EXPECT_EQ(head(none[0]).all_components, 0);
  }
}

TEST_F(Certifier, ComparesDomainNamesWhole) {
  COVERS("SND-6.4.5-10", "SND-6.4.3-5", "SND-6.4.3-8");
  const auto wire_name = [](const std::vector<std::string>& labels) {
    Bytes octets;
    for (const std::string& label : labels) {
      octets.push_back(static_cast<std::uint8_t>(label.size()));
      octets.insert(octets.end(), label.begin(), label.end());
    }
    octets.push_back(0);
    return octets;
  };
  const Bytes whole = wire_name({"trustanchor", "example", "com"});
  EXPECT_EQ(to_hex(whole), "0b7472757374616e63686f72076578616d706c6503636f6d00");
  start();
  const auto found = [&](const Bytes& name) {
    now.boot += seconds(2);
    const auto packets = ask({foreign(), anchor(Type::kFqdn, name)});
    return packets.size() == 3 && head(packets[0]).all_components == 3;
  };
  EXPECT_TRUE(found(whole));
  EXPECT_TRUE(found(wire_name({"TrustAnchor", "EXAMPLE", "com"})));
  EXPECT_FALSE(found(wire_name({"example", "com"})));
  EXPECT_FALSE(found(wire_name({"a", "trustanchor", "example", "com"})));
  // A pointer in place of the last label, and no root.
  Bytes compressed = wire_name({"trustanchor", "example"});
  compressed.back() = 0xc0;
  compressed.push_back(0x0c);
  EXPECT_FALSE(found(compressed));
  EXPECT_FALSE(found(Bytes(whole.begin(), whole.end() - 1)));
  // Unconfigured, it is nobody's; others behind it are still read.
  config.anchor_fqdns.clear();
  start();
  EXPECT_FALSE(found(whole));
  now.boot += seconds(2);
  expect_whole_path(ask({foreign(), anchor(Type::kFqdn, whole), ours()}), ours());
}

TEST_F(Certifier, IgnoresOtherOptionsAndUnknownNames) {
  COVERS("SND-6.4.5-2", "SND-6.4.3-2");
  start();
  const LinkAddress link = LinkAddress::literal("02:00:00:00:00:09");
  expect_whole_path(
      ask({octets_of(wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, link}), ours(),
           octets_of(wire::NonceOption{Bytes(6)}), octets_of(wire::CgaOption{Bytes(64)})}),
      ours());
  for (const int type : {0, 9, 254, 255}) {
    now.boot += seconds(2);
    const Bytes odd = anchor(static_cast<Type>(type), config.anchor.subject_name);
    expect_whole_path(ask({foreign(), odd, ours()}), ours());
  }
}

TEST_F(Certifier, AKeyIdentifierIsThatOfTheAnchorsOwnExtension) {
  COVERS("CRT-6495-1", "CRT-6495-2", "CRT-6495-4", "CRT-6495-5", "CRT-6495-6");
  start();
  const Bytes& own_key = config.anchor.key_identifier;
  ASSERT_EQ(own_key.size(), 20u);
  const Bytes option = anchor(Type::kSkiSha1, own_key);
  EXPECT_EQ(to_hex(ByteView(option).first(4)), "0f030300");
  EXPECT_EQ(option.size(), 24u);
  static_assert(std::to_underlying(Type::kSkiSha1) == 3 &&
                std::to_underlying(Type::kSkiSha224) == 4);
  static_assert(std::to_underlying(Type::kSkiSha256) == 5);
  static_assert(std::to_underlying(Type::kSkiSha384) == 6 &&
                std::to_underlying(Type::kSkiSha512) == 7);
  expect_whole_path(ask({foreign(), option}), option);
  const auto nothing = [&](const Bytes& asked) {
    now.boot += seconds(5);
    const auto answer = ask({foreign(), asked});
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(head(answer[0]).all_components, 0);
    // What was asked for, and no certificate.
    Bytes options = foreign();
    options.insert(options.end(), asked.begin(), asked.end());
    EXPECT_EQ(Bytes(answer[0].begin() + 52, answer[0].end()), options);
  };
  Bytes other = own_key;
  other[19] ^= 1;
  nothing(anchor(Type::kSkiSha1, other));
  other = own_key;
  other.push_back(0);
  nothing(anchor(Type::kSkiSha1, other));
  other.resize(19);
  nothing(anchor(Type::kSkiSha1, other));
  // By whatever hash of the anchor's key that its certificate does not name.
  const auto info = pki::inspect(config.anchor.certificate);
  ASSERT_TRUE(info);
  nothing(anchor(Type::kSkiSha224, crypto::sha224(info->spki)));
  nothing(anchor(Type::kSkiSha256, crypto::sha256(info->spki)));
  nothing(anchor(Type::kSkiSha384, crypto::sha384(info->spki)));
  nothing(anchor(Type::kSkiSha512, crypto::sha512(info->spki)));
  // Reserved and experimental types name nobody.
  for (const int type : {0, 253, 254, 255}) nothing(anchor(static_cast<Type>(type), own_key));
}

TEST_F(Certifier, AnEqualKeyIdentifierBelowTheAnchorDoesNotCutThePathShort) {
  COVERS("CRT-6495-7");
  config.path[0] = config.anchor.certificate;  // the CA has the anchor's key
  start();
  const Bytes option = anchor(Type::kSkiSha1, config.anchor.key_identifier);
  const auto packets = ask({foreign(), option});
  ASSERT_EQ(packets.size(), 3u);
  for (std::uint16_t i = 0; i < 3; ++i) {
    EXPECT_EQ(head(packets[i]).all_components, 3);
    EXPECT_EQ(head(packets[i]).component, 2 - i);
  }
}

}  // namespace
}  // namespace sendoff::test
