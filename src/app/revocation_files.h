// Certificate revocation lists of the host (GS24): files in a directory, fetched there by a program
// of the administrator's choice or by nobody.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/child.h"
#include "net/datapath.h"
#include "net/event_loop.h"

namespace sendoff::app {

class RevocationFiles {
 public:
  // `directory` may be empty: there are no lists. `command` is called with the directory and then
  // the addresses that certificates name behind it (rsync, http, https), and puts what it fetches
  // there under names of its choice, whole or not at all; names that begin with a dot are not read.
  RevocationFiles(net::EventLoop& loop, std::string directory, std::vector<std::string> command)
      : loop_(loop), directory_(std::move(directory)), command_(std::move(command)) {}
  ~RevocationFiles() { end(); }
  RevocationFiles(const RevocationFiles&) = delete;
  RevocationFiles& operator=(const RevocationFiles&) = delete;

  // Answers `done` with all lists of the directory (PEM or DER), after the command has ended where
  // there is one and an address; kUnsupported without a directory, kRefused when it cannot be read.
  // A file that holds no list is left out. What goes wrong is logged. One reading at a time.
  void read(const std::vector<std::string>& uris, net::Done done);

 private:
  void answer();
  void end();

  net::EventLoop& loop_;
  std::string directory_;
  std::vector<std::string> command_;
  std::unique_ptr<net::Child> child_;
  net::Done done_;
};

}  // namespace sendoff::app
