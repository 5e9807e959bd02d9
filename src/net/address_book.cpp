#include "net/address_book.h"

#include <cerrno>

namespace sendoff::net {

using machine::ActionError;
using machine::Facts;

void AddressBook::add(const AddressSpec& spec, Done done) {
  const Key key{spec.index, spec.address};
  if (const auto set = netlink_.set_address(spec); !set) {
    hooks_.warning(set.error());
    return done(fail(set.error().code == ENODEV ? ActionError::kGone : ActionError::kRefused));
  }
  ours_.insert(key);
  waiting_[key].push_back(std::move(done));
  // The state now: there is no event for an address that was there already.
  const auto all = netlink_.addresses();
  if (!all) return hooks_.warning(all.error());
  for (const AddressInfo& info : *all)
    if (Key{info.index, info.address} == key) return settle(info);
}

void AddressBook::remove(unsigned index, const Ipv6Address& address, Done done) {
  const Key key{index, address};
  const auto found = known_.find(key);
  const std::uint8_t length = found == known_.end() ? 64 : found->second.prefix_length;
  if (const auto dropped = drop(key, length); !dropped) {
    hooks_.warning(dropped.error());
    return done(fail(ActionError::kRefused));
  }
  answer(key, fail(ActionError::kGone));
  done(Facts{});
}

void AddressBook::observe(const AddressInfo& info, bool gone) {
  const Key key{info.index, info.address};
  if (const auto leaving = leaving_.find(key); leaving != leaving_.end()) {
    if (gone && --leaving->second == 0) leaving_.erase(leaving);
    return;
  }
  if (!gone) return settle(info);
  const bool was_known = known_.erase(key) > 0;
  ours_.erase(key);
  // An address with a lifetime is removed by the kernel when it is found to be a duplicate.
  if (waiting_.contains(key))
    answer(key, fail(info.duplicate ? ActionError::kDuplicate : ActionError::kGone));
  else if (was_known)
    hooks_.changed(info.index, info.address, info.duplicate ? What::kDuplicate : What::kRemoved);
}

void AddressBook::observe_all(const std::vector<AddressInfo>& all) {
  leaving_.clear();
  std::set<Key> present;
  for (const AddressInfo& info : all) present.emplace(info.index, info.address);
  std::vector<AddressInfo> gone;
  for (const auto& [key, info] : known_)
    if (!present.contains(key)) gone.push_back(info);
  for (const AddressInfo& info : gone) observe(info, true);
  for (const AddressInfo& info : all) settle(info);
}

void AddressBook::withdraw(unsigned index) {
  const auto all = netlink_.addresses();
  if (!all) return hooks_.warning(all.error());
  for (const AddressInfo& info : *all) {
    const Key key{info.index, info.address};
    if (info.index != index || (!info.ours && !ours_.contains(key))) continue;
    const auto dropped = drop(key, info.prefix_length);
    if (!dropped) hooks_.warning(dropped.error());
  }
}

std::optional<unsigned> AddressBook::owner(const Ipv6Address& address) const {
  for (const auto& [key, info] : known_)
    if (key.second == address && !info.duplicate) return key.first;
  return std::nullopt;
}

std::vector<Ipv6Address> AddressBook::all() const {
  std::vector<Ipv6Address> addresses;
  for (const auto& [key, info] : known_)
    if (!info.duplicate) addresses.push_back(key.second);
  return addresses;
}

// Keeps the state of an address that is there and tells what is new in it.
void AddressBook::settle(const AddressInfo& info) {
  const Key key{info.index, info.address};
  const auto before = known_.find(key);
  const bool known = before != known_.end();
  const AddressInfo old = known ? before->second : AddressInfo{};
  known_.insert_or_assign(key, info);
  const bool asked = waiting_.contains(key);
  if (info.duplicate) {
    if (known && old.duplicate) return;
    if (ours_.contains(key)) (void)drop(key, info.prefix_length);  // an entry of no use
    if (asked) return answer(key, fail(ActionError::kDuplicate));
    return hooks_.changed(info.index, info.address, What::kDuplicate);
  }
  if (info.tentative) return;
  if (asked) return answer(key, Facts{.address = {}, .detecting = info.optimistic});
  const bool was_ready = known && !old.tentative && !old.duplicate;
  const bool detection_ended = known && old.optimistic && !info.optimistic;
  if (!was_ready || detection_ended) hooks_.changed(info.index, info.address, What::kReady);
}

Attempt<> AddressBook::drop(const Key& key, std::uint8_t prefix_length) {
  auto removed = netlink_.remove_address(key.first, key.second, prefix_length);
  if (!removed) return removed;
  if (known_.erase(key) > 0) ++leaving_[key];
  ours_.erase(key);
  return {};
}

void AddressBook::answer(const Key& key, const Result<Facts, ActionError>& result) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  const std::vector<Done> waiting = std::move(found->second);
  waiting_.erase(found);
  for (const Done& done : waiting) done(result);
}

}  // namespace sendoff::net
