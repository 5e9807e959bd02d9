// What the guard tells of itself: its modes and counters by name, and its tables.
#include "nd/guard.h"

namespace sendoff::nd {

static constexpr std::size_t kNeighboursShown = 256;  // of a link

std::string_view name(GuardMode mode) {
  switch (mode) {
    case GuardMode::kMixed:
      return "mixed";
    case GuardMode::kSecuredOnly:
      return "secured-only";
    case GuardMode::kOff:
      return "off";
  }
  return "unknown";
}

std::string_view name(GuardCounter counter) {
  switch (counter) {
    case GuardCounter::kSigned:
      return "signed";
    case GuardCounter::kSignedAlready:
      return "signed-already";
    case GuardCounter::kFromUnspecified:
      return "from-unspecified";
    case GuardCounter::kNotOurAddress:
      return "sent-unsigned";
    case GuardCounter::kNotOurRefused:
      return "not-our-address";
    case GuardCounter::kSignBudget:
      return "sign-budget";
    case GuardCounter::kSignQueue:
      return "sign-queue-full";
    case GuardCounter::kTooBig:
      return "too-big";
    case GuardCounter::kSignFailed:
      return "sign-failed";
    case GuardCounter::kOutMalformed:
      return "out-malformed";
    case GuardCounter::kRouterSought:
      return "router-sought";
    case GuardCounter::kSecured:
      return "taken-secured";
    case GuardCounter::kAnswered:
      return "answered";
    case GuardCounter::kUnsecured:
      return "taken-unsecured";
    case GuardCounter::kSecuredOnly:
      return "secured-only";
    case GuardCounter::kSecuredEntry:
      return "secured-entry";
    case GuardCounter::kSecuredRouter:
      return "secured-router";
    case GuardCounter::kOwnAddress:
      return "own-address";
    case GuardCounter::kLaterDad:
      return "later-dad";
    case GuardCounter::kOwnKey:
      return "own-key";
    case GuardCounter::kUnauthorised:
      return "unauthorised";
    case GuardCounter::kTarget:
      return "target";
    case GuardCounter::kPathAwaited:
      return "path-awaited";
    case GuardCounter::kNoPath:
      return "no-path";
    case GuardCounter::kLeftToRole:
      return "left-to-role";
    case GuardCounter::kRedirector:
      return "redirector";
    case GuardCounter::kPrefixRemoved:
      return "prefix-removed";
    case GuardCounter::kNotSolicited:
      return "not-solicited";
    case GuardCounter::kNeighbourEvicted:
      return "neighbour-evicted";
    case GuardCounter::kCount:
      break;
  }
  return "unknown";
}

void Guard::counters(const CounterVisitor& visit) const {
  const auto group = [&](std::string_view name, const auto& counters) {
    counters.for_each(
        [&](std::string_view counter, std::uint64_t value) { visit(name, counter, value); });
  };
  group("guard", counters_);
  group("send", receiver_.counters());
  group("path", paths_.counters());
  if (certifier_) group("certifier", certifier_->counters());
}

Guard::Status Guard::status(Now now) const {
  Status status;
  for (const auto& [interface, link] : links_) {
    LinkStatus each{link.config.name, link.up, link.config.mode, own_.ready(interface),
                    routers_.certified_of(now, interface)};
    for (const Ipv6Address& address : each.routers) {
      const ByteView spki = routers_.certified(now, {interface, address})->spki;
      if (keys_.standing(spki, now.utc) == pki::Standing::kUndetermined)
        each.provisional_routers.push_back(address);
    }
    each.unsecured_routers = routers_.unsecured_of(now, interface);
    for (const OwnAddresses::Own& own : own_.all(interface))
      (own.secured ? each.secured_prefixes : each.unsecured_prefixes).push_back(own.prefix);
    each.secured_neighbours = neighbours_.of(interface, kNeighboursShown);
    status.links.push_back(std::move(each));
  }
  status.secured_neighbours = neighbours_.size();
  return status;
}

}  // namespace sendoff::nd
