#include "lab/messages.h"

#include <algorithm>
#include <map>

namespace sendoff::lab {

namespace {

Node node_of(Side side) { return side == Side::kPar ? Node::kPar : Node::kNar; }

Side cell_at(const std::vector<Stay>& stays, UtcTime at) {
  Side side = Side::kPar;
  for (const Stay& stay : stays)
    if (stay.since <= at) side = stay.side;
  return side;
}

Node sender_of(const Sighting& sighting) {
  for (const Side side : {Side::kPar, Side::kNar})
    if (sighting.from == place(side).access_link || sighting.from == place(side).core_link)
      return node_of(side);
  return sighting.from == mobile_link() ? Node::kMobile : Node::kCorrespondent;
}

Node receiver_of(const Sighting& sighting, Node sender, const AddressPlan& plan,
                 const std::vector<Stay>& stays) {
  for (const Side side : {Side::kPar, Side::kNar}) {
    const auto& addresses = plan.routers[static_cast<std::size_t>(side)];
    if (std::ranges::find(addresses, sighting.destination) != addresses.end()) return node_of(side);
  }
  if (sender == Node::kMobile &&
      (sighting.destination.is_multicast() || sighting.destination.is_link_local()))
    return node_of(cell_at(stays, sighting.at));
  if (sighting.destination == correspondent_place().address) return Node::kCorrespondent;
  return Node::kMobile;
}

// Remembers messages, to know one again that a router has passed on to the next link. The same
// node's saying it once more is another message.
class Passed {
 public:
  [[nodiscard]] bool again(const Sighting& sighting) {
    const auto [known, fresh] = first_.emplace(sighting.fingerprint, &sighting);
    const bool passed_on = !fresh && known->second->from != sighting.from &&
                           sighting.at - known->second->at < kOnTheWay;
    if (!passed_on) known->second = &sighting;
    return passed_on;
  }

 private:
  static constexpr Duration kOnTheWay = milliseconds(500);
  std::map<std::uint64_t, const Sighting*> first_;
};

}  // namespace

std::string_view name(Node node) {
  switch (node) {
    case Node::kMobile:
      return "MN";
    case Node::kPar:
      return "PAR";
    case Node::kNar:
      return "NAR";
    case Node::kCorrespondent:
      return "CN";
  }
  return "?";
}

std::vector<Message> messages_of(const MessageTraces& traces, const AddressPlan& plan,
                                 const std::vector<Stay>& stays) {
  std::vector<const Sighting*> sightings;
  for (const Trace* trace : {&traces.air, &traces.core})
    for (const Sighting& sighting : *trace)
      if (sighting.kind == Sighting::Kind::kMessage) sightings.push_back(&sighting);
  std::ranges::stable_sort(sightings, {}, &Sighting::at);
  std::vector<Message> messages;
  Passed passed;
  for (const Sighting* sighting : sightings) {
    if (passed.again(*sighting)) continue;
    Message message;
    message.at = sighting->at;
    message.from = sender_of(*sighting);
    message.to = receiver_of(*sighting, message.from, plan, stays);
    message.name = sighting->message;
    if (message.name == "unsolicited NA")
      message.name = message.from == Node::kMobile ? "UNA" : "NA";
    if (message.from != message.to) messages.push_back(std::move(message));
  }
  return messages;
}

const Message* find_message(const std::vector<Message>& messages, std::string_view name,
                            UtcTime since, UtcTime until) {
  const auto found = std::ranges::find_if(messages, [&](const Message& each) {
    return each.at >= since && each.at < until && each.name == name;
  });
  return found == messages.end() ? nullptr : &*found;
}

}  // namespace sendoff::lab
