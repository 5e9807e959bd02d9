#include "control/status.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "control/event_text.h"
#include "control/json_text.h"
#include "control/requests.h"

namespace sendoff::control {

namespace {

using Json = nlohmann::ordered_json;

Json start(const DaemonStatus& daemon) {
  return {{"version", daemon.version},
          {"role", daemon.role},
          {"configuration", daemon.configuration},
          {"started", utc_text(daemon.started)},
          {"uptime_s", whole_seconds(daemon.uptime)},
          {"warnings", daemon.warnings},
          {"store",
           {{"kind", daemon.store.kind},
            {"file", daemon.store.file ? Json(*daemon.store.file) : Json(nullptr)}}},
          {"datapath", daemon.datapath}};
}

// What each kind of message is proven by, of those that have a method.
Json methods_of(const DaemonStatus& daemon) {
  Json json = Json::object();
  for (const send::Kind kind : send::kKindsWithMethod)
    json[name(kind)] = name(daemon.methods.of(kind));
  return json;
}

template <typename Items, typename Convert>
Json list(const Items& items, const Convert& convert) {
  Json out = Json::array();
  for (const auto& item : items) out.push_back(convert(item));
  return out;
}

Json texts(const std::vector<Ipv6Address>& addresses) {
  return list(addresses, [](const Ipv6Address& address) { return Json(address.text()); });
}

Json texts(const std::vector<LinkAddress>& addresses) {
  return list(addresses, [](const LinkAddress& address) { return Json(address.text()); });
}

Json texts(const std::vector<Prefix>& prefixes) {
  return list(prefixes, [](const Prefix& prefix) { return Json(prefix.text()); });
}

Json optional_text(const std::optional<Ipv6Address>& address) {
  return address ? Json(address->text()) : Json(nullptr);
}

Json guarded_links(const nd::Guard::Status& status) {
  return list(status.links, [](const nd::Guard::LinkStatus& link) {
    return Json{{"name", link.name},
                {"up", link.up},
                {"mode", name(link.mode)},
                {"addresses", texts(link.addresses)},
                {"routers", texts(link.routers)},
                {"provisional_routers", texts(link.provisional_routers)},
                {"unsecured_routers", texts(link.unsecured_routers)},
                {"secured_prefixes", texts(link.secured_prefixes)},
                {"unsecured_prefixes", texts(link.unsecured_prefixes)},
                {"secured_neighbours", texts(link.secured_neighbours)}};
  });
}

// What every role tells last.
void finish(Json& json, const DaemonStatus& daemon) {
  json["authorization"] = methods_of(daemon);
  if (daemon.guard) json["guard"] = guarded_links(*daemon.guard);
  Json groups = Json::object();
  for (const Counter& counter : daemon.counters)
    groups[counter.group][counter.name] = counter.value;
  json["counters"] = std::move(groups);
}

}  // namespace

std::string status_json(const DaemonStatus& daemon, const router::Router::Status& status,
                        const std::vector<router::Neighbour>& neighbours) {
  Json json = start(daemon);
  for (const router::Router::HostProtectionStatus& host : status.host_protections)
    if (!host.lacks.empty())
      json["warnings"].push_back("no HI or HAck with " + host.peer.text() + ": " + host.lacks);
  json["interfaces"] =
      list(status.interfaces, [](const router::Router::InterfaceStatus& interface) {
        Json json_interface{{"name", interface.name},
                            {"up", interface.up},
                            {"link_local", interface.link_local.text()},
                            {"addresses", texts(interface.addresses)}};
        if (interface.pool_free) json_interface["pool_free"] = *interface.pool_free;
        if (interface.prefixes_free) json_interface["prefixes_free"] = *interface.prefixes_free;
        return json_interface;
      });
  json["key_count"] = status.key_count;
  json["keys"] = list(status.keys, [](const router::Router::KeyStatus& key) {
    return Json{{"cga", key.cga.text()},
                {"generation", key.generation},
                {"algorithm", crypto::name(key.algorithm)},
                {"remaining_s", key.remaining_s},
                {"fingerprint", key.fingerprint}};
  });
  json["binding_count"] = status.binding_count;
  json["bindings"] = list(status.bindings, [](const router::Router::BindingStatus& binding) {
    return Json{{"pcoa", binding.pcoa.text()},
                {"ncoa", binding.ncoa.text()},
                {"remaining_s", binding.remaining_s}};
  });
  json["handover_count"] = status.handover_count;
  json["handovers"] = list(status.handovers, [](const router::Router::HandoverStatus& handover) {
    return Json{{"pcoa", handover.pcoa.text()},
                {"ncoa", handover.ncoa.text()},
                {"nar", optional_text(handover.nar)},
                {"state", handover.state}};
  });
  json["arrival_count"] = status.arrival_count;
  json["arrivals"] = list(status.arrivals, [](const router::Router::ArrivalStatus& arrival) {
    return Json{{"address", arrival.address.text()},
                {"pcoa", optional_text(arrival.pcoa)},
                {"par", arrival.par.text()},
                {"link_address", arrival.link_address.text()},
                {"state", arrival.state},
                {"proxied", arrival.proxied},
                {"buffered", arrival.buffered}};
  });
  json["neighbours"] = list(neighbours, [](const router::Neighbour& neighbour) {
    return Json{{"name", neighbour.name},
                {"address", neighbour.address.text()},
                {"prefix", neighbour.prefix.text()},
                {"access_points", texts(neighbour.access_points)},
                {"fast_handover", neighbour.fast_handover},
                {"protection", name(neighbour.protection)}};
  });
  json["associations"] = list(status.associations, [](const esp::Associations::PairStatus& pair) {
    return Json{{"peer", pair.peer.text()},
                {"local", pair.local.text()},
                {"suite", esp::kSuite},
                {"outbound_spi", pair.outbound_spi},
                {"last_sent", pair.last_sent},
                {"inbound", list(pair.inbound, [](const auto& inbound) {
                   return Json{{"spi", inbound.spi},
                               {"highest", inbound.highest},
                               {"anti_replay", inbound.anti_replay}};
                 })}};
  });
  json["host_protection"] =
      list(status.host_protections, [](const router::Router::HostProtectionStatus& host) {
        return Json{{"peer", host.peer.text()},
                    {"local", host.local.text()},
                    {"protected", host.lacks.empty()},
                    {"lacks", host.lacks}};
      });
  finish(json, daemon);
  return compact(json);
}

std::string status_json(const DaemonStatus& daemon, const mobile::Mobile::Status& status) {
  Json json = start(daemon);
  json["interfaces"] = list(status.links, [](const mobile::Mobile::LinkStatus& link) {
    return Json{{"name", link.name},
                {"up", link.up},
                {"addresses", texts(link.addresses)},
                {"router", optional_text(link.router)},
                {"router_global", optional_text(link.router_global)},
                {"certified_as", link.certified_as},
                {"revocation", link.revocation}};
  });
  json["key_count"] = status.keys.size();
  json["keys"] = list(status.keys, [](const mobile::Mobile::KeyStatus& key) {
    return Json{{"ar", key.ar.text()},
                {"ar_link_local", key.ar_link_local.text()},
                {"cga", key.cga.text()},
                {"algorithm", crypto::name(key.algorithm)},
                {"remaining_s", key.remaining_s},
                {"delivered", key.delivered},
                {"fingerprint", key.fingerprint}};
  });
  json["neighbours"] = list(status.neighbours, [](const mobile::Mobile::NeighbourStatus& other) {
    return Json{{"access_point", other.access_point.text()},
                {"state", other.state},
                {"prefix", other.prefix ? Json(other.prefix->text()) : Json(nullptr)}};
  });
  json["handover"] = status.handover;
  json["movements"] = list(status.movements, [](const mobile::Mobile::MovementStatus& movement) {
    return Json{{"par", movement.par.text()},
                {"pcoa", movement.pcoa.text()},
                {"ncoa", optional_text(movement.ncoa)},
                {"state", movement.state},
                {"remaining_s", movement.remaining_s}};
  });
  finish(json, daemon);
  return compact(json);
}

std::string status_json(const DaemonStatus& daemon, const nd::Guard::Status& status) {
  Json json = start(daemon);
  json["interfaces"] = guarded_links(status);
  json["secured_neighbours"] = status.secured_neighbours;
  finish(json, daemon);
  return compact(json);
}

namespace {

std::string words(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return printable(value.get<std::string>());
  if (!value.is_array()) return compact(value);
  std::string out;
  for (const Json& item : value) out += (out.empty() ? "" : ", ") + words(item);
  return out.empty() ? "-" : out;
}

// A list of objects, a column a field.
std::string table(const std::string& title, const Json& rows) {
  if (!rows.is_array() || rows.empty() || !rows.front().is_object()) return {};
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& [name, value] : rows.front().items()) cells[0].push_back(name);
  for (const Json& row : rows) {
    cells.emplace_back();
    for (const std::string& column : cells[0])
      cells.back().push_back(row.contains(column) ? words(row[column]) : "-");
  }
  std::vector<std::size_t> widths(cells[0].size());
  for (const auto& line : cells)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string out = "\n" + title + "\n";
  for (const auto& line : cells) {
    std::string text = " ";
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += " " + line[i];
      if (i + 1 < line.size()) text.append(widths[i] - line[i].size() + 1, ' ');
    }
    out += text + "\n";
  }
  return out;
}

