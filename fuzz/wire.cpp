// Every parser of wire/. What parses is written again in its canonical form: the same octets but
// for reserved bits and padding where the layout is fixed, a form that is read and written the same
// where it is not. A parser asks for no memory.
#include "memory.h"
#include "target.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"
#include "wire/send_options.h"

namespace sendoff::fuzz {

namespace {

// Bits that a receiver ignores: `count` octets from `at`, those of `mask` in each.
struct Ignored {
  std::size_t at = 0;
  std::size_t count = 1;
  std::uint8_t mask = 0xff;
};
constexpr Ignored kChecksum{2, 2};

template <typename T>
Bytes written(const T& item) {
  Bytes octets(item.size(), 0xaa);
  Writer out(octets);
  item.emit(out);
  require(out.remaining() == 0, "emit writes size() octets");
  return octets;
}

template <typename T>
wire::Parsed<T> parsed(ByteView octets) {
  const Allocations before;
  auto result = T::parse(octets);
  require(before.count() == 0, "a parser asks for no memory");
  return result;
}

// The canonical form of what these octets mean, nothing when they mean nothing.
template <typename T>
std::optional<Bytes> canonical(ByteView octets) {
  const auto first = parsed<T>(octets);
  if (!first) return std::nullopt;
  Bytes sent = written(*first);
  const auto second = parsed<T>(sent);
  require(second.has_value(), "the canonical form is read");
  require(written(*second) == sent, "the canonical form is written the same");
  return sent;
}

// A layout of one size: canonical are the octets themselves without what is ignored, up to the end
// of the fixed part.
template <typename T>
void fixed(ByteView octets, std::initializer_list<Ignored> ignored) {
  const auto sent = canonical<T>(octets);
  if (!sent) return;
  require(sent->size() <= octets.size(), "a fixed layout has its size");
  Bytes expected = to_bytes(octets.first(sent->size()));
  for (const Ignored& each : ignored)
    for (std::size_t i = each.at; i < each.at + each.count; ++i)
      expected.at(i) = static_cast<std::uint8_t>(expected.at(i) & ~unsigned{each.mask});
  require(expected == *sent, "a fixed layout is written as it was read");
}

// An option whose third octet counts padding: canonical with less than eight octets of it.
template <typename T>
void padded(ByteView octets, std::size_t pad_length_at, std::initializer_list<Ignored> ignored) {
  const auto sent = canonical<T>(octets);
  if (!sent) return;
  const std::size_t padding = octets[pad_length_at];
  if (padding >= 8) return require(sent->size() < octets.size(), "long padding is shortened");
  require(sent->size() == octets.size(), "short padding stays");
  Bytes expected = to_bytes(octets);
  for (const Ignored& each : ignored)
    expected.at(each.at) = static_cast<std::uint8_t>(expected.at(each.at) & ~unsigned{each.mask});
  std::fill(expected.end() - static_cast<std::ptrdiff_t>(padding), expected.end(), 0);
  require(expected == *sent, "a padded option is written as it was read");
}

template <typename T>
void settled(ByteView octets) {
  const auto sent = canonical<T>(octets);
  if (sent) require(sent->size() <= octets.size(), "the canonical form is the shortest");
}

// Aligning what came unaligned may add octets.
template <typename T>
void mobility(ByteView octets) {
  (void)canonical<T>(octets);
}

// Bits past the prefix length mean nothing.
void clear_past_prefix(Bytes& option, std::size_t address_at) {
  const auto address = Ipv6Address::from(ByteView(option).subspan(address_at, Ipv6Address::kSize));
  const Prefix prefix(address, option[address_at == 16 ? 2 : 3]);
  std::ranges::copy(prefix.address().view(),
                    option.begin() + static_cast<std::ptrdiff_t>(address_at));
}

void prefix_option(ByteView octets) {
  const auto sent = canonical<wire::PrefixInformation>(octets);
  if (!sent) return;
  Bytes expected = to_bytes(octets);
  const bool router_address = (expected[3] & 0x20) != 0;
  expected[3] &= 0xe0;
  std::fill_n(expected.begin() + 12, 4, 0);
  if (!router_address) clear_past_prefix(expected, 16);
  require(expected == *sent, "a prefix option is written as it was read");
}

void address_prefix_option(ByteView octets) {
  const auto sent = canonical<wire::IpAddressPrefixOption>(octets);
  if (!sent) return;
  Bytes expected = to_bytes(octets);
  std::fill_n(expected.begin() + 4, 4, 0);
  if (expected[2] == 4) clear_past_prefix(expected, 8);
  require(expected == *sent, "an address option is written as it was read");
}

void link_layer_option(ByteView octets) {
  settled<wire::LinkLayerAddressOption>(octets);
  for (std::size_t size = 0; size <= LinkAddress::kMaxSize; ++size)
    (void)wire::LinkLayerAddressOption::parse(octets, size);
}

void option(ByteView octets) {
  fixed<wire::LinkAddressOption>(octets, {});
  prefix_option(octets);
  fixed<wire::RedirectedHeader>(octets, {{2, 6}});
  fixed<wire::MtuOption>(octets, {{2, 2}});
  settled<wire::RouteInformation>(octets);
  padded<wire::CgaOption>(octets, 2, {{3}});
  fixed<wire::RsaSignatureOption>(octets, {{2, 2}});
  fixed<wire::TimestampOption>(octets, {{2, 6}});
  fixed<wire::NonceOption>(octets, {});
  padded<wire::TrustAnchorOption>(octets, 3, {});
  fixed<wire::CertificateOption>(octets, {{3, 1}});
  address_prefix_option(octets);
  link_layer_option(octets);
  fixed<wire::NaackOption>(octets, {{4, 4}});
  padded<wire::HandoverKeyRequest>(octets, 2, {{3, 1, 0x0f}});
  padded<wire::HandoverKeyReply>(octets, 2, {{3, 1, 0x0f}});
}

void options(ByteView octets) {
  const auto list = wire::OptionList::parse(octets);
  if (!list) return;
  std::size_t covered = 0;
  for (const wire::RawOption& each : *list) {
    require(each.offset == covered, "options follow each other");
    covered += each.octets.size();
    option(to_bytes(each.octets));
  }
  require(covered == octets.size(), "options fill their list");
  const auto signature = list->first(wire::OptionType::kRsaSignature);
  const std::size_t before = list->before_signature().octets().size();
  require(before == (signature ? signature->offset : octets.size()),
          "what is before the signature ends there");
}

void icmpv6(ByteView octets) {
  fixed<wire::RouterSolicitation>(octets, {kChecksum, {4, 4}});
  fixed<wire::RouterAdvertisement>(octets, {kChecksum, {5, 1, 0x07}});
  fixed<wire::NeighborSolicitation>(octets, {kChecksum, {4, 4}});
  fixed<wire::NeighborAdvertisement>(octets, {kChecksum, {4, 1, 0x1f}, {5, 3}});
  fixed<wire::Redirect>(octets, {kChecksum, {4, 4}});
  fixed<wire::PacketTooBig>(octets, {{1, 3}});  // RFC 4443 3.2: any code
  fixed<wire::ParameterProblem>(octets, {kChecksum});
  fixed<wire::CertificationPathSolicitation>(octets, {kChecksum});
  fixed<wire::CertificationPathAdvertisement>(octets, {kChecksum, {10, 2}});
  fixed<wire::RtSolPr>(octets, {kChecksum, {5, 1}});
  fixed<wire::PrRtAdv>(octets, {kChecksum, {5, 1}});
  const auto offset = wire::options_offset(octets);
  if (!offset) return;
  require(*offset <= octets.size(), "options begin inside the message");
  options(to_bytes(octets.subspan(*offset)));
  const Ipv6Address a, b = kAllNodes;
  (void)wire::signature_input(a, b, octets, *offset);
}

void mobility_message(ByteView octets) {
  mobility<wire::FastBindingUpdate>(octets);
  mobility<wire::FastBindingAcknowledgement>(octets);
  mobility<wire::HandoverInitiate>(octets);
  mobility<wire::HandoverAcknowledge>(octets);
  mobility<wire::BindingError>(octets);
  const auto update = wire::FastBindingUpdate::parse(octets);
  if (!update || !update->options.authorization) return;
  const wire::AuthorizationData& authorization = *update->options.authorization;
  require(authorization.offset + authorization.authenticator.size() <= octets.size(),
          "the authenticator is inside the header");
  Bytes input(authorization.offset);
  Writer out(input);
  wire::emit_authorization_input(octets, authorization.offset, out);
}

void packet(ByteView octets) {
  fixed<wire::Ipv6Header>(octets, {});
  fixed<wire::FragmentHeader>(octets, {{1}, {3, 1, 0x06}});
  if (const auto routing = wire::RoutingHeader::parse(octets);
      routing && routing->type == wire::RoutingHeader::kTypeHomeAddress)
    fixed<wire::RoutingHeader>(octets, {{4, 4}});
  const auto view = parsed<wire::PacketView>(octets);
  if (!view) return;
  require(view->upper.empty() ||
              (view->upper.data() >= octets.data() &&
               view->upper.data() + view->upper.size() <= octets.data() + octets.size()),
          "the upper layer is inside the packet");
  Bytes upper = to_bytes(view->upper);
  const Ipv6Address& source = view->header.source;
  const Ipv6Address& destination = view->header.destination;
  icmpv6(upper);
  mobility_message(upper);
  (void)wire::mobility_checksum_ok(source, destination, upper);
  if (upper.size() < wire::Icmpv6Header::kSize) return;
  wire::seal_icmpv6(source, destination, upper);
  require(wire::icmpv6_checksum_ok(source, destination, upper), "a sealed message is sealed");
}

}  // namespace

// The first octet says what the others are.
void wire(ByteView input) {
  if (input.empty()) return;
  // Of exact size, so that AddressSanitizer sees a read behind the end.
  const Bytes octets = to_bytes(input.subspan(1));
  switch (input[0] % 5) {
    case 0:
      return option(octets);
    case 1:
      return options(octets);
    case 2:
      return icmpv6(octets);
    case 3:
      return mobility_message(octets);
    default:
      return packet(octets);
  }
}

}  // namespace sendoff::fuzz
