#include "nd/certifier.h"

#include "pki/names.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::nd {

namespace {

using wire::CertificationPathSolicitation;
using wire::OptionType;
using wire::TrustAnchorOption;

constexpr std::size_t kMaxWaiting = 16;  // different questions beyond the rate

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

bool names(const TrustAnchorOption& option, const CertifiedPath& path) {
  switch (option.name_type) {
    case TrustAnchorOption::NameType::kDerName:
      return pki::names_match(option.name, path.anchor.subject_name);
    case TrustAnchorOption::NameType::kFqdn:
      return std::ranges::any_of(path.anchor_fqdns, [&](const std::string& fqdn) {
        return dns_wire_name(fqdn) == lower_case(option.name);
      });
    case TrustAnchorOption::NameType::kSkiSha1:
    case TrustAnchorOption::NameType::kSkiSha224:
    case TrustAnchorOption::NameType::kSkiSha256:
    case TrustAnchorOption::NameType::kSkiSha384:
    case TrustAnchorOption::NameType::kSkiSha512:
      // GS23: octets and length of the anchor's own extension decide, whatever the hash.
      return !option.name.empty() && equal(option.name, path.anchor.key_identifier);
  }
  return false;
}

}  // namespace

std::size_t advertisement_size(const CertifiedPath& path, ByteView certificate) {
  constexpr std::size_t kHead =
      wire::Ipv6Header::kSize + wire::CertificationPathAdvertisement::kSize;
  const auto option = [](std::size_t content) { return (4 + content + 7) / 8 * 8; };
  std::size_t name = path.anchor.subject_name.size();
  for (const std::string& fqdn : path.anchor_fqdns)
    name = std::max(name, dns_wire_name(fqdn).size());
  return kHead + option(name) + option(certificate.size());
}

std::size_t largest_advertisement(const CertifiedPaths& paths) {
  std::size_t largest = 0;
  const auto measure = [&](const CertifiedPath& each) {
    for (const Bytes& certificate : each.path)
      largest = std::max(largest, advertisement_size(each, certificate));
  };
  measure(paths);
  std::ranges::for_each(paths.others, measure);
  return largest;
}

bool same_certificates(const CertifiedPaths& a, const CertifiedPaths& b) {
  return a.path == b.path &&
         std::ranges::equal(a.others, b.others, {}, &CertifiedPath::path, &CertifiedPath::path);
}

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
    case CertifierCounter::kShed:
      return "shed";
    case CertifierCounter::kAdvertisements:
      return "advertisements";
    case CertifierCounter::kCount:
      break;
  }
  return "unknown";
}

Certifier::Certifier(const CertifierConfig& config, machine::Outbox& outbox)
    : config_(config), outbox_(outbox) {}

std::size_t Certifier::Answer::messages() const {
  const bool whole = path && component == CertificationPathSolicitation::kAllComponents;
  return whole ? path->path.size() : 1;
}

bool Certifier::Answer::same(const Answer& other) const {
  return interface == other.interface && own == other.own && path == other.path &&
         component == other.component && trust_anchors == other.trust_anchors;
}

std::vector<const CertifiedPath*> Certifier::paths() const {
  std::vector<const CertifiedPath*> all{&config_};
  for (const CertifiedPath& each : config_.others) all.push_back(&each);
  return all;
}

const CertifiedPath* Certifier::path_below(ByteView trust_anchor_option) const {
  const auto option = TrustAnchorOption::parse(trust_anchor_option);
  if (!option) return nullptr;
  for (const CertifiedPath* each : paths())
    if (names(*option, *each)) return each;
  return nullptr;
}

std::optional<Certifier::Answer> Certifier::answer_to(const send::Message& solicitation,
                                                      const Ipv6Address& own) {
  const auto cps = CertificationPathSolicitation::parse(solicitation.icmp);
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
    return std::nullopt;
  }
  Answer answer{solicitation.interface, own, nullptr, 0, {}};
  for (const wire::RawOption& option : solicitation.options) {
    if (option.type != OptionType::kTrustAnchor) continue;
    answer.path = path_below(option.octets);
    if (answer.path == nullptr) {
      answer.trust_anchors.insert(answer.trust_anchors.end(), option.octets.begin(),
                                  option.octets.end());
      continue;
    }
    answer.trust_anchors = to_bytes(option.octets);
    answer.component = cps->component;
    if (cps->component == CertificationPathSolicitation::kAllComponents ||
        cps->component < answer.path->path.size())
      return answer;
    counters_.add(CertifierCounter::kNoComponent);
    return std::nullopt;
  }
  counters_.add(CertifierCounter::kUnknownAnchor);
  return answer;
}

