// Two routers with a pair of associations between them, a store that grants what is asked unless it
// is told otherwise, and the vector's packet.
#pragma once

#include <gtest/gtest.h>

#include "crypto/mac.h"
#include "esp/associations.h"
#include "support/covers.h"
#include "support/vectors.h"
#include "wire/mobility.h"

namespace sendoff::esp {

inline test::Vector vector() { return test::load_vector("esp.txt", ""); }

inline Ipv6Address address_of(const std::string& field) {
  return Ipv6Address::from(vector().hex(field));
}
inline const Ipv6Address kPar = address_of("par-address");
inline const Ipv6Address kNar = address_of("nar-address");
inline const Ipv6Address kThird = Ipv6Address::literal("2001:db8:c::1");
inline const Ipv6Address kStranger = Ipv6Address::literal("2001:db8:d::1");

inline Key key_of(ByteView octets) {
  return std::make_shared<const Secret>(Secret::copy_of(octets));
}
// A key of its own for each number.
inline Key key_numbered(std::uint8_t number) {
  Bytes octets(kKeySize);
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] = static_cast<std::uint8_t>(number * 31 + i * i + 7);
  return key_of(octets);
}

// One router: its associations, and what its store has been told.
class Node {
 public:
  Associations associations;
  std::vector<SequenceRecord> records;  // that the store keeps, the newest of a name last
  std::vector<Associations::SequenceWarning> warnings;
  std::vector<AuditLog::Line> audit;
  bool store_works = true;
  bool store_answers = true;
  std::vector<SequenceRecord> unanswered;

  void configure(Now now, const Config& config) {
    associations.configure(now, config);
    serve(now);
  }
  void serve(Now now) {
    while (auto wish = associations.poll()) {
      if (const auto* store = std::get_if<Associations::Store>(&*wish)) {
        if (!store_answers) {
          unanswered.push_back(store->record);
          continue;
        }
        if (store_works) records.push_back(store->record);
        associations.stored(now, name_of(store->record), store_works);
      } else if (const auto* warning = std::get_if<Associations::SequenceWarning>(&*wish)) {
        warnings.push_back(*warning);
      } else {
        audit.push_back(std::get<AuditLog::Line>(*wish));
      }
    }
  }
  Result<Bytes, Refusal> seal(Now now, const Ipv6Address& peer, ByteView header,
                              std::size_t mtu = kPathMtu) {
    auto sealed = associations.seal(now, peer, header, mtu);
    serve(now);
    return sealed;
  }
  // The cause it was dropped for; nothing: it was taken. The header inside goes to `taken`.
  std::optional<Drop> open(Now now, const Bytes& packet) {
    const auto view = wire::PacketView::parse(packet);
    EXPECT_TRUE(view.has_value());
    if (!view) return std::nullopt;
    const auto opened = associations.open(now, *view);
    if (opened) taken.push_back(to_bytes(opened->mobility_header));
    serve(now);
    return opened ? std::nullopt : std::optional(opened.error());
  }
  std::vector<Bytes> taken;

  // What a new process of this router starts with.
  void restart_from(const Node& before, Now now, const Config& config) {
    for (const SequenceRecord& record : before.records) {
      records.push_back(record);
      associations.restore(record);
    }
    configure(now, config);
  }
  [[nodiscard]] std::uint64_t count(Count which) const { return associations.counters()[which]; }
};

class EspTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kToNar = 0x1000;
  static constexpr std::uint32_t kToPar = 0x2000;

  EspTest() {
    par.configure(now, par_config);
    nar.configure(now, nar_config);
  }

  static Pair par_pair() {
    return {kPar, kNar, {kToNar, key_numbered(1)}, {{kToPar, key_numbered(2), true}}};
  }
  static Pair nar_pair() {
    return {kNar, kPar, {kToPar, key_numbered(2)}, {{kToNar, key_numbered(1), true}}};
  }

  static Bytes hi() { return vector().hex("hmac-hi-mobility-header"); }
  // The HI under any number, with whatever a test changes in it.
  struct Craft {
    std::uint32_t spi = kToNar;
    std::uint32_t sequence = 1;
    std::uint8_t next_header = wire::kProtocolMobility;
    Bytes payload = hi();
    std::optional<std::size_t> padding{};
    Ipv6Address source = kPar;
    Ipv6Address destination = kNar;
    Key key = key_numbered(1);
    bool bad_icv = false;
    std::optional<std::uint8_t> pad_length{};  // says this, whatever there is
    std::optional<wire::FragmentHeader> fragment{};
    std::optional<std::size_t> cut{};  // the ESP packet to this many octets

    [[nodiscard]] Bytes packet() const {
      Envelope envelope{spi, sequence, next_header, payload};
      if (padding) envelope.padding = *padding;
      Bytes esp(envelope.size());
      envelope.emit(esp, *key);
      if (pad_length) {
        const ByteSpan covered = ByteSpan(esp).first(esp.size() - kIcvSize);
        covered[covered.size() - kTrailerSize] = *pad_length;
        const auto icv = crypto::mac(crypto::Algorithm::kHmacSha256_128, *key, covered);
        std::ranges::copy(icv.view(), esp.end() - kIcvSize);
      }
      if (bad_icv) esp.back() ^= 1;
      if (cut) esp.resize(*cut);
      return around(esp);
    }
    [[nodiscard]] Bytes around(ByteView esp) const {
      wire::Ipv6Header header;
      header.next_header = fragment ? wire::kProtocolFragment : wire::kProtocolEsp;
      header.source = source;
      header.destination = destination;
      header.flow_label = 0x54321;
      Bytes extension;
      if (fragment) append(extension, *fragment);
      return wire::build_packet(header, extension, esp);
    }
  };
  std::optional<Drop> open(const Craft& craft) { return nar.open(now, craft.packet()); }
  void advance(Duration duration) {
    now.boot += duration;
    now.utc += duration;
    for (Node* node : {&par, &nar}) {
      if (node->associations.next_deadline() > now.boot) continue;
      node->associations.tick(now);
      node->serve(now);
    }
  }
  static std::uint32_t sequence_of(const Bytes& packet) {
    Reader in(packet);
    in.skip(wire::Ipv6Header::kSize + 4);
    return in.u32();
  }

  Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  Config par_config{{par_pair()}, {kThird}, true};
  Config nar_config{{nar_pair()}, {kThird}, true};
  Node par;
  Node nar;
};

// Replaces the checksum of a Mobility Header by one over other addresses, length or protocol.
inline void set_checksum(Bytes& header, std::uint16_t value) {
  Writer(ByteSpan(header).subspan(4, 2)).u16(value);
}

}  // namespace sendoff::esp
