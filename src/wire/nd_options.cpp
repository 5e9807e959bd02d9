#include "wire/nd_options.h"

#include "wire/option_frame.h"

namespace sendoff::wire {

namespace {

constexpr std::size_t kEui48Size = 6;
constexpr std::uint8_t kPrefixFlagOnLink = 0x80;
constexpr std::uint8_t kPrefixFlagAutonomous = 0x40;
constexpr std::uint8_t kPrefixFlagRouterAddress = 0x20;
constexpr unsigned kPreferenceShift = 3;

// Octets of the Prefix field that a prefix of this length needs (RFC 4191 2.3).
std::size_t prefix_octets(std::uint8_t length) {
  if (length == 0) return 0;
  return length <= 64 ? 8 : 16;
}

}  // namespace

Parsed<OptionList> OptionList::parse(ByteView options) {
  Reader in(options);
  while (in.remaining() > 0) {
    in.skip(1);
    const std::size_t length = in.u8();
    if (!in.ok()) return fail(ParseError::kOptionOverrun);
    if (length == 0) return fail(ParseError::kZeroLengthOption);
    in.skip(length * 8 - 2);
    if (!in.ok()) return fail(ParseError::kOptionOverrun);
  }
  return OptionList(options);
}

RawOption OptionList::Iterator::operator*() const {
  Reader in(rest_);
  const auto type = static_cast<OptionType>(in.u8());
  const std::size_t octets = std::size_t{in.u8()} * 8;
  invariant(octets != 0 && octets <= rest_.size());
  return {.type = type, .octets = rest_.first(octets), .offset = offset_};
}

OptionList::Iterator& OptionList::Iterator::operator++() {
  const std::size_t octets = (**this).octets.size();
  rest_ = rest_.subspan(octets);
  offset_ += octets;
  return *this;
}

std::optional<RawOption> OptionList::first(OptionType type) const {
  for (const RawOption& option : *this)
    if (option.type == type) return option;
  return std::nullopt;
}

std::size_t OptionList::count(OptionType type) const {
  std::size_t found = 0;
  for (const RawOption& option : *this)
    if (option.type == type) ++found;
  return found;
}

OptionList OptionList::before_signature() const {
  const auto signature = first(OptionType::kRsaSignature);
  return signature ? OptionList(octets_.first(signature->offset)) : *this;
}

Parsed<LinkAddressOption> LinkAddressOption::parse(ByteView option) {
  // Either of the two types will do, so the frame is opened with the one that is there.
  const bool target = !option.empty() && option[0] == 2;
  LinkAddressOption link;
  link.type = target ? OptionType::kTargetLinkAddress : OptionType::kSourceLinkAddress;
  auto in = open_option(option, link.type, link.size());
  if (!in) return fail(in.error());
  const auto address = LinkAddress::from(in->take(kEui48Size));
  invariant(address.has_value());
  link.address = *address;
  return link;
}

std::size_t LinkAddressOption::size() const { return 2 + kEui48Size; }

void LinkAddressOption::emit(Writer& out) const {
  invariant(address.view().size() == kEui48Size);
  emit_option_head(out, type, size());
  out.bytes(address.view());
}

Parsed<PrefixInformation> PrefixInformation::parse(ByteView option) {
  auto in = open_option(option, OptionType::kPrefixInformation, kSize);
  if (!in) return fail(in.error());
  PrefixInformation information;
  information.prefix_length = in->u8();
  const std::uint8_t flags = in->u8();
  information.on_link = (flags & kPrefixFlagOnLink) != 0;
  information.autonomous = (flags & kPrefixFlagAutonomous) != 0;
  information.router_address = (flags & kPrefixFlagRouterAddress) != 0;
  information.valid_lifetime_s = in->u32();
  information.preferred_lifetime_s = in->u32();
  in->skip(4);
  information.address = Ipv6Address(in->array<Ipv6Address::kSize>());
  if (information.prefix_length > 128) return fail(ParseError::kValue);
  return information;
}

void PrefixInformation::emit(Writer& out) const {
  emit_option_head(out, OptionType::kPrefixInformation, kSize);
  out.u8(prefix_length);
  out.u8(static_cast<std::uint8_t>((on_link ? kPrefixFlagOnLink : 0) |
                                   (autonomous ? kPrefixFlagAutonomous : 0) |
                                   (router_address ? kPrefixFlagRouterAddress : 0)));
  out.u32(valid_lifetime_s);
  out.u32(preferred_lifetime_s);
  out.zeros(4);
  out.bytes(router_address ? address.view() : prefix().address().view());
}

Parsed<RedirectedHeader> RedirectedHeader::parse(ByteView option) {
  auto in = open_option(option, OptionType::kRedirectedHeader);
  if (!in) return fail(in.error());
  in->skip(6);
  return RedirectedHeader{.packet = in->rest()};
}

void RedirectedHeader::emit(Writer& out) const {
  emit_option_head(out, OptionType::kRedirectedHeader, size());
  out.zeros(6);
  out.bytes(packet);
}

Parsed<MtuOption> MtuOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kMtu, kSize);
  if (!in) return fail(in.error());
  in->skip(2);
  return MtuOption{.mtu = in->u32()};
}

void MtuOption::emit(Writer& out) const {
  emit_option_head(out, OptionType::kMtu, kSize);
  out.zeros(2);
  out.u32(mtu);
}

Parsed<RouteInformation> RouteInformation::parse(ByteView option) {
  auto in = open_option(option, OptionType::kRouteInformation);
  if (!in) return fail(in.error());
  const std::uint8_t length = in->u8();
  const std::uint8_t flags = in->u8();
  RouteInformation route;
  route.preference = flags >> kPreferenceShift & 3;
  route.lifetime_s = in->u32();
  const ByteView field = in->rest();
  if (length > 128) return fail(ParseError::kValue);
  if (field.size() > Ipv6Address::kSize || field.size() < prefix_octets(length))
    return fail(ParseError::kLength);
  Ipv6Address::Octets octets{};
  std::ranges::copy(field, octets.begin());
  route.prefix = Prefix(Ipv6Address(octets), length);
  return route;
}

std::size_t RouteInformation::size() const { return 8 + prefix_octets(prefix.length()); }

void RouteInformation::emit(Writer& out) const {
  invariant(preference <= 3);
  emit_option_head(out, OptionType::kRouteInformation, size());
  out.u8(prefix.length());
  out.u8(static_cast<std::uint8_t>(preference << kPreferenceShift));
  out.u32(lifetime_s);
  out.bytes(prefix.address().view().first(prefix_octets(prefix.length())));
}

}  // namespace sendoff::wire
