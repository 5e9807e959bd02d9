#include "sim/store.h"

namespace sendoff::sim {

Store::Entry Store::encode(const machine::Record& record) {
  const Secret body = store::encode_body(record);
  return {store::encode(machine::name_of(record)),
          {machine::expiry_of(record), to_bytes(body.expose())}};
}

machine::Snapshot Store::snapshot(UtcTime utc) {
  std::erase_if(records_, [&](const auto& entry) {
    return entry.second.expires && *entry.second.expires <= utc;
  });
  machine::Snapshot all;
  for (const auto& [name, sealed] : records_) {
    auto record = store::decode(name, sealed.expires, sealed.body);
    invariant(record.has_value());
    all.push_back(std::move(*record));
  }
  return all;
}

std::vector<machine::Record> Store::find(const machine::RecordName& name) const {
  const store::EncodedName wanted = store::encode(name);
  const auto* issued = std::get_if<machine::IssuedKeyName>(&name);
  const Bytes begin = issued ? store::generations_of(*issued) : wanted.name;
  std::vector<machine::Record> found;
  for (const auto& [each, sealed] : records_) {
    if (each.kind != wanted.kind || each.name.size() < begin.size() ||
        !equal(ByteView(each.name).first(begin.size()), begin))
      continue;
    if (auto record = store::decode(each, sealed.expires, sealed.body))
      found.push_back(std::move(*record));
  }
  return found;
}

}  // namespace sendoff::sim
