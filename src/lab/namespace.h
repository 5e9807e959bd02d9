// A network namespace without a name: it lives as long as a descriptor of it or a process in it,
// so nothing is left behind, however the program ends.
#pragma once

#include "lab/failure.h"
#include "net/file_descriptor.h"

namespace sendoff::lab {

class Namespace {
 public:
  // Makes a new one; the calling thread stays where it is. Needs CAP_SYS_ADMIN in the user
  // namespace.
  [[nodiscard]] static Attempt<Namespace> make();

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit Namespace(net::FileDescriptor fd) : fd_(std::move(fd)) {}
  net::FileDescriptor fd_;
};

// The calling thread stands in a namespace while this lives. Sockets that it opens stay there.
class Inside {
 public:
  explicit Inside(const Namespace& space);
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  net::FileDescriptor before_;
};

}  // namespace sendoff::lab
