// Two access routers and a mobile node, real machines, on links that an input rules: what arrives,
// late, twice, bent or never; what jobs and host say; how time passes. Somebody who knows all
// certificates and a key of its own sends whatever he likes.
//
// An input is a configuration (2 octets), how far things have gone (1), and then deeds, one after
// the other, each an octet and what it needs (docs/fuzzing.md).
#pragma once

#include "input.h"
#include "mobile/mobile.h"
#include "router/router.h"
#include "send/identity.h"
#include "station.h"

namespace sendoff::fuzz {

enum class Who : std::uint8_t { kPrevious, kNext, kMobile };

class World {
 public:
  // `victim` is whom the attacker is after.
  World(Input& input, Who victim);
  // All deeds of the input, and then the end: everybody's tables must become empty.
  void run();

  [[nodiscard]] const router::Router& router(Who who) {
    return static_cast<const router::Router&>(at(who).machine());
  }
  [[nodiscard]] const mobile::Mobile& mobile() {
    return static_cast<const mobile::Mobile&>(at(Who::kMobile).machine());
  }
  [[nodiscard]] Station& at(Who who) { return *stations_[static_cast<std::size_t>(who)]; }

 private:
  struct Flight {
    Who from;
    machine::Transmit transmit;
  };
  struct Heard {
    Bytes packet;
    LinkAddress from;
  };
  // What an attacker's message is made of.
  enum class Signer : std::uint8_t {
    kNobody,
    kStranger,
    kOtherStranger,
    kMobile,
    kPrevious,
    kNext,
    kCount,
  };

  void build(Who who, Station::Build build);
  void configure(std::uint16_t flags);
  void prelude(std::uint8_t how_far);

  // --- the network
  void collect();
  [[nodiscard]] std::optional<Flight> next_flight();
  void carry(std::size_t most);
  void deliver(Who to, const Bytes& packet, const LinkAddress& from, bool fragment = false);
  [[nodiscard]] std::optional<Who> receiver_of(const Flight& flight) const;
  void enter(std::optional<Who> link);
  void advance(Duration duration);
  void follow_orders();

  // --- deeds
  void deed();
  void attack(Who to, Bytes packet);
  void edit(Bytes& octets);
  [[nodiscard]] Bytes forged_message(std::uint8_t kind);
  [[nodiscard]] Bytes signed_by(Signer signer, const Ipv6Address& source,
                                const Ipv6Address& destination, Bytes message);
  [[nodiscard]] Bytes forged_update();
  [[nodiscard]] Bytes forged_peer_message();
  void host_event();
  void order();
  void rebuild();
  void reconfigure(std::uint16_t flags);

  // --- properties
  [[nodiscard]] std::string kept_by(Who who);
  [[nodiscard]] bool genuine(const Bytes& packet) const;
  void check_bounds();
  void wind_down();

  Input& input_;
  Who victim_;
  FastCrypto crypto_;
  router::Config router_configs_[2];
  mobile::Config mobile_config_;
  std::array<std::unique_ptr<Station>, 3> stations_;
  std::deque<Flight> flights_;
  std::deque<Heard> heard_;
  std::optional<Who> link_;  // where the mobile node is
  std::uint16_t flags_ = 0;
  bool esp_ = false;
  bool ended_ = false;    // nobody changes his link any more
  bool flawless_ = true;  // no store has failed
};

}  // namespace sendoff::fuzz
