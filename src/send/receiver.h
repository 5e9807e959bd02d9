// The receive pipeline of SEND (RFC 3971 5, RFC 5269 3.2 and 3.3) in the order of
// docs/architecture.md, cheapest check first:
//
//   hop limit, fragment, checksum, code, lengths → option structure of the whole message → SEND
//   options once each, key limits, Key Hash → duplicate cache → nonce or timestamp (read only) →
//   CGA → RSA budget → RSA
//
// Nothing is stored for a sender before his signature verified. Authorisation (is the key a
// router's?) is the caller's: nd/. An accepted message is committed by accept().
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/counters.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "send/caches.h"
#include "send/message.h"
#include "send/method.h"
#include "send/timestamps.h"
#include "wire/ipv6.h"
#include "wire/send_options.h"

namespace sendoff::send {

// Why a message ended where it did. One counter each.
enum class Reason : std::uint8_t {
  // Base checks: always discarded.
  kMalformedPacket,  // IPv6 header or extension headers
  kSubtype,          // of type 154: nobody's, or RFC 5268's HI and HAck (FH-1-02)
  kHopLimit,         // not 255
  kFragment,         // carried a Fragment header (RFC 6980, W8)
  kChecksum,
  kCode,
  kTruncated,        // shorter than its fixed part
  kOptionStructure,  // an option of length 0 or past the end
  kSource,           // an address that this message must not come from
  kDestination,      // NS from :: to no solicited-node group, or a solicited NA to a group
  kTarget,           // a group; or of a Redirect that is neither a router nor its destination
  kOptionContent,    // a Source Link-Layer Address from ::
  kFrameSource,      // it names another link-layer address than its frame came from
  // SEND.
  kUnsecured,     // no RSA Signature option
  kNoTimestamp,   // signed, without Timestamp: discarded
  kNoNonce,       // a signed solicitation without Nonce: discarded
  kTwoKeys,       // Key Hash names another key than the CGA option: discarded
  kNoCga,         // signed, without CGA option
  kUnknownKey,    // signed, without CGA option, by a key that no certificate names
  kSendOptions,   // twice, or malformed (GS9)
  kKeyLimits,     // CGA key too small, too big, bad exponent, no RSA key (W8, GS25)
  kRepeat,        // the same octets were verified a moment ago
  kUnknownNonce,  // an advertisement with a nonce that is not ours
  kStale,         // timestamp (RFC 3971 5.3.4.2)
  kCga,           // the address is not made from the key
  kBudget,        // no RSA operation left for this sender
  kQueueFull,     // too many verifications under way
  kSignature,     // shorter than the modulus, or wrong
  kPeerTable,     // the timestamp table takes no new peer
  kCrypto,        // the verification could not be made
  kSecured,       // passed
  kCount,
};
[[nodiscard]] std::string_view name(Reason reason);

// The kind of an ICMPv6 message. One of type 154 that ends before its subtype counts as
// `short_kind`, the RtSolPr or PrRtAdv that it cannot be; HI and HAck as ICMPv6 messages (RFC 5268)
// are nobody's.
[[nodiscard]] std::optional<Kind> kind_of(ByteView message, Kind short_kind = Kind::kRtSolPr);
// CPS and CPA carry none (GS12).
[[nodiscard]] bool carries_send_options(Kind kind);
[[nodiscard]] bool is_solicitation(Kind kind);
// The solicitation that an advertisement answers; nothing for other kinds.
[[nodiscard]] std::optional<Kind> solicitation_of(Kind kind);
// What a solicitation asks, or an advertisement answers; nothing for other kinds.
[[nodiscard]] std::optional<Question> question_of(const Message& message);
// What must hold before SEND is looked at (RFC 4861 6.1, 7.1, 8.1, RFC 6980); nothing: all does.
// `arrived_as_fragment`: the packet was put together from fragments.
[[nodiscard]] std::optional<Reason> base_checks(const wire::PacketView& packet, Kind kind,
                                                bool arrived_as_fragment);

// Keys that are known otherwise than by the message itself (RFC 3971 5.2.2).
class KnownKeys {
 public:
  virtual ~KnownKeys() = default;
  // The SubjectPublicKeyInfo with this hash, certified at `utc`, borrowed; empty when there is
  // none.
  [[nodiscard]] virtual ByteView key_of(const crypto::KeyHash& hash, UtcTime utc) const = 0;
};

struct ReceiverConfig {
  Methods methods;
  // Where CGAs are neither demanded nor verified (RFC 3971 5.2.3).
  std::set<InterfaceId> without_cga;
  crypto::KeyLimits key_limits;
  TimestampConfig timestamps;
  BudgetConfig budget;
  std::size_t max_pending = 64;            // verifications under way, in each Share
  std::size_t max_pending_per_source = 8;  // of one frame source; not of kProven and kAsked
  std::size_t max_duplicates = 4096;
  std::size_t max_nonces = 1024;  // of solicitations sent, that answers are known by
  // Whether the link-layer address that a sender gives as its own must be that of the frame (RFC
  // 3971 9.1). Not where a bridge or a proxy sends others' frames under an address of its own.
  bool compare_frame_source = false;
};

enum class Verdict : std::uint8_t {
  kSecured,    // CGA and signature verified, fresh
  kUnsecured,  // has no signature; or is an RtSolPr that failed validation (GS30)
  kRepeat,     // verified a moment ago: `proof->digest` names it
  // A Neighbor Solicitation with good CGA and signature, of a stranger whose clock is off: it may
  // be answered, and changes nothing (RFC 3971 5.3.4.2).
  kOutOfWindow,
  kUnknownKey,  // a Router Advertisement that a certificate may still prove; not verified
};

struct Judged {
  Verdict verdict = Verdict::kUnsecured;
  Reason reason = Reason::kUnsecured;
  Message message;
  std::optional<Proof> proof;  // but for kUnsecured; of kRepeat only the digest
};

class Receiver {
 public:
  Receiver(const ReceiverConfig& config, machine::Outbox& outbox);
  void configure(const ReceiverConfig& config);

