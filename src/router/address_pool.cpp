#include "router/address_pool.h"

namespace sendoff::router {

AddressPool::AddressPool(const Prefix& prefix) : prefix_(prefix) {
  const unsigned bits = 128U - prefix.length();
  size_ = bits >= 16 ? kMaxSize : (std::size_t{1} << bits) - 1;
}

// The address 1 + `index` into the prefix.
Ipv6Address AddressPool::at(std::size_t index) const {
  Ipv6Address::Octets octets = prefix_.address().octets();
  const std::size_t number = index + 1;
  octets[15] = static_cast<std::uint8_t>(octets[15] | (number & 0xff));
  octets[14] = static_cast<std::uint8_t>(octets[14] | (number >> 8 & 0xff));
  return Ipv6Address(octets);
}

std::optional<Ipv6Address> AddressPool::take(
    Instant now, Instant until, const std::function<bool(const Ipv6Address&)>& in_use) {
  for (std::size_t tried = 0; tried < size_; ++tried) {
    const Ipv6Address address = at(next_);
    next_ = (next_ + 1) % size_;
    const auto lease = leases_.find(address);
    if (lease != leases_.end() && lease->second > now) continue;
    if (in_use(address)) continue;
    leases_[address] = until;
    return address;
  }
  return std::nullopt;
}

std::size_t AddressPool::free(Instant now) const {
  std::size_t leased = 0;
  for (const auto& [address, until] : leases_)
    if (until > now) ++leased;
  return size_ - leased;
}

PrefixPool::PrefixPool(const Prefix& range) : range_(range) {
  const unsigned bits = 64U - range.length();
  size_ = bits >= 16 ? kMaxSize : std::size_t{1} << bits;
}

Prefix PrefixPool::at(std::size_t index) const {
  Ipv6Address::Octets octets = range_.address().octets();
  octets[7] = static_cast<std::uint8_t>(octets[7] | (index & 0xff));
  octets[6] = static_cast<std::uint8_t>(octets[6] | (index >> 8 & 0xff));
  return {Ipv6Address(octets), 64};
}

std::optional<Prefix> PrefixPool::take() {
  for (std::size_t tried = 0; tried < size_; ++tried) {
    const Prefix prefix = at(next_);
    next_ = (next_ + 1) % size_;
    if (given_.insert(prefix).second) return prefix;
  }
  return std::nullopt;
}

}  // namespace sendoff::router
