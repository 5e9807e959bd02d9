#include "nd/consistency.h"

#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::nd {

namespace {

// What contradicts ours, in words; empty: nothing does.
class Differences {
 public:
  void compare(std::string_view what, std::uint32_t theirs, std::uint32_t ours) {
    if (theirs == ours) return;
    if (!text_.empty()) text_ += ", ";
    text_ += std::string(what) + " " + std::to_string(theirs) + " for " + std::to_string(ours);
  }
  void compare_specified(std::string_view what, std::uint32_t theirs, std::uint32_t ours) {
    if (theirs != 0 && ours != 0) compare(what, theirs, ours);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void compare_prefix(Differences& differences, const wire::PrefixInformation& theirs,
                    const AdvertiserLink& link) {
  for (const AdvertisedByUs& ours : link.prefixes) {
    if (ours.prefix != theirs.prefix()) continue;
    const std::string prefix = ours.prefix.text();
    differences.compare("valid lifetime of " + prefix, theirs.valid_lifetime_s,
                        ours.valid_lifetime_s);
    differences.compare("preferred lifetime of " + prefix, theirs.preferred_lifetime_s,
                        ours.preferred_lifetime_s);
  }
}

std::string differences(const AdvertiserLink& link, ByteView icmp) {
  Differences found;
  const auto ra = wire::RouterAdvertisement::parse(icmp);
  const auto options = ra ? wire::OptionList::parse(icmp.subspan(wire::RouterAdvertisement::kSize))
                          : wire::Parsed<wire::OptionList>(fail(wire::ParseError::kTruncated));
  if (!options) return {};
  const AdvertisedParameters& ours = link.parameters;
  found.compare_specified("hop limit", ra->current_hop_limit, ours.hop_limit);
  found.compare("M", ra->managed, ours.managed);
  found.compare("O", ra->other, ours.other);
  found.compare_specified("reachable time", ra->reachable_time_ms, ours.reachable_time_ms);
  found.compare_specified("retransmission timer", ra->retransmission_timer_ms,
                          ours.retransmission_timer_ms);
  for (const wire::RawOption& option : options->before_signature()) {
    if (const auto mtu = wire::MtuOption::parse(option.octets))
      found.compare_specified("MTU", mtu->mtu, ours.mtu);
    if (const auto prefix = wire::PrefixInformation::parse(option.octets))
      compare_prefix(found, *prefix, link);
  }
  return found.take();
}

}  // namespace

bool Consistency::concerns(Now now, InterfaceId interface, const AdvertiserLink& ours,
                           const Ipv6Address& router, ByteView icmp) {
  auto& link = reported_[interface];
  std::erase_if(link,
                [&](const auto& entry) { return entry.second + kReportInterval <= now.boot; });
  return router != ours.source && !link.contains(router) && link.size() < kMaxRouters &&
         !differences(ours, icmp).empty();
}

void Consistency::handle(Now now, const send::Message& message, const AdvertiserLink& ours,
                         std::string_view interface_name) {
  // It may have been reported while this one was verified.
  if (!concerns(now, message.interface, ours, message.source, message.icmp)) return;
  reported_[message.interface].emplace(message.source, now.boot);
  ++contradictions_;
  outbox_.report(machine::EventKind::kRouterContradicts,
                 {{"interface", std::string(interface_name)},
                  {"router", message.source.text()},
                  {"text", differences(ours, message.icmp)}});
}

void Consistency::drop(InterfaceId interface) { reported_.erase(interface); }

}  // namespace sendoff::nd
