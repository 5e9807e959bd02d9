// Secrets: wiped, moved and not copied, compared without a hint.
#include "base/secret.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <type_traits>

namespace {

// Octets that the heap gives back while this is set are looked at first: were they wiped?
struct HeapWatch {
  const void* block = nullptr;
  std::size_t size = 0;
  bool freed = false;
  bool clean = false;
} watch;

void look_at(void* block) noexcept {
  if (block == nullptr || block != watch.block) return;
  watch.block = nullptr;
  watch.freed = true;
  watch.clean = true;
  const auto* octets = static_cast<const volatile unsigned char*>(block);
  for (std::size_t i = 0; i < watch.size; ++i)
    if (octets[i] != 0) watch.clean = false;
}

void watch_heap_of(const sendoff::Secret& secret) {
  watch = {.block = secret.expose().data(), .size = secret.size()};
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  look_at(block);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  look_at(block);
  std::free(block);
}

namespace sendoff {
namespace {

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);

Secret key() { return Secret::copy_of(Bytes(32, 0x5a)); }

TEST(Wipe, LeavesZeros) {
  Bytes octets = {1, 2, 3};
  wipe(ByteSpan(octets).first(2));
  EXPECT_EQ(octets, (Bytes{0, 0, 3}));
  wipe({});
}

TEST(Secret, IsWipedBeforeItsMemoryIsGivenBack) {
  {
    const Secret secret = key();
    watch_heap_of(secret);
  }
  EXPECT_TRUE(watch.freed);
  EXPECT_TRUE(watch.clean);
}

TEST(Secret, IsWipedWhenAnotherTakesItsPlace) {
  Secret secret = key();
  watch_heap_of(secret);
  secret = Secret::copy_of(Bytes{1, 2, 3});
  EXPECT_TRUE(watch.freed);
  EXPECT_TRUE(watch.clean);
  EXPECT_EQ(to_hex(secret.expose()), "010203");
}

TEST(Secret, IsEmptyWhenMovedFrom) {
  Secret from = key();
  watch_heap_of(from);
  Secret to = std::move(from);
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is the promise
  EXPECT_EQ(to.size(), 32U);
  Secret other;
  other = std::move(to);
  EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other.size(), 32U);
  // Moved, not copied: no block was left behind with the octets in it.
  EXPECT_FALSE(watch.freed);
  watch = {};
}

TEST(Secret, SurvivesBeingMovedToItself) {
  Secret secret = key();
  Secret& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.size(), 32U);
}

TEST(Secret, IsCopiedOnlyByName) {
  const Secret secret = key();
  const Secret copy = secret.duplicate();
  EXPECT_TRUE(copy.equals(secret));
  EXPECT_NE(copy.expose().data(), secret.expose().data());
}

TEST(Secret, StartsAsZerosAndIsFilledInPlace) {
  Secret secret(4);
  EXPECT_EQ(to_hex(secret.expose()), "00000000");
  secret.expose_mutable()[3] = 7;
  EXPECT_EQ(to_hex(secret.expose()), "00000007");
  EXPECT_TRUE(Secret().empty());
}

TEST(ConstantTimeEqual, SeesEveryBitAndEveryLength) {
  const Bytes octets = {0x12, 0x34, 0x56};
  EXPECT_TRUE(constant_time_equal(octets, Bytes{0x12, 0x34, 0x56}));
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_FALSE(constant_time_equal(octets, Bytes{0x12, 0x34}));
  EXPECT_FALSE(constant_time_equal(octets, {}));
  for (std::size_t bit = 0; bit < 24; ++bit) {
    Bytes other = octets;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(constant_time_equal(octets, other)) << bit;
  }
}

}  // namespace
}  // namespace sendoff
