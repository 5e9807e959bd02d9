// `sendoff decode` at the terminal.
#include <nlohmann/json.hpp>

#include "app/terminal.h"
#include "support/pcap.h"
#include "support/vectors.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::test {
namespace {

using Json = nlohmann::json;

constexpr UtcTime kCaptured{seconds(1'780'272'000)};

class Decode : public Terminal {
 protected:
  static Bytes signed_packet(const std::string& name) {
    return load_vector("send-signatures.txt", name).hex("packet");
  }
  static Bytes cpa(const std::string& certificate, std::uint16_t component) {
    const Ipv6Address router = Ipv6Address::literal("fe80::1");
    Bytes icmp;
    append(icmp, wire::CertificationPathAdvertisement{7, 2, component});
    append(icmp, wire::CertificateOption{wire::CertificateOption::kX509,
                                         load_file("pki/" + certificate + ".der")});
    wire::seal_icmpv6(router, kAllNodes, icmp);
    return wire::icmpv6_packet(router, kAllNodes, icmp);
  }
  // Key request and answer, an advertisement and, behind it, the certificates of its sender, an
  // FBU.
  void capture(const std::string& name) const {
    std::vector<Captured> frames;
    for (const Bytes& packet :
         {signed_packet("rtsolpr-rsa2048-at1"), signed_packet("prrtadv-rsa2048-at1"),
          signed_packet("ra-ar-2048"), cpa("ca", 0), cpa("good-router", 1),
          load_vector("wire-mobility.txt", "fbu-par-at1").hex("packet")})
      frames.push_back({kCaptured, packet});
    ASSERT_EQ(write_file(path(name), pcap_octets(frames, kLinkRaw)), path(name));
  }
  static std::string verdict(const Json& message, const std::string& check) {
    for (const Json& each : message["checks"])
      if (each["check"] == check) return each["verdict"];
    return "none";
  }
};

TEST_F(Decode, JudgesAKeyExchangeByWhatItIsGiven) {
  capture("exchange.pcap");
  std::filesystem::copy_file(vectors_directory() + "/pki/anchor.der", path("anchor.der"));
  const Vector fbu = load_vector("wire-mobility.txt", "fbu-par-at1");
  write("keys", "# known\nhandover " + fbu.text("home-address") + " hmac-sha1-96 " +
                    fbu.text("handover-key") + "\n");
  const Ran ran = shell("chmod 600 keys; " + program() +
                        " decode exchange.pcap --json --keys keys --trust-anchor anchor.der "
                        "2>summary");
  ASSERT_EQ(ran.status, 0) << ran.output;
  std::vector<Json> messages;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) messages.push_back(Json::parse(line));
  ASSERT_EQ(messages.size(), 6U);
  EXPECT_EQ(messages[0]["message"], "RtSolPr");
  EXPECT_EQ(messages[1]["message"], "PrRtAdv");
  EXPECT_EQ(verdict(messages[1], "nonce"), "good");
  EXPECT_EQ(verdict(messages[1], "certificate"), "good");
  EXPECT_EQ(messages[2]["message"], "RA");
  for (const char* check : {"form", "cga", "signature", "timestamp", "certificate"})
    EXPECT_EQ(verdict(messages[2], check), "good") << messages[2];
  EXPECT_EQ(messages[3]["message"], "CPA");
  EXPECT_EQ(messages[5]["message"], "FBU");
  EXPECT_EQ(verdict(messages[5], "mac"), "good") << messages[5];
  EXPECT_EQ(read("summary"), "6 frames, 6 messages, 0 of them malformed, 0 checks bad\n");
  EXPECT_EQ(ran.output.find(fbu.text("handover-key")), std::string::npos);
}

TEST_F(Decode, SaysWhatItWasNotGiven) {
  capture("exchange.pcap");
  const Ran ran = sendoff("decode exchange.pcap");
  ASSERT_EQ(ran.status, 0);
  EXPECT_NE(ran.output.find("  ? certificate                not made: no trust anchor given\n"),
            std::string::npos)
      << ran.output;
  EXPECT_NE(ran.output.find("  ? mac                        not made: no key given for"),
            std::string::npos)
      << ran.output;
  EXPECT_NE(ran.output.find("#3 2026-06-01T00:00:00.000Z RA fe80::"), std::string::npos);
}

TEST_F(Decode, AFileThatBreaksOffIsReadAsFarAsItGoes) {
  capture("exchange.pcap");
  std::filesystem::resize_file(path("exchange.pcap"),
                               std::filesystem::file_size(path("exchange.pcap")) - 3);
  const Ran ran = sendoff("decode exchange.pcap");
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.output.find("#5 "), std::string::npos);
  EXPECT_NE(ran.output.find("cannot be read behind frame 5"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("5 frames, 5 messages"), std::string::npos);
}

TEST_F(Decode, WhatItCannotUseIsNamed) {
  capture("good.pcap");
  write("text", "no capture at all, but long enough for the head of one\n");
  write("keys", "handover 1\n");
  const auto refused = [&](const std::string& arguments, int status, const std::string& why) {
    const Ran ran = sendoff("decode " + arguments);
    EXPECT_EQ(ran.status, status) << arguments << "\n" << ran.output;
    EXPECT_NE(ran.output.find(why), std::string::npos) << ran.output;
  };
  refused("text", 1, "cannot read text as a capture");
  refused("missing", 2, "cannot read missing");
  refused(".", 2, "no regular file");
  refused("", 2, "CAPTURE");
  refused("good.pcap --keys keys", 2, "keys, line 1: an IPv6 address");
  refused("good.pcap --trust-anchor text", 2, "text holds no readable certificate");
}

}  // namespace
}  // namespace sendoff::test
