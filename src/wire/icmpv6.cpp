#include "wire/icmpv6.h"

#include "wire/ipv6.h"

namespace sendoff::wire {

namespace {

constexpr std::size_t kChecksumOffset = 2;
constexpr std::uint8_t kRouterFlagManaged = 0x80;
constexpr std::uint8_t kRouterFlagOther = 0x40;
constexpr std::uint8_t kRouterFlagHomeAgent = 0x20;
constexpr unsigned kPreferenceShift = 3;
constexpr std::uint32_t kNeighborFlagRouter = 0x80000000;
constexpr std::uint32_t kNeighborFlagSolicited = 0x40000000;
constexpr std::uint32_t kNeighborFlagOverride = 0x20000000;

Ipv6Address read_address(Reader& in) { return Ipv6Address(in.array<Ipv6Address::kSize>()); }

enum class Code { kZero, kAny };

// A reader behind the first four octets of a message of this type with `size` octets or more.
// kTruncated, kType, kValue (a code other than 0).
Parsed<Reader> open(ByteView message, Icmpv6Type type, std::size_t size, Code code = Code::kZero) {
  const auto header = Icmpv6Header::parse(message);
  if (!header) return fail(header.error());
  if (header->type != static_cast<std::uint8_t>(type)) return fail(ParseError::kType);
  if (message.size() < size) return fail(ParseError::kTruncated);
  if (code == Code::kZero && header->code != 0) return fail(ParseError::kValue);
  Reader in(message);
  in.skip(Icmpv6Header::kSize);
  return in;
}

void emit_head(Writer& out, Icmpv6Type type, std::uint8_t code = 0) {
  Icmpv6Header{.type = static_cast<std::uint8_t>(type), .code = code, .checksum = 0}.emit(out);
}

// RtSolPr and PrRtAdv share one layout behind the code (RFC 5568 6.1).
Parsed<std::uint16_t> fast_mobility_identifier(Parsed<Reader> in, std::uint8_t subtype) {
  if (!in) return fail(in.error());
  const std::uint8_t found = in->u8();
  in->skip(1);
  if (found != subtype) return fail(ParseError::kType);
  return in->u16();
}

void emit_fast_mobility(Writer& out, std::uint8_t code, std::uint8_t subtype,
                        std::uint16_t identifier) {
  emit_head(out, Icmpv6Type::kFastMobility, code);
  out.u8(subtype);
  out.zeros(1);
  out.u16(identifier);
}

// Octets before the options of a message that begins like this one.
std::size_t fixed_part(ByteView message) {
  Reader in(message);
  const auto type = static_cast<Icmpv6Type>(in.u8());
  in.skip(3);
  const std::uint8_t subtype = in.u8();
  if (!in.ok()) return 0;
  switch (type) {
    case Icmpv6Type::kRouterSolicitation:
      return RouterSolicitation::kSize;
    case Icmpv6Type::kRouterAdvertisement:
      return RouterAdvertisement::kSize;
    case Icmpv6Type::kNeighborSolicitation:
      return NeighborSolicitation::kSize;
    case Icmpv6Type::kNeighborAdvertisement:
      return NeighborAdvertisement::kSize;
    case Icmpv6Type::kRedirect:
      return Redirect::kSize;
    case Icmpv6Type::kCertificationPathSolicitation:
      return CertificationPathSolicitation::kSize;
    case Icmpv6Type::kCertificationPathAdvertisement:
      return CertificationPathAdvertisement::kSize;
    case Icmpv6Type::kFastMobility:
      return subtype == kSubtypeRtSolPr || subtype == kSubtypePrRtAdv ? RtSolPr::kSize : 0;
    case Icmpv6Type::kPacketTooBig:
    case Icmpv6Type::kParameterProblem:
      break;
  }
  return 0;
}

}  // namespace

Parsed<Icmpv6Header> Icmpv6Header::parse(ByteView message) {
  Reader in(message);
  Icmpv6Header header;
  header.type = in.u8();
  header.code = in.u8();
  header.checksum = in.u16();
  if (!in.ok()) return fail(ParseError::kTruncated);
  return header;
}

void Icmpv6Header::emit(Writer& out) const {
  out.u8(type);
  out.u8(code);
  out.u16(checksum);
}

Parsed<RouterSolicitation> RouterSolicitation::parse(ByteView message) {
  const auto in = open(message, Icmpv6Type::kRouterSolicitation, kSize);
  if (!in) return fail(in.error());
  return RouterSolicitation{};
}

void RouterSolicitation::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kRouterSolicitation);
  out.zeros(4);
}

