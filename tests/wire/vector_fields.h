// A section of a vector file that knows which of its fields were compared: one that nobody looked
// at fails the test.
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "support/vectors.h"
#include "wire/codec.h"

namespace sendoff::test {

class VectorFields {
 public:
  explicit VectorFields(const Vector& vector) : vector_(vector) {}

  [[nodiscard]] const std::string& name() const { return vector_.name; }
  [[nodiscard]] bool has(const std::string& key) const { return vector_.has(key); }
  const std::string& text(const std::string& key) { return vector_.text(used(key)); }
  Bytes hex(const std::string& key) { return vector_.hex(used(key)); }
  std::uint64_t number(const std::string& key) { return vector_.number(used(key)); }
  bool flag(const std::string& key) { return number(key) != 0; }
  Ipv6Address address(const std::string& key) { return vector_.address(used(key)); }
  // Said by another folder's codec, or a number that other fields imply.
  void skip(std::initializer_list<std::string> keys) { used_.insert(keys); }

  // The kind of use that the vector allows.
  bool both() { return text("use") == "both"; }
  bool refused() { return text("use") == "refuse"; }

  void expect_all_used() {
    skip({"about", "use", "reason"});
    for (const auto& [key, value] : vector_.fields)
      EXPECT_TRUE(used_.contains(key)) << "nobody compared " << key << " = " << value;
  }

 private:
  const std::string& used(const std::string& key) {
    used_.insert(key);
    return key;
  }

  const Vector& vector_;
  std::set<std::string> used_;
};

// Compares one ND option with the fields that begin with `prefix`; `both`: it must also be emitted
// as it is. Shared by the option vectors and by the messages that carry options.
void compare_option(VectorFields& fields, const std::string& prefix, ByteView octets, bool both);

}  // namespace sendoff::test
