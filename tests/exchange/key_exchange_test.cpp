// One key exchange between a real mobile node and a real access router (RFC 5269 1, 3.1, 4.1, 5,
// 6): what goes over the link, and what a recording of it is worth.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "exchange/both.h"
#include "exchange/filter.h"
#include "send/sender.h"

namespace sendoff::test {
namespace {

using wire::OptionType;

class KeyExchange : public config::ConfigTest {};

Bytes certified_key(ByteView packet) {
  const Bytes option = *find_option(packet, OptionType::kCga);
  const auto parameters = cga::ParametersView::parse(wire::CgaOption::parse(option)->parameters);
  return to_bytes(parameters->public_key);
}

send::Unsigned key_request(const Peer& mn, const Ipv6Address& ar, const std::vector<Bytes>& keys) {
  send::Unsigned message;
  message.source = mn.global();
  message.destination = ar;
  message.parameters = mn.parameters(mn.global());
  message.nonce = Bytes(6, 1);
  append(message.message, wire::RtSolPr{7});
  append(message.message, wire::LinkLayerAddressOption{});
  for (const Bytes& key : keys) append(message.message, wire::HandoverKeyRequest{{2}, key});
  return message;
}

TEST_F(KeyExchange, HasThreeSecretsOfWhichNoneIsAnother) {
  COVERS("HK-1-02");
  Both both;
  ASSERT_EQ(both.world.status().keys.size(), 1u) << both.world.account();
  const Solicitation request = both.world.solicitations().back();
  const Bytes cga_key = certified_key(request.packet);
  EXPECT_EQ(cga_key, to_bytes(signing_key("mn-1024")->spki()));
  EXPECT_NE(request.spki, cga_key);
  // The handover key: octets of the random source, as they were drawn, and in neither public key.
  const Bytes answer = both.advertisements().back();
  const Bytes option = *find_option(answer, OptionType::kHandoverKeyReply);
  const Secret key = both.hke->decrypt(wire::HandoverKeyReply::parse(option)->encrypted_key,
                                       crypto::key_size(crypto::Algorithm::kHmacSha256_128));
  const Bytes octets = to_bytes(key.expose());
  ASSERT_EQ(octets.size(), 32u);
  EXPECT_EQ(std::ranges::count(both.random.drawn, octets), 1);
  for (const Bytes& spki : {request.spki, cga_key, certified_key(answer)})
    EXPECT_TRUE(std::ranges::search(spki, octets).empty());

  mobile_error("[handover]", "encryption_key = \"mn.pem\"\n[handover]",
               "[keys] encryption_key and [cga] key name the same file");
  const Peer mn(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:01");
  const auto ar = Ipv6Address::literal("2001:db8:a:1::1");
  const auto refused =
      send::sign(key_request(mn, ar, {to_bytes(mn.key()->spki())}), mn.key(), config::kToday, 1500);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), send::SendError::kHandoverKey);
  EXPECT_TRUE(send::sign(key_request(mn, ar, {to_bytes(both.hke->spki())}), mn.key(),
                         config::kToday, 1500));
}

TEST_F(KeyExchange, AsksWithOneOptionThatHoldsTheEncryptionKey) {
  COVERS("HK-3.1-08");
  const auto hke = decryption_key("hke-1024");
  Asked node(mobile_config(), [&](World& world) { world.forced_pair = hke; });
  EXPECT_EQ(std::ranges::count(option_types(node.request.packet), 27), 1);
  EXPECT_EQ(node.request.spki, to_bytes(hke->spki()));
  // Without a key that could stand in the option there is no message, and two are refused.
  Attached without(mobile_config(), [](World& world) {
    world.hold = [](const machine::Start& start) {
      return std::holds_alternative<machine::GenerateDecryptionKey>(start.job);
    };
  });
  without.world.advance(seconds(5));
  EXPECT_TRUE(without.world.solicitations().empty());
  without.world.hold = {};
  without.world.run_held();
  ASSERT_FALSE(without.world.solicitations().empty());
  const Peer mn(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:01");
  const Bytes spki = to_bytes(hke->spki());
  const auto two =
      send::sign(key_request(mn, Ipv6Address::literal("2001:db8:a:1::1"), {spki, spki}), mn.key(),
                 config::kToday, 1500);
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error(), send::SendError::kHandoverOptions);
}

TEST_F(KeyExchange, NamesTheConfiguredAlgorithm) {
  COVERS("HK-3.1-13");
  for (int code = 0; code <= 15; ++code) {
    const std::string line = "algorithm = " + std::to_string(code);
    const std::string was = "algorithm = \"hmac-sha256-128\"";
    if (code == 0 || code > 4) {
      mobile_error(was, line, "[keys] algorithm names no algorithm");
      continue;
    }
    auto loaded = mobile(changed(config::kMobileFile, was, line));
    ASSERT_TRUE(loaded) << code;
    loaded->machine.discovery.first_delay_max = Duration{};
    Asked node(loaded->machine,
               [](World& world) { world.forced_pair = decryption_key("hke-2048"); });
    const Bytes option = *find_option(node.request.packet, OptionType::kHandoverKeyRequest);
    EXPECT_EQ(option[3] >> 4, code);
  }
}

TEST_F(KeyExchange, TheRequestHoldsAKeyThatOpensslReadsAndWritesAlike) {
  COVERS("HK-4.1-11");
  for (const std::string size : {"1024", "2048", "3072", "2048-e3"}) {
    Asked node(mobile_config("mn-" + size),
               [&](World& world) { world.forced_pair = decryption_key("hke-" + size); });
    const Bytes option = *find_option(node.request.packet, OptionType::kHandoverKeyRequest);
    const std::size_t end = option.size() - option[2];
    const Bytes der(option.begin() + 4, option.begin() + static_cast<std::ptrdiff_t>(end));
    const unsigned char* at = der.data();
    EVP_PKEY* const key = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
    ASSERT_NE(key, nullptr) << size;
    EXPECT_EQ(at, der.data() + der.size());
    EXPECT_EQ(EVP_PKEY_get_base_id(key), EVP_PKEY_RSA);
    unsigned char* written = nullptr;
    const int length = i2d_PUBKEY(key, &written);
    EXPECT_TRUE(equal(ByteView(written, static_cast<std::size_t>(length)), der)) << size;
    OPENSSL_free(written);
    EVP_PKEY_free(key);
    // AlgorithmIdentifier: rsaEncryption, NULL.
    const Bytes algorithm{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                          0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    EXPECT_EQ(std::ranges::search(der, algorithm).begin() - der.begin(), size == "1024" ? 3 : 4);
    at = der.data();
    EVP_PKEY* const bare = d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size()));
    EXPECT_EQ(bare, nullptr) << "PKCS#1 alone";
    EVP_PKEY_free(bare);
  }
}

