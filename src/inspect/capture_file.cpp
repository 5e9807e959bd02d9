#include "inspect/capture_file.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>

namespace sendoff::inspect {

namespace {

constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint16_t kEtherTypeVlan = 0x8100;
constexpr std::uint16_t kEtherTypeProviderVlan = 0x88a8;
constexpr std::int64_t kLastSecond = 9'000'000'000;  // what nanoseconds of 64 bits can hold

std::optional<LinkType> link_type_of(int number) {
  switch (number) {
    case DLT_EN10MB:
      return LinkType::kEthernet;
    case DLT_RAW:
    case DLT_IPV6:
      return LinkType::kRawIp;
    case DLT_LINUX_SLL:
      return LinkType::kLinuxCooked;
    case DLT_LINUX_SLL2:
      return LinkType::kLinuxCooked2;
    default:
      return std::nullopt;
  }
}

std::optional<LinkPayload> in_ethernet(Reader in) {
  in.skip(6);
  const auto from = LinkAddress::from(in.take(6));
  std::uint16_t type = in.u16();
  while (type == kEtherTypeVlan || type == kEtherTypeProviderVlan) {
    in.skip(2);
    type = in.u16();
  }
  if (!in.ok() || type != kEtherTypeIpv6) return std::nullopt;
  return LinkPayload{*from, in.rest()};
}

std::optional<LinkPayload> in_raw(Reader in) {
  const ByteView packet = in.rest();
  if (packet.empty() || packet[0] >> 4 != 6) return std::nullopt;
  return LinkPayload{{}, packet};
}

// The address of a cooked header: a field of eight octets, of which `size` count.
LinkAddress cooked_address(ByteView field, std::size_t size) {
  return *LinkAddress::from(field.first(std::min(size, field.size())));
}

std::optional<LinkPayload> in_cooked(Reader in) {
  in.skip(4);
  const std::size_t size = in.u16();
  const ByteView address = in.take(8);
  if (in.u16() != kEtherTypeIpv6 || !in.ok()) return std::nullopt;
  return LinkPayload{cooked_address(address, size), in.rest()};
}

std::optional<LinkPayload> in_cooked2(Reader in) {
  const std::uint16_t type = in.u16();
  in.skip(9);
  const std::size_t size = in.u8();
  const ByteView address = in.take(8);
  if (type != kEtherTypeIpv6 || !in.ok()) return std::nullopt;
  return LinkPayload{cooked_address(address, size), in.rest()};
}

}  // namespace

std::optional<LinkPayload> ipv6_in(const Frame& frame) {
  const Reader in(frame.octets);
  switch (frame.link) {
    case LinkType::kEthernet:
      return in_ethernet(in);
    case LinkType::kRawIp:
      return in_raw(in);
    case LinkType::kLinuxCooked:
      return in_cooked(in);
    case LinkType::kLinuxCooked2:
      return in_cooked2(in);
  }
  return std::nullopt;
}

struct CaptureFile::State {
  struct Close {
    void operator()(pcap_t* capture) const { pcap_close(capture); }
  };
  std::unique_ptr<pcap_t, Close> handle;
  std::string path;
  LinkType link = LinkType::kEthernet;
  std::uint64_t frames = 0;
};

CaptureFile::CaptureFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptureFile::CaptureFile(CaptureFile&&) noexcept = default;
CaptureFile& CaptureFile::operator=(CaptureFile&&) noexcept = default;
CaptureFile::~CaptureFile() = default;

Result<CaptureFile, std::string> CaptureFile::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  state->handle.reset(pcap_open_offline_with_tstamp_precision(
      path.c_str(), PCAP_TSTAMP_PRECISION_NANO, why.data()));
  if (!state->handle) return fail("cannot read " + path + " as a capture: " + why.data());
  const int number = pcap_datalink(state->handle.get());
  const auto link = link_type_of(number);
  if (!link) {
    const char* name = pcap_datalink_val_to_name(number);
    return fail(path + " has frames of link type " + std::to_string(number) +
                (name != nullptr ? " (" + std::string(name) + ")" : "") +
                "; Ethernet, raw IP and Linux cooked captures are understood");
  }
  state->link = *link;
  return CaptureFile(std::move(state));
}

Result<std::optional<Frame>, std::string> CaptureFile::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  const int result = pcap_next_ex(state_->handle.get(), &header, &octets);
  if (result == PCAP_ERROR_BREAK) return std::nullopt;
  if (result != 1)
    return fail(state_->path + " cannot be read behind frame " + std::to_string(state_->frames) +
                ": " + pcap_geterr(state_->handle.get()));
  const std::int64_t second = std::clamp<std::int64_t>(header->ts.tv_sec, 0, kLastSecond);
  const std::int64_t fraction = std::clamp<std::int64_t>(header->ts.tv_usec, 0, 999'999'999);
  return Frame{++state_->frames, UtcTime(seconds(second) + Duration(fraction)), state_->link,
               ByteView(octets, header->caplen), header->len};
}

}  // namespace sendoff::inspect
