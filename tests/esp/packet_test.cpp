#include "esp/packet.h"

#include <fstream>

#include "crypto/mac.h"
#include "esp/fixture.h"
#include "support/paths.h"

namespace sendoff::esp {
namespace {

Envelope vector_envelope(const Bytes& payload) {
  return {0xc7a50e31, 0x9a3c5e71, wire::kProtocolMobility, payload};
}

TEST(EspPacket, EmitsTheVectorOverADirtyBuffer) {
  const Bytes payload = vector().hex("hmac-hi-mobility-header");
  const Envelope envelope = vector_envelope(payload);
  const Bytes wanted = vector().hex("hmac-hi-esp-packet");
  ASSERT_EQ(envelope.size(), wanted.size());
  Bytes buffer(envelope.size(), 0xa5);
  envelope.emit(buffer, *key_of(vector().hex("hmac-hi-key")));
  EXPECT_EQ(buffer, wanted);
}

TEST(EspPacket, NullEncryptionLeavesTheMobilityHeaderInClearAtOctetEight) {
  const Bytes packet = vector().hex("hmac-hi-esp-packet");
  const Bytes header = vector().hex("hmac-hi-mobility-header");
  EXPECT_TRUE(equal(ByteView(packet).subspan(8, 64), header));
  const auto parsed = Header::parse(packet);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->spi, 0xc7a50e31U);
  EXPECT_EQ(parsed->sequence, 0x9a3c5e71U);
  EXPECT_TRUE(icv_holds(packet, *key_of(vector().hex("hmac-hi-key"))));
  const auto content = Content::parse(packet);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->next_header, 135);
  EXPECT_TRUE(equal(content->payload, header));
}

// Cut anywhere, the packet is refused or its ICV fails; nothing outside it is read (sanitizer).
TEST(EspPacket, EveryTruncationIsRefused) {
  const Bytes packet = vector().hex("hmac-hi-esp-packet");
  const Key key = key_of(vector().hex("hmac-hi-key"));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
    const auto header = Header::parse(cut);
    EXPECT_EQ(header.has_value(), size >= 28 && size % 4 == 0) << size;
    if (header) {
      EXPECT_FALSE(icv_holds(cut, *key)) << size;
    }
    (void)Content::parse(cut);
  }
}

TEST(EspPacket, PaddingIsTheFewestOctetsThatAlign) {
  constexpr std::array<std::size_t, 8> kWanted{2, 1, 0, 3, 2, 1, 0, 3};
  for (std::size_t size = 0; size < kWanted.size(); ++size) {
    const Bytes payload(size, 0xee);
    const Envelope envelope = vector_envelope(payload);
    EXPECT_EQ(envelope.padding, kWanted.at(size)) << size;
    EXPECT_EQ(envelope.size() % 4, 0U);
  }
}

TEST(EspPacket, PaddingCountsUpFromOne) {
  const Bytes payload = vector().hex("hmac-hi-mobility-header");
  Envelope envelope = vector_envelope(payload);
  envelope.padding = 255;
  Bytes packet(envelope.size(), 0xa5);
  envelope.emit(packet, *key_numbered(1));
  for (std::size_t i = 0; i < 255; ++i) ASSERT_EQ(packet[8 + 64 + i], i + 1);
  EXPECT_EQ(packet[8 + 64 + 255], 255);
  EXPECT_EQ(packet[8 + 64 + 256], 135);
}

TEST(EspPacket, TheIcvCoversEveryBitFromSpiToNextHeader) {
  const Bytes packet = vector().hex("hmac-hi-esp-packet");
  const Key key = key_of(vector().hex("hmac-hi-key"));
  for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
    Bytes flipped = packet;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(icv_holds(flipped, *key)) << "bit " << bit;
  }
}

// HMAC-SHA-256 as RFC 4868 2.7.2.1 prints it, and which of its octets are the ICV.
TEST(EspPacket, TheIcvIsTheFirstHalfOfHmacSha256) {
  COVERS("ESP-4868-02");  // the RFC's cases: EspPacket.MacsAreThoseOfRfc4868
  // The comparison is crypto's, which takes the same time for every tag.
  std::ifstream source(test::source_directory() + "/src/esp/packet.cpp");
  const std::string text{std::istreambuf_iterator<char>(source), {}};
  const std::size_t from = text.find("bool icv_holds(");
  ASSERT_NE(from, std::string::npos);
  const std::string body = text.substr(from, text.find("\n}\n", from) - from);
  EXPECT_NE(body.find("return crypto::mac_matches("), std::string::npos);
  EXPECT_EQ(body.find("equal"), std::string::npos);
  const Bytes full = vector().hex("hmac-hi-hmac-full");
  const Bytes input = vector().hex("hmac-hi-integrity-input");
  const Key key = key_of(vector().hex("hmac-hi-key"));
  Bytes packet = input;
  packet.insert(packet.end(), full.begin(), full.begin() + 16);
  EXPECT_TRUE(icv_holds(packet, *key));
  for (std::size_t i = input.size(); i < packet.size(); ++i) {
    packet[i] ^= 1;
    EXPECT_FALSE(icv_holds(packet, *key)) << "octet " << i - input.size() << " of the ICV";
    packet[i] ^= 1;
  }
  packet.resize(input.size());
  packet.insert(packet.end(), full.begin() + 16, full.end());
  EXPECT_FALSE(icv_holds(packet, *key)) << "the last 16 octets";
  packet.resize(input.size());
  packet.insert(packet.end(), full.begin(), full.end());
  EXPECT_FALSE(icv_holds(packet, *key)) << "all 32 octets";
  packet.resize(input.size());
  packet.insert(packet.end(), full.begin(), full.begin() + 12);
  EXPECT_FALSE(icv_holds(packet, *key)) << "12 octets";
}

struct Rfc4868Case {
  std::string key;
  std::string data;
  std::string icv;
};

// RFC 4868 2.7.2.1: AUTH256-1 to AUTH256-4.
TEST(EspPacket, MacsAreThoseOfRfc4868) {
  const auto repeated = [](const std::string& octet, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += octet;
    return out;
  };
  const std::vector<Rfc4868Case> cases{
      {repeated("0b", 32), "4869205468657265", "198a607eb44bfbc69903a0f1cf2bbdc5"},
      {"4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
       "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
       "167f928588c5cc2eef8e3093caa0e87c"},
      {repeated("aa", 32), repeated("dd", 50), "cdcb1220d1ecccea91e53aba3092f962"},
      {"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", repeated("cd", 50),
       "372efcf9b40b35c2115b1346903d2ef4"},
  };
  for (const Rfc4868Case& each : cases) {
    Bytes key;
    Bytes data;
    Bytes icv;
    ASSERT_TRUE(from_hex(each.key, key) && from_hex(each.data, data) && from_hex(each.icv, icv));
    const auto tag = crypto::mac(crypto::Algorithm::kHmacSha256_128, Secret::copy_of(key), data);
    EXPECT_TRUE(equal(tag.view(), icv)) << each.icv;
    Bytes packet = data;
    packet.insert(packet.end(), icv.begin(), icv.end());
    EXPECT_TRUE(icv_holds(packet, *key_of(key)));
  }
}

}  // namespace
}  // namespace sendoff::esp
