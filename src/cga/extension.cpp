#include "cga/extension.h"

namespace sendoff::cga {

void Extension::emit(Writer& out) const {
  invariant(data.size() <= 0xffff);
  out.u16(type);
  out.u16(static_cast<std::uint16_t>(data.size()));
  out.bytes(data);
}

std::optional<std::vector<Extension>> parse_extensions(ByteView octets) {
  std::vector<Extension> items;
  Reader in(octets);
  while (in.remaining() > 0) {
    Extension item;
    item.type = in.u16();
    item.data = in.take(in.u16());
    items.push_back(item);
  }
  if (!in.ok()) return std::nullopt;
  return items;
}

std::string explain_extensions(ByteView octets) {
  const auto items = parse_extensions(octets);
  if (!items) return to_hex(octets) + " (no whole items)";
  std::string text;
  for (const Extension& item : *items)
    text += (text.empty() ? "" : ", ") + std::string("type ") + std::to_string(item.type) + " " +
            to_hex(item.data);
  return text.empty() ? "none" : text;
}

}  // namespace sendoff::cga
