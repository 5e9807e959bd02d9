// Known answers of tests/vectors/*.txt: sections of `key = value` lines, made by the make_*.py
// beside them without knowledge of this code.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/address.h"

namespace sendoff::test {

class Vector {
 public:
  std::string name;
  std::map<std::string, std::string> fields;

  [[nodiscard]] bool has(const std::string& key) const { return fields.contains(key); }
  // Each of these fails the running test and ends the program when the field is missing or bad:
  // a vector file that lies must not let a test pass.
  [[nodiscard]] const std::string& text(const std::string& key) const;
  [[nodiscard]] Bytes hex(const std::string& key) const;
  [[nodiscard]] std::uint64_t number(const std::string& key) const;
  [[nodiscard]] Ipv6Address address(const std::string& key) const;
};

// All sections of tests/vectors/`file`, in its order; "name: hex" lines before the first section
// are a section with an empty name.
[[nodiscard]] std::vector<Vector> load_vectors(const std::string& file);
[[nodiscard]] Vector load_vector(const std::string& file, const std::string& section);
// The octets of any file under tests/vectors/.
[[nodiscard]] Bytes load_file(const std::string& file);

}  // namespace sendoff::test
