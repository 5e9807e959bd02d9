#include "datapath/bpf_path.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include <sendoff_maps.h>
// Behind the types of its variables.
#include <sendoff.skel.h>
#include "net/clock.h"
#include "wire/ipv6.h"

namespace sendoff::datapath {

namespace {

using net::SystemError;

constexpr std::size_t kReadAtOnce = 256;
// A redirected packet is in the TUN device's queue at once, or was lost at its door.
constexpr Duration kOnItsWay = milliseconds(20);

so_address key_of(const Ipv6Address& address) {
  so_address key{};
  std::memcpy(key.octets, address.octets().data(), sizeof key.octets);
  return key;
}

so_pair key_of(const Tunnel& tunnel) { return {key_of(tunnel.near), key_of(tunnel.far)}; }

// The programs read and write these at the same time.
std::uint64_t read_now(__u64& number) {
  return std::atomic_ref(number).load(std::memory_order_acquire);
}
void write_now(__u64& number, std::uint64_t value) {
  std::atomic_ref(number).store(value, std::memory_order_release);
}

SystemError bpf_error(int result, std::string what) { return {-result, std::move(what)}; }

}  // namespace

struct BpfPath::Programs {
  Programs() = default;
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;
  ~Programs() {
    if (slots) munmap(slots, slots_size);
    sendoff_bpf__destroy(skeleton);
  }

  [[nodiscard]] static Attempt<std::unique_ptr<Programs>> load(const Config& config,
                                                               unsigned tun_index);
  [[nodiscard]] Attempt<> map_slots(std::size_t count);

  [[nodiscard]] int bindings() const { return bpf_map__fd(skeleton->maps.bindings); }
  [[nodiscard]] int attached() const { return bpf_map__fd(skeleton->maps.attached); }
  [[nodiscard]] int pairs() const { return bpf_map__fd(skeleton->maps.pairs); }
  [[nodiscard]] int buffers() const { return bpf_map__fd(skeleton->maps.buffers); }
  [[nodiscard]] std::uint64_t counter(std::uint32_t which) const;

  sendoff_bpf* skeleton = nullptr;
  so_slot* slots = nullptr;
  std::size_t slots_size = 0;
};

Attempt<std::unique_ptr<BpfPath::Programs>> BpfPath::Programs::load(const Config& config,
                                                                    unsigned tun_index) {
  // Why something failed is told by errno; libbpf's own words would go to the terminal.
  libbpf_set_print(nullptr);
  auto programs = std::make_unique<Programs>();
  programs->skeleton = sendoff_bpf__open();
  if (!programs->skeleton) return fail(net::last_error("open bpf programs"));
  auto& maps = programs->skeleton->maps;
  const auto tunnels = static_cast<std::uint32_t>(config.max_tunnels);
  const auto buffers = static_cast<std::uint32_t>(config.buffers.addresses);
  const std::uint32_t attached = config.router ? tunnels : kTables;
  int result = 0;
  for (const auto& [map, entries] :
       {std::pair{maps.bindings, tunnels},
        {maps.attached, attached},
        {maps.pairs, tunnels + attached + kMaxEnded + 1},  // one that replaces another
        {maps.buffers, buffers},
        {maps.slots, buffers}})
    if (result == 0) result = bpf_map__set_max_entries(map, entries);
  if (result != 0) return fail(bpf_error(result, "size bpf maps"));
  programs->skeleton->rodata->tun_index = tun_index;
  result = sendoff_bpf__load(programs->skeleton);
  if (result != 0) return fail(bpf_error(result, "load bpf programs"));
  if (auto mapped = programs->map_slots(buffers); !mapped) return fail(mapped.error());
  return programs;
}

Attempt<> BpfPath::Programs::map_slots(std::size_t count) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  slots_size = (count * sizeof(so_slot) + page - 1) / page * page;
  void* memory = mmap(nullptr, slots_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                      bpf_map__fd(skeleton->maps.slots), 0);
  if (memory == MAP_FAILED) return fail(net::last_error("map bpf buffer slots"));
  slots = static_cast<so_slot*>(memory);
  return {};
}

std::uint64_t BpfPath::Programs::counter(std::uint32_t which) const {
  const int processors = libbpf_num_possible_cpus();
  if (processors <= 0) return 0;
  std::vector<std::uint64_t> each(static_cast<std::size_t>(processors));
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.counters), &which, each.data()) != 0) return 0;
  std::uint64_t sum = 0;
  for (const std::uint64_t count : each) sum += count;
  return sum;
}

