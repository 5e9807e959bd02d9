#include "config/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "config/fixture.h"
#include "crypto/random.h"
#include "esp/key.h"
#include "support/paths.h"
#include "support/peer.h"

namespace sendoff::config {
namespace {

class SystemFilesTest : public ::testing::Test {
 protected:
  SystemFilesTest() { EXPECT_NE(mkdtemp(directory_.data()), nullptr); }
  ~SystemFilesTest() override {
    for (const char* name : {"/file", "/fifo"}) (void)unlink((directory_ + name).c_str());
    (void)rmdir(directory_.c_str());
  }
  std::string directory_ = ::testing::TempDir() + "sendoff-XXXXXX";
};

TEST_F(SystemFilesTest, ReadsARegularFileAndItsPermissions) {
  const std::string path = directory_ + "/file";
  std::ofstream(path) << "octets";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const auto file = SystemFiles().read(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(to_hex(file->octets.expose()), "6f6374657473");
  EXPECT_EQ(file->permissions, 0640U);
}

TEST_F(SystemFilesTest, RefusesWhatIsNoRegularFile) {
  EXPECT_EQ(SystemFiles().read(directory_).error(), FileError::kNotRegular);
  EXPECT_EQ(SystemFiles().read(directory_ + "/none").error(), FileError::kMissing);
  const std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(SystemFiles().read(fifo).error(), FileError::kNotRegular);
}

TEST_F(SystemFilesTest, RefusesWhatIsTooLarge) {
  const std::string path = directory_ + "/file";
  std::ofstream(path) << std::string(kMaxFileSize + 1, 'x');
  EXPECT_EQ(SystemFiles().read(path).error(), FileError::kTooLarge);
}

using Examples = ConfigTest;

std::string example(const std::string& name) {
  const auto file = SystemFiles().read(test::source_directory() + "/examples/" + name);
  EXPECT_TRUE(file) << name;
  const ByteView octets = file->octets.expose();
  return {octets.begin(), octets.end()};
}

// Takes the "#" away from what is an option or a heading, so that the defaults in the comments are
// read too.
std::string uncommented(const std::string& text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    const bool option = line.size() > 3 && line[0] == '#' && line[1] == ' ' &&
                        line.find(" = ") != std::string::npos && line[2] >= 'a' && line[2] <= 'z' &&
                        line.find(' ', 2) == line.find(" = ");
    const bool heading = line.starts_with("# [") && line.ends_with(']');
    out += (option || heading ? line.substr(2) : line) + "\n";
    at = end + 1;
  }
  return out;
}

TEST_F(Examples, AreRight) {
  put_key("ar-2048", "ar.key");
  put_key("mn-2048", "mn.key");
  put_certificates("chain.pem", {"ca", "good-router"});
  put_certificates("anchor.pem", {"anchor"});
  const auto ar = router(example("router.toml"));
  EXPECT_TRUE(ar) << ar.error()[0].text();
  const auto mn = mobile(example("mobile.toml"));
  EXPECT_TRUE(mn) << mn.error()[0].text();
  put_key("mn-2048", "host.key");
  const auto host = guard(example("guard.toml"));
  EXPECT_TRUE(host) << host.error()[0].text();
}

TEST_F(Examples, NameTheRealOptionsWithTheirDefaults) {
  put_key("ar-2048", "ar.key");
  put_key("mn-2048", "mn.key");
  put_certificates("chain.pem", {"ca", "good-router"});
  put_certificates("anchor.pem", {"anchor"});
  std::string router_text = uncommented(example("router.toml"));
  router_text = changed(router_text, "parameters = \"ar.cga\"\n", "");
  // Without the associations, to see which address the key and the modifier give.
  std::string without = router_text;
  const std::size_t first = without.find("protection = ");
  without.erase(first, without.find("[esp]") - first);
  const auto plain = router(without);
  ASSERT_TRUE(plain) << plain.error()[0].text();
  const router::Interface& interface = plain->machine.interfaces[0];
  router_text = changed(router_text, "2001:db8:a:1:...",
                        interface.identity.address(interface.prefixes[0].prefix).text());
  for (const char* name : {"to-nar.key", "from-nar.key"}) {
    crypto::SystemRandom random;
    files_.put(std::string("etc/") + name, esp::new_key_text(random).expose(), 0600);
  }
  const auto ar = router(router_text);
  ASSERT_TRUE(ar) << ar.error()[0].text();
  const router::Config fresh;
  EXPECT_EQ(ar->machine.keys.lifetime_s, fresh.keys.lifetime_s);
  EXPECT_EQ(ar->machine.keys.max_keys, fresh.keys.max_keys);
  EXPECT_EQ(ar->machine.max_bindings, fresh.max_bindings);
  EXPECT_EQ(ar->machine.max_exchanges, fresh.max_exchanges);
  EXPECT_EQ(ar->machine.receiver.max_pending, fresh.receiver.max_pending);
  EXPECT_EQ(ar->machine.unvalidated_answers_s, fresh.unvalidated_answers_s);
  EXPECT_EQ(ar->machine.max_tunnel_lifetime_s, fresh.max_tunnel_lifetime_s);
  EXPECT_TRUE(ar->machine.neighbours[0].esp);
  EXPECT_EQ(ar->machine.esp_audit, fresh.esp_audit);
  Daemon daemon;
  daemon.runtime_directory = "/run/sendoff/router";
  daemon.control_socket = "/run/sendoff/router.sock";
  daemon.store.key_file = "etc/store.key";                     // the default is none
  daemon.radios = {{{0}, "access0", "/run/hostapd/access0"}};  // likewise
  daemon.guard = net::OnStop::kOpen;                           // likewise
  EXPECT_EQ(ar->daemon, daemon);

  std::string mobile_text = uncommented(example("mobile.toml"));
  mobile_text = changed(mobile_text, "parameters = \"mn.cga\"\n", "");
  mobile_text = changed(mobile_text, "switch_command = [\"/usr/local/sbin/roam\"]\n", "");
  mobile_text = changed(mobile_text, "switch_socket = \"/run/roamd.sock\"\n", "");
  files_.put("etc/anchor.pub", test::signing_key("anchor-2048")->spki());
  const auto mn = mobile(mobile_text);
  ASSERT_TRUE(mn) << mn.error()[0].text();
  const mobile::Config default_node;
  EXPECT_EQ(mn->machine.encryption_pair.lifetime_s, default_node.encryption_pair.lifetime_s);
  EXPECT_EQ(mn->machine.request_interval_s, default_node.request_interval_s);
  EXPECT_EQ(mn->machine.fbu_timeout, default_node.fbu_timeout);
  EXPECT_EQ(mn->machine.paths.give_up, default_node.paths.give_up);
}

}  // namespace
}  // namespace sendoff::config
