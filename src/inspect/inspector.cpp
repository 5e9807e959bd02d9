#include "inspect/inspector.h"

#include "inspect/names.h"
#include "inspect/words.h"
#include "wire/icmpv6.h"
#include "wire/mobility.h"

namespace sendoff::inspect {

namespace {

constexpr std::size_t kMaxTunnels = 4;

bool is_chain(std::uint8_t header) {
  return header == wire::kProtocolHopByHop || header == wire::kProtocolRouting ||
         header == wire::kProtocolFragment || header == wire::kProtocolDestinationOptions;
}

// Also of what belongs to our protocols and no parser knows.
std::string name_of(const wire::PacketView& packet) {
  if (const auto name = message_name(packet); !name.empty()) return std::string(name);
  if (packet.upper_protocol == wire::kProtocolMobility &&
      !wire::MobilityHeader::parse(packet.upper))
    return "Mobility Header";
  if (packet.upper_protocol == wire::kProtocolIcmpv6 && !packet.upper.empty() &&
      packet.upper[0] == static_cast<std::uint8_t>(wire::Icmpv6Type::kFastMobility))
    return "type 154";
  return {};
}

// What a packet that cannot be parsed claims to be; empty: nothing of ours. A tunnelled packet that
// the capture cut off counts by what is inside.
std::string claimed_name(const wire::Ipv6Header& header, ByteView packet, std::size_t depth = 0) {
  const ByteView inside = packet.subspan(wire::Ipv6Header::kSize);
  if (header.next_header == wire::kProtocolIpv6 && depth < kMaxTunnels) {
    const auto inner = wire::Ipv6Header::parse(inside);
    return inner ? claimed_name(*inner, inside, depth + 1) : "tunnel";
  }
  if (is_chain(header.next_header)) return "IPv6";
  wire::PacketView view;
  view.upper_protocol = header.next_header;
  view.upper = inside;
  return name_of(view);
}

std::string cut_words(const Frame& frame) {
  return "the capture holds " + std::to_string(frame.octets.size()) + " of the frame's " +
         std::to_string(frame.length) + " octets";
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "good";
    case Verdict::kBad:
      return "bad";
    case Verdict::kNotMade:
      return "not made";
  }
  return "unknown";
}

void Inspector::learn(const Frame& frame) {
  const auto payload = ipv6_in(frame);
  if (!payload) return;
  if (const auto packet = wire::PacketView::parse(payload->packet)) send_.learn(*packet);
}

std::optional<Message> Inspector::look(const Frame& frame) {
  const auto payload = ipv6_in(frame);
  if (!payload) return std::nullopt;
  Message message;
  message.frame = frame.number;
  message.at = frame.at;
  message.from = payload->from;
  look_into(payload->packet, frame, message);
  if (message.name.empty()) return std::nullopt;
  return message;
}

void Inspector::look_into(ByteView packet, const Frame& frame, Message& message) {
  const bool cut = frame.octets.size() < frame.length;
  const auto fault = [&](wire::ParseError error) {
    return cut ? cut_words(frame) : std::string(explain(error));
  };
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header) {
    message.name = "IPv6";
    message.problem = fault(header.error());
    return;
  }
  message.source = header->source;
  message.destination = header->destination;
  const auto view = wire::PacketView::parse(packet);
  if (!view) {
    message.name = claimed_name(*header, packet);
    message.problem = fault(view.error());
    return;
  }
  if (view->upper_protocol == wire::kProtocolIpv6 && message.tunnels.size() < kMaxTunnels) {
    message.tunnels.push_back({header->source, header->destination});
    return look_into(view->upper, frame, message);
  }
  if (view->fragment && view->fragment->offset != 0) return;
  message.name = name_of(*view);
  if (message.name.empty()) return;
  if (view->upper_protocol == wire::kProtocolIcmpv6) return send_.judge(*view, message);
  if (view->upper_protocol == wire::kProtocolEsp) return handovers_.judge_esp(*view, message);
  handovers_.judge_mobility(*view, message);
}

}  // namespace sendoff::inspect
