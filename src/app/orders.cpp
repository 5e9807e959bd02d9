// `sendoff handover`, `request-key`, `binding-complete` and `link-moved`: orders to a mobile node.
// `sendoff advise`: to an access router.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/ask.h"
#include "app/commands.h"

namespace sendoff::app {

namespace {

std::optional<LinkAddress> access_point_of(const std::string& text) {
  const auto address = LinkAddress::parse(text);
  if (address && !address->empty()) return address;
  std::fprintf(stderr,
               "sendoff: an access point is a link-layer address such as 02:00:5e:00:53:01\n");
  return std::nullopt;
}

// The order to an access router's daemon; nothing, and a word to the user, when `mn` is no address.
std::optional<machine::Advise> advise_of(const std::string& mn) {
  if (const auto address = Ipv6Address::parse(mn)) return machine::Advise{*address, std::nullopt};
  const auto link_address = LinkAddress::parse(mn);
  if (link_address && !link_address->empty()) return machine::Advise{*link_address, std::nullopt};
  std::fprintf(stderr,
               "sendoff: a node is named by its IPv6 address or by its link-layer address\n");
  return std::nullopt;
}

// RFC 5568 3.3: the router tells the node to go; the FBU is still the node's own.
int network_handover(const std::string& socket, const std::string& mn,
                     const std::optional<LinkAddress>& access_point) {
  auto advise = advise_of(mn);
  if (!advise || !access_point) return kWrong;
  advise->access_point = access_point;
  return ask_daemon(socket, machine::Order(*advise),
                    "the node was told; its FBU is in `sendoff events`");
}

void add_handover(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("handover", "Send the mobile node over to another access point");
  command->footer(
      "Sends the Fast Binding Update; its end is an event, handover-done or handover-failed.\n"
      "Access points that can be reached are the neighbours of `sendoff status`.\n"
      "With --network it asks an access router's daemon to tell one of its nodes to go.\n"
      "Example: sendoff handover --to 02:00:5e:00:53:02\n"
      "Example: sendoff handover --network 2001:db8:a:1::5 --to 02:00:5e:00:53:02");
  const auto socket = add_socket_option(*command);
  const auto to = std::make_shared<std::string>();
  const auto network = std::make_shared<std::string>();
  command->add_option("--to", *to, "Link-layer address of the access point")->required();
  command->add_option("--network", *network,
                      "Network-initiated, at the node's access router: its IPv6 address, or the\n"
                      "link-layer address that it has a handover key with");
  command->callback([=, &exit_code] {
    const auto access_point = access_point_of(*to);
    if (!network->empty()) {
      exit_code = network_handover(*socket, *network, access_point);
      return;
    }
    exit_code = access_point ? ask_daemon(*socket, machine::Order(machine::HandOver{*access_point}),
                                          "handover under way; its end is in `sendoff events`")
                             : kWrong;
  });
}

void add_request_key(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("request-key", "Ask the current router for a handover key now");
  command->footer(
      "The mobile node asks by itself, at least every [keys] request_interval; this is for\n"
      "impatience and tests. Example: sendoff request-key && sendoff events\n"
      "Example: sendoff request-key --about 02:00:5e:00:53:02 --destination ff02::2");
  const auto socket = add_socket_option(*command);
  const auto about = std::make_shared<std::vector<std::string>>();
  const auto destination = std::make_shared<std::string>();
  command->add_option("--about", *about, "Access points to be told of; left out: all");
  command->add_option("--destination", *destination,
                      "The current router's link-local address, or ff02::2: all routers");
  command->callback([=, &exit_code] {
    exit_code = kWrong;
    machine::RequestKey request;
    for (const std::string& text : *about) {
      const auto address = access_point_of(text);
      if (!address) return;
      request.access_points.push_back(*address);
    }
    if (!destination->empty() && !(request.destination = Ipv6Address::parse(*destination))) {
      std::fprintf(stderr, "sendoff: a destination is an IPv6 address\n");
      return;
    }
    exit_code =
        ask_daemon(*socket, machine::Order(request), "asked; the answer is in `sendoff events`");
  });
}

void add_binding_complete(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "binding-complete", "Tell the mobile node that Mobile IPv6 has updated its bindings");
  command->footer(
      "From then on the previous router need not forward. Who runs Mobile IPv6 calls this.\n"
      "Example: sendoff binding-complete");
  const auto socket = add_socket_option(*command);
  command->callback([=, &exit_code] {
    exit_code = ask_daemon(*socket, machine::Order(machine::BindingComplete{}), "noted");
  });
}

void add_advise(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("advise", "Let the access router tell a node of its neighbourhood");
  command->footer(
      "Sends a signed PrRtAdv that the node did not ask for: with --to it is told to hand over\n"
      "to that access point, without it learns which ones there are. With --care-of it is told\n"
      "which address to use there, as well.\n"
      "Example: sendoff advise --mn 2001:db8:a:1::5 --to 02:00:5e:00:53:02");
  const auto socket = add_socket_option(*command);
  const auto mn = std::make_shared<std::string>();
  const auto to = std::make_shared<std::string>();
  command->add_option("--mn", *mn, "The node's address on the router's link, IPv6 or link-layer")
      ->required();
  const auto care_of = std::make_shared<std::string>();
  CLI::Option* const to_option =
      command->add_option("--to", *to, "Link-layer address of the access point");
  command->add_option("--care-of", *care_of, "Care-of address that the node is to use there")
      ->needs(to_option);
  command->callback([=, &exit_code] {
    exit_code = kWrong;
    auto advise = advise_of(*mn);
    if (!advise) return;
    if (!to->empty() && !(advise->access_point = access_point_of(*to))) return;
    if (!care_of->empty() && !(advise->new_care_of = Ipv6Address::parse(*care_of))) {
      std::fprintf(stderr, "sendoff: a care-of address is an IPv6 address\n");
      return;
    }
    exit_code = ask_daemon(*socket, machine::Order(*advise), "sent to the node");
  });
}

void add_link_moved(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "link-moved", "Tell the mobile node to which access point an interface is attached");
  command->footer(
      "For the program that moves the link, where the daemon cannot see it.\n"
      "Example: sendoff link-moved --interface wlan0 --to 02:00:5e:00:53:02");
  const auto socket = add_socket_option(*command);
  const auto interface = std::make_shared<std::string>();
  const auto to = std::make_shared<std::string>();
  command->add_option("--interface", *interface, "Name of the interface")->required();
  command->add_option("--to", *to, "Its access point; left out: it has none any more");
  command->callback([=, &exit_code] {
    control::LinkMoved moved{*interface, std::nullopt};
    if (!to->empty()) {
      moved.access_point = access_point_of(*to);
      if (!moved.access_point) {
        exit_code = kWrong;
        return;
      }
    }
    exit_code = ask_daemon(*socket, moved, "noted");
  });
}

}  // namespace

void add_order_commands(CLI::App& app, int& exit_code) {
  add_handover(app, exit_code);
  add_request_key(app, exit_code);
  add_binding_complete(app, exit_code);
  add_link_moved(app, exit_code);
  add_advise(app, exit_code);
}

}  // namespace sendoff::app
