#include "app/revocation_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "app/log.h"
#include "pki/revocation.h"

namespace sendoff::app {

namespace {

constexpr Duration kPatience = seconds(60);
constexpr std::size_t kMaxFiles = 256;
constexpr std::uintmax_t kMaxFileSize = 2 * pki::kMaxListSize;  // PEM of the longest list

bool can_be_fetched(const std::string& uri) {
  static constexpr std::array<std::string_view, 3> kSchemes{"rsync://", "http://", "https://"};
  return std::ranges::any_of(kSchemes, [&](auto scheme) { return uri.starts_with(scheme); });
}

// In the order of their names: which are read does not change from one time to the next.
Result<std::vector<std::filesystem::path>, std::string> files_of(const std::string& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator each(directory, error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    std::error_code unknown;
    if (!each->path().filename().string().starts_with('.') && each->is_regular_file(unknown))
      files.push_back(each->path());
  }
  if (error) return fail(directory + ": " + error.message());
  std::ranges::sort(files);
  if (files.size() <= kMaxFiles) return files;
  log::warning("revocation_lists: " + directory + " holds more than " + std::to_string(kMaxFiles) +
               " files; the rest is not read");
  files.resize(kMaxFiles);
  return files;
}

Result<std::vector<pki::RevocationList>, std::string> lists_of(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return fail(error.message());
  if (size > kMaxFileSize) return fail(std::string("it is too long"));
  std::ifstream file(path, std::ios::binary);
  Bytes octets(size);
  file.read(reinterpret_cast<char*>(octets.data()), static_cast<std::streamsize>(size));
  if (!file) return fail(std::string("it cannot be read"));
  auto lists = pki::decode_lists(octets);
  if (!lists) return fail(std::string(explain(lists.error())));
  return std::move(*lists);
}

}  // namespace

void RevocationFiles::read(const std::vector<std::string>& uris, net::Done done) {
  end();
  done_ = std::move(done);
  if (directory_.empty())
    return std::exchange(done_, nullptr)(fail(machine::ActionError::kUnsupported));
  net::ChildSpec spec{.words = command_, .patience = kPatience};
  spec.words.push_back(directory_);
  std::ranges::copy_if(uris, std::back_inserter(spec.words), can_be_fetched);
  if (command_.empty() || spec.words.size() == command_.size() + 1) return answer();
  spec.ended = [this](const net::ChildEnd& how) {
    child_.reset();
    if (!how.good) log::warning("revocation_command fetched no lists: " + how.how);
    answer();
  };
  auto child = net::Child::start(loop_, std::move(spec));
  if (child) {
    child_ = std::move(*child);
    return;
  }
  log::error("revocation_command: " + child.error().text());
  answer();
}

void RevocationFiles::answer() {
  const auto files = files_of(directory_);
  if (!files) {
    log::error("revocation_lists: " + files.error());
    return std::exchange(done_, nullptr)(fail(machine::ActionError::kRefused));
  }
  std::vector<pki::RevocationList> all;
  for (const std::filesystem::path& path : *files) {
    auto lists = lists_of(path);
    if (lists)
      std::ranges::move(*lists, std::back_inserter(all));
    else
      log::warning("revocation_lists: " + path.string() + " is left out: " + lists.error());
  }
  machine::Facts facts;
  facts.lists = std::make_shared<const std::vector<pki::RevocationList>>(std::move(all));
  std::exchange(done_, nullptr)(facts);
}

// The answer is owed all the same.
void RevocationFiles::end() {
  child_.reset();
  if (const net::Done done = std::exchange(done_, nullptr))
    done(fail(machine::ActionError::kRefused));
}

}  // namespace sendoff::app
