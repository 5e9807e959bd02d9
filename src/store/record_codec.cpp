#include "store/record_codec.h"

#include <utility>

#include "base/overloaded.h"

namespace sendoff::store {

namespace {

using machine::EspCounter;
using machine::HeldKey;
using machine::IssuedKey;
using machine::LiveBinding;

constexpr std::size_t kAddress = Ipv6Address::kSize;
constexpr std::size_t kIssuedName = kAddress + 4;
constexpr std::size_t kHeldName = 2 * kAddress;
constexpr std::size_t kCounterName = 1 + 4 + std::tuple_size_v<machine::EspFingerprint>;

constexpr std::uint8_t kIssued = 1;
constexpr std::uint8_t kHeld = 2;
constexpr std::uint8_t kBinding = 3;
constexpr std::uint8_t kCounter = 4;

template <typename Write>
Bytes written(std::size_t size, const Write& write) {
  Bytes octets(size);
  Writer writer(octets);
  write(writer);
  invariant(writer.remaining() == 0);
  return octets;
}

template <typename Write>
Secret written_secret(std::size_t size, const Write& write) {
  Secret octets(size);
  Writer writer(octets.expose_mutable());
  write(writer);
  invariant(writer.remaining() == 0);
  return octets;
}

Ipv6Address address(Reader& reader) { return Ipv6Address(reader.array<kAddress>()); }

// Algorithm and key, as both kinds of handover key have them; the key is the rest.
void write_key(Writer& writer, crypto::Algorithm algorithm, const Secret& key) {
  writer.u8(std::to_underlying(algorithm));
  writer.bytes(key.expose());
}
bool read_key(Reader& reader, crypto::Algorithm& algorithm, Secret& key) {
  const std::uint8_t code = reader.u8();
  const auto known = crypto::algorithm_of(code);
  if (!known || std::to_underlying(*known) != code) return false;
  algorithm = *known;
  const ByteView octets = reader.rest();
  if (octets.size() != crypto::key_size(algorithm)) return false;
  key = Secret::copy_of(octets);
  return reader.ok();
}

Secret body_of(const IssuedKey& record) {
  const ByteView link = record.link_address.view();
  return written_secret(1 + 2 + 1 + link.size() + 1 + record.key.size(), [&](Writer& writer) {
    writer.u8(record.sequence_ceiling ? 1 : 0);
    writer.u16(record.sequence_ceiling.value_or(0));
    writer.u8(static_cast<std::uint8_t>(link.size()));
    writer.bytes(link);
    write_key(writer, record.algorithm, record.key);
  });
}

Secret body_of(const HeldKey& record) {
  return written_secret(kAddress + 2 + 1 + record.key.size(), [&](Writer& writer) {
    writer.bytes(record.ar_link_local.view());
    writer.u16(record.sequence_ceiling);
    write_key(writer, record.algorithm, record.key);
  });
}

Secret body_of(const LiveBinding& record) {
  return written_secret(2 * kAddress + 4 + 8, [&](Writer& writer) {
    writer.bytes(record.far_end.view());
    writer.bytes(record.par.view());
    writer.u32(record.generation);
    writer.u64(static_cast<std::uint64_t>(record.expires.time_since_epoch().count()));
  });
}

Secret body_of(const EspCounter& record) {
  return written_secret(4, [&](Writer& writer) { writer.u32(record.value); });
}

std::optional<machine::Record> issued(Reader& name, UtcTime expires, Reader& body) {
  IssuedKey record;
  record.cga = address(name);
  record.generation = name.u32();
  record.expires = expires;
  const std::uint8_t has_ceiling = body.u8();
  const std::uint16_t ceiling = body.u16();
  if (has_ceiling == 1) record.sequence_ceiling = ceiling;
  const auto link = LinkAddress::from(body.take(body.u8()));
  if (!link || has_ceiling > 1 || (has_ceiling == 0 && ceiling != 0)) return std::nullopt;
  record.link_address = *link;
  if (!read_key(body, record.algorithm, record.key)) return std::nullopt;
  return record;
}

std::optional<machine::Record> held(Reader& name, UtcTime expires, Reader& body) {
  HeldKey record;
  record.ar = address(name);
  record.cga = address(name);
  record.expires = expires;
  record.ar_link_local = address(body);
  record.sequence_ceiling = body.u16();
  if (!read_key(body, record.algorithm, record.key)) return std::nullopt;
  return record;
}

machine::Record binding(Reader& name, Reader& body) {
  LiveBinding record;
  record.pcoa = address(name);
  record.far_end = address(body);
  record.par = address(body);
  record.generation = body.u32();
  record.expires = UtcTime(Duration(static_cast<Duration::rep>(body.u64())));
  return record;
}

std::optional<machine::Record> counter(Reader& name, Reader& body) {
  EspCounter record;
  const std::uint8_t direction = name.u8();
  if (direction > std::to_underlying(machine::EspDirection::kInbound)) return std::nullopt;
  record.direction = static_cast<machine::EspDirection>(direction);
  record.spi = name.u32();
  record.key = name.array<std::tuple_size_v<machine::EspFingerprint>>();
  record.value = body.u32();
  return record;
}

}  // namespace

EncodedName encode(const machine::RecordName& name) {
  return std::visit(Overloaded{
                        [](const machine::IssuedKeyName& each) {
                          return EncodedName{kIssued, written(kIssuedName, [&](Writer& writer) {
                                               writer.bytes(each.cga.view());
                                               writer.u32(each.generation);
                                             })};
                        },
                        [](const machine::HeldKeyName& each) {
                          return EncodedName{kHeld, written(kHeldName, [&](Writer& writer) {
                                               writer.bytes(each.ar.view());
                                               writer.bytes(each.cga.view());
                                             })};
                        },
                        [](const machine::LiveBindingName& each) {
                          return EncodedName{kBinding, to_bytes(each.pcoa.view())};
                        },
                        [](const machine::EspCounterName& each) {
                          return EncodedName{kCounter, written(kCounterName, [&](Writer& writer) {
                                               writer.u8(std::to_underlying(each.direction));
                                               writer.u32(each.spi);
                                               writer.bytes(each.key);
                                             })};
                        },
                    },
                    name);
}

Bytes generations_of(const machine::IssuedKeyName& name) { return to_bytes(name.cga.view()); }

Secret encode_body(const machine::Record& record) {
  return std::visit([](const auto& each) { return body_of(each); }, record);
}

std::optional<machine::Record> decode(const EncodedName& name, std::optional<UtcTime> expires,
                                      ByteView body) {
  Reader names(name.name);
  Reader bodies(body);
  const bool is_key = name.kind == kIssued || name.kind == kHeld;
  if (expires.has_value() != is_key) return std::nullopt;
  std::optional<machine::Record> record;
  if (name.kind == kIssued) record = issued(names, *expires, bodies);
  if (name.kind == kHeld) record = held(names, *expires, bodies);
  if (name.kind == kBinding) record = binding(names, bodies);
  if (name.kind == kCounter) record = counter(names, bodies);
  const bool exact = names.ok() && bodies.ok() && names.remaining() == 0 && bodies.remaining() == 0;
  return exact ? std::move(record) : std::nullopt;
}

Bytes associated_with(const EncodedName& name, std::optional<UtcTime> expires) {
  return written(1 + 1 + 8 + name.name.size(), [&](Writer& writer) {
    writer.u8(name.kind);
    writer.u8(expires ? 1 : 0);
    writer.u64(expires ? static_cast<std::uint64_t>(expires->time_since_epoch().count()) : 0);
    writer.bytes(name.name);
  });
}

}  // namespace sendoff::store
