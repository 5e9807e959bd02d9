// The traffic of a run: numbered datagrams from the correspondent to the MN at a steady rate, and a
// paced TCP transfer the same way. Real sockets, a thread each.
#pragma once

#include <cstdint>
#include <memory>

#include "base/address.h"
#include "base/time.h"
#include "lab/namespace.h"

namespace sendoff::lab {

// At the correspondent. A datagram with the text "moved" from the MN makes its source the new
// destination: what a Mobile IPv6 binding update would do for plain IPv6.
class Sender {
 public:
  [[nodiscard]] static Attempt<std::unique_ptr<Sender>> start(const Namespace& space,
                                                              const Ipv6Address& destination,
                                                              unsigned rate_per_s);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void stop();
  [[nodiscard]] std::uint64_t made() const;

 private:
  struct State;
  explicit Sender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The application at the MN: listens on all its addresses.
class Receiver {
 public:
  [[nodiscard]] static Attempt<std::unique_ptr<Receiver>> start(const Namespace& space);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  void stop();
  // Different datagrams that the application has got by now.
  [[nodiscard]] std::uint64_t received() const;
  // After stop().
  [[nodiscard]] bool got(std::uint64_t sequence) const;

 private:
  struct State;
  explicit Receiver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Tells the correspondent's Sender that `source` is the MN's address now. Call it inside the MN's
// namespace.
[[nodiscard]] Attempt<> tell_moved(const Ipv6Address& source);

}  // namespace sendoff::lab
