#include "pki/profile.h"

#include <optional>

#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "pki/der.h"

namespace sendoff::pki {

namespace {

using Check = Result<void, PathError>;

constexpr std::array<std::uint8_t, 15> kSha256WithRsa = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
constexpr std::array<std::uint8_t, 8> kCaIssuers = {0x2b, 6, 1, 5, 5, 7, 48, 2};

// BIT STRING contents; RFC 6487 4.8.4 allows exactly these.
constexpr std::array<std::uint8_t, 2> kCaUsage = {1, 0x06};      // keyCertSign, cRLSign
constexpr std::array<std::uint8_t, 2> kRouterUsage = {7, 0x80};  // digitalSignature
constexpr std::uint8_t kKeyCertSign = 0x04;
constexpr std::uint8_t kDigitalSignature = 0x80;

// Those that may be critical: we or OpenSSL process them.
constexpr std::array<ByteView, 12> kProcessed = {
    oid::kKeyUsage,          oid::kSubjectAltName,      oid::kBasicConstraints,
    oid::kNameConstraints,   oid::kCertificatePolicies, oid::kPolicyMappings,
    oid::kPolicyConstraints, oid::kExtendedKeyUsage,    oid::kInhibitAnyPolicy,
    oid::kAddressBlocks,     oid::kAsIdentifiers,       oid::kCrlDistributionPoints};

// Those that RFC 6487 4.8 knows; anything else is refused in strict mode.
constexpr std::array<ByteView, 10> kMentioned = {
    oid::kSubjectKeyIdentifier, oid::kKeyUsage,
    oid::kBasicConstraints,     oid::kCrlDistributionPoints,
    oid::kCertificatePolicies,  oid::kAuthorityKeyIdentifier,
    oid::kExtendedKeyUsage,     oid::kAuthorityInfoAccess,
    oid::kAddressBlocks,        oid::kSubjectInfoAccess};

template <std::size_t N>
bool holds(const std::array<ByteView, N>& list, ByteView oid) {
  return std::ranges::any_of(list, [oid](ByteView known) { return equal(known, oid); });
}

bool serial_ok(ByteView serial) {
  if (serial[0] >= 0x80) return false;
  if (serial[0] == 0) serial = serial.subspan(1);  // a sign octet, or zero itself
  return !serial.empty() && serial.size() <= 20;
}

// The subjectPublicKey BIT STRING's octets, which RFC 6487 4.8.2 hashes.
std::optional<ByteView> key_octets(ByteView spki) {
  const auto fields = sole(spki, tag::kSequence);
  if (!fields) return std::nullopt;
  DerReader reader(*fields);
  if (!reader.next(tag::kSequence)) return std::nullopt;
  const auto bits = reader.next(tag::kBitString);
  if (!bits || !reader.done() || bits->content.empty()) return std::nullopt;
  return bits->content.subspan(1);
}

Check check_key_identifiers(const Decoded& certificate, const Policy& policy) {
  const Extension* subject = certificate.find(oid::kSubjectKeyIdentifier);
  const Extension* authority = certificate.find(oid::kAuthorityKeyIdentifier);
  if (subject == nullptr || authority == nullptr || subject->critical || authority->critical)
    return fail(PathError::kProfile);
  const auto key = key_octets(certificate.spki);
  if (!key || !equal(subject_key_identifier(certificate), crypto::sha1(*key)))
    return fail(PathError::kProfile);
  if (authority_key_identifier(certificate.extensions).empty()) return fail(PathError::kProfile);
  if (policy.strict_rfc6487) {
    const auto fields = sole(authority->value, tag::kSequence);
    if (!fields || !sole(*fields, tag::primitive(0))) return fail(PathError::kProfile);
  }
  return {};
}

Check check_key_usage(const Decoded& certificate, Place place) {
  const Extension* extension = certificate.find(oid::kKeyUsage);
  if (extension == nullptr || !extension->critical) return fail(PathError::kProfile);
  const auto bits = sole(extension->value, tag::kBitString);
  if (!bits || bits->size() < 2) return fail(PathError::kProfile);
  const bool ca = place == Place::kCa;
  if (((*bits)[1] & (ca ? kKeyCertSign : kDigitalSignature)) == 0) return fail(PathError::kNotCa);
  if (!equal(*bits, ca ? ByteView(kCaUsage) : ByteView(kRouterUsage)))
    return fail(PathError::kProfile);
  return {};
}

Check check_basic_constraints(const Decoded& certificate, Place place, const Policy& policy) {
  const Extension* extension = certificate.find(oid::kBasicConstraints);
  if (extension == nullptr) return place == Place::kCa ? Check(fail(PathError::kNotCa)) : Check();
  const auto fields = sole(extension->value, tag::kSequence);
  if (!fields) return fail(PathError::kProfile);
  if (is_ca(certificate) != (place == Place::kCa)) return fail(PathError::kNotCa);
  if (place == Place::kCa && !extension->critical) return fail(PathError::kProfile);
  if (policy.strict_rfc6487 && (place == Place::kRouter || !sole(*fields, tag::kBoolean)))
    return fail(PathError::kProfile);  // 4.8.1: none in routers, no path length anywhere
  return {};
}

Check check_extended_key_usage(const Decoded& certificate, Place place, const Policy& policy) {
  const Extension* extension = certificate.find(oid::kExtendedKeyUsage);
  if (place == Place::kCa)
    return extension == nullptr ? Check() : Check(fail(PathError::kExtendedKeyUsage));
  if (extension == nullptr)
    return policy.accept_rfc3971_profile ? Check() : Check(fail(PathError::kExtendedKeyUsage));
  const ByteView purpose =
      policy.purpose == Purpose::kRouter ? ByteView(oid::kSendRouter) : ByteView(oid::kSendOwner);
  if (extension->critical || !has_purpose(certificate, purpose))
    return fail(PathError::kExtendedKeyUsage);
  return {};
}

// RFC 6487 4.8.6: one distribution point, without reasons and without an issuer of its own.
Check check_distribution_points(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kCrlDistributionPoints);
  if (extension == nullptr) return {};
  const auto points = sole(extension->value, tag::kSequence);
  const auto point = points ? sole(*points, tag::kSequence) : std::nullopt;
  if (!point || !sole(*point, tag::constructed(0))) return fail(PathError::kProfile);
  return {};
}

// RFC 6487 4.8.11: no routing domain identifiers.
Check check_as_identifiers(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kAsIdentifiers);
  if (extension == nullptr) return {};
  const auto fields = sole(extension->value, tag::kSequence);
  if (!extension->critical || !fields || !sole(*fields, tag::constructed(0)))
    return fail(PathError::kProfile);
  return {};
}

