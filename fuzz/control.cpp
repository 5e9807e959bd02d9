// Lines of the control socket. A request that is understood is written as one that means the same.
#include "control/requests.h"
#include "memory.h"
#include "target.h"

namespace sendoff::fuzz {

namespace {

// Far more than a line of the size that the server takes needs, in pieces of a JSON tree.
constexpr std::size_t kMostOctetsOfOne = 1024;

void request(std::string_view line) {
  const Allocations before;
  const auto parsed = control::parse_request(line);
  require(before.octets() <= kMostOctetsOfOne * (line.size() + 16),
          "a request takes memory in proportion to its line");
  if (!parsed) return require(!parsed.error().code.empty(), "a refusal has a code");
  const std::string sent = control::text_of(*parsed);
  require(sent.find('\n') == std::string::npos, "a request is one line");
  const auto again = control::parse_request(sent);
  require(again.has_value(), "what is sent is understood");
  require(again->index() == parsed->index() && control::text_of(*again) == sent,
          "what is sent means the same");
}

void answer(std::string_view line) {
  const auto parsed = control::parse_answer(line);
  const std::string sent = control::answer_line(parsed);
  require(sent.find('\n') == std::string::npos, "an answer is one line");
  const auto again = control::parse_answer(sent);
  require(again.has_value() == parsed.has_value(), "a refusal stays a refusal");
  require(control::answer_line(again) == sent, "an answer is written the same");
}

}  // namespace

void control(ByteView input) {
  if (input.empty()) return;
  const std::string line(input.begin() + 1, input.end());
  if (input[0] % 2 == 0)
    request(line);
  else
    answer(line);
}

}  // namespace sendoff::fuzz
