// The fields and options of a message in words. What does not parse is told with the reason, and
// the rest is read on.
#pragma once

#include <string>
#include <vector>

#include "inspect/message.h"
#include "wire/error.h"

namespace sendoff::inspect {

// Half a sentence: what a parser found wrong.
[[nodiscard]] std::string_view explain(wire::ParseError error);

// Of an ICMPv6 message / of a Mobility Header: appends to message.lines, and sets message.problem
// to the first fault.
void tell_icmpv6(ByteView icmp, Message& message);
void tell_mobility(ByteView header, Message& message);

// A Timestamp option's value as UTC; nothing for one that no calendar holds.
[[nodiscard]] std::optional<UtcTime> time_of_timestamp(std::uint64_t value);

// "RSA, 2048 bits, exponent 65537", or why it is none.
[[nodiscard]] std::string key_words(ByteView spki);

}  // namespace sendoff::inspect
