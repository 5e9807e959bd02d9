// The neighbour cache of a virtual host (RFC 4861 7): resolution, what waits for it, and the
// detection that a neighbour is gone. The host's own solicitations and advertisements are not
// secured, as a kernel's are not.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "sim/packet.h"
#include "sim/queue.h"

namespace sendoff::sim {

class Neighbours {
 public:
  struct Hooks {
    std::function<void(const LinkAddress&, const Packet&)> send;
    // A solicitation for this address; to the neighbour alone when it is known.
    std::function<void(const Ipv6Address&, const std::optional<LinkAddress>&)> solicit;
    std::function<void(const Ipv6Address&, const std::optional<LinkAddress>&)> changed;
  };
  Neighbours(Queue& queue, Hooks hooks) : queue_(queue), hooks_(std::move(hooks)) {}

  void send_to(const Ipv6Address& neighbour, const Packet& packet);
  void set(const Ipv6Address& neighbour, const LinkAddress& link_address);
  void remove(const Ipv6Address& neighbour);
  // From an advertisement, or (`solicitation`) from the source of another message.
  struct Heard {
    LinkAddress link_address;
    bool solicited = false;
    bool overrides = false;
    bool solicitation = false;
  };
  void hear(const Ipv6Address& neighbour, const Heard& heard);
  // Without a word to anybody: the link is down.
  void flush();

 private:
  struct Entry {
    std::optional<LinkAddress> link_address;
    std::vector<Packet> waiting;
    WorldTime confirmed{};
    unsigned probes = 0;
    std::uint64_t probing = 0;  // 0: no probe is under way
  };
  void probe(const Ipv6Address& neighbour, Entry& entry);
  void settle(const Ipv6Address& neighbour, Entry& entry, const LinkAddress& link_address);

  Queue& queue_;
  Hooks hooks_;
  std::map<Ipv6Address, Entry> entries_;
  std::uint64_t last_probe_ = 0;
};

}  // namespace sendoff::sim
