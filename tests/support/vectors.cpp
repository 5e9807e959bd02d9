#include "support/vectors.h"
#include "support/paths.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace sendoff::test {

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "test vectors: %s\n", why.c_str());
  std::abort();
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

const std::string& Vector::text(const std::string& key) const {
  const auto found = fields.find(key);
  if (found == fields.end()) give_up("section " + name + " has no field " + key);
  return found->second;
}

Bytes Vector::hex(const std::string& key) const {
  Bytes octets;
  if (!from_hex(text(key), octets)) give_up("section " + name + ": " + key + " is not hexadecimal");
  return octets;
}

std::uint64_t Vector::number(const std::string& key) const {
  const std::string& digits = text(key);
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(digits.c_str(), &end, 0);
  if (digits.empty() || *end != '\0') give_up("section " + name + ": " + key + " is not a number");
  return value;
}

Ipv6Address Vector::address(const std::string& key) const {
  const auto address = Ipv6Address::parse(text(key));
  if (!address) give_up("section " + name + ": " + key + " is not an IPv6 address");
  return *address;
}

Bytes load_file(const std::string& file) {
  const std::string path = vectors_directory() + "/" + file;
  std::ifstream in(path, std::ios::binary);
  if (!in) give_up("cannot open " + path);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

std::vector<Vector> load_vectors(const std::string& file) {
  const Bytes octets = load_file(file);
  std::vector<Vector> sections;
  std::string line;
  const auto take_line = [&] {
    const std::string content = trimmed(line);
    line.clear();
    if (content.empty() || content[0] == '#') return;
    if (content[0] == '[' && content.back() == ']') {
      sections.push_back({content.substr(1, content.size() - 2), {}});
      return;
    }
    if (sections.empty()) sections.push_back({});
    const bool named = !sections.back().name.empty();
    const std::size_t at = content.find(named ? '=' : ':');
    if (at == std::string::npos) give_up(file + ": no field in line: " + content);
    sections.back().fields[trimmed(content.substr(0, at))] = trimmed(content.substr(at + 1));
  };
  for (std::uint8_t octet : octets) {
    if (octet == '\n')
      take_line();
    else
      line.push_back(static_cast<char>(octet));
  }
  take_line();
  if (sections.empty()) give_up(file + " is empty");
  return sections;
}

Vector load_vector(const std::string& file, const std::string& section) {
  for (Vector& vector : load_vectors(file))
    if (vector.name == section) return std::move(vector);
  give_up(file + " has no section " + section);
}

}  // namespace sendoff::test
