#include "lab/configuration.h"

namespace sendoff::lab {

namespace {

constexpr std::uint32_t kFirstSpi = 0x1000;
constexpr const char* kGuardSection = "[guard]\non_stop = \"open\"\n";

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string cga_section(const NodeKey& key) {
  return "[cga]\nkey = " + quoted(key.path) +
         "\nsec = 0\nmodifier = " + quoted(to_hex(key.modifier)) + "\n";
}

std::string datapath_section(const Settings& settings) {
  return "[datapath]\nbackend = " + quoted(settings.backend) + "\n";
}

// Of the router `side`, with the other one.
std::string association_section(Side side, const Credentials& credentials,
                                const AssociationKeys& keys) {
  const auto from = [&](Side sender) {
    const auto i = static_cast<std::size_t>(sender);
    return "{spi = " + std::to_string(kFirstSpi + i) + ", key_file = " + quoted(keys.files[i]) +
           "}";
  };
  const NodeKey& own = credentials.routers[static_cast<std::size_t>(side)];
  return "[neighbour.esp]\nlocal = " + quoted(own.address_in(place(side).prefix).text()) +
         "\noutbound = " + from(side) + "\ninbound = [" + from(other(side)) + "]\n";
}

std::string neighbour_section(Side side, const Credentials& credentials, bool clear) {
  const Place& there = place(side);
  const NodeKey& key = credentials.routers[static_cast<std::size_t>(side)];
  return "[[neighbour]]\nname = " + quoted(side == Side::kPar ? "par" : "nar") +
         "\naddress = " + quoted(key.address_in(there.prefix).text()) +
         "\nlink_address = " + quoted(there.access_link.text()) +
         "\nprefix = " + quoted(there.prefix.text()) + "\naccess_points = [" +
         quoted(there.access_point.text()) +
         "]\nprotection = " + (clear ? "\"clear\"\n" : "\"esp\"\n");
}

}  // namespace

std::string router_configuration(Side side, Mode mode, const Credentials& credentials,
                                 const AssociationKeys& keys, const Settings& settings) {
  const auto i = static_cast<std::size_t>(side);
  const Place& here = place(side);
  std::string text = "[[interface]]\nname = " + quoted(kAccessInterface) + "\nprefixes = [" +
                     quoted(here.prefix.text()) + "]\naccess_points = [" +
                     quoted(here.access_point.text()) + "]\nanswer_delay_ms = 0\n";
  // What Mobile IPv6 wants of a router whose nodes have nothing better (RFC 6275 7.5).
  text += mode == Mode::kPlain
              ? "fast_advertisements = true\nmin_ra_interval = 0.03\nmax_ra_interval = 0.07\n"
              : "max_ra_interval = 10\n";
  text += cga_section(credentials.routers[i]);
  text += "[certificate]\nchain = " + quoted(credentials.chains[i]) +
          "\nanchor = " + quoted(credentials.anchor) + "\n";
  text += neighbour_section(other(side), credentials, settings.clear);
  if (!settings.clear) text += association_section(side, credentials, keys);
  text += datapath_section(settings);
  if (settings.guard && mode != Mode::kPlain) text += kGuardSection;
  // On a link without delay an answer to a probe comes at once; 1 s is for the world.
  text += "[arrival]\ndad_interval_ms = 20\n";
  return text;
}

std::string mobile_configuration(const Credentials& credentials, const Settings& settings,
                                 const std::string& radio) {
  return "[[interface]]\nname = " + quoted(kAccessInterface) + "\n" +
         cga_section(credentials.mobile) + "[trust]\nanchors = [" + quoted(credentials.anchor) +
         "]\n[discovery]\nfirst_delay_max = 0\ndad = \"optimistic\"\n[handover]\nswitch_socket = " +
         quoted(radio) + "\nmin_interval_ms = 100\n" + datapath_section(settings) +
         (settings.guard ? kGuardSection : "");
}

}  // namespace sendoff::lab
