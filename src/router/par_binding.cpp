// The previous access router: bindings, from their installation to their end.
#include <algorithm>

#include "router/par.h"
#include "wire/icmpv6.h"

namespace sendoff::router {

using machine::EventKind;

// Before the binding stands: neither FBack nor what waited may follow a host route to where the
// node was before.
void Par::departs(const Binding& wanted) {
  if (const keys::IssuedKey* key = keys_.find(wanted.key))
    departures_.push_back({wanted.ncoa, key->link_address});
}

void Par::install(Now, Handovers::iterator handover) {
  Handover& under_way = handover->second;
  under_way.stage = Handover::Stage::kInstalling;
  under_way.wanted.ncoa = under_way.terms.far_end;
  under_way.wanted.alternate = under_way.terms.alternate;
  const Binding& wanted = under_way.wanted;
  departs(wanted);
  // From here on packets wait behind the copies, so that none enters the tunnel before them.
  if (const auto buffer = buffers_.find(wanted.pcoa);
      buffer != buffers_.end() && buffer->second.copies)
    open_buffer(wanted.pcoa, wanted.interface, false);
  const machine::ActionId installing =
      outbox_.push(machine::InstallBinding{wanted.pcoa, wanted.ncoa, wanted.par, wanted.interface});
  steps_.emplace(installing, Step{Step::Kind::kInstalled, wanted.pcoa, std::nullopt});
}

// The answer to the FBU does not wait for the NAR's; HI and HAck go on meanwhile.
void Par::install_early(const Handover& asking) {
  const Binding& wanted = asking.wanted;
  departs(wanted);
  const machine::ActionId installing =
      outbox_.push(machine::InstallBinding{wanted.pcoa, wanted.ncoa, wanted.par, wanted.interface});
  steps_.emplace(installing,
                 Step{Step::Kind::kInstalledEarly, wanted.pcoa, asking.updates.front()});
}

void Par::installed_early(Now now, const Update& update, bool succeeded) {
  const auto found = handovers_.find(update.pcoa);
  const bool decided =
      found != handovers_.end() && found->second.stage == Handover::Stage::kInstalling;
  if (decided) return;  // what was installed then comes behind this
  const bool awaited = found != handovers_.end() && !found->second.updates.empty() &&
                       found->second.updates.front().digest == update.digest;
  if (awaited && succeeded && grant(now, update) > 0) {
    Handover& asking = found->second;
    asking.early = true;
    std::vector<Update> updates = std::exchange(asking.updates, {});
    std::erase_if(updates, [&](const Update& each) { return grant(now, each) == 0; });
    counters_.add(ParCounter::kEarly, updates.size());
    accept(now, asking.wanted, updates, asking.terms);
    return settle_buffer(update.pcoa);
  }
  // Given up meanwhile, or it failed: nothing of it stays, nor of what it was to replace.
  if (awaited) give_up(found, ParCounter::kNoResources, kFBackNoResources, "no data path");
  if (bindings_.contains(update.pcoa))
    end_live(update.pcoa, "it could not be replaced");
  else if (succeeded)
    outbox_.push(machine::RemoveBinding{update.pcoa});
}

// GF31: the MN's security association outlives the tunnel. 0: its key is gone, or lives for less
// than the second that an FBack could grant.
std::uint16_t Par::grant(Now now, const Update& update) const {
  const keys::IssuedKey* key = keys_.find(update.key);
  const std::uint32_t life = key == nullptr ? 0 : key->remaining_s(now.boot);
  return static_cast<std::uint16_t>(
      std::min({std::uint32_t{update.fbu.lifetime_s}, config_.max_tunnel_lifetime_s, life}));
}

void Par::installed(Now now, const Ipv6Address& pcoa, bool succeeded) {
  auto found = handovers_.extract(pcoa);
  if (found.empty()) return;
  Handover handover = std::move(found.mapped());
  // Without its key nobody could move or end the binding; and of one whose replacement failed, half
  // may stand.
  const bool for_somebody = !handover.updates.empty();
  std::erase_if(handover.updates, [&](const Update& update) { return grant(now, update) == 0; });
  const bool key_lost = for_somebody && handover.updates.empty();
  const auto old = bindings_.find(pcoa);
  const bool ended_meanwhile = !for_somebody && !handover.restored && old == bindings_.end();
  if (!succeeded || key_lost || ended_meanwhile) {
    if (old != bindings_.end())
      end_live(pcoa, key_lost ? "its key is gone" : "it could not be replaced");
    else if (succeeded)
      outbox_.push(machine::RemoveBinding{pcoa});
    if (handover.restored) outbox_.push(machine::Forget{machine::LiveBindingName{pcoa}});
    for (const Update& update : handover.updates)
      refuse(update, ParCounter::kNoResources, kFBackNoResources);
  } else {
    if (!for_somebody && old != bindings_.end()) handover.wanted.expires = old->second.expires;
    accept(now, handover.wanted, handover.updates, handover.terms);
  }
  if (handover.next) pursue(now, std::move(*handover.next));
  settle_buffer(pcoa);
}

// The binding stands; those who asked for it are told so, the last one first.
void Par::accept(Now now, Binding binding, const std::vector<Update>& updates, const Terms& terms) {
  if (!updates.empty()) {
    binding.key = updates.back().key;
    binding.expires = now.boot + seconds(grant(now, updates.back()));
  }
  const bool fresh = enter(binding);
  // Packets for the node enter the tunnel already, so the answer that it waits for goes first.
  for (auto update = updates.rbegin(); update != updates.rend(); ++update) {
    counters_.add(ParCounter::kAccepted);
    answer(*update, terms, grant(now, *update));
  }
  become_live(now, binding, fresh);
}

bool Par::restore(Now now, const machine::LiveBinding& record) {
  const machine::IssuedKeyName name{record.pcoa, record.generation};
  const keys::IssuedKey* key = keys_.find(name);
  if (key == nullptr || record.expires <= now.utc || !record.far_end.is_unicast_routable() ||
      restored_.size() >= config_.max_bindings)
    return false;
  Binding binding;
  binding.pcoa = record.pcoa;
  binding.ncoa = binding.proposed = record.far_end;
  binding.par = record.par;
  binding.key = name;
  // A UTC clock that was set back must not lengthen it.
  const std::uint32_t longest = std::min(config_.max_tunnel_lifetime_s, key->remaining_s(now.boot));
  binding.expires = now.boot + std::min<Duration>(record.expires - now.utc, seconds(longest));
  if (!restored_.emplace(record.pcoa, binding).second) return false;
  expiries_.emplace(binding.expires, binding.pcoa);
  return true;
}

Binding Par::take_restored(std::map<Ipv6Address, Binding>::iterator entry) {
  const Binding binding = restored_.extract(entry).mapped();
  expiries_.erase({binding.expires, binding.pcoa});
  return binding;
}

void Par::drop_restored(std::map<Ipv6Address, Binding>::iterator entry) {
  outbox_.push(machine::Forget{machine::LiveBindingName{take_restored(entry).pcoa}});
}

void Par::address_ready(Now now, const ServedLink& link, const Ipv6Address& address) {
  for (auto each = restored_.begin(); each != restored_.end();) {
    const auto entry = each++;
    if (entry->second.par != address) continue;
    if (!link.on_link(entry->first)) {
      drop_restored(entry);
      continue;
    }
    Handover handover;
    handover.restored = true;
    handover.wanted = take_restored(entry);
    handover.wanted.interface = link.config.id;
    handover.terms.far_end = handover.wanted.ncoa;
    const auto added = handovers_.try_emplace(handover.wanted.pcoa, std::move(handover));
    if (added.second) install(now, added.first);
  }
}

void Par::persist(Now now, const Binding& binding) {
  if (keys_.find(binding.key) == nullptr) return;  // nobody could take it up again
  outbox_.push(
      machine::Persist{machine::LiveBinding{.pcoa = binding.pcoa,
                                            .far_end = binding.ncoa,
                                            .par = binding.par,
                                            .generation = binding.key.generation,
                                            .expires = now.utc + (binding.expires - now.boot)}});
}

// Every binding begins here, and one that is renewed or replaced begins again: then it is not
// fresh.
bool Par::enter(const Binding& binding) {
  const auto old = bindings_.find(binding.pcoa);
  const bool fresh = old == bindings_.end();
  if (!fresh) expiries_.erase({old->second.expires, old->first});
  bindings_.insert_or_assign(binding.pcoa, binding);
  expiries_.emplace(binding.expires, binding.pcoa);
  return fresh;
}

void Par::become_live(Now now, const Binding& binding, bool fresh) {
  if (fresh) intercept(binding);
  persist(now, binding);
  // FH-10-04: who may be traced afterwards.
  outbox_.report(EventKind::kBindingInstalled,
                 {{"pcoa", binding.pcoa.text()},
                  {"ncoa", binding.ncoa.text()},
                  {"link_address", binding.link_address.text()},
                  {"lifetime_s", whole_seconds(binding.expires - now.boot)}});
}

// Every binding ends here. The outcomes of the actions that are named tell that it is gone, from
// the data path and from the store.
std::array<machine::ActionId, 2> Par::end_live(const Ipv6Address& pcoa, std::string_view reason) {
  const auto found = bindings_.find(pcoa);
  invariant(found != bindings_.end());
  const InterfaceId interface = found->second.interface;
  expiries_.erase({found->second.expires, pcoa});
  bindings_.erase(found);
  outbox_.report(EventKind::kBindingRemoved,
                 {{"pcoa", pcoa.text()}, {"reason", std::string(reason)}});
  const machine::ActionId removing = outbox_.push(machine::RemoveBinding{pcoa});
  ended_.push_back(pcoa);
  outbox_.push(machine::SetProxy{interface, pcoa, false});
  return {removing, outbox_.push(machine::Forget{machine::LiveBindingName{pcoa}})};
}

// GF25: on-link neighbours find the PCoA at our own link-layer address while the binding lives; the
// NA is unsigned, as nobody but its owner can sign for a CGA (GF21).
void Par::intercept(const Binding& binding) {
  outbox_.push(machine::SetProxy{binding.interface, binding.pcoa, true});
  const ServedLink* link = find_link(links_, binding.interface);
  if (link == nullptr || !link->ready()) return;
  wire::NeighborAdvertisement advertisement;
  advertisement.override_flag = true;
  advertisement.target = binding.pcoa;
  Bytes message;
  append(message, advertisement);
  append(message,
         wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, link->link_address});
  wire::seal_icmpv6(link->link_local.address, kAllNodes, message);
  outbox_.push(
      machine::Transmit{binding.interface, std::nullopt,
                        wire::icmpv6_packet(link->link_local.address, kAllNodes, message)});
}

}  // namespace sendoff::router
