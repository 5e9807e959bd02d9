// One visitor out of several lambdas, for std::visit.
#pragma once

namespace sendoff {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

}  // namespace sendoff
