#include "inspect/report.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace sendoff::inspect {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kColumn = 26;

std::string padded(std::string text, std::size_t size) {
  if (text.size() < size) text.resize(size, ' ');
  return text;
}

// What the eye finds first.
std::string mark(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "  + ";
    case Verdict::kBad:
      return "  ! ";
    case Verdict::kNotMade:
      break;
  }
  return "  ? ";
}

std::string way(const Ipv6Address& source, const Ipv6Address& destination) {
  return source.text() + " > " + destination.text();
}

}  // namespace

std::string text_of(const Message& message) {
  std::string text = "#" + std::to_string(message.frame) + " " + utc_text(message.at) + " " +
                     message.name + " " + way(message.source, message.destination);
  for (const Tunnel& tunnel : message.tunnels)
    text += ", in a tunnel " + way(tunnel.source, tunnel.destination);
  text += "\n";
  if (!message.problem.empty()) text += "  ! malformed: " + message.problem + "\n";
  for (const Line& line : message.lines)
    text += "    " + padded(line.name, kColumn) + " " + line.text + "\n";
  for (const Check& check : message.checks)
    text += mark(check.verdict) + padded(std::string(check.name), kColumn) + " " +
            std::string(name(check.verdict)) + ": " + check.why + "\n";
  return text;
}

std::string json_of(const Message& message) {
  Json tunnels = Json::array();
  for (const Tunnel& tunnel : message.tunnels)
    tunnels.push_back(
        {{"source", tunnel.source.text()}, {"destination", tunnel.destination.text()}});
  Json fields = Json::array();
  for (const Line& line : message.lines)
    fields.push_back({{"name", line.name}, {"text", line.text}});
  Json checks = Json::array();
  for (const Check& check : message.checks)
    checks.push_back({{"check", check.name}, {"verdict", name(check.verdict)}, {"why", check.why}});
  const Json json{{"frame", message.frame},
                  {"time", utc_text(message.at)},
                  {"from", message.from.empty() ? Json(nullptr) : Json(message.from.text())},
                  {"message", message.name},
                  {"source", message.source.text()},
                  {"destination", message.destination.text()},
                  {"tunnels", std::move(tunnels)},
                  {"malformed", message.problem.empty() ? Json(nullptr) : Json(message.problem)},
                  {"fields", std::move(fields)},
                  {"checks", std::move(checks)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sendoff::inspect
