// What RFC 4861 6.1, 7.1, 8.1 and RFC 6980 refuse before anything of SEND is looked at, and what
// they have ignored: each kind of message, by the guard that stands before the kernel.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "nd/guard_fixture.h"
#include "support/paths.h"

namespace sendoff::test {
namespace {

using wire::OptionType;

Bytes of_link(OptionType type) {
  return octets_of(wire::LinkAddressOption{type, LinkAddress::literal("02:00:5e:00:53:21")});
}

Bytes prefix_option(const std::string& prefix, bool autonomous = true) {
  wire::PrefixInformation option;
  option.on_link = true;
  option.autonomous = autonomous;
  option.valid_lifetime_s = option.preferred_lifetime_s = 3600;
  option.address = Prefix::literal(prefix).address();
  return octets_of(option);
}

// Without anchors, in mixed mode: whatever is right is taken, signed or not.
class Received : public GuardTest {
 protected:
  static constexpr std::uint8_t kTypes[] = {133, 134, 135, 136, 137};
  static inline const Ipv6Address kNeighbour = Ipv6Address::literal("2001:db8:a:1::9");

  // A good message of each type, with one option of its own.
  [[nodiscard]] Craft signed_message(std::uint8_t type) {
    bench.advance(seconds(1));
    const Bytes nonce{1, 1, 1, 1, 1, ++serial_};
    switch (type) {
      case 133:
        return with(
            secured(peer.link_local(), kAllRouters, octets_of(wire::RouterSolicitation{}), nonce),
            of_link(OptionType::kSourceLinkAddress));
      case 134:
        return with(secured(peer.link_local(), kAllNodes,
                            octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800}), {}),
                    of_link(OptionType::kSourceLinkAddress));
      case 135:
        return with(secured(peer.link_local(), own().solicited_node(),
                            octets_of(wire::NeighborSolicitation{own()}), nonce),
                    of_link(OptionType::kSourceLinkAddress));
      case 136:
        return with(
            secured(peer.link_local(), kAllNodes,
                    octets_of(wire::NeighborAdvertisement{.target = peer.link_local()}), {}),
            of_link(OptionType::kTargetLinkAddress));
      default:
        return with(secured(peer.link_local(), own(),
                            octets_of(wire::Redirect{kNeighbour, kNeighbour}), {}),
                    of_link(OptionType::kTargetLinkAddress));
    }
  }
  [[nodiscard]] Craft plain_message(std::uint8_t type) {
    Craft craft = signed_message(type);
    craft.source = Ipv6Address::literal("fe80::66");
    // What a signed message told of is not for this one to change.
    const Ipv6Address other = Ipv6Address::literal("2001:db8:a:1::19");
    if (type == 136) craft.head = octets_of(wire::NeighborAdvertisement{.target = craft.source});
    if (type == 137) craft.head = octets_of(wire::Redirect{other, other});
    craft.cga_parameters.reset();
    craft.timestamp.reset();
    craft.nonce.reset();
    craft.signer.reset();
    return craft;
  }
  static Craft with(Craft craft, Bytes option) {
    craft.options.push_back(std::move(option));
    return craft;
  }
  // Refused, counted under this name, without an RSA operation.
  void refused(const Bytes& packet, std::string_view counter) {
    const std::uint64_t before = bench.counter("send", counter);
    const int verified = bench.jobs["verify"];
    EXPECT_TRUE(dropped(from_wire(packet)));
    EXPECT_EQ(bench.counter("send", counter), before + 1) << counter;
    EXPECT_EQ(bench.jobs["verify"], verified);
  }
  using Bend = std::function<void(Craft&)>;
  void refused_in_each_type(
      std::string_view counter, const Bend& before,
      const std::function<void(Bytes&)>& after = [](Bytes&) {}) {
    for (const std::uint8_t type : kTypes)
      for (Craft craft : {signed_message(type), plain_message(type)}) {
        SCOPED_TRACE(int{type});
        before(craft);
        Bytes packet = craft.packet();
        after(packet);
        refused(packet, counter);
      }
  }
  [[nodiscard]] std::size_t formed() const { return bench.asked<machine::AddAddress>().size(); }

  std::uint8_t serial_ = 0;
};

