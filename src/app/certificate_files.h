// Files of certificates, as `sendoff cert` and `sendoff decode` read them, and what the subcommands
// of `sendoff cert` share.
#pragma once

#include <string>
#include <vector>

#include "app/key_files.h"
#include "pki/issue.h"

namespace CLI {
class App;
}

namespace sendoff::app {

// The certificates of a PEM or DER file, in its order.
[[nodiscard]] Attempt<std::vector<Bytes>> read_certificates(const std::string& path);

// All certificates of these files as trust anchors; fails at the first that is none.
[[nodiscard]] Attempt<std::vector<pki::TrustAnchor>> read_anchors(
    const std::vector<std::string>& paths);

// The certificates of an issuer's file, the issuing one picked out.
struct IssuerFile {
  std::vector<Bytes> path;  // from below the anchor to the issuer; empty when that is the anchor
  pki::Issuer issuer;
  pki::CertificateInfo info;
};
[[nodiscard]] Attempt<IssuerFile> read_issuer(const std::string& certificate,
                                              const std::string& key);

// "2026-06-01 00:00:00 UTC"; "no end" for what lasts for ever.
[[nodiscard]] std::string date_text(UtcTime time);
// The first few of them.
[[nodiscard]] std::string prefixes_text(const std::vector<Prefix>& prefixes);

// Subcommands of `sendoff cert` that have a file of their own.
void add_cert_revoke(CLI::App& cert, int& exit_code);
void add_cert_inspect(CLI::App& cert, int& exit_code);
void add_cert_verify(CLI::App& cert, int& exit_code);

}  // namespace sendoff::app
