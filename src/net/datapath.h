// What moves users' packets: tunnels and buffers (RFC 5568 section 4). The machines order them by
// actions; a backend carries them out. ControlPlaneOnly is the backend of a daemon that leaves
// traffic to others: it agrees to everything and counts.
#pragma once

#include <functional>

#include "machine/input.h"

namespace sendoff::net {

// Called exactly once, on the loop's thread, before the call that took it returns or later.
using Done = std::function<void(Result<machine::Facts, machine::ActionError>)>;

class Datapath {
 public:
  virtual ~Datapath() = default;
  virtual void carry_out(const machine::InstallBinding& action, Done done) = 0;
  virtual void carry_out(const machine::RemoveBinding& action, Done done) = 0;
  virtual void carry_out(const machine::AttachTunnel& action, Done done) = 0;
  virtual void carry_out(const machine::DetachTunnel& action, Done done) = 0;
  virtual void carry_out(const machine::OpenBuffer& action, Done done) = 0;
  virtual void carry_out(const machine::ReleaseBuffer& action, Done done) = 0;
  virtual void carry_out(const machine::DiscardBuffer& action, Done done) = 0;
};

class ControlPlaneOnly final : public Datapath {
 public:
  void carry_out(const machine::InstallBinding& action, Done done) override;
  void carry_out(const machine::RemoveBinding& action, Done done) override;
  void carry_out(const machine::AttachTunnel& action, Done done) override;
  void carry_out(const machine::DetachTunnel& action, Done done) override;
  void carry_out(const machine::OpenBuffer& action, Done done) override;
  void carry_out(const machine::ReleaseBuffer& action, Done done) override;
  void carry_out(const machine::DiscardBuffer& action, Done done) override;

  struct Counters {
    std::uint64_t bindings_installed = 0;
    std::uint64_t bindings_removed = 0;
    std::uint64_t tunnel_orders = 0;
    std::uint64_t buffer_orders = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  Counters counters_;
};

}  // namespace sendoff::net
