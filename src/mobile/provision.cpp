#include "mobile/provision.h"

#include <utility>

#include "keys/authenticator.h"
#include "mobile/solicitation.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;
using wire::OptionType;

constexpr Duration kCopyWindow = seconds(1);      // W11
constexpr std::size_t kMaxAttempts = 16;          // remembered
constexpr Duration kHoldLimit = seconds(15);      // CPS_RETRY_MAX
constexpr Duration kPairRetry = seconds(10);      // after a failed generation
constexpr Duration kMaxPairAhead = seconds(600);  // key generation begins so long before need
constexpr Duration kMaxRoundTrip = seconds(1);

bool answers_solicitation(std::uint8_t code) {
  return code == wire::PrRtAdv::kTuples || code == wire::PrRtAdv::kNoRouterInformation ||
         code == wire::PrRtAdv::kPartial || code == wire::PrRtAdv::kDhcp;
}

}  // namespace

void Provision::ensure_pair(Now now) {
  parts_.pair.tick(now.boot);
  const Duration ahead =
      std::min<Duration>(kMaxPairAhead, seconds(parts_.config.encryption_pair.lifetime_s) / 10);
  const bool anchored = parts_.config.paths.anchors && !parts_.config.paths.anchors->empty();
  if (anchored && parts_.config.request_keys && !generating_)
    if (auto job = parts_.pair.wanted(now.boot, parts_.config.identity.key->public_key(), ahead))
      generating_ = parts_.outbox.start(*job, machine::JobClass::kBackground);
  const Instant end = parts_.pair.next_deadline();
  pair_check_ = end == kNever ? kNever : end - ahead > now.boot ? end - ahead : end;
}

void Provision::arrived(Now now) {
  ensure_pair(now);
  begin(now, {}, Occasion::kAsked);
}

void Provision::reconfigured(Now now) {
  neighbourhood_.configure(parts_.config.access_points);
  ensure_pair(now);
}

void Provision::left(const Attachment& attachment) {
  if (attachment.ar) routers_here_.insert(*attachment.ar);
  for (const Ipv6Address& ar : std::exchange(routers_here_, {})) parts_.keys.mark_left(ar);
  if (campaign_ && campaign_->signing) parts_.outbox.push(machine::Cancel{*campaign_->signing});
  campaign_.reset();
  for (const auto& attempt : attempts_) parts_.receiver.nonces().forget(attempt->nonce);
  attempts_.clear();
  for (std::size_t i = 0; i < held_.size(); ++i) parts_.counters.add(MobileCounter::kLinkLeft);
  held_.clear();
  for (const auto& [job, opening] : opening_) {
    parts_.counters.add(MobileCounter::kLinkLeft);
    parts_.outbox.push(machine::Cancel{job});
  }
  opening_.clear();
  neighbourhood_.clear();
  trigger_.reset();
  next_request_ = kNever;
  waits_for_pair_ = heard_ = silent_ = false;
  round_trip_.reset();
}

bool Provision::request_now(Now now, const Question& question) {
  if (silent_) return false;
  // A campaign that has yet to send is the request.
  if (campaign_ && campaign_->sent == 0) {
    const bool asks_more = !question.access_points.empty() || question.destination;
    if (asks_more && !campaign_->signing) campaign_->question = question;
    return true;
  }
  begin(now, question, Occasion::kAsked);
  return true;
}

void Provision::schedule(Now now, Instant at) {
  next_request_ = std::min(now.boot + seconds(parts_.config.request_interval_s), at);
}

void Provision::begin(Now now, const Question& question, Occasion occasion) {
  const Attachment* attachment = parts_.attach.current();
  if (attachment == nullptr || !attachment->address) return;
  if (silent_ && occasion == Occasion::kAsked) return;
  if (campaign_ && campaign_->signing) parts_.outbox.push(machine::Cancel{*campaign_->signing});
  campaign_.reset();
  schedule(now, kNever);
  if (parts_.config.request_keys && !attachment->ar) {
    // Its keys could not be named (HK-3.3-12).
    parts_.counters.add(MobileCounter::kNoGlobalAddress);
    if (std::exchange(warned_for_, attachment->generation) != attachment->generation)
      parts_.outbox.report(EventKind::kWarning,
                           {{"router", attachment->router.text()},
                            {"text",
                             "no key requested: the router's advertisement has no global "
                             "address (R flag) of its own in our prefix"}});
    return;
  }
  Campaign campaign;
  campaign.timeout = parts_.config.rtsolpr_timeout;
  if (round_trip_) campaign.timeout = std::max(campaign.timeout, 2 * *round_trip_);
  campaign.next_send = now.boot;
  campaign.question = question;
  campaign_ = std::move(campaign);
  send(now);
}

