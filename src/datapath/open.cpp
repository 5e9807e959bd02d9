#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "datapath/backend.h"
#include "datapath/bpf_path.h"
#include "datapath/user_path.h"

namespace sendoff::datapath {

namespace {

using Opener = net::Attempt<std::unique_ptr<Backend>> (*)(net::EventLoop&, const Config&);
struct Known {
  Choice choice;
  Opener open;
  std::string_view meaning;  // for `sendoff doctor`
};
// The fastest first.
constexpr std::array kBackends{
    Known{Choice::kBpf, BpfPath::open, "users' packets stay in the kernel"},
    Known{Choice::kTun, UserPath::open_tun, "users' packets pass through the daemon"},
    Known{Choice::kNfqueue, UserPath::open_nfqueue,
          "users' packets pass through the daemon, by a netfilter queue"}};

}  // namespace

net::Attempt<std::unique_ptr<Backend>> open(net::EventLoop& loop, const Config& config) {
  net::SystemError missing;
  for (const Known& known : kBackends) {
    if (config.backend != Choice::kAuto && config.backend != known.choice) continue;
    auto opened = known.open(loop, config);
    if (opened) return opened;
    if (!missing.what.empty()) missing.what += "; ";
    missing.what += std::string(name(known.choice)) + ": " + opened.error().text();
  }
  missing.what = "no data path opens (" + missing.what +
                 "); [datapath] backend = \"none\" leaves traffic to others";
  return fail(missing);
}

namespace {

// A line for each backend: empty when it opens, else why not.
void try_all(int out) {
  std::string directory = "/tmp/sendoff-doctor-XXXXXX";
  const bool made = mkdtemp(directory.data()) != nullptr;
  // Nothing of the host's is touched where a namespace of our own can be had.
  const bool alone = unshare(CLONE_NEWNET) == 0;
  std::string lines;
  for (const Known& known : kBackends) {
    Config config;
    config.runtime_directory = directory;
    net::EventLoop loop;
    std::string line = "Operation not permitted: needs root";
    if (made && alone) {
      const auto opened = known.open(loop, config);
      line = opened ? std::string() : opened.error().text();
    }
    lines += line + "\n";
  }
  (void)!write(out, lines.data(), lines.size());
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

// In a child: a namespace cannot be left again.
std::string tried() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) return {};
  const net::FileDescriptor from(ends[0]);
  net::FileDescriptor to(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    try_all(to.get());
    _exit(0);
  }
  to.reset();
  std::string text;
  std::array<char, 512> chunk{};
  for (ssize_t size = 0; child > 0 && (size = read(from.get(), chunk.data(), chunk.size())) > 0;)
    text.append(chunk.data(), static_cast<std::size_t>(size));
  if (child > 0) (void)waitpid(child, nullptr, 0);
  return text;
}

}  // namespace

std::vector<net::Finding> examine() {
  std::vector<net::Finding> findings;
  std::istringstream lines(tried());
  std::string_view taken;
  for (const Known& known : kBackends) {
    std::string line;
    const bool told = static_cast<bool>(std::getline(lines, line));
    const bool opens = told && line.empty();
    net::Finding finding{"data path " + std::string(name(known.choice)), opens, false,
                         told ? line : "could not be tried", std::string(known.meaning)};
    if (opens)
      finding.detail = taken.empty() ? "opens: what backend = \"auto\" takes here"
                                     : "opens, but " + std::string(taken) + " is faster";
    if (opens && taken.empty()) taken = name(known.choice);
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace sendoff::datapath
