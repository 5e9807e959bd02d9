// All links of a lab's network under one eye: each frame, taken apart, in the one order in which
// the kernel carried them, while it happens. And a hand that puts frames on a link, as a stranger
// there could.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/network.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::test {

// Where a frame was seen: at the cables' end of a node's interface.
enum class Place : std::uint8_t {
  kParLink,  // the access link of the PAR
  kNarLink,
  kMobileLink,  // the MN's interface
  kOtherLink,   // the other node's
  kParCore,
  kNarCore,
  kCorrespondent,
};
inline constexpr std::size_t kPlaces = 7;
[[nodiscard]] std::string_view name(Place place);

struct Frame {
  Place place{};
  bool from_node = false;  // sent by the node whose interface this is, not to it
  UtcTime at;
  LinkAddress from;
  LinkAddress to;
  Bytes packet;
  wire::PacketView view;                  // borrows from `packet`
  std::optional<wire::PacketView> inner;  // of an IPv6-in-IPv6 packet

  // The packet that a user sent: the inner one where there is one.
  [[nodiscard]] const wire::PacketView& innermost() const { return inner ? *inner : view; }
  // The data of a UDP datagram, tunnelled or not.
  [[nodiscard]] std::string_view data() const;
  [[nodiscard]] std::uint8_t icmp_type() const;  // 0: not ICMPv6
  [[nodiscard]] std::optional<wire::MobilityType> mobility() const;
  // One line, for a person.
  [[nodiscard]] std::string text() const;
};
using Seen = std::shared_ptr<const Frame>;

class Match {
 public:
  using Test = std::function<bool(const Frame&)>;
  Match(Test test) : test_(std::move(test)) {}  // NOLINT(google-explicit-constructor): reads well
  [[nodiscard]] bool operator()(const Frame& frame) const { return test_(frame); }

  friend Match operator&&(Match one, Match two) {
    return Test([one = std::move(one), two = std::move(two)](const Frame& frame) {
      return one(frame) && two(frame);
    });
  }
  friend Match operator||(Match one, Match two) {
    return Test([one = std::move(one), two = std::move(two)](const Frame& frame) {
      return one(frame) || two(frame);
    });
  }
  friend Match operator!(Match match) {
    return Test([match = std::move(match)](const Frame& frame) { return !match(frame); });
  }

 private:
  Test test_;
};

[[nodiscard]] Match at(Place place);
[[nodiscard]] Match from_node();                       // by the node that the place belongs to
[[nodiscard]] Match by(const LinkAddress& sender);     // whose frame it is
[[nodiscard]] Match plain(const std::string& data);    // the datagram, in no tunnel
[[nodiscard]] Match carries(const std::string& data);  // the datagram, in a tunnel or not
[[nodiscard]] Match tunnelled(const std::string& data, const Ipv6Address& near,
                              const Ipv6Address& far);
[[nodiscard]] Match source(const Ipv6Address& address);       // of the outer packet
[[nodiscard]] Match destination(const Ipv6Address& address);  // of the outer packet
[[nodiscard]] Match inner_source(const Ipv6Address& address);
[[nodiscard]] Match solicitation(const Ipv6Address& target);
[[nodiscard]] Match advertisement(const Ipv6Address& target);
[[nodiscard]] Match mobility(wire::MobilityType type);
[[nodiscard]] Match icmp(std::uint8_t type);
[[nodiscard]] Match multicast_report(const Ipv6Address& group);  // joins it (MLDv2 or MLDv1)
[[nodiscard]] Match multicast_done(const Ipv6Address& group);    // leaves it
[[nodiscard]] Match icmp_error();                                // types below 128

// A Neighbor Advertisement's flags.
struct Flags {
  bool router = false;
  bool solicited = false;
  bool override_flag = false;
  friend bool operator==(const Flags&, const Flags&) = default;
};
[[nodiscard]] Flags flags_of(const Frame& advertisement);
[[nodiscard]] LinkAddress target_link_address(const Frame& advertisement);

// A moment in the order of frames.
using Mark = std::size_t;

class Wiretap {
 public:
  [[nodiscard]] static lab::Attempt<std::unique_ptr<Wiretap>> start(const lab::Namespace& cables);
  ~Wiretap();
  Wiretap(const Wiretap&) = delete;
  Wiretap& operator=(const Wiretap&) = delete;

  [[nodiscard]] Mark mark() const;
  // The first frame since `since` that matches; waits for it. Null when none came in a long time.
  [[nodiscard]] Seen wait(const Match& match, Mark since = 0) const;
  // What is there already.
  [[nodiscard]] std::vector<Seen> all(const Match& match, Mark since = 0) const;
  [[nodiscard]] std::size_t count(const Match& match, Mark since = 0) const {
    return all(match, since).size();
  }
  // Its position in the order of frames; the number of frames when there is none.
  [[nodiscard]] Mark position(const Match& match, Mark since = 0) const;
  // Frames that were missed: then nothing can be said of absence.
  [[nodiscard]] unsigned lost() const;
  // For the message of a failed expectation.
  [[nodiscard]] std::string story(Mark since = 0) const;

  // Puts a frame on the link of that place, toward the node.
  void inject(Place place, const LinkAddress& from, const LinkAddress& to, ByteView packet) const;

 private:
  struct State;
  explicit Wiretap(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// --- packets to inject

[[nodiscard]] Bytes datagram(const Ipv6Address& source, const Ipv6Address& destination,
                             std::uint16_t port, const std::string& data);
[[nodiscard]] Bytes in_tunnel(const Ipv6Address& near, const Ipv6Address& far, ByteView inner);
[[nodiscard]] Bytes solicitation_packet(const Ipv6Address& source, const LinkAddress& source_link,
                                        const Ipv6Address& destination, const Ipv6Address& target);
[[nodiscard]] Bytes advertisement_packet(const Ipv6Address& source, const Ipv6Address& destination,
                                         const Ipv6Address& target, Flags flags,
                                         const std::optional<LinkAddress>& target_link);
// The link-layer address of a multicast group (RFC 2464 7).
[[nodiscard]] LinkAddress group_link(const Ipv6Address& group);

}  // namespace sendoff::test
