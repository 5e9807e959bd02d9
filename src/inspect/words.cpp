// The fields of ICMPv6 messages. Options: words_options.cpp.
#include "inspect/words.h"

#include "crypto/rsa.h"
#include "inspect/word_list.h"
#include "wire/icmpv6.h"

namespace sendoff::inspect {

namespace {

using wire::Icmpv6Type;

std::string preference_words(std::uint8_t preference) {
  if (preference == 1) return ", preference high";
  return preference == 3 ? ", preference low" : "";
}

void tell(const wire::RouterSolicitation&, WordList&) {}

void tell(const wire::RouterAdvertisement& ra, WordList& words) {
  words.add("router lifetime",
            std::to_string(ra.router_lifetime_s) + " s" + preference_words(ra.preference));
  if (ra.managed || ra.other || ra.home_agent)
    words.add("flags", std::string(ra.managed ? "M" : "") + (ra.other ? "O" : "") +
                           (ra.home_agent ? "H" : ""));
  if (ra.current_hop_limit != 0) words.add("hop limit", ra.current_hop_limit);
  if (ra.reachable_time_ms != 0)
    words.add("reachable time", std::to_string(ra.reachable_time_ms) + " ms");
  if (ra.retransmission_timer_ms != 0)
    words.add("retransmission timer", std::to_string(ra.retransmission_timer_ms) + " ms");
}

void tell(const wire::NeighborSolicitation& ns, WordList& words) {
  words.add("target", ns.target.text());
}

void tell(const wire::NeighborAdvertisement& na, WordList& words) {
  words.add("target", na.target.text());
  words.add("flags", std::string(na.router ? "router " : "") + (na.solicited ? "solicited " : "") +
                         (na.override_flag ? "override" : "no override"));
}

void tell(const wire::Redirect& redirect, WordList& words) {
  words.add("target", redirect.target.text());
  words.add("destination", redirect.destination.text());
}

void tell(const wire::CertificationPathSolicitation& cps, WordList& words) {
  words.add("identifier", cps.identifier);
  words.add("component", cps.component == wire::CertificationPathSolicitation::kAllComponents
                             ? "all of them"
                             : std::to_string(cps.component));
}

void tell(const wire::CertificationPathAdvertisement& cpa, WordList& words) {
  words.add("identifier", cpa.identifier);
  words.add("component", cpa.all_components == 0 ? "none: the router has no path"
                                                 : std::to_string(cpa.component) + " of " +
                                                       std::to_string(cpa.all_components));
}

void tell(const wire::RtSolPr& rtsolpr, WordList& words) {
  words.add("identifier", rtsolpr.identifier);
}

void tell(const wire::PrRtAdv& prrtadv, WordList& words) {
  constexpr std::array<std::string_view, 6> kCodes = {"routers of the access points",
                                                      "move at once (network-initiated)",
                                                      "no information on the new router",
                                                      "information on some access points",
                                                      "unsolicited",
                                                      "addresses come by DHCP"};
  words.add("identifier", prrtadv.identifier);
  words.add("code", words_of(prrtadv.code, kCodes));
}

void tell(const wire::PacketTooBig& error, WordList& words) { words.add("mtu", error.mtu); }

void tell(const wire::ParameterProblem& error, WordList& words) {
  constexpr std::array<std::string_view, 3> kCodes = {"erroneous field", "unrecognised next header",
                                                      "unrecognised option"};
  words.add("code", words_of(error.code, kCodes));
  words.add("pointer", error.pointer);
}

template <typename T>
void tell_as(ByteView icmp, WordList& words) {
  const auto parsed = T::parse(icmp);
  if (!parsed) return words.fault(std::string(explain(parsed.error())));
  tell(*parsed, words);
  tell_options(icmp, words);
}

void tell_fast_mobility(ByteView icmp, WordList& words) {
  if (icmp.size() > 4 && icmp[4] == wire::kSubtypePrRtAdv)
    tell_as<wire::PrRtAdv>(icmp, words);
  else
    tell_as<wire::RtSolPr>(icmp, words);
}

}  // namespace

std::string_view explain(wire::ParseError error) {
  switch (error) {
    case wire::ParseError::kTruncated:
      return "it ends too early";
    case wire::ParseError::kVersion:
      return "its IP version is not 6";
    case wire::ParseError::kExtensionHeaders:
      return "its extension headers cannot be walked";
    case wire::ParseError::kType:
      return "its type is another one";
    case wire::ParseError::kLength:
      return "a length in it is not allowed";
    case wire::ParseError::kZeroLengthOption:
      return "an option has length 0";
    case wire::ParseError::kOptionOverrun:
      return "an option goes on behind its end";
    case wire::ParseError::kPadLength:
      return "its Pad Length does not fit";
    case wire::ParseError::kValue:
      return "a value in it is not allowed";
    case wire::ParseError::kCount:
      break;
  }
  return "unknown";
}

void tell_icmpv6(ByteView icmp, Message& message) {
  WordList words(message);
  if (icmp.empty()) return words.fault("it is empty");
  switch (Icmpv6Type{icmp[0]}) {
    case Icmpv6Type::kRouterSolicitation:
      return tell_as<wire::RouterSolicitation>(icmp, words);
    case Icmpv6Type::kRouterAdvertisement:
      return tell_as<wire::RouterAdvertisement>(icmp, words);
    case Icmpv6Type::kNeighborSolicitation:
      return tell_as<wire::NeighborSolicitation>(icmp, words);
    case Icmpv6Type::kNeighborAdvertisement:
      return tell_as<wire::NeighborAdvertisement>(icmp, words);
    case Icmpv6Type::kRedirect:
      return tell_as<wire::Redirect>(icmp, words);
    case Icmpv6Type::kCertificationPathSolicitation:
      return tell_as<wire::CertificationPathSolicitation>(icmp, words);
    case Icmpv6Type::kCertificationPathAdvertisement:
      return tell_as<wire::CertificationPathAdvertisement>(icmp, words);
    case Icmpv6Type::kFastMobility:
      return tell_fast_mobility(icmp, words);
    case Icmpv6Type::kPacketTooBig:
      return tell_as<wire::PacketTooBig>(icmp, words);
    case Icmpv6Type::kParameterProblem:
      return tell_as<wire::ParameterProblem>(icmp, words);
  }
}

std::optional<UtcTime> time_of_timestamp(std::uint64_t value) {
  constexpr std::uint64_t kFarthestSecond = 9'000'000'000;
  const std::uint64_t second = value >> 16;
  if (second > kFarthestSecond) return std::nullopt;
  const std::uint64_t ns = (value & 0xffff) * 1'000'000'000 >> 16;
  return UtcTime(seconds(static_cast<std::int64_t>(second)) +
                 Duration(static_cast<std::int64_t>(ns)));
}

std::string key_words(ByteView spki) {
  const auto key = crypto::RsaPublicKey::parse(spki, {.min_bits = 384, .max_bits = 16384});
  if (!key) return "no RSA key: " + std::string(name(key.error()));
  return "RSA, " + std::to_string(key->bits()) + " bits, exponent " +
         std::to_string(key->exponent());
}

}  // namespace sendoff::inspect
