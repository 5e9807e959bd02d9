// Handover Key Requests as they come in (RFC 5269 3.2, 4.1): which are usable, which are not, and
// what a validated RtSolPr without a usable one is answered with.
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

class Request : public RouterTest {
 protected:
  [[nodiscard]] std::uint64_t counted(std::string_view name) const {
    return bench.counter("provision", name);
  }
  [[nodiscard]] std::size_t keys() const { return router->status(bench.now, 0).key_count; }
  // A good request whose option 27 is `option`.
  [[nodiscard]] Craft with_option(Bytes option) const {
    Craft craft = mn.rtsolpr(ar_global(), bench.now);
    craft.options.push_back(std::move(option));
    return craft;
  }
  [[nodiscard]] Bytes good_option(std::uint8_t algorithm = 2) const {
    return octets_of(wire::HandoverKeyRequest{{algorithm}, hke->spki()});
  }
  // The last PrRtAdv has a key or has none.
  bool answered_with_key(const Craft& craft) {
    bench.forget();
    receive(craft, mn);
    const Bytes packet = reply();
    EXPECT_TRUE(signed_properly(packet));
    return has_key(packet);
  }
};

Bytes spki_octets(const std::string& name) { return to_bytes(signing_key(name)->spki()); }

TEST_F(Request, AnUnusableKeyGetsAnAnswerWithoutKey) {
  COVERS("HK-3.2-41", "HK-4.1-12");
  config.receiver.budget = {1000, 1000, 100};
  start();
  const Bytes good = to_bytes(hke->spki());
  Bytes garbage = good;
  garbage[0] = 0x31;
  Bytes behind = good;
  behind.push_back(0);
  Bytes trailing_many = good;
  trailing_many.insert(trailing_many.end(), 8, 0x41);
  Bytes elliptic = good;
  elliptic[6] ^= 0x40;  // another OID
  Bytes even = good;
  even[even.size() - 6] &= 0xfe;  // the modulus' last octet
  const struct {
    const char* counter;
    Bytes spki;
  } defects[] = {
      {"request-malformed", garbage},
      {"request-malformed", behind},
      {"request-malformed", trailing_many},
      {"request-malformed", elliptic},
      {"request-malformed", even},
      {"request-is-cga-key", to_bytes(mn.key()->spki())},
      {"request-key-limits", spki_octets("small-512")},
      {"request-parameters", to_bytes(decryption_key("hke-2048")->spki())},
      {"request-parameters", spki_octets("weird-1031")},
      {"request-parameters", spki_octets("weird-1024-e17")},
  };
  for (const auto& defect : defects) {
    const std::uint64_t before = counted(defect.counter);
    EXPECT_FALSE(answered_with_key(mn.rtsolpr(ar_global(), bench.now, defect.spki)))
        << defect.counter;
    EXPECT_EQ(counted(defect.counter), before + 1);
    EXPECT_EQ(keys(), 0u);
  }
  EXPECT_EQ(bench.jobs["seal"], 0);
  EXPECT_TRUE(bench.asked<machine::Persist>().empty());
  // An exponent of 3 against 65537, both of 2048 bits.
  const Peer big(signing_key("mn-2048"), kPrefix, "02:00:00:00:01:04");
  bench.forget();
  receive(big.rtsolpr(ar_global(), bench.now, decryption_key("hke-2048-e3")->spki()), big);
  EXPECT_FALSE(has_key(reply()));
  EXPECT_TRUE(answered_with_key(request()));
  EXPECT_EQ(keys(), 1u);
}

TEST_F(Request, OnlyOneRequestBeforeTheSignatureCounts) {
  COVERS("HK-3.2-42");
  start();
  Craft two = request();
  two.options.push_back(good_option(3));
  EXPECT_FALSE(answered_with_key(two));
  EXPECT_EQ(counted("two-requests"), 1u);
  EXPECT_EQ(keys(), 0u);
  Craft behind = request(2);
  behind.trailing_options.push_back(good_option(3));
  EXPECT_TRUE(answered_with_key(behind));
  EXPECT_EQ(open(reply(), *hke)->algorithm, 2);
}

TEST_F(Request, AValidatedRtSolPrWithoutRequestGetsNoKey) {
  COVERS("HK-3.2-43");
  start();
  (void)provision();
  const auto before = router->status(bench.now, 10).keys;
  const Craft craft = mn.rtsolpr(ar_global(), bench.now);
  EXPECT_FALSE(answered_with_key(craft));
  EXPECT_EQ(find_option(reply(), wire::OptionType::kNonce),
            octets_of(wire::NonceOption{*craft.nonce}));
  const auto after = router->status(bench.now, 10).keys;
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].fingerprint, before[0].fingerprint);
  EXPECT_EQ(after[0].remaining_s, before[0].remaining_s);
  EXPECT_TRUE(bench.asked<machine::Persist>().empty());
}

TEST_F(Request, WithProvisioningOffARequestIsIgnored) {
  COVERS("HK-3.2-46");
  config.provision_keys = false;
  start();
  EXPECT_FALSE(answered_with_key(request()));
  EXPECT_FALSE(find_option(reply(), wire::OptionType::kNonce).has_value());
  EXPECT_TRUE(find_option(reply(), wire::OptionType::kIpAddressPrefix).has_value());
  EXPECT_EQ(keys(), 0u);
  EXPECT_TRUE(bench.asked<machine::Persist>().empty());
}

TEST_F(Request, LengthZeroDiscardsTheMessage) {
  COVERS("HK-4.1-03");
  start();
  Bytes option = good_option();
  option[1] = 0;
  receive(with_option(option), mn);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.counter("send", "option-structure"), 1u);
}

