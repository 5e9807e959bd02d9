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

// Gathers the problems of one file.
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  void error(unsigned line, std::string what) { add(errors_, line, std::move(what)); }
  void warning(unsigned line, std::string what) { add(warnings_, line, std::move(what)); }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool clean() const { return errors_.empty(); }
  // In the order of lines.
  [[nodiscard]] Problems errors() const;
  [[nodiscard]] Problems warnings() const;

 private:
  void add(Problems& to, unsigned line, std::string what) {
    to.push_back({file_, line, std::move(what)});
  }
  std::string file_;
  Problems errors_;
  Problems warnings_;
};

}  // namespace sendoff::config
