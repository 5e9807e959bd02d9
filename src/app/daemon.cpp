#include "app/daemon.h"

#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "app/commands.h"
#include "app/dhcp_command.h"
#include "app/link_switch.h"
#include "app/log.h"
#include "app/radios.h"
#include "app/record_store.h"
#include "app/revocation_files.h"
#include "control/server.h"
#include "crypto/random.h"
#include "datapath/backend.h"
#include "net/clock.h"
#include "net/driver.h"
#include "net/privileges.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::app {

namespace {

using control::Refusal;

// mkdir -p of a directory that belongs to the daemon.
bool make_directory(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
      log::error("make directory " + part + ": " + std::strerror(errno));
      return false;
    }
    if (end == std::string::npos) return true;
  }
}

std::string join(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

void visit_store(const store::StoreCounters& store, const machine::Machine::CounterVisitor& visit) {
  visit("store", "records", store.records);
  visit("store", "writes", store.writes);
  visit("store", "transactions", store.transactions);
  visit("store", "failures", store.failures);
  visit("store", "expired", store.expired);
  visit("store", "pending", store.pending);
}

class Daemon {
 public:
  Daemon(std::unique_ptr<Role> role, Command command)
      : role_(std::move(role)), path_(std::move(command.path)), store_kind_(command.store) {
    role_->use_store(store_kind_);
  }

  int run();

 private:
  bool load();
  bool open();
  bool open_datapath();
  void follow_radios();
  bool drop_privileges();
  bool open_store();
  bool build();
  void serve();

  Result<std::string, Refusal> answer(const control::Request& request);
  Result<std::string, Refusal> order(const machine::Order& order);
  Result<std::string, Refusal> link_moved(const control::LinkMoved& moved);
  Result<std::string, Refusal> reload();
  [[nodiscard]] std::string status();
  void store_trouble(const std::string& why);
  void follow(const machine::Event& event);
  void report(const machine::Event& event);
  void feed_watchdog();
  void stop(const char* why);

  std::unique_ptr<Role> role_;
  std::string path_;
  std::optional<config::Store::Kind> store_kind_;  // of the command line
  config::Daemon settings_;                        // that the process was started with
  std::vector<std::string> shortcomings_;
  Now started_{};
  machine::Machine* machine_ = nullptr;  // the role's

  // In the order in which one needs the other; they end in the opposite one.
  crypto::SystemRandom random_;
  net::EventLoop loop_;
  std::unique_ptr<net::LinuxHost> host_;
  std::unique_ptr<control::Server> server_;
  std::optional<RecordStore> record_store_;
  std::unique_ptr<store::Store> store_;
  net::ControlPlaneOnly control_plane_only_;
  std::unique_ptr<datapath::Backend> datapath_;  // none where the configuration says so
  std::optional<LinkSwitch> link_switch_;
  std::optional<Radios> radios_;
  std::optional<DhcpCommand> dhcp_command_;
  std::optional<RevocationFiles> revocation_files_;
  std::unique_ptr<net::Workers> workers_;
  std::unique_ptr<net::Driver> driver_;
  std::unique_ptr<net::Timer> watchdog_;
};

bool Daemon::load() {
  const config::Problems problems = role_->load(path_, net::read_clocks().utc, random_);
  for (const config::Problem& problem : problems) log::error(problem.text());
  if (!problems.empty())
    log::error(path_ + " is not taken: " + std::to_string(problems.size()) +
               (problems.size() == 1 ? " error" : " errors"));
  return problems.empty();
}

bool Daemon::open() {
  if (!make_directory(settings_.runtime_directory)) return false;
  const std::size_t slash = settings_.control_socket.rfind('/');
  if (slash > 0 && !make_directory(settings_.control_socket.substr(0, slash))) return false;
  const net::HostConfig host{.interfaces = role_->interfaces(),
                             .router = role_->name() == "router",
                             .runtime_directory = settings_.runtime_directory,
                             .guard_icmp = settings_.guard_icmp,
                             .home_addresses = settings_.home_addresses,
                             .other_mobility_types = settings_.other_mobility_types,
                             .own_discovery = role_->name() != "guard",
                             .guard = settings_.guard,
                             .least_mtu = role_->least_mtu()};
  auto opened = net::LinuxHost::open(loop_, host);
  if (!opened) {
    log::error(opened.error().text() + "; `sendoff doctor` tells what this host lacks");
    return false;
  }
  host_ = std::move(*opened);
  if (settings_.guard)
    log::info(*settings_.guard == net::OnStop::kOpen
                  ? "fail-open: without this daemon Neighbor Discovery goes on unprotected"
                  : std::string("fail-closed: without this daemon there is no Neighbor Discovery, "
                                "until it runs again or: nft delete table ip6 ") +
                        net::NdQueue::kTable);
  if (const auto selected = host_->receive_esp(role_->esp()); !selected) {
    log::error(selected.error().text());
    return false;
  }
  if (const auto taken = host_->protect(role_->protection()); !taken) {
    log::error("a neighbour has protection = \"host\": " + taken.error().text() +
               "; give it \"esp\", or this kernel what it lacks (`sendoff doctor`)");
    return false;
  }
  for (const std::string& shortcoming : host_->shortcomings()) shortcomings_.push_back(shortcoming);
  auto server = control::Server::open(
      loop_, {.path = settings_.control_socket, .group = settings_.control_group},
      [this](const control::Request& request) { return answer(request); });
  if (!server) {
    log::error(server.error().text());
    return false;
  }
  server_ = std::move(*server);

  config::Store store = settings_.store;
  if (store_kind_) store.kind = *store_kind_;
  record_store_.emplace(store, role_->name(), settings_.user);
  if (const auto prepared = record_store_->prepare(); !prepared) {
    log::error(prepared.error().text);
    return false;
  }
  return true;
}

bool Daemon::open_store() {
  auto opened = record_store_->open(loop_, [this](const std::string& why) { store_trouble(why); });
  if (!opened) {
    log::error(opened.error().text);
    return false;
  }
  store_ = std::move(*opened);
  return true;
}

void Daemon::store_trouble(const std::string& why) {
  report({machine::EventKind::kWarning,
          {{"text", why.empty() ? "the store can be written again"
                                : "the store cannot be written (" + why +
                                      "): no new handover key is handed out until it can"}}});
}

// After the host's interfaces, whose settings a new device takes over.
bool Daemon::open_datapath() {
  if (settings_.datapath.backend == datapath::Choice::kNone) return true;  // load() warned
  datapath::Config config{settings_.datapath, role_->name() == "router", role_->interfaces(),
                          settings_.runtime_directory};
  auto opened = datapath::open(loop_, config);
  if (!opened) {
    log::error(opened.error().text() + "; `sendoff doctor` tells what this host lacks");
    return false;
  }
  datapath_ = std::move(*opened);
  datapath_->start([](const std::string& text) { log::warning(text); });
  log::info("packets are moved by " + std::string(datapath_->name()));
  return true;
}

// Before privileges go: control sockets are their owners' own. What they tell comes by the loop,
// which runs when there is a driver.
void Daemon::follow_radios() {
  radios_.emplace(
      loop_, settings_.radios,
      Radios::Machine{[this](const machine::HostEvent& event) { driver_->tell(event); },
                      [this](const machine::Order& wanted) { return driver_->order(wanted); }});
}

bool Daemon::drop_privileges() {
  const bool lends = !settings_.dhcp_command.empty();
  const auto dropped =
      net::drop_privileges(settings_.user, lends ? net::Lends::kLowPorts : net::Lends::kNothing);
  if (!dropped) {
    log::error(dropped.error().text() +
               "; make the user, or set [daemon] user = \"\" to stay who you are");
    return false;
  }
  log::info(dropped->user_changed ? "running as " + settings_.user
                                  : "no change of user: " + dropped->remark);
  if (lends && !dropped->lends_ports)
    shortcomings_.emplace_back(
        "CAP_NET_BIND_SERVICE is missing: the dhcp_command cannot bind port 546");
  return true;
}

// On each worker's thread: a message that is never sent. A key whose signatures do not verify would
// leave the node mute.
void sign_and_verify(const std::shared_ptr<const crypto::SigningKey>& key) {
  const Bytes message(wire::NeighborAdvertisement::kSize);
  machine::SignMessage sign{key, {}, {}, message, {}};
  const auto made = machine::execute(std::move(sign));
  invariant(made.has_value());
  const Bytes& whole = std::get<machine::MessageSigned>(*made).message;
  const auto option = wire::RsaSignatureOption::parse(ByteView(whole).subspan(message.size()));
  invariant(option.has_value());
  machine::VerifySignature verify{
      key->public_key(), wire::signature_input({}, {}, whole, message.size()),
      to_bytes(option->content.first(key->public_key().modulus_size()))};
  const auto verified = machine::execute(std::move(verify));
  invariant(verified && std::get<machine::SignatureVerified>(*verified).valid);
}

bool Daemon::build() {
  const Now now = net::read_clocks();
  started_ = now;
  auto snapshot = store_->snapshot(now.utc);
  if (!snapshot) {
    log::error(record_store_->file().value_or("the store") + ": records cannot be read (" +
               std::string(store::name(snapshot.error())) +
               "); it is left as it is. Put a good copy back, or move it away to start without "
               "keys");
    return false;
  }
  log::info("records taken from the " + store_->kind() +
            " store: " + std::to_string(snapshot->size()));
  machine_ = &role_->build(std::move(*snapshot), random_, now);
  workers_ = std::make_unique<net::Workers>(
      loop_, net::Workers::Config{.threads = settings_.workers,
                                  .rehearse = [key = role_->key()] { sign_and_verify(key); }});
  link_switch_.emplace(loop_, settings_.switch_command, settings_.switch_socket);
  dhcp_command_.emplace(loop_, settings_.dhcp_command);
  revocation_files_.emplace(loop_, settings_.revocation_lists, settings_.revocation_command);
  net::Driver::Hooks hooks;
  hooks.follow = [this](const machine::Event& event) { follow(event); };
  hooks.report = [this](const machine::Event& event) { report(event); };
  hooks.switch_link = [this](const machine::SwitchLink& action, net::Done done) {
    if (radios_->roam(action.interface, action.access_point, done)) return;
    for (const net::HostConfig::Interface& interface : role_->interfaces())
      if (interface.id == action.interface)
        return link_switch_->run(interface.name, action.access_point, std::move(done));
    done(fail(machine::ActionError::kGone));
  };
  hooks.run_dhcp = [this](const machine::RunDhcp& action, net::Done done) {
    for (const net::HostConfig::Interface& interface : role_->interfaces())
      if (interface.id == action.interface)
        return dhcp_command_->run(interface.name, std::move(done));
    done(fail(machine::ActionError::kGone));
  };
  hooks.read_lists = [this](const machine::ReadRevocationLists& action, net::Done done) {
    revocation_files_->read(action.uris, std::move(done));
  };
  driver_ = std::make_unique<net::Driver>(
      *machine_, loop_, *workers_, *host_, net::keep_in(*store_),
      datapath_ ? static_cast<net::Datapath&>(*datapath_) : control_plane_only_, std::move(hooks));
  return true;
}

void Daemon::serve() {
  driver_->start();
  feed_watchdog();
  (void)sd_notify(0, "READY=1");
  log::info("sendoff " SENDOFF_VERSION " " + role_->name() + " is ready");
  loop_.run();
  // A router's last advertisement has to be signed: each turn serves what came by then.
  driver_->tell(machine::Ending{});
  for (int turn = 0; turn < 5; ++turn) loop_.run_for(milliseconds(20));
}

int Daemon::run() {
  for (const std::string& missing : net::harden_process()) shortcomings_.push_back(missing);
  log::open("info");
  if (!load()) return kWrong;
  settings_ = role_->daemon();
  (void)log::set_level(settings_.log_level);
  // A signal that comes from here on is followed when all stands: a daemon that it ended earlier
  // would leave in the kernel what it has just put there.
  loop_.on_signals({SIGTERM, SIGINT}, [this](int) { stop("asked by a signal"); });
  loop_.on_signals({SIGHUP}, [this](int) { (void)reload(); });
  if (!open() || !open_datapath()) return kNegative;
  follow_radios();
  if (!drop_privileges() || !open_store() || !build()) return kNegative;
  for (const std::string& shortcoming : shortcomings_) log::warning(shortcoming);
  for (const config::Problem& warning : role_->warnings()) log::warning(warning.text());
  serve();
  // The machine and its keys go first, what the store still has to write, then what the machine
  // had in the kernel.
  watchdog_.reset();
  driver_.reset();
  store_.reset();
  workers_.reset();
  radios_.reset();
  link_switch_.reset();
  dhcp_command_.reset();
  revocation_files_.reset();
  server_.reset();
  role_.reset();
  datapath_.reset();
  host_.reset();
  log::info("stopped");
  return kDone;
}

void Daemon::stop(const char* why) {
  log::info(std::string("stopping: ") + why);
  (void)sd_notify(0, "STOPPING=1");
  loop_.stop();
}

// A DHCP client is of the link that it was started on.
void Daemon::follow(const machine::Event& event) {
  const bool moved =
      event.kind == machine::EventKind::kLinkLeft || event.kind == machine::EventKind::kLinkEntered;
  if (moved && dhcp_command_) dhcp_command_->left(event.text("interface"));
}

void Daemon::report(const machine::Event& event) {
  const Now now = net::read_clocks();
  log::event(now.boot, event);
  server_->publish(now, event);
}

// A loop that hangs does not say that it lives.
void Daemon::feed_watchdog() {
  std::uint64_t limit_us = 0;
  if (sd_watchdog_enabled(0, &limit_us) <= 0) return;
  const Duration interval = microseconds(limit_us / 3);
  watchdog_ = std::make_unique<net::Timer>(loop_, [this, interval] {
    (void)sd_notify(0, "WATCHDOG=1");
    watchdog_->at(net::read_clocks().boot + interval);
  });
  watchdog_->at(net::read_clocks().boot + interval);
}

Result<std::string, Refusal> Daemon::answer(const control::Request& request) {
  // Requests may come while the daemon is still being built.
  if (!driver_) return fail(Refusal{"starting", "the daemon is starting; ask again"});
  if (std::holds_alternative<control::AskStatus>(request)) return status();
  if (const auto* what = std::get_if<machine::Order>(&request)) return order(*what);
  if (const auto* moved = std::get_if<control::LinkMoved>(&request)) return link_moved(*moved);
  if (std::holds_alternative<control::Reload>(request)) return reload();
  if (const auto* wanted = std::get_if<control::SetLogLevel>(&request)) {
    if (!log::set_level(wanted->level))
      return fail(Refusal{"bad-request", "a log level is debug, info, warning or error"});
    return std::string();
  }
  // After the answer is on its way.
  loop_.post([this] { stop("asked by the control socket"); });
  return std::string();
}

Result<std::string, Refusal> Daemon::order(const machine::Order& order) {
  const auto taken = driver_->order(order);
  if (taken) return std::string();
  return fail(Refusal{std::string(name(taken.error())), std::string(explain(taken.error()))});
}

Result<std::string, Refusal> Daemon::link_moved(const control::LinkMoved& moved) {
  for (const net::HostConfig::Interface& interface : role_->interfaces()) {
    if (interface.name != moved.interface) continue;
    if (moved.access_point)
      driver_->tell(machine::ApAttached{interface.id, *moved.access_point});
    else
      driver_->tell(machine::ApLost{interface.id});
    return std::string();
  }
  return fail(Refusal{"unknown-interface", "no interface of that name is configured"});
}

// Whole or not at all.
Result<std::string, Refusal> Daemon::reload() {
  (void)sd_notify(0, "RELOADING=1");
  std::vector<std::string> restart;
  const config::Problems problems = role_->load(path_, net::read_clocks().utc, random_);
  config::Daemon settings = problems.empty() ? role_->daemon() : settings_;
  const std::string level = std::exchange(settings.log_level, settings_.log_level);
  if (settings != settings_) {
    restart.emplace_back(
        "[daemon], [guard], [store], [datapath], [[interface]] wpa_supplicant or hostapd, or "
        "[handover] switch_command, switch_socket or dhcp_command, or [trust] revocation_lists or "
        "revocation_command");
    role_->leave();
  } else if (problems.empty())
    driver_->with_machine([&](Now now) { restart = role_->take(now); });
  (void)sd_notify(0, "READY=1");

  for (const config::Problem& problem : problems) log::error(problem.text());
  if (!problems.empty())
    return fail(Refusal{"bad-configuration",
                        problems.front().text() +
                            (problems.size() > 1 ? " (and " + std::to_string(problems.size() - 1) +
                                                       " more: see the log)"
                                                 : "")});
  if (!restart.empty()) {
    const std::string text = "nothing is changed: only a restart takes " + join(restart);
    log::warning("reload: " + text);
    return fail(Refusal{"needs-restart", text});
  }
  if (const auto selected = host_->receive_esp(role_->esp()); !selected)
    log::error(selected.error().text());
  if (const auto taken = host_->protect(role_->protection()); !taken)
    log::error("no HI or HAck is left to the kernel's IPsec: " + taken.error().text());
  (void)log::set_level(level);
  for (const config::Problem& warning : role_->warnings()) log::warning(warning.text());
  return std::string();
}

std::string Daemon::status() {
  const Now now = net::read_clocks();
  control::DaemonStatus daemon{.version = SENDOFF_VERSION,
                               .role = role_->name(),
                               .configuration = path_,
                               .started = started_.utc,
                               .uptime = now.boot - started_.boot,
                               .warnings = shortcomings_,
                               .store = {store_->kind(), record_store_->file()},
                               .datapath = std::string(datapath_ ? datapath_->name() : "none"),
                               .counters = {}};
  for (const config::Problem& warning : role_->warnings())
    daemon.warnings.push_back(warning.text());
  const auto visit = [&](std::string_view group, std::string_view counter, std::uint64_t value) {
    daemon.counters.push_back({std::string(group), std::string(counter), value});
  };
  std::string text;
  driver_->with_machine([&](Now at) {
    machine_->counters(visit);
    host_->counters(visit);
    visit_store(store_->counters(), visit);
    if (datapath_) datapath_->counters(visit);
    text = role_->status(std::move(daemon), at);
  });
  return text;
}

}  // namespace

int run_daemon(std::unique_ptr<Role> role, const Command& command) {
  if (!command.check_only) return Daemon(std::move(role), command).run();
  const std::string& path = command.path;
  role->use_store(command.store);
  crypto::SystemRandom random;
  const config::Problems problems = role->load(path, net::read_clocks().utc, random);
  for (const config::Problem& problem : problems)
    std::fprintf(stderr, "%s\n", problem.text().c_str());
  if (!problems.empty()) return kWrong;
  for (const config::Problem& warning : role->warnings())
    std::fprintf(stderr, "%s (warning)\n", warning.text().c_str());
  if (command.show)
    for (const config::Setting& setting : role->settings())
      std::printf("%s = %s\n", setting.option.c_str(), setting.value.c_str());
  std::printf("%s: no errors, %zu warnings\n", path.c_str(), role->warnings().size());
  return kDone;
}

}  // namespace sendoff::app
