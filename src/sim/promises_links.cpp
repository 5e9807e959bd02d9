// Promises about who is who on a link.
#include <algorithm>

#include "sim/places.h"
#include "sim/promises.h"
#include "sim/world.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/nd_options.h"
#include "wire/send_options.h"

namespace sendoff::sim {

namespace {

// Longer than a probe takes, shorter than what it found may count for.
constexpr Duration kProbeCounts = seconds(1);

bool is(const wire::PacketView& packet, wire::Icmpv6Type type) {
  return packet.upper_protocol == wire::kProtocolIcmpv6 && !packet.upper.empty() &&
         packet.upper[0] == static_cast<std::uint8_t>(type);
}

// The nonce among the options of an ND message.
std::optional<Bytes> nonce_in(const wire::PacketView& packet) {
  const auto offset = wire::options_offset(packet.upper);
  if (!offset) return std::nullopt;
  const auto options = wire::OptionList::parse(packet.upper.subspan(*offset));
  const auto option =
      options ? options->first(wire::OptionType::kNonce) : std::optional<wire::RawOption>{};
  if (!option) return std::nullopt;
  const auto nonce = wire::NonceOption::parse(option->octets);
  if (!nonce) return std::nullopt;
  return to_bytes(nonce->nonce);
}

}  // namespace

void CertifiedRouters::asked(const Node& node, const machine::ActionKind& action) {
  const auto* report = std::get_if<machine::Report>(&action);
  if (report == nullptr || report->event.kind != machine::EventKind::kRouterFound) return;
  const auto found = Ipv6Address::parse(report->event.text("router"));
  for (std::size_t i = 0; i < world_.routers().size(); ++i)
    for (std::uint8_t collision = 0; collision <= cga::kMaxCollisionCount; ++collision)
      if (found == router_identity(i).address(send::link_local_prefix(), collision)) return;
  broken(node.name() + " takes " + std::string(report->event.text("router")) + " for a router");
}

void FreshNonces::asked(const Node& node, const machine::ActionKind& action) {
  const auto* transmit = std::get_if<machine::Transmit>(&action);
  if (transmit == nullptr) return;
  const auto view = wire::PacketView::parse(transmit->packet);
  if (!view) return;
  const bool solicits =
      is(*view, wire::Icmpv6Type::kRouterSolicitation) ||
      (is(*view, wire::Icmpv6Type::kFastMobility) && wire::RtSolPr::parse(view->upper).has_value());
  const auto nonce = solicits ? nonce_in(*view) : std::nullopt;
  if (!nonce) return;
  const auto [used, fresh] = used_.try_emplace(*nonce, transmit->packet);
  if (!fresh && used->second != transmit->packet)
    broken(node.name() + " uses a nonce twice: " + describe(transmit->packet));
}

void AnsweredOnce::crashed(const Node& node, bool) { answers_.erase(&node); }

void AnsweredOnce::asked(const Node& node, const machine::ActionKind& action) {
  const auto* transmit = std::get_if<machine::Transmit>(&action);
  if (transmit == nullptr || world_.context().scenario.rate(Fault::kSmallTables) != 0) return;
  const auto view = wire::PacketView::parse(transmit->packet);
  if (!view || view->header.destination.is_multicast()) return;
  const bool answers =
      is(*view, wire::Icmpv6Type::kRouterAdvertisement) ||
      (is(*view, wire::Icmpv6Type::kFastMobility) && wire::PrRtAdv::parse(view->upper).has_value());
  const auto nonce = answers ? nonce_in(*view) : std::nullopt;
  if (!nonce) return;
  const auto [answered, fresh] = answers_[&node].try_emplace(*nonce, transmit->packet);
  if (!fresh && answered->second != transmit->packet)
    broken(node.name() + " answers once more: " + describe(transmit->packet));
}

void InUse::asked(const Node& node, const machine::ActionKind& action) {
  if (const auto* transmit = std::get_if<machine::Transmit>(&action)) {
    const auto view = wire::PacketView::parse(transmit->packet);
    if (!view || !is(*view, wire::Icmpv6Type::kNeighborSolicitation) ||
        !view->header.source.is_unspecified())
      return;
    if (const auto probe = wire::NeighborSolicitation::parse(view->upper))
      probed_.insert_or_assign({&node, probe->target},
                               Probe{.at = world_.context().queue.now(), .claims = {}});
    return;
  }
  const auto* report = std::get_if<machine::Report>(&action);
  if (report == nullptr || report->event.kind != machine::EventKind::kArrivalExpected) return;
  const auto given = Ipv6Address::parse(report->event.text("address"));
  const auto probe = given ? probed_.find({&node, *given}) : probed_.end();
  if (probe == probed_.end()) return;
  const bool just_now = world_.context().queue.now() - probe->second.at <= kProbeCounts;
  const auto owner = just_now ? probe->second.owner : std::nullopt;
  probed_.erase(probe);
  if (owner && owner->text() != report->event.text("link_address"))
    broken(node.name() + " gives away " + given->text() + ", which " + owner->text() + " has");
}

void InUse::heard(const Node& node, const machine::Received& received) {
  const auto view = wire::PacketView::parse(received.packet);
  if (!view || !is(*view, wire::Icmpv6Type::kNeighborAdvertisement) ||
      view->header.hop_limit != 255 || view->fragment ||
      !wire::icmpv6_checksum_ok(view->header.source, view->header.destination, view->upper))
    return;
  const auto advertisement = wire::NeighborAdvertisement::parse(view->upper);
  const auto probe = advertisement ? probed_.find({&node, advertisement->target}) : probed_.end();
  if (probe == probed_.end()) return;
  const auto options =
      wire::OptionList::parse(view->upper.subspan(wire::NeighborAdvertisement::kSize));
  const auto option = options ? options->first(wire::OptionType::kTargetLinkAddress)
                              : std::optional<wire::RawOption>{};
  const auto owner = option ? wire::LinkAddressOption::parse(option->octets)
                            : wire::Parsed<wire::LinkAddressOption>{};
  if (!option || !owner || probe->second.owner) return;
  const auto signature = options->first(wire::OptionType::kRsaSignature);
  if (!signature) {
    probe->second.owner = owner->address;
    return;
  }
  if (const auto read = wire::RsaSignatureOption::parse(signature->octets))
    probe->second.claims.push_back({owner->address, to_bytes(read->content)});
}

void InUse::job_ended(const Node& node, const machine::Job& job, const machine::JobOutput& output) {
  const auto* verify = std::get_if<machine::VerifySignature>(&job);
  const auto* verified = std::get_if<machine::SignatureVerified>(&output);
  if (verify == nullptr || verified == nullptr || !verified->valid) return;
  const ByteView signature = verify->signature;
  for (auto& [asked, probe] : probed_)
    for (const Claim& claim : probe.claims)
      if (asked.first == &node && !probe.owner && claim.content.size() >= signature.size() &&
          equal(ByteView(claim.content).first(signature.size()), signature))
        probe.owner = claim.owner;
}

}  // namespace sendoff::sim
