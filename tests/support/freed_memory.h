// Looks at every block of memory before it is freed: this program's operator new and delete and
// OpenSSL's allocator. What is looked for is kept outside the heap and inverted, so that only the
// secret itself can be found. It defines the program's operators: one file of a program includes
// it.
#pragma once

#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/bytes.h"

namespace {

constexpr std::size_t kPatternSize = 16;

struct Watch {
  std::array<std::uint8_t, kPatternSize> inverted{};
  std::atomic<bool> armed = false;
  std::atomic<int> found = 0;   // freed blocks that held the pattern
  std::atomic<int> looked = 0;  // freed blocks
};
Watch watch;

void look(const void* block) {
  if (block == nullptr || !watch.armed) return;
  ++watch.looked;
  const auto* octets = static_cast<const std::uint8_t*>(block);
  const std::size_t size = malloc_usable_size(const_cast<void*>(block));
  for (std::size_t at = 0; at + kPatternSize <= size; ++at) {
    std::size_t same = 0;
    while (same < kPatternSize &&
           octets[at + same] == static_cast<std::uint8_t>(~watch.inverted[same]))
      ++same;
    if (same < kPatternSize) continue;
    ++watch.found;
    return;
  }
}

void* take(std::size_t size) { return std::malloc(size == 0 ? 1 : size); }
void give_back(void* block) {
  look(block);
  std::free(block);
}

void* openssl_malloc(std::size_t size, const char*, int) { return std::malloc(size); }
void openssl_free(void* block, const char*, int) { give_back(block); }
void* openssl_realloc(void* block, std::size_t size, const char*, int) {
  void* const grown = std::malloc(size);
  if (grown == nullptr) return nullptr;
  if (block != nullptr) std::memcpy(grown, block, std::min(size, malloc_usable_size(block)));
  give_back(block);
  return grown;
}
// Before main, since OpenSSL takes an allocator only until it first allocates.
const bool openssl_is_watched =
    CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

void* operator new(std::size_t size) {
  void* const block = take(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void operator delete(void* block) noexcept { give_back(block); }
void operator delete[](void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give_back(block); }

namespace sendoff::test {
namespace {

[[maybe_unused]] bool openssl_is_watched() { return ::openssl_is_watched; }

// Looks for the first octets of `secret` in what is freed from now on.
class Watching {
 public:
  explicit Watching(ByteView secret) {
    invariant(secret.size() >= kPatternSize);
    for (std::size_t i = 0; i < kPatternSize; ++i)
      watch.inverted[i] = static_cast<std::uint8_t>(~secret[i]);
    watch.found = 0;
    watch.looked = 0;
    watch.armed = true;
  }
  ~Watching() { watch.armed = false; }
  // Freed blocks that held it.
  [[nodiscard]] int found() const { return watch.found; }
  [[nodiscard]] int looked() const { return watch.looked; }
};

// The octets of a factor of the private key as OpenSSL holds them: words, the lowest first.
[[maybe_unused]] Bytes factor_in_memory(ByteView pem) {
  BIO* const input = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(input, nullptr, nullptr, nullptr);
  BIGNUM* factor = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &factor), 1);
  Bytes octets(static_cast<std::size_t>(BN_num_bytes(factor)));
  EXPECT_EQ(BN_bn2lebinpad(factor, octets.data(), static_cast<int>(octets.size())),
            static_cast<int>(octets.size()));
  BN_clear_free(factor);
  EVP_PKEY_free(key);
  BIO_free(input);
  return octets;
}

}  // namespace
}  // namespace sendoff::test
