// The handover key in a PrRtAdv (RFC 5269 3.3): judged, opened, on record, in use.
#include <utility>

#include "keys/authenticator.h"
#include "mobile/provision.h"
#include "wire/fmip_options.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;
using wire::OptionType;

constexpr std::size_t kMaxOpening = 16;  // keys on their way into use

}  // namespace

std::optional<Ipv6Address> Provision::router_address(const send::Message& advertisement,
                                                     const Bytes& spki,
                                                     const Attempt& attempt) const {
  const nd::Router* router = parts_.discovery.find(advertisement.interface, advertisement.source);
  if (router == nullptr || router->spki != spki) return std::nullopt;
  return router->global_address_for(attempt.source);
}

Result<Provision::Opening, MobileCounter> Provision::read_reply(Now now,
                                                                const send::Message& advertisement,
                                                                const Bytes& spki,
                                                                const Attempt& attempt) const {
  const wire::OptionList& options = advertisement.options;
  const std::size_t replies = options.count(OptionType::kHandoverKeyReply);
  if (replies == 0) return fail(MobileCounter::kNoReply);
  if (replies > 1) return fail(MobileCounter::kTwoReplies);
  if (!attempt.pair) return fail(MobileCounter::kNotRequested);
  const auto reply =
      wire::HandoverKeyReply::parse(options.first(OptionType::kHandoverKeyReply)->octets);
  if (!reply) return fail(MobileCounter::kMalformedReply);
  const auto algorithm = crypto::algorithm_of(reply->algorithm.value);
  if (!algorithm) return fail(MobileCounter::kUnknownAlgorithm);
  if (!parts_.config.accept_weaker &&
      crypto::strength(*algorithm) < crypto::strength(attempt.algorithm))
    return fail(MobileCounter::kDowngrade);
  if (now.boot >= attempt.first_sent + seconds(reply->lifetime_s))
    return fail(MobileCounter::kZeroLifetime);
  const auto ar = router_address(advertisement, spki, attempt);
  if (!ar) return fail(MobileCounter::kNoRouterAddress);
  Opening opening;
  opening.ar = *ar;
  opening.algorithm = *algorithm;
  opening.lifetime_s = reply->lifetime_s;
  return opening;
}

void Provision::judge(Now now, send::Judged advertisement, std::shared_ptr<Attempt> attempt) {
  const Ipv6Address router = advertisement.message.source;
  if (std::ranges::find(attempt->answered, router) != attempt->answered.end())
    return parts_.counters.add(MobileCounter::kSecondAnswer);
  if (opening_.size() + storing_.size() >= kMaxOpening)
    return drop_reply(MobileCounter::kHeldDropped, router);
  if (!parts_.receiver.accept(advertisement)) return;
  attempt->answered.push_back(router);
  measure(advertisement.message, *attempt);
  // An answer of another router does not end the wait for the one that is used (HK-3.3-05).
  if (campaign_ && campaign_->attempt == attempt && !campaign_->signing &&
      router == attempt->router) {
    campaign_.reset();
    schedule(now, kNever);
  }
  auto opening = read_reply(now, advertisement.message, advertisement.proof->spki, *attempt);
  if (!opening) {
    learn(advertisement.message);
    if (attempt->pair) return refuse(now, router, opening.error());
    return;
  }
  const auto reply = wire::HandoverKeyReply::parse(
      advertisement.message.options.first(OptionType::kHandoverKeyReply)->octets);
  // The length of the ciphertext is judged with all the rest of it (W12).
  const machine::JobId job =
      parts_.outbox.start(machine::OpenHandoverKey{attempt->pair, to_bytes(reply->encrypted_key),
                                                   crypto::key_size(opening->algorithm)},
                          machine::JobClass::kSolicited);
  opening->advertisement = std::move(advertisement);
  opening->attempt = std::move(attempt);
  opening_.emplace(job, std::move(*opening));
}

void Provision::refuse(Now now, const Ipv6Address& router, MobileCounter why) {
  drop_reply(why, router);
  const Attachment* attachment = parts_.attach.current();
  if (campaign_ || attachment == nullptr || attachment->router != router || !attachment->ar ||
      !attachment->address)
    return;
  if (const keys::HeldKey* key = parts_.keys.find(now.boot, *attachment->ar, *attachment->address))
    schedule(now, now.boot + std::max<Duration>((key->expires - now.boot) / 2, kMinRenewalRetry));
}

