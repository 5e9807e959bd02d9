// The messages of a handover, each once, with the nodes that it went between: what the ladder
// diagram shows and the phases are read from.
#pragma once

#include <string>
#include <vector>

#include "lab/network.h"
#include "lab/trace.h"

namespace sendoff::lab {

enum class Node : std::uint8_t { kMobile, kPar, kNar, kCorrespondent };
[[nodiscard]] std::string_view name(Node node);  // "MN", "PAR" …

struct Message {
  UtcTime at;
  Node from = Node::kMobile;
  Node to = Node::kPar;
  std::string name;
};

// Which addresses are whose; every other one is the MN's.
struct AddressPlan {
  std::vector<Ipv6Address> routers[2];
};

struct MessageTraces {
  const Trace& air;   // at the MN's link
  const Trace& core;  // at a router's core interface
};

// When the MN entered cells: the first at the beginning.
struct Stay {
  UtcTime since;
  Side side = Side::kPar;
};
// In the order of time. The stays tell where the MN's multicasts went.
[[nodiscard]] std::vector<Message> messages_of(const MessageTraces& traces, const AddressPlan& plan,
                                               const std::vector<Stay>& stays);

// The first message of this name at `since` or later, before `until`.
[[nodiscard]] const Message* find_message(const std::vector<Message>& messages,
                                          std::string_view name, UtcTime since,
                                          UtcTime until = UtcTime::max());

}  // namespace sendoff::lab
