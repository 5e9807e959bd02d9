#include <algorithm>
#include <set>

#include "config/common.h"
#include "config/guard.h"

namespace sendoff::config {

namespace {

void read_interfaces(Section& root, Loaded<mobile::Config>& loaded, GuardBeside& guard) {
  std::vector<mobile::Interface>& out = loaded.machine.interfaces;
  std::set<std::string> names;
  const auto sections = root.tables("interface");
  if (sections.empty() && !root.has("interface"))
    root.report().error(0, "[[interface]] is missing: name at least one interface to move with");
  for (Section section : sections) {
    mobile::Interface interface;
    interface.id = InterfaceId{static_cast<std::uint32_t>(out.size())};
    section.require("name", "write the interface's name, as name = \"wlan0\"");
    if (section.text("name", interface.name) && !is_interface_name(interface.name))
      section.error("name", "is \"" + interface.name + "\"; no interface can have that name");
    else if (!interface.name.empty() && !names.insert(interface.name).second)
      section.error("name", "is \"" + interface.name + "\" a second time; one section each");
    read_radio(section, "wpa_supplicant", interface.id, interface.name, loaded.daemon);
    guard.read(section, interface.id, interface.name);
    section.finish();
    out.push_back(std::move(interface));
  }
}

std::optional<Ipv6Address> global_address(const std::string& text) {
  const auto address = Ipv6Address::parse(text);
  return address && address->is_unicast_routable() ? address : std::nullopt;
}

// What a router would tell of an access point (RFC 5568 4), where nobody needs to ask it.
void read_access_points(Section& root, std::vector<mobile::AccessPoint>& out) {
  std::set<LinkAddress> seen;
  for (Section section : root.tables("access_point")) {
    mobile::AccessPoint point;
    point.state = mobile::AccessPoint::State::kPossible;
    section.require("address", "write its link-layer address");
    section.require("router", "write the global address of the router behind it");
    section.require("router_link_address", "write the link-layer address of that router");
    Ipv6Address router;
    LinkAddress router_link;
    if (section.parsed("address", point.address, link_address_of, kLinkAddressWanted) &&
        !seen.insert(point.address).second)
      section.error("address", "is " + point.address.text() + " a second time; one section each");
    if (section.parsed("router", router, global_address, "a global address such as 2001:db8:b::1"))
      point.router = router;
    if (section.parsed("router_link_address", router_link, link_address_of, kLinkAddressWanted))
      point.router_link_address = router_link;
    point.prefix = Prefix(router, 64);
    Prefix prefix;
    if (section.parsed(
            "prefix", prefix, [](const std::string& text) { return Prefix::parse(text); },
            "a prefix such as 2001:db8:b:1::/64")) {
      if (prefix.length() != 64)
        section.error("prefix", "must be a /64: addresses are formed in it");
      point.prefix = prefix;
    }
    section.flag("dhcp", point.dhcp);
    section.finish();
    out.push_back(std::move(point));
  }
}

// Three secrets are three (RFC 5269 1); the key-encryption pair is made by the daemon and lives in
// its memory only, so naming one is wrong in any case, and naming the CGA key is worse.
void refuse_encryption_key(Section& keys, Section& cga) {
  std::string path;
  if (!keys.text("encryption_key", path)) return;
  std::string cga_path;
  if (cga.text("key", cga_path) && cga_path == path)
    keys.error("encryption_key", "and [cga] key name the same file " + path +
                                     "; the two keys must differ: take encryption_key out, the "
                                     "daemon makes that pair itself");
  else
    keys.error("encryption_key",
               "cannot be configured: the daemon makes that pair itself and keeps it in memory");
}

void read_keys(Section& root, Section& cga, mobile::Config& config) {
  Section section = root.table("keys");
  section.flag("request", config.request_keys);
  std::optional<crypto::Algorithm> algorithm;
  read_algorithm(section, "algorithm", algorithm);
  if (algorithm) config.algorithm = *algorithm;
  section.flag("accept_weaker", config.accept_weaker);
  section.number("encryption_key_lifetime", config.encryption_pair.lifetime_s, 1, 31'536'000);
  section.number("encryption_key_handovers", config.encryption_pair.handovers, 1, 1'000'000);
  section.number("request_interval", config.request_interval_s, 10, 86'400);
  section.number("max_keys", config.max_keys, 1, 100'000);
  section.number("max_held_replies", config.max_held_replies, 1, 1024);
  refuse_encryption_key(section, cga);
  if (config.accept_weaker)
    section.warning("accept_weaker",
                    "is true: a router may answer with a weaker algorithm than was asked for");
  if (!config.request_keys)
    section.warning("request", "is false: no handover keys, so no fast handovers either");
  section.finish();
}

void read_trust(Section& root, const Loading& loading, Loaded<mobile::Config>& loaded) {
  mobile::Config& config = loaded.machine;
  Section section = root.table("trust");
  read_paths(root, section, loading, config.paths, loaded.daemon);
  if (config.paths.anchors->empty() && !section.has("anchors") && !root.has("anchor")) {
    const std::string missing =
        "[trust] anchors is missing: name the PEM files of the trust anchors that certify routers";
    // RFC 5269 3.2: no key exchange without an anchor. Who wants none must say so.
    if (config.request_keys)
      root.report().error(section.line(), missing + ", or set [keys] request = false");
    else
      root.report().warning(section.line(), missing + "; until then no router is believed");
  }
  section.finish();
}

void read_handover(Section& root, Loaded<mobile::Config>& loaded) {
  mobile::Config& config = loaded.machine;
  Section section = root.table("handover");
  section.number("tunnel_lifetime", config.tunnel_lifetime_s, 1, 65'535);
  section.duration("rtsolpr_timeout_ms", config.rtsolpr_timeout, milliseconds(1), 10, 60'000);
  section.number("rtsolpr_retries", config.rtsolpr_retries, 0, 20);
  section.number("rtsolpr_rate", config.rtsolpr_rate, 1, 10);
  section.duration("fbu_timeout_ms", config.fbu_timeout, milliseconds(1), 10, 32'000);
  section.number("fbu_retries", config.fbu_retries, 0, 20);
  section.flag("fbu_link_address", config.fbu_link_address);
  section.number("keep_forwarding", config.keep_forwarding_s, 0, 65'535);
  section.duration("fback_wait_ms", config.fback_wait, milliseconds(1), 0, 60'000);
  section.duration("min_interval_ms", config.handover_interval, milliseconds(1), 0, 600'000);
  section.number("una_retries", config.una_retries, 0, 2);
  section.duration("una_interval_ms", config.una_interval, milliseconds(1), 10, 60'000);
  section.flag("una_unicast", config.una_unicast);
  for (Text& word : section.texts("switch_command"))
    loaded.daemon.switch_command.push_back(std::move(word.value));
  if (!loaded.daemon.switch_command.empty() && !loaded.daemon.switch_command[0].starts_with('/'))
    section.error("switch_command", "must begin with the absolute path of a program");
  if (section.text("switch_socket", loaded.daemon.switch_socket)) {
    if (!loaded.daemon.switch_socket.starts_with('/'))
      section.error("switch_socket", "must be the absolute path of a Unix socket");
    if (!loaded.daemon.switch_command.empty())
      section.error("switch_socket", "stands beside switch_command; only one can move the link");
  }
  for (const char* other : {"switch_command", "switch_socket"})
    if (section.has(other) && loaded.daemon.radios.size() == config.interfaces.size())
      section.error(other, "moves nothing: wpa_supplicant moves every interface");
  for (Text& word : section.texts("dhcp_command"))
    loaded.daemon.dhcp_command.push_back(std::move(word.value));
  if (!loaded.daemon.dhcp_command.empty() && !loaded.daemon.dhcp_command[0].starts_with('/'))
    section.error("dhcp_command", "must begin with the absolute path of a program");
  section.finish();
}

void read_discovery(Section& root, mobile::Config& config) {
  Section section = root.table("discovery");
  section.duration("solicitation_interval", config.discovery.solicitation_interval, seconds(1), 0.1,
                   3600);
  section.duration("first_delay_max", config.discovery.first_delay_max, seconds(1), 0, 60);
  section.number("max_solicitations", config.discovery.max_solicitations, 1, 100);
  section.parsed(
      "dad", config.dad,
      [](const std::string& text) -> std::optional<machine::DadMode> {
        if (text == "normal") return machine::DadMode::kNormal;
        if (text == "optimistic") return machine::DadMode::kOptimistic;
        if (text == "none") return machine::DadMode::kNone;
        return std::nullopt;
      },
      "normal, optimistic or none");
  if (config.dad == machine::DadMode::kNone)
    section.warning("dad", "is none: an address that another node uses is not noticed");
  section.flag("form_addresses", config.form_addresses);
  if (!config.form_addresses)
    section.warning("form_addresses", "is false: no address, so neither keys nor handovers");
  section.finish();
}

void read_mobile(Section& root, const Loading& loading, Loaded<mobile::Config>& loaded) {
  mobile::Config& config = loaded.machine;
  read_daemon(root, "mobile", loaded.daemon);
  read_store(root, loading, loaded.daemon.store);
  GuardBeside guard(root, nd::GuardPlace::kBesideMobile, loaded.daemon);
  read_interfaces(root, loaded, guard);
  read_access_points(root, config.access_points);

  Section cga = root.table("cga");
  if (!cga.present())
    root.report().error(0, "[cga] is missing: it names the node's key, as key = \"cga.pem\"");
  read_keys(root, cga, config);
  if (cga.present())
    if (const auto identity = read_identity(cga, loading, ModifierRule::kRandom))
      config.identity = *identity;
  cga.finish();
  read_trust(root, loading, loaded);
  read_discovery(root, config);
  read_handover(root, loaded);

  Section send = root.table("send");
  Section limits = root.table("limits");
  read_receiver(send, limits, config.receiver);
  read_authorization(root, config.receiver.methods);
  loaded.guard = guard.config(config.identity, config.receiver);
  read_path_limits(limits, config.paths);
  limits.number("held_advertisements", config.discovery.max_held, 1, 1024);
  send.finish();
  limits.finish();
}

}  // namespace

Result<Loaded<mobile::Config>, Problems> load_mobile(const std::string& path,
                                                     const Context& context) {
  return load<mobile::Config>(path, context, read_mobile);
}

}  // namespace sendoff::config