void Provision::send(Now now) {
  Campaign& campaign = *campaign_;
  if (campaign.sent > parts_.config.rtsolpr_retries) return end_campaign(now);
  while (sends_.size() > parts_.config.rtsolpr_rate) sends_.pop_front();
  if (sends_.size() == parts_.config.rtsolpr_rate && now.boot - sends_.front() < seconds(1)) {
    campaign.next_send = sends_.front() + seconds(1);
    return;
  }
  if (campaign.attempt && now.boot - campaign.attempt->first_sent < kCopyWindow &&
      parts_.attach.serves(campaign.attempt->interface, campaign.attempt->generation)) {
    parts_.counters.add(MobileCounter::kRetransmissions);
    return transmit(now, campaign.attempt);
  }
  new_attempt(now);
}

void Provision::new_attempt(Now now) {
  if (parts_.attach.current() == nullptr || !parts_.attach.current()->address)
    return campaign_.reset();
  Campaign& campaign = *campaign_;
  const Attachment& attachment = *parts_.attach.current();
  campaign.next_send = kNever;
  auto attempt = std::make_shared<Attempt>();
  if (parts_.config.request_keys) {
    ensure_pair(now);
    attempt->pair = parts_.pair.current(now.boot, parts_.config.identity.key->public_key());
    waits_for_pair_ = attempt->pair == nullptr;
    if (waits_for_pair_) return;
  }
  attempt->interface = attachment.interface;
  attempt->generation = attachment.generation;
  attempt->source = *attachment.address;
  attempt->router = attachment.router;
  // Several certified routers on one link: all are asked at once (HK-3.3-15).
  attempt->destination =
      parts_.discovery.count(attachment.interface, now.boot) > 1 ? kAllRouters : attachment.router;
  if (campaign.question.destination) attempt->destination = *campaign.question.destination;
  attempt->algorithm = parts_.config.algorithm;
  attempt->nonce = send::draw_nonce(parts_.random);
  std::array<std::uint8_t, 2> octets{};
  const bool drawn = !attempt->nonce.empty() && parts_.random.fill(octets);
  attempt->identifier = Reader(octets).u16();
  const auto taken = [&](const auto& other) { return other->identifier == attempt->identifier; };
  while (drawn && (attempt->identifier == 0 || std::ranges::any_of(attempts_, taken)))
    ++attempt->identifier;
  if (!drawn) return give_up_sending(now, MobileCounter::kNotSigned, "the random source failed");
  send::Unsigned message = unsigned_request(attachment, *attempt);
  const auto& key = parts_.config.identity.key;
  const std::size_t size = send::packet_size(message, *key);
  auto job =
      send::sign(std::move(message), key, parts_.receiver.stamps().next(now), attachment.mtu);
  if (!job) {
    const bool too_big = job.error() == send::SendError::kTooBig;
    return give_up_sending(now, too_big ? MobileCounter::kTooBig : MobileCounter::kNotSigned,
                           too_big
                               ? "the key request needs " + std::to_string(size) +
                                     " octets, the link's MTU is " + std::to_string(attachment.mtu)
                               : "the key request was not sent: " + std::string(name(job.error())));
  }
  parts_.counters.add(MobileCounter::kRequests);
  campaign.next = std::move(attempt);
  campaign.signing = parts_.outbox.start(std::move(*job), machine::JobClass::kSign);
}

send::Unsigned Provision::unsigned_request(const Attachment& attachment,
                                           const Attempt& attempt) const {
  send::Unsigned message;
  message.source = attempt.source;
  message.destination = attempt.destination;
  message.parameters =
      parts_.config.identity.parameters(attachment.prefix, attachment.collision_count);
  message.nonce = attempt.nonce;
  Solicitation solicitation;
  solicitation.identifier = attempt.identifier;
  solicitation.link_address = attachment.link_address;
  solicitation.access_points = campaign_->question.access_points;
  solicitation.wildcard = solicitation.access_points.empty();
  if (attempt.pair)
    solicitation.key_request =
        wire::HandoverKeyRequest{{std::to_underlying(attempt.algorithm)}, attempt.pair->spki()};
  auto composed = compose(solicitation);
  invariant(composed.has_value());  // who asks is checked before
  message.message = std::move(*composed);
  return message;
}

