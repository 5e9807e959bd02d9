// Handovers of the mobile node (RFC 5568 4, 5; RFC 5269 3.4, 3.6): Fast Binding Updates to the
// previous access router, what comes back, and the tunnel that it gives. Symmetric work only:
// nothing here signs, opens or waits for a key (HK-1-01).
//
// A movement is the node's relation to one access router whose care-of address (PCoA) it keeps in
// use: prepared by an order on that router's link (predictive), or begun after arrival elsewhere
// (reactive), renewed at half its lifetime (GF41), and ended by coming back (GF7), by the word that
// Mobile IPv6 has updated its bindings, or by silence.
//
//    order ──▶ FBU ──▶ FBack, or fback_wait over ──▶ SwitchLink
//    left ──▶ arrived: FBack for this address was had?   tunnel          (predictive)
//                      else                              tunnel, FBU     (reactive)
//
// What address stands on the new link, and its announcement, is Landing's.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "keys/held_keys.h"
#include "mobile/attach.h"
#include "mobile/counters.h"
#include "mobile/neighbourhood.h"
#include "mobile/standing.h"
#include "wire/ipv6.h"
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

  // A person's order is held back for the interval of RFC 5568 5.6; the network's (Code 1) is not,
  // and its link is changed to even when the handover is refused.
  enum class Initiator : std::uint8_t { kPerson, kNetwork };
  [[nodiscard]] Result<void, machine::OrderError> order(Now now, const LinkAddress& access_point,
                                                        const Neighbourhood& neighbourhood,
                                                        Initiator initiator);

  // A key of an earlier run: what that run asked for under it may still be in force.
  void restored(Now now, const Ipv6Address& ar, const Ipv6Address& cga);
  // Addresses of ours that a router may defend, as it forwards for them (GF25).
  [[nodiscard]] std::vector<Ipv6Address> defended(Now now) const;
  // Ends a binding that nothing here follows any more, at the router whose link the node is on
  // (GF57). To be called when a key may have come.
  void end_left_behind(Now now);

  // The link was left; `attachment` is that in use there, if any.
  void left(Now now, const Attachment* attachment);
  // The node is about to announce `address`: tunnels that an FBack granted to it are attached, and
  // those that an FBU asked for whose FBack may be lost (FH-4-40).
  void expect_tunnel(InterfaceId interface, const Ipv6Address& address);
  // An address stands on a link, or another one does, or its router is known now.
  void arrived(Now now, const Standing& standing);
  // That address is not ours any more.
  void lost(const Ipv6Address& address);
  // What the NAR said to the UNA (RFC 5568 6.4.6).
  void use_router(const Ipv6Address& router) { name_router_ = router; }  // status 3
  void use_previous();                                                   // status 4
  void unrecognised(InterfaceId interface);                              // status 128
  // No fast handover to this link (Option-Code 7): movements end here.
  void bar() { barred_ = true; }

  // Mobile IPv6 has updated its bindings: movements away from other routers are over.
  void binding_complete(Now now, const Ipv6Address& current);
  // The key of (ar, cga) is gone, so nothing more can be said under it; `reason` is for the events.
  void key_gone(Now now, const Ipv6Address& ar, const Ipv6Address& cga, std::string_view reason);

  // A packet that the MobilityGate admitted; anything but an FBack or a Binding Error is ignored.
  // True: an authentic FBack that came through the router of this link from another one.
  bool handle(Now now, const wire::PacketView& packet, const wire::MobilityHeader& head);
  [[nodiscard]] bool owns(machine::ActionId action) const;
  void outcome(Now now, const machine::Outcome& outcome);

  // The link is being changed to this access point.
  [[nodiscard]] std::optional<AccessPoint> take_switching();
  // The access point that the node is about to move to.
  [[nodiscard]] const AccessPoint* expected() const;
  // The address that an FBack gave for it: another than the proposed one (FH-3.2-04), or the PCoA.
  [[nodiscard]] std::optional<Ipv6Address> granted_at(const LinkAddress& access_point) const;
  // The same, when it came on the new link already.
  [[nodiscard]] std::optional<Ipv6Address> take_assigned();
  [[nodiscard]] std::vector<Ipv6Address> previous_addresses() const;
  // Whether a movement goes on, so that an arrival is urgent; and whether it is one that leads away
  // from somewhere else than there.
  [[nodiscard]] bool moving() const;
  // Leaving this attachment now would begin a movement: a key is at hand.
  [[nodiscard]] bool can_leave(Now now, const Attachment& attachment) const;
  [[nodiscard]] bool away_from(const Standing& standing) const;
  // Whether a movement still needs this address of a link that was left.
  [[nodiscard]] bool needs(const Ipv6Address& address) const;
  // An FBU stayed without answer, or a binding lapsed: the router may have forgotten our key, so
  // another one is asked for (GF41, GF42).
  [[nodiscard]] bool take_key_wanted();

  struct View {
    Ipv6Address par;
    Ipv6Address pcoa;
    std::optional<Ipv6Address> ncoa;  // granted
    std::string_view state;           // "waiting for FBack", "forwarding", "left", "stopped"
    std::int64_t remaining_s = 0;
  };
  [[nodiscard]] std::vector<View> views(Instant now) const;
  [[nodiscard]] std::string_view state() const;

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
    bool by_router = false;  // it is the NAR's own address
    bool resynchronised = false;
    bool key_asked = false;
    bool tried_again = false;  // after a refusal that passes
    unsigned sent = 0;
    Duration timeout{};
    Instant next_send = kNever;  // kNever: waits for a link
    Ipv6Address source;          // of the last one
    std::vector<Outstanding> outstanding;
  };
  struct Granted {
    Ipv6Address ncoa;
    Ipv6Address proposed;
    bool by_router = false;  // the NAR delivers to the PCoA: no tunnel of ours (GF16)
    Instant expires;
    Instant renew_at;
  };
  struct Movement {
    Ipv6Address par;
    Ipv6Address pcoa;
    InterfaceId interface;
    std::optional<AccessPoint> target;  // ordered, and not reached yet
    std::optional<Ipv6Address> nar;
    bool by_network = false;
    bool away = false;     // the PAR's link was left
    bool kept = false;     // the PCoA is on the interface in use
    bool refused = false;  // not to be used there, until an FBack gives a right to it (GF58)
    bool fbu_sent = false;
    bool may_stand = false;  // a binding that an FBU of ours asked for
    bool stopped = false;    // refused, or no answer: fast handover is over for this movement
    std::optional<Pending> pending;
    std::optional<Granted> granted;
    std::optional<Instant> first_granted;
    Instant switch_at = kNever;
    std::optional<machine::ActionId> switching;
    std::optional<Ipv6Address> tunnel;  // its near end
    std::optional<machine::ActionId> attaching;
    std::deque<Instant> sends;  // of the last second
  };

  // A binding that may stand though its movement is over (GF57). No key is kept with it.
  struct LeftBehind {
    Ipv6Address par;
    Ipv6Address pcoa;
    Instant until;  // it has lapsed
  };

  [[nodiscard]] Movement* find(const Ipv6Address& par, const Ipv6Address& pcoa);
  Movement& movement_from(Now now, const Attachment& attachment);
  void remove(const Movement& movement, std::string_view reason);
  void leave_behind(Now now, const Ipv6Address& par, const Ipv6Address& pcoa);
  // If an FBU of ours asked for its binding.
  void leave_behind(Now now, const Movement& movement);
  [[nodiscard]] bool on_link_of(const Ipv6Address& par, const Ipv6Address& pcoa) const;
  [[nodiscard]] bool on_par_link(const Movement& movement) const {
    return on_link_of(movement.par, movement.pcoa);
  }
  [[nodiscard]] std::uint16_t lifetime_s() const;
  // The router refuses care-of addresses under this one's prefix: none is formed again while the
  // node is on its link.
  void unfit(const Ipv6Address& care_of);
  void switch_link(Movement& movement);
  void attach_tunnel(Movement& movement);
  void detach_tunnel(Movement& movement);

  [[nodiscard]] bool returned(Now now, Movement& movement);
  void moved_on(Now now, Movement& movement);
  void keep_previous(Movement& movement);
  void resume(Now now, Movement& movement);
  void renew(Now now, Movement& movement);
  void not_moved(Now now, Movement& movement, const std::string& reason);
  void lapse(const Movement& movement);

  // handover_messages.cpp
  void begin(Now now, Movement& movement, const Ipv6Address& care_of, std::uint16_t lifetime_s,
             bool renewal);
  void send(Now now, Movement& movement);
  void transmit(Movement& movement, const wire::FastBindingUpdate& fbu, const keys::HeldKey& key);
  void send_again(Now now, Movement& movement);
  void unanswered(Now now, Movement& movement);
  [[nodiscard]] Movement* addressee(const wire::PacketView& packet);
  [[nodiscard]] keys::HeldKey* authenticate(Now now, const Movement& movement, ByteView header,
                                            const wire::FastBindingAcknowledgement& fback);
  [[nodiscard]] bool acknowledged(Now now, const wire::PacketView& packet, ByteView header);
  void binding_error(const wire::PacketView& packet, ByteView header);
  void resynchronise(Now now, Movement& movement, keys::HeldKey& key, std::uint16_t last);
  void refused(Now now, Movement& movement, std::uint8_t status);
  void accepted(Movement& movement, const wire::FastBindingAcknowledgement& fback, Instant sent);
  void stop(Movement& movement, std::string_view reason);
  void settle(Movement& movement);

  Parts parts_;
  std::vector<Movement> movements_;  // oldest first
  std::deque<LeftBehind> left_behind_;
  std::optional<Standing> standing_;
  std::optional<Ipv6Address> name_router_;  // as care-of address, on this link
  std::optional<Ipv6Address> assigned_;
  std::optional<AccessPoint> switching_;
  std::deque<Prefix> unfit_;
  bool barred_ = false;
  bool key_wanted_ = false;
  bool uncounted_fbu_ = false;  // an FBU left since the last change of router was counted (GF9)
  std::optional<Ipv6Address> last_ar_;
  std::optional<Instant>
      last_voluntary_;  // a person's order that Mobile IPv6 has not caught up with
};

}  // namespace sendoff::mobile
