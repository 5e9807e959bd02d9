// What validation may cost the access router: RSA operations a second, verifications under way,
// table entries, key sizes (RFC 5269 5, RFC 3971 9.3).
#include "router/validation_fixture.h"

namespace sendoff::test {
namespace {

class Ration : public ValidationTest {};

TEST_F(Ration, VerificationsAreRationedBySource) {
  COVERS("HK-5-03");
  start();
  const Peer attacker(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:66", 66);
  const Bytes forged =
      spoil_signature(attacker.rtsolpr(ar_global(), bench.now, hke->spki()).packet());
  for (int second = 0; second < 3; ++second) {
    const int before = bench.jobs["verify"];
    for (int i = 0; i < 1000; ++i) {
      bench.receive(forged, attacker.link_address());
      bench.advance(milliseconds(1));
    }
    // A second's worth may be saved up before the flood.
    const int limit = static_cast<int>(config.receiver.budget.per_source_s);
    EXPECT_LE(bench.jobs["verify"] - before, second == 0 ? 2 * limit : limit);
    bench.forget();
    receive(request(), mn);
    EXPECT_TRUE(has_key(reply()));
  }
  EXPECT_GT(sends("budget"), 2900u);
}

TEST_F(Ration, VerificationsUnderWayAreBounded) {
  COVERS("HK-5-04");
  unlimit();
  start();
  bench.hold_jobs = true;
  for (int i = 0; i < 2000; ++i) {
    const Bytes address{
        2, 0, 0, 7, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    bench.receive(spoil_signature(request().packet()), *LinkAddress::from(address));
  }
  EXPECT_EQ(bench.held.size(), config.receiver.max_pending);
  EXPECT_EQ(sends("queue-full"), 2000u - config.receiver.max_pending);
  bench.hold_jobs = false;
  while (!bench.held.empty()) bench.run();
  bench.advance(milliseconds(500));
  bench.forget();
  receive(request(), mn);
  EXPECT_TRUE(has_key(reply()));
}

TEST_F(Ration, OneSourceDoesNotFillTheQueue) {
  unlimit();
  start();
  bench.hold_jobs = true;
  for (int i = 0; i < 100; ++i) receive_packet(spoil_signature(request().packet()));
  EXPECT_EQ(bench.held.size(), config.receiver.max_pending_per_source);
}

TEST_F(Ration, FullTablesKeepWhoHasAKey) {
  COVERS("HK-5-05");
  unlimit();
  config.receiver.timestamps.max_peers = 4;
  config.receiver.max_duplicates = 4;
  start();
  const Craft recorded = request();
  receive(recorded, mn);
  EXPECT_TRUE(has_key(reply()));
  // Ten times the bound of others, with and without keys of their own.
  for (std::uint8_t modifier = 100; modifier < 140; ++modifier) {
    const Peer peer(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:08", modifier);
    receive(peer.router_solicitation(bench.now), peer);
    if (modifier >= 120) receive(peer.rtsolpr(ar_global(), bench.now, hke->spki()), peer);
    bench.advance(milliseconds(200));
  }
  EXPECT_LE(keys(), 4u);
  const std::string before = records();
  const int seals = bench.jobs["seal"];
  bench.forget();
  receive(recorded, mn);
  EXPECT_FALSE(has_key(reply()));
  EXPECT_EQ(records(), before);
  EXPECT_EQ(bench.jobs["seal"], seals);
  bench.forget();
  receive(request(), mn);  // still in operation
  EXPECT_TRUE(has_key(reply()));
}

TEST_F(Ration, KeySizesAreJudgedBeforeArithmetic) {
  COVERS("HK-5-07");
  unlimit();
  start();
  const auto spki_of_size = [](std::size_t octets) {
    // A SubjectPublicKeyInfo of that modulus, written by hand.
    const auto wrap = [](std::uint8_t tag, const Bytes& content) {
      Bytes der{tag, 0x82, static_cast<std::uint8_t>(content.size() >> 8),
                static_cast<std::uint8_t>(content.size())};
      der.insert(der.end(), content.begin(), content.end());
      return der;
    };
    Bytes modulus(octets + 1, 0x97);
    modulus[0] = 0;
    Bytes pair = wrap(0x02, modulus);
    pair.insert(pair.end(), {0x02, 0x03, 0x01, 0x00, 0x01});
    Bytes bits{0};
    const Bytes sequence = wrap(0x30, pair);
    bits.insert(bits.end(), sequence.begin(), sequence.end());
    Bytes info{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
               0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    const Bytes string = wrap(0x03, bits);
    info.insert(info.end(), string.begin(), string.end());
    return wrap(0x30, info);
  };
  // CGA keys.
  const Peer small(signing_key("small-512"), kPrefix, "02:00:00:00:01:01");
  receive(small.rtsolpr(ar_global(), bench.now, hke->spki()), small);
  Craft huge = request();
  cga::Parameters parameters = mn.parameters(mn.global());
  parameters.public_key = spki_of_size(1500);  // 12000 bits: what an option can hold
  huge.source = cga::address_of(parameters, 0);
  huge.cga_parameters = parameters.octets();
  huge.key_hash = crypto::key_hash(parameters.public_key);
  receive(huge, mn);
  EXPECT_EQ(sends("key-limits"), 2u);
  EXPECT_EQ(bench.jobs["verify"], 0);
  // HKE keys.
  const Bytes small_spki = to_bytes(signing_key("small-512")->spki());
  const Bytes big_spki = spki_of_size(1500);
  for (const Bytes& spki : {small_spki, big_spki})
    receive(mn.rtsolpr(ar_global(), bench.now, spki), mn);
  EXPECT_EQ(bench.counter("provision", "request-key-limits"), 2u);
  EXPECT_EQ(bench.jobs["seal"], 0);
  for (const std::string bits : {"1024", "3072"}) {
    const Peer peer(signing_key("mn-" + bits), kPrefix, "02:00:00:00:01:04");
    const auto opener = decryption_key("hke-" + bits);
    bench.forget();
    receive(peer.rtsolpr(ar_global(), bench.now, opener->spki()), peer);
    EXPECT_TRUE(has_key(reply())) << bits;
  }
}

}  // namespace
}  // namespace sendoff::test
