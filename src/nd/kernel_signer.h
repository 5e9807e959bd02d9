// What the kernel sends of Neighbor Discovery, secured before it leaves (RFC 3971 5.1 to 5.3, 8):
// CGA, Timestamp, Nonce and RSA Signature options, the Nonce drawn for a solicitation and that of
// the solicitation for its answer. A message whose address is no CGA of ours passes unsigned in
// mixed mode and is dropped else. Signatures are jobs; their number is bounded for each neighbour,
// each interface and in all; who has proved himself does not share with strangers, so that packets
// to thousands of addresses that nobody has take no neighbour away (RFC 3971 9.2.6).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "base/random.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "nd/guard_config.h"
#include "nd/own_addresses.h"
#include "nd/secured_neighbours.h"
#include "send/receiver.h"
#include "send/sender.h"
#include "wire/ipv6.h"

namespace sendoff::nd {

class KernelSigner {
 public:
  // What it is given outlives it. `nonces` and `stamps` learn what was sent.
  struct Surroundings {
    const GuardConfig& config;
    const GuardedLinks& links;
    const OwnAddresses& own;
    const SecuredNeighbours& neighbours;
    const ProvenNeighbours& proven;
    send::Nonces& nonces;
    send::Stamps& stamps;
    Random& random;
    machine::Outbox& outbox;
    Counters<GuardCounter>& counters;
  };
  explicit KernelSigner(const Surroundings& surroundings)
      : around_(surroundings),
        questions_budget_(surroundings.config.signatures),
        answers_budget_(surroundings.config.signatures) {}
  void configure() {
    questions_budget_.configure(around_.config.signatures);
    answers_budget_.configure(around_.config.signatures);
  }

  // A message of the kernel's with its HoldId: a verdict follows, at once or with its signature.
  void handle(Now now, const machine::Received& received);
  // A secured solicitation is given to the kernel: its answer, if it comes soon, has the Nonce.
  void asked(Now now, const send::Judged& solicitation);

  // Answers a secured solicitation for `own` in the kernel's place, with its Nonce, to where its
  // frame came from. False: within no bound of signatures, or too big.
  [[nodiscard]] bool answer(Now now, const send::Judged& solicitation, const OwnAddresses::Own& own,
                            bool router);

  // A Router Solicitation of the guard's own (RFC 3971 8), to all routers; `from_unspecified`: with
  // a Nonce alone (GS26), else none while the interface has no link-local address.
  void solicit_routers(Now now, InterfaceId interface, bool from_unspecified);

  [[nodiscard]] bool owns(machine::JobId job) const { return signing_.contains(job); }
  void complete(const machine::JobResult& result);
  void drop(InterfaceId interface);

 private:
  struct Outgoing {
    machine::HoldId hold;
    InterfaceId interface;
    Ipv6Address source;
    Ipv6Address destination;
    ByteView icmp;
    std::size_t fixed = 0;  // octets before the options
    wire::OptionList options;

    [[nodiscard]] wire::Icmpv6Type type() const { return static_cast<wire::Icmpv6Type>(icmp[0]); }
  };
  // Whose will a message is: a stranger's question must not keep us from asking.
  enum class Will : std::uint8_t { kOurs, kTheirs };
  struct Signing {
    std::optional<machine::HoldId> hold;  // nothing: a message of the guard's own
    InterfaceId interface;
    Ipv6Address source;
    Ipv6Address destination;
    std::optional<LinkAddress> link_destination;  // of that; nothing: the host resolves it
    Will will = Will::kOurs;
  };
  // A solicitation of a neighbour's that the kernel may be about to answer.
  struct Question {
    InterfaceId interface;
    send::Kind kind = send::Kind::kNeighborSolicitation;
    Ipv6Address from;
    Ipv6Address target;  // :: for routers
    Bytes nonce;
    Instant until;
  };

  [[nodiscard]] static std::optional<Outgoing> read(const machine::Received& received,
                                                    const wire::PacketView& packet);
  void not_ours(const Outgoing& outgoing);
  // Once for each address.
  void warn_of(const Outgoing& outgoing);
  void solicit_from_unspecified(Now now, const Outgoing& outgoing);
  void secure(Now now, const Outgoing& outgoing, const OwnAddresses::Own& own);
  // Without its octets and its Nonce.
  [[nodiscard]] send::Unsigned message_from(InterfaceId interface, const OwnAddresses::Own& own,
                                            const Ipv6Address& destination) const;
  // Of a message to a neighbour or about one. Nothing: it may be signed now.
  [[nodiscard]] std::optional<GuardCounter> bound(Now now, InterfaceId interface,
                                                  const Ipv6Address& neighbour, Will will);
  [[nodiscard]] std::optional<GuardCounter> start(Now now, send::Unsigned message,
                                                  const Signing& signing);
  [[nodiscard]] Ipv6Address destination_of(const Outgoing& outgoing) const;
  // False: the random source failed.
  [[nodiscard]] bool choose_nonce(Now now, const Outgoing& outgoing, std::optional<Bytes>& nonce);
  // Of a solicitation, remembered for its answer; nothing: the random source failed.
  [[nodiscard]] std::optional<Bytes> draw_nonce(Now now, const send::Question& question);
  [[nodiscard]] std::optional<Bytes> take_question(Now now, const Outgoing& outgoing);
  void drop(std::optional<machine::HoldId> hold, GuardCounter why);

  Surroundings around_;
  send::Budget questions_budget_;
  send::Budget answers_budget_;
  std::map<machine::JobId, Signing> signing_;
  std::deque<Question> questions_;  // oldest first
  std::set<std::pair<InterfaceId, Ipv6Address>> warned_of_;
};

}  // namespace sendoff::nd
