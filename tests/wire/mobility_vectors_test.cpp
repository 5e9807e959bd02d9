// Every section of tests/vectors/wire-mobility.txt.
#include <gtest/gtest.h>

#include "wire/mobility.h"
#include "wire/vector_fields.h"

namespace sendoff::wire {
namespace {

using test::emitted;
using test::hex_of;
using test::VectorFields;

// The fields of one option of a message against what MobilityOptions kept.
void compare_option(VectorFields& fields, const std::string& prefix,
                    const MobilityOptions& options) {
  const std::string kind = fields.text(prefix + "kind");
  if (kind == "alternate-care-of") {
    ASSERT_TRUE(options.alternate_care_of);
    EXPECT_EQ(*options.alternate_care_of, fields.address(prefix + "address"));
  } else if (kind == "link-layer-address") {
    ASSERT_TRUE(options.link_address);
    EXPECT_EQ(options.link_address->option_code, fields.number(prefix + "option-code"));
    EXPECT_EQ(hex_of(options.link_address->address.view()), fields.text(prefix + "link-address"));
  } else if (kind == "ip-address-prefix") {
    const std::uint64_t code = fields.number(prefix + "option-code");
    bool found = false;
    for (const MobilityAddressPrefix& item : options.addresses) {
      if (static_cast<std::uint8_t>(item.code) != code) continue;
      found = true;
      EXPECT_EQ(item.prefix_length, fields.number(prefix + "prefix-length"));
      EXPECT_EQ(item.address, fields.address(prefix + "address"));
    }
    EXPECT_TRUE(found) << "code " << code;
  } else if (kind == "badf") {
    ASSERT_TRUE(options.authorization);
    EXPECT_EQ(options.authorization->spi, fields.number(prefix + "spi"));
    EXPECT_EQ(hex_of(options.authorization->authenticator), fields.text(prefix + "authenticator"));
  } else {
    EXPECT_EQ(kind, "unknown");
  }
}

void compare_options(VectorFields& fields, const MobilityOptions& options) {
  std::size_t known = 0;
  for (std::uint64_t i = 1; i <= fields.number("option-count"); ++i) {
    const std::string field = "option-" + std::to_string(i);
    fields.skip({field});
    compare_option(fields, field + "-", options);
    if (fields.text(field + "-kind") != "unknown") ++known;
  }
  const std::size_t kept = std::size_t{options.alternate_care_of.has_value()} +
                           std::size_t{options.link_address.has_value()} +
                           options.addresses.size() +
                           std::size_t{options.authorization.has_value()};
  EXPECT_EQ(kept, known);
}

void compare(VectorFields& fields, const FastBindingUpdate& message) {
  EXPECT_EQ(message.sequence, fields.number("sequence"));
  EXPECT_EQ(message.acknowledge, fields.flag("acknowledge"));
  EXPECT_EQ(message.home_registration, fields.flag("home-registration"));
  EXPECT_EQ(message.link_local, fields.flag("link-local-compatibility"));
  EXPECT_EQ(message.key_management, fields.flag("key-management"));
  EXPECT_EQ(message.lifetime_s, fields.number("lifetime"));
  compare_options(fields, message.options);
}

void compare(VectorFields& fields, const FastBindingAcknowledgement& message) {
  EXPECT_EQ(message.status, fields.number("status"));
  EXPECT_EQ(message.key_management, fields.flag("key-management"));
  EXPECT_EQ(message.sequence, fields.number("sequence"));
  EXPECT_EQ(message.lifetime_s, fields.number("lifetime"));
  compare_options(fields, message.options);
}

void compare(VectorFields& fields, const HandoverInitiate& message) {
  EXPECT_EQ(message.sequence, fields.number("sequence"));
  EXPECT_EQ(message.assigned_addressing, fields.flag("assigned"));
  EXPECT_EQ(message.buffer, fields.flag("buffer"));
  EXPECT_EQ(message.code, fields.number("code"));
  compare_options(fields, message.options);
}

void compare(VectorFields& fields, const HandoverAcknowledge& message) {
  EXPECT_EQ(message.sequence, fields.number("sequence"));
  EXPECT_EQ(message.code, fields.number("code"));
  compare_options(fields, message.options);
}

void compare(VectorFields& fields, const BindingError& message) {
  EXPECT_EQ(message.status, fields.number("status"));
  EXPECT_EQ(message.home_address, fields.address("home-address"));
  EXPECT_EQ(fields.number("option-count"), 0U);
}

template <typename T>
void check(VectorFields& fields, ByteView header) {
  const auto message = T::parse(header);
  ASSERT_TRUE(message) << name(message.error());
  compare(fields, *message);
  if (!fields.both()) return;
  Bytes sent = emitted(*message);
  const std::string source = fields.has("pseudo-source") ? "pseudo-source" : "source";
  seal_mobility(fields.address(source), fields.address("destination"), sent);
  EXPECT_EQ(hex_of(sent), hex_of(header));
}

// The octets that the authenticator covers, without the two addresses that keys/ puts before them.
template <typename T>
void check_authorization_input(VectorFields& fields, ByteView header) {
  const auto message = T::parse(header);
  ASSERT_TRUE(message);
  ASSERT_TRUE(message->options.authorization);
  const std::size_t offset = message->options.authorization->offset;
  Bytes input(offset, 0xaa);
  Writer out(input);
  emit_authorization_input(header, offset, out);
  const std::string term = hex_of(fields.address("care-of-term").view());
  const std::string router = hex_of(fields.address("par-address").view());
  EXPECT_EQ(term + router + hex_of(input), fields.text("mac-input"));
  EXPECT_EQ(hex_of(header.subspan(offset)), hex_of(message->options.authorization->authenticator));
  fields.skip({"algorithm-type", "handover-key", "full-mac", "authenticator", "mac-good"});
}

void check_message(VectorFields& fields, ByteView header) {
  switch (static_cast<MobilityType>(fields.number("mh-type"))) {
    case MobilityType::kFastBindingUpdate:
      check<FastBindingUpdate>(fields, header);
      check_authorization_input<FastBindingUpdate>(fields, header);
      return;
    case MobilityType::kFastBindingAcknowledgement:
      check<FastBindingAcknowledgement>(fields, header);
      check_authorization_input<FastBindingAcknowledgement>(fields, header);
      return;
    case MobilityType::kHandoverInitiate:
      return check<HandoverInitiate>(fields, header);
    case MobilityType::kHandoverAcknowledge:
      return check<HandoverAcknowledge>(fields, header);
    case MobilityType::kBindingError:
      return check<BindingError>(fields, header);
  }
  EXPECT_EQ(fields.name(), "mh-type-unknown");
  EXPECT_EQ(fields.number("option-count"), 0U);
}

void compare_headers_of(VectorFields& fields) {
  const Bytes packet = fields.hex("packet");
  const Bytes header = fields.hex("mobility-header");
  const auto view = PacketView::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header.source, fields.address("source"));
  EXPECT_EQ(view->header.destination, fields.address("destination"));
  EXPECT_EQ(view->upper_protocol, kProtocolMobility);
  EXPECT_EQ(hex_of(view->upper), hex_of(header));

