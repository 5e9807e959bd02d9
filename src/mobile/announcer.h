// Unsolicited Neighbor Advertisements for an address of ours on a link that was just entered
// (RFC 5568 6.3: "UNA"), signed where the address is our CGA (RFC 3971 5.2.1, GF21).
//
// A signature takes an RSA operation, and neither the first UNA nor the FBU behind it may wait for
// one (HK-1-01). So UNAs are signed in advance, while the old link is still there or the radio
// changes over; on the new link the prepared one leaves at once. Where none is ready an unsigned
// one leaves, and the signed one follows as soon as it is made (GF44).
#pragma once

#include <optional>
#include <vector>

#include "machine/outbox.h"
#include "mobile/config.h"
#include "mobile/counters.h"
#include "send/timestamps.h"

namespace sendoff::mobile {

struct Announcement {
  InterfaceId interface;
  Ipv6Address address;       // source and target
  LinkAddress link_address;  // ours
  std::uint32_t mtu = 1500;
  Ipv6Address destination = kAllNodes;
  std::optional<LinkAddress> link_destination;
  bool override_flag = false;  // set only for an address that is confirmed (FH-4-37)

  friend bool operator==(const Announcement&, const Announcement&) = default;
};

class Announcer {
 public:
  Announcer(const Config& config, send::Stamps& stamps, machine::Outbox& outbox,
            MobileCounters& counters)
      : config_(config), stamps_(stamps), outbox_(outbox), counters_(counters) {}

  // Signs in advance; does nothing for what is prepared already, or is no CGA of ours. Of more than
  // four the oldest gives way.
  void prepare(Now now, const Announcement& announcement);
  // Sends at once. Returns how many copies leave: 2 when a signed one follows an unsigned one.
  unsigned announce(Now now, const Announcement& announcement);
  // Sends with a signature and time stamp of now, when that is made.
  void repeat(Now now, const Announcement& announcement);

  // Nothing for this address leaves any more.
  void withdraw(const Ipv6Address& address);
  // The link was left: nothing that waits for its signature leaves; what is prepared stays.
  void link_left();
  // What is prepared is of no use any more.
  void forget();

  [[nodiscard]] bool owns(machine::JobId job) const;
  void complete(Now now, const machine::JobResult& result);

 private:
  struct Item {
    Announcement announcement;
    std::optional<machine::JobId> signing;
    bool send_when_signed = false;
    Bytes message;      // signed
    Instant signed_at;  // what its time stamp says
  };

  [[nodiscard]] Bytes compose(const Announcement& announcement) const;
  bool sign(Now now, const Announcement& announcement, bool send_when_signed);
  void send_unsigned(const Announcement& announcement);
  void transmit(const Announcement& announcement, ByteView message);
  void erase(std::size_t index);

  const Config& config_;
  send::Stamps& stamps_;
  machine::Outbox& outbox_;
  MobileCounters& counters_;
  std::vector<Item> items_;  // oldest first
};

}  // namespace sendoff::mobile
