// What becomes of secrets when they have served (RFC 5269 3.1, 3.3, 3.6), watched in whole
// machines, and that a failure tells nothing of them (3.3, 3.5).
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <fstream>
#include <sstream>

#include "exchange/both.h"
#include "keys/held_keys.h"
#include "support/freed_memory.h"
#include "support/paths.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

mobile::Config pair_of_ten_minutes() {
  mobile::Config config = mobile_config();
  config.encryption_pair.lifetime_s = 600;
  return config;
}

// A node whose first pair is the vectors', held by nobody else, and that asks as it ends.
struct AtTheEndOfItsPair : Attached {
  AtTheEndOfItsPair()
      : Attached(pair_of_ten_minutes(), [](World& made) {
          made.issued_lifetime_s = 40'000;
          made.forced_pair =
              *crypto::HandoverDecryptionKey::from_pem(load_file("keys/hke-1024.pem"));
        }) {
    world.forced_pair.reset();
    world.advance(seconds(599) + milliseconds(500));
    world.answer_rtsolpr = false;
    world.forget_output();
    EXPECT_TRUE(world.order(machine::RequestKey{}));
    request = world.solicitations().back();
    EXPECT_EQ(request.spki, to_bytes(decryption_key("hke-1024")->spki()));
  }
  Solicitation request;
};

TEST(ExchangedSecrets, AReplacedPairOpensWhatIsOutstandingAndIsErased) {
  COVERS("HK-3.1-07");
  ASSERT_TRUE(openssl_is_watched());
  const Secret factor = Secret::copy_of(factor_in_memory(load_file("keys/hke-1024.pem")));
  {
    AtTheEndOfItsPair node;
    World& world = node.world;
    const Watching watching(factor.expose());
    world.advance(milliseconds(700));  // the pair is due
    EXPECT_FALSE(world.pairs_made.front().expired());
    world.forget_output();
    world.deliver(world.answer(node.par, node.request));
    EXPECT_NE(world.last(EventKind::kKeyReceived), nullptr) << world.account();
    world.advance(seconds(4));  // past the last time-out
    EXPECT_TRUE(world.pairs_made.front().expired());
    EXPECT_EQ(watching.found(), 0);
    EXPECT_GT(watching.looked(), 0);
  }
  AtTheEndOfItsPair node;
  World& world = node.world;
  const Watching watching(factor.expose());
  world.advance(seconds(4));
  EXPECT_TRUE(world.pairs_made.front().expired());
  world.forget_output();
  world.deliver(world.answer(node.par, node.request));
  EXPECT_EQ(world.last(EventKind::kKeyReceived), nullptr);
  EXPECT_EQ(world.jobs_of<machine::OpenHandoverKey>(), 0u);
  EXPECT_EQ(watching.found(), 0);
}

TEST(ExchangedSecrets, ARenewedKeyTakesThePlaceOfTheOldOne) {
  COVERS("HK-3.3-14");
  Attached node;
  World& world = node.world;
  const Bytes old = world.issued(node.par);
  {
    const Watching watching(old);
    world.key_version = 5;
    ASSERT_TRUE(world.order(machine::RequestKey{}));
    world.advance(milliseconds(10));
    world.persisted.clear();
    EXPECT_EQ(watching.found(), 0);
    EXPECT_GT(watching.looked(), 0);
  }
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1u);
  const Ipv6Address ncoa = *updates[0].fbu.options.alternate_care_of;
  EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par), ncoa));
  EXPECT_FALSE(updates[0].made_by(world.issued_algorithm, old, ncoa));

  // The table that the node keeps them in: gone at once, or with the last FBU under it.
  const auto held = [&](std::uint8_t version) {
    world.key_version = version;
    keys::HeldKey key;
    key.ar = node.par.global[0];
    key.cga = ncoa;
    key.algorithm = world.issued_algorithm;
    key.key = Secret::copy_of(world.issued(node.par));
    key.expires = Instant(seconds(1000));
    return key;
  };
  for (const bool outstanding : {false, true}) {
    keys::HeldKeys keys;
    keys.store(held(0));
    keys::HeldKey next = held(5);
    const Watching watching(old);
    keys.retain_previous(next.ar, next.cga, outstanding);
    EXPECT_EQ(keys.store(std::move(next)), keys::HeldKeys::Stored::kReplaced);
    EXPECT_EQ(keys.previous(node.par.global[0], ncoa) != nullptr, outstanding);
    keys.retain_previous(node.par.global[0], ncoa, false);
    EXPECT_EQ(keys.previous(node.par.global[0], ncoa), nullptr);
    EXPECT_EQ(watching.found(), 0) << outstanding;
    EXPECT_GT(watching.looked(), 0) << outstanding;
  }
}

