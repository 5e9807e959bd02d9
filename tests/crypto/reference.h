// The other implementation that the tests of crypto/ compare with: OpenSSL's high-level EVP calls,
// its decoders and its own key generation, none of which crypto/ uses.
#pragma once

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/secret.h"

namespace sendoff::test {

inline ByteView as_octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline Bytes hex(std::string_view text) {
  Bytes octets;
  EXPECT_TRUE(from_hex(text, octets)) << text;
  return octets;
}

// What a key of a test of every size is like.
struct KeyKind {
  unsigned bits;
  unsigned exponent;
};

class Reference {
 public:
  using Pkey = std::shared_ptr<EVP_PKEY>;

  explicit Reference(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}

  static Reference generate(unsigned bits, unsigned exponent) {
    BIGNUM* e = BN_new();
    BN_set_word(e, exponent);
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
    EVP_PKEY* key = nullptr;
    EXPECT_EQ(EVP_PKEY_keygen_init(context), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_keygen_bits(context, static_cast<int>(bits)), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e), 1);
    EXPECT_EQ(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    BN_free(e);
    return Reference(key);
  }
  // One key of each kind for the whole run: 3072 bits take a while.
  static const Reference& of(unsigned bits, unsigned exponent = 65537) {
    static std::map<std::pair<unsigned, unsigned>, Reference> made;
    auto found = made.find({bits, exponent});
    if (found == made.end())
      found = made.emplace(std::pair(bits, exponent), generate(bits, exponent)).first;
    return found->second;
  }
  static Reference from_pem(ByteView pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    return Reference(key);
  }
  static Reference from_spki(ByteView spki) {
    const unsigned char* at = spki.data();
    return Reference(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  }

  [[nodiscard]] EVP_PKEY* get() const { return key_.get(); }
  [[nodiscard]] Bytes spki() const {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(get(), &der);
    Bytes out(der, der + size);
    OPENSSL_free(der);
    return out;
  }
  [[nodiscard]] Bytes pem() const {
    return written([&](BIO* bio) {
      return PEM_write_bio_PKCS8PrivateKey(bio, get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  [[nodiscard]] Bytes pkcs1_pem() const {
    return written([&](BIO* bio) {
      return PEM_write_bio_PrivateKey_traditional(bio, get(), nullptr, nullptr, 0, nullptr,
                                                  nullptr);
    });
  }
  [[nodiscard]] Bytes encrypted_pem() const {
    return written([&](BIO* bio) {
      return PEM_write_bio_PKCS8PrivateKey(bio, get(), EVP_aes_128_cbc(), "pass", 4, nullptr,
                                           nullptr);
    });
  }
  [[nodiscard]] Bytes public_pem() const {
    return written([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, get()); });
  }

  [[nodiscard]] Bytes sign_sha1(ByteView message) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(get()));
    Bytes out(size);
    EXPECT_EQ(EVP_DigestSignInit(context, nullptr, EVP_sha1(), nullptr, get()), 1);
    EXPECT_EQ(EVP_DigestSign(context, out.data(), &size, message.data(), message.size()), 1);
    EVP_MD_CTX_free(context);
    return out;
  }
  [[nodiscard]] bool verify_sha1(ByteView message, ByteView signature) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EXPECT_EQ(EVP_DigestVerifyInit(context, nullptr, EVP_sha1(), nullptr, get()), 1);
    const int verdict = EVP_DigestVerify(context, signature.data(), signature.size(),
                                         message.data(), message.size());
    EVP_MD_CTX_free(context);
    return verdict == 1;
  }
  // Padding: RSA_PKCS1_PADDING, or RSA_NO_PADDING to make blocks that no sender would make.
  [[nodiscard]] Bytes encrypt(ByteView plaintext, int padding = RSA_PKCS1_PADDING) const {
    return run(EVP_PKEY_encrypt_init, EVP_PKEY_encrypt, plaintext, padding);
  }
  [[nodiscard]] Bytes decrypt(ByteView ciphertext, int padding = RSA_PKCS1_PADDING) const {
    return run(EVP_PKEY_decrypt_init, EVP_PKEY_decrypt, ciphertext, padding);
  }
  // The private operation on a whole block: a "signature" with any content.
  [[nodiscard]] Bytes sign_block(ByteView block) const {
    return run(EVP_PKEY_sign_init, EVP_PKEY_sign, block, RSA_NO_PADDING);
  }

 private:
  template <typename Init, typename Operation>
  [[nodiscard]] Bytes run(Init init, Operation operation, ByteView input, int padding) const {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(get(), nullptr);
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(get()));
    Bytes out(size);
    const bool ok = init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
                    operation(context, out.data(), &size, input.data(), input.size()) == 1;
    EVP_PKEY_CTX_free(context);
    out.resize(ok ? size : 0);
    return out;
  }
  template <typename Write>
  [[nodiscard]] static Bytes written(Write write) {
    BIO* bio = BIO_new(BIO_s_mem());
    EXPECT_EQ(write(bio), 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    Bytes out(text, text + size);
    BIO_free(bio);
    return out;
  }

  Pkey key_;
};

}  // namespace sendoff::test
