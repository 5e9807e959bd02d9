#include "lab/daemon.h"

#include <sys/stat.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "control/client.h"
#include "lab/credentials.h"
#include "lab/interrupt.h"
#include "net/clock.h"

namespace sendoff::lab {

namespace {

constexpr Duration kStartPatience = seconds(30);
constexpr Duration kTurn = milliseconds(20);

std::string process_sections(const Daemon::Setup& setup) {
  const std::string base = setup.directory + "/" + setup.node;
  return "[daemon]\nuser = \"\"\nruntime_directory = \"" + base + "\"\ncontrol_socket = \"" + base +
         ".sock\"\nlog_level = \"" + setup.log_level + "\"\n[store]\ndirectory = \"" + base +
         "\"\n";
}

std::optional<DaemonEvent> parse_event(const std::string& node, const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("event") || !json.contains("boot_ns") ||
      !json["event"].is_string() || !json["boot_ns"].is_number_integer())
    return std::nullopt;
  return DaemonEvent{node, json["event"].get<std::string>(),
                     Instant(Duration(json["boot_ns"].get<std::int64_t>())), line};
}

}  // namespace

std::string DaemonEvent::text(const std::string& field) const {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object() || !parsed.contains(field) || !parsed[field].is_string()) return {};
  return parsed[field].get<std::string>();
}

struct Daemon::State {
  void follow();

  Setup setup;
  std::string log;
  Process process;
  std::optional<control::Client> orders;  // of the thread that owns this
  std::optional<control::Client> news;    // of the follower
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::vector<DaemonEvent> events;
  std::thread follower;
};

// Ends with the daemon, which closes the connection.
void Daemon::State::follow() {
  while (const auto line = news->next_line(true)) {
    auto event = parse_event(setup.node, *line);
    if (!event) continue;
    const std::lock_guard lock(mutex);
    events.push_back(std::move(*event));
    changed.notify_all();
  }
}

Daemon::Daemon(std::unique_ptr<State> state) : state_(std::move(state)) {}

Daemon::~Daemon() {
  state_->process.stop();
  if (state_->follower.joinable()) state_->follower.join();
}

Attempt<std::unique_ptr<Daemon>> Daemon::start(const Namespace& space, const Setup& setup) {
  const std::string base = setup.directory + "/" + setup.node;
  const std::string configuration = base + ".toml";
  if (auto written = write_text_file(configuration, process_sections(setup) + setup.configuration);
      !written)
    return fail(written.error());
  auto process = Process::start(space, {setup.program, setup.role, "-c", configuration},
                                base + ".log", setup.processor);
  if (!process) return fail(process.error());
  auto daemon = std::unique_ptr<Daemon>(new Daemon(std::unique_ptr<State>(
      new State{setup, base + ".log", std::move(*process), {}, {}, {}, {}, {}, {}})));
  State& state = *daemon->state_;
  const Instant deadline = net::read_clocks().boot + kStartPatience;
  while (!state.orders) {
    if (!state.process.running())
      return failed(daemon->with_log("the " + setup.node + " daemon ended at its start"));
    if (net::read_clocks().boot > deadline || interrupted())
      return failed(daemon->with_log("the " + setup.node + " daemon serves no control socket"));
    if (auto client = control::Client::connect(base + ".sock"))
      state.orders = std::move(*client);
    else
      std::this_thread::sleep_for(kTurn);
  }
  auto news = control::Client::connect(base + ".sock");
  if (!news) return failed(news.error());
  state.news = std::move(*news);
  if (auto answer = state.news->ask(control::AskEvents{true}); !answer)
    return failed(daemon->with_log("events of " + setup.node + ": " + answer.error().message));
  state.follower = std::thread([&state] { state.follow(); });
  return daemon;
}

Attempt<DaemonEvent> Daemon::wait_for(const std::string& event, Duration patience, Instant since,
                                      const Condition& condition) {
  const Instant deadline = net::read_clocks().boot + patience;
  std::size_t seen = 0;
  std::unique_lock lock(state_->mutex);
  for (;;) {
    for (; seen < state_->events.size(); ++seen) {
      const DaemonEvent& each = state_->events[seen];
      if (each.name == event && each.at >= since && (!condition || condition(each))) return each;
    }
    if (interrupted()) return failed("interrupted");
    if (net::read_clocks().boot > deadline) break;
    (void)state_->changed.wait_for(lock, kTurn);
  }
  lock.unlock();
  return failed(with_log(state_->setup.node + " did not report " + event));
}

std::vector<DaemonEvent> Daemon::events() const {
  const std::lock_guard lock(state_->mutex);
  return state_->events;
}

Attempt<std::string> Daemon::ask(const control::Request& request) {
  auto answer = state_->orders->ask(request);
  if (!answer)
    return failed(with_log(state_->setup.node + " refused an order: " + answer.error().message));
  return std::move(*answer);
}

const std::string& Daemon::node() const { return state_->setup.node; }
pid_t Daemon::process() const { return state_->process.pid(); }

std::string Daemon::with_log(const std::string& text) const {
  const std::string end = last_lines(state_->log, 12);
  return text + (end.empty() ? "\n  (its log is empty)"
                             : "\nThe log of " + state_->setup.node + " ends with:\n" + end);
}

}  // namespace sendoff::lab
