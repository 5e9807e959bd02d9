#include "app/key_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sendoff::app {

namespace {

constexpr off_t kMaxFileSize = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] bool valid() const { return number_ >= 0; }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

std::string why() { return std::strerror(errno); }

std::unexpected<Failure> taken(const std::string& path) {
  return failed(path + " exists already; choose another name, or replace it with --force");
}

bool write_all(int number, ByteView octets) {
  while (!octets.empty()) {
    const ssize_t written = write(number, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

// Moves without replacing; link() where the file system cannot rename that way.
bool move_to_free(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  return link(from.c_str(), to.c_str()) == 0 && unlink(from.c_str()) == 0;
}

// So that the new name outlives a power cut.
void sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid()) (void)fsync(directory.number());
}

Attempt<Secret> read_whole(const std::string& path, struct stat& status) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return failed("cannot read " + path + ": " + why());
  if (fstat(file.number(), &status) != 0) return failed("cannot read " + path + ": " + why());
  if (!S_ISREG(status.st_mode)) return failed(path + " is not a regular file");
  if (status.st_size > kMaxFileSize)
    return failed(path + " is larger than 1 MiB: not a file of keys or certificates");
  Secret contents(static_cast<std::size_t>(status.st_size));
  std::size_t filled = 0;
  while (filled < contents.size()) {
    const ByteSpan room = contents.expose_mutable().subspan(filled);
    const ssize_t got = read(file.number(), room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read " + path + ": " + why());
    if (got == 0) return failed(path + " changed while it was read; try again");
    filled += static_cast<std::size_t>(got);
  }
  return contents;
}

}  // namespace

std::unexpected<Failure> failed(std::string text, int exit_code) {
  return fail(Failure{exit_code, std::move(text)});
}

int report(std::string_view command, const Attempt<>& outcome) {
  if (outcome) return 0;
  std::fprintf(stderr, "sendoff %.*s: %s\n", static_cast<int>(command.size()), command.data(),
               outcome.error().text.c_str());
  return outcome.error().exit_code;
}

Attempt<Secret> read_file(const std::string& path) {
  struct stat status{};
  return read_whole(path, status);
}

Attempt<Secret> read_key_file(const std::string& path) {
  struct stat status{};
  auto contents = read_whole(path, status);
  if (contents && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    std::fprintf(stderr, "note: the key file %s is open to others; close it with: chmod 600 %s\n",
                 path.c_str(), path.c_str());
  return contents;
}

Attempt<> check_free(const std::string& path, bool force) {
  struct stat status{};
  if (!force && lstat(path.c_str(), &status) == 0) return taken(path);
  return {};
}

NewFile::NewFile(std::string path, std::string staged, bool force)
    : path_(std::move(path)), staged_(std::move(staged)), force_(force) {}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), staged_(std::move(other.staged_)), force_(other.force_) {
  other.staged_.clear();
}

NewFile::~NewFile() {
  if (!staged_.empty()) unlink(staged_.c_str());
}

Attempt<NewFile> NewFile::stage(const std::string& path, ByteView contents, mode_t mode,
                                bool force) {
  const std::string staged = path + ".new-" + std::to_string(getpid());
  const Descriptor file(
      open(staged.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.valid()) return failed("cannot write " + path + ": " + why());
  NewFile made(path, staged, force);
  if (!write_all(file.number(), contents) || fsync(file.number()) != 0)
    return failed("cannot write " + path + ": " + why());
  return made;
}

Attempt<> NewFile::give_to_owner_of(const std::string& path) {
  struct stat wanted{};
  struct stat own{};
  if (stat(path.c_str(), &wanted) != 0 || stat(staged_.c_str(), &own) != 0)
    return failed("cannot write " + path_ + ": " + why());
  if (wanted.st_uid != own.st_uid && chown(staged_.c_str(), wanted.st_uid, wanted.st_gid) != 0)
    return failed("cannot give " + path_ + " to the owner of " + path + ": " + why());
  return {};
}

Attempt<> NewFile::commit() {
  const bool moved =
      force_ ? std::rename(staged_.c_str(), path_.c_str()) == 0 : move_to_free(staged_, path_);
  if (!moved) {
    if (errno == EEXIST) return taken(path_);
    return failed("cannot write " + path_ + ": " + why());
  }
  staged_.clear();
  sync_directory_of(path_);
  return {};
}

}  // namespace sendoff::app
