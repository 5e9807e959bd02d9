#include "wire/ipv6.h"

#include <bit>
#include <cstring>

namespace sendoff::wire {

namespace {

constexpr std::size_t kMaxExtensionHeaders = 8;
constexpr std::uint8_t kOptionPad1 = 0;
constexpr std::uint8_t kOptionPadN = 1;

// The length of an extension header that has Hdr Ext Len as its second octet.
Parsed<std::size_t> extension_size(ByteView octets) {
  Reader in(octets);
  in.skip(1);
  const std::size_t size = (std::size_t{in.u8()} + 1) * 8;
  if (!in.ok() || size > octets.size()) return fail(ParseError::kTruncated);
  return size;
}

Ipv6Address read_address(Reader& in) { return Ipv6Address(in.array<Ipv6Address::kSize>()); }

// The options of a Hop-by-Hop or Destination Options header. An option that is not known here is
// skipped when its two highest bits allow it (RFC 8200 4.2), else the packet is refused.
Parsed<std::optional<Ipv6Address>> find_home_address(ByteView header) {
  Reader in(header);
  in.skip(2);
  std::optional<Ipv6Address> found;
  while (in.remaining() > 0) {
    const std::uint8_t type = in.u8();
    if (type == kOptionPad1) continue;
    const std::size_t length = in.u8();
    const ByteView data = in.take(length);
    if (!in.ok()) return fail(ParseError::kExtensionHeaders);
    if (type == HomeAddressHeader::kOptionType) {
      if (length != Ipv6Address::kSize || found) return fail(ParseError::kExtensionHeaders);
      found = Ipv6Address::from(data);
    } else if (type >> 6 != 0) {
      return fail(ParseError::kExtensionHeaders);
    }
  }
  return found;
}

// Walks the chain of extension headers, one call of a member a header.
class ChainWalk {
 public:
  ChainWalk(PacketView& view, ByteView payload)
      : view_(view), rest_(payload), next_(view.header.next_header) {}

  std::optional<ParseError> run() {
    for (std::size_t count = 0; walked(next_); ++count) {
      if (count == kMaxExtensionHeaders) return ParseError::kExtensionHeaders;
      if (const auto error = step(count)) return error;
      if (view_.fragment && view_.fragment->offset != 0) break;
    }
    view_.upper_protocol = next_;
    view_.upper = rest_;
    return std::nullopt;
  }

 private:
  static bool walked(std::uint8_t header) {
    return header == kProtocolHopByHop || header == kProtocolRouting ||
           header == kProtocolFragment || header == kProtocolDestinationOptions;
  }

  std::optional<ParseError> step(std::size_t count) {
    if (next_ == kProtocolFragment) return fragment();
    const auto size = extension_size(rest_);
    if (!size) return size.error();
    const ByteView header = rest_.first(*size);
    const std::uint8_t type = next_;
    next_ = header[0];
    rest_ = rest_.subspan(*size);
    if (type == kProtocolRouting) return routing(header);
    if (type == kProtocolHopByHop) {
      // RFC 8200 4.3: only right behind the IPv6 header.
      if (count != 0) return ParseError::kExtensionHeaders;
      view_.has_hop_by_hop = true;
    }
    return options(header, type);
  }

  std::optional<ParseError> fragment() {
    const auto parsed = FragmentHeader::parse(rest_);
    if (!parsed) return parsed.error();
    if (view_.fragment) return ParseError::kExtensionHeaders;
    view_.fragment = *parsed;
    next_ = parsed->next_header;
    rest_ = rest_.subspan(FragmentHeader::kSize);
    return std::nullopt;
  }

  std::optional<ParseError> routing(ByteView header) {
    const auto parsed = RoutingHeader::parse(header);
    if (!parsed) return parsed.error();
    // RFC 6275 6.3: a Home Address option stands behind the routing header. Two routing headers
    // would leave open which one names the final destination.
    if (view_.routing || view_.home_address) return ParseError::kExtensionHeaders;
    // RFC 8200 4.4: an unknown type is passed over only when it has nothing left to do.
    if (parsed->type != RoutingHeader::kTypeHomeAddress && parsed->segments_left != 0)
      return ParseError::kExtensionHeaders;
    view_.routing = *parsed;
    return std::nullopt;
  }

  std::optional<ParseError> options(ByteView header, std::uint8_t type) {
    const auto found = find_home_address(header);
    if (!found) return found.error();
    if (!*found) return std::nullopt;
    // RFC 6275 6.3: in a Destination Options header, before the Fragment header, once.
    const bool allowed =
        type == kProtocolDestinationOptions && !view_.fragment && !view_.home_address;
    if (!allowed) return ParseError::kExtensionHeaders;
    view_.home_address = *found;
    return std::nullopt;
  }

