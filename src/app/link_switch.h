// Moving an interface to another access point, by a program of the administrator's: how depends on
// the link. Without one the order is only logged, and somebody else moves the link.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "net/datapath.h"
#include "net/event_loop.h"

namespace sendoff::app {

class LinkSwitch {
 public:
  // `command` is called with the interface's name and the access point's address behind it.
  LinkSwitch(net::EventLoop& loop, std::vector<std::string> command);

  // Answers `done` when the program has ended: its exit status 0 is success.
  void run(const std::string& interface, const LinkAddress& access_point, net::Done done);

 private:
  void reap();

  std::vector<std::string> command_;
  std::map<pid_t, net::Done> running_;
};

}  // namespace sendoff::app
