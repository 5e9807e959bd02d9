#include "router/esp_peers.h"

namespace sendoff::router {

using machine::EventKind;

void EspPeers::configure(Now now, const Config& config) {
  esp::Config wanted;
  wanted.audit = config.esp_audit;
  path_mtu_ = config.peer_path_mtu;
  for (const Neighbour& neighbour : config.neighbours) {
    if (neighbour.protection == Protection::kEsp && neighbour.esp)
      wanted.pairs.push_back(*neighbour.esp);
    else if (neighbour.protection != Protection::kHost)  // whose ESP is the kernel's
      wanted.others.push_back(neighbour.address);
  }
  associations_.configure(now, std::move(wanted));
  serve();
}

Result<Bytes, esp::Refusal> EspPeers::seal(Now now, const Neighbour& peer,
                                           ByteView mobility_header) {
  auto sealed = associations_.seal(now, peer.address, mobility_header, path_mtu_);
  if (!sealed && refusal_reports_.take(now.boot))
    outbox_.report(EventKind::kWarning,
                   {{"peer", peer.name},
                    {"text", "no HI or HAck to " + peer.name + ": " + explain(sealed.error())}});
  serve();
  return sealed;
}

Result<esp::Associations::Opened, esp::Drop> EspPeers::open(Now now,
                                                            const wire::PacketView& packet) {
  auto opened = associations_.open(now, packet);
  serve();
  return opened;
}

void EspPeers::outcome(Now now, const machine::Outcome& outcome) {
  const auto write = writes_.extract(outcome.action_id);
  if (write.empty()) return;
  associations_.stored(now, write.mapped(), outcome.result.has_value());
  serve();
}

void EspPeers::tick(Now now) {
  associations_.tick(now);
  serve();
}

void EspPeers::flush(Now now) {
  associations_.flush(now);
  serve();
}

void EspPeers::serve() {
  while (const auto wish = associations_.poll())
    std::visit([this](const auto& what) { carry_out(what); }, *wish);
}

void EspPeers::carry_out(const esp::Associations::Store& store) {
  machine::ActionKind persist(std::in_place_type<machine::Persist>);
  std::get<machine::Persist>(persist).record.emplace<machine::EspCounter>(store.record);
  writes_.emplace(outbox_.push(std::move(persist)), name_of(store.record));
}

void EspPeers::carry_out(const esp::Associations::SequenceWarning& warning) {
  outbox_.report(EventKind::kWarning,
                 {{"peer", warning.peer.text()},
                  {"spi", std::int64_t{warning.spi}},
                  {"text", std::string("15 of 16 sequence numbers of this association are used; "
                                       "give both routers a new key soon")}});
}

void EspPeers::carry_out(const esp::AuditLog::Line& line) {
  const auto left_out = static_cast<std::int64_t>(line.left_out);
  if (!line.entry) return outbox_.report(EventKind::kEspAudit, {{"left_out", left_out}});
  const esp::AuditEntry& entry = *line.entry;
  outbox_.report(EventKind::kEspAudit, {{"cause", std::string(name(entry.event))},
                                        {"spi", std::int64_t{entry.spi}},
                                        {"utc_ns", entry.time.time_since_epoch().count()},
                                        {"source", entry.source.text()},
                                        {"destination", entry.destination.text()},
                                        {"sequence", std::int64_t{entry.sequence}},
                                        {"flow_label", std::int64_t{entry.flow_label}},
                                        {"left_out", left_out}});
}

}  // namespace sendoff::router
