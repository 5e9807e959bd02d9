// Every section of tests/vectors/wire-icmpv6.txt.
#include "wire/icmpv6.h"

#include <gtest/gtest.h>

#include "wire/ipv6.h"
#include "wire/nd_options.h"
#include "wire/vector_fields.h"

namespace sendoff::wire {
namespace {

using test::emitted;
using test::hex_of;
using test::VectorFields;

void compare(VectorFields& fields, const RouterAdvertisement& message) {
  EXPECT_EQ(message.current_hop_limit, fields.number("cur-hop-limit"));
  EXPECT_EQ(message.managed, fields.flag("managed"));
  EXPECT_EQ(message.other, fields.flag("other"));
  EXPECT_EQ(message.home_agent, fields.flag("home-agent"));
  EXPECT_EQ(message.preference, fields.number("preference"));
  EXPECT_EQ(message.router_lifetime_s, fields.number("router-lifetime"));
  EXPECT_EQ(message.reachable_time_ms, fields.number("reachable-time"));
  EXPECT_EQ(message.retransmission_timer_ms, fields.number("retrans-timer"));
}

void compare(VectorFields&, const RouterSolicitation&) {}

void compare(VectorFields& fields, const NeighborSolicitation& message) {
  EXPECT_EQ(message.target, fields.address("target"));
}

void compare(VectorFields& fields, const NeighborAdvertisement& message) {
  EXPECT_EQ(message.router, fields.flag("router"));
  EXPECT_EQ(message.solicited, fields.flag("solicited"));
  EXPECT_EQ(message.override_flag, fields.flag("override"));
  EXPECT_EQ(message.target, fields.address("target"));
}

void compare(VectorFields& fields, const Redirect& message) {
  EXPECT_EQ(message.target, fields.address("target"));
  EXPECT_EQ(message.destination, fields.address("redirected-destination"));
}

void compare(VectorFields& fields, const PacketTooBig& message) {
  EXPECT_EQ(message.mtu, fields.number("mtu"));
  EXPECT_EQ(hex_of(message.invoking), fields.text("invoking"));
}

void compare(VectorFields& fields, const ParameterProblem& message) {
  EXPECT_EQ(message.code, fields.number("code"));
  EXPECT_EQ(message.pointer, fields.number("pointer"));
  EXPECT_EQ(hex_of(message.invoking), fields.text("invoking"));
}

void compare(VectorFields& fields, const CertificationPathSolicitation& message) {
  EXPECT_EQ(message.identifier, fields.number("identifier"));
  EXPECT_EQ(message.component, fields.number("component"));
}

void compare(VectorFields& fields, const CertificationPathAdvertisement& message) {
  EXPECT_EQ(message.identifier, fields.number("identifier"));
  EXPECT_EQ(message.all_components, fields.number("all-components"));
  EXPECT_EQ(message.component, fields.number("component"));
}

void compare(VectorFields& fields, const RtSolPr& message) {
  EXPECT_EQ(message.identifier, fields.number("identifier"));
  EXPECT_EQ(kSubtypeRtSolPr, fields.number("subtype"));
}

void compare(VectorFields& fields, const PrRtAdv& message) {
  EXPECT_EQ(message.code, fields.number("code"));
  EXPECT_EQ(message.identifier, fields.number("identifier"));
  EXPECT_EQ(kSubtypePrRtAdv, fields.number("subtype"));
}

// The error of the fixed part, else nothing. With fields, also compares them and the octets that
// an emitter writes, the checksum apart.
template <typename T>
std::optional<ParseError> check(VectorFields* fields, ByteView octets) {
  const auto message = T::parse(octets);
  if (!message) return message.error();
  if (fields == nullptr) return std::nullopt;
  compare(*fields, *message);
  if (!fields->both()) return std::nullopt;
  const Bytes fixed = emitted(*message);
  Bytes wanted = to_bytes(octets.first(fixed.size()));
  wanted[2] = wanted[3] = 0;
  EXPECT_EQ(hex_of(fixed), hex_of(wanted));
  return std::nullopt;
}

std::optional<ParseError> check_fixed_part(VectorFields* fields, ByteView octets) {
  switch (static_cast<Icmpv6Type>(octets[0])) {
    case Icmpv6Type::kPacketTooBig:
      return check<PacketTooBig>(fields, octets);
    case Icmpv6Type::kParameterProblem:
      return check<ParameterProblem>(fields, octets);
    case Icmpv6Type::kRouterSolicitation:
      return check<RouterSolicitation>(fields, octets);
    case Icmpv6Type::kRouterAdvertisement:
      return check<RouterAdvertisement>(fields, octets);
    case Icmpv6Type::kNeighborSolicitation:
      return check<NeighborSolicitation>(fields, octets);
    case Icmpv6Type::kNeighborAdvertisement:
      return check<NeighborAdvertisement>(fields, octets);
    case Icmpv6Type::kRedirect:
      return check<Redirect>(fields, octets);
    case Icmpv6Type::kCertificationPathSolicitation:
      return check<CertificationPathSolicitation>(fields, octets);
    case Icmpv6Type::kCertificationPathAdvertisement:
      return check<CertificationPathAdvertisement>(fields, octets);
    case Icmpv6Type::kFastMobility:
      return octets[4] == kSubtypeRtSolPr ? check<RtSolPr>(fields, octets)
                                          : check<PrRtAdv>(fields, octets);
  }
  ADD_FAILURE() << "type without codec";
  return std::nullopt;
}

void compare_message(VectorFields& fields) {
  const Bytes packet = fields.hex("packet");
  const Bytes message = fields.hex("message");
  const Ipv6Address source = fields.address("source");
  const Ipv6Address destination = fields.address("destination");
  const auto view = PacketView::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header.source, source);
  EXPECT_EQ(view->header.destination, destination);
  EXPECT_EQ(view->header.hop_limit, fields.number("hop-limit"));
  EXPECT_EQ(view->upper_protocol, kProtocolIcmpv6);
  EXPECT_EQ(hex_of(view->upper), hex_of(message));

