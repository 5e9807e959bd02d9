// The promises, each by its name (docs/simulator.md says them in words).
#pragma once

#include <map>
#include <set>

#include "base/secret.h"
#include "sim/promise.h"
#include "wire/mobility.h"

namespace sendoff::sim {

class MobileNode;
class RouterNode;

// Only the owner of a CGA ever moves its traffic: a binding stands for what an FBU of the owner
// asked for, or for what the router there gave instead; and only the owner, or time, ends it.
class OwnerMoves final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "only-the-owner-moves"; }
  void asked(const Node& node, const machine::ActionKind& action) override;

 private:
  struct Asked {
    std::set<Ipv6Address> care_of;
    bool ended = false;
  };
  void updated(const Node& node, ByteView packet);
  void installed(const machine::InstallBinding& binding);
  std::map<Ipv6Address, Asked> asked_;
};

// A handover key is known to nobody but its MN and its AR: it is sealed for the owner's pair alone,
// opened by the owner alone, in no packet as it is, and no two CGAs ever have the same.
class KeySecrecy final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "keys-are-secret"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
  void job_ended(const Node& node, const machine::Job& job,
                 const machine::JobOutput& output) override;

 private:
  struct Key {
    Ipv6Address cga;
    const Node* router = nullptr;
  };
  std::map<Bytes, Key> keys_;
};

// No state is stored for an unverified sender: a router keeps keys only for CGAs whose owner asked
// for one, with his signature.
class VerifiedState final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "no-state-for-the-unverified"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
};

// No key outlives its lifetime, at either end, in memory or in a store. A router that starts again
// believes its UTC clock, and a mobile node believes its router.
class KeyLifetime final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "no-key-outlives-its-lifetime"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
  void second() override;

 private:
  struct Issued {
    WorldTime at{};
    const Node* router = nullptr;
  };
  std::map<std::string, Issued> issued_;  // by fingerprint
};

// What a router's FBacks say, and under which key it says so: the base of promises about them.
class AnsweredUpdates : public Promise {
 public:
  using Promise::Promise;
  void asked(const Node& node, const machine::ActionKind& action) override;
  void crashed(const Node& node, bool store_lost) override;

 protected:
  struct Answer {
    Ipv6Address pcoa;
    ByteView key;  // that authenticates it
    wire::FastBindingAcknowledgement fback;
  };
  // An FBack with which the router grants what the owner of `pcoa` asked for.
  virtual void granted(const Node&, const Answer&) {}

 private:
  struct Issued {
    crypto::Algorithm algorithm{};
    Secret key;
  };
  struct Asked {
    Ipv6Address pcoa;
    Ipv6Address care_of_term;
    friend auto operator<=>(const Asked&, const Asked&) = default;
  };
  using Question = std::pair<Ipv6Address, std::uint16_t>;  // PAR, sequence number
  void updated(const Node& node, ByteView packet);
  void acknowledged(const Node& node, ByteView packet);
  std::map<std::pair<const Node*, Ipv6Address>, std::vector<Issued>> issued_;  // by CGA
  std::map<Question, std::set<Asked>> asked_;
};

// What was answered is stored: no key leaves before the store has it, and no FBack before the
// store has a sequence number that bars its FBU from coming again (GF42), nor one that ends a
// binding before the store has forgotten that.
class StoredFirst final : public AnsweredUpdates {
 public:
  using AnsweredUpdates::AnsweredUpdates;
  [[nodiscard]] std::string_view name() const override { return "answered-is-stored"; }
  void asked(const Node& node, const machine::ActionKind& action) override;

 private:
  void granted(const Node& node, const Answer& answer) override;
  std::map<Bytes, Ipv6Address> issued_to_;  // handover keys
};

// An FBU counts once: what a later one replaced is never granted again, nor, after a restart, what
// was granted before.
class CountsOnce final : public AnsweredUpdates {
 public:
  using AnsweredUpdates::AnsweredUpdates;
  [[nodiscard]] std::string_view name() const override { return "an-update-counts-once"; }
  void crashed(const Node& node, bool store_lost) override;

 private:
  struct Granted {
    std::map<std::uint16_t, WorldTime> since_start;
    std::set<std::uint16_t> before;  // the last restart
  };
  void granted(const Node& node, const Answer& answer) override;
  std::map<const Node*, std::map<Bytes, Granted>> granted_;  // by handover key
};

// No binding stands longer than its owner was told.
class BindingLifetime final : public AnsweredUpdates {
 public:
  using AnsweredUpdates::AnsweredUpdates;
  [[nodiscard]] std::string_view name() const override {
    return "no-binding-outlives-its-lifetime";
  }
  void second() override;

 private:
  void granted(const Node& node, const Answer& answer) override;
  std::map<std::pair<const Node*, Ipv6Address>, WorldTime> until_;
};

// A mobile node follows only FBacks that its router sent.
class TrueAnswers final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "only-the-router-answers"; }
  void asked(const Node& node, const machine::ActionKind& action) override;

 private:
  struct Said {
    Ipv6Address router;
    std::uint8_t status = 0;
    std::uint16_t sequence = 0;
    friend auto operator<=>(const Said&, const Said&) = default;
  };
  std::set<Said> said_;
};

