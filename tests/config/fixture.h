// Files that stand only in memory, a configuration of each role that is right, and what a
// change of theirs brings up.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "config/config.h"
#include "pki/certificate.h"
#include "support/vectors.h"

namespace sendoff::config {

class MemoryFiles final : public Files {
 public:
  void put(const std::string& path, ByteView octets, unsigned permissions = 0644) {
    files_[path] = {to_bytes(octets), permissions};
  }
  void put(const std::string& path, const std::string& text, unsigned permissions = 0644) {
    put(path, ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
        permissions);
  }
  void fail_with(const std::string& path, FileError error) { errors_[path] = error; }

  [[nodiscard]] Result<File, FileError> read(const std::string& path) const override {
    if (const auto error = errors_.find(path); error != errors_.end()) return fail(error->second);
    const auto found = files_.find(path);
    if (found == files_.end()) return fail(FileError::kMissing);
    return File{Secret::copy_of(found->second.first), found->second.second};
  }

 private:
  std::map<std::string, std::pair<Bytes, unsigned>> files_;
  std::map<std::string, FileError> errors_;
};

class CountingRandom final : public Random {
 public:
  [[nodiscard]] bool fill(ByteSpan octets) override {
    for (std::uint8_t& octet : octets) octet = next_++;
    return true;
  }

 private:
  std::uint8_t next_ = 1;
};

inline const std::string kRouterFile = R"([[interface]]
name = "access0"
prefixes = ["2001:db8:a:1::/64"]
access_points = ["02:00:00:00:0a:01"]
max_ra_interval = 10
[cga]
key = "ar.pem"
sec = 0
[certificate]
chain = "chain.der"
anchor = "anchor.der"
[keys]
lifetime = 3600
[[neighbour]]
name = "nar"
address = "2001:db8:a:2::1"
link_address = "02:00:00:00:00:02"
prefix = "2001:db8:a:2::/64"
access_points = ["02:00:00:00:0a:02"]
)";

inline const std::string kMobileFile = R"([[interface]]
name = "access0"
[cga]
key = "mn.pem"
[trust]
anchors = ["anchor.der"]
[keys]
algorithm = "hmac-sha256-128"
[handover]
fbu_retries = 3
)";

inline const std::string kGuardFile = R"([guard]
on_stop = "closed"
[[interface]]
name = "eth0"
mode = "secured-only"
prefixes = ["2001:db8:a:1::/64"]
[cga]
key = "mn.pem"
sec = 0
[trust]
anchors = ["anchor.der"]
)";

// 2026-06-01, when the certificates of tests/vectors/pki are judged.
inline constexpr UtcTime kToday{
    std::chrono::sys_days(std::chrono::year(2026) / 6 / 1).time_since_epoch()};

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    for (const char* key : {"ar-2048", "ar2-2048", "mn-2048", "small-512"})
      put_key(key, std::string(key).substr(0, std::string(key).find('-')) + ".pem");
    put_certificates("chain.der", {"ca", "good-router"});
    put_certificates("anchor.der", {"anchor"});
  }
  void put_key(const std::string& vector, const std::string& path, unsigned permissions = 0600) {
    files_.put("etc/" + path, test::load_file("keys/" + vector + ".pem"), permissions);
  }
  void put_certificates(const std::string& path, const std::vector<std::string>& names) {
    std::string pem;
    for (const std::string& name : names)
      pem += pki::to_pem(test::load_file("pki/" + name + ".der"));
    files_.put("etc/" + path, pem);
  }

  Result<Loaded<router::Config>, Problems> router(const std::string& text) {
    files_.put("etc/router.toml", text);
    return load_router("etc/router.toml", {files_, today_, random_, running_});
  }
  Result<Loaded<mobile::Config>, Problems> mobile(const std::string& text) {
    files_.put("etc/mobile.toml", text);
    return load_mobile("etc/mobile.toml", {files_, today_, random_, running_});
  }

  Result<Loaded<nd::GuardConfig>, Problems> guard(const std::string& text) {
    files_.put("etc/guard.toml", text);
    return load_guard("etc/guard.toml", {files_, today_, random_, running_});
  }

  // `text` with its first `from` replaced.
  static std::string changed(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  static unsigned line_of(const std::string& text, const std::string& part) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(text.find(part));
    return 1 + static_cast<unsigned>(std::count(text.begin(), end, '\n'));
  }

  // The one error that the change brings, at the line of `where` or else of `to`.
  template <typename Loader>
  void expect_error(const std::string& base, const std::string& from, const std::string& to,
                    const std::string& says, const Loader& load, const std::string& where) {
    const std::string text = changed(base, from, to);
    const auto result = load(text);
    ASSERT_FALSE(result) << to;
    ASSERT_EQ(result.error().size(), 1U) << to << ": " << result.error()[1].text();
    EXPECT_NE(result.error()[0].what.find(says), std::string::npos) << result.error()[0].text();
    if (!to.empty()) {
      EXPECT_EQ(result.error()[0].line, line_of(text, where.empty() ? to : where))
          << result.error()[0].text();
    }
  }
  void router_error(const std::string& from, const std::string& to, const std::string& says,
                    const std::string& where = "") {
    expect_error(
        kRouterFile, from, to, says, [this](const auto& text) { return router(text); }, where);
  }
  void mobile_error(const std::string& from, const std::string& to, const std::string& says,
                    const std::string& where = "") {
    expect_error(
        kMobileFile, from, to, says, [this](const auto& text) { return mobile(text); }, where);
  }
  void guard_error(const std::string& from, const std::string& to, const std::string& says,
                   const std::string& where = "") {
    expect_error(
        kGuardFile, from, to, says, [this](const auto& text) { return guard(text); }, where);
  }
  static bool warns(const Problems& warnings, const std::string& says) {
    return std::ranges::any_of(warnings, [&](const Problem& problem) {
      return problem.what.find(says) != std::string::npos;
    });
  }

  MemoryFiles files_;
  CountingRandom random_;
  UtcTime today_ = kToday;
  const send::Identity* running_ = nullptr;
};

}  // namespace sendoff::config
