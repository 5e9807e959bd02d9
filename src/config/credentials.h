// Keys, certificates and the CGA modifier: what a configuration names by files.
#pragma once

#include <optional>

#include "config/config.h"
#include "config/section.h"

namespace sendoff::config {

// What every part of a loader needs.
struct Loading {
  const Context& context;
  std::string directory;  // of the configuration: where relative paths start

  [[nodiscard]] std::string resolve(const std::string& path) const;
};

// The file that the option `key` names; nothing after an error that it reported.
[[nodiscard]] std::optional<File> read_named_file(Section& section, std::string_view key,
                                                  const std::string& path, const Loading& loading);

// What [cga] gives where it names no modifier.
enum class ModifierRule : std::uint8_t {
  kOfKey,   // follows from the public key: the router's addresses outlive a restart
  kRandom,  // drawn: whoever knows the MN's key cannot tell its address on another link
};

// [cga] key, sec, modifier, parameters. Nothing after an error that it reported.
[[nodiscard]] std::optional<send::Identity> read_identity(Section& cga, const Loading& loading,
                                                          ModifierRule rule);

// The certificates of the files that the option names.
[[nodiscard]] std::vector<Bytes> read_certificates(Section& section, std::string_view key,
                                                   const Loading& loading);
// Those that are anchors, at `context.utc` valid ones; others are reported.
[[nodiscard]] std::vector<pki::TrustAnchor> read_anchors(Section& section, std::string_view key,
                                                         const Loading& loading);

// [[anchor]] key, name, key_identifier, blocks: an anchor of which there is no certificate.
// Nothing after an error that it reported.
[[nodiscard]] std::optional<pki::TrustAnchor> read_anchor_fields(Section& section,
                                                                 const Loading& loading);

// A prefix that an interface advertises, and where the file says so.
struct PrefixLine {
  Prefix prefix;
  unsigned line = 0;
  bool certified = true;  // else it is known that no certificate covers it
};

// [certificate] chain, anchor, anchor_fqdns, rfc3971_profile, strict_rfc6487: a path that is valid
// now, certifies `spki` (empty: unknown) and covers `prefixes`, but for those that need not be. One
// [[certificate]] each where there are paths below several anchors. Nothing where there is no such
// section.
[[nodiscard]] std::optional<router::Certification> read_certification(
    Section& root, const Loading& loading, ByteView spki, const std::vector<PrefixLine>& prefixes);

// "2027-01-31"
[[nodiscard]] std::string date_text(UtcTime utc);

}  // namespace sendoff::config
