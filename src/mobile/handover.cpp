#include "mobile/handover.h"

#include <utility>

#include "keys/authenticator.h"
#include "keys/issued_keys.h"
#include "wire/ipv6.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;
using machine::OrderError;

constexpr std::size_t kMaxMovements = 4;
constexpr std::size_t kMaxUpdateRate = 3;         // a second to one PAR (RFC 6275 12)
constexpr Duration kMaxFbuTimeout = seconds(32);  // MAX_BINDACK_TIMEOUT
constexpr Duration kMinRenewalWait = seconds(1);
constexpr std::uint8_t kFirstRefusal = 128;
constexpr std::uint8_t kOtherCareOf = 1;  // accepted, with another NCoA
constexpr std::uint8_t kSequenceOutOfWindow = 135;
constexpr std::uint8_t kCareOfPrefixLength = 64;

bool same_subnet(const Ipv6Address& a, const Ipv6Address& b) {
  return a.subnet_prefix() == b.subnet_prefix();
}

// Our care-of address behind an access point: what the router supplied, else a CGA of ours (GF21).
// Prefixes beyond 64 bits have none (RFC 3972 3).
std::optional<Ipv6Address> new_care_of(const AccessPoint& access_point,
                                       const send::Identity& identity) {
  if (access_point.new_care_of) return access_point.new_care_of;
  if (!access_point.prefix || access_point.prefix->length() > kCareOfPrefixLength)
    return std::nullopt;
  return identity.address(*access_point.prefix);
}

}  // namespace

Handover::Movement* Handover::find(const Ipv6Address& par, const Ipv6Address& pcoa) {
  for (Movement& movement : movements_)
    if (movement.par == par && movement.pcoa == pcoa) return &movement;
  return nullptr;
}

Handover::Movement& Handover::movement_from(const Attachment& attachment) {
  if (Movement* known = find(*attachment.ar, *attachment.address)) return *known;
  if (movements_.size() >= kMaxMovements) {
    settle(movements_.front());
    movements_.erase(movements_.begin());
  }
  Movement movement;
  movement.par = *attachment.ar;
  movement.pcoa = *attachment.address;
  movement.interface = attachment.interface;
  movements_.push_back(std::move(movement));
  return movements_.back();
}

void Handover::remove(const Movement& movement) {
  const Ipv6Address par = movement.par;
  const Ipv6Address pcoa = movement.pcoa;
  parts_.keys.retain_previous(par, pcoa, false);
  std::erase_if(movements_,
                [&](const Movement& each) { return each.par == par && each.pcoa == pcoa; });
}

bool Handover::on_par_link(const Movement& movement) const {
  const Attachment* attachment = parts_.attach.current();
  return attachment != nullptr && attachment->ar == movement.par &&
         attachment->address == movement.pcoa;
}

bool Handover::attached() const {
  const Attachment* attachment = parts_.attach.current();
  return attachment != nullptr && attachment->address.has_value();
}

Result<void, OrderError> Handover::order(Now now, const LinkAddress& access_point,
                                         const Neighbourhood& neighbourhood) {
  const Attachment* attachment = parts_.attach.current();
  if (attachment == nullptr) return fail(OrderError::kNoRouter);
  if (!attachment->address) return fail(OrderError::kNoAddress);
  const AccessPoint* target = neighbourhood.find(access_point);
  if (target == nullptr) return fail(OrderError::kUnknownAccessPoint);
  if (target->state == AccessPoint::State::kSameInterface) return fail(OrderError::kSameInterface);
  if (target->state != AccessPoint::State::kPossible) return fail(OrderError::kNoFastHandover);
  const auto ncoa = new_care_of(*target, parts_.config.identity);
  if (!ncoa) return fail(OrderError::kNoFastHandover);
  if (!attachment->ar) return fail(OrderError::kNoKey);
  const keys::HeldKey* key = parts_.keys.find(now.boot, *attachment->ar, *attachment->address);
  // Restored, or from an earlier visit: only the router can say that it still has it (HK-3.6-08).
  if (key == nullptr || !key->delivered) return fail(OrderError::kNoKey);
  const Movement* under_way = find(*attachment->ar, *attachment->address);
  if (under_way != nullptr && under_way->pending && !under_way->pending->renewal &&
      under_way->pending->lifetime_s > 0)
    return fail(OrderError::kBusy);
  Movement& movement = movement_from(*attachment);
  movement.interface = attachment->interface;
  movement.access_point = access_point;
  movement.stopped = false;
  const auto lifetime_s =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(parts_.config.tunnel_lifetime_s, 0xffff));
  parts_.outbox.report(EventKind::kHandoverStarted,
                       {{"ar", movement.par.text()}, {"ncoa", ncoa->text()}});
  begin(now, movement, *ncoa, lifetime_s, false);
  return {};
}

