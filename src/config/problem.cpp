#include "config/problem.h"

#include <algorithm>

namespace sendoff::config {

namespace {

Problems by_line(Problems problems) {
  std::ranges::stable_sort(problems, {}, &Problem::line);
  return problems;
}

}  // namespace

std::string Problem::text() const {
  return line == 0 ? file + ": " + what : file + ":" + std::to_string(line) + ": " + what;
}

Problems Report::errors() const { return by_line(errors_); }
Problems Report::warnings() const { return by_line(warnings_); }

}  // namespace sendoff::config
