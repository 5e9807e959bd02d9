// Why a run of the lab could not be made: a sentence for a person who reads it at night.
#pragma once

#include <string>

#include "base/result.h"
#include "net/system_error.h"

namespace sendoff::lab {

struct Failure {
  std::string text;
};

template <typename T = void>
using Attempt = Result<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> failed(std::string text) {
  return fail(Failure{std::move(text)});
}
[[nodiscard]] inline std::unexpected<Failure> failed(const net::SystemError& error) {
  return fail(Failure{error.text()});
}
// With the errno of the call that just failed.
[[nodiscard]] inline std::unexpected<Failure> failed_call(std::string what) {
  return failed(net::last_error(std::move(what)));
}

}  // namespace sendoff::lab
