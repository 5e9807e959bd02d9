#include "lab/bench.h"

#include <algorithm>
#include <array>
#include <thread>

#include "lab/capture.h"
#include "lab/configuration.h"
#include "lab/interrupt.h"
#include "lab/plain_node.h"
#include "lab/radio.h"
#include "lab/scheduling.h"
#include "lab/traffic.h"
#include "lab/transfer.h"
#include "net/clock.h"

namespace sendoff::lab {

namespace {

constexpr Duration kPatience = seconds(60);
constexpr Duration kAddressPatience = seconds(20);
constexpr Duration kTrafficPatience = seconds(10);
constexpr Duration kDrain = milliseconds(300);  // for what is on its way when sending ends

// SplitMix64 (Steele, Lea and Flood 2014): a run's shift against the traffic, from the seed.
Duration shift_of(std::uint64_t seed, unsigned number) {
  std::uint64_t z = seed + number * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return microseconds((z ^ (z >> 31)) % 10'000);
}

class Bench {
 public:
  Bench(Mode mode, unsigned number, const Settings& settings, const Credentials& credentials,
        std::string directory, std::string capture_base, const Progress& progress)
      : settings_(settings),
        credentials_(credentials),
        directory_(std::move(directory)),
        capture_base_(std::move(capture_base)),
        progress_(progress) {
    run_.mode = mode;
    run_.number = number;
  }

  [[nodiscard]] Attempt<Run> run();

 private:
  enum Point : std::size_t { kCorrespondent, kPar, kNar, kMobile, kPoints };

  [[nodiscard]] Attempt<> set_up();
  [[nodiscard]] Attempt<> start_captures();
  [[nodiscard]] Attempt<> start_routers();
  [[nodiscard]] Attempt<Ipv6Address> start_mobile();
  [[nodiscard]] Attempt<> start_traffic(const Ipv6Address& destination);
  [[nodiscard]] Attempt<> wait_for_traffic();
  [[nodiscard]] Attempt<> dwell();
  [[nodiscard]] Attempt<> get_ready_again();
  [[nodiscard]] Attempt<> hand_over_in_turn();
  [[nodiscard]] Attempt<> hand_over(Side to);
  [[nodiscard]] Attempt<> hand_over_by_order(Side to);
  [[nodiscard]] Attempt<> follow_link(std::optional<Side> side);
  [[nodiscard]] Attempt<> order_handover(Side to);
  [[nodiscard]] Attempt<> end();
  [[nodiscard]] Attempt<> evaluate();
  [[nodiscard]] std::string capture_path(Point point) const;
  [[nodiscard]] Instant boot_of(UtcTime at) const {
    return Instant(at.time_since_epoch() - run_.utc_of_boot);
  }
  [[nodiscard]] Daemon* router(Side side) { return routers_[static_cast<std::size_t>(side)].get(); }

  const Settings& settings_;
  const Credentials& credentials_;
  std::string directory_;
  std::string capture_base_;
  const Progress& progress_;
  Run run_;
  Ipv6Address address_;  // of the MN, where it was first
  std::vector<Stay> stays_;

  // Ended in the opposite order.
  std::unique_ptr<Network> network_;
  std::unique_ptr<Capture> captures_[kPoints];
  std::unique_ptr<Radio> radio_;
  std::unique_ptr<Daemon> routers_[2];
  std::unique_ptr<Daemon> mobile_;
  std::unique_ptr<PlainNode> plain_;
  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<TransferTraffic> transfer_;
};

std::string Bench::capture_path(Point point) const {
  constexpr std::array<const char*, kPoints> kNames{"correspondent", "par", "nar", "mn"};
  return capture_base_ + "-" + kNames.at(point) + ".pcap";
}

// The MN's capture is taken at the cables' end of its link: it shows what the link carried, and
// nothing that the node sends round within itself.
Attempt<> Bench::start_captures() {
  const std::pair<const Namespace*, const char*> points[kPoints] = {
      {&network_->correspondent(), kCoreInterface},
      {&network_->router(Side::kPar), kCoreInterface},
      {&network_->router(Side::kNar), kCoreInterface},
      {&network_->cables(), kRadioPort}};
  for (std::size_t i = 0; i < kPoints; ++i) {
    auto capture =
        Capture::start(*points[i].first, points[i].second, capture_path(static_cast<Point>(i)));
    if (!capture) return fail(capture.error());
    captures_[i] = std::move(*capture);
  }
  return {};
}

Attempt<> Bench::start_routers() {
  progress_("access routers start");
  const auto keys = make_association_keys(directory_);
  if (!keys) return fail(keys.error());
  for (const Side side : {Side::kPar, Side::kNar}) {
    auto daemon = Daemon::start(
        network_->router(side),
        {.node = side == Side::kPar ? "par" : "nar",
         .role = "router",
         .configuration = router_configuration(side, run_.mode, credentials_, *keys, settings_),
         .directory = directory_,
         .processor = processor_of_router(side)});
    if (!daemon) return fail(daemon.error());
    routers_[static_cast<std::size_t>(side)] = std::move(*daemon);
  }
  for (const Side side : {Side::kPar, Side::kNar})
    if (auto ready = router(side)->wait_for("router-ready", kPatience); !ready)
      return fail(ready.error());
  return {};
}

// The MN with its key for the PAR; its care-of address there.
Attempt<Ipv6Address> Bench::start_mobile() {
  progress_("mobile node starts, asks for a handover key");
  const std::string socket = directory_ + "/radio.sock";
  auto daemon = Daemon::start(
      network_->mobile(), {.node = "mn",
                           .role = "mobile",
                           .configuration = mobile_configuration(credentials_, settings_, socket),
                           .directory = directory_,
                           .processor = processor_of_mobile()});
  if (!daemon) return fail(daemon.error());
  mobile_ = std::move(*daemon);
  auto told = mobile_->ask(control::LinkMoved{kAccessInterface, place(Side::kPar).access_point});
  if (!told) return fail(told.error());
  const auto formed =
      mobile_->wait_for("address-formed", kPatience, {}, [](const DaemonEvent& event) {
        const auto address = Ipv6Address::parse(event.text("address"));
        return address && place(Side::kPar).prefix.contains(*address);
      });
  if (!formed) return fail(formed.error());
  if (auto key = mobile_->wait_for("key-received", kPatience); !key) return fail(key.error());
  return Ipv6Address::literal(formed->text("address"));
}

Attempt<> Bench::start_traffic(const Ipv6Address& destination) {
  auto receiver = Receiver::start(network_->mobile());
  if (!receiver) return fail(receiver.error());
  receiver_ = std::move(*receiver);
  if (settings_.transfer) {
    auto transfer = TransferTraffic::start(network_->correspondent(), network_->mobile());
    if (!transfer) return fail(transfer.error());
    transfer_ = std::move(*transfer);
  }
  auto sender = Sender::start(network_->correspondent(), destination, settings_.rate_per_s);
  if (!sender) return fail(sender.error());
  sender_ = std::move(*sender);
  return {};
}

Attempt<> Bench::set_up() {
  progress_("network is built");
  auto network = Network::make();
  if (!network) return fail(network.error());
  network_ = std::move(*network);
  const Now now = net::read_clocks();
  run_.utc_of_boot = now.utc.time_since_epoch() - now.boot.time_since_epoch();
  stays_.push_back({UtcTime{}, Side::kPar});
  if (auto started = start_captures(); !started) return started;
  auto radio = Radio::open(*network_, directory_ + "/radio.sock", settings_.gap,
                           [this](std::optional<Side> side) { return follow_link(side); });
  if (!radio) return fail(radio.error());
  radio_ = std::move(*radio);
  if (auto started = start_routers(); !started) return started;
  if (run_.mode == Mode::kPlain) {
    progress_("mobile node without fast handovers starts");
    auto plain = PlainNode::start(*network_);
    if (!plain) return fail(plain.error());
    plain_ = std::move(*plain);
  }
  auto address = plain_ ? plain_->wait_for_address(Side::kPar, kAddressPatience) : start_mobile();
  if (!address) return fail(address.error());
  // An address under detection is lost to the proxy that the PAR becomes for it.
  if (auto settled = wait_for_settled_addresses(*network_, kAddressPatience); !settled)
    return settled;
  address_ = *address;
  return start_traffic(address_);
}

// What a link manager tells the node: the daemon by its control socket, the plain node directly.
Attempt<> Bench::follow_link(std::optional<Side> side) {
  if (side) stays_.push_back({net::read_clocks().utc, *side});
  if (mobile_) {
    control::LinkMoved moved{kAccessInterface, std::nullopt};
    if (side) moved.access_point = place(*side).access_point;
    auto told = mobile_->ask(moved);
    if (!told) return fail(told.error());
    return {};
  }
  if (!side) return {};
  if (auto arrived = plain_->arrive(*side); !arrived) return arrived;
  const auto address = plain_->wait_for_address(*side, kAddressPatience);
  if (!address) return fail(address.error());
  const Inside inside(network_->mobile());
  if (auto told = tell_moved(*address); !told) return told;
  if (transfer_) transfer_->reconnect();
  return {};
}

// Before a handover is measured, the stream must flow; neighbours are resolved meanwhile.
Attempt<> Bench::wait_for_traffic() {
  constexpr std::uint64_t kEnough = 20;
  const Instant deadline = net::read_clocks().boot + kTrafficPatience;
  while (receiver_->received() < kEnough) {
    if (interrupted()) return failed("interrupted");
    if (net::read_clocks().boot > deadline)
      return failed(routers_[0]->with_log("no traffic reaches " + address_.text() +
                                          " through the first router, before any handover"));
    std::this_thread::sleep_for(milliseconds(5));
  }
  run_.measured_from = net::read_clocks().utc;
  return {};
}

// Time goes by; what the daemon asks of the radio is done meanwhile.
Attempt<> Bench::dwell() {
  const Instant end = net::read_clocks().boot + settings_.dwell;
  for (;;) {
    const auto served = radio_->serve(end);
    if (!served) return fail(served.error());
    if (!*served) return {};
    run_.moves.push_back(**served);
  }
}

Attempt<> Bench::order_handover(Side to) {
  const LinkAddress access_point = place(to).access_point;
  Daemon& asked = run_.mode == Mode::kNetwork ? *router(other(to)) : *mobile_;
  const control::Request order =
      run_.mode == Mode::kNetwork
          ? control::Request(machine::Order(machine::Advise{address_, access_point}))
          : control::Request(machine::Order(machine::HandOver{access_point}));
  auto taken = asked.ask(order);
  if (!taken) return fail(taken.error());
  return {};
}

// The node moves when it is ready; when the anticipation is over, its link goes in any case.
Attempt<> Bench::hand_over_by_order(Side to) {
  // The node orders no handover from an address under detection, as that of its last move may be.
  if (auto settled = wait_for_settled_addresses(*network_, kAddressPatience); !settled)
    return settled;
  const Now begin = net::read_clocks();
  if (auto ordered = order_handover(to); !ordered) return ordered;
  auto served = radio_->serve(begin.boot + settings_.anticipation);
  if (!served) return fail(served.error());
  std::optional<Move> move = *served;
  if (!move) {
    auto forced = radio_->move(to);
    if (!forced) return fail(forced.error());
    move = *forced;
  }
  move->begin = begin.utc;
  run_.moves.push_back(*move);
  return {};
}

// Going on takes a key of the router that the node is at, and addresses past their detection.
Attempt<> Bench::get_ready_again() {
  if (mobile_)
    if (auto key = mobile_->wait_for("key-received", kPatience, boot_of(run_.moves.back().link_up));
        !key)
      return fail(key.error());
  return wait_for_settled_addresses(*network_, kAddressPatience);
}

// Handovers, there and back, each with the traffic after it.
Attempt<> Bench::hand_over_in_turn() {
  Side to = Side::kNar;
  for (unsigned i = 0; i < moves_in(run_.mode, settings_); ++i, to = other(to)) {
    if (i > 0)
      if (auto done = get_ready_again(); !done) return done;
    const auto before = tcp_timeouts(network_->correspondent());
    if (!before) return fail(before.error());
    if (auto done = hand_over(to); !done) return done;
    if (auto done = dwell(); !done) return done;
    const auto after = tcp_timeouts(network_->correspondent());
    if (!after) return fail(after.error());
    run_.moves.back().tcp_timeouts = *after - *before;
  }
  return {};
}

Attempt<> Bench::hand_over(Side to) {
  progress_(to == Side::kNar ? "handover to the new router" : "handover back");
  std::this_thread::sleep_for(shift_of(settings_.seed, run_.number));
  if (run_.mode != Mode::kReactive && run_.mode != Mode::kPlain) return hand_over_by_order(to);
  const auto move = radio_->move(to);
  if (!move) return fail(move.error());
  run_.moves.push_back(*move);
  return {};
}

Attempt<> Bench::end() {
  sender_->stop();
  if (transfer_) transfer_->stop();
  std::this_thread::sleep_for(kDrain);
  receiver_->stop();
  progress_("daemons end");
  mobile_.reset();
  for (auto& daemon : routers_) daemon.reset();
  for (auto& capture : captures_)
    if (auto finished = capture->finish(); !finished) return finished;
  return {};
}

Attempt<> Bench::evaluate() {
  progress_("captures are read");
  Trace traces[kPoints];
  for (std::size_t i = 0; i < kPoints; ++i) {
    auto trace = read_trace(capture_path(static_cast<Point>(i)));
    if (!trace) return fail(trace.error());
    traces[i] = std::move(*trace);
  }
  run_.flow = analyse_flow(traces[kCorrespondent], traces[kMobile], traces[kNar], mobile_link(),
                           run_.measured_from);
  for (const Delivery& each : run_.flow.deliveries)
    if (each.arrived && !receiver_->got(each.sequence)) run_.undelivered.push_back(*each.arrived);
  if (settings_.transfer) {
    run_.transfer = analyse_transfer(traces[kCorrespondent], traces[kMobile], mobile_link());
    for (const Move& move : run_.moves) run_.transfer->timeouts += move.tcp_timeouts;
  }
  AddressPlan plan;
  for (const Side side : {Side::kPar, Side::kNar}) {
    const NodeKey& key = credentials_.routers[static_cast<std::size_t>(side)];
    plan.routers[static_cast<std::size_t>(side)] = {key.address_in(place(side).prefix),
                                                    key.address_in(Prefix::literal("fe80::/64")),
                                                    place(side).core_address};
  }
  run_.messages = messages_of({traces[kMobile], traces[kPar]}, plan, stays_);
  return {};
}

Attempt<Run> Bench::run() {
  if (auto done = set_up(); !done) return fail(done.error());
  progress_("traffic flows");
  if (auto done = wait_for_traffic(); !done) return fail(done.error());
  if (auto done = dwell(); !done) return fail(done.error());
  if (auto done = hand_over_in_turn(); !done) return fail(done.error());
  for (Daemon* daemon : {routers_[0].get(), routers_[1].get(), mobile_.get()})
    if (daemon)
      for (DaemonEvent& event : daemon->events()) run_.events.push_back(std::move(event));
  if (auto done = end(); !done) return fail(done.error());
  std::ranges::stable_sort(run_.events, {}, &DaemonEvent::at);
  if (auto done = evaluate(); !done) return fail(done.error());
  return std::move(run_);
}

}  // namespace

Attempt<Run> make_run(Mode mode, unsigned number, const Settings& settings,
                      const Credentials& credentials, const std::string& directory,
                      const std::string& capture_base, const Progress& progress) {
  return Bench(mode, number, settings, credentials, directory, capture_base, progress).run();
}

}  // namespace sendoff::lab