void Provision::give_up_sending(Now now, MobileCounter why, const std::string& text) {
  parts_.counters.add(why);
  parts_.outbox.report(EventKind::kWarning, {{"text", text}});
  campaign_.reset();
  schedule(now, kNever);
}

void Provision::signed_message(Now now, machine::JobResult& result) {
  Campaign& campaign = *campaign_;
  campaign.signing.reset();
  std::shared_ptr<Attempt> attempt = std::exchange(campaign.next, nullptr);
  auto* made = result.output ? std::get_if<machine::MessageSigned>(&*result.output) : nullptr;
  const Attachment* attachment = parts_.attach.current();
  if (made == nullptr || attachment == nullptr || attachment->interface != attempt->interface ||
      attachment->address != attempt->source)
    return give_up_sending(now, MobileCounter::kNotSigned, "the key request was not signed");
  attempt->packet = wire::icmpv6_packet(attempt->source, attempt->destination, made->message);
  attempt->first_sent = now.boot;
  campaign.attempt = attempt;
  if (attempts_.size() >= kMaxAttempts) attempts_.erase(attempts_.begin());
  attempts_.push_back(attempt);
  if (attempt->pair)
    parts_.outbox.report(EventKind::kKeyRequested,
                         {{"router", attempt->router.text()},
                          {"cga", attempt->source.text()},
                          {"algorithm", std::string(crypto::name(attempt->algorithm))}});
  transmit(now, attempt);
}

void Provision::transmit(Now now, const std::shared_ptr<Attempt>& attempt) {
  Campaign& campaign = *campaign_;
  sends_.push_back(now.boot);
  ++campaign.sent;
  ++attempt->copies;
  campaign.next_send = now.boot + campaign.timeout;
  // To the last time-out of what is still to be sent.
  Duration left{};
  Duration timeout = campaign.timeout;
  for (unsigned sent = campaign.sent; sent <= parts_.config.rtsolpr_retries + 1; ++sent) {
    left += timeout;
    timeout *= 2;
  }
  campaign.timeout *= 2;
  attempt->ends = now.boot + left;
  parts_.receiver.nonces().forget(attempt->nonce);
  parts_.receiver.nonces().remember({attempt->interface, send::Kind::kRtSolPr, {}}, attempt->nonce,
                                    attempt->ends);
  const Attachment* attachment = parts_.attach.current();
  const bool to_router = attempt->destination == attempt->router;
  parts_.outbox.push(machine::Transmit{
      attempt->interface,
      to_router && attachment != nullptr ? attachment->router_link_address : std::nullopt,
      attempt->packet});
}

void Provision::end_campaign(Now now) {
  parts_.counters.add(MobileCounter::kUnanswered);
  if (const auto& attempt = campaign_->attempt) {
    parts_.outbox.report(EventKind::kKeyRefused,
                         {{"router", attempt->router.text()}, {"reason", "unanswered"}});
    parts_.discovery.doubt(now, attempt->interface);
  }
  campaign_.reset();
  silent_ = !heard_;
  schedule(now, kNever);
  if (silent_) return;
  const Attachment* attachment = parts_.attach.current();
  if (attachment == nullptr || !attachment->address || !attachment->ar) return;
  // Before a live key ends it is tried more often, at half of what is left each time.
  if (const keys::HeldKey* key = parts_.keys.find(now.boot, *attachment->ar, *attachment->address);
      key != nullptr && now.boot >= key->renewal_due())
    schedule(now, now.boot + std::max<Duration>((key->expires - now.boot) / 2, kMinRenewalRetry));
}

std::shared_ptr<Attempt> Provision::find(InterfaceId interface, ByteView nonce) const {
  for (const auto& attempt : attempts_)
    if (attempt->interface == interface && equal(attempt->nonce, nonce)) return attempt;
  return nullptr;
}

