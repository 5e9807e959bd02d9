// The actions that a LinuxHost carries out.
#include <cerrno>

#include "net/linux_host_state.h"
#include "wire/ipv6.h"

namespace sendoff::net {

using machine::ActionError;
using machine::Facts;

namespace {

AddressDad dad_of(machine::DadMode mode) {
  switch (mode) {
    case machine::DadMode::kNormal:
      return AddressDad::kNormal;
    case machine::DadMode::kOptimistic:
      return AddressDad::kOptimistic;
    case machine::DadMode::kNone:
      return AddressDad::kNone;
  }
  return AddressDad::kNormal;
}

std::string journal_line(std::string_view kind, const HostInterface& interface,
                         const Ipv6Address& address) {
  return std::string(kind) + " " + interface.name + " " + address.text();
}

}  // namespace

void LinuxHost::State::conclude(const Attempt<>& attempt, const Done& done) {
  if (attempt) return done(Facts{});
  warn(attempt.error().text());
  done(fail(attempt.error().code == ENODEV ? ActionError::kGone : ActionError::kRefused));
}

void LinuxHost::carry_out(const machine::Transmit& action) {
  HostInterface* interface = state_->by_id(action.interface);
  const auto header = wire::Ipv6Header::parse(action.packet);
  Attempt<> sent = fail(SystemError{ENODEV, "send"});
  if (!header)
    sent = fail(SystemError{EINVAL, "send what is not an IPv6 packet"});
  else if (action.policed)
    sent = state_->send_policed(action.packet);
  else if (interface && interface->packets && action.link_destination)
    sent = interface->packets->send(*action.link_destination, action.packet);
  else if (interface && interface->packets && header->destination.is_multicast())
    sent = interface->packets->send(link_address_of_group(header->destination), action.packet);
  else if (interface && interface->packets)
    sent = state_->sender->send(action.routed ? 0 : interface->index, header->destination,
                                action.packet);
  if (sent) {
    ++state_->counted.sent;
  } else {
    ++state_->counted.send_failed;
    state_->warn(sent.error().text());
  }
}

void LinuxHost::carry_out(const machine::Verdict& action) {
  if (!state_->nd_queue) return;
  const auto [line, id] = held_packet(action.hold);
  PacketQueue& queue = state_->nd_queue->queue(line);
  switch (action.kind) {
    case machine::Verdict::Kind::kPass:
      return queue.accept(id);
    case machine::Verdict::Kind::kReplace:
      return queue.replace(id, action.packet);
    case machine::Verdict::Kind::kDrop:
      return queue.drop(id);
  }
}

void LinuxHost::carry_out(const machine::SetProven& action) {
  const HostInterface* interface = state_->by_id(action.interface);
  if (!state_->nd_queue || !interface) return;
  const auto set = state_->nd_queue->set_proven(interface->name, action.address, action.present);
  if (!set) state_->warn(set.error().text());
}

void LinuxHost::carry_out(const machine::AddAddress& action, Done done) {
  const HostInterface* interface = state_->by_id(action.interface);
  if (!interface || interface->index == 0) return done(fail(ActionError::kGone));
  state_->admit_source(action.address);
  state_->addresses.add({interface->index, action.address, action.prefix_length, dad_of(action.dad),
                         action.valid, action.preferred},
                        std::move(done));
  state_->refresh_destinations();
}

void LinuxHost::carry_out(const machine::RemoveAddress& action, Done done) {
  const HostInterface* interface = state_->by_id(action.interface);
  if (!interface || interface->index == 0) return done(fail(ActionError::kGone));
  state_->refuse_source(interface->index, action.address);
  state_->addresses.remove(interface->index, action.address, std::move(done));
  state_->refresh_destinations();
}

void LinuxHost::carry_out(const machine::SetRoute& action, Done done) {
  const HostInterface* interface = state_->by_id(action.interface);
  if (!interface || interface->index == 0) return done(fail(ActionError::kGone));
  const RouteInfo route{interface->index, action.destination, action.gateway};
  state_->conclude(
      action.present ? state_->netlink->set_route(route) : state_->netlink->remove_route(route),
      done);
}

void LinuxHost::carry_out(const machine::SetNeighbour& action, Done done) {
  const HostInterface* interface = state_->by_id(action.interface);
  if (!interface || interface->index == 0) return done(fail(ActionError::kGone));
  const std::string line = journal_line("neighbour", *interface, action.address);
  if (!action.link_address) {
    const auto removed = state_->netlink->remove_neighbour(interface->index, action.address);
    if (removed) state_->journal.strike(line);
    return state_->conclude(removed, done);
  }
  auto set = state_->journal.note(line);
  // A router has it from a node that came (RFC 5568 6.3), a node from its router's signed word.
  const auto trust =
      state_->config.router ? Netlink::Trust::kUnconfirmed : Netlink::Trust::kCertain;
  if (set)
    set = state_->netlink->set_neighbour(interface->index, action.address, *action.link_address,
                                         trust);
  state_->conclude(set, done);
}

void LinuxHost::carry_out(const machine::SetProxy& action, Done done) {
  const HostInterface* interface = state_->by_id(action.interface);
  if (!interface || interface->index == 0) return done(fail(ActionError::kGone));
  const std::string line = journal_line("proxy", *interface, action.address);
  if (!action.present) {
    const auto removed = state_->netlink->remove_proxy(interface->index, action.address);
    if (removed) state_->journal.strike(line);
    return state_->conclude(removed, done);
  }
  auto set = state_->journal.note(line);
  if (set) set = state_->netlink->set_proxy(interface->index, action.address);
  state_->conclude(set, done);
}

void LinuxHost::carry_out(const machine::JoinGroup& action, Done done) {
  HostInterface* interface = state_->by_id(action.interface);
  if (!interface || !interface->advertisements) return done(fail(ActionError::kGone));
  state_->conclude(action.member ? interface->advertisements->join(action.group)
                                 : interface->advertisements->leave(action.group),
                   done);
}

}  // namespace sendoff::net
