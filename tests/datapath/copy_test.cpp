// A previous router that keeps copies of a node's packets (RFC 5568 4, 5.4), through every backend.
#include "datapath/world.h"
#include "support/covers.h"

namespace sendoff::test {
namespace {

using datapath::Choice;

class CopyTest : public World, public ::testing::WithParamInterface<Choice> {
 protected:
  static constexpr std::uint32_t kCount = 100;

  [[nodiscard]] machine::OpenBuffer copies() const { return {kPcoa, kAccess, true}; }
  [[nodiscard]] machine::OpenBuffer originals() const { return {kPcoa, kAccess}; }
  static std::vector<std::uint32_t> numbers(std::uint32_t from, std::uint32_t to) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = from; i < to; ++i) all.push_back(i);
    return all;
  }
  void send(const Socket& correspondent, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i) ASSERT_EQ(correspondent.send_number(kPcoa, i), 0);
  }
  bool reaches(const Socket& node, std::vector<std::uint32_t>& came, std::size_t count) {
    return serve_until([&] {
      node.read_numbers(came);
      return came.size() >= count;
    });
  }
};

TEST_P(CopyTest, EveryPacketReachesTheOldLinkAtOnceAndTheCopiesGoToTheNewAddressFirst) {
  COVERS("FH-4-10", "FH-4-11");
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  ASSERT_NE(open_path("mn", GetParam()), nullptr);
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  std::vector<std::uint32_t> came;
  ASSERT_TRUE(order("par", copies()));
  // One by one: each is on the link before the next is sent, so none waits for anything.
  for (std::uint32_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(correspondent.send_number(kPcoa, i), 0);
    ASSERT_TRUE(reaches(node, came, i + 1)) << i << state_of("par");
  }
  EXPECT_EQ(came, numbers(0, kCount));
  ASSERT_TRUE(serve_until([&] { return counter("par", "copied") == kCount; })) << state_of("par");
  EXPECT_EQ(counter("par", "packets-in-buffers"), kCount);
  EXPECT_EQ(counter("par", "held"), 0U);
  // The HAck: what comes now waits behind the copies, and none of it is seen on the old link.
  ASSERT_TRUE(order("par", originals()));
  send(correspondent, kCount, kCount + 10);
  ASSERT_TRUE(serve_until([&] { return counter("par", "held") == 10; })) << state_of("par");
  node.read_numbers(came);
  EXPECT_EQ(came.size(), kCount);
  move();
  came.clear();
  ASSERT_TRUE(order("mn", own_end()));
  ASSERT_TRUE(order("par", binding()));
  ASSERT_TRUE(order("par", machine::ReleaseBuffer{kPcoa}));
  send(correspondent, kCount + 10, kCount + 20);
  ASSERT_TRUE(reaches(node, came, kCount + 20)) << came.size() << state_of("par");
  ASSERT_TRUE(serve_until([&] { return counter("par", "buffers") == 0; })) << state_of("par");
  // No more copies, and nothing is kept.
  send(correspondent, kCount + 20, kCount + 30);
  ASSERT_TRUE(reaches(node, came, kCount + 30)) << state_of("par");
  EXPECT_EQ(came, numbers(0, kCount + 30));
  EXPECT_EQ(counter("par", "copied"), kCount);
  EXPECT_EQ(counter("par", "packets-in-buffers"), 0U);
  EXPECT_EQ(counter("par", "octets-in-buffers"), 0U);
  EXPECT_EQ(counter("par", "dropped"), 0U);
}

TEST_P(CopyTest, WithoutABindingTheCopiesAreDroppedAndWhatWaitedIsDelivered) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  std::vector<std::uint32_t> came;
  // Refused by the new router: forgotten.
  ASSERT_TRUE(order("par", copies()));
  send(correspondent, 0, 10);
  ASSERT_TRUE(reaches(node, came, 10)) << state_of("par");
  ASSERT_TRUE(serve_until([&] { return counter("par", "copied") == 10; }));
  ASSERT_TRUE(order("par", machine::DiscardBuffer{kPcoa}));
  EXPECT_EQ(counter("par", "buffers"), 0U);
  EXPECT_EQ(counter("par", "octets-in-buffers"), 0U);
  // The binding failed when packets waited already.
  ASSERT_TRUE(order("par", copies()));
  send(correspondent, 10, 20);
  ASSERT_TRUE(reaches(node, came, 20)) << state_of("par");
  ASSERT_TRUE(serve_until([&] { return counter("par", "copied") == 20; }));
  ASSERT_TRUE(order("par", originals()));
  send(correspondent, 20, 30);
  ASSERT_TRUE(serve_until([&] { return counter("par", "held") == 10; })) << state_of("par");
  ASSERT_TRUE(order("par", machine::ReleaseBuffer{kPcoa}));
  ASSERT_TRUE(reaches(node, came, 30)) << state_of("par");
  ASSERT_TRUE(serve_until([&] { return counter("par", "buffers") == 0; })) << state_of("par");
  send(correspondent, 30, 31);
  ASSERT_TRUE(reaches(node, came, 31)) << state_of("par");
  EXPECT_EQ(came, numbers(0, 31));
}

TEST_P(CopyTest, CopiesOfWhatIsHeldAreRefused) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  ASSERT_TRUE(order("par", originals()));
  EXPECT_FALSE(order("par", copies()));
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  send(correspondent, 0, 5);
  EXPECT_TRUE(serve_until([&] { return counter("par", "held") == 5; })) << state_of("par");
  EXPECT_EQ(counter("par", "copied"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Every, CopyTest,
                         ::testing::Values(Choice::kBpf, Choice::kTun, Choice::kNfqueue),
                         [](const auto& backend) { return std::string(name(backend.param)); });

}  // namespace
}  // namespace sendoff::test
