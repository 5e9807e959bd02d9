// Capture files written octet by octet, without the code that reads them.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace sendoff::test {

inline void put(Bytes& out, std::uint64_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
inline void put(Bytes& out, ByteView octets) {
  out.insert(out.end(), octets.begin(), octets.end());
}

struct Captured {
  UtcTime at;
  Bytes octets;
  std::size_t cut = 0;  // octets that the capture left out behind these
};

// Numbers of the link types in files.
inline constexpr std::uint32_t kLinkEthernet = 1;
inline constexpr std::uint32_t kLinkRaw = 101;
inline constexpr std::uint32_t kLinkCooked = 113;
inline constexpr std::uint32_t kLinkIpv6 = 229;
inline constexpr std::uint32_t kLinkCooked2 = 276;

// `path`; empty when it could not be written.
inline std::string write_file(const std::string& path, const Bytes& octets) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return {};
  const bool written =
      octets.empty() || std::fwrite(octets.data(), 1, octets.size(), file) == octets.size();
  return std::fclose(file) == 0 && written ? path : std::string();
}

// Big endian, nanoseconds.
inline Bytes pcap_octets(const std::vector<Captured>& frames, std::uint32_t link = kLinkEthernet) {
  Bytes out;
  put(out, 0xa1b23c4d, 4);
  put(out, 0x00020004, 4);
  put(out, 0, 8);
  put(out, 65535, 4);
  put(out, link, 4);
  for (const Captured& each : frames) {
    const auto ns = static_cast<std::uint64_t>(each.at.time_since_epoch().count());
    put(out, ns / 1'000'000'000, 4);
    put(out, ns % 1'000'000'000, 4);
    put(out, each.octets.size(), 4);
    put(out, each.octets.size() + each.cut, 4);
    put(out, each.octets);
  }
  return out;
}

// A section, an interface with timestamps in nanoseconds, a block for each frame.
inline Bytes pcapng_octets(const std::vector<Captured>& frames,
                           std::uint32_t link = kLinkEthernet) {
  Bytes out;
  put(out, 0x0a0d0d0a, 4);
  put(out, 28, 4);
  put(out, 0x1a2b3c4d, 4);
  put(out, 0x00010000, 4);
  put(out, ~std::uint64_t{0}, 8);
  put(out, 28, 4);
  put(out, 1, 4);
  put(out, 32, 4);
  put(out, link, 2);
  put(out, 0, 2);
  put(out, 65535, 4);
  put(out, 0x00090001, 4);  // if_tsresol
  put(out, 9, 1);
  put(out, 0, 3);
  put(out, 0, 4);
  put(out, 32, 4);
  for (const Captured& each : frames) {
    const std::size_t padding = (4 - each.octets.size() % 4) % 4;
    const std::size_t size = 32 + each.octets.size() + padding;
    put(out, 6, 4);
    put(out, size, 4);
    put(out, 0, 4);
    put(out, static_cast<std::uint64_t>(each.at.time_since_epoch().count()), 8);
    put(out, each.octets.size(), 4);
    put(out, each.octets.size() + each.cut, 4);
    put(out, each.octets);
    put(out, 0, static_cast<int>(padding));
    put(out, size, 4);
  }
  return out;
}

inline std::string write_pcap(const std::string& path, const std::vector<Captured>& frames) {
  return write_file(path, pcap_octets(frames));
}

}  // namespace sendoff::test
