#include "app/cga_search.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "app/cga_file.h"
#include "crypto/random.h"
#include "net/clock.h"

namespace sendoff::app {

namespace {

// Set by Ctrl-C and SIGTERM; the search looks at it.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// Catches both as long as it lives.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted = false;
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = true; };
    sigaction(SIGINT, &action, &interrupt_before_);
    sigaction(SIGTERM, &action, &terminate_before_);
  }
  ~InterruptGuard() {
    sigaction(SIGINT, &interrupt_before_, nullptr);
    sigaction(SIGTERM, &terminate_before_, nullptr);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction interrupt_before_{};
  struct sigaction terminate_before_{};
};

std::string duration_text(double seconds) {
  std::array<char, 32> text{};
  const char* const unit = seconds < 120 ? "s" : seconds < 7200 ? "min" : "h";
  const double value = seconds < 120 ? seconds : seconds < 7200 ? seconds / 60 : seconds / 3600;
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f %s" : "%.0f %s", value, unit);
  return text.data();
}

// One line on a terminal that tells how far the search is. A search has no memory: whatever was
// tried, the mean of what is still to try stays the same.
class Progress {
 public:
  Progress(unsigned sec, std::uint64_t before)
      : expected_(static_cast<double>(std::uint64_t{1} << 16 * sec)),
        before_(before),
        started_(net::read_clocks().boot),
        shown_(started_) {}
  ~Progress() {
    if (printed_) std::fprintf(stderr, "\n");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void operator()(std::uint64_t tried) {
    const Instant now = net::read_clocks().boot;
    if (now - shown_ < milliseconds(200)) return;
    shown_ = now;
    printed_ = true;
    const double elapsed_s = std::chrono::duration<double>(now - started_).count();
    const double rate = static_cast<double>(tried) / elapsed_s;
    const double all = static_cast<double>(before_) + static_cast<double>(tried);
    std::fprintf(
        stderr,
        "\rsearching: %.1f million tried (%.0f %% of searches end before), %.1f million/s; "
        "on average %s more  ",
        all / 1e6, 100 * (1 - std::exp(-all / expected_)), rate / 1e6,
        duration_text(expected_ / rate).c_str());
  }

 private:
  double expected_;
  std::uint64_t before_;
  Instant started_;
  Instant shown_;
  bool printed_ = false;
};

// How far a search came.
struct Reached {
  cga::Modifier next{};  // the first that was not tried
  std::uint64_t tried = 0;
};

const Fields kResumeFields = {{"sec", ""}, {"key-hash", ""}, {"next", ""}, {"tried", ""}};

std::string resume_text(const SearchRequest& request, ByteView public_key, const Reached& reached) {
  return "# A modifier search that was interrupted; `sendoff cga search --resume` goes on with "
         "it.\n"
         "sec = " +
         std::to_string(request.sec) + "\nkey-hash = \"" + to_hex(crypto::key_hash(public_key)) +
         "\"\nnext = \"" + to_hex(reached.next) + "\"\ntried = " + std::to_string(reached.tried) +
         "\n";
}

Attempt<Reached> parse_resume(std::string_view text, const SearchRequest& request,
                              ByteView public_key) {
  const std::string& path = request.resume;
  std::size_t line = 0;
  const auto fields = read_fields(text, kResumeFields, line);
  if (!fields)
    return failed(path + ":" + std::to_string(line) + ": not a line of an interrupted search");
  if (fields->at("sec") != std::to_string(request.sec) ||
      fields->at("key-hash") != to_hex(crypto::key_hash(public_key)))
    return failed(path + " is of a search for another key or Sec");
  Reached reached;
  Bytes next;
  if (!from_hex(fields->at("next"), next) || next.size() != reached.next.size())
    return failed(path + ": next is missing or wrong; 32 hexadecimal digits are wanted");
  std::ranges::copy(next, reached.next.begin());
  const std::string& tried = fields->at("tried");
  const auto read = std::from_chars(tried.data(), tried.data() + tried.size(), reached.tried);
  if (tried.empty() || read.ec != std::errc() || read.ptr != tried.data() + tried.size())
    return failed(path + ": tried is missing or wrong; a number is wanted");
  return reached;
}

// Where to begin: where the file says, or at a random modifier (RFC 3972 4 step 1).
Attempt<Reached> begin_at(const SearchRequest& request, ByteView public_key) {
  struct stat status{};
  if (!request.resume.empty() && stat(request.resume.c_str(), &status) == 0) {
    const auto contents = read_file(request.resume);
    if (!contents) return fail(contents.error());
    const ByteView octets = contents->expose();
    return parse_resume({reinterpret_cast<const char*>(octets.data()), octets.size()}, request,
                        public_key);
  }
  Reached reached;
  crypto::SystemRandom random;
  if (!random.fill(reached.next)) return failed("the system's random source does not answer");
  return reached;
}

Attempt<> keep(const SearchRequest& request, ByteView public_key, const Reached& reached) {
  const std::string text = resume_text(request, public_key, reached);
  auto file = NewFile::stage(
      request.resume, ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
      kPublicMode, true);
  if (!file) return fail(file.error());
  return file->commit();
}

struct SearchOptions {
  std::string key;
  unsigned sec = 1;
  unsigned threads = 0;
  std::string resume;
};

Attempt<> search(const SearchOptions& options) {
  const auto key = read_cga_key(options.key);
  if (!key) return fail(key.error());
  const auto found = search_modifier(
      {static_cast<std::uint8_t>(options.sec), options.threads, options.resume}, (*key)->spki());
  if (!found) return fail(found.error());
  std::printf("%s\n", to_hex(*found).c_str());
  return {};
}

}  // namespace

