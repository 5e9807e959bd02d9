// The configurations of a lab's daemons, without [daemon].
#pragma once

#include <string>

#include "lab/credentials.h"
#include "lab/scenario.h"

namespace sendoff::lab {

// `keys`: of the associations with the other router; not used where `settings` want none.
[[nodiscard]] std::string router_configuration(Side side, Mode mode, const Credentials& credentials,
                                               const AssociationKeys& keys,
                                               const Settings& settings);
// `radio`: the switch_socket.
[[nodiscard]] std::string mobile_configuration(const Credentials& credentials,
                                               const Settings& settings, const std::string& radio);

}  // namespace sendoff::lab
