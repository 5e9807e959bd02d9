// A real mobile::Mobile in virtual time, on links with scripted access routers. Jobs are run on the
// spot, or held back to be run later, reordered or dropped; actions succeed unless a test says
// otherwise.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "announced.h"
#include "fake_router.h"
#include "machine/record.h"
#include "mobile/mobile.h"
#include "support/covers.h"
#include "support/fake_random.h"

namespace sendoff::test {

inline constexpr InterfaceId kLink{0};

template <typename T, typename Variant>
struct IndexOf;
template <typename T, typename... Kinds>
struct IndexOf<T, std::variant<Kinds...>> {
  static constexpr std::size_t kValue = [] {
    std::size_t index = 0;
    (void)((std::is_same_v<T, Kinds> || (++index, false)) || ...);
    return index;
  }();
};

inline std::shared_ptr<const crypto::HandoverDecryptionKey> decryption_key(std::uint32_t bits,
                                                                           std::uint32_t exponent,
                                                                           std::size_t number) {
  using Key = std::shared_ptr<const crypto::HandoverDecryptionKey>;
  static std::map<std::tuple<std::uint32_t, std::uint32_t, std::size_t>, Key> cache;
  Key& key = cache[{bits, exponent, number}];
  if (!key) key = *crypto::HandoverDecryptionKey::generate(bits, exponent);
  return key;
}

inline std::shared_ptr<const std::vector<pki::TrustAnchor>> anchors(
    const std::vector<std::string>& names) {
  auto list = std::make_shared<std::vector<pki::TrustAnchor>>();
  for (const std::string& name : names)
    list->push_back(*pki::TrustAnchor::parse(certificate(name)));
  return list;
}

inline mobile::Config mobile_config(const std::string& key_name = "mn-1024") {
  mobile::Config config;
  config.interfaces = {{kLink, "wlan0"}};
  config.identity.key = signing_key(key_name);
  config.identity.modifier = {7, 7, 7};
  config.paths.anchors = anchors({"anchor"});
  config.discovery.first_delay_max = Duration{};
  return config;
}

inline FakeRouter previous_router() {
  return FakeRouter("ar-2048", {certificate("ca"), certificate("good-router")},
                    {Prefix::literal("2001:db8:a:1::/64")}, 1);
}
inline FakeRouter next_router() {
  return FakeRouter("ar2-2048", {certificate("ca"), certificate("good-nar")},
                    {Prefix::literal("2001:db8:b:1::/64")}, 2);
}
inline const LinkAddress kApNext = LinkAddress::literal("02:00:5e:00:53:a2");
// One that no router here has.
inline const LinkAddress kApX = LinkAddress::literal("02:00:5e:00:53:c1");
inline const LinkAddress kApHere = LinkAddress::literal("02:00:5e:00:53:a1");
inline const LinkAddress kMobileLink = LinkAddress::literal("02:00:5e:00:53:77");

inline std::string label(const machine::ActionKind& action) {
  const auto* transmit = std::get_if<machine::Transmit>(&action);
  if (transmit == nullptr) return std::string(machine::name(action));
  const auto packet = wire::PacketView::parse(transmit->packet);
  if (!packet) return "no packet";
  if (packet->upper_protocol == wire::kProtocolMobility)
    return "mobility-" + std::to_string(packet->upper[2]);
  return "icmp-" + std::to_string(packet->upper[0]);
}

class World {
 public:
  explicit World(const mobile::Config& given = mobile_config()) : config(given) { restart({}); }

  void restart(machine::Snapshot snapshot) {
    mobile = std::make_unique<mobile::Mobile>(config, std::move(snapshot), random, now);
    pump();
  }

