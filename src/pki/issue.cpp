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

bool set_serial(X509* certificate, ByteView serial) {
  const Handle<BIGNUM, BN_free> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return serial.size() <= 20 && number && !BN_is_zero(number.get()) &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
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

bool add_extensions(X509* certificate, X509* issuer, const Request& request) {
  const bool router = request.role == Role::kRouter;
  if (!router && !add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE"))
    return false;
  if (!add_extension(certificate, issuer, NID_subject_key_identifier, "hash")) return false;
  if (request.role != Role::kAnchor &&
      !add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always"))
    return false;
  if (!add_extension(certificate, issuer, NID_key_usage,
                     router ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign"))
    return false;
  if (router && !add_extension(certificate, issuer, NID_ext_key_usage, "1.3.6.1.5.5.7.3.23"))
    return false;
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
                    set_common_name(certificate.get(), request.common_name) &&
                    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuing)) == 1 &&
                    X509_set_pubkey(certificate.get(), subject.get()) == 1 &&
                    add_extensions(certificate.get(), issuing, request) &&
                    X509_sign(certificate.get(), signer.get(), EVP_sha256()) > 0;
  if (!made) return fail(IssueError::kOpenSsl);
  return to_der(certificate.get());
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

}  // namespace sendoff::pki
