// Every section of tests/vectors/send-signatures.txt: what a signature covers, and the message
// that carries it. Whether a signature is right is decided in send/.
#include <gtest/gtest.h>

#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/send_options.h"
#include "wire/vector_fields.h"

namespace sendoff::wire {
namespace {

using test::hex_of;
using test::VectorFields;

// One option of the list that the section describes as "option-N".
void compare_listed(VectorFields& fields, const RawOption& option, std::uint64_t at) {
  static const std::map<std::string, OptionType> kTypes = {
      {"source-link-address", OptionType::kSourceLinkAddress},
      {"target-link-address", OptionType::kTargetLinkAddress},
      {"prefix-information", OptionType::kPrefixInformation},
      {"mtu", OptionType::kMtu},
      {"cga", OptionType::kCga},
      {"rsa-signature", OptionType::kRsaSignature},
      {"timestamp", OptionType::kTimestamp},
      {"nonce", OptionType::kNonce},
      {"ip-address-prefix", OptionType::kIpAddressPrefix},
      {"link-layer-address", OptionType::kLinkLayerAddress},
      {"link-layer-address-wildcard", OptionType::kLinkLayerAddress},
      {"handover-key-request", OptionType::kHandoverKeyRequest},
      {"handover-key-reply", OptionType::kHandoverKeyReply},
  };
  const std::string field = "option-" + std::to_string(at);
  EXPECT_EQ(hex_of(option.octets), fields.text(field));
  const std::string kind = fields.text(field + "-kind");
  if (const auto known = kTypes.find(kind); known != kTypes.end()) {
    EXPECT_EQ(option.type, known->second);
  } else {
    EXPECT_TRUE(kind == "unknown" || kind == "redirected-header") << kind;
  }
}

void compare_list(VectorFields& fields, const OptionList& list) {
  if (!fields.has("option-count")) {
    // The section lists fewer fields; its options still are what they are.
    std::uint64_t at = 0;
    for (const RawOption& option : list)
      if (fields.has("option-" + std::to_string(++at))) compare_listed(fields, option, at);
    return;
  }
  std::uint64_t at = 0;
  for (const RawOption& option : list) compare_listed(fields, option, ++at);
  EXPECT_EQ(at, fields.number("option-count"));
}

// The SEND options that count: those before the signature, once each.
void compare_send_options(VectorFields& fields, const OptionList& list) {
  const OptionList used = list.before_signature();
  const auto cga = used.first(OptionType::kCga);
  if (cga && used.count(OptionType::kCga) == 1 && fields.has("cga-parameters")) {
    const auto option = CgaOption::parse(cga->octets);
    ASSERT_TRUE(option);
    EXPECT_EQ(hex_of(option->parameters), fields.text("cga-parameters"));
  }
  const auto timestamp = used.first(OptionType::kTimestamp);
  if (timestamp && used.count(OptionType::kTimestamp) == 1 && fields.has("timestamp")) {
    const auto option = TimestampOption::parse(timestamp->octets);
    ASSERT_TRUE(option);
    EXPECT_EQ(option->value, fields.number("timestamp"));
  }
  const auto nonce = used.first(OptionType::kNonce);
  if (nonce && used.count(OptionType::kNonce) == 1 && fields.has("nonce")) {
    const auto option = NonceOption::parse(nonce->octets);
    ASSERT_TRUE(option);
    EXPECT_EQ(hex_of(option->nonce), fields.text("nonce"));
  }
}

void compare_handover_options(VectorFields& fields, const OptionList& list) {
  const OptionList used = list.before_signature();
  if (const auto found = used.first(OptionType::kHandoverKeyRequest)) {
    const auto request = HandoverKeyRequest::parse(found->octets);
    ASSERT_TRUE(request);
    if (fields.has("algorithm-type")) {
      EXPECT_EQ(request->algorithm.value, fields.number("algorithm-type"));
    }
  }
  if (const auto found = used.first(OptionType::kHandoverKeyReply)) {
    const auto reply = HandoverKeyReply::parse(found->octets);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->algorithm.value, fields.number("algorithm-type"));
    EXPECT_EQ(reply->lifetime_s, fields.number("key-lifetime"));
    EXPECT_EQ(hex_of(reply->encrypted_key), fields.text("ciphertext"));
  }
}

struct Signed {
  Ipv6Address source;
  Ipv6Address destination;
  ByteView message;
  std::size_t signature_offset;
};

void compare_signature(VectorFields& fields, const Signed& packet, const RawOption& found) {
  const auto option = RsaSignatureOption::parse(found.octets);
  ASSERT_TRUE(option);
  if (fields.has("key-hash")) {
    EXPECT_EQ(hex_of(option->key_hash), fields.text("key-hash"));
  }
  const std::string signature = fields.text("signature");
  if (fields.text("verdict") == "good") {
    EXPECT_EQ(hex_of(option->content).substr(0, signature.size()), signature);
  }

  const Bytes input =
      signature_input(packet.source, packet.destination, packet.message, packet.signature_offset);
  EXPECT_EQ(hex_of(input), fields.text("signature-input"));
  // Behind the tag and the two addresses stand type, code and the checksum that is signed.
  Reader reader(input);
  reader.skip(16 + 16 + 16 + 2);
  if (fields.has("signed-checksum")) {
    EXPECT_EQ(reader.u16(), fields.number("signed-checksum"));
  }

  if (!fields.both()) return;
  Bytes rebuilt = to_bytes(packet.message.first(packet.signature_offset));
  const Bytes alone = fields.hex("signature");
  append_signature(packet.source, packet.destination, rebuilt,
                   {.key_hash = option->key_hash, .content = alone});
  EXPECT_EQ(hex_of(icmpv6_packet(packet.source, packet.destination, rebuilt)),
            fields.text("packet"));
}

void compare_signed(VectorFields& fields) {
  const Bytes octets = fields.hex("packet");
  const auto view = PacketView::parse(octets);
  ASSERT_TRUE(view);
  const Ipv6Address source = fields.address("source");
  const Ipv6Address destination = fields.address("destination");
  EXPECT_EQ(view->header.source, source);
  EXPECT_EQ(view->header.destination, destination);
  const ByteView message = view->upper;
  const auto head = Icmpv6Header::parse(message);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->type, fields.number("type"));
  EXPECT_EQ(head->code, fields.number("code"));
  // The bad siblings repeat fields of the good message that they were made from.
  if (fields.text("verdict") == "good") {
    EXPECT_EQ(head->checksum, fields.number("checksum"));
  }
  const bool sum_is_bad = fields.has("reason") && fields.text("reason") == "checksum";
  EXPECT_EQ(icmpv6_checksum_ok(source, destination, message), !sum_is_bad);
  if (const auto solicitation = RtSolPr::parse(message); solicitation && fields.has("identifier")) {
    EXPECT_EQ(solicitation->identifier, fields.number("identifier"));
  }
  if (const auto advertisement = PrRtAdv::parse(message);
      advertisement && fields.has("identifier")) {
    EXPECT_EQ(advertisement->identifier, fields.number("identifier"));
  }

  const auto fixed = options_offset(message);
  ASSERT_TRUE(fixed);
  const auto list = OptionList::parse(message.subspan(*fixed));
  if (fields.has("reason") && fields.text("reason") == "length-zero") {
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error(), ParseError::kZeroLengthOption);
    return;
  }
  ASSERT_TRUE(list) << name(list.error());
  compare_list(fields, *list);
  compare_send_options(fields, *list);
  compare_handover_options(fields, *list);
  const auto signature = list->first(OptionType::kRsaSignature);
  ASSERT_TRUE(signature);
  EXPECT_EQ(list->before_signature().octets().size(), signature->offset);
  compare_signature(fields, {source, destination, message, *fixed + signature->offset}, *signature);
}

TEST(SignatureVectors, EverySectionCoversWhatTheVectorSays) {
  for (const test::Vector& vector : test::load_vectors("send-signatures.txt")) {
    SCOPED_TRACE(vector.name);
    VectorFields fields(vector);
    compare_signed(fields);
  }
}

}  // namespace
}  // namespace sendoff::wire
