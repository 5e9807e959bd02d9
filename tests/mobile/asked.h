// A mobile node that waits for the answer to a key request, which the test makes.
#pragma once

#include "world.h"

namespace sendoff::test {

// A node that has asked, and whose router is silent: the test answers.
struct Asked : Attached {
  explicit Asked(const mobile::Config& config = mobile_config(),
                 const std::function<void(World&)>& prepare = {})
      : Attached(config,
                 [&](World& made) {
                   made.answer_rtsolpr = false;
                   if (prepare) prepare(made);
                 }),
        request(world.solicitations().back()) {}

  // `shown`: the router may be believed, and shows that it has fast handovers.
  void ask_again(bool shown = true) {
    if (shown) world.show(par);
    world.advance(seconds(3));
    world.forget_output();
    ASSERT_TRUE(world.order(machine::RequestKey{}));
    request = world.solicitations().back();
  }
  Bytes reply(std::uint8_t algorithm, std::uint16_t lifetime_s, const Bytes& key) const {
    return FakeRouter::reply_option(*request.encryption_key, algorithm, lifetime_s, key);
  }
  void answer(const std::vector<Bytes>& replies) {
    world.deliver(world.answer(par, request, replies));
  }
  std::size_t decryptions() const { return world.jobs_of<machine::OpenHandoverKey>(); }
  bool has_key() const { return world.key_of(par.global[0]).has_value(); }

  Solicitation request;
};

inline mobile::Config asking_for(crypto::Algorithm algorithm) {
  mobile::Config config = mobile_config();
  config.algorithm = algorithm;
  return config;
}

}  // namespace sendoff::test
