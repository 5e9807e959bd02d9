#include "keys/authenticator.h"

#include <array>
#include <string_view>

#include "crypto/digest.h"

namespace sendoff::keys {

namespace {

constexpr std::size_t kMaxHeader = (std::size_t{255} + 1) * 8;

// What the MAC covers, on the stack: an FBU is checked without asking the heap for anything.
class MacInput {
 public:
  // `offset` is that of the authenticator in `header`, at most kMaxHeader.
  MacInput(const Ipv6Address& care_of, const Ipv6Address& par, ByteView header,
           std::size_t offset) {
    Writer out(octets_);
    out.bytes(care_of.view());
    out.bytes(par.view());
    wire::emit_authorization_input(header, offset, out);
    size_ = octets_.size() - out.remaining();
  }
  [[nodiscard]] ByteView view() const { return ByteView(octets_).first(size_); }

 private:
  // Left without initial value on purpose: only what was written is ever read.
  std::array<std::uint8_t, 2 * Ipv6Address::kSize + kMaxHeader> octets_;
  std::size_t size_;
};

template <typename Message>
Bytes with_authenticator(Message& message, crypto::Algorithm algorithm, const Secret& key,
                         const Ipv6Address& care_of, const Ipv6Address& par,
                         const Ipv6Address& checksum_source,
                         const Ipv6Address& checksum_destination) {
  const std::array<std::uint8_t, crypto::Tag::kMaxSize> place_holder{};
  const std::size_t tag_size = crypto::tag_size(algorithm);
  message.options.authorization = wire::AuthorizationData{
      .spi = kHandoverKeySpi, .authenticator = ByteView(place_holder).first(tag_size)};
  Bytes header;
  append(header, message);
  // The authenticator is emitted so that it ends the header (W18).
  const std::size_t offset = header.size() - tag_size;
  const crypto::Tag tag =
      crypto::mac(algorithm, key, MacInput(care_of, par, header, offset).view());
  std::ranges::copy(tag.view(), ByteSpan(header).subspan(offset).begin());
  wire::seal_mobility(checksum_source, checksum_destination, header);
  return header;
}

}  // namespace

Ipv6Address care_of_term(const wire::FastBindingUpdate& fbu, const Ipv6Address& pcoa,
                         const Ipv6Address& packet_source) {
  if (fbu.lifetime_s == 0) return pcoa;
  return fbu.options.alternate_care_of.value_or(packet_source);
}

Bytes authenticated(wire::FastBindingUpdate message, crypto::Algorithm algorithm, const Secret& key,
                    const Ipv6Address& care_of, const Ipv6Address& par,
                    const Ipv6Address& checksum_source, const Ipv6Address& checksum_destination) {
  return with_authenticator(message, algorithm, key, care_of, par, checksum_source,
                            checksum_destination);
}

Bytes authenticated(wire::FastBindingAcknowledgement message, crypto::Algorithm algorithm,
                    const Secret& key, const Ipv6Address& care_of, const Ipv6Address& par,
                    const Ipv6Address& checksum_source, const Ipv6Address& checksum_destination) {
  return with_authenticator(message, algorithm, key, care_of, par, checksum_source,
                            checksum_destination);
}

Result<void, AuthenticationError> check(ByteView header,
                                        const std::optional<wire::AuthorizationData>& authorization,
                                        crypto::Algorithm algorithm, const Secret& key,
                                        const Ipv6Address& care_of, const Ipv6Address& par) {
  if (!authorization) return fail(AuthenticationError::kMissing);
  if (authorization->spi != kHandoverKeySpi) return fail(AuthenticationError::kSpi);
  const std::size_t tag_size = authorization->authenticator.size();
  if (tag_size != crypto::tag_size(algorithm)) return fail(AuthenticationError::kLength);
  // What stood behind the authenticator would not be covered by it, so it must end the header.
  const auto head = wire::MobilityHeader::parse(header);
  const std::size_t offset = authorization->offset;
  if (!head || offset < wire::MobilityHeader::kSize || offset + tag_size != head->octets())
    return fail(AuthenticationError::kLength);
  const MacInput input(care_of, par, header, offset);
  if (!crypto::mac_matches(algorithm, key, input.view(), authorization->authenticator))
    return fail(AuthenticationError::kMac);
  return {};
}

std::string fingerprint(const Secret& key) {
  constexpr std::string_view kPurpose = "handover key fingerprint";
  const auto purpose = std::as_bytes(std::span(kPurpose));
  const crypto::Sha256Digest digest = crypto::sha256(
      {ByteView(reinterpret_cast<const std::uint8_t*>(purpose.data()), purpose.size()),
       key.expose()});
  return to_hex(ByteView(digest).first(8));
}

}  // namespace sendoff::keys
