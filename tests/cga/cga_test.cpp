// Verification and address formation against the worked example of RFC 3972 Appendix A and what
// tests/vectors/verify_vectors.py derives from it.
#include "cga/cga.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "cga/example.h"
#include "cga/hash2.h"
#include "crypto/rsa.h"
#include "support/covers.h"

namespace sendoff::cga {
namespace {

Ipv6Address address(const std::string& field) { return Ipv6Address::from(example().hex(field)); }

template <std::size_t N>
std::array<std::uint8_t, N> array(ByteView octets) {
  return Reader(octets).array<N>();
}

Parameters example_parameters() {
  Parameters parameters;
  parameters.modifier = array<16>(example().hex("modifier-final"));
  parameters.subnet_prefix = array<8>(example().hex("prefix"));
  parameters.public_key = example().hex("public-key-spki");
  return parameters;
}

std::optional<Error> error_of(const Ipv6Address& claimed, ByteView octets) {
  const auto parameters = ParametersView::parse(octets);
  if (!parameters) return parameters.error();
  const auto verdict = verify(claimed, *parameters);
  return verdict ? std::nullopt : std::optional(verdict.error());
}

bool verifies(const Ipv6Address& claimed, ByteView octets) { return !error_of(claimed, octets); }

Ipv6Address with_first_octet(const Ipv6Address& from, unsigned octet) {
  Ipv6Address::Octets octets = from.octets();
  octets[8] = static_cast<std::uint8_t>(octet);
  return Ipv6Address(octets);
}

Bytes flipped(Bytes octets, std::size_t bit) {
  octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] ^ 0x80U >> bit % 8);
  return octets;
}

TEST(CgaParameters, EncodeAndDecodeTheExample) {
  COVERS("CGA-3-1");
  const Bytes octets = example().hex("cga-parameters");
  ASSERT_EQ(octets.size(), 119U);
  EXPECT_EQ(example_parameters().octets(), octets);
  EXPECT_EQ(example_parameters().size(), octets.size());
  Bytes dirty(octets.size(), 0xee);
  Writer writer(dirty);
  example_parameters().emit(writer);
  EXPECT_EQ(dirty, octets);

  const auto view = ParametersView::parse(octets);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->modifier, example_parameters().modifier);
  EXPECT_EQ(view->subnet_prefix, example_parameters().subnet_prefix);
  EXPECT_EQ(view->collision_count, 0);
  EXPECT_EQ(to_bytes(view->public_key), example_parameters().public_key);
  EXPECT_EQ(view->public_key.data(), view->octets.data() + 25);
  EXPECT_TRUE(view->extensions.empty());
  EXPECT_EQ(to_bytes(view->octets), octets);
}

TEST(CgaParameters, ShowThePrefixOfTheirAddress) {
  COVERS("CGA-3-3");
  Parameters parameters = example_parameters();
  const auto shown = [&] { return to_hex(ByteView(parameters.octets()).subspan(16, 8)); };
  EXPECT_EQ(shown(), "fe80000000000000");
  EXPECT_EQ(address_of(parameters, 1).subnet_prefix(), 0xfe80000000000000);
  parameters.subnet_prefix = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0};
  EXPECT_EQ(shown(), "20010db800010000");
  EXPECT_EQ(address_of(parameters, 1).subnet_prefix(), 0x20010db800010000);
}

TEST(CgaParameters, EveryTruncationFails) {
  COVERS("CGA-5-8");
  const Bytes octets = example().hex("cga-parameters");
  for (std::size_t size = 0; size < octets.size(); ++size) {
    // Octets of their own, so that the sanitizer sees a read behind them.
    const std::unique_ptr<std::uint8_t[]> cut(new std::uint8_t[size]);
    std::copy_n(octets.begin(), size, cut.get());
    const auto parsed = ParametersView::parse(ByteView(cut.get(), size));
    ASSERT_FALSE(parsed) << size;
    // From 29 octets on the cut is inside the key; before that there is not even its header.
    EXPECT_EQ(parsed.error(), Error::kTruncated) << size;
  }
  for (unsigned length = 0x5d; length < 0x80; ++length) {
    Bytes beyond = octets;
    beyond[26] = static_cast<std::uint8_t>(length);
    EXPECT_EQ(error_of(address("address"), beyond), Error::kTruncated);
  }
  // The key of the verified structure is the sender's.
  ASSERT_TRUE(verifies(address("address"), octets));
  EXPECT_EQ(to_bytes(ParametersView::parse(octets)->public_key), example().hex("public-key-spki"));
}

