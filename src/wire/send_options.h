// SEND's options (RFC 3971 5 and 6.4, RFC 6495) and the octets that its signature covers.
#pragma once

#include "base/address.h"
#include "wire/nd_options.h"

namespace sendoff::wire {

// Type 11. `parameters` borrows the CGA Parameters (RFC 3972 3), without padding.
struct CgaOption {
  ByteView parameters;
  // kPadLength when Pad Length leaves less than the 25 octets that precede the public key.
  [[nodiscard]] static Parsed<CgaOption> parse(ByteView option);
  // Of an option with so many octets of parameters.
  [[nodiscard]] static std::size_t size_with(std::size_t parameters_size);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// Type 12. `content` is signature and padding: the modulus length of the key decides (W3).
struct RsaSignatureOption {
  static constexpr std::size_t kKeyHashSize = 16;
  std::array<std::uint8_t, kKeyHashSize> key_hash{};
  ByteView content;
  [[nodiscard]] static Parsed<RsaSignatureOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// Type 13: UTC since 1970 in units of 1/65536 s (W5).
struct TimestampOption {
  static constexpr std::size_t kSize = 16;
  std::uint64_t value = 0;
  [[nodiscard]] static Parsed<TimestampOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// Type 14: 6, 14, 22 … octets. Emitting any other length is a broken invariant (W4).
struct NonceOption {
  ByteView nonce;
  [[nodiscard]] static Parsed<NonceOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const { return 2 + nonce.size(); }
  void emit(Writer& out) const;
};

// Type 15 (W26).
struct TrustAnchorOption {
  enum class NameType : std::uint8_t {
    kDerName = 1,
    kFqdn = 2,
    kSkiSha1 = 3,
    kSkiSha224 = 4,
    kSkiSha256 = 5,
    kSkiSha384 = 6,
    kSkiSha512 = 7,
  };
  NameType name_type = NameType::kDerName;  // may be a number that no enumerator names
  ByteView name;
  [[nodiscard]] static Parsed<TrustAnchorOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// Type 16. `certificate` borrows type-specific data: DER and, behind it, padding that has no
// length field (the figure of RFC 3971 6.4.4 has Reserved there, GS12).
struct CertificateOption {
  static constexpr std::uint8_t kX509 = 1;
  std::uint8_t certificate_type = kX509;
  ByteView certificate;
  [[nodiscard]] static Parsed<CertificateOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// What an RSA signature of SEND covers (RFC 3971 5.2, W2): tag, source, destination and the
// ICMPv6 message up to the first RSA Signature option, its checksum computed as if the message
// ended there. `message` is the ICMPv6 message from its type octet on; `signature_offset` the
// number of its octets before the RSA Signature option.
[[nodiscard]] Bytes signature_input(const Ipv6Address& source, const Ipv6Address& destination,
                                    ByteView message, std::size_t signature_offset);

// Appends the RSA Signature option to a complete message and sets the checksum that goes on the
// wire.
void append_signature(const Ipv6Address& source, const Ipv6Address& destination, Bytes& message,
                      const RsaSignatureOption& option);

}  // namespace sendoff::wire
