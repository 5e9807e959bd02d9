#include "sim/trace.h"

#include <array>
#include <cstdio>

namespace sendoff::sim {

// FNV-1a by words of eight octets: it tells runs apart, no more.
void Trace::mix(ByteView octets) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  while (octets.size() >= 8) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word = word << 8 | octets[i];
    digest_ = (digest_ ^ word) * kPrime;
    digest_ ^= digest_ >> 29;
    octets = octets.subspan(8);
  }
  for (const std::uint8_t octet : octets) digest_ = (digest_ ^ octet) * kPrime;
}

void Trace::mix(std::string_view text) {
  mix(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void Trace::line(std::string_view node, std::string_view what, std::string_view detail) {
  const auto now = static_cast<long long>(queue_.now().count());
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%4lld.%06lld", now / 1'000'000'000,
                now % 1'000'000'000 / 1'000);
  std::string text(time.data());
  text.append(" ").append(node).append(" ").append(what);
  if (!detail.empty()) text.append(" ").append(detail);
  sink_(text);
}

void Trace::packet(std::string_view node, std::string_view what, ByteView packet,
                   const LinkAddress& link_source) {
  const std::int64_t now = queue_.now().count();
  digest_ ^= static_cast<std::uint64_t>(now);
  mix(node);
  mix(what);
  mix(packet);
  if (!sink_) return;
  std::string text = describe(packet);
  if (!link_source.empty()) text += " from " + link_source.text();
  line(node, what, text);
}

void Trace::event(std::string_view node, const machine::Event& event) {
  std::string text;
  for (const machine::Field& field : event.fields) {
    text.append(text.empty() ? "" : " ").append(field.name).append("=");
    if (const auto* words = std::get_if<std::string>(&field.value)) text += *words;
    if (const auto* number = std::get_if<std::int64_t>(&field.value))
      text += std::to_string(*number);
  }
  note(node, "* " + std::string(name(event.kind)), text);
}

void Trace::note(std::string_view node, std::string_view what, std::string_view detail) {
  digest_ ^= static_cast<std::uint64_t>(queue_.now().count());
  mix(node);
  mix(what);
  mix(detail);
  if (sink_) line(node, what, detail);
}

}  // namespace sendoff::sim
