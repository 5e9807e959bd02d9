#include "net/sysctl.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace sendoff::net {

namespace {

constexpr std::string_view kConf = "/proc/sys/net/ipv6/conf/";
constexpr std::string_view kNeigh = "/proc/sys/net/ipv6/neigh/";
constexpr std::string_view kSettingLine = "setting ";
constexpr std::string_view kStruck = "struck ";
constexpr std::size_t kMaxStruck = 256;  // lines; then the file is written anew

Attempt<std::string> read_all(int fd, const std::string& what) {
  std::string text;
  std::array<char, 4096> chunk{};
  while (true) {
    const ssize_t size = read(fd, chunk.data(), chunk.size());
    if (size < 0) return fail(last_error("read " + what));
    if (size == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

bool write_all(int fd, std::string_view text) {
  return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

Attempt<UndoJournal> UndoJournal::open(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  FileDescriptor fd(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.ok()) return fail(last_error("open undo journal " + path));
  auto text = read_all(fd.get(), path);
  if (!text) return fail(text.error());
  UndoJournal journal(std::move(fd));
  // The last line is whole only if it ended: what it announced had not been done yet.
  auto& left_over = journal.left_over_;
  for (std::size_t at = 0, end = 0; (end = text->find('\n', at)) != std::string::npos;
       at = end + 1) {
    const std::string line = text->substr(at, end - at);
    if (line.starts_with(kStruck))
      std::erase(left_over, line.substr(kStruck.size()));
    else
      left_over.push_back(line);
  }
  return journal;
}

Attempt<> UndoJournal::note(const std::string& line) {
  if (std::ranges::find(lines_, line) != lines_.end()) return {};
  if (!write_all(fd_.get(), line + "\n")) return fail(last_error("write undo journal"));
  lines_.push_back(line);
  return {};
}

void UndoJournal::strike(const std::string& line) {
  if (std::erase(lines_, line) == 0) return;
  if (++struck_ > kMaxStruck)
    (void)rewrite();
  else
    (void)write_all(fd_.get(), std::string(kStruck) + line + "\n");
}

void UndoJournal::clear() {
  lines_.clear();
  left_over_.clear();
  (void)rewrite();
}

Attempt<> UndoJournal::rewrite() {
  std::string text;
  for (const std::string& line : lines_) text += line + "\n";
  struck_ = 0;
  if (ftruncate(fd_.get(), 0) < 0 || !write_all(fd_.get(), text))
    return fail(last_error("write undo journal"));
  return {};
}

std::vector<Setting> interface_settings(const std::string& name, bool router) {
  const std::string conf = std::string(kConf) + name + "/";
  std::vector<Setting> settings{
      // The machine reads advertisements; the kernel would believe unsecured ones.
      {conf + "accept_ra", "0"},
      {conf + "autoconf", "0"},
      {conf + "accept_redirects", "0"},
      {conf + "router_solicitations", "0"},
      // No link-local address from the link address: the machine makes a CGA.
      {conf + "addr_gen_mode", "1"},
      {conf + "use_tempaddr", "0"},
  };
  if (router) {
    settings.push_back({conf + "proxy_ndp", "1"});
    // A proxy otherwise answers after up to 0.8 s.
    settings.push_back({std::string(kNeigh) + name + "/proxy_delay", "0"});
  } else {
    settings.push_back({conf + "optimistic_dad", "1"});
    settings.push_back({conf + "use_optimistic", "1"});
  }
  return settings;
}

std::vector<Setting> guard_settings(const std::string& name) {
  const std::string conf = std::string(kConf) + name + "/";
  return {
      {conf + "autoconf", "0"},
      {conf + "addr_gen_mode", "1"},
      {conf + "use_tempaddr", "0"},
      {conf + "suppress_frag_ndisc", "1"},
  };
}

std::vector<Setting> router_settings() {
  std::vector<Setting> settings;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kConf, error)) {
    const std::string name = entry.path().filename();
    if (name != "all") settings.push_back({entry.path().string() + "/forwarding", "1"});
  }
  std::ranges::sort(settings, {}, &Setting::path);
  settings.push_back({std::string(kConf) + "all/forwarding", "1"});
  return settings;
}

Attempt<std::string> read_setting(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return fail(last_error("open " + path));
  auto text = read_all(fd.get(), path);
  if (text)
    while (!text->empty() && text->back() == '\n') text->pop_back();
  return text;
}

Attempt<bool> forwards(const std::string& name) {
  const auto setting = read_setting(std::string(kConf) + name + "/forwarding");
  if (!setting) return fail(setting.error());
  return *setting != "0";
}

Attempt<> write_setting(const Setting& setting) {
  const FileDescriptor fd(::open(setting.path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.ok() || !write_all(fd.get(), setting.value))
    return fail(last_error("set " + setting.path + " to " + setting.value));
  return {};
}

Attempt<> apply(const Setting& setting, UndoJournal& journal) {
  const auto old = read_setting(setting.path);
  if (!old) return fail(old.error());
  if (*old == setting.value) return {};
  const std::string line = std::string(kSettingLine) + setting.path + " " + *old;
  if (auto noted = journal.note(line); !noted) return noted;
  return write_setting(setting);
}

bool undo_setting(const std::string& line) {
  if (!line.starts_with(kSettingLine)) return false;
  const std::size_t start = kSettingLine.size();
  const std::size_t space = line.find(' ', start);
  // The journal is a file: it may not make us write anywhere else.
  const std::string path = line.substr(start, space == std::string::npos ? space : space - start);
  if (space == std::string::npos || !path.starts_with("/proc/sys/net/ipv6/") ||
      path.find("..") != std::string::npos)
    return false;
  (void)write_setting({path, line.substr(space + 1)});  // the interface may be gone
  return true;
}

}  // namespace sendoff::net
