#include "control/event_text.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

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

std::string utc_text(UtcTime utc) {
  using namespace std::chrono;
  const auto since = floor<milliseconds>(utc.time_since_epoch());
  const auto day = floor<days>(since);
  const year_month_day date{sys_days(day)};
  const hh_mm_ss time(since - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text.data();
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

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
