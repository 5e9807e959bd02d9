// Making certificates for test beds and small deployments: what `sendoff cert` does.
#pragma once

#include <optional>

#include "pki/certificate.h"

namespace sendoff::pki {

enum class Role : std::uint8_t { kAnchor, kCa, kRouter };

struct Request {
  Role role = Role::kRouter;
  std::string common_name;
  std::vector<Prefix> blocks;
  bool inherit_blocks = false;  // RFC 3779 inherit, not for an anchor
  UtcTime not_before;
  UtcTime not_after;
  Bytes serial;  // positive, at most 20 octets, big endian; drawn by the caller
};

enum class IssueError : std::uint8_t {
  kKey,       // the PEM is not an RSA private key
  kIssuer,    // the issuer's certificate and key do not fit, or it is no CA
  kBlocks,    // blocks missing, or outside the issuer's
  kValidity,  // not_after is not after not_before, or past the issuer's
  kOpenSsl,
};
[[nodiscard]] std::string_view name(IssueError error);
[[nodiscard]] std::string_view explain(IssueError error);

struct Issuer {
  Bytes certificate;  // DER
  Secret key_pem;     // PKCS#8
};

// DER of a certificate for the public key `spki`, signed with SHA-256 by `issuer`. A Role::kAnchor
// is self-signed: `issuer.key_pem` is its own key and issuer.certificate is empty.
[[nodiscard]] Result<Bytes, IssueError> issue(const Request& request, ByteView spki,
                                              const Issuer& issuer);

}  // namespace sendoff::pki
