#include "store/sqlite_check.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace sendoff::store {

namespace {

constexpr const char* kStartAnew =
    "; it is left as it is. Put a good copy back, or move it away to start without keys "
    "(nodes ask for new ones)";

std::string reason(int code) { return std::strerror(code); }

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::unexpected<OpenFailure> refuse(OpenError error, std::string text) {
  return fail(OpenFailure{error, std::move(text)});
}

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

Result<void, OpenFailure> check_directory(const std::string& path) {
  const std::string directory = directory_of(path);
  struct stat status{};
  if (stat(directory.c_str(), &status) != 0)
    return refuse(OpenError::kDirectory, "the store's directory " + directory + ": " +
                                             reason(errno) +
                                             "; make it for the daemon's user, mode 0700, or name "
                                             "another in [store] directory");
  if (!S_ISDIR(status.st_mode))
    return refuse(OpenError::kDirectory, directory + " is no directory; name another in [store]");
  if ((status.st_mode & S_IWOTH) != 0)
    return refuse(OpenError::kDirectory, "everybody may write to the store's directory " +
                                             directory + "; close it with: chmod o-w " + directory);
  return {};
}

Result<void, OpenFailure> check_owner(const std::string& path, const struct stat& status) {
  if (!S_ISREG(status.st_mode))
    return refuse(OpenError::kForeign, path + " is no regular file; it is left as it is");
  if (status.st_uid != geteuid())
    return refuse(OpenError::kPermissions, path + " belongs to user " +
                                               std::to_string(status.st_uid) +
                                               ", and this is user " + std::to_string(geteuid()) +
                                               "; give it back with chown");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    std::array<char, 8> mode{};
    (void)std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 0777U);
    return refuse(OpenError::kPermissions, path + " is open to other users (mode " + mode.data() +
                                               "); close it with: chmod 600 " + path);
  }
  return {};
}

// SQLite's file format, 1.3.
Result<void, OpenFailure> check_header(const std::string& path, ByteView header) {
  constexpr std::string_view kMagic{"SQLite format 3\0", 16};
  const auto foreign = [&] {
    return refuse(OpenError::kForeign,
                  path +
                      " is no Sendoff store; it is left as it is. Name another [store] "
                      "directory, or move it away");
  };
  Reader reader(header);
  const ByteView magic = reader.take(kMagic.size());
  reader.skip(60 - kMagic.size());
  const std::uint32_t format = reader.u32();
  reader.skip(4);
  const std::uint32_t application = reader.u32();
  if (!reader.ok() || !std::ranges::equal(magic, kMagic) || application != kApplicationId)
    return foreign();
  if (format > kFormat) return fail(newer_format(path, format));
  if (format == 0) return fail(damaged(path, "it has no format number"));
  return {};
}

}  // namespace

OpenFailure newer_format(const std::string& path, std::uint32_t format) {
  return {OpenError::kNewer, path + " was written by a newer Sendoff (format " +
                                 std::to_string(format) + ", this one knows " +
                                 std::to_string(kFormat) +
                                 "); it is left as it is. Run that version, or move it away to "
                                 "start without keys"};
}

OpenFailure damaged(const std::string& path, const std::string& detail) {
  return {OpenError::kDamaged, path + " is damaged (" + detail + ")" + kStartAnew};
}

OpenFailure unusable(const std::string& path, const std::string& detail) {
  return {OpenError::kUnusable, path + " cannot be used: " + detail +
                                    "; is there space, and may this user write to its directory?"};
}

Result<bool, OpenFailure> look_at(const std::string& path) {
  if (auto directory = check_directory(path); !directory) return fail(directory.error());
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT) return false;
    if (errno == ELOOP)
      return refuse(OpenError::kForeign, path + " is a symbolic link; name the file's own place");
    if (errno == EACCES)
      return refuse(OpenError::kPermissions,
                    path + " cannot be read by this user; give it back with chown");
    return fail(unusable(path, reason(errno)));
  }
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return fail(unusable(path, reason(errno)));
  if (auto owner = check_owner(path, status); !owner) return fail(owner.error());
  std::array<std::uint8_t, 100> header{};
  const ssize_t got = pread(file.get(), header.data(), header.size(), 0);
  if (got < 0) return fail(unusable(path, reason(errno)));
  if (auto known = check_header(path, ByteView(header).first(static_cast<std::size_t>(got)));
      !known)
    return fail(known.error());
  return true;
}

Result<NewStore, OpenFailure> NewStore::stage(const std::string& path) {
  const std::string directory = directory_of(path);
  NewStore store(path, ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (store.directory_ < 0 || flock(store.directory_, LOCK_EX) != 0)
    return fail(unusable(path, reason(errno)));
  struct stat status{};
  if (lstat(path.c_str(), &status) == 0) return store;
  store.staged_ = path + ".new";
  store.remove_staged();
  const Descriptor file(
      ::open(store.staged_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    const int code = errno;
    store.staged_.clear();
    return fail(unusable(path, reason(code)));
  }
  return store;
}

NewStore::NewStore(NewStore&& other) noexcept
    : path_(std::move(other.path_)),
      staged_(std::exchange(other.staged_, {})),
      directory_(std::exchange(other.directory_, -1)) {}

NewStore::~NewStore() {
  if (!staged_.empty()) remove_staged();
  if (directory_ >= 0) close(directory_);
}

void NewStore::remove_staged() const {
  for (const char* suffix : {"", "-wal", "-journal"}) (void)unlink((staged_ + suffix).c_str());
}

Result<void, OpenFailure> NewStore::commit() {
  // A log that its database lost would be taken for the new one's.
  (void)unlink((path_ + "-wal").c_str());
  (void)unlink((path_ + "-journal").c_str());
  if (std::rename(staged_.c_str(), path_.c_str()) != 0 || fsync(directory_) != 0)
    return fail(unusable(path_, reason(errno)));
  staged_.clear();
  return {};
}

}  // namespace sendoff::store
