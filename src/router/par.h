// The previous access router (RFC 5568 4, 5, 6.2; RFC 5269 3.5): FBUs, the HI to the NAR and the
// HAck from it, the binding, the FBack. An FBU is judged in one step on the machine's thread;
// nothing of it has an effect before its authenticator verified, and what fails is answered by
// nothing (W23).
//
//   FBU ──► HI ──HAck──► InstallBinding ──outcome──► binding live, FBack
//            │ └─ refused, or silent for HI_RETRIES ─► FBack 128 …, nothing changed
//            └ repeats of the FBU join (GF13); an FBU for another NCoA begins anew
//
// A reactive one tells that its node has left: from then on its packets wait, until the binding
// stands or there will be none (GF56).
//
// Without HI (`handover_initiate` off, or a renewal of what stands) it begins at InstallBinding.
// With `early_fback` a reactive one does both at once, and the HAck may take the binding back.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "keys/issued_keys.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "router/config.h"
#include "router/fbu.h"
#include "router/links.h"
#include "router/neighbour_table.h"
#include "router/peer_link.h"

namespace sendoff::router {

// Status of an FBack, RFC 5568 6.2.3.
inline constexpr std::uint8_t kFBackAccepted = 0;
inline constexpr std::uint8_t kFBackOtherAddress = 1;
inline constexpr std::uint8_t kFBackUnspecified = 128;
inline constexpr std::uint8_t kFBackProhibited = 129;
inline constexpr std::uint8_t kFBackNoResources = 130;
inline constexpr std::uint8_t kFBackStaleSequence = 135;

enum class InitiateCounter : std::uint8_t {
  kSent,       // HI
  kRepeated,   // HI sent again
  kNotSent,    // refused by the peer link
  kAnswered,   // by a HAck that decided it
  kSilent,     // given up after HI_RETRIES
  kAbandoned,  // the MN wanted something else meanwhile
  // HAcks that were not followed.
  kMalformed,
  kUnmatched,    // no such HI is outstanding with that peer
  kNotRelevant,  // Code 1, 2 or 4 in answer to a Code 1 HI: as if lost
  kNotAsked,     // Code 4 for a PCoA that we forward nothing for, or too many of them
  kCount,
};
[[nodiscard]] std::string_view name(InitiateCounter counter);

// Forwarding in force.
struct Binding {
  Ipv6Address pcoa;
  Ipv6Address ncoa;  // the tunnel's far end: the NCoA, or the NAR for "use PCoA"
  Ipv6Address par;   // its near end: our address that the FBU named
  InterfaceId interface;
  Instant expires;
  Ipv6Address proposed;                  // the NCoA that the FBU asked for
  std::optional<Ipv6Address> alternate;  // what the FBack said instead, or with it (GF16)
  std::optional<Ipv6Address> peer;       // the NAR that agreed to it; nothing without HI
  LinkAddress link_address;              // the MN's, as the HI said it
  machine::IssuedKeyName key;            // that authenticated its last FBU
};

class Par {
 public:
  Par(const Config& config, const std::vector<ServedLink>& links, keys::IssuedKeys& keys,
      const NeighbourTable& neighbours, PeerLink& peer_link, Random& random,
      machine::Outbox& outbox);

  // A packet with a Mobility Header that the MobilityGate admitted.
  void handle(Now now, const machine::Received& received, const wire::PacketView& packet);
  // A HAck.
  void handle(Now now, const FromPeer& message);

  // Forwarding from before a restart: taken up once its entry is an address of ours again. False:
  // it is over, or nobody could move or end it, for its key is gone.
  [[nodiscard]] bool restore(Now now, const machine::LiveBinding& record);
  // An address of ours can be used.
  void address_ready(Now now, const ServedLink& link, const Ipv6Address& address);

  [[nodiscard]] bool owns(machine::ActionId action) const;
  void outcome(Now now, const machine::Outcome& outcome);

  // The key was discarded: what was answered under it is forgotten.
  void key_gone(const machine::IssuedKeyName& key) { answered_.erase(key); }

