// Names and explanations of the contract's enumerations: one place for what people read.
#include "machine/input.h"
#include "machine/machine.h"

namespace sendoff::machine {

std::string_view name(JobClass job_class) {
  switch (job_class) {
    case JobClass::kSolicited:
      return "solicited";
    case JobClass::kSign:
      return "sign";
    case JobClass::kUnsolicited:
      return "unsolicited";
    case JobClass::kPath:
      return "path";
    case JobClass::kLookup:
      return "lookup";
    case JobClass::kBackground:
      return "background";
    case JobClass::kCount:
      break;
  }
  return "unknown";
}

std::string_view name(JobError error) {
  switch (error) {
    case JobError::kCrypto:
      return "crypto";
    case JobError::kCancelled:
      return "cancelled";
    case JobError::kStore:
      return "store";
  }
  return "unknown";
}

std::string_view name(ActionError error) {
  switch (error) {
    case ActionError::kRefused:
      return "refused";
    case ActionError::kDuplicate:
      return "duplicate";
    case ActionError::kUnsupported:
      return "unsupported";
    case ActionError::kStore:
      return "store";
    case ActionError::kGone:
      return "gone";
  }
  return "unknown";
}

std::string_view name(OrderError error) {
  switch (error) {
    case OrderError::kNotMyRole:
      return "not-my-role";
    case OrderError::kUnknownAccessPoint:
      return "unknown-access-point";
    case OrderError::kSameInterface:
      return "same-interface";
    case OrderError::kNoFastHandover:
      return "no-fast-handover";
    case OrderError::kNoKey:
      return "no-key";
    case OrderError::kNoAddress:
      return "no-address";
    case OrderError::kTentativeAddress:
      return "address-tentative";
    case OrderError::kNoRouter:
      return "no-router";
    case OrderError::kNotARouter:
      return "not-a-router";
    case OrderError::kTooMany:
      return "too-many";
    case OrderError::kBusy:
      return "busy";
    case OrderError::kWrongPrefix:
      return "wrong-prefix";
    case OrderError::kUnknownNode:
      return "unknown-node";
  }
  return "unknown";
}

std::string_view explain(OrderError error) {
  switch (error) {
    case OrderError::kNotMyRole:
      return "this daemon's role has no such order; ask the other daemon";
    case OrderError::kUnknownAccessPoint:
      return "no router is known for this access point; see the neighbours in `sendoff status`";
    case OrderError::kSameInterface:
      return "the access point is on the current router's own interface: no handover is needed";
    case OrderError::kNoFastHandover:
      return "the router of this access point is unknown to ours or has no fast handover";
    case OrderError::kNoKey:
      return "no live handover key for the current router; `sendoff events` tells why none came";
    case OrderError::kNoAddress:
      return "no care-of address on this link yet; `sendoff events` tells what is missing";
    case OrderError::kTentativeAddress:
      return "Duplicate Address Detection for the care-of address has not ended; try again in a "
             "second";
    case OrderError::kNoRouter:
      return "no router with a valid certification path was heard yet";
    case OrderError::kNotARouter:
      return "a request goes to the current router's link-local address or to all routers, ff02::2";
    case OrderError::kTooMany:
      return "one request is about sixteen access points at most";
    case OrderError::kBusy:
      return "a handover is under way; wait for its end in `sendoff events`";
    case OrderError::kWrongPrefix:
      return "the care-of address must lie in the prefix of the access point's router";
    case OrderError::kUnknownNode:
      return "no node with this link-layer address holds a handover key here; name it by its IPv6 "
             "address";
  }
  return "unknown";
}

std::string_view name(EventKind kind) {
  switch (kind) {
    case EventKind::kWarning:
      return "warning";
    case EventKind::kRouterFound:
      return "router-found";
    case EventKind::kRouterLost:
      return "router-lost";
    case EventKind::kPathFetched:
      return "path-fetched";
    case EventKind::kPathRefused:
      return "path-refused";
    case EventKind::kPathWithdrawn:
      return "path-withdrawn";
    case EventKind::kAddressFormed:
      return "address-formed";
    case EventKind::kAddressLost:
      return "address-lost";
    case EventKind::kAddressClaimed:
      return "address-claimed";
    case EventKind::kKeyRequested:
      return "key-requested";
    case EventKind::kKeyReceived:
      return "key-received";
    case EventKind::kKeyRefused:
      return "key-refused";
    case EventKind::kKeyIssued:
      return "key-issued";
    case EventKind::kKeyDiscarded:
      return "key-discarded";
    case EventKind::kRequestUnvalidated:
      return "request-unvalidated";
    case EventKind::kRequestRefused:
      return "request-refused";
    case EventKind::kHandoverStarted:
      return "handover-started";
    case EventKind::kHandoverDone:
      return "handover-done";
    case EventKind::kHandoverFailed:
      return "handover-failed";
    case EventKind::kHandoverEnded:
      return "handover-ended";
    case EventKind::kLinkLeft:
      return "link-left";
    case EventKind::kLinkEntered:
      return "link-entered";
    case EventKind::kUnaSent:
      return "una-sent";
    case EventKind::kAddressAnnounced:
      return "address-announced";
    case EventKind::kFbuSent:
      return "fbu-sent";
    case EventKind::kFbackReceived:
      return "fback-received";
    case EventKind::kNaackReceived:
      return "naack-received";
    case EventKind::kBindingInstalled:
      return "binding-installed";
    case EventKind::kBindingRemoved:
      return "binding-removed";
    case EventKind::kHandoverInitiated:
      return "handover-initiated";
    case EventKind::kHandoverRefused:
      return "handover-refused";
    case EventKind::kArrivalExpected:
      return "arrival-expected";
    case EventKind::kArrivalSeen:
      return "arrival-seen";
    case EventKind::kArrivalEnded:
      return "arrival-ended";
    case EventKind::kFbuRefused:
      return "fbu-refused";
    case EventKind::kRouterReady:
      return "router-ready";
    case EventKind::kRouterContradicts:
      return "router-contradicts";
    case EventKind::kEspAudit:
      return "esp-audit";
    case EventKind::kConfigured:
      return "configured";
    case EventKind::kCount:
      break;
  }
  return "unknown";
}

std::string_view name(const ActionKind& action) {
  static constexpr std::string_view kNames[] = {
      "transmit",       "verdict",        "set-proven",
      "start",          "cancel",         "install-binding",
      "remove-binding", "attach-tunnel",  "detach-tunnel",
      "open-buffer",    "release-buffer", "discard-buffer",
      "add-address",    "remove-address", "set-route",
      "set-neighbour",  "set-proxy",      "join-group",
      "switch-link",    "run-dhcp",       "read-revocation-lists",
      "persist",        "forget",         "report"};
  static_assert(std::size(kNames) == std::variant_size_v<ActionKind>);
  return kNames[action.index()];
}

bool has_outcome(const ActionKind& action) {
  return !std::holds_alternative<Transmit>(action) && !std::holds_alternative<Verdict>(action) &&
         !std::holds_alternative<SetProven>(action) && !std::holds_alternative<Start>(action) &&
         !std::holds_alternative<Cancel>(action) && !std::holds_alternative<Report>(action);
}

std::string_view Event::text(std::string_view field) const {
  for (const Field& candidate : fields)
    if (candidate.name == field)
      if (const auto* text = std::get_if<std::string>(&candidate.value)) return *text;
  return {};
}

std::int64_t Event::number(std::string_view field) const {
  for (const Field& candidate : fields)
    if (candidate.name == field)
      if (const auto* number = std::get_if<std::int64_t>(&candidate.value)) return *number;
  return 0;
}

}  // namespace sendoff::machine
