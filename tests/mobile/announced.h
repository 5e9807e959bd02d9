// A Neighbor Advertisement of the mobile node, as its receivers read it, and one of somebody
// else's.
#pragma once

#include <optional>

#include "base/time.h"
#include "cga/cga.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/nd_options.h"
#include "wire/send_options.h"

namespace sendoff::test {

struct Announced {
  Ipv6Address source;
  Ipv6Address destination;
  std::uint8_t hop_limit = 0;
  std::uint32_t flags = 0;  // the whole word
  Ipv6Address target;
  std::optional<LinkAddress> target_link_address;
  bool carries_send = false;
  bool valid = false;           // CGA and signature
  std::uint64_t timestamp = 0;  // 1/65536 s
  Instant at;
};

inline std::optional<Announced> read_announced(ByteView octets) {
  const auto packet = wire::PacketView::parse(octets);
  if (!packet || packet->upper_protocol != wire::kProtocolIcmpv6 || packet->upper[0] != 136)
    return std::nullopt;
  const auto head = wire::NeighborAdvertisement::parse(packet->upper);
  if (!head || packet->upper[1] != 0 ||
      !wire::icmpv6_checksum_ok(packet->header.source, packet->header.destination, packet->upper))
    return std::nullopt;
  Announced read;
  read.source = packet->header.source;
  read.destination = packet->header.destination;
  read.hop_limit = packet->header.hop_limit;
  read.flags = Reader(packet->upper.subspan(4, 4)).u32();
  read.target = head->target;
  const std::size_t fixed = wire::NeighborAdvertisement::kSize;
  const auto options = wire::OptionList::parse(packet->upper.subspan(fixed));
  if (!options) return std::nullopt;
  if (const auto option = options->first(wire::OptionType::kTargetLinkAddress))
    read.target_link_address = wire::LinkAddressOption::parse(option->octets)->address;
  const auto cga = options->first(wire::OptionType::kCga);
  const auto timestamp = options->first(wire::OptionType::kTimestamp);
  const auto signature = options->first(wire::OptionType::kRsaSignature);
  read.carries_send = cga || timestamp || signature;
  if (!cga || !timestamp || !signature) return read;
  read.timestamp = wire::TimestampOption::parse(timestamp->octets)->value;
  const auto parameters =
      cga::ParametersView::parse(wire::CgaOption::parse(cga->octets)->parameters);
  const auto key = crypto::RsaPublicKey::parse(parameters->public_key);
  const auto content = wire::RsaSignatureOption::parse(signature->octets)->content;
  const Bytes input = wire::signature_input(read.source, read.destination, packet->upper,
                                            fixed + signature->offset);
  read.valid = cga::verify(read.source, *parameters).has_value() &&
               crypto::verify_sha1(*key, crypto::sha1(input), content.first(key->modulus_size()));
  return read;
}

// Somebody says that `target` is his.
inline Bytes foreign_advertisement(const Ipv6Address& source, const Ipv6Address& target,
                                   const LinkAddress& link_address) {
  Bytes message;
  wire::NeighborAdvertisement head;
  head.override_flag = true;
  head.target = target;
  append(message, head);
  append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, link_address});
  wire::seal_icmpv6(source, kAllNodes, message);
  return wire::icmpv6_packet(source, kAllNodes, message);
}

}  // namespace sendoff::test
