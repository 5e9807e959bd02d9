// The strict reader of public keys against keys that OpenSSL encoded, and against every way in
// which an encoding can be wrong.
#include "crypto/spki.h"

#include <gtest/gtest.h>

#include "crypto/der.h"
#include "crypto/reference.h"
#include "crypto/rsa.h"
#include "support/covers.h"
#include "support/vectors.h"

namespace sendoff::crypto {
namespace {

using test::Reference;

// An SPKI built from parts, each of which a test may spoil.
struct Parts {
  Bytes algorithm = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                     0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
  Bytes modulus = [] {
    Bytes octets(129, 0xc5);
    octets[0] = 0;
    return octets;
  }();
  Bytes exponent = {1, 0, 1};
  Bytes behind_exponent = {};
  Bytes behind_key = {};
  Bytes behind_bits = {};
  std::uint8_t unused_bits = 0;

  static Bytes element(std::uint8_t tag, ByteView content) {
    Bytes out;
    der::append_header(out, tag, content.size());
    out.insert(out.end(), content.begin(), content.end());
    return out;
  }
  static void add(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

  [[nodiscard]] Bytes spki() const {
    Bytes numbers = element(der::kInteger, modulus);
    add(numbers, element(der::kInteger, exponent));
    add(numbers, behind_exponent);
    Bytes bits = {unused_bits};
    add(bits, element(der::kSequence, numbers));
    add(bits, behind_key);
    Bytes content = algorithm;
    add(content, element(der::kBitString, bits));
    add(content, behind_bits);
    return element(der::kSequence, content);
  }
};

SpkiError error_of(ByteView spki, const KeyLimits& limits = {}) {
  const auto key = RsaPublicKey::parse(spki, limits);
  EXPECT_FALSE(key) << to_hex(spki);
  return key ? SpkiError{0xff} : key.error();
}

Bytes number(std::size_t bits) {
  Bytes octets((bits + 7) / 8, 0xff);
  octets[0] = static_cast<std::uint8_t>((1U << ((bits - 1) % 8 + 1)) - 1);
  if (octets[0] >= 0x80) octets.insert(octets.begin(), 0);
  return octets;
}

TEST(RsaPublicKey, ReadsWhatOpensslEncoded) {
  for (unsigned bits : {1024U, 2048U, 3072U}) {
    for (unsigned exponent : {3U, 65537U}) {
      const Reference& reference = Reference::of(bits, exponent);
      const Bytes spki = reference.spki();
      const auto key = RsaPublicKey::parse(spki);
      ASSERT_TRUE(key) << name(key.error());
      EXPECT_EQ(key->bits(), bits);
      EXPECT_EQ(key->exponent(), exponent);
      BIGNUM* n = nullptr;
      ASSERT_EQ(EVP_PKEY_get_bn_param(reference.get(), OSSL_PKEY_PARAM_RSA_N, &n), 1);
      Bytes modulus(static_cast<std::size_t>(BN_num_bytes(n)));
      BN_bn2bin(n, modulus.data());
      BN_free(n);
      EXPECT_EQ(to_bytes(key->modulus()), modulus);
      EXPECT_EQ(key->modulus_size(), bits / 8);
    }
  }
}

TEST(RsaPublicKey, WritesWhatOpensslWrites) {
  COVERS("CGA-3-7");
  for (unsigned bits : {1024U, 2048U, 3072U}) {
    const auto key = SigningKey::generate(bits);
    ASSERT_TRUE(key);
    const Bytes spki = to_bytes((*key)->spki());
    const Reference reference = Reference::from_spki(spki);
    ASSERT_NE(reference.get(), nullptr);
    EXPECT_EQ(reference.spki(), spki);
    EXPECT_NE(to_hex(spki).find("300d06092a864886f70d0101010500"), std::string::npos);
  }
  Parts pss;  // id-RSASSA-PSS, with the parameters that rsaEncryption has
  pss.algorithm[12] = 10;
  EXPECT_EQ(error_of(pss.spki()), SpkiError::kNotRsa);
  Parts absent;
  absent.algorithm = {0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
  EXPECT_EQ(error_of(absent.spki()), SpkiError::kNotRsa);
}

TEST(RsaPublicKey, RefusesEveryTruncationAndTrailingOctets) {
  Bytes spki = Parts().spki();
  ASSERT_TRUE(RsaPublicKey::parse(spki));
  for (std::size_t size = 0; size < spki.size(); ++size)
    EXPECT_EQ(error_of(ByteView(spki).first(size)), SpkiError::kMalformed) << size;
  spki.push_back(0);
  EXPECT_EQ(error_of(spki), SpkiError::kMalformed);
}

TEST(RsaPublicKey, ReadsAPrefixAndSaysHowLongItWas) {
  Bytes octets = Parts().spki();
  const std::size_t size = octets.size();
  octets.insert(octets.end(), {0x30, 0x80, 1});
  std::size_t consumed = 0;
  const auto key = RsaPublicKey::parse_prefix(octets, consumed);
  ASSERT_TRUE(key);
  EXPECT_EQ(consumed, size);
  for (std::size_t cut = 0; cut < size; ++cut)
    EXPECT_FALSE(RsaPublicKey::parse_prefix(ByteView(octets).first(cut), consumed));
}

TEST(RsaPublicKey, RefusesEveryFlippedBitOfTheAlgorithm) {
  for (std::size_t bit = 0; bit < Parts().algorithm.size() * 8; ++bit) {
    Parts parts;
    parts.algorithm[bit / 8] = static_cast<std::uint8_t>(parts.algorithm[bit / 8] ^ 1U << bit % 8);
    (void)error_of(parts.spki());
  }
}

TEST(RsaPublicKey, RefusesAnythingButTheTwoNumbersInTheBitString) {
  COVERS("CGA-3-8");
  Parts trailing_number;
  trailing_number.behind_exponent = {2, 1, 1};
  EXPECT_EQ(error_of(trailing_number.spki()), SpkiError::kMalformed);
  Parts trailing_key;
  trailing_key.behind_key = {0};
  EXPECT_EQ(error_of(trailing_key.spki()), SpkiError::kMalformed);
  Parts trailing_bits;
  trailing_bits.behind_bits = {5, 0};
  EXPECT_EQ(error_of(trailing_bits.spki()), SpkiError::kMalformed);
  for (unsigned unused = 1; unused < 256; ++unused) {
    Parts parts;
    parts.unused_bits = static_cast<std::uint8_t>(unused);
    EXPECT_EQ(error_of(parts.spki()), SpkiError::kMalformed);
  }
  Parts negative;
  negative.modulus.erase(negative.modulus.begin());
  EXPECT_EQ(error_of(negative.spki()), SpkiError::kMalformed);
}

TEST(RsaPublicKey, RefusesNumbersThatAreNotMinimalAndPositive) {
  Parts long_modulus;
  long_modulus.modulus.insert(long_modulus.modulus.begin(), 0);
  EXPECT_EQ(error_of(long_modulus.spki()), SpkiError::kMalformed);
  Parts long_exponent;
  long_exponent.exponent = {0, 1, 0, 1};
  EXPECT_EQ(error_of(long_exponent.spki()), SpkiError::kMalformed);
  Parts negative_exponent;
  negative_exponent.exponent = {0x81};
  EXPECT_EQ(error_of(negative_exponent.spki()), SpkiError::kMalformed);
  Parts empty_modulus;
  empty_modulus.modulus = {};
  EXPECT_EQ(error_of(empty_modulus.spki()), SpkiError::kMalformed);
  Parts empty_exponent;
  empty_exponent.exponent = {};
  EXPECT_EQ(error_of(empty_exponent.spki()), SpkiError::kMalformed);
  Parts zero_modulus;
  zero_modulus.modulus = {0};
  EXPECT_EQ(error_of(zero_modulus.spki()), SpkiError::kModulusSize);
}

// Every length field of a valid key, one octet longer than it needs to be.
TEST(RsaPublicKey, RefusesLengthsThatAreNotMinimal) {
  const auto length_after = [](ByteView octets) {  // where the header's length octets start, end
    const std::size_t count = octets[1] >= 0x80 ? octets[1] & 0x7fU : 0;
    return std::pair<std::size_t, std::size_t>(1, 2 + count);
  };
  // {offset of the element} from the outside inwards, for the layout of Parts.
  const Bytes spki = Parts().spki();
  const std::size_t offsets[] = {0, 3, 18, 22, 25};
  for (std::size_t offset : offsets) {
    ASSERT_TRUE(spki[offset] == 0x30 || spki[offset] == 0x03 || spki[offset] == 0x02);
    const auto [from, to] = length_after(ByteView(spki).subspan(offset));
    const ByteView length = ByteView(spki).subspan(offset + from, to - from);
    Bytes longer;
    if (length.size() == 1) {
      longer = {0x81, length[0]};
    } else {
      longer = {static_cast<std::uint8_t>(length[0] + 1), 0};
      longer.insert(longer.end(), length.begin() + 1, length.end());
    }
    // The element alone is refused, so no correction of the lengths around it could help.
    Bytes element = {spki[offset]};
    element.insert(element.end(), longer.begin(), longer.end());
    element.insert(element.end(), spki.begin() + static_cast<std::ptrdiff_t>(offset + to),
                   spki.end());
    EXPECT_EQ(der::read(element, spki[offset]).verdict, der::Verdict::kMalformed) << offset;
    if (offset == 0) {
      EXPECT_EQ(error_of(element), SpkiError::kMalformed);
    }
  }
  Bytes indefinite = spki;
  indefinite[1] = 0x80;
  EXPECT_EQ(error_of(indefinite), SpkiError::kMalformed);
  for (unsigned first = 0x85; first <= 0xff; ++first) {
    Bytes huge = spki;
    huge[1] = static_cast<std::uint8_t>(first);
    EXPECT_EQ(error_of(huge), SpkiError::kMalformed);
  }
}

TEST(RsaPublicKey, HoldsTheModulusToTheBit) {
  struct Row {
    std::size_t bits;
    bool accepted;
  };
  for (const Row& row :
       {Row{512, false}, Row{1016, false}, Row{1023, false}, Row{1024, true}, Row{1025, true},
        Row{1031, true}, Row{2047, true}, Row{2048, true}, Row{3071, true}, Row{3072, true},
        Row{3073, false}, Row{4096, false}, Row{16384, false}}) {
    Parts parts;
    parts.modulus = number(row.bits);
    const auto key = RsaPublicKey::parse(parts.spki());
    EXPECT_EQ(key.has_value(), row.accepted) << row.bits;
    if (key) {
      EXPECT_EQ(key->bits(), row.bits);
      EXPECT_EQ(key->modulus_size(), (row.bits + 7) / 8);
    } else {
      EXPECT_EQ(key.error(), SpkiError::kModulusSize);
    }
  }
  Parts small;
  small.modulus = number(512);
  EXPECT_TRUE(RsaPublicKey::parse(small.spki(), {.min_bits = 384, .max_bits = 3072}));
  EXPECT_EQ(error_of(Parts().spki(), {.min_bits = 2048, .max_bits = 3072}),
            SpkiError::kModulusSize);
}

TEST(RsaPublicKey, AcceptsOddExponentsFrom3To32Bits) {
  struct Row {
    Bytes octets;
    std::uint32_t value;  // 0: refused
  };
  const Row rows[] = {{{0}, 0},
                      {{1}, 0},
                      {{2}, 0},
                      {{3}, 3},
                      {{4}, 0},
                      {{17}, 17},
                      {{1, 0, 0}, 0},
                      {{1, 0, 1}, 65537},
                      {{0, 0xff, 0xff, 0xff, 0xff}, 0xffffffff},
                      {{0, 0xff, 0xff, 0xff, 0xfe}, 0},
                      {{1, 0, 0, 0, 0}, 0},
                      {{1, 0, 0, 0, 1}, 0},
                      {{1, 0, 0, 0, 15}, 0},
                      {Bytes(129, 0x41), 0}};
  for (const Row& row : rows) {
    Parts parts;
    parts.exponent = row.octets;
    const auto key = RsaPublicKey::parse(parts.spki());
    EXPECT_EQ(key.has_value(), row.value != 0) << to_hex(row.octets);
    if (key)
      EXPECT_EQ(key->exponent(), row.value);
    else
      EXPECT_EQ(key.error(), SpkiError::kExponent);
  }
}

TEST(RsaPublicKey, ComparesSizeAndExponentOnly) {
  const auto of = [](unsigned bits, unsigned exponent) {
    return *RsaPublicKey::parse(Reference::of(bits, exponent).spki());
  };
  EXPECT_TRUE(
      of(1024, 3).same_parameters(*RsaPublicKey::parse(Reference::generate(1024, 3).spki())));
  EXPECT_FALSE(of(1024, 3).same_parameters(of(1024, 65537)));
  EXPECT_FALSE(of(1024, 3).same_parameters(of(2048, 3)));
}

TEST(RsaPublicKey, OtherKindsOfKeyAreNotRsa) {
  const Reference ec(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  EXPECT_EQ(error_of(ec.spki()), SpkiError::kNotRsa);
  const Reference ed(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  EXPECT_EQ(error_of(ed.spki()), SpkiError::kNotRsa);
}

TEST(KeyHash, IsTheOneOfTheExampleKey) {
  const test::Vector vector = test::load_vector("rfc3972-appendix-a.txt", "");
  EXPECT_EQ(to_hex(key_hash(vector.hex("public-key-spki"))), vector.text("key-hash-rfc3971"));
}

TEST(SpkiError, EveryErrorHasAName) {
  for (SpkiError error :
       {SpkiError::kMalformed, SpkiError::kNotRsa, SpkiError::kModulusSize, SpkiError::kExponent})
    EXPECT_NE(name(error), "unknown");
}

}  // namespace
}  // namespace sendoff::crypto
