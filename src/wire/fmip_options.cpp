#include "wire/fmip_options.h"

#include "wire/option_frame.h"

namespace sendoff::wire {

namespace {

constexpr std::size_t kLinkAddressHeadSize = 3;
constexpr std::size_t kRequestHeadSize = 4;
constexpr unsigned kAlgorithmShift = 4;

AlgorithmCode algorithm_of(std::uint8_t octet) {
  return {.value = static_cast<std::uint8_t>(octet >> kAlgorithmShift)};
}

std::uint8_t algorithm_octet(AlgorithmCode algorithm) {
  invariant(algorithm.value <= 15);
  return static_cast<std::uint8_t>(algorithm.value << kAlgorithmShift);
}

}  // namespace

Parsed<IpAddressPrefixOption> IpAddressPrefixOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kIpAddressPrefix, kSize);
  if (!in) return fail(in.error());
  IpAddressPrefixOption result;
  result.code = static_cast<Code>(in->u8());
  result.prefix_length = in->u8();
  in->skip(4);
  result.address = Ipv6Address(in->array<Ipv6Address::kSize>());
  if (result.prefix_length > 128) return fail(ParseError::kValue);
  if (result.code == Code::kNarPrefix)
    result.address = Prefix(result.address, result.prefix_length).address();
  return result;
}

void IpAddressPrefixOption::emit(Writer& out) const {
  invariant(prefix_length <= 128);
  emit_option_head(out, OptionType::kIpAddressPrefix, kSize);
  out.u8(static_cast<std::uint8_t>(code));
  out.u8(prefix_length);
  out.zeros(4);
  out.bytes(code == Code::kNarPrefix ? Prefix(address, prefix_length).address().view()
                                     : address.view());
}

Parsed<LinkLayerAddressOption> LinkLayerAddressOption::parse(ByteView option,
                                                             std::size_t address_size) {
  invariant(address_size <= LinkAddress::kMaxSize);
  auto in = open_option(option, OptionType::kLinkLayerAddress);
  if (!in) return fail(in.error());
  LinkLayerAddressOption result;
  result.code = static_cast<Code>(in->u8());
  if (result.code == Code::kWildcard) return result;
  // GF14: "nothing known here" has no address to name.
  const bool may_be_empty = result.code == Code::kNoPrefixInformation && option.size() == 8;
  if (may_be_empty && in->remaining() < address_size) return result;
  const auto address = LinkAddress::from(in->take(address_size));
  if (!in->ok() || !address) return fail(ParseError::kLength);
  result.address = *address;
  return result;
}

std::size_t LinkLayerAddressOption::size() const {
  const std::size_t octets = code == Code::kWildcard ? 0 : address.view().size();
  return padded_to_8(kLinkAddressHeadSize + octets);
}

void LinkLayerAddressOption::emit(Writer& out) const {
  const ByteView octets = code == Code::kWildcard ? ByteView{} : address.view();
  emit_option_head(out, OptionType::kLinkLayerAddress, size());
  out.u8(static_cast<std::uint8_t>(code));
  out.bytes(octets);
  out.zeros(size() - kLinkAddressHeadSize - octets.size());
}

Parsed<NaackOption> NaackOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kNaack);
  if (!in) return fail(in.error());
  NaackOption naack;
  naack.option_code = in->u8();
  naack.status = in->u8();
  in->skip(4);
  if (in->remaining() == 0) {
    if (naack.status == kUseSupplied) return fail(ParseError::kValue);
    return naack;
  }
  if (in->remaining() != Ipv6Address::kSize) return fail(ParseError::kLength);
  naack.address = Ipv6Address(in->array<Ipv6Address::kSize>());
  return naack;
}

void NaackOption::emit(Writer& out) const {
  invariant(status != kUseSupplied || address);
  emit_option_head(out, OptionType::kNaack, size());
  out.u8(option_code);
  out.u8(status);
  out.zeros(4);
  if (address) out.bytes(address->view());
}

Parsed<HandoverKeyRequest> HandoverKeyRequest::parse(ByteView option) {
  auto in = open_option(option, OptionType::kHandoverKeyRequest);
  if (!in) return fail(in.error());
  HandoverKeyRequest request;
  const std::uint8_t pad_length = in->u8();
  request.algorithm = algorithm_of(in->u8());
  const auto key = without_padding(*in, pad_length, 1);
  if (!key) return fail(key.error());
  request.public_key = *key;
  return request;
}

std::size_t HandoverKeyRequest::size() const {
  return padded_to_8(kRequestHeadSize + public_key.size());
}

void HandoverKeyRequest::emit(Writer& out) const {
  invariant(!public_key.empty());
  const std::size_t padding = size() - kRequestHeadSize - public_key.size();
  emit_option_head(out, OptionType::kHandoverKeyRequest, size());
  out.u8(static_cast<std::uint8_t>(padding));
  out.u8(algorithm_octet(algorithm));
  out.bytes(public_key);
  out.zeros(padding);
}

Parsed<HandoverKeyReply> HandoverKeyReply::parse(ByteView option) {
  auto in = open_option(option, OptionType::kHandoverKeyReply);
  if (!in) return fail(in.error());
  HandoverKeyReply reply;
  const std::uint8_t pad_length = in->u8();
  reply.algorithm = algorithm_of(in->u8());
  reply.lifetime_s = in->u16();
  const auto key = without_padding(*in, pad_length, 0);
  if (!key) return fail(key.error());
  reply.encrypted_key = *key;
  return reply;
}

std::size_t HandoverKeyReply::size() const { return padded_to_8(kHeadSize + encrypted_key.size()); }

void HandoverKeyReply::emit(Writer& out) const {
  const std::size_t padding = size() - kHeadSize - encrypted_key.size();
  emit_option_head(out, OptionType::kHandoverKeyReply, size());
  out.u8(static_cast<std::uint8_t>(padding));
  out.u8(algorithm_octet(algorithm));
  out.u16(lifetime_s);
  out.bytes(encrypted_key);
  out.zeros(padding);
}

}  // namespace sendoff::wire
