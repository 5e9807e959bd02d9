#include "nd/path_fetcher.h"

#include <algorithm>
#include <span>
#include <utility>

#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/send_options.h"

namespace sendoff::nd {

namespace {

using machine::EventKind;
using wire::OptionType;

constexpr unsigned kMaxValidations = 16;  // in one retrieval: forged paths cost us RSA

std::span<const pki::TrustAnchor> anchors_in(const PathFetcherConfig& config) {
  return config.anchors ? std::span(*config.anchors) : std::span<const pki::TrustAnchor>{};
}

bool same_anchors(const PathFetcherConfig& a, const PathFetcherConfig& b) {
  return std::ranges::equal(anchors_in(a), anchors_in(b));
}

// Where each of those before is among those after; nothing: it is not.
std::vector<std::optional<std::size_t>> places_of(std::span<const pki::TrustAnchor> before,
                                                  std::span<const pki::TrustAnchor> after) {
  std::vector<std::optional<std::size_t>> places;
  for (const pki::TrustAnchor& anchor : before) {
    const auto found = std::ranges::find(after, anchor);
    places.push_back(found == after.end() ? std::nullopt
                                          : std::optional(static_cast<std::size_t>(
                                                std::distance(after.begin(), found))));
  }
  return places;
}

// The first X.509 certificate of a CPA (RFC 3971 6.4.4), without padding; empty: it has none, or
// one that goes on behind its option, or a Trust Anchor option that cannot be read.
ByteView certificate_of(const wire::OptionList& options) {
  std::optional<ByteView> found;
  for (const wire::RawOption& option : options) {
    if (option.type == OptionType::kTrustAnchor && !wire::TrustAnchorOption::parse(option.octets))
      return {};
    if (option.type != OptionType::kCertificate || found) continue;
    const auto parsed = wire::CertificateOption::parse(option.octets);
    if (parsed && parsed->certificate_type == wire::CertificateOption::kX509)
      found = pki::without_padding(parsed->certificate);
  }
  return found.value_or(ByteView{});
}

}  // namespace

std::string_view name(PathCounter counter) {
  switch (counter) {
    case PathCounter::kSolicitations:
      return "solicitations";
    case PathCounter::kAdvertisements:
      return "advertisements";
    case PathCounter::kUnexpected:
      return "unexpected";
    case PathCounter::kValidated:
      return "validated";
    case PathCounter::kRefused:
      return "refused";
    case PathCounter::kTimedOut:
      return "timed-out";
    case PathCounter::kCount:
      break;
  }
  return "unknown";
}

std::optional<std::uint16_t> PathFetcher::Candidate::missing() const {
  for (std::size_t i = components.size(); i-- > 0;)
    if (components[i].empty()) return static_cast<std::uint16_t>(i);
  return std::nullopt;
}

PathFetcher::PathFetcher(const PathFetcherConfig& config, Random& random, machine::Outbox& outbox,
                         CertifiedKeys& keys)
    : config_(config),
      random_(random),
      outbox_(outbox),
      keys_(keys),
      revocations_(config.revocation, outbox, keys),
      validations_(config.validations_s, config.validations_s) {}

void PathFetcher::configure(Now now, const PathFetcherConfig& config) {
  const bool same_rules =
      config.policy.accept_rfc3971_profile == config_.policy.accept_rfc3971_profile &&
      config.policy.strict_rfc6487 == config_.policy.strict_rfc6487;
  const bool judged_alike = same_rules && same_anchors(config, config_);
  if (config.revocation != config_.revocation) revocations_.configure(now, config.revocation);
  if (config.validations_s != config_.validations_s)
    validations_ = machine::TokenBucket(config.validations_s, config.validations_s);
  const auto places = places_of(anchors_in(config_), anchors_in(config));
  config_ = config;
  if (judged_alike) return;
  if (same_rules)
    keys_.move_anchors(places);
  else
    keys_.withdraw_all("rules-changed");
  while (!retrievals_.empty()) end(retrievals_.front(), false);
}

bool PathFetcher::under_way(InterfaceId interface) const {
  return std::ranges::find(retrievals_, interface, &Retrieval::interface) != retrievals_.end();
}

std::uint16_t PathFetcher::draw_identifier() {
  for (int tries = 0; tries < 16; ++tries) {
    std::array<std::uint8_t, 2> octets{};
    if (!random_.fill(octets)) return 0;
    if (const std::uint16_t identifier = Reader(octets).u16(); identifier != 0) return identifier;
  }
  return 0;
}

void PathFetcher::fetch(Now now, InterfaceId interface, const Ipv6Address& source,
                        const Ipv6Address& router) {
  if (!config_.anchors || config_.anchors->empty()) return;
  if (under_way(interface) || retrievals_.size() >= config_.max_retrievals) return;
  Retrieval retrieval;
  retrieval.interface = interface;
  retrieval.source = source;
  retrieval.router = router;
  retrieval.identifier = draw_identifier();
  if (retrieval.identifier == 0) return;
  const auto last = nothing_new_.find(interface);
  retrieval.started =
      last == nothing_new_.end() ? now.boot : std::max(now.boot, last->second + config_.retry);
  retrieval.interval = config_.retry;
  retrieval.next_send = kNever;
  // The host joins the group of a new address in its own time, and an answer may be quicker.
  if (!source.is_unspecified())
    retrieval.joining = outbox_.push(machine::JoinGroup{interface, source.solicited_node(), true});
  retrievals_.push_back(std::move(retrieval));
  if (source.is_unspecified()) begin(now, retrievals_.back());
}

void PathFetcher::begin(Now now, Retrieval& retrieval) {
  if (now.boot >= retrieval.started)
    solicit(now, retrieval);
  else
    retrieval.next_send = retrieval.started;
}

bool PathFetcher::owns(machine::ActionId action) const {
  return revocations_.owns(action) || std::ranges::find(retrievals_, std::optional(action),
                                                        &Retrieval::joining) != retrievals_.end();
}

// A group that cannot be joined may be the host's already.
void PathFetcher::outcome(Now now, const machine::Outcome& outcome) {
  if (revocations_.owns(outcome.action_id)) return revocations_.outcome(now, outcome);
  const auto retrieval =
      std::ranges::find(retrievals_, std::optional(outcome.action_id), &Retrieval::joining);
  if (retrieval == retrievals_.end()) return;
  retrieval->joining.reset();
  begin(now, *retrieval);
}

void PathFetcher::solicit(Now now, Retrieval& retrieval) {
  transmit(retrieval, wire::CertificationPathSolicitation::kAllComponents);
  retrieval.next_send = now.boot + retrieval.interval;
  retrieval.interval *= 2;
}

// Beside the solicitations of the whole path: what is missing was told by somebody who proved
// nothing.
void PathFetcher::solicit_part(Now now, Retrieval& retrieval) {
  retrieval.next_part = kNever;
  for (const Candidate& candidate : retrieval.candidates) {
    const auto component = candidate.missing();
    if (!component) continue;
    transmit(retrieval, *component);
    retrieval.next_part = now.boot + retrieval.part_interval;
    retrieval.part_interval *= 2;
    return;
  }
}

void PathFetcher::transmit(const Retrieval& retrieval, std::uint16_t component) {
  counters_.add(PathCounter::kSolicitations);
  Bytes message;
  append(message, wire::CertificationPathSolicitation{retrieval.identifier, component});
  for (const pki::TrustAnchor& anchor : *config_.anchors) {
    const wire::TrustAnchorOption option{wire::TrustAnchorOption::NameType::kDerName,
                                         anchor.subject_name};
    // RFC 8200 5: what every link carries; the anchors named first matter most.
    if (message.size() + option.size() + wire::Ipv6Header::kSize > 1280) break;
    append(message, option);
  }
  wire::seal_icmpv6(retrieval.source, retrieval.router, message);
  outbox_.push(machine::Transmit{retrieval.interface, std::nullopt,
                                 wire::icmpv6_packet(retrieval.source, retrieval.router, message)});
}

bool PathFetcher::answers(const send::Message& advertisement, const Retrieval& retrieval) const {
  if (advertisement.interface != retrieval.interface) return false;
  const auto cpa = wire::CertificationPathAdvertisement::parse(advertisement.icmp);
  if (!cpa) return false;
  // A router under load answers all who ask at once (RFC 3971 6.4.5).
  if (advertisement.destination == kAllNodes) return cpa->identifier == 0;
  return !retrieval.source.is_unspecified() &&
         advertisement.destination == retrieval.source.solicited_node() &&
         cpa->identifier == retrieval.identifier;
}

void PathFetcher::handle(Now now, const send::Message& advertisement) {
  const auto retrieval = std::ranges::find_if(
      retrievals_, [&](const Retrieval& candidate) { return answers(advertisement, candidate); });
  const auto cpa = wire::CertificationPathAdvertisement::parse(advertisement.icmp);
  const ByteView certificate = certificate_of(advertisement.options);
  // "No path" (All Components 0) proves nothing and ends nothing (GS14).
  if (retrieval == retrievals_.end() || !cpa || cpa->all_components == 0 ||
      cpa->all_components > config_.max_path || cpa->component >= cpa->all_components ||
      certificate.empty() || certificate.size() > config_.max_certificate) {
    counters_.add(PathCounter::kUnexpected);
    return;
  }
  counters_.add(PathCounter::kAdvertisements);
  auto& candidates = retrieval->candidates;
  auto candidate = std::ranges::find(candidates, advertisement.source, &Candidate::source);
  if (candidate == candidates.end()) {
    if (candidates.size() >= config_.max_sources) candidates.erase(candidates.begin());
    candidates.push_back({advertisement.source, {}});
    candidate = std::prev(candidates.end());
  }
  if (candidate->components.size() != cpa->all_components)
    candidate->components.assign(cpa->all_components, Bytes{});
  candidate->components[cpa->component] = to_bytes(certificate);
  if (!candidate->complete() && retrieval->next_part == kNever) {
    retrieval->next_part = now.boot + config_.retry_part;
    retrieval->part_interval = 2 * config_.retry_part;
  }
  if (!retrieval->validation) validate_next(now, *retrieval);
}

void PathFetcher::validate_next(Now now, Retrieval& retrieval) {
  retrieval.next_validation = kNever;
  if (retrieval.validations >= kMaxValidations) return;
  const auto ready = std::ranges::find_if(retrieval.candidates, &Candidate::complete);
  if (ready == retrieval.candidates.end()) return;
  if (!validations_.take(now.boot)) {
    retrieval.next_validation = now.boot + Duration(seconds(1)) / config_.validations_s;
    return;
  }
  machine::ValidatePath job;
  job.path.assign(std::make_move_iterator(ready->components.rbegin()),
                  std::make_move_iterator(ready->components.rend()));
  job.anchors = config_.anchors;
  job.at = now.utc;
  job.policy = config_.policy;
  job.lists = revocations_.lists();
  retrieval.candidates.erase(ready);
  ++retrieval.validations;
  retrieval.validation = outbox_.start(std::move(job), machine::JobClass::kPath);
}

bool PathFetcher::owns(machine::JobId job) const {
  return revocations_.owns(job) || std::ranges::find(retrievals_, std::optional(job),
                                                     &Retrieval::validation) != retrievals_.end();
}

void PathFetcher::complete(Now now, const machine::JobResult& result) {
  if (revocations_.owns(result.job_id)) return revocations_.complete(now, result);
  const auto retrieval =
      std::ranges::find(retrievals_, std::optional(result.job_id), &Retrieval::validation);
  if (retrieval == retrievals_.end()) return;
  retrieval->validation.reset();
  const auto* validated =
      result.output ? std::get_if<machine::PathValidated>(&*result.output) : nullptr;
  std::string_view reason = "job-failed";
  if (validated != nullptr && !validated->router) reason = name(validated->router.error());
  if (validated != nullptr && validated->router) {
    const bool known = keys_.find(validated->router->spki, now.utc) != nullptr;
    reason = revocations_.adopt(now, *validated->router, validated->standing);
    if (reason.empty()) {
      counters_.add(PathCounter::kValidated);
      if (known) nothing_new_[retrieval->interface] = now.boot;
      outbox_.report(EventKind::kPathFetched,
                     {{"subject", validated->router->subject},
                      {"path", validated->router->path},
                      {"revocation", std::string(state_of(validated->standing))}});
      end(*retrieval, true);
      return;
    }
  }
  counters_.add(PathCounter::kRefused);
  outbox_.report(EventKind::kPathRefused, {{"reason", std::string(reason)}});
  validate_next(now, *retrieval);
}

void PathFetcher::end(Retrieval& retrieval, bool validated) {
  if (retrieval.validation) outbox_.push(machine::Cancel{*retrieval.validation});
  const InterfaceId interface = retrieval.interface;
  if (!retrieval.source.is_unspecified())
    outbox_.push(machine::JoinGroup{interface, retrieval.source.solicited_node(), false});
  std::erase_if(retrievals_, [&](const Retrieval& each) { return each.interface == interface; });
  ended_.push_back({interface, validated});
}

void PathFetcher::drop(InterfaceId interface) {
  nothing_new_.erase(interface);
  const auto retrieval = std::ranges::find(retrievals_, interface, &Retrieval::interface);
  if (retrieval == retrievals_.end()) return;
  end(*retrieval, false);
  ended_.pop_back();
}

std::vector<PathFetcher::Ended> PathFetcher::take_ended() { return std::exchange(ended_, {}); }

Instant PathFetcher::next_deadline() const {
  Instant earliest = revocations_.next_deadline();
  for (const Retrieval& retrieval : retrievals_)
    earliest = std::min({earliest, retrieval.next_send, retrieval.next_part,
                         retrieval.next_validation, retrieval.started + config_.give_up});
  return earliest;
}

void PathFetcher::tick(Now now) {
  revocations_.tick(now);
  std::vector<InterfaceId> over;
  for (Retrieval& retrieval : retrievals_) {
    if (now.boot >= retrieval.started + config_.give_up) {
      over.push_back(retrieval.interface);
      continue;
    }
    if (now.boot >= retrieval.next_send) solicit(now, retrieval);
    if (now.boot >= retrieval.next_part) solicit_part(now, retrieval);
    if (now.boot >= retrieval.next_validation) validate_next(now, retrieval);
  }
  for (const InterfaceId interface : over) {
    counters_.add(PathCounter::kTimedOut);
    outbox_.report(EventKind::kPathRefused, {{"reason", "no-path-in-time"}});
    end(*std::ranges::find(retrievals_, interface, &Retrieval::interface), false);
  }
}

}  // namespace sendoff::nd
