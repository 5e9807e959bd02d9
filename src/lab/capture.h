// A live capture of one interface into a pcap file, with the kernel's timestamps in nanoseconds.
#pragma once

#include <memory>
#include <string>

#include "lab/namespace.h"

namespace sendoff::lab {

class Capture {
 public:
  // Holds IPv6 only, and of TCP data only the headers.
  [[nodiscard]] static Attempt<std::unique_ptr<Capture>> start(const Namespace& space,
                                                               const std::string& interface,
                                                               const std::string& path);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Writes what has arrived by now and closes the file. Fails when the kernel dropped packets or a
  // write failed: a measurement on such a capture would be wrong.
  [[nodiscard]] Attempt<> finish();

 private:
  struct State;
  explicit Capture(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::lab
