#include "router/provision.h"

#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::router {

namespace {

using machine::EventKind;
using wire::OptionType;

// For the whole router, whatever the interface: the budget's shared bucket is that of one.
constexpr InterfaceId kWholeRouter{0};

send::BudgetConfig unvalidated_budget(const Config& config) {
  return {config.unvalidated_answers_per_source_s, config.unvalidated_answers_s, 1024};
}

ProvisionCounter counter_of(keys::IssueRefusal refusal) {
  switch (refusal) {
    case keys::IssueRefusal::kNoAlgorithm:
      return ProvisionCounter::kNoAlgorithm;
    case keys::IssueRefusal::kTableFull:
      return ProvisionCounter::kTableFull;
    case keys::IssueRefusal::kShareFull:
      return ProvisionCounter::kShareFull;
    default:
      return ProvisionCounter::kRandomFailed;
  }
}

}  // namespace

std::string_view name(ProvisionCounter counter) {
  switch (counter) {
    case ProvisionCounter::kKeysMade:
      return "keys-made";
    case ProvisionCounter::kKeysReturned:
      return "keys-returned";
    case ProvisionCounter::kAnsweredWithoutRequest:
      return "answered-without-request";
    case ProvisionCounter::kAnsweredUnvalidated:
      return "answered-unvalidated";
    case ProvisionCounter::kUnvalidatedShed:
      return "unvalidated-shed";
    case ProvisionCounter::kRepliesFromCache:
      return "replies-from-cache";
    case ProvisionCounter::kRepeatsDropped:
      return "repeats-dropped";
    case ProvisionCounter::kNoAccessPoint:
      return "no-access-point";
    case ProvisionCounter::kTwoRequests:
      return "two-requests";
    case ProvisionCounter::kRequestMalformed:
      return "request-malformed";
    case ProvisionCounter::kRequestKeyLimits:
      return "request-key-limits";
    case ProvisionCounter::kRequestParameters:
      return "request-parameters";
    case ProvisionCounter::kRequestIsCgaKey:
      return "request-is-cga-key";
    case ProvisionCounter::kNotOnLink:
      return "not-on-link";
    case ProvisionCounter::kNoAlgorithm:
      return "no-algorithm";
    case ProvisionCounter::kTableFull:
      return "table-full";
    case ProvisionCounter::kShareFull:
      return "share-full";
    case ProvisionCounter::kRandomFailed:
      return "random-failed";
    case ProvisionCounter::kStoreFailed:
      return "store-failed";
    case ProvisionCounter::kTooBig:
      return "too-big";
    case ProvisionCounter::kExchangesFull:
      return "exchanges-full";
    case ProvisionCounter::kSigningFailed:
      return "signing-failed";
    case ProvisionCounter::kAbandoned:
      return "abandoned";
    case ProvisionCounter::kCount:
      break;
  }
  return "unknown";
}

Provision::Provision(const Config& config, const std::vector<ServedLink>& links,
                     keys::IssuedKeys& keys, send::Receiver& receiver, Random& random,
                     machine::Outbox& outbox)
    : config_(config),
      links_(links),
      keys_(keys),
      receiver_(receiver),
      random_(random),
      outbox_(outbox),
      unvalidated_budget_(unvalidated_budget(config)) {}

void Provision::reconfigured() { unvalidated_budget_.configure(unvalidated_budget(config_)); }

