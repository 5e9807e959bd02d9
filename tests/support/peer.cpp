#include "support/peer.h"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "support/vectors.h"
#include "wire/ipv6.h"

namespace sendoff::test {

namespace {

template <typename Key>
std::shared_ptr<const Key> load(const std::string& name) {
  static std::map<std::string, std::shared_ptr<const Key>> cache;
  auto& slot = cache[name];
  if (!slot) {
    auto key = Key::from_pem(load_file("keys/" + name + ".pem"), {512, 4096});
    if (!key) {
      std::fprintf(stderr, "test key %s does not load\n", name.c_str());
      std::abort();
    }
    slot = *key;
  }
  return slot;
}

}  // namespace

std::shared_ptr<const crypto::SigningKey> signing_key(const std::string& name) {
  return load<crypto::SigningKey>(name);
}

std::shared_ptr<const crypto::HandoverDecryptionKey> decryption_key(const std::string& name) {
  return load<crypto::HandoverDecryptionKey>(name);
}

std::uint64_t timestamp_at(UtcTime utc) {
  const auto since = utc.time_since_epoch();
  const auto whole = std::chrono::duration_cast<seconds>(since);
  const auto rest = static_cast<std::uint64_t>((since - whole).count());
  return static_cast<std::uint64_t>(whole.count()) << 16 | rest * 65536 / 1'000'000'000;
}

Bytes Craft::packet() const {
  Bytes message = head;
  const auto add = [&](const Bytes& octets) {
    message.insert(message.end(), octets.begin(), octets.end());
  };
  for (const Bytes& option : options) add(option);
  if (cga_parameters) append(message, wire::CgaOption{*cga_parameters});
  if (timestamp) append(message, wire::TimestampOption{*timestamp});
  if (nonce) append(message, wire::NonceOption{*nonce});
  for (const Bytes& option : more_options) add(option);
  if (signer) {
    const Bytes input = wire::signature_input(source, destination, message, message.size());
    Bytes content = signer->sign_sha1(crypto::sha1(input));
    content.insert(content.end(), signature_padding.begin(), signature_padding.end());
    append(message,
           wire::RsaSignatureOption{key_hash.value_or(crypto::key_hash(signer->spki())), content});
  }
  for (const Bytes& option : trailing_options) add(option);
  wire::seal_icmpv6(source, destination, message);
  Bytes packet = wire::icmpv6_packet(source, destination, message);
  packet[7] = hop_limit;
  return packet;
}

void repair_checksum(Bytes& packet) {
  const auto source = Ipv6Address::from(ByteView(packet).subspan(8, 16));
  const auto destination = Ipv6Address::from(ByteView(packet).subspan(24, 16));
  wire::seal_icmpv6(source, destination, ByteSpan(packet).subspan(40));
}

std::vector<wire::RawOption> options_of(ByteView packet) {
  const ByteView message = packet.subspan(40);
  const auto offset = wire::options_offset(message);
  if (!offset) return {};
  const auto list = wire::OptionList::parse(message.subspan(*offset));
  if (!list) return {};
  std::vector<wire::RawOption> options;
  for (const wire::RawOption& option : *list) options.push_back(option);
  return options;
}

std::optional<Bytes> find_option(ByteView packet, wire::OptionType type) {
  for (const wire::RawOption& option : options_of(packet))
    if (option.type == type) return to_bytes(option.octets);
  return std::nullopt;
}

std::vector<int> option_types(ByteView packet) {
  std::vector<int> types;
  for (const wire::RawOption& option : options_of(packet))
    types.push_back(static_cast<int>(option.type));
  return types;
}

bool signed_properly(ByteView packet, std::optional<Ipv6Address> claimed) {
  const ByteView message = packet.subspan(40);
  const auto source = Ipv6Address::from(packet.subspan(8, 16));
  const auto destination = Ipv6Address::from(packet.subspan(24, 16));
  const auto cga_octets = find_option(packet, wire::OptionType::kCga);
  const auto options = options_of(packet);
  if (!cga_octets || options.empty() || options.back().type != wire::OptionType::kRsaSignature)
    return false;
  const auto cga_option = wire::CgaOption::parse(*cga_octets);
  const auto parameters = cga::ParametersView::parse(cga_option->parameters);
  if (!parameters || !cga::verify(claimed.value_or(source), *parameters)) return false;
  const auto key = crypto::RsaPublicKey::parse(parameters->public_key);
  const auto signature = wire::RsaSignatureOption::parse(options.back().octets);
  if (!key || !signature || signature->key_hash != crypto::key_hash(parameters->public_key) ||
      signature->content.size() < key->modulus_size())
    return false;
  const std::size_t at = *wire::options_offset(message) + options.back().offset;
  return crypto::verify_sha1(*key,
                             crypto::sha1(wire::signature_input(source, destination, message, at)),
                             signature->content.first(key->modulus_size()));
}

Peer::Peer(std::shared_ptr<const crypto::SigningKey> key, const std::string& prefix,
           const std::string& link_address, std::uint8_t modifier)
    : key_(std::move(key)), link_address_(LinkAddress::literal(link_address)) {
  modifier_.fill(modifier);
  global_ = address_in(prefix);
  link_local_ = address_in("fe80::/64");
}

Ipv6Address Peer::address_in(const std::string& prefix) const {
  return cga::address_of(parameters(Prefix::literal(prefix).address()), 0);
}

cga::Parameters Peer::parameters(const Ipv6Address& address) const {
  cga::Parameters parameters;
  parameters.modifier = modifier_;
  std::ranges::copy(ByteView(address.octets()).first(8), parameters.subnet_prefix.begin());
  parameters.public_key = to_bytes(key_->spki());
  return parameters;
}

Craft Peer::rtsolpr(const Ipv6Address& destination, Now now, ByteView hke_spki,
                    std::uint8_t algorithm) const {
  using wire::LinkLayerAddressOption;
  Craft craft;
  craft.source = global_;
  craft.destination = destination;
  craft.head = octets_of(wire::RtSolPr{++identifier_});
  craft.options.push_back(
      octets_of(LinkLayerAddressOption{LinkLayerAddressOption::Code::kSource, link_address_}));
  craft.options.push_back(octets_of(LinkLayerAddressOption{}));
  if (!hke_spki.empty())
    craft.options.push_back(octets_of(wire::HandoverKeyRequest{{algorithm}, hke_spki}));
  craft.cga_parameters = parameters(global_).octets();
  craft.timestamp = timestamp_at(now.utc);
  craft.nonce = Bytes{1,
                      2,
                      3,
                      4,
                      static_cast<std::uint8_t>(identifier_ >> 8),
                      static_cast<std::uint8_t>(identifier_)};
  craft.signer = key_;
  return craft;
}

Craft Peer::router_solicitation(Now now) const {
  Craft craft;
  craft.source = link_local_;
  craft.destination = kAllRouters;
  craft.head = octets_of(wire::RouterSolicitation{});
  craft.options.push_back(
      octets_of(wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, link_address_}));
  craft.cga_parameters = parameters(link_local_).octets();
  craft.timestamp = timestamp_at(now.utc);
  ++identifier_;
  craft.nonce = Bytes{9,
                      2,
                      3,
                      4,
                      static_cast<std::uint8_t>(identifier_ >> 8),
                      static_cast<std::uint8_t>(identifier_)};
  craft.signer = key_;
  return craft;
}