  const auto header = Icmpv6Header::parse(message);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, fields.number("type"));
  EXPECT_EQ(header->code, fields.number("code"));
  EXPECT_EQ(header->checksum, fields.number("checksum"));
  EXPECT_TRUE(icmpv6_checksum_ok(source, destination, message));
  Bytes unsealed = message;
  unsealed[2] = unsealed[3] = 0xaa;
  seal_icmpv6(source, destination, unsealed);
  EXPECT_EQ(hex_of(unsealed), hex_of(message));
  if (view->header.hop_limit == 255) {
    EXPECT_EQ(hex_of(icmpv6_packet(source, destination, message)), hex_of(packet));
  }

  EXPECT_EQ(check_fixed_part(&fields, message), std::nullopt);
  const auto offset = options_offset(message);
  EXPECT_EQ(offset.has_value(), fields.has("option-count"));
  if (!offset) return;
  const auto list = OptionList::parse(ByteView(message).subspan(*offset));
  ASSERT_TRUE(list);
  std::uint64_t at = 0;
  for (const RawOption& option : *list) {
    const std::string field = "option-" + std::to_string(++at);
    EXPECT_EQ(hex_of(option.octets), fields.text(field));
    test::compare_option(fields, field + "-", option.octets, fields.both());
  }
  EXPECT_EQ(at, fields.number("option-count"));
}

// What the codec itself refuses; the rest of the reasons is about addresses and the hop limit,
// which nd/ and send/ look at.
void expect_refused(VectorFields& fields) {
  const std::string& reason = fields.text("reason");
  const Bytes message = fields.hex("message");
  const auto error = check_fixed_part(nullptr, message);
  const bool sum_is_right =
      icmpv6_checksum_ok(fields.address("source"), fields.address("destination"), message);
  EXPECT_EQ(sum_is_right, reason != "checksum");
  if (reason == "short") {
    EXPECT_EQ(error, ParseError::kTruncated);
    EXPECT_FALSE(options_offset(message));
  } else if (reason == "code" && message[0] != 154) {
    EXPECT_EQ(error, ParseError::kValue);
  } else if (reason == "code") {
    EXPECT_EQ(error,
              message[4] == kSubtypeRtSolPr ? std::optional(ParseError::kValue) : std::nullopt);
  } else if (reason == "subtype") {
    EXPECT_EQ(error, ParseError::kType);
    EXPECT_FALSE(options_offset(message));
  } else {
    EXPECT_EQ(error, std::nullopt);
    const auto list = OptionList::parse(ByteView(message).subspan(*options_offset(message)));
    if (reason == "length-zero") {
      ASSERT_FALSE(list);
      EXPECT_EQ(list.error(), ParseError::kZeroLengthOption);
    } else if (reason == "overrun") {
      ASSERT_FALSE(list);
      EXPECT_EQ(list.error(), ParseError::kOptionOverrun);
    } else {
      EXPECT_TRUE(list);
    }
  }
}

// A whole message behind a Fragment header: the codec reads it and says so. Which types may come
// like that (RFC 6980 5, W8) is decided in send/ and nd/.
void expect_fragment_is_named(VectorFields& fields) {
  const auto view = PacketView::parse(test::kept(fields.hex("packet")));
  ASSERT_TRUE(view);
  ASSERT_TRUE(view->fragment);
  EXPECT_TRUE(view->fragment->atomic());
  EXPECT_EQ(view->header.hop_limit, fields.number("hop-limit"));
  EXPECT_EQ(view->upper_protocol, kProtocolIcmpv6);
  EXPECT_EQ(hex_of(view->upper), fields.text("message"));
  EXPECT_TRUE(
      icmpv6_checksum_ok(fields.address("source"), fields.address("destination"), view->upper));
  const auto header = Icmpv6Header::parse(view->upper);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, fields.number("type"));
  EXPECT_EQ(header->code, fields.number("code"));
  EXPECT_EQ(header->checksum, fields.number("checksum"));
  EXPECT_EQ(check_fixed_part(nullptr, view->upper), std::nullopt);
}

TEST(Icmpv6Vectors, EverySectionIsReadAndWritten) {
  for (const test::Vector& vector : test::load_vectors("wire-icmpv6.txt")) {
    SCOPED_TRACE(vector.name);
    VectorFields fields(vector);
    if (fields.name().starts_with("fragmented-")) {
      expect_fragment_is_named(fields);
      fields.expect_all_used();
      continue;
    }
    if (fields.refused()) {
      expect_refused(fields);
      continue;
    }
    compare_message(fields);
    fields.expect_all_used();
  }
}

}  // namespace
}  // namespace sendoff::wire
