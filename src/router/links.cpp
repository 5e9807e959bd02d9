#include "router/links.h"

#include <algorithm>

namespace sendoff::router {

bool ServedLink::holds(const Ipv6Address& address) const {
  return std::ranges::any_of(
      global, [&](const OwnAddress& own) { return own.ready && own.address == address; });
}

bool ServedLink::on_link(const Ipv6Address& address) const {
  return std::ranges::any_of(config.prefixes, [&](const Advertised& advertised) {
    return advertised.prefix.contains(address);
  });
}

const ServedLink* find_link(const std::vector<ServedLink>& links, InterfaceId id) {
  const auto found =
      std::ranges::find_if(links, [&](const ServedLink& link) { return link.config.id == id; });
  return found == links.end() ? nullptr : &*found;
}

const ServedLink* find_holder(const std::vector<ServedLink>& links, const Ipv6Address& address) {
  const auto found =
      std::ranges::find_if(links, [&](const ServedLink& link) { return link.holds(address); });
  return found == links.end() ? nullptr : &*found;
}

}  // namespace sendoff::router
