#include "app/role.h"

#include "nd/guarded_machine.h"

namespace sendoff::app {

namespace {

struct RouterKind {
  using Machine = router::Router;
  using Config = router::Config;
  static constexpr const char* kName = "router";
  static auto load(const std::string& path, const config::Context& context) {
    return config::load_router(path, context);
  }
  static const send::Identity& identity(const Config& config) {
    return config.interfaces.front().identity;
  }
  static std::string status(const Machine& machine, const Config& config,
                            const control::DaemonStatus& daemon, Now now) {
    return control::status_json(daemon, machine.status(now), config.neighbours);
  }
  static std::size_t least_mtu(const Config& config) {
    return nd::largest_advertisement(config.certification);
  }
  // Without any association all ESP is the kernel's.
  static net::EspSelection esp(const Config& config) {
    net::EspSelection selection;
    for (const router::Neighbour& neighbour : config.neighbours) {
      if (neighbour.protection != router::Protection::kHost)  // whose ESP is the kernel's
        selection.neighbours.push_back(neighbour.address);
      if (!neighbour.esp) continue;
      for (const esp::Inbound& inbound : neighbour.esp->inbound)
        selection.spis.push_back(inbound.spi);
    }
    return selection.spis.empty() ? net::EspSelection{} : selection;
  }
  static std::vector<net::ProtectedPair> protection(const Config& config) {
    std::vector<net::ProtectedPair> pairs;
    for (const router::Neighbour& neighbour : config.neighbours)
      if (neighbour.ipsec)
        pairs.push_back({neighbour.address, neighbour.ipsec->local, neighbour.ipsec->install,
                         neighbour.ipsec->reqid});
    return pairs;
  }
};

// What roles have in common that are no router's.
template <typename MachineType, typename ConfigType>
struct PlainKind {
  using Machine = MachineType;
  using Config = ConfigType;
  static const send::Identity& identity(const Config& config) { return config.identity; }
  static std::string status(const Machine& machine, const Config&,
                            const control::DaemonStatus& daemon, Now now) {
    return control::status_json(daemon, machine.status(now));
  }
  static std::size_t least_mtu(const Config&) { return 0; }
  static net::EspSelection esp(const Config&) { return {}; }
  static std::vector<net::ProtectedPair> protection(const Config&) { return {}; }
};

struct MobileKind : PlainKind<mobile::Mobile, mobile::Config> {
  static constexpr const char* kName = "mobile";
  static auto load(const std::string& path, const config::Context& context) {
    return config::load_mobile(path, context);
  }
};

struct GuardKind : PlainKind<nd::Guard, nd::GuardConfig> {
  static constexpr const char* kName = "guard";
  static auto load(const std::string& path, const config::Context& context) {
    return config::load_guard(path, context);
  }
  static std::size_t least_mtu(const Config& config) {
    return config.certifier ? nd::largest_advertisement(*config.certifier) : 0;
  }
};

template <typename Kind>
class RoleOf final : public Role {
 public:
  [[nodiscard]] std::string name() const override { return Kind::kName; }

  [[nodiscard]] config::Problems load(const std::string& path, UtcTime utc,
                                      Random& random) override {
    const send::Identity* running = taken_ ? &Kind::identity(taken_->machine) : nullptr;
    auto loaded = Kind::load(path, {files_, utc, random, running, store_});
    if (!loaded) return loaded.error();
    loaded_ = std::move(*loaded);
    return {};
  }
  [[nodiscard]] const config::Daemon& daemon() const override { return loaded_.daemon; }
  [[nodiscard]] const config::Problems& warnings() const override { return loaded_.warnings; }
  [[nodiscard]] const config::Settings& settings() const override { return loaded_.settings; }
  [[nodiscard]] std::vector<net::HostConfig::Interface> interfaces() const override {
    std::vector<net::HostConfig::Interface> out;
    for (const auto& interface : loaded_.machine.interfaces)
      out.push_back({interface.id, interface.name});
    return out;
  }

  [[nodiscard]] std::shared_ptr<const crypto::SigningKey> key() const override {
    return Kind::identity(loaded_.machine).key;
  }
  [[nodiscard]] std::size_t least_mtu() const override { return Kind::least_mtu(loaded_.machine); }
  [[nodiscard]] net::EspSelection esp() const override { return Kind::esp(loaded_.machine); }

  [[nodiscard]] std::vector<net::ProtectedPair> protection() const override {
    return Kind::protection(loaded_.machine);
  }

  machine::Machine& build(machine::Snapshot snapshot, Random& random, Now now) override {
    taken_ = loaded_;
    if (taken_->guard)
      guard_ = std::make_unique<nd::Guard>(*taken_->guard, machine::Snapshot(), random, now);
    machine_ =
        std::make_unique<typename Kind::Machine>(taken_->machine, std::move(snapshot), random, now);
    if (!guard_) return *machine_;
    both_ = std::make_unique<nd::GuardedMachine>(*machine_, *guard_);
    return *both_;
  }
  // That [guard] is there or not is one of the daemon's settings, which only a restart changes.
  [[nodiscard]] std::vector<std::string> take(Now now) override {
    auto taken =
        guard_ ? guard_->handle(now, *loaded_.guard) : Result<void, machine::NeedsRestart>();
    if (taken) {
      taken = machine_->handle(now, loaded_.machine);
      if (!taken && guard_) invariant(guard_->handle(now, *taken_->guard).has_value());
    }
    if (!taken) {
      leave();
      return std::move(taken.error().settings);
    }
    taken_ = loaded_;
    return {};
  }
  void leave() override { loaded_ = *taken_; }
  [[nodiscard]] std::string status(control::DaemonStatus daemon, Now now) const override {
    daemon.methods = taken_->machine.receiver.methods;
    if (guard_) daemon.guard = guard_->status(now);
    return Kind::status(*machine_, taken_->machine, daemon, now);
  }

 private:
  config::SystemFiles files_;
  config::Loaded<typename Kind::Config> loaded_;
  std::optional<config::Loaded<typename Kind::Config>> taken_;
  std::unique_ptr<typename Kind::Machine> machine_;
  std::unique_ptr<nd::Guard> guard_;  // beside it, if there is to be one
  std::unique_ptr<nd::GuardedMachine> both_;
};

}  // namespace

std::unique_ptr<Role> make_router_role() { return std::make_unique<RoleOf<RouterKind>>(); }
std::unique_ptr<Role> make_mobile_role() { return std::make_unique<RoleOf<MobileKind>>(); }
std::unique_ptr<Role> make_guard_role() { return std::make_unique<RoleOf<GuardKind>>(); }

}  // namespace sendoff::app