void Handover::begin(Now now, Movement& movement, const Ipv6Address& care_of,
                     std::uint16_t lifetime_s, bool renewal) {
  Pending pending;
  pending.care_of = care_of;
  pending.lifetime_s = lifetime_s;
  pending.renewal = renewal;
  pending.timeout = parts_.config.fbu_timeout;
  pending.next_send = now.boot;
  movement.pending = std::move(pending);
  if (!renewal && lifetime_s > 0) uncounted_fbu_ = true;
  send(now, movement);
}

void Handover::send(Now now, Movement& movement) {
  if (!attached()) return settle(movement);
  Pending& pending = *movement.pending;
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
  if (on_par_link(movement)) fbu.options.alternate_care_of = pending.care_of;
  if (!parts_.attach.current()->link_address.empty())
    fbu.options.link_address = wire::MobilityLinkAddress{wire::MobilityLinkAddress::kMobileNode,
                                                         parts_.attach.current()->link_address};
  if (persist) parts_.outbox.push(machine::Persist{parts_.keys.record_of(*key, now)});
  parts_.keys.retain_previous(movement.par, movement.pcoa, true);
  transmit(movement, fbu, *key);
  parts_.counters.add(MobileCounter::kFbuSent);
  movement.fbu_sent = true;
  sends.push_back(now.boot);
  if (sends.size() > kMaxUpdateRate) sends.pop_front();
  pending.outstanding.push_back({fbu.sequence, now.boot});
  ++pending.sent;
  pending.next_send = now.boot + pending.timeout;
  pending.timeout = std::min(2 * pending.timeout, kMaxFbuTimeout);
}

// W16: source PCoA on the PAR's link, where the router is a neighbour; NCoA elsewhere, and then the
// host's routes lead there. The Home Address option is in both.
void Handover::transmit(const Movement& movement, const wire::FastBindingUpdate& fbu,
                        const keys::HeldKey& key) {
  const bool at_home = on_par_link(movement);
  const Attachment& attachment = *parts_.attach.current();
  wire::Ipv6Header header;
  header.next_header = wire::kProtocolDestinationOptions;
  header.source = at_home ? movement.pcoa : movement.pending->care_of;
  header.destination = movement.par;
  const Bytes update = keys::authenticated(fbu, key.algorithm, key.key,
                                           keys::care_of_term(fbu, movement.pcoa, header.source),
                                           movement.par, movement.pcoa, movement.par);
  Bytes extension;
  append(extension, wire::HomeAddressHeader{wire::kProtocolMobility, movement.pcoa});
  machine::Transmit action;
  action.interface = attachment.interface;
  if (at_home) action.link_destination = attachment.router_link_address;
  action.packet = wire::build_packet(header, extension, update);
  action.routed = !at_home;
  parts_.outbox.push(std::move(action));
}

void Handover::left(Now now, const Attachment& attachment) {
  for (Movement& movement : movements_) settle(movement);
  if (!attachment.ar || !attachment.address) return;
  const keys::HeldKey* key = parts_.keys.find(now.boot, *attachment.ar, *attachment.address);
  if (key != nullptr && key->delivered) (void)movement_from(attachment);
}

void Handover::arrived(Now now, const Attachment& attachment) {
  std::vector<Movement> over;
  for (Movement& movement : movements_) {
    if (movement.stopped) {
      over.push_back(movement);
    } else if (movement.par == attachment.ar && movement.pcoa == attachment.address) {
      if (returned(now, movement)) over.push_back(movement);
    } else {
      moved_on(now, movement, attachment);
    }
  }
  for (const Movement& movement : over) remove(movement);
  const bool another = last_router_ && *last_router_ != attachment.router;
  last_router_ = attachment.router;
  if (another && std::exchange(uncounted_fbu_, false)) parts_.pair.count_handover();
}

