// The authenticator of FBUs and FBacks at both ends (RFC 5568 6.4.5, W18, W23): that each message
// has one, made as the RFC says, and that nothing else is taken for it.
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

// A node that has sent its FBU and waits, patiently.
struct Waiting : Moving {
  explicit Waiting(crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128)
      : Moving(patient(algorithm), [&](World& made) { made.issued_algorithm = algorithm; }) {
    world.order(machine::HandOver{kApNext}).value();
  }
  static mobile::Config patient(crypto::Algorithm algorithm) {
    mobile::Config config = mobile_config();
    config.algorithm = algorithm;
    config.fback_wait = seconds(600);
    return config;
  }
  Bytes answer() { return world.fback(par, world.updates().back()); }
  // Whether this FBack ended its waiting.
  bool takes(const Bytes& packet) {
    world.deliver(packet);
    return world.count("fback-accepted") == 1;
  }
};

// A router with a key of this algorithm for the node.
struct Keyed : ParNode {
  explicit Keyed(crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128) {
    config.keys.algorithms = {algorithm};
    restart({}, {});
    delivered = provision(static_cast<std::uint8_t>(algorithm));
    EXPECT_EQ(this->algorithm(), algorithm);
  }
  // Dropped without a word, and the same FBU as it should be is taken after it.
  void expect_silence(const Bytes& packet, const std::string& what) {
    EXPECT_EQ(status_of(packet), -1) << what;
    EXPECT_TRUE(silent()) << what;
    EXPECT_TRUE(bindings().empty()) << what;
  }
  [[nodiscard]] Signer signer() const { return signer_of(*this, ncoa()); }
};

using Bend = Signer::Bend;

void insert(Bytes& header, std::size_t at, const Bytes& octets) {
  header.insert(header.begin() + static_cast<std::ptrdiff_t>(at), octets.begin(), octets.end());
}

// Dropped by both ends, though the authenticator is right as far as there is one.
void expect_dropped_by_both(const Bend& bend, const std::string& what,
                            crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128) {
  Keyed par(algorithm);
  par.expect_silence(par.signer().bent(par.predictive().packet(), bend), "PAR: " + what);
  EXPECT_EQ(par.status_of(par.predictive()), 0) << what;
  Waiting node(algorithm);
  EXPECT_FALSE(node.takes(signer_of(node, node.ncoa).bent(node.answer(), bend))) << "MN: " << what;
  EXPECT_EQ(node.world.status().handover, "waiting for FBack") << what;
  EXPECT_TRUE(node.takes(node.answer())) << what;
}

