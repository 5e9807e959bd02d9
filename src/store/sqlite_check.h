// What is asked of a store's file and directory before SQLite sees them, and making a new one. Only
// for sqlite_file.cpp.
#pragma once

#include <string>

#include "store/sqlite_file.h"

namespace sendoff::store {

inline constexpr std::uint32_t kApplicationId = 0x534f4b53;  // "SOKS", in the file's header
inline constexpr std::uint32_t kFormat = 1;                  // user_version

// True: there is a file, and from outside it is one of ours. False: there is none. Opening and
// closing the file releases the locks that this process may have on it (POSIX), so: before SQLite.
[[nodiscard]] Result<bool, OpenFailure> look_at(const std::string& path);
// The same again for an open file's format, since a newer header may stand in the log.
[[nodiscard]] OpenFailure newer_format(const std::string& path, std::uint32_t format);
[[nodiscard]] OpenFailure damaged(const std::string& path, const std::string& detail);
[[nodiscard]] OpenFailure unusable(const std::string& path, const std::string& detail);

// A file under construction beside `path`: an empty one that only we can read, its leftovers of an
// earlier attempt removed. Held under a lock on the directory, for two processes may start at once.
class NewStore {
 public:
  [[nodiscard]] static Result<NewStore, OpenFailure> stage(const std::string& path);
  NewStore(NewStore&& other) noexcept;
  NewStore(const NewStore&) = delete;
  NewStore& operator=(const NewStore&) = delete;
  NewStore& operator=(NewStore&&) = delete;
  ~NewStore();  // without a commit() nothing stays behind

  [[nodiscard]] const std::string& staged() const { return staged_; }
  // Whether another process was faster.
  [[nodiscard]] bool taken() const { return staged_.empty(); }
  // Gives the finished file its name, for good.
  [[nodiscard]] Result<void, OpenFailure> commit();

 private:
  NewStore(std::string path, int directory) : path_(std::move(path)), directory_(directory) {}
  void remove_staged() const;

  std::string path_;
  std::string staged_;
  int directory_;
};

}  // namespace sendoff::store