// A mobile node takes only those for routers that their certificates make ones.
class CertifiedRouters final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "routers-are-certified"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
};

// No solicitation of a mobile node has the nonce of another one (RFC 3971 5.3.3).
class FreshNonces final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "nonces-are-fresh"; }
  void asked(const Node& node, const machine::ActionKind& action) override;

 private:
  std::map<Bytes, Bytes> used_;  // nonce: the packet
};

// A router answers no solicitation twice, but with the octets of its first answer: what is replayed
// is known as a copy, or stale. A restart forgets what it heard, and so does a full table.
class AnsweredOnce final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "a-request-is-answered-once"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
  void crashed(const Node& node, bool store_lost) override;

 private:
  std::map<const Node*, std::map<Bytes, Bytes>> answers_;  // by nonce: the packet
};

// A new router gives nobody an address of which its probe just found that somebody else has it. An
// answer whose signature does not count (old, forged, one too many) is none (GS5, GS6).
class InUse final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "in-use-is-not-given"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
  void heard(const Node& node, const machine::Received& received) override;
  void job_ended(const Node& node, const machine::Job& job,
                 const machine::JobOutput& output) override;

 private:
  struct Claim {
    LinkAddress owner;
    Bytes content;  // of its signature option
  };
  struct Probe {
    WorldTime at{};
    std::optional<LinkAddress> owner = std::nullopt;  // who answered it
    std::vector<Claim> claims;                        // whose signatures are not verified
  };
  std::map<std::pair<const Node*, Ipv6Address>, Probe> probed_;
};

// At the end no host has anything for a node that its program knows nothing of.
class NothingLeft final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "nothing-is-left-behind"; }
  void ended() override;
};

// Every table stays within its bound, and at the end nothing is held for anybody.
class Bounds final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "tables-within-bounds"; }
  void second() override;
  void ended() override;
};

// No datagram is delivered to a wrong node. A rogue router does as it likes with what is for its
// own link, as every router could: it may give one node's address to another.
class RightNode final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "right-node"; }
  void delivered(const Node& node, const Mark& mark) override;
};

// None is delivered twice, unless the world made two of it.
class DeliveredOnce final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "delivered-once"; }
  void copied(const Mark& mark) override;
  void delivered(const Node& node, const Mark& mark) override;
  void echoed(const Mark& mark) override;

 private:
  void count(const Mark& mark);
  std::map<Mark, int> copies_;  // that the world made besides
  std::map<Mark, int> arrivals_;
};

// No packet goes round between routers: it is never in the same tunnel twice.
class NoLoops final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "no-tunnel-loops"; }
  void tunnelled(ByteView packet) override;
};

// When the faults have stopped, every mobile node is reachable again within a bound: at the end of
// the recovery, what was sent to it lately has arrived.
class Reachable final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "reachable-again"; }
  void emitted(const Mark& mark, const Ipv6Address& destination) override;
  void delivered(const Node& node, const Mark& mark) override;
  void ended() override;

 private:
  struct Sent {
    Mark mark;
    Ipv6Address destination;
    WorldTime at;
    bool arrived = false;
  };
  std::map<std::uint32_t, std::vector<Sent>> last_;  // by stream, the newest few
};

// The AR's and the MN's idea of a live key agree, or the MN has another one within a bound: at the
// end every node has a key of its router that the router has too.
class KeysAgree final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "keys-agree"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
  void ended() override;

 private:
  // Whose router answered none of its requests on this link: then it must not ask again there
  // (FH-5.1-01).
  std::set<const Node*> unanswered_;
  // Routers and the nodes that their full tables have no room for.
  std::set<std::pair<const Node*, std::string>> no_room_;
};

// Without faults a predictive handover loses nothing.
class NothingLost final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "nothing-lost"; }
  void emitted(const Mark& mark, const Ipv6Address& destination) override;
  void delivered(const Node& node, const Mark& mark) override;
  void ended() override;

 private:
  std::map<Mark, WorldTime> missing_;
};

// Nor does it change the order of what is sent to one address.
class InOrder final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "in-order"; }
  void emitted(const Mark& mark, const Ipv6Address& destination) override;
  void delivered(const Node& node, const Mark& mark) override;

 private:
  std::map<Mark, Ipv6Address> sent_to_;
  std::map<std::pair<std::uint32_t, Ipv6Address>, std::uint32_t> last_;  // by stream
};

// Without other faults a node that left without an order loses nothing from the moment on in which
// its previous router has its FBU (GF56). Where it is now must be its own to be reached at: a
// router that it comes back to forwards until it has a key again, and ends that (GF57).
class HeldMeanwhile final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "held-from-the-update-on"; }
  void heard(const Node& node, const machine::Received& received) override;
  void asked(const Node& node, const machine::ActionKind& action) override;
  void emitted(const Mark& mark, const Ipv6Address& destination) override;
  void delivered(const Node& node, const Mark& mark) override;
  void ended() override;

 private:
  std::map<Ipv6Address, std::set<Mark>> waiting_;  // by PCoA: since its FBU came
  std::set<Mark> owed_;                            // since a binding stands
};

}  // namespace sendoff::sim
