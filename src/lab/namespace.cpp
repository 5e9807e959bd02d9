#include "lab/namespace.h"

#include <fcntl.h>
#include <sched.h>

#include "base/bytes.h"

namespace sendoff::lab {

namespace {

net::FileDescriptor current() {
  return net::FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

}  // namespace

Attempt<Namespace> Namespace::make() {
  const net::FileDescriptor before = current();
  if (!before.ok()) return failed_call("open the thread's network namespace");
  if (unshare(CLONE_NEWNET) != 0)
    return failed_call("make a network namespace (as root, or inside `unshare -Urnm`)");
  net::FileDescriptor made = current();
  if (setns(before.get(), CLONE_NEWNET) != 0) return failed_call("go back to the own namespace");
  if (!made.ok()) return failed_call("open the new network namespace");
  return Namespace(std::move(made));
}

Inside::Inside(const Namespace& space) : before_(current()) {
  invariant(before_.ok() && setns(space.fd(), CLONE_NEWNET) == 0);
}

// A thread that went on in the wrong namespace would change somebody else's network.
Inside::~Inside() { invariant(setns(before_.get(), CLONE_NEWNET) == 0); }

}  // namespace sendoff::lab
