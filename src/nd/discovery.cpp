#include "nd/discovery.h"

#include <utility>

#include "nd/lifetime.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::nd {

namespace {

using wire::OptionType;

constexpr std::size_t kMaxRouters = 8;
constexpr std::size_t kMaxPrefixes = 16;
constexpr std::size_t kMaxNaacks = 4;             // that wait to be taken
constexpr Duration kNonceLifetime = seconds(15);  // GS8
constexpr Duration kHoldLimit = seconds(15);      // CPS_RETRY_MAX (GS33)
constexpr std::uint32_t kMinMtu = 1280;

}  // namespace

std::string_view name(DiscoveryCounter counter) {
  switch (counter) {
    case DiscoveryCounter::kSolicitations:
      return "solicitations";
    case DiscoveryCounter::kAccepted:
      return "accepted";
    case DiscoveryCounter::kUnsecured:
      return "unsecured";
    case DiscoveryCounter::kUncertified:
      return "uncertified";
    case DiscoveryCounter::kHeld:
      return "held";
    case DiscoveryCounter::kHeldDropped:
      return "held-dropped";
    case DiscoveryCounter::kPrefixRefused:
      return "prefix-refused";
    case DiscoveryCounter::kReplaced:
      return "replaced";
    case DiscoveryCounter::kAddressRefused:
      return "address-refused";
    case DiscoveryCounter::kCount:
      break;
  }
  return "unknown";
}

void AdvertisedPrefix::take(const wire::PrefixInformation& information, Instant arrived) {
  const Instant end = lifetime_end(arrived, information.valid_lifetime_s);
  if (information.on_link) {
    on_link = true;
    on_link_until = end;
  }
  if (!information.autonomous && autonomous) return;
  valid_until = autonomous ? address_end(end, valid_until, true, arrived) : end;
  preferred_until = std::min(valid_until, lifetime_end(arrived, information.preferred_lifetime_s));
  autonomous = information.autonomous;
}

bool AdvertisedPrefix::survives(Instant now) {
  if (on_link && on_link_until <= now) on_link = false;
  if (valid_until > now) return true;
  autonomous = false;
  valid_until = preferred_until = on_link_until;
  return on_link;
}

std::optional<Ipv6Address> Router::global_address_for(const Ipv6Address& cga) const {
  for (const AdvertisedPrefix& advertised : prefixes) {
    if (!advertised.prefix.contains(cga)) continue;
    for (const Ipv6Address& address : global_addresses)
      if (advertised.prefix.contains(address)) return address;
  }
  return std::nullopt;
}

Discovery::Discovery(const DiscoveryConfig& config, Random& random, machine::Outbox& outbox,
                     send::Receiver& receiver, CertifiedKeys& keys, PathFetcher& paths)
    : config_(config),
      random_(random),
      outbox_(outbox),
      receiver_(receiver),
      keys_(keys),
      paths_(paths) {}

void Discovery::configure(const DiscoveryConfig& config) { config_ = config; }

void Discovery::start(Now now, InterfaceId interface, const send::Identity& identity,
                      const Ipv6Address& link_local, const LinkAddress& link_address,
                      std::uint32_t mtu, Entry entry) {
  stop(interface);
  Link& link = links_[interface];
  link.identity = identity;
  link.link_local = link_local;
  link.link_address = link_address;
  link.mtu = mtu;
  link.name_link_address = entry == Entry::kNormal;
  link.next_solicitation = now.boot;
  if (entry == Entry::kOptimistic) return;
  std::array<std::uint8_t, 2> octets{};
  const std::int64_t part = random_.fill(octets) ? Reader(octets).u16() : 0;
  link.next_solicitation = now.boot + config_.first_delay_max / 65536 * part;
}

void Discovery::confirmed(InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found != links_.end()) found->second.name_link_address = true;
}

void Discovery::solicit_now(Now now, InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found == links_.end()) return;
  found->second.solicitations = 0;
  solicit(now, interface, found->second);
}

void Discovery::doubt(Now now, InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found == links_.end() || found->second.routers.empty()) return;
  found->second.doubted = true;
  solicit_now(now, interface);
}

void Discovery::stop(InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found == links_.end()) return;
  for (std::size_t i = 0; i < found->second.held.size(); ++i)
    counters_.add(DiscoveryCounter::kHeldDropped);
  if (!found->second.routers.empty()) changed_.push_back(interface);
  links_.erase(found);
  paths_.drop(interface);
  std::erase_if(signing_, [&](const auto& entry) {
    if (entry.second.interface != interface) return false;
    outbox_.push(machine::Cancel{entry.first});
    return true;
  });
}