TEST_F(Received, EachTypeIsTakenWhereNothingIsWrong) {
  start();
  for (const std::uint8_t type : kTypes) {
    EXPECT_FALSE(icmp_of(from_wire(signed_message(type).packet())).empty()) << int{type};
    EXPECT_FALSE(icmp_of(from_wire(plain_message(type).packet())).empty()) << int{type};
  }
  EXPECT_EQ(counted("taken-secured"), 5u);
  EXPECT_EQ(counted("taken-unsecured"), 5u);
}

TEST_F(Received, FromBeyondTheLinkNothingIsTaken) {
  COVERS("ND-4861-1");
  trust();
  start();
  for (const int hops : {254, 64, 1})
    refused_in_each_type("hop-limit",
                         [&](Craft& craft) { craft.hop_limit = static_cast<std::uint8_t>(hops); });
  // Nor a certification path; and what leaves here has 255.
  (void)from_wire(certified_advertisement(), router.link_address);
  ASSERT_FALSE(bench.sent.empty());
  const Bytes cps = bench.sent.back().packet;
  EXPECT_EQ(cps[7], 255);
  const auto identifier =
      wire::CertificationPathSolicitation::parse(ByteView(cps).subspan(40))->identifier;
  for (Bytes cpa : router.path_advertisements(own(), identifier)) {
    cpa[7] = 254;
    bench.receive(cpa, router.link_address);
  }
  EXPECT_EQ(bench.counter("path", "validated"), 0u);
  const auto asked = from_kernel(
      solicitation(own(), peer.link_local().solicited_node(), peer.link_local(), kOwnLink));
  EXPECT_EQ(asked->packet[7], 255);
  const auto detected = from_kernel(detection());
  EXPECT_EQ(detected->packet[7], 255);
}

TEST_F(Received, AChecksumIsThatOfTheWholeMessage) {
  COVERS("ND-4861-2");
  start();
  for (const std::size_t bit : {0u, 7u, 15u})
    refused_in_each_type(
        "checksum", [](Craft&) {},
        [&](Bytes& packet) { packet[42 + bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8); });
  // Right for the message up to its signature only.
  for (const std::uint8_t type : kTypes) {
    Craft craft = signed_message(type);
    Bytes packet = craft.packet();
    craft.signer.reset();
    const Bytes without = craft.packet();
    std::copy_n(without.begin() + 42, 2, packet.begin() + 42);
    refused(packet, "checksum");
  }
}

TEST_F(Received, TheCodeIsZero) {
  COVERS("ND-4861-3");
  start();
  refused_in_each_type("code", [](Craft& craft) { craft.head[1] = 1; });
}

TEST_F(Received, NoMessageEndsWithinItsFixedPart) {
  COVERS("ND-4861-4");
  start();
  constexpr std::pair<std::uint8_t, std::size_t> kSizes[] = {
      {133, 8}, {134, 16}, {135, 24}, {136, 24}, {137, 40}};
  for (const auto& [type, size] : kSizes) {
    Craft craft = plain_message(type);
    craft.options.clear();
    ASSERT_EQ(craft.head.size(), size);
    EXPECT_TRUE(taken(from_wire(craft.packet()))) << int{type};
    for (std::size_t short_of = 1; short_of <= size - 4; ++short_of) {
      craft.head.pop_back();
      refused(craft.packet(), "truncated");
    }
  }
}

TEST_F(Received, AnOptionOfLengthZeroOrBeyondTheEndSpoilsTheMessage) {
  COVERS("ND-4861-5", "ND-4861-6");
  start();
  const Bytes empty{200, 0, 0, 0, 0, 0, 0, 0};
  const Bytes too_long{200, 2, 0, 0, 0, 0, 0, 0};
  const Bytes odd{1};
  const auto put = [&](const Bytes& option, auto where) {
    refused_in_each_type("option-structure", [&](Craft& craft) { where(craft, option); });
  };
  const auto first = [](Craft& craft, const Bytes& option) {
    craft.options.insert(craft.options.begin(), option);
  };
  const auto middle = [](Craft& craft, const Bytes& option) { craft.options.push_back(option); };
  const auto last = [](Craft& craft, const Bytes& option) {
    craft.trailing_options.push_back(option);
  };
  put(empty, first);
  put(empty, middle);
  put(empty, last);
  put(too_long, last);
  put(odd, last);
}

