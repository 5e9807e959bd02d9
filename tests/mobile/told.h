// A mobile node whose router says what a test wants it to.
#pragma once

#include "moving.h"

namespace sendoff::test {

// A node that asked its router, whom the test lets speak.
struct Told : Moving {
  explicit Told(const std::function<void(World&)>& prepare = {})
      : Moving(mobile_config(), prepare) {
    world.answer_rtsolpr = false;
    world.advance(seconds(3));
    world.order(machine::RequestKey{}).value();
    request = world.solicitations().back();
    world.forget_output();
  }
  Bytes message(std::uint8_t code, const std::vector<Tuple>& tuples,
                std::optional<std::uint16_t> identifier = std::nullopt) {
    return par.proxy_advertisement(request.source, code, identifier.value_or(request.identifier),
                                   tuples, {}, world.seal(request.nonce));
  }
  std::string state_of(const LinkAddress& access_point) const {
    const auto snapshot = world.status();
    for (const auto& neighbour : snapshot.neighbours)
      if (neighbour.access_point == access_point) return neighbour.state;
    return "";
  }
  Solicitation request;
};

}  // namespace sendoff::test
