// A strict reader of DER (X.690 8.1, 10.1): one-octet tags, definite lengths in the fewest octets.
// Certificates come from the network, so their structure is judged here before OpenSSL, which reads
// BER, sees them. Primitive values are handed out as octets; it does not write.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace sendoff::pki {

namespace tag {
inline constexpr std::uint8_t kBoolean = 0x01;
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kObjectIdentifier = 0x06;
inline constexpr std::uint8_t kUtf8String = 0x0c;
inline constexpr std::uint8_t kPrintableString = 0x13;
inline constexpr std::uint8_t kUtcTime = 0x17;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;
// [number] IMPLICIT of a primitive type, and of a constructed one or EXPLICIT.
constexpr std::uint8_t primitive(std::uint8_t number) {
  return static_cast<std::uint8_t>(0x80 | number);
}
constexpr std::uint8_t constructed(std::uint8_t number) {
  return static_cast<std::uint8_t>(0xa0 | number);
}
}  // namespace tag

struct DerElement {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  // with tag and length
};

class DerReader {
 public:
  explicit DerReader(ByteView octets) : octets_(octets) {}

  [[nodiscard]] bool done() const { return octets_.empty(); }
  // The tag of the next element; nothing at the end.
  [[nodiscard]] std::optional<std::uint8_t> peek() const;
  // The next element, borrowed; nothing at the end or when it is not DER.
  [[nodiscard]] std::optional<DerElement> next();
  // The same, and nothing when its tag is another one.
  [[nodiscard]] std::optional<DerElement> next(std::uint8_t tag);

 private:
  ByteView octets_;
};

// The content of the one element of this tag that `octets` must be, nothing behind it.
[[nodiscard]] std::optional<ByteView> sole(ByteView octets, std::uint8_t tag);

// Whether `content` is a DER INTEGER's content: not empty, no superfluous leading octet.
[[nodiscard]] bool is_integer(ByteView content);

}  // namespace sendoff::pki
