// What an operator can read of a mobile node's own doings: one counter for each way a request for a
// handover key, or a handover, ends.
#pragma once

#include "base/counters.h"

namespace sendoff::mobile {

enum class MobileCounter : std::uint8_t {
  // Requests.
  kRequests,         // attempts: fresh Nonce, Identifier and signature
  kRetransmissions,  // the same octets again
  kUnanswered,       // all retransmissions gone by
  kNoGlobalAddress,  // not sent: the router told no global address in our prefix
  kTooBig,           // not sent: does not fit the link's MTU
  kNotSigned,        // not sent: refused by our own checks, or the signature failed
  // PrRtAdv, dropped whole.
  kUnsecured,     // without SEND
  kRepeated,      // the octets of an earlier one
  kUnknownNonce,  // matches no outstanding request, or not of this router's kind
  kUnsolicited,   // nobody asked, and not from the current router
  kSecondAnswer,  // this router answered that Nonce already
  kUncertified,   // no valid certification path for its key
  kHeld,          // waits for a certification path
  kHeldDropped,   // too many, or no path in time
  kNotDecrypted,  // the one indistinct failure (W12)
  kLinkLeft,      // its link or router was left meanwhile
  kMalformed,
  // PrRtAdv, used without their Handover Key Reply.
  kNoReply,           // has none
  kUnsolicitedReply,  // has one, but does not answer a Nonce of ours
  kTwoReplies,
  kMalformedReply,
  kUnknownAlgorithm,
  kDowngrade,        // weaker than what was asked for
  kZeroLifetime,     // or over before it was opened
  kNotRequested,     // its request asked for no key
  kNoRouterAddress,  // the router's global address is not known
  kKeysReceived,
  // Handovers.
  kFbuSent,
  kFbackAccepted,  // also renewals and ends of a binding
  kFbackRefused,   // status 128 and above
  kFbackUnexpected,
  kFbackUnauthenticated,
  kFbackResynchronised,  // status 135
  kFbuUnanswered,
  kBindingsLapsed,
  kStoreFailed,
  kBindingErrors,  // status 2 from the PAR while an FBU was outstanding
  kTunnelsRefused,
  kSwitchesFailed,
  // Links that were entered.
  kLandings,           // on a link whose router was told in advance
  kUnaSent,            // UNAs, repeats too
  kUnaUnsigned,        // of them without signature, though ours is a CGA (GF44)
  kProxyAnswers,       // the NAR still answered for our address: UNA repeated
  kAddressCollisions,  // another node has it
  kNaackFollowed,
  kNaackIgnored,  // no UNA for that address was sent lately
  kDhcpFailed,
  kCount,
};
[[nodiscard]] std::string_view name(MobileCounter counter);

using MobileCounters = Counters<MobileCounter>;

}  // namespace sendoff::mobile
