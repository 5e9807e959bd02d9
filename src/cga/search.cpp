// The modifier search of RFC 3972 4 steps 2 and 3, on several threads.
#include <thread>
#include <vector>

#include "cga/cga.h"

namespace sendoff::cga {

namespace {

constexpr std::uint8_t kMaxSec = 2;  // RFC 4982 assigns no procedure to more
constexpr std::uint64_t kChunk = 4096;

// `start` + `distance` as 128-bit numbers; wraps.
Modifier advanced(const Modifier& start, std::uint64_t distance) {
  Reader reader(start);
  std::uint64_t high = reader.u64();
  const std::uint64_t before = reader.u64();
  const std::uint64_t low = before + distance;
  if (low < before) ++high;
  Modifier sum{};
  Writer writer(sum);
  writer.u64(high);
  writer.u64(low);
  return sum;
}

// What the threads of one search share. Chunks are given out in order, so that the search goes
// upwards as a whole and no thread needs to know how many there are.
class Search {
 public:
  Search(const Modifier& start, ByteView public_key, ByteView extensions,
         const SearchOptions& options)
      : start_(start), public_key_(public_key), extensions_(extensions), options_(options) {}

  // Returns when any thread has found one, or on cancel.
  void run(bool report) {
    while (!done()) {
      const std::uint64_t first = next_.fetch_add(kChunk, std::memory_order_relaxed);
      try_chunk(first);
      if (report && options_.progress) options_.progress(first + kChunk);
    }
  }
  [[nodiscard]] std::optional<Modifier> result() const {
    return found_.load() ? std::optional(modifier_) : std::nullopt;
  }

 private:
  [[nodiscard]] bool done() const {
    return found_.load(std::memory_order_relaxed) ||
           (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed));
  }
  void try_chunk(std::uint64_t first) {
    for (std::uint64_t i = first; i < first + kChunk; ++i) {
      const Modifier candidate = advanced(start_, i);
      if (!hash2_ok(candidate, public_key_, extensions_, options_.sec)) continue;
      if (!claimed_.exchange(true)) {
        modifier_ = candidate;
        found_.store(true);
      }
      return;
    }
  }

  const Modifier start_;
  const ByteView public_key_;
  const ByteView extensions_;
  const SearchOptions& options_;
  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<bool> claimed_ = false;
  std::atomic<bool> found_ = false;
  Modifier modifier_{};  // written once, before found_
};

}  // namespace

std::optional<Modifier> find_modifier(const Modifier& start, ByteView public_key,
                                      ByteView extensions, const SearchOptions& options) {
  if (options.sec > kMaxSec) return std::nullopt;
  if (options.sec == 0) return start;
  const unsigned wanted =
      options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  Search search(start, public_key, extensions, options);
  {
    std::vector<std::jthread> helpers;
    try {
      for (unsigned i = 1; i < wanted; ++i) helpers.emplace_back([&search] { search.run(false); });
    } catch (const std::exception&) {
      // Fewer threads than wanted search too.
    }
    search.run(true);
  }
  return search.result();
}

}  // namespace sendoff::cga
