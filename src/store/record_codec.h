// How a record is written into a file: its kind and name in clear, so that it can be found, and its
// body, which holds the secrets and is to be sealed. Numbers in network byte order, so that octets
// sort as names do.
#pragma once

#include <optional>

#include "base/secret.h"
#include "machine/record.h"

namespace sendoff::store {

struct EncodedName {
  std::uint8_t kind = 0;  // 1 and up, in the order of machine::Record; 0 names no record
  Bytes name;

  friend auto operator<=>(const EncodedName&, const EncodedName&) = default;
};

[[nodiscard]] EncodedName encode(const machine::RecordName& name);
// All generations of a CGA's handover keys have names that begin with this.
[[nodiscard]] Bytes generations_of(const machine::IssuedKeyName& name);

[[nodiscard]] Secret encode_body(const machine::Record& record);
// The record that encode(), encode_body() and expiry_of() made; nothing when no record could have
// been written like that. Checks form only: what a record promises is its machine's to judge.
[[nodiscard]] std::optional<machine::Record> decode(const EncodedName& name,
                                                    std::optional<UtcTime> expires, ByteView body);

// What a sealed body is bound to: kind, name and expiry, so that a body that was moved to another
// row or given another life does not open.
[[nodiscard]] Bytes associated_with(const EncodedName& name, std::optional<UtcTime> expires);

}  // namespace sendoff::store
