// Records of the key store. A name and a body that are read as a record are what the record is
// written as.
#include "store/record_codec.h"

#include "input.h"
#include "memory.h"
#include "target.h"

namespace sendoff::fuzz {

// kind | has expiry | expiry in seconds (2) | size of the name | name | body
void store(ByteView octets) {
  Input input(octets);
  store::EncodedName name;
  name.kind = input.u8();
  std::optional<UtcTime> expires;
  const bool has_expiry = input.flag();
  const std::uint16_t expiry_s = input.u16();
  if (has_expiry) expires = UtcTime(seconds(expiry_s));
  name.name = to_bytes(input.take(input.u8()));
  const Bytes body = to_bytes(input.rest());

  const Allocations before;
  const auto record = store::decode(name, expires, body);
  require(before.octets() <= 256, "a record takes a bounded amount of memory");
  if (!record) return;
  require(store::encode(machine::name_of(*record)) == name, "a name is written as it was read");
  require(equal(store::encode_body(*record).expose(), body), "a body is written as it was read");
  require(machine::expiry_of(*record) == expires, "a record expires when it was said to");
  const machine::Record copy = machine::duplicate(*record);
  require(equal(store::encode_body(copy).expose(), body), "a copy is a copy");
  (void)store::associated_with(name, expires);
}

}  // namespace sendoff::fuzz
