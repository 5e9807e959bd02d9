// How packets travel: over a link that all of its stations hear, and over the net between the
// routers and their correspondents. Both lose, delay, double and bend what they carry, as the
// scenario says.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/context.h"

namespace sendoff::sim {

// The way of one packet: when it arrives, how often, and in which shape.
class Way {
 public:
  Way(Context& context, Duration latency, std::uint64_t seed, const std::string& name)
      : context_(context), latency_(latency), dice_(seed, name), name_(name) {}

  // Calls `arrive` once for each copy that gets through.
  void carry(const Packet& packet, const std::function<void(Packet)>& arrive);
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  [[nodiscard]] Packet bent(const Packet& packet);

  Context& context_;
  Duration latency_;
  Dice dice_;
  std::string name_;
};

// Who is on a link.
class Station {
 public:
  virtual ~Station() = default;
  [[nodiscard]] virtual const LinkAddress& link_address() const = 0;
  // Whether frames for this address, its own aside, reach it.
  [[nodiscard]] virtual bool hears(const LinkAddress& destination) const = 0;
  virtual void receive(const Frame& frame) = 0;
};

class Link {
 public:
  Link(Context& context, const std::string& name)
      : context_(context),
        way_(context, context.scenario.link_latency, context.scenario.seed, name) {}

  void enter(Station& station) { stations_.push_back(&station); }
  void leave(const Station& station) { std::erase(stations_, &station); }
  [[nodiscard]] bool has(const Station& station) const;
  void send(const Station& from, const Frame& frame);
  void set_up(bool up) { up_ = up; }
  [[nodiscard]] bool up() const { return up_; }
  [[nodiscard]] const std::string& name() const { return way_.name(); }

  // Somebody in the middle: what he makes of a frame, nothing when he keeps it.
  std::function<std::optional<Frame>(const Frame&)> tamper;

 private:
  Context& context_;
  Way way_;
  std::vector<Station*> stations_;
  bool up_ = true;
};

// The net between routers. Whoever owns a prefix gets what is for it.
class Core {
 public:
  using Receiver = std::function<void(const Packet&)>;
  explicit Core(Context& context)
      : context_(context),
        way_(context, context.scenario.core_latency, context.scenario.seed, "core") {}

  // `place` names who is there, for partitions.
  void connect(std::size_t place, const Prefix& prefix, Receiver receiver);
  void send(std::size_t from, const Packet& packet);
  void part(std::size_t a, std::size_t b, bool parted);
  // What is on its way to a place, for whoever sits there.
  std::function<void(std::size_t place, ByteView packet)> tap;

 private:
  struct End {
    std::size_t place;
    Prefix prefix;
    Receiver receiver;
  };
  Context& context_;
  Way way_;
  std::vector<End> ends_;
  std::set<std::pair<std::size_t, std::size_t>> parted_;
};

}  // namespace sendoff::sim
