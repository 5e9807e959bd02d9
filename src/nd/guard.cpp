#include "nd/guard.h"

#include <utility>

#include "wire/icmpv6.h"

namespace sendoff::nd {

namespace {

using machine::EventKind;
using machine::Verdict;
using send::Kind;
using wire::OptionType;

constexpr std::size_t kWaitingOfLink = 8;        // GS33
constexpr Duration kPathPatience = seconds(15);  // CPS_RETRY_MAX
constexpr std::uint8_t kHostBits = 128;
constexpr std::size_t kFlagsAt = 5;               // in a Router Advertisement
constexpr std::uint8_t kLowPreference = 0x18;     // RFC 4191 2.1
constexpr std::size_t kAdvertisementFlagsAt = 4;  // in a Neighbor Advertisement
constexpr std::uint8_t kSolicitedFlag = 0x40;

bool is_path_message(wire::Icmpv6Type type) {
  return type == wire::Icmpv6Type::kCertificationPathSolicitation ||
         type == wire::Icmpv6Type::kCertificationPathAdvertisement;
}

bool is_of_router(const wire::PacketView& packet) {
  if (packet.upper_protocol != wire::kProtocolIcmpv6 || packet.upper.empty()) return false;
  const auto type = static_cast<wire::Icmpv6Type>(packet.upper[0]);
  return type == wire::Icmpv6Type::kRouterAdvertisement || type == wire::Icmpv6Type::kRedirect;
}

// What the signature covers, or, without one, the whole message.
Bytes verified_part(const send::Message& message) {
  Bytes icmp = to_bytes(message.icmp.first(*wire::options_offset(message.icmp)));
  const ByteView options = message.options.octets();
  icmp.insert(icmp.end(), options.begin(), options.end());
  return icmp;
}

// Whether a router is certified for what an option of its RA tells.
bool may_tell(const pki::CertifiedRouter& certified, const wire::RawOption& option) {
  if (option.type == OptionType::kPrefixInformation) {
    const auto prefix = wire::PrefixInformation::parse(option.octets);
    return prefix && certified.may_advertise(prefix->prefix());
  }
  if (option.type == OptionType::kRouteInformation) {
    const auto route = wire::RouteInformation::parse(option.octets);
    return route && certified.may_advertise(route->prefix);
  }
  return true;
}

send::ReceiverConfig receiver_config(const GuardConfig& config) {
  send::ReceiverConfig receiver = config.receiver;
  for (const GuardedInterface& interface : config.interfaces)
    if (!interface.cga) receiver.without_cga.insert(interface.id);
  return receiver;
}

// The entries of the kernel's that a message would change, besides those of routers.
std::vector<Ipv6Address> changed_by(const send::Message& message) {
  if (const auto advertisement = wire::NeighborAdvertisement::parse(message.icmp))
    return {advertisement->target};
  if (const auto redirect = wire::Redirect::parse(message.icmp))
    return {redirect->target, redirect->destination};
  if (message.source.is_unspecified()) return {};
  return {message.source};
}

}  // namespace

Guard::Guard(const GuardConfig& config, const machine::Snapshot&, Random& random, Now)
    : config_(config),
      receiver_(receiver_config(config), outbox_),
      paths_(config_.paths, random, outbox_, keys_),
      own_(config_.identity, links_, outbox_),
      neighbours_(config.max_neighbours),
      // A half is left for newcomers.
      proven_(std::min(config.max_neighbours / 2, machine::SetProven::kMost), outbox_),
      signer_({config_, links_, own_, neighbours_, proven_, receiver_.nonces(), receiver_.stamps(),
               random, outbox_, counters_}),
      routers_(keys_, outbox_) {
  for (const GuardedInterface& interface : config_.interfaces)
    links_.emplace(interface.id, GuardedLink{.config = interface});
  if (config_.certifier) certifier_.emplace(*config_.certifier, outbox_);
  for (const Kind kind :
       {Kind::kRouterSolicitation, Kind::kRouterAdvertisement, Kind::kNeighborSolicitation,
        Kind::kNeighborAdvertisement, Kind::kRedirect, Kind::kCertificationPathSolicitation,
        Kind::kCertificationPathAdvertisement})
    receiver_.take(kind);
  receiver_.answer_out_of_window();
  receiver_.know(keys_);
  look_for_routers();
}

// Beside a mobile node that one does, and a router needs none.
void Guard::look_for_routers() {
  routers_.look_for_certified(has_anchors() && config_.place == GuardPlace::kAlone && !is_router());
}

void Guard::handle(Now now, const machine::Received& received) {
  if (received.origin == machine::Received::Origin::kHost)
    signer_.handle(now, received);
  else
    from_wire(now, received);
  settle(now);
}

// What the kernel does not hold it has taken already: then only certification paths are for us.
void Guard::from_wire(Now now, const machine::Received& received) {
  const auto packet = wire::PacketView::parse(received.packet);
  const bool path_message = packet && packet->upper_protocol == wire::kProtocolIcmpv6 &&
                            !packet->upper.empty() &&
                            is_path_message(static_cast<wire::Icmpv6Type>(packet->upper[0]));
  if (!received.hold && (!path_message || config_.place != GuardPlace::kAlone)) return;
  const auto link = links_.find(received.interface);
  if (link != links_.end() && link->second.config.mode == GuardMode::kOff) {
    if (received.hold) outbox_.push(Verdict{*received.hold, Verdict::Kind::kPass, {}});
    return;
  }
  if (config_.place != GuardPlace::kAlone && packet && is_of_router(*packet)) {
    counters_.add(GuardCounter::kLeftToRole);
    outbox_.push(Verdict{*received.hold, Verdict::Kind::kDrop, {}});
    return;
  }
  if (link != links_.end())
    if (auto judged = receiver_.receive(now, received)) return judge(now, std::move(*judged));
  if (received.hold && !receiver_.holds(*received.hold))  // the receiver counted why
    outbox_.push(Verdict{*received.hold, Verdict::Kind::kDrop, {}});
}

void Guard::handle(Now now, machine::JobResult result) {
  if (receiver_.owns(result.job_id)) {
    const auto hold = receiver_.hold_of(result.job_id);
    if (auto judged = receiver_.complete(now, result))
      judge(now, std::move(*judged));
    else if (hold)
      outbox_.push(Verdict{*hold, Verdict::Kind::kDrop, {}});
  } else if (signer_.owns(result.job_id)) {
    signer_.complete(result);
  } else if (paths_.owns(result.job_id)) {
    paths_.complete(now, result);
  }
  settle(now);
}

void Guard::handle(Now now, const machine::Outcome& outcome) {
  if (own_.owns(outcome.action_id))
    own_.outcome(now, outcome);
  else if (paths_.owns(outcome.action_id))
    paths_.outcome(now, outcome);
  settle(now);
}

void Guard::handle(Now now, const machine::HostEvent& event) {
  if (const auto* up = std::get_if<machine::InterfaceUp>(&event)) {
    const auto link = links_.find(up->interface);
    if (link == links_.end()) return;
    if (link->second.up) interface_down(up->interface);
    link->second.up = true;
    link->second.mtu = up->mtu;
    link->second.address = up->address;
    if (config_.place == GuardPlace::kAlone && link->second.config.mode != GuardMode::kOff)
      own_.interface_up(now, up->interface);
  } else if (const auto* down = std::get_if<machine::InterfaceDown>(&event)) {
    if (links_.contains(down->interface)) interface_down(down->interface);
  } else if (const auto* mtu = std::get_if<machine::MtuChanged>(&event)) {
    if (const auto link = links_.find(mtu->interface); link != links_.end())
      link->second.mtu = mtu->mtu;
  } else if (const auto* change = std::get_if<machine::ForwardingChanged>(&event)) {
    if (const auto link = links_.find(change->interface); link != links_.end())
      link->second.forwarding = change->forwarding;
  } else if (const auto* address = std::get_if<machine::AddressChanged>(&event)) {
    own_.address_changed(now, *address);
  } else if (const auto* neighbour = std::get_if<machine::NeighbourChanged>(&event)) {
    const bool gone = !neighbour->link_address;
    if (gone) neighbours_.gone({neighbour->interface, neighbour->address}, now.boot);
    if (gone || neighbour->reachable)
      routers_.reached(now, {neighbour->interface, neighbour->address}, !gone);
  } else if (const auto* step = std::get_if<machine::ClockStepped>(&event)) {
    if (config_.place == GuardPlace::kAlone) receiver_.clock_stepped(*step);  // else the role tells
  }
  settle(now);
}

Result<void, machine::NeedsRestart> Guard::handle(Now now, const GuardConfig& config) {
  machine::NeedsRestart restart;
  const auto same = [](const GuardedInterface& a, const GuardedInterface& b) {
    return a.id == b.id && a.name == b.name && a.prefixes == b.prefixes &&
           (a.mode == GuardMode::kOff) == (b.mode == GuardMode::kOff);
  };
  if (!std::ranges::equal(config.interfaces, config_.interfaces, same))
    restart.settings.emplace_back("interfaces or their prefixes");
  if (!send::same(config.identity, config_.identity)) restart.settings.emplace_back("CGA key");
  const auto paths = [](const GuardConfig& of) {
    return of.certifier ? CertifiedPaths(*of.certifier) : CertifiedPaths{};
  };
  if (!same_certificates(paths(config), paths(config_)))
    restart.settings.emplace_back("certificates");
  if (config.max_neighbours != config_.max_neighbours)
    restart.settings.emplace_back("number of neighbours");
  if (!restart.settings.empty()) return fail(std::move(restart));
  config_ = config;
  for (const GuardedInterface& interface : config_.interfaces)
    links_.at(interface.id).config = interface;
  receiver_.configure(receiver_config(config_));
  paths_.configure(now, config_.paths);
  signer_.configure();
  look_for_routers();
  outbox_.report(EventKind::kConfigured);
  settle(now);
  return {};
}

void Guard::interface_down(InterfaceId interface) {
  links_.at(interface).up = false;
  for (const machine::HoldId hold : receiver_.drop_pending(interface))
    outbox_.push(Verdict{hold, Verdict::Kind::kDrop, {}});
  std::erase_if(waiting_, [&](const Waiting& each) {
    if (each.advertisement.message.interface != interface) return false;
    drop(each.advertisement.message, GuardCounter::kNoPath);
    return true;
  });
  routers_.drop(interface);
  signer_.drop(interface);
  own_.interface_down(interface);
  neighbours_.drop(interface);
  proven_.drop(interface);
  paths_.drop(interface);
  if (certifier_) certifier_->drop(interface);
}

void Guard::judge(Now now, send::Judged judged) {
  if (judged.message.kind == Kind::kCertificationPathAdvertisement)
    return paths_.handle(now, judged.message);
  if (judged.message.kind == Kind::kCertificationPathSolicitation) {
    const auto own = own_.link_local(judged.message.interface);
    if (certifier_ && own) certifier_->handle(now, judged.message, *own);
    return;
  }
  switch (judged.verdict) {
    case send::Verdict::kSecured:
      return secured(now, std::move(judged));
    case send::Verdict::kUnsecured:
      return unsecured(now, judged);
    case send::Verdict::kOutOfWindow:
      answer(now, judged);
      break;
    case send::Verdict::kUnknownKey:
      fetch_path(now, judged.message);
      break;
    case send::Verdict::kRepeat:  // the receiver counted it
      break;
  }
  outbox_.push(Verdict{*judged.message.hold, Verdict::Kind::kDrop, {}});
}

// What hosts say no certificate proves, for theirs are not fetched (GS12).
bool Guard::host_authorised(const send::Judged& judged) const {
  return send::satisfied(config_.receiver.methods.of(judged.message.kind), false,
                         judged.proof->cga);
}

// The kernel would remember who asks.
void Guard::answer(Now now, const send::Judged& question) {
  const auto asks = wire::NeighborSolicitation::parse(question.message.icmp);
  const OwnAddresses::Own* own =
      asks ? std::as_const(own_).find(question.message.interface, asks->target) : nullptr;
  if (own == nullptr || !own->ready || !host_authorised(question) ||
      question.proof->key_hash == config_.identity.key->hash())
    return;
  const bool router = is_router() && links_.at(question.message.interface).forwarding;
  if (signer_.answer(now, question, *own, router)) counters_.add(GuardCounter::kAnswered);
}

void Guard::secured(Now now, send::Judged judged) {
  const send::Message& message = judged.message;
  if (judged.proof->key_hash == config_.identity.key->hash())
    return drop(message, GuardCounter::kOwnKey);
  if (message.kind == Kind::kRouterAdvertisement)
    return secured_advertisement(now, std::move(judged));
  if (message.kind == Kind::kRedirect) return secured_redirect(now, std::move(judged));
  if (!host_authorised(judged)) return drop(message, GuardCounter::kUnauthorised);
  Bytes icmp = verified_part(message);
  if (const auto advertisement = wire::NeighborAdvertisement::parse(message.icmp)) {
    if (advertisement->target != message.source) return drop(message, GuardCounter::kTarget);
    // Without a Nonce of ours it may be an old answer, and confirms nothing (GS4).
    if (advertisement->solicited && !judged.proof->solicited) {
      counters_.add(GuardCounter::kNotSolicited);
      icmp[kAdvertisementFlagsAt] &= static_cast<std::uint8_t>(~kSolicitedFlag);
    }
  }
  const bool answer = message.kind == Kind::kNeighborAdvertisement && judged.proof->solicited;
  const Bytes nonce = judged.proof->nonce.value_or(Bytes{});
  // A question about an address has one answer: a copy of it must not confirm a neighbour that is
  // gone (GS8).
  if (accept(now, judged, std::move(icmp)) && answer) receiver_.nonces().forget(nonce);
}

bool Guard::accept(Now now, const send::Judged& judged, Bytes icmp) {
  if (!receiver_.accept(judged)) {  // it counted that
    outbox_.push(Verdict{*judged.message.hold, Verdict::Kind::kDrop, {}});
    return false;
  }
  if (judged.message.kind == Kind::kNeighborSolicitation ||
      judged.message.kind == Kind::kRouterSolicitation)
    signer_.asked(now, judged);
  if (!judged.message.source.is_unspecified())
    proven_.proved({judged.message.interface, judged.message.source}, judged.proof->solicited,
                   now.boot);
  note_neighbour(now, judged.message);
  routers_.heard(now, {judged.message.interface, judged.message.source});
  hand_over(judged.message, std::move(icmp), GuardCounter::kSecured);
  return true;
}

// Without anchors nobody can be certified: the router's address is proven, what it advertises is
// not.
void Guard::secured_advertisement(Now now, send::Judged judged) {
  if (trusts_anybody(judged.message.interface)) {
    if (accept(now, judged, verified_part(judged.message))) {
      note_unsecured_router(now, judged.message);
      form_addresses(now, judged.message, judged.message.options, false);
    }
    return;
  }
  const send::Method method = config_.receiver.methods.of(Kind::kRouterAdvertisement);
  const pki::CertifiedRouter* certified = certified_for(now, judged);
  const bool by_certificate = certified != nullptr && method != send::Method::kCga;
  if (!send::satisfied(method, by_certificate, judged.proof->cga)) {
    const bool wanted = send::satisfied(method, true, judged.proof->cga);
    const bool known = keys_.find(judged.proof->spki, now.utc) != nullptr;
    if (wanted && !known) return await_path(now, std::move(judged));
    return drop(judged.message, GuardCounter::kUnauthorised);
  }
  if (by_certificate) return accept_advertisement(now, judged, *certified);
  if (!accept(now, judged, verified_part(judged.message))) return;
  note_unsecured_router(now, judged.message);
  form_addresses(now, judged.message, judged.message.options, false);
}

// What the key that signed is certified for, by an anchor that counts for such messages.
const pki::CertifiedRouter* Guard::certified_for(Now now, const send::Judged& judged) const {
  const pki::CertifiedRouter* certified = keys_.find(judged.proof->spki, now.utc);
  if (certified == nullptr) return nullptr;
  const auto allowed = config_.anchors_of.find(judged.message.kind);
  return allowed == config_.anchors_of.end() || allowed->second.contains(certified->anchor)
             ? certified
             : nullptr;
}

void Guard::await_path(Now now, send::Judged advertisement) {
  const InterfaceId interface = advertisement.message.interface;
  const Ipv6Address source = advertisement.message.source;
  std::erase_if(waiting_, [&](const Waiting& each) {
    const send::Message& message = each.advertisement.message;
    if (message.interface != interface || message.source != source) return false;
    drop(message, GuardCounter::kNoPath);
    return true;
  });
  const auto waiting = std::ranges::count_if(waiting_, [&](const Waiting& each) {
    return each.advertisement.message.interface == interface;
  });
  if (static_cast<std::size_t>(waiting) >= kWaitingOfLink)
    return drop(advertisement.message, GuardCounter::kNoPath);
  counters_.add(GuardCounter::kPathAwaited);
  waiting_.push_back({std::move(advertisement), now.boot + kPathPatience});
  fetch_path(now, waiting_.back().advertisement.message);
}

// GS14: not while a router of this link serves (RFC 3971 6.4.6); one that is chosen already is
// asked itself.
void Guard::fetch_path(Now now, const send::Message& advertisement) {
  const InterfaceId interface = advertisement.interface;
  if (routers_.serve(now, interface)) return;
  const bool chosen = routers_.knows({interface, advertisement.source});
  paths_.fetch(now, interface, own_.link_local(interface).value_or(Ipv6Address{}),
               chosen ? advertisement.source : kAllRouters);
}

// A prefix or route that its router is not certified for is taken out (W25, GS32).
void Guard::accept_advertisement(Now now, const send::Judged& judged,
                                 const pki::CertifiedRouter& certified) {
  const send::Message& message = judged.message;
  const auto head = wire::RouterAdvertisement::parse(message.icmp);
  if (!head) return drop(message, GuardCounter::kNoPath);
  Bytes icmp = to_bytes(message.icmp.first(wire::RouterAdvertisement::kSize));
  for (const wire::RawOption& option : message.options) {
    if (!may_tell(certified, option)) {
      counters_.add(GuardCounter::kPrefixRemoved);
      continue;
    }
    icmp.insert(icmp.end(), option.octets.begin(), option.octets.end());
  }
  if (!accept(now, judged, icmp)) return;
  routers_.note(now, {message.interface, message.source}, certified, head->router_lifetime_s);
  const auto options =
      wire::OptionList::parse(ByteView(icmp).subspan(wire::RouterAdvertisement::kSize));
  form_addresses(now, message, *options, true);
}

void Guard::note_unsecured_router(Now now, const send::Message& advertisement) {
  const auto head = wire::RouterAdvertisement::parse(advertisement.icmp);
  routers_.note_unsecured(now, {advertisement.interface, advertisement.source},
                          head ? head->router_lifetime_s : 0);
}

// Of a certified router of this link; "on-link" only what it is certified for (RFC 3971 7.2).
// Whether it is the first hop to that destination the kernel knows.
void Guard::secured_redirect(Now now, send::Judged judged) {
  const send::Message& message = judged.message;
  const auto redirect = wire::Redirect::parse(message.icmp);
  const pki::CertifiedRouter* sender = routers_.certified(now, {message.interface, message.source});
  const send::Method method = config_.receiver.methods.of(Kind::kRedirect);
  const bool certified = sender != nullptr && redirect && equal(sender->spki, judged.proof->spki) &&
                         certified_for(now, judged) != nullptr &&
                         (redirect->target != redirect->destination ||
                          sender->may_advertise(Prefix(redirect->destination, kHostBits)));
  if (!send::satisfied(method, certified, judged.proof->cga) &&
      !trusts_anybody(message.interface)) {
    // RFC 3971 7.2: as one that is not signed.
    if (objection(now, message)) return drop(message, GuardCounter::kRedirector);
    return hand_over(message, verified_part(message), GuardCounter::kUnsecured);
  }
  (void)accept(now, judged, verified_part(message));
}

void Guard::unsecured(Now now, const send::Judged& judged) {
  const send::Message& message = judged.message;
  if (const auto why = objection(now, message)) {
    if (*why == GuardCounter::kOwnAddress)
      for (const Ipv6Address& address : changed_by(message))
        own_.claimed(now, message.interface, address, message.frame_source);
    return drop(message, *why);
  }
  Bytes icmp = to_bytes(message.icmp);
  if (message.kind == Kind::kRouterAdvertisement) {
    // RFC 3971 8: chosen only where there is no certified router.
    if (has_anchors()) icmp[kFlagsAt] |= kLowPreference;
    note_unsecured_router(now, message);
    form_addresses(now, message, message.options, false);
  }
  hand_over(message, std::move(icmp), GuardCounter::kUnsecured);
}

// RFC 3971 8, in the order of its severity. Nothing: the kernel may have it.
std::optional<GuardCounter> Guard::objection(Now now, const send::Message& message) const {
  const bool asks_for_routers =
      message.kind == Kind::kRouterSolicitation && message.source.is_unspecified();
  if (links_.at(message.interface).config.mode == GuardMode::kSecuredOnly &&
      !(asks_for_routers && (message.options.first(OptionType::kNonce) ||
                             message.options.first(OptionType::kTimestamp))))  // GS2
    return GuardCounter::kSecuredOnly;
  const bool from_router =
      message.kind == Kind::kRouterAdvertisement || message.kind == Kind::kRedirect;
  if (from_router && (routers_.serve(now, message.interface) ||
                      routers_.certified(now, {message.interface, message.source}) != nullptr))
    return GuardCounter::kSecuredRouter;
  for (const Ipv6Address& address : changed_by(message)) {
    if (neighbours_.contains({message.interface, address})) return GuardCounter::kSecuredEntry;
    const OwnAddresses::Own* own = own_.find(message.interface, address);
    if (own != nullptr && own->ready) return GuardCounter::kOwnAddress;
  }
  // Against an address that is being detected: the first one gives way to anybody, as a rule.
  const Ipv6Address claimed = message.kind == Kind::kNeighborAdvertisement
                                  ? changed_by(message).front()
                                  : send::claimed_address(message.source, message.icmp);
  const OwnAddresses::Own* own = own_.find(message.interface, claimed);
  const GuardedInterface& interface = links_.at(message.interface).config;
  if (own != nullptr && !own->ready && (own->collision_count > 0 || interface.ignore_unsecured_dad))
    return GuardCounter::kLaterDad;
  return std::nullopt;
}

void Guard::form_addresses(Now now, const send::Message& message, const wire::OptionList& options,
                           bool is_secured) {
  for (const wire::RawOption& option : options)
    if (const auto prefix = wire::PrefixInformation::parse(option.octets))
      own_.advertised(now, message.interface, *prefix, is_secured);
}

// A secured message with a link-layer address makes or changes the entry of that neighbour.
void Guard::note_neighbour(Now now, const send::Message& message) {
  const bool of_target =
      message.kind == Kind::kNeighborAdvertisement || message.kind == Kind::kRedirect;
  if (message.source.is_unspecified() ||
      (message.kind != Kind::kNeighborAdvertisement &&
       !message.options.first(of_target ? OptionType::kTargetLinkAddress
                                        : OptionType::kSourceLinkAddress)))
    return;
  const Neighbour neighbour{message.interface,
                            of_target ? changed_by(message).front() : message.source};
  const auto evicted = neighbours_.note(neighbour, proven_.contains(neighbour), now.boot);
  if (!evicted) return;
  counters_.add(GuardCounter::kNeighbourEvicted);
  outbox_.push(machine::SetNeighbour{evicted->interface, evicted->address, std::nullopt});
}

// The kernel is given a packet of our making: no extension headers, and nothing behind the
// signature.
void Guard::hand_over(const send::Message& message, Bytes icmp, GuardCounter how) {
  counters_.add(how);
  wire::seal_icmpv6(message.source, message.destination, icmp);
  outbox_.push(Verdict{*message.hold, Verdict::Kind::kReplace,
                       wire::icmpv6_packet(message.source, message.destination, icmp)});
}

void Guard::drop(const send::Message& message, GuardCounter why) {
  counters_.add(why);
  outbox_.push(Verdict{*message.hold, Verdict::Kind::kDrop, {}});
}

// Retrievals that ended: what waited for them is judged again.
void Guard::settle(Now now) {
  if (!paths_.take_withdrawn().empty()) routers_.forget_withdrawn(now);
  for (const PathFetcher::Ended& ended : paths_.take_ended()) {
    std::vector<Waiting> waiting = std::exchange(waiting_, {});
    for (Waiting& each : waiting) {
      const send::Message& message = each.advertisement.message;
      const auto* certified = certified_for(now, each.advertisement);
      if (certified != nullptr)
        accept_advertisement(now, each.advertisement, *certified);
      else if (message.interface != ended.interface || ended.validated)
        waiting_.push_back(std::move(each));
      else
        drop(message, GuardCounter::kNoPath);
    }
    const auto next = std::ranges::find_if(waiting_, [&](const Waiting& each) {
      return each.advertisement.message.interface == ended.interface;
    });
    if (next != waiting_.end()) fetch_path(now, next->advertisement.message);
  }
}

Instant Guard::next_deadline() const {
  Instant earliest = std::min(paths_.next_deadline(), routers_.next_deadline());
  if (certifier_) earliest = std::min(earliest, certifier_->next_deadline());
  for (const Waiting& each : waiting_) earliest = std::min(earliest, each.until);
  return earliest;
}

void Guard::tick(Now now) {
  if (certifier_) certifier_->tick(now);
  std::erase_if(waiting_, [&](const Waiting& each) {
    if (each.until > now.boot) return false;
    drop(each.advertisement.message, GuardCounter::kNoPath);
    return true;
  });
  routers_.tick(now);
  paths_.tick(now);
  settle(now);
  for (const GuardedRouters::Question& due : routers_.take_questions(now))
    signer_.solicit_routers(now, due.interface, due.from_unspecified);
}

}  // namespace sendoff::nd
