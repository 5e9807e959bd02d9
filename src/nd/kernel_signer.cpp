#include "nd/kernel_signer.h"

#include <utility>

#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::nd {

namespace {

using machine::Verdict;
using wire::Icmpv6Type;
using wire::OptionType;

constexpr Duration kNonceMemory = seconds(15);  // GS8
// The kernel answers at once, a proxy after PROXY_DELAY at most.
constexpr Duration kQuestionLife = seconds(3);
constexpr std::size_t kMaxQuestions = 256;
constexpr std::size_t kMaxWarnings = 64;
constexpr std::uint32_t kMinimumMtu = 1280;

std::optional<send::Kind> solicitation_kind(Icmpv6Type type) {
  if (type == Icmpv6Type::kNeighborSolicitation) return send::Kind::kNeighborSolicitation;
  if (type == Icmpv6Type::kRouterSolicitation) return send::Kind::kRouterSolicitation;
  return std::nullopt;
}

bool is_send_option(OptionType type) {
  return type == OptionType::kCga || type == OptionType::kRsaSignature ||
         type == OptionType::kTimestamp || type == OptionType::kNonce;
}

// Whom a signature is made for: what a budget of signatures is kept by.
LinkAddress budget_key(const Ipv6Address& destination) {
  constexpr std::size_t kIdentifierSize = 8;
  return *LinkAddress::from(destination.view().last(kIdentifierSize));
}

}  // namespace

std::optional<KernelSigner::Outgoing> KernelSigner::read(const machine::Received& received,
                                                         const wire::PacketView& packet) {
  if (packet.upper_protocol != wire::kProtocolIcmpv6 || packet.fragment) return std::nullopt;
  const auto fixed = wire::options_offset(packet.upper);
  if (!fixed) return std::nullopt;
  const auto options = wire::OptionList::parse(packet.upper.subspan(*fixed));
  if (!options) return std::nullopt;
  return Outgoing{*received.hold,
                  received.interface,
                  packet.header.source,
                  packet.header.destination,
                  packet.upper,
                  *fixed,
                  *options};
}

void KernelSigner::handle(Now now, const machine::Received& received) {
  const auto packet = wire::PacketView::parse(received.packet);
  const auto outgoing = packet ? read(received, *packet) : std::nullopt;
  if (!outgoing || !around_.links.contains(received.interface))
    return drop(*received.hold, GuardCounter::kOutMalformed);
  const GuardMode mode = around_.links.at(received.interface).config.mode;
  if (mode == GuardMode::kOff || outgoing->options.first(OptionType::kRsaSignature)) {
    if (mode != GuardMode::kOff) around_.counters.add(GuardCounter::kSignedAlready);
    around_.outbox.push(Verdict{outgoing->hold, Verdict::Kind::kPass, {}});
    return;
  }
  if (outgoing->type() == Icmpv6Type::kRouterSolicitation && outgoing->source.is_unspecified())
    return solicit_from_unspecified(now, *outgoing);
  const OwnAddresses::Own* own = around_.own.find(
      outgoing->interface, send::claimed_address(outgoing->source, outgoing->icmp));
  const auto advertisement = wire::NeighborAdvertisement::parse(outgoing->icmp);
  // An answer for another address proves nothing about that one: nobody would take it (GS16).
  if (own == nullptr || (advertisement && advertisement->target != outgoing->source))
    return not_ours(*outgoing);
  secure(now, *outgoing, *own);
}

void KernelSigner::not_ours(const Outgoing& outgoing) {
  warn_of(outgoing);
  if (around_.links.at(outgoing.interface).config.mode == GuardMode::kSecuredOnly)
    return drop(outgoing.hold, GuardCounter::kNotOurRefused);
  around_.counters.add(GuardCounter::kNotOurAddress);
  around_.outbox.push(Verdict{outgoing.hold, Verdict::Kind::kPass, {}});
}

