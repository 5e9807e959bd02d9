// Octets: how they are held, borrowed, read and written. All parsing in the project goes through
// `Reader`, all emission through `Writer`; nothing else does arithmetic on packet offsets.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sendoff {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using ByteSpan = std::span<std::uint8_t>;

// A broken invariant ends the program, in release builds too: going on could sign or forward
// something that nobody asked for.
inline void invariant(bool holds) {
  if (!holds) [[unlikely]]
    std::abort();
}

[[nodiscard]] inline bool equal(ByteView a, ByteView b) { return std::ranges::equal(a, b); }
[[nodiscard]] inline Bytes to_bytes(ByteView view) { return Bytes(view.begin(), view.end()); }

// Lower-case hexadecimal, no separators. Never call it with a secret: `Secret` has no way here.
[[nodiscard]] std::string to_hex(ByteView octets);
// The inverse; empty result and `ok == false` where a character or the length is not hexadecimal.
[[nodiscard]] bool from_hex(std::string_view text, Bytes& out);

// A cursor over borrowed octets in network byte order. Reading past the end makes the reader fail
// for good and yields zeros, so that a parser reads a fixed part in one go and asks `ok()` once.
class Reader {
 public:
  explicit Reader(ByteView octets) : octets_(octets) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t remaining() const { return octets_.size(); }

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u48() { return number(6); }
  std::uint64_t u64() { return number(8); }

  // The next `count` octets, borrowed; empty on failure.
  ByteView take(std::size_t count) {
    if (!ok_ || count > octets_.size()) {
      ok_ = false;
      octets_ = {};
      return {};
    }
    ByteView taken = octets_.first(count);
    octets_ = octets_.subspan(count);
    return taken;
  }
  ByteView rest() { return take(octets_.size()); }
  void skip(std::size_t count) { (void)take(count); }

  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> out{};
    ByteView taken = take(N);
    if (taken.size() == N) std::ranges::copy(taken, out.begin());
    return out;
  }

 private:
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    for (std::uint8_t octet : take(count)) value = value << 8 | octet;
    return value;
  }

  ByteView octets_;
  bool ok_ = true;
};

// A cursor that fills octets in network byte order. Writing past the end is a broken invariant:
// the caller sized the span by the `size()` of what is emitted.
class Writer {
 public:
  explicit Writer(ByteSpan octets) : octets_(octets) {}

  [[nodiscard]] std::size_t remaining() const { return octets_.size() - at_; }

  void u8(std::uint8_t value) { number(value, 1); }
  void u16(std::uint16_t value) { number(value, 2); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u48(std::uint64_t value) { number(value, 6); }
  void u64(std::uint64_t value) { number(value, 8); }
  // memcpy, since GCC 12 makes a loop over octets of std::ranges::copy between spans.
  void bytes(ByteView octets) {
    const ByteSpan claimed = claim(octets.size());
    if (!octets.empty()) std::memcpy(claimed.data(), octets.data(), octets.size());
  }
  void zeros(std::size_t count) { std::ranges::fill(claim(count), std::uint8_t{0}); }

 private:
  ByteSpan claim(std::size_t count) {
    invariant(count <= remaining());
    ByteSpan claimed = octets_.subspan(at_, count);
    at_ += count;
    return claimed;
  }
  void number(std::uint64_t value, std::size_t count) {
    ByteSpan claimed = claim(count);
    for (std::size_t i = count; i-- > 0; value >>= 8) claimed[i] = static_cast<std::uint8_t>(value);
  }

  ByteSpan octets_;
  std::size_t at_ = 0;
};

// Appends anything with `size()` and `emit(Writer&)` to a message under construction.
template <typename T>
void append(Bytes& message, const T& item) {
  const std::size_t before = message.size();
  message.resize(before + item.size());
  Writer writer(ByteSpan(message).subspan(before));
  item.emit(writer);
  invariant(writer.remaining() == 0);
}

}  // namespace sendoff