void Provision::handle(Now now, send::Judged solicitation) {
  const send::Message& message = solicitation.message;
  const ServedLink* link = find_link(links_, message.interface);
  if (link == nullptr || !link->ready()) return;
  if (solicitation.verdict == send::Verdict::kRepeat)
    return answer_repeat(now, solicitation.proof->digest);
  auto asked = asked_of(message.options);
  if (!asked) {
    counters_.add(ProvisionCounter::kNoAccessPoint);
    return;
  }
  if (under_way() >= config_.max_exchanges) {
    counters_.add(ProvisionCounter::kExchangesFull);
    return;
  }
  Exchange exchange;
  exchange.interface = message.interface;
  exchange.mn = message.source;
  if (!message.frame_source.empty()) exchange.link_destination = message.frame_source;
  exchange.identifier = wire::RtSolPr::parse(message.icmp)->identifier;
  exchange.asked = std::move(*asked);
  if (solicitation.verdict == send::Verdict::kUnsecured)
    return answer_unvalidated(now, std::move(exchange), solicitation.reason);
  // What nodes say no certificate proves, for theirs are not asked for (GS30).
  if (!send::satisfied(config_.receiver.methods.of(send::Kind::kRtSolPr), false,
                       solicitation.proof->cga))
    return answer_unvalidated(now, std::move(exchange), send::Reason::kUnknownKey);
  if (!receiver_.accept(solicitation)) return;
  if (!config_.provision_keys)  // HK-3.2-46
    return answer_unvalidated(now, std::move(exchange), solicitation.reason);

  exchange.nonce = solicitation.proof->nonce;
  exchange.digest = solicitation.proof->digest;
  exchange.peer = send::Peer{message.interface, message.source, solicitation.proof->key_hash};
  if (const auto refused = read_request(solicitation, exchange))
    return refuse(now, std::move(exchange), *refused);
  if (!config_.look_up_records || !keys_.find(now.boot, exchange.mn).empty())
    return find_key(now, std::move(exchange));
  const machine::RecordName name = machine::IssuedKeyName{exchange.mn, 0};
  const machine::JobId job = outbox_.start(machine::LookUp{name}, machine::JobClass::kLookup);
  looking_up_.emplace(job, std::move(exchange));
}

Result<void, machine::OrderError> Provision::advise(Now now, const machine::Advise& order) {
  const auto* const link_address = std::get_if<LinkAddress>(&order.mn);
  const std::optional<Ipv6Address> mn = link_address != nullptr
                                            ? keys_.cga_of(now.boot, *link_address)
                                            : std::get<Ipv6Address>(order.mn);
  if (!mn) return fail(machine::OrderError::kUnknownNode);
  const auto link = std::ranges::find_if(
      links_, [&](const ServedLink& each) { return each.ready() && each.on_link(*mn); });
  if (link == links_.end()) return fail(machine::OrderError::kNoAddress);
  if (under_way() >= config_.max_exchanges) return fail(machine::OrderError::kBusy);
  Exchange exchange;
  exchange.interface = link->config.id;
  exchange.mn = *mn;
  if (link_address != nullptr) exchange.link_destination = *link_address;
  exchange.unsolicited_code =
      order.access_point ? wire::PrRtAdv::kNetworkInitiated : wire::PrRtAdv::kUnsolicited;
  exchange.asked.wildcard = !order.access_point;
  if (order.access_point) exchange.asked.access_points.push_back(*order.access_point);
  // Code 1 and 4 carry tuples (FH-6.1.2-28): without one there is nothing to say.
  const std::uint8_t code =
      router::answer(config_.neighbours, *link, exchange.asked, link->mtu).code;
  if (code != wire::PrRtAdv::kTuples && code != wire::PrRtAdv::kDhcp)
    return fail(machine::OrderError::kUnknownAccessPoint);
  if (order.new_care_of) {
    const Neighbour* nar =
        order.access_point ? router_behind(config_.neighbours, *order.access_point) : nullptr;
    if (nar == nullptr || !nar->prefix.contains(*order.new_care_of) ||
        !order.new_care_of->is_unicast_routable())
      return fail(machine::OrderError::kWrongPrefix);
    exchange.asked.new_care_of = order.new_care_of;
  }
  answer(now, std::move(exchange));
  return {};
}

void Provision::answer_unvalidated(Now now, Exchange exchange, send::Reason reason) {
  if (unvalidated_reports_.take(now.boot))
    outbox_.report(EventKind::kRequestUnvalidated,
                   {{"source", exchange.mn.text()}, {"reason", std::string(name(reason))}});
  const LinkAddress source = exchange.link_destination.value_or(LinkAddress{});
  if (!config_.answer_unvalidated ||
      !unvalidated_budget_.take(kWholeRouter, source, send::Share::kStrangers, now.boot)) {
    counters_.add(ProvisionCounter::kUnvalidatedShed);
    return;
  }
  counters_.add(ProvisionCounter::kAnsweredUnvalidated);
  answer(now, std::move(exchange));
}

void Provision::answer_repeat(Now now, const crypto::Sha256Digest& digest) {
  const auto found = std::ranges::find(replies_, digest, &Reply::digest);
  if (found == replies_.end() || now.boot - found->made > config_.reply_window) {
    counters_.add(ProvisionCounter::kRepeatsDropped);
    return;
  }
  counters_.add(ProvisionCounter::kRepliesFromCache);
  outbox_.push(found->transmit);
}

