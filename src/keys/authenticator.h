// The Binding Authorization Data for FMIPv6 of FBU and FBack (RFC 5568 6.4.5, RFC 6275 6.2.7, W18):
// MAC(handover key, care-of address | PAR address | Mobility Header up to the authenticator, its
// checksum as zero), cut to the algorithm's length.
#pragma once

#include "base/address.h"
#include "base/secret.h"
#include "crypto/mac.h"
#include "wire/mobility.h"

namespace sendoff::keys {

// RFC 5568 6.4.5: keys from the RFC 5269 exchange are named by SPI 0.
inline constexpr std::uint32_t kHandoverKeySpi = 0;

// The care-of term of the MAC (W18, W22, GF22): the home address for lifetime 0, else the
// Alternate Care-of Address, else the packet's source.
[[nodiscard]] Ipv6Address care_of_term(const wire::FastBindingUpdate& fbu, const Ipv6Address& pcoa,
                                       const Ipv6Address& packet_source);

// The whole Mobility Header of `message` (FastBindingUpdate or FastBindingAcknowledgement), with
// its BADF option computed and placed last and the checksum set for `checksum_source` (the home
// address, W15) and `checksum_destination`. message.options.authorization is overwritten.
[[nodiscard]] Bytes authenticated(wire::FastBindingUpdate message, crypto::Algorithm algorithm,
                                  const Secret& key, const Ipv6Address& care_of,
                                  const Ipv6Address& par, const Ipv6Address& checksum_source,
                                  const Ipv6Address& checksum_destination);
[[nodiscard]] Bytes authenticated(wire::FastBindingAcknowledgement message,
                                  crypto::Algorithm algorithm, const Secret& key,
                                  const Ipv6Address& care_of, const Ipv6Address& par,
                                  const Ipv6Address& checksum_source,
                                  const Ipv6Address& checksum_destination);

enum class AuthenticationError : std::uint8_t {
  kMissing,  // no BADF option
  kSpi,      // not 0
  kLength,   // not the algorithm's
  kMac,
};

// `header` is the Mobility Header as received. Constant time in the authenticator's octets.
[[nodiscard]] Result<void, AuthenticationError> check(
    ByteView header, const std::optional<wire::AuthorizationData>& authorization,
    crypto::Algorithm algorithm, const Secret& key, const Ipv6Address& care_of,
    const Ipv6Address& par);

// What both ends may show of a handover key: 16 hexadecimal digits of a hash of it.
[[nodiscard]] std::string fingerprint(const Secret& key);

}  // namespace sendoff::keys
