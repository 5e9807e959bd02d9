#include "cga/search_lanes.h"

#include <bit>
#include <cstring>

namespace sendoff::cga {

namespace {

using Lanes [[gnu::vector_size(64)]] = std::uint32_t;
static_assert(sizeof(Lanes) == SearchLanes::kLanes * sizeof(std::uint32_t));
using ModifierLanes = std::array<Lanes, 4>;
using Message = SearchLanes::Message;
using Schedule = SearchLanes::Schedule;

constexpr std::array<std::uint32_t, 5> kInitial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                                                   0xc3d2e1f0};
constexpr std::array<std::uint32_t, 4> kRound = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
constexpr std::size_t kBlock = 64;
constexpr std::size_t kFixedSize = 25;  // modifier, prefix and collision count

namespace generic {
#include "cga/sha1_lanes.inc"
}  // namespace generic

// The same code once more for wider registers. Compiled by GCC's pragma, since functions that a
// target attribute is put on cannot share inlined helpers; chosen by what the processor says, not
// by an ifunc, which runs before the sanitizers are ready.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SENDOFF_WIDE_LANES
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#include "cga/sha1_lanes.inc"
}  // namespace avx2
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f")
namespace avx512 {
#include "cga/sha1_lanes.inc"
}  // namespace avx512
#pragma GCC pop_options
#endif

using Kernel = void (*)(const Message&, const ModifierLanes&, Lanes&);

Kernel kernel_of_processor() {
#ifdef SENDOFF_WIDE_LANES
  if (__builtin_cpu_supports("avx512f")) return avx512::first_words;
  if (__builtin_cpu_supports("avx2")) return avx2::first_words;
#endif
  return generic::first_words;
}

Schedule schedule_of(const std::array<std::uint32_t, 16>& words) {
  Schedule w{};
  std::ranges::copy(words, w.begin());
  for (std::size_t t = 16; t < w.size(); ++t)
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  for (std::size_t t = 0; t < w.size(); ++t) w[t] += kRound[t / 20];
  return w;
}

// A modifier as the 128-bit integer that the RFC increments.
struct Number {
  std::uint64_t high;
  std::uint64_t low;

  [[nodiscard]] Number plus(std::uint64_t steps) const {
    const std::uint64_t sum = low + steps;
    return {sum < low ? high + 1 : high, sum};
  }
};

Number number_of(const Modifier& modifier) {
  Reader reader(modifier);
  const std::uint64_t high = reader.u64();
  return {high, reader.u64()};
}

}  // namespace

SearchLanes::SearchLanes(ByteView public_key, ByteView extensions) {
  Bytes padded(kFixedSize);
  padded.insert(padded.end(), public_key.begin(), public_key.end());
  padded.insert(padded.end(), extensions.begin(), extensions.end());
  const std::uint64_t bits = std::uint64_t{8} * padded.size();
  padded.push_back(0x80);
  const std::size_t with_length = padded.size() + sizeof bits;
  const std::size_t total = (with_length + kBlock - 1) / kBlock * kBlock;
  padded.resize(total);
  Writer(ByteSpan(padded).last(sizeof bits)).u64(bits);

  Reader reader(padded);
  for (std::uint32_t& word : message_.first) word = reader.u32();
  while (reader.remaining() != 0) {
    std::array<std::uint32_t, 16> words{};
    for (std::uint32_t& word : words) word = reader.u32();
    message_.later.push_back(schedule_of(words));
  }
}

SearchLanes::FirstWords SearchLanes::first_words(const Modifier& start) const {
  static const Kernel kernel = kernel_of_processor();
  const Number first = number_of(start);
  ModifierLanes modifiers{};
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const Number modifier = first.plus(lane);
    modifiers[0][lane] = static_cast<std::uint32_t>(modifier.high >> 32);
    modifiers[1][lane] = static_cast<std::uint32_t>(modifier.high);
    modifiers[2][lane] = static_cast<std::uint32_t>(modifier.low >> 32);
    modifiers[3][lane] = static_cast<std::uint32_t>(modifier.low);
  }
  Lanes words{};
  kernel(message_, modifiers, words);
  FirstWords out{};
  static_assert(sizeof out == sizeof words);
  std::memcpy(out.data(), &words, sizeof words);
  return out;
}

Modifier advanced(const Modifier& start, std::uint64_t steps) {
  const Number number = number_of(start).plus(steps);
  Modifier sum{};
  Writer writer(sum);
  writer.u64(number.high);
  writer.u64(number.low);
  return sum;
}

}  // namespace sendoff::cga
