#include "control/event_text.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "control/json_text.h"

namespace sendoff::control {

namespace {

using Json = nlohmann::ordered_json;

std::string field_words(std::string_view name, const std::string& value) {
  const std::string text = printable(value);
  const bool quote = text.empty() || text.find(' ') != std::string::npos;
  return " " + std::string(name) + "=" + (quote ? '"' + text + '"' : text);
}

}  // namespace

std::string event_json(Now at, const machine::Event& event) {
  Json json{{"time", utc_text(at.utc)},
            {"boot_ns", at.boot.time_since_epoch().count()},
            {"event", name(event.kind)}};
  for (const machine::Field& field : event.fields)
    std::visit([&](const auto& value) { json.emplace(std::string(field.name), value); },
               field.value);
  return compact(json);
}

std::string event_words(const machine::Event& event) {
  std::string out(name(event.kind));
  for (const machine::Field& field : event.fields) {
    const auto* text = std::get_if<std::string>(&field.value);
    out +=
        field_words(field.name, text ? *text : std::to_string(std::get<std::int64_t>(field.value)));
  }
  return out;
}

std::string human_event(std::string_view json_line) {
  const Json json = Json::parse(json_line, nullptr, false);
  if (!json.is_object() || !json.contains("event") || !json["event"].is_string() ||
      !json.contains("time") || !json["time"].is_string())
    return printable(json_line);
  const std::string time = json["time"];
  std::string out = time.size() > 23 ? time.substr(11, 12) : time;
  out += " " + json["event"].get<std::string>();
  for (const auto& [name, value] : json.items()) {
    if (name == "time" || name == "boot_ns" || name == "event") continue;
    out +=
        field_words(printable(name), value.is_string() ? value.get<std::string>() : compact(value));
  }
  return printable(out);
}

}  // namespace sendoff::control
