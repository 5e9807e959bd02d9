#include "nd/advertiser.h"

#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::nd {

namespace {

constexpr std::size_t kMaxJobs = 64;

bool same_contents(const AdvertiserLink& a, const AdvertiserLink& b) {
  return send::same(a.identity, b.identity) && a.source == b.source &&
         a.link_address == b.link_address && a.tell_link_address == b.tell_link_address &&
         a.parameters == b.parameters && a.prefixes == b.prefixes;
}

}  // namespace

std::string_view name(AdvertiserCounter counter) {
  switch (counter) {
    case AdvertiserCounter::kPeriodic:
      return "periodic";
    case AdvertiserCounter::kSolicitedUnicast:
      return "solicited-unicast";
    case AdvertiserCounter::kSolicitedMulticast:
      return "solicited-multicast";
    case AdvertiserCounter::kNaack:
      return "naack";
    case AdvertiserCounter::kNaackShed:
      return "naack-shed";
    case AdvertiserCounter::kIgnored:
      return "ignored";
    case AdvertiserCounter::kFailed:
      return "failed";
    case AdvertiserCounter::kCount:
      break;
  }
  return "unknown";
}

Advertiser::Advertiser(send::Stamps& stamps, Random& random, machine::Outbox& outbox,
                       std::uint32_t unicast_answers_s)
    : stamps_(stamps),
      random_(random),
      outbox_(outbox),
      unicast_budget_(unicast_answers_s, unicast_answers_s) {}

void Advertiser::start(Now now, InterfaceId interface, AdvertiserLink link) {
  const auto [found, fresh] = links_.try_emplace(interface);
  Link& entry = found->second;
  const bool same = !fresh && same_contents(entry.config, link);
  entry.config = std::move(link);
  if (same) return;
  if (fresh || now.boot >= entry.initial_since + entry.config.min_interval) {
    entry.initial_left = kMaxInitialAdvertisements;
    entry.initial_since = now.boot;
  }
  const Duration apart =
      entry.initial_left > 0 ? kMinDelayBetweenAdvertisements : entry.config.min_interval;
  entry.next_periodic = std::max(now.boot, entry.last_multicast + apart);
}

void Advertiser::stop(InterfaceId interface) {
  links_.erase(interface);
  std::erase_if(jobs_, [&](const auto& entry) {
    if (entry.second.interface != interface) return false;
    outbox_.push(machine::Cancel{entry.first});
    return true;
  });
}

void Advertiser::withdraw(Now now, InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found != links_.end())
    advertise(now, interface, found->second, kAllNodes, std::nullopt, std::nullopt, 0);
}

const AdvertiserLink* Advertiser::said_on(InterfaceId interface) const {
  const auto found = links_.find(interface);
  return found == links_.end() ? nullptr : &found->second.config;
}

void Advertiser::acknowledge(Now now, InterfaceId interface, const Ipv6Address& destination,
                             const LinkAddress& link_destination, const wire::NaackOption& naack) {
  const auto found = links_.find(interface);
  // An RA of lifetime 0 would take the default router from the node that it is to help.
  if (found == links_.end() || found->second.config.parameters.router_lifetime_s == 0 ||
      !unicast_budget_.take(now.boot))
    return counters_.add(AdvertiserCounter::kNaackShed);
  counters_.add(AdvertiserCounter::kNaack);
  advertise(now, interface, found->second, destination, link_destination, std::nullopt,
            found->second.config.parameters.router_lifetime_s, naack);
}

void Advertiser::handle(Now now, const send::Judged& solicitation) {
  const auto found = links_.find(solicitation.message.interface);
  if (found == links_.end()) return;
  Link& link = found->second;
  const send::Message& message = solicitation.message;
  if (solicitation.verdict == send::Verdict::kSecured && solicitation.proof->nonce &&
      !message.source.is_unspecified() && unicast_budget_.take(now.boot)) {
    counters_.add(AdvertiserCounter::kSolicitedUnicast);
    link.answers.push_back({now.boot + draw_delay(link.config.max_delay), message.source,
                            message.frame_source, *solicitation.proof->nonce});
    return give_answers(now, found->first, link);
  }
  if (solicitation.verdict == send::Verdict::kRepeat) {
    counters_.add(AdvertiserCounter::kIgnored);
    return;
  }
  // The multicast answer that follows serves all who asked by then.
  ++link.solicitors;
  link.solicited_nonce.reset();
  if (link.solicitors == 1 && message.source.is_unspecified())
    if (const auto nonce = message.options.first(wire::OptionType::kNonce))
      link.solicited_nonce = to_bytes(nonce->octets.subspan(2));
  if (!link.solicited_at)
    link.solicited_at = std::max(now.boot + draw_delay(link.config.max_delay),
                                 link.last_multicast + kMinDelayBetweenAdvertisements);
}

void Advertiser::give_answers(Now now, InterfaceId interface, Link& link) {
  std::erase_if(link.answers, [&](Answer& answer) {
    if (answer.due > now.boot) return false;
    advertise(now, interface, link, answer.destination, answer.link_destination,
              std::move(answer.nonce), link.config.parameters.router_lifetime_s);
    return true;
  });
}

// Evenly from 0 to `most`; 0 where the random source fails.
Duration Advertiser::draw_delay(Duration most) {
  std::array<std::uint8_t, 2> octets{};
  return random_.fill(octets) ? most / 65'535 * Reader(octets).u16() : Duration{};
}

