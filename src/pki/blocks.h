// Sets of IPv6 addresses as RFC 3779 delegates them: the extension read strictly (sections 2.2.3.1
// to 2.2.3.9, no SAFI: RFC 6487 4.8.10), and "X encompasses Y" (RFC 6487 7.1). Other address
// families are passed over; OpenSSL judges them.
#pragma once

#include <optional>
#include <vector>

#include "base/address.h"

namespace sendoff::pki {

struct AddressRange {
  Ipv6Address first;
  Ipv6Address last;

  [[nodiscard]] static AddressRange of(const Prefix& prefix);
  friend auto operator<=>(const AddressRange&, const AddressRange&) = default;
};

// Ranges in ascending order that neither overlap nor touch.
class AddressSet {
 public:
  AddressSet() = default;
  [[nodiscard]] static AddressSet of(const std::vector<Prefix>& prefixes);

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] bool is_everything() const;
  // Each range of `other` lies inside one range of this set.
  [[nodiscard]] bool encompasses(const AddressSet& other) const;
  [[nodiscard]] const std::vector<AddressRange>& ranges() const { return ranges_; }
  // The fewest prefixes that make up the set.
  [[nodiscard]] std::vector<Prefix> prefixes() const;
  // Appends a range that must begin after the last one and not touch it; false otherwise.
  [[nodiscard]] bool append(const AddressRange& range);

  friend bool operator==(const AddressSet&, const AddressSet&) = default;

 private:
  std::vector<AddressRange> ranges_;
};

// The IPv6 part of an IPAddrBlocks extension.
struct AddressBlocks {
  bool inherit = false;
  AddressSet set;  // not empty unless `inherit`
};

// From the extension's value. Nothing when it is not strict DER in canonical form, has a SAFI, or
// has no IPv6 family.
[[nodiscard]] std::optional<AddressBlocks> parse_blocks(ByteView extension_value);

}  // namespace sendoff::pki
