// Octets that no record was written as.
#include "store/record_codec.h"

#include <gtest/gtest.h>

namespace sendoff::store {
namespace {

const UtcTime kExpiry{seconds(100)};

machine::IssuedKey issued_with(std::optional<std::uint16_t> ceiling) {
  machine::IssuedKey key;
  key.cga = Ipv6Address::literal("2001:db8::1");
  key.key = Secret::copy_of(Bytes(20, 0x17));
  key.expires = kExpiry;
  key.sequence_ceiling = ceiling;
  return key;
}

std::optional<machine::Record> decoded(const Bytes& body) {
  const machine::Record record(issued_with({}));
  return decode(encode(machine::name_of(record)), kExpiry, body);
}

TEST(RecordCodec, RefusesACeilingBesideTheWordThatThereIsNone) {
  Bytes body = to_bytes(encode_body(machine::Record(issued_with(512))).expose());
  ASSERT_TRUE(decoded(body));
  ASSERT_EQ(body[0], 1);
  body[0] = 0;
  EXPECT_FALSE(decoded(body));
  body[1] = body[2] = 0;
  EXPECT_TRUE(decoded(body));
}

TEST(RecordCodec, RefusesAKeyOfAnotherSizeThanItsAlgorithm) {
  Bytes body = to_bytes(encode_body(machine::Record(issued_with({}))).expose());
  ASSERT_TRUE(decoded(body));
  body.push_back(0x17);
  EXPECT_FALSE(decoded(body));
  body.resize(body.size() - 2);
  EXPECT_FALSE(decoded(body));
}

}  // namespace
}  // namespace sendoff::store
