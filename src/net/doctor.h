// What this kernel and host can do: one line a feature, probed and not guessed, for
// `sendoff doctor`. Changes nothing that stays; needs no privilege, but knows more with it.
#pragma once

#include <string>
#include <vector>

namespace sendoff::net {

struct Finding {
  std::string feature;  // "AF_PACKET socket"
  bool available = false;
  bool required = false;  // without it the daemons do not run
  std::string detail;     // version or reason: "Operation not permitted: needs CAP_NET_RAW"
  std::string used_for;   // "receiving RtSolPr, RS and FBU"
};

[[nodiscard]] std::vector<Finding> examine_host();

}  // namespace sendoff::net
