#include "mobile/counters.h"

namespace sendoff::mobile {

std::string_view name(MobileCounter counter) {
  static constexpr std::string_view kNames[] = {
      "requests",
      "retransmissions",
      "unanswered",
      "no-global-address",
      "too-big",
      "not-signed",
      "unsecured",
      "repeated",
      "unknown-nonce",
      "unsolicited",
      "second-answer",
      "uncertified",
      "held",
      "held-dropped",
      "not-decrypted",
      "link-left",
      "malformed",
      "no-reply",
      "unsolicited-reply",
      "two-replies",
      "malformed-reply",
      "unknown-algorithm",
      "downgrade",
      "zero-lifetime",
      "not-requested",
      "no-router-address",
      "keys-received",
      "fbu-sent",
      "fback-accepted",
      "fback-refused",
      "fback-unexpected",
      "fback-unauthenticated",
      "fback-resynchronised",
      "fbu-unanswered",
      "bindings-lapsed",
      "store-failed",
      "binding-errors",
      "tunnels-refused",
      "switches-failed",
      "landings",
      "una-sent",
      "una-unsigned",
      "proxy-answers",
      "address-collisions",
      "naack-followed",
      "naack-ignored",
      "dhcp-failed",
  };
  static_assert(std::size(kNames) == MobileCounters::kSize);
  return counter < MobileCounter::kCount ? kNames[std::to_underlying(counter)] : "unknown";
}

}  // namespace sendoff::mobile
