#include "lab/lab.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "lab/interrupt.h"
#include "net/clock.h"

namespace sendoff::lab {

namespace {

namespace fs = std::filesystem;

// The files of the lab: the user's directory, or one of its own that goes with it.
class Workplace {
 public:
  [[nodiscard]] static Attempt<Workplace> make(const std::string& wanted) {
    std::error_code error;
    if (!wanted.empty()) {
      fs::create_directories(wanted, error);
      if (error) return failed("make directory " + wanted + ": " + error.message());
      return Workplace(fs::absolute(wanted).string(), true);
    }
    std::string pattern = fs::temp_directory_path(error).string() + "/sendoff-lab-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) return failed_call("make directory " + pattern);
    return Workplace(pattern, false);
  }
  Workplace(Workplace&& other) noexcept
      : path_(std::exchange(other.path_, {})), keep_(other.keep_) {}
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  Workplace& operator=(Workplace&&) = delete;
  ~Workplace() {
    std::error_code ignored;
    if (!path_.empty() && !keep_) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Workplace(std::string path, bool keep) : path_(std::move(path)), keep_(keep) {}
  std::string path_;
  bool keep_;
};

Attempt<Run> run_once(Mode mode, unsigned number, const Settings& settings,
                      const Credentials& credentials, const std::string& directory,
                      const Progress& progress) {
  const std::string label = std::string(name(mode)) + "-" + std::to_string(number);
  const std::string own = directory + "/" + label;
  std::error_code error;
  fs::create_directories(own, error);
  if (error) return failed("make directory " + own + ": " + error.message());
  const std::string captures =
      (settings.pcap_directory.empty() ? own : settings.pcap_directory) + "/" + label;
  auto run = make_run(mode, number, settings, credentials, own, captures,
                      [&](const std::string& text) { progress(label + ": " + text); });
  // Whatever was waited for, it is not what ended the run.
  if (!run) return failed(label + ": " + (interrupted() ? "interrupted" : run.error().text));
  // Twenty runs of captures would fill a small machine.
  if (settings.directory.empty()) fs::remove_all(own, error);
  return run;
}

Attempt<> run_all(const Settings& settings, const Progress& progress, std::vector<Run>& runs) {
  const auto place = Workplace::make(settings.directory);
  if (!place) return fail(place.error());
  std::error_code error;
  if (!settings.pcap_directory.empty()) fs::create_directories(settings.pcap_directory, error);
  if (error) return failed("make directory " + settings.pcap_directory + ": " + error.message());
  progress("keys and certificates are made");
  const auto credentials = make_credentials(place->path(), net::read_clocks().utc);
  if (!credentials) return fail(credentials.error());
  for (unsigned number = 1; number <= settings.runs; ++number) {
    for (const Mode mode : settings.modes) {
      if (interrupted()) return failed("interrupted");
      auto run = run_once(mode, number, settings, *credentials, place->path(), progress);
      if (!run) return fail(run.error());
      runs.push_back(std::move(*run));
    }
  }
  return {};
}

}  // namespace

Results run_lab(const Settings& settings, const Progress& progress) {
  Results results;
  if (auto done = run_all(settings, progress, results.runs); !done)
    results.failure = done.error().text;
  return results;
}

}  // namespace sendoff::lab
