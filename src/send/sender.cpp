#include "send/sender.h"

#include "send/message.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/send_options.h"

namespace sendoff::send {

namespace {

constexpr std::size_t kNonceSize = 6;

void append_send_options(Unsigned& message, ByteView parameters, UtcTime utc) {
  if (message.cga_option) append(message.message, wire::CgaOption{parameters});
  append(message.message, wire::TimestampOption{timestamp_of(utc)});
  if (message.nonce) append(message.message, wire::NonceOption{*message.nonce});
}

std::size_t signature_option_size(const crypto::SigningKey& key) {
  const Bytes placeholder(key.public_key().modulus_size());
  return wire::RsaSignatureOption{{}, placeholder}.size();
}

bool nonce_length_ok(const std::optional<Bytes>& nonce) {
  return !nonce || (nonce->size() >= kNonceSize && nonce->size() % 8 == kNonceSize);
}

// RFC 5269 4.1 and 4.2: where options 27 and 28 may stand and what 27 may hold.
std::optional<SendError> check_handover_options(const Unsigned& message,
                                                const crypto::SigningKey& key) {
  const auto offset = wire::options_offset(message.message);
  if (!offset) return std::nullopt;
  const auto options = wire::OptionList::parse(ByteView(message.message).subspan(*offset));
  if (!options) return SendError::kHandoverOptions;
  const std::size_t requests = options->count(wire::OptionType::kHandoverKeyRequest);
  const std::size_t replies = options->count(wire::OptionType::kHandoverKeyReply);
  if (requests + replies == 0) return std::nullopt;
  if (requests + replies > 1 || !message.nonce) return SendError::kHandoverOptions;
  const bool solicitation = wire::RtSolPr::parse(message.message).has_value();
  const bool advertisement = wire::PrRtAdv::parse(message.message).has_value();
  if ((requests == 1 && !solicitation) || (replies == 1 && !advertisement))
    return SendError::kHandoverOptions;
  if (requests == 0) return std::nullopt;
  const auto request = wire::HandoverKeyRequest::parse(
      options->first(wire::OptionType::kHandoverKeyRequest)->octets);
  if (!request || equal(request->public_key, key.spki())) return SendError::kHandoverKey;
  const auto hke = crypto::RsaPublicKey::parse(request->public_key);
  if (!hke || !hke->same_parameters(key.public_key())) return SendError::kHandoverKey;
  return std::nullopt;
}

}  // namespace

std::string_view name(SendError error) {
  switch (error) {
    case SendError::kNotMyCga:
      return "not-my-cga";
    case SendError::kTooBig:
      return "too-big";
    case SendError::kNonceLength:
      return "nonce-length";
    case SendError::kHandoverOptions:
      return "handover-options";
    case SendError::kHandoverKey:
      return "handover-key";
  }
  return "unknown";
}

std::size_t packet_size(const Unsigned& message, const crypto::SigningKey& key) {
  std::size_t size = wire::Ipv6Header::kSize + message.message.size() +
                     wire::TimestampOption::kSize + signature_option_size(key);
  if (message.cga_option) size += wire::CgaOption::size_with(message.parameters.size());
  if (message.nonce) size += 2 + message.nonce->size();
  return size;
}

Result<machine::SignMessage, SendError> sign(Unsigned message,
                                             std::shared_ptr<const crypto::SigningKey> key,
                                             UtcTime utc, std::uint32_t mtu) {
  if (!nonce_length_ok(message.nonce)) return fail(SendError::kNonceLength);
  if (const auto error = check_handover_options(message, *key)) return fail(*error);
  const Bytes parameters = message.parameters.octets();
  const auto view = cga::ParametersView::parse(parameters);
  const Ipv6Address claimed = claimed_address(message.source, message.message);
  if (!view || !equal(view->public_key, key->spki()) || !cga::verify(claimed, *view))
    return fail(SendError::kNotMyCga);
  const std::size_t size = packet_size(message, *key);
  if (size > mtu) return fail(SendError::kTooBig);
  message.message.reserve(size);
  append_send_options(message, parameters, utc);
  return machine::SignMessage{std::move(key), message.source, message.destination,
                              std::move(message.message), std::move(message.seal)};
}

Bytes solicitation_from_unspecified(Bytes message, ByteView nonce, UtcTime utc) {
  append(message, wire::TimestampOption{timestamp_of(utc)});
  append(message, wire::NonceOption{nonce});
  wire::seal_icmpv6(Ipv6Address{}, kAllRouters, message);
  return wire::icmpv6_packet(Ipv6Address{}, kAllRouters, message);
}

Bytes draw_nonce(Random& random) {
  Bytes nonce(kNonceSize);
  if (!random.fill(nonce)) nonce.clear();
  return nonce;
}

}  // namespace sendoff::send
