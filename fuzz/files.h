// Files of tests/vectors/ that targets start from.
#pragma once

#include <string>

#include "base/bytes.h"

namespace sendoff::fuzz {

// The octets of tests/vectors/`name`; the program ends when there is no such file.
[[nodiscard]] Bytes vector_file(const std::string& name);

}  // namespace sendoff::fuzz
