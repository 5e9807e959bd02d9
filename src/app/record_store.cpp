#include "app/record_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "app/log.h"
#include "config/files.h"
#include "crypto/random.h"
#include "crypto/sealer.h"
#include "net/clock.h"
#include "net/privileges.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"

namespace sendoff::app {

namespace {

constexpr const char* kCredential = "sendoff.store-key";

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

RecordStore::RecordStore(config::Store settings, std::string role, std::string user)
    : settings_(std::move(settings)), role_(std::move(role)), user_(std::move(user)) {
  key_path_ = settings_.key_file;
  const char* const credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (key_path_.empty() && credentials != nullptr) {
    key_path_ = std::string(credentials) + "/" + kCredential;
    credential_ = exists(key_path_);
  }
  if (settings_.key_file.empty() && !credential_)
    key_path_ = settings_.directory + "/" + role_ + ".key";
}

std::optional<std::string> RecordStore::file() const {
  if (settings_.kind == config::Store::Kind::kMemory) return std::nullopt;
  return settings_.directory + "/" + role_ + ".db";
}

Attempt<> RecordStore::prepare() {
  if (!file()) return {};
  if (auto made = make_directory(); !made) return made;
  return read_key();
}

Attempt<> RecordStore::make_directory() const {
  // One that is there belongs to whoever made it; its state is judged when the file is opened.
  if (mkdir(settings_.directory.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return failed("make the store's directory " + settings_.directory + ": " +
                  std::strerror(errno) +
                  "; make it for the daemon's user, name another in [store] directory, or run with "
                  "--store memory");
  }
  if (const auto given = net::give_to(settings_.directory, user_); !given)
    return failed(given.error().text());
  return {};
}

Attempt<> RecordStore::read_key() {
  const auto file = config::SystemFiles().read(key_path_);
  if (!file && file.error() == config::FileError::kMissing) return {};
  if (!file)
    return failed("the store's key " + key_path_ + ": " + std::string(explain(file.error())));
  // An access list for the daemon's user, as the service manager sets it, shows in the group's
  // bits.
  const unsigned open_to_others = credential_ ? 0007 : 0077;
  if ((file->permissions & open_to_others) != 0)
    return failed("the store's key " + key_path_ +
                  " is open to other users; close it with: chmod "
                  "600 " +
                  key_path_);
  if (file->octets.size() != crypto::Sealer::kKeySize)
    return failed("the store's key " + key_path_ + " has " + std::to_string(file->octets.size()) +
                  " octets instead of 32; make one with: head -c 32 /dev/urandom > " + key_path_);
  key_ = file->octets.duplicate();
  return {};
}

Attempt<> RecordStore::make_key() {
  if (exists(*file()))
    return failed("the store " + *file() + " is there, but not its key " + key_path_ +
                  "; put the key back, or move the store away to start without keys");
  if (!settings_.make_key)
    return failed("the store's key " + key_path_ +
                  " is missing; make it with: head -c 32 /dev/urandom > " + key_path_ +
                  " (mode 0600), or set [store] make_key = true");
  Secret key(crypto::Sealer::kKeySize);
  if (!crypto::SystemRandom().fill(key.expose_mutable()))
    return failed("the random source failed: no key for the store");
  auto made = NewFile::stage(key_path_, key.expose(), kKeyMode, false);
  if (!made) return fail(made.error());
  if (auto committed = made->commit(); !committed) return committed;
  log::info("made the store's key " + key_path_);
  key_ = std::move(key);
  return {};
}

Attempt<std::unique_ptr<store::Store>> RecordStore::open(net::EventLoop& loop,
                                                         std::function<void(std::string)> trouble) {
  if (!file()) return std::make_unique<store::MemoryStore>();
  if (key_.empty())
    if (auto made = make_key(); !made) return fail(made.error());
  store::SqliteOptions options;
  options.path = *file();
  options.key = std::move(key_);
  options.random = std::make_unique<crypto::SystemRandom>();
  options.post = [&loop](std::function<void()> work) { loop.post(std::move(work)); };
  options.utc = [] { return net::read_clocks().utc; };
  options.trouble = std::move(trouble);
  auto opened = store::SqliteStore::open(std::move(options));
  if (!opened) return failed(opened.error().text);
  return std::move(*opened);
}

}  // namespace sendoff::app
