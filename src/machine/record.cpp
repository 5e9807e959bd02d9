#include "machine/record.h"

namespace sendoff::machine {

RecordName name_of(const Record& record) {
  if (const auto* issued = std::get_if<IssuedKey>(&record))
    return IssuedKeyName{issued->cga, issued->generation};
  const auto& held = std::get<HeldKey>(record);
  return HeldKeyName{held.ar, held.cga};
}

Record duplicate(const Record& record) {
  if (const auto* issued = std::get_if<IssuedKey>(&record))
    return IssuedKey{
        issued->cga,     issued->generation,       issued->algorithm,   issued->key.duplicate(),
        issued->expires, issued->sequence_ceiling, issued->link_address};
  const auto& held = std::get<HeldKey>(record);
  return HeldKey{held.ar,
                 held.cga,
                 held.ar_link_local,
                 held.algorithm,
                 held.key.duplicate(),
                 held.expires,
                 held.sequence_ceiling};
}

}  // namespace sendoff::machine
