// Every section of tests/vectors/wire-ipv6.txt.
#include <gtest/gtest.h>

#include "wire/ipv6.h"
#include "wire/vector_fields.h"

namespace sendoff::wire {
namespace {

using test::emitted;
using test::hex_of;
using test::VectorFields;

// The reason of a vector in our words.
ParseError expected_error(const std::string& reason) {
  if (reason == "truncated") return ParseError::kTruncated;
  if (reason == "version") return ParseError::kVersion;
  return ParseError::kExtensionHeaders;
}

void compare_header(VectorFields& fields, const Ipv6Header& header, ByteView packet) {
  EXPECT_EQ(header.traffic_class, fields.number("traffic-class"));
  EXPECT_EQ(header.flow_label, fields.number("flow-label"));
  EXPECT_EQ(header.payload_length, fields.number("payload-length"));
  EXPECT_EQ(header.next_header, fields.number("next-header"));
  EXPECT_EQ(header.hop_limit, fields.number("hop-limit"));
  EXPECT_EQ(header.source, fields.address("source"));
  EXPECT_EQ(header.destination, fields.address("destination"));
  EXPECT_EQ(hex_of(emitted(header)), hex_of(packet.first(Ipv6Header::kSize)));
}

void compare_fragment(VectorFields& fields, const std::string& name, const PacketView& view,
                      ByteView extension) {
  ASSERT_TRUE(view.fragment);
  EXPECT_EQ(view.fragment->offset, fields.number(name + "-fragment-offset"));
  EXPECT_EQ(view.fragment->more, fields.flag(name + "-more-fragments"));
  EXPECT_EQ(view.fragment->identification, fields.number(name + "-identification"));
  if (fields.has("atomic")) {
    EXPECT_EQ(view.fragment->atomic(), fields.flag("atomic"));
  }
  if (fields.both()) {
    EXPECT_EQ(hex_of(emitted(*view.fragment)), hex_of(extension));
  }
}

void compare_routing(VectorFields& fields, const std::string& name, const PacketView& view,
                     ByteView extension) {
  ASSERT_TRUE(view.routing);
  EXPECT_EQ(view.routing->type, fields.number(name + "-routing-type"));
  EXPECT_EQ(view.routing->segments_left, fields.number(name + "-segments-left"));
  if (!fields.has(name + "-home-address")) return;
  EXPECT_EQ(view.routing->home_address, fields.address(name + "-home-address"));
  if (fields.both()) {
    EXPECT_EQ(hex_of(emitted(*view.routing)), hex_of(extension));
  }
}

// The options of an options header: PacketView keeps of them the home address only, which is
// compared elsewhere.
void skip_options(VectorFields& fields, const std::string& name) {
  const std::string count = name + "-tlv-count";
  if (!fields.has(count)) return;
  for (std::uint64_t i = 1; i <= fields.number(count); ++i) {
    const std::string option = name + "-tlv-" + std::to_string(i);
    fields.skip({option + "-type", option + "-data"});
  }
}

void compare_extensions(VectorFields& fields, const PacketView& view) {
  bool hop_by_hop = false;
  bool fragment = false;
  bool routing = false;
  for (std::uint64_t i = 1; i <= fields.number("extension-count"); ++i) {
    const std::string name = "extension-" + std::to_string(i);
    const std::uint64_t protocol = fields.number(name + "-protocol");
    const Bytes extension = fields.hex(name);
    hop_by_hop = hop_by_hop || protocol == kProtocolHopByHop;
    fragment = fragment || protocol == kProtocolFragment;
    routing = routing || protocol == kProtocolRouting;
    if (protocol == kProtocolFragment) compare_fragment(fields, name, view, extension);
    if (protocol == kProtocolRouting) compare_routing(fields, name, view, extension);
    skip_options(fields, name);
    if (fields.both() && fields.has("home-address") && protocol == kProtocolDestinationOptions) {
      const HomeAddressHeader home{.next_header = extension[0],
                                   .home_address = fields.address("home-address")};
      EXPECT_EQ(hex_of(emitted(home)), hex_of(extension));
    }
  }
  EXPECT_EQ(view.has_hop_by_hop, hop_by_hop);
  EXPECT_EQ(view.fragment.has_value(), fragment);
  EXPECT_EQ(view.routing.has_value(), routing);
}

void compare_checksum(VectorFields& fields) {
  const Ipv6Address source = fields.address("source");
  const Ipv6Address destination = fields.address("destination");
  const auto protocol = static_cast<std::uint8_t>(fields.number("upper-protocol"));
  const Bytes zeroed = fields.hex("upper-octets-zero-checksum");
  const Bytes sealed = fields.hex("upper-octets");
  EXPECT_EQ(checksum(source, destination, protocol, zeroed), fields.number("checksum"));
  EXPECT_EQ(checksum(source, destination, protocol, sealed), 0);
  fields.skip({"checksum-offset", "pseudo-header"});
}

void compare_packet(VectorFields& fields) {
  const Bytes packet = fields.hex("packet");
  const auto view = PacketView::parse(packet);
  ASSERT_TRUE(view) << name(view.error());
  compare_header(fields, view->header, packet);
  compare_extensions(fields, *view);
  EXPECT_EQ(view->upper_protocol, fields.number("upper-protocol"));
  EXPECT_EQ(hex_of(view->upper), fields.text("upper-octets"));
  EXPECT_EQ(view->home_address.has_value(), fields.has("home-address"));
  if (view->home_address) {
    EXPECT_EQ(*view->home_address, fields.address("home-address"));
  }
  const ByteView payload = ByteView(packet).subspan(Ipv6Header::kSize, view->header.payload_length);
  const std::size_t extensions = payload.size() - view->upper.size();
  EXPECT_EQ(hex_of(build_packet(view->header, payload.first(extensions), view->upper)),
            hex_of(ByteView(packet).first(Ipv6Header::kSize + payload.size())));
  fields.skip({"unknown-action", "unknown-option-offset", "pointer"});
}

TEST(Ipv6Vectors, EverySectionIsReadAndWritten) {
  for (const test::Vector& vector : test::load_vectors("wire-ipv6.txt")) {
    SCOPED_TRACE(vector.name);
    VectorFields fields(vector);
    if (fields.has("pseudo-header")) {
      compare_checksum(fields);
    } else if (fields.refused()) {
      const auto view = PacketView::parse(fields.hex("packet"));
      ASSERT_FALSE(view);
      EXPECT_EQ(view.error(), expected_error(fields.text("reason")));
      continue;
    } else {
      compare_packet(fields);
    }
    fields.expect_all_used();
  }
}

}  // namespace
}  // namespace sendoff::wire
