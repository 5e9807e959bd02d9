// Extension fields of CGA Parameters (RFC 4581 2): type and length of 16 bits each, then so many
// octets, one item behind the other without padding. No type is assigned for SEND, and nothing here
// sends one; they are hashed with the rest whatever they are (GS29).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sendoff::cga {

struct Extension {
  static constexpr std::size_t kHeadSize = 4;
  std::uint16_t type = 0;
  ByteView data;

  [[nodiscard]] std::size_t size() const { return kHeadSize + data.size(); }
  // At most 65535 octets of data.
  void emit(Writer& out) const;
};

// Borrows. Nothing where the octets are not whole items.
[[nodiscard]] std::optional<std::vector<Extension>> parse_extensions(ByteView octets);
// For a person.
[[nodiscard]] std::string explain_extensions(ByteView octets);

}  // namespace sendoff::cga
