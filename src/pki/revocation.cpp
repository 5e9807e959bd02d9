#include "pki/revocation.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "pki/decoded.h"
#include "pki/der.h"
#include "pki/names.h"

namespace sendoff::pki {

namespace {

constexpr std::size_t kMaxNumber = 20;  // octets (RFC 5280 5.2.3)
constexpr std::uint8_t kCrlSign = 0x02;

// A magnitude without the octet that carries the sign; nothing for negative ones and beyond 20
// octets.
std::optional<Bytes> magnitude(ByteView integer) {
  if (!is_integer(integer) || integer[0] >= 0x80) return std::nullopt;
  if (integer[0] == 0) integer = integer.subspan(1);
  if (integer.size() > kMaxNumber) return std::nullopt;
  return to_bytes(integer);
}

// revokedCertificates. Entry extensions are not allowed (RFC 6487 5).
Result<std::vector<Revoked>, CrlError> read_revoked(ByteView content) {
  std::vector<Revoked> revoked;
  DerReader reader(content);
  while (!reader.done()) {
    const auto entry = reader.next(tag::kSequence);
    if (!entry || revoked.size() == kMaxRevoked) return fail(CrlError::kMalformed);
    DerReader fields(entry->content);
    const auto serial = fields.next(tag::kInteger);
    const auto time = fields.next();
    const auto since = time ? read_time(*time) : std::nullopt;
    if (!serial || !is_integer(serial->content) || !since) return fail(CrlError::kMalformed);
    if (!fields.done()) return fail(CrlError::kProfile);
    revoked.push_back({to_bytes(serial->content), *since});
  }
  std::ranges::sort(revoked, {}, &Revoked::serial);
  return revoked;
}

// Only the authority key identifier and the CRL Number, neither of them critical.
Result<void, CrlError> read_list_extensions(ByteView content, RevocationList& list) {
  const auto extensions = read_extensions(content);
  if (!extensions)
    return fail(extensions.error() == PathError::kProfile ? CrlError::kProfile
                                                          : CrlError::kMalformed);
  for (const Extension& extension : *extensions)
    if (extension.critical || (!equal(extension.oid, oid::kCrlNumber) &&
                               !equal(extension.oid, oid::kAuthorityKeyIdentifier)))
      return fail(CrlError::kProfile);
  const Extension* number = find_extension(*extensions, oid::kCrlNumber);
  const auto content_of_number =
      number != nullptr ? sole(number->value, tag::kInteger) : std::nullopt;
  const auto value = content_of_number ? magnitude(*content_of_number) : std::nullopt;
  list.issuer_key_identifier = to_bytes(authority_key_identifier(*extensions));
  if (!value || list.issuer_key_identifier.empty()) return fail(CrlError::kProfile);
  list.number = *value;
  return {};
}

// TBSCertList. The algorithm beside the signature, which nothing signs, must be the one inside.
Result<void, CrlError> read_signed_part(ByteView content, ByteView outer_algorithm,
                                        RevocationList& list) {
  DerReader reader(content);
  if (reader.peek() != tag::kInteger) return fail(CrlError::kProfile);  // absent: version 1
  const auto version = reader.next();
  if (!version || version->content.size() != 1 || version->content[0] != 1)
    return fail(CrlError::kProfile);
  const auto algorithm = reader.next(tag::kSequence);
  const auto issuer = reader.next(tag::kSequence);
  const auto first = reader.next();
  const auto second = reader.next();
  const auto this_update = first ? read_time(*first) : std::nullopt;
  const auto next_update = second ? read_time(*second) : std::nullopt;
  if (!algorithm || !issuer || !this_update || !next_update) return fail(CrlError::kMalformed);
  if (!equal(algorithm->whole, outer_algorithm)) return fail(CrlError::kProfile);
  list.issuer_name = to_bytes(issuer->whole);
  list.this_update = *this_update;
  list.next_update = *next_update;
  if (reader.peek() == tag::kSequence) {
    const auto entries = reader.next();
    if (!entries) return fail(CrlError::kMalformed);
    auto revoked = read_revoked(entries->content);
    if (!revoked) return fail(revoked.error());
    list.revoked = std::move(*revoked);
  }
  if (reader.peek() != tag::constructed(0)) return fail(CrlError::kProfile);
  const auto extensions = reader.next();
  if (!extensions || !reader.done()) return fail(CrlError::kMalformed);
  return read_list_extensions(extensions->content, list);
}

bool signature_holds(const RevocationList& list, ByteView issuer_spki) {
  const unsigned char* at = list.der.data();
  const std::unique_ptr<X509_CRL, decltype([](X509_CRL* crl) { X509_CRL_free(crl); })> crl(
      d2i_X509_CRL(nullptr, &at, static_cast<long>(list.der.size())));
  const unsigned char* key_at = issuer_spki.data();
  const std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* key) { EVP_PKEY_free(key); })> key(
      d2i_PUBKEY(nullptr, &key_at, static_cast<long>(issuer_spki.size())));
  const bool good = crl && key &&
                    X509_CRL_get_signature_nid(crl.get()) == NID_sha256WithRSAEncryption &&
                    X509_CRL_verify(crl.get(), key.get()) == 1;
  ERR_clear_error();
  return good;
}

// Absent: allowed (RFC 5280 4.2.1.3).
bool may_sign_lists(const Decoded& issuer) {
  const Extension* usage = issuer.find(oid::kKeyUsage);
  if (usage == nullptr) return true;
  const auto bits = sole(usage->value, tag::kBitString);
  return bits && bits->size() >= 2 && ((*bits)[1] & kCrlSign) != 0;
}

}  // namespace

