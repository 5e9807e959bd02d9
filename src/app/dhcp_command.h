// DHCPv6 on a link where care-of addresses come from it (RFC 5568 5.2, GF33): a client of the
// administrator's choice, run for each such link, which prints the address that it was leased.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "net/datapath.h"
#include "net/event_loop.h"
#include "net/file_descriptor.h"

namespace sendoff::app {

class DhcpCommand {
 public:
  // `command` is called with the interface's name behind it. It obtains a lease, prints the address
  // as the first line of its standard output, and ends with status 0; the daemon puts the address
  // on the interface.
  DhcpCommand(net::EventLoop& loop, std::vector<std::string> command);
  ~DhcpCommand();
  DhcpCommand(const DhcpCommand&) = delete;
  DhcpCommand& operator=(const DhcpCommand&) = delete;

  // kUnsupported without a command. One that still runs is for a link that was left: it is ended.
  void run(const std::string& interface, net::Done done);

 private:
  [[nodiscard]] bool spawn(const std::string& interface);
  void ended();
  void end();

  net::EventLoop& loop_;
  std::vector<std::string> command_;
  pid_t child_ = 0;
  net::FileDescriptor process_;  // readable when the child has ended
  net::FileDescriptor output_;
  net::EventLoop::Watch watch_;
  net::Done done_;
};

}  // namespace sendoff::app
