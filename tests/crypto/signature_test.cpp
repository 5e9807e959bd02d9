// RSASSA-PKCS1-v1_5 and the private keys behind it, against OpenSSL's EVP calls in both directions.
#define OPENSSL_SUPPRESS_DEPRECATED  // to build keys that no high-level call would build
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "crypto/reference.h"
#include "crypto/rsa.h"
#include "support/covers.h"
#include "support/vectors.h"

namespace sendoff::crypto {
namespace {

using test::as_octets;
using test::KeyKind;
using test::Reference;

// RFC 3971 5.2: a key pair of SEND signs and nothing else.
template <typename T>
concept Decrypts = requires(const T& key) { key.decrypt(ByteView(), std::size_t{20}); };
template <typename T>
concept Signs = requires(const T& key) { key.sign_sha1(Sha1Digest{}); };
template <typename T>
concept ShowsItself = requires(const T& key) { key.to_pem(); };

class SignatureOfEverySize : public testing::TestWithParam<KeyKind> {
 protected:
  const Reference& reference_ = Reference::of(GetParam().bits, GetParam().exponent);
  const RsaPublicKey public_ = *RsaPublicKey::parse(reference_.spki());
  const ByteView message_ = as_octets("what the signature covers");
};

INSTANTIATE_TEST_SUITE_P(Keys, SignatureOfEverySize,
                         testing::Values(KeyKind{1024, 65537}, KeyKind{2048, 65537},
                                         KeyKind{3072, 65537}, KeyKind{1024, 3}, KeyKind{2048, 3},
                                         KeyKind{3072, 3}, KeyKind{1031, 65537},
                                         KeyKind{2047, 65537}, KeyKind{1024, 0xffffffffU}),
                         [](const auto& kind) {
                           return std::to_string(kind.param.bits) + "e" +
                                  std::to_string(kind.param.exponent);
                         });

TEST_P(SignatureOfEverySize, OpensslVerifiesOurs) {
  const auto key = SigningKey::from_pem(reference_.pem());
  ASSERT_TRUE(key) << name(key.error());
  EXPECT_EQ(to_bytes((*key)->spki()), reference_.spki());
  const Bytes signature = (*key)->sign_sha1(sha1(message_));
  EXPECT_EQ(signature.size(), public_.modulus_size());
  EXPECT_TRUE(reference_.verify_sha1(message_, signature));
  EXPECT_FALSE(reference_.verify_sha1(message_.first(5), signature));
  EXPECT_EQ(signature, reference_.sign_sha1(message_));  // the scheme is deterministic
}

TEST_P(SignatureOfEverySize, WeVerifyOpenssls) {
  Bytes signature = reference_.sign_sha1(message_);
  EXPECT_TRUE(verify_sha1(public_, sha1(message_), signature));
  EXPECT_FALSE(verify_sha1(public_, sha1(message_.first(5)), signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; bit += 13) {
    Bytes flipped = signature;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(verify_sha1(public_, sha1(message_), flipped)) << bit;
  }
}

TEST_P(SignatureOfEverySize, ASignatureOfAnotherLengthIsRefused) {
  Bytes signature = reference_.sign_sha1(message_);
  for (std::size_t size = 0; size < signature.size(); size += 7)
    EXPECT_FALSE(verify_sha1(public_, sha1(message_), ByteView(signature).first(size)));
  Bytes longer = signature;
  longer.push_back(0);
  EXPECT_FALSE(verify_sha1(public_, sha1(message_), longer));
  longer = signature;
  longer.insert(longer.begin(), 0);  // the same number
  EXPECT_FALSE(verify_sha1(public_, sha1(message_), longer));
}

TEST(Signature, AnotherKeyOfTheSameSizeDoesNotVerify) {
  const Bytes signature = Reference::of(1024).sign_sha1(as_octets("m"));
  const auto other = RsaPublicKey::parse(Reference::generate(1024, 65537).spki());
  EXPECT_FALSE(verify_sha1(*other, sha1(as_octets("m")), signature));
}

TEST(Signature, ANumberNotBelowTheModulusIsRefused) {
  const auto key = RsaPublicKey::parse(Reference::of(1024).spki());
  const Sha1Digest digest = sha1(as_octets("m"));
  const Bytes signature = Reference::of(1024).sign_sha1(as_octets("m"));
  EXPECT_FALSE(verify_sha1(*key, digest, key->modulus()));
  EXPECT_FALSE(verify_sha1(*key, digest, Bytes(128, 0xff)));
  EXPECT_FALSE(verify_sha1(*key, digest, Bytes(128, 0)));
  // signature + modulus has the same remainder; take one whose sum still has 128 octets.
  for (int i = 0; i < 200; ++i) {
    const std::string message = "m" + std::to_string(i);
    Bytes sum = Reference::of(1024).sign_sha1(as_octets(message));
    unsigned carry = 0;
    for (std::size_t at = sum.size(); at-- > 0;) {
      carry += sum[at] + static_cast<unsigned>(key->modulus()[at]);
      sum[at] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry == 0) {
      EXPECT_FALSE(verify_sha1(*key, sha1(as_octets(message)), sum));
    }
  }
}

TEST(Signature, AnEvenModulusVerifiesNothing) {
  Bytes spki = Reference::of(1024).spki();
  spki[spki.size() - 6] &= 0xfe;  // the last octet before 02 03 01 00 01
  const auto key = RsaPublicKey::parse(spki);
  ASSERT_TRUE(key);
  EXPECT_FALSE(verify_sha1(*key, sha1(as_octets("m")), Bytes(128, 1)));
  EXPECT_TRUE(encrypt(*key, Secret(20), Secret::copy_of(Bytes(105, 1))).empty());
}

// Blocks that parsers of signed blocks have been known to take. Each is signed with the real key.
TEST(Signature, OnlyTheOneEncodingOfTheDigestIsAccepted) {
  const Reference& reference = Reference::of(1024);
  const auto key = RsaPublicKey::parse(reference.spki());
  const Sha1Digest digest = sha1(as_octets("m"));
  Bytes info;
  ASSERT_TRUE(from_hex("3021300906052b0e03021a05000414", info));
  info.insert(info.end(), digest.begin(), digest.end());
  Bytes good(128, 0xff);
  good[0] = 0;
  good[1] = 1;
  good[128 - info.size() - 1] = 0;
  std::ranges::copy(info, good.end() - static_cast<std::ptrdiff_t>(info.size()));
  ASSERT_TRUE(verify_sha1(*key, digest, reference.sign_block(good)));

  for (std::size_t bit = 8; bit < good.size() * 8; ++bit) {  // the first octet must stay 0
    Bytes block = good;
    block[bit / 8] = static_cast<std::uint8_t>(block[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(verify_sha1(*key, digest, reference.sign_block(block))) << bit;
  }

  // Short padding with free octets behind the digest (Bleichenbacher 2006).
  Bytes garbage(128, 0x77);
  garbage[0] = 0;
  garbage[1] = 1;
  std::fill_n(garbage.begin() + 2, 8, std::uint8_t{0xff});
  garbage[10] = 0;
  std::ranges::copy(info, garbage.begin() + 11);
  EXPECT_FALSE(verify_sha1(*key, digest, reference.sign_block(garbage)));

  // DigestInfo without the NULL parameters.
  Bytes absent;
  ASSERT_TRUE(from_hex("301f300706052b0e03021a0414", absent));
  absent.insert(absent.end(), digest.begin(), digest.end());
  Bytes block(128, 0xff);
  block[0] = 0;
  block[1] = 1;
  block[128 - absent.size() - 1] = 0;
  std::ranges::copy(absent, block.end() - static_cast<std::ptrdiff_t>(absent.size()));
  EXPECT_FALSE(verify_sha1(*key, digest, reference.sign_block(block)));

  // The digest alone behind the padding.
  Bytes bare(128, 0xff);
  bare[0] = 0;
  bare[1] = 1;
  bare[107] = 0;
  std::ranges::copy(digest, bare.begin() + 108);
  EXPECT_FALSE(verify_sha1(*key, digest, reference.sign_block(bare)));
}

TEST(Signature, KeysBelowThePolicyServeThePrimitives) {
  COVERS("CGA-5-12");
  for (unsigned bits : {512U, 1024U, 2048U, 3072U}) {
    const Reference& reference = Reference::of(bits);
    const Bytes signature = reference.sign_sha1(as_octets("m"));
    const auto key = RsaPublicKey::parse(reference.spki(), {.min_bits = 384, .max_bits = 3072});
    ASSERT_TRUE(key);
    EXPECT_TRUE(verify_sha1(*key, sha1(as_octets("m")), signature)) << bits;
    EXPECT_EQ(RsaPublicKey::parse(reference.spki()).has_value(), bits >= 1024);
  }
  // OpenSSL makes no key of 384 bits: this one comes from make_rsa_384.py.
  const test::Vector small = test::load_vector("rsa-384.txt", "rsa-384");
  const auto key = RsaPublicKey::parse(small.hex("spki"), {.min_bits = 384, .max_bits = 3072});
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bits(), 384U);
  EXPECT_TRUE(verify_sha1(*key, sha1(small.hex("message")), small.hex("signature")));
  EXPECT_FALSE(verify_sha1(*key, sha1(as_octets("other")), small.hex("signature")));
  EXPECT_EQ(RsaPublicKey::parse(small.hex("spki")).error(), SpkiError::kModulusSize);
  EXPECT_FALSE(RsaPublicKey::parse(small.hex("spki"), {.min_bits = 385, .max_bits = 3072}));
}

TEST(SigningKey, OffersNoDecryption) {
  COVERS("CGA-7.4-2");
  static_assert(Signs<SigningKey>);
  static_assert(!Decrypts<SigningKey>);
  static_assert(!std::is_convertible_v<SigningKey*, HandoverDecryptionKey*>);
}

TEST(HandoverDecryptionKey, OffersDecryptionAndNothingElse) {
  // Whoever signs asks for a SigningKey, and this is none: the compiler keeps it from signing.
  COVERS("HK-3.1-02");
  static_assert(!std::is_convertible_v<std::shared_ptr<const HandoverDecryptionKey>,
                                       std::shared_ptr<const SigningKey>>);
  static_assert(Decrypts<HandoverDecryptionKey>);
  static_assert(!Signs<HandoverDecryptionKey>);
  static_assert(!ShowsItself<HandoverDecryptionKey>);
  static_assert(!std::is_convertible_v<HandoverDecryptionKey*, SigningKey*>);
}

TEST(SigningKey, GenerateHonoursSizeAndExponent) {
  for (const auto& [bits, exponent] : {std::pair{1024U, 3U}, std::pair{1024U, 65537U},
                                       std::pair{1031U, 65537U}, std::pair{2048U, 17U}}) {
    const auto key = SigningKey::generate(bits, exponent);
    ASSERT_TRUE(key) << name(key.error());
    EXPECT_EQ((*key)->public_key().bits(), bits);
    EXPECT_EQ((*key)->public_key().exponent(), exponent);
    const Bytes signature = (*key)->sign_sha1(sha1(as_octets("m")));
    const Reference reference = Reference::from_spki((*key)->spki());
    EXPECT_TRUE(reference.verify_sha1(as_octets("m"), signature));
  }
}

TEST(SigningKey, GenerateRefusesWhatTheLimitsRefuse) {
  EXPECT_EQ(SigningKey::generate(1023).error(), KeyError::kModulusSize);
  EXPECT_EQ(SigningKey::generate(3073).error(), KeyError::kModulusSize);
  EXPECT_EQ(SigningKey::generate(0).error(), KeyError::kModulusSize);
  EXPECT_EQ(SigningKey::generate(0xffffffff).error(), KeyError::kModulusSize);
  for (std::uint32_t exponent : {0U, 1U, 2U, 4U, 65536U, 0xfffffffeU})
    EXPECT_EQ(SigningKey::generate(1024, exponent).error(), KeyError::kExponent) << exponent;
  EXPECT_EQ(HandoverDecryptionKey::generate(512).error(), KeyError::kModulusSize);
  EXPECT_EQ(HandoverDecryptionKey::generate(1024, 2).error(), KeyError::kExponent);
}

TEST(SigningKey, WritesAKeyThatBothItselfAndOpensslRead) {
  const auto key = SigningKey::generate(1024);
  ASSERT_TRUE(key);
  const Secret pem = (*key)->to_pem();
  ASSERT_FALSE(pem.empty());
  const auto again = SigningKey::from_pem(pem.expose());
  ASSERT_TRUE(again);
  EXPECT_EQ(to_bytes((*again)->spki()), to_bytes((*key)->spki()));
  const Reference reference = Reference::from_pem(pem.expose());
  ASSERT_NE(reference.get(), nullptr);
  EXPECT_EQ(reference.sign_sha1(as_octets("m")), (*again)->sign_sha1(sha1(as_octets("m"))));
  const std::string_view head(reinterpret_cast<const char*>(pem.expose().data()), 27);
  EXPECT_EQ(head, "-----BEGIN PRIVATE KEY-----");
}

TEST(SigningKey, ReadsBothPemForms) {
  EXPECT_TRUE(SigningKey::from_pem(Reference::of(1024).pem()));
  EXPECT_TRUE(SigningKey::from_pem(Reference::of(1024).pkcs1_pem()));
}

TEST(SigningKey, SaysWhyAPemIsRefused) {
  const Reference& good = Reference::of(1024);
  EXPECT_EQ(SigningKey::from_pem({}).error(), KeyError::kPem);
  EXPECT_EQ(SigningKey::from_pem(as_octets("not PEM at all")).error(), KeyError::kPem);
  EXPECT_EQ(SigningKey::from_pem(good.encrypted_pem()).error(), KeyError::kPem);
  EXPECT_EQ(SigningKey::from_pem(good.public_pem()).error(), KeyError::kPem);
  EXPECT_EQ(SigningKey::from_pem(Bytes(70000, '-')).error(), KeyError::kPem);
  const Bytes pem = good.pem();
  EXPECT_EQ(SigningKey::from_pem(ByteView(pem).first(pem.size() / 2)).error(), KeyError::kPem);

  const Reference ec(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  EXPECT_EQ(SigningKey::from_pem(ec.pem()).error(), KeyError::kNotRsa);
  EXPECT_EQ(HandoverDecryptionKey::from_pem(ec.pem()).error(), KeyError::kNotRsa);

  EXPECT_EQ(SigningKey::from_pem(Reference::of(512).pem()).error(), KeyError::kModulusSize);
  EXPECT_EQ(SigningKey::from_pem(good.pem(), {.min_bits = 2048, .max_bits = 3072}).error(),
            KeyError::kModulusSize);
  EXPECT_EQ(HandoverDecryptionKey::from_pem(Reference::of(512).pem()).error(),
            KeyError::kModulusSize);
  EXPECT_EQ(SigningKey::from_pem(test::load_file("keys/weird-1024-big-e.pem")).error(),
            KeyError::kExponent);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// Each number of the private key replaced by another odd one.
TEST(SigningKey, RefusesPrivatePartsThatDoNotFit) {
  const char* const names[] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                               OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                               OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                               OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
  for (std::size_t spoiled = 0; spoiled < std::size(names); ++spoiled) {
    RSA* rsa = EVP_PKEY_get1_RSA(Reference::of(1024).get());
    const BIGNUM* numbers[] = {RSA_get0_n(rsa),    RSA_get0_e(rsa),   RSA_get0_d(rsa),
                               RSA_get0_p(rsa),    RSA_get0_q(rsa),   RSA_get0_dmp1(rsa),
                               RSA_get0_dmq1(rsa), RSA_get0_iqmp(rsa)};
    BIGNUM* copies[8] = {};
    for (std::size_t i = 0; i < 8; ++i) copies[i] = BN_dup(numbers[i]);
    RSA_free(rsa);
    BN_add_word(copies[spoiled], 4);
    RSA* made = RSA_new();
    RSA_set0_key(made, copies[0], copies[1], copies[2]);
    RSA_set0_factors(made, copies[3], copies[4]);
    RSA_set0_crt_params(made, copies[5], copies[6], copies[7]);
    EVP_PKEY* pkey = EVP_PKEY_new();
    EVP_PKEY_assign_RSA(pkey, made);
    const auto key = SigningKey::from_pem(Reference(pkey).pem());
    ASSERT_FALSE(key) << names[spoiled];
    EXPECT_EQ(key.error(), KeyError::kInconsistent) << names[spoiled];
  }
}

TEST(SigningKey, IsSharedByThreadsAndOutlivesThem) {
  const auto key = SigningKey::from_pem(Reference::of(1024).pem());
  ASSERT_TRUE(key);
  std::atomic<int> wrong = 0;
  const Bytes expected = Reference::of(1024).sign_sha1(as_octets("m"));
  for (int round = 0; round < 2; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; ++i)  // more than there are slots
      threads.emplace_back([&wrong, &expected, shared = *key] {
        for (int j = 0; j < 40; ++j)  // more than one blinding lasts
          if (shared->sign_sha1(sha1(as_octets("m"))) != expected) ++wrong;
      });
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

TEST(SigningKey, MayGoBeforeTheThreadsThatUsedIt) {
  const Bytes expected = Reference::of(1024).sign_sha1(as_octets("m"));
  std::thread([&] {
    for (int i = 0; i < 5; ++i) {
      auto key = SigningKey::from_pem(Reference::of(1024).pem());
      ASSERT_TRUE(key);
      EXPECT_EQ((*key)->sign_sha1(sha1(as_octets("m"))), expected);
    }
  }).join();
}

TEST(KeyError, EveryErrorHasAName) {
  for (KeyError error : {KeyError::kPem, KeyError::kNotRsa, KeyError::kModulusSize,
                         KeyError::kExponent, KeyError::kInconsistent, KeyError::kGeneration})
    EXPECT_NE(name(error), "unknown");
}

}  // namespace
}  // namespace sendoff::crypto