  // CGAs whose forwarding timed out since the last call: their keys go too (GF8).
  [[nodiscard]] std::vector<Ipv6Address> take_timed_out();
  // PCoAs whose forwarding was asked to end since the last call, however it ended.
  [[nodiscard]] std::vector<Ipv6Address> take_ended();
  // Nodes that left our link since the last call, each with the address that it has now.
  struct Departure {
    Ipv6Address ncoa;
    LinkAddress link_address;  // that it got its key with
  };
  [[nodiscard]] std::vector<Departure> take_departures();
  [[nodiscard]] bool bound(const Ipv6Address& pcoa) const { return bindings_.contains(pcoa); }
  [[nodiscard]] bool bound(const Ipv6Address& pcoa, const Ipv6Address& ncoa) const {
    const auto found = bindings_.find(pcoa);
    return found != bindings_.end() && found->second.ncoa == ncoa;
  }
  // A buffer for the PCoA is open, and it is ours to end.
  [[nodiscard]] bool buffers(const Ipv6Address& pcoa) const { return buffers_.contains(pcoa); }

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

  [[nodiscard]] const std::map<Ipv6Address, Binding>& bindings() const { return bindings_; }
  [[nodiscard]] const Counters<ParCounter>& counters() const { return counters_; }
  [[nodiscard]] const Counters<InitiateCounter>& initiate_counters() const { return initiate_; }

  // For `sendoff status`, in order of PCoA.
  struct HandoverView {
    Ipv6Address pcoa;
    Ipv6Address proposed;
    std::optional<Ipv6Address> peer;
    std::string_view state;
  };
  [[nodiscard]] std::vector<HandoverView> handovers(std::size_t limit) const;
  [[nodiscard]] std::size_t handover_count() const { return handovers_.size(); }

 private:
  // What the FBack says and where packets go then.
  struct Terms {
    std::uint8_t status = kFBackAccepted;
    Ipv6Address far_end;
    std::optional<Ipv6Address> alternate;
  };
  // One PCoA on its way to a binding.
  struct Handover {
    enum class Stage : std::uint8_t { kAsking, kInstalling };
    Stage stage = Stage::kAsking;
    Binding wanted;
    Terms terms;
    std::vector<Update> updates;  // whom an FBack is owed, oldest first; none: nobody asked (GF27)
    std::optional<Update> next;   // kInstalling: what the MN wants after this
    wire::HandoverInitiate hi;
    std::uint32_t retries_left = 0;
    Duration timeout{};
    Instant deadline = kNever;
    bool early = false;     // accepted already; the HAck is still awaited
    bool restored = false;  // in force before a restart
  };
  using Handovers = std::map<Ipv6Address, Handover>;
  // What waits for the outcome of an action of ours.
  struct Step {
    enum class Kind : std::uint8_t {
      kSequenceStored,
      kBuffering,
      kInstalledEarly,
      kInstalled,
      kEnded
    };
    Kind kind = Kind::kInstalled;
    Ipv6Address pcoa;
    std::optional<Update> update;
  };
  // FBUs of one PCoA that wait for the outcomes of what was done about them, in order of arrival.
  struct Waiting {
    unsigned pending = 0;  // outcomes
    bool failed = false;
    std::vector<Update> updates;  // at most kMaxJoined
    void add(Update update);
  };
  // What is kept for a PCoA on its way to a binding (GF51, GF56). None outlives the last handover
  // and the last FBU that waits for the store.
  struct Buffer {
    bool copies = false;  // packets go on meanwhile
    bool reopened = false;
    machine::ActionId opening;
  };
  // Why an FBU is refused before anybody is asked.
  struct Objection {
    ParCounter why;
    std::uint8_t status;
  };
  // The last accepted FBU under a key, and what it was answered with (W21).
  struct Answered {
    crypto::Sha256Digest digest{};
    std::vector<machine::Transmit> packets;  // none while the answer waits for an outcome
    machine::TokenBucket repeats{3, 3};      // GF13: nobody repeats faster
  };

  // par.cpp: FBUs.
  void refuse_silently(Now now, ParCounter why, const Update& update);
  void repeat_answer(Now now, Answered& last);
  void sequence_stored(Now now, const Ipv6Address& pcoa, bool succeeded);
  void follow(Now now, Update update);
  void pursue(Now now, Update update);
  [[nodiscard]] std::optional<Objection> objection(const Update& update) const;
  [[nodiscard]] const Binding* renewed_by(const Update& update) const;
  void refuse(const Update& update, ParCounter why, std::uint8_t status);
  [[nodiscard]] bool join(const Update& update);
  void begin(Now now, Update update);
  void end_binding(Update update);
  void binding_gone(const Ipv6Address& pcoa);
  void answer(const Update& update, const Terms& terms, std::uint16_t lifetime_s);
  void answer_refused(const Update& update, std::uint8_t status, std::uint16_t sequence);
  void send_answer(const Update& update, const wire::FastBindingAcknowledgement& fback,
                   const std::vector<Ipv6Address>& destinations);
  [[nodiscard]] machine::Transmit packet_to(const Update& update, const Ipv6Address& destination,
                                            const wire::FastBindingAcknowledgement& fback,
                                            const keys::IssuedKey& key) const;