TEST(ExchangedSecrets, AnFbackUnderTheKeyThatWasRenewedMeanwhileCounts) {
  Attached node;
  World& world = node.world;
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1u);
  const Bytes fback = world.fback(node.par, updates[0]);
  world.key_version = 5;
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  ASSERT_EQ(world.events_of(EventKind::kKeyReceived), 2u) << world.account();
  world.deliver(fback);
  EXPECT_EQ(world.events_of(EventKind::kHandoverDone), 1u) << world.account();
}

// The key's octets, or any eight of them in hexadecimal, in what anybody can read.
bool shows(const std::vector<machine::Event>& events, const std::string& status, ByteView key) {
  std::string text = status;
  for (const machine::Event& event : events)
    for (const machine::Field& field : event.fields)
      if (const auto* words = std::get_if<std::string>(&field.value)) text += "\n" + *words;
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (std::size_t at = 0; at + 8 <= key.size(); ++at) {
    const ByteView part = key.subspan(at, 8);
    if (lower.find(to_hex(part)) != std::string::npos) return true;
    if (text.find(std::string(part.begin(), part.end())) != std::string::npos) return true;
  }
  return false;
}

std::string status_of(const RouterNode& node) {
  std::string text;
  for (const auto& key : node.router->status(node.bench.now, 100).keys)
    text += key.cga.text() + " " + key.fingerprint + "\n";
  return text;
}

std::string status_of(const World& world) {
  std::string text;
  const auto status = world.status();
  for (const auto& key : status.keys) text += key.ar.text() + " " + key.fingerprint + "\n";
  for (const auto& request : status.requests) text += to_hex(request.nonce) + "\n";
  return text;
}

TEST(ExchangedSecrets, AnExpiredKeyIsNowhere) {
  COVERS("HK-3.6-12");
  // The router.
  RouterNode node;
  node.config.reply_window = seconds(20);
  node.config.receiver.timestamps.fuzz_ms = 10'000;
  node.config.keys.lifetime_s = 5;
  node.start();
  const Bytes packet = node.request().packet();
  node.bench.receive(packet, node.mn.link_address());
  auto delivered = node.open(node.reply(), *node.hke);
  ASSERT_TRUE(delivered);
  node.bench.receive(packet, node.mn.link_address());
  EXPECT_EQ(node.bench.counter("provision", "replies-from-cache"), 1u);
  std::string status = status_of(node);
  {
    const Watching watching(delivered->key);
    node.bench.advance(seconds(6));
    EXPECT_EQ(node.bench.reported(EventKind::kKeyDiscarded).size(), 1u);
    EXPECT_EQ(node.bench.asked<machine::Forget>().size(), 1u);
    EXPECT_EQ(node.router->status(node.bench.now, 0).key_count, 0u);
    EXPECT_FALSE(shows(node.bench.events, status + status_of(node), delivered->key));
    node.bench.forget();
    node.bench.receive(packet, node.mn.link_address());
    EXPECT_TRUE(node.bench.sent.empty());
    EXPECT_EQ(watching.found(), 0);
    EXPECT_GT(watching.looked(), 0);
  }
  // The mobile node.
  Attached other(mobile_config(), [](World& made) { made.issued_lifetime_s = 100; });
  World& world = other.world;
  const Bytes key = world.issued(other.par);
  ASSERT_EQ(world.status().keys.size(), 1u);
  status = status_of(world);
  world.answer_rtsolpr = false;
  const Watching watching(key);
  world.advance(seconds(101));
  EXPECT_TRUE(world.status().keys.empty());
  EXPECT_FALSE(world.forgotten.empty());
  EXPECT_FALSE(shows(world.events, status + status_of(world), key));
  world.persisted.clear();  // the test's own copy of the record
  EXPECT_EQ(watching.found(), 0);
  EXPECT_GT(watching.looked(), 0);
}

TEST(ExchangedSecrets, AreSeenByTheSearchWhereTheyAreShown) {
  const Bytes key = Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_FALSE(shows({}, "0102030405", key));
  EXPECT_TRUE(shows({}, "x0203040506070809", key));
  machine::Event event;
  event.fields.push_back({"text", std::string(key.begin(), key.end())});
  EXPECT_TRUE(shows({event}, "", key));
}

// Encrypts this block as it is.
Bytes raw(ByteView spki, const Bytes& block) {
  const unsigned char* at = spki.data();
  EVP_PKEY* const key = d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size()));
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(key, nullptr);
  Bytes out(block.size());
  std::size_t size = out.size();
  EXPECT_EQ(EVP_PKEY_encrypt_init(context), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), 1);
  EXPECT_EQ(EVP_PKEY_encrypt(context, out.data(), &size, block.data(), block.size()), 1);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  return out;
}

