// The checks of handovers: the authenticator of FBU and FBack (RFC 5568 6.4.5), and ESP around HI
// and HAck, by the keys that a person gave.
#pragma once

#include <deque>
#include <optional>

#include "inspect/keys.h"
#include "inspect/message.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::inspect {

class HandoverChecks {
 public:
  explicit HandoverChecks(Keys keys) : keys_(std::move(keys)) {}

  // `packet` holds a Mobility Header, or ESP: append its words and its checks.
  void judge_mobility(const wire::PacketView& packet, Message& message);
  void judge_esp(const wire::PacketView& packet, Message& message);

 private:
  // An FBU that passed: its FBack is authenticated over what the FBU said.
  struct Update {
    Ipv6Address source;
    Ipv6Address pcoa;
    Ipv6Address care_of;
    Ipv6Address par;
    std::uint16_t sequence = 0;
  };

  void judge_header(const wire::PacketView& packet, ByteView header, Message& message);
  void judge_update(const wire::PacketView& packet, ByteView header, Message& message);
  void judge_acknowledgement(const wire::PacketView& packet, ByteView header, Message& message);
  [[nodiscard]] Check mac_check(ByteView header,
                                const std::optional<wire::AuthorizationData>& authorization,
                                const Update& update) const;

  Keys keys_;
  std::deque<Update> updates_;  // the latest last
};

}  // namespace sendoff::inspect