TEST_F(Received, AnUnknownOptionIsSteppedOver) {
  COVERS("ND-4861-7");
  start();
  const auto with_prefix = [&](Craft craft, const std::string& prefix) {
    craft.options.insert(craft.options.begin(), Bytes{200, 1, 9, 9, 9, 9, 9, 9});
    craft.options.push_back(prefix_option(prefix));
    bench.forget();
    EXPECT_TRUE(taken(from_wire(craft.packet())));
    const auto added = bench.asked<machine::AddAddress>();
    ASSERT_EQ(added.size(), 1u);
    EXPECT_EQ(added[0]->address, config.identity.address(Prefix::literal(prefix)));
  };
  with_prefix(plain_message(134), "2001:db8:a:1::/64");
  with_prefix(signed_message(134), "2001:db8:a:2::/64");
}

TEST_F(Received, AnOptionOfAnotherMessageHasNoEffect) {
  COVERS("ND-4861-8");
  start();
  for (const std::uint8_t type : kTypes)
    for (Craft craft : {signed_message(type), plain_message(type)}) {
      if (type == 134) continue;
      craft.options.push_back(prefix_option("2001:db8:a:1::/64"));
      craft.options.push_back(octets_of(wire::MtuOption{1280}));
      EXPECT_FALSE(icmp_of(from_wire(craft.packet())).empty()) << int{type};
    }
  EXPECT_EQ(formed(), 0u);
  // The other kind of link-layer address makes no neighbour.
  const std::size_t known = guard->status(bench.now).secured_neighbours;
  const Peer other(signing_key("mn-3072"), kOnLink, "02:00:5e:00:53:31");
  const auto swapped = [&](Craft craft, OptionType type) {
    craft.source = other.link_local();
    craft.cga_parameters = other.parameters(craft.source).octets();
    craft.signer = other.key();
    craft.options = {of_link(type)};
    return craft.packet();
  };
  EXPECT_TRUE(taken(from_wire(swapped(signed_message(134), OptionType::kTargetLinkAddress))));
  EXPECT_TRUE(taken(from_wire(swapped(signed_message(135), OptionType::kTargetLinkAddress))));
  EXPECT_EQ(guard->status(bench.now).secured_neighbours, known);
  EXPECT_TRUE(taken(from_wire(swapped(signed_message(135), OptionType::kSourceLinkAddress))));
  EXPECT_EQ(guard->status(bench.now).secured_neighbours, known + 1);
}

TEST_F(Received, ReservedBitsSayNothing) {
  COVERS("ND-4861-12");
  start();
  const auto set = [](Craft& craft) {
    const auto fill = [&](std::size_t at, std::uint8_t bits) { craft.head[at] |= bits; };
    if (craft.head[0] == 134) return fill(5, 0x07);
    fill(4, craft.head[0] == 136 ? 0x1f : 0xff);
    for (std::size_t at = 5; at < 8; ++at) fill(at, 0xff);
  };
  for (const std::uint8_t type : kTypes)
    for (Craft craft : {signed_message(type), plain_message(type)}) {
      set(craft);
      EXPECT_TRUE(taken(from_wire(craft.packet()))) << int{type};
    }
  Craft craft = signed_message(134);
  Bytes prefix = prefix_option("2001:db8:a:1::/64");
  prefix[3] |= 0x1f;
  std::fill_n(prefix.begin() + 12, 4, std::uint8_t{0xff});
  craft.options.push_back(prefix);
  bench.forget();
  EXPECT_TRUE(taken(from_wire(craft.packet())));
  const auto added = bench.asked<machine::AddAddress>();
  ASSERT_EQ(added.size(), 1u);
  EXPECT_EQ(added[0]->valid, seconds(3600));
  // What is sent has none of them.
  prefix[3] &= 0xe0;
  const auto read = wire::PrefixInformation::parse(prefix);
  EXPECT_EQ(octets_of(*read), prefix_option("2001:db8:a:1::/64"));
  for (const std::uint8_t type : kTypes) {
    Craft bent = signed_message(type);
    const Bytes zero = bent.head;
    set(bent);
    const auto emitted = [&]() -> Bytes {
      if (type == 133) return octets_of(*wire::RouterSolicitation::parse(bent.head));
      if (type == 134) return octets_of(*wire::RouterAdvertisement::parse(bent.head));
      if (type == 135) return octets_of(*wire::NeighborSolicitation::parse(bent.head));
      if (type == 136) return octets_of(*wire::NeighborAdvertisement::parse(bent.head));
      return octets_of(*wire::Redirect::parse(bent.head));
    }();
    EXPECT_EQ(emitted, zero) << int{type};
  }
  const Bytes cps = octets_of(wire::MtuOption{1400});
  EXPECT_EQ(cps[2] | cps[3], 0);
}

