// The modifier search of RFC 3972 4 for an RSA-2048 key: tries by each kind of instruction that
// this processor has, and beside them in the same run, turn by turn, one hash at a time by OpenSSL,
// and a bound: as many additions of the same registers as a try needs operations at least, none
// waiting for another. "of_bound" is the bound's time over the search's, "of_openssl" OpenSSL's;
// all at the tenth percentile of all rounds (docs/performance.md).
#include <benchmark/benchmark.h>

#include <chrono>

#include "cga/hash2.h"
#include "cga/search_lanes.h"
#include "crypto/rsa.h"

namespace sendoff {
namespace {

using SteadyClock = std::chrono::steady_clock;
using cga::Instructions;
using cga::SearchLanes;

constexpr std::size_t kCalls = 64;    // of the search, in a turn
constexpr std::size_t kHashes = 256;  // by OpenSSL
constexpr double kRounds = 80 * 6;    // 328 octets and padding are six blocks
constexpr std::size_t kAdditions = 1 << 14;

// Eight chains of additions.
#define SENDOFF_ADDITIONS(registers)                                            \
  for (std::size_t i = 0; i < kAdditions / 8; ++i)                              \
  asm volatile("vpaddd %%" registers "0, %%" registers "0, %%" registers        \
               "0\n\t"                                                          \
               "vpaddd %%" registers "1, %%" registers "1, %%" registers        \
               "1\n\t"                                                          \
               "vpaddd %%" registers "2, %%" registers "2, %%" registers        \
               "2\n\t"                                                          \
               "vpaddd %%" registers "3, %%" registers "3, %%" registers        \
               "3\n\t"                                                          \
               "vpaddd %%" registers "4, %%" registers "4, %%" registers        \
               "4\n\t"                                                          \
               "vpaddd %%" registers "5, %%" registers "5, %%" registers        \
               "5\n\t"                                                          \
               "vpaddd %%" registers "6, %%" registers "6, %%" registers        \
               "6\n\t"                                                          \
               "vpaddd %%" registers "7, %%" registers "7, %%" registers "7" :: \
                   : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7")

// How many operations a try needs at least; runs kAdditions of them. 0: not said.
double operations(Instructions instructions) {
  // Of a round: three additions, the function, two rotations. With AVX-512 the last three are one
  // operation each; before it a rotation takes three, and the functions 3, 2, 4 and 2.
  constexpr double kSimple = 3 + (3 + 2 + 4 + 2) / 4.0 + 2 * 3;
  switch (instructions) {
    case Instructions::kAvx512:
      return kRounds * 6 / 16;
    case Instructions::kAvx2:
      return kRounds * kSimple / 8;
    default:
      return 0;
  }
}

void add(Instructions instructions) {
#if defined(__x86_64__)
  if (instructions == Instructions::kAvx512)
    SENDOFF_ADDITIONS("zmm");
  else if (instructions == Instructions::kAvx2)
    SENDOFF_ADDITIONS("ymm");
#endif
}

void search(benchmark::State& state) {
  const auto instructions = static_cast<Instructions>(state.range(0));
  if (std::ranges::find(cga::available_instructions(), instructions) ==
      cga::available_instructions().end()) {
    state.SkipWithError("not on this processor");
    return;
  }
  const auto key = *crypto::SigningKey::generate(2048);
  const SearchLanes lanes(key->spki(), {}, instructions);
  cga::Modifier modifier{};
  invariant(lanes.first_words(modifier)[1] ==
            Reader(cga::hash2(cga::advanced(modifier, 1), key->spki(), {})).u32());
  std::vector<SteadyClock::duration> tries, hashes, additions;
  for (auto _ : state) {
    const auto begin = SteadyClock::now();
    for (std::size_t i = 0; i < kCalls; ++i) {
      benchmark::DoNotOptimize(lanes.first_words(modifier));
      modifier = cga::advanced(modifier, SearchLanes::kLanes);
    }
    const auto searched = SteadyClock::now();
    for (std::size_t i = 0; i < kHashes; ++i)
      benchmark::DoNotOptimize(cga::hash2(cga::advanced(modifier, i), key->spki(), {}));
    const auto hashed = SteadyClock::now();
    add(instructions);
    additions.push_back(SteadyClock::now() - hashed);
    hashes.push_back(hashed - searched);
    tries.push_back(searched - begin);
    state.SetIterationTime(std::chrono::duration<double>(searched - begin).count());
  }
  const auto tenth = [](std::vector<SteadyClock::duration>& times) {
    const auto at = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 10);
    std::ranges::nth_element(times, at);
    return std::chrono::duration<double>(*at).count();
  };
  const double try_s = tenth(tries) / (kCalls * SearchLanes::kLanes);
  state.counters["million_tries_per_s"] = 1 / try_s / 1e6;
  state.counters["of_openssl"] = tenth(hashes) / kHashes / try_s;
  if (const double needed = operations(instructions); needed > 0)
    state.counters["of_bound"] = tenth(additions) / kAdditions * needed / try_s;
  state.SetLabel(std::string(name(instructions)));
}
BENCHMARK(search)
    ->ArgName("instructions")
    ->DenseRange(0, 3)
    ->UseManualTime()
    ->MinTime(1)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sendoff