std::optional<ProvisionCounter> Provision::read_request(const send::Judged& solicitation,
                                                        Exchange& exchange) const {
  const wire::OptionList& options = solicitation.message.options;
  const std::size_t requests = options.count(OptionType::kHandoverKeyRequest);
  if (requests == 0) return ProvisionCounter::kAnsweredWithoutRequest;
  if (requests > 1) return ProvisionCounter::kTwoRequests;
  const ServedLink* link = find_link(links_, exchange.interface);
  if (link == nullptr || !link->on_link(exchange.mn)) return ProvisionCounter::kNotOnLink;
  const auto request =
      wire::HandoverKeyRequest::parse(options.first(OptionType::kHandoverKeyRequest)->octets);
  if (!request) return ProvisionCounter::kRequestMalformed;
  auto key = crypto::RsaPublicKey::parse(request->public_key, config_.receiver.key_limits);
  if (!key) {
    const bool limits = key.error() == crypto::SpkiError::kModulusSize ||
                        key.error() == crypto::SpkiError::kExponent;
    return limits ? ProvisionCounter::kRequestKeyLimits : ProvisionCounter::kRequestMalformed;
  }
  // No product of two odd primes: nothing could be encrypted to it, and no answer would leave.
  if (key->modulus().back() % 2 == 0) return ProvisionCounter::kRequestMalformed;
  if (equal(request->public_key, solicitation.proof->spki))
    return ProvisionCounter::kRequestIsCgaKey;
  const auto cga_key =
      crypto::RsaPublicKey::parse(solicitation.proof->spki, config_.receiver.key_limits);
  if (!cga_key || !key->same_parameters(*cga_key)) return ProvisionCounter::kRequestParameters;
  exchange.encryption_key = std::move(*key);
  exchange.algorithm_code = request->algorithm.value;
  return std::nullopt;
}

void Provision::refuse(Now now, Exchange exchange, ProvisionCounter why) {
  counters_.add(why);
  if (why != ProvisionCounter::kAnsweredWithoutRequest)
    outbox_.report(EventKind::kRequestRefused,
                   {{"cga", exchange.mn.text()}, {"reason", std::string(name(why))}});
  exchange.encryption_key.reset();
  exchange.key.reset();
  answer(now, std::move(exchange));
}

void Provision::find_key(Now now, Exchange exchange) {
  auto issued =
      keys_.find_or_create(now.boot, exchange.mn, exchange.link_destination.value_or(LinkAddress{}),
                           exchange.algorithm_code);
  if (!issued) return refuse(now, std::move(exchange), counter_of(issued.error()));
  if (issued->dropped) {
    outbox_.push(machine::Forget{*issued->dropped});
    key_gone(*issued->dropped);
  }
  exchange.key = issued->key->name();
  exchange.fresh = issued->fresh;
  if (issued->fresh)
    persisting_.emplace(outbox_.push(machine::Persist{keys_.record_of(*issued->key, now)}),
                        issued->key->name());
  if (issued->key->persisted) return answer(now, std::move(exchange));
  waiting_.push_back(std::move(exchange));
}

void Provision::outcome(Now now, const machine::Outcome& outcome) {
  const auto persisted = persisting_.extract(outcome.action_id);
  if (persisted.empty()) return;
  const machine::IssuedKeyName key = persisted.mapped();
  keys::IssuedKey* record = keys_.find(key);
  const bool stored = outcome.result.has_value() && record != nullptr;
  if (stored) record->persisted = true;
  if (!stored) {
    keys_.discard(key);
    key_gone(key);
  }
  std::vector<Exchange> ready;
  std::erase_if(waiting_, [&](Exchange& exchange) {
    if (exchange.key != key) return false;
    ready.push_back(std::move(exchange));
    return true;
  });
  for (Exchange& exchange : ready) {
    if (stored)
      answer(now, std::move(exchange));
    else
      refuse(now, std::move(exchange), ProvisionCounter::kStoreFailed);
  }
}

