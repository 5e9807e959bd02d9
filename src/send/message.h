// One ND-class message on its way through the receive pipeline, and what SEND found out of it.
#pragma once

#include <optional>

#include "base/address.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "machine/action.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::send {

enum class Kind : std::uint8_t {
  kRouterSolicitation,
  kRouterAdvertisement,
  kNeighborSolicitation,
  kNeighborAdvertisement,
  kRedirect,
  kRtSolPr,
  kPrRtAdv,
  kCertificationPathSolicitation,
  kCertificationPathAdvertisement,
  kCount,
};
[[nodiscard]] std::string_view name(Kind kind);

// A message that passed the base checks (RFC 4861 6.1, 7.1; RFC 6980). Owns its octets; the views
// point into them, so it moves and does not copy.
struct Message {
  InterfaceId interface;
  LinkAddress frame_source;
  Now arrived;
  Kind kind = Kind::kRouterSolicitation;
  Bytes packet;
  Ipv6Address source;
  Ipv6Address destination;
  ByteView icmp;  // the whole ICMPv6 message
  // What may be used: those before the first RSA Signature option, where the kind may have one.
  wire::OptionList options;
  std::optional<machine::HoldId> hold;  // of a packet of the kernel's that waits for a verdict
  bool proven = false;                  // it did so apart from what strangers send

  Message() = default;
  Message(Message&&) = default;
  Message& operator=(Message&&) = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
};

// Whose address a message claims, and its CGA option has to prove (RFC 3971 5.1.1, GS1): the target
// of a DAD solicitation, the source of everything else. `icmp` is the whole ICMPv6 message.
[[nodiscard]] Ipv6Address claimed_address(const Ipv6Address& source, ByteView icmp);

// What the pipeline proved of a secured message.
struct Proof {
  Bytes spki;  // the key that signed
  crypto::KeyHash key_hash{};
  bool cga = false;         // the claimed address is made from that key
  ByteView cga_parameters;  // into the message's octets; empty without CGA option
  std::uint8_t sec = 0;
  std::uint64_t timestamp = 0;  // 1/65536 s since 1970
  std::optional<Bytes> nonce;
  bool solicited = false;         // the nonce is one of ours
  bool out_of_window = false;     // of a peer whose clock nobody knows, and it is far from ours
  crypto::Sha256Digest digest{};  // of the octets that the signature covers
};

}  // namespace sendoff::send
