// Reading and writing the options area of a Mobility Header. For mobility.cpp only.
#pragma once

#include "wire/mobility.h"

namespace sendoff::wire {

// `header` is the whole Mobility Header, `at` the offset of its first option.
[[nodiscard]] Parsed<MobilityOptions> parse_mobility_options(ByteView header, std::size_t at);

// The size of a header whose options begin at offset `at`: each option is aligned, and the end
// padded, as its RFC wants it.
[[nodiscard]] std::size_t size_with_options(const MobilityOptions& options, std::size_t at);
// Writes from offset `at` to the header's end.
void emit_mobility_options(const MobilityOptions& options, std::size_t at, Writer& out);

}  // namespace sendoff::wire
