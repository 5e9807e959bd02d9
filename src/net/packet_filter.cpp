#include "net/packet_filter.h"

#include <linux/if_packet.h>

#include <algorithm>

#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::net {

namespace {

constexpr std::uint32_t kWholePacket = 0x40000;
constexpr int kMaxExtensionHeaders = 4;
// Scratch memory of a program.
constexpr std::uint32_t kNextHeader = 0;
constexpr std::uint32_t kHadOptions = 1;
constexpr std::uint32_t kSourceOffset = 8;
constexpr std::uint32_t kDestinationOffset = 24;

class Program {
 public:
  enum class Label : std::uint8_t {
    kAccept,
    kReject,
    kIcmp,
    kMobility,
    kFragment,
    kOther,
    kDestination,
    kPeer
  };

  void add(int code, std::uint32_t k = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), 0, 0, k});
  }
  // Conditional jumps reach 255 instructions, JA reaches all: each jump is a skip and a JA.
  void jump(Label label) {
    fixups_.emplace_back(code_.size(), label);
    add(BPF_JMP | BPF_JA);
  }
  void jump_if_equal(std::uint32_t value, Label label) {
    code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value});
    jump(label);
  }
  void jump_unless_equal(std::uint32_t value, Label label) {
    code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value});
    jump(label);
  }
  void jump_if_within(std::uint32_t first, std::uint32_t last, Label label) {
    if (first == last) return jump_if_equal(first, label);
    code_.push_back({BPF_JMP | BPF_JGE | BPF_K, 0, 2, first});
    code_.push_back({BPF_JMP | BPF_JGT | BPF_K, 1, 0, last});
    jump(label);
  }
  // Skips `count` instructions.
  void skip_if_equal(std::uint32_t value, std::uint8_t count) {
    code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, count, 0, value});
  }
  void skip_unless_equal(std::uint32_t value, std::uint8_t count) {
    code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, count, value});
  }
  void place(Label label) { places_[static_cast<std::size_t>(label)] = code_.size(); }

  [[nodiscard]] std::vector<sock_filter> finish() {
    for (const auto& [at, label] : fixups_)
      code_[at].k = static_cast<std::uint32_t>(places_[static_cast<std::size_t>(label)] - at - 1);
    return code_;
  }

 private:
  std::vector<sock_filter> code_;
  std::vector<std::pair<std::size_t, Label>> fixups_;
  std::array<std::size_t, 8> places_{};
};

using Label = Program::Label;

void load_octet(Program& program, std::uint32_t offset_from_x) {
  program.add(BPF_LD | BPF_B | BPF_IND, offset_from_x);
}

// Leaves the upper protocol in A and its offset in X.
void walk_headers(Program& program, const PacketSelection& selection) {
  program.add(BPF_LD | BPF_IMM, 0);
  program.add(BPF_ST, kHadOptions);
  program.add(BPF_LD | BPF_B | BPF_ABS, 6);
  program.add(BPF_LDX | BPF_W | BPF_IMM, wire::Ipv6Header::kSize);
  for (int i = 0; i <= kMaxExtensionHeaders; ++i) {
    if (!selection.icmp_types.empty()) {
      program.jump_if_equal(wire::kProtocolIcmpv6, Label::kIcmp);
      program.jump_if_equal(wire::kProtocolFragment, Label::kFragment);
    }
    if (!selection.mobility_types.empty())
      program.jump_if_equal(wire::kProtocolMobility, Label::kMobility);
    if (i == kMaxExtensionHeaders) break;
    // The three that have a length in their second octet; any other ends the walk.
    program.skip_if_equal(wire::kProtocolHopByHop, 3);
    program.skip_if_equal(wire::kProtocolRouting, 2);
    program.skip_if_equal(wire::kProtocolDestinationOptions, 1);
    program.jump(Label::kOther);
    program.skip_unless_equal(wire::kProtocolDestinationOptions, 2);
    program.add(BPF_LD | BPF_IMM, 1);
    program.add(BPF_ST, kHadOptions);
    load_octet(program, 0);
    program.add(BPF_ST, kNextHeader);
    load_octet(program, 1);
    program.add(BPF_ALU | BPF_ADD | BPF_K, 1);
    program.add(BPF_ALU | BPF_LSH | BPF_K, 3);
    program.add(BPF_ALU | BPF_ADD | BPF_X);
    program.add(BPF_MISC | BPF_TAX);
    program.add(BPF_LD | BPF_MEM, kNextHeader);
  }
  program.jump(Label::kReject);
}

// Two comparisons for each run of successive types, however long it is.
void accept_types(Program& program, std::vector<std::uint8_t> types, Label label) {
  std::ranges::sort(types);
  for (auto first = types.begin(); first != types.end();) {
    auto last = first;
    while (last + 1 != types.end() && last[1] <= *last + 1) ++last;
    program.jump_if_within(*first, *last, label);
    first = last + 1;
  }
  program.jump(Label::kReject);
}

// `offset`: of the address in the packet, as BPF_ABS has it.
void jump_if_among(Program& program, const std::vector<Ipv6Address>& addresses,
                   std::uint32_t offset, Label label) {
  for (const Ipv6Address& address : addresses) {
    Reader words(address.view());
    constexpr std::uint8_t kWords = 4;
    for (std::uint8_t i = 0; i < kWords; ++i) {
      program.add(BPF_LD | BPF_W | BPF_ABS, offset + 4U * i);
      // To the next address: over what is left of this one, two instructions a word, and its JA.
      const auto rest = static_cast<std::uint8_t>(2 * (kWords - 1 - i) + 1);
      program.skip_unless_equal(words.u32(), rest);
    }
    program.jump(label);
  }
}