// RFC 3971 7.1: such addresses are the operator's affair, who should know that SEND does not
// protect them.
void KernelSigner::warn_of(const Outgoing& outgoing) {
  const auto advertisement = wire::NeighborAdvertisement::parse(outgoing.icmp);
  const Ipv6Address address =
      advertisement ? advertisement->target : send::claimed_address(outgoing.source, outgoing.icmp);
  if (warned_of_.size() >= kMaxWarnings || !warned_of_.emplace(outgoing.interface, address).second)
    return;
  around_.outbox.report(
      machine::EventKind::kWarning,
      {{"text", address.text() + " on " + around_.links.at(outgoing.interface).config.name +
                    " is no address of the guard's, and not protected"}});
}

void KernelSigner::solicit_from_unspecified(Now now, const Outgoing& outgoing) {
  std::optional<Bytes> nonce;
  if (!choose_nonce(now, outgoing, nonce)) return drop(outgoing.hold, GuardCounter::kSignFailed);
  around_.counters.add(GuardCounter::kFromUnspecified);
  around_.outbox.push(
      Verdict{outgoing.hold, Verdict::Kind::kReplace,
              send::solicitation_from_unspecified(to_bytes(outgoing.icmp.first(outgoing.fixed)),
                                                  *nonce, around_.stamps.next(now))});
}

void KernelSigner::secure(Now now, const Outgoing& outgoing, const OwnAddresses::Own& own) {
  const auto asks = wire::NeighborSolicitation::parse(outgoing.icmp);
  const Will will = asks || outgoing.destination.is_multicast() ? Will::kOurs : Will::kTheirs;
  if (const auto why =
          bound(now, outgoing.interface, asks ? asks->target : outgoing.destination, will))
    return drop(outgoing.hold, *why);
  send::Unsigned message = message_from(outgoing.interface, own, destination_of(outgoing));
  message.source = outgoing.source;
  if (!choose_nonce(now, outgoing, message.nonce))
    return drop(outgoing.hold, GuardCounter::kSignFailed);
  // Options of the kernel's own that SEND has its own of: its Nonce of RFC 7527.
  std::optional<wire::RedirectedHeader> redirected;
  message.message = to_bytes(outgoing.icmp.first(outgoing.fixed));
  for (const wire::RawOption& option : outgoing.options) {
    if (is_send_option(option.type)) continue;
    if (const auto header = wire::RedirectedHeader::parse(option.octets))
      redirected = *header;
    else
      message.message.insert(message.message.end(), option.octets.begin(), option.octets.end());
  }
  const auto& key = around_.config.identity.key;
  if (redirected) {
    // RFC 4861 4.6.3: as much of the packet as the minimum MTU leaves.
    const std::size_t taken = send::packet_size(message, *key) + wire::RedirectedHeader{}.size();
    const std::size_t room = taken < kMinimumMtu ? (kMinimumMtu - taken) / 8 * 8 : 0;
    redirected->packet =
        redirected->packet.first(std::min(room, redirected->packet.size() / 8 * 8));
    if (!redirected->packet.empty()) append(message.message, *redirected);
  }
  const Signing signing{outgoing.hold, outgoing.interface, message.source, message.destination, {},
                        will};
  if (const auto why = start(now, std::move(message), signing)) drop(outgoing.hold, *why);
}

send::Unsigned KernelSigner::message_from(InterfaceId interface, const OwnAddresses::Own& own,
                                          const Ipv6Address& destination) const {
  send::Unsigned message;
  message.source = own.address;
  message.destination = destination;
  message.parameters = around_.config.identity.parameters(own.prefix, own.collision_count);
  message.cga_option = around_.links.at(interface).config.cga;
  return message;
}

