#include "memory.h"

using MallocHook = void (*)(const volatile void* pointer, std::size_t size);
using FreeHook = void (*)(const volatile void* pointer);
// Weak: a build without sanitizers has none.
extern "C" [[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(MallocHook, FreeHook);

namespace sendoff::fuzz {

namespace {

std::size_t total_count = 0;
std::size_t total_octets = 0;

void allocated(const volatile void*, std::size_t size) {
  ++total_count;
  total_octets += size;
}
void freed(const volatile void*) {}

bool watch() {
  return __sanitizer_install_malloc_and_free_hooks != nullptr &&
         __sanitizer_install_malloc_and_free_hooks(allocated, freed) != 0;
}

}  // namespace

Allocations::Allocations() {
  [[maybe_unused]] static const bool watched = watch();
  count_ = total_count;
  octets_ = total_octets;
}

std::size_t Allocations::count() const { return total_count - count_; }
std::size_t Allocations::octets() const { return total_octets - octets_; }

}  // namespace sendoff::fuzz
