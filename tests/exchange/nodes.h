// Routers and a mobile node as objects, each beside a scripted peer, and what bends their messages:
// for rules that both ends keep.
#pragma once

#include "exchange/both.h"
#include "mobile/moving.h"
#include "router/handover_fixture.h"

namespace sendoff::test {

struct ParNode : ParTest {
  void TestBody() override {}
  using ParTest::ar_global;
  using ParTest::bench;
  using ParTest::bindings;
  using ParTest::config;
  using ParTest::counted;
  using ParTest::Delivered;
  using ParTest::delivered;
  using ParTest::fback_destinations;
  using ParTest::fbacks;
  using ParTest::hack;
  using ParTest::his;
  using ParTest::hke;
  using ParTest::installed;
  using ParTest::mn;
  using ParTest::ncoa;
  using ParTest::predictive;
  using ParTest::provision;
  using ParTest::reactive;
  using ParTest::receive;
  using ParTest::router;
  using ParTest::start;
  using ParTest::take;

  // Where the Mobility Header of an FBU stands: behind the Home Address option.
  static constexpr std::size_t kHeaderAt = 64;

  // With what was persisted, and without asking for a key.
  void restart(machine::Snapshot snapshot, const Delivered& known) {
    RouterTest::start(std::move(snapshot));
    delivered = known;
  }
  void receive_packet(const Bytes& packet) { bench.receive(packet, mn.link_address()); }
  // Without a word, and without a deed.
  [[nodiscard]] bool silent() const { return bench.sent.empty() && bench.actions.empty(); }
  [[nodiscard]] crypto::Algorithm algorithm() const {
    return *crypto::algorithm_of(delivered.algorithm);
  }
  // The status of the FBack to this packet, which the NAR agrees to; -1: silence.
  int status_of(const Bytes& packet) {
    bench.forget();
    receive_packet(packet);
    if (!his().empty()) take(hack(0));
    return fbacks().empty() ? -1 : int{fbacks()[0].status};
  }
  int status_of(const CraftFbu& craft) { return status_of(craft.packet()); }
};

struct NarNode : NarTest {
  void TestBody() override {}
  using NarTest::ar_global;
  using NarTest::arrivals;
  using NarTest::arrive;
  using NarTest::bench;
  using NarTest::config;
  using NarTest::counted;
  using NarTest::hacks;
  using NarTest::hi;
  using NarTest::mn;
  using NarTest::naacks;
  using NarTest::ncoa;
  using NarTest::par;
  using NarTest::pcoa;
  using NarTest::proxied;
  using NarTest::router;
  using NarTest::start;
  using NarTest::take;
  using NarTest::una;
  using Naack = NarTest::Naack;
};

// A node that has a key of its router, knows no access point, and has asked once more: the test
// answers.
struct Listening : Moving {
  Listening() : Moving(mobile_config(), [](World& made) { made.tuples.clear(); }) {
    world.answer_rtsolpr = false;
    ask();
  }
  void ask() {
    world.advance(seconds(3));
    world.order(machine::RequestKey{}).value();
    request = world.solicitations().back();
    world.forget_output();
  }
  using Bend = std::function<void(Bytes& message)>;
  // A PrRtAdv with these options; `bend` may change the message before it is signed. Codes 1 and 4
  // answer nothing.
  [[nodiscard]] Bytes message(std::uint8_t code, const std::vector<Bytes>& options,
                              const Bend& bend = {}) const {
    const bool asked =
        code != wire::PrRtAdv::kNetworkInitiated && code != wire::PrRtAdv::kUnsolicited;
    Bytes octets;
    append(octets, wire::PrRtAdv{code, asked ? request.identifier : std::uint16_t{0}});
    for (const Bytes& option : options) octets.insert(octets.end(), option.begin(), option.end());
    Seal seal = world.seal(asked ? std::optional(request.nonce) : std::nullopt);
    seal.before_signing = bend;
    return par.secured(std::move(octets), request.source, seal);
  }
  void tell(std::uint8_t code, const std::vector<Bytes>& options, const Bend& bend = {}) {
    world.deliver(message(code, options, bend));
  }
  [[nodiscard]] std::size_t known() const { return world.status().neighbours.size(); }
  // "" when it is not known.
  [[nodiscard]] std::string state_of(const LinkAddress& access_point) const {
    for (const auto& neighbour : world.status().neighbours)
      if (neighbour.access_point == access_point) return neighbour.state;
    return "";
  }
  // The NCoA that an FBU names after an order to go there; nothing when it is refused.
  [[nodiscard]] std::optional<Ipv6Address> ncoa_towards(const LinkAddress& access_point) {
    if (!world.order(machine::HandOver{access_point})) return std::nullopt;
    return world.updates().back().fbu.options.alternate_care_of;
  }
  Solicitation request;
};

inline Bytes options_of_tuple(const Tuple& tuple) {
  Bytes octets;
  FakeRouter::append_tuple(octets, tuple);
  return octets;
}
inline Bytes link_option(wire::LinkLayerAddressOption::Code code, const LinkAddress& address) {
  return octets_of(wire::LinkLayerAddressOption{code, address});
}
inline Bytes address_option(wire::IpAddressPrefixOption::Code code, std::uint8_t prefix_length,
                            const Ipv6Address& address) {
  return octets_of(wire::IpAddressPrefixOption{code, prefix_length, address});
}
// An ND option that nobody knows.
inline const Bytes kUnknownOption{200, 1, 2, 3, 4, 5, 6, 7};

// The Mobility Header of `packet`, wherever it stands.
inline Bytes mobility_header_of(ByteView packet) {
  const auto view = wire::PacketView::parse(packet);
  EXPECT_TRUE(view && view->upper_protocol == wire::kProtocolMobility);
  return view ? to_bytes(view->upper) : Bytes{};
}

struct MobilityOption {
  int type = 0;
  std::size_t at = 0;  // of its type octet, from the header's start
  std::size_t length = 0;
};
// Read by hand, padding left out. FBU and FBack have their options at 12, HI and HAck at 10. The
// length of type 21 leaves its SPI out.
inline std::vector<MobilityOption> mobility_options_of(ByteView header) {
  std::vector<MobilityOption> found;
  std::size_t at = header[2] == 14 || header[2] == 15 ? 10 : 12;
  while (at < header.size()) {
    if (header[at] == 0) {
      ++at;
      continue;
    }
    if (header[at] != 1) found.push_back({header[at], at, header[at + 1]});
    at += 2u + header[at + 1] + (header[at] == 21 ? 4u : 0u);
  }
  EXPECT_EQ(at, header.size());
  return found;
}
inline std::ptrdiff_t count_of(const std::vector<MobilityOption>& options, int type) {
  return std::ranges::count(options, type, &MobilityOption::type);
}

// What an authenticator is made with.
struct Signer {
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128;
  Bytes key;
  Ipv6Address care_of;
  Ipv6Address par;

