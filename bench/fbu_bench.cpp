// Verification of a Fast Binding Update at the previous access router, from the octets of the
// packet to the key that authenticates it, against one bare MAC over the same octets with a reused
// context, batch by batch in the same run. "of_mac" is how many bare MACs one verification costs.
#include <benchmark/benchmark.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/random.h"
#include "keys/issued_keys.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff {
namespace {

using SteadyClock = std::chrono::steady_clock;

const Ipv6Address kPar = Ipv6Address::literal("2001:db8:a:1::1");
const Ipv6Address kNcoa = Ipv6Address::literal("2001:db8:a:2::77");
constexpr std::size_t kBatch = 256;

Ipv6Address node(std::size_t number) {
  auto octets = Ipv6Address::literal("2001:db8:a:1:1::").octets();
  for (std::size_t i = 0; i < 4; ++i) octets[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Ipv6Address(octets);
}

struct Sample {
  Bytes packet;
  Bytes mac_input;
  Bytes key;
};

Sample sample_of(const keys::IssuedKey& key) {
  wire::FastBindingUpdate fbu;
  fbu.sequence = 1;
  fbu.acknowledge = fbu.home_registration = true;
  fbu.lifetime_s = 30;
  fbu.options.alternate_care_of = kNcoa;
  const Bytes header = keys::authenticated(fbu, key.algorithm, key.key, kNcoa, kPar, key.cga, kPar);
  wire::Ipv6Header ip;
  ip.source = key.cga;
  ip.destination = kPar;
  ip.next_header = wire::kProtocolDestinationOptions;
  Bytes extension;
  append(extension, wire::HomeAddressHeader{wire::kProtocolMobility, key.cga});
  Sample sample{wire::build_packet(ip, extension, header), {}, to_bytes(key.key.expose())};
  for (const ByteView part :
       {kNcoa.view(), kPar.view(),
        ByteView(header).first(header.size() - crypto::tag_size(key.algorithm))})
    sample.mac_input.insert(sample.mac_input.end(), part.begin(), part.end());
  return sample;
}

bool verify(keys::IssuedKeys& table, Instant now, const Bytes& octets) {
  const auto packet = wire::PacketView::parse(octets);
  if (!packet || !packet->home_address) return false;
  const auto header = wire::MobilityHeader::parse(packet->upper);
  if (!header) return false;
  const ByteView message = packet->upper.first(header->octets());
  if (!wire::mobility_checksum_ok(*packet->home_address, packet->header.destination, message))
    return false;
  const auto fbu = wire::FastBindingUpdate::parse(message);
  if (!fbu) return false;
  const auto care_of = keys::care_of_term(*fbu, *packet->home_address, packet->header.source);
  return table
      .authenticate(now, *packet->home_address, care_of, packet->header.destination, message, *fbu)
      .has_value();
}

EVP_MAC_CTX* bare_context(crypto::Algorithm algorithm) {
  const bool cmac = algorithm == crypto::Algorithm::kAes128Cmac_96;
  std::string primitive = cmac                                              ? "AES-128-CBC"
                          : algorithm == crypto::Algorithm::kHmacSha1_96    ? "SHA1"
                          : algorithm == crypto::Algorithm::kHmacSha256_128 ? "SHA256"
                                                                            : "SHA384";
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, cmac ? "CMAC" : "HMAC", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(cmac ? OSSL_MAC_PARAM_CIPHER : OSSL_MAC_PARAM_DIGEST,
                                       primitive.data(), 0),
      OSSL_PARAM_construct_end()};
  invariant(EVP_MAC_CTX_set_params(context, parameters) == 1);
  return context;
}

void fbu(benchmark::State& state) {
  const auto algorithm = *crypto::algorithm_of(static_cast<std::uint8_t>(state.range(0)));
  const auto keys = static_cast<std::size_t>(state.range(1));
  crypto::SystemRandom random;
  keys::IssuedKeyConfig config;
  config.max_per_link_address = keys;
  keys::IssuedKeys table(config, random);
  const Instant now(seconds(1000));
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < keys; ++i) {
    const auto issued = table.find_or_create(now, node(i), LinkAddress{},
                                             static_cast<std::uint8_t>(state.range(0)));
    if (i % std::max<std::size_t>(1, keys / kBatch) == 0 && samples.size() < kBatch)
      samples.push_back(sample_of(*issued->key));
  }
  EVP_MAC_CTX* const context = bare_context(algorithm);
  SteadyClock::duration whole{};
  SteadyClock::duration least{};
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> tag{};
  for (auto _ : state) {
    const auto begin = SteadyClock::now();
    for (std::size_t i = 0; i < kBatch; ++i)
      invariant(verify(table, now, samples[i % samples.size()].packet));
    const auto middle = SteadyClock::now();
    for (std::size_t i = 0; i < kBatch; ++i) {
      const Sample& sample = samples[i % samples.size()];
      std::size_t size = 0;
      invariant(EVP_MAC_init(context, sample.key.data(), sample.key.size(), nullptr) == 1 &&
                EVP_MAC_update(context, sample.mac_input.data(), sample.mac_input.size()) == 1 &&
                EVP_MAC_final(context, tag.data(), &size, tag.size()) == 1);
      benchmark::DoNotOptimize(tag);
    }
    const auto end = SteadyClock::now();
    whole += middle - begin;
    least += end - middle;
    state.SetIterationTime(std::chrono::duration<double>(middle - begin).count() / kBatch);
  }
  EVP_MAC_CTX_free(context);
  const auto count = static_cast<double>(state.iterations()) * kBatch;
  state.counters["mac_ns"] = std::chrono::duration<double, std::nano>(least).count() / count;
  state.counters["of_mac"] =
      static_cast<double>(whole.count()) / static_cast<double>(least.count());
}
BENCHMARK(fbu)
    ->ArgNames({"at", "keys"})
    ->ArgsProduct({{1, 2, 3, 4}, {1, 1000, 100'000}})
    ->UseManualTime()
    ->Iterations(4000);

}  // namespace
}  // namespace sendoff
