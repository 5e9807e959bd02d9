// SEND's timestamps (RFC 3971 5.3.4.2, GS7): one record a peer, bounded; the test reads, only an
// accepted message writes. Integers of 1/65536 s throughout.
#pragma once

#include <memory>
#include <optional>

#include "base/address.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/rsa.h"

namespace sendoff::send {

// UTC as it stands in a Timestamp option (W5).
[[nodiscard]] std::uint64_t timestamp_of(UtcTime utc);

struct TimestampConfig {
  std::uint32_t delta_s = 300;      // TIMESTAMP_DELTA
  std::uint32_t fuzz_ms = 1000;     // TIMESTAMP_FUZZ
  std::uint32_t drift_percent = 1;  // TIMESTAMP_DRIFT
  std::size_t max_peers = 16'384;
};

struct Peer {
  InterfaceId interface;
  Ipv6Address address;
  crypto::KeyHash key_hash{};
  friend auto operator<=>(const Peer&, const Peer&) = default;
};

// What a sender dates its messages with: UTC. Its peers refuse what runs behind the timestamps that
// they remember (RFC 3971 5.3.4.2), so that after its clock was set back by less than half of what
// who does not know it allows (TIMESTAMP_DELTA), the dates go on at the slowest pace that peers
// take, until the clock has caught up.
class Stamps {
 public:
  [[nodiscard]] UtcTime next(Now now);

 private:
  std::optional<Now> last_;
};

class Timestamps {
 public:
  explicit Timestamps(const TimestampConfig& config);
  ~Timestamps();
  void configure(const TimestampConfig& config);

  // Whether `timestamp`, arrived at `arrived`, is fresh; changes nothing.
  [[nodiscard]] bool fresh(const Peer& peer, std::uint64_t timestamp, Now arrived) const;
  [[nodiscard]] bool known(const Peer& peer) const;

  // Remembers an accepted message (RDlast, TSlast), when its timestamp is newer than the last.
  // When the table is full the longest silent of the unprotected peers of lowest Sec goes; false
  // when every peer is protected and this one is new: it is not remembered, and its message must
  // not be accepted.
  [[nodiscard]] bool accept(const Peer& peer, std::uint64_t timestamp, Now arrived,
                            std::uint8_t sec);
  // Peers with a live handover key keep their record until `until` (HK-5-05).
  void protect(const Peer& peer, Instant until);

  [[nodiscard]] std::size_t size() const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace sendoff::send
