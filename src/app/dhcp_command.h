// DHCPv6 on a link where care-of addresses come from it (RFC 5568 5.2, GF33): a client of the
// administrator's choice, run for each such link, which prints the address that it was leased.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/child.h"
#include "net/datapath.h"
#include "net/event_loop.h"

namespace sendoff::app {

class DhcpCommand {
 public:
  // `command` is called with the interface's name behind it, and may bind port 546. It obtains a
  // lease and prints the address as the first line of its standard output; the daemon puts the
  // address on the interface. It ends then, with status 0, or goes on and renews the lease until
  // the link is left and it is killed.
  DhcpCommand(net::EventLoop& loop, std::vector<std::string> command)
      : loop_(loop), command_(std::move(command)) {}
  ~DhcpCommand() { end(); }
  DhcpCommand(const DhcpCommand&) = delete;
  DhcpCommand& operator=(const DhcpCommand&) = delete;

  // Answers `done` with the address; kUnsupported without a command; kRefused when the command
  // cannot be run, ends or prints something else first, or has printed nothing after 30 s. Each is
  // logged. One that still runs is for a link that was left: it is ended.
  void run(const std::string& interface, net::Done done);
  // The link that this interface was on is another one now, or none.
  void left(std::string_view interface);

 private:
  void printed(std::string_view line);
  void ended(const net::ChildEnd& end);
  void refuse(const std::string& why);
  void end();

  net::EventLoop& loop_;
  std::vector<std::string> command_;
  std::unique_ptr<net::Child> child_;
  std::string interface_;
  std::string address_;  // that it printed
  net::Done done_;
};

}  // namespace sendoff::app
