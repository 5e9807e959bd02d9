// Captures of every kind, whole and broken, and the key files beside them.
#include "inspect/capture_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "inspect/inspector.h"
#include "support/pcap.h"
#include "support/vectors.h"

namespace sendoff::inspect {
namespace {

using namespace sendoff::test;

const LinkAddress kSender = LinkAddress::literal("02:00:5e:10:a7:c3");
constexpr UtcTime kTime{seconds(1'780'272'000) + milliseconds(250)};

class Files : public testing::Test {
 protected:
  void TearDown() override { (void)unlink(path_.c_str()); }
  Result<CaptureFile, std::string> opened(const Bytes& octets) {
    EXPECT_EQ(write_file(path_, octets), path_);
    return CaptureFile::open(path_);
  }
  const std::string path_ = testing::TempDir() + "/sendoff-capture-" + std::to_string(getpid());
};

Bytes packet() { return load_vector("send-signatures.txt", "rs-rsa2048").hex("packet"); }

struct Kind {
  const char* name;
  std::uint32_t link;
  Bytes head;  // before the packet
};

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  Bytes ethernet;
  put(ethernet, 0x333300000002, 6);
  put(ethernet, kSender.view());
  Bytes tagged = ethernet;
  put(ethernet, 0x86dd, 2);
  put(tagged, 0x88a80007, 4);
  put(tagged, 0x81000008, 4);
  put(tagged, 0x86dd, 2);
  Bytes cooked;
  put(cooked, 0, 2);
  put(cooked, 1, 2);
  put(cooked, 6, 2);
  put(cooked, kSender.view());
  put(cooked, 0xffff, 2);  // filling of the address field
  put(cooked, 0x86dd, 2);
  Bytes cooked2;
  put(cooked2, 0x86dd, 2);
  put(cooked2, 0, 2);
  put(cooked2, 3, 4);
  put(cooked2, 1, 2);
  put(cooked2, 0, 1);
  put(cooked2, 6, 1);
  put(cooked2, kSender.view());
  put(cooked2, 0xffff, 2);
  all.push_back({"Ethernet", kLinkEthernet, ethernet});
  all.push_back({"802.1Q", kLinkEthernet, tagged});
  all.push_back({"raw", kLinkRaw, {}});
  all.push_back({"IPv6", kLinkIpv6, {}});
  all.push_back({"SLL", kLinkCooked, cooked});
  all.push_back({"SLL2", kLinkCooked2, cooked2});
  return all;
}

TEST_F(Files, EveryLinkTypeInBothFormatsHoldsTheSamePacket) {
  for (const Kind& kind : kinds()) {
    Bytes octets = kind.head;
    put(octets, packet());
    for (const bool ng : {false, true}) {
      const std::vector<Captured> frames = {{kTime, octets}, {kTime + seconds(1), octets, 7}};
      auto file = opened(ng ? pcapng_octets(frames, kind.link) : pcap_octets(frames, kind.link));
      ASSERT_TRUE(file) << kind.name << file.error();
      const auto first = file->next();
      ASSERT_TRUE(first && *first) << kind.name;
      EXPECT_EQ((*first)->number, 1U);
      EXPECT_EQ((*first)->at, kTime) << kind.name << ng;
      EXPECT_EQ((*first)->length, octets.size());
      const auto payload = ipv6_in(**first);
      ASSERT_TRUE(payload) << kind.name;
      EXPECT_TRUE(equal(payload->packet, packet())) << kind.name;
      EXPECT_EQ(payload->from, kind.head.empty() ? LinkAddress() : kSender) << kind.name;
      const auto second = file->next();
      ASSERT_TRUE(second && *second);
      EXPECT_EQ((*second)->number, 2U);
      EXPECT_EQ((*second)->length, octets.size() + 7);
      const auto end = file->next();
      ASSERT_TRUE(end);
      EXPECT_FALSE(*end);
    }
  }
}

TEST_F(Files, AHeadThatIsCutOffOrOfAnotherProtocolHoldsNothing) {
  for (const Kind& kind : kinds()) {
    auto file = opened(pcap_octets({{kTime, Bytes(1)}}, kind.link));
    ASSERT_TRUE(file);
    Frame frame = **file->next();
    for (std::size_t size = 0; size < kind.head.size(); ++size) {
      frame.octets = ByteView(kind.head).first(size);
      EXPECT_FALSE(ipv6_in(frame)) << kind.name << size;
    }
    Bytes other = kind.head;
    put(other, 0x45, 1);
    for (std::uint8_t& octet : other)
      if (octet == 0x86) octet = 8;
    frame.octets = other;
    EXPECT_FALSE(ipv6_in(frame)) << kind.name;
  }
}

TEST_F(Files, WhatIsNoCaptureIsRefusedWithTheReason) {
  const auto refused = [&](const Bytes& octets) {
    const auto file = opened(octets);
    return file ? std::string("opened") : file.error();
  };
  EXPECT_NE(refused({}).find("cannot read " + path_ + " as a capture"), std::string::npos);
  EXPECT_NE(refused(Bytes(100, 'x')).find("as a capture"), std::string::npos);
  EXPECT_NE(refused(pcap_octets({}, 105)).find("link type 105"), std::string::npos);
  EXPECT_FALSE(CaptureFile::open("/nonexistent/file.pcap"));
}

TEST_F(Files, AFileThatBreaksOffGivesWhatIsThere) {
  const Bytes whole = pcap_octets({{kTime, packet()}, {kTime, packet()}}, kLinkRaw);
  auto file = opened(Bytes(whole.begin(), whole.end() - 5));
  ASSERT_TRUE(file);
  const auto first = file->next();
  ASSERT_TRUE(first && *first);
  const auto second = file->next();
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("cannot be read behind frame 1"), std::string::npos)
      << second.error();
}

TEST_F(Files, TimesThatNoClockHasAreClamped) {
  Bytes octets = pcapng_octets({{kTime, packet()}}, kLinkRaw);
  // The time of the only frame stands in the eight octets behind its block head and interface.
  std::fill_n(octets.begin() + 28 + 32 + 12, 8, std::uint8_t{0xff});
  auto file = opened(octets);
  ASSERT_TRUE(file);
  const auto frame = file->next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_LE((*frame)->at.time_since_epoch(), hours(9'000'000'000 / 3600) + hours(1));
  EXPECT_GE((*frame)->at.time_since_epoch(), Duration(0));
}

std::string keys_error(std::string_view text) {
  const auto keys = parse_keys({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return keys ? "" : keys.error();
}

TEST(KeyFile, HoldsHandoverAndEspKeys) {
  const std::string digits(64, '5');
  const std::string esp = "00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978";
  const std::string text = "# of node 7\n\nhandover 2001:db8::7 hmac-sha256-128 " + digits +
                           "\r\n\tesp 4096 " + esp + "\nesp 0xffffffff " + esp;
  const auto keys = parse_keys({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  ASSERT_TRUE(keys) << keys.error();
  ASSERT_EQ(keys->handover.size(), 1U);
  EXPECT_EQ(keys->handover[0].pcoa.text(), "2001:db8::7");
  EXPECT_EQ(keys->handover[0].algorithm, crypto::Algorithm::kHmacSha256_128);
  EXPECT_TRUE(equal(keys->handover[0].key.expose(), Bytes(32, 0x55)));
  ASSERT_EQ(keys->esp.size(), 2U);
  EXPECT_EQ(keys->esp[0].spi, 4096U);
  EXPECT_EQ(keys->esp[1].spi, 0xffffffffU);
  EXPECT_EQ(to_hex(keys->esp[1].key->expose()), esp);
}

TEST(KeyFile, WhatIsWrongIsNamedByItsLineAndWithoutTheKey) {
  EXPECT_EQ(keys_error(""), "");
  EXPECT_TRUE(keys_error("\nhandover x").starts_with("line 2: an IPv6 address"));
  EXPECT_TRUE(keys_error("handover ::1 md5 00").starts_with("line 1: an algorithm"));
  const std::string wrong = keys_error("handover ::1 hmac-sha1-96 abcdef");
  EXPECT_EQ(wrong, "line 1: the key of hmac-sha1-96 has 40 hexadecimal digits");
  EXPECT_TRUE(keys_error("handover ::1 hmac-sha1-96 " + std::string(40, 'g'))
                  .starts_with("line 1: the key of"));
  EXPECT_TRUE(keys_error("esp x 00").starts_with("line 1: an SPI"));
  EXPECT_TRUE(keys_error("esp 4294967296 00").starts_with("line 1: an SPI"));
  EXPECT_TRUE(keys_error("esp 1 00").starts_with("line 1: the key has 64"));
  EXPECT_TRUE(keys_error("key 1").starts_with("line 1: \"handover\" or \"esp\""));
}

}  // namespace
}  // namespace sendoff::inspect