// RFC 5568 5.6, GF7: the old key serves once more, to end the binding. True: nothing to end.
bool Handover::returned(Now now, Movement& movement) {
  if (movement.pending) return false;
  if (!movement.fbu_sent) return true;
  movement.granted.reset();
  begin(now, movement, movement.pcoa, 0, false);
  return false;
}

void Handover::moved_on(Now now, Movement& movement, const Attachment& attachment) {
  if (movement.pending) return;
  if (movement.granted && now.boot < movement.granted->expires &&
      (movement.granted->ncoa == movement.pcoa ||
       same_subnet(movement.granted->ncoa, *attachment.address)))
    return;
  const auto lifetime_s =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(parts_.config.tunnel_lifetime_s, 0xffff));
  parts_.outbox.report(EventKind::kHandoverStarted,
                       {{"ar", movement.par.text()}, {"ncoa", attachment.address->text()}});
  begin(now, movement, *attachment.address, lifetime_s, false);
}

void Handover::binding_complete(const Ipv6Address& current) {
  std::vector<Movement> over;
  for (const Movement& movement : movements_)
    if (movement.par != current) over.push_back(movement);
  for (const Movement& movement : over) remove(movement);
}

void Handover::key_gone(const Ipv6Address& ar, const Ipv6Address& cga) {
  Movement* movement = find(ar, cga);
  if (movement == nullptr) return;
  if (movement->pending) stop(*movement, "key-expired");
  remove(*movement);
}

