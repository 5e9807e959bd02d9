// The modifier search of RFC 3972 4 steps 2 and 3, on several threads.
#include <thread>
#include <vector>

#include "cga/cga.h"
#include "cga/search_lanes.h"

namespace sendoff::cga {

namespace {

constexpr std::uint64_t kChunk = 16384;  // some milliseconds at most

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
  // Once all threads have returned: every chunk that was given out was tried to its end.
  [[nodiscard]] std::uint64_t tried() const { return next_.load(); }
  [[nodiscard]] std::optional<Modifier> result() const {
    return found_.load() ? std::optional(modifier_) : std::nullopt;
  }

 private:
  [[nodiscard]] bool done() const {
    return found_.load(std::memory_order_relaxed) ||
           (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed));
  }
  void try_chunk(std::uint64_t first) {
    const unsigned spare_bits = 32U - 16U * options_.sec;
    for (std::uint64_t i = first; i < first + kChunk; i += SearchLanes::kLanes) {
      const Modifier base = advanced(start_, i);
      const SearchLanes::FirstWords words = lanes_.first_words(base);
      for (std::size_t lane = 0; lane < words.size(); ++lane)
        if (words[lane] >> spare_bits == 0 && settle(advanced(base, lane))) return;
    }
  }
  // By the same function that verifies: an address must not rest on the fast path alone.
  bool settle(const Modifier& candidate) {
    if (!hash2_ok(candidate, public_key_, extensions_, options_.sec)) return false;
    if (!claimed_.exchange(true)) {
      modifier_ = candidate;
      found_.store(true);
    }
    return true;
  }

  const Modifier start_;
  const ByteView public_key_;
  const ByteView extensions_;
  const SearchOptions& options_;
  const SearchLanes lanes_{public_key_, extensions_};
  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<bool> claimed_ = false;
  std::atomic<bool> found_ = false;
  Modifier modifier_{};  // written once, before found_
};

}  // namespace

std::optional<Modifier> find_modifier(const Modifier& start, ByteView public_key,
                                      ByteView extensions, const SearchOptions& options) {
  if (procedure_of(options.sec) == nullptr) return std::nullopt;
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
  if (options.tried != nullptr && !search.result()) *options.tried = search.tried();
  return search.result();
}

}  // namespace sendoff::cga
