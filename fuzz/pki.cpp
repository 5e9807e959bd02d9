// Certificates, their address blocks, names, and files of them. Address blocks have one encoding:
// what parses is what an encoder of this file makes of it.
#include "crypto/der.h"
#include "memory.h"
#include "pki/blocks.h"
#include "pki/certificate.h"
#include "pki/decoded.h"
#include "pki/der.h"
#include "pki/names.h"
#include "pki/revocation.h"
#include "target.h"

namespace sendoff::fuzz {

namespace {

namespace tag = pki::tag;

Bytes element(std::uint8_t tag, ByteView content) {
  Bytes out;
  crypto::der::append_header(out, tag, content.size());
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

void add(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

bool bit_of(const Ipv6Address& address, std::size_t bit) {
  return (address.octets()[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

Bytes bit_string(const Ipv6Address& address, std::size_t bits) {
  const std::size_t octets = (bits + 7) / 8;
  Bytes content{static_cast<std::uint8_t>(octets * 8 - bits)};
  for (std::size_t i = 0; i < octets; ++i) content.push_back(address.octets()[i]);
  if (content[0] != 0)
    content.back() = static_cast<std::uint8_t>(content.back() >> content[0] << content[0]);
  return element(tag::kBitString, content);
}

// How many bits are left when those of `value` are taken off the end.
std::size_t without_trailing(const Ipv6Address& address, bool value) {
  std::size_t bits = 128;
  while (bits > 0 && bit_of(address, bits - 1) == value) --bits;
  return bits;
}

Bytes encoded(const pki::AddressRange& range) {
  const std::size_t low = without_trailing(range.first, false);
  const std::size_t high = without_trailing(range.last, true);
  const std::size_t length = std::max(low, high);
  if (pki::AddressRange::of(Prefix(range.first, static_cast<std::uint8_t>(length))) == range)
    return bit_string(range.first, length);
  Bytes content = bit_string(range.first, low);
  // The highest address keeps one bit.
  add(content, bit_string(range.last, std::max<std::size_t>(high, 1)));
  return element(tag::kSequence, content);
}

Bytes encoded(const pki::AddressBlocks& blocks) {
  Bytes family = element(tag::kOctetString, Bytes{0, 2});
  if (blocks.inherit) {
    add(family, element(tag::kNull, {}));
  } else {
    Bytes ranges;
    for (const pki::AddressRange& range : blocks.set.ranges()) add(ranges, encoded(range));
    add(family, element(tag::kSequence, ranges));
  }
  return element(tag::kSequence, element(tag::kSequence, family));
}

std::size_t families_in(ByteView extension) {
  std::size_t count = 0;
  pki::DerReader reader(pki::sole(extension, tag::kSequence).value_or(ByteView{}));
  while (reader.next()) ++count;
  return count;
}

void blocks(ByteView octets) {
  if (octets.size() > pki::kMaxCertificateSize) return;
  const Allocations before;
  const auto parsed = pki::parse_blocks(octets);
  require(before.octets() <= 64 * octets.size() + 256, "blocks take memory as their octets do");
  if (!parsed) return;
  require(parsed->inherit == parsed->set.empty(), "blocks are inherited or there");
  if (families_in(octets) == 1)
    require(encoded(*parsed) == to_bytes(octets), "address blocks have one encoding");
  const auto again = pki::AddressSet::of(parsed->set.prefixes());
  require(again == parsed->set, "a set is what its prefixes make up");
  require(parsed->set.encompasses(again), "a set is inside itself");
}

void certificate(ByteView octets) {
  const auto decoded = pki::decode(octets);
  const auto info = pki::inspect(octets);
  const auto anchor = pki::TrustAnchor::parse(octets);
  require(decoded || (!info && !anchor), "nothing is said of what does not decode");
  if (!decoded) return;
  require(octets.size() <= pki::kMaxCertificateSize, "certificates have a bound");
  require(decoded->extensions.size() <= pki::Decoded::kMaxExtensions, "extensions have a bound");
  if (info) {
    for (const std::string* text : {&info->subject, &info->issuer})
      for (const char c : *text) require(c >= 0x20 && c < 0x7f, "names are printable");
  }
  const std::string pem = pki::to_pem(octets);
  const auto read =
      pki::decode_certificates({reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()});
  require(read && read->size() == 1 && read->front() == to_bytes(octets),
          "PEM gives back what it armours");
}

void revocation_lists(ByteView octets) {
  const auto lists = pki::decode_lists(octets);
  if (!lists) return;
  require(!lists->empty(), "a file of lists holds one");
  for (const pki::RevocationList& list : *lists) {
    require(list.number.size() <= 20 && list.revoked.size() <= pki::kMaxRevoked,
            "lists have bounds");
    require(!list.newer_than(list), "a list is not newer than itself");
    const std::string pem = pki::list_to_pem(list.der);
    const auto read =
        pki::decode_lists({reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()});
    require(read && read->size() == 1 && read->front().revoked == list.revoked,
            "PEM gives back what it armours");
  }
}

void file(ByteView octets) {
  revocation_lists(octets);
  const auto certificates = pki::decode_certificates(octets);
  if (!certificates) return;
  require(certificates->size() <= 64, "files have a bound");
  const auto ordered = pki::path_order(*certificates);
  require(std::ranges::is_permutation(ordered, *certificates), "nothing is lost in order");
}

void names(ByteView octets) {
  const std::size_t half = octets.size() / 2;
  const ByteView a = octets.first(half);
  const ByteView b = octets.subspan(half);
  require(pki::names_match(a, b) == pki::names_match(b, a), "either name matches the other");
  for (const char c : pki::name_text(octets)) require(c >= 0x20 && c < 0x7f, "names are printable");
  if (!pki::name_text(octets).empty())
    require(pki::names_match(octets, octets), "a name matches itself");
}

}  // namespace

void pki(ByteView input) {
  if (input.empty()) return;
  const Bytes octets = to_bytes(input.subspan(1));
  switch (input[0] % 4) {
    case 0:
      return certificate(octets);
    case 1:
      return blocks(octets);
    case 2:
      return file(octets);
    default:
      return names(octets);
  }
}

}  // namespace sendoff::fuzz