TEST(CgaParameters, OnlyADerSubjectPublicKeyInfoStandsAtTheKey) {
  COVERS("CGA-3-5");
  const Bytes good = example().hex("cga-parameters");
  const auto with_key = [&](ByteView key) {
    Bytes octets(good.begin(), good.begin() + 25);
    octets.insert(octets.end(), key.begin(), key.end());
    const auto parsed = ParametersView::parse(octets);
    return parsed ? std::nullopt : std::optional(parsed.error());
  };
  const Bytes spki = example().hex("public-key-spki");
  EXPECT_EQ(with_key(spki), std::nullopt);
  const ByteView bare = ByteView(spki).subspan(20);  // SEQUENCE { INTEGER, INTEGER }
  ASSERT_EQ(bare[0], 0x30);
  EXPECT_EQ(with_key(bare), Error::kPublicKey);
  const std::string_view pem = "-----BEGIN PUBLIC KEY-----\n";
  EXPECT_EQ(with_key({reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()}),
            Error::kPublicKey);
  Bytes indefinite = spki;
  indefinite[1] = 0x80;
  indefinite.insert(indefinite.end(), {0, 0});
  EXPECT_EQ(with_key(indefinite), Error::kPublicKey);
  Bytes long_form = {0x30, 0x81};
  long_form.insert(long_form.end(), spki.begin() + 1, spki.end());
  EXPECT_EQ(with_key(long_form), Error::kPublicKey);
  Bytes leading_zero = {0x30, 0x82, 0x00};
  leading_zero.insert(leading_zero.end(), spki.begin() + 1, spki.end());
  EXPECT_EQ(with_key(leading_zero), Error::kPublicKey);
}

TEST(CgaParameters, OctetsBehindTheKeyAreExtensions) {
  COVERS("CGA-3-10", "CGA-3-11");
  Parameters parameters = example_parameters();
  parameters.extensions = {0x12, 0x34, 0, 4, 0xde, 0xad, 0xbe, 0xef};  // of an unknown type
  const Bytes octets = parameters.octets();
  const auto view = ParametersView::parse(octets);
  ASSERT_TRUE(view);
  EXPECT_EQ(to_bytes(view->public_key), parameters.public_key);
  EXPECT_EQ(to_bytes(view->extensions), parameters.extensions);
  // In both hashes, and without another effect.
  const Bytes plain = example_parameters().public_key;
  EXPECT_NE(address_of(parameters, 0), address_of(example_parameters(), 0));
  EXPECT_NE(hash2(parameters.modifier, plain, parameters.extensions),
            hash2(parameters.modifier, plain, {}));
  EXPECT_TRUE(verifies(address_of(parameters, 0), octets));
}

TEST(Cga, SecIsTheThreeLeftmostBits) {
  COVERS("CGA-2-2");
  EXPECT_EQ(sec_of(address("address")), 1);
  for (unsigned octet = 0; octet < 256; ++octet)
    EXPECT_EQ(sec_of(with_first_octet(Ipv6Address(), octet)), octet >> 5);
}

