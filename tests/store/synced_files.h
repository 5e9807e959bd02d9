// A disk that forgets what was not synced: SQLite's own file system, with a copy made of each file
// whenever it is synced. Those copies are what a power cut would leave.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <mutex>
#include <string>

namespace sendoff::test {

class SyncedFiles {
 public:
  // While it lives, every database that is opened comes here; copies go to `directory`.
  explicit SyncedFiles(std::string directory) : directory_(std::move(directory)) {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "synced-files";
    vfs_.iVersion = 1;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.pAppData = this;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~SyncedFiles() { sqlite3_vfs_unregister(&vfs_); }
  SyncedFiles(const SyncedFiles&) = delete;
  SyncedFiles& operator=(const SyncedFiles&) = delete;

  void copy_to(const std::string& directory) const {
    const std::scoped_lock lock(mutex_);
    std::filesystem::remove_all(directory);
    std::filesystem::copy(directory_, directory);
    std::filesystem::permissions(directory, std::filesystem::perms(0700));
  }
  [[nodiscard]] int syncs() const {
    const std::scoped_lock lock(mutex_);
    return syncs_;
  }

 private:
  struct File {
    sqlite3_file base;
    SyncedFiles* owner;
    const char* name;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* real_of(sqlite3_file* file) { return of(file)->real(); }

  [[nodiscard]] std::string copy_of(const std::string& name) const {
    return directory_ + "/" + std::filesystem::path(name).filename().string();
  }
  // Only files of the watched store: images are opened, too.
  [[nodiscard]] bool watches(const char* name) const {
    return name != nullptr && std::filesystem::path(name).parent_path() ==
                                  std::filesystem::path(directory_).parent_path();
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* const owner = static_cast<SyncedFiles*>(vfs->pAppData);
    File* const ours = of(file);
    *ours = {{nullptr}, owner, name};
    const int code = owner->real_->xOpen(owner->real_, name, ours->real(), flags, out);
    if (ours->real()->pMethods != nullptr) ours->base.pMethods = &kMethods;
    return code;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) {
    auto* const owner = static_cast<SyncedFiles*>(vfs->pAppData);
    if (sync_directory != 0 && owner->watches(name)) {
      const std::scoped_lock lock(owner->mutex_);
      std::filesystem::remove(owner->copy_of(name));
    }
    return owner->real_->xDelete(owner->real_, name, sync_directory);
  }
  static int sync(sqlite3_file* file, int flags) {
    File* const ours = of(file);
    const int code = ours->real()->pMethods->xSync(ours->real(), flags);
    if (code == SQLITE_OK && ours->owner->watches(ours->name)) {
      const std::scoped_lock lock(ours->owner->mutex_);
      ++ours->owner->syncs_;
      std::filesystem::copy_file(ours->name, ours->owner->copy_of(ours->name),
                                 std::filesystem::copy_options::overwrite_existing);
    }
    return code;
  }

  static constexpr sqlite3_io_methods kMethods = {
      .iVersion = 1,
      .xClose = [](sqlite3_file* f) { return real_of(f)->pMethods->xClose(real_of(f)); },
      .xRead =
          [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
            return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
          },
      .xWrite =
          [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
            return real_of(f)->pMethods->xWrite(real_of(f), from, size, at);
          },
      .xTruncate =
          [](sqlite3_file* f, sqlite3_int64 size) {
            return real_of(f)->pMethods->xTruncate(real_of(f), size);
          },
      .xSync = sync,
      .xFileSize =
          [](sqlite3_file* f, sqlite3_int64* size) {
            return real_of(f)->pMethods->xFileSize(real_of(f), size);
          },
      .xLock = [](sqlite3_file* f,
                  int level) { return real_of(f)->pMethods->xLock(real_of(f), level); },
      .xUnlock = [](sqlite3_file* f,
                    int level) { return real_of(f)->pMethods->xUnlock(real_of(f), level); },
      .xCheckReservedLock =
          [](sqlite3_file* f, int* held) {
            return real_of(f)->pMethods->xCheckReservedLock(real_of(f), held);
          },
      .xFileControl =
          [](sqlite3_file* f, int what, void* argument) {
            return real_of(f)->pMethods->xFileControl(real_of(f), what, argument);
          },
      .xSectorSize = [](sqlite3_file* f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); },
      .xDeviceCharacteristics =
          [](sqlite3_file* f) { return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f)); },
      .xShmMap = nullptr,
      .xShmLock = nullptr,
      .xShmBarrier = nullptr,
      .xShmUnmap = nullptr,
      .xFetch = nullptr,
      .xUnfetch = nullptr,
  };

  std::string directory_;
  mutable std::mutex mutex_;
  int syncs_ = 0;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
};

}  // namespace sendoff::test
