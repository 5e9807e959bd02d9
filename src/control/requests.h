// What a client can ask a daemon for, and how it is written: one JSON object a line, with the
// version of the schema in it (docs/control.md).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "machine/input.h"

namespace sendoff::control {

inline constexpr int kSchema = 1;

struct AskStatus {};
// What happened so far, oldest first; with `follow` also what happens from then on.
struct AskEvents {
  bool follow = false;
};
struct Reload {};
struct SetLogLevel {
  std::string level;
};
struct Stop {};
// Who moves the link tells where it is attached now; no access point: it lost the last one.
struct LinkMoved {
  std::string interface;
  std::optional<LinkAddress> access_point;
};
using Request =
    std::variant<AskStatus, AskEvents, machine::Order, LinkMoved, Reload, SetLogLevel, Stop>;

// Why nothing came of a request: a code for programs, a sentence for people.
struct Refusal {
  std::string code;
  std::string message;
};

[[nodiscard]] Result<Request, Refusal> parse_request(std::string_view line);
// The line of a request, without the newline.
[[nodiscard]] std::string text_of(const Request& request);

// An answer's line. `result` is a JSON object, or empty.
[[nodiscard]] std::string answer_line(const Result<std::string, Refusal>& answer);
// The inverse: the result as JSON text ("{}" where there is none).
[[nodiscard]] Result<std::string, Refusal> parse_answer(std::string_view line);

}  // namespace sendoff::control
