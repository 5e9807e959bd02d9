// ESP packets and key files. A packet that parses is what its parts make again, but for the
// integrity check value, which only the owner of the key makes.
#include "esp/packet.h"

#include "esp/key.h"
#include "memory.h"
#include "target.h"

namespace sendoff::fuzz {

namespace {

void packet(ByteView octets) {
  const Allocations before;
  const auto header = esp::Header::parse(octets);
  if (!header) return;
  const auto content = esp::Content::parse(octets);
  require(before.count() == 0, "a parser asks for no memory");
  static const Secret key(esp::kKeySize);
  require(!esp::icv_holds(octets, key), "nobody guesses an integrity check value");
  if (!content) return;
  esp::Envelope envelope;
  envelope.spi = header->spi;
  envelope.sequence = header->sequence;
  envelope.next_header = content->next_header;
  envelope.payload = content->payload;
  const std::size_t around =
      esp::kHeaderSize + content->payload.size() + esp::kTrailerSize + esp::kIcvSize;
  require(around <= octets.size(), "the payload is inside the packet");
  envelope.padding = octets.size() - around;
  Bytes sent(envelope.size());
  envelope.emit(sent, key);
  require(equal(ByteView(sent).first(sent.size() - esp::kIcvSize),
                octets.first(octets.size() - esp::kIcvSize)),
          "an ESP packet is written as it was read");
  require(esp::icv_holds(sent, key), "what is sealed is opened");
}

void key_file(ByteView text) {
  const auto key = esp::read_key(text);
  if (!key) return;
  require((*key)->size() == esp::kKeySize, "a key has its size");
  require(esp::key_octets(text) == esp::kKeySize, "a key file has the digits of a key");
}

}  // namespace

void esp(ByteView input) {
  if (input.empty()) return;
  const Bytes octets = to_bytes(input.subspan(1));
  if (input[0] % 2 == 0)
    packet(octets);
  else
    key_file(octets);
}

}  // namespace sendoff::fuzz