TEST(Authorization, IsOnceInEveryFbuAndEveryFback) {
  COVERS("FH-6.4.5-01");
  {  // predictive, repeated, reactive, renewed, ended
    Moving node;
    World& world = node.world;
    world.order(machine::HandOver{kApNext}).value();
    world.advance(seconds(1));
    world.deliver(world.fback(node.par, world.updates().back()));
    node.roam();
    world.advance(milliseconds(15'500));
    world.deliver(world.fback(node.par, world.updates().back()));
    world.roam({&node.par}, kApHere);
    world.advance(milliseconds(10));
    Moving reactive;
    reactive.roam();
    reactive.world.advance(milliseconds(10));
    std::map<std::string, int> kinds;
    for (Moving* each : {&node, &reactive})
      for (const Update& update : each->world.updates()) {
        const bool ends = update.fbu.lifetime_s == 0;
        const bool back = update.destination == each->nar.global[0];  // told of the way home
        ++kinds[ends                          ? "ended"
                : back                        ? "back"
                : update.source == each->pcoa ? "predictive"
                                              : "elsewhere"];
        Signer signer = signer_of(*each, ends || back ? each->pcoa : each->ncoa);
        signer.par = update.destination;
        if (back) signer.key = each->world.issued(each->nar);
        EXPECT_TRUE(signer.made(update.header));
      }
    EXPECT_EQ(kinds, (std::map<std::string, int>{
                         {"ended", 1}, {"back", 1}, {"predictive", 2}, {"elsewhere", 2}}));
  }
  Keyed par;
  const auto answered = [&](const CraftFbu& craft, int status, std::size_t count) {
    EXPECT_EQ(par.status_of(craft), status);
    const Ipv6Address term =
        craft.lifetime_s == 0 ? par.mn.global() : craft.alternate_care_of.value_or(craft.source);
    const auto sent = sent_by<wire::FastBindingAcknowledgement>(par.bench);
    EXPECT_EQ(sent.size(), count) << status;
    for (const auto& each : sent)
      EXPECT_TRUE(signer_of(par, term).made(mobility_header_of(each.packet))) << status;
  };
  answered(par.predictive(1), 0, 2);
  answered(par.predictive(1), 0, 2);  // a copy
  answered(par.predictive(2), 0, 2);
  answered(par.reactive(3), 0, 1);
  answered(par.predictive(1), 135, 1);
  CraftFbu craft = par.predictive(4);
  craft.lifetime_s = 0;
  answered(craft, 0, 1);
  craft = par.predictive(5);
  craft.alternate_care_of = Ipv6Address::literal("2001:db8:b::1");
  answered(craft, 129, 1);
  for (const int code : {1, 3, 128, 130}) {
    Keyed fresh;
    fresh.receive(fresh.predictive());
    fresh.take(fresh.hack(static_cast<std::uint8_t>(code)));
    const auto sent = sent_by<wire::FastBindingAcknowledgement>(fresh.bench);
    ASSERT_FALSE(sent.empty()) << code;
    for (const auto& each : sent)
      EXPECT_TRUE(signer_of(fresh, fresh.ncoa()).made(mobility_header_of(each.packet))) << code;
  }

  // None, or two.
  Keyed strict;
  CraftFbu without = strict.predictive();
  without.without_authenticator = true;
  strict.expect_silence(without.packet(), "none");
  EXPECT_EQ(strict.counted("fbu", "no-authorization"), 1u);
  Waiting node;
  Bytes bare = node.answer();
  wire::FastBindingAcknowledgement fback =
      *wire::FastBindingAcknowledgement::parse(ByteView(bare).subspan(40));
  fback.options.authorization.reset();
  Bytes header = octets_of(fback);
  wire::seal_mobility(node.par.global[0], node.pcoa, header);
  EXPECT_FALSE(node.takes(wire::build_packet(*wire::Ipv6Header::parse(bare), {}, header)));
  EXPECT_EQ(node.world.count("fback-unauthenticated"), 1u);
  expect_dropped_by_both(
      [](Bytes& octets, std::size_t& tag_at) {
        const std::size_t option = tag_at - 6;
        Bytes again(octets.begin() + static_cast<std::ptrdiff_t>(option), octets.end());
        again.insert(again.begin(), {1, 0});
        insert(octets, option, again);
        tag_at += again.size();
      },
      "two");
}

TEST(Authorization, MayHaveALengthThatCountsItsSpi) {
  COVERS("FH-6.4.5-04");
  for (const crypto::Algorithm algorithm : crypto::kAlgorithms) {
    const std::string what(crypto::name(algorithm));
    const Bend counted = [](Bytes& header, std::size_t& tag_at) { header[tag_at - 5] += 4; };
    Keyed par(algorithm);
    const Bytes fbu = par.signer().bent(par.predictive().packet(), counted);
    EXPECT_EQ(mobility_options_of(mobility_header_of(par.predictive().packet())).back().length,
              crypto::tag_size(algorithm));
    EXPECT_EQ(par.status_of(fbu), 0) << what;
    Waiting node(algorithm);
    EXPECT_TRUE(node.takes(signer_of(node, node.ncoa).bent(node.answer(), counted))) << what;
  }
  // Four octets behind it: neither reading ends where the header ends.
  for (const crypto::Algorithm algorithm : crypto::kAlgorithms)
    expect_dropped_by_both(
        [](Bytes& header, std::size_t& tag_at) {
          header[tag_at - 5] += 4;
          insert(header, tag_at - 6, {1, 2, 0, 0});
          tag_at += 4;
          header.insert(header.end(), 4, 0);
        },
        "trailing octets", algorithm);
}

TEST(Authorization, HasTheSpiOfHandoverKeys) {
  COVERS("FH-6.4.5-05");
  Keyed par;
  EXPECT_EQ(par.status_of(par.predictive(1)), 0);
  for (const auto& sent : sent_by<wire::FastBindingAcknowledgement>(par.bench))
    EXPECT_EQ(sent.message.options.authorization->spi, 0u);
  Waiting node;
  EXPECT_EQ(node.world.updates().at(0).fbu.options.authorization->spi, 0u);
  for (const std::size_t octet : {1u, 2u, 3u, 4u})
    expect_dropped_by_both([&](Bytes& header, std::size_t& tag_at) { header[tag_at - octet] = 1; },
                           "SPI " + std::to_string(octet));
  Keyed counting;
  counting.expect_silence(
      counting.signer().bent(counting.predictive().packet(),
                             [](Bytes& header, std::size_t& tag_at) { header[tag_at - 1] = 1; }),
      "SPI 1");
  EXPECT_EQ(counting.counted("fbu", "spi"), 1u);
}

TEST(Authorization, IsTheLastOptionAndEndsTheHeader) {
  COVERS("FH-6.4.5-08");
  const auto ends_with_it = [](ByteView header) {
    const auto options = mobility_options_of(header);
    return !options.empty() && options.back().type == 21 &&
           options.back().at + 6 + options.back().length == header.size();
  };
  for (const crypto::Algorithm algorithm : crypto::kAlgorithms) {
    Keyed par(algorithm);
    EXPECT_EQ(par.status_of(par.predictive(1)), 0);
    EXPECT_FALSE(par.fbacks().empty());
    for (const auto& sent : sent_by<wire::FastBindingAcknowledgement>(par.bench))
      EXPECT_TRUE(ends_with_it(mobility_header_of(sent.packet)));
    Waiting node(algorithm);
    EXPECT_TRUE(ends_with_it(node.world.updates().at(0).header));
  }
  const std::pair<const char*, Bytes> behind[] = {
      {"PadN", {1, 6, 0, 0, 0, 0, 0, 0}},
      {"Pad1", {0, 0, 0, 0, 0, 0, 0, 0}},
      {"an unknown option", {250, 6, 0, 0, 0, 0, 0, 0}},
      {"a link-layer address", {7, 6, 2, 2, 0, 0, 0, 1}},
  };
  for (const auto& [what, octets] : behind)
    expect_dropped_by_both(
        [&](Bytes& header, std::size_t&) {
          header.insert(header.end(), octets.begin(), octets.end());
        },
        what);
}

class AuthorizationOfFiles : public config::ConfigTest {};

TEST_F(AuthorizationOfFiles, ComesBeforeAnyEffectWhateverTheConfiguration) {
  COVERS("FH-10-01");
  using Switch = std::function<void(router::Config&)>;
  // Every yes or no that a router can be given.
  const std::vector<Switch> switches = {
      [](router::Config&) {},
      [](router::Config& config) { config.provision_keys = !config.provision_keys; },
      [](router::Config& config) { config.secured_only = !config.secured_only; },
      [](router::Config& config) { config.answer_unvalidated = !config.answer_unvalidated; },
      [](router::Config& config) { config.esp_audit = !config.esp_audit; },
      [](router::Config& config) { config.previous_router.request_buffering ^= true; },
      [](router::Config& config) { config.previous_router.request_address ^= true; },
      [](router::Config& config) { config.previous_router.copy_packets ^= true; },
      [](router::Config& config) { config.previous_router.early_fback ^= true; },
      [](router::Config& config) { config.new_router.accept ^= true; },
      [](router::Config& config) { config.new_router.buffer ^= true; },
      [](router::Config& config) { config.new_router.assign_proposed ^= true; },
      [](router::Config& config) { config.new_router.support_pcoa ^= true; },
      [](router::Config& config) { config.new_router.replace_ncoa ^= true; },
      [](router::Config& config) { config.new_router.invite ^= true; },
      [](router::Config& config) { config.look_up_records ^= true; },
      [](router::Config& config) { config.neighbours[0].handover_initiate ^= true; },
      [](router::Config& config) { config.neighbours[0].fast_handover ^= true; },
      [](router::Config& config) { config.neighbours[0].dhcp ^= true; },
      [](router::Config& config) { config.interfaces[0].dhcp ^= true; },
  };
  for (std::size_t i = 0; i < switches.size(); ++i) {
    ParNode par;
    machine::IssuedKey record;  // a key, also where none is given out
    record.cga = par.mn.global();
    record.algorithm = crypto::Algorithm::kHmacSha256_128;
    record.key = Secret::copy_of(Bytes(32, 9));
    record.expires = par.bench.now.utc + hours(1);
    machine::Snapshot snapshot;
    snapshot.push_back(std::move(record));
    switches[i](par.config);
    par.restart(std::move(snapshot), {2, 3600, Bytes(32, 9)});
    std::vector<CraftFbu> forged(5, par.predictive(1));
    forged[0].flip_tag = true;
    forged[1].key = Bytes(32, 8);
    forged[2].without_authenticator = true;
    forged[3].lifetime_s = 0;
    forged[3].flip_tag = true;
    forged[4] = par.reactive(1);
    forged[4].flip_tag = true;
    for (const CraftFbu& craft : forged) {
      EXPECT_EQ(par.status_of(craft), -1) << i;
      EXPECT_TRUE(par.silent()) << i;
      EXPECT_EQ(par.router->status(par.bench.now, 1).handover_count, 0u) << i;
    }
    EXPECT_TRUE(par.bindings().empty()) << i;
    EXPECT_EQ(par.status_of(par.predictive(1)), 0) << i;  // its number was not taken either
  }
  for (const std::string name : {"authenticate", "require_authenticator", "check", "insecure"})
    router_error("[keys]\n", "[keys]\n" + name + " = false\n", "is not an option", name);
}

}  // namespace
}  // namespace sendoff::test
