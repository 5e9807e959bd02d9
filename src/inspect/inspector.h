// Frames of a capture, one after the other, into messages with the verdict of each check that a
// receiver makes (docs/architecture.md, docs/decode.md). It stands beside the link and knows what
// the capture and its reader told it: which solicitations went out, which certificates and keys
// there are. Tables are bounded: of too much the oldest is forgotten, and a check says that it is
// not made.
#pragma once

#include <optional>
#include <vector>

#include "inspect/capture_file.h"
#include "inspect/handover_checks.h"
#include "inspect/keys.h"
#include "inspect/message.h"
#include "inspect/send_checks.h"

namespace sendoff::inspect {

class Inspector {
 public:
  Inspector(Keys keys, std::vector<pki::TrustAnchor> anchors, const pki::Policy& policy = {})
      : send_(std::move(anchors), policy), handovers_(std::move(keys)) {}

  // Certificates are used for messages before them too: a capture is shown to learn() frame by
  // frame, then to look().
  void learn(const Frame& frame);

  // The message of SEND, ND, FMIPv6 or RFC 5269 that the frame holds, or what claims to be one;
  // nothing for any other frame.
  [[nodiscard]] std::optional<Message> look(const Frame& frame);

 private:
  void look_into(ByteView packet, const Frame& frame, Message& message);

  SendChecks send_;
  HandoverChecks handovers_;
};

}  // namespace sendoff::inspect