TEST_F(KeyExchange, ARecordingOfItIsWorthNothing) {
  COVERS("HK-5-06");
  Both both;
  World& world = both.world;
  ASSERT_EQ(world.status().keys.size(), 1u);
  const Bytes request = world.solicitations().back().packet;
  const Bytes answer = both.advertisements().back();
  both.advance(seconds(10));
  const std::string key = both.router->status(both.bench.now, 1).keys.at(0).fingerprint;
  const auto generation = both.router->status(both.bench.now, 1).keys.at(0).generation;
  const auto stale = both.bench.counter("send", "stale");
  both.bench.forget();
  both.bench.receive(request, kMobileLink);
  EXPECT_EQ(both.bench.counter("send", "stale"), stale + 1);
  for (const Bytes& packet : both.advertisements())
    EXPECT_FALSE(find_option(packet, OptionType::kHandoverKeyReply));
  EXPECT_EQ(both.router->status(both.bench.now, 1).key_count, 1u);
  EXPECT_EQ(both.router->status(both.bench.now, 1).keys.at(0).fingerprint, key);
  EXPECT_EQ(both.router->status(both.bench.now, 1).keys.at(0).generation, generation);

  world.forget_output();
  const auto unknown = world.count("send", "unknown-nonce");
  world.deliver(answer, kRouterLink);
  EXPECT_EQ(world.count("send", "unknown-nonce"), unknown + 1);
  EXPECT_TRUE(world.jobs_seen.empty());

  Asked alone;
  World& other = alone.world;
  const Bytes unsolicited = alone.par.proxy_advertisement(
      alone.request.source, wire::PrRtAdv::kUnsolicited, 0, other.tuples, {}, other.seal());
  other.deliver(unsolicited);
  ASSERT_EQ(other.status().neighbours.size(), 1u) << "the first time it counts";
  other.advance(seconds(301));
  other.forget_output();
  const auto old = other.count("send", "stale");
  other.deliver(unsolicited);
  EXPECT_EQ(other.count("send", "stale"), old + 1);
  EXPECT_TRUE(other.jobs_seen.empty());
}

TEST_F(KeyExchange, UsesTheOptionNumbersOfTheRegistry) {
  COVERS("HK-6-01");
  static_assert(std::to_underlying(OptionType::kHandoverKeyRequest) == 27);
  static_assert(std::to_underlying(OptionType::kHandoverKeyReply) == 28);
  const Bytes key(100, 1);
  const Bytes written_request = octets_of(wire::HandoverKeyRequest{{2}, key});
  const Bytes written_reply = octets_of(wire::HandoverKeyReply{{2}, 9, key});
  EXPECT_EQ(written_request[0], 27);
  EXPECT_EQ(written_reply[0], 28);
  EXPECT_TRUE(wire::HandoverKeyRequest::parse(written_request));
  EXPECT_TRUE(wire::HandoverKeyReply::parse(written_reply));

  // Both came through encoder and decoder of the other side, and pass the filter.
  Both both;
  ASSERT_EQ(both.world.status().keys.size(), 1u);
  const Bytes request = both.world.solicitations().back().packet;
  const Bytes answer = both.advertisements().back();
  EXPECT_EQ(std::ranges::count(option_types(request), 27), 1);
  EXPECT_EQ(std::ranges::count(option_types(answer), 28), 1);
  for (const Bytes& packet : {request, answer}) {
    EXPECT_TRUE(passes({{154}, {}, {}}, packet));
    EXPECT_FALSE(passes({{133, 134}, {}, {}}, packet));
  }
}

}  // namespace
}  // namespace sendoff::test
