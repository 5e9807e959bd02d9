#include "pki/issue.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/blocks.h"

namespace sendoff::pki {

namespace {

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
template <typename T, auto release>
using Handle = std::unique_ptr<T, Release<release>>;
using Certificate = Handle<X509, X509_free>;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;

Key read_private_key(const Secret& pem) {
  const Handle<BIO, BIO_free> in(
      BIO_new_mem_buf(pem.expose().data(), static_cast<int>(pem.size())));
  // An empty passphrase instead of a prompt: a locked key is an error, not a question.
  char no_passphrase[] = "";
  Key key(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, no_passphrase) : nullptr);
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

Certificate read_certificate(ByteView der) {
  const unsigned char* at = der.data();
  return Certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

bool printable(std::string_view text) {
  static constexpr std::string_view kOthers = " '()+,-./:=?";
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

// RFC 6487 4.4 wants a PrintableString; a name that does not fit one becomes UTF-8.
bool set_common_name(X509* certificate, const std::string& name) {
  const int type = printable(name) ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
  return !name.empty() &&
         X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, type,
                                    reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

bool set_subject(X509* certificate, const Request& request) {
  if (request.subject_name.empty()) return set_common_name(certificate, request.common_name);
  const unsigned char* at = request.subject_name.data();
  const Handle<X509_NAME, X509_NAME_free> name(
      d2i_X509_NAME(nullptr, &at, static_cast<long>(request.subject_name.size())));
  return name && X509_set_subject_name(certificate, name.get()) == 1;
}

Handle<ASN1_INTEGER, ASN1_INTEGER_free> integer_of(ByteView magnitude) {
  const Handle<BIGNUM, BN_free> number(
      BN_bin2bn(magnitude.data(), static_cast<int>(magnitude.size()), nullptr));
  return Handle<ASN1_INTEGER, ASN1_INTEGER_free>(number ? BN_to_ASN1_INTEGER(number.get(), nullptr)
                                                        : nullptr);
}

bool set_serial(X509* certificate, ByteView serial) {
  const auto number = integer_of(serial);
  const bool zero = std::ranges::all_of(serial, [](std::uint8_t octet) { return octet == 0; });
  return serial.size() <= 20 && !zero && number &&
         X509_set_serialNumber(certificate, number.get()) == 1;
}

bool set_times(X509* certificate, const Request& request) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate),
                       whole_seconds(request.not_before.time_since_epoch())) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate),
                       whole_seconds(request.not_after.time_since_epoch())) != nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Handle<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_blocks(X509* certificate, const Request& request) {
  const Handle<IPAddrBlocks,
               [](IPAddrBlocks* blocks) {
                 sk_IPAddressFamily_pop_free(blocks, IPAddressFamily_free);
               }>
      blocks(sk_IPAddressFamily_new_null());
  if (!blocks) return false;
  if (request.inherit_blocks) {
    if (X509v3_addr_add_inherit(blocks.get(), IANA_AFI_IPV6, nullptr) != 1) return false;
  } else {
    // Joined where they touch, since RFC 3779 2.2.3.6 allows one encoding of a set.
    const AddressSet set = AddressSet::of(request.blocks);
    for (const AddressRange& range : set.ranges()) {
      Ipv6Address::Octets first = range.first.octets();
      Ipv6Address::Octets last = range.last.octets();
      if (X509v3_addr_add_range(blocks.get(), IANA_AFI_IPV6, nullptr, first.data(), last.data()) !=
          1)
        return false;
    }
  }
  return X509v3_addr_canonize(blocks.get()) == 1 &&
         X509_add1_ext_i2d(certificate, NID_sbgp_ipAddrBlock, blocks.get(), 1, 0) == 1;
}

// One distribution point with all the URIs, which OpenSSL's text form cannot say.
bool add_distribution_point(X509* certificate, const std::vector<std::string>& uris) {
  if (uris.empty()) return true;
  const Handle<STACK_OF(DIST_POINT),
               [](STACK_OF(DIST_POINT) * points) {
                 sk_DIST_POINT_pop_free(points, DIST_POINT_free);
               }>
      points(sk_DIST_POINT_new_null());
  Handle<DIST_POINT, DIST_POINT_free> point(DIST_POINT_new());
  if (!points || !point) return false;
  point->distpoint = DIST_POINT_NAME_new();
  if (point->distpoint == nullptr) return false;
  point->distpoint->type = 0;
  GENERAL_NAMES* const names = sk_GENERAL_NAME_new_null();
  point->distpoint->name.fullname = names;
  for (const std::string& uri : uris) {
    Handle<GENERAL_NAME, GENERAL_NAME_free> name(GENERAL_NAME_new());
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    if (!name || text == nullptr) return false;
    GENERAL_NAME_set0_value(name.get(), GEN_URI, text);
    if (ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size())) != 1 ||
        sk_GENERAL_NAME_push(names, name.get()) <= 0)
      return false;
    (void)name.release();
  }
  if (sk_DIST_POINT_push(points.get(), point.get()) <= 0) return false;
  (void)point.release();
  return X509_add1_ext_i2d(certificate, NID_crl_distribution_points, points.get(), 0, 0) == 1;
}