TEST(Cga, FormsTheAddressOfTheExample) {
  COVERS("CGA-3-12", "CGA-4-6", "CGA-4-7");
  Parameters parameters = example_parameters();
  EXPECT_EQ(address_of(parameters, 1), address("address"));
  EXPECT_EQ(address_of(parameters, 1), Ipv6Address::literal("fe80::3c4a:5bf6:ffb4:ca6c"));
  // Hash1 itself starts fd; the address keeps its 59 bits.
  EXPECT_EQ(example().text("hash1").substr(2), to_hex(address("address").view()).substr(18));
  parameters.subnet_prefix = {};
  EXPECT_NE(address_of(parameters, 1).interface_identifier(),
            address("address").interface_identifier());
  for (unsigned i = 0; i < 1000; ++i) {
    parameters.modifier[0] = static_cast<std::uint8_t>(i);
    parameters.modifier[1] = static_cast<std::uint8_t>(i >> 8);
    for (std::uint8_t sec = 0; sec < 8; ++sec) {
      EXPECT_EQ(address_of(parameters, sec).octets()[8] & 3, 0);
      EXPECT_EQ(sec_of(address_of(parameters, sec)), sec);
    }
  }
}

TEST(Cga, TheCountChangesTheAddressAndNotTheModifier) {
  COVERS("CGA-4-5", "CGA-4-10");
  Parameters parameters = example_parameters();
  const Bytes count0 = parameters.octets();
  parameters.collision_count = 1;
  const Bytes count1 = parameters.octets();
  EXPECT_EQ(address_of(parameters, 1), address("address-collision-1"));
  EXPECT_EQ(count1[24], 1);
  EXPECT_TRUE(equal(ByteView(count1).first(24), ByteView(count0).first(24)));
  EXPECT_TRUE(verifies(address("address-collision-1"), count1));
  EXPECT_FALSE(verifies(address("address"), count1));
  EXPECT_FALSE(verifies(address("address-collision-1"), count0));
  parameters.collision_count = 2;
  EXPECT_EQ(address_of(parameters, 1), address("address-collision-2"));
  EXPECT_TRUE(verifies(address("address-collision-2"), parameters.octets()));
}

TEST(Cga, OneModifierServesEveryPrefix) {
  COVERS("CGA-3-13");
  const auto hash_of = [](const std::string& modifier) {
    return to_hex(hash2(array<16>(example().hex(modifier)), example().hex("public-key-spki"), {}));
  };
  EXPECT_EQ(hash_of("modifier-initial"), example().text("hash2-initial"));
  EXPECT_EQ(hash_of("modifier-final"), example().text("hash2-final"));
  Parameters parameters = example_parameters();
  parameters.subnet_prefix = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0};
  for (std::uint8_t count = 0; count <= 2; ++count) {
    parameters.collision_count = count;
    const Ipv6Address expected = address("address-2001-db8-1-collision-" + std::to_string(count));
    EXPECT_EQ(address_of(parameters, 1), expected);
    EXPECT_TRUE(verifies(expected, parameters.octets()));  // with Sec 1: Hash2 is as before
  }
}

TEST(Cga, FiftyNineBitsOfTheIdentifierAreCompared) {
  COVERS("CGA-2-3");
  const Bytes octets = example().hex("cga-parameters");
  for (std::size_t bit = 0; bit < 64; ++bit) {
    const Ipv6Address other =
        Ipv6Address::from(flipped(to_bytes(address("address").view()), 64 + bit));
    if (bit == 6 || bit == 7)
      EXPECT_TRUE(verifies(other, octets)) << bit;
    else if (bit < 3)  // not compared with Hash1, but they ask for other bits of Hash2
      EXPECT_EQ(verifies(other, octets), sec_of(other) <= 1) << bit;
    else
      EXPECT_EQ(error_of(other, octets), Error::kHash1) << bit;
  }
}

TEST(Cga, EightAddressesVerifyForOneSetOfParameters) {
  const Bytes octets = example().hex("cga-parameters");
  std::set<Ipv6Address> expected;
  for (int i = 0; i < 8; ++i) expected.insert(address("address-equivalent-" + std::to_string(i)));
  std::set<Ipv6Address> found;
  for (unsigned sec = 0; sec < 8; ++sec)
    for (unsigned ug = 0; ug < 4; ++ug) {
      const Ipv6Address candidate = with_first_octet(
          address("address"), (address("address").octets()[8] & 0x1cU) | sec << 5 | ug);
      if (verifies(candidate, octets)) found.insert(candidate);
    }
  EXPECT_EQ(found, expected);
}

