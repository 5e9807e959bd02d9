// Revocation lists (RFC 5280 5 and 6.3.3 in the profile of RFC 6487 5): read strictly, judged
// against their issuer, and asked for a certificate. Where lists come from is the caller's affair
// (GS24).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "pki/certificate.h"

namespace sendoff::pki {

enum class CrlError : std::uint8_t {
  kMalformed,  // no DER of a list, or longer than kMaxListSize
  kProfile,    // not version 2, no number or key identifier, or an extension that is not allowed:
               // critical, delta, indirect, or of an entry
  kIssuer,     // of another issuer, or of another key of it
  kNotSigner,  // the issuer's key usage does not allow lists
  kSignature,
  kNotYetValid,  // its thisUpdate is to come
  kStale,        // its nextUpdate is over
};
[[nodiscard]] std::string_view name(CrlError error);
// One sentence for a person.
[[nodiscard]] std::string_view explain(CrlError error);

inline constexpr std::size_t kMaxListSize = std::size_t{1} << 20;
inline constexpr std::size_t kMaxRevoked = 16'384;

struct Revoked {
  Bytes serial;  // INTEGER content, as it stands in the certificate
  UtcTime since;
  friend auto operator<=>(const Revoked&, const Revoked&) = default;
};

struct RevocationList {
  Bytes der;
  Bytes issuer_name;            // DER Name
  Bytes issuer_key_identifier;  // of the key that signed it
  Bytes number;                 // CRL Number, big endian, without leading zeros: at most 20 octets
  UtcTime this_update;
  UtcTime next_update;
  std::vector<Revoked> revoked;  // by serial number

  // From DER: kMalformed, kProfile. Nothing is proved by it.
  [[nodiscard]] static Result<RevocationList, CrlError> parse(ByteView der);
  [[nodiscard]] bool lists(ByteView serial) const;
  // By number (RFC 6487 5).
  [[nodiscard]] bool newer_than(const RevocationList& other) const;
};

// Whether `list` is the current word of the CA with this certificate (DER): all errors but those of
// parse(); kIssuer also when the certificate cannot be read.
[[nodiscard]] Result<void, CrlError> check_list(const RevocationList& list, ByteView issuer,
                                                UtcTime at);

// What is known of one certificate (GS24).
enum class Standing : std::uint8_t {
  kGood,          // a current list of its issuer does not have it
  kRevoked,       // the list of the highest number has it
  kUndetermined,  // a list is wanted, and none counts
  kNoSource,      // neither does the certificate say where lists are, nor is one of its issuer here
};
[[nodiscard]] std::string_view name(Standing standing);

struct Revocation {
  Standing standing = Standing::kNoSource;
  const RevocationList* list = nullptr;  // that decided
  std::optional<CrlError> unused;  // kUndetermined: why the last list of the issuer's name fails
};
// `certificate` and `issuer` in DER, which must be one that validate_path() took as its issuer.
[[nodiscard]] Revocation revocation_of(ByteView certificate, ByteView issuer,
                                       const std::vector<RevocationList>& lists, UtcTime at);

using RevocationListsPtr = std::shared_ptr<const std::vector<RevocationList>>;

// Of a chain: revoked when one of its certificates is, undetermined when one is, else good, unless
// no source is known for any. `chain` as in CertifiedRouter; `lists` may be none.
[[nodiscard]] Standing standing_of(const std::vector<Bytes>& chain, const RevocationListsPtr& lists,
                                   UtcTime at);

// Where the certificates of a chain say that lists are, each address once.
[[nodiscard]] std::vector<std::string> list_uris(const std::vector<Bytes>& chain);

// The lists of a PEM or DER file's octets; kMalformed, kProfile.
[[nodiscard]] Result<std::vector<RevocationList>, CrlError> decode_lists(ByteView file);

// DER in PEM armour.
[[nodiscard]] std::string list_to_pem(ByteView der);

}  // namespace sendoff::pki
