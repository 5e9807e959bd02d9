// Certification Path Solicitations and Advertisements at both ends (RFC 3971 6.4): what is in them,
// and what their receivers refuse.
#include "nd/path_messages.h"

namespace sendoff::test {
namespace {

using wire::CertificationPathAdvertisement;
using wire::OptionType;
using wire::TrustAnchorOption;

TEST_F(PathMessages, ASolicitationHasItsFieldsWhereTheyBelong) {
  COVERS("SND-6.4.1-1", "SND-6.4.1-3", "SND-6.4.1-7", "SND-6.4.3-4", "SND-6.4.3-7", "SND-5.3.3-7");
  start();
  const Bytes sent = ask_for_path();
  EXPECT_EQ(sent[7], 255);
  EXPECT_EQ(sent[40], 148);
  EXPECT_EQ(sent[41], 0);
  EXPECT_NE(head(sent).identifier, 0);
  EXPECT_EQ(sent[44] * 256u + sent[45], head(sent).identifier);
  EXPECT_EQ(sent[46], 0xff);
  EXPECT_EQ(sent[47], 0xff);
  // The option begins at octet 8 and holds the whole Name of the anchor.
  EXPECT_EQ(option_types(sent), std::vector<int>{15});
  EXPECT_EQ(Bytes(sent.begin() + 48, sent.end()), our_anchor());
  EXPECT_EQ(sent[50], 1);
  const auto info = pki::inspect(certificate("anchor"));
  EXPECT_EQ(sent[52], 0x30);
  EXPECT_TRUE(equal(ByteView(sent).subspan(52, info->subject_name.size()), info->subject_name));
  answer(sent);
  EXPECT_TRUE(router_heard());
  // And at the other end.
  const Bytes asked = cps({our_anchor()});
  const auto given = answers_to(asked);
  ASSERT_EQ(given.size(), 3u);
  EXPECT_EQ(option_types(given[0]), (std::vector<int>{15, 16}));
  EXPECT_EQ(option_types(given[1]), std::vector<int>{16});
  EXPECT_EQ(answers_to(cps({octets_of(wire::NonceOption{Bytes(6)}), our_anchor()})), given);
  for (const std::size_t octet : {7u, 41u}) {  // hop limit, code
    Bytes bent = asked;
    bent[octet] ^= 1;
    repair_checksum(bent);
    EXPECT_TRUE(answers_to(bent).empty());
  }
  EXPECT_EQ(bench.counter("send", "hop-limit"), 1u);
  EXPECT_EQ(bench.counter("send", "code"), 1u);
  const Bytes fqdn = octets_of(TrustAnchorOption{TrustAnchorOption::NameType::kFqdn, Bytes(4)});
  EXPECT_TRUE(answers_to(cps({})).empty());
  EXPECT_TRUE(answers_to(cps({fqdn, our_anchor()})).empty());
  EXPECT_EQ(bench.counter("certifier", "malformed"), 2u);
}

TEST_F(PathMessages, ASolicitationComesFromALinkLocalAddressOrNone) {
  COVERS("SND-6.4.1-2");
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  start();
  const auto source = [](const Bytes& packet) {
    return Ipv6Address::from(ByteView(packet).subspan(8, 16));
  };
  EXPECT_EQ(source(ask_for_path()), Ipv6Address{});
  bench.advance(seconds(16));
  ASSERT_EQ(bench.unanswered.size(), 1u);
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(source(ask_for_path()), own());
  EXPECT_EQ(answers_to(cps({our_anchor()}, 7, kAsker)).size(), 3u);
  EXPECT_EQ(answers_to(cps({our_anchor()}, 7, Ipv6Address{})).size(), 3u);
  EXPECT_TRUE(answers_to(cps({our_anchor()}, 7, Ipv6Address::literal("2001:db8:a:1::5"))).empty());
  EXPECT_EQ(bench.counter("send", "source"), 1u);
}

TEST_F(PathMessages, UnknownOptionsAreSkippedAtBothEnds) {
  COVERS("SND-6.4.1-9", "SND-6.4.2-16", "SND-6.4.6-2");
  start();
  const Bytes unknown{200, 1, 1, 2, 3, 4, 5, 6};
  EXPECT_EQ(answers_to(cps({unknown, our_anchor(), unknown})).size(), 3u);
  const crypto::KeyHash hash{};
  wire::PrefixInformation prefix;
  prefix.on_link = prefix.autonomous = true;
  prefix.address = Ipv6Address::literal("2001:db8:a:9::");
  prefix.valid_lifetime_s = prefix.preferred_lifetime_s = 3600;
  for (const std::vector<Bytes>& options : std::vector<std::vector<Bytes>>{
           {unknown},
           {our_anchor(), unknown},
           {octets_of(prefix)},
           {octets_of(wire::RsaSignatureOption{hash, Bytes(128)})},
           {octets_of(wire::NonceOption{Bytes(6)}), octets_of(wire::TimestampOption{1})}}) {
    EXPECT_TRUE(usable([&](Cpa& cpa) { cpa.before = options; }));
    // No address under the prefix that stood there; only that of the RA.
    for (const auto* added : bench.asked<machine::AddAddress>())
      EXPECT_FALSE(Prefix::literal("2001:db8:a:9::/64").contains(added->address));
  }
}

TEST_F(PathMessages, WhatDoesNotConformIsNotAnswered) {
  COVERS("SND-6.4.1-10", "SND-6.4.5-1");
  start();
  const Bytes good = cps({our_anchor()});
  const auto with_length = [](Bytes packet, std::size_t size) {
    packet.resize(40 + size);
    packet[4] = static_cast<std::uint8_t>(size >> 8);
    packet[5] = static_cast<std::uint8_t>(size);
    wire::seal_icmpv6(Ipv6Address::from(ByteView(packet).subspan(8, 16)),
                      Ipv6Address::from(ByteView(packet).subspan(24, 16)),
                      ByteSpan(packet).subspan(40));
    return packet;
  };
  Bytes checksum = good;
  checksum[42] ^= 1;
  Bytes hop_limit = good;
  hop_limit[7] = 254;
  Bytes code = good;
  code[41] = 1;
  repair_checksum(code);
  Bytes overrun = good;
  overrun[49] += 1;
  repair_checksum(overrun);
  Bytes pad_length = good;
  pad_length[51] = 0xff;
  repair_checksum(pad_length);
  const Bytes zero_length{200, 0, 0, 0, 0, 0, 0, 0};
  Bytes bad_second = our_anchor();
  bad_second[3] = 0xff;
  const std::vector<std::tuple<const char*, const char*, Bytes>> cases{
      {"send", "checksum", checksum},
      {"send", "hop-limit", hop_limit},
      {"send", "code", code},
      {"send", "source", cps({our_anchor()}, 7, Ipv6Address::literal("2001:db8::1"))},
      {"send", "truncated", with_length(good, 7)},
      {"send", "option-structure", overrun},
      {"send", "option-structure", cps({our_anchor(), zero_length})},
      {"send", "option-structure", cps({zero_length, our_anchor()})},
      {"certifier", "malformed", cps({our_anchor()}, 0)},
      {"certifier", "malformed", cps({})},
      {"certifier", "malformed", with_length(good, 8)},
      {"certifier", "malformed", pad_length},
      {"certifier", "malformed", cps({our_anchor(), bad_second})},
      {"certifier", "malformed",
       cps({octets_of(TrustAnchorOption{TrustAnchorOption::NameType::kSkiSha1, Bytes(20)}),
            our_anchor()})},
  };
  for (const auto& [group, counter, packet] : cases) {
    const std::uint64_t before = bench.counter(group, counter);
    EXPECT_TRUE(answers_to(packet).empty()) << counter;
    EXPECT_EQ(bench.counter(group, counter), before + 1) << counter;
  }
  EXPECT_EQ(answers_to(good).size(), 3u);
}

TEST_F(PathMessages, AnAdvertisementHasItsFieldsWhereTheyBelong) {
  COVERS("SND-6.4.2-1", "SND-6.4.2-3", "SND-6.4.2-6", "SND-6.4.2-7", "SND-6.4.2-8", "SND-6.4.2-9",
         "SND-6.4.2-10", "SND-6.4.2-15");
  start();
  const auto sent = answers_to(cps({our_anchor()}));
  ASSERT_EQ(sent.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const Bytes& packet = sent[i];
    EXPECT_EQ(packet[7], 255);
    EXPECT_EQ(packet[40], 149);
    EXPECT_EQ(packet[41], 0);
    EXPECT_EQ(Ipv6Address::from(ByteView(packet).subspan(24, 16)),
              Ipv6Address::literal("ff02::1:ffbb:ccdd"));
    EXPECT_EQ(Bytes(packet.begin() + 44, packet.begin() + 46), (Bytes{0x12, 0x34}));
    EXPECT_EQ(packet[46] * 256u + packet[47], 3u);
    EXPECT_EQ(packet[48] * 256u + packet[49], 2u - i);
    EXPECT_EQ(packet[50] * 256u + packet[51], 0u);
    EXPECT_EQ(option_types(packet), i == 0 ? (std::vector<int>{15, 16}) : std::vector<int>{16});
    EXPECT_LE(packet.size(), 1500u);
    const Bytes option = *find_option(packet, OptionType::kCertificate);
    const ByteView der = pki::without_padding(wire::CertificateOption::parse(option)->certificate);
    EXPECT_TRUE(equal(der, config.certifier->path[i]));
    EXPECT_FALSE(equal(der, certificate("anchor")));
    EXPECT_TRUE(pki::issued_by(
        der, i == 0 ? ByteView(certificate("anchor")) : ByteView(config.certifier->path[i - 1])));
  }
}

TEST_F(PathMessages, TheIdentifierIsTheQuestionsOrZeroToAll) {
  COVERS("SND-6.4.2-4", "SND-6.4.2-5");
  start();
  for (const auto& [source, destination, identifier] :
       {std::tuple{kAsker, kAsker.solicited_node(), 0x1234}, {Ipv6Address{}, kAllNodes, 0}})
    for (const Bytes& packet : answers_to(cps({our_anchor()}, 0x1234, source))) {
      const auto sent = CertificationPathAdvertisement::parse(ByteView(packet).subspan(40));
      EXPECT_EQ(sent->identifier, identifier);
      EXPECT_EQ(Ipv6Address::from(ByteView(packet).subspan(24, 16)), destination);
    }
  // A host that has an address, and one that has none yet.
  EXPECT_TRUE(usable([](Cpa&) {}));
  EXPECT_FALSE(usable([](Cpa& cpa) { cpa.identifier = 0; }));
  EXPECT_FALSE(usable([](Cpa& cpa) { cpa.identifier ^= 1; }));
  EXPECT_FALSE(usable([](Cpa& cpa) { cpa.destination = kAllNodes; }));
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  EXPECT_TRUE(usable([](Cpa& cpa) {
    cpa.identifier = 0;
    cpa.destination = kAllNodes;
  }));
  EXPECT_FALSE(usable([](Cpa& cpa) { cpa.destination = kAllNodes; }));
  EXPECT_EQ(bench.counter("path", "unexpected"), 2u);
}

TEST_F(PathMessages, AHostRefusesWhatDoesNotConform) {
  COVERS("SND-6.4.2-2", "SND-6.4.2-12", "SND-6.4.2-17", "SND-6.4.6-1");
  start();
  for (const Bytes& packet : answers_to(cps({our_anchor()}))) {
    EXPECT_EQ(Ipv6Address::from(ByteView(packet).subspan(8, 16)), own());
    EXPECT_EQ(packet[7], 255);
    EXPECT_EQ(packet[50] + packet[51], 0);
  }
  EXPECT_TRUE(usable([](Cpa& cpa) { cpa.reserved = 0xffff; }));
  // From whichever link-local address.
  EXPECT_TRUE(usable([](Cpa& cpa) { cpa.source = Ipv6Address::literal("fe80::2"); }));
  const std::vector<std::pair<const char*, Bend>> cases{
      {"source", [](Cpa& cpa) { cpa.source = Ipv6Address::literal("2001:db8:a:1::1"); }},
      {"source", [](Cpa& cpa) { cpa.source = Ipv6Address{}; }},
      {"hop-limit", [](Cpa& cpa) { cpa.hop_limit = 64; }},
      {"code", [](Cpa& cpa) { cpa.code = 1; }},
      {"option-structure", [](Cpa& cpa) { cpa.before = {Bytes{200, 0, 0, 0, 0, 0, 0, 0}}; }},
  };
  for (const auto& [counter, bend] : cases) {
    EXPECT_FALSE(usable(bend)) << counter;
    EXPECT_EQ(bench.counter("send", counter), 2u) << counter;
  }
  EXPECT_FALSE(usable([](Cpa& cpa) { cpa.component = cpa.components; }));
  EXPECT_EQ(bench.counter("path", "unexpected"), 2u);
  start();
  const Bytes question = ask_for_path();
  Cpa cpa;
  cpa.identifier = head(question).identifier;
  cpa.certificate = certificate("good-router");
  Bytes checksum = packet(cpa);
  checksum[42] ^= 1;
  deliver(checksum);
  EXPECT_EQ(bench.counter("send", "checksum"), 1u);
  for (const std::size_t size : {7u, 8u, 11u, 12u}) {
    Bytes cut = octets_of(CertificationPathAdvertisement{cpa.identifier, 2, 0});
    cut.resize(size);
    deliver(plain(router.link_local, own().solicited_node(), cut));
  }
  EXPECT_EQ(bench.counter("send", "truncated"), 3u);
  EXPECT_EQ(bench.counter("path", "unexpected"), 1u);  // of 12: no options in it
  EXPECT_FALSE(router_heard());
  answer(question);
  EXPECT_TRUE(router_heard());
}

// The host put the pieces together and says so, or it was a single one.
TEST_F(PathMessages, InPiecesAreTakenOfCertificatesAlone) {
  COVERS("ND-6980-3", "ND-6980-4");
  start();
  const auto atomic = [](Bytes packet) {
    const Bytes header{58, 0, 0, 0, 1, 2, 3, 4};
    packet.insert(packet.begin() + 40, header.begin(), header.end());
    packet[6] = 44;
    const std::size_t size = packet.size() - 40;
    packet[4] = static_cast<std::uint8_t>(size >> 8);
    packet[5] = static_cast<std::uint8_t>(size);
    return packet;
  };
  const Bytes redirect = secured(peer.link_local(), own(),
                                 octets_of(wire::Redirect{Ipv6Address::literal("fe80::5"),
                                                          Ipv6Address::literal("2001:db8:f::5")}),
                                 {})
                             .packet();
  std::uint64_t refused = 0;
  for (const Bytes& whole :
       {secured_solicitation().packet(), secured_advertisement(std::nullopt).packet(),
        peer.router_solicitation(bench.now).packet(), certified_advertisement(), redirect}) {
    EXPECT_TRUE(
        dropped(hand(machine::Received::Origin::kWire, whole, peer_link(), kGuarded, true)));
    EXPECT_TRUE(dropped(from_wire(atomic(whole))));
    refused += 2;
    EXPECT_EQ(bench.counter("send", "fragment"), refused) << int{whole[40]};
  }
  EXPECT_EQ(bench.jobs["verify"], 0);
  const Bytes asked = cps({our_anchor()});
  bench.sent.clear();
  bench.receive(asked, peer_link(), kGuarded, true);
  deliver(atomic(asked));
  EXPECT_TRUE(sent_of(149).empty());
  EXPECT_EQ(bench.counter("send", "fragment"), refused + 2);
  EXPECT_EQ(answers_to(asked).size(), 3u);
  // A path whose certificates are larger than the link.
  answer(ask_for_path(), {}, true);
  EXPECT_TRUE(router_heard());
}

TEST_F(PathMessages, ACertificateOptionHoldsOneX509Certificate) {
  COVERS("SND-6.4.2-13", "SND-6.4.4-1", "SND-6.4.4-2", "SND-6.4.4-3");
  const auto option = [](const Bytes& der, std::size_t padding, std::uint8_t type = 1,
                         std::uint8_t reserved = 0, std::uint8_t pad = 0) {
    Bytes octets{16, 0, type, reserved};
    octets.insert(octets.end(), der.begin(), der.end());
    octets.resize(octets.size() + padding, pad);
    octets.resize((octets.size() + 7) / 8 * 8, pad);
    octets[1] = static_cast<std::uint8_t>(octets.size() / 8);
    return octets;
  };
  EXPECT_TRUE(usable([&](Cpa& cpa) { cpa.instead = {option(cpa.certificate, 0)}; }));
  EXPECT_TRUE(usable([&](Cpa& cpa) { cpa.instead = {option(cpa.certificate, 9, 1, 0xff, 0xa5)}; }));
  // Two of them in one option: the second one is padding.
  EXPECT_TRUE(usable([&](Cpa& cpa) {
    Bytes two = cpa.certificate;
    const Bytes other = certificate("good-nar");
    two.insert(two.end(), other.begin(), other.end());
    cpa.instead = {option(two, 0)};
  }));
  EXPECT_FALSE(usable([&](Cpa& cpa) {
    Bytes two = certificate("good-nar");
    two.insert(two.end(), cpa.certificate.begin(), cpa.certificate.end());
    cpa.instead = {option(two, 0)};
  }));
  // Two options: the first one counts.
  EXPECT_TRUE(usable([&](Cpa& cpa) {
    cpa.instead = {option(cpa.certificate, 0), option(certificate("good-nar"), 0)};
  }));
  EXPECT_FALSE(usable([&](Cpa& cpa) {
    cpa.instead = {option(certificate("good-nar"), 0), option(cpa.certificate, 0)};
  }));
  // Of another type it is as if it were not there.
  EXPECT_TRUE(usable([&](Cpa& cpa) {
    cpa.instead = {option(certificate("good-nar"), 0, 2), option(cpa.certificate, 0)};
  }));
  EXPECT_FALSE(usable([&](Cpa& cpa) { cpa.instead = {option(cpa.certificate, 0, 2)}; }));
  EXPECT_EQ(bench.counter("path", "unexpected"), 2u);
  // One that goes on behind its option.
  EXPECT_FALSE(usable([&](Cpa& cpa) {
    Bytes cut = cpa.certificate;
    cut.resize(cut.size() / 8 * 8 - 12);
    cpa.instead = {option(cut, 0)};
  }));
  EXPECT_EQ(bench.counter("path", "unexpected"), 2u);
  // Each length of padding is sent, as zeros behind a Reserved octet of zero.
  std::set<std::size_t> paddings;
  for (std::size_t size = 600; size < 608; ++size) {
    Bytes der(size, 7);
    der[0] = 0x30;
    der[1] = 0x82;
    der[2] = static_cast<std::uint8_t>((size - 4) >> 8);
    der[3] = static_cast<std::uint8_t>(size - 4);
    config.certifier->path = {der};
    start();
    const auto sent = answers_to(cps({our_anchor()}));
    ASSERT_EQ(sent.size(), 1u);
    const Bytes octets = *find_option(sent[0], OptionType::kCertificate);
    EXPECT_EQ(octets, option(der, 0));
    EXPECT_EQ(pki::without_padding(wire::CertificateOption::parse(octets)->certificate).size(),
              size);
    paddings.insert(octets.size() - 4 - size);
  }
  EXPECT_EQ(paddings.size(), 8u);
}

TEST_F(PathMessages, TrustAnchorOptionsArePaddedWithZerosThatNobodyReads) {
  COVERS("SND-6.4.3-1", "SND-6.4.3-3", "SND-6.4.2-14");
  Bytes name49(49);
  for (std::size_t i = 0; i < name49.size(); ++i) name49[i] = static_cast<std::uint8_t>(i);
  Bytes wanted{0x0f, 7, 1, 3};
  wanted.insert(wanted.end(), name49.begin(), name49.end());
  wanted.resize(56, 0);
  EXPECT_EQ(octets_of(TrustAnchorOption{TrustAnchorOption::NameType::kDerName, name49}), wanted);
  start();
  Bytes padded = our_anchor();
  const std::size_t padding = padded[3];
  ASSERT_GT(padding, 0u);
  const auto end = padded.end() - static_cast<std::ptrdiff_t>(padding);
  EXPECT_EQ(Bytes(end, padded.end()), Bytes(padding, 0));
  EXPECT_EQ(padded.size(), 8u * padded[1]);
  EXPECT_EQ(padded.size() - 4 - padding, config.certifier->anchor.subject_name.size());
  std::fill(end, padded.end(), std::uint8_t{0xaa});
  EXPECT_EQ(answers_to(cps({padded})).size(), 3u);
  EXPECT_TRUE(usable([&](Cpa& cpa) { cpa.before = {padded}; }));
  EXPECT_TRUE(usable([&](Cpa& cpa) { cpa.before = {our_anchor(), padded, our_anchor()}; }));
  // A Pad Length beyond the option makes it unusable, and the message with it.
  Bytes beyond = our_anchor();
  beyond[3] = static_cast<std::uint8_t>(beyond.size() - 4 + 1);
  EXPECT_FALSE(usable([&](Cpa& cpa) { cpa.before = {beyond}; }));
  EXPECT_EQ(bench.counter("path", "unexpected"), 2u);
  EXPECT_TRUE(answers_to(cps({beyond})).empty());
  EXPECT_TRUE(answers_to(cps({our_anchor(), beyond})).empty());
}

}  // namespace
}  // namespace sendoff::test
