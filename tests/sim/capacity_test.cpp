// Capacity runs: their figures add up, the plan alone decides them, and a mobile node takes little
// memory. And the model that stands for RSA in them.
#include "sim/capacity.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>
#include <numeric>

#include "sim/places.h"

namespace {

// What operator new has given out and not got back.
std::size_t octets_in_use = 0;
std::size_t most_octets_in_use = 0;

void* counted(std::size_t size) noexcept {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) return nullptr;
  octets_in_use += malloc_usable_size(memory);
  most_octets_in_use = std::max(most_octets_in_use, octets_in_use);
  return memory;
}

void give_back(void* memory) noexcept {
  if (memory == nullptr) return;
  octets_in_use -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* const memory = counted(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { give_back(memory); }

namespace sendoff::test {

namespace {

using Message = sim::capacity::Message;
using sim::capacity::Figures;
using sim::capacity::Plan;

constexpr std::size_t kMostOctetsAMobile = 8192;

Plan small_plan() {
  Plan plan;
  plan.routers = 10;
  plan.mobiles = 1000;
  plan.time = seconds(240);
  plan.dwell = seconds(100);
  return plan;
}

std::uint64_t sent(const Figures& figures, Message message) {
  return figures.messages[static_cast<std::size_t>(message)];
}

void expect_every_move_to_end(const Figures& figures) {
  const sim::capacity::Moves& moves = figures.moves;
  EXPECT_GT(moves.begun, 0U);
  EXPECT_EQ(moves.predictive + moves.reactive + moves.failed, moves.begun);
}

// Signs for `key` what `tag` says.
Bytes signed_by(std::uint64_t key, std::uint8_t tag) {
  return sim::model_signing_key(key)->sign_sha1(crypto::sha1(Bytes{tag}));
}

bool verifies(std::uint64_t key, std::uint8_t tag, Bytes signature) {
  sim::CostModel model({});
  const machine::Job job = machine::VerifySignature{sim::model_signing_key(key)->public_key(),
                                                    Bytes{tag}, std::move(signature)};
  return std::get<machine::SignatureVerified>(*model.run(job, 0)).valid;
}

}  // namespace

TEST(Capacity, FiguresOfARunWithoutLossAddUp) {
  const Plan plan = small_plan();
  const std::size_t before = most_octets_in_use = octets_in_use;
  const Figures figures = sim::capacity::run(plan);
  const std::size_t octets = most_octets_in_use - before;
  expect_every_move_to_end(figures);
  const std::uint64_t moves = figures.moves.begun;
  EXPECT_EQ(figures.moves.predictive, moves);
  EXPECT_EQ(figures.moves.unprepared, 0U);
  EXPECT_EQ(figures.moves.gaps, moves);
  EXPECT_LT(figures.moves.longest_gap, milliseconds(200));

  // One key a node, and the same ones at the routers.
  EXPECT_EQ(figures.keys_at_mobiles, plan.mobiles);
  EXPECT_EQ(figures.mobiles_with_key, plan.mobiles);
  EXPECT_EQ(figures.keys_at_routers, plan.mobiles);
  EXPECT_EQ(figures.keyless, 0U);
  std::size_t bindings = 0;
  for (const sim::capacity::Load& load : figures.routers) bindings += load.bindings;
  EXPECT_EQ(bindings, 0U);

  // A request on each link, an FBU for each move with its FBack on either link.
  EXPECT_EQ(sent(figures, Message::kRtSolPr), plan.mobiles + moves);
  EXPECT_EQ(sent(figures, Message::kPrRtAdv), plan.mobiles + moves);
  EXPECT_EQ(sent(figures, Message::kFbu), moves);
  EXPECT_EQ(sent(figures, Message::kFback), 2 * moves);
  EXPECT_EQ(sent(figures, Message::kHi), sent(figures, Message::kHack));
  EXPECT_EQ(sent(figures, Message::kOther), 0U);
  EXPECT_EQ(figures.lost, 0U);

  RecordProperty("octets_a_mobile", static_cast<int>(octets / plan.mobiles));
  EXPECT_LT(octets / plan.mobiles, kMostOctetsAMobile);
  EXPECT_LT(figures.most_awake, plan.mobiles / 2);
}

TEST(Capacity, LoadOfARouterIsWhatItsJobsAndPacketsCost) {
  Plan plan = small_plan();
  plan.mobiles = 200;
  plan.costs.sign = milliseconds(2);
  plan.costs.verify = microseconds(300);
  plan.costs.encrypt = microseconds(70);
  plan.costs.packet = microseconds(11);
  const Figures figures = sim::capacity::run(plan);
  ASSERT_EQ(figures.routers.size(), plan.routers);
  EXPECT_EQ(figures.window, seconds(120));
  for (const sim::capacity::Load& load : figures.routers) {
    EXPECT_GT(load.signatures, load.seals);
    EXPECT_GT(load.seals, 0U);
    EXPECT_EQ(load.workers_busy, load.signatures * plan.costs.sign +
                                     load.verifications * plan.costs.verify +
                                     load.seals * plan.costs.encrypt);
    EXPECT_EQ(load.thread_busy, (load.received + load.sent) * plan.costs.packet);
  }
}

TEST(Capacity, EveryMoveEndsThoughPacketsAreLost) {
  Plan plan = small_plan();
  plan.mobiles = 300;
  plan.loss_per_million = 100'000;
  const Figures figures = sim::capacity::run(plan);
  expect_every_move_to_end(figures);
  EXPECT_GT(figures.lost, 0U);
  EXPECT_GT(figures.moves.predictive, 0U);
  EXPECT_GT(figures.moves.reactive, 0U);
  EXPECT_GT(sent(figures, Message::kFbu), figures.moves.begun);
}

TEST(Capacity, RoutersThatAreTooSlowServeFewer) {
  Plan plan = small_plan();
  plan.routers = 2;
  plan.mobiles = 300;
  plan.costs.sign = seconds(2);
  const Figures figures = sim::capacity::run(plan);
  expect_every_move_to_end(figures);
  EXPECT_GT(figures.keyless, 0U);
  EXPECT_LT(figures.mobiles_with_key, plan.mobiles);
}

TEST(Capacity, ThePlanAloneDecidesTheFigures) {
  Plan plan = small_plan();
  plan.mobiles = 100;
  plan.loss_per_million = 10'000;
  const Figures one = sim::capacity::run(plan);
  const Figures again = sim::capacity::run(plan);
  EXPECT_EQ(one.digest, again.digest);
  EXPECT_EQ(one.steps, again.steps);
  EXPECT_EQ(one.messages, again.messages);
  EXPECT_EQ(one.moves.gap_sum, again.moves.gap_sum);
  plan.seed = 2;
  EXPECT_NE(one.digest, sim::capacity::run(plan).digest);
}

TEST(CostModel, ASignatureFitsItsKeyAndItsMessageAlone) {
  EXPECT_TRUE(verifies(1, 7, signed_by(1, 7)));
  EXPECT_FALSE(verifies(2, 7, signed_by(1, 7)));
  EXPECT_FALSE(verifies(1, 8, signed_by(1, 7)));
  Bytes bent = signed_by(1, 7);
  bent.back() ^= 1;
  EXPECT_FALSE(verifies(1, 7, std::move(bent)));
  EXPECT_FALSE(verifies(1, 7, {}));
}

TEST(CostModel, ASealedKeyOpensWithItsOwnPairAlone) {
  sim::CostModel model({});
  const auto pair = sim::model_pair(1);
  constexpr std::size_t kKeySize = 32;
  machine::SignMessage job;
  job.key = sim::model_signing_key(1);
  job.message = Bytes(4 + pair->public_key().modulus_size());
  Secret padding(crypto::padding_size(pair->public_key(), kKeySize));
  std::ranges::fill(padding.expose_mutable(), std::uint8_t{1});
  Secret key(kKeySize);
  std::iota(key.expose_mutable().begin(), key.expose_mutable().end(), std::uint8_t{0});
  job.seal.emplace(machine::Seal{pair->public_key(), key.duplicate(), std::move(padding), 4});
  const machine::Job given(std::move(job));
  const Bytes made = std::get<machine::MessageSigned>(*model.run(given, 0)).message;
  const ByteView ciphertext = ByteView(made).subspan(4, pair->public_key().modulus_size());
  EXPECT_TRUE(pair->decrypt(ciphertext, kKeySize).equals(key));
  EXPECT_TRUE(sim::model_pair(2)->decrypt(ciphertext, kKeySize).empty());
  EXPECT_TRUE(pair->decrypt(ciphertext.first(100), kKeySize).empty());
  EXPECT_TRUE(pair->decrypt(ciphertext, 16).empty());
  EXPECT_EQ(model.price(given), sim::Costs{}.sign + sim::Costs{}.encrypt);
}

TEST(CostModel, APathIsValidatedInEarnest) {
  sim::CostModel model({});
  const auto anchors =
      std::make_shared<const std::vector<pki::TrustAnchor>>(std::vector{sim::anchor()});
  const auto validates = [&](std::vector<Bytes> path) {
    const machine::Job job = machine::ValidatePath{std::move(path), anchors,
                                                   UtcTime(seconds(1'800'000'000)), sim::policy()};
    return std::get<machine::PathValidated>(*model.run(job, 0)).router.has_value();
  };
  std::vector<Bytes> path = sim::certification_path(0);
  EXPECT_TRUE(validates(path));
  EXPECT_TRUE(validates(path));
  path.back().back() ^= 1;
  EXPECT_FALSE(validates(path));
  EXPECT_FALSE(validates({}));
}

}  // namespace sendoff::test
