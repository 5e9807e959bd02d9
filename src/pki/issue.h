// Making certificates for test beds and small deployments: what `sendoff cert` does.
#pragma once

#include <optional>

#include "pki/certificate.h"
#include "pki/revocation.h"

namespace sendoff::pki {

enum class Role : std::uint8_t {
  kAnchor,
  kCa,
  kRouter,  // id-kp-sendRouter
  kHost,    // id-kp-sendOwner: the addresses that a host may claim
};

struct Request {
  Role role = Role::kRouter;
  std::string common_name;
  Bytes subject_name;  // DER Name in place of the common name; for renewals
  std::vector<Prefix> blocks;
  bool inherit_blocks = false;  // RFC 3779 inherit, not for an anchor
  UtcTime not_before;
  UtcTime not_after;
  std::vector<std::string> crl_uris;  // where its issuer's lists are (RFC 6487 4.8.6)
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

// A revocation list in the making (RFC 6487 5).
struct ListRequest {
  Bytes number;  // at most 20 octets, big endian
  UtcTime this_update;
  UtcTime next_update;
  std::vector<Revoked> revoked;
};

// DER of a certificate for the public key `spki`, signed with SHA-256 by `issuer`. A Role::kAnchor
// is self-signed: `issuer.key_pem` is its own key and issuer.certificate is empty.
[[nodiscard]] Result<Bytes, IssueError> issue(const Request& request, ByteView spki,
                                              const Issuer& issuer);

// DER of a revocation list, signed with SHA-256. kValidity: next_update is not after this_update.
[[nodiscard]] Result<Bytes, IssueError> issue_list(const ListRequest& request,
                                                   const Issuer& issuer);

}  // namespace sendoff::pki
