// Certificate files, what is told of one certificate, and the words for errors.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <set>

#include "pki/forge.h"

namespace sendoff::pki {
namespace {

using test::Chain;
using test::days;
using test::forge;

TEST(Certificates, FilesAreReadAsPemOrDer) {
  const Chain chain;
  const std::vector<Bytes> path = chain.path();
  EXPECT_EQ(decode_certificates(path[0]), (std::vector<Bytes>{path[0]}));
  const std::string text = "router and CA\n" + to_pem(path[0]) + "\n" + to_pem(path[1]);
  const ByteView octets(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  EXPECT_EQ(decode_certificates(octets), path);
  for (std::size_t cut : {std::size_t{30}, text.size() / 4, text.size() - 5})
    EXPECT_FALSE(decode_certificates(octets.first(cut)).has_value()) << cut;
  EXPECT_FALSE(decode_certificates({}).has_value());
  EXPECT_FALSE(decode_certificates(test::load_file("keys/ar-2048.pem")).has_value());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Certificates, AFileWithTheRouterFirstIsTurnedRound) {
  const Chain chain;
  const std::vector<Bytes> path = chain.path();
  EXPECT_EQ(path_order({path[1], path[0]}), path);
  EXPECT_EQ(path_order(path), path);
  EXPECT_EQ(path_order({path[1]}), (std::vector<Bytes>{path[1]}));
  EXPECT_TRUE(path_order({}).empty());
}

TEST(Certificates, InspectTellsWhatIsInOne) {
  Chain chain;
  chain.router.name = "tricky\n\x1b[2J";
  const auto router = inspect(forge(chain.router));
  ASSERT_TRUE(router.has_value());
  EXPECT_TRUE(router->send_router);
  EXPECT_FALSE(router->is_ca);
  EXPECT_TRUE(router->has_blocks);
  EXPECT_FALSE(router->inherits);
  EXPECT_EQ(router->issuer, "CN=ca");
  EXPECT_EQ(router->serial, "07");
  EXPECT_EQ(router->not_before, days(-100));
  for (char c : router->subject) EXPECT_GE(c, ' ');
  const auto ca = inspect(forge(chain.ca));
  ASSERT_TRUE(ca.has_value());
  EXPECT_TRUE(ca->is_ca);
  EXPECT_FALSE(ca->send_router);
  EXPECT_EQ(ca->subject_name, router->issuer_name);
}

TEST(Certificates, ABooleanThatIsNotDerIsMalformed) {
  const Chain chain;
  Bytes router = forge(chain.router);
  const Bytes critical = {0x01, 0x01, 0xff};
  const auto found =
      std::search(router.begin(), router.end(), critical.begin(), critical.end()) + 2;
  for (std::uint8_t value : {std::uint8_t{0}, std::uint8_t{1}}) {
    *found = value;
    EXPECT_FALSE(inspect(router).has_value()) << static_cast<int>(value);
  }
  *found = 0xff;
  EXPECT_TRUE(inspect(router).has_value());
}

TEST(PathError, EachHasAWordAndASentence) {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (int i = 0; i < static_cast<int>(PathError::kCount); ++i) {
    names.insert(name(static_cast<PathError>(i)));
    sentences.insert(explain(static_cast<PathError>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(PathError::kCount));
  EXPECT_EQ(sentences.size(), static_cast<std::size_t>(PathError::kCount));
}

}  // namespace
}  // namespace sendoff::pki
