// Ownership of OpenSSL's objects. For .cpp files of this folder only: no header that others read
// shows an OpenSSL type.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

namespace sendoff::crypto {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using MdPtr = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;
using MdContextPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using MacPtr = std::unique_ptr<EVP_MAC, Freed<EVP_MAC_free>>;
using MacContextPtr = std::unique_ptr<EVP_MAC_CTX, Freed<EVP_MAC_CTX_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
using BnContextPtr = std::unique_ptr<BN_CTX, Freed<BN_CTX_free>>;
using MontgomeryPtr = std::unique_ptr<BN_MONT_CTX, Freed<BN_MONT_CTX_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;

}  // namespace sendoff::crypto
