// Reads the attributes of netlink messages; lengths are checked here.
#pragma once

#include <libmnl/libmnl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/bytes.h"

namespace sendoff::net {

// The attributes of one message, by type; unknown ones are skipped.
class Attributes {
 public:
  Attributes(const nlmsghdr* message, std::size_t header_size) {
    (void)mnl_attr_parse(message, static_cast<unsigned>(header_size), keep, &found_);
  }
  // Of an attribute that holds attributes.
  explicit Attributes(const nlattr* nest) {
    if (nest) (void)mnl_attr_parse_nested(nest, keep, &found_);
  }

  [[nodiscard]] ByteView octets(std::uint16_t type) const {
    const nlattr* attribute = found_[type];
    if (!attribute) return {};
    return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)),
            mnl_attr_get_payload_len(attribute)};
  }
  [[nodiscard]] std::optional<std::uint32_t> u32(std::uint16_t type) const {
    if (octets(type).size() != sizeof(std::uint32_t)) return std::nullopt;
    return mnl_attr_get_u32(found_[type]);
  }
  [[nodiscard]] std::optional<Ipv6Address> address(std::uint16_t type) const {
    const ByteView view = octets(type);
    if (view.size() != Ipv6Address::kSize) return std::nullopt;
    return Ipv6Address::from(view);
  }

  // Up to a zero octet.
  [[nodiscard]] std::string text(std::uint16_t type) const {
    const ByteView view = octets(type);
    return {view.begin(), std::ranges::find(view, std::uint8_t{0})};
  }
  [[nodiscard]] const nlattr* nest(std::uint16_t type) const { return found_[type]; }

 private:
  static int keep(const nlattr* attribute, void* data) {
    auto& found = *static_cast<Found*>(data);
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type < found.size()) found[type] = attribute;
    return MNL_CB_OK;
  }

  using Found = std::array<const nlattr*, 64>;
  Found found_{};
};

template <typename Header>
const Header* header_of(const nlmsghdr* message) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(message));
}

}  // namespace sendoff::net
