#include "nd/mobility_gate.h"

#include "wire/icmpv6.h"

namespace sendoff::nd {

namespace {

using wire::MobilityType;

// Of the message types of Fast Mobile IPv6.
constexpr std::size_t kMinimum = 16;
// RFC 4443 2.4 (c): as much of the invoking packet as keeps the answer within the minimum MTU.
constexpr std::size_t kMaxInvoking = 1280 - wire::Ipv6Header::kSize - 8;
// Status of a Binding Error.
constexpr std::uint8_t kUnknownBinding = 1;
constexpr std::uint8_t kUnrecognisedType = 2;
constexpr std::uint32_t kHeaderLengthOffset = 1;
constexpr std::uint8_t kLastOfMobileIpv6 = 7;

// Types 0 to 7 are Mobile IPv6's own: another program of the host may handle them.
bool known(MobilityType type) {
  return static_cast<std::uint8_t>(type) <= kLastOfMobileIpv6 ||
         type == MobilityType::kFastBindingUpdate ||
         type == MobilityType::kFastBindingAcknowledgement ||
         type == MobilityType::kHandoverInitiate || type == MobilityType::kHandoverAcknowledge;
}

std::optional<MobilityCounter> fault_of(const wire::MobilityHeader& header) {
  if (!known(header.type)) return MobilityCounter::kUnknownType;
  if (header.payload_protocol != wire::kProtocolNoNext) return MobilityCounter::kPayloadProtocol;
  if (static_cast<std::uint8_t>(header.type) > kLastOfMobileIpv6 && header.octets() < kMinimum)
    return MobilityCounter::kTooShort;
  return std::nullopt;
}

Bytes binding_error(const wire::PacketView& packet, std::uint8_t status) {
  wire::BindingError error;
  error.status = status;
  error.home_address = packet.home_address.value_or(Ipv6Address{});
  Bytes header;
  append(header, error);
  wire::seal_mobility(packet.header.destination, packet.header.source, header);
  return header;
}

Bytes parameter_problem(const wire::PacketView& packet, std::uint32_t pointer, ByteView invoking) {
  wire::ParameterProblem problem;
  problem.pointer = pointer;
  problem.invoking = invoking.first(std::min(invoking.size(), kMaxInvoking));
  Bytes message;
  append(message, problem);
  wire::seal_icmpv6(packet.header.destination, packet.header.source, message);
  return message;
}

}  // namespace

std::string_view name(MobilityCounter counter) {
  switch (counter) {
    case MobilityCounter::kNotOurAddress:
      return "not-our-address";
    case MobilityCounter::kFragment:
      return "fragment";
    case MobilityCounter::kTruncated:
      return "truncated";
    case MobilityCounter::kChecksum:
      return "checksum";
    case MobilityCounter::kUnknownType:
      return "unknown-type";
    case MobilityCounter::kPayloadProtocol:
      return "payload-protocol";
    case MobilityCounter::kTooShort:
      return "too-short";
    case MobilityCounter::kNoBinding:
      return "no-binding";
    case MobilityCounter::kAnswered:
      return "answered";
    case MobilityCounter::kUnanswered:
      return "unanswered";
    case MobilityCounter::kCount:
      break;
  }
  return "unknown";
}

std::optional<wire::MobilityHeader> MobilityGate::admit(Now now, const machine::Received& received,
                                                        const wire::PacketView& packet, bool ours) {
  const auto drop = [&](MobilityCounter why) {
    counters_.add(why);
    return std::nullopt;
  };
  if (!ours) return drop(MobilityCounter::kNotOurAddress);
  if (packet.fragment || received.arrived_as_fragment) return drop(MobilityCounter::kFragment);
  const auto header = wire::MobilityHeader::parse(packet.upper);
  if (!header) return drop(MobilityCounter::kTruncated);
  const Ipv6Address& source = packet.home_address ? *packet.home_address : packet.header.source;
  const Ipv6Address& destination =
      packet.routing ? packet.routing->home_address : packet.header.destination;
  if (!wire::mobility_checksum_ok(source, destination, packet.upper.first(header->octets())))
    return drop(MobilityCounter::kChecksum);
  const auto why = fault_of(*header);
  if (!why) return *header;
  refuse(now, *why, received, packet);
  return std::nullopt;
}

void MobilityGate::refuse_home_address(Now now, const machine::Received& received,
                                       const wire::PacketView& packet, bool ours) {
  // An option that names no node's address says nothing worth an answer (FH-6275-16).
  if (!ours || !packet.home_address->is_unicast_routable())
    return counters_.add(MobilityCounter::kNotOurAddress);
  refuse(now, MobilityCounter::kNoBinding, received, packet);
}

void MobilityGate::refuse(Now now, MobilityCounter why, const machine::Received& received,
                          const wire::PacketView& packet) {
  counters_.add(why);
  const Ipv6Address& source = packet.header.source;
  const bool unicast = !source.is_multicast() && !source.is_unspecified() && !source.is_loopback();
  if (!unicast || !answers_.take(now.boot)) return counters_.add(MobilityCounter::kUnanswered);
  counters_.add(MobilityCounter::kAnswered);
  wire::Ipv6Header ip;
  ip.source = packet.header.destination;
  ip.destination = source;
  Bytes upper;
  if (why == MobilityCounter::kUnknownType) {
    ip.next_header = wire::kProtocolMobility;
    upper = binding_error(packet, kUnrecognisedType);
  } else if (why == MobilityCounter::kNoBinding) {
    ip.next_header = wire::kProtocolMobility;
    upper = binding_error(packet, kUnknownBinding);
  } else {
    ip.next_header = wire::kProtocolIcmpv6;
    auto pointer = static_cast<std::uint32_t>(packet.upper.data() - received.packet.data());
    if (why == MobilityCounter::kTooShort) pointer += kHeaderLengthOffset;
    upper = parameter_problem(packet, pointer, received.packet);
  }
  outbox_.push(
      machine::Transmit{received.interface, std::nullopt, wire::build_packet(ip, {}, upper), true});
}

}  // namespace sendoff::nd
