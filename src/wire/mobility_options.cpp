// Mobility options of RFC 6275 6.2 and RFC 5568 6.4.
#include "wire/mobility_options.h"

namespace sendoff::wire {

namespace {

constexpr std::uint8_t kPad1 = 0;
constexpr std::uint8_t kPadN = 1;
constexpr std::uint8_t kAlternateCareOf = 3;
constexpr std::uint8_t kNonceIndices = 4;
constexpr std::uint8_t kLinkAddress = 7;
constexpr std::uint8_t kAuthorization = 21;
constexpr std::uint8_t kAddressPrefix = 34;

constexpr std::size_t kOptionHead = 2;
constexpr std::size_t kSpiSize = 4;
constexpr std::size_t kAddressPrefixLength = 2 + Ipv6Address::kSize;

using Code = MobilityAddressPrefix::Code;

void read_link_address(Reader data, MobilityOptions& options) {
  MobilityLinkAddress link;
  link.option_code = data.u8();
  const auto address = LinkAddress::from(data.rest());
  if (link.option_code != MobilityLinkAddress::kMobileNode || !address || address->empty()) return;
  if (options.link_address) return;
  link.address = *address;
  options.link_address = link;
}

void read_address_prefix(Reader data, MobilityOptions& options) {
  if (data.remaining() != kAddressPrefixLength) return;
  MobilityAddressPrefix found;
  found.code = static_cast<Code>(data.u8());
  found.prefix_length = data.u8();
  found.address = Ipv6Address(data.array<Ipv6Address::kSize>());
  if (found.code < Code::kOldCareOfAddress || found.code > Code::kNarPrefix) return;
  if (found.prefix_length > 128) return;
  // One of each code is kept, so the list cannot overflow.
  if (options.address(found.code)) return;
  if (found.code == Code::kNarPrefix)
    found.address = Prefix(found.address, found.prefix_length).address();
  options.addresses.push_back(found);
}

// `in` stands behind the Option Length octet, `at` is its offset from the header's start. The
// authenticator reaches to the header's end: a length that leaves no other reading is taken, with
// or without the SPI in it (W18).
std::optional<ParseError> read_authorization(Reader in, std::size_t length, std::size_t at,
                                             MobilityOptions& options) {
  const std::size_t left = in.remaining();
  const bool without_spi = length + kSpiSize == left;
  const bool with_spi = length == left;
  if (!without_spi && !with_spi)
    return length > left ? ParseError::kOptionOverrun : ParseError::kLength;
  AuthorizationData authorization;
  authorization.spi = in.u32();
  authorization.authenticator = in.rest();
  authorization.offset = at + kSpiSize;
  if (!in.ok() || authorization.authenticator.empty()) return ParseError::kLength;
  options.authorization = authorization;
  return std::nullopt;
}

// Counts the octets of an options area and, when there is a writer, writes them. One description
// of the layout serves size and emission.
class Layout {
 public:
  Layout(std::size_t at, Writer* out) : at_(at), out_(out) {}

  [[nodiscard]] std::size_t at() const { return at_; }

  // Pads so that the next octet stands at 8n + `remainder`.
  void align(std::size_t remainder) {
    const std::size_t gap = (remainder + 8 - at_ % 8) % 8;
    if (gap == 1) {
      u8(kPad1);
    } else if (gap > 1) {
      head(kPadN, gap - kOptionHead);
      at_ += gap - kOptionHead;
      if (out_ != nullptr) out_->zeros(gap - kOptionHead);
    }
  }
  void head(std::uint8_t type, std::size_t length) {
    invariant(length <= 255);
    u8(type);
    u8(static_cast<std::uint8_t>(length));
  }
  void u8(std::uint8_t value) {
    ++at_;
    if (out_ != nullptr) out_->u8(value);
  }
  void u32(std::uint32_t value) {
    at_ += 4;
    if (out_ != nullptr) out_->u32(value);
  }
  void bytes(ByteView octets) {
    at_ += octets.size();
    if (out_ != nullptr) out_->bytes(octets);
  }

 private:
  std::size_t at_;
  Writer* out_;
};

void place(const MobilityAddressPrefix& item, Layout& layout) {
  invariant(item.prefix_length <= 128);
  layout.align(4);
  layout.head(kAddressPrefix, kAddressPrefixLength);
  layout.u8(static_cast<std::uint8_t>(item.code));
  layout.u8(item.prefix_length);
  layout.bytes(item.code == Code::kNarPrefix
                   ? Prefix(item.address, item.prefix_length).address().view()
                   : item.address.view());
}

void place(const AuthorizationData& item, Layout& layout) {
  invariant(!item.authenticator.empty());
  // It ends the header without padding behind it, so its start follows from its size.
  const std::size_t octets = kOptionHead + kSpiSize + item.authenticator.size();
  layout.align((8 - octets % 8) % 8);
  layout.head(kAuthorization, item.authenticator.size());
  layout.u32(item.spi);
  layout.bytes(item.authenticator);
}

void place(const MobilityOptions& options, Layout& layout) {
  if (options.alternate_care_of) {
    layout.align(6);
    layout.head(kAlternateCareOf, Ipv6Address::kSize);
    layout.bytes(options.alternate_care_of->view());
  }
  if (options.link_address) {
    const ByteView address = options.link_address->address.view();
    layout.head(kLinkAddress, 1 + address.size());
    layout.u8(options.link_address->option_code);
    layout.bytes(address);
  }
  for (const MobilityAddressPrefix& item : options.addresses) place(item, layout);
  if (options.authorization)
    place(*options.authorization, layout);
  else
    layout.align(0);
}

}  // namespace

Parsed<MobilityOptions> parse_mobility_options(ByteView header, std::size_t at) {
  MobilityOptions options;
  Reader in(header);
  in.skip(at);
  while (in.remaining() > 0) {
    const std::uint8_t type = in.u8();
    if (type == kPad1) continue;
    const std::size_t length = in.u8();
    if (!in.ok()) return fail(ParseError::kOptionOverrun);
    if (type == kAuthorization) {
      const auto error = read_authorization(in, length, header.size() - in.remaining(), options);
      if (error) return fail(*error);
      return options;
    }
    const ByteView data = in.take(length);
    if (!in.ok()) return fail(ParseError::kOptionOverrun);
    if (type == kAlternateCareOf) {
      if (length != Ipv6Address::kSize) return fail(ParseError::kLength);
      if (!options.alternate_care_of) options.alternate_care_of = Ipv6Address::from(data);
    } else if (type == kNonceIndices) {
      options.nonce_indices = true;
    } else if (type == kLinkAddress) {
      read_link_address(Reader(data), options);
    } else if (type == kAddressPrefix) {
      read_address_prefix(Reader(data), options);
    }
  }
  return options;
}

std::optional<Ipv6Address> MobilityOptions::address(Code code) const {
  for (const MobilityAddressPrefix& item : addresses)
    if (item.code == code) return item.address;
  return std::nullopt;
}

std::size_t size_with_options(const MobilityOptions& options, std::size_t at) {
  Layout layout(at, nullptr);
  place(options, layout);
  return layout.at();
}

void emit_mobility_options(const MobilityOptions& options, std::size_t at, Writer& out) {
  Layout layout(at, &out);
  place(options, layout);
}

}  // namespace sendoff::wire
