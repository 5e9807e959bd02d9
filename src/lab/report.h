// The results as a page: one HTML file that needs nothing else, no script and no other file.
#pragma once

#include <string>

#include "lab/lab.h"

namespace sendoff::lab {

[[nodiscard]] std::string report_html(const Settings& settings, const Results& results);

}  // namespace sendoff::lab