Attempt<std::shared_ptr<const crypto::SigningKey>> read_cga_key(const std::string& path) {
  const auto pem = read_key_file(path);
  if (!pem) return fail(pem.error());
  auto key = crypto::SigningKey::from_pem(pem->expose());
  if (!key)
    return failed(path + " cannot be used: " + std::string(name(key.error())) +
                  "; an RSA key of 1024 to 3072 bits in unencrypted PEM is wanted (`sendoff cga "
                  "key`)");
  return std::move(*key);
}

Attempt<cga::Modifier> search_modifier(const SearchRequest& request, ByteView public_key) {
  auto reached = begin_at(request, public_key);
  if (!reached) return fail(reached.error());
  const InterruptGuard guard;
  std::uint64_t tried = 0;
  cga::SearchOptions how;
  how.sec = request.sec;
  how.threads = request.threads;
  how.cancel = &interrupted;
  how.tried = &tried;
  Progress progress(request.sec, reached->tried);
  if (isatty(STDERR_FILENO) == 1)
    how.progress = [&progress](std::uint64_t count) { progress(count); };
  const auto found = cga::find_modifier(reached->next, public_key, {}, how);
  if (found) {
    if (!request.resume.empty()) (void)unlink(request.resume.c_str());
    return *found;
  }
  if (request.resume.empty()) return failed("interrupted; nothing was written", kInterrupted);
  reached->next = cga::advanced(reached->next, tried);
  reached->tried += tried;
  if (auto kept = keep(request, public_key, *reached); !kept) return fail(kept.error());
  return failed("interrupted after " + std::to_string(reached->tried) +
                    " tries; the same command goes on from " + request.resume,
                kInterrupted);
}

void add_cga_search(CLI::App& cga, int& exit_code) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* command = cga.add_subcommand(
      "search", "Search the modifier of a key for a Sec, which serves every prefix");
  command->add_option("--key", options->key, "Private key file (`sendoff cga key`)")->required();
  command->add_option("--sec", options->sec, "Security parameter 0 to 2")
      ->check(CLI::Range(0, 2))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "How many; 0: as many as there are cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option(
      "--resume", options->resume,
      "File that keeps how far an interrupted search came, and that the next one goes\n"
      "on from; removed at the end");
  command->footer(
      "Prints the modifier, for `sendoff cga generate --modifier`. On average it takes 65536 tries "
      "for\n"
      "Sec 1, a moment, and 65536 times as many for Sec 2: a minute at 70 million tries a second.\n"
      "Progress is shown on a terminal. Ctrl-C or SIGTERM stops it.\n\n"
      "Example:\n"
      "  sendoff cga search --key router.key --sec 2 --resume router.search");
  command->callback([options, &exit_code] { exit_code = report("cga search", search(*options)); });
}

}  // namespace sendoff::app
