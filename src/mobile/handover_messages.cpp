// The messages of a handover: FBUs with their repetitions, FBacks and Binding Errors.
#include <utility>

#include "keys/authenticator.h"
#include "keys/issued_keys.h"
#include "mobile/handover.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;

constexpr std::size_t kMaxUpdateRate = 3;         // a second to one PAR (RFC 6275 12)
constexpr Duration kMaxFbuTimeout = seconds(32);  // MAX_BINDACK_TIMEOUT
constexpr Duration kMinRenewalWait = seconds(1);
constexpr std::uint8_t kOtherCareOf = 1;  // accepted, with another NCoA
constexpr std::uint8_t kFirstRefusal = 128;
constexpr std::uint8_t kNoResources = 130;
constexpr std::uint8_t kIdentifierLength = 131;  // the NCoA's does not fit its prefix (GF28)
constexpr std::uint8_t kSequenceOutOfWindow = 135;
constexpr std::uint16_t kFirstSequence = 1;       // under a key
constexpr std::uint8_t kUnknownMobilityType = 2;  // of a Binding Error

}  // namespace

void Handover::begin(Now now, Movement& movement, const Ipv6Address& care_of,
                     std::uint16_t lifetime_s, bool renewal) {
  Pending pending;
  pending.care_of = care_of;
  pending.lifetime_s = lifetime_s;
  pending.renewal = renewal;
  pending.by_router = name_router_ == care_of;
  pending.timeout = parts_.config.fbu_timeout;
  pending.next_send = now.boot;
  movement.pending = std::move(pending);
  if (!renewal && lifetime_s > 0) uncounted_fbu_ = true;
  send(now, movement);
}

void Handover::send(Now now, Movement& movement) {
  Pending& pending = *movement.pending;
  if (!standing_) {
    pending.next_send = kNever;
    return;
  }
  auto& sends = movement.sends;
  if (sends.size() >= kMaxUpdateRate && now.boot - sends.front() < seconds(1)) {
    pending.next_send = sends.front() + seconds(1);
    return;
  }
  keys::HeldKey* key = parts_.keys.find(now.boot, movement.par, movement.pcoa);
  if (key == nullptr) return stop(movement, "no-key");
  bool persist = false;
  wire::FastBindingUpdate fbu;
  fbu.sequence = parts_.keys.next_sequence(*key, persist);
  fbu.acknowledge = true;
  fbu.home_registration = true;
  fbu.lifetime_s = pending.lifetime_s;
  if (on_par_link(movement) || pending.care_of != standing_->address)
    fbu.options.alternate_care_of = pending.care_of;
  if (parts_.config.fbu_link_address && !standing_->link_address.empty())
    fbu.options.link_address =
        wire::MobilityLinkAddress{wire::MobilityLinkAddress::kMobileNode, standing_->link_address};
  if (persist) parts_.outbox.push(machine::Persist{parts_.keys.record_of(*key, now)});
  parts_.keys.retain_previous(movement.par, movement.pcoa, true);
  transmit(movement, fbu, *key);
  movement.fbu_sent = true;
  movement.may_stand = movement.may_stand || pending.lifetime_s > 0;
  sends.push_back(now.boot);
  if (sends.size() > kMaxUpdateRate) sends.pop_front();
  pending.outstanding.push_back({fbu.sequence, now.boot});
  ++pending.sent;
  pending.next_send = now.boot + pending.timeout;
  pending.timeout = std::min(2 * pending.timeout, kMaxFbuTimeout);
}

// W16: source PCoA on the PAR's link, where the router is a neighbour; the address in use
// elsewhere, through the router there, whose link-layer address may have been told before any RA.
// The Home Address option is in both.
void Handover::transmit(Movement& movement, const wire::FastBindingUpdate& fbu,
                        const keys::HeldKey& key) {
  const bool at_home = on_par_link(movement);
  wire::Ipv6Header header;
  header.next_header = wire::kProtocolDestinationOptions;
  header.source = at_home ? movement.pcoa : standing_->address;
  header.destination = movement.par;
  movement.pending->source = header.source;
  const Bytes update = keys::authenticated(fbu, key.algorithm, key.key,
                                           keys::care_of_term(fbu, movement.pcoa, header.source),
                                           movement.par, movement.pcoa, movement.par);
  Bytes extension;
  append(extension, wire::HomeAddressHeader{wire::kProtocolMobility, movement.pcoa});
  machine::Transmit action;
  action.interface = standing_->interface;
  action.link_destination = standing_->first_hop;
  action.packet = wire::build_packet(header, extension, update);
  action.routed = !at_home && !standing_->first_hop;
  parts_.outbox.push(std::move(action));
  parts_.counters.add(MobileCounter::kFbuSent);
  parts_.outbox.report(EventKind::kFbuSent, {{"ar", movement.par.text()},
                                             {"source", header.source.text()},
                                             {"care_of", movement.pending->care_of.text()},
                                             {"sequence", std::int64_t{fbu.sequence}},
                                             {"lifetime_s", std::int64_t{fbu.lifetime_s}}});
}

