// What is wrong with a configuration, said to a person: file, line, what it is and what to do.
#pragma once

#include <string>
#include <vector>

namespace sendoff::config {

struct Problem {
  std::string file;
  unsigned line = 0;  // 0: the file as a whole
  std::string what;

  // "/etc/sendoff/router.toml:12: [keys] lifetime ..."
  [[nodiscard]] std::string text() const;
};
using Problems = std::vector<Problem>;

// A number, time or switch that is in force: of the file, or where it says nothing the default.
struct Setting {
  std::string option;  // "[keys] lifetime"
  std::string value;   // as the file would say it
};
using Settings = std::vector<Setting>;

// Gathers the problems of one file, and what it comes to.
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  void error(unsigned line, std::string what) { add(errors_, line, std::move(what)); }
  void warning(unsigned line, std::string what) { add(warnings_, line, std::move(what)); }
  void setting(std::string option, std::string value) {
    settings_.push_back({std::move(option), std::move(value)});
  }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool clean() const { return errors_.empty(); }
  // In the order of lines.
  [[nodiscard]] Problems errors() const;
  [[nodiscard]] Problems warnings() const;
  // In the order in which they were asked for.
  [[nodiscard]] const Settings& settings() const { return settings_; }

 private:
  void add(Problems& to, unsigned line, std::string what) {
    to.push_back({file_, line, std::move(what)});
  }
  std::string file_;
  Problems errors_;
  Problems warnings_;
  Settings settings_;
};

}  // namespace sendoff::config
