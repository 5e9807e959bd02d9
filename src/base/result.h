// Expected failures are values. GCC 12's std::expected is not [[nodiscard]] by itself: every
// function that returns a Result says so.
#pragma once

#include <expected>

namespace sendoff {

template <typename T, typename E>
using Result = std::expected<T, E>;

template <typename E>
[[nodiscard]] std::unexpected<E> fail(E error) {
  return std::unexpected<E>(std::move(error));
}

}  // namespace sendoff