  // --- time ---
  void advance(Duration by) {
    const Instant end = now.boot + by;
    while (true) {
      const Instant next = mobile->next_deadline();
      if (next > end) break;
      if (next > now.boot) move_to(next);
      mobile->tick(now);
      pump();
      ASSERT_LT(++steps_, 100'000) << "the machine does not come to rest";
    }
    move_to(end);
    mobile->tick(now);
    pump();
  }

  // --- the host ---
  void up() { event(machine::InterfaceUp{kLink, link_address, link_mtu}); }
  void down() { event(machine::InterfaceDown{kLink}); }
  void event(const machine::HostEvent& what) {
    mobile->handle(now, what);
    pump();
  }
  Result<void, machine::OrderError> order(const machine::Order& what) {
    const auto done = mobile->handle(now, what);
    pump();
    return done;
  }
  // Another access point, with other routers behind it, takes the place of the one before.
  void roam(std::vector<FakeRouter*> to, const LinkAddress& access_point) {
    routers = std::move(to);
    event(machine::ApAttached{kLink, access_point});
    advance(Duration{});
  }
  // Leaves the link and comes up on another one.
  void move(std::vector<FakeRouter*> to) {
    down();
    routers = std::move(to);
    up();
    advance(milliseconds(10));
  }

  void deliver(const Bytes& packet, const LinkAddress& from) {
    machine::Received received;
    received.interface = kLink;
    received.frame_source = from;
    received.packet = packet;
    mobile->handle(now, received);
    pump();
  }
  void deliver(const Bytes& packet) {
    deliver(packet, routers.empty() ? kApHere : routers.front()->link_address);
  }

  // --- jobs ---
  // Runs what was held back, newest first when `reversed`.
  void run_held(bool reversed = false) {
    std::deque<machine::Start> jobs = std::exchange(held_jobs, {});
    if (reversed) std::ranges::reverse(jobs);
    for (machine::Start& job : jobs) {
      run(job);
      pump();
    }
  }

  // --- outcomes ---
  // Gives those that were held back, in their order.
  void give_outcomes() {
    for (const machine::Outcome& outcome : std::exchange(held_outcomes, {})) {
      mobile->handle(now, outcome);
      pump();
    }
  }

  // --- what came out ---
  // Of one kind, in its order.
  template <typename Action>
  std::vector<Action> asked() const {
    std::vector<Action> found;
    for (const machine::ActionKind& action : actions)
      if (const auto* match = std::get_if<Action>(&action)) found.push_back(*match);
    return found;
  }
  std::vector<Announced> announced() const {
    std::vector<Announced> found;
    for (std::size_t i = 0; i < sent.size(); ++i)
      if (auto read = read_announced(sent[i].packet)) {
        read->at = sent_at[i];
        found.push_back(std::move(*read));
      }
    return found;
  }
  // Where a label stands in the trace; its length when it is not there.
  std::size_t place(std::string_view label) const {
    return static_cast<std::size_t>(std::ranges::find(trace, label) - trace.begin());
  }
  std::vector<Solicitation> solicitations() const {
    std::vector<Solicitation> found;
    for (const auto& transmit : sent)
      if (auto read = read_solicitation(transmit.packet)) found.push_back(std::move(*read));
    return found;
  }
  std::vector<Update> updates() const {
    std::vector<Update> found;
    for (const auto& transmit : sent)
      if (auto read = read_update(transmit.packet)) found.push_back(std::move(*read));
    return found;
  }
  std::size_t sent_of_type(std::uint8_t icmp_type) const {
    std::size_t count = 0;
    for (const auto& transmit : sent) {
      const auto packet = wire::PacketView::parse(transmit.packet);
      if (packet->upper_protocol == wire::kProtocolIcmpv6 && packet->upper[0] == icmp_type) ++count;
    }
    return count;
  }
  std::uint64_t count(std::string_view group, std::string_view counter) const {
    std::optional<std::uint64_t> found;
    mobile->counters([&](std::string_view g, std::string_view c, std::uint64_t value) {
      if (g == group && c == counter) found = value;
    });
    EXPECT_TRUE(found) << "no counter " << group << "/" << counter;
    return found.value_or(0);
  }
  std::uint64_t count(std::string_view counter) const { return count("mobile", counter); }
  const machine::Event* last(machine::EventKind kind) const {
    for (auto event = events.rbegin(); event != events.rend(); ++event)
      if (event->kind == kind) return &*event;
    return nullptr;
  }
  std::size_t events_of(machine::EventKind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events, kind, &machine::Event::kind));
  }
  template <typename Job>
  std::size_t jobs_of() const {
    return static_cast<std::size_t>(
        std::ranges::count(jobs_seen, IndexOf<Job, machine::Job>::kValue));
  }
  std::size_t rsa_jobs() const {
    return static_cast<std::size_t>(std::ranges::count_if(jobs_seen, [](std::size_t index) {
      return index <= 3;  // verify, sign, open, generate
    }));
  }
  mobile::Mobile::Status status() const { return mobile->status(now); }
  std::optional<mobile::Mobile::KeyStatus> key_of(const Ipv6Address& ar) const {
    const auto snapshot = status();
    for (const auto& key : snapshot.keys)
      if (key.ar == ar) return key;
    return std::nullopt;
  }
  Ipv6Address care_of() const {
    const auto snapshot = status();
    for (const Ipv6Address& address : snapshot.links.at(0).addresses)
      if (!address.is_link_local()) return address;
    return {};
  }
  // For a person who looks for the cause of a failure.
  std::string account() const {
    std::string text;
    for (const machine::Event& event : events) {
      text += std::string(name(event.kind));
      for (const machine::Field& field : event.fields) {
        text += " " + std::string(field.name) + "=";
        if (const auto* words = std::get_if<std::string>(&field.value)) text += *words;
        if (const auto* number = std::get_if<std::int64_t>(&field.value))
          text += std::to_string(*number);
      }
      text += "\n";
    }
    mobile->counters([&](std::string_view group, std::string_view counter, std::uint64_t value) {
      if (value > 0)
        text +=
            std::string(group) + "/" + std::string(counter) + "=" + std::to_string(value) + "\n";
    });
    return text;
  }
  void forget_output() {
    sent.clear();
    sent_at.clear();
    actions.clear();
    trace.clear();
    events.clear();
    jobs_seen.clear();
  }

