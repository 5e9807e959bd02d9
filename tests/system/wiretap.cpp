#include "system/wiretap.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "net/clock.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::test {

namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kLinkHeader = 14;
constexpr std::uint8_t kMldReport = 131;
constexpr std::uint8_t kMldDone = 132;
constexpr std::uint8_t kMldReport2 = 143;
constexpr Duration kMarkerPatience = seconds(30);
constexpr int kPollMs = 20;

constexpr std::array<const char*, kPlaces> kPorts{"ap-par", "ap-nar", "radio", "to-other",
                                                  "to-par", "to-nar", "to-cn"};
constexpr std::array<std::string_view, kPlaces> kNames{"PAR's link",   "NAR's link", "MN's link",
                                                       "other's link", "PAR's core", "NAR's core",
                                                       "correspondent"};

std::size_t number(Place place) { return static_cast<std::size_t>(place); }

bool is_icmp(const wire::PacketView& view) {
  return view.upper_protocol == wire::kProtocolIcmpv6 && !view.upper.empty();
}

std::uint8_t type_of(wire::Icmpv6Type type) { return static_cast<std::uint8_t>(type); }

// Multicast records of MLD that say of a group: `joins`, or the opposite (RFC 3810 5.2.12).
bool reports(const Frame& frame, const Ipv6Address& group, bool joins) {
  const std::uint8_t type = frame.icmp_type();
  Reader reader(frame.view.upper);
  if (type == kMldReport || type == kMldDone) {
    reader.skip(8);
    return (type == kMldReport) == joins && equal(reader.take(16), group.view());
  }
  if (type != kMldReport2) return false;
  reader.skip(6);
  for (unsigned records = reader.u16(); records > 0 && reader.ok(); --records) {
    const std::uint8_t what = reader.u8();
    reader.skip(1);
    const unsigned sources = reader.u16();
    const bool same = equal(reader.take(16), group.view());
    reader.skip(std::size_t{sources} * 16);
    // 2 and 4: all but these sources; 1, 3 and 6: these only, or no more of them.
    const bool exclude = what == 2 || what == 4;
    if (same && sources == 0 && exclude == joins) return true;
  }
  return false;
}

std::string describe(const wire::PacketView& view) {
  std::string text = view.header.source.text() + " > " + view.header.destination.text();
  if (view.home_address) text += " home " + view.home_address->text();
  if (view.upper.empty()) return text;
  if (is_icmp(view)) {
    text += " icmp " + std::to_string(view.upper[0]) + "/" + std::to_string(view.upper[1]);
    if ((view.upper[0] == 135 || view.upper[0] == 136) && view.upper.size() >= 24)
      text += " target " + Ipv6Address::from(view.upper.subspan(8, 16)).text();
  } else if (view.upper_protocol == wire::kProtocolMobility && view.upper.size() > 2) {
    text += " mobility " + std::to_string(view.upper[2]);
    if (view.upper[2] == 9 && view.upper.size() > 6)
      text += " status " + std::to_string(view.upper[6]);
  } else if (view.upper_protocol == kUdp && view.upper.size() > kUdpHeader) {
    text += " udp ";
    for (const std::uint8_t octet : view.upper.subspan(kUdpHeader))
      text += octet >= ' ' && octet < 0x7f ? static_cast<char>(octet) : '.';
  } else {
    text += " protocol " + std::to_string(view.upper_protocol);
  }
  return text;
}

}  // namespace

std::string_view name(Place place) { return kNames.at(number(place)); }

