#include "pki/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "pki/blocks.h"
#include "pki/decoded.h"
#include "pki/der.h"
#include "pki/names.h"
#include "pki/profile.h"
#include "pki/revocation.h"

namespace sendoff::pki {

namespace {

using Certificate = std::unique_ptr<X509, decltype([](X509* x) { X509_free(x); })>;
using Bio = std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })>;

// No file holds more: a router's path and its anchor, or a handful of anchors.
constexpr std::size_t kMaxCertificatesInFile = 64;

Certificate decode_x509(ByteView der) {
  const unsigned char* at = der.data();
  return Certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

bool signed_by(ByteView certificate, ByteView issuer) {
  const Certificate below = decode_x509(certificate);
  const Certificate above = decode_x509(issuer);
  const bool good = below && above && X509_verify(below.get(), X509_get0_pubkey(above.get())) == 1;
  ERR_clear_error();
  return good;
}

// The blocks with one of these labels.
Result<std::vector<Bytes>, PathError> decode_pem(ByteView file,
                                                 std::initializer_list<std::string_view> labels) {
  const Bio in(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
  std::vector<Bytes> certificates;
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  bool good = in != nullptr;
  while (good && PEM_read_bio(in.get(), &label, &header, &data, &size) == 1) {
    if (std::ranges::find(labels, std::string_view(label)) != labels.end())
      certificates.emplace_back(data, data + size);
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));  // it may have been a private key
    good = certificates.size() <= kMaxCertificatesInFile;
  }
  // The only good reason to stop is that no further block begins.
  good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!good) return fail(PathError::kMalformed);
  return certificates;
}

std::string encode_pem(ByteView der, const char* label) {
  const Bio out(BIO_new(BIO_s_mem()));
  std::string text;
  if (out && PEM_write_bio(out.get(), label, "", der.data(), static_cast<long>(der.size())) > 0) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    if (size > 0) text.assign(data, static_cast<std::size_t>(size));
  }
  ERR_clear_error();
  return text;
}

}  // namespace

std::string_view name(PathError error) {
  switch (error) {
    case PathError::kEmpty:
      return "empty";
    case PathError::kTooLong:
      return "too-long";
    case PathError::kMalformed:
      return "malformed";
    case PathError::kNoAnchor:
      return "no-anchor";
    case PathError::kSignature:
      return "signature";
    case PathError::kNotYetValid:
      return "not-yet-valid";
    case PathError::kExpired:
      return "expired";
    case PathError::kAddressBlocks:
      return "address-blocks";
    case PathError::kExtendedKeyUsage:
      return "extended-key-usage";
    case PathError::kNotCa:
      return "not-ca";
    case PathError::kKeyPolicy:
      return "key-policy";
    case PathError::kProfile:
      return "profile";
    case PathError::kRevoked:
      return "revoked";
    case PathError::kCount:
      break;
  }
  return "unknown";
}

std::string_view explain(PathError error) {
  switch (error) {
    case PathError::kEmpty:
      return "There is no router certificate in the path: it is empty or holds only the anchor.";
    case PathError::kTooLong:
      return "The path has more than 10 certificates; no deployment needs that many.";
    case PathError::kMalformed:
      return "A certificate is not DER, or longer than 4096 octets; look for a damaged or wrong "
             "file.";
    case PathError::kNoAnchor:
      return "The path starts at none of the configured trust anchors; compare the issuer of its "
             "first certificate with the anchors' subjects.";
    case PathError::kSignature:
      return "A signature, a name or a key identifier does not fit the certificate above it: wrong "
             "order, a certificate missing, or an anchor of the same name with another key.";
    case PathError::kNotYetValid:
      return "A certificate of the path is not valid yet; compare its dates with the clock.";
    case PathError::kExpired:
      return "A certificate of the path has expired; compare its dates with the clock.";
    case PathError::kAddressBlocks:
      return "The IP address blocks of a certificate are missing, not critical, badly encoded or "
             "outside those of its issuer.";
    case PathError::kExtendedKeyUsage:
      return "The router certificate lacks the key purpose sendRouter (1.3.6.1.5.5.7.3.23), or a "
             "CA certificate has key purposes, which it must not.";
    case PathError::kNotCa:
      return "A certificate does what its basicConstraints or keyUsage do not allow, such as "
             "issuing without being a CA, or issuing more levels than permitted.";
    case PathError::kKeyPolicy:
      return "A key or signature algorithm is outside the profile: RSA of 2048 or 3072 bits, "
             "exponent 65537, signed with SHA-256.";
    case PathError::kProfile:
      return "A certificate breaks a rule of the SEND profile (RFC 6494): version 3, a positive "
             "serial number, key identifiers, exact key usage, known critical extensions.";
    case PathError::kRevoked:
      return "A certificate of the path was revoked: its issuer's list has it.";
    case PathError::kCount:
      break;
  }
  return "Unknown error.";
}

