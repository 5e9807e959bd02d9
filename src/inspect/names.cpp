#include "inspect/names.h"

#include "esp/packet.h"
#include "wire/icmpv6.h"
#include "wire/mobility.h"
#include "wire/nd_options.h"

namespace sendoff::inspect {

namespace {

bool has_naack(ByteView message) {
  const auto offset = wire::options_offset(message);
  if (!offset) return false;
  const auto options = wire::OptionList::parse(message.subspan(*offset));
  if (!options) return false;
  for (const wire::RawOption& option : *options)
    if (option.type == wire::OptionType::kNaack) return true;
  return false;
}

std::string_view icmpv6_name(ByteView message) {
  using enum wire::Icmpv6Type;
  const auto header = wire::Icmpv6Header::parse(message);
  if (!header) return {};
  switch (wire::Icmpv6Type{header->type}) {
    case kRouterSolicitation:
      return "RS";
    case kRouterAdvertisement:
      return has_naack(message) ? "RA with NAACK" : "RA";
    case kNeighborSolicitation:
      return "NS";
    case kNeighborAdvertisement: {
      const auto advertisement = wire::NeighborAdvertisement::parse(message);
      return advertisement && !advertisement->solicited ? "unsolicited NA" : "NA";
    }
    case kRedirect:
      return "Redirect";
    case kCertificationPathSolicitation:
      return "CPS";
    case kCertificationPathAdvertisement:
      return "CPA";
    case kFastMobility:
      if (wire::RtSolPr::parse(message)) return "RtSolPr";
      return wire::PrRtAdv::parse(message) ? "PrRtAdv" : "";
    case kPacketTooBig:
      return "Packet Too Big";
    case kParameterProblem:
      return "Parameter Problem";
  }
  return {};
}

// With NULL encryption what ESP protects is there to be read (docs/esp.md); nothing is proved by
// it.
std::string_view esp_name(ByteView packet) {
  if (!esp::Header::parse(packet)) return "ESP";
  const auto content = esp::Content::parse(packet);
  if (!content || content->next_header != wire::kProtocolMobility) return "ESP";
  const std::string_view inside = mobility_name(content->payload);
  if (inside == "HI") return "HI in ESP";
  return inside == "HAck" ? "HAck in ESP" : "ESP";
}

}  // namespace

std::string_view mobility_name(ByteView header) {
  using enum wire::MobilityType;
  const auto head = wire::MobilityHeader::parse(header);
  if (!head) return {};
  switch (head->type) {
    case kFastBindingUpdate:
      return "FBU";
    case kFastBindingAcknowledgement:
      return "FBack";
    case kHandoverInitiate:
      return "HI";
    case kHandoverAcknowledge:
      return "HAck";
    case kBindingError:
      return "Binding Error";
  }
  return {};
}

std::string_view message_name(const wire::PacketView& packet) {
  switch (packet.upper_protocol) {
    case wire::kProtocolIcmpv6:
      return icmpv6_name(packet.upper);
    case wire::kProtocolMobility:
      return mobility_name(packet.upper);
    case wire::kProtocolEsp:
      return esp_name(packet.upper);
    default:
      return {};
  }
}

}  // namespace sendoff::inspect
