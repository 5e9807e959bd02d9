// The addresses of the host: which there are, which of them are ours, and who waits for the end of
// Duplicate Address Detection. Fed by netlink; the kernel does the detecting.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "net/datapath.h"
#include "net/netlink.h"

namespace sendoff::net {

class AddressBook {
 public:
  using What = machine::AddressChanged::What;
  struct Hooks {
    // What happened to an address without anybody having asked for it. An address that somebody
    // waits for is not told here but answered.
    std::function<void(unsigned index, const Ipv6Address&, What)> changed;
    std::function<void(const SystemError&)> warning;
  };

  AddressBook(Netlink& netlink, Hooks hooks) : netlink_(netlink), hooks_(std::move(hooks)) {}

  void add(const AddressSpec& spec, Done done);
  void remove(unsigned index, const Ipv6Address& address, Done done);
  // From a netlink event.
  void observe(const AddressInfo& info, bool gone);
  // From a complete list, after events were lost or at the start.
  void observe_all(const std::vector<AddressInfo>& all);
  // Removes what is ours on this interface, also from an earlier run where the kernel marks it.
  void withdraw(unsigned index);

  // The interface that has the address.
  [[nodiscard]] std::optional<unsigned> owner(const Ipv6Address& address) const;
  [[nodiscard]] std::vector<Ipv6Address> all() const;

 private:
  using Key = std::pair<unsigned, Ipv6Address>;

  void settle(const AddressInfo& info);
  [[nodiscard]] Attempt<> drop(const Key& key, std::uint8_t prefix_length);
  void answer(const Key& key, const Result<machine::Facts, machine::ActionError>& result);

  Netlink& netlink_;
  Hooks hooks_;
  std::map<Key, AddressInfo> known_;
  std::set<Key> ours_;
  std::map<Key, std::vector<Done>> waiting_;
  // Removed by us; the events of an address up to its removal are old news.
  std::map<Key, int> leaving_;
};

}  // namespace sendoff::net
