// What `sendoff cert` and `sendoff cga` share: files that hold keys, written whole or not at all,
// and the way an error reaches the person at the terminal.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace sendoff::app {

// Exit codes of these commands.
inline constexpr int kRefused = 1;        // the verdict is negative
inline constexpr int kUsage = 2;          // wrong arguments, unreadable or unwritable files
inline constexpr int kInterrupted = 130;  // Ctrl-C

struct Failure {
  int exit_code = kUsage;
  std::string text;  // what, which file, what to do
};
template <typename T = void>
using Attempt = Result<T, Failure>;

[[nodiscard]] std::unexpected<Failure> failed(std::string text, int exit_code = kUsage);

// Writes "sendoff COMMAND: TEXT" to standard error for a failure; the exit code.
[[nodiscard]] int report(std::string_view command, const Attempt<>& outcome);

// A whole file of at most 1 MiB. Kept as a secret, since it may be a key.
[[nodiscard]] Attempt<Secret> read_file(const std::string& path);

// A private key's file: says on standard error when others may read it.
[[nodiscard]] Attempt<Secret> read_key_file(const std::string& path);

// Fails when `path` exists and may not be replaced: asked before costly work.
[[nodiscard]] Attempt<> check_free(const std::string& path, bool force);

// A file under construction: complete on disk beside its final place, which commit() gives it in
// one step. Without commit() nothing stays behind.
class NewFile {
 public:
  [[nodiscard]] static Attempt<NewFile> stage(const std::string& path, ByteView contents,
                                              mode_t mode, bool force);
  NewFile(NewFile&& other) noexcept;
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  // Before commit(): it is whose `path` is, where that is somebody else.
  [[nodiscard]] Attempt<> give_to_owner_of(const std::string& path);
  [[nodiscard]] Attempt<> commit();

 private:
  NewFile(std::string path, std::string staged, bool force);

  std::string path_;
  std::string staged_;  // empty: nothing left to remove
  bool force_;
};

inline constexpr mode_t kPublicMode = 0644;
inline constexpr mode_t kKeyMode = 0600;

}  // namespace sendoff::app
