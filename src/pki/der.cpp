#include "pki/der.h"

namespace sendoff::pki {

std::optional<std::uint8_t> DerReader::peek() const {
  if (octets_.empty()) return std::nullopt;
  return octets_[0];
}

std::optional<DerElement> DerReader::next() {
  Reader reader(octets_);
  DerElement element;
  element.tag = reader.u8();
  if ((element.tag & 0x1f) == 0x1f) return std::nullopt;
  std::size_t length = reader.u8();
  if (length == 0x81) {
    length = reader.u8();
    if (length < 0x80) return std::nullopt;
  } else if (length == 0x82) {
    length = reader.u16();
    if (length < 0x100) return std::nullopt;
  } else if (length >= 0x80) {
    return std::nullopt;  // indefinite, or longer than any certificate that we read
  }
  element.content = reader.take(length);
  if (!reader.ok()) return std::nullopt;
  element.whole = octets_.first(octets_.size() - reader.remaining());
  octets_ = octets_.last(reader.remaining());
  return element;
}

std::optional<DerElement> DerReader::next(std::uint8_t tag) {
  if (peek() != tag) return std::nullopt;
  return next();
}

std::optional<ByteView> sole(ByteView octets, std::uint8_t tag) {
  DerReader reader(octets);
  const auto element = reader.next(tag);
  if (!element || !reader.done()) return std::nullopt;
  return element->content;
}

bool is_integer(ByteView content) {
  if (content.empty()) return false;
  if (content.size() == 1) return true;
  const bool superfluous =
      (content[0] == 0 && content[1] < 0x80) || (content[0] == 0xff && content[1] >= 0x80);
  return !superfluous;
}

}  // namespace sendoff::pki
