#include "config/document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

namespace sendoff::config {

namespace {

unsigned line_of(const toml::source_region& source) {
  return static_cast<unsigned>(source.begin.line);
}

Node convert(const toml::node& from);

void convert_children(const toml::table& table, Node& node) {
  node.kind = Node::Kind::kTable;
  for (const auto& [key, value] : table)
    node.entries.push_back({std::string(key.str()), line_of(key.source()), convert(value)});
  std::ranges::sort(node.entries, {}, [](const Entry& entry) {
    return std::pair<unsigned, std::string_view>(entry.line, entry.key);
  });
}

Node convert(const toml::node& from) {
  Node node;
  node.line = line_of(from.source());
  node.kind = Node::Kind::kOther;
  if (const toml::table* table = from.as_table()) {
    convert_children(*table, node);
  } else if (const toml::array* array = from.as_array()) {
    node.kind = Node::Kind::kArray;
    for (const toml::node& item : *array) node.items.push_back(convert(item));
  } else if (const auto* text = from.as_string()) {
    node.kind = Node::Kind::kText;
    node.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = Node::Kind::kInteger;
    node.integer = integer->get();
  } else if (const auto* real = from.as_floating_point()) {
    node.kind = Node::Kind::kReal;
    node.real = real->get();
  } else if (const auto* flag = from.as_boolean()) {
    node.kind = Node::Kind::kFlag;
    node.flag = flag->get();
  }
  return node;
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

std::string_view name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kTable:
      return "a table";
    case Node::Kind::kArray:
      return "a list";
    case Node::Kind::kText:
      return "a text";
    case Node::Kind::kInteger:
      return "a whole number";
    case Node::Kind::kReal:
      return "a number with a fraction";
    case Node::Kind::kFlag:
      return "true or false";
    case Node::Kind::kOther:
      break;
  }
  return "a date or time";
}

Result<Node, Problem> parse_document(const std::string& file, std::string_view text) {
  // The library of the distribution is built with exceptions; none leaves this function.
  try {
    return convert(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    return fail(Problem{file, line_of(error.source()),
                        "not TOML: " + std::string(error.description()) +
                            "; texts stand in quotes, sections in [brackets]"});
  } catch (const std::exception& error) {
    return fail(Problem{file, 0, std::string("not readable as TOML: ") + error.what()});
  }
}

}  // namespace sendoff::config
