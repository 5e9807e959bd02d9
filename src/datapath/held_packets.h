// Packets that wait for a node to arrive (RFC 5568 section 5.4), per destination, in order, and
// within bounds in packets and octets (FH-10-06). What is released leaves at the pace of
// datapath/drain.h. On the time that it is told; nothing here sends.
#pragma once

#include <deque>
#include <set>

#include <absl/container/flat_hash_map.h>
#include "base/address.h"
#include "base/bytes.h"
#include "datapath/drain.h"
#include "datapath/settings.h"

namespace sendoff::datapath {

class HeldPackets {
 public:
  explicit HeldPackets(const BufferLimits& limits) : limits_(limits) {}

  // What becomes of a packet itself: it is held, or it went on and a copy is held.
  enum class Kind : std::uint8_t { kOriginals, kCopies };
  // False when there are too many already. One that is there keeps what it has; a release under
  // way ends: its packets are held on. One of copies may go on with originals, never the reverse.
  [[nodiscard]] bool open(const Ipv6Address& address, Kind kind = Kind::kOriginals);
  [[nodiscard]] bool has(const Ipv6Address& address) const { return queues_.contains(address); }
  // Whether it is open for packets of this kind.
  [[nodiscard]] bool takes(const Ipv6Address& address, Kind kind) const;
  // How many copies were held; what else there is stays.
  std::size_t drop_copies(const Ipv6Address& address);
  // How many packets it dropped with it.
  std::size_t close(const Ipv6Address& address);
  // From then on its packets are due.
  void release(const Ipv6Address& address, Instant now);
  [[nodiscard]] bool is_empty(const Ipv6Address& address) const;

  enum class Held : std::uint8_t { kHeld, kOverflow, kNoBuffer };
  [[nodiscard]] Held hold(const Ipv6Address& address, Instant now, Bytes packet);

  struct Due {
    Ipv6Address address;
    Bytes packet;
  };
  // One that may leave now; to be asked until there is none.
  [[nodiscard]] std::optional<Due> take_due(Instant now);
  // When take_due() has the next one; kNever when nothing is under release.
  [[nodiscard]] Instant next_due() const;

  struct Size {
    std::size_t addresses = 0;
    std::size_t packets = 0;
    std::size_t octets = 0;
  };
  [[nodiscard]] Size size() const { return {queues_.size(), packets_, octets_}; }

 private:
  struct Packet {
    Kind kind = Kind::kOriginals;
    Bytes octets;
    std::optional<Duration> entry_gap;
  };
  struct Queue {
    Kind kind = Kind::kOriginals;
    std::deque<Packet> packets;
    std::size_t octets = 0;
    Meter entry;
    Meter since_release;  // a stream that stopped with the release must not count as running
    std::optional<Drain> drain;
  };
  using Appointment = std::pair<Instant, Ipv6Address>;
  void appoint(const Ipv6Address& address, const Queue& queue);
  void cancel(const Ipv6Address& address, const Queue& queue);

  BufferLimits limits_;
  absl::flat_hash_map<Ipv6Address, Queue> queues_;
  std::set<Appointment> appointments_;  // of queues under release that are not empty
  std::size_t packets_ = 0;
  std::size_t octets_ = 0;
};

}  // namespace sendoff::datapath
