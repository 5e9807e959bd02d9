// The link that a handover leads to, from its first moment on (RFC 5568 4, 6.3, 6.4.6): the care-of
// address is put into use and announced before any RA is heard, the way to the NAR is set from what
// the PAR told of it, and what the NAR says to the announcement is followed. Nothing here waits for
// a timer or for a signature.
//
// Decides nothing about movements: it tells what became of the address, Handover draws the
// conclusions. Router discovery, and the address that lasts, are Attach's.
#pragma once

#include <optional>
#include <vector>

#include "mobile/announcer.h"
#include "mobile/attach.h"
#include "mobile/neighbourhood.h"
#include "mobile/standing.h"

namespace sendoff::mobile {

class Landing {
 public:
  struct Parts {
    const Config& config;
    Attach& attach;
    nd::Discovery& discovery;
    Announcer& announcer;
    machine::Outbox& outbox;
    MobileCounters& counters;
  };
  explicit Landing(const Parts& parts) : parts_(parts) {}

  // Whose the address is that is used here.
  enum class Origin : std::uint8_t {
    kOwn,       // formed for this link: optimistic until DAD has ended
    kGiven,     // by the NAR or by DHCP: confirmed
    kPrevious,  // the PCoA, told to be used here (GF16): it is there already
    kAttached,  // formed by Attach from an RA
  };

  // A link whose router was told before. Where DHCP was told, too, it is run, and no address is
  // formed in its stead: what an FBU named is used for nothing else (RFC 5568 3.1, 5.2).
  void begin(Now now, const Attach::Site& site, const AccessPoint& target);
  // A link whose router was found by discovery.
  void begin(const Attachment& attachment);
  // From now on this is our address here; the one before it is given up. Announces it.
  void use(Now now, const Ipv6Address& address, Origin origin);
  // The router of this link was heard. False: it is not the one that was told, and the landing is
  // over.
  [[nodiscard]] bool router_found(const Attachment& attachment);
  // The link was left, or proved to be another one.
  void end();

  [[nodiscard]] bool active() const { return ground_.has_value(); }
  [[nodiscard]] bool active_on(InterfaceId interface) const;
  [[nodiscard]] InterfaceId interface() const { return ground_->site.interface; }  // if active
  // At this access point, as far as anybody said.
  [[nodiscard]] bool at(const LinkAddress& access_point) const;
  [[nodiscard]] std::optional<Ipv6Address> address() const {
    return ground_ ? ground_->address : std::nullopt;
  }
  // Nothing without an address.
  [[nodiscard]] std::optional<Standing> standing() const;
  [[nodiscard]] bool waits_for_dhcp() const { return ground_ && ground_->dhcp.has_value(); }
  // The announcement for an access point that the node may move to, for Announcer::prepare.
  [[nodiscard]] Announcement announcement_for(const Attach::Site& site, const AccessPoint& target,
                                              const Ipv6Address& address) const;

  struct Change {
    enum class What : std::uint8_t {
      kStands,        // an address of ours was put into use here and announced
      kLost,          // `address` is not ours any more: a collision, or refused
      kUseRouter,     // the NAR wants its own address named in FBUs (NAACK status 3)
      kUsePrevious,   // no FBU: the PCoA is delivered here (status 4)
      kUnrecognised,  // our link-layer address is no good here: no PCoA either (status 128)
    };
    What what = What::kStands;
    Ipv6Address address;
  };
  [[nodiscard]] std::vector<Change> take_changes() { return std::exchange(changes_, {}); }

  void acknowledged(Now now, const nd::Discovery::Acknowledgement& acknowledgement,
                    const std::vector<Ipv6Address>& previous_addresses);
  // The NAR answered in another way than by a NAACK: no more announcements (FH-6.3-04).
  void heard();
  // A Neighbor Advertisement for our address, if the packet is one.
  void handle(Now now, const machine::Received& received);
  // True: the event is about our address, and nobody else's business.
  [[nodiscard]] bool address_changed(Now now, const machine::AddressChanged& event);
  [[nodiscard]] bool owns(machine::ActionId action) const;
  void outcome(Now now, const machine::Outcome& outcome);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

 private:
  struct Ground {
    Attach::Site site;
    AccessPoint target;
    bool told = false;          // the target was, by the router before
    bool provisional = false;   // our default route and neighbour entry stand
    bool router_known = false;  // by an RA
    std::optional<Ipv6Address> address;
    Origin origin = Origin::kOwn;
    bool confirmed = false;
    unsigned announced = 0;
    Instant first_announced{};
    Instant last_announced{};
    Instant next_announcement = kNever;
    unsigned proxy_answers = 0;  // that were answered by a UNA
    std::optional<Instant> proxy_answered;
    Instant duplicate_until = kNever;  // the host gave the address up; whose NA was it?
    std::optional<machine::ActionId> adding;
    std::optional<machine::ActionId> dhcp;
    Instant dhcp_again = kNever;
    Duration dhcp_wait{};
  };

  [[nodiscard]] Announcement announcement(bool override_flag) const;
  void run_dhcp();
  void dhcp_ended(Now now, const Result<machine::Facts, machine::ActionError>& result);
  [[nodiscard]] bool is_of_this_link(Now now, const Ipv6Address& address) const;
  void add_address();
  void set_groups(const Ipv6Address& address, bool member);
  void set_provisional_routes(bool present);
  void give_up(Now now, bool refused);
  void collision(Now now);
  void proxy_answer(Now now);
  void duplicate(Now now);
  void confirm(Now now);
  void follow_naack(Now now, const wire::NaackOption& naack, bool names_previous);

  Parts parts_;
  std::optional<Ground> ground_;
  std::vector<Change> changes_;
};

}  // namespace sendoff::mobile