Parsed<RouterAdvertisement> RouterAdvertisement::parse(ByteView message) {
  auto in = open(message, Icmpv6Type::kRouterAdvertisement, kSize);
  if (!in) return fail(in.error());
  RouterAdvertisement advertisement;
  advertisement.current_hop_limit = in->u8();
  const std::uint8_t flags = in->u8();
  advertisement.managed = (flags & kRouterFlagManaged) != 0;
  advertisement.other = (flags & kRouterFlagOther) != 0;
  advertisement.home_agent = (flags & kRouterFlagHomeAgent) != 0;
  advertisement.preference = flags >> kPreferenceShift & 3;
  advertisement.router_lifetime_s = in->u16();
  advertisement.reachable_time_ms = in->u32();
  advertisement.retransmission_timer_ms = in->u32();
  return advertisement;
}

void RouterAdvertisement::emit(Writer& out) const {
  invariant(preference <= 3);
  emit_head(out, Icmpv6Type::kRouterAdvertisement);
  out.u8(current_hop_limit);
  out.u8(static_cast<std::uint8_t>(
      (managed ? kRouterFlagManaged : 0) | (other ? kRouterFlagOther : 0) |
      (home_agent ? kRouterFlagHomeAgent : 0) | preference << kPreferenceShift));
  out.u16(router_lifetime_s);
  out.u32(reachable_time_ms);
  out.u32(retransmission_timer_ms);
}

Parsed<NeighborSolicitation> NeighborSolicitation::parse(ByteView message) {
  auto in = open(message, Icmpv6Type::kNeighborSolicitation, kSize);
  if (!in) return fail(in.error());
  in->skip(4);
  return NeighborSolicitation{.target = read_address(*in)};
}

void NeighborSolicitation::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kNeighborSolicitation);
  out.zeros(4);
  out.bytes(target.view());
}

Parsed<NeighborAdvertisement> NeighborAdvertisement::parse(ByteView message) {
  auto in = open(message, Icmpv6Type::kNeighborAdvertisement, kSize);
  if (!in) return fail(in.error());
  NeighborAdvertisement advertisement;
  const std::uint32_t flags = in->u32();
  advertisement.router = (flags & kNeighborFlagRouter) != 0;
  advertisement.solicited = (flags & kNeighborFlagSolicited) != 0;
  advertisement.override_flag = (flags & kNeighborFlagOverride) != 0;
  advertisement.target = read_address(*in);
  return advertisement;
}

void NeighborAdvertisement::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kNeighborAdvertisement);
  out.u32((router ? kNeighborFlagRouter : 0) | (solicited ? kNeighborFlagSolicited : 0) |
          (override_flag ? kNeighborFlagOverride : 0));
  out.bytes(target.view());
}

Parsed<Redirect> Redirect::parse(ByteView message) {
  auto in = open(message, Icmpv6Type::kRedirect, kSize);
  if (!in) return fail(in.error());
  in->skip(4);
  Redirect redirect;
  redirect.target = read_address(*in);
  redirect.destination = read_address(*in);
  return redirect;
}

void Redirect::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kRedirect);
  out.zeros(4);
  out.bytes(target.view());
  out.bytes(destination.view());
}

Parsed<PacketTooBig> PacketTooBig::parse(ByteView message) {
  // RFC 4443 3.2: receivers ignore the code.
  auto in = open(message, Icmpv6Type::kPacketTooBig, 8, Code::kAny);
  if (!in) return fail(in.error());
  PacketTooBig problem;
  problem.mtu = in->u32();
  problem.invoking = in->rest();
  return problem;
}

