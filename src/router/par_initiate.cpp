// The previous access router: HI to the new one, and what its HAck means (RFC 5568 6.2.1, GF15,
// GF16, GF27).
#include <algorithm>

#include "router/handover_codes.h"
#include "router/neighbourhood.h"
#include "router/par.h"

namespace sendoff::router {

namespace {

using machine::EventKind;
using AddressCode = wire::MobilityAddressPrefix::Code;

}  // namespace

std::string_view name(InitiateCounter counter) {
  switch (counter) {
    case InitiateCounter::kSent:
      return "sent";
    case InitiateCounter::kRepeated:
      return "repeated";
    case InitiateCounter::kNotSent:
      return "not-sent";
    case InitiateCounter::kAnswered:
      return "answered";
    case InitiateCounter::kSilent:
      return "silent";
    case InitiateCounter::kAbandoned:
      return "abandoned";
    case InitiateCounter::kMalformed:
      return "malformed";
    case InitiateCounter::kUnmatched:
      return "unmatched";
    case InitiateCounter::kNotRelevant:
      return "not-relevant";
    case InitiateCounter::kNotAsked:
      return "not-asked";
    case InitiateCounter::kCount:
      break;
  }
  return "unknown";
}

// As the FBU says it, as the host's neighbour cache has it, or as the node had it when it got its
// key: a solicitation that our own socket answered leaves no entry in the cache.
std::optional<LinkAddress> Par::link_address_of(const Update& update) const {
  if (update.fbu.options.link_address) return update.fbu.options.link_address->address;
  if (const auto known = neighbours_.find(update.holder, update.pcoa)) return known;
  const keys::IssuedKey* key = keys_.find(update.key);
  if (key == nullptr || key->link_address.empty()) return std::nullopt;
  return key->link_address;
}

// Sends the first HI of a handover, or refuses the FBU at once.
void Par::ask(Now now, Handover handover, const Neighbour& nar, bool predictive) {
  const Binding& wanted = handover.wanted;
  wire::HandoverInitiate& hi = handover.hi;
  const PreviousRouterConfig& settings = config_.previous_router;
  hi.code = predictive ? kHiPredictive : kHiReactive;
  hi.buffer = predictive && settings.request_buffering;
  // GF33: where care-of addresses come from DHCP, none is asked for.
  hi.assigned_addressing = predictive && settings.request_address && !nar.dhcp;
  hi.options.link_address =
      wire::MobilityLinkAddress{wire::MobilityLinkAddress::kMobileNode, wanted.link_address};
  hi.options.addresses.push_back({AddressCode::kOldCareOfAddress, 128, wanted.pcoa});
  hi.options.addresses.push_back({AddressCode::kNewCareOfAddress, 128, wanted.proposed});
  hi.sequence = fresh_sequence(nar.address);
  handover.wanted.peer = nar.address;
  handover.retries_left = settings.hi_retries;
  handover.timeout = nar.round_trip ? 2 * *nar.round_trip : settings.hi_timeout;
  handover.deadline = now.boot + handover.timeout;

  const Ipv6Address pcoa = wanted.pcoa;
  const auto [asking, fresh] = handovers_.emplace(pcoa, std::move(handover));
  invariant(fresh);
  asked_.emplace(std::pair{nar.address, asking->second.hi.sequence}, pcoa);
  deadlines_.emplace(asking->second.deadline, pcoa);
  if (!send_hi(now, asking->second))
    return give_up(asking, ParCounter::kNotAsked, kFBackUnspecified, "it could not be asked");
  initiate_.add(InitiateCounter::kSent);
  outbox_.report(EventKind::kHandoverInitiated,
                 {{"pcoa", pcoa.text()},
                  {"ncoa", asking->second.wanted.proposed.text()},
                  {"nar", nar.address.text()},
                  {"link_address", asking->second.wanted.link_address.text()},
                  {"code", std::int64_t{asking->second.hi.code}}});
  // Not where the far end depends on what the NAR says (GF28).
  if (!predictive && settings.early_fback && !asking->second.updates.empty() &&
      asking->second.wanted.proposed != nar.address)
    return install_early(asking->second);
  if (settings.copy_packets && asking->second.hi.buffer && !buffers(pcoa))
    open_buffer(pcoa, asking->second.wanted.interface, true);
}

// Numbers begin anywhere, so that a restart does not repeat those of before.
std::uint16_t Par::fresh_sequence(const Ipv6Address& peer) {
  if (!last_hi_sequence_) {
    std::array<std::uint8_t, 2> drawn{};
    last_hi_sequence_ = random_.fill(drawn) ? Reader(drawn).u16() : std::uint16_t{0};
  }
  do ++*last_hi_sequence_;
  while (asked_.contains({peer, *last_hi_sequence_}));
  return *last_hi_sequence_;
}

bool Par::send_hi(Now now, Handover& handover) {
  const auto sent = peer_link_.send(now, *handover.wanted.peer, handover.wanted.par, handover.hi);
  if (sent) return true;
  initiate_.add(InitiateCounter::kNotSent);
  if (refusal_reports_.take(now.boot))
    outbox_.report(EventKind::kWarning,
                   {{"nar", handover.wanted.peer->text()},
                    {"text", "no HI to this neighbour: " + std::string(explain(sent.error()))}});
  return false;
}

void Par::ask_again(Now now, Handovers::iterator handover) {
  Handover& asking = handover->second;
  if (asking.retries_left == 0) {
    initiate_.add(InitiateCounter::kSilent);
    return give_up(handover, ParCounter::kNarSilent, kFBackUnspecified, "its router is silent");
  }
  deadlines_.erase({asking.deadline, handover->first});
  --asking.retries_left;
  asking.timeout *= 2;
  asking.deadline = now.boot + asking.timeout;
  deadlines_.emplace(asking.deadline, handover->first);
  if (!send_hi(now, asking))
    return give_up(handover, ParCounter::kNotAsked, kFBackUnspecified, "it could not be asked");
  initiate_.add(InitiateCounter::kRepeated);
}

void Par::handle(Now now, const FromPeer& message) {
  const auto hack = wire::HandoverAcknowledge::parse(message.header);
  if (!hack) return initiate_.add(InitiateCounter::kMalformed);
  if (hack->code == kHackUnsolicited) return invited(now, message, *hack);
  const auto asked = asked_.find({message.peer, hack->sequence});
  const auto handover = asked == asked_.end() ? handovers_.end() : handovers_.find(asked->second);
  if (handover == handovers_.end() ||
      peer_link_.source_to(message.peer, handover->second.wanted.par) != message.local)
    return initiate_.add(InitiateCounter::kUnmatched);
  const bool reactive = handover->second.hi.code == kHiReactive;
  if (reactive && (hack->code == kHackNotValid || hack->code == kHackAssigned))
    return initiate_.add(InitiateCounter::kNotRelevant);
  initiate_.add(InitiateCounter::kAnswered);
  decide(now, handover, *hack);
}

void Par::decide(Now now, Handovers::iterator handover, const wire::HandoverAcknowledge& hack) {
  Handover& asking = handover->second;
  asking.terms = terms_of(asking, hack);
  if (asking.terms.status >= kFBackUnspecified)
    return give_up(handover, ParCounter::kNarRefused, asking.terms.status,
                   "its router refused: HAck code " + std::to_string(hack.code));
  withdraw_question(handover, asking);
  const auto bound = bindings_.find(handover->first);
  const bool stands = asking.updates.empty() && bound != bindings_.end() &&
                      bound->second.ncoa == asking.terms.far_end;
  if (!stands && (!asking.updates.empty() || bound != bindings_.end()))
    return install(now, handover);
  const Handover over = std::move(handovers_.extract(handover).mapped());
  settle_buffer(over.wanted.pcoa);
}

// GF15, GF16.
Par::Terms Par::terms_of(const Handover& handover, const wire::HandoverAcknowledge& hack) const {
  const Terms unspecified{kFBackUnspecified, {}, std::nullopt};
  const auto given = hack.options.address(AddressCode::kNewCareOfAddress);
  const auto take_given = [&]() -> Terms {
    if (!usable(handover, *given)) return unspecified;
    const bool as_asked = *given == handover.wanted.proposed;
    return {as_asked ? kFBackAccepted : kFBackOtherAddress, *given, given};
  };
  switch (hack.code) {
    case kHackAccepted:
      return given ? take_given() : Terms{kFBackAccepted, handover.wanted.proposed, std::nullopt};
    case kHackNotValid:
    case kHackAssigned:
      return given ? take_given() : unspecified;
    case kHackUsePcoa:
      if (given && handover.hi.assigned_addressing) return take_given();
      return {kFBackOtherAddress, *handover.wanted.peer, handover.wanted.pcoa};
    case kHackProhibited:
    case kHackNoResources:
      return {hack.code, {}, std::nullopt};
    default:
      return unspecified;
  }
}

// A NAR gives out addresses of its own only: none could draw traffic to somebody else.
bool Par::usable(const Handover& handover, const Ipv6Address& assigned) const {
  if (!assigned.is_unicast_routable() || assigned == handover.wanted.pcoa) return false;
  const Neighbour* owner = neighbour_of(config_.neighbours, assigned);
  const ServedLink* holder = find_link(links_, handover.wanted.interface);
  return owner != nullptr && owner->address == handover.wanted.peer && holder != nullptr &&
         !holder->on_link(assigned);
}

// GF27: a NAR that lost what it knew of a node invites us to tell it again.
void Par::invited(Now now, const FromPeer& message, const wire::HandoverAcknowledge& hack) {
  const auto pcoa = hack.options.address(AddressCode::kOldCareOfAddress);
  const auto bound = pcoa ? bindings_.find(*pcoa) : bindings_.end();
  const Neighbour* nar = peer_link_.find(message.peer);
  if (bound == bindings_.end() || bound->second.peer != message.peer || nar == nullptr ||
      handovers_.contains(*pcoa) || handovers_.size() >= config_.previous_router.max_handovers ||
      !invitations_.take(now.boot))
    return initiate_.add(InitiateCounter::kNotAsked);
  Handover handover;
  handover.wanted = bound->second;
  ask(now, std::move(handover), *nar, true);
}

void Par::give_up(Handovers::iterator handover, ParCounter why, std::uint8_t status,
                  std::string_view reason) {
  withdraw_question(handover, handover->second);
  const Handover given_up = std::move(handovers_.extract(handover).mapped());
  outbox_.report(EventKind::kHandoverRefused,
                 {{"pcoa", given_up.wanted.pcoa.text()},
                  {"ncoa", given_up.wanted.proposed.text()},
                  {"nar", given_up.wanted.peer.value_or(Ipv6Address{}).text()},
                  {"reason", std::string(reason)}});
  const auto bound = bindings_.find(given_up.wanted.pcoa);
  if (given_up.early && bound != bindings_.end()) {
    counters_.add(why);
    end_live(given_up.wanted.pcoa, reason);
  }
  settle_buffer(given_up.wanted.pcoa);
  for (auto update = given_up.updates.rbegin(); update != given_up.updates.rend(); ++update)
    refuse(*update, why, status);
}

// The MN wants something else: what it asked for before gets no answer. Copies were delivered to
// where it was; what waits goes where it wants it now.
void Par::abandon(Handovers::iterator handover) {
  initiate_.add(InitiateCounter::kAbandoned);
  withdraw_question(handover, handover->second);
  const Handover abandoned = std::move(handovers_.extract(handover).mapped());
  const auto buffer = buffers_.find(abandoned.wanted.pcoa);
  if (buffer != buffers_.end() && buffer->second.copies) settle_buffer(abandoned.wanted.pcoa);
}

// No HAck is awaited any more; a late one matches nothing.
void Par::withdraw_question(Handovers::iterator handover, Handover& asking) {
  deadlines_.erase({asking.deadline, handover->first});
  if (asking.wanted.peer) asked_.erase({*asking.wanted.peer, asking.hi.sequence});
  asking.deadline = kNever;
}

}  // namespace sendoff::router
