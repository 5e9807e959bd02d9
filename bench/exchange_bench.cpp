// One provisioning exchange at the access router (RFC 5269 3.2), whole and in process: packet in,
// PrRtAdv out, jobs run in line, the store answers at once. Beside it in the same run, turn by
// turn, its bound: the three RSA operations and nothing else, on keys that OpenSSL parsed before.
// "of_bound" is the bound's time over the exchange's, both at the tenth percentile of all rounds
// (docs/performance.md). "of_bound_new_keys" is
// the same with a bound that, like a packet, meets the mobile node's two keys for the first time:
// their Montgomery contexts are not made beforehand.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <benchmark/benchmark.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <map>

#include "crypto/random.h"
#include "machine/job.h"
#include "router/router.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff {
namespace {

using SteadyClock = std::chrono::steady_clock;
using RsaPtr = std::unique_ptr<RSA, decltype(&RSA_free)>;

const Prefix kPrefix = Prefix::literal("2001:db8:a:1::/64");
const LinkAddress kRouterLink = LinkAddress::literal("02:00:00:00:00:01");
const LinkAddress kNodeLink = LinkAddress::literal("02:00:00:00:01:01");
constexpr std::size_t kPool = 512;
constexpr std::size_t kNodes = 8;  // where keys are returned, not made

RsaPtr parsed(const Secret& pem) {
  BIO* const input = BIO_new_mem_buf(pem.expose().data(), static_cast<int>(pem.size()));
  RSA* const key = PEM_read_bio_RSAPrivateKey(input, nullptr, nullptr, nullptr);
  BIO_free(input);
  return {key, &RSA_free};
}

struct Keys {
  std::shared_ptr<const crypto::SigningKey> ar;
  std::shared_ptr<const crypto::SigningKey> mn;
  std::shared_ptr<const crypto::SigningKey> hke;  // its public half
  RsaPtr ar_rsa;

  explicit Keys(std::uint32_t bits)
      : ar(*crypto::SigningKey::generate(bits)),
        mn(*crypto::SigningKey::generate(bits)),
        hke(*crypto::SigningKey::generate(bits)),
        ar_rsa(parsed(ar->to_pem())) {}
};

const Keys& keys_of(std::uint32_t bits) {
  static std::map<std::uint32_t, Keys> keys;
  return keys.try_emplace(bits, bits).first->second;
}

router::Config config_of(const Keys& keys) {
  router::Config config;
  router::Interface& interface = config.interfaces.emplace_back();
  interface.name = "access0";
  interface.identity.key = keys.ar;
  interface.prefixes.push_back({kPrefix});
  router::Neighbour& nar = config.neighbours.emplace_back();
  nar.name = "nar";
  nar.address = Ipv6Address::literal("2001:db8:a:2::1");
  nar.link_address = LinkAddress::literal("02:00:00:00:00:02");
  nar.prefix = Prefix::literal("2001:db8:a:2::/64");
  nar.access_points.push_back(LinkAddress::literal("02:00:00:00:0a:02"));
  config.receiver.budget = {1'000'000, 1'000'000, 4096};
  config.keys.max_per_link_address = 1'000'000;
  return config;
}

// A router that is up, and what drives it.
class Bench {
 public:
  explicit Bench(const Keys& keys, Now start)
      : now(start), router_(config_of(keys), {}, random_, start) {
    router_.handle(now, machine::HostEvent(machine::InterfaceUp{{0}, kRouterLink, 1500}));
    pump();
  }
  // The packet that answers.
  const Bytes& exchange(const Bytes& request) {
    machine::Received received;
    received.frame_source = kNodeLink;
    received.packet = request;
    router_.handle(now, received);
    pump();
    return sent_;
  }

  Now now;

 private:
  void pump() {
    while (auto action = router_.poll()) {
      if (auto* start = std::get_if<machine::Start>(&action->what))
        router_.handle(now, machine::JobResult{start->job_id, machine::execute(start->job)});
      else if (auto* transmit = std::get_if<machine::Transmit>(&action->what))
        sent_ = std::move(transmit->packet);
      else if (machine::has_outcome(action->what))
        router_.handle(now, machine::Outcome{action->id, machine::Facts{}});
    }
  }

