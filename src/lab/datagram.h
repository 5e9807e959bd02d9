// The lab's measuring datagram: what a capture shows of it says which one it is and when it was
// made. 160 octets of UDP payload, as 20 ms of telephone speech have.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace sendoff::lab {

inline constexpr std::uint16_t kSenderPort = 5269;
inline constexpr std::uint16_t kReceiverPort = 5568;
inline constexpr std::uint16_t kTransferPort = 5570;

struct Datagram {
  static constexpr std::size_t kSize = 160;
  static constexpr std::uint64_t kMark = 0x73656e646f666631;  // "sendoff1"

  std::uint64_t sequence = 0;
  UtcTime made;

  [[nodiscard]] std::array<std::uint8_t, kSize> octets() const {
    std::array<std::uint8_t, kSize> out{};
    Writer writer(out);
    writer.u64(kMark);
    writer.u64(sequence);
    writer.u64(static_cast<std::uint64_t>(made.time_since_epoch().count()));
    return out;
  }
  // Nothing for what the lab did not send.
  [[nodiscard]] static std::optional<Datagram> parse(ByteView payload) {
    Reader reader(payload);
    const bool ours = reader.u64() == kMark;
    Datagram datagram;
    datagram.sequence = reader.u64();
    datagram.made = UtcTime(Duration(static_cast<std::int64_t>(reader.u64())));
    return ours && reader.ok() ? std::optional(datagram) : std::nullopt;
  }
};

}  // namespace sendoff::lab
