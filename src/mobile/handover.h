// Handovers of the mobile node (RFC 5568 4, 5; RFC 5269 3.4, 3.6): Fast Binding Updates to the
// previous access router and what comes back. Symmetric work only: nothing here signs, opens or
// waits for a key (HK-1-01).
//
// A movement is the node's relation to one access router whose care-of address (PCoA) it keeps in
// use: prepared by an order on that router's link (predictive), or begun after arrival elsewhere
// (reactive), renewed at half its lifetime (GF41), and ended by coming back (GF7), by the word that
// Mobile IPv6 has updated its bindings, or by silence.
//
// Tunnels, UNA and the switching of the kernel's addresses are not its work.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "keys/held_keys.h"
#include "mobile/attach.h"
#include "mobile/counters.h"
#include "mobile/neighbourhood.h"
#include "wire/mobility.h"

namespace sendoff::mobile {

class Handover {
 public:
  struct Parts {
    const Config& config;
    Attach& attach;
    keys::HeldKeys& keys;
    keys::EncryptionPair& pair;
    machine::Outbox& outbox;
    MobileCounters& counters;
  };
  explicit Handover(const Parts& parts) : parts_(parts) {}

  [[nodiscard]] Result<void, machine::OrderError> order(Now now, const LinkAddress& access_point,
                                                        const Neighbourhood& neighbourhood);
  // The care-of CGA of the attachment in use is ready, or its link or router was left.
  void arrived(Now now, const Attachment& attachment);
  void left(Now now, const Attachment& attachment);
  // Mobile IPv6 has updated its bindings: movements away from other routers are over.
  void binding_complete(const Ipv6Address& current);
  // The key of (ar, cga) is gone, so nothing more can be said under it.
  void key_gone(const Ipv6Address& ar, const Ipv6Address& cga);

  // A packet with a Mobility Header; anything but an FBack is ignored.
  void handle(Now now, const machine::Received& received);

  // Whether a movement still needs this address of a link that was left.
  [[nodiscard]] bool needs(const Ipv6Address& address) const;
  [[nodiscard]] std::string_view state() const;
  // An FBU stayed without answer, or a binding lapsed: the router may have forgotten our key, so
  // another one is asked for (GF41, GF42).
  [[nodiscard]] bool take_key_wanted();

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

 private:
  struct Outstanding {
    std::uint16_t sequence = 0;
    Instant sent;
  };
  // One FBU on its way to its FBack, with its repetitions.
  struct Pending {
    Ipv6Address care_of;  // NCoA asked for; the PCoA to end the binding
    std::uint16_t lifetime_s = 0;
    bool renewal = false;
    bool resynchronised = false;
    unsigned sent = 0;
    Duration timeout{};
    Instant next_send;
    std::vector<Outstanding> outstanding;
  };
  struct Granted {
    Ipv6Address ncoa;
    Instant expires;
    Instant renew_at;
  };
  struct Movement {
    Ipv6Address par;
    Ipv6Address pcoa;
    InterfaceId interface;
    LinkAddress link_address;
    std::optional<LinkAddress> access_point;  // ordered
    bool fbu_sent = false;
    bool stopped = false;  // refused, or no answer: fast handover is over for this movement
    std::optional<Pending> pending;
    std::optional<Granted> granted;
    std::deque<Instant> sends;  // of the last second
  };

  [[nodiscard]] Movement* find(const Ipv6Address& par, const Ipv6Address& pcoa);
  Movement& movement_from(const Attachment& attachment);
  void remove(const Movement& movement);
  [[nodiscard]] bool on_par_link(const Movement& movement) const;
  [[nodiscard]] bool attached() const;
  void begin(Now now, Movement& movement, const Ipv6Address& care_of, std::uint16_t lifetime_s,
             bool renewal);
  void send(Now now, Movement& movement);
  void transmit(const Movement& movement, const wire::FastBindingUpdate& fbu,
                const keys::HeldKey& key);
  [[nodiscard]] bool returned(Now now, Movement& movement);
  void moved_on(Now now, Movement& movement, const Attachment& attachment);
  void unanswered(Now now, Movement& movement);
  void lapse(const Movement& movement);
  [[nodiscard]] Movement* addressee(const wire::PacketView& packet);
  [[nodiscard]] keys::HeldKey* authenticate(Now now, const Movement& movement, ByteView header,
                                            const wire::FastBindingAcknowledgement& fback);
  void resynchronise(Now now, Movement& movement, keys::HeldKey& key, std::uint16_t last);
  void accepted(Movement& movement, const wire::FastBindingAcknowledgement& fback, Instant sent);
  void stop(Movement& movement, const std::string& reason);
  void settle(Movement& movement);

  Parts parts_;
  std::vector<Movement> movements_;  // oldest first
  bool key_wanted_ = false;
  bool uncounted_fbu_ = false;  // an FBU left since the last change of router was counted (GF9)
  std::optional<Ipv6Address> last_router_;
};

}  // namespace sendoff::mobile
