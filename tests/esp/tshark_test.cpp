// What a program of other people's makes of our packets: tshark, given the key, says whether the
// ICV is right and finds the Mobility Header.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "esp/fixture.h"

namespace sendoff::esp {
namespace {

// A capture file of whole IPv6 packets (link type RAW), removed with the object.
class Capture {
 public:
  explicit Capture(const std::vector<Bytes>& packets) {
    const int fd = mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    close(fd);
    std::ofstream file(path_, std::ios::binary);
    const auto number = [&](std::uint32_t value) {
      file.write(reinterpret_cast<const char*>(&value), sizeof value);
    };
    for (const std::uint32_t value : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 101U})
      number(value);
    for (const Bytes& packet : packets) {
      const auto size = static_cast<std::uint32_t>(packet.size());
      for (const std::uint32_t value : {0U, 0U, size, size}) number(value);
      file.write(reinterpret_cast<const char*>(packet.data()),
                 static_cast<std::streamsize>(packet.size()));
    }
  }
  ~Capture() { unlink(path_.c_str()); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // A line for each packet: next header, SPI, sequence number, ICV good, Pad Length, padding, Next
  // Header of ESP, MH type.
  [[nodiscard]] std::string dissected(std::uint32_t spi, const Secret& key) const {
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), "0x%08x", spi);
    const std::string command =
        "tshark -r " + path_ +
        " -T fields -E separator=/s -e ipv6.nxt -e esp.spi -e esp.sequence -e esp.icv_good"
        " -e esp.pad_len -e esp.pad -e esp.protocol -e mip6.mhtype"
        " -o esp.enable_authentication_check:TRUE -o esp.enable_encryption_decode:TRUE"
        " -o 'uat:esp_sa:\"IPv6\",\"*\",\"*\",\"" +
        std::string(number.data()) + "\",\"NULL\",\"\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x" +
        to_hex(key.expose()) + "\"' 2>/dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    std::string text;
    std::array<char, 512> chunk{};
    while (const std::size_t size = fread(chunk.data(), 1, chunk.size(), pipe))
      text.append(chunk.data(), size);
    EXPECT_EQ(pclose(pipe), 0) << "is tshark installed? tools/setup does that";
    return text;
  }

 private:
  std::string path_ = "/tmp/sendoff-esp-XXXXXX";
};

using Tshark = EspTest;

TEST_F(Tshark, FindsTheIcvsOfOurPacketsRight) {
  COVERS("ESP-4303-02", "ESP-4303-03");  // encoder: EspPacket.Padding…
  Bytes hack = hi();
  hack[2] = 15;
  wire::seal_mobility(kPar, kNar, hack);
  std::vector<Bytes> packets;
  packets.push_back(par.seal(now, kNar, hi()).value());
  packets.push_back(par.seal(now, kNar, hack).value());
  packets.push_back(packets[0]);
  packets.back().back() ^= 1;
  for (std::size_t i = 0; i < 2; ++i) {
    const ByteView esp = ByteView(packets[i]).subspan(40);
    EXPECT_EQ(esp.size() % 4, 0U);
    EXPECT_EQ(to_hex(esp.subspan(esp.size() - 20, 4)), "01020287");
  }
  EXPECT_EQ(Capture(packets).dissected(kToNar, *key_numbered(1)),
            "50 0x00001000 1 1 2 0102 0x87 14\n"
            "50 0x00001000 2 1 2 0102 0x87 15\n"
            "50 0x00001000 1 0 2 0102 0x87 14\n");
}

// We never send a dummy (RFC 4303 2.6), but can make one.
TEST_F(Tshark, TakesADummyOfOurs) {
  COVERS("ESP-4303-22");  // dropped: Open.DummiesAreDroppedAndTheirNumbersUsed; not sent: EspPar
  Craft dummy{.sequence = 3, .next_header = wire::kProtocolNoNext};
  dummy.payload = Bytes(40, 0x5c);
  EXPECT_EQ(Capture({dummy.packet()}).dissected(kToNar, *key_numbered(1)),
            "50 0x00001000 3 1    \n")
      << "the ICV is right, and nothing is looked for inside";
}

}  // namespace
}  // namespace sendoff::esp
