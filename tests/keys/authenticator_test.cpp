#include "keys/authenticator.h"

#include <gtest/gtest.h>

#include <set>

#include "keys/keys_fixture.h"
#include "support/covers.h"
#include "support/vectors.h"

namespace sendoff::keys {
namespace {

using crypto::Algorithm;
using sendoff::test::Vector;
using test::kNcoa;
using test::kPar;
using test::kPcoa;

Algorithm algorithm_of(const Vector& vector) {
  return *crypto::algorithm_of(static_cast<std::uint8_t>(vector.number("algorithm-type")));
}
Secret key_of(const Vector& vector) { return Secret::copy_of(vector.hex("handover-key")); }

Result<void, AuthenticationError> check_update(const Vector& vector) {
  const Bytes header = vector.hex("mobility-header");
  const auto fbu = wire::FastBindingUpdate::parse(header);
  invariant(fbu.has_value());
  const Ipv6Address term =
      care_of_term(*fbu, vector.address("home-address"), vector.address("source"));
  if (vector.number("mac-good") == 1) {
    EXPECT_EQ(term, vector.address("care-of-term"));
  }
  return check(header, fbu->options.authorization, algorithm_of(vector), key_of(vector), term,
               vector.address("par-address"));
}

Result<void, AuthenticationError> check_acknowledgement(const Vector& vector) {
  const Bytes header = vector.hex("mobility-header");
  const auto fback = wire::FastBindingAcknowledgement::parse(header);
  invariant(fback.has_value());
  // What the node asked for decides the term; a bad vector's field tells what was used instead.
  const bool good = vector.number("mac-good") == 1;
  return check(header, fback->options.authorization, algorithm_of(vector), key_of(vector),
               good ? vector.address("care-of-term") : kNcoa, vector.address("par-address"));
}

template <typename Message>
Bytes emitted_again(const Vector& vector) {
  const Bytes header = vector.hex("mobility-header");
  auto message = Message::parse(header);
  if (!message) return {};
  message->options.authorization.reset();
  return authenticated(*message, algorithm_of(vector), key_of(vector),
                       vector.address("care-of-term"), vector.address("par-address"),
                       vector.address("pseudo-source"), vector.address("destination"));
}

bool is_update(const Vector& vector) { return vector.number("mh-type") == 8; }

// Messages of wire-mobility.txt that hold an authenticator and that a parser takes. One of them has
// no Home Address option: no key could be looked up for it.
std::vector<Vector> authenticated_vectors() {
  std::vector<Vector> chosen;
  for (Vector& vector : sendoff::test::load_vectors("wire-mobility.txt")) {
    if (!vector.has("mac-good") || !vector.has("mobility-header")) continue;
    if (!vector.has("handover-key") || vector.text("use") == "refuse") continue;
    if (is_update(vector) && !vector.has("home-address")) continue;
    chosen.push_back(std::move(vector));
  }
  return chosen;
}

TEST(Authenticator, AgreesWithIndependentVectorsOfEveryAlgorithm) {
  std::set<std::uint64_t> algorithms;
  std::size_t good = 0;
  std::size_t bad = 0;
  for (const Vector& vector : authenticated_vectors()) {
    const auto checked = is_update(vector) ? check_update(vector) : check_acknowledgement(vector);
    EXPECT_EQ(checked.has_value(), vector.number("mac-good") == 1) << vector.name;
    algorithms.insert(vector.number("algorithm-type"));
    (vector.number("mac-good") == 1 ? good : bad) += 1;
  }
  EXPECT_EQ(algorithms, (std::set<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_GT(good, 40u);
  EXPECT_GT(bad, 5u);
}

TEST(Authenticator, MapsEachAlgorithmCodeToItsMacAndSizes) {
  COVERS("HK-4.1-08");
  struct Row {
    std::uint8_t code;
    std::size_t key_size;
    std::size_t tag_size;
  };
  for (const Row& row : {Row{1, 20, 12}, Row{2, 32, 16}, Row{3, 48, 24}, Row{4, 16, 12}}) {
    const auto algorithm = crypto::algorithm_of(row.code);
    ASSERT_TRUE(algorithm);
    EXPECT_EQ(crypto::key_size(*algorithm), row.key_size);
    EXPECT_EQ(crypto::tag_size(*algorithm), row.tag_size);
    const Vector vector =
        sendoff::test::load_vector("wire-mobility.txt", "fbu-par-at" + std::to_string(row.code));
    ASSERT_EQ(vector.number("algorithm-type"), row.code);
    const Secret key = key_of(vector);
    ASSERT_EQ(key.size(), row.key_size);
    EXPECT_EQ(to_hex(crypto::mac(*algorithm, key, vector.hex("mac-input")).view()),
              vector.text("full-mac").substr(0, 2 * row.tag_size));
  }
  for (std::uint8_t code = 5; code < 16; ++code) EXPECT_FALSE(crypto::algorithm_of(code));
}

TEST(Authenticator, EmitsTheVectorsOctetForOctet) {
  std::size_t compared = 0;
  for (const Vector& vector : authenticated_vectors()) {
    if (vector.text("use") != "both" || vector.number("mac-good") != 1) continue;
    const Bytes emitted = is_update(vector)
                              ? emitted_again<wire::FastBindingUpdate>(vector)
                              : emitted_again<wire::FastBindingAcknowledgement>(vector);
    EXPECT_EQ(to_hex(emitted), vector.text("mobility-header")) << vector.name;
    ++compared;
  }
  EXPECT_GT(compared, 40u);
}

TEST(Authenticator, CoversEveryBitOfTheHeaderButTheChecksum) {
  for (Algorithm algorithm : crypto::kAlgorithms) {
    const Secret key = test::key_of(algorithm, 7);
    const test::Arrived fbu = test::signed_fbu(algorithm, key);
    const auto authorization = fbu.fbu.options.authorization;
    ASSERT_TRUE(check(fbu.header, authorization, algorithm, key, kNcoa, kPar));
    // Its length field, octet 1, decides where the header ends and gives another refusal.
    for (std::size_t i = 0; i < authorization->offset; ++i) {
      if (i == 1 || i == 4 || i == 5) continue;
      for (int bit = 0; bit < 8; ++bit) {
        Bytes changed = fbu.header;
        changed[i] = static_cast<std::uint8_t>(changed[i] ^ 1 << bit);
        EXPECT_EQ(check(changed, authorization, algorithm, key, kNcoa, kPar).error(),
                  AuthenticationError::kMac)
            << i << '/' << bit;
      }
    }
    Bytes changed = fbu.header;
    changed[4] ^= 0xff;
    changed[5] ^= 0xff;
    EXPECT_TRUE(check(changed, authorization, algorithm, key, kNcoa, kPar));
  }
}

TEST(Authenticator, CoversBothAddressesAndEveryBitOfItself) {
  for (Algorithm algorithm : crypto::kAlgorithms) {
    const Secret key = test::key_of(algorithm, 7);
    const test::Arrived fbu = test::signed_fbu(algorithm, key);
    const auto authorization = fbu.fbu.options.authorization;
    EXPECT_FALSE(check(fbu.header, authorization, algorithm, key, kPcoa, kPar));
    EXPECT_FALSE(check(fbu.header, authorization, algorithm, key, kNcoa, kPcoa));
    EXPECT_FALSE(check(fbu.header, authorization, algorithm, key, kPar, kNcoa));
    EXPECT_FALSE(
        check(fbu.header, authorization, algorithm, test::key_of(algorithm, 8), kNcoa, kPar));
    for (std::size_t i = 0; i < authorization->authenticator.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        Bytes tag = to_bytes(authorization->authenticator);
        tag[i] = static_cast<std::uint8_t>(tag[i] ^ 1 << bit);
        wire::AuthorizationData forged = *authorization;
        forged.authenticator = tag;
        EXPECT_EQ(check(fbu.header, forged, algorithm, key, kNcoa, kPar).error(),
                  AuthenticationError::kMac);
      }
    }
  }
}

TEST(Authenticator, TakesTheExactLengthOfItsAlgorithmOnly) {
  COVERS("HK-3.5-07");
  for (Algorithm algorithm : crypto::kAlgorithms) {
    const Secret key = test::key_of(algorithm, 7);
    const test::Arrived fbu = test::signed_fbu(algorithm, key);
    const auto authorization = *fbu.fbu.options.authorization;
    const std::size_t right = crypto::tag_size(algorithm);
    ASSERT_EQ(authorization.authenticator.size(), right);
    Bytes octets = to_bytes(authorization.authenticator);
    octets.resize(64);
    for (std::size_t size = 0; size <= octets.size(); ++size) {
      if (size == right) continue;
      // The header is cut or grown to end with the authenticator, so that only its length is wrong.
      Bytes header(fbu.header.begin(),
                   fbu.header.begin() + static_cast<std::ptrdiff_t>(authorization.offset));
      header.insert(header.end(), octets.begin(),
                    octets.begin() + static_cast<std::ptrdiff_t>(size));
      header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
      wire::AuthorizationData wrong = authorization;
      wrong.authenticator = ByteView(octets).first(size);
      EXPECT_EQ(check(header, wrong, algorithm, key, kNcoa, kPar).error(),
                AuthenticationError::kLength)
          << size;
    }
  }
}

TEST(Authenticator, TakesNoTagThatWasCutOrIsTheWholeMac) {
  COVERS("HK-3.5-07");
  const Vector vector = sendoff::test::load_vector("wire-mobility.txt", "fbu-par-at2");
  const Secret key = key_of(vector);
  const Bytes original = vector.hex("mobility-header");
  const Bytes whole = vector.hex("full-mac");
  ASSERT_EQ(whole.size(), 32u);
  const std::size_t offset = original.size() - 16;
  for (std::size_t size : {4u, 12u, 16u, 32u}) {
    Bytes header(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(offset));
    header.insert(header.end(), whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const wire::AuthorizationData authorization{
        .spi = 0, .authenticator = ByteView(header).subspan(offset), .offset = offset};
    EXPECT_EQ(check(header, authorization, Algorithm::kHmacSha256_128, key,
                    vector.address("care-of-term"), vector.address("par-address"))
                  .has_value(),
              size == 16)
        << size;
  }
}

TEST(Authenticator, SaysWhatIsWrongInTheOrderOfCost) {
  const Secret key = test::key_of(Algorithm::kHmacSha1_96, 7);
  const test::Arrived fbu = test::signed_fbu(Algorithm::kHmacSha1_96, key);
  const auto refusal = [&](std::optional<wire::AuthorizationData> authorization) {
    return check(fbu.header, authorization, Algorithm::kHmacSha1_96, key, kNcoa, kPar).error();
  };
  wire::AuthorizationData data = *fbu.fbu.options.authorization;
  EXPECT_EQ(refusal(std::nullopt), AuthenticationError::kMissing);
  for (int bit = 0; bit < 32; ++bit) {
    wire::AuthorizationData other = data;
    other.spi = 1u << bit;
    other.authenticator = {};
    EXPECT_EQ(refusal(other), AuthenticationError::kSpi);
  }
}

TEST(Authenticator, RefusesAnAuthenticatorThatDoesNotEndTheHeader) {
  const Secret key = test::key_of(Algorithm::kHmacSha1_96, 7);
  const test::Arrived fbu = test::signed_fbu(Algorithm::kHmacSha1_96, key);
  wire::AuthorizationData data = *fbu.fbu.options.authorization;
  Bytes longer = fbu.header;
  longer.resize(longer.size() + 8);  // behind the header's length: not looked at
  EXPECT_TRUE(check(longer, data, Algorithm::kHmacSha1_96, key, kNcoa, kPar));
  longer[1] = static_cast<std::uint8_t>(longer[1] + 1);
  EXPECT_EQ(check(longer, data, Algorithm::kHmacSha1_96, key, kNcoa, kPar).error(),
            AuthenticationError::kLength);
  for (std::size_t offset : {std::size_t{0}, std::size_t{4}, data.offset - 8, data.offset + 8,
                             SIZE_MAX - 8, SIZE_MAX - 11}) {
    wire::AuthorizationData elsewhere = data;
    elsewhere.offset = offset;
    EXPECT_EQ(check(fbu.header, elsewhere, Algorithm::kHmacSha1_96, key, kNcoa, kPar).error(),
              AuthenticationError::kLength)
        << offset;
  }
  for (std::size_t size = 0; size < fbu.header.size(); ++size)
    EXPECT_FALSE(
        check(ByteView(fbu.header).first(size), data, Algorithm::kHmacSha1_96, key, kNcoa, kPar));
}

TEST(Authenticator, ReplacesWhateverAuthorizationTheMessageHeld) {
  const Secret key = test::key_of(Algorithm::kAes128Cmac_96, 7);
  wire::FastBindingUpdate fbu = test::fast_binding_update();
  const Bytes clean = authenticated(fbu, Algorithm::kAes128Cmac_96, key, kNcoa, kPar, kPcoa, kPar);
  const Bytes junk(24, 0xaa);
  fbu.options.authorization = wire::AuthorizationData{.spi = 99, .authenticator = junk};
  EXPECT_EQ(authenticated(fbu, Algorithm::kAes128Cmac_96, key, kNcoa, kPar, kPcoa, kPar), clean);
  EXPECT_TRUE(wire::mobility_checksum_ok(kPcoa, kPar, clean));
  EXPECT_FALSE(wire::mobility_checksum_ok(kNcoa, kPar, clean));
}

TEST(Authenticator, ChoosesTheCareOfTerm) {
  const Ipv6Address source = Ipv6Address::literal("2001:db8:b:1::9");
  wire::FastBindingUpdate fbu = test::fast_binding_update();
  EXPECT_EQ(care_of_term(fbu, kPcoa, source), kNcoa);
  fbu.options.alternate_care_of.reset();
  EXPECT_EQ(care_of_term(fbu, kPcoa, source), source);
  fbu.lifetime_s = 0;
  EXPECT_EQ(care_of_term(fbu, kPcoa, source), kPcoa);
  fbu.options.alternate_care_of = kNcoa;
  EXPECT_EQ(care_of_term(fbu, kPcoa, source), kPcoa);
}

TEST(Fingerprint, TellsKeysApartAndShowsNoneOfTheirOctets) {
  std::set<std::string> seen;
  for (Algorithm algorithm : crypto::kAlgorithms)
    for (std::uint8_t first : Bytes{1, 2, 200}) {
      const Secret key = test::key_of(algorithm, first);
      const std::string shown = fingerprint(key);
      EXPECT_EQ(shown.size(), 16u);
      EXPECT_EQ(shown, fingerprint(key.duplicate()));
      EXPECT_FALSE(to_hex(key.expose()).contains(shown));
      EXPECT_TRUE(seen.insert(shown).second);
    }
}

}  // namespace
}  // namespace sendoff::keys
