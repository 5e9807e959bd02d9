#include "crypto/der.h"

namespace sendoff::crypto::der {

namespace {

constexpr std::size_t kMaxLengthOctets = 4;

Element bad(Verdict verdict) { return {verdict, {}, 0}; }

}  // namespace

Element read(ByteView octets, std::uint8_t tag) {
  if (octets.empty()) return bad(Verdict::kTruncated);
  if (octets[0] != tag) return bad(Verdict::kMalformed);
  if (octets.size() < 2) return bad(Verdict::kTruncated);
  std::size_t header = 2;
  std::size_t length = octets[1];
  if (length >= 0x80) {
    const std::size_t count = length & 0x7f;
    if (count == 0 || count > kMaxLengthOctets) return bad(Verdict::kMalformed);
    header += count;
    if (octets.size() < header) return bad(Verdict::kTruncated);
    if (octets[2] == 0) return bad(Verdict::kMalformed);
    length = 0;
    for (std::size_t i = 2; i < header; ++i) length = length << 8 | octets[i];
    if (length < 0x80) return bad(Verdict::kMalformed);
  }
  if (length > octets.size() - header) return bad(Verdict::kTruncated);
  return {Verdict::kOk, octets.subspan(header, length), header + length};
}

std::optional<ByteView> unsigned_integer(ByteView content) {
  if (content.empty() || content[0] >= 0x80) return std::nullopt;
  if (content[0] != 0 || content.size() == 1) return content;
  if (content[1] < 0x80) return std::nullopt;
  return content.subspan(1);
}

void append_header(Bytes& out, std::uint8_t tag, std::size_t size) {
  out.push_back(tag);
  if (size < 0x80) {
    out.push_back(static_cast<std::uint8_t>(size));
    return;
  }
  std::size_t count = 1;
  while (count < sizeof size && size >> (8 * count) != 0) ++count;
  out.push_back(static_cast<std::uint8_t>(0x80 | count));
  for (std::size_t i = count; i-- > 0;) out.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
}

void append_unsigned(Bytes& out, ByteView magnitude) {
  invariant(!magnitude.empty());
  while (magnitude.size() > 1 && magnitude[0] == 0) magnitude = magnitude.subspan(1);
  const bool sign_octet = magnitude[0] >= 0x80;
  append_header(out, kInteger, magnitude.size() + (sign_octet ? 1 : 0));
  if (sign_octet) out.push_back(0);
  out.insert(out.end(), magnitude.begin(), magnitude.end());
}

}  // namespace sendoff::crypto::der
