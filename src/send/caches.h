// The small bounded tables of the receive pipeline: messages seen (GS34), nonces sent (GS8), and
// the RSA budget (RFC 3971 9.3, HK-5-03).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "base/address.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "machine/rate.h"
#include "send/message.h"

namespace sendoff::send {

// Messages verified within a window, by the SHA-256 of the octets that their signature covers.
class Duplicates {
 public:
  Duplicates(Duration window, std::size_t max_entries);
  ~Duplicates();
  void configure(Duration window, std::size_t max_entries);
  [[nodiscard]] bool seen(const crypto::Sha256Digest& digest, Instant now) const;
  void remember(const crypto::Sha256Digest& digest, Instant now);  // the oldest gives way
  [[nodiscard]] std::size_t size() const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

// What a solicitation asks: its answers are known by this and by its Nonce (GS8).
struct Question {
  InterfaceId interface;
  Kind kind = Kind::kRouterSolicitation;  // of the solicitation
  Ipv6Address target;                     // of a Neighbor Solicitation; :: of others
  friend bool operator==(const Question&, const Question&) = default;
};

// Nonces of solicitations sent. Not consumed by a match: several routers answer one RS.
class Nonces {
 public:
  explicit Nonces(std::size_t max_entries = 64) : max_entries_(max_entries) {}
  void remember(const Question& question, Bytes nonce, Instant until);
  void forget(ByteView nonce);
  [[nodiscard]] bool sent(const Question& question, ByteView nonce, Instant now) const;

 private:
  struct Entry {
    Question question;
    Bytes nonce;
    Instant until;
  };
  std::size_t max_entries_;
  std::deque<Entry> entries_;
};

struct BudgetConfig {
  std::uint32_t per_source_s = 20;      // RSA verifications a second for one frame source
  std::uint32_t per_interface_s = 500;  // for all sources of an interface, in each Share
  std::size_t max_sources = 4096;       // whose buckets are kept
};

// Whose part of the budget an operation is taken from. None is taken by a flood of another's.
enum class Share : std::uint8_t {
  kStrangers,
  kKnown,  // peers that proved themselves before (a timestamp record)
  // What waited apart from what strangers send (Received::proven), whoever the frame says that it
  // is from: the host bounds what comes in the name of one.
  kProven,
  kAsked,  // answers to what this node asked, whoever the frame says that they are from
  kCount,
};

// RSA operations that may be spent in a second. A stranger whose frame source has just cost one for
// nothing, or has no bucket for want of room, is served only while half of the strangers' share is
// left: the other half is for those of whom nothing bad is known.
class Budget {
 public:
  explicit Budget(const BudgetConfig& config);
  ~Budget();
  void configure(const BudgetConfig& config);
  [[nodiscard]] bool take(InterfaceId interface, const LinkAddress& source, Share share,
                          Instant now);
  // Whether take() would be refused for want of what all sources share.
  [[nodiscard]] bool spent(InterfaceId interface, const LinkAddress& source, Share share,
                           Instant now) const;
  // What was spent on a message from this source was for nothing: its signature is none.
  void wasted(InterfaceId interface, const LinkAddress& source, Instant now);
  [[nodiscard]] std::size_t sources() const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace sendoff::send
