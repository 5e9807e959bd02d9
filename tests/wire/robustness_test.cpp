// Octets that nobody made a message of: every parser ends, reads nothing outside (the sanitizers
// watch copies of exact size), and what it takes comes out again as what was meant.
#include <gtest/gtest.h>

#include <random>

#include "support/vectors.h"
#include "wire/codec.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"
#include "wire/send_options.h"

namespace sendoff::wire {
namespace {

using test::emitted;

constexpr std::uint32_t kSeed = 5269;
constexpr int kRounds = 20000;

// What parses, once written and read again, is written the same.
template <typename T>
void expect_settled(ByteView octets) {
  const Bytes copy = to_bytes(octets);
  const auto first = T::parse(copy);
  if (!first) return;
  const Bytes sent = emitted(*first);
  const auto second = T::parse(sent);
  ASSERT_TRUE(second) << to_hex(copy) << " became " << to_hex(sent);
  EXPECT_EQ(to_hex(emitted(*second)), to_hex(sent)) << to_hex(copy);
}

void feed_messages(ByteView octets) {
  expect_settled<RouterSolicitation>(octets);
  expect_settled<RouterAdvertisement>(octets);
  expect_settled<NeighborSolicitation>(octets);
  expect_settled<NeighborAdvertisement>(octets);
  expect_settled<Redirect>(octets);
  expect_settled<PacketTooBig>(octets);
  expect_settled<ParameterProblem>(octets);
  expect_settled<CertificationPathSolicitation>(octets);
  expect_settled<CertificationPathAdvertisement>(octets);
  expect_settled<RtSolPr>(octets);
  expect_settled<PrRtAdv>(octets);
  expect_settled<FastBindingUpdate>(octets);
  expect_settled<FastBindingAcknowledgement>(octets);
  expect_settled<HandoverInitiate>(octets);
  expect_settled<HandoverAcknowledge>(octets);
  expect_settled<BindingError>(octets);
}

void feed_option(ByteView octets) {
  expect_settled<LinkAddressOption>(octets);
  expect_settled<PrefixInformation>(octets);
  expect_settled<RedirectedHeader>(octets);
  expect_settled<MtuOption>(octets);
  expect_settled<RouteInformation>(octets);
  expect_settled<CgaOption>(octets);
  expect_settled<RsaSignatureOption>(octets);
  expect_settled<TimestampOption>(octets);
  expect_settled<NonceOption>(octets);
  expect_settled<TrustAnchorOption>(octets);
  expect_settled<CertificateOption>(octets);
  expect_settled<IpAddressPrefixOption>(octets);
  expect_settled<LinkLayerAddressOption>(octets);
  expect_settled<NaackOption>(octets);
  expect_settled<HandoverKeyRequest>(octets);
  expect_settled<HandoverKeyReply>(octets);
}

// As a receiver would: packet, message, list, each option by each parser.
void feed_packet(ByteView octets) {
  const Bytes copy = to_bytes(octets);
  const auto view = PacketView::parse(copy);
  if (!view) return;
  const Bytes upper = to_bytes(view->upper);
  (void)icmpv6_checksum_ok(view->header.source, view->header.destination, upper);
  (void)mobility_checksum_ok(view->header.source, view->header.destination, upper);
  feed_messages(upper);
  const auto offset = options_offset(upper);
  if (!offset) return;
  const Bytes options = to_bytes(ByteView(upper).subspan(*offset));
  const auto list = OptionList::parse(options);
  if (!list) return;
  std::size_t covered = 0;
  for (const RawOption& option : *list) {
    EXPECT_EQ(option.offset, covered);
    covered += option.octets.size();
    feed_option(to_bytes(option.octets));
  }
  EXPECT_EQ(covered, options.size());
  const auto signature = list->first(OptionType::kRsaSignature);
  if (signature)
    (void)signature_input(view->header.source, view->header.destination, upper,
                          *offset + signature->offset);
}

std::vector<Bytes> known_packets() {
  std::vector<Bytes> packets;
  for (const char* file : {"wire-ipv6.txt", "wire-icmpv6.txt", "wire-mobility.txt"})
    for (const test::Vector& vector : test::load_vectors(file))
      if (vector.has("packet")) packets.push_back(vector.hex("packet"));
  return packets;
}

class Octets {
 public:
  std::size_t below(std::size_t limit) { return engine_() % limit; }
  std::uint8_t octet() { return static_cast<std::uint8_t>(engine_()); }
  Bytes some(std::size_t count) {
    Bytes octets(count);
    for (std::uint8_t& value : octets) value = octet();
    return octets;
  }