template <typename... Types>
std::vector<std::uint8_t> numbers(Types... types) {
  return {static_cast<std::uint8_t>(types)...};
}

constexpr std::array kHandoverTypes{wire::MobilityType::kHandoverInitiate,
                                    wire::MobilityType::kHandoverAcknowledge};

void place_verdicts(Program& program) {
  program.place(Label::kAccept);
  program.add(BPF_RET | BPF_K, kWholePacket);
  program.place(Label::kReject);
  program.add(BPF_RET | BPF_K, 0);
}

}  // namespace

PacketSelection neighbour_discovery() {
  using enum wire::Icmpv6Type;
  PacketSelection selection;
  selection.icmp_types =
      numbers(kRouterSolicitation, kRouterAdvertisement, kNeighborSolicitation,
              kNeighborAdvertisement, kRedirect, kCertificationPathSolicitation, kFastMobility);
  return selection;
}

PacketSelection path_questions() {
  PacketSelection selection;
  selection.icmp_types = numbers(wire::Icmpv6Type::kCertificationPathSolicitation);
  return selection;
}

PacketSelection mobility_headers(const std::vector<Ipv6Address>& destinations,
                                 const std::vector<std::uint8_t>& others) {
  constexpr auto kBindingError = static_cast<unsigned>(wire::MobilityType::kBindingError);
  PacketSelection selection;
  for (unsigned type = kBindingError; type <= 0xff; ++type)
    if (type == kBindingError || std::ranges::find(others, type) == others.end())
      selection.mobility_types.push_back(static_cast<std::uint8_t>(type));
  selection.destinations = destinations;
  return selection;
}

std::vector<sock_filter> compile_filter(const PacketSelection& selection) {
  Program program;
  program.add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE));
  for (const int kind : {PACKET_OTHERHOST, PACKET_OUTGOING, PACKET_LOOPBACK})
    program.jump_if_equal(static_cast<std::uint32_t>(kind), Label::kReject);
  program.add(BPF_LD | BPF_B | BPF_ABS, 0);
  program.add(BPF_ALU | BPF_AND | BPF_K, 0xf0);
  program.jump_unless_equal(0x60, Label::kReject);
  walk_headers(program, selection);

  program.place(Label::kIcmp);
  load_octet(program, 0);
  accept_types(program, selection.icmp_types, Label::kAccept);

  program.place(Label::kFragment);
  load_octet(program, 0);
  program.jump_unless_equal(wire::kProtocolIcmpv6, Label::kReject);
  program.add(BPF_LD | BPF_H | BPF_IND, 2);
  program.add(BPF_ALU | BPF_AND | BPF_K, 0xfff8);
  program.jump_unless_equal(0, Label::kReject);
  load_octet(program, wire::FragmentHeader::kSize);
  accept_types(program, selection.icmp_types, Label::kAccept);

  program.place(Label::kOther);
  if (selection.destination_options) {
    program.add(BPF_LD | BPF_MEM, kHadOptions);
    program.jump_if_equal(1, Label::kDestination);
  }
  program.jump(Label::kReject);

  program.place(Label::kMobility);
  load_octet(program, 2);
  if (!selection.policed.empty() && selection.policed.size() <= PacketSelection::kMaxDestinations)
    for (const wire::MobilityType type : kHandoverTypes)
      program.jump_if_equal(static_cast<std::uint8_t>(type), Label::kPeer);
  accept_types(program, selection.mobility_types, Label::kDestination);
  program.place(Label::kPeer);
  if (selection.policed.size() <= PacketSelection::kMaxDestinations)
    jump_if_among(program, selection.policed, kSourceOffset, Label::kReject);
  program.place(Label::kDestination);
  if (selection.destinations.size() > PacketSelection::kMaxDestinations)
    program.jump(Label::kAccept);
  else
    jump_if_among(program, selection.destinations, kDestinationOffset, Label::kAccept);
  program.jump(Label::kReject);

  place_verdicts(program);
  return program.finish();
}

std::vector<sock_filter> compile_filter(const EspSelection& selection) {
  Program program;
  if (selection.spis.size() + selection.neighbours.size() > EspSelection::kMax) {
    program.jump(Label::kAccept);
  } else if (!selection.empty()) {
    // A socket's filter sees the network header at an offset of its own.
    jump_if_among(program, selection.neighbours,
                  static_cast<std::uint32_t>(SKF_NET_OFF) + kSourceOffset, Label::kAccept);
    program.add(BPF_LD | BPF_W | BPF_ABS, 0);
    for (const std::uint32_t spi : selection.spis) program.jump_if_equal(spi, Label::kAccept);
  }
  program.jump(Label::kReject);
  place_verdicts(program);
  return program.finish();
}

std::vector<sock_filter> compile_handover_filter() {
  Program program;
  program.add(BPF_LD | BPF_B | BPF_ABS, 2);
  for (const wire::MobilityType type : kHandoverTypes)
    program.jump_if_equal(static_cast<std::uint8_t>(type), Label::kAccept);
  program.jump(Label::kReject);
  place_verdicts(program);
  return program.finish();
}

}  // namespace sendoff::net