TEST_F(Received, FromTheUnspecifiedAddressComesNoLinkLayerAddress) {
  COVERS("ND-4861-17");
  start();
  const auto detect = [&](const Ipv6Address& target, const Ipv6Address& destination) {
    bench.advance(seconds(1));
    Craft craft =
        secured(peer.link_local(), destination, octets_of(wire::NeighborSolicitation{target}),
                Bytes{2, 2, 2, 2, 2, ++serial_});
    craft.source = Ipv6Address{};
    craft.cga_parameters = peer.parameters(peer.link_local()).octets();
    return craft;
  };
  const auto without_send = [](Craft craft) {
    craft.cga_parameters.reset();
    craft.timestamp.reset();
    craft.nonce.reset();
    craft.signer.reset();
    return craft.packet();
  };
  const Ipv6Address target = peer.link_local();
  EXPECT_TRUE(taken(from_wire(detect(target, target.solicited_node()).packet())));
  EXPECT_TRUE(taken(from_wire(without_send(detect(kNeighbour, kNeighbour.solicited_node())))));
  for (const Ipv6Address& destination : {target, kAllNodes}) {
    refused(detect(target, destination).packet(), "destination");
    refused(without_send(detect(kNeighbour, destination)), "destination");
  }
  Craft named = detect(target, target.solicited_node());
  named.options.push_back(of_link(OptionType::kSourceLinkAddress));
  refused(named.packet(), "option-content");
  refused(without_send(named), "option-content");
}

TEST_F(Received, ATargetIsNoGroup) {
  COVERS("ND-4861-16", "ND-4861-18");
  start();
  for (const char* group : {"ff02::1", "ff02::1:ff00:1"}) {
    const Ipv6Address target = Ipv6Address::literal(group);
    for (Craft craft : {signed_message(135), plain_message(135)}) {
      craft.head = octets_of(wire::NeighborSolicitation{target});
      refused(craft.packet(), "target");
    }
    for (Craft craft : {signed_message(136), plain_message(136)}) {
      craft.head = octets_of(wire::NeighborAdvertisement{.target = target});
      refused(craft.packet(), "target");
    }
  }
}

TEST_F(Received, WhatIsToldToAllAnswersNobody) {
  COVERS("ND-4861-19");
  start();
  for (Craft craft : {signed_message(136), plain_message(136)}) {
    ASSERT_EQ(craft.destination, kAllNodes);
    EXPECT_TRUE(taken(from_wire(craft.packet())));
    wire::NeighborAdvertisement head = *wire::NeighborAdvertisement::parse(craft.head);
    head.solicited = true;
    craft.head = octets_of(head);
    refused(craft.packet(), "destination");
  }
}

TEST_F(Received, RoutersSpeakFromLinkLocalAddresses) {
  COVERS("ND-4861-15");
  trust();
  start();
  have_router();
  // Its CGA option is that of the global address: all but the source is right.
  const auto signed_by = [&](Bytes message) {
    Craft craft;
    craft.source = router.global.front();
    craft.destination = kAllNodes;
    craft.head = std::move(message);
    craft.cga_parameters = router.parameters(Prefix::literal(kOnLink)).octets();
    craft.timestamp = timestamp_at(bench.now.utc);
    craft.signer = router.key;
    const Bytes packet = craft.packet();
    EXPECT_TRUE(signed_properly(packet));
    return packet;
  };
  refused(signed_by(octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800})), "source");
  refused(signed_by(octets_of(wire::Redirect{kNeighbour, kNeighbour})), "source");
}

