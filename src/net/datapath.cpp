#include "net/datapath.h"

namespace sendoff::net {

void ControlPlaneOnly::carry_out(const machine::InstallBinding&, Done done) {
  ++counters_.bindings_installed;
  done(machine::Facts{});
}

void ControlPlaneOnly::carry_out(const machine::RemoveBinding&, Done done) {
  ++counters_.bindings_removed;
  done(machine::Facts{});
}

void ControlPlaneOnly::carry_out(const machine::AttachTunnel&, Done done) {
  ++counters_.tunnel_orders;
  done(machine::Facts{});
}

void ControlPlaneOnly::carry_out(const machine::DetachTunnel&, Done done) {
  ++counters_.tunnel_orders;
  done(machine::Facts{});
}

void ControlPlaneOnly::carry_out(const machine::OpenBuffer&, Done done) {
  ++counters_.buffer_orders;
  done(machine::Facts{});
}

void ControlPlaneOnly::carry_out(const machine::ReleaseBuffer&, Done done) {
  ++counters_.buffer_orders;
  done(machine::Facts{});
}

void ControlPlaneOnly::carry_out(const machine::DiscardBuffer&, Done done) {
  ++counters_.buffer_orders;
  done(machine::Facts{});
}

}  // namespace sendoff::net
