#include "send/receiver.h"

#include "cga/cga.h"
#include "wire/send_options.h"

namespace sendoff::send {

namespace {

using wire::OptionType;

bool source_ok(Kind kind, const wire::PacketView& packet) {
  const Ipv6Address& source = packet.header.source;
  switch (kind) {
    case Kind::kRouterAdvertisement:
    case Kind::kRedirect:
    case Kind::kPrRtAdv:
    case Kind::kCertificationPathAdvertisement:
      return source.is_link_local();
    case Kind::kCertificationPathSolicitation:
      return source.is_link_local() || source.is_unspecified();
    case Kind::kRtSolPr:
    case Kind::kNeighborAdvertisement:
      return !source.is_multicast() && !source.is_unspecified() && !source.is_loopback();
    default:
      return !source.is_multicast() && !source.is_loopback();
  }
}

// What RFC 4861 6.1.1, 7.1 and 8.1 want besides.
std::optional<Reason> content(Kind kind, const wire::PacketView& packet,
                              const wire::OptionList& options) {
  const Ipv6Address& destination = packet.header.destination;
  const bool from_nobody = packet.header.source.is_unspecified();
  if (from_nobody && options.first(OptionType::kSourceLinkAddress)) return Reason::kOptionContent;
  if (kind == Kind::kNeighborSolicitation) {
    const Ipv6Address target = wire::NeighborSolicitation::parse(packet.upper)->target;
    if (target.is_multicast()) return Reason::kTarget;
    if (from_nobody && destination != destination.solicited_node()) return Reason::kDestination;
  } else if (kind == Kind::kNeighborAdvertisement) {
    const auto advertisement = wire::NeighborAdvertisement::parse(packet.upper);
    if (advertisement->target.is_multicast()) return Reason::kTarget;
    if (advertisement->solicited && destination.is_multicast()) return Reason::kDestination;
  } else if (kind == Kind::kRedirect) {
    const auto redirect = wire::Redirect::parse(packet.upper);
    if (redirect->destination.is_multicast() ||
        (!redirect->target.is_link_local() && redirect->target != redirect->destination))
      return Reason::kTarget;
  }
  return std::nullopt;
}

// A Redirect speaks of another node's address.
bool names_another_frame(Kind kind, const wire::OptionList& options, const LinkAddress& frame) {
  if (kind == Kind::kRedirect || frame.empty()) return false;
  return std::ranges::any_of(options, [&](const wire::RawOption& each) {
    if (each.type != OptionType::kSourceLinkAddress && each.type != OptionType::kTargetLinkAddress)
      return false;
    const auto named = wire::LinkAddressOption::parse(each.octets);
    return !named || named->address != frame;
  });
}

}  // namespace

bool carries_send_options(Kind kind) {
  return kind != Kind::kCertificationPathSolicitation &&
         kind != Kind::kCertificationPathAdvertisement;
}

bool is_solicitation(Kind kind) {
  return kind == Kind::kRouterSolicitation || kind == Kind::kNeighborSolicitation ||
         kind == Kind::kRtSolPr;
}

std::optional<Kind> solicitation_of(Kind kind) {
  switch (kind) {
    case Kind::kRouterAdvertisement:
      return Kind::kRouterSolicitation;
    case Kind::kNeighborAdvertisement:
      return Kind::kNeighborSolicitation;
    case Kind::kPrRtAdv:
      return Kind::kRtSolPr;
    default:
      return std::nullopt;
  }
}

std::optional<Question> question_of(const Message& message) {
  const auto kind =
      is_solicitation(message.kind) ? std::optional(message.kind) : solicitation_of(message.kind);
  if (!kind) return std::nullopt;
  Question question{message.interface, *kind, {}};
  if (const auto asks = wire::NeighborSolicitation::parse(message.icmp))
    question.target = asks->target;
  if (const auto answers = wire::NeighborAdvertisement::parse(message.icmp))
    question.target = answers->target;
  return question;
}

std::optional<Kind> kind_of(ByteView message, Kind short_kind) {
  if (message.empty()) return std::nullopt;
  switch (static_cast<wire::Icmpv6Type>(message[0])) {
    case wire::Icmpv6Type::kRouterSolicitation:
      return Kind::kRouterSolicitation;
    case wire::Icmpv6Type::kRouterAdvertisement:
      return Kind::kRouterAdvertisement;
    case wire::Icmpv6Type::kNeighborSolicitation:
      return Kind::kNeighborSolicitation;
    case wire::Icmpv6Type::kNeighborAdvertisement:
      return Kind::kNeighborAdvertisement;
    case wire::Icmpv6Type::kRedirect:
      return Kind::kRedirect;
    case wire::Icmpv6Type::kCertificationPathSolicitation:
      return Kind::kCertificationPathSolicitation;
    case wire::Icmpv6Type::kCertificationPathAdvertisement:
      return Kind::kCertificationPathAdvertisement;
    case wire::Icmpv6Type::kFastMobility:
      if (message.size() < 5) return short_kind;
      if (message[4] == wire::kSubtypeRtSolPr) return Kind::kRtSolPr;
      if (message[4] == wire::kSubtypePrRtAdv) return Kind::kPrRtAdv;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Reason> base_checks(const wire::PacketView& packet, Kind kind,
                                  bool arrived_as_fragment) {
  const bool may_be_fragmented = kind == Kind::kCertificationPathAdvertisement;
  if (packet.header.hop_limit != 255) return Reason::kHopLimit;
  if (packet.fragment || (arrived_as_fragment && !may_be_fragmented)) return Reason::kFragment;
  if (!wire::icmpv6_checksum_ok(packet.header.source, packet.header.destination, packet.upper))
    return Reason::kChecksum;
  const std::uint8_t highest_code = kind == Kind::kPrRtAdv ? wire::PrRtAdv::kDhcp : 0;
  if (packet.upper[1] > highest_code) return Reason::kCode;
  const auto offset = wire::options_offset(packet.upper);
  if (!offset) return Reason::kTruncated;
  const auto options = wire::OptionList::parse(packet.upper.subspan(*offset));
  if (!options) return Reason::kOptionStructure;
  if (!source_ok(kind, packet)) return Reason::kSource;
  return content(kind, packet, *options);
}

Ipv6Address claimed_address(const Ipv6Address& source, ByteView icmp) {
  if (source.is_unspecified())
    if (const auto solicitation = wire::NeighborSolicitation::parse(icmp))
      return solicitation->target;
  return source;
}

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::kRouterSolicitation:
      return "router-solicitation";
    case Kind::kRouterAdvertisement:
      return "router-advertisement";
    case Kind::kNeighborSolicitation:
      return "neighbor-solicitation";
    case Kind::kNeighborAdvertisement:
      return "neighbor-advertisement";
    case Kind::kRedirect:
      return "redirect";
    case Kind::kRtSolPr:
      return "rtsolpr";
    case Kind::kPrRtAdv:
      return "prrtadv";
    case Kind::kCertificationPathSolicitation:
      return "cps";
    case Kind::kCertificationPathAdvertisement:
      return "cpa";
    case Kind::kCount:
      break;
  }
  return "unknown";
}

std::string_view name(Reason reason) {
  switch (reason) {
    case Reason::kMalformedPacket:
      return "malformed-packet";
    case Reason::kSubtype:
      return "subtype";
    case Reason::kHopLimit:
      return "hop-limit";
    case Reason::kFragment:
      return "fragment";
    case Reason::kChecksum:
      return "checksum";
    case Reason::kCode:
      return "code";
    case Reason::kTruncated:
      return "truncated";
    case Reason::kOptionStructure:
      return "option-structure";
    case Reason::kSource:
      return "source";
    case Reason::kDestination:
      return "destination";
    case Reason::kTarget:
      return "target";
    case Reason::kOptionContent:
      return "option-content";
    case Reason::kFrameSource:
      return "frame-source";
    case Reason::kUnsecured:
      return "unsecured";
    case Reason::kNoTimestamp:
      return "no-timestamp";
    case Reason::kNoNonce:
      return "no-nonce";
    case Reason::kTwoKeys:
      return "two-keys";
    case Reason::kNoCga:
      return "no-cga";
    case Reason::kUnknownKey:
      return "unknown-key";
    case Reason::kSendOptions:
      return "send-options";
    case Reason::kKeyLimits:
      return "key-limits";
    case Reason::kRepeat:
      return "repeat";
    case Reason::kUnknownNonce:
      return "unknown-nonce";
    case Reason::kStale:
      return "stale";
    case Reason::kCga:
      return "cga";
    case Reason::kBudget:
      return "budget";
    case Reason::kQueueFull:
      return "queue-full";
    case Reason::kSignature:
      return "signature";
    case Reason::kPeerTable:
      return "peer-table";
    case Reason::kCrypto:
      return "crypto";
    case Reason::kSecured:
      return "secured";
    case Reason::kCount:
      break;
  }
  return "unknown";
}

// What the checks of one message gather before any of it is kept.
struct Receiver::Examination {
  Proof proof;
  Share share = Share::kStrangers;
  Bytes signed_octets;
  Bytes signature;
  std::optional<crypto::RsaPublicKey> key;
  std::optional<cga::ParametersView> parameters;
  ByteView spki;  // borrowed of the message or of who knows keys; copied once nothing is against it
};

// How long an exact copy passes the timestamp test: elapsed * (1 - drift) < 2 * fuzz (GS34). A
// window of 2 * fuzz alone would leave a gap in which a copy costs an RSA operation again.
static Duration duplicate_window(const TimestampConfig& config) {
  const std::int64_t rate_percent = 100 - std::int64_t{std::min(config.drift_percent, 99U)};
  return 2 * milliseconds(config.fuzz_ms) * 100 / rate_percent + milliseconds(1);
}

Receiver::Receiver(const ReceiverConfig& config, machine::Outbox& outbox)
    : config_(config),
      outbox_(outbox),
      timestamps_(config.timestamps),
      duplicates_(duplicate_window(config.timestamps), config.max_duplicates),
      nonces_(config.max_nonces),
      budget_(config.budget) {}

void Receiver::configure(const ReceiverConfig& config) {
  config_ = config;
  timestamps_.configure(config.timestamps);
  duplicates_.configure(duplicate_window(config.timestamps), config.max_duplicates);
  budget_.configure(config.budget);
}

std::optional<Judged> Receiver::receive(Now now, const machine::Received& received) {
  const auto packet = wire::PacketView::parse(received.packet);
  if (!packet) {
    counters_.add(Reason::kMalformedPacket);
    return std::nullopt;
  }
  if (packet->upper_protocol != wire::kProtocolIcmpv6) return std::nullopt;
  if (packet->fragment && packet->fragment->offset != 0) return std::nullopt;
  const auto kind = kind_of(packet->upper, takes(Kind::kRtSolPr) ? Kind::kRtSolPr : Kind::kPrRtAdv);
  if (!kind && !packet->upper.empty() &&
      packet->upper[0] == static_cast<std::uint8_t>(wire::Icmpv6Type::kFastMobility))
    counters_.add(Reason::kSubtype);
  if (!kind || !takes(*kind)) return std::nullopt;
  if (const auto reason = base_checks(*packet, *kind, received.arrived_as_fragment)) {
    counters_.add(*reason);
    return std::nullopt;
  }
  Message message;
  message.interface = received.interface;
  message.frame_source = received.frame_source;
  message.arrived = now;
  message.kind = *kind;
  message.packet = to_bytes(received.packet);
  message.source = packet->header.source;
  message.destination = packet->header.destination;
  const auto at = static_cast<std::size_t>(packet->upper.data() - received.packet.data());
  message.icmp = ByteView(message.packet).subspan(at, packet->upper.size());
  const auto options =
      wire::OptionList::parse(message.icmp.subspan(*wire::options_offset(message.icmp)));
  message.options = carries_send_options(*kind) ? options->before_signature() : *options;
  message.hold = received.hold;
  message.proven = received.proven;
  if (config_.compare_frame_source && names_another_frame(*kind, *options, received.frame_source)) {
    counters_.add(Reason::kFrameSource);
    return std::nullopt;
  }
  if (!carries_send_options(*kind))
    return Judged{Verdict::kUnsecured, Reason::kUnsecured, std::move(message), std::nullopt};
  return send_checks(now, std::move(message));
}

std::optional<Judged> Receiver::fail_with(Reason reason, Message message) {
  counters_.add(reason);
  // RFC 5269 3.2 wants an answer without key to a request that cannot be validated; what RFC 3971
  // discards whole stays discarded (GF1, GS30), and a shed message buys no work.
  switch (reason) {
    case Reason::kUnsecured:
      break;
    case Reason::kUnknownKey:
      if (message.kind != Kind::kRouterAdvertisement) return std::nullopt;
      return Judged{Verdict::kUnknownKey, reason, std::move(message), std::nullopt};
    case Reason::kNoCga:
    case Reason::kSendOptions:
    case Reason::kKeyLimits:
    case Reason::kStale:
    case Reason::kCga:
    case Reason::kSignature:
      if (message.kind == Kind::kRtSolPr) break;
      return std::nullopt;
    default:
      return std::nullopt;
  }
  return Judged{Verdict::kUnsecured, reason, std::move(message), std::nullopt};
}

// The SEND options of a signed message: there, once, well-formed, of an acceptable key.
std::optional<Reason> Receiver::read_options(const Message& message,
                                             const wire::RawOption& signature_option,
                                             Examination& examined) const {
  const auto timestamp_option = message.options.first(OptionType::kTimestamp);
  const auto nonce_option = message.options.first(OptionType::kNonce);
  const auto cga_option = message.options.first(OptionType::kCga);
  if (!timestamp_option) return Reason::kNoTimestamp;
  if (!nonce_option && is_solicitation(message.kind)) return Reason::kNoNonce;
  if (!cga_option &&
      (known_keys_ == nullptr || !config_.methods.certificate_suffices(message.kind)))
    return Reason::kNoCga;
  if (message.options.count(OptionType::kCga) > 1 ||
      message.options.count(OptionType::kTimestamp) > 1 ||
      message.options.count(OptionType::kNonce) > 1)
    return Reason::kSendOptions;

  const auto timestamp = wire::TimestampOption::parse(timestamp_option->octets);
  const auto signature = wire::RsaSignatureOption::parse(signature_option.octets);
  if (!timestamp || !signature) return Reason::kSendOptions;
  examined.proof.timestamp = timestamp->value;
  if (nonce_option) {
    const auto nonce = wire::NonceOption::parse(nonce_option->octets);
    if (!nonce) return Reason::kSendOptions;
    examined.proof.nonce = to_bytes(nonce->nonce);
  }
  if (cga_option) {
    const auto cga = wire::CgaOption::parse(cga_option->octets);
    if (!cga) return Reason::kSendOptions;
    const auto parameters = cga::ParametersView::parse(cga->parameters);
    if (!parameters) return Reason::kSendOptions;
    examined.proof.cga_parameters = cga->parameters;
    examined.parameters = *parameters;
  }
  return read_key(message, *signature, examined);
}

// The key is that of the CGA option; else one that a certificate names.
std::optional<Reason> Receiver::read_key(const Message& message,
                                         const wire::RsaSignatureOption& signature,
                                         Examination& examined) const {
  const ByteView spki = examined.parameters
                            ? examined.parameters->public_key
                            : known_keys_->key_of(signature.key_hash, message.arrived.utc);
  if (spki.empty()) return Reason::kUnknownKey;
  auto key = crypto::RsaPublicKey::parse(spki, config_.key_limits);
  if (!key) return Reason::kKeyLimits;
  examined.proof.key_hash = crypto::key_hash(spki);
  if (examined.proof.key_hash != signature.key_hash) return Reason::kTwoKeys;
  if (signature.content.size() < key->modulus_size()) return Reason::kSignature;
  examined.signature = to_bytes(signature.content.first(key->modulus_size()));
  examined.spki = spki;
  examined.key = std::move(*key);
  return std::nullopt;
}

// What is sure to fail by what the message says of itself, before its key is looked at: an answer
// to nothing that we asked, a stale message of a peer, and, under a flood of strangers, one more of
// them.
std::optional<Reason> Receiver::hopeless(Now now, const Message& message,
                                         const wire::RawOption& signature_option) const {
  const auto signature = wire::RsaSignatureOption::parse(signature_option.octets);
  const auto timestamp_option = message.options.first(OptionType::kTimestamp);
  const auto nonce_option = message.options.first(OptionType::kNonce);
  if (!signature || !timestamp_option || message.options.count(OptionType::kTimestamp) > 1 ||
      message.options.count(OptionType::kNonce) > 1)
    return std::nullopt;
  const auto timestamp = wire::TimestampOption::parse(timestamp_option->octets);
  const auto nonce =
      nonce_option ? wire::NonceOption::parse(nonce_option->octets) : wire::NonceOption{};
  if (!timestamp || !nonce) return std::nullopt;
  if (nonce_option && solicitation_of(message.kind)) {
    if (nonces_.sent(*question_of(message), nonce->nonce, now.boot)) return std::nullopt;
    if (!message.destination.is_multicast()) return Reason::kUnknownNonce;
  }
  const Peer peer{message.interface, claimed_address(message.source, message.icmp),
                  signature->key_hash};
  if (!timestamps_.known(peer))
    return budget_.spent(message.interface, message.frame_source, share_of(message, false),
                         now.boot)
               ? std::optional(Reason::kBudget)
               : std::nullopt;
  // Of an RtSolPr it matters what else is wrong (GS30).
  const bool stale =
      message.kind != Kind::kRtSolPr && !timestamps_.fresh(peer, timestamp->value, message.arrived);
  return stale ? std::optional(Reason::kStale) : std::nullopt;
}

// Nonce or timestamp, CGA, budget: what is left before an RSA operation is spent.
std::optional<Reason> Receiver::judge(Now now, const Message& message, Examination& examined) {
  Proof& proof = examined.proof;
  const Ipv6Address claimed = claimed_address(message.source, message.icmp);
  const Peer peer{message.interface, claimed, proof.key_hash};
  if (solicitation_of(message.kind) && proof.nonce) {
    proof.solicited = nonces_.sent(*question_of(message), *proof.nonce, now.boot);
    // To a multicast destination it may be another node's nonce: judged as unsolicited (GS3).
    if (!proof.solicited && !message.destination.is_multicast()) return Reason::kUnknownNonce;
  }
  if (!proof.solicited && !timestamps_.fresh(peer, proof.timestamp, message.arrived)) {
    if (!may_answer(message, peer)) return Reason::kStale;
    proof.out_of_window = true;
  }
  if (examined.parameters && !config_.without_cga.contains(message.interface)) {
    if (!cga::verify(claimed, *examined.parameters)) return Reason::kCga;
    proof.cga = true;
    proof.sec = cga::sec_of(claimed);
  }
  examined.share = proof.solicited ? Share::kAsked : share_of(message, timestamps_.known(peer));
  if (!budget_.take(message.interface, message.frame_source, examined.share, now.boot))
    return Reason::kBudget;
  if (!room_for(message, examined.share)) return Reason::kQueueFull;
  proof.spki = to_bytes(examined.spki);
  return std::nullopt;
}

std::optional<Judged> Receiver::send_checks(Now now, Message message) {
  const std::size_t fixed = *wire::options_offset(message.icmp);
  const auto all = wire::OptionList::parse(message.icmp.subspan(fixed));
  const auto signature_option = all->first(OptionType::kRsaSignature);
  if (!signature_option) return fail_with(Reason::kUnsecured, std::move(message));

  Examination examined;
  examined.signed_octets = wire::signature_input(message.source, message.destination, message.icmp,
                                                 fixed + signature_option->offset);
  examined.proof.digest = crypto::sha256(examined.signed_octets);
  if (duplicates_.seen(examined.proof.digest, now.boot)) {
    counters_.add(Reason::kRepeat);
    return Judged{Verdict::kRepeat, Reason::kRepeat, std::move(message), std::move(examined.proof)};
  }
  if (const auto reason = hopeless(now, message, *signature_option))
    return fail_with(*reason, std::move(message));
  if (const auto reason = read_options(message, *signature_option, examined))
    return fail_with(*reason, std::move(message));
  if (const auto reason = judge(now, message, examined))
    return fail_with(*reason, std::move(message));
  const machine::JobId job = outbox_.start(
      machine::VerifySignature{std::move(*examined.key), std::move(examined.signed_octets),
                               std::move(examined.signature)},
      examined.proof.solicited ? machine::JobClass::kSolicited : machine::JobClass::kUnsolicited);
  pending_.emplace(job, Pending{std::move(message), std::move(examined.proof), examined.share});
  return std::nullopt;
}

bool Receiver::may_answer(const Message& message, const Peer& peer) const {
  return answers_out_of_window_ && message.kind == Kind::kNeighborSolicitation &&
         !message.source.is_unspecified() && !timestamps_.known(peer);
}

// Of what answers nothing that we asked.
Share Receiver::share_of(const Message& message, bool known) {
  if (message.proven) return Share::kProven;
  return known ? Share::kKnown : Share::kStrangers;
}

bool Receiver::room_for(const Message& message, Share share) const {
  std::size_t alike = 0;
  std::size_t of_source = 0;
  for (const auto& [job, pending] : pending_) {
    if (pending.share != share) continue;
    ++alike;
    if (pending.message.interface == message.interface &&
        pending.message.frame_source == message.frame_source)
      ++of_source;
  }
  if (alike >= config_.max_pending) return false;
  return share == Share::kProven || share == Share::kAsked ||
         of_source < config_.max_pending_per_source;
}

std::optional<Judged> Receiver::complete(Now now, const machine::JobResult& result) {
  auto found = pending_.extract(result.job_id);
  if (found.empty()) return std::nullopt;
  Message message = std::move(found.mapped().message);
  Proof proof = std::move(found.mapped().proof);
  const auto* verified =
      result.output ? std::get_if<machine::SignatureVerified>(&*result.output) : nullptr;
  if (verified == nullptr) return fail_with(Reason::kCrypto, std::move(message));
  if (!verified->valid) {
    budget_.wasted(message.interface, message.frame_source, now.boot);
    return fail_with(Reason::kSignature, std::move(message));
  }

  const Peer peer{message.interface, claimed_address(message.source, message.icmp), proof.key_hash};
  if (proof.solicited) {
    if (!nonces_.sent(*question_of(message), *proof.nonce, now.boot))
      return fail_with(Reason::kUnknownNonce, std::move(message));
  } else if (!proof.out_of_window && !timestamps_.fresh(peer, proof.timestamp, message.arrived)) {
    return fail_with(Reason::kStale, std::move(message));
  }
  // A copy that was verified at the same time came first.
  if (duplicates_.seen(proof.digest, now.boot)) {
    counters_.add(Reason::kRepeat);
    return Judged{Verdict::kRepeat, Reason::kRepeat, std::move(message), std::move(proof)};
  }
  duplicates_.remember(proof.digest, now.boot);
  if (proof.out_of_window) {
    counters_.add(Reason::kStale);
    return Judged{Verdict::kOutOfWindow, Reason::kStale, std::move(message), std::move(proof)};
  }
  counters_.add(Reason::kSecured);
  return Judged{Verdict::kSecured, Reason::kSecured, std::move(message), std::move(proof)};
}

void Receiver::clock_stepped(const machine::ClockStepped& step) {
  const Duration size = step.by < Duration{} ? -step.by : step.by;
  if (size <= seconds(config_.timestamps.delta_s)) return;
  outbox_.report(
      machine::EventKind::kWarning,
      {{"text", "the clock was set " + std::to_string(size / seconds(1)) +
                    (step.by < Duration{} ? " s back" : " s forwards") +
                    ": if it is wrong now, no stranger's SEND message is fresh here, and none of "
                    "ours is to a stranger; peers that are known stay so"}});
}

bool Receiver::accept(const Judged& judged) {
  invariant(judged.verdict == Verdict::kSecured && judged.proof.has_value());
  const Peer peer{judged.message.interface,
                  claimed_address(judged.message.source, judged.message.icmp),
                  judged.proof->key_hash};
  if (timestamps_.accept(peer, judged.proof->timestamp, judged.message.arrived, judged.proof->sec))
    return true;
  counters_.add(Reason::kPeerTable);
  return false;
}

std::vector<machine::HoldId> Receiver::drop_pending(InterfaceId interface) {
  std::vector<machine::HoldId> held;
  std::erase_if(pending_, [&](const auto& entry) {
    const Message& message = entry.second.message;
    if (message.interface != interface) return false;
    outbox_.push(machine::Cancel{entry.first});
    if (message.hold) held.push_back(*message.hold);
    return true;
  });
  return held;
}

bool Receiver::holds(machine::HoldId hold) const {
  return std::ranges::any_of(pending_,
                             [&](const auto& entry) { return entry.second.message.hold == hold; });
}

std::optional<machine::HoldId> Receiver::hold_of(machine::JobId job) const {
  const auto found = pending_.find(job);
  return found == pending_.end() ? std::nullopt : found->second.message.hold;
}

}  // namespace sendoff::send
