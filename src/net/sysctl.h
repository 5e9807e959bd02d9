// IPv6 settings of /proc/sys that the daemon's interfaces need, and the undo journal that puts the
// old values back: at close, or at the next start after a kill -9. The journal also notes neighbour
// and proxy entries, which carry no mark of ours that a dump tells on every kernel.
#pragma once

#include <string>
#include <vector>

#include "net/file_descriptor.h"
#include "net/system_error.h"

namespace sendoff::net {

// A file of lines, oldest first; what is undone is struck out by a line of its own. Written before
// the change it tells.
class UndoJournal {
 public:
  // Opens or makes `directory`/`name`. Lines that are there are what an earlier run left: undo
  // them, then clear().
  [[nodiscard]] static Attempt<UndoJournal> open(const std::string& directory,
                                                 const std::string& name = "undo");

  [[nodiscard]] const std::vector<std::string>& left_over() const { return left_over_; }
  // Notes that `line` must be undone. Noting it twice is noting it once.
  [[nodiscard]] Attempt<> note(const std::string& line);
  void strike(const std::string& line);
  void clear();
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  explicit UndoJournal(FileDescriptor fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Attempt<> rewrite();

  FileDescriptor fd_;
  std::vector<std::string> left_over_;
  std::vector<std::string> lines_;
  std::size_t struck_ = 0;
};

struct Setting {
  std::string path;  // "/proc/sys/net/ipv6/conf/eth0/accept_ra"
  std::string value;
};

// What an interface of ours needs, in the order to set it.
[[nodiscard]] std::vector<Setting> interface_settings(const std::string& name, bool router);
// What an interface needs on which the kernel does Neighbor Discovery under guard: addresses are
// made by the machine, and fragmented messages are nobody's (RFC 6980).
[[nodiscard]] std::vector<Setting> guard_settings(const std::string& name);
// What a router needs of the whole host: forwarding. All interfaces' own switches come first, so
// that undoing backwards gives each its old value.
[[nodiscard]] std::vector<Setting> router_settings();

// Sets it unless it has that value, and notes the old one. A setting that this kernel lacks is an
// error with ENOENT.
[[nodiscard]] Attempt<> apply(const Setting& setting, UndoJournal& journal);
// Undoes a line that apply() noted; false when the line is not one of those.
bool undo_setting(const std::string& line);

// Whether the kernel forwards IPv6 packets that come in by this interface.
[[nodiscard]] Attempt<bool> forwards(const std::string& name);

[[nodiscard]] Attempt<std::string> read_setting(const std::string& path);
[[nodiscard]] Attempt<> write_setting(const Setting& setting);

}  // namespace sendoff::net