Attempt<std::unique_ptr<Backend>> BpfPath::open(net::EventLoop& loop, const Config& config) {
  auto parts = open_parts(config);
  if (!parts) return fail(parts.error());
  auto tun = TunDevice::open(*parts->kernel);
  if (!tun) return fail(tun.error());
  auto programs = Programs::load(config, tun->index());
  if (!programs) return fail(programs.error());
  std::unique_ptr<BpfPath> path(
      new BpfPath(loop, config, std::move(*parts), std::move(*tun), std::move(*programs)));
  const auto devices = path->kernel_->devices();
  if (!devices) return fail(devices.error());
  for (const Device& device : *devices)
    if (auto attached = path->attach(device); !attached) return fail(attached.error());
  return path;
}

BpfPath::BpfPath(net::EventLoop& loop, const Config& config, Parts parts, TunDevice tun,
                 std::unique_ptr<Programs> programs)
    : Path(loop, config, std::move(parts)), tun_(std::move(tun)), programs_(std::move(programs)) {
  for (std::size_t i = config.buffers.addresses; i-- > 0;)
    free_slots_.push_back(static_cast<std::uint32_t>(i));
}

BpfPath::~BpfPath() = default;

// Where packets have an Ethernet header and addresses are: not at a bridge's ports.
Attempt<> BpfPath::attach(const Device& device) {
  if (!device.ethernet || device.loopback || device.enslaved || devices_.contains(device.index))
    return {};
  const auto& programs = programs_->skeleton->progs;
  for (const auto& [hook, program] :
       {std::pair{Hook::kIngress, programs.sendoff_in}, {Hook::kEgress, programs.sendoff_out}})
    if (auto attached = kernel_->attach(device, hook, bpf_program__fd(program)); !attached)
      return attached;
  devices_.insert(device.index);
  return {};
}

void BpfPath::device_appeared(const Device& device) {
  if (const auto attached = attach(device); !attached) complain(attached.error());
}

void BpfPath::serve() {
  tun_watch_ = loop_.watch(tun_.fd(), net::EventLoop::Interest::kReadable, [this] { read_tun(); });
}

NextHop BpfPath::divert(const TunnelEnd& end) const {
  NextHop hop = end.way;
  // The far end is its own gateway where it is on-link: the inner destination is not.
  if (!hop.gateway) hop.gateway = end.tunnel.far;
  hop.mtu = end.inner_mtu();
  return hop;
}

Attempt<> BpfPath::put(int map, const Ipv6Address& pcoa, const TunnelEnd& end, std::uint32_t kind) {
  so_tunnel value{};
  value.near = key_of(end.tunnel.near);
  value.far = key_of(end.tunnel.far);
  value.ifindex = kind == SO_ROUTER ? end.interface : end.way.index;
  value.mtu = end.inner_mtu();
  value.end = kind;
  auto& pairs = kind == SO_PAR ? binding_pairs_ : attached_pairs_;
  const so_address key = key_of(pcoa);
  const auto before = pairs.find(pcoa);
  if (before == pairs.end() || before->second != end.tunnel) {
    const so_pair pair = key_of(end.tunnel);
    const std::uint32_t one = 1;
    if (const int result = bpf_map_update_elem(programs_->pairs(), &pair, &one, BPF_ANY);
        result != 0)
      return fail(bpf_error(result, "tell the kernel a tunnel's ends"));
    ++pair_uses_[end.tunnel];
    if (before != pairs.end()) release_pair(before->second);
    pairs.insert_or_assign(pcoa, end.tunnel);
    tell_present();
  }
  if (const int result = bpf_map_update_elem(map, &key, &value, BPF_ANY); result != 0)
    return fail(bpf_error(result, "tell the kernel the tunnel of " + pcoa.text()));
  return {};
}

void BpfPath::release_pair(absl::flat_hash_map<Ipv6Address, Tunnel>& of, const Ipv6Address& pcoa) {
  const auto found = of.find(pcoa);
  if (found == of.end()) return;
  const Tunnel tunnel = found->second;
  of.erase(found);
  release_pair(tunnel);
  tell_present();
}

// The kernel knows it already.
void BpfPath::keep_pair(const Tunnel& tunnel) { ++pair_uses_[tunnel]; }

void BpfPath::release_pair(const Tunnel& tunnel) {
  const auto uses = pair_uses_.find(tunnel);
  if (--uses->second > 0) return;
  const so_pair pair = key_of(tunnel);
  (void)bpf_map_delete_elem(programs_->pairs(), &pair);
  pair_uses_.erase(uses);
  tell_present();
}

// Never less than there is: a packet that is not looked up goes the plain way.
void BpfPath::tell_present() {
  auto& present = programs_->skeleton->bss->present;
  present.bindings = static_cast<std::uint32_t>(binding_pairs_.size());
  present.attached = static_cast<std::uint32_t>(attached_pairs_.size());
  present.pairs = static_cast<std::uint32_t>(pair_uses_.size());
  present.buffers = static_cast<std::uint32_t>(slots_.size());
}

