#include "pki/decoded.h"

#include <optional>

#include "crypto/der.h"
#include "pki/der.h"

namespace sendoff::pki {

namespace {

// Civil time to UtcTime. What 64-bit nanoseconds cannot hold becomes their end: 9999 is "never".
std::optional<UtcTime> civil(int year, unsigned month, unsigned day, int hour, int minute,
                             int second) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                            std::chrono::day{day}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const auto since_1970 = sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                          std::chrono::minutes(minute) + std::chrono::seconds(second);
  if (since_1970 >= floor<std::chrono::seconds>(UtcTime::max().time_since_epoch()))
    return UtcTime::max();
  if (since_1970 <= ceil<std::chrono::seconds>(UtcTime::min().time_since_epoch()))
    return UtcTime::min();
  return UtcTime(Duration(since_1970));
}

bool decode_validity(DerReader& reader, Decoded& out) {
  const auto validity = reader.next(tag::kSequence);
  if (!validity) return false;
  DerReader fields(validity->content);
  const auto first = fields.next();
  const auto last = fields.next();
  if (!first || !last || !fields.done()) return false;
  const auto not_before = read_time(*first);
  const auto not_after = read_time(*last);
  if (!not_before || !not_after) return false;
  out.not_before = *not_before;
  out.not_after = *not_after;
  return true;
}

bool decode_version(DerReader& reader, Decoded& out) {
  if (reader.peek() != tag::constructed(0)) return true;  // absent: v1
  const auto outer = reader.next();
  const auto version = outer ? sole(outer->content, tag::kInteger) : std::nullopt;
  // v1 is the default, which DER leaves out.
  if (!version || version->size() != 1 || (*version)[0] < 1 || (*version)[0] > 2) return false;
  out.version = (*version)[0] + 1;
  return true;
}

std::optional<Extension> decode_extension(ByteView content) {
  DerReader fields(content);
  Extension extension;
  const auto oid = fields.next(tag::kObjectIdentifier);
  if (!oid || oid->content.empty()) return std::nullopt;
  extension.oid = oid->content;
  if (fields.peek() == tag::kBoolean) {
    const auto critical = fields.next();
    if (!critical || critical->content.size() != 1 || critical->content[0] != 0xff)
      return std::nullopt;  // FALSE is the default, which DER leaves out
    extension.critical = true;
  }
  const auto value = fields.next(tag::kOctetString);
  if (!value || !fields.done()) return std::nullopt;
  extension.value = value->content;
  return extension;
}

// TBSCertificate.
Result<void, PathError> decode_signed_part(ByteView content, Decoded& out) {
  DerReader reader(content);
  if (!decode_version(reader, out)) return fail(PathError::kMalformed);
  const auto serial = reader.next(tag::kInteger);
  const auto algorithm = reader.next(tag::kSequence);
  const auto issuer = reader.next(tag::kSequence);
  if (!serial || !is_integer(serial->content) || !algorithm || !issuer ||
      !decode_validity(reader, out))
    return fail(PathError::kMalformed);
  const auto subject = reader.next(tag::kSequence);
  const auto spki = reader.next(tag::kSequence);
  if (!subject || !spki) return fail(PathError::kMalformed);
  out.serial = serial->content;
  out.signature_algorithm = algorithm->whole;
  out.issuer = issuer->whole;
  out.subject = subject->whole;
  out.spki = spki->whole;
  for (std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
    if (reader.peek() != tag::primitive(number)) continue;
    if (!reader.next()) return fail(PathError::kMalformed);
    out.unique_ids = true;
  }
  if (reader.peek() == tag::constructed(3)) {
    const auto extensions = reader.next();
    if (!extensions) return fail(PathError::kMalformed);
    auto read = read_extensions(extensions->content);
    if (!read) return fail(read.error());
    out.extensions = std::move(*read);
  }
  if (!reader.done()) return fail(PathError::kMalformed);
  return {};
}

}  // namespace

const Extension* find_extension(const std::vector<Extension>& extensions, ByteView oid) {
  for (const Extension& extension : extensions)
    if (equal(extension.oid, oid)) return &extension;
  return nullptr;
}

const Extension* Decoded::find(ByteView oid) const { return find_extension(extensions, oid); }

