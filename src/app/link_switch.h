// Moving an interface to another access point: how depends on the link, so the administrator says
// who does it. A program, run for each move; or a link manager that serves a Unix socket, which
// costs no new process while the node is between two links. With neither, the order is only logged,
// and somebody else moves the link.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/child.h"
#include "net/datapath.h"
#include "net/event_loop.h"
#include "net/file_descriptor.h"

namespace sendoff::app {

class LinkSwitch {
 public:
  // `command` is called with the interface's name and the access point's address behind it. When
  // `socket` is not empty, it is asked instead: a connection for each move, on which "INTERFACE
  // ACCESS-POINT" is written as a line, and a line "ok" is expected.
  LinkSwitch(net::EventLoop& loop, std::vector<std::string> command, std::string socket);

  // Answers `done` when the program has ended (its exit status 0 is success; after 30 s it is
  // killed), or when the socket has answered or closed.
  void run(const std::string& interface, const LinkAddress& access_point, net::Done done);

 private:
  struct Asked {
    net::FileDescriptor fd;
    net::EventLoop::Watch watch;
    std::string answer;
    net::Done done;
  };
  struct Running {
    std::unique_ptr<net::Child> child;
    net::Done done;
  };

  void spawn(const std::string& interface, const LinkAddress& access_point, net::Done done);
  void ended(std::list<Running>::iterator running, const net::ChildEnd& end);
  void ask(const std::string& interface, const LinkAddress& access_point, net::Done done);
  void read_answer(std::list<Asked>::iterator asked);

  net::EventLoop& loop_;
  std::vector<std::string> command_;
  std::string socket_;
  std::list<Running> running_;
  std::list<Asked> asked_;
};

}  // namespace sendoff::app