  const auto head = MobilityHeader::parse(header);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->payload_protocol, kProtocolNoNext);
  EXPECT_EQ(head->length_units, fields.number("header-length"));
  EXPECT_EQ(head->octets(), header.size());
  EXPECT_EQ(static_cast<std::uint8_t>(head->type), fields.number("mh-type"));
  EXPECT_EQ(head->checksum, fields.number("checksum"));
  // W15: the home address where the packet has one.
  const Ipv6Address source = view->home_address.value_or(view->header.source);
  if (fields.has("pseudo-source")) {
    EXPECT_EQ(source, fields.address("pseudo-source"));
  }
  EXPECT_TRUE(mobility_checksum_ok(source, view->header.destination, header));
  check_message(fields, header);
  if (view->home_address && head->type != MobilityType::kBindingError) {
    EXPECT_EQ(*view->home_address, fields.address("home-address"));
  }
}

void expect_header_refused(VectorFields& fields) {
  const std::string& reason = fields.text("reason");
  const Bytes packet = fields.hex("packet");
  const auto view = PacketView::parse(packet);
  ASSERT_TRUE(view);
  const Ipv6Address source = view->home_address.value_or(view->header.source);
  const auto update = FastBindingUpdate::parse(view->upper);
  if (reason == "checksum") {
    EXPECT_FALSE(mobility_checksum_ok(source, view->header.destination, view->upper));
  } else if (reason == "no-badf") {
    ASSERT_TRUE(update);
    EXPECT_FALSE(update->options.authorization);
  } else if (fields.name() == "fbu-refuse-badf-length-8") {
    // The key decides how long an authenticator is; here it only has a length.
    ASSERT_TRUE(update);
    ASSERT_TRUE(update->options.authorization);
    EXPECT_EQ(update->options.authorization->authenticator.size(), 8U);
  } else {
    static const std::map<std::string, ParseError> kErrors = {
        {"badf-not-last", ParseError::kLength}, {"header-length", ParseError::kTruncated},
        {"short", ParseError::kLength},         {"option-overrun", ParseError::kOptionOverrun},
        {"option-length", ParseError::kLength}, {"payload-proto", ParseError::kValue},
    };
    ASSERT_FALSE(update);
    if (reason == "badf-length") {
      EXPECT_TRUE(update.error() == ParseError::kLength ||
                  update.error() == ParseError::kOptionOverrun);
    } else {
      EXPECT_EQ(update.error(), kErrors.at(reason));
    }
  }
}

