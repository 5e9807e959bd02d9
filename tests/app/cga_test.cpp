// `sendoff cga search` at the terminal.
#include "app/terminal.h"
#include "base/bytes.h"
#include "crypto/rsa.h"
#include "support/covers.h"

namespace sendoff::test {
namespace {

class CgaSearch : public Terminal {
 protected:
  void SetUp() override {
    Terminal::SetUp();
    make("cga key --out key");
  }
  // The value of a line of the file that a search left.
  [[nodiscard]] std::string kept(const std::string& field) const {
    const std::string text = "\n" + read("state");
    const std::size_t at = text.find("\n" + field + " = ");
    if (at == std::string::npos) return {};
    std::string value = text.substr(at + field.size() + 4);
    value = value.substr(0, value.find('\n'));
    std::erase(value, '"');
    return value;
  }
  // A search for Sec 2 that is sent `signal` a moment after it began to listen for it: it ends
  // before that by a chance of one in a thousand.
  [[nodiscard]] Ran interrupted(const std::string& signal) const {
    return shell(program() +
                 " cga search --key key --sec 2 --threads 1 --resume state & search=$!; "
                 "for each in $(seq 4000); do "
                 "grep -q 'SigCgt:.*[2367abef]$' /proc/$search/status && break; sleep 0.05; done; "
                 "sleep 0.2; kill -" +
                 signal + " $search; wait $search");
  }
  [[nodiscard]] std::uint64_t low_half_of_next() const {
    Bytes octets;
    EXPECT_TRUE(from_hex(kept("next"), octets));
    return octets.size() == 16 ? Reader(ByteView(octets).subspan(8)).u64() : 0;
  }
};

using CgaKey = Terminal;

TEST_F(CgaKey, HasASizeInUseToday) {
  COVERS("SND-5.1.3-7");
  const auto made = [&](const std::string& options, std::uint32_t bits) {
    ASSERT_EQ(sendoff("cga key --out made" + std::to_string(bits) + options).status, 0) << options;
    const std::string pem = read("made" + std::to_string(bits));
    const auto key = crypto::SigningKey::from_pem(
        ByteView(reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()));
    ASSERT_TRUE(key) << options;
    EXPECT_EQ((*key)->public_key().bits(), bits);
    EXPECT_EQ((*key)->public_key().exponent(), 65537U);
  };
  made("", 2048);
  made(" --bits 1024", 1024);
  made(" --bits 3072", 3072);
  EXPECT_NE(sendoff("cga key --out small --bits 768").status, 0);
  EXPECT_EQ(read("small"), "");
}

TEST_F(CgaKey, HasAddressesUnderPrefixesOfSixtyFourBits) {
  COVERS("CGA-2-1");
  make("cga key --out key");
  for (const char* length : {"0", "60", "63", "65", "80", "128"}) {
    const Ran refused = sendoff("cga generate --key key --sec 0 --out made --prefix 2001:db8:a::/" +
                                std::string(length));
    EXPECT_EQ(refused.status, 2) << length << refused.output;
    EXPECT_NE(refused.output.find("length 64"), std::string::npos) << refused.output;
    EXPECT_EQ(read("made"), "") << length;
  }
  for (const unsigned sec : {0U, 1U}) {
    const std::string file = "made" + std::to_string(sec);
    const Ran made = sendoff("cga generate --key key --prefix 2001:db8:a:1::/64 --sec " +
                             std::to_string(sec) + " --out " + file);
    ASSERT_EQ(made.status, 0) << made.output;
    const std::string line = made.output.substr(made.output.find("2001:db8:a:1:"));
    const auto parsed = Ipv6Address::parse(line.substr(0, line.find('\n')));
    ASSERT_TRUE(parsed) << made.output;
    EXPECT_EQ(parsed->subnet_prefix(), 0x20010db8000a0001U);
    // Sec is bits 0 to 2 from the left of the other half, and u and g are bits 6 and 7.
    EXPECT_EQ(parsed->interface_identifier() >> 61, sec);
    EXPECT_EQ(parsed->interface_identifier() >> 56 & 3, 0U);
    EXPECT_EQ(sendoff("cga verify " + parsed->text() + " " + file).status, 0);
  }
}

TEST_F(CgaKey, WhatMoreSecCostsIsSaidWhereItIsChosen) {
  COVERS("CGA-7.2-1");
  const Ran help = sendoff("cga generate --help");
  ASSERT_EQ(help.status, 0);
  std::string text;
  for (const char c : help.output)
    if (c != '\n' && c != ' ')
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  for (const char* said :
       {"Security parameter 0 to 2", "65536 times the work", "checking it costs the same"})
    EXPECT_NE(text.find(said), std::string::npos) << said << "\n" << text;
}

// Found ahead or elsewhere, it is used for the key and Sec that it was found for alone.
TEST_F(CgaKey, TakesAModifierThatFitsIt) {
  COVERS("CGA-7.2-2");
  make("cga key --out key");
  make("cga key --out other");
  const std::string modifier = sendoff("cga search --key key --sec 1").output.substr(0, 32);
  const std::string generate =
      "cga generate --prefix 2001:db8:a:1::/64 --modifier " + modifier + " --key ";
  const Ran made = sendoff(generate + "key --sec 1 --out made");
  ASSERT_EQ(made.status, 0) << made.output;
  EXPECT_NE(made.output.find("modifier  " + modifier), std::string::npos) << made.output;
  EXPECT_NE(read("made").find("modifier = \"" + modifier + "\""), std::string::npos);
  EXPECT_NE(sendoff("cga show made").output.find("matches the parameters"), std::string::npos);

  const auto refused = [&](const std::string& arguments, int status) {
    const Ran ran = sendoff(arguments + " --out wrong");
    EXPECT_EQ(ran.status, status) << arguments << ran.output;
    EXPECT_NE(ran.output.find("--modifier"), std::string::npos) << ran.output;
    EXPECT_EQ(read("wrong"), "") << arguments;
  };
  refused(generate + "other --sec 1", 1);
  refused(generate + "key --sec 2", 1);  // but for one modifier in 65536
  refused("cga generate --prefix 2001:db8:a:1::/64 --key key --sec 1 --modifier 0123", 2);

  const auto daemon_takes = [&](const std::string& key) {
    write("guard.toml",
          "[guard]\non_stop = \"open\"\n[[interface]]\nname = \"lo\"\n[cga]\nsec = 1\nkey = \"" +
              key + "\"\nmodifier = \"" + modifier + "\"\n");
    return sendoff("guard -c guard.toml --check");
  };
  EXPECT_EQ(daemon_takes("key").status, 0);
  const Ran other = daemon_takes("other");
  EXPECT_NE(other.status, 0);
  EXPECT_NE(other.output.find("does not fit the key at sec = 1"), std::string::npos)
      << other.output;
}

// No daemon ever searches: there is no packet that would have to wait for it.
TEST_F(CgaSearch, IsACommandOfItsOwnThatEndsWhenItIsTold) {
  COVERS("CGA-4-16");
  for (const char* signal : {"INT", "TERM"}) {
    const Ran ended = interrupted(signal);
    EXPECT_EQ(ended.status, 130) << signal << ended.output;
  }
  const std::string guard =
      "[guard]\non_stop = \"open\"\n[[interface]]\nname = \"lo\"\n[cga]\nkey = \"key\"\nsec = ";
  for (const char* sec : {"1", "2"}) {
    write("guard.toml", guard + sec + "\n");
    const Ran refused = sendoff("guard -c guard.toml --check");
    EXPECT_NE(refused.status, 0) << sec;
    EXPECT_NE(refused.output.find("needs one that was searched for"), std::string::npos)
        << refused.output;
  }
}

TEST_F(CgaSearch, FindsAModifierThatGenerateTakes) {
  for (const std::string sec : {"0", "1"}) {
    const Ran found = sendoff("cga search --key key --sec " + sec);
    ASSERT_EQ(found.status, 0) << found.output;
    ASSERT_EQ(found.output.size(), 33U) << found.output;
    make("cga generate --key key --prefix 2001:db8::/64 --sec " + sec + " --out made" + sec +
         " --modifier " + found.output.substr(0, 32));
    EXPECT_NE(sendoff("cga show made" + sec).output.find("matches the parameters"),
              std::string::npos);
  }
}

TEST_F(CgaSearch, AnInterruptedSearchGoesOnWhereItWas) {
  const Ran first = interrupted("INT");
  ASSERT_EQ(first.status, 130) << first.output;
  EXPECT_NE(first.output.find("the same command goes on from state"), std::string::npos);
  const std::uint64_t tried = std::stoull(kept("tried"));
  const std::uint64_t reached = low_half_of_next();
  EXPECT_GT(tried, 0U);
  const Ran second = interrupted("INT");
  ASSERT_EQ(second.status, 130) << second.output;
  const std::uint64_t more = std::stoull(kept("tried")) - tried;
  EXPECT_GT(more, 0U);
  EXPECT_EQ(low_half_of_next() - reached, more);
}

TEST_F(CgaSearch, AFileOfAnotherSearchIsRefusedAndOneThatEndedRemoved) {
  make("cga key --out other");
  ASSERT_EQ(interrupted("TERM").status, 130);
  const Ran other = sendoff("cga search --key other --sec 2 --resume state");
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.output.find("state is of a search for another key or Sec"), std::string::npos);
  EXPECT_EQ(sendoff("cga search --key key --sec 1 --resume state").status, 2);
  // As one of Sec 1 it ends at once.
  std::string state = read("state");
  state.replace(state.find("sec = 2"), 7, "sec = 1");
  write("state", state);
  EXPECT_EQ(sendoff("cga search --key key --sec 1 --resume state").status, 0);
  EXPECT_FALSE(std::filesystem::exists(path("state")));
  write("state", "sec = 1\nnonsense\n");
  const Ran broken = sendoff("cga search --key key --sec 1 --resume state");
  EXPECT_EQ(broken.status, 2);
  EXPECT_NE(broken.output.find("state:2: not a line"), std::string::npos) << broken.output;
}

}  // namespace
}  // namespace sendoff::test
