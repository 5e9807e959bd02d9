// The checks of SEND (RFC 3971 5, 6), each by itself: where a receiver stops at the first that
// fails, a person who looks for a fault wants them all.
#pragma once

#include <optional>
#include <vector>

#include "inspect/certificates.h"
#include "inspect/message.h"
#include "send/caches.h"
#include "send/message.h"
#include "send/timestamps.h"
#include "wire/ipv6.h"

namespace sendoff::inspect {

class SendChecks {
 public:
  SendChecks(std::vector<pki::TrustAnchor> anchors, const pki::Policy& policy);

  // Keeps the certificate of a CPA. Does nothing without anchors.
  void learn(const wire::PacketView& packet);

  // `packet` holds an ICMPv6 message: appends its words and its checks.
  void judge(const wire::PacketView& packet, Message& message);

 private:
  struct Signed;

  [[nodiscard]] static Check cga_check(Signed& each);
  [[nodiscard]] static Check signature_check(Signed& each);
  [[nodiscard]] std::optional<Check> nonce_check(Signed& each);
  [[nodiscard]] Check timestamp_check(const Signed& each);
  [[nodiscard]] Check certificate_check(const Signed& each) const;

  Certificates certificates_;
  send::Timestamps timestamps_;
  send::Nonces nonces_;
};

}  // namespace sendoff::inspect
