// The cases of tests/vectors/cga.txt, which were computed without this code.
#include <gtest/gtest.h>

#include "cga/cga.h"
#include "cga/hash2.h"
#include "crypto/digest.h"
#include "support/covers.h"
#include "support/vectors.h"

namespace sendoff::cga {
namespace {

// As the vectors call what failed.
std::string_view step_of(Error error) { return error == Error::kTruncated ? "short" : name(error); }

struct Case {
  Parameters parameters;
  Modifier start{};
  std::uint8_t sec = 0;
};

Case generation(const test::Vector& vector) {
  Case wanted;
  wanted.start = Reader(vector.hex("modifier-start")).array<16>();
  wanted.sec = static_cast<std::uint8_t>(vector.number("sec"));
  wanted.parameters.modifier = Reader(vector.hex("modifier")).array<16>();
  wanted.parameters.subnet_prefix = Reader(vector.hex("subnet-prefix")).array<8>();
  wanted.parameters.collision_count = static_cast<std::uint8_t>(vector.number("collision-count"));
  wanted.parameters.public_key = vector.hex("public-key");
  wanted.parameters.extensions = vector.hex("extension-fields");
  return wanted;
}

void expect_formed(const test::Vector& vector) {
  const Case wanted = generation(vector);
  const Parameters& parameters = wanted.parameters;
  EXPECT_EQ(to_hex(hash2(parameters.modifier, parameters.public_key, parameters.extensions)),
            vector.text("hash2"))
      << vector.name;
  EXPECT_EQ(to_hex(parameters.octets()), vector.text("cga-parameters")) << vector.name;
  EXPECT_EQ(address_of(parameters, wanted.sec), vector.address("address")) << vector.name;
  const Bytes octets = parameters.octets();
  const auto view = ParametersView::parse(octets);
  ASSERT_TRUE(view) << vector.name;
  EXPECT_TRUE(verify(vector.address("address"), *view)) << vector.name;
}

TEST(CgaVectors, EveryGenerationGivesTheSameModifierAndAddress) {
  std::size_t seen = 0;
  for (const test::Vector& vector : test::load_vectors("cga.txt")) {
    if (!vector.name.starts_with("generate-")) continue;
    ++seen;
    const Case wanted = generation(vector);
    const auto found =
        find_modifier(wanted.start, wanted.parameters.public_key, wanted.parameters.extensions,
                      {.sec = wanted.sec, .threads = 1});
    EXPECT_EQ(found, wanted.parameters.modifier) << vector.name;
    expect_formed(vector);
  }
  EXPECT_GT(seen, 30U);
}

TEST(CgaVectors, EveryVerificationFailsAtItsStep) {
  std::size_t seen = 0;
  for (const test::Vector& vector : test::load_vectors("cga.txt")) {
    if (!vector.name.starts_with("verify-")) continue;
    ++seen;
    const Bytes octets = vector.hex("cga-parameters");
    const auto view = ParametersView::parse(octets);
    const auto verdict =
        view ? verify(vector.address("address"), *view) : Result<void, Error>(fail(view.error()));
    EXPECT_EQ(verdict.has_value(), vector.text("verdict") == "good") << vector.name;
    // One vector spoils the key's tag: our parser refuses that before there is anything to hash.
    if (!verdict && verdict.error() != Error::kPublicKey) {
      EXPECT_EQ(step_of(verdict.error()), vector.text("step")) << vector.name;
    }
  }
  EXPECT_GT(seen, 90U);
}

// Hash2 by the definition (RFC 3972 3): how many of its bits are zero from the left.
unsigned zero_bits(const Parameters& parameters) {
  const crypto::Sha1Digest hash =
      crypto::sha1({parameters.modifier, Bytes(9), parameters.public_key, parameters.extensions});
  unsigned bits = 0;
  while (bits < 112 && (hash[bits / 8] & 0x80 >> bits % 8) == 0) ++bits;
  return bits;
}

TEST(CgaVectors, ASecHasOneProcedureAndNoOther) {
  COVERS("CGA-4982-1", "CGA-4982-4");
  const test::Vector example = test::load_vector("rfc3972-appendix-a.txt", "");
  Parameters parameters;
  parameters.public_key = example.hex("public-key-spki");
  parameters.subnet_prefix = Reader(example.hex("prefix")).array<8>();
  const auto verdict = [&](const Ipv6Address& address) {
    const Bytes octets = parameters.octets();
    return verify(address, *ParametersView::parse(octets)).has_value();
  };
  const test::Vector second = test::load_vector("cga-sec2.txt", "sec2-rfc-key");
  const Modifier start = Reader(example.hex("modifier-final")).array<16>();
  const std::optional<Modifier> modifiers[] = {
      find_modifier(start, parameters.public_key, {}, {.sec = 0, .threads = 1}),
      find_modifier(start, parameters.public_key, {}, {.sec = 1, .threads = 1}),
      Reader(second.hex("modifier")).array<16>()};
  for (std::uint8_t sec = 0; sec <= 2; ++sec) {
    ASSERT_TRUE(modifiers[sec]);
    parameters.modifier = *modifiers[sec];
    EXPECT_GE(zero_bits(parameters), 16U * sec);
    // It is worth so much and no more, whatever other procedure might take it.
    const unsigned worth = zero_bits(parameters) / 16;
    for (std::uint8_t claimed = 0; claimed < 8; ++claimed)
      EXPECT_EQ(verdict(address_of(parameters, claimed)), claimed <= worth) << int{sec};
    Ipv6Address::Octets octets = address_of(parameters, sec).octets();
    const auto other_hash = crypto::sha256(parameters.octets());
    std::copy_n(other_hash.begin(), 8, octets.begin() + 8);
    octets[8] = static_cast<std::uint8_t>((octets[8] & 0x1c) | sec << 5);
    EXPECT_FALSE(verdict(Ipv6Address(octets)));
  }
}

}  // namespace
}  // namespace sendoff::cga