void Certifier::handle(Now now, const send::Message& solicitation, const Ipv6Address& own) {
  counters_.add(CertifierCounter::kSolicitations);
  tick(now);
  auto answer = answer_to(solicitation, own);
  if (!answer) return;
  if (!waiting_.empty() || room_for(answer->messages()) > now.boot) {
    counters_.add(CertifierCounter::kRateLimited);
    return postpone(std::move(*answer));
  }
  const auto cps = CertificationPathSolicitation::parse(solicitation.icmp);
  give(now, *answer, solicitation.source, cps->identifier);
}

// MAX_CPA_RATE in any second, not only on average: a bucket lets twice as many pass in the first.
Instant Certifier::room_for(std::size_t messages) const {
  const std::size_t rate = config_.max_cpa_s;
  if (messages > rate) return kNever;
  const std::size_t kept = rate - messages;
  if (sent_.size() <= kept) return Instant{};
  return sent_[sent_.size() - kept - 1] + seconds(1);
}

// RFC 3971 6.4.5: then one answer serves all who ask the same. Whoever asks for anchors that nobody
// knows keeps nobody else waiting.
void Certifier::postpone(Answer answer) {
  if (const std::size_t count = answer.messages(); count > 1 && count > config_.max_cpa_s) {
    // More than a second's worth.
    for (std::size_t left = count; left-- > 0; answer.trust_anchors.clear()) {
      answer.component = static_cast<std::uint16_t>(left);
      postpone(answer);
    }
    return;
  }
  if (std::ranges::any_of(waiting_, [&](const Answer& each) { return each.same(answer); })) return;
  const bool useful = answer.path != nullptr;
  const auto place = std::ranges::find_if(
      waiting_, [&](const Answer& each) { return useful && each.path == nullptr; });
  waiting_.insert(place, std::move(answer));
  if (waiting_.size() <= kMaxWaiting) return;
  waiting_.pop_back();
  counters_.add(CertifierCounter::kShed);
}

void Certifier::drop(InterfaceId interface) {
  std::erase_if(waiting_, [&](const Answer& each) { return each.interface == interface; });
}

Instant Certifier::next_deadline() const {
  return waiting_.empty() ? kNever : room_for(waiting_.front().messages());
}

void Certifier::tick(Now now) {
  while (!waiting_.empty() && next_deadline() <= now.boot) {
    const Answer answer = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    give(now, answer, Ipv6Address{}, 0);
  }
}

void Certifier::give(Now now, const Answer& answer, const Ipv6Address& solicitor,
                     std::uint16_t identifier) {
  const bool to_all = solicitor.is_unspecified();
  const Ipv6Address destination = to_all ? kAllNodes : solicitor.solicited_node();
  if (to_all) identifier = 0;
  if (answer.messages() == 1)
    return advertise(now, answer, destination, identifier,
                     answer.component == CertificationPathSolicitation::kAllComponents
                         ? std::uint16_t{0}
                         : answer.component);
  for (std::size_t left = answer.messages(); left-- > 0;)
    advertise(now, answer, destination, identifier, static_cast<std::uint16_t>(left));
}

void Certifier::advertise(Now now, const Answer& answer, const Ipv6Address& destination,
                          std::uint16_t identifier, std::uint16_t component) {
  const std::size_t count = answer.path ? answer.path->path.size() : 0;
  // Of a whole path the first message names the anchor.
  const bool whole = answer.component == CertificationPathSolicitation::kAllComponents;
  const bool named = !whole || component + std::size_t{1} == count;
  Bytes message;
  append(message,
         wire::CertificationPathAdvertisement{.identifier = identifier,
                                              .all_components = static_cast<std::uint16_t>(count),
                                              .component = component});
  if (named)
    message.insert(message.end(), answer.trust_anchors.begin(), answer.trust_anchors.end());
  if (answer.path)  // component 0 is the router's own certificate, the last of the path
    append(message, wire::CertificateOption{wire::CertificateOption::kX509,
                                            answer.path->path[count - 1 - component]});
  wire::seal_icmpv6(answer.own, destination, message);
  counters_.add(CertifierCounter::kAdvertisements);
  sent_.push_back(now.boot);
  while (sent_.size() > config_.max_cpa_s) sent_.pop_front();
  outbox_.push(machine::Transmit{answer.interface, std::nullopt,
                                 wire::icmpv6_packet(answer.own, destination, message)});
}

}  // namespace sendoff::nd
