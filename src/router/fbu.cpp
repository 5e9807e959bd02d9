#include "router/fbu.h"

#include "keys/authenticator.h"

namespace sendoff::router {

std::string_view name(ParCounter counter) {
  switch (counter) {
    case ParCounter::kMalformed:
      return "malformed";
    case ParCounter::kOtherType:
      return "other-type";
    case ParCounter::kNoHomeAddress:
      return "no-home-address";
    case ParCounter::kNotOnLink:
      return "not-on-link";
    case ParCounter::kFlags:
      return "flags";
    case ParCounter::kNonceIndices:
      return "nonce-indices";
    case ParCounter::kCareOfAddress:
      return "care-of-address";
    case ParCounter::kNoKey:
      return "no-key";
    case ParCounter::kKeyExpired:
      return "key-expired";
    case ParCounter::kNoAuthorization:
      return "no-authorization";
    case ParCounter::kSpi:
      return "spi";
    case ParCounter::kMacLength:
      return "mac-length";
    case ParCounter::kMac:
      return "mac";
    case ParCounter::kRepeated:
      return "repeated";
    case ParCounter::kRepeatUnanswered:
      return "repeat-unanswered";
    case ParCounter::kStale:
      return "stale";
    case ParCounter::kStaleUnanswered:
      return "stale-unanswered";
    case ParCounter::kBlocked:
      return "blocked";
    case ParCounter::kProhibited:
      return "prohibited";
    case ParCounter::kNotAsked:
      return "not-asked";
    case ParCounter::kNoLinkAddress:
      return "no-link-address";
    case ParCounter::kNarSilent:
      return "nar-silent";
    case ParCounter::kNarRefused:
      return "nar-refused";
    case ParCounter::kNoResources:
      return "no-resources";
    case ParCounter::kJoined:
      return "joined";
    case ParCounter::kAccepted:
      return "accepted";
    case ParCounter::kEarly:
      return "accepted-early";
    case ParCounter::kEnded:
      return "ended";
    case ParCounter::kExpired:
      return "expired";
    case ParCounter::kCount:
      break;
  }
  return "unknown";
}

std::optional<ParCounter> read_fbu(const std::vector<ServedLink>& links,
                                   const machine::Received& received,
                                   const wire::PacketView& packet, Update& update) {
  const ServedLink* holder = find_holder(links, packet.header.destination);
  if (holder == nullptr || packet.routing) return ParCounter::kMalformed;
  if (!packet.home_address) return ParCounter::kNoHomeAddress;
  update.pcoa = *packet.home_address;
  if (!update.pcoa.is_unicast_routable() || !holder->on_link(update.pcoa))
    return ParCounter::kNotOnLink;
  const auto fbu = wire::FastBindingUpdate::parse(packet.upper);
  if (!fbu) return ParCounter::kMalformed;
  if (!fbu->acknowledge || !fbu->home_registration) return ParCounter::kFlags;
  if (fbu->options.nonce_indices) return ParCounter::kNonceIndices;

  update.arrived_on = received.interface;
  update.frame_source = received.frame_source;
  update.source = packet.header.source;
  update.par = packet.header.destination;
  update.holder = holder->config.id;
  update.fbu = *fbu;
  update.care_of = fbu->options.alternate_care_of.value_or(update.source);
  update.care_of_term = keys::care_of_term(*fbu, update.pcoa, update.source);
  const bool registers = fbu->lifetime_s != 0;
  if (!update.source.is_unicast_routable() ||
      (registers && (!update.care_of.is_unicast_routable() || update.care_of == update.pcoa)))
    return ParCounter::kCareOfAddress;
  return std::nullopt;
}

}  // namespace sendoff::router
