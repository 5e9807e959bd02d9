// Known answers: FIPS 180-4 examples ("abc"), as every implementation prints them.
#include "crypto/digest.h"

#include <gtest/gtest.h>

#include <thread>

#include "crypto/reference.h"

namespace sendoff::crypto {
namespace {

using test::as_octets;

TEST(Digest, GivesTheKnownAnswersOfAbc) {
  const ByteView abc = as_octets("abc");
  EXPECT_EQ(to_hex(sha1(abc)), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha224(abc)), "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  EXPECT_EQ(to_hex(sha256(abc)),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha384(abc)),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(sha512(abc)),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(to_hex(sha1(ByteView())), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(Digest, HashesPiecesAsTheirConcatenation) {
  const ByteView abc = as_octets("abc");
  EXPECT_EQ(sha1({abc.first(1), ByteView(), abc.subspan(1)}), sha1(abc));
  EXPECT_EQ(sha256({abc.first(2), abc.subspan(2)}), sha256(abc));
  EXPECT_NE(sha1({abc.first(2)}), sha1(abc));
}

TEST(Digest, KeepsNothingBetweenCallsOrThreads) {
  const Bytes text(1000, 'a');
  const Sha1Digest expected = sha1(text);
  (void)sha1(as_octets("something else"));
  EXPECT_EQ(sha1(text), expected);
  Sha1Digest other{};
  std::thread([&] { other = sha1(text); }).join();
  EXPECT_EQ(other, expected);
}

}  // namespace
}  // namespace sendoff::crypto
