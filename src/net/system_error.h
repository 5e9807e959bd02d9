// Why the kernel refused something: the call, the object and errno, in words for an operator.
#pragma once

#include <string>

#include "base/result.h"

namespace sendoff::net {

struct SystemError {
  int code = 0;      // errno, or 0 when no system call failed
  std::string what;  // "bind packet socket to eth0"

  // "bind packet socket to eth0: Operation not permitted"
  [[nodiscard]] std::string text() const;
};

// With the errno of the call that just failed.
[[nodiscard]] SystemError last_error(std::string what);

template <typename T = void>
using Attempt = Result<T, SystemError>;

}  // namespace sendoff::net
