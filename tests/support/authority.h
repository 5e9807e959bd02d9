// An authority of the test's own: certificates below an anchor that it makes.
#pragma once

#include <string>
#include <vector>

#include "pki/certificate.h"
#include "pki/issue.h"
#include "support/peer.h"
#include "support/vectors.h"

namespace sendoff::test {

// Certificates made for the test, below anchors of its own.
struct Authority {
  std::string key;
  std::string name;
  std::vector<Prefix> blocks{Prefix::literal("2001:db8::/32")};
  Bytes anchor = issue(pki::Role::kAnchor, key, name, blocks, {}, key);

  static Secret pem(const std::string& of) {
    return Secret::copy_of(load_file("keys/" + of + ".pem"));
  }
  static Bytes issue(pki::Role role, const std::string& subject_key, const std::string& name,
                     const std::vector<Prefix>& blocks, const Bytes& issuer,
                     const std::string& issuer_key,
                     UtcTime not_after = UtcTime(seconds(1'900'000'000))) {
    pki::Request request;
    request.role = role;
    request.common_name = name;
    request.blocks = blocks;
    request.not_before = UtcTime(seconds(1'700'000'000));
    request.not_after = not_after;
    request.serial = {1, 2, 3};
    return pki::issue(request, signing_key(subject_key)->spki(), {issuer, pem(issuer_key)}).value();
  }
  // The path of a router with this key.
  [[nodiscard]] std::vector<Bytes> path_to(
      const std::string& router_key, const Prefix& prefix = Prefix::literal("2001:db8:a:1::/64"),
      UtcTime not_after = UtcTime(seconds(1'900'000'000))) const {
    return {issue(pki::Role::kRouter, router_key, "router", {prefix}, anchor, key, not_after)};
  }
  [[nodiscard]] pki::TrustAnchor trusted() const { return *pki::TrustAnchor::parse(anchor); }
};

}  // namespace sendoff::test