std::string_view name(CrlError error) {
  switch (error) {
    case CrlError::kMalformed:
      return "malformed";
    case CrlError::kProfile:
      return "profile";
    case CrlError::kIssuer:
      return "issuer";
    case CrlError::kNotSigner:
      return "not-signer";
    case CrlError::kSignature:
      return "signature";
    case CrlError::kNotYetValid:
      return "not-yet-valid";
    case CrlError::kStale:
      return "stale";
  }
  return "unknown";
}

std::string_view explain(CrlError error) {
  switch (error) {
    case CrlError::kMalformed:
      return "It is no revocation list in DER or PEM; look for a damaged or wrong file.";
    case CrlError::kProfile:
      return "It is not of the form of RFC 6487 5: version 2, a number and a key identifier, no "
             "other extension.";
    case CrlError::kIssuer:
      return "It is of another issuer, or was signed by another key of the issuer.";
    case CrlError::kNotSigner:
      return "The issuer's key usage does not allow it to sign revocation lists.";
    case CrlError::kSignature:
      return "Its signature does not fit the issuer's key.";
    case CrlError::kNotYetValid:
      return "It is not valid yet; compare the clocks.";
    case CrlError::kStale:
      return "It is out of date: the issuer should have made another one.";
  }
  return "Unknown error.";
}

std::string_view name(Standing standing) {
  switch (standing) {
    case Standing::kGood:
      return "good";
    case Standing::kRevoked:
      return "revoked";
    case Standing::kUndetermined:
      return "undetermined";
    case Standing::kNoSource:
      return "no source";
  }
  return "unknown";
}

Result<RevocationList, CrlError> RevocationList::parse(ByteView der) {
  if (der.size() > kMaxListSize) return fail(CrlError::kMalformed);
  const auto whole = sole(der, tag::kSequence);
  if (!whole) return fail(CrlError::kMalformed);
  DerReader reader(*whole);
  const auto signed_part = reader.next(tag::kSequence);
  const auto algorithm = reader.next(tag::kSequence);
  const auto signature = reader.next(tag::kBitString);
  if (!signed_part || !algorithm || !signature || !reader.done() || signature->content.size() < 2 ||
      signature->content[0] != 0)
    return fail(CrlError::kMalformed);
  RevocationList list;
  list.der = to_bytes(der);
  if (auto read = read_signed_part(signed_part->content, algorithm->whole, list); !read)
    return fail(read.error());
  return list;
}

bool RevocationList::lists(ByteView serial) const {
  return std::ranges::any_of(revoked,
                             [&](const Revoked& each) { return equal(each.serial, serial); });
}

bool RevocationList::newer_than(const RevocationList& other) const {
  if (number.size() != other.number.size()) return number.size() > other.number.size();
  return number > other.number;
}

Result<void, CrlError> check_list(const RevocationList& list, ByteView issuer, UtcTime at) {
  const auto decoded = decode(issuer);
  if (!decoded || !names_match(list.issuer_name, decoded->subject) ||
      !equal(list.issuer_key_identifier, subject_key_identifier(*decoded)))
    return fail(CrlError::kIssuer);
  if (!may_sign_lists(*decoded)) return fail(CrlError::kNotSigner);
  if (at < list.this_update) return fail(CrlError::kNotYetValid);
  if (at >= list.next_update) return fail(CrlError::kStale);
  if (!signature_holds(list, decoded->spki)) return fail(CrlError::kSignature);
  return {};
}

Revocation revocation_of(ByteView certificate, ByteView issuer,
                         const std::vector<RevocationList>& lists, UtcTime at) {
  Revocation found;
  const auto decoded = decode(certificate);
  if (!decoded) return {Standing::kUndetermined, nullptr, CrlError::kIssuer};
  if (decoded->find(oid::kCrlDistributionPoints) != nullptr)
    found.standing = Standing::kUndetermined;
  for (const RevocationList& list : lists) {
    if (!names_match(list.issuer_name, decoded->issuer)) continue;
    if (const auto good = check_list(list, issuer, at); !good) {
      found.unused = good.error();
      if (found.list == nullptr) found.standing = Standing::kUndetermined;
      continue;
    }
    if (found.list == nullptr || list.newer_than(*found.list)) found.list = &list;
  }
  if (found.list == nullptr) return found;
  found.unused.reset();
  found.standing = found.list->lists(decoded->serial) ? Standing::kRevoked : Standing::kGood;
  return found;
}

Standing standing_of(const std::vector<Bytes>& chain, const RevocationListsPtr& lists, UtcTime at) {
  static const std::vector<RevocationList> kNone;
  bool revoked = false;
  bool undetermined = false;
  bool good = false;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const Standing each =
        revocation_of(chain[i], chain[i - 1], lists ? *lists : kNone, at).standing;
    revoked = revoked || each == Standing::kRevoked;
    undetermined = undetermined || each == Standing::kUndetermined;
    good = good || each == Standing::kGood;
  }
  if (revoked) return Standing::kRevoked;
  if (undetermined) return Standing::kUndetermined;
  return good ? Standing::kGood : Standing::kNoSource;
}

std::vector<std::string> list_uris(const std::vector<Bytes>& chain) {
  std::vector<std::string> uris;
  for (const Bytes& certificate : chain)
    if (const auto information = inspect(certificate))
      for (const std::string& uri : information->crl_uris)
        if (std::ranges::find(uris, uri) == uris.end()) uris.push_back(uri);
  return uris;
}

}  // namespace sendoff::pki
