#include "nd/guarded_routers.h"

#include <algorithm>
#include <utility>

#include "nd/discovery.h"

namespace sendoff::nd {

namespace {

using machine::EventKind;

constexpr std::size_t kRoutersOfLink = 8;
constexpr DiscoveryConfig kPace{};

}  // namespace

std::size_t GuardedRouters::count_of(const auto& routers, InterfaceId interface) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      routers, [&](const auto& entry) { return entry.first.first == interface; }));
}

void GuardedRouters::look_for_certified(bool look) {
  looks_ = look;
  if (!look) searches_.clear();
}

void GuardedRouters::note(Now now, const At& at, const pki::CertifiedRouter& certified,
                          std::uint16_t lifetime_s) {
  unsecured_.erase(at);
  if (lifetime_s == 0) {
    if (routers_.erase(at) > 0) search(now, at.first, {});
    return;
  }
  if (!routers_.contains(at)) {
    if (count_of(routers_, at.first) >= kRoutersOfLink) return;
    outbox_.report(EventKind::kRouterFound,
                   {{"router", at.second.text()}, {"path", certified.path}});
  }
  routers_.insert_or_assign(at, Router{certified, now.boot + seconds(lifetime_s)});
  searches_.erase(at.first);
}

// Its own answer to our last question may be on its way: that of a certified one, too.
void GuardedRouters::note_unsecured(Now now, const At& at, std::uint16_t lifetime_s) {
  routers_.erase(at);
  if (lifetime_s == 0) {
    unsecured_.erase(at);
    return;
  }
  std::erase_if(unsecured_, [&](const auto& entry) { return entry.second <= now.boot; });
  if (count_of(unsecured_, at.first) < kRoutersOfLink || unsecured_.contains(at))
    unsecured_.insert_or_assign(at, now.boot + seconds(lifetime_s));
  search(now, at.first, kPace.solicitation_interval);
}

void GuardedRouters::heard(Now now, const At& at) {
  const auto router = routers_.find(at);
  if (router == routers_.end()) return;
  router->second.silent = false;
  if (certified(now, at) != nullptr) searches_.erase(at.first);
}

void GuardedRouters::reached(Now now, const At& at, bool reached) {
  if (reached) return heard(now, at);
  const auto router = routers_.find(at);
  if (router == routers_.end()) return;
  router->second.silent = true;
  search(now, at.first, {});
}

void GuardedRouters::drop(InterfaceId interface) {
  const auto of_it = [&](const auto& entry) { return entry.first.first == interface; };
  std::erase_if(routers_, of_it);
  std::erase_if(unsecured_, of_it);
  searches_.erase(interface);
}

void GuardedRouters::lost(const At& at, std::string_view reason) {
  outbox_.report(EventKind::kRouterLost,
                 {{"router", at.second.text()}, {"reason", std::string(reason)}});
}

void GuardedRouters::forget_withdrawn(Now now) {
  std::vector<InterfaceId> left;
  std::erase_if(routers_, [&](const auto& entry) {
    if (keys_.find(entry.second.certified.spki, now.utc) != nullptr) return false;
    lost(entry.first, "certificate");
    left.push_back(entry.first.first);
    return true;
  });
  for (const InterfaceId interface : left) search(now, interface, {});
}

const pki::CertifiedRouter* GuardedRouters::certified(Now now, const At& at) const {
  const auto found = routers_.find(at);
  if (found == routers_.end() || found->second.valid_until <= now.boot ||
      found->second.certified.not_after < now.utc)
    return nullptr;
  return &found->second.certified;
}

bool GuardedRouters::serve(Now now, InterfaceId interface) const {
  return std::ranges::any_of(routers_, [&](const auto& entry) {
    return entry.first.first == interface && certified(now, entry.first) != nullptr &&
           !entry.second.silent;
  });
}

std::vector<Ipv6Address> GuardedRouters::certified_of(Now now, InterfaceId interface) const {
  std::vector<Ipv6Address> found;
  for (const auto& [at, router] : routers_)
    if (at.first == interface && certified(now, at) != nullptr) found.push_back(at.second);
  return found;
}

std::vector<Ipv6Address> GuardedRouters::unsecured_of(Now now, InterfaceId interface) const {
  std::vector<Ipv6Address> found;
  for (const auto& [at, until] : unsecured_)
    if (at.first == interface && until > now.boot) found.push_back(at.second);
  return found;
}

void GuardedRouters::search(Now now, InterfaceId interface, Duration delay) {
  if (looks_ && !serve(now, interface)) searches_.try_emplace(interface, Search{now.boot + delay});
}

std::vector<GuardedRouters::Question> GuardedRouters::take_questions(Now now) {
  std::vector<Question> due;
  for (auto& [interface, search] : searches_) {
    if (search.next > now.boot) continue;
    const bool from_unspecified = search.asked >= kPace.max_solicitations;
    due.push_back({interface, from_unspecified});
    search.asked += from_unspecified ? 0 : 1;
    search.next =
        now.boot + (from_unspecified ? kPace.later_interval : kPace.solicitation_interval);
  }
  return due;
}

Instant GuardedRouters::next_deadline() const {
  Instant earliest = kNever;
  for (const auto& [at, router] : routers_) earliest = std::min(earliest, router.valid_until);
  for (const auto& [interface, search] : searches_) earliest = std::min(earliest, search.next);
  return earliest;
}

void GuardedRouters::tick(Now now) {
  std::vector<InterfaceId> left;
  std::erase_if(routers_, [&](const auto& entry) {
    if (entry.second.valid_until > now.boot) return false;
    lost(entry.first, "lifetime");
    left.push_back(entry.first.first);
    return true;
  });
  for (const InterfaceId interface : left) search(now, interface, {});
}

}  // namespace sendoff::nd
