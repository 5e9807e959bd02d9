#include "lab/report.h"
namespace sendoff::lab {
std::string report_html(const Settings&, const Results&) { return {}; }
}  // namespace sendoff::lab
