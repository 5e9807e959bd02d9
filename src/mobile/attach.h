// The mobile node's addresses and routes: link-local CGA when a link comes up, the care-of CGA when
// a certified router is found there, both with DAD and at most two further collision counts
// (RFC 3972 4), and everything taken back when the link or the router goes.
//
// Does not send solicitations (nd::Discovery), ask for keys or move anything.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "machine/input.h"
#include "machine/outbox.h"
#include "mobile/config.h"
#include "nd/discovery.h"

namespace sendoff::mobile {

// An interface with a valid router: what requests and FBUs need to know of it.
struct Attachment {
  InterfaceId interface;
  std::uint64_t generation = 0;  // another one after each change of link, router or address
  LinkAddress link_address;
  std::uint32_t mtu = 1500;
  Ipv6Address link_local;  // ours
  Ipv6Address router;      // link-local
  std::optional<LinkAddress> router_link_address;
  Bytes router_spki;
  std::string subject;
  // Once the care-of CGA is ready:
  std::optional<Ipv6Address> address;
  bool detecting = false;  // DAD for it goes on: an NA for it would take it away
  Prefix prefix;
  std::uint8_t collision_count = 0;
  std::optional<Ipv6Address> ar;  // the router's global address for it (HK-3.3-12)
};

class Attach {
 public:
  Attach(const Config& config, nd::Discovery& discovery, machine::Outbox& outbox);

  // Up, with no address of this link yet: enter() gives it one.
  void interface_up(const machine::InterfaceUp& event);
  void enter(Now now, InterfaceId interface);
  void interface_down(Now now, InterfaceId interface);
  void mtu_changed(InterfaceId interface, std::uint32_t mtu);
  // `elsewhere`: what is known of the access point says that another router serves it. True:
  // another link, with no address of it yet, as after interface_up().
  [[nodiscard]] bool ap_attached(const machine::ApAttached& event, bool elsewhere);
  // It belongs to the router in use: nothing changes (Option-Code 5).
  void note_access_point(const machine::ApAttached& event);
  void ap_lost(Now now, InterfaceId interface);
  // The access point that was named for an interface before the interface came up.
  [[nodiscard]] std::optional<LinkAddress> announced(InterfaceId interface) const;
  void address_changed(Now now, const machine::AddressChanged& event);
  [[nodiscard]] bool owns(machine::ActionId action) const { return adding_.contains(action); }
  void outcome(Now now, const machine::Outcome& outcome);
  // Discovery says that routers of this interface changed.
  void routers_changed(Now now, InterfaceId interface);

  // The attachment in use: that of the first interface which has a router.
  [[nodiscard]] const Attachment* current() const;
  [[nodiscard]] bool serves(InterfaceId interface, std::uint64_t generation) const;
  [[nodiscard]] bool owns_address(const Ipv6Address& address) const;

  // While sessions wait for a new link its addresses are optimistic at once (RFC 4429), where DAD
  // would be waited for otherwise, and the first solicitation has no delay (RFC 4861 6.3.7).
  // `standing`: the address that was put into use already, by somebody else.
  void set_moving(bool moving, const std::optional<Ipv6Address>& standing) {
    moving_ = moving;
    standing_ = standing;
  }
  // Care-of addresses of ours that their router may defend (GF25): DAD would find that router.
  void set_defended(std::vector<Ipv6Address> addresses) { defended_ = std::move(addresses); }
  [[nodiscard]] bool is_defended(const Ipv6Address& address) const {
    return std::ranges::find(defended_, address) != defended_.end();
  }
  // Another node has this care-of address, or the router refuses it: the next collision count is
  // taken on this link, now or when a router is found.
  void give_up(Now now, InterfaceId interface, const Ipv6Address& address);
  // A care-of address of a link that was left stays usable on this interface: deprecated, and
  // without an on-link prefix. Needs a release() some time.
  void keep(InterfaceId interface, const Ipv6Address& address);

  // What an address that is formed on a link is for.
  enum class Purpose : std::uint8_t {
    kUse,      // sessions, and keys
    kKeys,     // keys: sessions have another, so it is deprecated from the beginning
    kNothing,  // none is formed
  };
  // Holds on this link, where its router is the one that was `told`, until the link is left. What
  // an FBU named while nothing was formed is never formed there (RFC 5568 3.1).
  void form_for(Now now, InterfaceId interface, Purpose purpose, const AccessPoint& told);