  // --- what routers do ---
  Seal seal(std::optional<Bytes> nonce = std::nullopt) const {
    Seal made;
    made.nonce = std::move(nonce);
    made.utc = now.utc;
    return made;
  }
  Tuple tuple_of_next() const {
    Tuple tuple;
    tuple.access_point = kApNext;
    static const FakeRouter next = next_router();
    tuple.router = next.global.front();
    tuple.router_link_address = next.link_address;
    tuple.prefix_length = 64;
    return tuple;
  }
  // The PrRtAdv that a router with a key for it gives to this request.
  Bytes answer(const FakeRouter& router, const Solicitation& request) {
    std::vector<Bytes> replies;
    if (request.encryption_key)
      replies.push_back(FakeRouter::reply_option(*request.encryption_key,
                                                 std::to_underlying(issued_algorithm),
                                                 issued_lifetime_s, issued(router)));
    return answer(router, request, replies);
  }
  Bytes answer(const FakeRouter& router, const Solicitation& request,
               const std::vector<Bytes>& replies) {
    return router.proxy_advertisement(request.source, wire::PrRtAdv::kTuples, request.identifier,
                                      tuples, replies, seal(request.nonce));
  }
  // News of the neighbourhood: a router that sends them is one of fast handovers, whatever else it
  // leaves unanswered (RFC 5568 5.1).
  void show(const FakeRouter& router) {
    deliver(router.proxy_advertisement(care_of(), wire::PrRtAdv::kUnsolicited, 0, {}, {}, seal()));
  }
  // The handover key that this router gives out.
  Bytes issued(const FakeRouter& router) const {
    Bytes key(crypto::key_size(issued_algorithm));
    for (std::size_t i = 0; i < key.size(); ++i)
      key[i] = static_cast<std::uint8_t>(router.link_address.view()[5] * 3U + i + key_version);
    return key;
  }
  Bytes fback(const FakeRouter& router, const Update& update, FakeRouter::Fback fields = {}) {
    const Ipv6Address care_of = update.fbu.lifetime_s == 0
                                    ? *update.home
                                    : update.fbu.options.alternate_care_of.value_or(update.source);
    if (fields.destination.is_unspecified()) fields.destination = update.source;
    if (fields.sequence == 0) fields.sequence = update.fbu.sequence;
    if (update.fbu.lifetime_s == 0) fields.lifetime_s = 0;
    return FakeRouter::fback(fields, issued_algorithm, issued(router), care_of, update.destination);
  }

