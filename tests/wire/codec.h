// What the tests of wire/ share: octets as text, emission over a dirty buffer, truncation.
#pragma once

#include <gtest/gtest.h>

#include <list>

#include "base/bytes.h"
#include "wire/error.h"

namespace sendoff::wire {

// For messages of GoogleTest.
inline void PrintTo(ParseError error, std::ostream* out) { *out << name(error); }

}  // namespace sendoff::wire

namespace sendoff::test {

// Hexadecimal octets; blanks between them are for the reader.
inline Bytes octets(std::string_view text) {
  std::string digits;
  for (char c : text)
    if (c != ' ') digits.push_back(c);
  Bytes out;
  invariant(from_hex(digits, out));
  return out;
}

// A view of octets that stay: what a parser gives back borrows from them.
inline ByteView kept(Bytes octets) {
  static std::list<Bytes> all;
  return all.emplace_back(std::move(octets));
}

// Emission must write every octet of its size, reserved and padding octets too: the buffer is not
// zero before.
template <typename T>
Bytes emitted(const T& item) {
  Bytes out(item.size(), 0xaa);
  Writer writer(out);
  item.emit(writer);
  EXPECT_EQ(writer.remaining(), 0U);
  return out;
}

template <typename T>
std::string emitted_hex(const T& item) {
  return to_hex(emitted(item));
}

inline std::string hex_of(ByteView view) { return to_hex(view); }

// The octets without blanks, to compare with emitted_hex.
inline std::string plain(std::string_view text) { return to_hex(octets(text)); }

// Every octet sequence that is shorter must be refused as cut. `copy` has exactly the octets of
// the prefix, so that AddressSanitizer sees a read behind it.
template <typename T, typename Parse>
void expect_truncated_at_every_length(ByteView whole, Parse parse) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes copy = to_bytes(whole.first(size));
    const wire::Parsed<T> parsed = parse(copy);
    ASSERT_FALSE(parsed) << "of " << size << " octets";
    EXPECT_EQ(parsed.error(), wire::ParseError::kTruncated) << "of " << size << " octets";
  }
}

template <typename T>
void expect_truncated_at_every_length(ByteView whole) {
  expect_truncated_at_every_length<T>(whole, [](ByteView octets) { return T::parse(octets); });
}

// The error of octets that must not parse; kCount when they do.
template <typename T>
wire::ParseError error_of(ByteView octets) {
  const Bytes copy = to_bytes(octets);
  const wire::Parsed<T> parsed = T::parse(copy);
  return parsed ? wire::ParseError::kCount : parsed.error();
}

}  // namespace sendoff::test