Bytes independent_mac(crypto::Algorithm algorithm, ByteView key, ByteView octets) {
  const bool cmac = algorithm == crypto::Algorithm::kAes128Cmac_96;
  const char* digest = algorithm == crypto::Algorithm::kHmacSha1_96      ? "SHA1"
                       : algorithm == crypto::Algorithm::kHmacSha256_128 ? "SHA256"
                                                                         : "SHA384";
  std::size_t size = 0;
  Bytes mac(64);
  if (EVP_Q_mac(nullptr, cmac ? "CMAC" : "HMAC", nullptr, cmac ? "AES-128-CBC" : digest, nullptr,
                key.data(), key.size(), octets.data(), octets.size(), mac.data(), mac.size(),
                &size) == nullptr)
    std::abort();
  mac.resize(size);
  return mac;
}

Bytes CraftFbu::packet() const {
  wire::FastBindingUpdate fbu;
  fbu.sequence = sequence;
  fbu.acknowledge = acknowledge;
  fbu.home_registration = home_registration;
  fbu.lifetime_s = lifetime_s;
  fbu.options.alternate_care_of = alternate_care_of;
  if (link_address)
    fbu.options.link_address =
        wire::MobilityLinkAddress{wire::MobilityLinkAddress::kMobileNode, *link_address};
  const std::size_t size = tag_size.value_or(crypto::tag_size(algorithm));
  const Bytes zeros(size);
  if (!without_authenticator) {
    fbu.options.authorization.emplace();
    fbu.options.authorization->spi = spi;
    fbu.options.authorization->authenticator = zeros;
  }
  Bytes header = octets_of(fbu);
  header.insert(header.begin() + 12, raw_options.begin(), raw_options.end());
  header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
  header[8] |= static_cast<std::uint8_t>(reserved_flags >> 8);
  header[9] |= static_cast<std::uint8_t>(reserved_flags);
  const Ipv6Address checksum_source = home_address.value_or(source);
  if (!without_authenticator) {
    Ipv6Address term = alternate_care_of.value_or(source);
    if (lifetime_s == 0) term = home_address.value_or(source);
    term = care_of_term.value_or(term);
    Bytes input = to_bytes(term.view());
    const Bytes par = to_bytes(destination.view());
    input.insert(input.end(), par.begin(), par.end());
    input.insert(input.end(), header.begin(), header.end() - static_cast<std::ptrdiff_t>(size));
    Bytes tag = independent_mac(algorithm, key, input);
    tag.resize(size);
    if (flip_tag) tag.back() ^= 1;
    std::ranges::copy(tag, header.end() - static_cast<std::ptrdiff_t>(size));
  }
  wire::seal_mobility(checksum_source, destination, header);
  wire::Ipv6Header ip;
  ip.source = source;
  ip.destination = destination;
  ip.next_header = home_address ? wire::kProtocolDestinationOptions : wire::kProtocolMobility;
  Bytes extension;
  if (home_address)
    extension = octets_of(wire::HomeAddressHeader{wire::kProtocolMobility, *home_address});
  return wire::build_packet(ip, extension, header);
}

