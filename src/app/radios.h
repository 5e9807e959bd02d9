// The radios of a daemon's interfaces, as wpa_supplicant or hostapd tell of them: to the mobile
// node's machine, that its link is another one now, or none; to the access router's, which station
// is about to move, so that it is told of the neighbourhood (RFC 5568 3.3).
#pragma once

#include <memory>
#include <vector>

#include "base/rate.h"
#include "config/config.h"
#include "machine/input.h"
#include "net/wireless_control.h"

namespace sendoff::app {

class Radios {
 public:
  struct Machine {
    std::function<void(const machine::HostEvent&)> tell;
    std::function<Result<void, machine::OrderError>(const machine::Order&)> order;
  };
  // `machine` is called from the loop.
  Radios(net::EventLoop& loop, const std::vector<config::RadioControl>& radios, Machine machine);

  // Has the interface moved to the access point; false: it has no radio of ours, nothing was done.
  [[nodiscard]] bool roam(InterfaceId interface, const LinkAddress& access_point, net::Done& done);

 private:
  struct Radio {
    config::RadioControl config;
    std::unique_ptr<net::WirelessControl> control;
  };
  void heard(InterfaceId interface, const net::WirelessEvent& event);
  void advise(const LinkAddress& station, const std::optional<LinkAddress>& access_point);

  Machine machine_;
  std::vector<Radio> radios_;
  TokenBucket advice_{10, 10};  // a second: stations ask, and an answer costs a signature
};

}  // namespace sendoff::app
