// What a machine reports of itself: events that people and `sendoff events` read. No secret can
// be put into one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sendoff::machine {

enum class EventKind : std::uint8_t {
  kWarning,             // text: what an operator should know
  kRouterFound,         // MN: a secured RA was accepted: router, path, prefixes
  kRouterLost,          // MN: the current router's lifetime or link ended
  kPathFetched,         // MN: a certification path was validated: subject, path
  kPathRefused,         // MN: a path or a router was refused: reason
  kPathWithdrawn,       // MN: one counts no more: subject, reason (revoked, no-revocation-list)
  kAddressFormed,       // an address of ours is ready: address
  kAddressLost,         // DAD found it in use, or its lifetime ended
  kAddressClaimed,      // another node claims one of ours, unproven: link_address (rate-limited)
  kKeyRequested,        // MN: RtSolPr with Handover Key Request sent
  kKeyReceived,         // MN: handover key stored: ar, algorithm, lifetime_s, fingerprint
  kKeyRefused,          // MN: a PrRtAdv gave no key: reason
  kKeyIssued,           // AR: key delivered: cga, algorithm, lifetime_s, fingerprint, fresh
  kKeyDiscarded,        // key wiped: reason
  kRequestUnvalidated,  // AR: RtSolPr failed validation: reason (rate-limited)
  kRequestRefused,      // AR: validated request without key: reason
  kHandoverStarted,     // MN: FBU sent: ar, ncoa
  kHandoverDone,        // MN: FBack accepted it: ncoa, lifetime_s
  kHandoverFailed,      // MN: reason
  kHandoverEnded,       // MN: forwarding from a router is over: ar, reason
  kLinkLeft,            // MN: the link of the router in use is gone
  kLinkEntered,         // MN: a link is up: access_point, announced (its router was told before)
  kUnaSent,             // MN: address
  kAddressAnnounced,    // MN: NA with Override for a confirmed address: address
  kFbuSent,             // MN: ar, source, care_of, sequence, lifetime_s
  kFbackReceived,       // MN: ar, status, sequence
  kNaackReceived,       // MN: status, address
  kBindingInstalled,    // PAR: pcoa, ncoa, lifetime_s
  kBindingRemoved,      // PAR: pcoa, reason
  kHandoverInitiated,   // PAR: HI sent: pcoa, ncoa, nar, link_address, code
  kHandoverRefused,     // PAR: no binding came of it: pcoa, ncoa, nar, reason
  kArrivalExpected,     // NAR: HAck accepted: address, pcoa, par, link_address, code
  kArrivalSeen,         // NAR: its UNA came: address, link_address
  kArrivalEnded,        // NAR: all that was made for it is gone: address, reason
  kFbuRefused,          // PAR: an FBU was not followed: one line for all causes (rate-limited)
  kRouterReady,         // AR: advertising, provisioning on
  kRouterContradicts,   // AR: another router's RA contradicts ours: interface, router, text
  kConfigured,          // a configuration was taken
  kEspAudit,            // AR: what RFC 4303 4 wants audited: cause and packet (rate-limited)
  kCount,
};
[[nodiscard]] std::string_view name(EventKind kind);  // "key-issued" …

struct Field {
  std::string_view name;  // a literal
  std::variant<std::string, std::int64_t> value;
};

struct Event {
  EventKind kind = EventKind::kWarning;
  std::vector<Field> fields;

  // The value of a text field, or an empty text.
  [[nodiscard]] std::string_view text(std::string_view field) const;
  [[nodiscard]] std::int64_t number(std::string_view field) const;  // 0 when absent
};

}  // namespace sendoff::machine