std::optional<UtcTime> read_time(const DerElement& element) {
  const bool utc_time = element.tag == tag::kUtcTime;
  if (!utc_time && element.tag != tag::kGeneralizedTime) return std::nullopt;
  const std::size_t year_digits = utc_time ? 2 : 4;
  const ByteView text = element.content;
  if (text.size() != year_digits + 11 || text.back() != 'Z') return std::nullopt;
  for (std::uint8_t digit : text.first(text.size() - 1))
    if (digit < '0' || digit > '9') return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::uint8_t digit : text.subspan(at, digits)) value = value * 10 + (digit - '0');
    return value;
  };
  int year = number(0, year_digits);
  if (utc_time) year += year >= 50 ? 1900 : 2000;
  const std::size_t at = year_digits;
  return civil(year, static_cast<unsigned>(number(at, 2)), static_cast<unsigned>(number(at + 2, 2)),
               number(at + 4, 2), number(at + 6, 2), number(at + 8, 2));
}

Result<std::vector<Extension>, PathError> read_extensions(ByteView content) {
  const auto list = sole(content, tag::kSequence);
  if (!list || list->empty()) return fail(PathError::kMalformed);
  std::vector<Extension> extensions;
  DerReader reader(*list);
  while (!reader.done()) {
    const auto element = reader.next(tag::kSequence);
    if (!element) return fail(PathError::kMalformed);
    const auto extension = decode_extension(element->content);
    if (!extension) return fail(PathError::kMalformed);
    if (find_extension(extensions, extension->oid) != nullptr ||
        extensions.size() == Decoded::kMaxExtensions)
      return fail(PathError::kProfile);
    extensions.push_back(*extension);
  }
  return extensions;
}

Result<Decoded, PathError> decode(ByteView der) {
  if (der.size() > kMaxCertificateSize) return fail(PathError::kMalformed);
  const auto certificate = sole(der, tag::kSequence);
  if (!certificate) return fail(PathError::kMalformed);
  DerReader reader(*certificate);
  const auto signed_part = reader.next(tag::kSequence);
  const auto algorithm = reader.next(tag::kSequence);
  const auto signature = reader.next(tag::kBitString);
  if (!signed_part || !algorithm || !signature || !reader.done() || signature->content.size() < 2 ||
      signature->content[0] != 0)
    return fail(PathError::kMalformed);
  Decoded out;
  out.der = der;
  out.outer_algorithm = algorithm->whole;
  if (auto done = decode_signed_part(signed_part->content, out); !done) return fail(done.error());
  return out;
}

ByteView subject_key_identifier(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kSubjectKeyIdentifier);
  if (extension == nullptr) return {};
  return sole(extension->value, tag::kOctetString).value_or(ByteView{});
}

ByteView authority_key_identifier(const std::vector<Extension>& extensions) {
  const Extension* extension = find_extension(extensions, oid::kAuthorityKeyIdentifier);
  if (extension == nullptr) return {};
  const auto fields = sole(extension->value, tag::kSequence);
  if (!fields) return {};
  DerReader reader(*fields);
  const auto key = reader.next(tag::primitive(0));
  return key ? key->content : ByteView{};
}

bool is_ca(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kBasicConstraints);
  if (extension == nullptr) return false;
  const auto fields = sole(extension->value, tag::kSequence);
  if (!fields) return false;
  DerReader reader(*fields);
  const auto ca = reader.next(tag::kBoolean);
  return ca && ca->content.size() == 1 && ca->content[0] == 0xff;
}

bool has_purpose(const Decoded& certificate, ByteView purpose_oid) {
  const Extension* extension = certificate.find(oid::kExtendedKeyUsage);
  if (extension == nullptr) return false;
  const auto purposes = sole(extension->value, tag::kSequence);
  if (!purposes) return false;
  DerReader reader(*purposes);
  bool found = false;
  while (!reader.done()) {
    const auto purpose = reader.next(tag::kObjectIdentifier);
    if (!purpose) return false;
    found = found || equal(purpose->content, purpose_oid);
  }
  return found;
}

std::vector<ByteView> distribution_uris(const Decoded& certificate) {
  const Extension* extension = certificate.find(oid::kCrlDistributionPoints);
  if (extension == nullptr) return {};
  const auto points = sole(extension->value, tag::kSequence);
  const auto point = points ? sole(*points, tag::kSequence) : std::nullopt;
  const auto name = point ? sole(*point, tag::constructed(0)) : std::nullopt;
  const auto full_name = name ? sole(*name, tag::constructed(0)) : std::nullopt;
  if (!full_name) return {};
  std::vector<ByteView> uris;
  DerReader reader(*full_name);
  while (!reader.done()) {
    const auto uri = reader.next(tag::primitive(6));
    if (!uri) return {};
    uris.push_back(uri->content);
  }
  return uris;
}

ByteView without_padding(ByteView octets) {
  const auto element = crypto::der::read(octets, crypto::der::kSequence);
  if (element.verdict != crypto::der::Verdict::kOk) return {};
  return element.size <= kMaxCertificateSize ? octets.first(element.size) : ByteView{};
}

}  // namespace sendoff::pki
