// Reads one table of a document: typed, with ranges, and with an account of what was asked for, so
// that an option nobody knows is an error. An absent optional table reads as one without options.
#pragma once

#include <concepts>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/document.h"
#include "config/problem.h"

namespace sendoff::config {

struct Text {
  std::string value;
  unsigned line = 0;
};

class Section {
 public:
  // `title` as it stands in messages: "[keys]"; empty for the document itself. Borrows all.
  Section(const Node* table, std::string title, Report& report);

  [[nodiscard]] bool present() const { return table_ != nullptr; }
  [[nodiscard]] unsigned line() const { return present() ? table_->line : 0; }
  // Of the option, or of the section where the option is not there.
  [[nodiscard]] unsigned line_of(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;
  // "[keys] lifetime"
  [[nodiscard]] std::string label(std::string_view key) const;

  // Each leaves `out` as it is when the option is absent or wrong; a wrong one is reported. What a
  // number, time or switch is then is a setting of the report.
  void flag(std::string_view key, bool& out);
  template <std::integral T>
  void number(std::string_view key, T& out, std::int64_t min, std::int64_t max) {
    if (const auto value = integer(key, min, max)) out = static_cast<T>(*value);
    report_->setting(label(key), std::to_string(out));
  }
  // A number of `unit`s, possibly with a fraction.
  void duration(std::string_view key, Duration& out, Duration unit, double min, double max);
  bool text(std::string_view key, std::string& out);
  // `parse` gives an optional; `wanted` says what stands there: "an address such as 2001:db8::1".
  template <typename T, typename Parse>
  bool parsed(std::string_view key, T& out, const Parse& parse, std::string_view wanted) {
    std::string value;
    if (!text(key, value)) return false;
    const auto result = parse(value);
    if (!result) {
      not_what_is_wanted(key, value, line_of(key), wanted);
      return false;
    }
    out = *result;
    return true;
  }
  // A list of texts; a single text is a list of one.
  [[nodiscard]] std::vector<Text> texts(std::string_view key);
  template <typename T, typename Parse>
  void parsed_list(std::string_view key, std::vector<T>& out, const Parse& parse,
                   std::string_view wanted) {
    if (!has(key)) return;
    std::vector<T> values;
    for (const Text& item : texts(key)) {
      if (const auto result = parse(item.value))
        values.push_back(*result);
      else
        not_what_is_wanted(key, item.value, item.line, wanted);
    }
    out = std::move(values);
  }

  // The value as it stands; nothing when absent. For options of several shapes.
  [[nodiscard]] const Node* raw(std::string_view key);
  [[nodiscard]] Section table(std::string_view key);
  // [[key]]
  [[nodiscard]] std::vector<Section> tables(std::string_view key);
  // [key], or [[key]] where there are several.
  [[nodiscard]] std::vector<Section> table_or_tables(std::string_view key);

  // Reports that the option is missing, unless it is there.
  bool require(std::string_view key, std::string_view what_to_do);
  void error(std::string_view key, std::string what);
  void warning(std::string_view key, std::string what);
  [[nodiscard]] Report& report() { return *report_; }

  // To be called last: reports what nobody asked for.
  void finish();

 private:
  [[nodiscard]] const Node* ask(std::string_view key);
  [[nodiscard]] const Node* ask(std::string_view key, Node::Kind kind);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key, std::int64_t min,
                                                    std::int64_t max);
  [[nodiscard]] std::optional<double> real(std::string_view key, double min, double max);
  void not_what_is_wanted(std::string_view key, const std::string& value, unsigned line,
                          std::string_view wanted);

  const Node* table_;
  std::string title_;
  Report* report_;
  std::vector<std::string> known_;
};

// The one of `known` that `word` may have been meant for, or an empty text.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace sendoff::config