Attempt<> BpfPath::put_binding(const Ipv6Address& pcoa, const TunnelEnd& end) {
  if (!devices_.contains(end.way.index))
    return fail(SystemError{
        EOPNOTSUPP, "tunnel for " + pcoa.text() + ": the way to its end is no Ethernet interface"});
  return put(programs_->bindings(), pcoa, end, SO_PAR);
}

void BpfPath::drop_binding(const Ipv6Address& pcoa) {
  const so_address key = key_of(pcoa);
  (void)bpf_map_delete_elem(programs_->bindings(), &key);
  release_pair(binding_pairs_, pcoa);
}

Attempt<> BpfPath::put_attached(const Ipv6Address& pcoa, const TunnelEnd& end) {
  return put(programs_->attached(), pcoa, end, config_.router ? SO_ROUTER : SO_HOST);
}

void BpfPath::drop_attached(const Ipv6Address& pcoa) {
  const so_address key = key_of(pcoa);
  (void)bpf_map_delete_elem(programs_->attached(), &key);
  release_pair(attached_pairs_, pcoa);
}

Attempt<> BpfPath::divert_buffer(const Ipv6Address& address, unsigned interface,
                                 HeldPackets::Kind kind) {
  const auto there = slots_.find(address);
  if (there == slots_.end() && free_slots_.empty())
    return fail(SystemError{ENOSPC, "buffer for " + address.text()});
  so_buffer value{};
  value.slot = there == slots_.end() ? free_slots_.back() : there->second.number;
  value.access_ifindex = interface;
  value.copies = kind == HeldPackets::Kind::kCopies;
  so_slot& slot = programs_->slots[value.slot];
  write_now(slot.draining, 0);
  if (there == slots_.end()) {
    write_now(slot.redirected, 0);
    write_now(slot.reinjected, 0);
  }
  const so_address key = key_of(address);
  if (const int result = bpf_map_update_elem(programs_->buffers(), &key, &value, BPF_ANY);
      result != 0)
    return fail(bpf_error(result, "tell the kernel the buffer of " + address.text()));
  if (there != slots_.end()) return {};
  free_slots_.pop_back();
  slots_.emplace(address, Slot{value.slot, {}});
  tell_present();
  return {};
}

void BpfPath::begin_release(const Ipv6Address& address) {
  if (const auto found = slots_.find(address); found != slots_.end())
    write_now(programs_->slots[found->second.number].draining, 1);
}

void BpfPath::end_diversion(const Ipv6Address& address) {
  const auto found = slots_.find(address);
  if (found == slots_.end()) return;
  const so_address key = key_of(address);
  (void)bpf_map_delete_elem(programs_->buffers(), &key);
  free_slots_.push_back(found->second.number);
  slots_.erase(found);
  tell_present();
}

// What a full queue of the TUN device lost is never read. After a while without news it is taken
// for gone: only what was redirected by then, so that a packet on its way is still waited for.
bool BpfPath::is_settled(const Ipv6Address& address) {
  const auto found = slots_.find(address);
  if (found == slots_.end()) return true;
  so_slot& slot = programs_->slots[found->second.number];
  const std::uint64_t redirected = read_now(slot.redirected);
  if (redirected <= read_now(slot.reinjected)) return true;
  const Instant now = net::read_clocks().boot;
  auto& missing = found->second.missing;
  if (!missing || missing->first < slot.reinjected) {
    missing = {redirected, now};
  } else if (now - missing->second >= kOnItsWay) {
    counted_.overflowed += missing->first - read_now(slot.reinjected);
    write_now(slot.reinjected, missing->first);
    missing.reset();
  }
  return false;
}

bool BpfPath::send_on(const Ipv6Address&, ByteView packet) { return tun_.send(packet); }

void BpfPath::account(const Ipv6Address& address) {
  const auto found = slots_.find(address);
  if (found == slots_.end()) return;
  so_slot& slot = programs_->slots[found->second.number];
  write_now(slot.reinjected, read_now(slot.reinjected) + 1);
  found->second.missing.reset();
}

void BpfPath::read_tun() {
  tun_.receive(kReadAtOnce, [this](ByteView packet) {
    const auto header = wire::Ipv6Header::parse(packet);
    if (!header || is_on_link_only(header->destination)) return;  // the device's own MLD
    const TunnelEnd* end = attached(header->source);
    if (end && packet.size() > end->inner_mtu()) return tell_too_big(*end, packet);
    // A straggler of a buffer that is gone.
    if (!take_held(header->destination, packet) && !take_copy(header->destination, packet))
      ++counted_.dropped;
  });
  drain_on();
}

Path::Counted BpfPath::counted() const {
  Counted all = counted_;
  all.encapsulated += programs_->counter(SO_ENCAPSULATED);
  all.decapsulated += programs_->counter(SO_DECAPSULATED);
  all.refused += programs_->counter(SO_REFUSED);
  all.failed += programs_->counter(SO_FAILED);
  return all;
}

}  // namespace sendoff::datapath
