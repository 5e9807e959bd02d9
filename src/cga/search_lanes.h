// Sixteen modifiers at once for the search of RFC 3972 4 step 2: only the first 16 octets of the
// hashed message change, so the message schedule of every block but the first is made once.
// Sec 1 and 2 only: their zeros lie in the first word of the hash.
#pragma once

#include <vector>

#include "cga/cga.h"

namespace sendoff::cga {

class SearchLanes {
 public:
  static constexpr std::size_t kLanes = 16;

  SearchLanes(ByteView public_key, ByteView extensions);

  // The first word of Hash2 for `start`, `start` + 1, and so on.
  using FirstWords = std::array<std::uint32_t, kLanes>;
  [[nodiscard]] FirstWords first_words(const Modifier& start) const;

  using Schedule = std::array<std::uint32_t, 80>;  // word and constant of each round
  struct Message {
    std::array<std::uint32_t, 16> first{};
    std::vector<Schedule> later;
  };

 private:
  Message message_;
};

// `start` + `steps` as 128-bit numbers; wraps (RFC 3972 4 step 3).
[[nodiscard]] Modifier advanced(const Modifier& start, std::uint64_t steps);

}  // namespace sendoff::cga
