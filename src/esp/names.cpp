// Names and explanations: one place for what people read.
#include "esp/associations.h"

namespace sendoff::esp {

std::string_view name(Drop why) {
  switch (why) {
    case Drop::kForeign:
      return "foreign";
    case Drop::kFragment:
      return "fragment";
    case Drop::kMalformed:
      return "malformed";
    case Drop::kNoAssociation:
      return "no-association";
    case Drop::kSelector:
      return "selector";
    case Drop::kReplay:
      return "replay";
    case Drop::kIntegrity:
      return "integrity";
    case Drop::kDummy:
      return "dummy";
    case Drop::kChecksum:
      return "checksum";
  }
  return "unknown";
}

std::string_view name(Count count) {
  switch (count) {
    case Count::kSealed:
      return "sealed";
    case Count::kOpened:
      return "opened";
    case Count::kMacs:
      return "macs-computed";
    case Count::kNoOutbound:
      return "not-sent-no-association";
    case Count::kTooLarge:
      return "not-sent-too-large";
    case Count::kOverflow:
      return "not-sent-sequence-overflow";
    case Count::kNotReserved:
      return "not-sent-not-reserved";
    case Count::kForeign:
    case Count::kFragment:
    case Count::kMalformed:
    case Count::kNoAssociation:
    case Count::kSelector:
    case Count::kReplay:
    case Count::kIntegrity:
    case Count::kDummy:
    case Count::kChecksum:
      return name(
          static_cast<Drop>(std::to_underlying(count) - std::to_underlying(Count::kForeign)));
    case Count::kCount:
      break;
  }
  return "unknown";
}

std::string explain(const Refusal& refusal) {
  switch (refusal.why) {
    case SealError::kNoAssociation:
      return "this peer has no security association";
    case SealError::kTooLarge:
      return "with ESP the packet has " + std::to_string(refusal.size) +
             " octets, but every path takes only " + std::to_string(refusal.mtu) +
             ", and it is never sent in fragments";
    case SealError::kExhausted:
      return "the key's last sequence number is used up; give both routers a new key";
    case SealError::kNotReserved:
      return "the store has not granted further sequence numbers; is it writable?";
  }
  return "unknown";
}

}  // namespace sendoff::esp
