// Handover keys for the mobile node (RFC 5269 3.1, 3.3): asks the current access router by RtSolPr,
// judges the PrRtAdv that come back, has the key opened, and asks again before it ends. What they
// tell of the neighbourhood is kept beside it.
//
// One campaign is under way at a time: up to 1 + RTSOLPR_RETRIES messages, doubling (GF12). Its
// messages within a second of the first are copies; a later one is a new attempt with a Nonce,
// Identifier and signature of its own (W11). What was asked is remembered until the campaign's
// last time-out (GF11).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "keys/held_keys.h"
#include "mobile/attach.h"
#include "mobile/counters.h"
#include "mobile/neighbourhood.h"
#include "send/sender.h"

namespace sendoff::mobile {

// A key is not asked again sooner, however short its life.
inline constexpr Duration kMinRenewalRetry = seconds(10);

// What a request asked, as long as its answers may come (HK-3.1-16).
struct Attempt {
  InterfaceId interface;
  std::uint64_t generation = 0;
  Bytes nonce;
  std::uint16_t identifier = 0;
  Ipv6Address source;
  Ipv6Address destination;
  Ipv6Address router;        // link-local address of the router in use
  keys::DecryptionKey pair;  // nothing: it asked for no key
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
  Instant first_sent;
  Instant ends;
  std::vector<Ipv6Address> answered;  // by these link-local addresses
  Bytes packet;
  unsigned copies = 0;  // that were sent
};

// What an RtSolPr asks beside a key.
struct Question {
  std::vector<LinkAddress> access_points{};  // none: about all
  // Where it goes: to the router in use, or to all on the link where there are several.
  std::optional<Ipv6Address> destination{};
};

class Provision {
 public:
  struct Parts {
    const Config& config;
    Attach& attach;
    nd::Discovery& discovery;
    nd::CertifiedKeys& certified;
    nd::PathFetcher& paths;
    send::Receiver& receiver;
    keys::HeldKeys& keys;
    keys::EncryptionPair& pair;
    Random& random;
    machine::Outbox& outbox;
    MobileCounters& counters;
  };
  explicit Provision(const Parts& parts) : parts_(parts) {
    neighbourhood_.configure(parts.config.access_points);
  }

  // The care-of CGA of the attachment in use is ready, or its link or router was left.
  void arrived(Now now);
  void left(const Attachment& attachment);
  void reconfigured(Now now);
  // Asks at once, within the rate limit. False: nothing is
  // sent, since this router answered no RtSolPr on this link and so has no fast handover
  // (FH-5.1-01). It may have been out of order: it is asked again when request_interval is over
  // (GF42).
  [[nodiscard]] bool request_now(Now now, const Question& question = {});

  void handle(Now now, send::Judged advertisement);
  [[nodiscard]] bool owns(machine::JobId job) const;
  void complete(Now now, machine::JobResult result);
  [[nodiscard]] bool owns(machine::ActionId action) const { return storing_.contains(action); }
  void outcome(Now now, const machine::Outcome& outcome);
  void paths_ended(Now now, const nd::PathFetcher::Ended& ended);

  [[nodiscard]] const Neighbourhood& neighbourhood() const { return neighbourhood_; }
  // The access point of a PrRtAdv with Code 1: the network wants the MN to move there.
  [[nodiscard]] std::optional<LinkAddress> take_trigger();
  [[nodiscard]] std::vector<std::shared_ptr<const Attempt>> attempts() const;

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

 private:
  struct Campaign {
    std::shared_ptr<Attempt> attempt;  // the last one sent
    std::shared_ptr<Attempt> next;     // being signed
    std::optional<machine::JobId> signing;
    unsigned sent = 0;
    Duration timeout{};
    Instant next_send;
    Question question;
  };
  struct HeldReply {
    send::Judged advertisement;
    std::shared_ptr<Attempt> attempt;
    Instant until;
  };
  struct Opening {
    send::Judged advertisement;
    std::shared_ptr<Attempt> attempt;
    Ipv6Address ar;
    crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
    std::uint16_t lifetime_s = 0;
  };

  // A key that came and is not used yet, since its record is being stored.
  struct Storing {
    keys::HeldKey key;
    InterfaceId interface;
    std::uint64_t generation = 0;
    std::uint16_t lifetime_s = 0;
  };

  void ensure_pair(Now now);
  void generated(Now now, keys::DecryptionKey key);
  enum class Occasion : std::uint8_t { kAsked, kPeriodic };
  void begin(Now now, const Question& question, Occasion occasion);
  void send(Now now);
  void new_attempt(Now now);
  [[nodiscard]] send::Unsigned unsigned_request(const Attachment& attachment,
                                                const Attempt& attempt) const;
  void transmit(Now now, const std::shared_ptr<Attempt>& attempt);
  void signed_message(Now now, machine::JobResult& result);
  void end_campaign(Now now);
  void give_up_sending(Now now, MobileCounter why, const std::string& text);
  void schedule(Now now, Instant at);

  [[nodiscard]] std::shared_ptr<Attempt> find(InterfaceId interface, ByteView nonce) const;
  void handle_solicited(Now now, send::Judged advertisement);
  void handle_unsolicited(Now now, const send::Judged& advertisement);
  void hold(Now now, send::Judged advertisement, std::shared_ptr<Attempt> attempt);
  void judge(Now now, send::Judged advertisement, std::shared_ptr<Attempt> attempt);
  [[nodiscard]] Result<Opening, MobileCounter> read_reply(Now now,
                                                          const send::Message& advertisement,
                                                          const Bytes& spki,
                                                          const Attempt& attempt) const;
  [[nodiscard]] std::optional<Ipv6Address> router_address(const send::Message& advertisement,
                                                          const Bytes& spki,
                                                          const Attempt& attempt) const;
  void opened(Now now, Opening opening, machine::JobResult& result);
  void store(Now now, const Opening& opening, Secret key);
  void put_into_use(Now now, Storing stored);
  void learn(const send::Message& advertisement);
  void measure(const send::Message& advertisement, const Attempt& attempt);
  void refuse(Now now, const Ipv6Address& router, MobileCounter why);
  void drop_reply(MobileCounter why, const Ipv6Address& router);

  Parts parts_;
  std::optional<Campaign> campaign_;
  std::vector<std::shared_ptr<Attempt>> attempts_;  // oldest first
  std::deque<Instant> sends_;                       // the last MAX_RTSOLPR_RATE
  std::vector<HeldReply> held_;
  std::map<machine::JobId, Opening> opening_;
  std::optional<machine::JobId> generating_;
  std::map<machine::ActionId, Storing> storing_;
  bool waits_for_pair_ = false;
  bool heard_ = false;                  // a PrRtAdv of the router in use, on this link
  bool silent_ = false;                 // none came after RTSOLPR_RETRIES; periodic requests go on
  std::optional<Duration> round_trip_;  // of this link, with what the router does for an answer
  Instant pair_check_{};
  Instant next_request_ = kNever;
  std::set<Ipv6Address> routers_here_;  // whose keys were received on this link
  std::uint64_t warned_for_ = 0;
  Neighbourhood neighbourhood_;
  std::optional<LinkAddress> trigger_;
};

}  // namespace sendoff::mobile