void Discovery::solicit(Now now, InterfaceId interface, Link& link) {
  const bool from_unspecified = link.solicitations >= config_.max_solicitations;
  ++link.solicitations;
  link.asked = true;
  // With a router at hand one question is enough.
  link.next_solicitation =
      link.routers.empty()
          ? now.boot + (from_unspecified ? config_.later_interval : config_.solicitation_interval)
          : kNever;
  Bytes nonce = send::draw_nonce(random_);
  if (nonce.empty()) return;
  counters_.add(DiscoveryCounter::kSolicitations);
  receiver_.nonces().remember({interface, send::Kind::kRouterSolicitation, {}}, nonce,
                              now.boot + kNonceLifetime);
  if (from_unspecified) {  // GS26
    Bytes message;
    append(message, wire::RouterSolicitation{});
    outbox_.push(machine::Transmit{interface, std::nullopt,
                                   send::solicitation_from_unspecified(
                                       std::move(message), nonce, receiver_.stamps().next(now))});
    return;
  }
  send::Unsigned solicitation;
  solicitation.source = link.link_local;
  solicitation.destination = kAllRouters;
  // The collision count is whatever made this address.
  for (std::uint8_t count = 0; count <= 2; ++count) {
    solicitation.parameters = link.identity.parameters(send::link_local_prefix(), count);
    if (cga::address_of(solicitation.parameters, link.identity.sec) == link.link_local) break;
  }
  append(solicitation.message, wire::RouterSolicitation{});
  if (link.name_link_address && !link.link_address.empty())
    append(solicitation.message,
           wire::LinkAddressOption{OptionType::kSourceLinkAddress, link.link_address});
  solicitation.nonce = std::move(nonce);
  auto job = send::sign(std::move(solicitation), link.identity.key, receiver_.stamps().next(now),
                        link.mtu);
  if (!job) return;
  signing_.emplace(outbox_.start(std::move(*job), machine::JobClass::kSign),
                   Signing{interface, link.link_local});
}

bool Discovery::owns(machine::JobId job) const { return signing_.contains(job); }

void Discovery::complete(Now, machine::JobResult result) {
  const auto job = signing_.extract(result.job_id);
  if (job.empty()) return;
  const auto* made = result.output ? std::get_if<machine::MessageSigned>(&*result.output) : nullptr;
  const auto link = links_.find(job.mapped().interface);
  if (made == nullptr || link == links_.end() || link->second.link_local != job.mapped().source)
    return;
  outbox_.push(
      machine::Transmit{job.mapped().interface, std::nullopt,
                        wire::icmpv6_packet(job.mapped().source, kAllRouters, made->message)});
}

void Discovery::handle(Now now, send::Judged advertisement) {
  const InterfaceId interface = advertisement.message.interface;
  const auto found = links_.find(interface);
  if (found == links_.end() || advertisement.verdict == send::Verdict::kRepeat) return;
  if (advertisement.verdict != send::Verdict::kSecured) {
    counters_.add(DiscoveryCounter::kUnsecured);
    return;
  }
  const pki::CertifiedRouter* certified = keys_.find(advertisement.proof->spki, now.utc);
  if (certified == nullptr) return hold(now, interface, found->second, std::move(advertisement));
  accept(now, interface, found->second, std::move(advertisement), *certified);
}

void Discovery::hold(Now now, InterfaceId interface, Link& link, send::Judged advertisement) {
  const Ipv6Address source = advertisement.message.source;
  std::erase_if(link.held,
                [&](const Held& held) { return held.advertisement.message.source == source; });
  if (link.held.size() >= config_.max_held) {
    counters_.add(DiscoveryCounter::kHeldDropped);
    return;
  }
  counters_.add(DiscoveryCounter::kHeld);
  const Instant until = advertisement.message.arrived.boot + kHoldLimit;
  link.held.push_back({std::move(advertisement), until});
  fetch_path(now, interface, link);
}

// Not while a router of this link is valid and undoubted (GS14, SND-6.4.6-13): what is held then
// waits for a path that somebody else fetches.
void Discovery::fetch_path(Now now, InterfaceId interface, const Link& link) {
  if (link.held.empty() || (current(interface, now.boot) != nullptr && !link.doubted)) return;
  paths_.fetch(now, interface, link.link_local, kAllRouters);
}