void Provision::opened(Now now, Opening opening, machine::JobResult& result) {
  auto* made = result.output ? std::get_if<machine::HandoverKeyOpened>(&*result.output) : nullptr;
  const send::Message& message = opening.advertisement.message;
  const Attempt& attempt = *opening.attempt;
  if (made == nullptr || made->key.size() != crypto::key_size(opening.algorithm))
    return refuse(now, message.source, MobileCounter::kNotDecrypted);
  if (!parts_.attach.serves(attempt.interface, attempt.generation) ||
      router_address(message, opening.advertisement.proof->spki, attempt) != opening.ar)
    return drop_reply(MobileCounter::kLinkLeft, message.source);
  if (!parts_.config.accept_weaker &&
      crypto::strength(opening.algorithm) < crypto::strength(attempt.algorithm))
    return refuse(now, message.source, MobileCounter::kDowngrade);
  if (now.boot >= attempt.first_sent + seconds(opening.lifetime_s))
    return refuse(now, message.source, MobileCounter::kZeroLifetime);
  learn(message);
  store(now, opening, std::move(made->key));
}

void Provision::store(Now now, const Opening& opening, Secret key) {
  const Attempt& attempt = *opening.attempt;
  keys::HeldKey held;
  held.ar = opening.ar;
  held.ar_link_local = opening.advertisement.message.source;
  held.cga = attempt.source;
  held.signer = opening.advertisement.proof->key_hash;
  held.algorithm = opening.algorithm;
  held.key = std::move(key);
  held.received_for = attempt.first_sent;
  held.expires = attempt.first_sent + seconds(opening.lifetime_s);
  // The first block is reserved with the record, so that no FBU has to wait for the store.
  held.sequence_ceiling = machine::kSequenceBlock;
  // The same key again goes on counting.
  const keys::HeldKey* current = parts_.keys.find(now.boot, held.ar, held.cga);
  if (current != nullptr && parts_.keys.holds(held))
    held.sequence_ceiling = current->sequence_ceiling;
  Storing storing{std::move(held), attempt.interface, attempt.generation, opening.lifetime_s};
  machine::HeldKey record = parts_.keys.record_of(storing.key, now);
  storing_.emplace(parts_.outbox.push(machine::Persist{std::move(record)}), std::move(storing));
}

// An FBU under a key without a record would leave a number behind that no restart knows of.
void Provision::put_into_use(Now now, Storing stored) {
  const Ipv6Address ar = stored.key.ar;
  const Ipv6Address cga = stored.key.cga;
  const bool here = parts_.attach.serves(stored.interface, stored.generation);
  const bool replaces = parts_.keys.find(now.boot, ar, cga) != nullptr;
  if (now.boot >= stored.key.expires || (!here && !replaces)) {
    parts_.outbox.push(machine::Forget{machine::HeldKeyName{ar, cga}});
    return drop_reply(here ? MobileCounter::kZeroLifetime : MobileCounter::kLinkLeft, ar);
  }
  stored.key.delivered = here;
  const std::string fingerprint = keys::fingerprint(stored.key.key);
  (void)parts_.keys.store(std::move(stored.key));
  const keys::HeldKey& held = *parts_.keys.find(now.boot, ar, cga);
  if (here) routers_here_.insert(ar);
  parts_.counters.add(MobileCounter::kKeysReceived);
  parts_.outbox.report(EventKind::kKeyReceived,
                       {{"ar", ar.text()},
                        {"cga", cga.text()},
                        {"algorithm", std::string(crypto::name(held.algorithm))},
                        {"lifetime_s", std::int64_t{stored.lifetime_s}},
                        {"fingerprint", fingerprint}});
  const Attachment* attachment = parts_.attach.current();
  if (attachment != nullptr && attachment->ar == ar && !campaign_)
    schedule(now, held.renewal_due());
}

void Provision::outcome(Now now, const machine::Outcome& outcome) {
  auto stored = storing_.extract(outcome.action_id);
  if (!outcome.result) {
    parts_.counters.add(MobileCounter::kStoreFailed);
    parts_.outbox.report(EventKind::kWarning, {{"text",
                                                "a handover key could not be stored: it "
                                                "will be asked for again after a restart"}});
  }
  put_into_use(now, std::move(stored.mapped()));
}

}  // namespace sendoff::mobile
