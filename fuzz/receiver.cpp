// send::Receiver and the RSA jobs that it starts, carried out for real. Messages of three nodes,
// bent by the input, arrive in any order; jobs end in any order, badly, or never. Nothing passes
// as secured but the octets that somebody signed, and every message ends at one counter.
#include "send/receiver.h"

#include <set>

#include "input.h"
#include "machine/job.h"
#include "send/sender.h"
#include "sim/forgery.h"
#include "sim/key_pool.h"
#include "sim/places.h"
#include "target.h"
#include "wire/send_options.h"

namespace sendoff::fuzz {

namespace {

constexpr std::size_t kMostDeeds = 64;
constexpr std::size_t kMostOctets = 1500;
constexpr UtcTime kStart{seconds(1'800'000'000)};
constexpr std::array<std::uint8_t, 6> kNonce{1, 2, 3, 4, 5, 6};

struct Template {
  Bytes packet;
  bool is_signed = false;
};

Bytes message_of(std::size_t kind) {
  Bytes message;
  switch (kind) {
    case 0:
      return sim::key_request(7, sim::mobile_link_address(0), sim::decryption_key(0)->spki());
    case 1:
      append(message, wire::RouterSolicitation{});
      break;
    case 2:
      append(message, wire::RouterAdvertisement{.router_lifetime_s = 1800});
      append(message, wire::PrefixInformation{.address = sim::access_prefix(0).address()});
      break;
    case 3:
      append(message, wire::PrRtAdv{0, 7});
      break;
    case 4:
      append(message, wire::NeighborSolicitation{sim::correspondent(1)});
      break;
    case 5:
      append(message, wire::NeighborAdvertisement{.target = sim::correspondent(1)});
      break;
    default:
      append(message, wire::CertificationPathSolicitation{7});
  }
  return message;
}

// Each kind by each node, with a nonce, without one, and unsigned: made once.
const std::vector<Template>& templates() {
  static const std::vector<Template> made = [] {
    std::vector<Template> all;
    for (std::size_t kind = 0; kind < 7; ++kind) {
      for (std::size_t node = 0; node < 3; ++node) {
        const send::Identity identity =
            node == 2 ? sim::router_identity(0) : sim::mobile_identity(node);
        const Prefix prefix = kind == 0 ? sim::access_prefix(0) : send::link_local_prefix();
        const Ipv6Address source = identity.address(prefix);
        for (const ByteView nonce : {ByteView(kNonce), ByteView()})
          all.push_back(
              {sim::signed_packet(identity, source, kAllRouters, message_of(kind), kStart, nonce),
               true});
        all.push_back({sim::unsigned_packet(source, kAllRouters, message_of(kind))});
      }
    }
    std::erase_if(all, [](const Template& each) { return each.packet.empty(); });
    return all;
  }();
  return made;
}

send::ReceiverConfig config_of(std::uint8_t flags) {
  send::ReceiverConfig config;
  config.max_pending = 1 + (flags & 3U);
  config.max_pending_per_source = 1 + (flags >> 2 & 1U);
  config.max_duplicates = (flags & 8) != 0 ? 2 : 64;
  config.budget.per_source_s = (flags & 16) != 0 ? 2 : 20;
  config.timestamps.max_peers = (flags & 32) != 0 ? 1 : 8;
  return config;
}

// What the signature of a message covers, and the signature; empty when it has none.
Bytes signed_part(const wire::PacketView& packet) {
  const auto at = wire::options_offset(packet.upper);
  const auto list = at ? wire::OptionList::parse(packet.upper.subspan(*at)) : wire::OptionList();
  const auto signature = list ? list->first(wire::OptionType::kRsaSignature) : std::nullopt;
  if (!signature) return {};
  return wire::signature_input(packet.header.source, packet.header.destination, packet.upper,
                               *at + signature->offset);
}

const std::set<Bytes>& genuine() {
  static const std::set<Bytes> made = [] {
    std::set<Bytes> all;
    for (const Template& each : templates())
      if (each.is_signed) all.insert(signed_part(*wire::PacketView::parse(each.packet)));
    return all;
  }();
  return made;
}

class Bench {
 public:
  explicit Bench(Input& input)
      : input_(input), config_(config_of(input.u8())), receiver_(config_, outbox_) {
    for (std::size_t kind = 0; kind < static_cast<std::size_t>(send::Kind::kCount); ++kind)
      receiver_.take(static_cast<send::Kind>(kind));
  }

  void run() {
    for (std::size_t deeds = 0; !input_.empty() && deeds < kMostDeeds; ++deeds) {
      deed();
      while (auto action = outbox_.poll())
        if (auto* start = std::get_if<machine::Start>(&action->what))
          jobs_.push_back(std::move(*start));
      // Answers to what was asked have as many places as all others together.
      require(receiver_.pending() <= 2 * config_.max_pending, "verifications have a bound");
      require(receiver_.timestamps().size() <= config_.timestamps.max_peers, "peers have a bound");
    }
  }

 private:
  void deed() {
    switch (input_.u8() % 8) {
      case 0:
      case 1:
      case 2:
        return receive();
      case 3:
      case 4:
        return end_job(true);
      case 5:
        return end_job(false);
      case 6: {
        const Duration step = milliseconds(20) * (1 << input_.below(16));
        now_.boot += step;
        now_.utc += step;
        return;
      }
      default:
        return other();
    }
  }

  void other() {
    const std::uint8_t how = input_.u8();
    const auto solicitation = how % 3 == 0   ? send::Kind::kRouterSolicitation
                              : how % 3 == 1 ? send::Kind::kNeighborSolicitation
                                             : send::Kind::kRtSolPr;
    if ((how & 0x40) != 0)
      receiver_.drop_pending({0});
    else if ((how & 0x80) != 0)
      receiver_.nonces().forget(kNonce);
    else
      receiver_.nonces().remember({{0}, solicitation, {}}, Bytes(kNonce.begin(), kNonce.end()),
                                  now_.boot + seconds(3));
  }

  void bend(Bytes& packet) {
    for (std::size_t edits = input_.below(4); edits > 0 && !packet.empty(); --edits) {
      const std::uint8_t how = input_.u8();
      const std::size_t at = input_.u16() % packet.size();
      const auto where = packet.begin() + static_cast<std::ptrdiff_t>(at);
      if (how % 4 == 0) {
        packet[at] = input_.u8();
      } else if (how % 4 == 1) {
        packet.erase(where, std::min(packet.end(), where + 1 + (how >> 3)));
      } else if (how % 4 == 2) {
        const ByteView more = input_.take(8);
        packet.insert(where, more.begin(), more.end());
      } else {
        const Bytes option(where, std::min(packet.end(), where + 8 * (how >> 3)));
        packet.insert(packet.end(), option.begin(), option.end());
      }
    }
    if (packet.size() > kMostOctets) packet.resize(kMostOctets);
  }

  void repair(Bytes& packet) const {
    if (packet.size() < wire::Ipv6Header::kSize) return;
    const std::size_t payload = packet.size() - wire::Ipv6Header::kSize;
    packet[4] = static_cast<std::uint8_t>(payload >> 8);
    packet[5] = static_cast<std::uint8_t>(payload);
    const auto view = wire::PacketView::parse(packet);
    if (!view || view->upper.size() < wire::Icmpv6Header::kSize) return;
    const auto begin = static_cast<std::size_t>(view->upper.data() - packet.data());
    wire::seal_icmpv6(view->header.source, view->header.destination,
                      ByteSpan(packet).subspan(begin, view->upper.size()));
  }

  [[nodiscard]] std::uint64_t counted() const {
    std::uint64_t sum = 0;
    receiver_.counters().for_each([&](std::string_view, std::uint64_t value) { sum += value; });
    return sum;
  }

  void receive() {
    Bytes packet = templates()[input_.below(templates().size())].packet;
    bend(packet);
    const std::uint8_t how = input_.u8();
    if ((how & 1) == 0) repair(packet);
    machine::Received received;
    received.interface = {(how & 2U) >> 1};
    received.frame_source = sim::mobile_link_address(how >> 2 & 3U);
    received.arrived_as_fragment = (how & 0xf0) == 0xf0;
    received.packet = packet;
    const std::size_t pending = receiver_.pending();
    const std::size_t peers = receiver_.timestamps().size();
    const std::uint64_t before = counted();
    auto judged = receiver_.receive(now_, received);
    const std::uint64_t ends = counted() - before;
    require(ends + receiver_.pending() - pending <= 1, "a message ends once, or waits");
    require(receiver_.timestamps().size() == peers, "nothing is remembered before the signature");
    if (!judged) return;
    require(receiver_.pending() == pending, "what is judged does not wait");
    require(judged->verdict != send::Verdict::kSecured, "nothing is secured without RSA");
    if (judged->verdict == send::Verdict::kRepeat) check_secured(*judged);
  }

  void check_secured(const send::Judged& judged) const {
    const auto view = wire::PacketView::parse(judged.message.packet);
    require(view && genuine().contains(signed_part(*view)), "only what was signed is secured");
  }

  void end_job(bool well) {
    if (jobs_.empty()) return;
    const std::size_t which = input_.below(jobs_.size());
    const machine::Start start = std::move(jobs_[which]);
    jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(which));
    const bool ours = receiver_.owns(start.job_id);
    const std::uint64_t before = counted();
    machine::JobResult result{start.job_id, fail(machine::JobError::kCrypto)};
    if (well) result.output = machine::execute(start.job);
    const auto judged = receiver_.complete(now_, result);
    require(counted() - before == (ours ? 1U : 0U), "a verification ends at one counter");
    require(!receiver_.owns(start.job_id), "a verification ends once");
    if (!judged || judged->verdict != send::Verdict::kSecured) return;
    require(well, "a job that failed secures nothing");
    check_secured(*judged);
    (void)receiver_.accept(*judged);
  }

  Input& input_;
  send::ReceiverConfig config_;
  machine::Outbox outbox_;
  send::Receiver receiver_;
  std::vector<machine::Start> jobs_;
  Now now_{Instant(seconds(1000)), kStart};
};

}  // namespace

// sizes of tables | deeds ...
void receiver(ByteView octets) {
  Input input(octets);
  Bench(input).run();
}

}  // namespace sendoff::fuzz
