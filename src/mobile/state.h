// The parts of a mobile node and what goes on between them. mobile.cpp hands inputs in, moves.cpp
// leads from link to link.
#pragma once

#include "mobile/announcer.h"
#include "mobile/attach.h"
#include "mobile/handover.h"
#include "mobile/landing.h"
#include "mobile/mobile.h"
#include "mobile/provision.h"
#include "nd/mobility_gate.h"

namespace sendoff::mobile {

struct Mobile::State {
  Config config;
  machine::Outbox outbox;
  send::Receiver receiver;
  nd::CertifiedKeys certified;
  nd::PathFetcher paths;
  nd::Discovery discovery;
  keys::HeldKeys keys;
  keys::EncryptionPair pair;
  MobileCounters counters;
  nd::MobilityGate gate;
  Attach attach;
  Provision provision;
  Announcer announcer;
  Handover handover;
  Landing landing;
  std::optional<Attachment> in_use;
  // What the router that was left told of other access points: one of them comes next.
  std::vector<AccessPoint> told;
  std::optional<machine::ApAttached> named;  // the last one
  Instant named_at{};
  // Where the link is going: what is to be said there is signed once the order to go is out.
  std::optional<std::pair<Now, AccessPoint>> switching;

  State(const Config& given, Random& random)
      : config(given),
        receiver(config.receiver, outbox),
        paths(config.paths, random, outbox, certified),
        discovery(config.discovery, random, outbox, receiver, certified, paths),
        keys(config.max_keys),
        pair(config.encryption_pair),
        gate(outbox),
        attach(config, discovery, outbox),
        provision(Provision::Parts{config, attach, discovery, certified, paths, receiver, keys,
                                   pair, random, outbox, counters}),
        announcer(config, receiver.stamps(), outbox, counters),
        handover(Handover::Parts{config, attach, keys, pair, outbox, counters}),
        landing(Landing::Parts{config, attach, discovery, announcer, outbox, counters}) {
    receiver.take(send::Kind::kRouterAdvertisement);
    receiver.take(send::Kind::kPrRtAdv);
    receiver.take(send::Kind::kCertificationPathAdvertisement);
  }

  void mobility(Now now, const machine::Received& received, const wire::PacketView& packet);
  void dispatch(Now now, send::Judged judged);
  void settle(Now now);
  void follow(Now now, const Attach::Change& change);
  void leave(Now now);
  void invalid(Now now, const Attachment& attachment);
  void link_gone(Now now, InterfaceId interface);
  void stand(Now now);
  void land(Now now, InterfaceId interface, const AccessPoint& target);
  void prepare(Now now, const AccessPoint& target, const Ipv6Address& address);
  void prepare_for(Now now, const AccessPoint& target);
  void prepare_for_any(Now now);
  void acknowledged(Now now);
  void landing_changed(Now now, const Landing::Change& change);
  void follow_landing(Now now);
  void network_initiated(Now now, const LinkAddress& access_point);
  [[nodiscard]] std::optional<AccessPoint> told_of(const LinkAddress& access_point) const;
  void hurry(Now now);
  [[nodiscard]] std::optional<AccessPoint> expected_at(Now now, InterfaceId interface) const;
  void enter(Now now, InterfaceId interface, bool entered,
             const std::optional<AccessPoint>& target);
  void interface_up(Now now, const machine::InterfaceUp& event);
  void ap_attached(Now now, const machine::ApAttached& event);
  void forget(const machine::HeldKeyName& name, std::string_view reason);
  void discard_keys_of(Now now, const nd::CertifiedKeys::Withdrawn& router);
  void expire_keys(Now now);
  [[nodiscard]] Result<void, machine::OrderError> carry_out(Now now, const machine::Order& order);
  [[nodiscard]] Result<void, machine::OrderError> ask_for_key(Now now,
                                                              const machine::RequestKey& order);
  [[nodiscard]] Result<void, machine::OrderError> binding_complete(Now now);
};

}  // namespace sendoff::mobile
