#include <algorithm>
#include <set>

#include "config/common.h"
#include "config/guard.h"
#include "net/nd_queue.h"

namespace sendoff::config {

namespace {

std::optional<Prefix> guarded_prefix(const std::string& text) {
  const auto prefix = Prefix::parse(text);
  const bool fits = prefix && prefix->length() == 64 && !prefix->address().is_link_local() &&
                    !prefix->address().is_multicast();
  return fits ? prefix : std::nullopt;
}

void read_guarded(Section& root, std::vector<nd::GuardedInterface>& out) {
  std::set<std::string> names;
  const auto sections = root.tables("interface");
  if (sections.empty() && !root.has("interface"))
    root.report().error(0, "[[interface]] is missing: name at least one interface to guard");
  for (Section section : sections) {
    nd::GuardedInterface interface;
    interface.id = InterfaceId{static_cast<std::uint32_t>(out.size())};
    section.require("name", "write the interface's name, as name = \"eth0\"");
    if (section.text("name", interface.name) && !is_interface_name(interface.name))
      section.error("name", "is \"" + interface.name + "\"; no interface can have that name");
    else if (!interface.name.empty() && !names.insert(interface.name).second)
      section.error("name", "is \"" + interface.name + "\" a second time; one section each");
    read_guard_mode(section, "mode", interface.mode);
    section.parsed_list("prefixes", interface.prefixes, guarded_prefix,
                        "a /64 such as 2001:db8:a::/64");
    section.flag("cga", interface.cga);
    section.flag("ignore_unsecured_dad", interface.ignore_unsecured_dad);
    section.flag("form_addresses", interface.form_addresses);
    section.finish();
    out.push_back(std::move(interface));
  }
  if (out.size() > net::NdQueue::kMaxInterfaces)
    root.report().error(0, "[[interface]] stands more often than " +
                               std::to_string(net::NdQueue::kMaxInterfaces) + " times");
}

void read_guard_trust(Section& root, const Loading& loading, nd::GuardConfig& config,
                      Daemon& daemon) {
  Section section = root.table("trust");
  read_paths(root, section, loading, config.paths, daemon);
  section.finish();
  if (!config.paths.anchors->empty()) return;
  const bool strict = std::ranges::any_of(config.interfaces, [](const auto& interface) {
    return interface.mode == nd::GuardMode::kSecuredOnly;
  });
  root.report().warning(section.line(),
                        strict ? "[trust] anchors is missing: where the mode is secured-only no "
                                 "Router Advertisement is taken"
                               : "[trust] anchors is missing: any Router Advertisement is taken");
}

// Those of [trust] that the option names.
std::set<std::size_t> read_anchors_of(Section& section, const std::string& key,
                                      const Loading& loading, const nd::GuardConfig& config) {
  std::set<std::size_t> allowed;
  const std::vector<pki::TrustAnchor>& all = *config.paths.anchors;
  for (const pki::TrustAnchor& anchor : read_anchors(section, key, loading)) {
    const auto found = std::ranges::find(all, anchor.certificate, &pki::TrustAnchor::certificate);
    if (found == all.end())
      section.error(key, "holds an anchor that [trust] anchors does not");
    else
      allowed.insert(static_cast<std::size_t>(found - all.begin()));
  }
  return allowed;
}

void read_authorization(Section& root, const Loading& loading, nd::GuardConfig& config) {
  using send::Kind;
  Section section = root.table("authorization");
  for (const Kind kind : {Kind::kNeighborSolicitation, Kind::kNeighborAdvertisement,
                          Kind::kRouterSolicitation, Kind::kRouterAdvertisement, Kind::kRedirect}) {
    read_method(section, kind, config.receiver.methods);
    const auto anchors = read_anchors_of(section, method_key(kind) + "_anchors", loading, config);
    if (!anchors.empty()) config.anchors_of.emplace(kind, anchors);
  }
  section.finish();
}

void read_certificate(Section& root, const Loading& loading, nd::GuardConfig& config) {
  const auto read = read_certification(
      root, loading, config.identity.key ? config.identity.key->spki() : ByteView{}, {});
  if (read) config.certifier.emplace(*read);
}

void read_guard(Section& root, const Loading& loading, Loaded<nd::GuardConfig>& loaded) {
  nd::GuardConfig& config = loaded.machine;
  read_daemon(root, "guard", loaded.daemon);
  loaded.daemon.guard_icmp = false;  // it takes no handover messages
  loaded.daemon.datapath.backend = datapath::Choice::kNone;
  loaded.daemon.store.kind = Store::Kind::kMemory;
  Section guard = root.table("guard");
  read_on_stop(guard, loaded.daemon);
  guard.finish();
  read_guarded(root, config.interfaces);

  Section cga = root.table("cga");
  if (!cga.present())
    root.report().error(0, "[cga] is missing: it names the host's key, as key = \"cga.pem\"");
  else if (const auto identity = read_identity(cga, loading, ModifierRule::kOfKey))
    config.identity = *identity;
  cga.finish();
  read_guard_trust(root, loading, config, loaded.daemon);
  read_authorization(root, loading, config);
  read_certificate(root, loading, config);

  Section send = root.table("send");
  Section limits = root.table("limits");
  read_receiver(send, limits, config.receiver);
  read_guard_limits(limits, config);
  read_path_limits(limits, config.paths);
  send.finish();
  limits.finish();
}

}  // namespace

Result<Loaded<nd::GuardConfig>, Problems> load_guard(const std::string& path,
                                                     const Context& context) {
  return load<nd::GuardConfig>(path, context, read_guard);
}

}  // namespace sendoff::config
