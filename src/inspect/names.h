// What a message is called: "RtSolPr", "FBU" … for the report of the lab and for captures in words.
#pragma once

#include <string_view>

#include "wire/ipv6.h"

namespace sendoff::inspect {

// Of a message of ND, SEND, FMIPv6 or RFC 5269, and of the two ICMPv6 errors that answer them;
// empty for any other packet. What ESP protects with NULL encryption is read through it ("HI in
// ESP").
[[nodiscard]] std::string_view message_name(const wire::PacketView& packet);

// Of a Mobility Header alone.
[[nodiscard]] std::string_view mobility_name(ByteView header);

}  // namespace sendoff::inspect