  [[nodiscard]] std::size_t size() const { return crypto::tag_size(algorithm); }
  // Over the header up to `tag_at`, by OpenSSL's one-shot calls.
  [[nodiscard]] Bytes tag(ByteView header, std::size_t tag_at) const {
    Bytes input = to_bytes(care_of.view());
    input.insert(input.end(), par.view().begin(), par.view().end());
    input.insert(input.end(), header.begin(), header.begin() + static_cast<std::ptrdiff_t>(tag_at));
    input[32 + 4] = input[32 + 5] = 0;
    Bytes mac = independent_mac(algorithm, key, input);
    mac.resize(size());
    return mac;
  }
  // Whether the header ends with the authenticator that these make, the only one in it.
  [[nodiscard]] bool made(ByteView header) const {
    const auto options = mobility_options_of(header);
    if (count_of(options, 21) != 1 || options.back().type != 21) return false;
    const std::size_t tag_at = options.back().at + 6;
    return options.back().length == size() && tag_at + size() == header.size() &&
           Reader(header.subspan(tag_at - 4, 4)).u32() == 0 &&
           equal(header.subspan(tag_at), tag(header, tag_at));
  }
  // The packet with its Mobility Header bent, and then its length, authenticator and checksum put
  // right. `bend` gets the header and where its authenticator stands.
  using Bend = std::function<void(Bytes& header, std::size_t& tag_at)>;
  [[nodiscard]] Bytes bent(const Bytes& packet, const Bend& bend) const {
    const auto view = wire::PacketView::parse(packet);
    Bytes header = to_bytes(view->upper);
    const std::size_t header_at = packet.size() - header.size();
    std::size_t tag_at = header.size() - size();
    bend(header, tag_at);
    EXPECT_EQ(header.size() % 8, 0u);
    header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
    std::ranges::copy(tag(header, tag_at), header.begin() + static_cast<std::ptrdiff_t>(tag_at));
    wire::seal_mobility(view->home_address.value_or(view->header.source), view->header.destination,
                        header);
    const ByteView extension =
        ByteView(packet).subspan(wire::Ipv6Header::kSize, header_at - wire::Ipv6Header::kSize);
    return wire::build_packet(view->header, extension, header);
  }
};

// Of the FBUs that the tests write for a router under test.
inline Signer signer_of(const ParNode& node, const Ipv6Address& care_of) {
  return {node.algorithm(), node.delivered.key, care_of, node.ar_global()};
}
// Of FBUs and FBacks between a node under test and its scripted router.
inline Signer signer_of(const Moving& node, const Ipv6Address& care_of) {
  return {node.world.issued_algorithm, node.world.issued(node.par), care_of, node.par.global[0]};
}

}  // namespace sendoff::test