void Discovery::paths_ended(Now now, const PathFetcher::Ended& ended) {
  const auto found = links_.find(ended.interface);
  if (found == links_.end()) return;
  Link& link = found->second;
  std::vector<Held> held = std::exchange(link.held, {});
  for (Held& each : held) {
    const pki::CertifiedRouter* certified = keys_.find(each.advertisement.proof->spki, now.utc);
    if (certified != nullptr) {
      accept(now, ended.interface, link, std::move(each.advertisement), *certified);
    } else if (ended.validated) {
      link.held.push_back(std::move(each));
    } else {
      counters_.add(DiscoveryCounter::kUncertified);
    }
  }
  fetch_path(now, ended.interface, link);
}

void Discovery::keys_withdrawn(Now now) {
  for (auto& [interface, link] : links_) {
    const auto lost = std::erase_if(link.routers, [&](const Router& router) {
      return keys_.find(router.spki, now.utc) == nullptr;
    });
    if (lost > 0) routers_changed(now, interface, link);
  }
}

void Discovery::read_prefix(const send::Judged& advertisement,
                            const pki::CertifiedRouter& certified, ByteView option,
                            Router& router) {
  const auto information = wire::PrefixInformation::parse(option);
  if (!information || information->prefix().address().is_link_local() ||
      information->preferred_lifetime_s > information->valid_lifetime_s)
    return;
  const Prefix prefix = information->prefix();
  if (!certified.may_advertise(prefix)) {
    counters_.add(DiscoveryCounter::kPrefixRefused);
    return;
  }
  if (information->router_address) read_address(advertisement, *information, router);
  auto known = std::ranges::find(router.prefixes, prefix, &AdvertisedPrefix::prefix);
  if (known == router.prefixes.end()) {
    if (information->valid_lifetime_s == 0 || router.prefixes.size() >= kMaxPrefixes) return;
    known = router.prefixes.insert(known, AdvertisedPrefix{});
    known->prefix = prefix;
  }
  known->take(*information, advertisement.message.arrived.boot);
}

void Discovery::read_address(const send::Judged& advertisement,
                             const wire::PrefixInformation& information, Router& router) {
  const Ipv6Address& address = information.address;
  const auto parameters = cga::ParametersView::parse(advertisement.proof->cga_parameters);
  if (!parameters || !address.is_unicast_routable() || !send::is_sibling(address, *parameters))
    return counters_.add(DiscoveryCounter::kAddressRefused);
  // One for each prefix: the last told.
  std::erase_if(router.global_addresses,
                [&](const Ipv6Address& each) { return information.prefix().contains(each); });
  if (router.global_addresses.size() < kMaxPrefixes) router.global_addresses.push_back(address);
}

void Discovery::read_option(const send::Judged& advertisement,
                            const pki::CertifiedRouter& certified, const wire::RawOption& option,
                            Router& router) {
  const send::Message& message = advertisement.message;
  if (option.type == OptionType::kPrefixInformation) {
    read_prefix(advertisement, certified, option.octets, router);
  } else if (option.type == OptionType::kMtu) {
    const auto mtu = wire::MtuOption::parse(option.octets);
    if (mtu && mtu->mtu >= kMinMtu) router.mtu = mtu->mtu;
  } else if (option.type == OptionType::kSourceLinkAddress) {
    if (const auto address = wire::LinkAddressOption::parse(option.octets))
      router.link_address = address->address;
  } else if (option.type == OptionType::kNaack && acknowledgements_.size() < kMaxNaacks) {
    const auto naack = wire::NaackOption::parse(option.octets);
    if (naack && naack->option_code == 0)
      acknowledgements_.push_back(
          {message.interface, message.destination, message.arrived.boot, *naack});
  }
}

void Discovery::read(const send::Judged& advertisement, const pki::CertifiedRouter& certified,
                     Router& router) {
  const send::Message& message = advertisement.message;
  const auto head = wire::RouterAdvertisement::parse(message.icmp);
  router.interface = message.interface;
  router.link_local = message.source;
  router.spki = advertisement.proof->spki;
  router.subject = certified.subject;
  router.valid_until = message.arrived.boot + seconds(head->router_lifetime_s);
  for (const wire::RawOption& option : message.options)
    read_option(advertisement, certified, option, router);
  std::erase_if(router.prefixes, [&](AdvertisedPrefix& each) {
    return !each.survives(message.arrived.boot) || !certified.may_advertise(each.prefix);
  });
}

