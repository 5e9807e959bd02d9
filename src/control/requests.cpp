#include "control/requests.h"

#include <nlohmann/json.hpp>

#include "base/overloaded.h"
#include "control/json_text.h"

namespace sendoff::control {

namespace {

using Json = nlohmann::ordered_json;

std::string text_field(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::optional<LinkAddress>, Refusal> access_point(const Json& json) {
  const std::string text = text_field(json, "access_point");
  if (text.empty()) return std::optional<LinkAddress>();
  const auto address = LinkAddress::parse(text);
  if (!address || address->empty())
    return fail(Refusal{"bad-request",
                        "access_point must be a link-layer address such as "
                        "02:00:5e:00:53:01"});
  return address;
}

Result<Request, Refusal> request_key(const Json& json) {
  machine::RequestKey request;
  const Json list = json.value("access_points", Json::array());
  for (const Json& each : list.is_array() ? list : Json::array({nullptr})) {
    const auto address = LinkAddress::parse(each.is_string() ? each.get<std::string>() : "");
    if (!address || address->empty())
      return fail(Refusal{"bad-request", "access_points must be a list of link-layer addresses"});
    request.access_points.push_back(*address);
  }
  if (const std::string text = text_field(json, "destination"); !text.empty()) {
    request.destination = Ipv6Address::parse(text);
    if (!request.destination)
      return fail(Refusal{"bad-request", "destination must be an IPv6 address"});
  }
  return Request(machine::Order(std::move(request)));
}

Result<Request, Refusal> request_with_place(const Json& json, const std::string& command) {
  const auto place = access_point(json);
  if (!place) return fail(place.error());
  if (command == "handover") {
    if (!*place) return fail(Refusal{"bad-request", "handover needs an access_point"});
    return Request(machine::Order(machine::HandOver{**place}));
  }
  if (command == "advise") {
    const std::string mn = text_field(json, "mn");
    machine::Advise advise;
    advise.access_point = *place;
    if (const auto address = Ipv6Address::parse(mn)) {
      advise.mn = *address;
    } else {
      const auto link_address = LinkAddress::parse(mn);
      if (!link_address || link_address->empty())
        return fail(
            Refusal{"bad-request",
                    "advise needs the node in mn: its IPv6 address or its link-layer address"});
      advise.mn = *link_address;
    }
    if (json.contains("care_of")) {
      advise.new_care_of = Ipv6Address::parse(text_field(json, "care_of"));
      if (!advise.new_care_of || !advise.access_point)
        return fail(Refusal{"bad-request", "care_of must be an IPv6 address, with access_point"});
    }
    return Request(machine::Order(advise));
  }
  const std::string interface = text_field(json, "interface");
  if (interface.empty()) return fail(Refusal{"bad-request", "link-moved needs an interface"});
  return Request(LinkMoved{interface, *place});
}

}  // namespace

Result<Request, Refusal> parse_request(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object())
    return fail(Refusal{"bad-request", "a request is one JSON object on one line"});
  const auto schema = json.find("schema");
  if (schema == json.end() || !schema->is_number_integer() || *schema != kSchema)
    return fail(Refusal{"unknown-schema", "this daemon speaks \"schema\": 1"});
  const std::string command = text_field(json, "command");
  if (command == "status") return Request(AskStatus{});
  if (command == "events") {
    const auto follow = json.find("follow");
    return Request(AskEvents{follow != json.end() && follow->is_boolean() && follow->get<bool>()});
  }
  if (command == "handover" || command == "link-moved" || command == "advise")
    return request_with_place(json, command);
  if (command == "request-key") return request_key(json);
  if (command == "binding-complete") return Request(machine::Order(machine::BindingComplete{}));
  if (command == "reload") return Request(Reload{});
  if (command == "log-level") return Request(SetLogLevel{text_field(json, "level")});
  if (command == "stop") return Request(Stop{});
  return fail(Refusal{"unknown-command", "there is no such command; see docs/control.md"});
}

std::string text_of(const Request& request) {
  Json json{{"schema", kSchema}};
  const auto order = Overloaded{
      [&](const machine::HandOver& to) {
        json["command"] = "handover";
        json["access_point"] = to.access_point.text();
      },
      [&](const machine::RequestKey& asked) {
        json["command"] = "request-key";
        for (const LinkAddress& address : asked.access_points)
          json["access_points"].push_back(address.text());
        if (asked.destination) json["destination"] = asked.destination->text();
      },
      [&](const machine::BindingComplete&) { json["command"] = "binding-complete"; },
      [&](const machine::Advise& advise) {
        json["command"] = "advise";
        json["mn"] = std::visit([](const auto& address) { return address.text(); }, advise.mn);
        if (advise.access_point) json["access_point"] = advise.access_point->text();
        if (advise.new_care_of) json["care_of"] = advise.new_care_of->text();
      },
  };
  std::visit(Overloaded{
                 [&](const AskStatus&) { json["command"] = "status"; },
                 [&](const AskEvents& events) {
                   json["command"] = "events";
                   json["follow"] = events.follow;
                 },
                 [&](const machine::Order& what) { std::visit(order, what); },
                 [&](const LinkMoved& moved) {
                   json["command"] = "link-moved";
                   json["interface"] = moved.interface;
                   if (moved.access_point) json["access_point"] = moved.access_point->text();
                 },
                 [&](const Reload&) { json["command"] = "reload"; },
                 [&](const SetLogLevel& level) {
                   json["command"] = "log-level";
                   json["level"] = level.level;
                 },
                 [&](const Stop&) { json["command"] = "stop"; },
             },
             request);
  return compact(json);
}

std::string answer_line(const Result<std::string, Refusal>& answer) {
  Json json{{"schema", kSchema}, {"ok", answer.has_value()}};
  if (!answer) {
    json["error"] = {{"code", answer.error().code}, {"message", answer.error().message}};
  } else if (!answer->empty()) {
    json["result"] = Json::parse(*answer, nullptr, false);
  }
  return compact(json);
}

Result<std::string, Refusal> parse_answer(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  const auto ok = json.is_object() ? json.find("ok") : json.end();
  if (!json.is_object() || ok == json.end() || !ok->is_boolean())
    return fail(Refusal{"bad-answer", "the daemon's answer is not understood; same version?"});
  if (!ok->get<bool>()) {
    const auto error = json.find("error");
    if (error == json.end() || !error->is_object())
      return fail(Refusal{"bad-answer", "the daemon refused without a reason"});
    return fail(Refusal{text_field(*error, "code"), text_field(*error, "message")});
  }
  const auto result = json.find("result");
  return result == json.end() ? std::string("{}") : compact(*result);
}

}  // namespace sendoff::control
