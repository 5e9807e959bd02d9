// A node of the tests' own: crafts SEND messages, good and bad, from wire/ and crypto/ alone, so
// that what it sends does not depend on the code under test in send/, keys/ or the machines.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "cga/cga.h"
#include "crypto/mac.h"
#include "crypto/rsa.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/mobility.h"
#include "wire/send_options.h"

namespace sendoff::test {

// tests/vectors/keys/NAME.pem, read once. The program ends when there is none.
[[nodiscard]] std::shared_ptr<const crypto::SigningKey> signing_key(const std::string& name);
[[nodiscard]] std::shared_ptr<const crypto::HandoverDecryptionKey> decryption_key(
    const std::string& name);

// One ND-class message, every part of which a test may bend before packet() puts it together.
struct Craft {
  Ipv6Address source;
  Ipv6Address destination;
  std::uint8_t hop_limit = 255;
  Bytes head;                  // fixed part, checksum 0
  std::vector<Bytes> options;  // before the SEND options
  std::optional<Bytes> cga_parameters;
  std::optional<std::uint64_t> timestamp;
  std::optional<Bytes> nonce;
  std::vector<Bytes> more_options;                   // behind these, before the signature
  std::shared_ptr<const crypto::SigningKey> signer;  // null: no RSA Signature option
  std::optional<crypto::KeyHash> key_hash;           // null: the signer's
  Bytes signature_padding;                           // behind the signature
  std::vector<Bytes> trailing_options;               // behind the RSA Signature option

  [[nodiscard]] Bytes packet() const;
};

template <typename T>
[[nodiscard]] Bytes octets_of(const T& item) {
  Bytes octets;
  append(octets, item);
  return octets;
}

[[nodiscard]] std::uint64_t timestamp_at(UtcTime utc);

// Puts a changed packet's ICMPv6 checksum right again (no extension headers).
void repair_checksum(Bytes& packet);

// The ND options of an ICMPv6 packet without extension headers, in order, each whole.
[[nodiscard]] std::vector<wire::RawOption> options_of(ByteView packet);
[[nodiscard]] std::optional<Bytes> find_option(ByteView packet, wire::OptionType type);
[[nodiscard]] std::vector<int> option_types(ByteView packet);
// Verifies CGA of the source, or of what else is claimed, key hash and signature of a signed
// packet, independently of send/.
[[nodiscard]] bool signed_properly(ByteView packet, std::optional<Ipv6Address> claimed = {});

class Peer {
 public:
  // `prefix` is a /64; the CGA has Sec 0.
  Peer(std::shared_ptr<const crypto::SigningKey> key, const std::string& prefix,
       const std::string& link_address, std::uint8_t modifier = 1);

  [[nodiscard]] Ipv6Address global() const { return global_; }
  [[nodiscard]] Ipv6Address link_local() const { return link_local_; }
  [[nodiscard]] Ipv6Address address_in(const std::string& prefix) const;
  [[nodiscard]] const LinkAddress& link_address() const { return link_address_; }
  [[nodiscard]] const std::shared_ptr<const crypto::SigningKey>& key() const { return key_; }
  [[nodiscard]] cga::Parameters parameters(const Ipv6Address& address) const;

  // A good RtSolPr from the global CGA with wildcard and, when `hke` is given, a key request.
  [[nodiscard]] Craft rtsolpr(const Ipv6Address& destination, Now now, ByteView hke_spki = {},
                              std::uint8_t algorithm = 2) const;
  // A good RS from the link-local CGA to ff02::2.
  [[nodiscard]] Craft router_solicitation(Now now) const;

 private:
  std::shared_ptr<const crypto::SigningKey> key_;
  cga::Modifier modifier_{};
  Ipv6Address global_;
  Ipv6Address link_local_;
  LinkAddress link_address_;
  mutable std::uint16_t identifier_ = 0;
};

// An FBU as a whole packet: Home Address option, BADF last, MAC by OpenSSL's high-level calls.
struct CraftFbu {
  Ipv6Address source;
  Ipv6Address destination;  // the PAR
  std::optional<Ipv6Address> home_address;
  std::optional<Ipv6Address> alternate_care_of;
  std::uint16_t sequence = 1;
  std::uint16_t lifetime_s = 30;
  bool acknowledge = true;
  bool home_registration = true;
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128;
  Bytes key;
  std::uint32_t spi = 0;
  std::optional<Ipv6Address> care_of_term;  // null: as W18 and W22 say
  std::optional<std::size_t> tag_size;      // null: the algorithm's
  bool flip_tag = false;
  bool without_authenticator = false;
  std::optional<LinkAddress> link_address;  // MH-LLA option
  Bytes raw_options;                        // 8n octets, before all others
  std::uint16_t reserved_flags = 0;         // or-ed to the flags

  [[nodiscard]] Bytes packet() const;
};

// HI or HAck as a whole packet.
struct CraftPeer {
  Ipv6Address source;
  Ipv6Address destination;
  std::uint16_t sequence = 1;
  std::uint8_t code = 0;
  bool assigned_addressing = false;
  bool buffer = false;
  std::optional<LinkAddress> link_address;
  std::optional<Ipv6Address> pcoa;
  std::optional<Ipv6Address> ncoa;
  bool flip_checksum = false;
  std::optional<Ipv6Address> home_address;
  std::uint8_t reserved = 0;  // or-ed into octet 8

  [[nodiscard]] Bytes initiate() const;
  [[nodiscard]] Bytes acknowledge() const;

 private:
  [[nodiscard]] Bytes packet(Bytes header) const;
  void fill(wire::MobilityOptions& options) const;
};

// MAC by the one-shot calls of OpenSSL, whole length.
[[nodiscard]] Bytes independent_mac(crypto::Algorithm algorithm, ByteView key, ByteView octets);

}  // namespace sendoff::test