// One message, or as many as its prefixes fill (RFC 4861 6.2.3).
void Advertiser::advertise(Now now, InterfaceId interface, const Link& link,
                           const Ipv6Address& destination,
                           std::optional<LinkAddress> link_destination, std::optional<Bytes> nonce,
                           std::uint16_t lifetime_s,
                           const std::optional<wire::NaackOption>& naack) {
  const AdvertiserLink& config = link.config;
  if (nonce && (nonce->size() < 6 || nonce->size() % 8 != 6)) nonce.reset();
  const SigningJob job{interface, config.source, destination, link_destination};
  send::Unsigned advertisement = begin(config, destination, nonce, lifetime_s);
  if (config.tell_link_address)
    append(advertisement.message,
           wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, config.link_address});
  if (config.parameters.mtu != 0)
    append(advertisement.message, wire::MtuOption{config.parameters.mtu});
  if (naack) append(advertisement.message, *naack);
  for (const AdvertisedByUs& ours : config.prefixes) {
    if (send::packet_size(advertisement, *config.identity.key) + wire::PrefixInformation::kSize >
        config.mtu) {
      sign(now, config, std::move(advertisement), job);
      advertisement = begin(config, destination, nonce, lifetime_s);
    }
    wire::PrefixInformation option;
    option.prefix_length = ours.prefix.length();
    option.on_link = ours.on_link;
    option.autonomous = ours.autonomous;
    option.router_address = ours.tell_router_address;
    option.valid_lifetime_s = ours.valid_lifetime_s;
    option.preferred_lifetime_s = ours.preferred_lifetime_s;
    option.address = ours.router_address;
    append(advertisement.message, option);
  }
  sign(now, config, std::move(advertisement), job);
}

send::Unsigned Advertiser::begin(const AdvertiserLink& config, const Ipv6Address& destination,
                                 const std::optional<Bytes>& nonce, std::uint16_t lifetime_s) {
  send::Unsigned advertisement;
  advertisement.source = config.source;
  advertisement.destination = destination;
  advertisement.parameters =
      config.identity.parameters(send::link_local_prefix(), config.collision_count);
  advertisement.nonce = nonce;
  wire::RouterAdvertisement ra;
  ra.current_hop_limit = config.parameters.hop_limit;
  ra.managed = config.parameters.managed;
  ra.other = config.parameters.other;
  ra.router_lifetime_s = lifetime_s;
  ra.reachable_time_ms = config.parameters.reachable_time_ms;
  ra.retransmission_timer_ms = config.parameters.retransmission_timer_ms;
  append(advertisement.message, ra);
  return advertisement;
}

void Advertiser::sign(Now now, const AdvertiserLink& config, send::Unsigned advertisement,
                      const SigningJob& signing) {
  auto job =
      send::sign(std::move(advertisement), config.identity.key, stamps_.next(now), config.mtu);
  if (!job || jobs_.size() >= kMaxJobs) return counters_.add(AdvertiserCounter::kFailed);
  jobs_.emplace(outbox_.start(std::move(*job), machine::JobClass::kSign), signing);
}

void Advertiser::complete(Now, const machine::JobResult& result) {
  const auto job = jobs_.extract(result.job_id);
  if (job.empty()) return;
  const auto* made = result.output ? std::get_if<machine::MessageSigned>(&*result.output) : nullptr;
  if (made == nullptr) {
    counters_.add(AdvertiserCounter::kFailed);
    return;
  }
  const SigningJob& signing = job.mapped();
  outbox_.push(
      machine::Transmit{signing.interface, signing.link_destination,
                        wire::icmpv6_packet(signing.source, signing.destination, made->message)});
}

void Advertiser::schedule(Now now, Link& link) {
  std::array<std::uint8_t, 4> octets{};
  const bool drawn = random_.fill(octets);
  const std::int64_t part = drawn ? Reader(octets).u32() : 0;
  const Duration spread = link.config.max_interval - link.config.min_interval;
  // part / 2^32 of the spread, in an order that does not overflow.
  Duration interval = link.config.min_interval + Duration((spread.count() >> 16) * (part >> 16));
  if (link.initial_left > 0) {
    --link.initial_left;
    interval = std::min(interval, kMaxInitialAdvertisementInterval);
  }
  link.next_periodic = now.boot + interval;
}

Instant Advertiser::next_deadline() const {
  Instant earliest = kNever;
  for (const auto& [interface, link] : links_) {
    earliest = std::min(earliest, link.next_periodic);
    if (link.solicited_at) earliest = std::min(earliest, *link.solicited_at);
    for (const Answer& answer : link.answers) earliest = std::min(earliest, answer.due);
  }
  return earliest;
}

void Advertiser::tick(Now now) {
  for (auto& [interface, link] : links_) {
    give_answers(now, interface, link);
    const bool periodic = link.next_periodic <= now.boot;
    const bool solicited = link.solicited_at && *link.solicited_at <= now.boot;
    if (!periodic && !solicited) continue;
    counters_.add(solicited ? AdvertiserCounter::kSolicitedMulticast
                            : AdvertiserCounter::kPeriodic);
    std::optional<Bytes> nonce;
    if (link.solicitors == 1) nonce = std::exchange(link.solicited_nonce, std::nullopt);
    advertise(now, interface, link, kAllNodes, std::nullopt, std::move(nonce),
              link.config.parameters.router_lifetime_s);
    link.last_multicast = now.boot;
    link.solicited_at.reset();
    link.solicited_nonce.reset();
    link.solicitors = 0;
    schedule(now, link);
  }
}

}  // namespace sendoff::nd