  PacketView& view_;
  ByteView rest_;
  std::uint8_t next_;
};

// The sum of 16-bit words in ones' complement, folded to 16 bits. It may be taken in any byte order
// and in wider words, since a carry counts the same wherever it is added in (RFC 1071 2): here in
// the host's, sixteen octets at a time, into sums that cannot overflow.
std::uint32_t sum_words(ByteView octets) {
  constexpr std::uint64_t kHalf = 0xffffffff;
  std::uint64_t even = 0, odd = 0;
  std::size_t i = 0;
  for (; i + 16 <= octets.size(); i += 16) {
    std::array<std::uint64_t, 2> words;
    std::memcpy(words.data(), octets.data() + i, sizeof words);
    even += (words[0] & kHalf) + (words[1] & kHalf);
    odd += (words[0] >> 32) + (words[1] >> 32);
  }
  std::array<std::uint64_t, 2> rest{};
  if (i < octets.size()) std::memcpy(rest.data(), octets.data() + i, octets.size() - i);
  even += (rest[0] & kHalf) + (rest[1] & kHalf);
  odd += (rest[0] >> 32) + (rest[1] >> 32);
  std::uint64_t sum = (even & kHalf) + (even >> 32) + (odd & kHalf) + (odd >> 32);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  const auto folded = static_cast<std::uint16_t>(sum);
  return std::endian::native == std::endian::little ? std::byteswap(folded) : folded;
}

}  // namespace

Parsed<Ipv6Header> Ipv6Header::parse(ByteView packet) {
  Reader in(packet);
  const std::uint32_t first = in.u32();
  Ipv6Header header;
  header.traffic_class = static_cast<std::uint8_t>(first >> 20);
  header.flow_label = first & 0xfffff;
  header.payload_length = in.u16();
  header.next_header = in.u8();
  header.hop_limit = in.u8();
  header.source = read_address(in);
  header.destination = read_address(in);
  if (!in.ok()) return fail(ParseError::kTruncated);
  if (first >> 28 != 6) return fail(ParseError::kVersion);
  return header;
}

void Ipv6Header::emit(Writer& out) const {
  invariant(flow_label <= 0xfffff);
  out.u32(std::uint32_t{6} << 28 | std::uint32_t{traffic_class} << 20 | flow_label);
  out.u16(payload_length);
  out.u8(next_header);
  out.u8(hop_limit);
  out.bytes(source.view());
  out.bytes(destination.view());
}

Parsed<FragmentHeader> FragmentHeader::parse(ByteView header) {
  Reader in(header);
  FragmentHeader fragment;
  fragment.next_header = in.u8();
  in.skip(1);
  const std::uint16_t offset_and_more = in.u16();
  fragment.offset = static_cast<std::uint16_t>(offset_and_more >> 3);
  fragment.more = (offset_and_more & 1) != 0;
  fragment.identification = in.u32();
  if (!in.ok()) return fail(ParseError::kTruncated);
  return fragment;
}

void FragmentHeader::emit(Writer& out) const {
  invariant(offset < 0x2000);
  out.u8(next_header);
  out.zeros(1);
  out.u16(static_cast<std::uint16_t>(offset << 3 | (more ? 1 : 0)));
  out.u32(identification);
}

Parsed<RoutingHeader> RoutingHeader::parse(ByteView header) {
  const auto size = extension_size(header);
  if (!size) return fail(size.error());
  Reader in(header);
  RoutingHeader routing;
  routing.next_header = in.u8();
  in.skip(1);
  routing.type = in.u8();
  routing.segments_left = in.u8();
  if (routing.type != kTypeHomeAddress) return routing;
  if (*size != routing.size()) return fail(ParseError::kLength);
  if (routing.segments_left != 1) return fail(ParseError::kValue);
  in.skip(4);
  routing.home_address = read_address(in);
  return routing;
}

void RoutingHeader::emit(Writer& out) const {
  invariant(type == kTypeHomeAddress);
  out.u8(next_header);
  out.u8(static_cast<std::uint8_t>(size() / 8 - 1));
  out.u8(type);
  out.u8(segments_left);
  out.zeros(4);
  out.bytes(home_address.view());
}

void HomeAddressHeader::emit(Writer& out) const {
  out.u8(next_header);
  out.u8(kSize / 8 - 1);
  out.u8(kOptionPadN);
  out.u8(2);
  out.zeros(2);
  out.u8(kOptionType);
  out.u8(Ipv6Address::kSize);
  out.bytes(home_address.view());
}

Parsed<PacketView> PacketView::parse(ByteView packet) {
  const auto header = Ipv6Header::parse(packet);
  if (!header) return fail(header.error());
  PacketView view;
  view.header = *header;
  Reader in(packet);
  in.skip(Ipv6Header::kSize);
  const ByteView payload = in.take(header->payload_length);
  if (!in.ok()) return fail(ParseError::kTruncated);
  if (const auto error = ChainWalk(view, payload).run()) return fail(*error);
  return view;
}

std::uint16_t checksum(const Ipv6Address& source, const Ipv6Address& destination,
                       std::uint8_t protocol, ByteView upper) {
  invariant(upper.size() <= 0xffff);
  std::uint32_t sum = sum_words(source.view()) + sum_words(destination.view()) + protocol;
  sum += static_cast<std::uint32_t>(upper.size());
  sum = (sum & 0xffff) + (sum >> 16);
  sum += sum_words(upper);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Bytes build_packet(Ipv6Header header, ByteView extension, ByteView upper) {
  const std::size_t payload = extension.size() + upper.size();
  invariant(payload <= 0xffff);
  header.payload_length = static_cast<std::uint16_t>(payload);
  Bytes packet(Ipv6Header::kSize + payload);
  Writer out(packet);
  header.emit(out);
  out.bytes(extension);
  out.bytes(upper);
  return packet;
}

}  // namespace sendoff::wire
