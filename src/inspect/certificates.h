// The certificates that a capture shows (in CPAs), and the path from an anchor to a key that can be
// made of them.
#pragma once

#include <set>
#include <vector>

#include "base/address.h"
#include "crypto/digest.h"
#include "inspect/message.h"
#include "pki/certificate.h"

namespace sendoff::inspect {

class Certificates {
 public:
  static constexpr std::size_t kMaxCertificates = 1024;  // further ones are passed over

  Certificates(std::vector<pki::TrustAnchor> anchors, const pki::Policy& policy)
      : anchors_(std::move(anchors)), policy_(policy) {}

  [[nodiscard]] bool has_anchors() const { return !anchors_.empty(); }
  // A certificate in DER; what cannot be read is passed over.
  void add(ByteView der);

  // The check named "certificate" of a router's message at `at`: whether `spki` is certified under
  // an anchor, and for each of `advertised` whether the certificates cover it.
  [[nodiscard]] Check check(ByteView spki, const std::vector<Prefix>& advertised, UtcTime at) const;

 private:
  struct Entry {
    Bytes der;
    pki::CertificateInfo info;
  };
  using Validated = Result<pki::CertifiedRouter, pki::PathError>;
  // The first path that validates among those that end in `below`; of what does not, the last
  // error.
  [[nodiscard]] Validated validate(std::vector<Bytes>& below, const Bytes& issuer_name, UtcTime at,
                                   unsigned& tries) const;

  std::vector<pki::TrustAnchor> anchors_;
  pki::Policy policy_;
  std::vector<Entry> entries_;
  std::set<crypto::Sha256Digest> known_;
};

}  // namespace sendoff::inspect
