// A scripted access router for tests of the mobile node: it signs, seals and answers by code of its
// own over wire/ and crypto/, so that no fault of router/ or send/ can hide one of mobile/. Every
// octet that it sends can be bent by a test.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "cga/cga.h"
#include "crypto/mac.h"
#include "crypto/rsa.h"
#include "support/peer.h"
#include "support/vectors.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"
#include "wire/nd_options.h"
#include "wire/send_options.h"

namespace sendoff::test {

inline Bytes certificate(const std::string& name) { return load_file("pki/" + name + ".der"); }

// UTC now, in 1/65536 s.
inline std::uint64_t stamp(UtcTime utc) {
  const auto ns = utc.time_since_epoch().count();
  const auto s = static_cast<std::uint64_t>(ns / 1'000'000'000);
  const auto rest = static_cast<std::uint64_t>(ns % 1'000'000'000);
  return s << 16 | rest * 65536 / 1'000'000'000;
}

// What SEND puts around a message, and what a test may leave out or bend.
struct Seal {
  std::optional<Bytes> nonce;
  UtcTime utc;
  bool timestamp = true;
  bool cga = true;
  bool signature = true;
  Bytes behind;  // options after the signature
  // Has all options but the signature.
  std::function<void(Bytes& message)> before_signing = {};
  std::function<void(Bytes& packet)> on_the_wire = {};
};

// One RtSolPr as its receiver reads it.
struct Solicitation {
  Ipv6Address source;
  Ipv6Address destination;
  std::uint16_t identifier = 0;
  Bytes nonce;
  std::optional<crypto::RsaPublicKey> encryption_key;
  Bytes spki;  // of the encryption key
  std::uint8_t algorithm = 0;
  std::vector<wire::OptionType> types;
  std::vector<wire::LinkLayerAddressOption::Code> link_codes;
  bool valid = false;  // CGA and signature
  Bytes packet;
};

struct Tuple {
  wire::LinkLayerAddressOption::Code code = wire::LinkLayerAddressOption::Code::kNewAccessPoint;
  LinkAddress access_point;
  std::optional<Ipv6Address> router;
  std::optional<LinkAddress> router_link_address;
  std::uint8_t prefix_length = 128;
  std::optional<Prefix> prefix;
  std::optional<Ipv6Address> new_care_of;
};

class FakeRouter {
 public:
  FakeRouter(const std::string& key_name, std::vector<Bytes> path, std::vector<Prefix> prefixes,
             std::uint8_t number)
      : key(signing_key(key_name)), path_(std::move(path)), prefixes_(std::move(prefixes)) {
    modifier_[0] = number;
    link_address = LinkAddress::literal("02:00:5e:00:53:" + std::to_string(10 + number));
    link_local = address(Prefix::literal("fe80::/64"));
    for (const Prefix& prefix : prefixes_) global.push_back(address(prefix));
  }

  // The address of our key and modifier under a /64 (RFC 3972 4, Sec 0).
  [[nodiscard]] Ipv6Address address(const Prefix& prefix) const {
    return cga::address_of(parameters(prefix), 0);
  }
  [[nodiscard]] cga::Parameters parameters(const Prefix& prefix) const {
    cga::Parameters parameters;
    parameters.modifier = modifier_;
    std::ranges::copy(ByteView(prefix.address().octets()).first(8),
                      parameters.subnet_prefix.begin());
    parameters.public_key = to_bytes(key->spki());
    return parameters;
  }

  [[nodiscard]] Bytes secured(Bytes message, const Ipv6Address& destination,
                              const Seal& seal) const {
    if (seal.cga) {
      const Bytes octets = parameters(Prefix::literal("fe80::/64")).octets();
      append(message, wire::CgaOption{octets});
    }
    if (seal.timestamp) append(message, wire::TimestampOption{stamp(seal.utc)});
    if (seal.nonce) append(message, wire::NonceOption{*seal.nonce});
    if (seal.before_signing) seal.before_signing(message);
    if (seal.signature) {
      const Bytes input = wire::signature_input(link_local, destination, message, message.size());
      const Bytes signature = key->sign_sha1(crypto::sha1(input));
      wire::append_signature(link_local, destination, message,
                             {crypto::key_hash(key->spki()), signature});
    }
    message.insert(message.end(), seal.behind.begin(), seal.behind.end());
    wire::seal_icmpv6(link_local, destination, message);
    Bytes packet = wire::icmpv6_packet(link_local, destination, message);
    if (seal.on_the_wire) seal.on_the_wire(packet);
    return packet;
  }

  // A Router Advertisement for all prefixes; each with our address in it (R flag) unless silenced.
  struct Advertised {
    std::uint16_t lifetime_s = 1800;
    bool global_addresses = true;
    std::optional<std::vector<wire::PrefixInformation>> prefixes;  // instead of ours
    std::optional<std::uint32_t> mtu;
    std::optional<wire::NaackOption> naack;  // RFC 5568 6.4.6
  };
  [[nodiscard]] wire::PrefixInformation information(const Prefix& prefix) const {
    wire::PrefixInformation option;
    option.prefix_length = prefix.length();
    option.on_link = option.autonomous = option.router_address = true;
    option.valid_lifetime_s = 86'400;
    option.preferred_lifetime_s = 14'400;
    option.address = address(prefix);
    return option;
  }
  [[nodiscard]] Bytes router_advertisement(const Ipv6Address& destination, const Seal& seal,
                                           const Advertised& advertised) const {
    Bytes message;
    wire::RouterAdvertisement head;
    head.router_lifetime_s = advertised.lifetime_s;
    head.current_hop_limit = 64;
    append(message, head);
    append(message, wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, link_address});
    if (advertised.mtu) append(message, wire::MtuOption{*advertised.mtu});
    std::vector<wire::PrefixInformation> options;
    for (const Prefix& prefix : prefixes_) options.push_back(information(prefix));
    for (wire::PrefixInformation& option : options)
      option.router_address = advertised.global_addresses;
    for (const wire::PrefixInformation& option : advertised.prefixes.value_or(options))
      append(message, option);
    if (advertised.naack) append(message, *advertised.naack);
    return secured(std::move(message), destination, seal);
  }

  // CPAs for a CPS, as sent to its source.
  [[nodiscard]] std::vector<Bytes> path_advertisements(const Ipv6Address& to,
                                                       std::uint16_t identifier) const {
    std::vector<Bytes> packets;
    const Ipv6Address destination = to.solicited_node();
    for (std::size_t i = 0; i < path_.size(); ++i) {
      Bytes message;
      append(message, wire::CertificationPathAdvertisement{
                          identifier, static_cast<std::uint16_t>(path_.size()),
                          static_cast<std::uint16_t>(path_.size() - 1 - i)});
      append(message, wire::CertificateOption{wire::CertificateOption::kX509, path_[i]});
      wire::seal_icmpv6(link_local, destination, message);
      packets.push_back(wire::icmpv6_packet(link_local, destination, message));
    }
    return packets;
  }

  // A Handover Key Reply option: `key` under `to`, or whatever a test makes of it.
  [[nodiscard]] static Bytes reply_option(const crypto::RsaPublicKey& to, std::uint8_t algorithm,
                                          std::uint16_t lifetime_s, ByteView handover_key) {
    const Secret plain = Secret::copy_of(handover_key);
    Secret padding(crypto::padding_size(to, plain.size()));
    std::ranges::fill(padding.expose_mutable(), std::uint8_t{0x5a});
    return reply_option(algorithm, lifetime_s, crypto::encrypt(to, plain, padding));
  }
  [[nodiscard]] static Bytes reply_option(std::uint8_t algorithm, std::uint16_t lifetime_s,
                                          ByteView ciphertext) {
    Bytes option;
    append(option, wire::HandoverKeyReply{{algorithm}, lifetime_s, ciphertext});
    return option;
  }

  static void append_tuple(Bytes& message, const Tuple& tuple) {
    using Code = wire::LinkLayerAddressOption::Code;
    using Info = wire::IpAddressPrefixOption;
    append(message, wire::LinkLayerAddressOption{tuple.code, tuple.access_point});
    if (tuple.router_link_address)
      append(message,
             wire::LinkLayerAddressOption{Code::kNewAccessRouter, *tuple.router_link_address});
    if (tuple.router)
      append(message, Info{Info::Code::kNarAddress, tuple.prefix_length, *tuple.router});
    if (tuple.prefix)
      append(message,
             Info{Info::Code::kNarPrefix, tuple.prefix->length(), tuple.prefix->address()});
    if (tuple.new_care_of)
      append(message, Info{Info::Code::kNewCareOfAddress, 128, *tuple.new_care_of});
  }

  [[nodiscard]] Bytes proxy_advertisement(const Ipv6Address& destination, std::uint8_t code,
                                          std::uint16_t identifier,
                                          const std::vector<Tuple>& tuples,
                                          const std::vector<Bytes>& replies,
                                          const Seal& seal) const {
    Bytes message;
    append(message, wire::PrRtAdv{code, identifier});
    append(message,
           wire::LinkLayerAddressOption{wire::LinkLayerAddressOption::Code::kSource, link_address});
    for (const Tuple& tuple : tuples) append_tuple(message, tuple);
    for (const Bytes& reply : replies) message.insert(message.end(), reply.begin(), reply.end());
    return secured(std::move(message), destination, seal);
  }

  // An FBack under this key; `care_of` and `par` are the terms of its MAC.
  struct Fback {
    std::uint8_t status = 0;
    std::uint16_t sequence = 0;
    std::uint16_t lifetime_s = 30;
    std::optional<Ipv6Address> alternate;
    Ipv6Address destination;
    std::optional<Ipv6Address> routing_home;  // a literal RFC 6275 peer
  };
  [[nodiscard]] static Bytes fback(const Fback& fields, crypto::Algorithm algorithm,
                                   const Bytes& handover_key, const Ipv6Address& care_of,
                                   const Ipv6Address& par) {
    wire::FastBindingAcknowledgement message;
    message.status = fields.status;
    message.sequence = fields.sequence;
    message.lifetime_s = fields.lifetime_s;
    message.options.alternate_care_of = fields.alternate;
    const Bytes place_holder(crypto::tag_size(algorithm));
    message.options.authorization =
        wire::AuthorizationData{.spi = 0, .authenticator = place_holder, .offset = 0};
    Bytes header;
    append(header, message);
    const Bytes tag = authenticator(header, algorithm, handover_key, care_of, par);
    std::ranges::copy(tag, header.end() - static_cast<std::ptrdiff_t>(tag.size()));
    const Ipv6Address final_destination = fields.routing_home.value_or(fields.destination);
    wire::seal_mobility(par, final_destination, header);
    wire::Ipv6Header ip;
    ip.source = par;
    ip.destination = fields.destination;
    ip.next_header = fields.routing_home ? wire::kProtocolRouting : wire::kProtocolMobility;
    Bytes extension;
    if (fields.routing_home) {
      wire::RoutingHeader routing;
      routing.next_header = wire::kProtocolMobility;
      routing.home_address = *fields.routing_home;
      append(extension, routing);
    }
    return wire::build_packet(ip, extension, header);
  }

  // RFC 5568 6.4.5 by hand: MAC(key, care-of | PAR | header up to the authenticator, checksum 0).
  [[nodiscard]] static Bytes authenticator(ByteView header, crypto::Algorithm algorithm,
                                           const Bytes& handover_key, const Ipv6Address& care_of,
                                           const Ipv6Address& par) {
    Bytes input = to_bytes(care_of.view());
    input.insert(input.end(), par.view().begin(), par.view().end());
    const ByteView covered = header.first(header.size() - crypto::tag_size(algorithm));
    input.insert(input.end(), covered.begin(), covered.end());
    input[32 + 4] = input[32 + 5] = 0;
    return to_bytes(crypto::mac(algorithm, Secret::copy_of(handover_key), input).view());
  }

  std::shared_ptr<const crypto::SigningKey> key;
  LinkAddress link_address;
  Ipv6Address link_local;
  std::vector<Ipv6Address> global;

 private:
  cga::Modifier modifier_{};
  std::vector<Bytes> path_;
  std::vector<Prefix> prefixes_;
};

// Reads an RtSolPr with parsers of wire/; nothing when the packet is none.
inline std::optional<Solicitation> read_solicitation(ByteView octets) {
  const auto packet = wire::PacketView::parse(octets);
  if (!packet || packet->upper_protocol != wire::kProtocolIcmpv6) return std::nullopt;
  const auto head = wire::RtSolPr::parse(packet->upper);
  if (!head) return std::nullopt;
  Solicitation read;
  read.source = packet->header.source;
  read.destination = packet->header.destination;
  read.identifier = head->identifier;
  read.packet = to_bytes(octets);
  const auto options = wire::OptionList::parse(packet->upper.subspan(wire::RtSolPr::kSize));
  if (!options) return std::nullopt;
  for (const wire::RawOption& option : *options) {
    read.types.push_back(option.type);
    if (option.type == wire::OptionType::kLinkLayerAddress)
      read.link_codes.push_back(wire::LinkLayerAddressOption::parse(option.octets)->code);
    if (option.type == wire::OptionType::kNonce)
      read.nonce = to_bytes(wire::NonceOption::parse(option.octets)->nonce);
    if (option.type == wire::OptionType::kHandoverKeyRequest) {
      const auto request = wire::HandoverKeyRequest::parse(option.octets);
      read.spki = to_bytes(request->public_key);
      read.algorithm = request->algorithm.value;
      if (auto key = crypto::RsaPublicKey::parse(read.spki)) read.encryption_key = std::move(*key);
    }
    if (option.type == wire::OptionType::kRsaSignature) {
      const auto cga = options->first(wire::OptionType::kCga);
      if (!cga) continue;
      const auto parameters =
          cga::ParametersView::parse(wire::CgaOption::parse(cga->octets)->parameters);
      const auto key = crypto::RsaPublicKey::parse(parameters->public_key);
      const auto signature = wire::RsaSignatureOption::parse(option.octets);
      const Bytes input = wire::signature_input(read.source, read.destination, packet->upper,
                                                wire::RtSolPr::kSize + option.offset);
      read.valid = cga::verify(read.source, *parameters).has_value() &&
                   signature->key_hash == crypto::key_hash(parameters->public_key) &&
                   crypto::verify_sha1(*key, crypto::sha1(input),
                                       signature->content.first(key->modulus_size()));
    }
  }
  return read;
}

// One FBU as its receiver reads it.
struct Update {
  Update() = default;
  Update(Update&&) = default;  // the views in `fbu` point into `header`
  Update& operator=(Update&&) = default;
  Update(const Update&) = delete;
  Update& operator=(const Update&) = delete;

  Ipv6Address source;
  Ipv6Address destination;
  std::optional<Ipv6Address> home;
  wire::FastBindingUpdate fbu;
  Bytes header;
  Bytes packet;

  // Whether its authenticator was made by this key and algorithm.
  [[nodiscard]] bool made_by(crypto::Algorithm algorithm, const Bytes& handover_key,
                             const Ipv6Address& care_of) const {
    const std::size_t size = crypto::tag_size(algorithm);
    if (!fbu.options.authorization || fbu.options.authorization->authenticator.size() != size)
      return false;
    return equal(FakeRouter::authenticator(header, algorithm, handover_key, care_of, destination),
                 ByteView(header).last(size));
  }
};

inline std::optional<Update> read_update(ByteView octets) {
  const auto packet = wire::PacketView::parse(octets);
  if (!packet || packet->upper_protocol != wire::kProtocolMobility) return std::nullopt;
  Update update;
  update.source = packet->header.source;
  update.destination = packet->header.destination;
  update.home = packet->home_address;
  update.header = to_bytes(packet->upper);
  update.packet = to_bytes(octets);
  // Its views point into our own copy.
  const auto fbu = wire::FastBindingUpdate::parse(update.header);
  if (!fbu) return std::nullopt;
  update.fbu = *fbu;
  return update;
}

}  // namespace sendoff::test
