// The security associations between this access router and its neighbours: HI and HAck go out
// inside ESP and come in that way (RFC 4303 in transport mode, RFC 5568 10, decisions E1 to E16).
// No I/O and no clock: whoever owns it sends what seal() gives, has stored what poll() asks for,
// reports what poll() tells, and calls tick() at next_deadline().
#pragma once

#include <map>
#include <variant>

#include "base/counters.h"
#include "esp/association.h"
#include "esp/audit.h"
#include "esp/packet.h"
#include "esp/sequence.h"

namespace sendoff::esp {

// Why a packet is not taken, in the order of the checks.
enum class Drop : std::uint8_t {
  kForeign,        // for no SPI of ours, from no neighbour: the host's own IPsec has it
  kFragment,       // not the whole packet (RFC 4303 3.4.1)
  kMalformed,      // length, padding, or less than the Mobility Header it should hold
  kNoAssociation,  // a neighbour's, with an SPI that is none of ours
  kSelector,       // the addresses are not the association's, or no HI or HAck is inside
  kReplay,
  kIntegrity,
  kDummy,     // RFC 4303 2.6: nothing is inside
  kChecksum,  // of the Mobility Header
};
[[nodiscard]] std::string_view name(Drop why);

enum class SealError : std::uint8_t {
  kNoAssociation,
  kTooLarge,     // would need fragments, which are never sent
  kExhausted,    // the last sequence number of the key is used up
  kNotReserved,  // the store has not granted further sequence numbers
};
struct Refusal {
  SealError why = SealError::kNoAssociation;
  std::size_t size = 0;  // kTooLarge: of the whole packet, against `mtu`
  std::size_t mtu = 0;
};
// One sentence for a person.
[[nodiscard]] std::string explain(const Refusal& refusal);

enum class Count : std::uint8_t {
  kSealed,
  kOpened,
  kMacs,  // computed on receipt: what the checks before it spare
  // seal() refused.
  kNoOutbound,
  kTooLarge,
  kOverflow,
  kNotReserved,
  // open() dropped.
  kForeign,
  kFragment,
  kMalformed,
  kNoAssociation,
  kSelector,
  kReplay,
  kIntegrity,
  kDummy,
  kChecksum,
  kCount,
};
[[nodiscard]] std::string_view name(Count count);

class Associations {
 public:
  // What the owner has to do. Store: have the record stored and call stored() with what came of it.
  // SequenceWarning: 0xf0000000 numbers are used, the key should be changed.
  struct Store {
    SequenceRecord record;
  };
  struct SequenceWarning {
    Ipv6Address peer;
    std::uint32_t spi = 0;
  };
  // Audit lines come last.
  using Wish = std::variant<Store, SequenceWarning, AuditLog::Line>;

  Associations() = default;
  Associations(const Associations&) = delete;
  Associations& operator=(const Associations&) = delete;

  // From the last run, before configure().
  void restore(const SequenceRecord& record);
  // Takes the place of what was configured before. Counters of an (SPI, key) go on, also when it
  // was away in between.
  void configure(Now now, Config config);

  [[nodiscard]] bool protects(const Ipv6Address& peer) const { return by_peer_.contains(peer); }

  // The whole IPv6 packet around a Mobility Header whose checksum is set, under the next sequence
  // number of the peer's outbound association, from its local address. Nothing is used up by a
  // refusal.
  [[nodiscard]] Result<Bytes, Refusal> seal(Now now, const Ipv6Address& peer,
                                            ByteView mobility_header, std::size_t mtu = kPathMtu);

  struct Opened {
    Ipv6Address peer;
    Ipv6Address local;
    ByteView mobility_header;  // borrowed; whole, its checksum holds
  };
  // `packet` is one whose upper protocol is ESP. Nothing changes before its ICV holds.
  [[nodiscard]] Result<Opened, Drop> open(Now now, const wire::PacketView& packet);

  [[nodiscard]] std::optional<Wish> poll();
  void stored(Now now, const SequenceName& name, bool kept);
  // Has every inbound number stored at once: before the end of the process.
  void flush(Now now);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

  [[nodiscard]] const Counters<Count>& counters() const { return counters_; }

  // For the status: no key, not even its fingerprint.
  struct InboundStatus {
    std::uint32_t spi = 0;
    std::uint32_t highest = 0;
    bool anti_replay = true;
  };
  struct PairStatus {
    Ipv6Address local;
    Ipv6Address peer;
    std::uint32_t outbound_spi = 0;
    std::uint32_t last_sent = 0;
    std::vector<InboundStatus> inbound;
  };
  [[nodiscard]] std::vector<PairStatus> status() const;

 private:
  struct InboundState {
    explicit InboundState(std::uint32_t accepted) : window(accepted), floor(accepted) {}
    ReplayWindow window;
    StoredValue floor;
    Instant store_due = kNever;  // set by the first number that is accepted since the last write
    Instant next_store{};
  };
  using OutboundEntry = std::pair<const SequenceName, OutboundNumbers>;
  using InboundEntry = std::pair<const SequenceName, InboundState>;
  // What a packet is looked up for. The pointers are to config_ and to the maps of counters, whose
  // entries stay where they are.
  struct PeerEntry {
    const Pair* pair = nullptr;
    OutboundEntry* numbers = nullptr;
  };
  struct SpiEntry {
    const Pair* pair = nullptr;
    const Inbound* inbound = nullptr;
    InboundEntry* state = nullptr;
  };

  [[nodiscard]] bool is_neighbour(const Ipv6Address& address) const;
  [[nodiscard]] Result<Opened, Drop> judge(Now now, const wire::PacketView& packet);
  [[nodiscard]] Result<Opened, Drop> judge_content(const wire::PacketView& packet) const;
  void audit(Now now, Drop why, const wire::PacketView& packet);
  void accepted(Now now, InboundEntry& entry, std::uint32_t sequence);
  void reserve(Now now, OutboundEntry& entry);
  void store_floor(Now now, InboundEntry& entry);
  [[nodiscard]] Refusal refuse(Now now, const Pair& pair, SealError why);

  Config config_;
  std::map<Ipv6Address, PeerEntry> by_peer_;
  std::map<std::uint32_t, SpiEntry> by_spi_;
  // Of every association that was configured since the start or that the store told of: as many as
  // an operator made.
  std::map<SequenceName, OutboundNumbers> outbound_;
  std::map<SequenceName, InboundState> inbound_;
  AuditLog audit_;
  std::deque<Wish> wishes_;
  Counters<Count> counters_;
};

}  // namespace sendoff::esp
