// `sendoff decode`: a capture in words, with the verdict of each check.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/certificate_files.h"
#include "app/commands.h"
#include "app/key_files.h"
#include "inspect/inspector.h"
#include "inspect/report.h"

namespace sendoff::app {

namespace {

struct Options {
  std::string capture;
  std::string keys;
  std::vector<std::string> anchors;
  bool json = false;
  bool legacy = false;
};

// How many there were.
struct Tally {
  std::uint64_t frames = 0;
  std::uint64_t messages = 0;
  std::uint64_t malformed = 0;
  std::uint64_t bad = 0;
};

Attempt<inspect::Keys> read_keys(const std::string& path) {
  if (path.empty()) return inspect::Keys{};
  const auto contents = read_key_file(path);
  if (!contents) return fail(contents.error());
  auto keys = inspect::parse_keys(contents->expose());
  if (!keys) return failed(path + ", " + keys.error());
  return std::move(*keys);
}

// It is read twice, so a pipe will not do.
Attempt<> check_regular(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0)
    return failed("cannot read " + path + ": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return failed(path + " is no regular file; the capture is read twice");
  return {};
}

// visit(frame) for each; fails where the file cannot be read on.
template <typename Visitor>
Attempt<> each_frame(const std::string& path, Visitor&& visit) {
  auto file = inspect::CaptureFile::open(path);
  if (!file) return failed(file.error(), kRefused);
  for (;;) {
    const auto frame = file->next();
    if (!frame) return failed(frame.error(), kRefused);
    if (!*frame) return {};
    visit(**frame);
  }
}

void print(const inspect::Message& message, bool json, Tally& tally) {
  ++tally.messages;
  if (!message.problem.empty()) ++tally.malformed;
  for (const inspect::Check& check : message.checks)
    if (check.verdict == inspect::Verdict::kBad) ++tally.bad;
  const std::string text = json ? inspect::json_of(message) : inspect::text_of(message);
  std::puts(text.c_str());
}

Attempt<> decode(const Options& options) {
  if (auto regular = check_regular(options.capture); !regular) return regular;
  auto keys = read_keys(options.keys);
  if (!keys) return fail(keys.error());
  auto anchors = read_anchors(options.anchors);
  if (!anchors) return fail(anchors.error());
  const bool learns = !anchors->empty();
  inspect::Inspector inspector(std::move(*keys), std::move(*anchors),
                               {.accept_rfc3971_profile = options.legacy});
  // Where the file breaks off is told by the second reading, behind what can be read.
  if (learns)
    (void)each_frame(options.capture, [&](const inspect::Frame& frame) { inspector.learn(frame); });
  Tally tally;
  const auto read = each_frame(options.capture, [&](const inspect::Frame& frame) {
    ++tally.frames;
    if (const auto message = inspector.look(frame)) print(*message, options.json, tally);
  });
  if (read || tally.frames > 0)
    std::fprintf(stderr, "%llu frames, %llu messages, %llu of them malformed, %llu checks bad\n",
                 static_cast<unsigned long long>(tally.frames),
                 static_cast<unsigned long long>(tally.messages),
                 static_cast<unsigned long long>(tally.malformed),
                 static_cast<unsigned long long>(tally.bad));
  return read;
}

}  // namespace

void add_decode_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("decode", "Tell in words what a capture holds of SEND and handovers");
  command->add_option("CAPTURE", options->capture, "File of pcap or pcapng")->required();
  command->add_flag("--json", options->json, "A line of JSON for each message (docs/decode.md)");
  command->add_option("--keys", options->keys, "File of handover keys and ESP keys: see below");
  command
      ->add_option("--trust-anchor", options->anchors,
                   "Certificate file of a trust anchor; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--legacy", options->legacy,
                    "Accept certificates of the older RFC 3971 profile too");
  command->footer(
      "Every message of Neighbor Discovery, SEND, FMIPv6 and RFC 5269 is shown, also inside "
      "tunnels,\n"
      "with each check that a receiver makes: form, cga, signature, nonce, timestamp, "
      "certificate;\n"
      "mac of FBU and FBack; esp around HI and HAck. \"+\" is good, \"!\" is bad, \"?\" could not "
      "be\n"
      "made, and why. Certificates are those of the CPAs in the capture. Times are judged by the\n"
      "capture's clock.\n\n"
      "The file for --keys has a key a line; \"#\" begins a comment:\n"
      "  handover PCOA ALGORITHM HEX   a handover key of the node with this care-of address\n"
      "  esp SPI HEX                   the key of a security association (`sendoff esp-key`)\n\n"
      "Link types: Ethernet (with VLAN tags), raw IP, Linux cooked (SLL, SLL2). Fragments are not\n"
      "put together.\n"
      "Exit code 0: read to the end; 1: it is no capture, or breaks off; 2: usage, other files.\n\n"
      "Example:\n"
      "  sendoff decode handover.pcap --trust-anchor anchor.pem --keys keys.txt");
  command->callback([options, &exit_code] { exit_code = report("decode", decode(*options)); });
}

}  // namespace sendoff::app
