// RsaPublicKey: the strict reader of SubjectPublicKeyInfo (RFC 3972 3, RFC 3279 2.3.1) and what
// builds one. No arithmetic and no OpenSSL here: a hostile key costs a walk over its octets.
#include "crypto/spki.h"

#include <bit>

#include "crypto/der.h"
#include "crypto/rsa.h"

namespace sendoff::crypto {

namespace {

// SEQUENCE { OBJECT IDENTIFIER 1.2.840.113549.1.1.1, NULL }
constexpr std::array<std::uint8_t, 15> kRsaEncryption = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

struct Numbers {
  ByteView modulus;
  ByteView exponent;
};

// `content` of the outer SEQUENCE.
Result<Numbers, SpkiError> read_numbers(ByteView content) {
  const der::Element algorithm = der::read(content, der::kSequence);
  if (algorithm.verdict != der::Verdict::kOk) return fail(SpkiError::kMalformed);
  if (!equal(content.first(algorithm.size), kRsaEncryption)) return fail(SpkiError::kNotRsa);

  const der::Element bits = der::read(content.subspan(algorithm.size), der::kBitString);
  if (bits.verdict != der::Verdict::kOk || algorithm.size + bits.size != content.size() ||
      bits.content.empty() || bits.content[0] != 0)
    return fail(SpkiError::kMalformed);

  const ByteView key_octets = bits.content.subspan(1);
  const der::Element key = der::read(key_octets, der::kSequence);
  if (key.verdict != der::Verdict::kOk || key.size != key_octets.size())
    return fail(SpkiError::kMalformed);

  const der::Element modulus = der::read(key.content, der::kInteger);
  if (modulus.verdict != der::Verdict::kOk) return fail(SpkiError::kMalformed);
  const der::Element exponent = der::read(key.content.subspan(modulus.size), der::kInteger);
  if (exponent.verdict != der::Verdict::kOk || modulus.size + exponent.size != key.content.size())
    return fail(SpkiError::kMalformed);

  const auto n = der::unsigned_integer(modulus.content);
  const auto e = der::unsigned_integer(exponent.content);
  if (!n || !e) return fail(SpkiError::kMalformed);
  return Numbers{*n, *e};
}

// Of a big-endian number without leading zero octets. Lengths come from the packet, so this stays
// in size_t until it is known to be small.
std::size_t bit_length(ByteView magnitude) {
  return (magnitude.size() - 1) * 8 + static_cast<std::size_t>(std::bit_width(magnitude[0]));
}

}  // namespace

std::string_view name(SpkiError error) {
  switch (error) {
    case SpkiError::kMalformed:
      return "malformed";
    case SpkiError::kNotRsa:
      return "not-rsa";
    case SpkiError::kModulusSize:
      return "modulus-size";
    case SpkiError::kExponent:
      return "exponent";
  }
  return "unknown";
}

Result<RsaPublicKey, SpkiError> RsaPublicKey::parse(ByteView spki, const KeyLimits& limits) {
  std::size_t consumed = 0;
  auto key = parse_prefix(spki, consumed, limits);
  if (key && consumed != spki.size()) return fail(SpkiError::kMalformed);
  return key;
}

Result<RsaPublicKey, SpkiError> RsaPublicKey::parse_prefix(ByteView octets, std::size_t& consumed,
                                                           const KeyLimits& limits) {
  const der::Element outer = der::read(octets, der::kSequence);
  if (outer.verdict != der::Verdict::kOk) return fail(SpkiError::kMalformed);
  const auto numbers = read_numbers(outer.content);
  if (!numbers) return fail(numbers.error());

  const std::size_t bits = bit_length(numbers->modulus);
  if (bits < limits.min_bits || bits > limits.max_bits) return fail(SpkiError::kModulusSize);
  if (numbers->exponent.size() > 4) return fail(SpkiError::kExponent);
  std::uint32_t exponent = 0;
  for (std::uint8_t octet : numbers->exponent) exponent = exponent << 8 | octet;
  if (exponent < 3 || exponent % 2 == 0) return fail(SpkiError::kExponent);

  RsaPublicKey key;
  key.modulus_ = to_bytes(numbers->modulus);
  key.exponent_ = exponent;
  key.bits_ = static_cast<std::uint32_t>(bits);
  consumed = outer.size;
  return key;
}

KeyHash key_hash(ByteView spki) {
  const Sha1Digest digest = sha1(spki);
  KeyHash hash{};
  std::ranges::copy(ByteView(digest).first(hash.size()), hash.begin());
  return hash;
}

Bytes emit_spki(ByteView modulus, ByteView exponent) {
  Bytes numbers;
  der::append_unsigned(numbers, modulus);
  der::append_unsigned(numbers, exponent);
  Bytes key;
  der::append_header(key, der::kSequence, numbers.size());
  key.insert(key.end(), numbers.begin(), numbers.end());
  Bytes content(kRsaEncryption.begin(), kRsaEncryption.end());
  der::append_header(content, der::kBitString, key.size() + 1);
  content.push_back(0);
  content.insert(content.end(), key.begin(), key.end());
  Bytes spki;
  der::append_header(spki, der::kSequence, content.size());
  spki.insert(spki.end(), content.begin(), content.end());
  return spki;
}

}  // namespace sendoff::crypto
