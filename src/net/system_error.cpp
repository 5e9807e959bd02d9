#include "net/system_error.h"

#include <cerrno>
#include <cstring>

namespace sendoff::net {

std::string SystemError::text() const {
  return code == 0 ? what : what + ": " + std::strerror(code);
}

SystemError last_error(std::string what) { return {errno, std::move(what)}; }

}  // namespace sendoff::net
