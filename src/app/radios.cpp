#include "app/radios.h"

#include "app/log.h"
#include "base/overloaded.h"
#include "net/clock.h"

namespace sendoff::app {

Radios::Radios(net::EventLoop& loop, const std::vector<config::RadioControl>& radios,
               Machine machine)
    : machine_(std::move(machine)) {
  for (const config::RadioControl& config : radios) {
    net::WirelessControl::Hooks hooks;
    hooks.event = [this, interface = config.interface](const net::WirelessEvent& event) {
      heard(interface, event);
    };
    hooks.remark = [config](bool good, const std::string& text) {
      const std::string sentence = "interface " + config.name + ", " + config.socket + ": " + text;
      if (good)
        log::info(sentence);
      else
        log::warning(sentence + "; its radio is asked again every second");
    };
    radios_.push_back(
        {config, std::make_unique<net::WirelessControl>(loop, config.socket, std::move(hooks))});
  }
}

bool Radios::roam(InterfaceId interface, const LinkAddress& access_point, net::Done& done) {
  for (const Radio& radio : radios_) {
    if (radio.config.interface != interface) continue;
    radio.control->roam(access_point, std::move(done));
    return true;
  }
  return false;
}

void Radios::heard(InterfaceId interface, const net::WirelessEvent& event) {
  std::visit(Overloaded{
                 [&](const net::Associated& to) {
                   machine_.tell(machine::ApAttached{interface, to.access_point});
                 },
                 [&](const net::Dissociated&) { machine_.tell(machine::ApLost{interface}); },
                 [&](const net::StationLeaves& gone) { advise(gone.station, gone.access_point); },
                 [&](const net::StationAsks& asking) { advise(asking.station, std::nullopt); },
             },
             event);
}

void Radios::advise(const LinkAddress& station, const std::optional<LinkAddress>& access_point) {
  if (!advice_.take(net::read_clocks().boot)) return;
  const auto told = machine_.order(machine::Advise{station, access_point});
  if (!told)
    log::info("station " + station.text() +
              " moves and is not told of the neighbourhood: " + std::string(explain(told.error())));
}

}  // namespace sendoff::app