 private:
  std::mt19937 engine_{kSeed};
};

TEST(Robustness, RandomOctetsAsMessages) {
  static constexpr std::uint8_t kTypes[] = {2, 4, 133, 134, 135, 136, 137, 148, 149, 154};
  static constexpr std::uint8_t kMobility[] = {7, 8, 9, 14, 15};
  Octets random;
  for (int round = 0; round < kRounds; ++round) {
    Bytes octets = random.some(random.below(120) + 8);
    if (round % 3 == 0) {
      octets[0] = kTypes[random.below(std::size(kTypes))];
      octets[1] = static_cast<std::uint8_t>(random.below(2));
      octets[4] = static_cast<std::uint8_t>(random.below(4));
    } else {
      octets.resize(octets.size() / 8 * 8);
      octets[0] = kProtocolNoNext;
      octets[1] = static_cast<std::uint8_t>(octets.size() / 8 - 1);
      octets[2] = kMobility[random.below(std::size(kMobility))];
      // Options of small types and lengths, so that the walk comes far.
      for (std::size_t at = 10; at < octets.size(); ++at)
        if (random.below(2) == 0) octets[at] = static_cast<std::uint8_t>(octets[at] % 36);
    }
    feed_messages(octets);
  }
}

TEST(Robustness, RandomOctetsAsOptions) {
  static constexpr std::uint8_t kTypes[] = {1,  2,  3,  4,  5,  11, 12, 13, 14,
                                            15, 16, 17, 19, 20, 24, 27, 28};
  Octets random;
  for (int round = 0; round < kRounds; ++round) {
    Bytes octets = random.some((random.below(8) + 1) * 8);
    octets[0] = kTypes[random.below(std::size(kTypes))];
    octets[1] = static_cast<std::uint8_t>(octets.size() / 8);
    if (random.below(2) == 0) octets[2] = static_cast<std::uint8_t>(octets[2] % 16);
    feed_option(octets);
  }
}

TEST(Robustness, RandomExtensionHeaders) {
  static constexpr std::uint8_t kNext[] = {0, 43, 44, 58, 59, 60, 135};
  Octets random;
  for (int round = 0; round < kRounds; ++round) {
    Bytes payload = random.some(random.below(12) * 8);
    for (std::size_t at = 0; at + 8 <= payload.size(); at += 8) {
      payload[at] = kNext[random.below(std::size(kNext))];
      payload[at + 1] = static_cast<std::uint8_t>(random.below(3));
      payload[at + 2] = random.below(2) == 0 ? std::uint8_t{201} : payload[at + 2];
      payload[at + 3] = static_cast<std::uint8_t>(random.below(20));
    }
    Ipv6Header header;
    header.next_header = kNext[random.below(std::size(kNext))];
    feed_packet(build_packet(header, {}, payload));
  }
}

TEST(Robustness, GoodPacketsWithFlippedOctets) {
  Octets random;
  const std::vector<Bytes> packets = known_packets();
  ASSERT_GT(packets.size(), 300U);
  for (const Bytes& good : packets) {
    for (int round = 0; round < 40; ++round) {
      Bytes octets = good;
      for (std::size_t flips = random.below(4) + 1; flips > 0; --flips)
        octets[random.below(octets.size())] = random.octet();
      feed_packet(octets);
    }
  }
}

TEST(Robustness, GoodPacketsCutAnywhere) {
  for (const Bytes& good : known_packets()) {
    for (std::size_t size = 40; size < good.size(); ++size) {
      // With a payload length that still fits, so that the cut reaches the inner parsers.
      Bytes octets = to_bytes(ByteView(good).first(size));
      octets[4] = static_cast<std::uint8_t>((size - 40) >> 8);
      octets[5] = static_cast<std::uint8_t>(size - 40);
      feed_packet(octets);
    }
  }
}

TEST(ParseErrorNames, AreAllDifferent) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(ParseError::kCount); ++i)
    EXPECT_TRUE(names.insert(name(static_cast<ParseError>(i))).second);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace sendoff::wire
