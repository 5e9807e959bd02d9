#include "esp/associations.h"

#include <algorithm>

#include "wire/mobility.h"

namespace sendoff::esp {

namespace {

// The first number of a burst is stored at once and what follows it in one write. A kill leaves
// what was accepted within this time, and while the write took, to be replayed; E3 allows a second.
constexpr Duration kFloorInterval = milliseconds(10);

SequenceName name_of(const Outbound& outbound) {
  return {Direction::kOutbound, outbound.spi, fingerprint(*outbound.key)};
}
SequenceName name_of(const Inbound& inbound) {
  return {Direction::kInbound, inbound.spi, fingerprint(*inbound.key)};
}
SequenceRecord record_of(const SequenceName& name, std::uint32_t value) {
  return {name.direction, name.spi, name.key, value};
}

Count count_of(SealError why) {
  switch (why) {
    case SealError::kNoAssociation:
      return Count::kNoOutbound;
    case SealError::kTooLarge:
      return Count::kTooLarge;
    case SealError::kExhausted:
      return Count::kOverflow;
    case SealError::kNotReserved:
      break;
  }
  return Count::kNotReserved;
}

Count count_of(Drop why) {
  const auto first = std::to_underlying(Count::kForeign);
  return static_cast<Count>(first + std::to_underlying(why));
}
static_assert(std::to_underlying(Count::kChecksum) - std::to_underlying(Count::kForeign) ==
              std::to_underlying(Drop::kChecksum));

// RFC 4303 4 names what is auditable.
std::optional<AuditEvent> audited_as(Drop why) {
  switch (why) {
    case Drop::kFragment:
      return AuditEvent::kFragment;
    case Drop::kNoAssociation:
      return AuditEvent::kNoAssociation;
    case Drop::kReplay:
      return AuditEvent::kReplay;
    case Drop::kIntegrity:
      return AuditEvent::kIntegrity;
    default:
      return std::nullopt;
  }
}

bool is_partial(const wire::PacketView& packet) {
  return packet.fragment && !packet.fragment->atomic();
}

}  // namespace

void Associations::restore(const SequenceRecord& record) {
  if (record.direction == Direction::kOutbound)
    outbound_.insert_or_assign(esp::name_of(record), OutboundNumbers(record.value));
  else
    inbound_.insert_or_assign(esp::name_of(record), InboundState(record.value));
}

void Associations::configure(Now now, Config config) {
  config_ = std::move(config);
  audit_.enable(config_.audit);
  by_peer_.clear();
  by_spi_.clear();
  for (const Pair& pair : config_.pairs) {
    auto& numbers = *outbound_.try_emplace(name_of(pair.outbound), 0).first;
    by_peer_.emplace(pair.peer, PeerEntry{&pair, &numbers});
    for (const Inbound& inbound : pair.inbound) {
      auto& state = *inbound_.try_emplace(name_of(inbound), 0).first;
      by_spi_.emplace(inbound.spi, SpiEntry{&pair, &inbound, &state});
    }
    reserve(now, numbers);
  }
}

bool Associations::is_neighbour(const Ipv6Address& address) const {
  return protects(address) || std::ranges::find(config_.others, address) != config_.others.end();
}

Refusal Associations::refuse(Now now, const Pair& pair, SealError why) {
  counters_.add(count_of(why));
  if (why == SealError::kExhausted)
    audit_.add(now, {AuditEvent::kOverflow, now.utc, pair.local, pair.peer, 0, pair.outbound.spi,
                     kLastSequence});
  return {why, 0, 0};
}

Result<Bytes, Refusal> Associations::seal(Now now, const Ipv6Address& peer,
                                          ByteView mobility_header, std::size_t mtu) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) {
    counters_.add(Count::kNoOutbound);
    return fail(Refusal{SealError::kNoAssociation, 0, mtu});
  }
  const auto& [pair, numbers] = found->second;
  Envelope envelope{.spi = pair->outbound.spi, .sequence = 0, .payload = mobility_header};
  const std::size_t size = wire::Ipv6Header::kSize + envelope.size();
  if (size > mtu) {
    counters_.add(Count::kTooLarge);
    return fail(Refusal{SealError::kTooLarge, size, mtu});
  }
  const auto number = numbers->second.take();
  reserve(now, *numbers);
  if (!number) {
    const bool exhausted = numbers->second.exhausted();
    return fail(refuse(now, *pair, exhausted ? SealError::kExhausted : SealError::kNotReserved));
  }
  if (numbers->second.just_ran_low()) wishes_.push_back(SequenceWarning{peer, pair->outbound.spi});
  envelope.sequence = *number;

  wire::Ipv6Header header;
  header.payload_length = static_cast<std::uint16_t>(envelope.size());
  header.next_header = wire::kProtocolEsp;
  header.source = pair->local;
  header.destination = pair->peer;
  Bytes packet(size);
  Writer out(packet);
  header.emit(out);
  envelope.emit(ByteSpan(packet).subspan(wire::Ipv6Header::kSize), *pair->outbound.key);
  counters_.add(Count::kSealed);
  return packet;
}

