// What user space does with the packets of tunnels. What goes in comes out as it was, but for the
// hop limit that Neighbor Discovery would believe; and it does not go into the same tunnel twice.
#include "datapath/encapsulation.h"
#include "target.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::fuzz {

namespace {

const datapath::Tunnel kTunnel{.near = Ipv6Address::literal("2001:db8:1::1"),
                               .far = Ipv6Address::literal("2001:db8:2::2")};

void through(ByteView packet) {
  const Bytes outer = datapath::encapsulate(kTunnel, packet);
  if (outer.empty()) return;
  const auto view = wire::PacketView::parse(outer);
  require(view && view->upper_protocol == wire::kProtocolIpv6, "a tunnel packet holds a packet");
  require(datapath::encapsulate(kTunnel, outer).empty(), "nothing enters its tunnel twice");
  const auto inner = datapath::decapsulate(view->header.traffic_class, view->upper);
  // Congestion of a packet that knows none of it is the outer header's, and there is none here.
  require(inner.has_value(), "what went in comes out");
  Bytes expected = to_bytes(packet.first(view->upper.size()));
  if (expected[7] == 255) expected[7] = 254;
  require(*inner == expected, "what comes out is what went in");

  Bytes too_big{2, 0, 0, 0, 0, 0, 5, 0};
  too_big.insert(too_big.end(), outer.begin(), outer.end());
  const auto told = datapath::parse_too_big(too_big);
  require(told && told->tunnel == kTunnel && told->mtu == 0x500,
          "a complaint about a tunnel packet is understood");
}

void out(std::uint8_t traffic_class, ByteView packet) {
  const auto inner = datapath::decapsulate(traffic_class, packet);
  if (!inner) return;
  const auto header = wire::Ipv6Header::parse(*inner);
  require(header && inner->size() <= packet.size(), "what comes out is a packet");
  require(header->hop_limit != 255, "what comes out is not from this link");
}

void complain(std::uint32_t mtu, ByteView packet) {
  const auto answer = datapath::packet_too_big(kTunnel.near, packet, mtu);
  if (!answer) return;
  require(answer->size() <= datapath::kMinimumMtu, "an error fits every link");
  const auto view = wire::PacketView::parse(*answer);
  require(view && wire::PacketTooBig::parse(view->upper), "an error is one");
  require(wire::icmpv6_checksum_ok(view->header.source, view->header.destination, view->upper),
          "an error is sealed");
  require(!datapath::packet_too_big(kTunnel.near, *answer, mtu), "no error about an error");
}

}  // namespace

void tunnel(ByteView input) {
  if (input.size() < 2) return;
  const Bytes octets = to_bytes(input.subspan(2));
  (void)datapath::is_signalling(octets);
  switch (input[0] % 4) {
    case 0:
      return through(octets);
    case 1:
      return out(input[1], octets);
    case 2:
      return complain(1280U + input[1], octets);
    default:
      (void)datapath::parse_too_big(octets);
  }
}

}  // namespace sendoff::fuzz