bool add_extensions(X509* certificate, X509* issuer, const Request& request) {
  const bool end_entity = request.role == Role::kRouter || request.role == Role::kHost;
  if (!end_entity && !add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE"))
    return false;
  if (!add_extension(certificate, issuer, NID_subject_key_identifier, "hash")) return false;
  if (request.role != Role::kAnchor &&
      !add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always"))
    return false;
  if (!add_extension(certificate, issuer, NID_key_usage,
                     end_entity ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign"))
    return false;
  const char* purpose = request.role == Role::kRouter ? "1.3.6.1.5.5.7.3.23" : "1.3.6.1.5.5.7.3.25";
  if (end_entity && !add_extension(certificate, issuer, NID_ext_key_usage, purpose)) return false;
  if (!add_distribution_point(certificate, request.crl_uris)) return false;
  return add_blocks(certificate, request);
}

// What can be said before anything is made.
Result<void, IssueError> check_request(const Request& request, const Issuer& issuer) {
  const bool anchor = request.role == Role::kAnchor;
  if (whole_seconds(request.not_after - request.not_before) <= 0)
    return fail(IssueError::kValidity);
  if (request.inherit_blocks ? anchor || !request.blocks.empty() : request.blocks.empty())
    return fail(IssueError::kBlocks);
  if (anchor)
    return issuer.certificate.empty() ? Result<void, IssueError>() : fail(IssueError::kIssuer);
  const auto above = inspect(issuer.certificate);
  if (!above || !above->is_ca || above->key_identifier.empty()) return fail(IssueError::kIssuer);
  if (request.not_after > above->not_after) return fail(IssueError::kValidity);
  if (!above->has_blocks) return fail(IssueError::kBlocks);
  // What an issuer inherits is not in its certificate; the path's validation will tell.
  if (!above->inherits && !request.inherit_blocks &&
      !AddressSet::of(above->blocks).encompasses(AddressSet::of(request.blocks)))
    return fail(IssueError::kBlocks);
  return {};
}

Result<Bytes, IssueError> to_der(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  if (size <= 0) return fail(IssueError::kOpenSsl);
  Bytes der(data, data + size);
  OPENSSL_free(data);
  return der;
}

Result<Bytes, IssueError> make(const Request& request, ByteView spki, const Issuer& issuer) {
  const Key signer = read_private_key(issuer.key_pem);
  if (!signer) return fail(IssueError::kKey);
  const unsigned char* at = spki.data();
  const Key subject(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (!subject || at != spki.data() + spki.size()) return fail(IssueError::kKey);

  const bool anchor = request.role == Role::kAnchor;
  const Certificate certificate(X509_new());
  const Certificate above(anchor ? nullptr : read_certificate(issuer.certificate).release());
  if (!certificate || (!anchor && !above)) return fail(IssueError::kIssuer);
  // The key that signs must be the issuer's, or in an anchor the one that is certified.
  const bool own_key = anchor ? EVP_PKEY_eq(subject.get(), signer.get()) == 1
                              : X509_check_private_key(above.get(), signer.get()) == 1;
  if (!own_key) return fail(IssueError::kIssuer);

  X509* const issuing = anchor ? certificate.get() : above.get();
  const bool made = X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    set_serial(certificate.get(), request.serial) &&
                    set_times(certificate.get(), request) &&
                    set_subject(certificate.get(), request) &&
                    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuing)) == 1 &&
                    X509_set_pubkey(certificate.get(), subject.get()) == 1 &&
                    add_extensions(certificate.get(), issuing, request) &&
                    X509_sign(certificate.get(), signer.get(), EVP_sha256()) > 0;
  if (!made) return fail(IssueError::kOpenSsl);
  return to_der(certificate.get());
}

using List = Handle<X509_CRL, X509_CRL_free>;

bool add_revoked(X509_CRL* list, const Revoked& each) {
  Handle<X509_REVOKED, X509_REVOKED_free> entry(X509_REVOKED_new());
  const auto serial = integer_of(each.serial);
  const Handle<ASN1_TIME, ASN1_TIME_free> since(
      ASN1_TIME_set(nullptr, whole_seconds(each.since.time_since_epoch())));
  if (!entry || !serial || !since ||
      X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), since.get()) != 1 ||
      X509_CRL_add0_revoked(list, entry.get()) != 1)
    return false;
  (void)entry.release();
  return true;
}

bool add_list_extensions(X509_CRL* list, X509* issuer, ByteView number) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, nullptr, nullptr, list, 0);
  const Handle<X509_EXTENSION, X509_EXTENSION_free> authority(
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always"));
  const auto value = integer_of(number);
  return authority && value && number.size() <= 20 &&
         X509_CRL_add_ext(list, authority.get(), -1) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_crl_number, value.get(), 0, 0) == 1;
}

