#include "cga/cga.h"

#include "cga/hash2.h"
#include "crypto/der.h"
#include "crypto/digest.h"

namespace sendoff::cga {

namespace {

constexpr std::size_t kIdentifierOffset = 8;
// Compared bits of Hash1 (RFC 3972 2): all but Sec (0 to 2), u (6) and g (7), which are in the
// first octet.
constexpr std::uint8_t kHash1Mask = 0x1c;

constexpr std::array<std::uint8_t, 9> kZeros{};  // instead of prefix and collision count

}  // namespace

std::string_view name(Error error) {
  switch (error) {
    case Error::kTruncated:
      return "truncated";
    case Error::kCollisionCount:
      return "collision-count";
    case Error::kPrefix:
      return "prefix";
    case Error::kHash1:
      return "hash1";
    case Error::kHash2:
      return "hash2";
    case Error::kPublicKey:
      return "public-key";
    case Error::kCount:
      break;
  }
  return "unknown";
}

std::string_view explain(Error error) {
  switch (error) {
    case Error::kTruncated:
      return "the parameters are incomplete";
    case Error::kCollisionCount:
      return "the collision count is above 2";
    case Error::kPrefix:
      return "the parameters are for another subnet prefix";
    case Error::kHash1:
      return "the interface identifier does not come from these parameters: another key, "
             "modifier, prefix or collision count made it";
    case Error::kHash2:
      return "the modifier does not carry the work that the address claims with its Sec";
    case Error::kPublicKey:
      return "there is no public key in the parameters";
    case Error::kCount:
      break;
  }
  return "unknown";
}

Result<ParametersView, Error> ParametersView::parse(ByteView octets) {
  if (octets.size() <= kFixedSize) return fail(Error::kTruncated);
  Reader reader(octets);
  ParametersView parameters;
  parameters.modifier = reader.array<16>();
  parameters.subnet_prefix = reader.array<8>();
  parameters.collision_count = reader.u8();
  const ByteView behind = reader.rest();
  using crypto::der::Verdict;
  const auto key = crypto::der::read(behind, crypto::der::kSequence);
  if (key.verdict == Verdict::kTruncated) return fail(Error::kTruncated);
  // A SubjectPublicKeyInfo starts with the SEQUENCE of its algorithm; a bare RSAPublicKey does not.
  if (key.verdict != Verdict::kOk ||
      crypto::der::read(key.content, crypto::der::kSequence).verdict != Verdict::kOk)
    return fail(Error::kPublicKey);
  parameters.public_key = behind.first(key.size);
  parameters.extensions = behind.subspan(key.size);
  parameters.octets = octets;
  return parameters;
}

std::size_t Parameters::size() const {
  return ParametersView::kFixedSize + public_key.size() + extensions.size();
}

void Parameters::emit(Writer& out) const {
  out.bytes(modifier);
  out.bytes(subnet_prefix);
  out.u8(collision_count);
  out.bytes(public_key);
  out.bytes(extensions);
}

Bytes Parameters::octets() const {
  Bytes out;
  append(out, *this);
  return out;
}

Result<void, Error> verify(const Ipv6Address& address, const ParametersView& parameters) {
  if (parameters.collision_count > kMaxCollisionCount) return fail(Error::kCollisionCount);
  const ByteView octets = address.view();
  if (!equal(octets.first(kIdentifierOffset), parameters.subnet_prefix))
    return fail(Error::kPrefix);

  const crypto::Sha1Digest hash1 = crypto::sha1(parameters.octets);
  const ByteView identifier = octets.subspan(kIdentifierOffset);
  if (((hash1[0] ^ identifier[0]) & kHash1Mask) != 0 ||
      !equal(identifier.subspan(1), ByteView(hash1).subspan(1, identifier.size() - 1)))
    return fail(Error::kHash1);

  if (!hash2_ok(parameters.modifier, parameters.public_key, parameters.extensions, sec_of(address)))
    return fail(Error::kHash2);
  return {};
}

const Procedure* procedure_of(std::uint8_t sec) {
  const auto found = std::ranges::find(kProcedures, sec, &Procedure::sec);
  return found == kProcedures.end() ? nullptr : &*found;
}

Ipv6Address address_of(const Parameters& parameters, std::uint8_t sec) {
  invariant(sec <= 7);
  const crypto::Sha1Digest hash1 = crypto::sha1({parameters.modifier, parameters.subnet_prefix,
                                                 ByteView(&parameters.collision_count, 1),
                                                 parameters.public_key, parameters.extensions});
  Ipv6Address::Octets octets{};
  std::ranges::copy(parameters.subnet_prefix, octets.begin());
  std::copy_n(hash1.begin(), 8, octets.begin() + kIdentifierOffset);
  octets[kIdentifierOffset] =
      static_cast<std::uint8_t>((octets[kIdentifierOffset] & kHash1Mask) | sec << 5);
  return Ipv6Address(octets);
}

Hash2 hash2(const Modifier& modifier, ByteView public_key, ByteView extensions) {
  const crypto::Sha1Digest digest = crypto::sha1({modifier, kZeros, public_key, extensions});
  Hash2 hash{};
  std::ranges::copy(ByteView(digest).first(hash.size()), hash.begin());
  return hash;
}

bool leading_zeros(const Hash2& hash, std::uint8_t sec) {
  invariant(sec <= 7);
  return std::ranges::all_of(ByteView(hash).first(std::size_t{2} * sec),
                             [](std::uint8_t octet) { return octet == 0; });
}

bool hash2_ok(const Modifier& modifier, ByteView public_key, ByteView extensions,
              std::uint8_t sec) {
  return sec == 0 || leading_zeros(hash2(modifier, public_key, extensions), sec);
}

}  // namespace sendoff::cga
