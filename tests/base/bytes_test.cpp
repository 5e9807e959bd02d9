// Octets: text form, the two cursors, and what ends the program.
#include "base/bytes.h"

#include <gtest/gtest.h>

namespace sendoff {
namespace {

TEST(Hexadecimal, IsWrittenInLowerCaseAndReadInBoth) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x0f, 0xa5, 0xff}), "000fa5ff");
  EXPECT_EQ(to_hex({}), "");
  Bytes octets = {1};
  EXPECT_TRUE(from_hex("000Fa5fF", octets));
  EXPECT_EQ(octets, (Bytes{0x00, 0x0f, 0xa5, 0xff}));
  EXPECT_TRUE(from_hex("", octets));
  EXPECT_TRUE(octets.empty());
}

TEST(Hexadecimal, RefusesEverythingElseAndLeavesNothing) {
  for (const std::string_view text : {"0", "000", "0g", "g0", "0x", " 0", "0 ", "-1", "00:11"}) {
    Bytes octets = {1, 2};
    EXPECT_FALSE(from_hex(text, octets)) << text;
    EXPECT_TRUE(octets.empty()) << text;
  }
}

TEST(Reader, ReadsNumbersInNetworkOrder) {
  Bytes octets;
  ASSERT_TRUE(from_hex("0102030405060708090a0b0c0d0e0f101112131415", octets));
  Reader reader(octets);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.u48(), 0x08090a0b0c0dU);
  EXPECT_EQ(reader.u64(), 0x0e0f101112131415U);
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_TRUE(reader.ok());
}

TEST(Reader, FailsForGoodWhenItIsAskedForTooMuch) {
  const Bytes octets = {1, 2, 3};
  Reader reader(octets);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_TRUE(reader.take(0).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.array<2>(), (std::array<std::uint8_t, 2>{}));
}

TEST(Reader, TakesNoSizeForGranted) {
  const Bytes octets = {1, 2, 3};
  Reader reader(octets);
  EXPECT_TRUE(reader.take(SIZE_MAX).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(Reader, BorrowsItsOctets) {
  const Bytes octets = {1, 2, 3, 4, 5};
  Reader reader(octets);
  reader.skip(1);
  const ByteView taken = reader.take(2);
  EXPECT_EQ(taken.data(), octets.data() + 1);
  EXPECT_EQ(reader.array<1>(), (std::array<std::uint8_t, 1>{4}));
  EXPECT_EQ(reader.rest().size(), 1U);
  EXPECT_TRUE(reader.ok());
  reader.skip(1);
  EXPECT_FALSE(reader.ok());
}

TEST(Writer, WritesNumbersInNetworkOrder) {
  Bytes octets(24, 0xaa);
  Writer writer(octets);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u48(0x08090a0b0c0d);
  writer.u64(0x0e0f101112131415);
  writer.bytes(Bytes{0x16});
  writer.zeros(2);
  EXPECT_EQ(writer.remaining(), 0U);
  EXPECT_EQ(to_hex(octets), "0102030405060708090a0b0c0d0e0f101112131415160000");
}

TEST(WriterDeathTest, EndsTheProgramRatherThanWriteOutside) {
  Bytes octets(3);
  Writer writer(octets);
  writer.u16(1);
  EXPECT_DEATH(writer.u16(1), "");
  EXPECT_DEATH(writer.zeros(2), "");
  EXPECT_DEATH(writer.bytes(Bytes(2)), "");
  EXPECT_DEATH(writer.zeros(SIZE_MAX), "");
  writer.u8(1);
  EXPECT_DEATH(writer.u8(1), "");
}

// Says one size and fills another.
struct Liar {
  std::size_t claimed;
  [[nodiscard]] std::size_t size() const { return claimed; }
  void emit(Writer& out) const { out.u16(0x0102); }
};

TEST(Append, GrowsTheMessageByTheSizeOfTheItem) {
  Bytes message = {9};
  append(message, Liar{.claimed = 2});
  EXPECT_EQ(to_hex(message), "090102");
}

TEST(AppendDeathTest, EndsTheProgramWhenSizeAndEmissionDisagree) {
  Bytes message;
  EXPECT_DEATH(append(message, Liar{.claimed = 1}), "");
  EXPECT_DEATH(append(message, Liar{.claimed = 3}), "");
}

TEST(InvariantDeathTest, EndsTheProgram) {
  invariant(true);
  EXPECT_DEATH(invariant(false), "");
}

TEST(Octets, AreComparedByValue) {
  EXPECT_TRUE(equal(Bytes{1, 2}, Bytes{1, 2}));
  EXPECT_FALSE(equal(Bytes{1, 2}, Bytes{1, 3}));
  EXPECT_FALSE(equal(Bytes{1, 2}, Bytes{1}));
  EXPECT_EQ(to_bytes(ByteView(Bytes{1, 2})), (Bytes{1, 2}));
}

}  // namespace
}  // namespace sendoff
