// A capture file (pcap, pcapng) read frame by frame, and the IPv6 packets in its frames.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"

namespace sendoff::inspect {

enum class LinkType : std::uint8_t {
  kEthernet,      // with 802.1Q tags or without
  kRawIp,         // the packet and nothing before it
  kLinuxCooked,   // SLL
  kLinuxCooked2,  // SLL2
};

struct Frame {
  std::uint64_t number = 0;  // in the file, from 1
  UtcTime at = {};
  LinkType link = LinkType::kEthernet;
  ByteView octets = {};    // as many as were captured
  std::size_t length = 0;  // in octets, on the wire: more when the capture cut the frame off
};

struct LinkPayload {
  LinkAddress from;  // empty where the link type does not say
  ByteView packet;   // borrowed; what the link calls IPv6, nothing of it checked
};
// Nothing when the frame carries something else than IPv6, or ends before it.
[[nodiscard]] std::optional<LinkPayload> ipv6_in(const Frame& frame);

class CaptureFile {
 public:
  // The failure is a sentence for a person: cannot be opened, no capture, a link type not known
  // here.
  [[nodiscard]] static Result<CaptureFile, std::string> open(const std::string& path);
  CaptureFile(CaptureFile&&) noexcept;
  CaptureFile& operator=(CaptureFile&&) noexcept;
  ~CaptureFile();

  // The next frame, valid until the next call; nothing at the end. The failure says why the file
  // cannot be read on.
  [[nodiscard]] Result<std::optional<Frame>, std::string> next();

 private:
  struct State;
  explicit CaptureFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::inspect
