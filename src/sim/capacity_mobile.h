// One mobile node of a capacity run. It comes to a link, gets a handover key, and sleeps: what is
// left of it is its store. A little before it wants to move it wakes, as a daemon that starts with
// that store; then it is told to hand over, and is seen through until Mobile IPv6 has told its
// correspondents (without packets). Everything between is the real mobile::Mobile.
#pragma once

#include "mobile/mobile.h"
#include "sim/capacity_region.h"
#include "sim/store.h"

namespace sendoff::sim::capacity {

class Traveller {
 public:
  Traveller(Region& region, std::uint32_t number);
  ~Traveller();
  Traveller(Traveller&&) noexcept;
  Traveller& operator=(Traveller&&) = delete;

  // It is time: for the first link, or to wake.
  void reminded();

  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] std::size_t place() const { return place_; }
  [[nodiscard]] bool on(std::size_t router) const;
  // Whether `group` is the solicited-node group of an address of this node.
  [[nodiscard]] bool listens(const Ipv6Address& group) const;
  [[nodiscard]] bool waking() const { return stage_ == Stage::kWaking; }
  [[nodiscard]] std::size_t keys() const { return store_.size(); }

  void receive(const Packet& packet, const LinkAddress& source);
  // A router forwards from an address of this node.
  void bound();
  // Whether packets for the address that was left arrive again.
  void look();

 private:
  enum class Stage : std::uint8_t { kAsleep, kWaking, kStaying, kMoving };
  struct Awake;

  template <typename Deed>
  void later(Duration delay, Deed deed);
  void set_out();
  [[nodiscard]] Duration stay();
  void rouse(Stage stage);
  void enter();
  void settle(unsigned patience);
  [[nodiscard]] bool quiet() const;
  void rest();
  void sleep();
  void wake();

  // capacity_move.cpp
  [[nodiscard]] std::size_t choose();
  void go(unsigned attempts);
  void move(std::size_t there, std::optional<machine::ActionId> action);
  void complete(unsigned attempts);
  void conclude();

  void tell(const machine::HostEvent& event);
  void pump();
  void set_timer();
  void carry_out(machine::Action action);
  void start_job(machine::Start start);
  void answer(machine::ActionId id, Result<machine::Facts, machine::ActionError> result);
  void add_address(machine::ActionId id, const machine::AddAddress& action);
  void detected(machine::ActionId id, const Ipv6Address& address, machine::DadMode mode);
  void remove_address(const Ipv6Address& address);
  void solicit(const Ipv6Address& address);
  void heard_of(const machine::Event& event);

  Region& region_;
  std::unique_ptr<Awake> awake_;
  Store store_;
  Dice dice_;
  WorldTime next_move_{};
  WorldTime left_at_{};  // the link before this one
  std::uint32_t number_;
  std::uint32_t place_ = 0;
  std::uint32_t previous_;  // of the link before this one; its own number when there is none
  std::uint32_t life_ = 0;  // another one after each sleep
  Stage stage_ = Stage::kAsleep;
};

}  // namespace sendoff::sim::capacity
