// What the access router does with an RtSolPr before it believes it (RFC 5269 3.2, RFC 3971 5):
// the order of checks, what a failure is answered with, and that it leaves nothing behind.
#include "router/validation_fixture.h"

namespace sendoff::test {
namespace {

class Validation : public ValidationTest {};

// One defect of a message: bends it before it is signed, or its octets after that.
struct Defect {
  const char* counter;
  std::function<void(Craft&)> before = [](Craft&) {};
  std::function<void(Bytes&)> after = [](Bytes&) {};
  bool fragment = false;
};

std::vector<Defect> defects_in_order_of_cost() {
  std::vector<Defect> defects;
  defects.push_back({"hop-limit", [](Craft& craft) { craft.hop_limit = 254; }});
  defects.push_back({.counter = "fragment", .fragment = true});
  defects.push_back({.counter = "checksum", .after = [](Bytes& packet) { packet[42] ^= 1; }});
  defects.push_back({"code", [](Craft& craft) { craft.head[1] = 1; }});
  defects.push_back({"option-structure", [](Craft& craft) {
                       craft.trailing_options.push_back(Bytes{200, 0, 0, 0, 0, 0, 0, 0});
                     }});
  defects.push_back({"send-options", [](Craft& craft) {
                       craft.more_options.push_back(octets_of(wire::TimestampOption{5}));
                     }});
  defects.push_back({"two-keys", [](Craft& craft) {
                       craft.key_hash = crypto::key_hash(signing_key("other-2048")->spki());
                     }});
  defects.push_back({"stale", [](Craft& craft) { *craft.timestamp -= std::uint64_t{301} << 16; }});
  defects.push_back({"cga", [](Craft& craft) {
                       auto octets = craft.source.octets();
                       octets[15] ^= 1;
                       craft.source = Ipv6Address(octets);
                     }});
  return defects;
}

TEST_F(Validation, EveryCheckThatNeedsNoRsaComesBeforeTheSignature) {
  COVERS("HK-3.2-02");
  unlimit();
  start();
  const auto send = [&](std::span<const Defect> bent) {
    Craft craft = request();
    bool fragment = false;
    for (const Defect& defect : bent) {
      defect.before(craft);
      fragment |= defect.fragment;
    }
    Bytes packet = craft.packet();
    for (const Defect& defect : bent) defect.after(packet);
    bench.receive(packet, mn.link_address(), {0}, fragment);
  };
  const std::vector<Defect> defects = defects_in_order_of_cost();
  std::map<std::string, std::uint64_t> expected;
  const auto expect_one_more = [&](const char* counter) {
    ++expected[counter];
    for (const Defect& defect : defects)
      EXPECT_EQ(sends(defect.counter), expected[defect.counter]) << counter;
    EXPECT_EQ(bench.jobs["verify"], 0) << counter;
    EXPECT_EQ(keys(), 0u);
  };
  for (const Defect& defect : defects) {  // failing only there
    send({&defect, 1});
    expect_one_more(defect.counter);
  }
  for (std::size_t first = 0; first < defects.size(); ++first) {  // and everywhere behind it
    send(std::span(defects).subspan(first));
    expect_one_more(defects[first].counter);
  }
  const std::pair<const char*, std::function<void(Craft&)>> missing[] = {
      {"no-timestamp", [](Craft& craft) { craft.timestamp.reset(); }},
      {"no-nonce", [](Craft& craft) { craft.nonce.reset(); }},
      {"no-cga", [](Craft& craft) { craft.cga_parameters.reset(); }},
  };
  for (const auto& [counter, bend] : missing) {
    Craft craft = request();
    bend(craft);
    receive(craft, mn);
    EXPECT_EQ(sends(counter), 1u) << counter;
  }
  const Peer small(signing_key("small-512"), kPrefix, "02:00:00:00:01:05");
  receive(small.rtsolpr(ar_global(), bench.now, hke->spki()), small);
  EXPECT_EQ(sends("key-limits"), 1u);
  EXPECT_EQ(bench.jobs["verify"], 0);

  const Bytes good = request().packet();
  receive_packet(good);
  EXPECT_EQ(bench.jobs["verify"], 1);
  EXPECT_EQ(sends("secured"), 1u);
  receive_packet(good);  // the duplicate cache stands before the timestamp
  EXPECT_EQ(sends("repeat"), 1u);
  EXPECT_EQ(bench.jobs["verify"], 1);

  config.receiver.budget.per_source_s = 0;
  start();
  receive(request(), mn);
  EXPECT_EQ(sends("budget"), 1u);
  EXPECT_EQ(bench.jobs["verify"], 0);
}

TEST_F(Validation, NothingOfAKeyHappensBeforeTheSignatureVerified) {
  COVERS("HK-3.2-01");
  start();
  const std::uint64_t draws = random.calls();
  receive_packet(spoil_signature(request().packet()));
  EXPECT_EQ(sends("signature"), 1u);
  EXPECT_EQ(bench.jobs["seal"], 0);
  EXPECT_EQ(random.calls(), draws);
  EXPECT_TRUE(bench.asked<machine::Persist>().empty());

  bench.hold_jobs = true;
  receive(request(), mn);
  ASSERT_EQ(bench.held.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<machine::VerifySignature>(bench.held[0].job));
  EXPECT_EQ(random.calls(), draws);
  EXPECT_EQ(keys(), 0u);
  bench.run();
  EXPECT_GT(random.calls(), draws);
  EXPECT_EQ(bench.jobs["seal"], 1);
  EXPECT_EQ(bench.asked<machine::Persist>().size(), 1u);
  EXPECT_EQ(keys(), 1u);
}

TEST_F(Validation, TheSourceMustBeMadeFromTheKey) {
  COVERS("HK-3.2-03");
  unlimit();
  start();
  receive(request(), mn);
  EXPECT_TRUE(has_key(reply()));
  for (const Vector& vector : load_vectors("send-signatures.txt")) {
    if (vector.name != "rtsolpr-sec1" && vector.name != "rtsolpr-rsa1024-at2") continue;
    bench.forget();
    bench.now.utc = UtcTime(seconds(static_cast<std::int64_t>(vector.number("timestamp") >> 16)));
    receive_packet(vector.hex("packet"));
    EXPECT_TRUE(has_key(reply())) << vector.name;
  }
  // Bits 6 and 7 of the first octet are u and g, bits 0 to 2 Sec; all others are the hash.
  for (std::size_t bit = 0; bit < 64; ++bit) {
    if (bit < 3 || bit == 6 || bit == 7) continue;
    bench.forget();
    Craft craft = request();
    auto octets = craft.source.octets();
    octets[8 + bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
    craft.source = Ipv6Address(octets);
    receive(craft, mn);
    EXPECT_FALSE(has_key(reply())) << bit;
  }
  bench.forget();
  Craft count = request();
  cga::Parameters parameters = mn.parameters(mn.global());
  parameters.collision_count = 3;
  count.source = cga::address_of(parameters, 0);
  count.cga_parameters = parameters.octets();
  receive(count, mn);
  EXPECT_FALSE(has_key(reply()));
}

TEST_F(Validation, AMessageOfTwoKeysIsDroppedWithoutAWord) {
  COVERS("HK-3.2-04");
  start();
  Craft craft = request();
  craft.signer = signing_key("other-2048");  // with its own Key Hash
  receive(craft, mn);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(sends("two-keys"), 1u);
}

TEST_F(Validation, TheSignatureCoversTheMessageUpToIt) {
  COVERS("HK-3.2-05");
  unlimit();
  start();
  Bytes packet = request().packet();
  for (const std::size_t octet : {0u, 64u, 127u}) {
    bench.forget();
    receive_packet(spoil_signature(packet, octet));
    EXPECT_FALSE(has_key(reply()));
  }
  EXPECT_EQ(sends("signature"), 3u);
  bench.forget();
  // The option cut by 8 octets: 4 of padding and 4 of the signature are gone.
  Bytes cut = packet;
  cut[signature_option(packet) + 1] -= 1;
  cut.resize(cut.size() - 8);
  cut[4] = static_cast<std::uint8_t>((cut.size() - 40) >> 8);
  cut[5] = static_cast<std::uint8_t>(cut.size() - 40);
  repair_checksum(cut);
  receive_packet(cut);
  EXPECT_FALSE(has_key(reply()));
  EXPECT_EQ(sends("signature"), 4u);
  EXPECT_EQ(bench.jobs["verify"], 3);
  bench.forget();
  Craft followed = request();
  followed.trailing_options.push_back(octets_of(wire::NonceOption{Bytes(6)}));
  followed.trailing_options.push_back(octets_of(wire::TimestampOption{1}));
  receive(followed, mn);
  EXPECT_TRUE(has_key(reply()));
  EXPECT_EQ(find_option(reply(), wire::OptionType::kNonce),
            octets_of(wire::NonceOption{*followed.nonce}));
}

TEST_F(Validation, TimestampsFollowRfc3971) {
  COVERS("HK-3.2-06", "HK-5-06");
  unlimit();
  start();
  const auto keyed = [&](const Craft& craft, const Peer& peer) {
    bench.forget();
    receive(craft, peer);
    return has_key(reply());
  };
  std::uint8_t modifier = 10;
  for (const std::int64_t offset : {299, -299, 301, -301}) {
    const Peer peer(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:07", ++modifier);
    Now theirs = bench.now;
    theirs.utc += seconds(offset);
    EXPECT_EQ(keyed(peer.rtsolpr(ar_global(), theirs, hke->spki()), peer), offset * offset < 90'000)
        << offset;
  }
  const Craft first = request();
  EXPECT_TRUE(keyed(first, mn));
  bench.advance(seconds(5));
  const std::string before = records();
  EXPECT_FALSE(keyed(first, mn));
  EXPECT_TRUE(keyed(request(), mn));
  bench.advance(seconds(5));
  EXPECT_FALSE(keyed(first, mn));  // 10 s later
  EXPECT_EQ(bench.counter("send", "stale"), 4u);
  // What is refused moves nothing: were its time taken over, the next one would look old.
  Craft ahead = request();
  *ahead.timestamp += std::uint64_t{200} << 16;
  bench.forget();
  receive_packet(spoil_signature(ahead.packet()));
  EXPECT_FALSE(has_key(reply()));
  bench.advance(seconds(1));
  EXPECT_TRUE(keyed(request(), mn));
}

TEST_F(Validation, ACopyIsOldAsSoonAsTheReplyCacheForgetsIt) {
  start();
  const Bytes packet = request().packet();
  receive_packet(packet);
  EXPECT_EQ(bench.jobs["seal"], 1);
  for (int i = 0; i < 300; ++i) {
    bench.advance(milliseconds(10));
    receive_packet(packet);
  }
  EXPECT_EQ(bench.jobs["seal"], 1);
  EXPECT_EQ(bench.jobs["verify"], 1);
}

TEST_F(Validation, SignedWithoutTimestampOrNonceIsDiscarded) {
  COVERS("HK-3.2-07");
  start();
  Craft without = request();
  without.timestamp.reset();
  receive(without, mn);
  without = request();
  without.nonce.reset();
  receive(without, mn);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(sends("no-timestamp"), 1u);
  EXPECT_EQ(sends("no-nonce"), 1u);
  Craft unsecured = request();
  unsecured.cga_parameters.reset();
  unsecured.signer.reset();
  receive(unsecured, mn);
  EXPECT_FALSE(has_key(reply()));
}

TEST_F(Validation, WhatFailsGetsTheNeighbourhoodAndNoKey) {
  COVERS("HK-3.2-08", "HK-3.2-10", "HK-3.2-11", "HK-3.2-13");
  unlimit();
  config.secured_only = true;
  start();
  const std::uint64_t draws = random.calls();
  std::vector<Bytes> failing;
  failing.push_back(plain(request()).packet());
  failing.push_back(spoil_signature(request().packet()));
  Craft stale = request();
  *stale.timestamp -= std::uint64_t{400} << 16;
  failing.push_back(stale.packet());
  Craft moved = request();
  moved.source = Ipv6Address::literal("2001:db8:a:1::77");
  failing.push_back(moved.packet());
  const Peer small(signing_key("small-512"), kPrefix, "02:00:00:00:01:01");
  failing.push_back(small.rtsolpr(ar_global(), bench.now, hke->spki()).packet());
  for (const Bytes& packet : failing) {
    bench.forget();
    receive_packet(packet);
    const Bytes answer = reply();
    EXPECT_FALSE(has_key(answer));
    EXPECT_TRUE(equal(ByteView(answer).subspan(46, 2), ByteView(packet).subspan(46, 2)));
    EXPECT_EQ(answer[41], wire::PrRtAdv::kTuples);
    EXPECT_TRUE(find_option(answer, wire::OptionType::kIpAddressPrefix).has_value());
    EXPECT_FALSE(find_option(answer, wire::OptionType::kNonce).has_value());
    EXPECT_TRUE(find_option(answer, wire::OptionType::kTimestamp).has_value());
    EXPECT_TRUE(signed_properly(answer));
  }
  for (int i = 0; i < 500; ++i) receive_packet(failing[static_cast<std::size_t>(i) % 5]);
  EXPECT_EQ(random.calls(), draws);
  EXPECT_EQ(bench.jobs["seal"], 0);
  EXPECT_EQ(keys(), 0u);
  EXPECT_EQ(bench.counter("provision", "replies-from-cache"), 0u);

  config.answer_unvalidated = false;
  start();
  for (const Bytes& packet : failing) receive_packet(packet);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.counter("provision", "unvalidated-shed"), failing.size());
}

TEST_F(Validation, ForgeriesDoNotTouchARecord) {
  COVERS("HK-3.2-09", "HK-5-01");
  unlimit();
  start();
  (void)provision();
  bench.forget();
  const std::string before = records();
  ASSERT_FALSE(before.empty());
  const Bytes good = request(3).packet();
  for (std::size_t i = 0; i < 1000; ++i) receive_packet(spoil_signature(good, i % 128));
  EXPECT_EQ(records(), before);
  EXPECT_TRUE(bench.asked<machine::Persist>().empty());
  EXPECT_TRUE(bench.asked<machine::Forget>().empty());
  bench.forget();

  const Peer other(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:02", 9);
  const Bytes stranger = other.rtsolpr(ar_global(), bench.now, hke->spki()).packet();
  for (std::size_t i = 0; i < 10'000; ++i) {
    receive_packet(spoil_signature(stranger, i % 128));
    bench.forget();
  }
  EXPECT_EQ(keys(), 1u);
  EXPECT_EQ(records(), before);
  EXPECT_EQ(sends("signature"), 11'000u);
}

TEST_F(Validation, AnswersToTheUnvalidatedAreFew) {
  COVERS("HK-3.2-12");
  start();
  std::vector<std::size_t> per_second;
  for (int second = 0; second < 5; ++second) {
    bench.forget();
    for (int i = 0; i < 1000; ++i) {
      const auto octet = static_cast<std::uint8_t>(i % 50);
      const Bytes address{2, 0, 0, 0, 9, octet};
      bench.receive(plain(request()).packet(), *LinkAddress::from(address));
      bench.advance(milliseconds(1));
    }
    std::size_t answers = 0;
    for (const auto& transmit : bench.sent) answers += transmit.packet[40] == 154 ? 1u : 0u;
    per_second.push_back(answers);
  }
  // A second's worth may be saved up before the flood.
  EXPECT_LE(per_second[0], 2u * config.unvalidated_answers_s);
  for (std::size_t second = 1; second < per_second.size(); ++second)
    EXPECT_LE(per_second[second], config.unvalidated_answers_s);
  EXPECT_EQ(keys(), 0u);
  EXPECT_GT(bench.counter("provision", "unvalidated-shed"), 4900u);
  bench.forget();
  receive(request(), mn);
  EXPECT_TRUE(has_key(reply()));

  // One source alone.
  start();
  for (int i = 0; i < 1000; ++i) {
    receive(plain(request()), mn);
    bench.advance(milliseconds(1));
  }
  std::size_t answers = 0;
  for (const auto& transmit : bench.sent) answers += transmit.packet[40] == 154 ? 1u : 0u;
  EXPECT_LE(answers, 2u * config.unvalidated_answers_per_source_s);
}

TEST_F(Validation, ARepeatIsAnsweredFromTheCacheWithoutRsa) {
  COVERS("HK-3.2-40");
  unlimit();
  config.max_replies = 2;
  start();
  Craft craft = request();
  craft.signature_padding = Bytes(8);
  const Bytes packet = craft.packet();
  for (int i = 0; i < 3; ++i) {
    receive_packet(packet);
    bench.advance(milliseconds(300));
  }
  std::vector<Bytes> answers;
  for (const auto& transmit : bench.sent)
    if (transmit.packet[40] == 154) answers.push_back(transmit.packet);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_EQ(answers[0], answers[2]);
  EXPECT_EQ(bench.jobs["seal"], 1);
  EXPECT_EQ(bench.jobs["verify"], 1);

  const std::size_t option = signature_option(packet);
  std::vector<Bytes> variants(4, packet);
  variants[0].back() ^= 0xff;
  variants[1][option + 2] = 0xff;
  variants[2] = spoil_signature(packet, 3);
  const Bytes tail = octets_of(wire::NonceOption{Bytes(6)});
  variants[3].insert(variants[3].end(), tail.begin(), tail.end());
  variants[3][5] = static_cast<std::uint8_t>(variants[3][5] + tail.size());
  ASSERT_GE(variants[3][5], tail.size());
  for (Bytes& variant : variants) {
    repair_checksum(variant);
    bench.forget();
    receive_packet(variant);
    EXPECT_EQ(reply(), answers[0]);
  }
  EXPECT_EQ(bench.jobs["seal"], 1);
  EXPECT_EQ(bench.jobs["verify"], 1);
  Bytes changed = packet;
  changed[46] ^= 1;  // the Identifier is signed
  repair_checksum(changed);
  bench.forget();
  receive_packet(changed);
  EXPECT_EQ(bench.jobs["verify"], 2);
  EXPECT_FALSE(has_key(reply()));

  // A full cache loses its oldest entry.
  std::vector<Bytes> packets;
  for (std::uint8_t modifier = 20; modifier < 23; ++modifier) {
    const Peer peer(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:09", modifier);
    packets.push_back(peer.rtsolpr(ar_global(), bench.now, hke->spki()).packet());
    receive_packet(packets.back());
  }
  const int seals = bench.jobs["seal"];
  bench.forget();
  receive_packet(packets[0]);
  EXPECT_TRUE(bench.sent.empty());
  for (const std::size_t kept : {1u, 2u}) {
    bench.forget();
    receive_packet(packets[kept]);
    EXPECT_TRUE(has_key(reply()));
  }
  EXPECT_EQ(bench.jobs["seal"], seals);
}

TEST_F(Validation, AFailedVerificationFillsNoCache) {
  start();
  const Bytes good = request().packet();
  receive_packet(spoil_signature(good));
  bench.forget();
  receive_packet(good);  // the same signed octets
  EXPECT_TRUE(has_key(reply()));
}

TEST_F(Validation, AFragmentedRequestIsDropped) {
  COVERS("HK-3.2-45");
  start();
  const Bytes packet = request().packet();
  const auto with_fragment_header = [&](std::uint16_t offset, bool more, ByteView part) {
    wire::Ipv6Header header = *wire::Ipv6Header::parse(packet);
    header.next_header = wire::kProtocolFragment;
    const wire::FragmentHeader fragment{wire::kProtocolIcmpv6, offset, more, 77};
    return wire::build_packet(header, octets_of(fragment), part);
  };
  const ByteView message = ByteView(packet).subspan(40);
  receive_packet(with_fragment_header(0, true, message.first(256)));
  receive_packet(with_fragment_header(32, false, message.subspan(256)));
  EXPECT_EQ(sends("fragment"), 1u);
  bench.receive(packet, mn.link_address(), {0}, true);  // as the host reassembled it
  EXPECT_EQ(sends("fragment"), 2u);
  receive_packet(with_fragment_header(0, false, message));
  EXPECT_EQ(sends("fragment"), 3u);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.jobs["verify"], 0);
  receive_packet(packet);
  EXPECT_TRUE(has_key(reply()));
}

TEST_F(Validation, TheDestinationIsSigned) {
  COVERS("HK-3.2-47");
  start();
  receive(request(), mn);
  EXPECT_TRUE(has_key(reply()));
  bench.forget();
  const Craft multicast = mn.rtsolpr(kAllRouters, bench.now, hke->spki());
  receive(multicast, mn);
  EXPECT_TRUE(has_key(reply()));
  bench.forget();
  Bytes readdressed = mn.rtsolpr(kAllRouters, bench.now, hke->spki()).packet();
  std::ranges::copy(ar_global().octets(), readdressed.begin() + 24);
  repair_checksum(readdressed);
  receive_packet(readdressed);
  EXPECT_FALSE(has_key(reply()));
  EXPECT_EQ(sends("signature"), 1u);
}

}  // namespace
}  // namespace sendoff::test
