// Captures that never happened: Ethernet frames laid out octet by octet, and pcap files of them
// (nanoseconds, Ethernet), written without the lab's code.
#pragma once

#include <string>

#include "base/address.h"
#include "base/time.h"
#include "lab/network.h"
#include "support/pcap.h"

namespace sendoff::test {

inline const Ipv6Address kCorrespondent = Ipv6Address::literal("2001:db8:c::c");
inline const Ipv6Address kOldAddress = Ipv6Address::literal("2001:db8:a:1::77");
inline const Ipv6Address kNewAddress = Ipv6Address::literal("2001:db8:a:2::77");
inline const Ipv6Address kParAddress = Ipv6Address::literal("2001:db8:a:1::1");
inline const Ipv6Address kNarAddress = Ipv6Address::literal("2001:db8:a:2::1");
inline const LinkAddress kCorrespondentLink = LinkAddress::literal("02:00:00:00:0c:0c");
inline const LinkAddress kParLink = LinkAddress::literal("02:00:00:00:0a:11");
inline const LinkAddress kNarLink = LinkAddress::literal("02:00:00:00:0b:11");
inline const LinkAddress kParCoreLink = LinkAddress::literal("02:00:00:00:0c:0a");
inline const LinkAddress kMobileLink = LinkAddress::literal("02:00:00:00:01:01");

inline UtcTime at_us(std::int64_t us) {
  return UtcTime(hours(1'000'000 / 3600) + microseconds(us));
}

inline Bytes ipv6(const Ipv6Address& source, const Ipv6Address& destination, std::uint8_t next,
                  ByteView payload, std::size_t claimed = 0) {
  Bytes out;
  put(out, 0x60000000, 4);
  put(out, claimed != 0 ? claimed : payload.size(), 2);
  put(out, next, 1);
  put(out, 64, 1);
  put(out, source.view());
  put(out, destination.view());
  put(out, payload);
  return out;
}

// The lab's datagram: "sendoff1", its number, a time, and filling; to port 5568.
inline Bytes udp(std::uint64_t sequence, std::uint16_t port = 5568) {
  Bytes out;
  put(out, 5269, 2);
  put(out, port, 2);
  put(out, 8 + 160, 2);
  put(out, 0, 2);
  for (const char c : std::string("sendoff1")) put(out, static_cast<std::uint8_t>(c), 1);
  put(out, sequence, 8);
  put(out, 0, 8);
  out.resize(8 + 160);
  return out;
}

// Data of the lab's transfer (from port 5570); the capture holds the header only.
inline Bytes tcp(std::uint32_t sequence) {
  Bytes out;
  put(out, 5570, 2);
  put(out, 40000, 2);
  put(out, sequence, 4);
  put(out, 0, 4);
  put(out, 0x5010, 2);  // five words of header, ACK
  out.resize(20);
  return out;
}

inline Bytes frame(const LinkAddress& from, ByteView packet) {
  Bytes out;
  put(out, 0x3333, 2);
  put(out, 1, 4);
  put(out, from.view());
  put(out, 0x86dd, 2);
  put(out, packet);
  return out;
}

inline Bytes datagram_frame(std::uint64_t sequence, const LinkAddress& from = kCorrespondentLink,
                            const Ipv6Address& to = kOldAddress) {
  return frame(from, ipv6(kCorrespondent, to, 17, udp(sequence)));
}

inline Bytes tunnelled_frame(std::uint64_t sequence, const LinkAddress& from) {
  return frame(from, ipv6(kParAddress, kNewAddress, 41,
                          ipv6(kCorrespondent, kOldAddress, 17, udp(sequence))));
}

inline Bytes segment_frame(std::uint32_t sequence, std::size_t size, const LinkAddress& from) {
  return frame(from, ipv6(kCorrespondent, kOldAddress, 6, tcp(sequence), 20 + size));
}

}  // namespace sendoff::test
