// Promises about handover keys.
#include <algorithm>

#include "keys/authenticator.h"
#include "sim/key_pool.h"
#include "sim/places.h"
#include "sim/promises.h"
#include "sim/world.h"
#include "wire/ipv6.h"

namespace sendoff::sim {

namespace {

// What drift, rounding to seconds and the way of a message add to a lifetime.
constexpr Duration kTolerance = seconds(3);

bool contains(ByteView octets, ByteView part) { return !std::ranges::search(octets, part).empty(); }

}  // namespace

void KeySecrecy::asked(const Node& node, const machine::ActionKind& action) {
  if (const auto* transmit = std::get_if<machine::Transmit>(&action)) {
    for (const auto& [key, about] : keys_)
      if (contains(transmit->packet, key))
        broken(node.name() + " sends the key of " + about.cga.text() + " in clear");
    return;
  }
  if (const auto* persist = std::get_if<machine::Persist>(&action)) {
    const auto* issued = std::get_if<machine::IssuedKey>(&persist->record);
    if (issued == nullptr) return;
    const auto [entry, fresh] =
        keys_.try_emplace(to_bytes(issued->key.expose()), Key{issued->cga, &node});
    if (!fresh && (entry->second.cga != issued->cga || entry->second.router != &node))
      broken(node.name() + " gives " + issued->cga.text() + " the key of " +
             entry->second.cga.text());
    return;
  }
  const auto* start = std::get_if<machine::Start>(&action);
  const auto* sign = start ? std::get_if<machine::SignMessage>(&start->job) : nullptr;
  if (sign == nullptr || !sign->seal) return;
  const auto key = keys_.find(to_bytes(sign->seal->handover_key.expose()));
  if (key == keys_.end()) return broken(node.name() + " seals a key that it did not store first");
  const MobileNode* owner = world_.owner_of(key->second.cga);
  if (owner == nullptr) return;  // a stranger's own address: his affair
  for (std::size_t i = 0; i < kDecryptionKeys; ++i)
    if (owner->owns_pair(i) &&
        equal(decryption_key(i)->public_key().modulus(), sign->seal->key.modulus()))
      return;
  broken(node.name() + " seals the key of " + key->second.cga.text() + " for somebody else than " +
         owner->name());
}

void KeySecrecy::job_ended(const Node& node, const machine::Job&,
                           const machine::JobOutput& output) {
  const auto* opened = std::get_if<machine::HandoverKeyOpened>(&output);
  if (opened == nullptr || opened->key.expose().empty()) return;
  const auto key = keys_.find(to_bytes(opened->key.expose()));
  if (key == keys_.end()) return;
  if (world_.owner_of(key->second.cga) != &node)
    broken(node.name() + " opens the key of " + key->second.cga.text());
}

void VerifiedState::asked(const Node& node, const machine::ActionKind& action) {
  const auto* persist = std::get_if<machine::Persist>(&action);
  const auto* issued =
      persist != nullptr ? std::get_if<machine::IssuedKey>(&persist->record) : nullptr;
  if (issued == nullptr) return;
  if (world_.owner_of(issued->cga) != nullptr) return;
  for (std::size_t i = 0; i < world_.routers().size(); ++i)
    for (std::size_t number = 0; number < kStrangers; ++number)
      for (std::size_t cga = 0; cga < kStrangerCgas; ++cga)
        if (stranger_identity(number, cga).address(access_prefix(i)) == issued->cga) return;
  broken(node.name() + " stores a key for " + issued->cga.text() + ", which nobody owns");
}

void KeyLifetime::asked(const Node& node, const machine::ActionKind& action) {
  const auto* persist = std::get_if<machine::Persist>(&action);
  const auto* issued =
      persist != nullptr ? std::get_if<machine::IssuedKey>(&persist->record) : nullptr;
  if (issued != nullptr)
    issued_.emplace(keys::fingerprint(issued->key), Issued{world_.context().queue.now(), &node});
}

void KeyLifetime::second() {
  const WorldTime now = world_.context().queue.now();
  const Duration lifetime = seconds(world_.context().scenario.key_lifetime_s);
  const auto check = [&](const Node& node, const std::string& fingerprint) {
    const auto issued = issued_.find(fingerprint);
    if (issued == issued_.end())
      return broken(node.name() + " has a key that no router issued: " + fingerprint);
    const auto& [at, router] = issued->second;
    const Duration stepped = router->stepped() + (&node == router ? Duration{} : node.stepped());
    if (now - at > lifetime + kTolerance + stepped)
      broken(node.name() + " still has the key " + fingerprint);
  };
  for (const auto& router : world_.routers())
    if (const auto status = router->status())
      for (const auto& key : status->keys) check(*router, key.fingerprint);
  for (const auto& mobile : world_.mobiles())
    if (const auto status = mobile->status())
      for (const auto& key : status->keys) check(*mobile, key.fingerprint);
}

void KeysAgree::asked(const Node& node, const machine::ActionKind& action) {
  const auto* report = std::get_if<machine::Report>(&action);
  if (report == nullptr) return;
  using enum machine::EventKind;
  const machine::Event& event = report->event;
  if (event.kind == kKeyRefused && event.text("reason") == "unanswered")
    unanswered_.insert(&node);
  else if (event.kind == kKeyReceived || event.kind == kLinkEntered || event.kind == kRouterFound)
    unanswered_.erase(&node);
  if (event.kind == kRequestRefused && event.text("reason") == "table-full")
    no_room_.emplace(&node, event.text("cga"));
  else if (event.kind == kKeyIssued)
    no_room_.erase({&node, std::string(event.text("cga"))});
}

void KeysAgree::ended() {
  for (const auto& mobile : world_.mobiles()) {
    const auto status = mobile->status();
    const auto care_of = mobile->care_of();
    if (!status || !care_of) return broken(mobile->name() + " has no address");
    const RouterNode& router = *world_.routers()[*mobile->place()];
    const auto known = router.status();
    if (!known) return broken(router.name() + " is down");
    // Duplicate Address Detection may have given the router another address than its first.
    const auto is_router = [&](const Ipv6Address& address) {
      return std::ranges::any_of(known->interfaces, [&](const auto& interface) {
        return std::ranges::find(interface.addresses, address) != interface.addresses.end();
      });
    };
    const auto held = std::ranges::find_if(status->keys, [&](const auto& key) {
      return is_router(key.ar) && key.cga == *care_of && key.delivered;
    });
    const bool strangers = world_.context().scenario.rate(Fault::kSmallTables) != 0;
    if (held == status->keys.end()) {
      // A full table may have no room for it.
      if (strangers || unanswered_.contains(mobile.get())) continue;
      return broken(mobile->name() + " has no key of " + router.name());
    }
    const bool agreed = std::ranges::any_of(known->keys, [&](const auto& key) {
      return key.cga == *care_of && key.fingerprint == held->fingerprint;
    });
    const bool no_room = no_room_.contains({&router, care_of->text()});
    if (!agreed && !no_room)
      return broken(mobile->name() + " has a key that " + router.name() + " has not");
  }
}

}  // namespace sendoff::sim
