// A certificate taken apart (RFC 5280 4.1) without judging what it says: the first of the cheap
// checks. Everything is borrowed from the DER octets.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "pki/certificate.h"
#include "pki/der.h"

namespace sendoff::pki {

struct Extension {
  ByteView oid;  // content octets of the OBJECT IDENTIFIER
  bool critical = false;
  ByteView value;
};

[[nodiscard]] const Extension* find_extension(const std::vector<Extension>& extensions,
                                              ByteView oid);

struct Decoded {
  static constexpr std::size_t kMaxExtensions = 32;

  ByteView der;
  int version = 1;
  ByteView serial;               // INTEGER content
  ByteView signature_algorithm;  // AlgorithmIdentifier, of the signed part
  ByteView outer_algorithm;      // the one beside the signature
  ByteView issuer;               // DER Name
  UtcTime not_before;
  UtcTime not_after;
  ByteView subject;  // DER Name
  ByteView spki;
  bool unique_ids = false;
  std::vector<Extension> extensions;

  [[nodiscard]] const Extension* find(ByteView oid) const;
};

// kMalformed: not strict DER of one certificate, or too long. kProfile: an extension twice, or more
// than kMaxExtensions.
[[nodiscard]] Result<Decoded, PathError> decode(ByteView der);

// A UTCTime or GeneralizedTime (RFC 5280 4.1.2.5: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ and no other
// form). What 64-bit nanoseconds cannot hold becomes their end.
[[nodiscard]] std::optional<UtcTime> read_time(const DerElement& element);
// The content of an EXPLICIT tag around Extensions. kMalformed; kProfile as decode().
[[nodiscard]] Result<std::vector<Extension>, PathError> read_extensions(ByteView content);

namespace oid {
inline constexpr std::array<std::uint8_t, 3> kSubjectKeyIdentifier = {0x55, 0x1d, 14};
inline constexpr std::array<std::uint8_t, 3> kKeyUsage = {0x55, 0x1d, 15};
inline constexpr std::array<std::uint8_t, 3> kSubjectAltName = {0x55, 0x1d, 17};
inline constexpr std::array<std::uint8_t, 3> kBasicConstraints = {0x55, 0x1d, 19};
inline constexpr std::array<std::uint8_t, 3> kCrlNumber = {0x55, 0x1d, 20};
inline constexpr std::array<std::uint8_t, 3> kNameConstraints = {0x55, 0x1d, 30};
inline constexpr std::array<std::uint8_t, 3> kCrlDistributionPoints = {0x55, 0x1d, 31};
inline constexpr std::array<std::uint8_t, 3> kCertificatePolicies = {0x55, 0x1d, 32};
inline constexpr std::array<std::uint8_t, 3> kPolicyMappings = {0x55, 0x1d, 33};
inline constexpr std::array<std::uint8_t, 3> kAuthorityKeyIdentifier = {0x55, 0x1d, 35};
inline constexpr std::array<std::uint8_t, 3> kPolicyConstraints = {0x55, 0x1d, 36};
inline constexpr std::array<std::uint8_t, 3> kExtendedKeyUsage = {0x55, 0x1d, 37};
inline constexpr std::array<std::uint8_t, 3> kInhibitAnyPolicy = {0x55, 0x1d, 54};
inline constexpr std::array<std::uint8_t, 8> kAuthorityInfoAccess = {0x2b, 6, 1, 5, 5, 7, 1, 1};
inline constexpr std::array<std::uint8_t, 8> kAddressBlocks = {0x2b, 6, 1, 5, 5, 7, 1, 7};
inline constexpr std::array<std::uint8_t, 8> kAsIdentifiers = {0x2b, 6, 1, 5, 5, 7, 1, 8};
inline constexpr std::array<std::uint8_t, 8> kSubjectInfoAccess = {0x2b, 6, 1, 5, 5, 7, 1, 11};
inline constexpr std::array<std::uint8_t, 8> kSendRouter = {0x2b, 6, 1, 5, 5, 7, 3, 23};
inline constexpr std::array<std::uint8_t, 8> kSendOwner = {0x2b, 6, 1, 5, 5, 7, 3, 25};
inline constexpr std::array<std::uint8_t, 3> kCommonName = {0x55, 4, 3};
inline constexpr std::array<std::uint8_t, 3> kSerialNumber = {0x55, 4, 5};
}  // namespace oid

// The extension values that more than one check needs; empty when absent or malformed.
[[nodiscard]] ByteView subject_key_identifier(const Decoded& certificate);
[[nodiscard]] ByteView authority_key_identifier(const std::vector<Extension>& extensions);
[[nodiscard]] bool is_ca(const Decoded& certificate);
// Whether the extended key usage names this purpose (RFC 6494 7).
[[nodiscard]] bool has_purpose(const Decoded& certificate, ByteView purpose_oid);

// The URIs of a CRL distribution point of the form that RFC 6487 4.8.6 demands; empty: it is
// absent, or has another form.
[[nodiscard]] std::vector<ByteView> distribution_uris(const Decoded& certificate);

}  // namespace sendoff::pki
