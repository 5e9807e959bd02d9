#include "lab/trace.h"

#include <pcap/pcap.h>

#include <array>
#include <memory>

#include "lab/datagram.h"
#include "wire/icmpv6.h"
#include "wire/mobility.h"
#include "wire/nd_options.h"

namespace sendoff::lab {

namespace {

constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint8_t kProtocolTcp = 6;

// FNV-1a: recognises a message again; nothing rests on it but a picture.
std::uint64_t hash_on(std::uint64_t hash, ByteView octets) {
  for (const std::uint8_t octet : octets) hash = (hash ^ octet) * 0x100000001b3;
  return hash;
}

bool has_naack(ByteView message) {
  const auto offset = wire::options_offset(message);
  if (!offset) return false;
  const auto options = wire::OptionList::parse(message.subspan(*offset));
  if (!options) return false;
  for (const wire::RawOption& option : *options)
    if (option.type == wire::OptionType::kNaack) return true;
  return false;
}

std::string_view icmpv6_name(ByteView message) {
  using enum wire::Icmpv6Type;
  const auto header = wire::Icmpv6Header::parse(message);
  if (!header) return {};
  switch (wire::Icmpv6Type{header->type}) {
    case kRouterSolicitation:
      return "RS";
    case kRouterAdvertisement:
      return has_naack(message) ? "RA with NAACK" : "RA";
    case kNeighborSolicitation:
      return "NS";
    case kNeighborAdvertisement: {
      const auto advertisement = wire::NeighborAdvertisement::parse(message);
      return advertisement && !advertisement->solicited ? "unsolicited NA" : "NA";
    }
    case kRedirect:
      return "Redirect";
    case kCertificationPathSolicitation:
      return "CPS";
    case kCertificationPathAdvertisement:
      return "CPA";
    case kFastMobility:
      if (wire::RtSolPr::parse(message)) return "RtSolPr";
      return wire::PrRtAdv::parse(message) ? "PrRtAdv" : "";
    case kPacketTooBig:
      return "Packet Too Big";
    case kParameterProblem:
      return "Parameter Problem";
  }
  return {};
}

std::string_view mobility_name(ByteView message) {
  using enum wire::MobilityType;
  const auto header = wire::MobilityHeader::parse(message);
  if (!header) return {};
  switch (header->type) {
    case kFastBindingUpdate:
      return "FBU";
    case kFastBindingAcknowledgement:
      return "FBack";
    case kHandoverInitiate:
      return "HI";
    case kHandoverAcknowledge:
      return "HAck";
    case kBindingError:
      return "Binding Error";
  }
  return {};
}

// With NULL encryption what ESP protects is there to be read, between SPI and number before it and
// padding, next header and check value behind it (RFC 4303 2; docs/esp.md).
std::string_view esp_name(ByteView packet) {
  constexpr std::size_t kFront = 8;
  constexpr std::size_t kCheckValue = 16;
  constexpr std::size_t kBack = 2 + kCheckValue;
  if (packet.size() < kFront + kBack) return "ESP";
  const std::size_t padding = packet[packet.size() - kBack];
  const std::uint8_t next_header = packet[packet.size() - kBack + 1];
  if (next_header != wire::kProtocolMobility || packet.size() < kFront + padding + kBack)
    return "ESP";
  const std::string_view inside =
      mobility_name(packet.subspan(kFront, packet.size() - kFront - padding - kBack));
  if (inside == "HI") return "HI in ESP";
  return inside == "HAck" ? "HAck in ESP" : "ESP";
}

bool read_udp(ByteView upper, Sighting& out) {
  Reader reader(upper);
  reader.skip(2);
  const bool to_receiver = reader.u16() == kReceiverPort;
  reader.skip(4);
  if (!to_receiver || !reader.ok()) return false;
  const auto datagram = Datagram::parse(reader.rest());
  if (!datagram) return false;
  out.kind = Sighting::Kind::kDatagram;
  out.sequence = datagram->sequence;
  return true;
}

// `payload_length`: what the IPv6 header says, for the capture cut the segment off.
bool read_tcp(ByteView upper, std::size_t payload_length, Sighting& out) {
  Reader reader(upper);
  const std::uint16_t source_port = reader.u16();
  reader.skip(2);
  out.kind = Sighting::Kind::kSegment;
  out.sequence = reader.u32();
  reader.skip(4);
  const std::size_t header = std::size_t{4} * (reader.u8() >> 4);
  if (!reader.ok() || source_port != kTransferPort || header > payload_length) return false;
  out.size = static_cast<std::uint32_t>(payload_length - header);
  return out.size > 0;
}

bool read_message(ByteView packet, Sighting& out) {
  const auto view = wire::PacketView::parse(packet);
  if (!view) return false;
  out.kind = Sighting::Kind::kMessage;
  if (view->upper_protocol == wire::kProtocolIcmpv6) out.message = icmpv6_name(view->upper);
  if (view->upper_protocol == wire::kProtocolMobility) out.message = mobility_name(view->upper);
  if (view->upper_protocol == wire::kProtocolEsp) out.message = esp_name(view->upper);
  out.fingerprint = hash_on(0xcbf29ce484222325, view->header.source.view());
  out.fingerprint = hash_on(out.fingerprint, view->header.destination.view());
  out.fingerprint = hash_on(out.fingerprint, view->upper);
  return !out.message.empty();
}

}  // namespace

std::optional<Sighting> understand(UtcTime at, ByteView frame) {
  Reader ethernet(frame);
  ethernet.skip(6);
  Sighting out;
  out.at = at;
  out.from = *LinkAddress::from(ethernet.take(6));
  if (ethernet.u16() != kEtherTypeIpv6 || !ethernet.ok()) return std::nullopt;
  ByteView packet = ethernet.rest();
  auto header = wire::Ipv6Header::parse(packet);
  if (header && header->next_header == wire::kProtocolIpv6) {
    out.tunnelled = true;
    out.tunnel_end = header->destination;
    packet = packet.subspan(wire::Ipv6Header::kSize);
    header = wire::Ipv6Header::parse(packet);
  }
  if (!header) return std::nullopt;
  out.source = header->source;
  out.destination = header->destination;
  const ByteView upper = packet.subspan(wire::Ipv6Header::kSize);
  bool understood = false;
  if (header->next_header == wire::kProtocolUdp)
    understood = read_udp(upper, out);
  else if (header->next_header == kProtocolTcp)
    understood = read_tcp(upper, header->payload_length, out);
  else
    understood = read_message(packet, out);
  return understood ? std::optional(out) : std::nullopt;
}

Attempt<Trace> read_trace(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  const std::unique_ptr<pcap_t, decltype([](pcap_t* p) { pcap_close(p); })> file(
      pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO,
                                              why.data()));
  if (!file) return failed("read " + path + ": " + why.data());
  if (pcap_datalink(file.get()) != DLT_EN10MB) return failed(path + " holds no Ethernet frames");
  Trace trace;
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  int result = 0;
  while ((result = pcap_next_ex(file.get(), &header, &octets)) == 1) {
    const UtcTime at(seconds(header->ts.tv_sec) + Duration(header->ts.tv_usec));
    if (auto sighting = understand(at, {octets, header->caplen}))
      trace.push_back(std::move(*sighting));
  }
  if (result == PCAP_ERROR) return failed("read " + path + ": " + pcap_geterr(file.get()));
  return trace;
}

}  // namespace sendoff::lab
