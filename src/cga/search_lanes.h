// Many modifiers at once for the search of RFC 3972 4 step 2: only the first 16 octets of the
// hashed message change, so the message schedule of every block but the first is made once.
// Sec 1 and 2 only: their zeros lie in the first word of the hash.
#pragma once

#include <string_view>
#include <vector>

#include "cga/cga.h"

namespace sendoff::cga {

// What a processor may have for it, slowest first.
enum class Instructions : std::uint8_t { kBase, kShaNi, kAvx2, kAvx512 };
[[nodiscard]] std::string_view name(Instructions instructions);
// Those of this processor, slowest first: kBase is always among them.
[[nodiscard]] const std::vector<Instructions>& available_instructions();

class SearchLanes {
 public:
  static constexpr std::size_t kLanes = 32;

  SearchLanes(ByteView public_key, ByteView extensions);
  // `instructions` must be available.
  SearchLanes(ByteView public_key, ByteView extensions, Instructions instructions);

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
  Instructions instructions_;
};

}  // namespace sendoff::cga
