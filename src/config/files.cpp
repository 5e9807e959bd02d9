#include "config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sendoff::config {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

FileError error_of(int code) {
  if (code == ENOENT || code == ENOTDIR) return FileError::kMissing;
  if (code == EACCES || code == EPERM) return FileError::kDenied;
  return FileError::kUnreadable;
}

}  // namespace

std::string_view explain(FileError error) {
  switch (error) {
    case FileError::kMissing:
      return "there is no such file";
    case FileError::kDenied:
      return "no permission to read it; start as root or give the file to the daemon's user";
    case FileError::kNotRegular:
      return "it is not a regular file";
    case FileError::kTooLarge:
      return "it is larger than 256 KiB, so it is not what is expected here";
    case FileError::kUnreadable:
      return "reading it failed";
  }
  return "unknown";
}

Result<File, FileError> SystemFiles::read(const std::string& path) const {
  // Non-blocking: a FIFO in the file's place must not hold the daemon.
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd.get() < 0) return fail(error_of(errno));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return fail(FileError::kUnreadable);
  if (!S_ISREG(status.st_mode)) return fail(FileError::kNotRegular);
  if (static_cast<std::uint64_t>(status.st_size) > kMaxFileSize) return fail(FileError::kTooLarge);

  File file{Secret(static_cast<std::size_t>(status.st_size)), status.st_mode & 0777U};
  ByteSpan left = file.octets.expose_mutable();
  while (!left.empty()) {
    const ssize_t got = ::read(fd.get(), left.data(), left.size());
    if (got < 0 && errno == EINTR) continue;
    // A file that became shorter meanwhile is being written: not one to start from.
    if (got <= 0) return fail(FileError::kUnreadable);
    left = left.subspan(static_cast<std::size_t>(got));
  }
  return file;
}

}  // namespace sendoff::config
