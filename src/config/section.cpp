#include "config/section.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace sendoff::config {

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string plain(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best_distance) continue;
    best = &candidate;
    best_distance = distance;
  }
  return best ? *best : std::string();
}

Section::Section(const Node* table, std::string title, Report& report)
    : table_(table), title_(std::move(title)), report_(&report) {}

unsigned Section::line_of(std::string_view key) const {
  const Entry* entry = present() ? table_->find(key) : nullptr;
  return entry ? entry->line : line();
}

bool Section::has(std::string_view key) const { return present() && table_->find(key); }

std::string Section::label(std::string_view key) const {
  return title_.empty() ? std::string(key) : title_ + " " + std::string(key);
}

void Section::error(std::string_view key, std::string what) {
  report_->error(line_of(key), label(key) + " " + std::move(what));
}

void Section::warning(std::string_view key, std::string what) {
  report_->warning(line_of(key), label(key) + " " + std::move(what));
}

const Node* Section::ask(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  const Entry* entry = present() ? table_->find(key) : nullptr;
  return entry ? &entry->value : nullptr;
}

const Node* Section::ask(std::string_view key, Node::Kind kind) {
  const Node* node = ask(key);
  if (!node || node->kind == kind) return node;
  error(key, "is " + std::string(name(node->kind)) + "; it must be " + std::string(name(kind)));
  return nullptr;
}

const Node* Section::raw(std::string_view key) { return ask(key); }

void Section::flag(std::string_view key, bool& out) {
  if (const Node* node = ask(key, Node::Kind::kFlag)) out = node->flag;
  report_->setting(label(key), out ? "true" : "false");
}

std::optional<std::int64_t> Section::integer(std::string_view key, std::int64_t min,
                                             std::int64_t max) {
  const Node* node = ask(key, Node::Kind::kInteger);
  if (!node) return std::nullopt;
  if (node->integer >= min && node->integer <= max) return node->integer;
  error(key, "is " + std::to_string(node->integer) + "; it must be " + std::to_string(min) +
                 " to " + std::to_string(max));
  return std::nullopt;
}

void Section::duration(std::string_view key, Duration& out, Duration unit, double min, double max) {
  if (const auto value = real(key, min, max))
    out = Duration(std::llround(*value * static_cast<double>(unit.count())));
  report_->setting(label(key),
                   plain(static_cast<double>(out.count()) / static_cast<double>(unit.count())));
}

std::optional<double> Section::real(std::string_view key, double min, double max) {
  const Node* node = ask(key);
  if (!node) return std::nullopt;
  if (node->kind != Node::Kind::kInteger && node->kind != Node::Kind::kReal) {
    error(key, "is " + std::string(name(node->kind)) + "; it must be a number");
    return std::nullopt;
  }
  const double value =
      node->kind == Node::Kind::kReal ? node->real : static_cast<double>(node->integer);
  if (value >= min && value <= max) return value;
  error(key, "is " + plain(value) + "; it must be " + plain(min) + " to " + plain(max));
  return std::nullopt;
}

bool Section::text(std::string_view key, std::string& out) {
  const Node* node = ask(key, Node::Kind::kText);
  if (!node) return false;
  if (node->text.empty()) {
    error(key, "is empty; leave it out or give it a value");
    return false;
  }
  out = node->text;
  return true;
}

std::vector<Text> Section::texts(std::string_view key) {
  std::vector<Text> out;
  const Node* node = ask(key);
  if (!node) return out;
  if (node->kind == Node::Kind::kText) return {{node->text, node->line}};
  if (node->kind != Node::Kind::kArray) {
    error(key, "is " + std::string(name(node->kind)) + "; it must be a list of texts");
    return out;
  }
  for (const Node& item : node->items) {
    if (item.kind == Node::Kind::kText)
      out.push_back({item.text, item.line});
    else
      report_->error(item.line, label(key) + " holds " + std::string(name(item.kind)) +
                                    "; every item must be a text in quotes");
  }
  return out;
}

Section Section::table(std::string_view key) {
  return {ask(key, Node::Kind::kTable), "[" + std::string(key) + "]", *report_};
}

std::vector<Section> Section::tables(std::string_view key) {
  std::vector<Section> out;
  const Node* node = ask(key);
  if (!node) return out;
  const std::string title = "[[" + std::string(key) + "]]";
  if (node->kind != Node::Kind::kArray) {
    report_->error(node->line,
                   "[" + std::string(key) + "] can stand several times: write it " + title);
    return out;
  }
  for (const Node& item : node->items) {
    if (item.kind == Node::Kind::kTable)
      out.emplace_back(&item, title, *report_);
    else
      report_->error(item.line, title + " must be a section with options");
  }
  return out;
}

std::vector<Section> Section::table_or_tables(std::string_view key) {
  const Node* node = ask(key);
  if (!node || node->kind != Node::Kind::kTable) return tables(key);
  return {table(key)};
}

bool Section::require(std::string_view key, std::string_view what_to_do) {
  if (has(key)) return true;
  error(key, "is missing: " + std::string(what_to_do));
  return false;
}

void Section::not_what_is_wanted(std::string_view key, const std::string& value, unsigned line,
                                 std::string_view wanted) {
  report_->error(line, label(key) + " is \"" + value + "\"; it must be " + std::string(wanted));
}

void Section::finish() {
  if (!present()) return;
  for (const Entry& entry : table_->entries) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    const bool section = entry.value.kind == Node::Kind::kTable || title_.empty();
    const std::string guess = nearest(entry.key, known_);
    report_->error(entry.line,
                   (section && title_.empty() ? "[" + entry.key + "]" : label(entry.key)) +
                       " is not an option" +
                       (guess.empty() ? "; take it out" : "; did you mean " + guess + "?"));
  }
}

}  // namespace sendoff::config
