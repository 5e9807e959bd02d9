#include "crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string>
#include <utility>

#include "crypto/openssl.h"

namespace sendoff::crypto {

namespace {

struct Properties {
  std::string_view name;
  int strength;
  std::size_t key_size;
  std::size_t tag_size;
  const char* mac;        // as OpenSSL calls it
  const char* parameter;  // what the MAC is built on
  const char* primitive;
};

// In the order of the codes, from 1.
constexpr std::array<Properties, 4> kProperties = {{
    {"hmac-sha1-96", 0, 20, 12, "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA1"},
    {"hmac-sha256-128", 2, 32, 16, "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256"},
    {"hmac-sha384-192", 3, 48, 24, "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA384"},
    {"aes128-cmac-96", 1, 16, 12, "CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC"},
}};

std::size_t index(Algorithm algorithm) {
  const std::size_t code = std::to_underlying(algorithm);
  invariant(code >= 1 && code <= kProperties.size());
  return code - 1;
}

const Properties& properties(Algorithm algorithm) { return kProperties[index(algorithm)]; }

MacContextPtr make_context(const Properties& wanted) {
  const MacPtr mac(EVP_MAC_fetch(nullptr, wanted.mac, nullptr));
  MacContextPtr context(EVP_MAC_CTX_new(mac.get()));
  std::string primitive(wanted.primitive);
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(wanted.parameter, primitive.data(), 0),
      OSSL_PARAM_construct_end()};
  invariant(context != nullptr && EVP_MAC_CTX_set_params(context.get(), parameters.data()) == 1);
  return context;
}

// Fetching and choosing the hash or cipher is done once a thread; a key then costs one init. The
// schedule of the last key stays in the context until the next one, and OpenSSL clears it when the
// thread ends.
EVP_MAC_CTX* context_of(Algorithm algorithm) {
  thread_local std::array<MacContextPtr, kProperties.size()> contexts;
  MacContextPtr& context = contexts[index(algorithm)];
  if (context == nullptr) context = make_context(properties(algorithm));
  return context.get();
}

}  // namespace

std::optional<Algorithm> algorithm_of(std::uint8_t code) {
  if (code == 0) return Algorithm::kHmacSha1_96;
  if (code > kProperties.size()) return std::nullopt;
  return static_cast<Algorithm>(code);
}

std::string_view name(Algorithm algorithm) { return properties(algorithm).name; }

std::optional<Algorithm> algorithm_named(std::string_view text) {
  for (Algorithm algorithm : kAlgorithms)
    if (properties(algorithm).name == text) return algorithm;
  return std::nullopt;
}

int strength(Algorithm algorithm) { return properties(algorithm).strength; }
std::size_t key_size(Algorithm algorithm) { return properties(algorithm).key_size; }
std::size_t tag_size(Algorithm algorithm) { return properties(algorithm).tag_size; }

Tag::Tag(ByteView octets) : size_(octets.size()) {
  invariant(octets.size() <= kMaxSize);
  std::ranges::copy(octets, octets_.begin());
}

Tag mac(Algorithm algorithm, const Secret& key, ByteView octets) {
  invariant(key.size() == key_size(algorithm));
  EVP_MAC_CTX* const context = context_of(algorithm);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> full{};
  std::size_t size = 0;
  invariant(EVP_MAC_init(context, key.expose().data(), key.size(), nullptr) == 1 &&
            EVP_MAC_update(context, octets.data(), octets.size()) == 1 &&
            EVP_MAC_final(context, full.data(), &size, full.size()) == 1 &&
            size >= tag_size(algorithm));
  const Tag tag(ByteView(full).first(tag_size(algorithm)));
  wipe(full);  // the octets behind the tag are never sent
  return tag;
}

bool mac_matches(Algorithm algorithm, const Secret& key, ByteView octets, ByteView tag) {
  if (tag.size() != tag_size(algorithm)) return false;
  return constant_time_equal(mac(algorithm, key, octets).view(), tag);
}

}  // namespace sendoff::crypto