bool is_rsync(ByteView uri) {
  static constexpr std::string_view kScheme = "rsync://";
  return uri.size() > kScheme.size() && std::equal(kScheme.begin(), kScheme.end(), uri.begin());
}

// RFC 6487 4.4, 4.5: one CommonName, a PrintableString; a serialNumber may stand beside it.
bool name_is_plain(ByteView name) {
  const auto sets = sole(name, tag::kSequence);
  if (!sets) return false;
  int common_names = 0;
  int serial_numbers = 0;
  DerReader reader(*sets);
  while (!reader.done()) {
    const auto set = reader.next(tag::kSet);
    if (!set) return false;
    DerReader attributes(set->content);
    while (!attributes.done()) {
      const auto attribute = attributes.next(tag::kSequence);
      if (!attribute) return false;
      DerReader fields(attribute->content);
      const auto type = fields.next(tag::kObjectIdentifier);
      const auto value = fields.next(tag::kPrintableString);
      if (!type || !value || !fields.done()) return false;
      if (equal(type->content, oid::kCommonName))
        ++common_names;
      else if (equal(type->content, oid::kSerialNumber))
        ++serial_numbers;
      else
        return false;
    }
  }
  return common_names == 1 && serial_numbers <= 1;
}

bool one_critical_policy(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kCertificatePolicies);
  if (extension == nullptr || !extension->critical) return false;
  const auto policies = sole(extension->value, tag::kSequence);
  return policies && sole(*policies, tag::kSequence);
}

