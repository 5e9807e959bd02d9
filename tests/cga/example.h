// The worked example of RFC 3972 Appendix A, which the tests of cga/ share.
#pragma once

#include "support/vectors.h"

namespace sendoff::cga {

inline const test::Vector& example() {
  static const test::Vector vector = test::load_vector("rfc3972-appendix-a.txt", "");
  return vector;
}

}  // namespace sendoff::cga
