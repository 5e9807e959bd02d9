#include "esp/key.h"

#include "crypto/digest.h"
#include "esp/packet.h"

namespace sendoff::esp {

namespace {

ByteView without_line_end(ByteView text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text = text.first(text.size() - 1);
  return text;
}

bool is_digit(std::uint8_t character) {
  return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f') ||
         (character >= 'A' && character <= 'F');
}

// Each octet from the one before it by the same step of 0, 1 or -1: what people type. A random key
// is one of these with probability 3 * 2^-248.
bool plainly_not_random(ByteView key) {
  const auto steps_by = [key](std::uint8_t step) {
    return std::ranges::adjacent_find(key, [step](std::uint8_t a, std::uint8_t b) {
             return static_cast<std::uint8_t>(b - a) != step;
           }) == key.end();
  };
  return steps_by(0) || steps_by(1) || steps_by(0xff);
}

}  // namespace

Fingerprint fingerprint(const Secret& key) {
  const auto digest = crypto::sha256(key.expose());
  Fingerprint out{};
  std::ranges::copy(ByteView(digest).first(out.size()), out.begin());
  return out;
}

std::size_t key_octets(ByteView text) { return (without_line_end(text).size() + 1) / 2; }

Result<Key, KeyError> read_key(ByteView text) {
  const ByteView digits = without_line_end(text);
  if (!std::ranges::all_of(digits, is_digit)) return fail(KeyError::kNotHex);
  if (digits.size() != 2 * kKeySize) return fail(KeyError::kSize);
  Bytes octets;
  const bool decoded = from_hex(
      std::string_view(reinterpret_cast<const char*>(digits.data()), digits.size()), octets);
  invariant(decoded);
  auto key = std::make_shared<const Secret>(Secret::copy_of(octets));
  wipe(octets);
  if (plainly_not_random(key->expose())) return fail(KeyError::kNotRandom);
  return key;
}

Secret new_key_text(Random& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Secret key(kKeySize);
  if (!random.fill(key.expose_mutable())) return {};
  Secret text(2 * kKeySize + 1);
  Writer out(text.expose_mutable());
  for (const std::uint8_t octet : key.expose()) {
    out.u8(static_cast<std::uint8_t>(kDigits[octet >> 4]));
    out.u8(static_cast<std::uint8_t>(kDigits[octet & 15]));
  }
  out.u8('\n');
  return text;
}

}  // namespace sendoff::esp
