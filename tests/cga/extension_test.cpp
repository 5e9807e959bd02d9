// Extension fields (RFC 4581 2).
#include "cga/extension.h"

#include <gtest/gtest.h>

#include "support/covers.h"

namespace sendoff::cga {
namespace {

const Bytes kThree{0xaa, 0xbb, 0xcc};
const Bytes kFive{1, 2, 3, 4, 5};

Bytes octets_of(std::initializer_list<Extension> items) {
  Bytes octets;
  for (const Extension& item : items) append(octets, item);
  return octets;
}

TEST(CgaExtension, IsTypeLengthAndDataWithoutPadding) {
  COVERS("CGA-4581-1");
  const Bytes wanted{0xff, 0xfd, 0x00, 0x03, 0xaa, 0xbb, 0xcc};
  EXPECT_EQ(octets_of({{0xfffd, kThree}}), wanted);
  const auto items = parse_extensions(wanted);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 1U);
  EXPECT_EQ(items->front().type, 0xfffd);
  EXPECT_TRUE(equal(items->front().data, kThree));
}

TEST(CgaExtension, ItsLengthCountsTheDataOnly) {
  COVERS("CGA-4581-2");
  const Bytes empty = octets_of({{0xfffe, {}}});
  EXPECT_EQ(empty, (Bytes{0xff, 0xfe, 0, 0}));
  const Bytes two = octets_of({{0xfffe, {}}, {0x0102, {}}});
  const auto items = parse_extensions(two);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 2U);
  EXPECT_EQ(items->at(1).type, 0x0102);
  const Bytes long_data(0x1234, 7);
  const Bytes large = octets_of({{1, long_data}});
  EXPECT_EQ(large[2], 0x12);
  EXPECT_EQ(large[3], 0x34);
  EXPECT_EQ(parse_extensions(large)->front().data.size(), 0x1234U);
}

TEST(CgaExtension, ItemsStandBackToBack) {
  COVERS("CGA-4581-3");
  const Bytes octets = octets_of({{1, kThree}, {2, kFive}, {3, kThree}});
  EXPECT_EQ(octets.size(), 7U + 9U + 7U);
  const auto items = parse_extensions(octets);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 3U);
  EXPECT_TRUE(equal(items->at(1).data, kFive));
  EXPECT_TRUE(equal(items->at(2).data, kThree));
  for (std::size_t size = 0; size <= octets.size(); ++size) {
    const bool whole = size == 0 || size == 7 || size == 16 || size == 23;
    EXPECT_EQ(parse_extensions(ByteView(octets).first(size)).has_value(), whole) << size;
  }
  EXPECT_EQ(explain_extensions(octets), "type 1 aabbcc, type 2 0102030405, type 3 aabbcc");
  EXPECT_EQ(explain_extensions(kThree), "aabbcc (no whole items)");
  EXPECT_EQ(explain_extensions({}), "none");
}

}  // namespace
}  // namespace sendoff::cga