  mobile::Config config;
  FakeRandom random;
  Now now{Instant(seconds(5000)), UtcTime(seconds(1'780'315'200))};  // 2026-06-01 12:00
  std::unique_ptr<mobile::Mobile> mobile;

  std::vector<FakeRouter*> routers;  // on the link
  bool answer_rs = true;
  bool answer_cps = true;
  bool answer_rtsolpr = true;
  bool answer_fbu = false;
  FakeRouter::Advertised advertised;
  std::vector<Tuple> tuples{tuple_of_next()};
  crypto::Algorithm issued_algorithm = crypto::Algorithm::kHmacSha256_128;
  std::uint16_t issued_lifetime_s = 43'200;
  std::uint8_t key_version = 0;
  std::uint32_t link_mtu = 1500;
  LinkAddress link_address = kMobileLink;
  bool fresh_pairs = false;  // key pairs that nobody but the machine holds
  std::vector<std::weak_ptr<const crypto::HandoverDecryptionKey>> pairs_made;
  std::shared_ptr<const crypto::HandoverDecryptionKey> forced_pair;

  std::function<bool(const machine::Start&)> hold;  // true: kept in held_jobs
  std::deque<machine::Start> held_jobs;
  std::function<std::optional<machine::ActionError>(const machine::ActionKind&)> refuse;

  std::optional<Ipv6Address> dhcp_address;  // that RunDhcp brings
  pki::RevocationListsPtr lists;            // that ReadRevocationLists finds
  bool detection_goes_on = false;           // for an optimistic address, until a test says else
  std::function<bool(const machine::ActionKind&)> hold_outcome;  // true: kept in held_outcomes
  std::deque<machine::Outcome> held_outcomes;

  std::vector<std::string> trace;  // every action by its name, packets by theirs
  std::vector<machine::Transmit> sent;
  std::vector<Instant> sent_at;
  std::vector<machine::ActionKind> actions;  // others
  std::vector<machine::Event> events;
  std::vector<std::size_t> jobs_seen;  // by index in machine::Job
  std::vector<machine::Record> persisted;
  std::vector<machine::RecordName> forgotten;

 private:
  void move_to(Instant instant) {
    now.utc += instant - now.boot;
    now.boot = instant;
  }

  void pump() {
    while (auto action = mobile->poll()) {
      ASSERT_LT(++steps_, 100'000) << "the machine does not come to rest";
      carry_out(std::move(*action));
    }
  }

  void carry_out(machine::Action action) {
    trace.push_back(label(action.what));
    if (auto* transmit = std::get_if<machine::Transmit>(&action.what)) {
      sent.push_back(*transmit);
      sent_at.push_back(now.boot);
      return respond(*transmit);
    }
    if (auto* start = std::get_if<machine::Start>(&action.what)) {
      jobs_seen.push_back(start->job.index());
      if (hold && hold(*start)) {
        held_jobs.push_back(std::move(*start));
        return;
      }
      return run(*start);
    }
    if (auto* report = std::get_if<machine::Report>(&action.what)) {
      events.push_back(report->event);
      return;
    }
    if (auto* cancel = std::get_if<machine::Cancel>(&action.what)) {
      std::erase_if(held_jobs, [&](const auto& job) { return job.job_id == cancel->job_id; });
      return;
    }
    if (auto* persist = std::get_if<machine::Persist>(&action.what))
      persisted.push_back(machine::duplicate(persist->record));
    if (auto* forget = std::get_if<machine::Forget>(&action.what))
      forgotten.push_back(forget->name);
    machine::Outcome outcome{action.id, machine::Facts{}};
    if (std::holds_alternative<machine::RunDhcp>(action.what))
      outcome.result = machine::Facts{dhcp_address};
    if (std::holds_alternative<machine::ReadRevocationLists>(action.what))
      outcome.result->lists = lists;
    if (const auto* add = std::get_if<machine::AddAddress>(&action.what))
      outcome.result->detecting = detection_goes_on && add->dad == machine::DadMode::kOptimistic;
    if (refuse)
      if (const auto error = refuse(action.what)) outcome.result = fail(*error);
    const bool held = hold_outcome && hold_outcome(action.what);
    if (held)
      held_outcomes.push_back(outcome);
    else if (machine::has_outcome(action.what))
      mobile->handle(now, outcome);
    actions.push_back(std::move(action.what));
  }

  void run(const machine::Start& start) {
    machine::JobResult result{start.job_id, fail(machine::JobError::kCrypto)};
    if (const auto* generate = std::get_if<machine::GenerateDecryptionKey>(&start.job)) {
      auto key = forced_pair ? forced_pair
                 : fresh_pairs
                     ? *crypto::HandoverDecryptionKey::generate(generate->bits, generate->exponent)
                     : decryption_key(generate->bits, generate->exponent, pairs_made.size());
      pairs_made.emplace_back(key);
      result.output = machine::DecryptionKeyGenerated{std::move(key)};
    } else {
      result.output = machine::execute(start.job);
    }
    mobile->handle(now, std::move(result));
  }

  // The routers of this link answer at once, each by itself.
  void respond(const machine::Transmit& transmit) {
    const auto packet = wire::PacketView::parse(transmit.packet);
    ASSERT_TRUE(packet.has_value());
    const std::vector<FakeRouter*> here = routers;
    for (const FakeRouter* router : here) {
      const bool for_it =
          packet->header.destination.is_multicast() ||
          packet->header.destination == router->link_local ||
          std::ranges::find(router->global, packet->header.destination) != router->global.end();
      if (!for_it) continue;
      if (packet->upper_protocol == wire::kProtocolMobility) {
        if (!answer_fbu) continue;
        if (const auto update = read_update(transmit.packet))
          deliver(fback(*router, *update), router->link_address);
      } else if (packet->upper[0] == 133 && answer_rs) {
        respond_to_rs(*router, *packet);
      } else if (packet->upper[0] == 148 && answer_cps) {
        const auto cps = wire::CertificationPathSolicitation::parse(packet->upper);
        for (const Bytes& cpa : router->path_advertisements(packet->header.source, cps->identifier))
          deliver(cpa, router->link_address);
      } else if (packet->upper[0] == 154 && answer_rtsolpr) {
        if (const auto request = read_solicitation(transmit.packet))
          deliver(answer(*router, *request), router->link_address);
      }
    }
  }

  void respond_to_rs(const FakeRouter& router, const wire::PacketView& packet) {
    const auto options = wire::OptionList::parse(packet.upper.subspan(8));
    const auto nonce = options->first(wire::OptionType::kNonce);
    const bool anonymous = packet.header.source.is_unspecified();
    deliver(router.router_advertisement(
                anonymous ? kAllNodes : packet.header.source,
                seal(to_bytes(wire::NonceOption::parse(nonce->octets)->nonce)), advertised),
            router.link_address);
  }

  std::size_t steps_ = 0;
};

// A mobile node that holds a key of its router.
struct Attached {
  explicit Attached(const mobile::Config& config = mobile_config(),
                    const std::function<void(World&)>& prepare = {})
      : world(config) {
    if (prepare) prepare(world);
    world.routers = {&par};
    world.up();
    world.advance(milliseconds(5));
  }
  FakeRouter par = previous_router();
  FakeRouter nar = next_router();
  World world;
};

}  // namespace sendoff::test