TEST_F(Received, ARedirectLeadsToItsDestinationOrARouter) {
  COVERS("ND-4861-21");
  start();
  const auto redirect = [&](const char* target, const char* destination) {
    Craft craft = plain_message(137);
    craft.head =
        octets_of(wire::Redirect{Ipv6Address::literal(target), Ipv6Address::literal(destination)});
    return craft.packet();
  };
  EXPECT_TRUE(taken(from_wire(redirect("2001:db8::8", "2001:db8::8"))));
  EXPECT_TRUE(taken(from_wire(redirect("fe80::9", "2001:db8::8"))));
  refused(redirect("2001:db8::9", "2001:db8::8"), "target");
  refused(redirect("fe80::9", "ff05::8"), "target");
  refused(redirect("ff05::8", "ff05::8"), "target");
}

TEST_F(Received, ARedirectMayLeadOutOfTheAdvertisedPrefixes) {
  COVERS("ND-4861-95");
  trust();
  start();
  FakeRouter::Advertised none;
  none.prefixes.emplace();
  (void)from_wire(certified_advertisement(none), router.link_address);
  const machine::HoldId first = last_hold();
  give_path();
  ASSERT_TRUE(taken(verdict(first)));
  ASSERT_EQ(formed(), 0u);
  bench.advance(seconds(1));
  Seal seal;
  seal.utc = bench.now.utc;
  EXPECT_TRUE(taken(
      from_wire(router.secured(octets_of(wire::Redirect{kNeighbour, kNeighbour}), own(), seal),
                router.link_address)));
}

TEST_F(Received, NothingInPiecesIsTaken) {
  start();
  const auto fragment = [](const Bytes& whole, std::size_t offset, std::size_t size, bool more) {
    Bytes packet(whole.begin(), whole.begin() + 40);
    packet[6] = 44;
    const auto field = static_cast<std::uint16_t>(offset | (more ? 1 : 0));
    for (const int octet : {58, 0, field >> 8, field & 0xff, 1, 2, 3, 4})
      packet.push_back(static_cast<std::uint8_t>(octet));
    const auto from = whole.begin() + 40 + static_cast<std::ptrdiff_t>(offset);
    packet.insert(packet.end(), from, from + static_cast<std::ptrdiff_t>(size));
    packet[4] = static_cast<std::uint8_t>((packet.size() - 40) >> 8);
    packet[5] = static_cast<std::uint8_t>(packet.size() - 40);
    return packet;
  };
  for (const std::uint8_t type : kTypes) {
    const Bytes whole = signed_message(type).packet();
    const std::size_t size = whole.size() - 40;
    refused(fragment(whole, 0, size, false), "fragment");
    refused(fragment(whole, 0, 64, true), "fragment");
    EXPECT_TRUE(dropped(from_wire(fragment(whole, 64, size - 64, false))));
  }
  EXPECT_EQ(counted("taken-secured") + counted("taken-unsecured"), 0u);
}

TEST_F(Received, AddressAndSignatureHaveToBeRightBoth) {
  COVERS("CGA-6-4");
  start();
  for (const std::uint8_t type : kTypes)
    for (const bool good_address : {true, false})
      for (const bool good_signature : {true, false}) {
        Craft craft = signed_message(type);
        if (!good_address) {
          cga::Parameters parameters = peer.parameters(craft.source);
          parameters.modifier[0] ^= 1;
          craft.cga_parameters = parameters.octets();
        }
        Bytes packet = craft.packet();
        if (!good_signature) {
          packet[packet.size() - 8] ^= 1;
          repair_checksum(packet);
        }
        EXPECT_EQ(taken(from_wire(packet)), good_address && good_signature) << int{type};
      }
  EXPECT_EQ(counted("taken-secured"), 5u);
  EXPECT_EQ(bench.counter("send", "cga"), 10u);
  EXPECT_EQ(bench.counter("send", "signature"), 5u);
}

