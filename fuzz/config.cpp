// Configuration files of both daemons, over key and certificate files that are right. Whatever the
// text is, loading ends with a configuration or with problems that name lines of it, and a second
// time with the same.
#include "config/config.h"

#include <map>

#include "config/document.h"
#include "files.h"
#include "memory.h"
#include "pki/certificate.h"
#include "target.h"

namespace sendoff::fuzz {

namespace {

// 2026-06-01, when the vectors' certificates are valid.
constexpr UtcTime kToday{seconds(1'780'272'000)};
constexpr std::size_t kMostText = 8192;

class MemoryFiles final : public config::Files {
 public:
  MemoryFiles() {
    for (const char* key : {"ar-2048", "mn-2048"})
      put(std::string(key).substr(0, 2) + ".pem", vector_file(std::string("keys/") + key + ".pem"),
          0600);
    std::string chain;
    for (const char* name : {"ca", "good-router"})
      chain += pki::to_pem(vector_file(std::string("pki/") + name + ".der"));
    put("chain.der", Bytes(chain.begin(), chain.end()), 0644);
    put("anchor.der", vector_file("pki/anchor.der"), 0644);
    const std::string digits = "00112233445566778899aabbccddeeffa0b1c2d3e4f5061728394a5b6c7d8e9f";
    put("esp.key", Bytes(digits.begin(), digits.end()), 0600);
  }
  void put(const std::string& name, Bytes octets, unsigned permissions) {
    files_["etc/" + name] = {std::move(octets), permissions};
  }
  [[nodiscard]] Result<config::File, config::FileError> read(
      const std::string& path) const override {
    const auto found = files_.find(path);
    if (found == files_.end()) return fail(config::FileError::kMissing);
    return config::File{Secret::copy_of(found->second.first), found->second.second};
  }

 private:
  std::map<std::string, std::pair<Bytes, unsigned>> files_;
};

class CountingRandom final : public Random {
 public:
  [[nodiscard]] bool fill(ByteSpan octets) override {
    for (std::uint8_t& octet : octets) octet = next_++;
    return true;
  }

 private:
  std::uint8_t next_ = 1;
};

std::string text_of(const config::Problems& problems) {
  std::string all;
  for (const config::Problem& problem : problems) all += problem.text() + '\n';
  return all;
}

template <typename Load>
void load(const std::string& name, std::string_view text, bool twice, const Load& loader) {
  static MemoryFiles files;
  files.put(name, Bytes(text.begin(), text.end()), 0644);
  const auto once = [&] {
    CountingRandom random;
    return loader("etc/" + name, config::Context{files, kToday, random});
  };
  const auto first = once();
  const auto lines = static_cast<unsigned>(std::ranges::count(text, '\n')) + 1;
  const auto inside = [&](const config::Problem& problem) { return problem.line <= lines; };
  const config::Problems& problems = first ? first->warnings : first.error();
  require(first || !problems.empty(), "a refusal names a problem");
  require(std::ranges::all_of(problems, inside), "a problem names a line of the file");
  if (!twice) return;
  const auto second = once();
  require(first.has_value() == second.has_value() &&
              text_of(problems) == text_of(second ? second->warnings : second.error()),
          "loading is a function of the file");
}

}  // namespace

void config(ByteView input) {
  if (input.empty() || input.size() > kMostText) return;
  const std::string text(input.begin() + 1, input.end());
  const bool twice = input[0] >= 0x80;
  switch (input[0] % 0x80 % 3) {
    case 0:
      return load("router.toml", text, twice, config::load_router);
    case 1:
      return load("mobile.toml", text, twice, config::load_mobile);
    default: {
      const Allocations before;
      (void)config::parse_document("file", text);
      require(before.octets() <= 4096 * (text.size() + 16),
              "a document takes memory as it is long");
    }
  }
}

}  // namespace sendoff::fuzz
