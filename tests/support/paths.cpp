#include "support/paths.h"

namespace sendoff::test {

const std::string& source_directory() {
  static const std::string path = SENDOFF_SOURCE;
  return path;
}

const std::string& vectors_directory() {
  static const std::string path = source_directory() + "/tests/vectors";
  return path;
}

const std::string& pkits_directory() {
  static const std::string path = SENDOFF_PKITS;
  return path;
}

const std::string& program() {
  static const std::string path = SENDOFF_PROGRAM;
  return path;
}

const std::string& plain_program() {
  static const std::string path = SENDOFF_PLAIN_PROGRAM;
  return path;
}

}  // namespace sendoff::test
