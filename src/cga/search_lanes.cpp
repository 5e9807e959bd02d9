#include "cga/search_lanes.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace sendoff::cga {

namespace {

// The four words of each modifier.
using ModifierLanes = std::array<std::array<std::uint32_t, SearchLanes::kLanes>, 4>;
using Message = SearchLanes::Message;
using Schedule = SearchLanes::Schedule;

constexpr std::array<std::uint32_t, 5> kInitial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                                                   0xc3d2e1f0};
constexpr std::array<std::uint32_t, 4> kRound = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
constexpr std::size_t kBlock = 64;
constexpr std::size_t kFixedSize = 25;  // modifier, prefix and collision count

namespace generic {
constexpr std::size_t kRegister = 16;
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
constexpr std::size_t kRegister = 32;
#include "cga/sha1_lanes.inc"
}  // namespace avx2
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f")
namespace avx512 {
constexpr std::size_t kRegister = 64;
#include "cga/sha1_lanes.inc"
}  // namespace avx512
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("sha,sse4.1")
namespace sha_ni {
#include "cga/sha1_ni.inc"
}  // namespace sha_ni
#pragma GCC pop_options

// GCC 12's __builtin_cpu_supports() does not know it: CPUID 7.0, EBX bit 29.
bool has_sha_ni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __builtin_cpu_supports("sse4.1") != 0 &&
         __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 1 && (ebx >> 29 & 1) != 0;
}
#endif

using Kernel = void (*)(const Message&, const ModifierLanes&, SearchLanes::FirstWords&);

Kernel kernel_of(Instructions instructions) {
  switch (instructions) {
#ifdef SENDOFF_WIDE_LANES
    case Instructions::kAvx512:
      return avx512::first_words;
    case Instructions::kAvx2:
      return avx2::first_words;
    case Instructions::kShaNi:
      return sha_ni::first_words;
#endif
    default:
      return generic::first_words;
  }
}

bool has(Instructions instructions) {
  switch (instructions) {
#ifdef SENDOFF_WIDE_LANES
    case Instructions::kAvx512:
      return __builtin_cpu_supports("avx512f") != 0;
    case Instructions::kAvx2:
      return __builtin_cpu_supports("avx2") != 0;
    case Instructions::kShaNi:
      return has_sha_ni();
#endif
    default:
      return instructions == Instructions::kBase;
  }
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

// `start`, `start` + 1 and so on, as the words of the message.
ModifierLanes counted(const Number& start) {
  ModifierLanes words;
  for (std::size_t lane = 0; lane < SearchLanes::kLanes; ++lane) {
    const Number modifier = start.plus(lane);
    words[0][lane] = static_cast<std::uint32_t>(modifier.high >> 32);
    words[1][lane] = static_cast<std::uint32_t>(modifier.high);
    words[2][lane] = static_cast<std::uint32_t>(modifier.low >> 32);
    words[3][lane] = static_cast<std::uint32_t>(modifier.low);
  }
  return words;
}

}  // namespace

std::string_view name(Instructions instructions) {
  switch (instructions) {
    case Instructions::kBase:
      return "base";
    case Instructions::kShaNi:
      return "sha-ni";
    case Instructions::kAvx2:
      return "avx2";
    case Instructions::kAvx512:
      return "avx512";
  }
  return "unknown";
}

const std::vector<Instructions>& available_instructions() {
  static const std::vector<Instructions> available = [] {
    std::vector<Instructions> found;
    for (const Instructions each :
         {Instructions::kBase, Instructions::kShaNi, Instructions::kAvx2, Instructions::kAvx512})
      if (has(each)) found.push_back(each);
    return found;
  }();
  return available;
}

SearchLanes::SearchLanes(ByteView public_key, ByteView extensions)
    : SearchLanes(public_key, extensions, available_instructions().back()) {}

SearchLanes::SearchLanes(ByteView public_key, ByteView extensions, Instructions instructions)
    : instructions_(instructions) {
  invariant(has(instructions));
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
  FirstWords out;
  kernel_of(instructions_)(message_, counted(number_of(start)), out);
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
