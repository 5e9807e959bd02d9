#include "lab/trace.h"

#include "inspect/capture_file.h"
#include "inspect/names.h"
#include "lab/datagram.h"
#include "wire/ipv6.h"

namespace sendoff::lab {

namespace {

constexpr std::uint8_t kProtocolTcp = 6;

// FNV-1a: recognises a message again; nothing rests on it but a picture.
std::uint64_t hash_on(std::uint64_t hash, ByteView octets) {
  for (const std::uint8_t octet : octets) hash = (hash ^ octet) * 0x100000001b3;
  return hash;
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
  out.message = inspect::message_name(*view);
  out.fingerprint = hash_on(0xcbf29ce484222325, view->header.source.view());
  out.fingerprint = hash_on(out.fingerprint, view->header.destination.view());
  out.fingerprint = hash_on(out.fingerprint, view->upper);
  return !out.message.empty();
}

}  // namespace

std::optional<Sighting> understand(UtcTime at, ByteView frame) {
  const auto payload = inspect::ipv6_in({.octets = frame});
  if (!payload) return std::nullopt;
  Sighting out;
  out.at = at;
  out.from = payload->from;
  ByteView packet = payload->packet;
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
  auto file = inspect::CaptureFile::open(path);
  if (!file) return failed(file.error());
  Trace trace;
  for (;;) {
    const auto frame = file->next();
    if (!frame) return failed(frame.error());
    if (!*frame) return trace;
    if ((*frame)->link != inspect::LinkType::kEthernet)
      return failed(path + " holds no Ethernet frames");
    if (auto sighting = understand((*frame)->at, (*frame)->octets))
      trace.push_back(std::move(*sighting));
  }
}

}  // namespace sendoff::lab
