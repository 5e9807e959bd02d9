#include "router/par.h"

namespace sendoff::router {

namespace {

using machine::EventKind;

constexpr std::size_t kMaxSteps = 1024;

ParCounter counter_of(keys::FbuRefusal refusal) {
  switch (refusal) {
    case keys::FbuRefusal::kNoKey:
      return ParCounter::kNoKey;
    case keys::FbuRefusal::kKeyExpired:
      return ParCounter::kKeyExpired;
    case keys::FbuRefusal::kNoAuthorization:
      return ParCounter::kNoAuthorization;
    case keys::FbuRefusal::kSpi:
      return ParCounter::kSpi;
    case keys::FbuRefusal::kMacLength:
      return ParCounter::kMacLength;
    default:
      return ParCounter::kMac;
  }
}

}  // namespace

std::string_view name(ParCounter counter) {
  switch (counter) {
    case ParCounter::kMalformed:
      return "malformed";
    case ParCounter::kChecksum:
      return "checksum";
    case ParCounter::kOtherType:
      return "other-type";
    case ParCounter::kNoHomeAddress:
      return "no-home-address";
    case ParCounter::kNotOurAddress:
      return "not-our-address";
    case ParCounter::kNotOnLink:
      return "not-on-link";
    case ParCounter::kFlags:
      return "flags";
    case ParCounter::kCareOfAddress:
      return "care-of-address";
    case ParCounter::kNoKey:
      return "no-key";
    case ParCounter::kKeyExpired:
      return "key-expired";
    case ParCounter::kNoAuthorization:
      return "no-authorization";
    case ParCounter::kSpi:
      return "spi";
    case ParCounter::kMacLength:
      return "mac-length";
    case ParCounter::kMac:
      return "mac";
    case ParCounter::kRepeated:
      return "repeated";
    case ParCounter::kStale:
      return "stale";
    case ParCounter::kStaleUnanswered:
      return "stale-unanswered";
    case ParCounter::kProhibited:
      return "prohibited";
    case ParCounter::kNoInitiate:
      return "no-initiate";
    case ParCounter::kNoResources:
      return "no-resources";
    case ParCounter::kAccepted:
      return "accepted";
    case ParCounter::kEnded:
      return "ended";
    case ParCounter::kExpired:
      return "expired";
    case ParCounter::kCount:
      break;
  }
  return "unknown";
}

Par::Par(const Config& config, const std::vector<ServedLink>& links, keys::IssuedKeys& keys,
         machine::Outbox& outbox)
    : config_(config), links_(links), keys_(keys), outbox_(outbox) {}

// Everything about an FBU that can be judged without a key.
std::optional<ParCounter> Par::read(const machine::Received& received,
                                    const wire::PacketView& packet, Update& update) const {
  const auto header = wire::MobilityHeader::parse(packet.upper);
  if (!header) return ParCounter::kMalformed;
  if (header->type != wire::MobilityType::kFastBindingUpdate) return ParCounter::kOtherType;
  if (packet.fragment || received.arrived_as_fragment) return ParCounter::kMalformed;
  if (!packet.home_address) return ParCounter::kNoHomeAddress;
  const ServedLink* holder = find_holder(links_, packet.header.destination);
  if (holder == nullptr) return ParCounter::kNotOurAddress;
  update.pcoa = *packet.home_address;
  if (!update.pcoa.is_unicast_routable() || !holder->on_link(update.pcoa))
    return ParCounter::kNotOnLink;
  if (!wire::mobility_checksum_ok(update.pcoa, packet.header.destination,
                                  packet.upper.first(header->octets())))
    return ParCounter::kChecksum;
  const auto fbu = wire::FastBindingUpdate::parse(packet.upper);
  if (!fbu) return ParCounter::kMalformed;
  if (!fbu->acknowledge || !fbu->home_registration) return ParCounter::kFlags;

  update.arrived_on = received.interface;
  update.frame_source = received.frame_source;
  update.source = packet.header.source;
  update.par = packet.header.destination;
  update.holder = holder->config.id;
  update.fbu = *fbu;
  update.care_of = fbu->options.alternate_care_of.value_or(update.source);
  update.care_of_term = keys::care_of_term(*fbu, update.pcoa, update.source);
  const bool registers = fbu->lifetime_s != 0;
  if (!update.source.is_unicast_routable() ||
      (registers && (!update.care_of.is_unicast_routable() || update.care_of == update.pcoa)))
    return ParCounter::kCareOfAddress;
  return std::nullopt;
}

// One line for all causes: which it was stays in the counters (HK-3.5-05).
void Par::refuse_silently(Now now, ParCounter why, const Update& update) {
  counters_.add(why);
  if (refusal_reports_.take(now.boot))
    outbox_.report(EventKind::kFbuRefused,
                   {{"pcoa", update.pcoa.text()},
                    {"text", "an FBU was not followed; `sendoff status` counts the causes"}});
}

void Par::handle(Now now, const machine::Received& received, const wire::PacketView& packet) {
  Update update;
  if (const auto why = read(received, packet, update)) {
    counters_.add(*why);
    return;
  }
  const ByteView header = packet.upper.first(wire::MobilityHeader::parse(packet.upper)->octets());
  const auto key = keys_.authenticate(now.boot, update.pcoa, update.care_of_term, update.par,
                                      header, update.fbu);
  if (!key) return refuse_silently(now, counter_of(key.error()), update);

  update.key = (*key)->name();
  update.digest = crypto::sha256(header);
  const auto last = answered_.find(update.key);
  if (last != answered_.end() && last->second.digest == update.digest) {
    counters_.add(ParCounter::kRepeated);
    for (const machine::Transmit& transmit : last->second.packets) outbox_.push(transmit);
    return;
  }
  if ((*key)->last_sequence && !keys::newer_sequence(update.fbu.sequence, *(*key)->last_sequence)) {
    if (!stale_answers_.take(now.boot)) return counters_.add(ParCounter::kStaleUnanswered);
    counters_.add(ParCounter::kStale);
    return answer(update, kFBackStaleSequence, 0, *(*key)->last_sequence);
  }
  if (steps_.size() >= kMaxSteps) {
    counters_.add(ParCounter::kNoResources);
    return answer(update, kFBackNoResources, 0, update.fbu.sequence);
  }
  const bool ceiling_moves = keys_.accept_sequence(**key, update.fbu.sequence);
  if (answered_.size() > keys_.size())  // a key that made way for a newer one leaves no word
    std::erase_if(answered_, [&](const auto& entry) { return keys_.find(entry.first) == nullptr; });
  answered_[update.key] = {update.digest, {}};
  if (!ceiling_moves) return follow(now, std::move(update));
  const machine::ActionId stored = outbox_.push(machine::Persist{keys_.record_of(**key, now)});
  steps_.emplace(stored, Step{Step::Kind::kSequenceStored, std::move(update), 0});
}

// An authenticated FBU whose sequence number is taken.
void Par::follow(Now now, Update update) {
  const keys::IssuedKey* key = keys_.find(update.key);
  if (key == nullptr || key->remaining_s(now.boot) == 0) return;
  if (update.fbu.lifetime_s == 0) return end_binding(now, std::move(update));
  const ServedLink* holder = find_link(links_, update.holder);
  const Neighbour* nar = neighbour_of(config_.neighbours, update.care_of);
  if (nar == nullptr || holder == nullptr || holder->on_link(update.care_of)) {
    counters_.add(ParCounter::kProhibited);
    return answer(update, kFBackProhibited, 0, update.fbu.sequence);
  }
  if (nar->handover_initiate) {
    counters_.add(ParCounter::kNoInitiate);
    return answer(update, kFBackUnspecified, 0, update.fbu.sequence);
  }
  register_binding(now, std::move(update), *key);
}

void Par::register_binding(Now now, Update update, const keys::IssuedKey& key) {
  if (!bindings_.contains(update.pcoa) && bindings_.size() >= config_.max_bindings) {
    counters_.add(ParCounter::kNoResources);
    return answer(update, kFBackNoResources, 0, update.fbu.sequence);
  }
  // GF31: the MN's security association outlives the tunnel.
  const std::uint32_t granted =
      std::min({std::uint32_t{update.fbu.lifetime_s}, config_.max_tunnel_lifetime_s,
                key.remaining_s(now.boot), std::uint32_t{65'535}});
  const machine::ActionId action =
      outbox_.push(machine::InstallBinding{update.pcoa, update.care_of, update.par, update.holder});
  steps_.emplace(
      action, Step{Step::Kind::kInstalled, std::move(update), static_cast<std::uint16_t>(granted)});
}

void Par::end_binding(Now now, Update update) {
  counters_.add(ParCounter::kEnded);
  const auto found = bindings_.find(update.pcoa);
  if (found == bindings_.end()) {
    return answer(update, kFBackAccepted, 0, update.fbu.sequence);
  }
  expiries_.erase({found->second.expires, found->first});
  bindings_.erase(found);
  outbox_.report(EventKind::kBindingRemoved,
                 {{"pcoa", update.pcoa.text()}, {"reason", std::string("ended by its owner")}});
  const machine::ActionId action = outbox_.push(machine::RemoveBinding{update.pcoa});
  steps_.emplace(action, Step{Step::Kind::kRemoved, std::move(update), 0});
  (void)now;
}

bool Par::owns(machine::ActionId action) const { return steps_.contains(action); }

void Par::outcome(Now now, const machine::Outcome& outcome) {
  auto found = steps_.extract(outcome.action_id);
  if (found.empty()) return;
  Step step = std::move(found.mapped());
  const bool succeeded = outcome.result.has_value();
  switch (step.kind) {
    case Step::Kind::kSequenceStored:
      if (succeeded) return follow(now, std::move(step.update));
      // Without a stored ceiling a restart would take this FBU again (GF42).
      counters_.add(ParCounter::kNoResources);
      return answer(step.update, kFBackNoResources, 0, step.update.fbu.sequence);
    case Step::Kind::kInstalled:
      return installed(now, step, succeeded);
    case Step::Kind::kRemoved:
      return answer(step.update, kFBackAccepted, 0, step.update.fbu.sequence);
  }
}

void Par::installed(Now now, const Step& step, bool succeeded) {
  const Update& update = step.update;
  const auto old = bindings_.find(update.pcoa);
  const bool replaces = old != bindings_.end();
  if (replaces) {
    expiries_.erase({old->second.expires, old->first});
    bindings_.erase(old);
  }
  // Without its key nobody could move or end the binding; and of one whose replacement failed, half
  // may stand.
  const bool key_lost = keys_.find(update.key) == nullptr;
  if ((succeeded && key_lost) || (!succeeded && replaces))
    outbox_.push(machine::RemoveBinding{update.pcoa});
  if (key_lost) return;
  if (!succeeded) {
    counters_.add(ParCounter::kNoResources);
    return answer(update, kFBackNoResources, 0, update.fbu.sequence);
  }
  const Instant expires = now.boot + seconds(step.granted_s);
  bindings_.emplace(update.pcoa,
                    Binding{update.pcoa, update.care_of, update.par, update.holder, expires});
  expiries_.emplace(expires, update.pcoa);
  counters_.add(ParCounter::kAccepted);
  outbox_.report(EventKind::kBindingInstalled, {{"pcoa", update.pcoa.text()},
                                                {"ncoa", update.care_of.text()},
                                                {"lifetime_s", std::int64_t{step.granted_s}}});
  answer(update, kFBackAccepted, step.granted_s, update.fbu.sequence);
}

machine::Transmit Par::packet_to(const Update& update, const Ipv6Address& destination,
                                 const wire::FastBindingAcknowledgement& fback,
                                 const keys::IssuedKey& key) const {
  const Bytes header = keys::authenticated(fback, key.algorithm, key.key, update.care_of_term,
                                           update.par, update.par, destination);
  wire::Ipv6Header ip;
  ip.next_header = wire::kProtocolMobility;
  ip.source = update.par;
  ip.destination = destination;
  machine::Transmit transmit{update.holder, std::nullopt, wire::build_packet(ip, {}, header)};
  // A copy to the PCoA goes to the link that the FBU came from, past the tunnel (FH-6.2.3-09).
  const bool on_old_link = destination == update.pcoa && update.arrived_on == update.holder &&
                           !update.frame_source.empty();
  if (on_old_link)
    transmit.link_destination = update.frame_source;
  else
    transmit.routed = true;
  return transmit;
}

void Par::answer(const Update& update, std::uint8_t status, std::uint16_t lifetime_s,
                 std::uint16_t sequence) {
  const keys::IssuedKey* key = keys_.find(update.key);
  if (key == nullptr) return;
  wire::FastBindingAcknowledgement fback;
  fback.status = status;
  fback.sequence = sequence;
  fback.lifetime_s = lifetime_s;
  std::vector<machine::Transmit> packets;
  // FH-6.2.3-08: accepted to the new address, and to the old link while the MN is there; ended to
  // the PCoA; refused to where the FBU came from.
  const bool accepted = status < kFBackUnspecified && update.fbu.lifetime_s != 0;
  if (accepted) {
    if (update.source == update.pcoa)
      packets.push_back(packet_to(update, update.pcoa, fback, *key));
    packets.push_back(packet_to(update, update.care_of, fback, *key));
  } else {
    const bool ended = status < kFBackUnspecified;
    packets.push_back(packet_to(update, ended ? update.pcoa : update.source, fback, *key));
  }
  for (const machine::Transmit& transmit : packets) outbox_.push(transmit);
  const auto last = answered_.find(update.key);
  if (status != kFBackStaleSequence && last != answered_.end() &&
      last->second.digest == update.digest)
    last->second.packets = std::move(packets);
}

std::vector<Ipv6Address> Par::take_timed_out() { return std::exchange(timed_out_, {}); }

Instant Par::next_deadline() const { return expiries_.empty() ? kNever : expiries_.begin()->first; }

void Par::tick(Now now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now.boot) {
    const Ipv6Address pcoa = expiries_.begin()->second;
    expiries_.erase(expiries_.begin());
    bindings_.erase(pcoa);
    timed_out_.push_back(pcoa);
    counters_.add(ParCounter::kExpired);
    outbox_.push(machine::RemoveBinding{pcoa});
    outbox_.report(EventKind::kBindingRemoved,
                   {{"pcoa", pcoa.text()}, {"reason", std::string("its lifetime ended")}});
  }
}

}  // namespace sendoff::router
