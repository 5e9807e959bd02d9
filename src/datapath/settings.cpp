#include "datapath/settings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sendoff::datapath {

namespace {

constexpr std::array kNames{std::pair{Choice::kAuto, std::string_view("auto")},
                            std::pair{Choice::kBpf, std::string_view("bpf")},
                            std::pair{Choice::kTun, std::string_view("tun")},
                            std::pair{Choice::kNfqueue, std::string_view("nfqueue")},
                            std::pair{Choice::kNone, std::string_view("none")}};

}  // namespace

std::string_view name(Choice choice) {
  return std::ranges::find(kNames, choice, &decltype(kNames)::value_type::first)->second;
}

std::optional<Choice> choice_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &decltype(kNames)::value_type::second);
  if (found == kNames.end()) return std::nullopt;
  return found->first;
}

}  // namespace sendoff::datapath
