// The previous access router: FBUs (RFC 5568 5, 6.2.2; RFC 5269 3.5). An FBU is judged in one step
// on the machine's thread; nothing of it has an effect before its authenticator verified, and what
// fails is answered by nothing (W23). Bindings are installed by actions; the accepting FBack
// follows the outcome.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/counters.h"
#include "keys/issued_keys.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "router/config.h"
#include "router/links.h"
#include "router/neighbourhood.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::router {

// RFC 5568 6.2.3.
inline constexpr std::uint8_t kFBackAccepted = 0;
inline constexpr std::uint8_t kFBackUnspecified = 128;
inline constexpr std::uint8_t kFBackProhibited = 129;
inline constexpr std::uint8_t kFBackNoResources = 130;
inline constexpr std::uint8_t kFBackStaleSequence = 135;

enum class ParCounter : std::uint8_t {
  // Not answered.
  kMalformed,  // Mobility Header or its options
  kChecksum,
  kOtherType,  // a mobility message that is not an FBU
  kNoHomeAddress,
  kNotOurAddress,  // not sent to a global address of ours
  kNotOnLink,      // PCoA in no prefix of that address's interface (GF24)
  kFlags,          // A or H is 0
  kCareOfAddress,  // not unicast routable, or none but the PCoA
  kNoKey,
  kKeyExpired,
  kNoAuthorization,
  kSpi,
  kMacLength,
  kMac,
  // Authenticated.
  kRepeated,         // octet-identical: the same FBack again
  kStale,            // sequence number: FBack 135
  kStaleUnanswered,  // above the rate of those
  kProhibited,       // NCoA at no neighbour of ours: FBack 129
  kNoInitiate,       // the neighbour needs HI, which this version does not send: FBack 128
  kNoResources,      // FBack 130
  kAccepted,
  kEnded,    // lifetime 0
  kExpired,  // bindings that ran out
  kCount,
};
[[nodiscard]] std::string_view name(ParCounter counter);

struct Binding {
  Ipv6Address pcoa;
  Ipv6Address ncoa;
  Ipv6Address par;  // our address that the FBU named: the tunnel's entry
  InterfaceId interface;
  Instant expires;
};

class Par {
 public:
  Par(const Config& config, const std::vector<ServedLink>& links, keys::IssuedKeys& keys,
      machine::Outbox& outbox);

  // A packet whose upper layer is a Mobility Header.
  void handle(Now now, const machine::Received& received, const wire::PacketView& packet);

  [[nodiscard]] bool owns(machine::ActionId action) const;
  void outcome(Now now, const machine::Outcome& outcome);

  // The key was discarded: what was answered under it is forgotten.
  void key_gone(const machine::IssuedKeyName& key) { answered_.erase(key); }

  // CGAs whose forwarding timed out since the last call: their keys go too (GF8).
  [[nodiscard]] std::vector<Ipv6Address> take_timed_out();
  [[nodiscard]] bool bound(const Ipv6Address& pcoa) const { return bindings_.contains(pcoa); }

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

  [[nodiscard]] const std::map<Ipv6Address, Binding>& bindings() const { return bindings_; }
  [[nodiscard]] const Counters<ParCounter>& counters() const { return counters_; }

 private:
  // An FBU that passed every check that needs no key.
  struct Update {
    InterfaceId arrived_on;
    LinkAddress frame_source;
    Ipv6Address source;
    Ipv6Address pcoa;
    Ipv6Address par;
    Ipv6Address care_of;       // the new care-of address
    Ipv6Address care_of_term;  // of the authenticator
    InterfaceId holder;        // the interface that holds `par`
    wire::FastBindingUpdate fbu;
    crypto::Sha256Digest digest{};
    machine::IssuedKeyName key;
  };
  // What waits for the outcome of an action of ours.
  struct Step {
    enum class Kind : std::uint8_t { kSequenceStored, kInstalled, kRemoved };
    Kind kind = Kind::kInstalled;
    Update update;
    std::uint16_t granted_s = 0;
  };
  // The last accepted FBU under a key, and what it was answered with (W21).
  struct Answered {
    crypto::Sha256Digest digest{};
    std::vector<machine::Transmit> packets;  // none while the answer waits for an outcome
  };

  [[nodiscard]] std::optional<ParCounter> read(const machine::Received& received,
                                               const wire::PacketView& packet,
                                               Update& update) const;
  void refuse_silently(Now now, ParCounter why, const Update& update);
  void follow(Now now, Update update);
  void register_binding(Now now, Update update, const keys::IssuedKey& key);
  void end_binding(Now now, Update update);
  void answer(const Update& update, std::uint8_t status, std::uint16_t lifetime_s,
              std::uint16_t sequence);
  void installed(Now now, const Step& step, bool succeeded);
  [[nodiscard]] machine::Transmit packet_to(const Update& update, const Ipv6Address& destination,
                                            const wire::FastBindingAcknowledgement& fback,
                                            const keys::IssuedKey& key) const;

  const Config& config_;
  const std::vector<ServedLink>& links_;
  keys::IssuedKeys& keys_;
  machine::Outbox& outbox_;
  std::map<Ipv6Address, Binding> bindings_;
  std::set<std::pair<Instant, Ipv6Address>> expiries_;
  std::map<machine::ActionId, Step> steps_;
  std::map<machine::IssuedKeyName, Answered> answered_;
  std::vector<Ipv6Address> timed_out_;
  machine::TokenBucket stale_answers_{10, 10};
  machine::TokenBucket refusal_reports_{1, 1};
  Counters<ParCounter> counters_;
};

}  // namespace sendoff::router
