// A trust anchor that is known by its key and name alone (RFC 3971 6.5): written as the certificate
// that its authority would have issued to itself, so that one way of validation serves both kinds.
// Nobody signed it, and nobody looks: what an operator configured needs no proof.
#include "crypto/der.h"
#include "pki/blocks.h"
#include "pki/certificate.h"
#include "pki/decoded.h"
#include "pki/der.h"
#include "pki/names.h"
#include "pki/profile.h"

namespace sendoff::pki {

namespace {

// sha256WithRSAEncryption
constexpr std::array<std::uint8_t, 15> kAlgorithm = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                     0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
// 1950-01-01 to 9999-12-31 (RFC 5280 4.1.2.5): the operator's word has no end.
constexpr std::string_view kFirst = "500101000000Z";
constexpr std::string_view kLast = "99991231235959Z";

ByteView octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes out;
  for (const ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Bytes element(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  const Bytes content = joined(parts);
  Bytes out;
  crypto::der::append_header(out, tag, content.size());
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

Bytes extension(ByteView oid, bool critical, ByteView value) {
  static constexpr std::array<std::uint8_t, 3> kTrue = {tag::kBoolean, 1, 0xff};
  return element(tag::kSequence,
                 {element(tag::kObjectIdentifier, {oid}), critical ? ByteView(kTrue) : ByteView(),
                  element(tag::kOctetString, {value})});
}

Bytes extensions_of(const AnchorFields& fields) {
  static constexpr std::array<std::uint8_t, 5> kIsCa = {tag::kSequence, 3, tag::kBoolean, 1, 0xff};
  // keyCertSign and cRLSign
  static constexpr std::array<std::uint8_t, 4> kUsage = {tag::kBitString, 2, 1, 0x06};
  Bytes all = joined(
      {extension(oid::kBasicConstraints, true, kIsCa), extension(oid::kKeyUsage, true, kUsage)});
  if (!fields.key_identifier.empty())
    all = joined({all, extension(oid::kSubjectKeyIdentifier, false,
                                 element(tag::kOctetString, {fields.key_identifier}))});
  return element(tag::constructed(3), {element(tag::kSequence, {all})});
}

Bytes certificate_of(const AnchorFields& fields) {
  static constexpr std::array<std::uint8_t, 5> kVersion3 = {tag::constructed(0), 3, tag::kInteger,
                                                            1, 2};
  static constexpr std::array<std::uint8_t, 3> kSerial = {tag::kInteger, 1, 1};
  static constexpr std::array<std::uint8_t, 2> kNoSignature = {0, 0};
  const Bytes validity =
      element(tag::kSequence, {element(tag::kUtcTime, {octets_of(kFirst)}),
                               element(tag::kGeneralizedTime, {octets_of(kLast)})});
  const Bytes to_be_signed =
      element(tag::kSequence, {kVersion3, kSerial, kAlgorithm, fields.name, validity, fields.name,
                               fields.spki, extensions_of(fields)});
  return element(tag::kSequence,
                 {to_be_signed, kAlgorithm, element(tag::kBitString, {kNoSignature})});
}

}  // namespace

Result<TrustAnchor, PathError> TrustAnchor::of(const AnchorFields& fields) {
  Policy widest;
  widest.accept_rfc3971_profile = true;
  if (auto ok = check_key(fields.spki, widest); !ok) return fail(ok.error());
  if (name_text(fields.name).empty()) return fail(PathError::kProfile);
  TrustAnchor anchor;
  anchor.certificate = certificate_of(fields);
  if (const auto decoded = decode(anchor.certificate); !decoded) return fail(decoded.error());
  anchor.subject_name = fields.name;
  anchor.key_identifier = fields.key_identifier;
  anchor.blocks = AddressSet::of(fields.blocks).prefixes();
  return anchor;
}

}  // namespace sendoff::pki