void Provision::handle(Now now, send::Judged advertisement) {
  switch (advertisement.verdict) {
    case send::Verdict::kUnsecured:
      return parts_.counters.add(MobileCounter::kUnsecured);
    case send::Verdict::kRepeat:
      return parts_.counters.add(MobileCounter::kRepeated);
    case send::Verdict::kOutOfWindow:
    case send::Verdict::kUnknownKey:
      return;  // asked for by nobody here
    case send::Verdict::kSecured:
      break;
  }
  if (!wire::PrRtAdv::parse(advertisement.message.icmp))
    return parts_.counters.add(MobileCounter::kMalformed);
  if (advertisement.proof->solicited) return handle_solicited(now, std::move(advertisement));
  handle_unsolicited(now, advertisement);
}

void Provision::handle_solicited(Now now, send::Judged advertisement) {
  const send::Message& message = advertisement.message;
  const auto head = wire::PrRtAdv::parse(message.icmp);
  auto attempt = find(message.interface, *advertisement.proof->nonce);
  if (!attempt || now.boot >= attempt->ends || head->identifier != attempt->identifier ||
      message.destination != attempt->source || !answers_solicitation(head->code))
    return parts_.counters.add(MobileCounter::kUnknownNonce);
  if (!parts_.attach.serves(attempt->interface, attempt->generation))
    return parts_.counters.add(MobileCounter::kLinkLeft);
  if (std::ranges::find(attempt->answered, message.source) != attempt->answered.end())
    return parts_.counters.add(MobileCounter::kSecondAnswer);
  if (parts_.certified.find(advertisement.proof->spki, now.utc) == nullptr)
    return hold(now, std::move(advertisement), std::move(attempt));
  judge(now, std::move(advertisement), std::move(attempt));
}

// RFC 5568 6.1.2, GF32: news from the current router. An answer of W9 comes here too, since it
// echoes no Nonce: it is believed, but never ends a request (GF43).
void Provision::handle_unsolicited(Now now, const send::Judged& advertisement) {
  const send::Message& message = advertisement.message;
  const auto head = wire::PrRtAdv::parse(message.icmp);
  if (message.options.count(OptionType::kHandoverKeyReply) > 0)
    return parts_.counters.add(MobileCounter::kUnsolicitedReply);
  const Attachment* attachment = parts_.attach.current();
  const bool asked = std::ranges::any_of(attempts_, [&](const auto& attempt) {
    return attempt->identifier == head->identifier && attempt->source == message.destination &&
           now.boot < attempt->ends;
  });
  const bool unasked_kind = head->identifier == 0 && !answers_solicitation(head->code);
  if (attachment == nullptr || attachment->interface != message.interface ||
      attachment->router != message.source ||
      attachment->router_spki != advertisement.proof->spki ||
      (answers_solicitation(head->code) ? !asked : !unasked_kind))
    return parts_.counters.add(MobileCounter::kUnsolicited);
  if (parts_.certified.find(advertisement.proof->spki, now.utc) == nullptr)
    return parts_.counters.add(MobileCounter::kUncertified);
  if (!parts_.receiver.accept(advertisement)) return;
  learn(message);
  if (head->code != wire::PrRtAdv::kNetworkInitiated) return;
  const auto access_points = read_access_points(head->code, message.options);
  if (!access_points.empty()) trigger_ = access_points.front().address;
}

void Provision::learn(const send::Message& advertisement) {
  const Attachment* attachment = parts_.attach.current();
  if (attachment == nullptr || attachment->router != advertisement.source) return;
  heard_ = true;
  silent_ = false;
  const std::uint8_t code = wire::PrRtAdv::parse(advertisement.icmp)->code;
  if (nothing_known(code, advertisement.options)) neighbourhood_.clear();
  neighbourhood_.update(read_access_points(code, advertisement.options));
}

// An answer to a message of which several copies left says nothing of the time it took.
void Provision::measure(const send::Message& advertisement, const Attempt& attempt) {
  if (attempt.copies != 1 || advertisement.source != attempt.router) return;
  round_trip_ = std::min(advertisement.arrived.boot - attempt.first_sent, kMaxRoundTrip);
}

void Provision::drop_reply(MobileCounter why, const Ipv6Address& router) {
  parts_.counters.add(why);
  parts_.outbox.report(EventKind::kKeyRefused,
                       {{"router", router.text()}, {"reason", std::string(name(why))}});
}