// A router that discarded the key is silent (HK-3.6-10): it is asked for the key, besides.
void Handover::send_again(Now now, Movement& movement) {
  Pending& pending = *movement.pending;
  if (on_par_link(movement) && pending.sent > 0 && !std::exchange(pending.key_asked, true))
    key_wanted_ = true;
  send(now, movement);
}

void Handover::unanswered(Now now, Movement& movement) {
  parts_.counters.add(MobileCounter::kFbuUnanswered);
  key_wanted_ = true;
  const bool renewal = movement.pending->renewal;
  const bool end_of_binding = movement.pending->lifetime_s == 0;
  if (!renewal && !end_of_binding) return stop(movement, "unanswered");
  settle(movement);
  movement.fbu_sent = renewal;
  if (!movement.granted) return;
  const Duration left = movement.granted->expires - now.boot;
  movement.granted->renew_at = now.boot + std::max<Duration>(left / 2, kMinRenewalWait);
}

Handover::Movement* Handover::addressee(const wire::PacketView& packet) {
  for (Movement& movement : movements_) {
    if (!movement.pending || packet.header.source != movement.par) continue;
    const Ipv6Address& destination = packet.header.destination;
    if (destination != movement.pcoa && destination != movement.pending->care_of &&
        destination != movement.pending->source)
      continue;
    if (packet.routing && packet.routing->home_address != movement.pcoa) continue;
    return &movement;
  }
  return nullptr;
}

// The key that the FBack was made under: the newest, or the one before it while an FBU under that
// is outstanding.
keys::HeldKey* Handover::authenticate(Now now, const Movement& movement, ByteView header,
                                      const wire::FastBindingAcknowledgement& fback) {
  keys::HeldKey* current = parts_.keys.find(now.boot, movement.par, movement.pcoa);
  for (keys::HeldKey* key : {current, parts_.keys.previous(movement.par, movement.pcoa)})
    if (key != nullptr && keys::check(header, fback.options.authorization, key->algorithm, key->key,
                                      movement.pending->care_of, movement.par))
      return key;
  return nullptr;
}

bool Handover::handle(Now now, const wire::PacketView& packet, const wire::MobilityHeader& head) {
  if (packet.home_address) return false;
  const ByteView header = packet.upper.first(head.octets());
  if (head.type == wire::MobilityType::kFastBindingAcknowledgement)
    return acknowledged(now, packet, header);
  if (head.type == wire::MobilityType::kBindingError) binding_error(packet, header);
  return false;
}

bool Handover::acknowledged(Now now, const wire::PacketView& packet, ByteView header) {
  const auto unexpected = [this] {
    parts_.counters.add(MobileCounter::kFbackUnexpected);
    return false;
  };
  Movement* movement = addressee(packet);
  const auto fback = wire::FastBindingAcknowledgement::parse(header);
  if (movement == nullptr || !fback) return unexpected();
  const auto sent =
      std::ranges::find(movement->pending->outstanding, fback->sequence, &Outstanding::sequence);
  const bool known = sent != movement->pending->outstanding.end();
  // An accepted other address must be named (FH-6.2.3-14).
  if (fback->status == kOtherCareOf && !fback->options.alternate_care_of) return unexpected();
  // Status 135 tells the router's last number, not one of ours (GF23).
  if (!known && fback->status != kSequenceOutOfWindow) return unexpected();
  keys::HeldKey* key = authenticate(now, *movement, header, *fback);
  if (key == nullptr) {
    parts_.counters.add(MobileCounter::kFbackUnauthenticated);
    return false;
  }
  parts_.outbox.report(EventKind::kFbackReceived, {{"ar", movement->par.text()},
                                                   {"status", std::int64_t{fback->status}},
                                                   {"sequence", std::int64_t{fback->sequence}}});
  // The router of this link answers an FBU whether it took our announcement or not.
  const bool from_elsewhere = !on_par_link(*movement);
  if (fback->status == kSequenceOutOfWindow) {
    resynchronise(now, *movement, *key, fback->sequence);
  } else if (fback->status >= kFirstRefusal) {
    parts_.counters.add(MobileCounter::kFbackRefused);
    refused(now, *movement, fback->status);
  } else {
    parts_.counters.add(MobileCounter::kFbackAccepted);
    accepted(*movement, *fback, sent->sent);
  }
  return from_elsewhere;
}

