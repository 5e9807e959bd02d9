#include "config/common.h"

#include <algorithm>

#include "wire/mobility.h"

namespace sendoff::config {

namespace {

void check_absolute(Section& section, std::string_view key, const std::string& path) {
  if (!path.starts_with('/'))
    section.error(key, "is \"" + path + "\"; it must be an absolute path");
}

// Types 0 to 6 are Mobile IPv6's and never this daemon's, some others are nobody else's, and a
// Binding Error is for both.
void read_other_mobility_types(Section& section, std::vector<std::uint8_t>& types) {
  constexpr std::string_view kKey = "other_mobility_types";
  const Node* list = section.raw(kKey);
  if (!list) return;
  if (list->kind != Node::Kind::kArray)
    return section.error(kKey, "must be a list of numbers, such as [7, 12]");
  for (const Node& item : list->items) {
    const bool number = item.kind == Node::Kind::kInteger;
    const bool shared = item.integer == static_cast<int>(wire::MobilityType::kBindingError);
    if (!number || (item.integer < 10 && !shared) || item.integer > 255)
      return section.error(kKey,
                           "must be a list of numbers from 10 to 255, and 7, such as [7, 12]");
    if (item.integer == 14 || item.integer == 15)
      return section.error(kKey, "names " + std::to_string(item.integer) +
                                     ", a type of Fast Mobile IPv6; it is this daemon's");
    types.push_back(static_cast<std::uint8_t>(item.integer));
  }
}

void read_datapath(Section& root, datapath::Settings& settings) {
  Section section = root.table("datapath");
  section.parsed(
      "backend", settings.backend,
      [](const std::string& text) { return datapath::choice_named(text); },
      "auto, bpf, tun, nfqueue or none");
  section.number("tunnels", settings.max_tunnels, 1, 1'000'000);
  datapath::BufferLimits& buffers = settings.buffers;
  section.number("buffers", buffers.addresses, 1, 100'000);
  section.number("packets_per_buffer", buffers.packets_per_address, 1, 1'000'000);
  section.number("octets_per_buffer", buffers.octets_per_address, 1280, 1'000'000'000);
  section.number("packets", buffers.packets, 1, 10'000'000);
  section.number("octets", buffers.octets, 1280, 10'000'000'000);
  if (settings.backend == datapath::Choice::kNone)
    section.warning("backend",
                    "is none: handovers are agreed, but no packet of a node is tunnelled or held "
                    "by this daemon");
  section.finish();
}

}  // namespace

bool is_interface_name(std::string_view name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

void read_radio(Section& section, std::string_view key, InterfaceId interface,
                const std::string& name, Daemon& daemon) {
  RadioControl radio{interface, name, {}};
  if (!section.text(key, radio.socket)) return;
  if (!radio.socket.starts_with('/'))
    section.error(key, "must be the absolute path of its control socket, as \"/run/" +
                           std::string(key) + "/" + name + "\"");
  daemon.radios.push_back(std::move(radio));
}

std::optional<LinkAddress> link_address_of(const std::string& text) {
  const auto address = LinkAddress::parse(text);
  return address && (address->view().size() == 6 || address->view().size() == 8) ? address
                                                                                 : std::nullopt;
}

void read_daemon(Section& root, std::string_view role, Daemon& daemon) {
  Section section = root.table("daemon");
  daemon.runtime_directory = "/run/sendoff/" + std::string(role);
  daemon.control_socket = "/run/sendoff/" + std::string(role) + ".sock";

  // An empty user is a way to say: stay who you are.
  if (const Node* user = section.raw("user"); user && user->kind == Node::Kind::kText)
    daemon.user = user->text;
  else
    section.text("user", daemon.user);
  section.text("runtime_directory", daemon.runtime_directory);
  section.text("control_socket", daemon.control_socket);
  section.text("control_group", daemon.control_group);
  section.text("log_level", daemon.log_level);
  section.number("workers", daemon.workers, 0, 64);
  const bool moves = role != "guard";
  if (moves) {
    section.flag("guard_icmp", daemon.guard_icmp);
    read_other_mobility_types(section, daemon.other_mobility_types);
  }
  if (role == "router") section.flag("home_addresses", daemon.home_addresses);
  check_absolute(section, "runtime_directory", daemon.runtime_directory);
  check_absolute(section, "control_socket", daemon.control_socket);
  if (daemon.control_socket.size() > 103)
    section.error("control_socket", "is longer than 103 octets; use a shorter path");
  static const std::vector<std::string> kLevels{"debug", "info", "warning", "error"};
  if (std::ranges::find(kLevels, daemon.log_level) == kLevels.end())
    section.error("log_level",
                  "is \"" + daemon.log_level + "\"; it must be debug, info, warning or error");
  if (!daemon.guard_icmp)
    section.warning("guard_icmp",
                    "is false: the kernel answers Fast Binding Updates with errors of its own");
  section.finish();
  if (moves) read_datapath(root, daemon.datapath);
}

void read_store(Section& root, const Loading& loading, Store& store) {
  Section section = root.table("store");
  section.parsed(
      "kind", store.kind,
      [](const std::string& text) -> std::optional<Store::Kind> {
        if (text == "sqlite") return Store::Kind::kSqlite;
        if (text == "memory") return Store::Kind::kMemory;
        return std::nullopt;
      },
      "sqlite or memory");
  section.text("directory", store.directory);
  check_absolute(section, "directory", store.directory);
  if (section.text("key_file", store.key_file)) {
    store.key_file = loading.resolve(store.key_file);
    store.make_key = false;
  }
  section.flag("make_key", store.make_key);
  if (store.kind == Store::Kind::kMemory)
    section.warning("kind", "is memory: handover keys do not outlive a restart");
  section.finish();
}

namespace {

void read_revocation(Section& trust, const Loading& loading, nd::RevocationConfig& revocation,
                     Daemon& daemon) {
  if (trust.text("revocation_lists", daemon.revocation_lists))
    daemon.revocation_lists = loading.resolve(daemon.revocation_lists);
  revocation.lists = !daemon.revocation_lists.empty();
  for (Text& word : trust.texts("revocation_command"))
    daemon.revocation_command.push_back(std::move(word.value));
  if (!daemon.revocation_command.empty() && !daemon.revocation_command[0].starts_with('/'))
    trust.error("revocation_command", "must begin with the absolute path of a program");
  if (!daemon.revocation_command.empty() && !revocation.lists)
    trust.error("revocation_command",
                "has no place for what it fetches: name a directory as revocation_lists");
  trust.duration("revocation_interval", revocation.interval, seconds(1), 10, 86'400);
  trust.duration("revocation_patience", revocation.patience, seconds(1), 1, 86'400);
}

}  // namespace

void read_paths(Section& root, Section& trust, const Loading& loading, nd::PathFetcherConfig& paths,
                Daemon& daemon) {
  trust.flag("rfc3971_profile", paths.policy.accept_rfc3971_profile);
  trust.flag("strict_rfc6487", paths.policy.strict_rfc6487);
  trust.duration("path_retry", paths.retry, seconds(1), 0.1, 60);
  trust.duration("path_give_up", paths.give_up, seconds(1), 1, 600);
  read_revocation(trust, loading, paths.revocation, daemon);
  std::vector<pki::TrustAnchor> anchors = read_anchors(trust, "anchors", loading);
  for (Section section : root.tables("anchor")) {
    if (auto anchor = read_anchor_fields(section, loading)) {
      if (anchor->blocks.empty() && !paths.policy.accept_rfc3971_profile)
        section.error("blocks",
                      "is missing: without it no path below this anchor is valid, unless [trust] "
                      "rfc3971_profile is true; for all addresses: blocks = \"::/0\"");
      anchors.push_back(std::move(*anchor));
    }
    section.finish();
  }
  paths.anchors = std::make_shared<const std::vector<pki::TrustAnchor>>(std::move(anchors));
  if (paths.policy.accept_rfc3971_profile)
    trust.warning("rfc3971_profile",
                  "is true: certificates that are not marked for routers are accepted as such");
}

void read_path_limits(Section& limits, nd::PathFetcherConfig& paths) {
  limits.number("retrievals", paths.max_retrievals, 1, 64);
  limits.number("path_certificates", paths.max_path, 1, pki::kMaxPathLength);
  limits.number("certificate_octets", paths.max_certificate, 256, pki::kMaxCertificateSize);
  limits.number("path_sources", paths.max_sources, 1, 64);
  limits.number("path_validations", paths.validations_s, 1, 1000);
}

void read_receiver(Section& send, Section& limits, send::ReceiverConfig& receiver) {
  crypto::KeyLimits& keys = receiver.key_limits;
  send.number("min_key_bits", keys.min_bits, 1024, 3072);
  send.number("max_key_bits", keys.max_bits, 2048, 3072);  // RFC 3971 5.1.3
  if (keys.min_bits > keys.max_bits)
    send.error("min_key_bits", "is above max_key_bits; no key would be accepted");
  send.number("timestamp_delta", receiver.timestamps.delta_s, 1, 86'400);
  send.number("timestamp_fuzz_ms", receiver.timestamps.fuzz_ms, 0, 60'000);
  send.number("timestamp_drift_percent", receiver.timestamps.drift_percent, 0, 50);
  send.flag("compare_frame_source", receiver.compare_frame_source);
  read_receiver_limits(limits, receiver);
}

void read_receiver_limits(Section& limits, send::ReceiverConfig& receiver) {
  limits.number("verifications_per_source", receiver.budget.per_source_s, 1, 100'000);
  limits.number("verifications_per_interface", receiver.budget.per_interface_s, 1, 1'000'000);
  limits.number("sources", receiver.budget.max_sources, 16, 1'000'000);
  limits.number("peers", receiver.timestamps.max_peers, 16, 10'000'000);
  limits.number("pending", receiver.max_pending, 1, 100'000);
  limits.number("pending_per_source", receiver.max_pending_per_source, 1, 100'000);
  limits.number("duplicates", receiver.max_duplicates, 16, 1'000'000);
}

std::optional<crypto::Algorithm> algorithm_from(const Node& node) {
  if (node.kind == Node::Kind::kText) return crypto::algorithm_named(node.text);
  // A code of 0 would be read as 1 on the wire; nobody means it in a file.
  if (node.kind == Node::Kind::kInteger && node.integer >= 1 && node.integer <= 15)
    return crypto::algorithm_of(static_cast<std::uint8_t>(node.integer));
  return std::nullopt;
}

void read_algorithm(Section& section, std::string_view key,
                    std::optional<crypto::Algorithm>& algorithm) {
  const Node* node = section.raw(key);
  if (!node) return;
  algorithm = algorithm_from(*node);
  if (!algorithm)
    section.error(key, "names no algorithm; it must be " + std::string(kAlgorithmWanted));
}

}  // namespace sendoff::config
