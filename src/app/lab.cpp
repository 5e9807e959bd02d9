// `sendoff lab`.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "app/commands.h"
#include "lab/interrupt.h"
#include "lab/lab.h"
#include "lab/report.h"
#include "lab/results.h"

namespace sendoff::app {

namespace {

constexpr int kInterruptedByUser = 130;

struct Options {
  std::vector<std::string> modes{"predictive"};
  unsigned rate = 1000;
  unsigned gap_ms = 50;
  unsigned anticipation_ms = 200;
  unsigned dwell_ms = 1000;
  std::string json;
  std::string report;
  lab::Settings settings;
};

bool write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  if (path == "-") return std::fputs(text.c_str(), stdout) >= 0;
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) std::fprintf(stderr, "sendoff lab: cannot write %s\n", path.c_str());
  return bool(file);
}

// One line that is written over on a terminal, lines elsewhere.
class ProgressLine {
 public:
  void show(const std::string& text) {
    std::fprintf(stderr, terminal_ ? "\r\x1b[K%s" : "%s\n", text.c_str());
    std::fflush(stderr);
  }
  ~ProgressLine() {
    if (terminal_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) == 1;
};

int run(const Options& options) {
  lab::Settings settings = options.settings;
  settings.modes.clear();
  for (const std::string& mode : options.modes) settings.modes.push_back(*lab::parse_mode(mode));
  settings.rate_per_s = options.rate;
  settings.gap = milliseconds(options.gap_ms);
  settings.anticipation = milliseconds(options.anticipation_ms);
  settings.dwell = milliseconds(options.dwell_ms);
  lab::catch_interrupts();
  lab::Results results;
  {
    ProgressLine line;
    results = lab::run_lab(settings, [&](const std::string& text) { line.show(text); });
  }
  bool written = write_file(options.json, lab::results_json(settings, results));
  if (!results.runs.empty())
    written = write_file(options.report, lab::report_html(settings, results)) && written;
  if (!results.runs.empty() && options.json != "-")
    std::fputs(lab::results_words(settings, results).c_str(), stdout);
  if (!results.failure.empty()) {
    std::fprintf(stderr, "sendoff lab: %s\n", results.failure.c_str());
    return lab::interrupted() ? kInterruptedByUser : kNegative;
  }
  return written ? kDone : kWrong;
}

void add_options(CLI::App& command, Options& options) {
  command
      .add_option("--mode", options.modes,
                  "predictive, reactive, network, ping-pong, plain; several with commas")
      ->delimiter(',')
      ->check([](const std::string& text) {
        return lab::parse_mode(text) ? std::string() : "there is no mode " + text;
      });
  command.add_option("--rate", options.rate, "Datagrams a second")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
  command.add_option("--gap", options.gap_ms, "Milliseconds without a link")
      ->check(CLI::Range(0, 60'000))
      ->capture_default_str();
  command
      .add_option("--anticipation", options.anticipation_ms,
                  "Milliseconds from the order until the link goes in any case")
      ->check(CLI::Range(0, 60'000))
      ->capture_default_str();
  command
      .add_option("--dwell", options.dwell_ms,
                  "Milliseconds of traffic before a handover and after it")
      ->check(CLI::Range(100, 600'000))
      ->capture_default_str();
  command.add_option("--runs", options.settings.runs, "Runs of each mode")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--moves", options.settings.moves,
                  "Handovers in a run, there and back [1, in ping-pong 2]")
      ->check(CLI::Range(1, 1000));
  command.add_option("--seed", options.settings.seed, "Shifts each handover against the traffic")
      ->capture_default_str();
  command
      .add_option("--backend", options.settings.backend, "Data path: auto, bpf, tun, nfqueue, none")
      ->capture_default_str();
  command.add_flag("--tcp", options.settings.transfer, "Add a TCP transfer of 50 Mbit/s");
  command.add_flag("--clear", options.settings.clear, "HI and HAck in clear, not inside ESP");
  command.add_flag("--guard", options.settings.guard,
                   "The kernels' own Neighbor Discovery under guard, too");
  command.add_option("--json", options.json, "File for the results; - is standard output");
  command.add_option("--report", options.report, "File for a page that shows them");
  command.add_option("--pcap", options.settings.pcap_directory,
                     "Directory that keeps the captures");
  command.add_option("--directory", options.settings.directory,
                     "Directory that keeps configurations and logs");
}

}  // namespace

void add_lab_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("lab", "Measure handovers in a network of this machine's own");
  command->footer(
      "Builds a network of namespaces with a correspondent, two access routers and a mobile node,\n"
      "runs the daemons in it with keys and certificates made for the purpose, moves the node "
      "while\n"
      "traffic flows, and judges by captures what was lost. Nothing of it stays. Runs as root, or "
      "in\n"
      "`unshare -Urnm`.\n"
      "Example: sudo sendoff lab --mode predictive,plain --runs 10 --report lab.html");
  const auto options = std::make_shared<Options>();
  add_options(*command, *options);
  command->callback([=, &exit_code] { exit_code = run(*options); });
}

}  // namespace sendoff::app
