// The sections that both roles have, and reading a file into its sections.
#pragma once

#include "config/credentials.h"
#include "config/section.h"

namespace sendoff::config {

// [daemon], and [datapath] of a role that moves packets; `role` is "router", "mobile" or "guard".
// Sets what is not configured.
void read_daemon(Section& root, std::string_view role, Daemon& daemon);
// [store]
void read_store(Section& root, const Loading& loading, Store& store);
// What [trust] and [[anchor]] say of anchors, certification paths and revocation lists.
void read_paths(Section& root, Section& trust, const Loading& loading, nd::PathFetcherConfig& paths,
                Daemon& daemon);
// What [limits] says of certification paths.
void read_path_limits(Section& limits, nd::PathFetcherConfig& paths);
// What [send] and [limits] have in common: keys, time stamps, budgets.
void read_receiver(Section& send, Section& limits, send::ReceiverConfig& receiver);

void read_receiver_limits(Section& limits, send::ReceiverConfig& receiver);

// By name, or by code 1 to 4 (HK-3.1-13).
[[nodiscard]] std::optional<crypto::Algorithm> algorithm_from(const Node& node);
inline constexpr std::string_view kAlgorithmWanted =
    "hmac-sha1-96, aes128-cmac-96, hmac-sha256-128 or hmac-sha384-192 (codes 1, 4, 2, 3)";
void read_algorithm(Section& section, std::string_view key,
                    std::optional<crypto::Algorithm>& algorithm);

// EUI-48 or EUI-64.
[[nodiscard]] std::optional<LinkAddress> link_address_of(const std::string& text);
inline constexpr std::string_view kLinkAddressWanted =
    "a link-layer address such as 02:00:5e:00:53:01";

// The name of an interface that the kernel could have.
[[nodiscard]] bool is_interface_name(std::string_view name);

// An interface's option `key`, the control socket of who manages its radio.
void read_radio(Section& section, std::string_view key, InterfaceId interface,
                const std::string& name, Daemon& daemon);

// Reads the file and hands its root to `read`, which gives what is loaded or nothing; the report's
// problems come after it.
template <typename Config, typename Read>
[[nodiscard]] Result<Loaded<Config>, Problems> load(const std::string& path, const Context& context,
                                                    const Read& read) {
  const auto file = context.files.read(path);
  if (!file)
    return fail(Problems{
        {path, 0, "this configuration cannot be read: " + std::string(explain(file.error()))}});
  const ByteView octets = file->octets.expose();
  const auto document = parse_document(path, std::string(octets.begin(), octets.end()));
  if (!document) return fail(Problems{document.error()});

  Report report(path);
  Section root(&*document, "", report);
  const std::size_t slash = path.rfind('/');
  const Loading loading{context, slash == std::string::npos ? "" : path.substr(0, slash)};
  Loaded<Config> loaded;
  read(root, loading, loaded);
  root.finish();
  if (!report.clean()) return fail(report.errors());
  loaded.warnings = report.warnings();
  loaded.settings = report.settings();
  return loaded;
}

}  // namespace sendoff::config