// RFC 6275 11.3.6: the PAR does not know what an FBU is. Anybody can forge this, as he could keep
// the FBU from arriving, so it only ends what waits for an answer.
void Handover::binding_error(const wire::PacketView& packet, ByteView header) {
  const auto error = wire::BindingError::parse(header);
  if (!error || error->status != kUnknownMobilityType || packet.routing) return;
  Movement* movement = addressee(packet);
  if (movement == nullptr || error->home_address != movement->pcoa) return;
  parts_.counters.add(MobileCounter::kBindingErrors);
  stop(*movement, "binding-error");
}

void Handover::resynchronise(Now now, Movement& movement, keys::HeldKey& key, std::uint16_t last) {
  const bool current = &key == parts_.keys.find(now.boot, movement.par, movement.pcoa);
  // Where its last one is our last one it follows that, and speaks of an earlier one that came late
  // or that somebody sent again; should it be a coincidence, the repeat has the next number.
  // The first number has none before it: there the router had one of ours from an earlier visit.
  const bool follows_us = last == key.last_sequence && last != kFirstSequence;
  if (!current || follows_us || keys::newer_sequence(key.last_sequence, last))
    return parts_.counters.add(MobileCounter::kFbackUnexpected);
  if (movement.pending->resynchronised) {
    parts_.counters.add(MobileCounter::kFbackRefused);
    return stop(movement, "status-135");
  }
  parts_.counters.add(MobileCounter::kFbackResynchronised);
  parts_.keys.resynchronise(key, last);
  movement.pending->resynchronised = true;
  movement.pending->outstanding.clear();
  send(now, movement);
}

// RFC 6275 11.7.3: a lack of resources may pass, so the FBU is sent once more after its time-out.
void Handover::refused(Now now, Movement& movement, std::uint8_t status) {
  Pending& pending = *movement.pending;
  if (status == kIdentifierLength) unfit(pending.care_of);
  if (!movement.first_granted) movement.may_stand = false;
  const bool may_pass = status == kNoResources && pending.lifetime_s > 0;
  if (!may_pass || std::exchange(pending.tried_again, true))
    return stop(movement, "status-" + std::to_string(status));
  pending.outstanding.clear();
  pending.next_send = now.boot + pending.timeout;
}

void Handover::accepted(Movement& movement, const wire::FastBindingAcknowledgement& fback,
                        Instant sent) {
  const Pending pending = *movement.pending;
  if (pending.lifetime_s == 0) return remove(movement, "returned");
  const std::uint16_t lifetime_s = std::min(fback.lifetime_s, pending.lifetime_s);
  if (lifetime_s == 0) return stop(movement, "lifetime-0");
  Granted granted;
  granted.ncoa = granted.proposed = pending.care_of;
  if (fback.status == kOtherCareOf) {
    granted.ncoa = *fback.options.alternate_care_of;
    if (!granted.ncoa.is_unicast_routable()) return stop(movement, "bad-care-of-address");
  }
  granted.by_router = pending.by_router || granted.ncoa == movement.pcoa;
  granted.expires = sent + seconds(lifetime_s);
  granted.renew_at = sent + Duration(seconds(lifetime_s)) / 2;
  movement.granted = granted;
  if (!movement.first_granted) movement.first_granted = sent;
  settle(movement);
  if (!pending.renewal)
    parts_.outbox.report(EventKind::kHandoverDone, {{"ar", movement.par.text()},
                                                    {"ncoa", granted.ncoa.text()},
                                                    {"lifetime_s", std::int64_t{lifetime_s}}});
  if (on_par_link(movement)) return pending.renewal ? void() : switch_link(movement);
  movement.refused = false;
  keep_previous(movement);
  if (granted.by_router) detach_tunnel(movement);
  if (standing_ && !pending.by_router && granted.ncoa != standing_->address)
    assigned_ = granted.ncoa;
}

void Handover::settle(Movement& movement) {
  movement.pending.reset();
  parts_.keys.retain_previous(movement.par, movement.pcoa, false);
}

void Handover::stop(Movement& movement, std::string_view reason) {
  settle(movement);
  movement.stopped = true;
  movement.switch_at = kNever;
  movement.granted.reset();
  detach_tunnel(movement);
  last_voluntary_.reset();
  parts_.outbox.report(EventKind::kHandoverFailed,
                       {{"ar", movement.par.text()}, {"reason", std::string(reason)}});
  if (movement.by_network && on_par_link(movement)) switch_link(movement);
}

}  // namespace sendoff::mobile