std::string counter_lines(const Json& groups) {
  std::string out;
  for (const auto& [group, counters] : groups.items()) {
    std::string line;
    if (!counters.is_object()) continue;
    for (const auto& [name, value] : counters.items())
      if (value != 0) line += " " + name + "=" + compact(value);
    if (!line.empty()) out += "  " + group + ":" + line + "\n";
  }
  return out.empty() ? out : "\ncounters (those not 0)\n" + out;
}

}  // namespace

std::string human_status(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("role") || !json.contains("version")) return {};
  const auto field = [&](const char* name) {
    return json.contains(name) ? words(json[name]) : std::string("-");
  };
  std::string out = "sendoff " + field("version") + ", " + field("role") + ", up " +
                    field("uptime_s") + " s since " + field("started") + "\nconfiguration " +
                    field("configuration") + "\n";
  if (json.contains("store") && json["store"].is_object()) {
    const Json& store = json["store"];
    out += "store: " + (store.contains("kind") ? words(store["kind"]) : "-");
    if (store.contains("file") && store["file"].is_string()) out += ", " + words(store["file"]);
    out += "\n";
  }
  if (json.contains("handover")) out += "handover: " + field("handover") + "\n";
  out += "data path: " + field("datapath") + "\n";
  if (json.contains("authorization") && json["authorization"].is_object()) {
    std::string methods;
    for (const auto& [kind, method] : json["authorization"].items())
      methods += (methods.empty() ? "" : ", ") + kind + " " + words(method);
    out += "authorization: " + methods + "\n";
  }
  if (json.contains("warnings"))
    for (const Json& warning : json["warnings"]) out += "warning: " + words(warning) + "\n";
  for (const char* name : {"interfaces", "guard", "keys", "handovers", "bindings", "arrivals",
                           "movements", "neighbours", "associations", "host_protection"})
    if (json.contains(name)) out += table(name, json[name]);
  if (json.contains("counters") && json["counters"].is_object())
    out += counter_lines(json["counters"]);
  return out;
}

}  // namespace sendoff::control