std::optional<send::Unsigned> Provision::compose(Now now, const ServedLink& link,
                                                 const Exchange& exchange, Problem& problem) {
  const keys::IssuedKey* key = exchange.key ? keys_.find(*exchange.key) : nullptr;
  send::Unsigned advertisement;
  advertisement.source = link.link_local.address;
  advertisement.destination = exchange.mn;
  advertisement.parameters =
      link.config.identity.parameters(send::link_local_prefix(), link.link_local.collision_count);
  advertisement.nonce = exchange.nonce;
  wire::PrRtAdv head{.identifier = exchange.identifier};
  Bytes own_address;
  append(own_address, wire::LinkLayerAddressOption{wire::LinkLayerAddressOption::Code::kSource,
                                                   link.link_address});
  Bytes reply;
  if (key != nullptr) {
    const Bytes placeholder(exchange.encryption_key->modulus_size());
    append(reply, wire::HandoverKeyReply{{static_cast<std::uint8_t>(key->algorithm)},
                                         static_cast<std::uint16_t>(std::min<std::uint32_t>(
                                             key->remaining_s(now.boot), 65535)),
                                         placeholder});
  }
  advertisement.message.resize(head.size() + own_address.size() + reply.size());
  const std::size_t bare = send::packet_size(advertisement, *link.config.identity.key);
  if (bare > link.mtu) {
    problem = {ProvisionCounter::kTooBig, "the answer needs " + std::to_string(bare) +
                                              " octets, the link's MTU is " +
                                              std::to_string(link.mtu)};
    return std::nullopt;
  }
  const NeighbourhoodAnswer around =
      router::answer(config_.neighbours, link, exchange.asked, link.mtu - bare);
  head.code = exchange.unsolicited_code.value_or(around.code);
  advertisement.message.clear();
  append(advertisement.message, head);
  for (const ByteView part : {ByteView(own_address), ByteView(around.options), ByteView(reply)})
    advertisement.message.insert(advertisement.message.end(), part.begin(), part.end());
  const std::size_t offset =
      advertisement.message.size() - reply.size() + wire::HandoverKeyReply::kHeadSize;
  if (key != nullptr && !seal(*key, *exchange.encryption_key, offset, advertisement)) {
    problem = {ProvisionCounter::kRandomFailed, "the random source failed"};
    return std::nullopt;
  }
  return advertisement;
}

bool Provision::seal(const keys::IssuedKey& key, const crypto::RsaPublicKey& to, std::size_t offset,
                     send::Unsigned& message) {
  Secret padding(crypto::padding_size(to, key.key.size()));
  if (!random_.fill(padding.expose_mutable())) return false;
  for (std::uint8_t& octet : padding.expose_mutable())
    for (int tries = 0; octet == 0; ++tries)
      if (tries == 16 || !random_.fill(ByteSpan(&octet, 1))) return false;
  message.seal = machine::Seal{to, key.key.duplicate(), std::move(padding), offset};
  return true;
}

void Provision::answer(Now now, Exchange exchange) {
  const ServedLink* link = find_link(links_, exchange.interface);
  const keys::IssuedKey* key = exchange.key ? keys_.find(*exchange.key) : nullptr;
  const bool key_lost = exchange.key && (key == nullptr || key->remaining_s(now.boot) == 0);
  if (link == nullptr || !link->ready() || key_lost)
    return abandon(exchange, ProvisionCounter::kAbandoned);
  Problem problem;
  auto advertisement = compose(now, *link, exchange, problem);
  if (!advertisement) {
    outbox_.report(EventKind::kWarning, {{"cga", exchange.mn.text()}, {"text", problem.text}});
    abandon(exchange, problem.counter);
    if (!exchange.key) return;
    exchange.encryption_key.reset();  // HK-3.2-44: then without key
    exchange.key.reset();
    return answer(now, std::move(exchange));
  }
  auto job = send::sign(std::move(*advertisement), link->config.identity.key,
                        receiver_.stamps().next(now), link->mtu);
  if (!job) return abandon(exchange, ProvisionCounter::kTooBig);
  signing_.emplace(outbox_.start(std::move(*job), machine::JobClass::kSign), std::move(exchange));
}

// Other answers under way with this key.
std::vector<Provision::Exchange*> Provision::others_with(const machine::IssuedKeyName& key) {
  std::vector<Exchange*> others;
  for (auto& [job, exchange] : signing_)
    if (exchange.key == key) others.push_back(&exchange);
  for (Exchange& exchange : waiting_)
    if (exchange.key == key) others.push_back(&exchange);
  return others;
}

