// Handover keys for mobile nodes (RFC 5269 3.2): answers RtSolPr by PrRtAdv. A validated request
// gets the CGA's key, sealed to the key in the request, after its record is stored; whatever could
// not be validated gets the neighbourhood and no key.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "keys/issued_keys.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "router/config.h"
#include "router/links.h"
#include "router/neighbourhood.h"
#include "send/receiver.h"
#include "send/sender.h"

namespace sendoff::router {

enum class ProvisionCounter : std::uint8_t {
  kKeysMade,      // fresh keys delivered
  kKeysReturned,  // existing keys delivered again
  kAnsweredWithoutRequest,
  kAnsweredUnvalidated,
  kUnvalidatedShed,  // no answer: switched off, or above its budget
  kRepliesFromCache,
  kRepeatsDropped,     // a copy while its original is under way, or behind the window
  kNoAccessPoint,      // RtSolPr without wildcard or access point: dropped
  kTwoRequests,        // more than one Handover Key Request
  kRequestMalformed,   // option or key does not parse
  kRequestKeyLimits,   // modulus or exponent outside the limits
  kRequestParameters,  // not the parameters of the CGA key
  kRequestIsCgaKey,    // the CGA key itself
  kNotOnLink,          // the CGA is in no prefix of the link: no FBU could name it (GF24)
  kNoAlgorithm,        // nothing as strong as what was asked for
  kTableFull,
  kShareFull,
  kRandomFailed,
  kStoreFailed,
  kTooBig,         // key or answer does not fit the link's MTU
  kExchangesFull,  // too many under way
  kSigningFailed,
  kAbandoned,  // link or key went away before the answer
  kCount,
};
[[nodiscard]] std::string_view name(ProvisionCounter counter);

class Provision {
 public:
  Provision(const Config& config, const std::vector<ServedLink>& links, keys::IssuedKeys& keys,
            send::Receiver& receiver, Random& random, machine::Outbox& outbox);

  // A judged RtSolPr. Refers to the configuration given at construction.
  void handle(Now now, send::Judged solicitation);

  // An unsolicited PrRtAdv (Code 1 or 4), signed and without Nonce or key.
  [[nodiscard]] Result<void, machine::OrderError> advise(Now now, const machine::Advise& order);

  [[nodiscard]] bool owns(machine::JobId job) const {
    return signing_.contains(job) || looking_up_.contains(job);
  }
  void complete(Now now, machine::JobResult result);
  [[nodiscard]] bool owns(machine::ActionId action) const { return persisting_.contains(action); }
  void outcome(Now now, const machine::Outcome& outcome);

  // The key was discarded: no cached answer with it may leave again (HK-3.6-12).
  void key_gone(const machine::IssuedKeyName& key);
  void drop(InterfaceId interface);
  void reconfigured();

  [[nodiscard]] const Counters<ProvisionCounter>& counters() const { return counters_; }
  [[nodiscard]] std::size_t under_way() const {
    return signing_.size() + waiting_.size() + looking_up_.size();
  }

 private:
  // One RtSolPr on its way to its PrRtAdv.
  struct Exchange {
    InterfaceId interface;
    Ipv6Address mn;
    std::optional<LinkAddress> link_destination;
    std::uint16_t identifier = 0;
    Asked asked;
    std::optional<std::uint8_t> unsolicited_code;  // of a PrRtAdv that nobody asked for
    std::optional<Bytes> nonce;                    // of a validated request
    crypto::Sha256Digest digest{};
    std::optional<send::Peer> peer;
    std::optional<crypto::RsaPublicKey> encryption_key;  // of an acceptable key request
    std::uint8_t algorithm_code = 0;
    std::optional<machine::IssuedKeyName> key;
    bool fresh = false;
  };
  struct Reply {
    crypto::Sha256Digest digest;
    Instant made;
    machine::Transmit transmit;
    std::optional<machine::IssuedKeyName> key;
  };

  // Why an answer could not be composed.
  struct Problem {
    ProvisionCounter counter = ProvisionCounter::kTooBig;
    std::string text;
  };

  void answer_unvalidated(Now now, Exchange exchange, send::Reason reason);
  void answer_repeat(Now now, const crypto::Sha256Digest& digest);
  // Nothing and a counter when the request cannot be met.
  [[nodiscard]] std::optional<ProvisionCounter> read_request(const send::Judged& solicitation,
                                                             Exchange& exchange) const;
  void find_key(Now now, Exchange exchange);
  void answer(Now now, Exchange exchange);
  void refuse(Now now, Exchange exchange, ProvisionCounter why);
  [[nodiscard]] std::optional<send::Unsigned> compose(Now now, const ServedLink& link,
                                                      const Exchange& exchange, Problem& problem);
  [[nodiscard]] bool seal(const keys::IssuedKey& key, const crypto::RsaPublicKey& to,
                          std::size_t offset, send::Unsigned& message);
  void abandon(const Exchange& exchange, ProvisionCounter why);
  [[nodiscard]] std::vector<Exchange*> others_with(const machine::IssuedKeyName& key);
  void remember(Now now, const Exchange& exchange, const machine::Transmit& transmit);
  void report_issued(Now now, const Exchange& exchange, const keys::IssuedKey& key);

  const Config& config_;
  const std::vector<ServedLink>& links_;
  keys::IssuedKeys& keys_;
  send::Receiver& receiver_;
  Random& random_;
  machine::Outbox& outbox_;
  send::Budget unvalidated_budget_;
  machine::TokenBucket unvalidated_reports_{1, 1};
  std::map<machine::JobId, Exchange> signing_;
  std::map<machine::JobId, Exchange> looking_up_;
  std::map<machine::ActionId, machine::IssuedKeyName> persisting_;
  std::vector<Exchange> waiting_;  // for their key's record to be stored
  std::deque<Reply> replies_;      // oldest first
  Counters<ProvisionCounter> counters_;
};

}  // namespace sendoff::router
