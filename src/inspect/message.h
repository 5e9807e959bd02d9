// One message of a capture in words, with what the checks of a receiver say of it. For people and
// for JSON alike (text.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace sendoff::inspect {

enum class Verdict : std::uint8_t { kGood, kBad, kNotMade };
[[nodiscard]] std::string_view name(Verdict verdict);  // "good", "bad", "not made"

// A check by one of these names: "form", "cga", "signature", "timestamp", "nonce", "certificate",
// "mac", "esp". `why` says what was found, or why the check cannot be made.
struct Check {
  std::string_view name;
  Verdict verdict = Verdict::kNotMade;
  std::string why;
};

// A field or an option: what it is called and what it says.
struct Line {
  std::string name;
  std::string text;
};

struct Tunnel {
  Ipv6Address source;
  Ipv6Address destination;
};

struct Message {
  std::uint64_t frame = 0;  // its number in the capture
  UtcTime at;
  LinkAddress from;             // of the frame; empty where the link type does not say
  std::vector<Tunnel> tunnels;  // that it travelled in, the outermost first
  Ipv6Address source;
  Ipv6Address destination;
  std::string name;  // "RtSolPr", "FBU" …; what it claims to be where it is malformed
  std::vector<Line> lines;
  std::vector<Check> checks;
  std::string problem;  // why it is not what it claims to be; empty when it is
};

}  // namespace sendoff::inspect
