#include "files.h"

#include <fstream>
#include <iterator>

#include "target.h"

namespace sendoff::fuzz {

Bytes vector_file(const std::string& name) {
  std::ifstream in(std::string(SENDOFF_VECTORS "/") + name, std::ios::binary);
  require(in.is_open(), "the vectors are where they were at the build");
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

}  // namespace sendoff::fuzz