void CraftPeer::fill(wire::MobilityOptions& options) const {
  using Code = wire::MobilityAddressPrefix::Code;
  if (link_address)
    options.link_address =
        wire::MobilityLinkAddress{wire::MobilityLinkAddress::kMobileNode, *link_address};
  if (pcoa) options.addresses.push_back({Code::kOldCareOfAddress, 128, *pcoa});
  if (ncoa) options.addresses.push_back({Code::kNewCareOfAddress, 128, *ncoa});
}

Bytes CraftPeer::packet(Bytes header) const {
  header[8] |= reserved;
  wire::seal_mobility(home_address.value_or(source), destination, header);
  if (flip_checksum) header[4] ^= 1;
  wire::Ipv6Header ip;
  ip.source = source;
  ip.destination = destination;
  ip.next_header = home_address ? wire::kProtocolDestinationOptions : wire::kProtocolMobility;
  Bytes extension;
  if (home_address)
    extension = octets_of(wire::HomeAddressHeader{wire::kProtocolMobility, *home_address});
  return wire::build_packet(ip, extension, header);
}

Bytes CraftPeer::initiate() const {
  wire::HandoverInitiate hi;
  hi.sequence = sequence;
  hi.code = code;
  hi.assigned_addressing = assigned_addressing;
  hi.buffer = buffer;
  fill(hi.options);
  return packet(octets_of(hi));
}

Bytes CraftPeer::acknowledge() const {
  wire::HandoverAcknowledge hack;
  hack.sequence = sequence;
  hack.code = code;
  fill(hack.options);
  return packet(octets_of(hack));
}

}  // namespace sendoff::test
