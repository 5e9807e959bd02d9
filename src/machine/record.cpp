#include "machine/record.h"

#include "base/overloaded.h"

namespace sendoff::machine {

RecordName name_of(const Record& record) {
  return std::visit(
      Overloaded{
          [](const IssuedKey& each) -> RecordName {
            return IssuedKeyName{each.cga, each.generation};
          },
          [](const HeldKey& each) -> RecordName { return HeldKeyName{each.ar, each.cga}; },
          [](const LiveBinding& each) -> RecordName { return LiveBindingName{each.pcoa}; },
          [](const EspCounter& each) -> RecordName {
            return EspCounterName{each.direction, each.spi, each.key};
          },
      },
      record);
}

Record duplicate(const Record& record) {
  return std::visit(Overloaded{
                        [](const IssuedKey& each) -> Record {
                          return IssuedKey{each.cga,         each.generation,
                                           each.algorithm,   each.key.duplicate(),
                                           each.expires,     each.sequence_ceiling,
                                           each.link_address};
                        },
                        [](const HeldKey& each) -> Record {
                          return HeldKey{each.ar,
                                         each.cga,
                                         each.ar_link_local,
                                         each.algorithm,
                                         each.key.duplicate(),
                                         each.expires,
                                         each.sequence_ceiling};
                        },
                        [](const LiveBinding& each) -> Record { return each; },
                        [](const EspCounter& each) -> Record { return each; },
                    },
                    record);
}

std::optional<UtcTime> expiry_of(const Record& record) {
  return std::visit(Overloaded{
                        [](const IssuedKey& each) { return std::optional(each.expires); },
                        [](const HeldKey& each) { return std::optional(each.expires); },
                        [](const LiveBinding&) { return std::optional<UtcTime>(); },
                        [](const EspCounter&) { return std::optional<UtcTime>(); },
                    },
                    record);
}

}  // namespace sendoff::machine