// An answer that will not leave: a key made for it alone is not kept (HK-3.2-19). Another answer
// with the same key inherits it.
void Provision::abandon(const Exchange& exchange, ProvisionCounter why) {
  counters_.add(why);
  if (!exchange.key || !exchange.fresh) return;
  if (keys_.find(*exchange.key) == nullptr) return;
  if (const auto others = others_with(*exchange.key); !others.empty()) {
    others.front()->fresh = true;
    return;
  }
  keys_.discard(*exchange.key);
  outbox_.push(machine::Forget{*exchange.key});
}

void Provision::complete(Now now, machine::JobResult result) {
  if (auto found = looking_up_.extract(result.job_id); !found.empty()) {
    if (auto* records =
            result.output ? std::get_if<machine::RecordsFound>(&*result.output) : nullptr) {
      for (const machine::Record& record : records->records)
        if (const auto* issued = std::get_if<machine::IssuedKey>(&record))
          if (issued->cga == found.mapped().mn) (void)keys_.restore(now, *issued);
      return find_key(now, std::move(found.mapped()));
    }
    return refuse(now, std::move(found.mapped()), ProvisionCounter::kStoreFailed);
  }
  auto found = signing_.extract(result.job_id);
  if (found.empty()) return;
  Exchange exchange = std::move(found.mapped());
  auto* made = result.output ? std::get_if<machine::MessageSigned>(&*result.output) : nullptr;
  if (made == nullptr) return abandon(exchange, ProvisionCounter::kSigningFailed);
  const ServedLink* link = find_link(links_, exchange.interface);
  const keys::IssuedKey* key = exchange.key ? keys_.find(*exchange.key) : nullptr;
  if (link == nullptr || !link->ready() || (exchange.key && key == nullptr))
    return abandon(exchange, ProvisionCounter::kAbandoned);
  machine::Transmit transmit{
      exchange.interface, exchange.link_destination,
      wire::icmpv6_packet(link->link_local.address, exchange.mn, made->message)};
  if (exchange.nonce) remember(now, exchange, transmit);
  outbox_.push(std::move(transmit));
  if (key == nullptr) return;
  for (Exchange* other : others_with(*exchange.key))  // delivered: it outlives what comes of them
    if (std::exchange(other->fresh, false)) exchange.fresh = true;
  counters_.add(exchange.fresh ? ProvisionCounter::kKeysMade : ProvisionCounter::kKeysReturned);
  receiver_.timestamps().protect(*exchange.peer, key->expires);
  report_issued(now, exchange, *key);
}

void Provision::remember(Now now, const Exchange& exchange, const machine::Transmit& transmit) {
  while (!replies_.empty() && (now.boot - replies_.front().made > config_.reply_window ||
                               replies_.size() >= config_.max_replies))
    replies_.pop_front();
  if (config_.max_replies > 0)
    replies_.push_back({exchange.digest, now.boot, transmit, exchange.key});
}

void Provision::report_issued(Now now, const Exchange& exchange, const keys::IssuedKey& key) {
  outbox_.report(EventKind::kKeyIssued, {{"cga", key.cga.text()},
                                         {"algorithm", std::string(crypto::name(key.algorithm))},
                                         {"lifetime_s", std::int64_t{key.remaining_s(now.boot)}},
                                         {"fingerprint", keys::fingerprint(key.key)},
                                         {"fresh", std::int64_t{exchange.fresh}}});
}

void Provision::key_gone(const machine::IssuedKeyName& key) {
  std::erase_if(replies_, [&](const Reply& reply) { return reply.key == key; });
}

void Provision::drop(InterfaceId interface) {
  const auto cancel = [&](std::map<machine::JobId, Exchange>& jobs) {
    for (auto entry = jobs.begin(); entry != jobs.end();) {
      if (entry->second.interface != interface) {
        ++entry;
        continue;
      }
      outbox_.push(machine::Cancel{entry->first});
      const Exchange exchange = std::move(entry->second);
      entry = jobs.erase(entry);
      abandon(exchange, ProvisionCounter::kAbandoned);
    }
  };
  cancel(signing_);
  cancel(looking_up_);
  std::erase_if(replies_,
                [&](const Reply& reply) { return reply.transmit.interface == interface; });
}

}  // namespace sendoff::router