void PacketTooBig::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kPacketTooBig);
  out.u32(mtu);
  out.bytes(invoking);
}

Parsed<ParameterProblem> ParameterProblem::parse(ByteView message) {
  auto in = open(message, Icmpv6Type::kParameterProblem, 8, Code::kAny);
  if (!in) return fail(in.error());
  ParameterProblem problem;
  problem.code = message[1];
  problem.pointer = in->u32();
  problem.invoking = in->rest();
  return problem;
}

void ParameterProblem::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kParameterProblem, code);
  out.u32(pointer);
  out.bytes(invoking);
}

Parsed<CertificationPathSolicitation> CertificationPathSolicitation::parse(ByteView message) {
  auto in = open(message, Icmpv6Type::kCertificationPathSolicitation, kSize);
  if (!in) return fail(in.error());
  CertificationPathSolicitation solicitation;
  solicitation.identifier = in->u16();
  solicitation.component = in->u16();
  return solicitation;
}

void CertificationPathSolicitation::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kCertificationPathSolicitation);
  out.u16(identifier);
  out.u16(component);
}

Parsed<CertificationPathAdvertisement> CertificationPathAdvertisement::parse(ByteView message) {
  auto in = open(message, Icmpv6Type::kCertificationPathAdvertisement, kSize);
  if (!in) return fail(in.error());
  CertificationPathAdvertisement advertisement;
  advertisement.identifier = in->u16();
  advertisement.all_components = in->u16();
  advertisement.component = in->u16();
  return advertisement;
}

void CertificationPathAdvertisement::emit(Writer& out) const {
  emit_head(out, Icmpv6Type::kCertificationPathAdvertisement);
  out.u16(identifier);
  out.u16(all_components);
  out.u16(component);
  out.zeros(2);
}

Parsed<RtSolPr> RtSolPr::parse(ByteView message) {
  const auto identifier =
      fast_mobility_identifier(open(message, Icmpv6Type::kFastMobility, kSize), kSubtypeRtSolPr);
  if (!identifier) return fail(identifier.error());
  return RtSolPr{.identifier = *identifier};
}

void RtSolPr::emit(Writer& out) const { emit_fast_mobility(out, 0, kSubtypeRtSolPr, identifier); }

Parsed<PrRtAdv> PrRtAdv::parse(ByteView message) {
  const auto identifier = fast_mobility_identifier(
      open(message, Icmpv6Type::kFastMobility, kSize, Code::kAny), kSubtypePrRtAdv);
  if (!identifier) return fail(identifier.error());
  return PrRtAdv{.code = message[1], .identifier = *identifier};
}

void PrRtAdv::emit(Writer& out) const {
  emit_fast_mobility(out, code, kSubtypePrRtAdv, identifier);
}

std::optional<std::size_t> options_offset(ByteView message) {
  const std::size_t offset = fixed_part(message);
  if (offset == 0 || message.size() < offset) return std::nullopt;
  return offset;
}

void seal_icmpv6(const Ipv6Address& source, const Ipv6Address& destination, ByteSpan message) {
  invariant(message.size() >= Icmpv6Header::kSize);
  const ByteSpan field = message.subspan(kChecksumOffset, 2);
  Writer(field).zeros(2);
  Writer(field).u16(checksum(source, destination, kProtocolIcmpv6, message));
}

bool icmpv6_checksum_ok(const Ipv6Address& source, const Ipv6Address& destination,
                        ByteView message) {
  return message.size() >= Icmpv6Header::kSize && message.size() <= 0xffff &&
         checksum(source, destination, kProtocolIcmpv6, message) == 0;
}

Bytes icmpv6_packet(const Ipv6Address& source, const Ipv6Address& destination, ByteView message) {
  Ipv6Header header;
  header.next_header = kProtocolIcmpv6;
  header.hop_limit = 255;
  header.source = source;
  header.destination = destination;
  return build_packet(header, {}, message);
}

}  // namespace sendoff::wire