TEST_F(Request, APadLengthThatLeavesNoKeyIsMalformed) {
  COVERS("HK-4.1-05");
  start();
  const Peer big(signing_key("mn-2048"), kPrefix, "02:00:00:00:01:04");
  const auto opener = decryption_key("hke-2048");
  const auto with = [&](std::size_t pad, std::uint8_t more_units) {
    Craft craft = big.rtsolpr(ar_global(), bench.now);
    Bytes option = octets_of(wire::HandoverKeyRequest{{2}, opener->spki()});
    EXPECT_EQ(option.size(), 304u);
    option[2] = static_cast<std::uint8_t>(pad);
    option[1] = static_cast<std::uint8_t>(option[1] + more_units);
    craft.options.push_back(std::move(option));
    return craft;
  };
  bench.forget();
  receive(with(255, 0), big);
  EXPECT_FALSE(has_key(reply()));
  EXPECT_EQ(counted("request-malformed"), 1u);
  // Past the end: the option is made the last of the message, unsigned behind it.
  bench.forget();
  Craft past = big.rtsolpr(ar_global(), bench.now, opener->spki());
  Bytes option = octets_of(wire::HandoverKeyRequest{{2}, opener->spki()});
  ++option[1];
  past.trailing_options.push_back(option);
  receive(past, big);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.counter("send", "option-structure"), 1u);
  bench.forget();
  receive(with(6, 0), big);
  EXPECT_TRUE(has_key(reply()));
  // No octet left at all, in an option as short as it can be.
  EXPECT_FALSE(answered_with_key(with_option(Bytes{27, 1, 4, 0x20, 0, 0, 0, 0})));
  EXPECT_FALSE(answered_with_key(with_option(Bytes{27, 1, 5, 0x20, 0, 0, 0, 0})));
}

TEST_F(Request, PaddingAndReservedBitsAreIgnored) {
  COVERS("HK-4.1-07", "HK-4.1-10");
  start();
  Bytes padded = good_option();  // 162 octets of key: 2 of padding
  ASSERT_EQ(padded[2], 2);
  padded.end()[-1] = padded.end()[-2] = 0xff;
  EXPECT_TRUE(answered_with_key(with_option(padded)));
  Bytes long_padding = good_option();
  long_padding[1] += 1;
  long_padding[2] += 8;
  long_padding.insert(long_padding.end(), 8, 0xff);
  EXPECT_TRUE(answered_with_key(with_option(long_padding)));
  Bytes fourteen = good_option();
  fourteen[1] += 2;
  fourteen[2] += 16;
  fourteen.insert(fourteen.end(), 16, 0);
  EXPECT_TRUE(answered_with_key(with_option(fourteen)));
  // Pad Length 14 exactly: a key of 2 octets more than a multiple allows, e = 65537 and 2048 bits.
  const Peer big(signing_key("mn-2048"), kPrefix, "02:00:00:00:01:04");
  Craft craft = big.rtsolpr(ar_global(), bench.now);
  Bytes option = octets_of(wire::HandoverKeyRequest{{2}, decryption_key("hke-2048")->spki()});
  option[1] += 1;
  option[2] += 8;
  ASSERT_EQ(option[2], 14);
  option.insert(option.end(), 8, 0);
  craft.options.push_back(option);
  bench.forget();
  receive(craft, big);
  EXPECT_TRUE(has_key(reply()));

  Bytes reserved = good_option();
  reserved[3] = 0x2f;
  EXPECT_TRUE(answered_with_key(with_option(reserved)));
  EXPECT_EQ(open(reply(), *hke)->algorithm, 2);
}

TEST_F(Request, AnRtSolPrWithoutAccessPointIsDropped) {
  start();
  Craft craft = request();
  craft.options.erase(craft.options.begin() + 1);  // the wildcard
  receive(craft, mn);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(counted("no-access-point"), 1u);
}

TEST_F(Request, AReplyOptionInARequestIsIgnored) {
  start();
  Craft craft = request();
  const Bytes ciphertext(128);
  craft.options.push_back(octets_of(wire::HandoverKeyReply{{3}, 100, ciphertext}));
  EXPECT_TRUE(answered_with_key(craft));
}

// The good and the unusable requests of an independent signer, at the time that they were made.
TEST_F(Request, VectorsOfAnIndependentSignerAreJudgedAlike) {
  config.receiver.budget = {1000, 1000, 100};
  config.unvalidated_answers_s = config.unvalidated_answers_per_source_s = 1000;
  int with_key = 0;
  int without = 0;
  for (const Vector& vector : load_vectors("send-signatures.txt")) {
    const bool unusable = vector.name.starts_with("request-key") || vector.name == "two-requests";
    const bool usable = vector.name.starts_with("rtsolpr-") || vector.name.starts_with("tail-");
    if (!usable && !unusable) continue;
    bench = MachineBench();
    start();
    bench.now.utc = UtcTime(seconds(static_cast<std::int64_t>(vector.number("timestamp") >> 16)));
    bench.receive(vector.hex("packet"), LinkAddress::literal("02:00:00:00:02:02"));
    EXPECT_EQ(has_key(reply()), usable) << vector.name;
    EXPECT_EQ(bench.counter("send", "secured"), 1u) << vector.name;
    ++(usable ? with_key : without);
  }
  EXPECT_GT(with_key, 25);
  EXPECT_EQ(without, 9);
}

}  // namespace
}  // namespace sendoff::test
