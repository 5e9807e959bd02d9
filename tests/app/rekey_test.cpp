// `sendoff cga rekey` at the terminal.
#include <ctime>

#include "app/terminal.h"
#include "crypto/rsa.h"
#include "support/covers.h"

namespace sendoff::test {
namespace {

class CgaRekey : public Terminal {
 protected:
  // Public part and size; nothing where the file is no key.
  [[nodiscard]] std::pair<Bytes, std::uint32_t> key_in(const std::string& name) const {
    const std::string pem = read(name);
    const auto key = crypto::SigningKey::from_pem(
        ByteView(reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()));
    if (!key) return {};
    return {to_bytes((*key)->spki()), (*key)->public_key().bits()};
  }
  [[nodiscard]] std::vector<std::string> files(const std::string& folder = ".") const {
    std::vector<std::string> names;
    for (const auto& each : std::filesystem::directory_iterator(path(folder)))
      names.push_back(each.path().filename());
    std::ranges::sort(names);
    return names;
  }
  // The only file in `folder` whose name goes on from `key` by a time.
  [[nodiscard]] std::string aside(const std::string& folder = ".") const {
    std::vector<std::string> found;
    for (const std::string& each : files(folder))
      if (each.starts_with("key.old-")) found.push_back(each);
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? "" : folder + "/" + found[0];
  }
  [[nodiscard]] unsigned mode(const std::string& name) const {
    return static_cast<unsigned>(std::filesystem::status(path(name)).permissions());
  }
};

TEST_F(CgaRekey, PutsAnotherKeyInPlaceAndKeepsTheOldOne) {
  make("cga key --out key");
  const std::string before = read("key");
  ASSERT_EQ(shell("chmod 644 key").status, 0);
  const Ran ran = sendoff("cga rekey key");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const std::string old = aside();
  ASSERT_EQ(old.size(), std::string("./key.old-20260601T120000Z").size()) << old;
  EXPECT_EQ(old.find_first_not_of("0123456789TZ", std::string("./key.old-").size()),
            std::string::npos);
  EXPECT_EQ(read(old), before);
  EXPECT_EQ(key_in("key").second, 2048U);
  EXPECT_NE(key_in("key").first, key_in(old).first);
  EXPECT_EQ(mode("key"), 0600U);
  EXPECT_EQ(mode(old), 0600U);
  EXPECT_EQ(files().size(), 2U);
  for (const auto& name : {std::string("key"), old})
    EXPECT_NE(ran.output.find(to_hex(crypto::key_hash(key_in(name).first))), std::string::npos)
        << name << ran.output;
}

TEST_F(CgaRekey, MakesNoShorterKeyUnlessItIsTold) {
  const auto sizes = [&](const std::string& first, const std::string& options) {
    EXPECT_EQ(shell("rm -f key*").status, 0);
    make("cga key --out key --bits " + first);
    make("cga rekey key " + options);
    return std::pair{key_in(aside()).second, key_in("key").second};
  };
  EXPECT_EQ(sizes("1024", ""), std::pair(1024U, 2048U));
  EXPECT_EQ(sizes("3072", ""), std::pair(3072U, 3072U));
  EXPECT_EQ(sizes("2048", "--bits 1024 --exponent 3"), std::pair(2048U, 1024U));
  EXPECT_NE(sendoff("cga rekey key --bits 4096").status, 0);
  EXPECT_EQ(sendoff("cga rekey key --exponent 4").status, 2);
}

TEST_F(CgaRekey, RefusesWhatIsNoKeyOfCgas) {
  write("text", "no key");
  ASSERT_EQ(shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec").status,
            0);
  ASSERT_EQ(shell("openssl genrsa -out small 768").status, 0);
  const auto before = files();
  for (const std::string name : {"text", "ec", "small", "none", "."}) {
    const std::string held = read(name);
    const Ran ran = sendoff("cga rekey " + name);
    EXPECT_EQ(ran.status, 2) << name;
    EXPECT_NE(ran.output.find(name), std::string::npos) << ran.output;
    EXPECT_EQ(read(name), held) << name;
  }
  EXPECT_EQ(files(), before);
}

TEST_F(CgaRekey, OverwritesNoKeyThatIsAside) {
  make("cga key --out key");
  const std::string before = read("key");
  // One for each second of the next ten minutes.
  const std::time_t now = std::time(nullptr);
  for (std::time_t at = now; at < now + 600; ++at) {
    std::array<char, 32> name{};
    ASSERT_GT(std::strftime(name.data(), name.size(), "key.old-%Y%m%dT%H%M%SZ", std::gmtime(&at)),
              0U);
    write(name.data(), "kept");
  }
  const Ran ran = sendoff("cga rekey key");
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_NE(ran.output.find("exists already and is not overwritten"), std::string::npos);
  EXPECT_EQ(read("key"), before);
  EXPECT_EQ(files().size(), 601U);
  for (const std::string& name : files())
    if (name != "key") {
      ASSERT_EQ(read(name), "kept") << name;
    }
}

TEST_F(CgaRekey, FollowsALinkToTheKey) {
  std::filesystem::create_directory(path("keys"));
  make("cga key --out keys/key");
  const Bytes before = key_in("keys/key").first;
  std::filesystem::create_symlink("keys/key", path("link"));
  make("cga rekey link");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_NE(key_in("keys/key").first, before);
  EXPECT_EQ(key_in(aside("keys")).first, before);
}

TEST_F(CgaRekey, LeavesTheKeyToItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has files of others";
  make("cga key --out key");
  ASSERT_EQ(shell("chown 12345:54321 key").status, 0);
  make("cga rekey key");
  EXPECT_EQ(shell("stat -c %u:%g:%a key key.old-*").output, "12345:54321:600\n12345:54321:600\n");
}

// What it tells to do can be done, and only then does a router start again.
TEST_F(CgaRekey, TellsHowTheNewKeyIsCertified) {
  make("cert anchor --name Anchor --prefix 2001:db8::/32 --out-cert CA.pem --out-key CA.key");
  make("cga key --out key");
  make(
      "cert router --issuer-cert CA.pem --issuer-key CA.key --name ar1 --prefix "
      "2001:db8:a:1::/64 --key key --out-cert CHAIN.pem");
  write("router.toml",
        "[[interface]]\nname = \"lo\"\nprefixes = [\"2001:db8:a:1::/64\"]\n[cga]\nkey = \"key\"\n"
        "[certificate]\nchain = \"CHAIN.pem\"\nanchor = \"CA.pem\"\n");
  const Ran good = sendoff("router -c router.toml --check");
  ASSERT_EQ(good.status, 0) << good.output;
  ASSERT_EQ(shell("cp CHAIN.pem OLD.pem").status, 0);

  const Ran ran = sendoff("cga rekey key");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const Ran refused = sendoff("router -c router.toml --check");
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.output.find("certifies another key"), std::string::npos) << refused.output;

  std::vector<std::string> commands;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find_first_not_of(' ');
    if (at == std::string::npos) continue;
    std::string words = line.substr(at);
    if (at == 5 && words.starts_with("sendoff "))
      commands.push_back(words.substr(8));
    else if (!commands.empty() && commands.back().ends_with('\\'))
      commands.back().replace(commands.back().size() - 1, 1, words);
  }
  ASSERT_EQ(commands.size(), 3U) << ran.output;
  for (std::string command : commands) {
    for (const auto& [word, value] :
         {std::pair{"NAME", "ar1"}, {"PREFIX", "2001:db8:a:1::/64"}, {"--sec SEC", "--sec 0"}})
      if (const std::size_t at = command.find(word); at != std::string::npos)
        command.replace(at, std::string(word).size(), value);
    make(command);
  }
  const Ran again = sendoff("router -c router.toml --check");
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_EQ(sendoff("cert verify --anchor CA.pem CHAIN.pem --crl CA.crl").status, 0);
  const Ran old = sendoff("cert verify --anchor CA.pem OLD.pem --crl CA.crl");
  EXPECT_EQ(old.status, 1);
  EXPECT_NE(old.output.find("revoked"), std::string::npos) << old.output;
}

}  // namespace
}  // namespace sendoff::test