  // What a link is, whether or not it has a router. Nothing: it is down or not ours.
  struct Site {
    InterfaceId interface;
    LinkAddress link_address;
    std::uint32_t mtu = 1500;
  };
  [[nodiscard]] std::optional<Site> site(InterfaceId interface) const;
  [[nodiscard]] std::string name_of(InterfaceId interface) const;  // empty: not ours

  // What happened since the last call, in its order.
  struct Change {
    enum class What : std::uint8_t {
      kLeft,
      kReady,
      kInvalid,  // the lifetime of its address has ended (RFC 4862 5.5.4)
    };
    What what = What::kLeft;
    Attachment attachment;  // as it was, or is
  };
  [[nodiscard]] std::vector<Change> take_changes();

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

  // A care-of address outlives its link until this takes it away, unless it is still `needed`.
  void release(const std::function<bool(const Ipv6Address&)>& needed);

  struct LinkView {
    InterfaceId interface;
    bool up = false;
    std::vector<Ipv6Address> addresses;
    const Attachment* attachment = nullptr;
  };
  [[nodiscard]] std::vector<LinkView> links() const;

 private:
  struct OwnAddress {
    Ipv6Address address;
    Prefix prefix;
    std::uint8_t collision_count = 0;
    bool ready = false;
    bool detecting = false;
    bool failed = false;  // three duplicates, or refused by the host
    bool for_keys = false;
  };
  struct Link {
    bool up = false;
    std::uint64_t generation = 0;
    LinkAddress address;
    std::uint32_t mtu = 1500;
    std::optional<LinkAddress> access_point;
    std::optional<OwnAddress> link_local;
    std::optional<OwnAddress> care_of;
    std::optional<Attachment> attachment;
    std::set<Prefix> on_link;
    std::set<Ipv6Address> given_up;   // care-of addresses that others have here
    Instant try_again = kNever;       // for a care-of address, when there was none left
    Purpose purpose = Purpose::kUse;  // at the router `told`
    AccessPoint told;
    std::optional<Ipv6Address> named;
    std::optional<LinkAddress> router_neighbour;  // as set in the host
  };
  struct Adding {
    InterfaceId interface;
    Ipv6Address address;
  };

  void detach(InterfaceId interface, Link& link, std::string_view reason);
  void lose_router(InterfaceId interface, Link& link, std::string_view reason);
  [[nodiscard]] machine::DadMode dad_for(const OwnAddress& own) const;
  void add(InterfaceId interface, const OwnAddress& own, const nd::AdvertisedPrefix* lifetimes,
           Now now);
  void remove(InterfaceId interface, std::optional<OwnAddress>& own);
  void added(Now now, InterfaceId interface, Link& link, OwnAddress& own);
  static void set_detecting(Link& link, OwnAddress& own, bool detecting);
  void duplicate(Now now, InterfaceId interface, Link& link, OwnAddress& own);
  void adopt(Now now, InterfaceId interface, Link& link, const nd::Router& router);
  void set_routes(InterfaceId interface, Link& link, const nd::Router& router);
  [[nodiscard]] static Purpose purpose_of(const Link& link, const nd::Router& router);
  [[nodiscard]] OwnAddress first_choice(const Link& link, const Prefix& prefix) const;
  void form_care_of(Now now, InterfaceId interface, Link& link, const nd::Router& router);
  void drop_care_of(InterfaceId interface, Link& link, bool invalid);
  void ready(InterfaceId interface, Link& link, const nd::Router& router);
  [[nodiscard]] OwnAddress* find(Link& link, const Ipv6Address& address);

  const Config& config_;
  nd::Discovery& discovery_;
  machine::Outbox& outbox_;
  std::map<InterfaceId, Link> links_;
  std::map<machine::ActionId, Adding> adding_;
  std::vector<Change> changes_;
  std::map<Ipv6Address, InterfaceId> kept_;  // care-of addresses of links that were left
  bool moving_ = false;
  std::optional<Ipv6Address> standing_;
  std::vector<Ipv6Address> defended_;
};

}  // namespace sendoff::mobile