Result<Associations::Opened, Drop> Associations::open(Now now, const wire::PacketView& packet) {
  auto opened = judge(now, packet);
  if (opened) {
    counters_.add(Count::kOpened);
  } else {
    counters_.add(count_of(opened.error()));
    audit(now, opened.error(), packet);
  }
  return opened;
}

Result<Associations::Opened, Drop> Associations::judge(Now now, const wire::PacketView& packet) {
  const bool neighbour = is_neighbour(packet.header.source);
  if (is_partial(packet)) return fail(neighbour ? Drop::kFragment : Drop::kForeign);
  const auto header = Header::parse(packet.upper);
  if (!header) return fail(Drop::kMalformed);
  const auto found = by_spi_.find(header->spi);
  if (found == by_spi_.end()) return fail(neighbour ? Drop::kNoAssociation : Drop::kForeign);
  const auto& [pair, inbound, state] = found->second;
  // A Home Address option or a routing header would name other addresses than these two.
  const bool same_addresses = packet.header.source == pair->peer &&
                              packet.header.destination == pair->local && !packet.home_address &&
                              !packet.routing;
  if (!same_addresses) return fail(Drop::kSelector);
  if (inbound->anti_replay && !state->second.window.fresh(header->sequence))
    return fail(Drop::kReplay);
  counters_.add(Count::kMacs);
  if (!icv_holds(packet.upper, *inbound->key)) return fail(Drop::kIntegrity);
  accepted(now, *state, header->sequence);
  return judge_content(packet);
}

Result<Associations::Opened, Drop> Associations::judge_content(
    const wire::PacketView& packet) const {
  const auto content = Content::parse(packet.upper);
  if (!content) return fail(Drop::kMalformed);
  if (content->next_header == wire::kProtocolNoNext) return fail(Drop::kDummy);
  if (content->next_header != wire::kProtocolMobility) return fail(Drop::kSelector);
  constexpr std::size_t kTypeOffset = 2;
  if (content->payload.size() <= kTypeOffset) return fail(Drop::kMalformed);
  const auto type = static_cast<wire::MobilityType>(content->payload[kTypeOffset]);
  if (type != wire::MobilityType::kHandoverInitiate &&
      type != wire::MobilityType::kHandoverAcknowledge)
    return fail(Drop::kSelector);
  const auto mobility = wire::MobilityHeader::parse(content->payload);
  if (!mobility) return fail(Drop::kMalformed);
  // What follows it is traffic flow confidentiality padding (RFC 4303 2.7).
  const ByteView whole = content->payload.first(mobility->octets());
  const wire::Ipv6Header& ip = packet.header;
  if (!wire::mobility_checksum_ok(ip.source, ip.destination, whole)) return fail(Drop::kChecksum);
  return Opened{ip.source, ip.destination, whole};
}