TEST(Cga, SecIsReadFromTheAddress) {
  COVERS("CGA-5-4");
  const Bytes octets = example().hex("cga-parameters");
  EXPECT_TRUE(verifies(address("address-equivalent-0"), octets));  // Sec 0
  EXPECT_TRUE(verifies(address("address"), octets));               // Sec 1
  EXPECT_EQ(error_of(address("address-bad-sec2"), octets), Error::kHash2);
}

TEST(Cga, TheModifierMustHaveBeenFoundForTheSec) {
  COVERS("CGA-5-6");
  const Bytes octets = example().hex("cga-parameters-initial-modifier");
  EXPECT_EQ(error_of(address("address-initial-modifier-sec1-bad"), octets), Error::kHash2);
  EXPECT_TRUE(verifies(address("address-initial-modifier-sec0-good"), octets));
}

TEST(Cga, HashTwoMustStartWithSixteenZerosForEachSec) {
  COVERS("CGA-2-4");
  for (std::uint8_t sec = 0; sec < 8; ++sec)
    for (std::size_t first_one = 0; first_one <= 112; ++first_one) {
      Hash2 hash{};
      if (first_one < 112) hash[first_one / 8] = static_cast<std::uint8_t>(0x80U >> first_one % 8);
      EXPECT_EQ(leading_zeros(hash, sec), first_one >= 16U * sec) << int{sec} << " " << first_one;
    }
  Hash2 almost{};
  almost[1] = 1;  // 0001...
  EXPECT_FALSE(leading_zeros(almost, 1));
}

TEST(Cga, EverySecIsProcessed) {
  COVERS("CGA-5-11");
  const Bytes octets = example().hex("cga-parameters");
  for (unsigned sec = 3; sec < 8; ++sec) {
    const Ipv6Address crafted =
        with_first_octet(address("address"), (address("address").octets()[8] & 0x1fU) | sec << 5);
    EXPECT_EQ(error_of(crafted, octets), Error::kHash2) << sec;
    EXPECT_TRUE(leading_zeros(Hash2{}, static_cast<std::uint8_t>(sec)));
  }
}

TEST(Cga, ACountAboveTwoFailsEvenIfTheHashMatches) {
  COVERS("CGA-5-1");
  Parameters parameters = example_parameters();
  for (unsigned count = 0; count < 256; ++count) {
    parameters.collision_count = static_cast<std::uint8_t>(count);
    const auto error = error_of(address_of(parameters, 0), parameters.octets());
    EXPECT_EQ(error, count <= 2 ? std::nullopt : std::optional(Error::kCollisionCount)) << count;
  }
}

TEST(Cga, AnotherPrefixThanTheAddressesFails) {
  COVERS("CGA-5-2");
  Parameters parameters = example_parameters();
  parameters.subnet_prefix = {0xfe, 0x80, 0, 0, 0, 0, 0, 1};
  const Ipv6Address honest = address_of(parameters, 0);
  ASSERT_TRUE(verifies(honest, parameters.octets()));
  // The identifier is right for these parameters, the address lies elsewhere.
  Ipv6Address::Octets octets = honest.octets();
  octets[7] = 0;
  EXPECT_EQ(error_of(Ipv6Address(octets), parameters.octets()), Error::kPrefix);
}

TEST(Cga, AnyFlippedBitOfTheParametersFails) {
  COVERS("CGA-5-3");
  const Bytes octets = example().hex("cga-parameters-ext");
  const Ipv6Address claimed = address("address-ext-sec0");
  ASSERT_TRUE(verifies(claimed, octets));
  for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
    // With the prefix, the address changes too: then it is Hash1 that tells.
    Ipv6Address moved = claimed;
    if (bit >= 128 && bit < 192)
      moved = Ipv6Address::from(flipped(to_bytes(claimed.view()), bit - 128));
    EXPECT_FALSE(verifies(moved, flipped(octets, bit))) << bit;
  }
}

