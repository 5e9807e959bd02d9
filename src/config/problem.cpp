#include "config/problem.h"

#include <algorithm>
#include <utility>

namespace sendoff::config {

namespace {

// Those of one line stay in the order in which they were found.
Problems by_line(const Problems& problems) {
  std::vector<const Problem*> order;
  for (const Problem& problem : problems) order.push_back(&problem);
  std::ranges::sort(order, {}, [](const Problem* each) { return std::pair(each->line, each); });
  Problems sorted;
  for (const Problem* each : order) sorted.push_back(*each);
  return sorted;
}

}  // namespace

std::string Problem::text() const {
  return line == 0 ? file + ": " + what : file + ":" + std::to_string(line) + ": " + what;
}

Problems Report::errors() const { return by_line(errors_); }
Problems Report::warnings() const { return by_line(warnings_); }

}  // namespace sendoff::config
