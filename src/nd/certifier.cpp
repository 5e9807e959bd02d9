#include "nd/certifier.h"

#include "pki/names.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::nd {

namespace {

using wire::OptionType;
using wire::TrustAnchorOption;

// A domain name as a Trust Anchor option of type 2 holds it: length-prefixed labels, lower case.
Bytes dns_wire_name(std::string_view text) {
  Bytes octets;
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    octets.push_back(static_cast<std::uint8_t>(dot));
    for (char c : text.substr(0, dot))
      octets.push_back(static_cast<std::uint8_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  octets.push_back(0);
  return octets;
}

Bytes lower_case(ByteView name) {
  Bytes octets = to_bytes(name);
  for (std::uint8_t& octet : octets)
    if (octet >= 'A' && octet <= 'Z') octet = static_cast<std::uint8_t>(octet - 'A' + 'a');
  return octets;
}

}  // namespace

std::string_view name(CertifierCounter counter) {
  switch (counter) {
    case CertifierCounter::kSolicitations:
      return "solicitations";
    case CertifierCounter::kMalformed:
      return "malformed";
    case CertifierCounter::kUnknownAnchor:
      return "unknown-anchor";
    case CertifierCounter::kNoComponent:
      return "no-component";
    case CertifierCounter::kRateLimited:
      return "rate-limited";
    case CertifierCounter::kAdvertisements:
      return "advertisements";
    case CertifierCounter::kCount:
      break;
  }
  return "unknown";
}

Certifier::Certifier(const CertifierConfig& config, machine::Outbox& outbox)
    : config_(config), outbox_(outbox) {}

// MAX_CPA_RATE in any second, not only on average: a bucket lets twice as many pass in the first.
bool Certifier::within_rate(Instant now) {
  while (!sent_.empty() && now - sent_.front() >= seconds(1)) sent_.pop_front();
  if (sent_.size() >= config_.max_cpa_s) return false;
  sent_.push_back(now);
  return true;
}

bool Certifier::names_our_anchor(ByteView trust_anchor_option) const {
  const auto option = TrustAnchorOption::parse(trust_anchor_option);
  if (!option) return false;
  switch (option->name_type) {
    case TrustAnchorOption::NameType::kDerName:
      return pki::names_match(option->name, config_.anchor.subject_name);
    case TrustAnchorOption::NameType::kFqdn:
      return std::ranges::any_of(config_.anchor_fqdns, [&](const std::string& fqdn) {
        return dns_wire_name(fqdn) == lower_case(option->name);
      });
    case TrustAnchorOption::NameType::kSkiSha1:
    case TrustAnchorOption::NameType::kSkiSha224:
    case TrustAnchorOption::NameType::kSkiSha256:
    case TrustAnchorOption::NameType::kSkiSha384:
    case TrustAnchorOption::NameType::kSkiSha512:
      // GS23: octets and length of the anchor's own extension decide, whatever the hash.
      return !option->name.empty() && equal(option->name, config_.anchor.key_identifier);
  }
  return false;
}

void Certifier::handle(Now now, const send::Message& solicitation, const Ipv6Address& own) {
  counters_.add(CertifierCounter::kSolicitations);
  const auto cps = wire::CertificationPathSolicitation::parse(solicitation.icmp);
  const auto first = solicitation.options.first(OptionType::kTrustAnchor);
  const auto first_anchor =
      first ? TrustAnchorOption::parse(first->octets)
            : wire::Parsed<TrustAnchorOption>(fail(wire::ParseError::kTruncated));
  const bool readable = std::ranges::all_of(solicitation.options, [](const wire::RawOption& each) {
    return each.type != OptionType::kTrustAnchor || TrustAnchorOption::parse(each.octets);
  });
  // GS13: without a first DER name the message does not conform.
  if (!cps || cps->identifier == 0 || !readable || !first_anchor ||
      first_anchor->name_type != TrustAnchorOption::NameType::kDerName) {
    counters_.add(CertifierCounter::kMalformed);
    return;
  }
  Bytes asked;
  for (const wire::RawOption& option : solicitation.options) {
    if (option.type != OptionType::kTrustAnchor) continue;
    if (names_our_anchor(option.octets)) {
      const std::size_t count = config_.path.size();
      if (cps->component == wire::CertificationPathSolicitation::kAllComponents) {
        for (std::size_t left = count; left-- > 0;)
          advertise(now, solicitation, own, static_cast<std::uint16_t>(left),
                    left + 1 == count ? option.octets : ByteView{}, true);
      } else if (cps->component < count) {
        advertise(now, solicitation, own, cps->component, option.octets, true);
      } else {
        counters_.add(CertifierCounter::kNoComponent);
      }
      return;
    }
    asked.insert(asked.end(), option.octets.begin(), option.octets.end());
  }
  counters_.add(CertifierCounter::kUnknownAnchor);
  advertise(now, solicitation, own, 0, asked, false);
}

void Certifier::advertise(Now now, const send::Message& solicitation, const Ipv6Address& own,
                          std::uint16_t component, ByteView trust_anchors, bool with_certificate) {
  if (!within_rate(now.boot)) {
    counters_.add(CertifierCounter::kRateLimited);
    return;
  }
  const bool to_all = solicitation.source.is_unspecified();
  const Ipv6Address destination = to_all ? kAllNodes : solicitation.source.solicited_node();
  const auto cps = wire::CertificationPathSolicitation::parse(solicitation.icmp);
  Bytes message;
  append(message,
         wire::CertificationPathAdvertisement{
             .identifier = to_all ? std::uint16_t{0} : cps->identifier,
             .all_components = with_certificate ? static_cast<std::uint16_t>(config_.path.size())
                                                : std::uint16_t{0},
             .component = component});
  message.insert(message.end(), trust_anchors.begin(), trust_anchors.end());
  if (with_certificate)  // component 0 is the router's own certificate, the last of the path
    append(message, wire::CertificateOption{wire::CertificateOption::kX509,
                                            config_.path[config_.path.size() - 1 - component]});
  wire::seal_icmpv6(own, destination, message);
  counters_.add(CertifierCounter::kAdvertisements);
  outbox_.push(machine::Transmit{solicitation.interface, std::nullopt,
                                 wire::icmpv6_packet(own, destination, message)});
}

}  // namespace sendoff::nd
