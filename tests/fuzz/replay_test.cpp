// Every input in fuzz/corpus through its target, without libFuzzer: what a fuzzer once found worth
// keeping, and what once went wrong, under the sanitizers of the test build.
#include <gtest/gtest.h>
#include <sanitizer/common_interface_defs.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/target.h"
#include "support/paths.h"

namespace sendoff::fuzz {
namespace {

namespace fs = std::filesystem;

// A broken property ends the program. It must say then what it was doing.
std::string current;

void tell() { std::fprintf(stderr, "while replaying %s\n", current.c_str()); }
void tell_of_abort(int) { tell(); }

struct Target {
  const char* name;
  void (*run)(ByteView input);
};

constexpr Target kTargets[] = {
    {"wire", wire},     {"esp", esp},         {"cga", cga},           {"pki", pki},
    {"path", path},     {"inspect", inspect}, {"store", store},       {"control", control},
    {"config", config}, {"tunnel", tunnel},   {"receiver", receiver}, {"router", router},
    {"mobile", mobile},
};

fs::path corpora() { return test::source_directory() + "/fuzz/corpus"; }

class Replay : public testing::TestWithParam<Target> {};

TEST_P(Replay, EveryKeptInputHoldsTheProperties) {
  __sanitizer_set_death_callback(tell);
  std::signal(SIGABRT, tell_of_abort);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(corpora() / GetParam().name))
    files.push_back(entry.path());
  ASSERT_FALSE(files.empty());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    current = file;
    std::ifstream in(file, std::ios::binary);
    const Bytes octets(std::istreambuf_iterator<char>(in), {});
    GetParam().run(octets);
  }
  GetParam().run({});
}

INSTANTIATE_TEST_SUITE_P(Corpus, Replay, testing::ValuesIn(kTargets),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Corpora, AreOfTargetsThatAreReplayed) {
  std::set<std::string> names;
  for (const Target& target : kTargets) names.insert(target.name);
  std::uintmax_t octets = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(corpora())) {
    if (entry.is_directory())
      EXPECT_TRUE(names.contains(entry.path().filename())) << entry.path();
    else
      octets += entry.file_size();
  }
  EXPECT_LE(octets, 1'000'000U);
}

}  // namespace
}  // namespace sendoff::fuzz