std::optional<GuardCounter> KernelSigner::bound(Now now, InterfaceId interface,
                                                const Ipv6Address& neighbour, Will will) {
  const bool proven = around_.proven.contains({interface, neighbour});
  // The last places are not for strangers, and a half of all is not for what they ask.
  const std::size_t places = around_.config.max_signing;
  if (signing_.size() >= (proven ? places : places - places / 4)) return GuardCounter::kSignQueue;
  if (!proven && will == Will::kTheirs) {
    const auto theirs = std::ranges::count_if(
        signing_, [](const auto& entry) { return entry.second.will == Will::kTheirs; });
    if (static_cast<std::size_t>(theirs) >= places - places / 2) return GuardCounter::kSignQueue;
  }
  const auto share = proven ? send::Share::kKnown : send::Share::kStrangers;
  send::Budget& budget = will == Will::kOurs ? questions_budget_ : answers_budget_;
  if (!budget.take(interface, budget_key(neighbour), share, now.boot))
    return GuardCounter::kSignBudget;
  return std::nullopt;
}

std::optional<GuardCounter> KernelSigner::start(Now now, send::Unsigned message,
                                                const Signing& signing) {
  auto job = send::sign(std::move(message), around_.config.identity.key, around_.stamps.next(now),
                        around_.links.at(signing.interface).mtu);
  if (!job)
    return job.error() == send::SendError::kTooBig ? GuardCounter::kTooBig
                                                   : GuardCounter::kSignFailed;
  signing_.emplace(around_.outbox.start(std::move(*job), machine::JobClass::kSign), signing);
  return std::nullopt;
}

bool KernelSigner::answer(Now now, const send::Judged& solicitation, const OwnAddresses::Own& own,
                          bool router) {
  const send::Message& asked = solicitation.message;
  const auto refused = [&](std::optional<GuardCounter> why) {
    if (why) around_.counters.add(*why);
    return why.has_value();
  };
  if (refused(bound(now, asked.interface, asked.source, Will::kTheirs))) return false;
  send::Unsigned message = message_from(asked.interface, own, asked.source);
  message.nonce = solicitation.proof->nonce;
  append(message.message,
         wire::NeighborAdvertisement{
             .router = router, .solicited = true, .override_flag = true, .target = own.address});
  append(message.message, wire::LinkAddressOption{OptionType::kTargetLinkAddress,
                                                  around_.links.at(asked.interface).address});
  const Signing signing{std::nullopt,        asked.interface,    message.source,
                        message.destination, asked.frame_source, Will::kTheirs};
  return !refused(start(now, std::move(message), signing));
}

void KernelSigner::solicit_routers(Now now, InterfaceId interface, bool from_unspecified) {
  const auto address = around_.own.link_local(interface);
  const OwnAddresses::Own* own = address ? around_.own.find(interface, *address) : nullptr;
  if (own == nullptr && !from_unspecified) return;
  if (const auto why = bound(now, interface, kAllRouters, Will::kOurs))
    return around_.counters.add(*why);
  auto nonce = draw_nonce(now, {interface, send::Kind::kRouterSolicitation, {}});
  if (!nonce) return around_.counters.add(GuardCounter::kSignFailed);
  Bytes head;
  append(head, wire::RouterSolicitation{});
  around_.counters.add(GuardCounter::kRouterSought);
  if (from_unspecified) {
    around_.outbox.push(machine::Transmit{
        interface, std::nullopt,
        send::solicitation_from_unspecified(std::move(head), *nonce, around_.stamps.next(now))});
    return;
  }
  send::Unsigned message = message_from(interface, *own, kAllRouters);
  message.message = std::move(head);
  append(message.message, wire::LinkAddressOption{OptionType::kSourceLinkAddress,
                                                  around_.links.at(interface).address});
  message.nonce = std::move(nonce);
  const Signing signing{std::nullopt, interface, message.source, message.destination, std::nullopt};
  if (const auto why = start(now, std::move(message), signing)) around_.counters.add(*why);
}

// RFC 3971 8: a neighbour that is not known by a secured message is asked by its group, so that
// whoever else claims the address hears it.
Ipv6Address KernelSigner::destination_of(const Outgoing& outgoing) const {
  const auto solicitation = wire::NeighborSolicitation::parse(outgoing.icmp);
  if (!solicitation || outgoing.destination.is_multicast() ||
      around_.neighbours.contains({outgoing.interface, solicitation->target}))
    return outgoing.destination;
  return solicitation->target.solicited_node();
}