void Provision::hold(Now now, send::Judged advertisement, std::shared_ptr<Attempt> attempt) {
  const send::Message& message = advertisement.message;
  const InterfaceId interface = message.interface;
  const Ipv6Address router = message.source;
  std::erase_if(held_, [&](const HeldReply& held) {
    return held.advertisement.message.source == router && held.attempt == attempt;
  });
  if (held_.size() >= parts_.config.max_held_replies)
    return drop_reply(MobileCounter::kHeldDropped, router);
  parts_.counters.add(MobileCounter::kHeld);
  heard_ = true;
  held_.push_back({std::move(advertisement), std::move(attempt), now.boot + kHoldLimit});
  parts_.paths.fetch(now, interface, parts_.attach.current()->link_local, router);
}

void Provision::paths_ended(Now now, const nd::PathFetcher::Ended& ended) {
  std::vector<HeldReply> held = std::exchange(held_, {});
  for (HeldReply& each : held) {
    const send::Message& message = each.advertisement.message;
    const Ipv6Address router = message.source;
    if (message.interface != ended.interface) {
      held_.push_back(std::move(each));
    } else if (!parts_.attach.serves(each.attempt->interface, each.attempt->generation)) {
      parts_.counters.add(MobileCounter::kLinkLeft);
    } else if (parts_.certified.find(each.advertisement.proof->spki, now.utc) != nullptr) {
      judge(now, std::move(each.advertisement), std::move(each.attempt));
    } else if (ended.validated) {
      parts_.paths.fetch(now, ended.interface, parts_.attach.current()->link_local, router);
      held_.push_back(std::move(each));
    } else {
      drop_reply(MobileCounter::kUncertified, router);
    }
  }
}

bool Provision::owns(machine::JobId job) const {
  return generating_ == job || opening_.contains(job) || (campaign_ && campaign_->signing == job);
}

void Provision::generated(Now now, keys::DecryptionKey key) {
  if (key)
    parts_.pair.generated(now.boot, std::move(key));
  else
    parts_.pair.generation_failed();
  if (!parts_.pair.current(now.boot, parts_.config.identity.key->public_key())) {
    // Not at once again: what gave no key, or one of other parameters, would do the same.
    parts_.outbox.report(EventKind::kWarning, {{"text", "no key pair could be generated"}});
    pair_check_ = now.boot + kPairRetry;
    return;
  }
  ensure_pair(now);
  if (std::exchange(waits_for_pair_, false) && campaign_) send(now);
}

void Provision::complete(Now now, machine::JobResult result) {
  if (generating_ == result.job_id) {
    generating_.reset();
    auto* made =
        result.output ? std::get_if<machine::DecryptionKeyGenerated>(&*result.output) : nullptr;
    return generated(now, made != nullptr ? std::move(made->key) : nullptr);
  }
  if (campaign_ && campaign_->signing == result.job_id) return signed_message(now, result);
  auto opening = opening_.extract(result.job_id);
  if (!opening.empty()) opened(now, std::move(opening.mapped()), result);
}

std::optional<LinkAddress> Provision::take_trigger() {
  return std::exchange(trigger_, std::nullopt);
}

std::vector<std::shared_ptr<const Attempt>> Provision::attempts() const {
  return {attempts_.begin(), attempts_.end()};
}

Instant Provision::next_deadline() const {
  // A request that is due while one is under way waits for its end.
  Instant earliest = std::min(campaign_ ? campaign_->next_send : next_request_, pair_check_);
  for (const auto& attempt : attempts_) earliest = std::min(earliest, attempt->ends);
  for (const HeldReply& held : held_) earliest = std::min(earliest, held.until);
  return earliest;
}

void Provision::tick(Now now) {
  if (pair_check_ <= now.boot) ensure_pair(now);
  std::erase_if(attempts_, [&](const auto& attempt) { return attempt->ends <= now.boot; });
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->until > now.boot) {
      ++held;
      continue;
    }
    drop_reply(MobileCounter::kHeldDropped, held->advertisement.message.source);
    held = held_.erase(held);
  }
  if (campaign_ && campaign_->next_send <= now.boot) send(now);
  if (!campaign_ && next_request_ <= now.boot) begin(now, {}, Occasion::kPeriodic);
}

}  // namespace sendoff::mobile
