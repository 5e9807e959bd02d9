// The store that a configuration asks for: its directory, its key, its file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/key_files.h"
#include "config/config.h"
#include "net/event_loop.h"
#include "store/store.h"

namespace sendoff::app {

class RecordStore {
 public:
  // `role` names the file: two roles may share a directory. `user` is whom the daemon becomes.
  RecordStore(config::Store settings, std::string role, std::string user);

  // Before the daemon gives up its privileges: makes the directory for that user, reads the key.
  [[nodiscard]] Attempt<> prepare();
  // Afterwards: makes a key at the first start, if told so, and opens the file. `trouble` is called
  // on the loop's thread when writing begins to fail (why) and when it works again (empty).
  [[nodiscard]] Attempt<std::unique_ptr<store::Store>> open(
      net::EventLoop& loop, std::function<void(std::string)> trouble);

  // Of a kind that has one.
  [[nodiscard]] std::optional<std::string> file() const;

 private:
  [[nodiscard]] Attempt<> make_directory() const;
  [[nodiscard]] Attempt<> read_key();
  [[nodiscard]] Attempt<> make_key();

  config::Store settings_;
  std::string role_;
  std::string user_;
  std::string key_path_;
  bool credential_ = false;  // the key comes from the service manager
  Secret key_;               // empty: there is none yet
};

}  // namespace sendoff::app
