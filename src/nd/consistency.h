// Whether other routers of a link say there what we say (RFC 4861 6.2.7): what they contradict is
// reported, since hosts change over with each advertisement. Prefixes that only one of them has,
// and what one leaves unspecified, are no contradiction.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "machine/outbox.h"
#include "nd/advertiser.h"

namespace sendoff::nd {

class Consistency {
 public:
  static constexpr Duration kReportInterval = seconds(600);  // of one router
  static constexpr std::size_t kMaxRouters = 8;              // of one link, that are remembered

  explicit Consistency(machine::Outbox& outbox) : outbox_(outbox) {}

  // Whether an RA on a link where we say `ours` would be reported if it is what it seems: else
  // it is not worth a verification.
  [[nodiscard]] bool concerns(Now now, InterfaceId interface, const AdvertiserLink& ours,
                              const Ipv6Address& router, ByteView icmp);
  // A judged RA that we believe.
  void handle(Now now, const send::Message& message, const AdvertiserLink& ours,
              std::string_view interface_name);
  void drop(InterfaceId interface);

  [[nodiscard]] std::uint64_t contradictions() const { return contradictions_; }

 private:
  machine::Outbox& outbox_;
  // When each was reported last.
  std::map<InterfaceId, std::map<Ipv6Address, Instant>> reported_;
  std::uint64_t contradictions_ = 0;
};

}  // namespace sendoff::nd