// An option by itself: put behind as much padding as it takes, it must come out as it went in.
void compare_lone_option(VectorFields& fields) {
  const std::string kind = fields.text("kind");
  const std::string octets = hex_of(fields.hex("octets"));
  const std::size_t modulus = fields.number("alignment-modulus");
  const std::size_t offset = fields.number("alignment-offset");
  HandoverInitiate message;
  if (kind == "alternate-care-of") {
    message.options.alternate_care_of = fields.address("address");
  } else if (kind == "link-layer-address") {
    message.options.link_address =
        MobilityLinkAddress{.option_code = static_cast<std::uint8_t>(fields.number("option-code")),
                            .address = LinkAddress::from(fields.hex("link-address")).value()};
  } else if (kind == "ip-address-prefix") {
    message.options.addresses.push_back(
        {.code = static_cast<MobilityAddressPrefix::Code>(fields.number("option-code")),
         .prefix_length = static_cast<std::uint8_t>(fields.number("prefix-length")),
         .address = fields.address("address")});
  } else if (kind == "pad1" || kind == "padn") {
    // What fills a gap of 1..7 octets is in MobilityOptions.PaddingFillsEveryGap.
    fields.skip({"data"});
    return;
  }
  Bytes authenticator;
  if (kind == "badf") {
    authenticator = fields.hex("authenticator");
    message.options.authorization = AuthorizationData{
        .spi = static_cast<std::uint32_t>(fields.number("spi")), .authenticator = authenticator};
  }
  const std::string sent = test::emitted_hex(message);
  const std::size_t at = sent.find(octets);
  ASSERT_NE(at, std::string::npos) << sent;
  EXPECT_EQ(at / 2 % modulus, offset % modulus);
}

TEST(MobilityVectors, EverySectionIsReadAndWritten) {
  for (const test::Vector& vector : test::load_vectors("wire-mobility.txt")) {
    SCOPED_TRACE(vector.name);
    VectorFields fields(vector);
    if (fields.refused()) {
      expect_header_refused(fields);
      continue;
    }
    if (fields.has("kind"))
      compare_lone_option(fields);
    else
      compare_headers_of(fields);
    fields.expect_all_used();
  }
}

}  // namespace
}  // namespace sendoff::wire