  // Which kinds this node takes; others are not for it and are ignored without a counter.
  void take(Kind kind) { taken_[static_cast<std::size_t>(kind)] = true; }

  // Messages without CGA option, of kinds for which a certificate suffices, are verified by these
  // keys. `keys` outlives the receiver; without them such messages are discarded.
  void know(const KnownKeys& keys) { known_keys_ = &keys; }

  // From now on kOutOfWindow is a verdict; else such a message is discarded without its signature.
  void answer_out_of_window() { answers_out_of_window_ = true; }

  // Judges a packet as far as it goes without RSA. Nothing: it was discarded (counted), is not
  // for us, or waits for its signature. CPS and CPA come back as kUnsecured after the base checks.
  [[nodiscard]] std::optional<Judged> receive(Now now, const machine::Received& received);

  // True when the job is one of ours.
  [[nodiscard]] bool owns(machine::JobId job) const { return pending_.contains(job); }
  // The end of a verification. Checks again what may have changed since.
  [[nodiscard]] std::optional<Judged> complete(Now now, const machine::JobResult& result);

  // The caller found a secured message authorised and acts on it: remembers its timestamp.
  // False: the peer table is full of protected peers (kPeerTable); do not act.
  [[nodiscard]] bool accept(const Judged& judged);

  // The interface went down: verifications under way are cancelled. Those of their packets that the
  // kernel holds still want a verdict.
  std::vector<machine::HoldId> drop_pending(InterfaceId interface);

  // Tells the operator of a step that takes us out of the window of strangers (RFC 3971 9.2.5).
  // Records of peers stay: their messages are compared with the boot clock (RFC 3971 5.3.4.2).
  void clock_stepped(const machine::ClockStepped& step);

  // Whether this packet of the kernel's waits for a verification; and the one that waits for `job`.
  [[nodiscard]] bool holds(machine::HoldId hold) const;
  [[nodiscard]] std::optional<machine::HoldId> hold_of(machine::JobId job) const;

  [[nodiscard]] Nonces& nonces() { return nonces_; }
  [[nodiscard]] Stamps& stamps() { return stamps_; }
  [[nodiscard]] Timestamps& timestamps() { return timestamps_; }
  [[nodiscard]] const Counters<Reason>& counters() const { return counters_; }
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

 private:
  struct Pending {
    Message message;
    Proof proof;
    Share share = Share::kStrangers;
  };
  struct Examination;

  [[nodiscard]] std::optional<Reason> read_options(const Message& message,
                                                   const wire::RawOption& signature_option,
                                                   Examination& examined) const;
  [[nodiscard]] std::optional<Reason> read_key(const Message& message,
                                               const wire::RsaSignatureOption& signature,
                                               Examination& examined) const;
  [[nodiscard]] std::optional<Reason> hopeless(Now now, const Message& message,
                                               const wire::RawOption& signature_option) const;
  [[nodiscard]] std::optional<Reason> judge(Now now, const Message& message, Examination& examined);
  [[nodiscard]] std::optional<Judged> send_checks(Now now, Message message);
  [[nodiscard]] std::optional<Judged> fail_with(Reason reason, Message message);
  [[nodiscard]] bool takes(Kind kind) const { return taken_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] static Share share_of(const Message& message, bool known);
  [[nodiscard]] bool room_for(const Message& message, Share share) const;
  [[nodiscard]] bool may_answer(const Message& message, const Peer& peer) const;

  ReceiverConfig config_;
  machine::Outbox& outbox_;
  std::array<bool, static_cast<std::size_t>(Kind::kCount)> taken_{};
  bool answers_out_of_window_ = false;
  const KnownKeys* known_keys_ = nullptr;
  Timestamps timestamps_;
  Duplicates duplicates_;
  Nonces nonces_;
  Stamps stamps_;
  Budget budget_;
  std::map<machine::JobId, Pending> pending_;
  Counters<Reason> counters_;
};

}  // namespace sendoff::send
