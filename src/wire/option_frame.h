// What every ND option has in common (RFC 4861 4.6): its first two octets and its length in units
// of 8 octets. For the codecs of wire/ only.
#pragma once

#include "wire/nd_options.h"

namespace sendoff::wire {

// A reader behind the type and length octets of `option`, which must be one option, whole, of this
// type. kTruncated, kType, kZeroLengthOption; kLength when octets follow the announced end.
[[nodiscard]] inline Parsed<Reader> open_option(ByteView option, OptionType type) {
  Reader in(option);
  const auto found = static_cast<OptionType>(in.u8());
  const std::size_t octets = std::size_t{in.u8()} * 8;
  if (!in.ok()) return fail(ParseError::kTruncated);
  if (found != type) return fail(ParseError::kType);
  if (octets == 0) return fail(ParseError::kZeroLengthOption);
  if (octets > option.size()) return fail(ParseError::kTruncated);
  if (octets < option.size()) return fail(ParseError::kLength);
  return in;
}

// As above for an option that has only one length.
[[nodiscard]] inline Parsed<Reader> open_option(ByteView option, OptionType type,
                                                std::size_t size) {
  auto in = open_option(option, type);
  if (in && option.size() != size) return fail(ParseError::kLength);
  return in;
}

// What `in` has left, without `pad_length` octets of padding; kPadLength when fewer than
// `at_least` octets are left then.
[[nodiscard]] inline Parsed<ByteView> without_padding(Reader in, std::size_t pad_length,
                                                      std::size_t at_least) {
  const std::size_t left = in.remaining();
  if (pad_length > left || left - pad_length < at_least) return fail(ParseError::kPadLength);
  return in.take(left - pad_length);
}

[[nodiscard]] inline std::size_t padded_to_8(std::size_t octets) { return (octets + 7) / 8 * 8; }

// `size` is that of the whole option; one that the length octet cannot hold is a broken invariant.
inline void emit_option_head(Writer& out, OptionType type, std::size_t size) {
  invariant(size % 8 == 0 && size / 8 <= 255);
  out.u8(static_cast<std::uint8_t>(type));
  out.u8(static_cast<std::uint8_t>(size / 8));
}

}  // namespace sendoff::wire