Handover::Movement* Handover::addressee(const wire::PacketView& packet) {
  for (Movement& movement : movements_) {
    if (!movement.pending || packet.header.source != movement.par) continue;
    const Ipv6Address& destination = packet.header.destination;
    if (destination != movement.pcoa && destination != movement.pending->care_of) continue;
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

void Handover::handle(Now now, const machine::Received& received) {
  const auto packet = wire::PacketView::parse(received.packet);
  if (!packet || packet->upper_protocol != wire::kProtocolMobility || packet->fragment ||
      packet->home_address || received.arrived_as_fragment)
    return;
  const auto head = wire::MobilityHeader::parse(packet->upper);
  if (!head || head->type != wire::MobilityType::kFastBindingAcknowledgement) return;
  Movement* movement = addressee(*packet);
  const auto fback = wire::FastBindingAcknowledgement::parse(packet->upper);
  if (movement == nullptr || !fback) return parts_.counters.add(MobileCounter::kFbackUnexpected);
  const ByteView header = packet->upper.first(head->octets());
  const Ipv6Address& destination =
      packet->routing ? packet->routing->home_address : packet->header.destination;
  const auto sent =
      std::ranges::find(movement->pending->outstanding, fback->sequence, &Outstanding::sequence);
  const bool known = sent != movement->pending->outstanding.end();
  // Status 135 tells the router's last number, not one of ours (GF23).
  if ((!known && fback->status != kSequenceOutOfWindow) ||
      !wire::mobility_checksum_ok(packet->header.source, destination, header))
    return parts_.counters.add(MobileCounter::kFbackUnexpected);
  keys::HeldKey* key = authenticate(now, *movement, header, *fback);
  if (key == nullptr) return parts_.counters.add(MobileCounter::kFbackUnauthenticated);
  if (fback->status == kSequenceOutOfWindow)
    return resynchronise(now, *movement, *key, fback->sequence);
  if (fback->status >= kFirstRefusal) {
    parts_.counters.add(MobileCounter::kFbackRefused);
    return stop(*movement, "status-" + std::to_string(fback->status));
  }
  parts_.counters.add(MobileCounter::kFbackAccepted);
  accepted(*movement, *fback, sent->sent);
}

void Handover::resynchronise(Now now, Movement& movement, keys::HeldKey& key, std::uint16_t last) {
  const bool current = &key == parts_.keys.find(now.boot, movement.par, movement.pcoa);
  if (!current || keys::newer_sequence(key.last_sequence, last))
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

void Handover::accepted(Movement& movement, const wire::FastBindingAcknowledgement& fback,
                        Instant sent) {
  const Pending pending = *movement.pending;
  if (pending.lifetime_s == 0) return remove(movement);
  const std::uint16_t lifetime_s = std::min(fback.lifetime_s, pending.lifetime_s);
  if (lifetime_s == 0) return stop(movement, "lifetime-0");
  Granted granted;
  granted.ncoa = pending.care_of;
  if (fback.status == kOtherCareOf && fback.options.alternate_care_of)
    granted.ncoa = *fback.options.alternate_care_of;
  granted.expires = sent + seconds(lifetime_s);
  granted.renew_at = sent + Duration(seconds(lifetime_s)) / 2;
  movement.granted = granted;
  settle(movement);
  if (pending.renewal) return;
  parts_.outbox.report(EventKind::kHandoverDone, {{"ar", movement.par.text()},
                                                  {"ncoa", granted.ncoa.text()},
                                                  {"lifetime_s", std::int64_t{lifetime_s}}});
  if (on_par_link(movement) && movement.access_point)
    parts_.outbox.push(machine::SwitchLink{movement.interface, *movement.access_point});
}

void Handover::settle(Movement& movement) {
  movement.pending.reset();
  parts_.keys.retain_previous(movement.par, movement.pcoa, false);
}

void Handover::stop(Movement& movement, const std::string& reason) {
  settle(movement);
  movement.stopped = true;
  parts_.outbox.report(EventKind::kHandoverFailed,
                       {{"ar", movement.par.text()}, {"reason", reason}});
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

// GF41: the router discards its keys for the CGA when forwarding times out (GF8), so we do too.
void Handover::lapse(const Movement& movement) {
  parts_.counters.add(MobileCounter::kBindingsLapsed);
  if (parts_.keys.discard(movement.par, movement.pcoa)) {
    parts_.outbox.push(machine::Forget{machine::HeldKeyName{movement.par, movement.pcoa}});
    parts_.outbox.report(
        EventKind::kKeyDiscarded,
        {{"ar", movement.par.text()}, {"cga", movement.pcoa.text()}, {"reason", "binding-lapsed"}});
  }
  if (on_par_link(movement)) key_wanted_ = true;
  remove(movement);
}

bool Handover::needs(const Ipv6Address& address) const {
  return std::ranges::any_of(movements_, [&](const Movement& movement) {
    return movement.pcoa == address && !movement.stopped;
  });
}

std::string_view Handover::state() const {
  std::string_view state = "none";
  for (const Movement& movement : movements_) {
    if (movement.pending) return "waiting for FBack";
    if (movement.granted) state = "forwarding";
  }
  return state;
}

bool Handover::take_key_wanted() { return std::exchange(key_wanted_, false); }

Instant Handover::next_deadline() const {
  Instant earliest = kNever;
  for (const Movement& movement : movements_) {
    if (movement.pending) earliest = std::min(earliest, movement.pending->next_send);
    if (!movement.granted) continue;
    earliest = std::min(earliest, movement.granted->expires);
    if (!movement.pending && !movement.stopped && attached())
      earliest = std::min(earliest, movement.granted->renew_at);
  }
  return earliest;
}

void Handover::tick(Now now) {
  std::vector<Movement> lapsed;
  for (Movement& movement : movements_) {
    if (movement.granted && movement.granted->expires <= now.boot) {
      lapsed.push_back(movement);
      continue;
    }
    if (movement.pending && movement.pending->next_send <= now.boot) {
      if (movement.pending->sent > parts_.config.fbu_retries)
        unanswered(now, movement);
      else
        send(now, movement);
    } else if (movement.granted && !movement.pending && !movement.stopped && attached() &&
               movement.granted->renew_at <= now.boot) {
      begin(now, movement, movement.granted->ncoa,
            static_cast<std::uint16_t>(
                std::min<std::uint32_t>(parts_.config.tunnel_lifetime_s, 0xffff)),
            true);
    }
  }
  for (const Movement& movement : lapsed) lapse(movement);
}

}  // namespace sendoff::mobile
