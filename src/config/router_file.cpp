#include <algorithm>
#include <map>
#include <set>

#include "config/common.h"
#include "config/esp.h"
#include "config/guard.h"

namespace sendoff::config {

namespace {

// Of a neighbour, and of nodes with prefixes of their own.
constexpr std::uint8_t kShortestPrefix = 16;

// Where each access point was named first: one hangs on one router.
using AccessPoints = std::map<LinkAddress, unsigned>;

void read_access_points(Section& section, std::vector<LinkAddress>& out, AccessPoints& all) {
  section.parsed_list("access_points", out, link_address_of,
                      "a link-layer address such as 02:00:5e:00:53:01");
  for (const LinkAddress& access_point : out) {
    const auto [first, fresh] = all.emplace(access_point, section.line_of("access_points"));
    if (!fresh)
      section.error("access_points",
                    "names " + access_point.text() + " a second time (first in line " +
                        std::to_string(first->second) + "); an access point hangs on one router");
  }
}

bool is_global(const std::optional<Prefix>& prefix, std::uint8_t shortest) {
  return prefix && prefix->length() >= shortest && prefix->length() <= 64 &&
         prefix->address().is_unicast_routable();
}

std::optional<Prefix> read_prefix(Section& section, const std::string& text, unsigned line) {
  const auto prefix = Prefix::parse(text);
  if (is_global(prefix, 64)) return prefix;
  section.report().error(line, section.label("prefix") + " is \"" + text +
                                   "\"; it must be a global /64 such as 2001:db8:a::/64, with all "
                                   "bits behind it zero");
  return std::nullopt;
}

void read_advertised(Section& interface, std::vector<router::Advertised>& out,
                     std::vector<PrefixLine>& lines) {
  const Node* list = interface.raw("prefixes");
  if (!list || list->kind != Node::Kind::kArray || list->items.empty()) {
    interface.error("prefixes",
                    "is missing: list what to advertise, as prefixes = "
                    "[\"2001:db8:a::/64\"]");
    return;
  }
  for (const Node& item : list->items) {
    router::Advertised advertised;
    std::optional<Prefix> prefix;
    bool certified = true;
    if (item.kind == Node::Kind::kText) {
      prefix = read_prefix(interface, item.text, item.line);
    } else if (item.kind == Node::Kind::kTable) {
      Section section(&item, "[[interface]] prefixes", interface.report());
      std::string text;
      section.require("prefix", "write {prefix = \"2001:db8:a::/64\"}");
      if (section.text("prefix", text))
        prefix = read_prefix(interface, text, section.line_of("prefix"));
      section.number("valid", advertised.valid_lifetime_s, 0, 0xffffffff);
      section.number("preferred", advertised.preferred_lifetime_s, 0, 0xffffffff);
      section.flag("on_link", advertised.on_link);
      section.flag("autonomous", advertised.autonomous);
      section.flag("router_address", advertised.tell_router_address);
      section.flag("certified", certified);
      if (!certified)
        section.warning("certified",
                        "is false: nodes that ask for certificates, and so all with "
                        "handover keys, do not use this prefix");
      if (!advertised.tell_router_address)
        section.warning("router_address", "is false: nodes under this prefix get no handover keys");
      if (advertised.preferred_lifetime_s > advertised.valid_lifetime_s)
        section.error("preferred", "is longer than valid (" +
                                       std::to_string(advertised.valid_lifetime_s) +
                                       " s); RFC 4861 forbids it");
      section.finish();
    } else {
      interface.report().error(item.line, "[[interface]] prefixes must hold texts or tables");
    }
    if (!prefix) continue;
    advertised.prefix = *prefix;
    out.push_back(advertised);
    lines.push_back({*prefix, item.line, certified});
  }
}

void read_intervals(Section& section, router::Interface& interface) {
  bool fast = false;
  section.flag("fast_advertisements", fast);
  section.duration("max_ra_interval", interface.max_ra_interval, seconds(1), fast ? 0.07 : 4, 1800);
  const Duration max = interface.max_ra_interval;
  // RFC 4861 6.2.1; its default for short intervals breaks its own bound (GS31).
  interface.min_ra_interval = max >= seconds(9) ? max / 100 * 33 : max * 3 / 4;
  const double max_s = std::chrono::duration<double>(max).count();
  section.duration("min_ra_interval", interface.min_ra_interval, seconds(1), fast ? 0.03 : 3,
                   std::max(fast ? 0.03 : 3, 0.75 * max_s));
  const auto whole = static_cast<std::int64_t>(max_s + 0.999);
  interface.advertised.router_lifetime_s = static_cast<std::uint16_t>(
      std::min<std::int64_t>(9000, std::max<std::int64_t>(3, 3 * whole)));
  std::uint16_t lifetime = interface.advertised.router_lifetime_s;
  section.number("router_lifetime", lifetime, 0, 9000);
  if (lifetime != 0 && lifetime < whole)
    section.error("router_lifetime", "is shorter than max_ra_interval (" + std::to_string(whole) +
                                         " s); hosts would lose the router between two "
                                         "advertisements");
  else
    interface.advertised.router_lifetime_s = lifetime;
  section.duration("answer_delay_ms", interface.max_answer_delay, milliseconds(1), 0, 500);
}

// RFC 4861 6.2.1: what an RA says besides lifetimes and prefixes.
void read_parameters(Section& section, nd::AdvertisedParameters& advertised) {
  section.number("hop_limit", advertised.hop_limit, 0, 255);
  section.flag("managed", advertised.managed);
  section.flag("other_config", advertised.other);
  section.number("reachable_time_ms", advertised.reachable_time_ms, 0, 3'600'000);
  section.number("retrans_timer_ms", advertised.retransmission_timer_ms, 0, 0xffffffff);
  section.number("mtu", advertised.mtu, 0, 65'535);
  if (advertised.mtu != 0 && advertised.mtu < 1280)
    section.error("mtu", "is less than 1280, which every IPv6 link carries; 0: none is told");
}

// A range of one of the interface's prefixes, so that no host forms one of its addresses by itself
// but by chance.
void read_pool(Section& section, router::Interface& interface) {
  Prefix pool;
  const bool given = section.parsed(
      "pool", pool, [](const std::string& text) { return Prefix::parse(text); },
      "a range such as 2001:db8:a:1::a:0/112");
  if (!given) return;
  const bool inside = std::ranges::any_of(interface.prefixes, [&](const router::Advertised& each) {
    return each.prefix.contains(pool) && pool.length() > each.prefix.length();
  });
  if (!inside || pool.length() > 126)
    return section.error("pool",
                         "must be a part of one of the interface's prefixes, of /65 to /126");
  interface.pool = pool;
}

// Outside of the prefixes that nodes share, so that an address tells whose it is.
void read_mobile_prefixes(Section& section, router::Interface& interface) {
  Prefix range;
  const bool given = section.parsed(
      "mobile_prefixes", range, [](const std::string& text) { return Prefix::parse(text); },
      "a range such as 2001:db8:a:100::/56");
  if (!given) return;
  if (!is_global(range, kShortestPrefix) || range.length() == 64)
    return section.error("mobile_prefixes", "must be global, of /16 to /63");
  for (const router::Advertised& each : interface.prefixes)
    if (range.contains(each.prefix))
      return section.error("mobile_prefixes", "holds " + each.prefix.text() +
                                                  ", which all nodes of the interface share");
  interface.mobile_prefixes = range;
}

void read_interfaces(Section& root, Loaded<router::Config>& loaded,
                     std::vector<PrefixLine>& prefixes, AccessPoints& access_points,
                     GuardBeside& guard) {
  std::vector<router::Interface>& out = loaded.machine.interfaces;
  std::set<std::string> names;
  const auto sections = root.tables("interface");
  if (sections.empty() && !root.has("interface"))
    root.report().error(0, "[[interface]] is missing: name at least one interface to serve");
  for (Section section : sections) {
    router::Interface interface;
    interface.id = InterfaceId{static_cast<std::uint32_t>(out.size())};
    section.require("name", "write the interface's name, as name = \"eth1\"");
    if (section.text("name", interface.name) && !is_interface_name(interface.name))
      section.error("name", "is \"" + interface.name + "\"; no interface can have that name");
    else if (!interface.name.empty() && !names.insert(interface.name).second)
      section.error("name", "is \"" + interface.name + "\" a second time; one section each");
    read_advertised(section, interface.prefixes, prefixes);
    read_access_points(section, interface.access_points, access_points);
    read_intervals(section, interface);
    read_parameters(section, interface.advertised);
    section.flag("source_link_address", interface.tell_link_address);
    read_pool(section, interface);
    read_mobile_prefixes(section, interface);
    section.flag("dhcp", interface.dhcp);
    read_radio(section, "hostapd", interface.id, interface.name, loaded.daemon);
    guard.read(section, interface.id, interface.name);
    section.finish();
    out.push_back(std::move(interface));
  }
  for (std::size_t i = 0; i < prefixes.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (prefixes[i].prefix == prefixes[j].prefix)
        root.report().error(prefixes[i].line, "[[interface]] prefix " + prefixes[i].prefix.text() +
                                                  " stands in line " +
                                                  std::to_string(prefixes[j].line) +
                                                  " too; a prefix belongs to one interface");
}

void check_neighbour(Section& section, const router::Neighbour& neighbour,
                     const std::vector<PrefixLine>& own) {
  for (const PrefixLine& prefix : own)
    if (section.has("prefix") && prefix.prefix == neighbour.prefix)
      section.error("prefix", "is one that this router advertises itself (line " +
                                  std::to_string(prefix.line) + ")");
  if (!neighbour.handover_initiate)
    section.warning("handover_initiate",
                    "is false: nodes are sent to " + neighbour.name +
                        " without asking it first; an address in use there is found too late");
  if (section.has("access_points") && neighbour.access_points.empty())
    section.warning("access_points", "is empty: no node can be handed over to " + neighbour.name);
}

void read_neighbours(Section& root, std::vector<router::Neighbour>& out,
                     const std::vector<PrefixLine>& own, AccessPoints& access_points,
                     ProtectionReader& protection) {
  std::set<std::string> names;
  for (Section section : root.tables("neighbour")) {
    router::Neighbour neighbour;
    section.require("name", "give the neighbouring router a name for logs");
    section.require("address", "write its global address");
    section.require("link_address", "write the link-layer address of its access interface");
    section.require("prefix", "write the prefix that is valid behind its access points");
    section.require("access_points", "list the access points behind it");
    if (section.text("name", neighbour.name) && !names.insert(neighbour.name).second)
      section.error("name", "is \"" + neighbour.name + "\" a second time; names tell them apart");
    section.parsed(
        "address", neighbour.address,
        [](const std::string& text) -> std::optional<Ipv6Address> {
          const auto address = Ipv6Address::parse(text);
          return address && address->is_unicast_routable() ? address : std::nullopt;
        },
        "a global address such as 2001:db8:b::1");
    section.parsed("link_address", neighbour.link_address, link_address_of,
                   "a link-layer address such as 02:00:5e:00:53:01");
    section.parsed(
        "prefix", neighbour.prefix,
        [](const std::string& text) {
          const auto prefix = Prefix::parse(text);
          return is_global(prefix, kShortestPrefix) ? prefix : std::nullopt;
        },
        "a global prefix of at most 64 bits such as 2001:db8:a::/64, with all bits behind it zero");
    read_access_points(section, neighbour.access_points, access_points);
    section.flag("fast_handover", neighbour.fast_handover);
    section.flag("dhcp", neighbour.dhcp);
    section.flag("handover_initiate", neighbour.handover_initiate);
    protection.read(section, neighbour);
    if (section.has("round_trip_ms")) {
      neighbour.round_trip = milliseconds(50);
      section.duration("round_trip_ms", *neighbour.round_trip, milliseconds(1), 1, 10'000);
    }
    check_neighbour(section, neighbour, own);
    section.finish();
    out.push_back(std::move(neighbour));
  }
}

void read_algorithms(Section& section, keys::IssuedKeyConfig& keys) {
  if (const Node* list = section.raw("algorithms")) {
    keys.algorithms.clear();
    const std::vector<Node> items =
        list->kind == Node::Kind::kArray ? list->items : std::vector<Node>{*list};
    for (const Node& item : items) {
      const auto algorithm = algorithm_from(item);
      if (!algorithm)
        section.report().error(item.line, section.label("algorithms") +
                                              " holds what is no algorithm; each must be " +
                                              std::string(kAlgorithmWanted));
      else if (std::ranges::find(keys.algorithms, *algorithm) == keys.algorithms.end())
        keys.algorithms.push_back(*algorithm);
    }
    if (items.empty()) section.error("algorithms", "is empty; no key could be issued");
  }
  read_algorithm(section, "fallback", keys.fallback);
  if (!keys.fallback || keys.algorithms.empty()) return;
  if (std::ranges::find(keys.algorithms, *keys.fallback) == keys.algorithms.end()) {
    section.error("fallback", "is not one of algorithms; add it there or choose one of them");
    return;
  }
  const auto strongest = std::ranges::max(keys.algorithms, {}, crypto::strength);
  if (crypto::strength(*keys.fallback) < crypto::strength(strongest))
    section.warning("fallback", "is " + std::string(crypto::name(*keys.fallback)) +
                                    ", weaker than " + std::string(crypto::name(strongest)) +
                                    ": a request for an unknown algorithm may get a weaker key "
                                    "than it asked for");
}

void read_keys(Section& root, router::Config& config) {
  Section section = root.table("keys");
  section.flag("provision", config.provision_keys);
  section.number("lifetime", config.keys.lifetime_s, 1, 65'535);
  section.number("renewal_percent", config.keys.renewal_percent, 0, 90);
  section.number("max_keys", config.keys.max_keys, 1, 10'000'000);
  section.number("max_per_link_address", config.keys.max_per_link_address, 1, 1'000'000);
  read_algorithms(section, config.keys);
  if (!config.provision_keys)
    section.warning("provision", "is false: no node gets a handover key from this router");
  section.finish();
}

void read_send(Section& root, router::Config& config) {
  Section send = root.table("send");
  Section limits = root.table("limits");
  read_receiver(send, limits, config.receiver);
  send.flag("secured_only", config.secured_only);
  send.flag("answer_unvalidated", config.answer_unvalidated);
  send.number("unvalidated_answers", config.unvalidated_answers_s, 0, 10'000);
  send.number("unvalidated_answers_per_source", config.unvalidated_answers_per_source_s, 0, 10'000);
  send.duration("reply_window", config.reply_window, seconds(1), 0, 60);
  limits.number("replies", config.max_replies, 1, 1'000'000);
  limits.number("exchanges", config.max_exchanges, 1, 100'000);
  limits.number("path_answers", config.max_cpa_s, 1, 10'000);
  limits.number("bindings", config.max_bindings, 1, 10'000'000);
  limits.number("handovers", config.previous_router.max_handovers, 1, 32'768);
  limits.number("arrivals", config.new_router.max_arrivals, 1, 1'000'000);
  limits.number("arrivals_per_peer", config.new_router.max_arrivals_per_peer, 1, 1'000'000);
  send.finish();
  limits.finish();
}

// As previous access router.
void read_handover(Section& root, router::Config& config) {
  Section section = root.table("handover");
  router::PreviousRouterConfig& out = config.previous_router;
  section.number("max_tunnel_lifetime", config.max_tunnel_lifetime_s, 1, 65'535);
  section.number("hi_retries", out.hi_retries, 0, 10);
  // RFC 5568 6.2.1.1: not below 100 ms where no round trip is known.
  section.duration("hi_timeout_ms", out.hi_timeout, milliseconds(1), 100, 10'000);
  section.flag("request_buffering", out.request_buffering);
  section.flag("request_address", out.request_address);
  section.flag("copy_packets", out.copy_packets);
  section.flag("early_fback", out.early_fback);
  section.parsed_list(
      "blocked", out.blocked, [](const std::string& text) { return Ipv6Address::parse(text); },
      "an address such as 2001:db8:a:1::5");
  section.finish();
}

void read_in_use(Section& section, router::NewRouterConfig& out) {
  using router::InUseAnswer;
  std::string answer = "none";
  if (!section.text("in_use", answer)) return;
  if (answer == "configure")
    out.in_use = InUseAnswer::kConfigure;
  else if (answer == "router")
    out.in_use = InUseAnswer::kRouterAddress;
  else if (answer != "none")
    section.error("in_use", "is \"" + answer + "\"; it must be none, configure or router");
  if (out.in_use == InUseAnswer::kRouterAddress && !out.support_pcoa)
    section.error("in_use",
                  "is \"router\", which makes nodes keep their old address, and support_pcoa "
                  "is false");
}

// As new access router.
void read_arrival(Section& root, router::Config& config) {
  Section section = root.table("arrival");
  router::NewRouterConfig& out = config.new_router;
  section.flag("accept", out.accept);
  section.duration("proxy_lifetime_ms", out.proxy_lifetime, milliseconds(1), 100, 60'000);
  section.number("dad_transmits", out.dad_transmits, 0, 10);
  section.duration("dad_interval_ms", out.dad_interval, milliseconds(1), 1, 10'000);
  section.flag("buffer", out.buffer);
  section.flag("assign_proposed", out.assign_proposed);
  section.flag("support_pcoa", out.support_pcoa);
  section.flag("replace_ncoa", out.replace_ncoa);
  read_in_use(section, out);
  section.flag("invite", out.invite);
  section.duration("pool_lease", out.pool_lease, seconds(1), 1, 1'000'000);
  section.duration("host_route_lease", out.host_route_lease, seconds(1), 1, 1'000'000);
  if (out.dad_transmits == 0)
    section.warning("dad_transmits",
                    "is 0: new care-of addresses are not probed; an address that is in use on a "
                    "link is found out too late");
  section.finish();
}

void read_router(Section& root, const Loading& loading, Loaded<router::Config>& loaded) {
  router::Config& config = loaded.machine;
  read_daemon(root, "router", loaded.daemon);
  read_store(root, loading, loaded.daemon.store);
  if (loading.context.store) loaded.daemon.store.kind = *loading.context.store;
  read_send(root, config);
  read_authorization(root, config.receiver.methods);
  read_handover(root, config);
  read_arrival(root, config);
  read_keys(root, config);

  Section cga = root.table("cga");
  if (!cga.present())
    root.report().error(0, "[cga] is missing: it names the router's key, as key = \"cga.pem\"");
  const auto identity = cga.present() ? read_identity(cga, loading, ModifierRule::kOfKey)
                                      : std::optional<send::Identity>();
  cga.finish();

  AccessPoints access_points;
  std::vector<PrefixLine> prefixes;
  GuardBeside guard(root, nd::GuardPlace::kBesideRouter, loaded.daemon);
  read_interfaces(root, loaded, prefixes, access_points, guard);
  if (identity) {
    for (router::Interface& interface : config.interfaces) interface.identity = *identity;
    loaded.guard = guard.config(*identity, config.receiver);
  }
  ProtectionReader protection(loading, loaded.daemon.store.kind, own_addresses(config.interfaces));
  read_neighbours(root, config.neighbours, prefixes, access_points, protection);
  Section esp = root.table("esp");
  esp.flag("audit", config.esp_audit);
  esp.finish();

  auto certification =
      read_certification(root, loading, identity ? identity->key->spki() : ByteView(), prefixes);
  if (certification)
    config.certification = std::move(*certification);
  else if (!root.has("certificate"))
    root.report().error(0,
                        "[certificate] is missing: without one no node trusts this router; "
                        "sendoff cert makes chain and anchor");
}

}  // namespace

Result<Loaded<router::Config>, Problems> load_router(const std::string& path,
                                                     const Context& context) {
  return load<router::Config>(path, context, read_router);
}

}  // namespace sendoff::config
