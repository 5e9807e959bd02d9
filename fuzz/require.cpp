#include <cstdio>

#include "target.h"

namespace sendoff::fuzz {

void require(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "broken property: %.*s\n", static_cast<int>(property.size()),
               property.data());
  std::abort();
}

}  // namespace sendoff::fuzz