  crypto::SystemRandom random_;
  router::Router router_;
  Bytes sent_;
};

Bytes request_of(const Keys& keys, const Ipv6Address& ar, std::size_t node, std::size_t number,
                 UtcTime utc) {
  cga::Parameters parameters;
  parameters.modifier[0] = static_cast<std::uint8_t>(node >> 8);
  parameters.modifier[1] = static_cast<std::uint8_t>(node);
  std::ranges::copy(ByteView(kPrefix.address().octets()).first(8),
                    parameters.subnet_prefix.begin());
  parameters.public_key = to_bytes(keys.mn->spki());
  const Ipv6Address source = cga::address_of(parameters, 0);
  const Bytes parameter_octets = parameters.octets();
  const Bytes nonce{
      1, 2, 3, 4, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  Bytes message;
  append(message, wire::RtSolPr{static_cast<std::uint16_t>(number)});
  append(message,
         wire::LinkLayerAddressOption{wire::LinkLayerAddressOption::Code::kSource, kNodeLink});
  append(message, wire::LinkLayerAddressOption{});
  append(message, wire::HandoverKeyRequest{{2}, keys.hke->spki()});
  append(message, wire::CgaOption{parameter_octets});
  append(message, wire::TimestampOption{send::timestamp_of(utc)});
  append(message, wire::NonceOption{nonce});
  machine::SignMessage job{keys.mn, source, ar, std::move(message), {}};
  auto made = machine::execute(machine::Job(std::move(job)));
  return wire::icmpv6_packet(source, ar, std::get<machine::MessageSigned>(*made).message);
}

// The three operations of one exchange on parsed keys.
class Bound {
 public:
  // Not `seen`: copies of the node's keys that keep no Montgomery context.
  Bound(const Keys& keys, bool seen)
      : keys_(keys),
        mn_(parsed(keys.mn->to_pem())),
        hke_(parsed(keys.hke->to_pem())),
        signature_(keys.mn->sign_sha1({})),
        block_(signature_.size(), 0x5a),
        out_(signature_.size()) {
    if (!seen)
      for (RSA* const key : {mn_.get(), hke_.get()}) RSA_clear_flags(key, RSA_FLAG_CACHE_PUBLIC);
    block_[0] = 0;
    block_[1] = 2;
  }
  void run() {
    const int size = static_cast<int>(block_.size());
    const bool ok =
        RSA_public_decrypt(size, signature_.data(), out_.data(), mn_.get(), RSA_PKCS1_PADDING) ==
            35 &&
        RSA_public_encrypt(size, block_.data(), out_.data(), hke_.get(), RSA_NO_PADDING) == size &&
        RSA_private_encrypt(35, block_.data(), out_.data(), keys_.ar_rsa.get(),
                            RSA_PKCS1_PADDING) == size;
    invariant(ok);
    benchmark::DoNotOptimize(out_.data());
  }

 private:
  const Keys& keys_;
  RsaPtr mn_, hke_;
  Bytes signature_, block_, out_;
};

void exchange(benchmark::State& state) {
  const auto bits = static_cast<std::uint32_t>(state.range(0));
  const bool fresh = state.range(1) == 1;
  const Keys& keys = keys_of(bits);
  const Now start{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  const Ipv6Address ar = config_of(keys).interfaces[0].identity.address(kPrefix);
  std::vector<Bytes> requests;
  for (std::size_t i = 0; i < kPool + kNodes; ++i)
    requests.push_back(request_of(keys, ar, fresh ? i : i % kNodes, i,
                                  start.utc + milliseconds(10 * static_cast<std::int64_t>(i))));
  Bound bound(keys, true);
  Bound new_keys(keys, false);
  std::optional<Bench> bench;
  std::size_t next = kPool + kNodes;
  std::vector<SteadyClock::duration> whole, least, least_new;
  for (auto _ : state) {
    if (next == kPool + kNodes) {  // all are used: a new router, not timed
      bench.emplace(keys, start);
      for (next = 0; next < kNodes; ++next) (void)bench->exchange(requests[next]);
    }
    bench->now = {start.boot + milliseconds(10 * static_cast<std::int64_t>(next)),
                  start.utc + milliseconds(10 * static_cast<std::int64_t>(next))};
    const auto begin = SteadyClock::now();
    const Bytes& answer = bench->exchange(requests[next]);
    const auto middle = SteadyClock::now();
    bound.run();
    const auto end = SteadyClock::now();
    new_keys.run();
    least_new.push_back(SteadyClock::now() - end);
    // Identifier of the request, and room for a key: it is the answer and it has one.
    invariant(equal(ByteView(answer).subspan(46, 2), ByteView(requests[next]).subspan(46, 2)) &&
              answer.size() > 3 * bits / 8);
    ++next;
    whole.push_back(middle - begin);
    least.push_back(end - middle);
    state.SetIterationTime(std::chrono::duration<double>(middle - begin).count());
  }
  // The fastest tenth's slowest, of all three alike: who else runs on the machine meets them by
  // chance, and a single minimum could be chance too.
  const auto tenth = [](std::vector<SteadyClock::duration>& times) {
    const auto at = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 10);
    std::ranges::nth_element(times, at);
    return std::chrono::duration<double, std::micro>(*at).count();
  };
  const double exchange_us = tenth(whole);
  state.counters["exchange_us"] = exchange_us;
  state.counters["bound_us"] = tenth(least);
  state.counters["of_bound"] = tenth(least) / exchange_us;
  state.counters["of_bound_new_keys"] = tenth(least_new) / exchange_us;
}
BENCHMARK(exchange)
    ->ArgNames({"bits", "fresh"})
    ->ArgsProduct({{1024, 2048, 3072}, {0, 1}})
    ->UseManualTime()
    ->MinTime(2)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sendoff