bool KernelSigner::choose_nonce(Now now, const Outgoing& outgoing, std::optional<Bytes>& nonce) {
  const auto kind = solicitation_kind(outgoing.type());
  if (!kind) {
    nonce = take_question(now, outgoing);
    return true;
  }
  send::Question question{outgoing.interface, *kind, {}};
  if (const auto asks = wire::NeighborSolicitation::parse(outgoing.icmp))
    question.target = asks->target;
  nonce = draw_nonce(now, question);
  return nonce.has_value();
}

std::optional<Bytes> KernelSigner::draw_nonce(Now now, const send::Question& question) {
  Bytes nonce = send::draw_nonce(around_.random);
  if (nonce.empty()) return std::nullopt;
  around_.nonces.remember(question, nonce, now.boot + kNonceMemory);
  return nonce;
}

// A unicast answer is for who asked. A multicast one has no Nonce: an RA may answer several (GS3),
// and an NA defends an address of ours, which nobody else can ask for by a secured message.
std::optional<Bytes> KernelSigner::take_question(Now now, const Outgoing& outgoing) {
  const auto advertisement = wire::NeighborAdvertisement::parse(outgoing.icmp);
  if (outgoing.destination.is_multicast() ||
      (!advertisement && outgoing.type() != Icmpv6Type::kRouterAdvertisement))
    return std::nullopt;
  const auto kind =
      advertisement ? send::Kind::kNeighborSolicitation : send::Kind::kRouterSolicitation;
  const Ipv6Address target = advertisement ? advertisement->target : Ipv6Address{};
  std::erase_if(questions_, [&](const Question& each) { return each.until <= now.boot; });
  const auto question = std::ranges::find_if(questions_, [&](const Question& each) {
    return each.interface == outgoing.interface && each.kind == kind &&
           each.from == outgoing.destination && each.target == target;
  });
  if (question == questions_.end()) return std::nullopt;
  Bytes nonce = std::move(question->nonce);
  questions_.erase(question);
  return nonce;
}

void KernelSigner::asked(Now now, const send::Judged& solicitation) {
  const send::Message& message = solicitation.message;
  if (!solicitation.proof || !solicitation.proof->nonce) return;
  const auto neighbour = wire::NeighborSolicitation::parse(message.icmp);
  if (questions_.size() >= kMaxQuestions) questions_.pop_front();
  questions_.push_back({message.interface, message.kind, message.source,
                        neighbour ? neighbour->target : Ipv6Address{}, *solicitation.proof->nonce,
                        now.boot + kQuestionLife});
}

void KernelSigner::complete(const machine::JobResult& result) {
  const auto job = signing_.extract(result.job_id);
  if (job.empty()) return;
  const Signing& signing = job.mapped();
  const auto* made = result.output ? std::get_if<machine::MessageSigned>(&*result.output) : nullptr;
  if (made == nullptr) return drop(signing.hold, GuardCounter::kSignFailed);
  around_.counters.add(GuardCounter::kSigned);
  Bytes packet = wire::icmpv6_packet(signing.source, signing.destination, made->message);
  if (signing.hold)
    around_.outbox.push(Verdict{*signing.hold, Verdict::Kind::kReplace, std::move(packet)});
  else
    around_.outbox.push(
        machine::Transmit{signing.interface, signing.link_destination, std::move(packet)});
}

void KernelSigner::drop(InterfaceId interface) {
  std::erase_if(signing_, [&](const auto& entry) {
    if (entry.second.interface != interface) return false;
    around_.outbox.push(machine::Cancel{entry.first});
    drop(entry.second.hold, GuardCounter::kSignFailed);
    return true;
  });
  std::erase_if(questions_, [&](const Question& each) { return each.interface == interface; });
}

void KernelSigner::drop(std::optional<machine::HoldId> hold, GuardCounter why) {
  around_.counters.add(why);
  if (hold) around_.outbox.push(Verdict{*hold, Verdict::Kind::kDrop, {}});
}

}  // namespace sendoff::nd
