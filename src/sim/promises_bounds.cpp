// Promises about what nodes keep.
#include <algorithm>

#include "sim/promises.h"
#include "sim/world.h"

namespace sendoff::sim {

void Bounds::second() {
  const auto within = [&](const Node& node, std::string_view what, std::size_t has,
                          std::size_t most) {
    if (has > most)
      broken(node.name() + " has " + std::to_string(has) + " " + std::string(what) +
             " and room for " + std::to_string(most));
  };
  for (const auto& router : world_.routers()) {
    const auto status = router->status();
    if (!status) continue;
    const router::Config& config = router->config();
    within(*router, "keys", status->key_count, config.keys.max_keys);
    within(*router, "bindings", status->binding_count, config.max_bindings);
    within(*router, "handovers", status->handover_count, config.previous_router.max_handovers);
    within(*router, "arrivals", status->arrival_count, config.new_router.max_arrivals);
    // A key and a binding each have one record; one that is being replaced is still there.
    within(*router, "records", router->store().size(),
           2 * config.keys.max_keys + config.max_bindings);
    within(*router, "proxies", router->host().proxies().size(),
           config.new_router.max_arrivals + config.max_bindings);
  }
  for (const auto& mobile : world_.mobiles()) {
    const auto status = mobile->status();
    if (!status) continue;
    within(*mobile, "keys", status->keys.size(), mobile->config().max_keys);
    within(*mobile, "records", mobile->store().size(), 2 * mobile->config().max_keys);
    within(*mobile, "tunnels", mobile->host().plane().tunnels(), 4);
  }
}

void NothingLeft::ended() {
  for (const auto& router : world_.routers()) {
    const auto status = router->status();
    if (!status) continue;
    const auto left = [&](std::string_view what, const Ipv6Address& address) {
      broken(router->name() + " still has a " + std::string(what) + " for " + address.text());
    };
    const auto bound = [&](const Ipv6Address& address) {
      return std::ranges::find(status->bindings, address, &router::Router::BindingStatus::pcoa) !=
             status->bindings.end();
    };
    const auto arrival = [&](const Ipv6Address& address) {
      return std::ranges::find(status->arrivals, address, &router::Router::ArrivalStatus::address);
    };
    const auto expected = [&](const Ipv6Address& address) {
      return arrival(address) != status->arrivals.end();
    };
    const Host& host = router->host();
    for (const Ipv6Address& address : host.proxies())
      if (!bound(address) && !(expected(address) && arrival(address)->proxied))
        left("proxy", address);
    for (const auto& [pcoa, tunnel] : host.plane().bindings())
      if (!bound(pcoa)) left("binding", pcoa);
    for (const auto& [pcoa, tunnel] : host.plane().attached())
      if (!expected(pcoa)) left("tunnel", pcoa);
    for (const Ipv6Address& address : host.host_routes())
      if (!expected(address)) left("route", address);
  }
  for (const auto& mobile : world_.mobiles()) {
    const auto status = mobile->status();
    if (!status) continue;
    for (const auto& [pcoa, tunnel] : mobile->host().plane().attached())
      if (std::ranges::find(status->movements, pcoa, &mobile::Mobile::MovementStatus::pcoa) ==
          status->movements.end())
        broken(mobile->name() + " still has a tunnel for " + pcoa.text());
  }
}

void Bounds::ended() {
  for (const auto& router : world_.routers())
    if (const std::size_t left = router->host().plane().held().addresses; left > 0)
      broken(router->name() + " still has " + std::to_string(left) + " buffers open");
}

}  // namespace sendoff::sim