std::string body_of(const std::string& file, const std::string& signature) {
  std::ifstream input(source_directory() + "/src/" + file);
  std::stringstream text;
  text << input.rdbuf();
  const std::string source = text.str();
  const std::size_t from = source.find(signature);
  EXPECT_NE(from, std::string::npos) << signature;
  if (from == std::string::npos) return "";
  return source.substr(from, source.find("\n}\n", from) - from);
}

// Every failure takes the same time because it takes the same path: no test measures times.
TEST(ExchangedSecrets, EveryBadCiphertextEndsInTheSameWords) {
  COVERS("HK-3.3-21");
  Asked node(mobile_config(), [](World& made) {
    made.forced_pair = *crypto::HandoverDecryptionKey::from_pem(load_file("keys/hke-1024.pem"));
  });
  World& world = node.world;
  constexpr std::size_t kSeparator = 128 - 32 - 1;
  Bytes good(128, 0x55);
  good[0] = 0;
  good[1] = 2;
  good[kSeparator] = 0;
  Bytes type = good;
  type[1] = 1;
  Bytes padding = good;
  padding[9] = 0;  // seven octets of padding
  Bytes separator = good;
  separator[kSeparator] = 0x55;
  Bytes shorter = separator;
  shorter[kSeparator + 1] = 0;
  Bytes longer = separator;
  longer[kSeparator - 1] = 0;
  const ByteView spki = node.request.spki;
  std::vector<Bytes> bad;
  for (const Bytes& block : {type, padding, separator, shorter, longer})
    bad.push_back(raw(spki, block));
  for (const std::size_t size : {0u, 127u, 129u}) bad.emplace_back(size, 0x11);
  std::set<std::string> words;
  for (const Bytes& ciphertext : bad) {
    node.ask_again();
    world.forget_output();
    node.answer({FakeRouter::reply_option(2, 1000, ciphertext)});
    EXPECT_EQ(node.decryptions(), 1u);
    ASSERT_EQ(world.events.size(), 1u) << world.account();
    EXPECT_EQ(world.events[0].kind, EventKind::kKeyRefused);
    std::string line;
    for (const machine::Field& field : world.events[0].fields)
      line += std::string(field.name) + "=" + std::get<std::string>(field.value) + " ";
    words.insert(line);
    EXPECT_TRUE(world.sent.empty());
    EXPECT_FALSE(node.has_key());
  }
  EXPECT_EQ(words.size(), 1u);
  EXPECT_EQ(world.count("not-decrypted"), bad.size());
  node.ask_again();
  node.answer({FakeRouter::reply_option(2, 1000, raw(spki, good))});
  EXPECT_TRUE(node.has_key());

  // One private operation, behind which the verdict is one expression, and one way out.
  const std::string decrypt = body_of("crypto/rsa.cpp", "Secret OpenSslDecryptionKey::decrypt(");
  const auto times = [&](const std::string& word) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = decrypt.find(word, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(times("RSA_private_decrypt("), 1u);
  EXPECT_EQ(times("return "), 1u);
  EXPECT_EQ(times("throw "), 0u);
}

// Constant time is one comparison that reads to the end: no test measures times.
TEST(ExchangedSecrets, AuthenticatorsAreComparedToTheirEnd) {
  COVERS("HK-3.5-06");
  for (const auto algorithm : crypto::kAlgorithms) {
    const Secret key(crypto::key_size(algorithm));
    const Bytes octets(50, 3);
    const Bytes tag = to_bytes(crypto::mac(algorithm, key, octets).view());
    EXPECT_TRUE(crypto::mac_matches(algorithm, key, octets, tag));
    for (const std::size_t at : {std::size_t{0}, tag.size() - 1}) {
      Bytes wrong = tag;
      wrong[at] ^= 1;
      EXPECT_FALSE(constant_time_equal(tag, wrong)) << at;
      EXPECT_FALSE(crypto::mac_matches(algorithm, key, octets, wrong)) << at;
    }
  }
  const std::string matches = body_of("crypto/mac.cpp", "bool mac_matches(");
  EXPECT_NE(matches.find("return constant_time_equal("), std::string::npos);
  for (const char* early : {"memcmp", " equal(", "::equal", "mismatch"})
    EXPECT_EQ(matches.find(early), std::string::npos) << early;
  const std::string compare = body_of("base/secret.cpp", "bool constant_time_equal(");
  const std::size_t loop = compare.find("for (");
  ASSERT_NE(loop, std::string::npos);
  const std::string rest = compare.substr(loop);
  for (const char* early : {"if (", "break", "&&", "||", "?"})
    EXPECT_EQ(rest.find(early), std::string::npos) << early;
}

}  // namespace
}  // namespace sendoff::test