Result<Bytes, IssueError> make_list(const ListRequest& request, const Issuer& issuer) {
  const Key signer = read_private_key(issuer.key_pem);
  if (!signer) return fail(IssueError::kKey);
  const Certificate above = read_certificate(issuer.certificate);
  if (!above || X509_check_private_key(above.get(), signer.get()) != 1)
    return fail(IssueError::kIssuer);
  const List list(X509_CRL_new());
  const Handle<ASN1_TIME, ASN1_TIME_free> this_update(
      ASN1_TIME_set(nullptr, whole_seconds(request.this_update.time_since_epoch())));
  const Handle<ASN1_TIME, ASN1_TIME_free> next_update(
      ASN1_TIME_set(nullptr, whole_seconds(request.next_update.time_since_epoch())));
  const bool made =
      list && this_update && next_update &&
      X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
      X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(above.get())) == 1 &&
      X509_CRL_set1_lastUpdate(list.get(), this_update.get()) == 1 &&
      X509_CRL_set1_nextUpdate(list.get(), next_update.get()) == 1 &&
      std::ranges::all_of(request.revoked,
                          [&](const Revoked& each) { return add_revoked(list.get(), each); }) &&
      X509_CRL_sort(list.get()) == 1 &&
      add_list_extensions(list.get(), above.get(), request.number) &&
      X509_CRL_sign(list.get(), signer.get(), EVP_sha256()) > 0;
  if (!made) return fail(IssueError::kOpenSsl);
  unsigned char* data = nullptr;
  const int size = i2d_X509_CRL(list.get(), &data);
  if (size <= 0) return fail(IssueError::kOpenSsl);
  Bytes der(data, data + size);
  OPENSSL_free(data);
  return der;
}

}  // namespace

std::string_view name(IssueError error) {
  switch (error) {
    case IssueError::kKey:
      return "key";
    case IssueError::kIssuer:
      return "issuer";
    case IssueError::kBlocks:
      return "blocks";
    case IssueError::kValidity:
      return "validity";
    case IssueError::kOpenSsl:
      return "openssl";
  }
  return "unknown";
}

std::string_view explain(IssueError error) {
  switch (error) {
    case IssueError::kKey:
      return "A key is not an RSA key in unencrypted PEM.";
    case IssueError::kIssuer:
      return "The issuer's certificate and key do not belong together, or it is no CA.";
    case IssueError::kBlocks:
      return "No address blocks were given, or they lie outside the issuer's.";
    case IssueError::kValidity:
      return "The end of the validity is not after its beginning, or after the issuer's own end.";
    case IssueError::kOpenSsl:
      return "The certificate could not be made: check the name (1 to 64 characters) and the "
             "serial number (1 to 20 octets, not zero).";
  }
  return "Unknown error.";
}

Result<Bytes, IssueError> issue(const Request& request, ByteView spki, const Issuer& issuer) {
  if (auto ok = check_request(request, issuer); !ok) return fail(ok.error());
  auto der = make(request, spki, issuer);
  ERR_clear_error();
  if (!der) return der;
  // What we make, we must be able to read, with the key octet for octet (W25).
  const auto info = inspect(*der);
  if (!info || !equal(info->spki, spki)) return fail(IssueError::kOpenSsl);
  return der;
}

Result<Bytes, IssueError> issue_list(const ListRequest& request, const Issuer& issuer) {
  if (whole_seconds(request.next_update - request.this_update) <= 0)
    return fail(IssueError::kValidity);
  auto der = make_list(request, issuer);
  ERR_clear_error();
  if (!der) return der;
  // What we make, we must be able to use.
  const auto list = RevocationList::parse(*der);
  if (!list) return fail(IssueError::kOpenSsl);
  const auto checked = check_list(*list, issuer.certificate, request.this_update);
  if (!checked)
    return fail(checked.error() == CrlError::kNotSigner ? IssueError::kIssuer
                                                        : IssueError::kOpenSsl);
  return der;
}

}  // namespace sendoff::pki
