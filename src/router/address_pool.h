// Addresses that a NAR assigns (RFC 5568 5.5: kept apart, so that none needs a probe). One is not
// given out again while its lease lives. Plain counting through the prefix: the addresses are
// nobody's CGA, and nothing rests on their being hard to guess. Also prefixes for one node each
// (5.3).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/address.h"
#include "base/time.h"

namespace sendoff::router {

class AddressPool {
 public:
  // At most this many addresses of a prefix are given out, its first ones behind the all-zero one.
  static constexpr std::size_t kMaxSize = 65'535;

  explicit AddressPool(const Prefix& prefix);

  // The next free address, leased until `until`; nothing when all are. `in_use` may object.
  [[nodiscard]] std::optional<Ipv6Address> take(
      Instant now, Instant until, const std::function<bool(const Ipv6Address&)>& in_use);
  void give_back(const Ipv6Address& address) { leases_.erase(address); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t free(Instant now) const;

 private:
  [[nodiscard]] Ipv6Address at(std::size_t index) const;

  Prefix prefix_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  std::map<Ipv6Address, Instant> leases_;
};

// A /64 for each node out of a range, until it is given back.
class PrefixPool {
 public:
  // At most this many of a range, its first ones.
  static constexpr std::size_t kMaxSize = 65'536;

  // `range` is shorter than /64.
  explicit PrefixPool(const Prefix& range);

  [[nodiscard]] std::optional<Prefix> take();
  void give_back(const Prefix& prefix) { given_.erase(prefix); }
  [[nodiscard]] std::size_t free() const { return size_ - given_.size(); }

 private:
  [[nodiscard]] Prefix at(std::size_t index) const;

  Prefix range_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  std::set<Prefix> given_;
};

}  // namespace sendoff::router
