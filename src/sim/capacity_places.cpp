#include "sim/capacity_places.h"

#include "pki/issue.h"
#include "sim/host.h"
#include "sim/key_pool.h"
#include "sim/places.h"

namespace sendoff::sim::capacity {

namespace {

constexpr std::size_t kAnchorKeyNumber = 0;

Bytes router_certificate(std::size_t router, ByteView spki) {
  pki::Request request;
  request.role = pki::Role::kRouter;
  request.common_name = "ar" + std::to_string(router + 1);
  request.blocks = {access_prefix(router)};
  request.not_before = UtcTime(seconds(1'500'000'000));
  request.not_after = UtcTime(seconds(2'100'000'000));
  request.serial = {1, static_cast<std::uint8_t>(router >> 8), static_cast<std::uint8_t>(router)};
  auto der =
      pki::issue(request, spki, {anchor().certificate, signing_key(kAnchorKeyNumber)->to_pem()});
  invariant(der.has_value());
  return std::move(*der);
}

}  // namespace

LinkAddress station(Station kind, std::uint32_t number) {
  std::array<std::uint8_t, 6> octets{};
  Writer out(octets);
  out.u8(2);
  out.u8(static_cast<std::uint8_t>(kind));
  out.u32(number);
  return *LinkAddress::from(octets);
}

std::uint32_t number_of(const LinkAddress& address) {
  Reader in(address.view());
  in.skip(2);
  return in.u32();
}

send::Identity router_identity(std::size_t router) {
  send::Identity identity;
  // Beyond the numbers of mobile nodes' keys.
  identity.key = model_signing_key(1'000'000 + router);
  identity.modifier.fill(0x11);
  return identity;
}

std::vector<std::size_t> neighbours_of(const Plan& plan, std::size_t router) {
  std::vector<std::size_t> found;
  const auto add = [&](std::size_t neighbour) {
    if (neighbour != router && std::ranges::find(found, neighbour) == found.end() &&
        found.size() < plan.neighbours)
      found.push_back(neighbour);
  };
  for (std::size_t step = 1; step < plan.routers && found.size() < plan.neighbours; ++step) {
    add((router + step) % plan.routers);
    add((router + plan.routers - step) % plan.routers);
  }
  return found;
}

router::Config router_config(const Plan& plan, std::size_t router,
                             const std::vector<Ipv6Address>& addresses) {
  router::Config config;
  router::Interface interface;
  interface.id = kAccess;
  interface.name = "access0";
  interface.identity = router_identity(router);
  interface.prefixes = {{access_prefix(router)}};
  interface.access_points = {station(Station::kAccessPoint, static_cast<std::uint32_t>(router))};
  config.certification.path = {router_certificate(router, interface.identity.key->spki())};
  config.certification.anchor = anchor();
  config.interfaces = {std::move(interface)};
  for (const std::size_t number : neighbours_of(plan, router)) {
    router::Neighbour neighbour;
    neighbour.name = "ar" + std::to_string(number + 1);
    neighbour.prefix = access_prefix(number);
    neighbour.address = addresses[number];
    neighbour.link_address = station(Station::kRouter, static_cast<std::uint32_t>(number));
    neighbour.access_points = {station(Station::kAccessPoint, static_cast<std::uint32_t>(number))};
    neighbour.protection = router::Protection::kClear;
    config.neighbours.push_back(std::move(neighbour));
  }
  config.keys.lifetime_s = plan.key_lifetime_s;
  // Twice MAX_CPA_RATE: every second CPS is of a node that wakes, and would not be there.
  config.max_cpa_s *= 2;
  // A probe that takes as long as the default waits for an FBack would make all handovers reactive.
  config.new_router.dad_interval = milliseconds(200);
  return config;
}

mobile::Config mobile_config(const std::shared_ptr<const crypto::SigningKey>& key,
                             std::uint32_t mobile) {
  static const auto anchors =
      std::make_shared<const std::vector<pki::TrustAnchor>>(std::vector{anchor()});
  mobile::Config config;
  config.interfaces = {{kAccess, "wlan0"}};
  config.identity.key = key;
  config.identity.modifier.fill(0x22);
  Writer(ByteSpan(config.identity.modifier)).u32(mobile);
  config.paths.anchors = anchors;
  config.paths.policy = policy();
  return config;
}

}  // namespace sendoff::sim::capacity