  // par_initiate.cpp: HI and HAck.
  [[nodiscard]] std::optional<LinkAddress> link_address_of(const Update& update) const;
  void ask(Now now, Handover handover, const Neighbour& nar, bool predictive);
  [[nodiscard]] std::uint16_t fresh_sequence(const Ipv6Address& peer);
  [[nodiscard]] bool send_hi(Now now, Handover& handover);
  void ask_again(Now now, Handovers::iterator handover);
  void decide(Now now, Handovers::iterator handover, const wire::HandoverAcknowledge& hack);
  [[nodiscard]] Terms terms_of(const Handover& handover,
                               const wire::HandoverAcknowledge& hack) const;
  [[nodiscard]] bool usable(const Handover& handover, const Ipv6Address& assigned) const;
  void invited(Now now, const FromPeer& message, const wire::HandoverAcknowledge& hack);
  void give_up(Handovers::iterator handover, ParCounter why, std::uint8_t status,
               std::string_view reason);
  void abandon(Handovers::iterator handover);
  void withdraw_question(Handovers::iterator handover, Handover& asking);

  // par_buffer.cpp: what waits.
  void hold(const Update& update);
  void open_buffer(const Ipv6Address& pcoa, InterfaceId interface, bool copies);
  void buffering(const Ipv6Address& pcoa, machine::ActionId opening, bool succeeded);
  void settle_buffer(const Ipv6Address& pcoa);

  // par_binding.cpp: what stands.
  void install(Now now, Handovers::iterator handover);
  void departs(const Binding& wanted);
  void install_early(const Handover& asking);
  void installed_early(Now now, const Update& update, bool succeeded);
  void installed(Now now, const Ipv6Address& pcoa, bool succeeded);
  void accept(Now now, Binding binding, const std::vector<Update>& updates, const Terms& terms);
  [[nodiscard]] std::uint16_t grant(Now now, const Update& update) const;
  void persist(Now now, const Binding& binding);
  Binding take_restored(std::map<Ipv6Address, Binding>::iterator entry);
  void drop_restored(std::map<Ipv6Address, Binding>::iterator entry);
  [[nodiscard]] bool enter(const Binding& binding);
  void become_live(Now now, const Binding& binding, bool fresh);
  std::array<machine::ActionId, 2> end_live(const Ipv6Address& pcoa, std::string_view reason);
  void intercept(const Binding& binding);

  const Config& config_;
  const std::vector<ServedLink>& links_;
  keys::IssuedKeys& keys_;
  const NeighbourTable& neighbours_;
  PeerLink& peer_link_;
  Random& random_;
  machine::Outbox& outbox_;
  std::map<Ipv6Address, Binding> bindings_;
  std::set<std::pair<Instant, Ipv6Address>> expiries_;  // of both
  std::map<Ipv6Address, Binding> restored_;  // that wait for their entry; none is in bindings_
  Handovers handovers_;
  std::map<Ipv6Address, Waiting> storing_;                              // by PCoA
  std::map<Ipv6Address, Waiting> ending_;                               // by PCoA
  std::map<Ipv6Address, Buffer> buffers_;                               // by PCoA
  std::map<std::pair<Ipv6Address, std::uint16_t>, Ipv6Address> asked_;  // (NAR, sequence): PCoA
  std::set<std::pair<Instant, Ipv6Address>> deadlines_;                 // of handovers that ask
  std::optional<std::uint16_t> last_hi_sequence_;
  std::map<machine::ActionId, Step> steps_;
  std::map<machine::IssuedKeyName, Answered> answered_;
  std::vector<Ipv6Address> timed_out_;
  std::vector<Ipv6Address> ended_;
  std::vector<Departure> departures_;
  machine::TokenBucket stale_answers_{10, 10};
  machine::TokenBucket refusal_reports_{1, 1};
  machine::TokenBucket invitations_{10, 10};
  Counters<ParCounter> counters_;
  Counters<InitiateCounter> initiate_;
};

}  // namespace sendoff::router
