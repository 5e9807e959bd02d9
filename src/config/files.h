// How configuration reads files: a small interface, so that loading is a pure function of what the
// files hold. Contents are wiped with the File, since one may be a private key.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace sendoff::config {

inline constexpr std::size_t kMaxFileSize = 256 * 1024;

enum class FileError : std::uint8_t {
  kMissing,
  kDenied,      // no permission to read it
  kNotRegular,  // a directory, socket, device
  kTooLarge,    // above kMaxFileSize
  kUnreadable,
};
[[nodiscard]] std::string_view explain(FileError error);

struct File {
  Secret octets;
  unsigned permissions = 0;  // the nine bits of rwxrwxrwx
};

class Files {
 public:
  virtual ~Files() = default;
  [[nodiscard]] virtual Result<File, FileError> read(const std::string& path) const = 0;
};

// The files of this host.
class SystemFiles final : public Files {
 public:
  [[nodiscard]] Result<File, FileError> read(const std::string& path) const override;
};

}  // namespace sendoff::config
