// How JSON leaves this program: on one line, and whatever octets a text has, valid UTF-8.
#pragma once

#include <string>

namespace sendoff::control {

template <typename Json>
[[nodiscard]] std::string compact(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sendoff::control