bool CertifiedRouter::may_advertise(const Prefix& prefix) const {
  return any_prefix || std::ranges::any_of(blocks, [&prefix](const Prefix& block) {
           return block.contains(prefix);
         });
}

Result<TrustAnchor, PathError> TrustAnchor::parse(ByteView der) {
  const auto decoded = decode(der);
  if (!decoded) return fail(decoded.error());
  if (auto ok = check_anchor(*decoded); !ok) return fail(ok.error());
  Policy widest;
  widest.accept_rfc3971_profile = true;
  if (auto ok = check_key(decoded->spki, widest); !ok) return fail(ok.error());
  TrustAnchor anchor;
  if (const Extension* extension = decoded->find(oid::kAddressBlocks)) {
    const auto blocks = parse_blocks(extension->value);
    if (!blocks) return fail(PathError::kAddressBlocks);
    anchor.blocks = blocks->set.prefixes();
  }
  if (!names_match(decoded->issuer, decoded->subject)) return fail(PathError::kSignature);
  anchor.certificate = to_bytes(der);
  anchor.subject_name = to_bytes(decoded->subject);
  anchor.key_identifier = to_bytes(subject_key_identifier(*decoded));
  return anchor;
}

bool issued_by(ByteView certificate, ByteView issuer) {
  const auto below = decode(certificate);
  const auto above = decode(issuer);
  return below && above && names_match(below->issuer, above->subject) &&
         signed_by(certificate, issuer);
}

Result<CertificateInfo, PathError> inspect(ByteView der) {
  const auto decoded = decode(der);
  if (!decoded) return fail(decoded.error());
  CertificateInfo info;
  info.spki = to_bytes(decoded->spki);
  info.subject_name = to_bytes(decoded->subject);
  info.issuer_name = to_bytes(decoded->issuer);
  info.key_identifier = to_bytes(subject_key_identifier(*decoded));
  info.subject = name_text(decoded->subject);
  info.issuer = name_text(decoded->issuer);
  info.serial = to_hex(decoded->serial);
  info.not_before = decoded->not_before;
  info.not_after = decoded->not_after;
  info.is_ca = is_ca(*decoded);
  info.send_router = has_purpose(*decoded, oid::kSendRouter);
  info.send_owner = has_purpose(*decoded, oid::kSendOwner);
  for (const ByteView uri : distribution_uris(*decoded))
    info.crl_uris.push_back(printable({reinterpret_cast<const char*>(uri.data()), uri.size()}));
  if (const Extension* extension = decoded->find(oid::kAddressBlocks)) {
    const auto blocks = parse_blocks(extension->value);
    if (!blocks) return fail(PathError::kAddressBlocks);
    info.has_blocks = true;
    info.inherits = blocks->inherit;
    info.blocks = blocks->set.prefixes();
  }
  return info;
}

Result<std::vector<Bytes>, PathError> decode_certificates(ByteView file) {
  std::vector<Bytes> certificates;
  if (decode(file)) {
    certificates.push_back(to_bytes(file));
    return certificates;
  }
  auto decoded = decode_pem(file, {PEM_STRING_X509, PEM_STRING_X509_OLD});
  if (!decoded) return decoded;
  if (decoded->empty()) return fail(PathError::kMalformed);
  for (const Bytes& der : *decoded)
    if (auto certificate = decode(der); !certificate) return fail(PathError::kMalformed);
  return decoded;
}

Result<Bytes, PathError> decode_public_key(ByteView file) {
  if (sole(file, tag::kSequence)) return to_bytes(file);
  const auto decoded = decode_pem(file, {PEM_STRING_PUBLIC});
  if (!decoded || decoded->size() != 1) return fail(PathError::kMalformed);
  return decoded->front();
}

std::vector<Bytes> path_order(std::vector<Bytes> certificates) {
  const auto issues = [](const Bytes& der) {
    const auto decoded = decode(der);
    return decoded && is_ca(*decoded);
  };
  if (certificates.size() > 1 && !issues(certificates.front()) && issues(certificates.back()))
    std::ranges::reverse(certificates);
  return certificates;
}

Result<std::vector<RevocationList>, CrlError> decode_lists(ByteView file) {
  std::vector<RevocationList> lists;
  if (auto list = RevocationList::parse(file)) {
    lists.push_back(std::move(*list));
    return lists;
  }
  const auto decoded = decode_pem(file, {PEM_STRING_X509_CRL});
  if (!decoded || decoded->empty()) return fail(CrlError::kMalformed);
  for (const Bytes& der : *decoded) {
    auto list = RevocationList::parse(der);
    if (!list) return fail(list.error());
    lists.push_back(std::move(*list));
  }
  return lists;
}

std::string to_pem(ByteView der) { return encode_pem(der, PEM_STRING_X509); }

std::string list_to_pem(ByteView der) { return encode_pem(der, PEM_STRING_X509_CRL); }

}  // namespace sendoff::pki
