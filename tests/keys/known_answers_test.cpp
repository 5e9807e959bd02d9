// The authenticator of RFC 5568 6.4.5 against answers that others computed: what it covers, what it
// does not, and which MAC it is.
#include <gtest/gtest.h>

#include "keys/authenticator.h"
#include "support/covers.h"
#include "support/vectors.h"
#include "wire/ipv6.h"

namespace sendoff::keys {
namespace {

using crypto::Algorithm;
using sendoff::test::load_vector;
using sendoff::test::Vector;

// One message of a vector file, as it comes in a packet.
struct Known {
  explicit Known(const std::string& name) : vector(load_vector("wire-mobility.txt", name)) {
    algorithm = *crypto::algorithm_of(static_cast<std::uint8_t>(vector.number("algorithm-type")));
    care_of = vector.address("care-of-term");
    par = vector.address("par-address");
  }
  [[nodiscard]] bool verifies(ByteView packet) const { return verifies(packet, care_of, par); }
  [[nodiscard]] bool verifies(ByteView packet, const Ipv6Address& care_of_term,
                              const Ipv6Address& par_term) const {
    const auto view = wire::PacketView::parse(packet);
    if (!view || view->upper_protocol != wire::kProtocolMobility) return false;
    const auto authorization = authorization_of(view->upper);
    const Secret key = Secret::copy_of(vector.hex("handover-key"));
    return check(view->upper, authorization, algorithm, key, care_of_term, par_term).has_value();
  }
  static std::optional<wire::AuthorizationData> authorization_of(ByteView header) {
    if (const auto fbu = wire::FastBindingUpdate::parse(header)) return fbu->options.authorization;
    if (const auto fback = wire::FastBindingAcknowledgement::parse(header))
      return fback->options.authorization;
    return std::nullopt;
  }
  Vector vector;
  Algorithm algorithm{};
  Ipv6Address care_of;
  Ipv6Address par;
};

TEST(KnownAnswers, CoverBothAddressesAndTheHeaderUpToTheAuthenticator) {
  COVERS("FH-6.4.5-06");
  for (const std::string algorithm : {"1", "2", "3", "4"}) {
    for (const std::string kind : {"fbu-par-at", "fbu-nar-at", "fbu-end-at", "fback-at",
                                   "fback-old-link-at", "fback-other-ncoa-at", "fback-end-at"}) {
      const Known known(kind + algorithm);
      const std::string& name = known.vector.name;
      const Bytes packet = known.vector.hex("packet");
      const Bytes header = known.vector.hex("mobility-header");
      ASSERT_TRUE(known.verifies(packet)) << name;
      const std::size_t tag_size = crypto::tag_size(known.algorithm);
      EXPECT_EQ(to_hex(ByteView(header).last(tag_size)),
                known.vector.text("full-mac").substr(0, 2 * tag_size))
          << name;
      // The input that the vector's maker used is the one that RFC 5568 describes.
      Bytes input = to_bytes(known.care_of.view());
      input.insert(input.end(), known.par.view().begin(), known.par.view().end());
      input.insert(input.end(), header.begin(), header.end() - static_cast<long>(tag_size));
      input[32 + 4] = input[32 + 5] = 0;
      EXPECT_EQ(to_hex(input), known.vector.text("mac-input")) << name;

      const std::size_t header_at = packet.size() - header.size();
      for (std::size_t at = 0; at < header.size(); ++at) {
        Bytes changed = packet;
        changed[header_at + at] = static_cast<std::uint8_t>(changed[header_at + at] ^ 1U);
        const bool checksum = at == 4 || at == 5;
        EXPECT_EQ(known.verifies(changed), checksum) << name << " octet " << at;
      }
      Ipv6Address::Octets octets = known.care_of.octets();
      octets[15] ^= 1;
      EXPECT_FALSE(known.verifies(packet, Ipv6Address(octets), known.par)) << name;
      octets = known.par.octets();
      octets[15] ^= 1;
      EXPECT_FALSE(known.verifies(packet, known.care_of, Ipv6Address(octets))) << name;
      Bytes forwarded = packet;
      --forwarded[7];  // the hop limit
      EXPECT_TRUE(known.verifies(forwarded)) << name;
    }
  }
}

TEST(KnownAnswers, AreOfHmacSha1UnlessTheKeySaysOtherwise) {
  COVERS("FH-6.4.5-07");
  // RFC 2202, case 1, cut to 96 bits; the algorithm type 1, and the one that 0 is read as.
  const Vector hmac = load_vector("mac.txt", "rfc2202-1");
  const Bytes key = hmac.hex("key");
  const std::string whole = hmac.text("full-mac");
  ASSERT_EQ(whole, "b617318655057264e28bc0b6fb378c8ef146be00");
  const Algorithm standard = *crypto::algorithm_of(0);
  EXPECT_EQ(standard, Algorithm::kHmacSha1_96);
  const auto mac = crypto::mac(standard, Secret::copy_of(key), hmac.hex("data"));
  EXPECT_EQ(to_hex(mac.view()), whole.substr(0, 24));

  // The same inside an FBU: the first 12 octets of an independent program's HMAC-SHA1.
  const Known known("fbu-par-at1");
  const Bytes header = known.vector.hex("mobility-header");
  const auto fbu = wire::FastBindingUpdate::parse(header);
  ASSERT_TRUE(fbu && fbu->options.authorization);
  EXPECT_EQ(to_hex(fbu->options.authorization->authenticator),
            known.vector.text("full-mac").substr(0, 24));
  EXPECT_EQ(known.vector.text("full-mac").size(), 40u);
  const auto made = [&](Algorithm algorithm, const Bytes& handover_key) {
    return authenticated(*fbu, algorithm, Secret::copy_of(handover_key), known.care_of, known.par,
                         known.vector.address("pseudo-source"),
                         known.vector.address("destination"));
  };
  EXPECT_EQ(made(standard, known.vector.hex("handover-key")), header);
  // Another type of the key is another MAC of another length.
  for (const Algorithm algorithm : crypto::kAlgorithms) {
    const Bytes other = made(algorithm, Bytes(crypto::key_size(algorithm), 0x0b));
    const auto read = wire::FastBindingUpdate::parse(other);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->options.authorization->authenticator.size(), crypto::tag_size(algorithm));
    for (const Algorithm checked : crypto::kAlgorithms)
      EXPECT_EQ(
          check(other, read->options.authorization, checked,
                Secret::copy_of(Bytes(crypto::key_size(checked), 0x0b)), known.care_of, known.par)
              .has_value(),
          checked == algorithm);
  }
}

}  // namespace
}  // namespace sendoff::keys