void Discovery::accept(Now now, InterfaceId interface, Link& link, send::Judged advertisement,
                       const pki::CertifiedRouter& certified) {
  if (!wire::RouterAdvertisement::parse(advertisement.message.icmp)) return;
  if (!receiver_.accept(advertisement)) return;
  counters_.add(DiscoveryCounter::kAccepted);
  if (link.doubted && advertisement.proof->solicited)
    settle_doubt(link, advertisement.message.source);
  auto known = std::ranges::find(link.routers, advertisement.message.source, &Router::link_local);
  Router router = known == link.routers.end() ? Router{} : *known;
  read(advertisement, certified, router);
  // A certificate that ends takes its router along.
  router.valid_until = std::min(router.valid_until, now.boot + (certified.not_after - now.utc));
  if (router.valid_until <= now.boot) {
    if (known != link.routers.end()) link.routers.erase(known);
  } else if (known != link.routers.end()) {
    *known = std::move(router);
  } else if (link.routers.size() < kMaxRouters) {
    link.routers.push_back(std::move(router));
  }
  routers_changed(now, interface, link);
}

void Discovery::settle_doubt(Link& link, const Ipv6Address& answered) {
  link.doubted = false;
  if (link.routers.empty() || link.routers.front().link_local == answered) return;
  counters_.add(DiscoveryCounter::kReplaced);
  link.routers.erase(link.routers.begin());
}

void Discovery::routers_changed(Now now, InterfaceId interface, Link& link) {
  changed_.push_back(interface);
  if (!link.routers.empty()) {
    // RFC 3971 7.3: before those of whose prefixes none is certified.
    const Ipv6Address first = link.routers.front().link_local;
    std::ranges::stable_partition(link.routers,
                                  [](const Router& each) { return !each.prefixes.empty(); });
    if (link.routers.front().link_local != first) link.doubted = false;
    // RFC 4861 6.3.7: a host asks once even so, for what an advertisement on its own may not say.
    if (link.asked) link.next_solicitation = kNever;
    link.solicitations = 0;
    return;
  }
  link.next_solicitation = std::min(link.next_solicitation, now.boot);
  fetch_path(now, interface, link);
}

const Router* Discovery::current(InterfaceId interface, Instant now) const {
  const auto found = links_.find(interface);
  if (found == links_.end()) return nullptr;
  for (const Router& router : found->second.routers)
    if (now < router.valid_until) return &router;
  return nullptr;
}

const Router* Discovery::find(InterfaceId interface, const Ipv6Address& link_local) const {
  const auto found = links_.find(interface);
  if (found == links_.end()) return nullptr;
  const auto router = std::ranges::find(found->second.routers, link_local, &Router::link_local);
  return router == found->second.routers.end() ? nullptr : &*router;
}

std::size_t Discovery::count(InterfaceId interface, Instant now) const {
  const auto found = links_.find(interface);
  if (found == links_.end()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(
      found->second.routers, [&](const Router& router) { return now < router.valid_until; }));
}

std::vector<InterfaceId> Discovery::take_changed() { return std::exchange(changed_, {}); }

std::vector<Discovery::Acknowledgement> Discovery::take_acknowledgements() {
  return std::exchange(acknowledgements_, {});
}

Instant Discovery::next_deadline() const {
  Instant earliest = kNever;
  for (const auto& [interface, link] : links_) {
    earliest = std::min(earliest, link.next_solicitation);
    for (const Router& router : link.routers) {
      earliest = std::min(earliest, router.valid_until);
      for (const AdvertisedPrefix& each : router.prefixes)
        earliest = std::min(earliest, each.next_end());
    }
    for (const Held& held : link.held) earliest = std::min(earliest, held.until);
  }
  return earliest;
}

bool Discovery::expire(Instant now, Link& link) {
  bool any = false;
  for (Router& router : link.routers)
    std::erase_if(router.prefixes, [&](AdvertisedPrefix& each) {
      any |= each.next_end() <= now;
      return !each.survives(now);
    });
  const auto ended = [&](const Router& router) { return router.valid_until <= now; };
  return std::erase_if(link.routers, ended) > 0 || any;
}

void Discovery::tick(Now now) {
  for (auto& [interface, link] : links_) {
    if (expire(now.boot, link)) routers_changed(now, interface, link);
    const auto waited =
        std::erase_if(link.held, [&](const Held& held) { return held.until <= now.boot; });
    counters_.add(DiscoveryCounter::kHeldDropped, waited);
    if (link.next_solicitation <= now.boot) solicit(now, interface, link);
  }
}

}  // namespace sendoff::nd
