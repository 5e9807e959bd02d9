// `sendoff doctor`.
#include "net/doctor.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"
#include "base/text.h"
#include "datapath/backend.h"

namespace sendoff::app {

namespace {

std::string_view mark(const net::Finding& finding) {
  if (finding.available) return "yes";
  return finding.required ? "MISSING" : "no";
}

void print_table(const std::vector<net::Finding>& findings) {
  std::size_t width = 0;
  for (const net::Finding& finding : findings) width = std::max(width, finding.feature.size());
  for (const net::Finding& finding : findings) {
    std::printf("%-*s  %-7s  %s\n", static_cast<int>(width), finding.feature.c_str(),
                mark(finding).data(), finding.used_for.c_str());
    if (!finding.detail.empty())
      std::printf("%-*s           %s\n", static_cast<int>(width), "",
                  printable(finding.detail).c_str());
  }
}

int print_verdict(const std::vector<net::Finding>& findings) {
  std::string missing;
  std::string unused;
  for (const net::Finding& finding : findings) {
    if (finding.available) continue;
    std::string& list = finding.required ? missing : unused;
    list += "\n  " + finding.feature + ": " + printable(finding.detail);
  }
  if (!unused.empty()) std::printf("\nDone without:%s\n", unused.c_str());
  if (missing.empty()) {
    std::puts("\nVerdict: the daemons can run here; what says yes above will be used.");
    return kDone;
  }
  std::printf("\nVerdict: the daemons cannot run here. Needed and missing:%s\n", missing.c_str());
  return kNegative;
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("doctor", "Examine what this host can do, and what will be used");
  command->footer(
      "Changes nothing. Knows more as root. Exits with 1 when something needed is "
      "missing.\n"
      "Example: sudo sendoff doctor");
  command->callback([&exit_code] {
    std::vector<net::Finding> findings = net::examine_host();
    for (net::Finding& finding : datapath::examine()) findings.push_back(std::move(finding));
    print_table(findings);
    exit_code = print_verdict(findings);
  });
}

}  // namespace sendoff::app
