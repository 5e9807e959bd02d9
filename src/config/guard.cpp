#include "config/guard.h"

#include <algorithm>

#include "net/nd_queue.h"

namespace sendoff::config {

namespace {

std::optional<nd::GuardMode> mode_named(const std::string& text) {
  for (const nd::GuardMode mode :
       {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly, nd::GuardMode::kOff})
    if (text == name(mode)) return mode;
  return std::nullopt;
}

std::optional<net::OnStop> on_stop_named(const std::string& text) {
  if (text == "open") return net::OnStop::kOpen;
  if (text == "closed") return net::OnStop::kClosed;
  return std::nullopt;
}

bool is_of_router(send::Kind kind) {
  return kind == send::Kind::kRouterAdvertisement || kind == send::Kind::kRedirect ||
         kind == send::Kind::kPrRtAdv;
}

}  // namespace

void read_on_stop(Section& guard, Daemon& daemon) {
  net::OnStop on_stop = net::OnStop::kOpen;
  if (!guard.present())
    guard.report().error(0,
                         "[guard] is missing: say what happens without the daemon, as on_stop = "
                         "\"open\" or \"closed\"");
  else
    guard.require("on_stop",
                  "say \"open\": Neighbor Discovery goes on unprotected, or \"closed\": it stops");
  guard.parsed("on_stop", on_stop, on_stop_named, "open or closed");
  daemon.guard = on_stop;
}

void read_guard_mode(Section& section, std::string_view key, nd::GuardMode& mode) {
  section.parsed(key, mode, mode_named, "mixed, secured-only or off");
}

void read_guard_limits(Section& section, nd::GuardConfig& config) {
  section.number("signatures_per_neighbour", config.signatures.per_source_s, 1, 100'000);
  section.number("signatures_per_interface", config.signatures.per_interface_s, 1, 1'000'000);
  section.number("signing", config.max_signing, 1, 4096);
  section.number("neighbours", config.max_neighbours, 16, 1'000'000);
}

std::string method_key(send::Kind kind) {
  std::string key(name(kind));
  std::ranges::replace(key, '-', '_');
  return key;
}

void read_method(Section& authorization, send::Kind kind, send::Methods& methods) {
  const std::string key = method_key(kind);
  send::Method method = methods.of(kind);
  authorization.parsed(
      key, method, [](const std::string& text) { return send::method_named(text); },
      "trust-anchor, cga, trust-anchor-and-cga or trust-anchor-or-cga");
  methods.set(kind, method);
  if (!is_of_router(kind) && !send::satisfied(method, false, true))
    authorization.warning(key, "is " + std::string(name(method)) +
                                   ": hosts' certificates are not asked for, so that no such "
                                   "message is taken");
}

void read_authorization(Section& root, send::Methods& methods) {
  Section section = root.table("authorization");
  for (const send::Kind kind : send::kKindsWithMethod) {
    read_method(section, kind, methods);
    if (is_of_router(kind) && send::satisfied(methods.of(kind), false, true))
      section.warning(method_key(kind),
                      "is " + std::string(name(methods.of(kind))) +
                          ": a router needs its certificate all the same (RFC 5269 3.2)");
  }
  section.finish();
}

GuardBeside::GuardBeside(Section& root, nd::GuardPlace place, Daemon& daemon) {
  Section section = root.table("guard");
  if (!section.present()) return;
  config_.emplace();
  config_->place = place;
  read_on_stop(section, daemon);
  read_guard_mode(section, "mode", all_.mode);
  section.flag("ignore_unsecured_dad", all_.ignore_unsecured_dad);
  read_receiver_limits(section, config_->receiver);
  read_guard_limits(section, *config_);
  section.finish();
}

void GuardBeside::read(Section& interface, InterfaceId id, const std::string& name) {
  if (!config_) {
    if (interface.has("guard"))
      interface.error("guard",
                      "stands here, and [guard] nowhere: say there what happens without "
                      "the daemon");
    nd::GuardMode unused = nd::GuardMode::kOff;
    return read_guard_mode(interface, "guard", unused);
  }
  nd::GuardedInterface guarded = all_;
  guarded.id = id;
  guarded.name = name;
  guarded.form_addresses = false;
  read_guard_mode(interface, "guard", guarded.mode);
  config_->interfaces.push_back(std::move(guarded));
  if (config_->interfaces.size() == net::NdQueue::kMaxInterfaces + 1)
    interface.error("guard", "protects at most " + std::to_string(net::NdQueue::kMaxInterfaces) +
                                 " interfaces; there are more");
}

std::optional<nd::GuardConfig> GuardBeside::config(const send::Identity& identity,
                                                   const send::ReceiverConfig& receiver) {
  if (!config_) return std::nullopt;
  config_->identity = identity;
  config_->receiver.methods = receiver.methods;
  config_->receiver.key_limits = receiver.key_limits;
  config_->receiver.compare_frame_source = receiver.compare_frame_source;
  send::TimestampConfig& timestamps = config_->receiver.timestamps;
  const std::size_t peers = timestamps.max_peers;
  timestamps = receiver.timestamps;
  timestamps.max_peers = peers;
  return config_;
}

}  // namespace sendoff::config
