// Router certificates (RFC 6494 profile of RFC 6487 with RFC 3779 IPv6 address blocks; RFC 3971
// 6.3.1 by a switch), trust anchors, and validation of a path with time and anchors as arguments
// (W25, W26, GS18 to GS23). No file access, no clock; revocation is in revocation.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/rsa.h"

namespace sendoff::pki {

enum class PathError : std::uint8_t {
  kEmpty,      // no certificate
  kTooLong,    // more than kMaxPathLength
  kMalformed,  // a certificate is not DER, or longer than kMaxCertificateSize
  kNoAnchor,   // the path starts at none of the configured anchors
  kSignature,  // a signature, name chain or key identifier does not fit
  kNotYetValid,
  kExpired,
  kAddressBlocks,     // missing, not critical, outside the issuer's, or with a SAFI
  kExtendedKeyUsage,  // router certificate without id-kp-sendRouter, or CA with any
  kNotCa,             // basicConstraints or keyUsage forbid what the certificate does
  kKeyPolicy,         // key algorithm, size or exponent outside the profile (GS21)
  kProfile,           // another rule of the profile
  kRevoked,           // by its issuer's list; validate_path() asks none
  kCount,
};
[[nodiscard]] std::string_view name(PathError error);
// One sentence for a person: what is wrong and where to look.
[[nodiscard]] std::string_view explain(PathError error);

inline constexpr std::size_t kMaxPathLength = 8;
inline constexpr std::size_t kMaxCertificateSize = 4096;

// What the last certificate of a path is for (RFC 6494 7, GS22).
enum class Purpose : std::uint8_t {
  kRouter,  // id-kp-sendRouter: RA, Redirect, PrRtAdv
  kOwner,   // id-kp-sendOwner: NS, NA, RS, RtSolPr of a host
};

struct Policy {
  // Routers without EKU, certificates without address blocks or with ::/0 (both then mean the
  // issuer's), RSA keys of 1024 to 3072 bits with any exponent (GS19, GS21); nothing else.
  bool accept_rfc3971_profile = false;
  bool strict_rfc6487 = false;  // GS20
  Purpose purpose = Purpose::kRouter;
};

// What makes a trust anchor where there is no certificate of it (RFC 3971 6.5).
struct AnchorFields {
  Bytes spki;                  // DER SubjectPublicKeyInfo
  Bytes name;                  // DER X.501 Name
  Bytes key_identifier;        // that certificates below it name; empty: not known
  std::vector<Prefix> blocks;  // what it is authorised for; none: as if its certificate had none
};

// A trust anchor that an operator configured: a self-signed CA certificate, or a key and a name.
struct TrustAnchor {
  Bytes certificate;     // DER; of a key and a name one that nobody signed
  Bytes subject_name;    // DER X.501 Name: what a Trust Anchor option of type 1 holds
  Bytes key_identifier;  // SKI extension, empty when there is none
  std::vector<Prefix> blocks;

  // From DER. One name and CA marks are checked; time and self-signature are not (RFC 5280 6.1).
  [[nodiscard]] static Result<TrustAnchor, PathError> parse(ByteView der);
  // kKeyPolicy: not a key that could sign certificates; kProfile: not a name; kMalformed: too long.
  [[nodiscard]] static Result<TrustAnchor, PathError> of(const AnchorFields& fields);

  friend bool operator==(const TrustAnchor&, const TrustAnchor&) = default;
};

// A valid path's certificates in DER, from the anchor's down; never none.
using CertificateChain = std::shared_ptr<const std::vector<Bytes>>;

// What a valid path says of a router, or of a host.
struct CertifiedRouter {
  Bytes spki;                  // the certified key, DER SubjectPublicKeyInfo
  std::vector<Prefix> blocks;  // what it may advertise, the whole path considered
  bool any_prefix = false;     // never true in the RFC 6494 profile (GS19)
  UtcTime not_after;           // the earliest of the path
  std::string subject;         // for people: RFC 2253 text
  std::string path;            // for people: the subjects from the anchor down, " > " between
  std::size_t anchor = 0;      // index among the anchors
  CertificateChain chain;

  [[nodiscard]] bool may_advertise(const Prefix& prefix) const;
};

// One certificate, decoded for tools and for start-up checks.
struct CertificateInfo {
  Bytes spki;
  Bytes subject_name;
  Bytes issuer_name;
  Bytes key_identifier;
  std::string subject;
  std::string issuer;
  std::string serial;
  UtcTime not_before;
  UtcTime not_after;
  bool is_ca = false;
  bool send_router = false;  // EKU id-kp-sendRouter
  bool send_owner = false;   // EKU id-kp-sendOwner
  bool has_blocks = false;
  bool inherits = false;
  std::vector<Prefix> blocks;
  std::vector<std::string> crl_uris;  // of the CRL distribution point; for people
};
[[nodiscard]] Result<CertificateInfo, PathError> inspect(ByteView der);

// Whether `issuer` names itself in `certificate` and its key signed it; both in DER. Nothing else.
[[nodiscard]] bool issued_by(ByteView certificate, ByteView issuer);

// `path` goes from the certificate that the anchor issued (the anchor itself may come first and is
// then only compared) to the router's own, each in DER. Deterministic in its arguments.
[[nodiscard]] Result<CertifiedRouter, PathError> validate_path(
    const std::vector<Bytes>& path, const std::vector<TrustAnchor>& anchors, UtcTime at,
    const Policy& policy = {});

// The certificates of a PEM or DER file's octets, in its order; kMalformed.
[[nodiscard]] Result<std::vector<Bytes>, PathError> decode_certificates(ByteView file);

// The SubjectPublicKeyInfo of a PEM or DER file's octets; kMalformed. What key it is, is not asked.
[[nodiscard]] Result<Bytes, PathError> decode_public_key(ByteView file);

// A name as `CN=Our network,O=Example`, the most specific attribute first (RFC 4514), in DER;
// nothing when it is none.
[[nodiscard]] std::optional<Bytes> name_from_text(std::string_view text);

// The certificate that `octets` begin with, borrowed: its outer DER length says where it ends and
// padding begins (GS12). Empty when there is none, or it exceeds kMaxCertificateSize.
[[nodiscard]] ByteView without_padding(ByteView octets);

// The same certificates in the order that validate_path wants: a file whose first one is a
// router's and whose last one is a CA's, as TLS programs write them, is turned round.
[[nodiscard]] std::vector<Bytes> path_order(std::vector<Bytes> certificates);

// DER in PEM armour.
[[nodiscard]] std::string to_pem(ByteView der);

}  // namespace sendoff::pki
