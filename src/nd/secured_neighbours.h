// Which entries of the kernel's neighbour cache were last changed by a secured message (RFC 3971
// 8): an unsecured one must not change those. Of an entry that the kernel has given up it is known
// that its neighbour has proved himself once. Bounded.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/time.h"

namespace sendoff::nd {

class SecuredNeighbours {
 public:
  struct Neighbour {
    InterfaceId interface;
    Ipv6Address address;
    friend auto operator<=>(const Neighbour&, const Neighbour&) = default;
  };

  explicit SecuredNeighbours(std::size_t max_entries) : max_entries_(max_entries) {}

  [[nodiscard]] bool contains(const Neighbour& neighbour) const {
    return noted_.contains(neighbour);
  }
  // Whether he has proved himself, be his entry still there or not.
  [[nodiscard]] bool proven(const Neighbour& neighbour) const {
    return contains(neighbour) || former_.contains(neighbour);
  }
  // A secured message changes the kernel's entry. When the table is full the neighbour that was
  // silent longest gives way: its entry is to be taken from the kernel, lest it pass for unsecured.
  [[nodiscard]] std::optional<Neighbour> note(const Neighbour& neighbour, Instant now);
  // The kernel says that it has no such entry; old news when the neighbour was heard since.
  void gone(const Neighbour& neighbour, Instant now);
  void drop(InterfaceId interface);
  [[nodiscard]] std::size_t size() const { return noted_.size(); }
  // At most so many of an interface, in the order of their addresses.
  [[nodiscard]] std::vector<Ipv6Address> of(InterfaceId interface, std::size_t most) const;

 private:
  void erase(std::map<Neighbour, Instant>::iterator entry);

  std::size_t max_entries_;
  std::map<Neighbour, Instant> noted_;
  std::set<std::pair<Instant, Neighbour>> order_;
  std::set<Neighbour> former_;  // whose entries the kernel gave up, as many
};

}  // namespace sendoff::nd
