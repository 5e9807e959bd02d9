// A TOML document as a tree of ours, each node with its line. toml++ stands in document.cpp only:
// it costs seconds in every file that sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/problem.h"

namespace sendoff::config {

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { kTable, kArray, kText, kInteger, kReal, kFlag, kOther };
  Kind kind = Kind::kTable;
  unsigned line = 0;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  bool flag = false;
  std::vector<Node> items;     // kArray
  std::vector<Entry> entries;  // kTable, in the order of lines

  // Nothing when there is none, or this is no table.
  [[nodiscard]] const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  unsigned line = 0;
  Node value;
};

// "a text", "a table" …
[[nodiscard]] std::string_view name(Node::Kind kind);

// One problem at most: the parser stops at the first.
[[nodiscard]] Result<Node, Problem> parse_document(const std::string& file, std::string_view text);

}  // namespace sendoff::config