std::string_view Frame::data() const {
  const wire::PacketView& users = innermost();
  if (users.upper_protocol != kUdp || users.upper.size() < kUdpHeader) return {};
  const ByteView octets = users.upper.subspan(kUdpHeader);
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::uint8_t Frame::icmp_type() const { return is_icmp(view) ? view.upper[0] : std::uint8_t{0}; }

std::optional<wire::MobilityType> Frame::mobility() const {
  if (view.upper_protocol != wire::kProtocolMobility || view.upper.size() < 3) return std::nullopt;
  return static_cast<wire::MobilityType>(view.upper[2]);
}

std::string Frame::text() const {
  std::string out(name(place));
  out += from_node ? " <- " : " -> ";
  out += from.text() + " " + describe(view);
  if (inner) out += " { " + describe(*inner) + " }";
  return out;
}

Match at(Place place) {
  return Match::Test([place](const Frame& frame) { return frame.place == place; });
}
Match from_node() {
  return Match::Test([](const Frame& frame) { return frame.from_node; });
}
Match by(const LinkAddress& sender) {
  return Match::Test([sender](const Frame& frame) { return frame.from == sender; });
}
Match plain(const std::string& data) {
  return Match::Test([data](const Frame& frame) { return !frame.inner && frame.data() == data; });
}
Match carries(const std::string& data) {
  return Match::Test([data](const Frame& frame) { return frame.data() == data; });
}
Match tunnelled(const std::string& data, const Ipv6Address& near, const Ipv6Address& far) {
  return Match::Test([=](const Frame& frame) {
    return frame.inner && frame.data() == data && frame.view.header.source == near &&
           frame.view.header.destination == far;
  });
}
Match source(const Ipv6Address& address) {
  return Match::Test([address](const Frame& frame) { return frame.view.header.source == address; });
}
Match destination(const Ipv6Address& address) {
  return Match::Test(
      [address](const Frame& frame) { return frame.view.header.destination == address; });
}
Match inner_source(const Ipv6Address& address) {
  return Match::Test([address](const Frame& frame) {
    return frame.inner && frame.inner->header.source == address;
  });
}
Match icmp(std::uint8_t type) {
  return Match::Test([type](const Frame& frame) { return frame.icmp_type() == type; });
}
Match icmp_error() {
  return Match::Test(
      [](const Frame& frame) { return frame.icmp_type() > 0 && frame.icmp_type() < 128; });
}
Match solicitation(const Ipv6Address& target) {
  return Match::Test([target](const Frame& frame) {
    if (frame.icmp_type() != type_of(wire::Icmpv6Type::kNeighborSolicitation)) return false;
    const auto message = wire::NeighborSolicitation::parse(frame.view.upper);
    return message && message->target == target;
  });
}
Match advertisement(const Ipv6Address& target) {
  return Match::Test([target](const Frame& frame) {
    if (frame.icmp_type() != type_of(wire::Icmpv6Type::kNeighborAdvertisement)) return false;
    const auto message = wire::NeighborAdvertisement::parse(frame.view.upper);
    return message && message->target == target;
  });
}
Match mobility(wire::MobilityType type) {
  return Match::Test([type](const Frame& frame) { return frame.mobility() == type; });
}
Match multicast_report(const Ipv6Address& group) {
  return Match::Test([group](const Frame& frame) { return reports(frame, group, true); });
}
Match multicast_done(const Ipv6Address& group) {
  return Match::Test([group](const Frame& frame) { return reports(frame, group, false); });
}

Flags flags_of(const Frame& advertisement) {
  const auto message = wire::NeighborAdvertisement::parse(advertisement.view.upper);
  if (!message) return {};
  return {message->router, message->solicited, message->override_flag};
}

LinkAddress target_link_address(const Frame& advertisement) {
  const ByteView upper = advertisement.view.upper;
  if (upper.size() < wire::NeighborAdvertisement::kSize) return {};
  const auto options = wire::OptionList::parse(upper.subspan(wire::NeighborAdvertisement::kSize));
  if (!options) return {};
  const auto option = options->first(wire::OptionType::kTargetLinkAddress);
  if (!option) return {};
  const auto parsed = wire::LinkAddressOption::parse(option->octets);
  return parsed ? parsed->address : LinkAddress{};
}

struct Wiretap::State {
  void read_until_stopped();
  void read_what_is_there();
  void keep(const sockaddr_ll& from, UtcTime at, ByteView frame);
  [[nodiscard]] std::optional<Place> place_of(int index) const;

  net::FileDescriptor fd;
  std::array<int, kPlaces> ports{};
  std::mutex reading;  // of `fd`
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::vector<Seen> frames;
  std::atomic<unsigned> lost = 0;
  std::atomic<bool> stopping = false;
  std::thread reader;
};

std::optional<Place> Wiretap::State::place_of(int index) const {
  for (std::size_t i = 0; i < kPlaces; ++i)
    if (ports[i] == index) return static_cast<Place>(i);
  return std::nullopt;
}

void Wiretap::State::keep(const sockaddr_ll& from, UtcTime at, ByteView octets) {
  const auto place = place_of(from.sll_ifindex);
  if (!place || octets.size() < kLinkHeader) return;
  auto frame = std::make_shared<Frame>();
  frame->place = *place;
  frame->from_node = from.sll_pkttype != PACKET_OUTGOING;
  frame->at = at;
  frame->to = *LinkAddress::from(octets.first(6));
  frame->from = *LinkAddress::from(octets.subspan(6, 6));
  frame->packet = to_bytes(octets.subspan(kLinkHeader));
  const auto view = wire::PacketView::parse(frame->packet);
  if (!view) return;
  frame->view = *view;
  if (view->upper_protocol == wire::kProtocolIpv6)
    if (const auto inner = wire::PacketView::parse(view->upper)) frame->inner = *inner;
  const std::lock_guard lock(mutex);
  frames.push_back(std::move(frame));
  changed.notify_all();
}

// Afterwards all that was carried before the call is in `frames`.
void Wiretap::State::read_what_is_there() {
  const std::lock_guard one_at_a_time(reading);
  for (;;) {
    std::array<std::uint8_t, 2048> octets{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control{};
    sockaddr_ll from{};
    iovec part{octets.data(), octets.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd.get(), &message, MSG_DONTWAIT);
    if (size < 0) return;
    UtcTime at;
    if (const cmsghdr* stamp = CMSG_FIRSTHDR(&message)) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(stamp), sizeof time);
      at = UtcTime(seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
    }
    if (ntohs(from.sll_protocol) == ETH_P_IPV6)
      keep(from, at, ByteView(octets).first(static_cast<std::size_t>(size)));
  }
}

void Wiretap::State::read_until_stopped() {
  pollfd readable{fd.get(), POLLIN, 0};
  while (!stopping) {
    (void)poll(&readable, 1, kPollMs);
    read_what_is_there();
  }
}

Wiretap::Wiretap(std::unique_ptr<State> state) : state_(std::move(state)) {}

Wiretap::~Wiretap() {
  state_->stopping = true;
  if (state_->reader.joinable()) state_->reader.join();
}

lab::Attempt<std::unique_ptr<Wiretap>> Wiretap::start(const lab::Namespace& cables) {
  const lab::Inside inside(cables);
  auto tap = std::unique_ptr<Wiretap>(new Wiretap(std::make_unique<State>()));
  State& state = *tap->state_;
  for (std::size_t i = 0; i < kPlaces; ++i)
    state.ports[i] = static_cast<int>(if_nametoindex(kPorts[i]));
  state.fd = net::FileDescriptor(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  if (!state.fd.ok()) return lab::failed_call("open a packet socket");
  const int buffer = 32 << 20;
  const int on = 1;
  if (setsockopt(state.fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
    (void)setsockopt(state.fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (setsockopt(state.fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
    return lab::failed_call("ask for time stamps");
  state.reader = std::thread([&state] { state.read_until_stopped(); });
  return tap;
}

Mark Wiretap::mark() const {
  state_->read_what_is_there();
  const std::lock_guard lock(state_->mutex);
  return state_->frames.size();
}

Seen Wiretap::wait(const Match& match, Mark since) const {
  const Instant deadline = net::read_clocks().boot + kMarkerPatience;
  std::unique_lock lock(state_->mutex);
  for (std::size_t next = since;;) {
    for (; next < state_->frames.size(); ++next)
      if (match(*state_->frames[next])) return state_->frames[next];
    if (net::read_clocks().boot > deadline) return nullptr;
    (void)state_->changed.wait_for(lock, milliseconds(kPollMs));
  }
}

std::vector<Seen> Wiretap::all(const Match& match, Mark since) const {
  state_->read_what_is_there();
  const std::lock_guard lock(state_->mutex);
  std::vector<Seen> found;
  for (std::size_t i = since; i < state_->frames.size(); ++i)
    if (match(*state_->frames[i])) found.push_back(state_->frames[i]);
  return found;
}

Mark Wiretap::position(const Match& match, Mark since) const {
  state_->read_what_is_there();
  const std::lock_guard lock(state_->mutex);
  for (std::size_t i = since; i < state_->frames.size(); ++i)
    if (match(*state_->frames[i])) return i;
  return state_->frames.size();
}

unsigned Wiretap::lost() const {
  tpacket_stats counted{};
  socklen_t size = sizeof counted;
  // Reading resets the kernel's count.
  if (getsockopt(state_->fd.get(), SOL_PACKET, PACKET_STATISTICS, &counted, &size) == 0)
    state_->lost += counted.tp_drops;
  return state_->lost;
}

std::string Wiretap::story(Mark since) const {
  constexpr std::size_t kLines = 400;
  const std::lock_guard lock(state_->mutex);
  std::string text = "\nWhat the links carried:\n";
  for (std::size_t i = since; i < state_->frames.size() && i < since + kLines; ++i)
    text += "  " + std::to_string(i) + " " + state_->frames[i]->text() + "\n";
  return text;
}

void Wiretap::inject(Place place, const LinkAddress& from, const LinkAddress& to,
                     ByteView packet) const {
  Bytes frame = to_bytes(to.view());
  frame.insert(frame.end(), from.view().begin(), from.view().end());
  frame.insert(frame.end(), {0x86, 0xdd});
  frame.insert(frame.end(), packet.begin(), packet.end());
  sockaddr_ll name{};
  name.sll_family = AF_PACKET;
  name.sll_protocol = htons(ETH_P_IPV6);
  name.sll_ifindex = state_->ports[number(place)];
  invariant(sendto(state_->fd.get(), frame.data(), frame.size(), 0,
                   reinterpret_cast<const sockaddr*>(&name),
                   sizeof name) == static_cast<ssize_t>(frame.size()));
}

Bytes datagram(const Ipv6Address& source, const Ipv6Address& destination, std::uint16_t port,
               const std::string& data) {
  Bytes upper(kUdpHeader + data.size());
  Writer writer(upper);
  writer.u16(port);
  writer.u16(port);
  writer.u16(static_cast<std::uint16_t>(upper.size()));
  writer.u16(0);
  writer.bytes({reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
  const std::uint16_t sum = wire::checksum(source, destination, kUdp, upper);
  Writer(ByteSpan(upper).subspan(6)).u16(sum);
  wire::Ipv6Header header;
  header.next_header = kUdp;
  header.source = source;
  header.destination = destination;
  return wire::build_packet(header, {}, upper);
}

Bytes in_tunnel(const Ipv6Address& near, const Ipv6Address& far, ByteView inner) {
  wire::Ipv6Header header;
  header.next_header = wire::kProtocolIpv6;
  header.source = near;
  header.destination = far;
  return wire::build_packet(header, {}, inner);
}

Bytes solicitation_packet(const Ipv6Address& source, const LinkAddress& source_link,
                          const Ipv6Address& destination, const Ipv6Address& target) {
  Bytes message;
  append(message, wire::NeighborSolicitation{target});
  if (!source.is_unspecified())
    append(message, wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, source_link});
  wire::seal_icmpv6(source, destination, message);
  return wire::icmpv6_packet(source, destination, message);
}

Bytes advertisement_packet(const Ipv6Address& source, const Ipv6Address& destination,
                           const Ipv6Address& target, Flags flags,
                           const std::optional<LinkAddress>& target_link) {
  Bytes message;
  append(message,
         wire::NeighborAdvertisement{flags.router, flags.solicited, flags.override_flag, target});
  if (target_link)
    append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, *target_link});
  wire::seal_icmpv6(source, destination, message);
  return wire::icmpv6_packet(source, destination, message);
}

LinkAddress group_link(const Ipv6Address& group) {
  std::array<std::uint8_t, 6> octets{0x33, 0x33};
  std::copy(group.octets().begin() + 12, group.octets().end(), octets.begin() + 2);
  return *LinkAddress::from(octets);
}

}  // namespace sendoff::test