bool has_issuer_access(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kAuthorityInfoAccess);
  if (extension == nullptr || extension->critical) return false;
  const auto list = sole(extension->value, tag::kSequence);
  const auto description = list ? sole(*list, tag::kSequence) : std::nullopt;
  if (!description) return false;
  DerReader fields(*description);
  const auto method = fields.next(tag::kObjectIdentifier);
  const auto uri = fields.next(tag::primitive(6));
  return method && uri && fields.done() && equal(method->content, kCaIssuers) &&
         is_rsync(uri->content);
}

bool has_rsync_distribution_point(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kCrlDistributionPoints);
  return extension != nullptr && !extension->critical &&
         std::ranges::any_of(distribution_uris(certificate), is_rsync);
}

// The rest of RFC 6487 section 4 (GS20).
Check check_strict(const Decoded& certificate) {
  const bool only_known =
      std::ranges::all_of(certificate.extensions, [](const Extension& extension) {
        return holds(kMentioned, extension.oid) || equal(extension.oid, oid::kAsIdentifiers);
      });
  const Extension* subject_access = certificate.find(oid::kSubjectInfoAccess);
  if (!only_known || certificate.unique_ids || !name_is_plain(certificate.issuer) ||
      !name_is_plain(certificate.subject) || !one_critical_policy(certificate) ||
      !has_issuer_access(certificate) || !has_rsync_distribution_point(certificate) ||
      subject_access == nullptr || subject_access->critical)
    return fail(PathError::kProfile);
  return {};
}

}  // namespace

Result<void, PathError> check_key(ByteView spki, const Policy& policy) {
  const auto key = crypto::RsaPublicKey::parse(spki);  // 1024 to 3072 bits: GS21's legacy bounds
  if (!key) return fail(PathError::kKeyPolicy);
  if (policy.accept_rfc3971_profile) return {};
  const bool size_ok = key->bits() == 2048 || (key->bits() == 3072 && !policy.strict_rfc6487);
  if (!size_ok || key->exponent() != 65537) return fail(PathError::kKeyPolicy);
  return {};
}

Result<void, PathError> check_anchor(const Decoded& certificate) {
  if (certificate.version != 3) return fail(PathError::kProfile);
  if (!is_ca(certificate)) return fail(PathError::kNotCa);
  const Extension* usage = certificate.find(oid::kKeyUsage);
  if (usage == nullptr) return {};
  const auto bits = sole(usage->value, tag::kBitString);
  if (!bits || bits->size() < 2 || ((*bits)[1] & kKeyCertSign) == 0) return fail(PathError::kNotCa);
  return {};
}

Result<void, PathError> check_profile(const Decoded& certificate, Place place,
                                      const Policy& policy) {
  if (certificate.version != 3 || !serial_ok(certificate.serial) ||
      !equal(certificate.signature_algorithm, certificate.outer_algorithm))
    return fail(PathError::kProfile);
  if (!equal(certificate.signature_algorithm, kSha256WithRsa)) return fail(PathError::kKeyPolicy);
  if (auto ok = check_key(certificate.spki, policy); !ok) return ok;
  for (const Extension& extension : certificate.extensions)
    if (extension.critical && !holds(kProcessed, extension.oid) &&
        !holds(kMentioned, extension.oid))
      return fail(PathError::kProfile);
  if (auto ok = check_basic_constraints(certificate, place, policy); !ok) return ok;
  if (auto ok = check_key_usage(certificate, place); !ok) return ok;
  if (auto ok = check_extended_key_usage(certificate, place, policy); !ok) return ok;
  if (auto ok = check_key_identifiers(certificate, policy); !ok) return ok;
  if (auto ok = check_distribution_points(certificate); !ok) return ok;
  if (auto ok = check_as_identifiers(certificate); !ok) return ok;
  return policy.strict_rfc6487 ? check_strict(certificate) : Check();
}

}  // namespace sendoff::pki