TEST_F(Received, OnlyThreeAddressesOfAPrefixAreTriedFromCountZeroOn) {
  COVERS("CGA-3-4", "CGA-4-4");
  config.interfaces[0].prefixes = {Prefix::literal(kOnLink)};
  bench.outcome_of = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what)
               ? Result<machine::Facts, machine::ActionError>(
                     fail(machine::ActionError::kDuplicate))
               : machine::Facts{};
  };
  guard = std::make_unique<nd::Guard>(config, machine::Snapshot{}, random, bench.now);
  bench.attach(*guard);
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  bench.advance(hours(10));
  for (const Prefix& prefix : {send::link_local_prefix(), Prefix::literal(kOnLink)}) {
    std::vector<Ipv6Address> tried;
    for (const auto* add : bench.asked<machine::AddAddress>())
      if (prefix.contains(add->address)) tried.push_back(add->address);
    std::vector<Ipv6Address> wanted;
    for (std::uint8_t count = 0; count < 3; ++count) {
      wanted.push_back(config.identity.address(prefix, count));
      EXPECT_EQ(config.identity.parameters(prefix, count).collision_count, count);
    }
    EXPECT_EQ(tried, wanted);
  }
  // A verifier takes no other count, though the hash be right.
  for (const std::uint8_t count : {std::uint8_t{3}, std::uint8_t{255}}) {
    const cga::Parameters parameters = config.identity.parameters(send::link_local_prefix(), count);
    const Bytes octets = parameters.octets();
    const auto verdict =
        cga::verify(cga::address_of(parameters, 0), *cga::ParametersView::parse(octets));
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error(), cga::Error::kCollisionCount);
  }
}

// The key of the addresses signs these messages alone (RFC 3972 7.4).
TEST(Signing, HasOneTagAndOnePlace) {
  COVERS("CGA-6-2", "CGA-7.4-1");
  const Bytes tag{0x08, 0x6f, 0xca, 0x5e, 0x10, 0xb2, 0x00, 0xc9,
                  0x9c, 0x8c, 0xe0, 0x01, 0x64, 0x27, 0x7c, 0x08};
  const Ipv6Address source = Ipv6Address::literal("fe80::1");
  for (const int type : {133, 134, 135, 136, 137, 154}) {
    Bytes message(48);
    message[0] = static_cast<std::uint8_t>(type);
    const Bytes input = wire::signature_input(source, kAllNodes, message, message.size());
    EXPECT_TRUE(equal(ByteView(input).first(16), tag)) << int{type};
    EXPECT_TRUE(equal(ByteView(input).subspan(16, 16), source.view())) << int{type};
  }
  std::set<std::string> places;
  const std::filesystem::path root = source_directory() + "/src";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.find("sign_sha1(") != std::string::npos)
      places.insert(std::filesystem::relative(entry.path(), root));
  }
  // The key itself; the one job that signs, over signature_input; and the simulator's stand-in.
  EXPECT_EQ(places, (std::set<std::string>{"crypto/rsa.cpp", "crypto/rsa.h", "machine/execute.cpp",
                                           "sim/cost_model.cpp"}));
}

// Runs of sixteen octets and more in the text of a program: to_hex of each.
std::vector<std::string> long_constants(const std::string& text) {
  std::vector<std::string> found;
  std::string run;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const auto digit = [&](std::size_t i) {
      return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    };
    if (text.compare(at, 2, "0x") == 0 && digit(at + 2) && digit(at + 3) && !digit(at + 4)) {
      run += text.substr(at + 2, 2);
      at += 3;
    } else if (at == text.size() || std::string_view(", \n").find(text[at]) == std::string::npos) {
      if (run.size() >= 32) found.push_back(run);
      run.clear();
    }
  }
  return found;
}

// A tag of one's own would be such a constant (RFC 3972 8).
TEST(Signing, NoOtherTagIsDefined) {
  COVERS("CGA-8-1");
  std::map<std::string, std::vector<std::string>> found;
  const std::filesystem::path root = source_directory() + "/src";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (auto constants = long_constants(text); !constants.empty())
      found[std::filesystem::relative(entry.path(), root)] = std::move(constants);
  }
  const std::map<std::string, std::vector<std::string>> wanted{
      {"wire/send_options.cpp", {"086fca5e10b200c99c8ce00164277c08"}}};
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace sendoff::test
