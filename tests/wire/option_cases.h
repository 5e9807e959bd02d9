// The errors that every ND option has in common.
#pragma once

#include "wire/codec.h"

namespace sendoff::test {

// `whole` is a good option: another type, length 0, every cut, octets behind its end.
template <typename T>
void expect_option_frame(const Bytes& whole) {
  ASSERT_TRUE(T::parse(whole));
  expect_truncated_at_every_length<T>(whole);
  Bytes other = whole;
  other[0] = 0xfd;
  EXPECT_EQ(error_of<T>(other), wire::ParseError::kType);
  other = whole;
  other[1] = 0;
  EXPECT_EQ(error_of<T>(other), wire::ParseError::kZeroLengthOption);
  other = whole;
  other.resize(whole.size() + 8);
  EXPECT_EQ(error_of<T>(other), wire::ParseError::kLength);
  other = whole;
  other[1] = static_cast<std::uint8_t>(other[1] + 1);
  EXPECT_EQ(error_of<T>(other), wire::ParseError::kTruncated);
}

// Octets that a test can tell apart.
inline Bytes counting(std::size_t size) {
  Bytes octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return octets;
}

}  // namespace sendoff::test
