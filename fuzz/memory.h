// How much memory a stretch of code asked for, told by the sanitizer's allocator.
#pragma once

#include <cstddef>

namespace sendoff::fuzz {

class Allocations {
 public:
  Allocations();
  // Since construction, on all threads; 0 where there is no sanitizer.
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::size_t octets() const;

 private:
  std::size_t count_;
  std::size_t octets_;
};

}  // namespace sendoff::fuzz
