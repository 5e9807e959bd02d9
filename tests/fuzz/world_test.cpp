// The fuzzers' world comes as far as it says: else their inputs would knock at closed doors.
#include "fuzz/world.h"

#include <gtest/gtest.h>

#include "fuzz/target.h"

namespace sendoff::fuzz {
namespace {

// No deeds: configuration, and how far things have gone.
struct Made {
  Made(std::uint16_t flags, std::uint8_t how_far)
      : octets{static_cast<std::uint8_t>(flags >> 8), static_cast<std::uint8_t>(flags), how_far},
        input(octets),
        world(input, Who::kMobile) {}
  [[nodiscard]] router::Router::Status status(Who who) {
    return world.router(who).status(world.at(who).now);
  }
  Bytes octets;
  Input input;
  World world;
};

constexpr std::uint16_t kEsp = 1;

TEST(FuzzWorld, HasANodeWithAKey) {
  for (const std::uint16_t flags : {std::uint16_t{0}, kEsp, std::uint16_t{0x1000}}) {
    Made made(flags, 2);
    EXPECT_EQ(made.status(Who::kPrevious).key_count, 1U) << flags;
    EXPECT_EQ(made.world.mobile().status(made.world.at(Who::kMobile).now).keys.size(), 1U);
  }
}

TEST(FuzzWorld, HasANodeThatWasHandedOver) {
  for (const std::uint16_t flags : {std::uint16_t{0}, kEsp}) {
    Made made(flags, 3);
    EXPECT_EQ(made.status(Who::kPrevious).binding_count, 1U) << flags;
  }
}

TEST(FuzzWorld, EndsEmptyWithoutDeeds) {
  for (std::uint8_t how_far = 0; how_far < 5; ++how_far) Made(0, how_far).world.run();
}

}  // namespace
}  // namespace sendoff::fuzz
