// Those who wish the nodes ill (RFC 3971 9, RFC 5269 5, RFC 5568 10). Their deeds are drawn like
// faults; each kind is a class of its own. On a link they hear everything, and send what they want
// from whatever link-layer address.
#pragma once

#include <deque>

#include "sim/context.h"
#include "sim/wire.h"

namespace sendoff::sim {

class World;
class MobileNode;
class RouterNode;

// An ear, and a mouth, on one link.
class Spy final : public Station {
 public:
  Spy(Link& link, const LinkAddress& link_address) : link_(link), link_address_(link_address) {
    link.enter(*this);
  }
  [[nodiscard]] const LinkAddress& link_address() const override { return link_address_; }
  [[nodiscard]] bool hears(const LinkAddress&) const override { return true; }
  void receive(const Frame& frame) override;

  void send(const Frame& frame) { link_.send(*this, frame); }
  // Is told of every frame.
  std::function<void(const Frame&)> on_frame;
  [[nodiscard]] Link& link() { return link_; }
  [[nodiscard]] const std::deque<Frame>& heard() const { return heard_; }

 private:
  Link& link_;
  LinkAddress link_address_;
  std::deque<Frame> heard_;  // signalling, the newest
};

class Attacker {
 public:
  struct Parts {
    World& world;
    std::vector<std::unique_ptr<Spy>>& spies;  // one a link
    Dice dice;
  };
  explicit Attacker(Parts parts) : parts_(std::move(parts)) {}
  virtual ~Attacker() = default;
  virtual void strike() = 0;

 protected:
  [[nodiscard]] std::size_t some_place();
  [[nodiscard]] RouterNode& router(std::size_t place);
  // A mobile node, and an address that it has or will have at this place.
  [[nodiscard]] MobileNode& some_mobile();
  [[nodiscard]] Ipv6Address address_of(const MobileNode& mobile, std::size_t place) const;
  void send(std::size_t place, const LinkAddress& to, Bytes packet);
  void note(std::string_view what, ByteView packet);

  Parts parts_;
};

[[nodiscard]] std::unique_ptr<Attacker> make_forger(Attacker::Parts parts);
[[nodiscard]] std::unique_ptr<Attacker> make_replayer(Attacker::Parts parts);
[[nodiscard]] std::unique_ptr<Attacker> make_flooder(Attacker::Parts parts);
[[nodiscard]] std::unique_ptr<Attacker> make_tamperer(Attacker::Parts parts);
[[nodiscard]] std::unique_ptr<Attacker> make_squatter(Attacker::Parts parts);
[[nodiscard]] std::unique_ptr<Attacker> make_rogue_router(Attacker::Parts parts);
[[nodiscard]] std::unique_ptr<Attacker> make_rogue_mobile(Attacker::Parts parts);

class Attackers {
 public:
  explicit Attackers(World& world);
  void start();
  void end();

 private:
  void plan(std::size_t number);
  struct Kind {
    Attack attack;
    std::unique_ptr<Attacker> attacker;
    Dice dice;
  };
  World& world_;
  std::vector<std::unique_ptr<Spy>> spies_;
  std::vector<Kind> kinds_;
};

}  // namespace sendoff::sim
