// Messages in words and the verdicts on them, on the vectors of other makers: what a vector calls
// good or bad, the checks call so too, each by its name.
#include <gtest/gtest.h>

#include "inspect/inspector.h"
#include "inspect/report.h"
#include "inspect/words.h"
#include "support/pcap.h"
#include "support/vectors.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::inspect {
namespace {

using test::load_file;
using test::load_vector;
using test::load_vectors;
using test::put;
using test::Vector;

constexpr UtcTime kAt{seconds(1'780'272'000)};  // the vectors' 2026-06-01

Frame raw_frame(ByteView packet, UtcTime at = kAt) {
  return {
      .number = 1, .at = at, .link = LinkType::kRawIp, .octets = packet, .length = packet.size()};
}

Message shown(Inspector& inspector, ByteView packet, UtcTime at = kAt) {
  auto message = inspector.look(raw_frame(packet, at));
  EXPECT_TRUE(message);
  return message ? std::move(*message) : Message{};
}

Message shown(ByteView packet, Keys keys = {}) {
  Inspector inspector(std::move(keys), {});
  return shown(inspector, packet);
}

// "good", "bad" or "not made" of the check's last line; "none" when there is no such check.
std::string verdict_of(const Message& message, std::string_view check) {
  std::string verdict = "none";
  for (const Check& each : message.checks)
    if (each.name == check) verdict = name(each.verdict);
  return verdict;
}

std::string why(const Message& message, std::string_view check) {
  for (const Check& each : message.checks)
    if (each.name == check) return each.why;
  return {};
}

std::string text_of_line(const Message& message, std::string_view name) {
  for (const Line& line : message.lines)
    if (line.name == name) return line.text;
  return "no such line";
}

bool any_bad(const Message& message) {
  return !message.problem.empty() || std::ranges::any_of(message.checks, [](const Check& each) {
    return each.verdict == Verdict::kBad;
  });
}

TEST(Inspector, SignedMessagesGetTheVerdictOfTheirVector) {
  std::size_t good = 0;
  std::size_t bad = 0;
  for (const Vector& vector : load_vectors("send-signatures.txt")) {
    if (!vector.has("verdict")) continue;
    const Message message = shown(vector.hex("packet"));
    const bool expected_bad = vector.text("verdict") == "bad";
    EXPECT_EQ(any_bad(message), expected_bad) << vector.name << "\n" << text_of(message);
    ++(expected_bad ? bad : good);
    if (expected_bad) continue;
    for (const char* check : {"form", "cga", "signature", "timestamp"})
      EXPECT_EQ(verdict_of(message, check), "good") << vector.name << "\n" << text_of(message);
    EXPECT_EQ(message.source.text(), vector.text("source"));
  }
  EXPECT_GT(good, 70U);
  EXPECT_GT(bad, 40U);
}

TEST(Inspector, TheCheckThatFailsIsTheOneThatTheVectorBreaks) {
  const std::vector<std::pair<const char*, const char*>> broken = {
      {"bad-signature-first-bit", "signature"},
      {"bad-other-private-key", "signature"},
      {"bad-key-hash", "signature"},
      {"bad-key-512", "signature"},
      {"bad-stolen-address", "cga"},
      {"bad-cga-modifier", "cga"},
      {"bad-cga-count-3", "cga"},
      {"bad-cga-sec1", "cga"},
      {"bad-wire-checksum", "form"},
      {"bad-two-cga", "form"},
      {"bad-no-timestamp", "timestamp"},
      {"bad-no-nonce", "nonce"},
      {"bad-no-cga", "cga"},
      {"bad-tail-length-zero", "form"}};
  for (const auto& [name, check] : broken) {
    const Message message = shown(load_vector("send-signatures.txt", name).hex("packet"));
    bool found = false;
    for (const Check& each : message.checks)
      found = found || (each.name == check && each.verdict == Verdict::kBad);
    EXPECT_TRUE(found) << name << "\n" << text_of(message);
  }
}

TEST(Inspector, ATimestampIsJudgedByTheCapturesClockAndByTheLastOne) {
  const Bytes packet = load_vector("send-signatures.txt", "rs-rsa2048").hex("packet");
  Inspector inspector({}, {});
  EXPECT_EQ(verdict_of(shown(inspector, packet, kAt - seconds(301)), "timestamp"), "bad");
  const Message late = shown(inspector, packet, kAt + seconds(400));
  EXPECT_EQ(verdict_of(late, "timestamp"), "bad");
  EXPECT_NE(why(late, "timestamp").find("s behind the capture's clock"), std::string::npos);
  EXPECT_EQ(verdict_of(shown(inspector, packet, kAt + seconds(299)), "timestamp"), "good");
  // Now it is known, and an old copy is a replay.
  const Message replay = shown(inspector, packet, kAt + seconds(305));
  EXPECT_EQ(verdict_of(replay, "timestamp"), "bad");
  EXPECT_NE(why(replay, "timestamp").find("last one"), std::string::npos);
}

TEST(Inspector, AnAnswerIsTiedToItsSolicitationByTheNonce) {
  const Bytes request = load_vector("send-signatures.txt", "rtsolpr-rsa2048-at2").hex("packet");
  const Bytes answer = load_vector("send-signatures.txt", "prrtadv-rsa2048-at2").hex("packet");
  Inspector without({}, {});
  EXPECT_EQ(verdict_of(shown(without, answer), "nonce"), "not made");
  Inspector with({}, {});
  const Message asked = shown(with, request);
  EXPECT_EQ(asked.name, "RtSolPr");
  EXPECT_NE(text_of_line(asked, "handover key request").find("hmac-sha256-128"), std::string::npos);
  EXPECT_EQ(verdict_of(asked, "certificate"), "none");
  const Message answered = shown(with, answer);
  EXPECT_EQ(answered.name, "PrRtAdv");
  EXPECT_EQ(verdict_of(answered, "nonce"), "good");
  EXPECT_NE(text_of_line(answered, "handover key reply").find("256 octets encrypted"),
            std::string::npos);
  // A minute later the nonce is forgotten.
  EXPECT_EQ(verdict_of(shown(with, answer, kAt + seconds(61)), "nonce"), "not made");
}

TEST(Inspector, OptionsBehindTheSignatureAreMarked) {
  const Message message = shown(load_vector("send-signatures.txt", "tail-request").hex("packet"));
  EXPECT_NE(text_of_line(message, "handover key request"), "no such line");
  EXPECT_NE(text_of_line(message, "behind the signature: handover key request"), "no such line");
}

Keys keys_of(const Vector& vector, const std::string& pcoa) {
  Keys keys;
  HandoverKey key;
  key.pcoa = *Ipv6Address::parse(pcoa);
  key.algorithm = *crypto::algorithm_of(static_cast<std::uint8_t>(vector.number("algorithm-type")));
  key.key = Secret::copy_of(vector.hex("handover-key"));
  keys.handover.push_back(std::move(key));
  return keys;
}

TEST(Inspector, AnFbuIsAuthenticatedByTheKeyGiven) {
  std::size_t good = 0;
  std::size_t bad = 0;
  for (const Vector& vector : load_vectors("wire-mobility.txt")) {
    if (!vector.name.starts_with("fbu-") || !vector.has("mac-good") || !vector.has("packet"))
      continue;
    const Bytes packet = vector.hex("packet");
    if (!vector.has("home-address")) {  // GF24
      EXPECT_EQ(verdict_of(shown(packet), "form"), "bad") << vector.name;
      continue;
    }
    const std::string& pcoa = vector.text("home-address");
    const bool holds = vector.number("mac-good") == 1;
    const Message message = shown(packet, keys_of(vector, pcoa));
    EXPECT_EQ(message.name, "FBU") << vector.name;
    if (!message.problem.empty()) {
      EXPECT_FALSE(holds) << vector.name;
      continue;
    }
    EXPECT_EQ(verdict_of(message, "mac"), holds ? "good" : "bad") << vector.name << "\n"
                                                                  << text_of(message);
    ++(holds ? good : bad);
    const Message closed = shown(packet);
    EXPECT_EQ(verdict_of(closed, "mac"), "not made");
    EXPECT_EQ(why(closed, "mac"), "no key given for " + pcoa);
    EXPECT_EQ(verdict_of(shown(packet, keys_of(vector, "2001:db8::1")), "mac"), "not made");
  }
  EXPECT_GT(good, 20U);
  EXPECT_GT(bad, 10U);
}

TEST(Inspector, AnFbackIsAuthenticatedOverWhatItsFbuSaid) {
  for (const std::string at : {"at1", "at2", "at3", "at4"}) {
    for (const auto& [update, answer] : {std::pair{"fbu-par-", "fback-"},
                                         {"fbu-par-", "fback-old-link-"},
                                         {"fbu-nar-", "fback-"},
                                         {"fbu-end-", "fback-end-"}}) {
      const Vector fbu = load_vector("wire-mobility.txt", update + at);
      const Vector fback = load_vector("wire-mobility.txt", answer + at);
      Inspector inspector(keys_of(fback, fbu.text("home-address")), {});
      EXPECT_EQ(verdict_of(shown(inspector, fback.hex("packet")), "mac"), "not made");
      EXPECT_EQ(verdict_of(shown(inspector, fbu.hex("packet")), "mac"), "good");
      const Message message = shown(inspector, fback.hex("packet"));
      EXPECT_EQ(verdict_of(message, "mac"), "good") << fback.name << "\n" << text_of(message);
    }
  }
  const Vector fbu = load_vector("wire-mobility.txt", "fbu-par-at1");
  for (const char* name : {"fback-bad-bit", "fback-bad-term"}) {
    const Vector fback = load_vector("wire-mobility.txt", name);
    Inspector inspector(keys_of(fback, fbu.text("home-address")), {});
    (void)shown(inspector, fbu.hex("packet"));
    EXPECT_EQ(verdict_of(shown(inspector, fback.hex("packet")), "mac"), "bad") << name;
  }
}

TEST(Inspector, EspIsOpenedByItsKeyOnly) {
  const Vector esp = load_vector("esp.txt", "");
  const Bytes packet = esp.hex("hmac-hi-ipv6-packet");
  const Message closed = shown(packet);
  EXPECT_EQ(closed.name, "HI in ESP");
  EXPECT_EQ(text_of_line(closed, "spi"), "0xc7a50e31");
  EXPECT_EQ(text_of_line(closed, "esp sequence"), std::to_string(0x9a3c5e71));
  EXPECT_EQ(verdict_of(closed, "esp"), "not made");
  EXPECT_EQ(why(closed, "esp"), "no key given for SPI 0xc7a50e31");
  EXPECT_EQ(text_of_line(closed, "sequence"), "no such line");

  const auto keys = [&](std::string_view key) {
    const std::string text = "esp 0xc7a50e31 " + std::string(key) + "\n";
    auto read = parse_keys({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    EXPECT_TRUE(read);
    return read ? std::move(*read) : Keys{};
  };
  const Message open = shown(packet, keys(esp.text("hmac-hi-key")));
  EXPECT_EQ(verdict_of(open, "esp"), "good");
  EXPECT_EQ(verdict_of(open, "form"), "good");
  EXPECT_EQ(text_of_line(open, "sequence"), std::to_string(0x5a3c));
  EXPECT_EQ(text_of_line(open, "buffer"), "yes");
  EXPECT_EQ(text_of_line(open, "old care-of address"), "2001:db8:a:1:2c3d:9f51:e07b:86a4");

  std::string other = esp.text("hmac-hi-key");
  other[0] = other[0] == '0' ? '1' : '0';
  const Message refused = shown(packet, keys(other));
  EXPECT_EQ(verdict_of(refused, "esp"), "bad");
  EXPECT_EQ(text_of_line(refused, "sequence"), "no such line");
}

TEST(Inspector, HiInClearSaysThatItIs) {
  const Vector hi = load_vector("wire-mobility.txt", "hi");
  const Message message = shown(hi.hex("packet"));
  EXPECT_EQ(message.name, "HI");
  EXPECT_EQ(verdict_of(message, "esp"), "not made");
  EXPECT_EQ(verdict_of(message, "form"), "good");
}

// Anchor and certificates of pki.txt; the RA of the router that they certify.
class Certified : public testing::Test {
 protected:
  static pki::TrustAnchor anchor(const std::string& name) {
    auto parsed = pki::TrustAnchor::parse(load_file("pki/" + name + ".der"));
    EXPECT_TRUE(parsed);
    return std::move(*parsed);
  }
  static Bytes cpa(std::uint16_t component, ByteView certificate) {
    Bytes icmp;
    append(icmp, wire::CertificationPathAdvertisement{77, 2, component});
    append(icmp, wire::CertificateOption{wire::CertificateOption::kX509, certificate});
    const Ipv6Address router = Ipv6Address::literal("fe80::1");
    wire::seal_icmpv6(router, kAllNodes, icmp);
    return wire::icmpv6_packet(router, kAllNodes, icmp);
  }
  // The check of `router`'s message when the capture has these certificates.
  static Message judged(const std::vector<std::string>& certificates,
                        std::vector<pki::TrustAnchor> anchors,
                        const std::string& message = "ra-ar-2048") {
    Inspector inspector({}, std::move(anchors));
    for (const std::string& name : certificates) {
      const Bytes packet = cpa(0, load_file("pki/" + name + ".der"));
      inspector.learn(raw_frame(packet));
    }
    return shown(inspector, load_vector("send-signatures.txt", message).hex("packet"));
  }
};

TEST_F(Certified, ARouterIsCertifiedByTheCapturesCertificatesUnderAnAnchor) {
  const Message message = judged({"good-router", "ca"}, {anchor("anchor")});
  EXPECT_EQ(verdict_of(message, "certificate"), "good") << text_of(message);
  EXPECT_EQ(why(message, "certificate"), "CN=anchor > CN=ca > CN=router good-router");
  // In whatever order they came, and among others.
  EXPECT_EQ(verdict_of(judged({"ca2", "good-nar", "ca", "good-router"},
                              {anchor("anchor2"), anchor("anchor")}),
                       "certificate"),
            "good");
  EXPECT_EQ(verdict_of(judged({"good-router", "ca"}, {anchor("anchor")}, "prrtadv-rsa2048-at2"),
                       "certificate"),
            "good");
}

TEST_F(Certified, WhatIsMissingIsSaid) {
  EXPECT_EQ(why(judged({"good-router", "ca"}, {}), "certificate"), "no trust anchor given");
  EXPECT_EQ(verdict_of(judged({"good-router", "ca"}, {}), "certificate"), "not made");
  EXPECT_EQ(verdict_of(judged({"ca"}, {anchor("anchor")}), "certificate"), "not made");
  const Message broken = judged({"good-router"}, {anchor("anchor")});
  EXPECT_EQ(verdict_of(broken, "certificate"), "bad");
  EXPECT_EQ(why(broken, "certificate"), explain(pki::PathError::kNoAnchor));
  const Message other = judged({"good-router", "ca"}, {anchor("anchor2")});
  EXPECT_EQ(verdict_of(other, "certificate"), "bad");
}

TEST_F(Certified, APrefixThatIsNotCoveredIsNamed) {
  // good-two-prefixes covers the RA's prefix; a router of another prefix with the same key does
  // not.
  for (const Vector& vector : load_vectors("pki.txt")) {
    if (!vector.has("path") || vector.text("verdict") != "good" ||
        vector.text("message-key") != "ar-2048" || vector.text("anchor") != "anchor" ||
        vector.text("now") != "2026-06-01T00:00:00Z")
      continue;
    std::vector<std::string> certificates;
    std::string rest = vector.text("path");
    while (!rest.empty()) {
      const std::string one = rest.substr(0, rest.find(' '));
      rest.erase(0, std::min(rest.size(), one.size() + 1));
      certificates.push_back(one);
    }
    const Message message = judged(certificates, {anchor("anchor")});
    const auto router = pki::validate_path(
        [&] {
          std::vector<Bytes> path;
          for (const std::string& each : certificates)
            path.push_back(load_file("pki/" + each + ".der"));
          return path;
        }(),
        {anchor("anchor")}, kAt);
    ASSERT_TRUE(router) << vector.name;
    const bool covers = router->may_advertise(Prefix::literal("2001:db8:a:1::/64"));
    EXPECT_EQ(verdict_of(message, "certificate"), covers ? "good" : "bad") << vector.name << "\n"
                                                                           << text_of(message);
    if (!covers) {
      EXPECT_NE(why(message, "certificate").find("does not cover 2001:db8:a:1::/64"),
                std::string::npos);
    }
  }
}

TEST(Inspector, WhatAnUnknownHostSaysCannotSteerATerminal) {
  Bytes icmp;
  append(icmp, wire::CertificationPathSolicitation{1});
  const std::string name = "\x1b[2Jevil\n";
  append(icmp, wire::TrustAnchorOption{
                   wire::TrustAnchorOption::NameType::kFqdn,
                   {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}});
  const Ipv6Address host = Ipv6Address::literal("fe80::1");
  wire::seal_icmpv6(host, kAllRouters, icmp);
  const Message message = shown(wire::icmpv6_packet(host, kAllRouters, icmp));
  EXPECT_EQ(text_of_line(message, "trust anchor"), "host name ?[2Jevil?");
  EXPECT_EQ(verdict_of(message, "form"), "good");
}

TEST(Inspector, PacketsOfOthersAreNotShown) {
  Inspector inspector({}, {});
  Bytes echo = {128, 0, 0, 0, 0, 1, 0, 1};
  const Ipv6Address a = Ipv6Address::literal("2001:db8::1");
  wire::seal_icmpv6(a, a, echo);
  EXPECT_FALSE(inspector.look(raw_frame(wire::icmpv6_packet(a, a, echo))));
  wire::Ipv6Header header;
  header.next_header = wire::kProtocolUdp;
  EXPECT_FALSE(inspector.look(raw_frame(wire::build_packet(header, {}, Bytes(8)))));
  const Bytes ipv4 = {0x45, 0, 0, 20};
  EXPECT_FALSE(inspector.look(raw_frame(ipv4)));
  EXPECT_FALSE(inspector.look(raw_frame({})));
}

TEST(Inspector, EveryCutOfAMessageIsToldOrPassedOver) {
  for (const char* name : {"rtsolpr-rsa1024-at1", "prrtadv-rsa1024-at1", "ra-ar-1024"}) {
    const Bytes packet = load_vector("send-signatures.txt", name).hex("packet");
    for (std::size_t size = 0; size < packet.size(); ++size) {
      Inspector inspector({}, {});
      Frame frame = raw_frame(ByteView(packet).first(size));
      frame.length = packet.size();
      const auto message = inspector.look(frame);
      // Of the message at least its type must be there; of an RA the parser wants four octets.
      const std::size_t least = name == std::string("ra-ar-1024") ? 44 : 41;
      EXPECT_EQ(message.has_value(), size != 0 && (size < 40 || size >= least)) << name << size;
      if (message) {
        EXPECT_EQ(message->problem, "the capture holds " + std::to_string(size) +
                                        " of the frame's " + std::to_string(packet.size()) +
                                        " octets");
        EXPECT_TRUE(message->checks.empty());
      }
    }
  }
}

TEST(Inspector, EveryOctetOfAMessageMayBeWrong) {
  const Bytes packet = load_vector("send-signatures.txt", "rtsolpr-rsa1024-at1").hex("packet");
  for (std::size_t at = 4; at < packet.size(); ++at) {  // nobody checks the flow label
    Bytes wrong = packet;
    wrong[at] = static_cast<std::uint8_t>(~wrong[at]);
    Inspector inspector({}, {});
    const auto message = inspector.look(raw_frame(wrong));
    if (message && message->name == "RtSolPr") {
      EXPECT_TRUE(any_bad(*message)) << at;
    }
  }
}

Bytes tunnelled(ByteView packet) {
  wire::Ipv6Header header;
  header.next_header = wire::kProtocolIpv6;
  header.source = Ipv6Address::literal("2001:db8:a::1");
  header.destination = Ipv6Address::literal("2001:db8:b::1");
  return wire::build_packet(header, {}, packet);
}

TEST(Inspector, TunnelsAreLookedInto) {
  const Vector vector = load_vector("wire-mobility.txt", "fbu-par-at1");
  Bytes packet = vector.hex("packet");
  for (std::size_t depth = 0; depth <= 4; ++depth) {
    const Message message = shown(packet);
    EXPECT_EQ(message.name, "FBU");
    EXPECT_EQ(message.tunnels.size(), depth);
    EXPECT_EQ(message.source.text(), vector.text("source"));
    EXPECT_EQ(verdict_of(message, "form"), "good");
    packet = tunnelled(packet);
  }
  Inspector inspector({}, {});
  EXPECT_FALSE(inspector.look(raw_frame(packet)));  // deeper than anybody builds
  EXPECT_EQ(shown(tunnelled(vector.hex("packet"))).tunnels[0].destination.text(), "2001:db8:b::1");
}

TEST(Report, TextAndJsonSayTheSame) {
  const Message message = shown(load_vector("send-signatures.txt", "bad-key-hash").hex("packet"));
  const std::string text = text_of(message);
  EXPECT_TRUE(text.starts_with("#1 2026-06-01T00:00:00.000Z RtSolPr ")) << text;
  EXPECT_NE(text.find("\n  + cga "), std::string::npos) << text;
  EXPECT_NE(text.find("\n  ! signature "), std::string::npos) << text;
  const std::string json = json_of(message);
  EXPECT_TRUE(json.starts_with("{\"frame\":1,\"time\":\"2026-06-01T00:00:00.000Z\"")) << json;
  for (const Check& check : message.checks)
    EXPECT_NE(json.find("{\"check\":\"" + std::string(check.name) + "\",\"verdict\":\"" +
                        std::string(name(check.verdict)) + "\",\"why\":\"" + check.why + "\"}"),
              std::string::npos)
        << json;
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace sendoff::inspect
