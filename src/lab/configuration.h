// The configurations of a lab's daemons, without [daemon].
#pragma once

#include <string>

#include "lab/credentials.h"
#include "lab/scenario.h"

namespace sendoff::lab {

[[nodiscard]] std::string router_configuration(Side side, Mode mode, const Credentials& credentials,
                                               const Settings& settings);
// `radio`: the switch_socket.
[[nodiscard]] std::string mobile_configuration(const Credentials& credentials,
                                               const Settings& settings, const std::string& radio);

}  // namespace sendoff::lab
