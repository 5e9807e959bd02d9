// The promises, each by its name (docs/simulator.md says them in words).
#pragma once

#include <map>
#include <set>

#include "base/secret.h"
#include "sim/promise.h"

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

// No key outlives its lifetime, at either end, in memory or in a store.
class KeyLifetime final : public Promise {
 public:
  using Promise::Promise;
  [[nodiscard]] std::string_view name() const override { return "no-key-outlives-its-lifetime"; }
  void asked(const Node& node, const machine::ActionKind& action) override;
  void clock_stepped(const Node& node, Duration by) override;
  void second() override;

 private:
  std::map<std::string, WorldTime> issued_;  // by fingerprint
  std::map<const Node*, Duration> stepped_;  // a restart believes the UTC clock
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

}  // namespace sendoff::sim