void Associations::audit(Now now, Drop why, const wire::PacketView& packet) {
  const auto event = audited_as(why);
  if (!event) return;
  AuditEntry entry;
  entry.event = *event;
  entry.time = now.utc;
  entry.source = packet.header.source;
  entry.destination = packet.header.destination;
  entry.flow_label = packet.header.flow_label;
  if (!packet.fragment || packet.fragment->offset == 0) {
    Reader in(packet.upper);
    entry.spi = in.u32();
    entry.sequence = in.u32();
  }
  audit_.add(now, entry);
}

void Associations::accepted(Now now, InboundEntry& entry, std::uint32_t sequence) {
  InboundState& state = entry.second;
  state.window.accept(sequence);
  if (state.store_due == kNever && state.window.highest() > state.floor.stored())
    state.store_due = std::max(now.boot, state.next_store);
  if (state.store_due <= now.boot && state.floor.may_ask(now.boot)) store_floor(now, entry);
}

void Associations::reserve(Now now, OutboundEntry& entry) {
  const auto wanted = entry.second.wanted(now.boot);
  if (!wanted) return;
  entry.second.ceiling().ask(*wanted);
  wishes_.push_back(Store{record_of(entry.first, *wanted)});
}

void Associations::store_floor(Now now, InboundEntry& entry) {
  InboundState& state = entry.second;
  state.store_due = kNever;
  state.next_store = now.boot + kFloorInterval;
  state.floor.ask(state.window.highest());
  wishes_.push_back(Store{record_of(entry.first, state.window.highest())});
}

void Associations::stored(Now now, const SequenceName& name, bool kept) {
  if (const auto found = outbound_.find(name); found != outbound_.end())
    found->second.ceiling().answered(now.boot, kept);
  const auto found = inbound_.find(name);
  if (found == inbound_.end()) return;
  InboundState& state = found->second;
  state.floor.answered(now.boot, kept);
  if (!kept) state.store_due = now.boot;
}

void Associations::flush(Now now) {
  for (InboundEntry& entry : inbound_)
    if (entry.second.store_due != kNever && entry.second.floor.may_ask(now.boot))
      store_floor(now, entry);
}

std::optional<Associations::Wish> Associations::poll() {
  if (wishes_.empty()) {
    if (auto line = audit_.take()) return *line;
    return std::nullopt;
  }
  Wish wish = std::move(wishes_.front());
  wishes_.pop_front();
  return wish;
}

Instant Associations::next_deadline() const {
  Instant next = audit_.next_deadline();
  for (const auto& [name, state] : inbound_)
    if (state.store_due != kNever)
      next = std::min(next, std::max(state.store_due, state.floor.not_before()));
  for (const auto& [peer, entry] : by_peer_)
    if (entry.numbers->second.low())
      next = std::min(next, entry.numbers->second.ceiling().not_before());
  return next;
}

void Associations::tick(Now now) {
  audit_.tick(now.boot);
  for (InboundEntry& entry : inbound_)
    if (entry.second.store_due <= now.boot && entry.second.floor.may_ask(now.boot))
      store_floor(now, entry);
  for (const auto& [peer, entry] : by_peer_) reserve(now, *entry.numbers);
}

std::vector<Associations::PairStatus> Associations::status() const {
  std::vector<PairStatus> out;
  for (const auto& [peer, entry] : by_peer_) {
    PairStatus& shown = out.emplace_back();
    shown.local = entry.pair->local;
    shown.peer = peer;
    shown.outbound_spi = entry.pair->outbound.spi;
    shown.last_sent = entry.numbers->second.last();
    for (const Inbound& inbound : entry.pair->inbound) {
      const InboundState& state = by_spi_.at(inbound.spi).state->second;
      shown.inbound.push_back({inbound.spi, state.window.highest(), inbound.anti_replay});
    }
  }
  return out;
}

}  // namespace sendoff::esp
