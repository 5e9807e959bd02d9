// Frames and key files as `sendoff decode` reads them: whatever is told of them stays on its line
// and steers no terminal.
#include <optional>

#include "inspect/inspector.h"
#include "inspect/report.h"
#include "target.h"

namespace sendoff::fuzz {

namespace {

constexpr UtcTime kCaptured{seconds(1'780'272'000)};
constexpr std::string_view kKeys =
    "handover 2001:db8:a:1:474:1796:8057:ba69 hmac-sha1-96 "
    "2356c911acd6184ddc9a4bc7e74e0d93970288df\n"
    "esp 0xc7a50e31 424eab8b43d3345f3c0b8bed4da13b110fb0dd4a83c7b8ccc3afc67c2ca5b0a2\n";

ByteView octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool plain(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void frame(std::uint8_t link, ByteView octets) {
  inspect::Frame frame;
  frame.number = 1;
  frame.at = kCaptured;
  frame.link = static_cast<inspect::LinkType>(link);
  frame.octets = octets;
  frame.length = octets.size();
  inspect::Inspector inspector(*inspect::parse_keys(octets_of(kKeys)), {});
  inspector.learn(frame);
  for (int again = 0; again < 2; ++again) {
    const auto message = inspector.look(frame);
    if (!message) return;
    require(!message->name.empty(), "a message has a name");
    require(!message->checks.empty() || !message->problem.empty(),
            "a message is judged, or said to be malformed");
    for (const inspect::Line& line : message->lines)
      require(plain(line.name) && plain(line.text), "a field is plain text");
    for (const inspect::Check& check : message->checks)
      require(plain(check.why) && !check.why.empty(), "a check says why in plain text");
    require(plain(inspect::json_of(*message)), "JSON stays on its line");
    require(inspect::text_of(*message).ends_with('\n'), "text ends its last line");
  }
}

}  // namespace

void inspect(ByteView input) {
  if (input.empty()) return;
  const Bytes octets = to_bytes(input.subspan(1));
  if (input[0] % 5 < 4)
    frame(input[0] % 5, octets);
  else
    (void)inspect::parse_keys(octets);
}

}  // namespace sendoff::fuzz
