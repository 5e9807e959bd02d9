#include "wire/send_options.h"

#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/option_frame.h"

namespace sendoff::wire {

namespace {

constexpr std::size_t kCgaHeadSize = 4;
// Modifier, subnet prefix and collision count (RFC 3972 3).
constexpr std::size_t kParametersBeforeKey = 16 + 8 + 1;
constexpr std::size_t kRsaHeadSize = 4 + RsaSignatureOption::kKeyHashSize;
constexpr std::size_t kTrustAnchorHeadSize = 4;
constexpr std::size_t kCertificateHeadSize = 4;
constexpr std::size_t kSmallestNonce = 6;

// The CGA Message Type tag of SEND (RFC 3971 5.2).
constexpr std::array<std::uint8_t, 16> kMessageTag = {
    0x08, 0x6f, 0xca, 0x5e, 0x10, 0xb2, 0x00, 0xc9, 0x9c, 0x8c, 0xe0, 0x01, 0x64, 0x27, 0x7c, 0x08};

}  // namespace

Parsed<CgaOption> CgaOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kCga);
  if (!in) return fail(in.error());
  const std::uint8_t pad_length = in->u8();
  in->skip(1);
  const auto parameters = without_padding(*in, pad_length, kParametersBeforeKey);
  if (!parameters) return fail(parameters.error());
  return CgaOption{.parameters = *parameters};
}

std::size_t CgaOption::size_with(std::size_t parameters_size) {
  return padded_to_8(kCgaHeadSize + parameters_size);
}

std::size_t CgaOption::size() const { return size_with(parameters.size()); }

void CgaOption::emit(Writer& out) const {
  const std::size_t padding = size() - kCgaHeadSize - parameters.size();
  emit_option_head(out, OptionType::kCga, size());
  out.u8(static_cast<std::uint8_t>(padding));
  out.zeros(1);
  out.bytes(parameters);
  out.zeros(padding);
}

Parsed<RsaSignatureOption> RsaSignatureOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kRsaSignature);
  if (!in) return fail(in.error());
  RsaSignatureOption signature;
  in->skip(2);
  signature.key_hash = in->array<kKeyHashSize>();
  signature.content = in->rest();
  if (!in->ok()) return fail(ParseError::kLength);
  return signature;
}

std::size_t RsaSignatureOption::size() const { return padded_to_8(kRsaHeadSize + content.size()); }

void RsaSignatureOption::emit(Writer& out) const {
  emit_option_head(out, OptionType::kRsaSignature, size());
  out.zeros(2);
  out.bytes(key_hash);
  out.bytes(content);
  out.zeros(size() - kRsaHeadSize - content.size());
}

Parsed<TimestampOption> TimestampOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kTimestamp, kSize);
  if (!in) return fail(in.error());
  in->skip(6);
  return TimestampOption{.value = in->u64()};
}

void TimestampOption::emit(Writer& out) const {
  emit_option_head(out, OptionType::kTimestamp, kSize);
  out.zeros(6);
  out.u64(value);
}

Parsed<NonceOption> NonceOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kNonce);
  if (!in) return fail(in.error());
  return NonceOption{.nonce = in->rest()};
}

void NonceOption::emit(Writer& out) const {
  invariant(nonce.size() >= kSmallestNonce);
  emit_option_head(out, OptionType::kNonce, size());
  out.bytes(nonce);
}

Parsed<TrustAnchorOption> TrustAnchorOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kTrustAnchor);
  if (!in) return fail(in.error());
  TrustAnchorOption anchor;
  anchor.name_type = static_cast<NameType>(in->u8());
  const std::uint8_t pad_length = in->u8();
  const auto octets = without_padding(*in, pad_length, 0);
  if (!octets) return fail(octets.error());
  anchor.name = *octets;
  return anchor;
}

std::size_t TrustAnchorOption::size() const {
  return padded_to_8(kTrustAnchorHeadSize + name.size());
}

void TrustAnchorOption::emit(Writer& out) const {
  const std::size_t padding = size() - kTrustAnchorHeadSize - name.size();
  emit_option_head(out, OptionType::kTrustAnchor, size());
  out.u8(static_cast<std::uint8_t>(name_type));
  out.u8(static_cast<std::uint8_t>(padding));
  out.bytes(name);
  out.zeros(padding);
}

Parsed<CertificateOption> CertificateOption::parse(ByteView option) {
  auto in = open_option(option, OptionType::kCertificate);
  if (!in) return fail(in.error());
  CertificateOption result;
  result.certificate_type = in->u8();
  in->skip(1);
  result.certificate = in->rest();
  return result;
}

std::size_t CertificateOption::size() const {
  return padded_to_8(kCertificateHeadSize + certificate.size());
}

void CertificateOption::emit(Writer& out) const {
  emit_option_head(out, OptionType::kCertificate, size());
  out.u8(certificate_type);
  out.zeros(1);
  out.bytes(certificate);
  out.zeros(size() - kCertificateHeadSize - certificate.size());
}

Bytes signature_input(const Ipv6Address& source, const Ipv6Address& destination, ByteView message,
                      std::size_t signature_offset) {
  invariant(signature_offset >= Icmpv6Header::kSize && signature_offset <= message.size());
  const std::size_t before_message = kMessageTag.size() + 2 * Ipv6Address::kSize;
  Bytes input(before_message + signature_offset);
  Writer out(input);
  out.bytes(kMessageTag);
  out.bytes(source.view());
  out.bytes(destination.view());
  out.bytes(message.first(signature_offset));
  seal_icmpv6(source, destination, ByteSpan(input).subspan(before_message));
  return input;
}

void append_signature(const Ipv6Address& source, const Ipv6Address& destination, Bytes& message,
                      const RsaSignatureOption& option) {
  append(message, option);
  seal_icmpv6(source, destination, message);
}

}  // namespace sendoff::wire
