// The previous access router: FBUs and FBacks. HI and HAck are in par_initiate.cpp, bindings in
// par_binding.cpp.
#include "router/par.h"

#include <algorithm>

#include "keys/authenticator.h"
#include "router/neighbourhood.h"

namespace sendoff::router {

namespace {

using machine::EventKind;

constexpr std::size_t kMaxSteps = 1024;
// FBUs that wait for one answer; who sends more gets none for the oldest.
constexpr std::size_t kMaxJoined = 4;

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

Par::Par(const Config& config, const std::vector<ServedLink>& links, keys::IssuedKeys& keys,
         const NeighbourTable& neighbours, PeerLink& peer_link, Random& random,
         machine::Outbox& outbox)
    : config_(config),
      links_(links),
      keys_(keys),
      neighbours_(neighbours),
      peer_link_(peer_link),
      random_(random),
      outbox_(outbox) {}

void Par::Waiting::add(Update update) {
  if (updates.size() == kMaxJoined) updates.erase(updates.begin());
  updates.push_back(std::move(update));
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
  const auto head = wire::MobilityHeader::parse(packet.upper);
  if (!head || head->type != wire::MobilityType::kFastBindingUpdate)
    return counters_.add(ParCounter::kOtherType);
  Update update;
  if (const auto why = read_fbu(links_, received, packet, update)) return counters_.add(*why);
  const ByteView header = packet.upper.first(head->octets());
  const auto key = keys_.authenticate(now.boot, update.pcoa, update.care_of_term, update.par,
                                      header, update.fbu);
  if (!key) return refuse_silently(now, counter_of(key.error()), update);

  update.fbu.options.authorization.reset();  // it borrows from the packet
  update.key = (*key)->name();
  update.digest = crypto::sha256(header);
  const auto last = answered_.find(update.key);
  if (last != answered_.end() && last->second.digest == update.digest)
    return repeat_answer(now, last->second);
  if ((*key)->last_sequence && !keys::newer_sequence(update.fbu.sequence, *(*key)->last_sequence)) {
    if (!stale_answers_.take(now.boot)) return counters_.add(ParCounter::kStaleUnanswered);
    counters_.add(ParCounter::kStale);
    return answer_refused(update, kFBackStaleSequence, *(*key)->last_sequence);
  }
  if (steps_.size() >= kMaxSteps)
    return refuse(update, ParCounter::kNoResources, kFBackNoResources);
  const bool ceiling_moves = keys_.accept_sequence(**key, update.fbu.sequence);
  if (answered_.size() > keys_.size())  // a key that made way for a newer one leaves no word
    std::erase_if(answered_, [&](const auto& entry) { return keys_.find(entry.first) == nullptr; });
  answered_[update.key] = {update.digest, {}};
  if (!ceiling_moves && !storing_.contains(update.pcoa)) return follow(now, std::move(update));
  hold(update);  // before the store is asked, which takes its time
  Waiting& storing = storing_[update.pcoa];
  if (ceiling_moves) {
    ++storing.pending;
    steps_.emplace(outbox_.push(machine::Persist{keys_.record_of(**key, now)}),
                   Step{Step::Kind::kSequenceStored, update.pcoa, std::nullopt});
  }
  storing.add(std::move(update));
}

void Par::sequence_stored(Now now, const Ipv6Address& pcoa, bool succeeded) {
  const auto found = storing_.find(pcoa);
  invariant(found != storing_.end());
  if (!succeeded) {
    found->second.failed = true;
    // What the store does not have promises nothing: the next FBU must move it again.
    for (const keys::IssuedKey* key : keys_.find(now.boot, pcoa))
      keys_.find(key->name())->sequence_ceiling.reset();
  }
  if (--found->second.pending > 0) return;
  const Waiting stored = std::move(storing_.extract(found).mapped());
  for (const Update& update : stored.updates) {
    if (stored.failed)  // a restart would take this FBU again (GF42)
      refuse(update, ParCounter::kNoResources, kFBackNoResources);
    else
      follow(now, update);
  }
  settle_buffer(pcoa);
}

void Par::repeat_answer(Now now, Answered& last) {
  if (last.packets.empty() || !last.repeats.take(now.boot))
    return counters_.add(ParCounter::kRepeatUnanswered);
  counters_.add(ParCounter::kRepeated);
  for (const machine::Transmit& transmit : last.packets) outbox_.push(transmit);
}

// An authenticated FBU whose sequence number is taken.
void Par::follow(Now now, Update update) {
  const Ipv6Address pcoa = update.pcoa;
  pursue(now, std::move(update));
  settle_buffer(pcoa);
}

void Par::pursue(Now now, Update update) {
  const keys::IssuedKey* key = keys_.find(update.key);
  if (key == nullptr || key->remaining_s(now.boot) == 0) return;
  if (join(update)) return;
  if (const auto asking = handovers_.find(update.pcoa); asking != handovers_.end()) abandon(asking);
  if (update.fbu.lifetime_s == 0) return end_binding(std::move(update));
  if (const auto objected = objection(update))
    return refuse(update, objected->why, objected->status);
  begin(now, std::move(update));
}

std::optional<Par::Objection> Par::objection(const Update& update) const {
  const PreviousRouterConfig& settings = config_.previous_router;
  if (std::ranges::find(settings.blocked, update.pcoa) != settings.blocked.end())
    return Objection{ParCounter::kBlocked, kFBackProhibited};
  const ServedLink* holder = find_link(links_, update.holder);
  const Neighbour* nar = neighbour_of(config_.neighbours, update.care_of);
  if (nar == nullptr || holder == nullptr || holder->on_link(update.care_of))
    return Objection{ParCounter::kProhibited, kFBackProhibited};
  const bool room_to_ask =
      handovers_.size() < settings.max_handovers || handovers_.contains(update.pcoa);
  if (!room_to_ask || (!bound(update.pcoa) && bindings_.size() >= config_.max_bindings))
    return Objection{ParCounter::kNoResources, kFBackNoResources};
  if (nar->handover_initiate && renewed_by(update) == nullptr && !link_address_of(update))
    return Objection{ParCounter::kNoLinkAddress, kFBackUnspecified};
  return std::nullopt;
}

// What the NAR agreed to, under the address that the MN proposed, or that it got.
const Binding* Par::renewed_by(const Update& update) const {
  const auto bound = bindings_.find(update.pcoa);
  const bool renews =
      bound != bindings_.end() && bound->second.par == update.par &&
      (update.care_of == bound->second.proposed || update.care_of == bound->second.ncoa);
  return renews ? &bound->second : nullptr;
}

void Par::refuse(const Update& update, ParCounter why, std::uint8_t status) {
  counters_.add(why);
  answer_refused(update, status, update.fbu.sequence);
}

// GF13: what asks for the same as a handover under way waits for its end; while a binding is being
// installed, what asks for something else waits, too.
bool Par::join(const Update& update) {
  const auto found = handovers_.find(update.pcoa);
  if (found == handovers_.end()) return false;
  Handover& handover = found->second;
  if (update.fbu.lifetime_s != 0 && update.care_of == handover.wanted.proposed) {
    counters_.add(ParCounter::kJoined);
    hold(update);
    if (handover.updates.size() == kMaxJoined) handover.updates.erase(handover.updates.begin());
    handover.updates.push_back(update);
    handover.next.reset();  // its owner wants this after all
    return true;
  }
  if (handover.stage != Handover::Stage::kInstalling) return false;
  hold(update);
  handover.next = update;
  return true;
}

void Par::begin(Now now, Update update) {
  Handover handover;
  handover.wanted = {.pcoa = update.pcoa,
                     .ncoa = update.care_of,
                     .par = update.par,
                     .interface = update.holder,
                     .expires = {},
                     .proposed = update.care_of,
                     .alternate = std::nullopt,
                     .peer = std::nullopt,
                     .link_address = update.frame_source,
                     .key = update.key};
  handover.terms.far_end = update.care_of;
  const Binding* old = renewed_by(update);
  if (old != nullptr) {
    handover.wanted = *old;
    handover.wanted.key = update.key;
    handover.terms = {kFBackAccepted, old->ncoa, old->alternate};
    if (old->alternate && *old->alternate != update.care_of)
      handover.terms.status = kFBackOtherAddress;
  }
  if (const auto link_address = link_address_of(update))
    handover.wanted.link_address = *link_address;
  const Neighbour& nar = *neighbour_of(config_.neighbours, update.care_of);
  hold(update);
  const bool predictive = update.predictive();
  const Ipv6Address pcoa = update.pcoa;
  handover.updates.push_back(std::move(update));
  if (nar.handover_initiate && old == nullptr)
    return ask(now, std::move(handover), nar, predictive);
  install(now, handovers_.emplace(pcoa, std::move(handover)).first);
}

// It is over for its owner when the store has forgotten it: a restart must not bring it back.
void Par::end_binding(Update update) {
  counters_.add(ParCounter::kEnded);
  const Ipv6Address pcoa = update.pcoa;
  if (bindings_.contains(pcoa)) {
    for (const machine::ActionId action : end_live(pcoa, "ended by its owner")) {
      steps_.emplace(action, Step{Step::Kind::kEnded, pcoa, std::nullopt});
      ++ending_[pcoa].pending;
    }
  }
  if (const auto ending = ending_.find(pcoa); ending != ending_.end())
    ending->second.add(std::move(update));
  else
    answer(update, {}, 0);
}

void Par::binding_gone(const Ipv6Address& pcoa) {
  const auto found = ending_.find(pcoa);
  invariant(found != ending_.end());
  if (--found->second.pending > 0) return;
  const Waiting over = std::move(ending_.extract(found).mapped());
  for (const Update& update : over.updates) answer(update, {}, 0);
}

bool Par::owns(machine::ActionId action) const { return steps_.contains(action); }

void Par::outcome(Now now, const machine::Outcome& outcome) {
  auto found = steps_.extract(outcome.action_id);
  if (found.empty()) return;
  Step step = std::move(found.mapped());
  const bool succeeded = outcome.result.has_value();
  switch (step.kind) {
    case Step::Kind::kSequenceStored:
      return sequence_stored(now, step.pcoa, succeeded);
    case Step::Kind::kBuffering:
      return buffering(step.pcoa, outcome.action_id, succeeded);
    case Step::Kind::kInstalledEarly:
      return installed_early(now, *step.update, succeeded);
    case Step::Kind::kInstalled:
      return installed(now, step.pcoa, succeeded);
    case Step::Kind::kEnded:
      return binding_gone(step.pcoa);
  }
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

void Par::send_answer(const Update& update, const wire::FastBindingAcknowledgement& fback,
                      const std::vector<Ipv6Address>& destinations) {
  const keys::IssuedKey* key = keys_.find(update.key);
  if (key == nullptr) return;
  std::vector<machine::Transmit> packets;
  for (const Ipv6Address& destination : destinations)
    packets.push_back(packet_to(update, destination, fback, *key));
  for (const machine::Transmit& transmit : packets) outbox_.push(transmit);
  const auto last = answered_.find(update.key);
  if (fback.status != kFBackStaleSequence && last != answered_.end() &&
      last->second.digest == update.digest)
    last->second.packets = std::move(packets);
}

// FH-6.2.3-08: accepted to the new address, and to the old link while the MN is there; "use PCoA"
// to where the FBU came from; ended to the PCoA.
void Par::answer(const Update& update, const Terms& terms, std::uint16_t lifetime_s) {
  wire::FastBindingAcknowledgement fback;
  fback.status = terms.status;
  fback.sequence = update.fbu.sequence;
  fback.lifetime_s = lifetime_s;
  fback.options.alternate_care_of = terms.alternate;
  std::vector<Ipv6Address> destinations;
  if (update.fbu.lifetime_s == 0) {
    destinations = {update.pcoa};
  } else if (terms.alternate == update.pcoa) {
    destinations = {update.source};
  } else {
    if (update.predictive()) destinations.push_back(update.pcoa);
    destinations.push_back(terms.alternate.value_or(update.care_of));
  }
  send_answer(update, fback, destinations);
}

// To where the FBU came from, never to an address that nobody checked.
void Par::answer_refused(const Update& update, std::uint8_t status, std::uint16_t sequence) {
  wire::FastBindingAcknowledgement fback;
  fback.status = status;
  fback.sequence = sequence;
  send_answer(update, fback, {update.source});
}

std::vector<Ipv6Address> Par::take_timed_out() { return std::exchange(timed_out_, {}); }
std::vector<Ipv6Address> Par::take_ended() { return std::exchange(ended_, {}); }
std::vector<Par::Departure> Par::take_departures() { return std::exchange(departures_, {}); }

Instant Par::next_deadline() const {
  Instant earliest = kNever;
  if (!expiries_.empty()) earliest = expiries_.begin()->first;
  if (!deadlines_.empty()) earliest = std::min(earliest, deadlines_.begin()->first);
  return earliest;
}

void Par::tick(Now now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.boot)
    ask_again(now, handovers_.find(deadlines_.begin()->second));
  while (!expiries_.empty() && expiries_.begin()->first <= now.boot) {
    const Ipv6Address pcoa = expiries_.begin()->second;
    timed_out_.push_back(pcoa);
    counters_.add(ParCounter::kExpired);
    if (bindings_.contains(pcoa))
      end_live(pcoa, "its lifetime ended");
    else
      drop_restored(restored_.find(pcoa));
  }
}

std::vector<Par::HandoverView> Par::handovers(std::size_t limit) const {
  std::vector<HandoverView> views;
  for (const auto& [pcoa, handover] : handovers_) {
    if (views.size() >= limit) break;
    const bool asking = handover.stage == Handover::Stage::kAsking;
    views.push_back({pcoa, handover.wanted.proposed, handover.wanted.peer,
                     asking ? "asking the new router" : "installing the binding"});
  }
  return views;
}

}  // namespace sendoff::router