TEST(Cga, ExtensionsAreHashedAndOtherwiseIgnored) {
  COVERS("CGA-5-13", "CGA-5-14", "CGA-4581-4", "CGA-4982-3");
  const Bytes plain = example().hex("cga-parameters");
  Bytes more = plain;
  more.insert(more.end(), {0xff, 0xfd, 0, 0});
  EXPECT_EQ(error_of(address("address"), more), Error::kHash1);
  EXPECT_TRUE(verifies(address("address-ext-sec0"), example().hex("cga-parameters-ext")));

  const Bytes contents[] = {{0xff, 0xfd, 0, 3, 1, 2, 3},
                            {0xff, 0xfd, 0, 3, 1, 2, 4},
                            {1, 2, 3},                       // no TLV at all
                            {0xff, 0xfe, 0xff, 0xff, 1, 2},  // a length beyond the end
                            {0xff, 0xff, 0, 6, 'S', 'H', 'A', '2', '5', '6'}};
  for (const Bytes& extensions : contents) {
    Parameters parameters = example_parameters();
    parameters.extensions = extensions;
    const Ipv6Address formed = address_of(parameters, 0);
    EXPECT_TRUE(verifies(formed, parameters.octets()));
    Parameters without = parameters;
    without.extensions.clear();
    EXPECT_FALSE(verifies(formed, without.octets()));
  }
}

TEST(Cga, AModifierOfAllZerosOrOnesIsOneLikeAnother) {
  Parameters parameters = example_parameters();
  for (std::uint8_t octet : {std::uint8_t{0}, std::uint8_t{0xff}}) {
    parameters.modifier.fill(octet);
    EXPECT_TRUE(verifies(address_of(parameters, 0), parameters.octets()));
  }
}

TEST(Cga, KeySizesBelowThePolicyVerify) {
  COVERS("CGA-3-9");
  Parameters parameters = example_parameters();
  EXPECT_TRUE(verifies(address_of(parameters, 0), parameters.octets()));  // 512 bits
  parameters.public_key = test::load_vector("rsa-384.txt", "rsa-384").hex("spki");
  EXPECT_TRUE(verifies(address_of(parameters, 0), parameters.octets()));
  EXPECT_EQ(crypto::SigningKey::generate(1023).error(), crypto::KeyError::kModulusSize);
}

TEST(Cga, EachProcedureHasItsLeastSizeOfKeys) {
  COVERS("CGA-4982-5");
  Parameters parameters = example_parameters();
  parameters.public_key = test::load_vector("rsa-384.txt", "rsa-384").hex("spki");
  Bytes smaller = parameters.public_key;  // by one octet of its modulus
  smaller.erase(smaller.begin() + 30);
  for (const std::size_t length : {1u, 18u, 21u, 23u}) --smaller[length];
  ASSERT_EQ(kProcedures.size(), 3u);
  for (std::uint8_t sec = 0; sec <= 7; ++sec) {
    const Procedure* procedure = procedure_of(sec);
    ASSERT_EQ(procedure != nullptr, sec <= 2) << int{sec};
    if (procedure == nullptr) continue;
    EXPECT_EQ(procedure->sec, sec);
    EXPECT_EQ(procedure->min_bits, 384u);
    const crypto::KeyLimits limits{.min_bits = procedure->min_bits, .max_bits = 3072};
    const auto least = crypto::RsaPublicKey::parse(parameters.public_key, limits);
    ASSERT_TRUE(least) << int{sec};
    EXPECT_EQ(least->bits(), 384u);
    const auto below = crypto::RsaPublicKey::parse(smaller, limits);
    ASSERT_FALSE(below) << int{sec};
    EXPECT_EQ(below.error(), crypto::SpkiError::kModulusSize);
    if (sec == 2) continue;  // takes minutes
    const auto modifier = find_modifier({}, parameters.public_key, {}, {.sec = sec, .threads = 1});
    ASSERT_TRUE(modifier);
    parameters.modifier = *modifier;
    EXPECT_TRUE(verifies(address_of(parameters, sec), parameters.octets())) << int{sec};
  }
}

TEST(CgaError, EveryErrorHasAName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Error::kCount); ++i)
    EXPECT_TRUE(names.insert(name(static_cast<Error>(i))).second);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace sendoff::cga
