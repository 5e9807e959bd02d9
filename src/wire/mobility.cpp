#include "wire/mobility.h"

#include "wire/mobility_options.h"

namespace sendoff::wire {

namespace {

constexpr std::size_t kChecksumOffset = 4;
// Where the options of each message begin.
constexpr std::size_t kBindingOptions = 12;
constexpr std::size_t kHandoverOptions = 10;
constexpr std::size_t kBindingErrorSize = 24;

constexpr std::uint16_t kUpdateFlagAcknowledge = 0x8000;
constexpr std::uint16_t kUpdateFlagHomeRegistration = 0x4000;
constexpr std::uint16_t kUpdateFlagLinkLocal = 0x2000;
constexpr std::uint16_t kUpdateFlagKeyManagement = 0x1000;
constexpr std::uint8_t kAcknowledgementFlagKeyManagement = 0x80;
constexpr std::uint8_t kHandoverFlagAssigned = 0x80;
constexpr std::uint8_t kHandoverFlagBuffer = 0x40;

struct OpenHeader {
  ByteView header;  // cut to its length
  Reader data;      // behind the checksum
};

// The header of a message of this type whose fixed part has `fixed` octets.
Parsed<OpenHeader> open(ByteView octets, MobilityType type, std::size_t fixed) {
  const auto head = MobilityHeader::parse(octets);
  if (!head) return fail(head.error());
  if (head->type != type) return fail(ParseError::kType);
  if (head->payload_protocol != kProtocolNoNext) return fail(ParseError::kValue);
  if (head->octets() < fixed) return fail(ParseError::kLength);
  OpenHeader opened{.header = octets.first(head->octets()), .data = Reader({})};
  opened.data = Reader(opened.header);
  opened.data.skip(MobilityHeader::kSize);
  return opened;
}

void emit_head(Writer& out, MobilityType type, std::size_t size) {
  invariant(size % 8 == 0 && size >= 8 && size / 8 - 1 <= 255);
  out.u8(kProtocolNoNext);
  out.u8(static_cast<std::uint8_t>(size / 8 - 1));
  out.u8(static_cast<std::uint8_t>(type));
  out.zeros(3);
}

}  // namespace

Parsed<MobilityHeader> MobilityHeader::parse(ByteView upper) {
  Reader in(upper);
  MobilityHeader header;
  header.payload_protocol = in.u8();
  header.length_units = in.u8();
  header.type = static_cast<MobilityType>(in.u8());
  in.skip(1);
  header.checksum = in.u16();
  if (!in.ok() || upper.size() < header.octets()) return fail(ParseError::kTruncated);
  return header;
}

Parsed<FastBindingUpdate> FastBindingUpdate::parse(ByteView header) {
  auto opened = open(header, MobilityType::kFastBindingUpdate, kBindingOptions);
  if (!opened) return fail(opened.error());
  FastBindingUpdate update;
  update.sequence = opened->data.u16();
  const std::uint16_t flags = opened->data.u16();
  update.acknowledge = (flags & kUpdateFlagAcknowledge) != 0;
  update.home_registration = (flags & kUpdateFlagHomeRegistration) != 0;
  update.link_local = (flags & kUpdateFlagLinkLocal) != 0;
  update.key_management = (flags & kUpdateFlagKeyManagement) != 0;
  update.lifetime_s = opened->data.u16();
  const auto options = parse_mobility_options(opened->header, kBindingOptions);
  if (!options) return fail(options.error());
  update.options = *options;
  return update;
}

std::size_t FastBindingUpdate::size() const { return size_with_options(options, kBindingOptions); }

void FastBindingUpdate::emit(Writer& out) const {
  emit_head(out, MobilityType::kFastBindingUpdate, size());
  out.u16(sequence);
  out.u16(static_cast<std::uint16_t>((acknowledge ? kUpdateFlagAcknowledge : 0) |
                                     (home_registration ? kUpdateFlagHomeRegistration : 0) |
                                     (link_local ? kUpdateFlagLinkLocal : 0) |
                                     (key_management ? kUpdateFlagKeyManagement : 0)));
  out.u16(lifetime_s);
  emit_mobility_options(options, kBindingOptions, out);
}

Parsed<FastBindingAcknowledgement> FastBindingAcknowledgement::parse(ByteView header) {
  auto opened = open(header, MobilityType::kFastBindingAcknowledgement, kBindingOptions);
  if (!opened) return fail(opened.error());
  FastBindingAcknowledgement acknowledgement;
  acknowledgement.status = opened->data.u8();
  acknowledgement.key_management = (opened->data.u8() & kAcknowledgementFlagKeyManagement) != 0;
  acknowledgement.sequence = opened->data.u16();
  acknowledgement.lifetime_s = opened->data.u16();
  const auto options = parse_mobility_options(opened->header, kBindingOptions);
  if (!options) return fail(options.error());
  acknowledgement.options = *options;
  return acknowledgement;
}

std::size_t FastBindingAcknowledgement::size() const {
  return size_with_options(options, kBindingOptions);
}

void FastBindingAcknowledgement::emit(Writer& out) const {
  emit_head(out, MobilityType::kFastBindingAcknowledgement, size());
  out.u8(status);
  out.u8(key_management ? kAcknowledgementFlagKeyManagement : 0);
  out.u16(sequence);
  out.u16(lifetime_s);
  emit_mobility_options(options, kBindingOptions, out);
}

Parsed<HandoverInitiate> HandoverInitiate::parse(ByteView header) {
  auto opened = open(header, MobilityType::kHandoverInitiate, kHandoverOptions);
  if (!opened) return fail(opened.error());
  HandoverInitiate initiate;
  initiate.sequence = opened->data.u16();
  const std::uint8_t flags = opened->data.u8();
  initiate.assigned_addressing = (flags & kHandoverFlagAssigned) != 0;
  initiate.buffer = (flags & kHandoverFlagBuffer) != 0;
  initiate.code = opened->data.u8();
  const auto options = parse_mobility_options(opened->header, kHandoverOptions);
  if (!options) return fail(options.error());
  initiate.options = *options;
  return initiate;
}

std::size_t HandoverInitiate::size() const { return size_with_options(options, kHandoverOptions); }

void HandoverInitiate::emit(Writer& out) const {
  emit_head(out, MobilityType::kHandoverInitiate, size());
  out.u16(sequence);
  out.u8(static_cast<std::uint8_t>((assigned_addressing ? kHandoverFlagAssigned : 0) |
                                   (buffer ? kHandoverFlagBuffer : 0)));
  out.u8(code);
  emit_mobility_options(options, kHandoverOptions, out);
}

Parsed<HandoverAcknowledge> HandoverAcknowledge::parse(ByteView header) {
  auto opened = open(header, MobilityType::kHandoverAcknowledge, kHandoverOptions);
  if (!opened) return fail(opened.error());
  HandoverAcknowledge acknowledge;
  acknowledge.sequence = opened->data.u16();
  opened->data.skip(1);
  acknowledge.code = opened->data.u8();
  const auto options = parse_mobility_options(opened->header, kHandoverOptions);
  if (!options) return fail(options.error());
  acknowledge.options = *options;
  return acknowledge;
}

std::size_t HandoverAcknowledge::size() const {
  return size_with_options(options, kHandoverOptions);
}

void HandoverAcknowledge::emit(Writer& out) const {
  emit_head(out, MobilityType::kHandoverAcknowledge, size());
  out.u16(sequence);
  out.zeros(1);
  out.u8(code);
  emit_mobility_options(options, kHandoverOptions, out);
}

Parsed<BindingError> BindingError::parse(ByteView header) {
  auto opened = open(header, MobilityType::kBindingError, kBindingErrorSize);
  if (!opened) return fail(opened.error());
  BindingError error;
  error.status = opened->data.u8();
  opened->data.skip(1);
  error.home_address = Ipv6Address(opened->data.array<Ipv6Address::kSize>());
  const auto options = parse_mobility_options(opened->header, kBindingErrorSize);
  if (!options) return fail(options.error());
  return error;
}

void BindingError::emit(Writer& out) const {
  emit_head(out, MobilityType::kBindingError, size());
  out.u8(status);
  out.zeros(1);
  out.bytes(home_address.view());
}

void seal_mobility(const Ipv6Address& source, const Ipv6Address& destination, ByteSpan header) {
  invariant(header.size() >= 8);
  const ByteSpan field = header.subspan(kChecksumOffset, 2);
  Writer(field).zeros(2);
  Writer(field).u16(checksum(source, destination, kProtocolMobility, header));
}

bool mobility_checksum_ok(const Ipv6Address& source, const Ipv6Address& destination,
                          ByteView header) {
  const auto head = MobilityHeader::parse(header);
  return head &&
         checksum(source, destination, kProtocolMobility, header.first(head->octets())) == 0;
}

void emit_authorization_input(ByteView header, std::size_t authenticator_offset, Writer& out) {
  invariant(authenticator_offset >= MobilityHeader::kSize && authenticator_offset <= header.size());
  out.bytes(header.first(kChecksumOffset));
  out.zeros(2);
  out.bytes(header.subspan(MobilityHeader::kSize, authenticator_offset - MobilityHeader::kSize));
}

}  // namespace sendoff::wire
