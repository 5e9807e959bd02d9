// The modifier search, and that whatever it finds passes verification.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "cga/cga.h"
#include "cga/example.h"
#include "cga/hash2.h"
#include "cga/search_lanes.h"
#include "support/covers.h"
#include "support/vectors.h"

namespace sendoff::cga {
namespace {

// Not a key: the search takes any octets. Seeded, so that each run does the same work.
Bytes octets_of(std::mt19937& source, std::size_t size) {
  Bytes octets(size);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(source());
  return octets;
}

// An SPKI in form, which is all that cga/ looks at.
Bytes key_of(std::mt19937& source, std::size_t size) {
  Bytes key = example().hex("public-key-spki");
  const Bytes filling = octets_of(source, size);
  key[1] = static_cast<std::uint8_t>(0x5c + size);
  key.insert(key.end(), filling.begin(), filling.end());
  return key;
}

Modifier modifier_of(std::mt19937& source) { return Reader(octets_of(source, 16)).array<16>(); }

Modifier modifier(std::string_view text) {
  Bytes octets;
  EXPECT_TRUE(from_hex(text, octets));
  return Reader(octets).array<16>();
}

// How far `to` lies above `from`; the tests never go further than 64 bits.
std::uint64_t distance(const Modifier& from, const Modifier& to) {
  return Reader(ByteView(to).subspan(8)).u64() - Reader(ByteView(from).subspan(8)).u64();
}

bool address_verifies(const Modifier& found, const Bytes& key, const Bytes& extensions,
                      std::uint8_t sec) {
  Parameters parameters{found, {0x20, 1, 0xd, 0xb8, 0, 0, 0, 7}, 0, key, extensions};
  const Bytes octets = parameters.octets();
  const auto view = ParametersView::parse(octets);
  const Ipv6Address address = address_of(parameters, sec);
  return view && verify(address, *view) && sec_of(address) == sec &&
         (address.octets()[8] & 3) == 0 && octets[24] == 0;
}

TEST(ModifierSearch, FindsTheModifierOfTheExampleAtTheSecondTry) {
  COVERS("CGA-4-1");
  const Modifier start = modifier(example().text("modifier-initial"));
  const Bytes key = example().hex("public-key-spki");
  const auto found = find_modifier(start, key, {}, {.sec = 1, .threads = 1});
  ASSERT_TRUE(found);
  EXPECT_EQ(to_hex(*found), example().text("modifier-final"));
  EXPECT_EQ(distance(start, *found), 1U);
  Parameters parameters{*found, {0xfe, 0x80, 0, 0, 0, 0, 0, 0}, 0, key, {}};
  EXPECT_EQ(address_of(parameters, 1), Ipv6Address::literal("fe80::3c4a:5bf6:ffb4:ca6c"));
}

TEST(ModifierSearch, SkipsNoModifierOnItsWay) {
  COVERS("CGA-4-3");
  const Modifier example_start = modifier(example().text("modifier-initial"));
  const auto example_found =
      find_modifier(example_start, example().hex("public-key-spki"), {}, {.threads = 1});
  ASSERT_TRUE(example_found);
  EXPECT_EQ(distance(example_start, *example_found), 1U);

  std::mt19937 source(3972);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const Bytes key = key_of(source, i);
    const Modifier start = modifier_of(source);
    const auto found = find_modifier(start, key, {}, {.sec = 1, .threads = 1});
    ASSERT_TRUE(found);
    EXPECT_TRUE(address_verifies(*found, key, {}, 1));
    total += distance(start, *found) + 1;
    if (i < 3) {  // step by step, as the RFC writes it
      Modifier step = start;
      while (!hash2_ok(step, key, {}, 1))
        for (std::size_t at = step.size(); at-- > 0 && ++step[at] == 0;) {
        }
      EXPECT_EQ(step, *found);
    }
  }
  EXPECT_GT(total / 20, 65536U / 3);
  EXPECT_LT(total / 20, 65536U * 3);
}

TEST(ModifierSearch, WrapsFromAllOnesToZero) {
  COVERS("CGA-3-2");
  const Bytes key = example().hex("public-key-spki");
  Modifier ones{};
  ones.fill(0xff);
  ASSERT_FALSE(hash2_ok(ones, key, {}, 1));
  const auto found = find_modifier(ones, key, {}, {.sec = 1, .threads = 1});
  ASSERT_TRUE(found);
  EXPECT_EQ(Reader(*found).u64(), 0U);
  EXPECT_TRUE(address_verifies(*found, key, {}, 1));
  const auto from_zero = find_modifier(Modifier{}, key, {}, {.sec = 1, .threads = 1});
  EXPECT_EQ(from_zero, found);
  // And the two values themselves serve like any other.
  EXPECT_TRUE(address_verifies(Modifier{}, key, {}, 0));
  EXPECT_TRUE(address_verifies(ones, key, {}, 0));
}

TEST(ModifierSearch, CarriesFromEveryWordToTheNext) {
  const Bytes key = example().hex("public-key-spki");
  for (const char* text :
       {"000000000000000000000000ffffffff", "0000000000000000ffffffffffffffff",
        "00000000ffffffffffffffffffffffff", "00000000000000000000000ffffffff9"}) {
    const Modifier start = modifier(text);
    Modifier step = start;
    while (!hash2_ok(step, key, {}, 1))
      for (std::size_t at = step.size(); at-- > 0 && ++step[at] == 0;) {
      }
    EXPECT_EQ(find_modifier(start, key, {}, {.sec = 1, .threads = 1}), step) << text;
  }
}

TEST(ModifierSearch, HashesKeyAndExtensionsOfAnyLength) {
  COVERS("CGA-5-5");
  std::mt19937 source(4581);
  for (std::size_t size = 0; size < 70; ++size) {  // the padding of SHA-1 in every place
    const Bytes key = octets_of(source, size);
    const Bytes extensions = octets_of(source, size % 5);
    const Modifier start = modifier_of(source);
    const auto found = find_modifier(start, key, extensions, {.sec = 1, .threads = 1});
    ASSERT_TRUE(found);
    EXPECT_TRUE(hash2_ok(*found, key, extensions, 1)) << size;
  }
  // Verification with and without the extensions in Hash2 differs.
  const Bytes key = example().hex("public-key-spki");
  const Bytes extensions = {0xff, 0xfd, 0, 1, 7};
  const auto found = find_modifier(modifier_of(source), key, extensions, {.sec = 1});
  ASSERT_TRUE(found);
  EXPECT_NE(hash2(*found, key, extensions), hash2(*found, key, {}));
  EXPECT_FALSE(hash2_ok(*found, key, {}, 1));
  EXPECT_TRUE(address_verifies(*found, key, extensions, 1));
}

TEST(ModifierSearch, WhateverIsGeneratedVerifies) {
  COVERS("CGA-4-13", "CGA-4-14");
  std::mt19937 source(5);
  for (int i = 0; i < 10000; ++i) {
    const Bytes key = key_of(source, static_cast<std::size_t>(i % 30));
    const auto found = find_modifier(modifier_of(source), key, {}, {.sec = 0});
    ASSERT_TRUE(found);
    ASSERT_TRUE(address_verifies(*found, key, {}, 0)) << i;
  }
  for (unsigned i = 0; i < 50; ++i) {  // one thread and several, and a modifier used again
    const Bytes key = key_of(source, i % 30);
    const auto found =
        find_modifier(modifier_of(source), key, {}, {.sec = 1, .threads = 1 + i % 4});
    ASSERT_TRUE(found);
    ASSERT_TRUE(address_verifies(*found, key, {}, 1)) << i;
    ASSERT_TRUE(address_verifies(*found, key, {}, 0)) << i;
  }
}

TEST(ModifierSearch, SecZeroTakesTheStartAsItIs) {
  std::mt19937 source(1);
  const Modifier start = modifier_of(source);
  EXPECT_EQ(find_modifier(start, example().hex("public-key-spki"), {}, {.sec = 0}), start);
}

TEST(ModifierSearch, NothingIsGeneratedWithAnUnassignedSec) {
  for (std::uint8_t sec = 3; sec < 8; ++sec)
    EXPECT_FALSE(find_modifier(Modifier{}, example().hex("public-key-spki"), {}, {.sec = sec}));
}

TEST(ModifierSearch, StopsWhenCancelled) {
  std::mt19937 source(2);
  const Bytes key = key_of(source, 20);
  std::atomic<bool> cancel = false;
  std::uint64_t last = 0;
  SearchOptions options{.sec = 2, .threads = 3, .progress = {}, .cancel = &cancel};
  int calls = 0;
  options.progress = [&](std::uint64_t tried) {
    EXPECT_GT(tried, last);
    last = tried;
    if (++calls == 5) cancel = true;
  };
  EXPECT_FALSE(find_modifier(Modifier{}, key, {}, options));
  EXPECT_EQ(calls, 5);
  calls = 0;
  EXPECT_FALSE(find_modifier(Modifier{}, key, {}, options));  // before it began
  EXPECT_EQ(calls, 0);
}

TEST(ModifierSearch, TellsHowFarItCameWhenCancelled) {
  std::mt19937 source(4);
  const Bytes key = key_of(source, 20);
  const Modifier start = modifier_of(source);
  for (const unsigned threads : {1U, 3U}) {
    std::atomic<bool> cancel = false;
    std::uint64_t tried = 0;
    SearchOptions options{.sec = 2, .threads = threads, .progress = {}, .cancel = &cancel};
    std::uint64_t told = 0;
    options.tried = &tried;
    options.progress = [&](std::uint64_t count) {
      told = count;
      cancel = true;
    };
    EXPECT_FALSE(find_modifier(start, key, {}, options));
    EXPECT_GE(tried, told);
    EXPECT_GT(told, 0U);
  }
  std::uint64_t tried = 77;
  EXPECT_TRUE(find_modifier(start, key, {}, {.sec = 1, .threads = 2, .tried = &tried}));
  EXPECT_EQ(tried, 77U);
}

TEST(ModifierSearch, GoesOnWithoutAGap) {
  // The known modifier for Sec 2 lies just behind where a search was cancelled.
  const test::Vector vector = test::load_vector("cga-sec2.txt", "sec2-rfc-key");
  const Modifier known = modifier(vector.text("modifier"));
  const Bytes key = vector.hex("public-key");
  const Modifier start = advanced(known, std::uint64_t{0} - 100'000);  // in the low half only
  Modifier from = known;
  Writer(ByteSpan(from).last(8)).u64(Reader(ByteView(start).last(8)).u64());
  std::atomic<bool> cancel = false;
  std::uint64_t tried = 0;
  SearchOptions options{.sec = 2, .threads = 1, .progress = {}, .cancel = &cancel};
  options.tried = &tried;
  options.progress = [&](std::uint64_t) { cancel = true; };
  ASSERT_FALSE(find_modifier(from, key, {}, options));
  ASSERT_LT(tried, 100'000U);
  EXPECT_EQ(find_modifier(advanced(from, tried), key, {}, {.sec = 2, .threads = 1}), known);
}

TEST(SearchLanes, AllInstructionsOfTheProcessorGiveTheSameHash) {
  std::mt19937 source(180);
  ASSERT_EQ(available_instructions().front(), Instructions::kBase);
  for (const Instructions instructions : available_instructions()) {
    for (std::size_t size = 0; size < 330; size += size < 70 ? 1 : 13) {
      const Bytes key = octets_of(source, size);
      const Bytes extensions = octets_of(source, size % 5);
      Modifier start = modifier_of(source);
      if (size % 3 == 0) std::fill_n(start.begin() + 4, 11, std::uint8_t{0xff});  // carries
      const auto words = SearchLanes(key, extensions, instructions).first_words(start);
      for (std::size_t lane = 0; lane < words.size(); ++lane)
        ASSERT_EQ(words[lane], Reader(hash2(advanced(start, lane), key, extensions)).u32())
            << name(instructions) << ", " << size << " octets, lane " << lane;
    }
  }
}

}  // namespace
}  // namespace sendoff::cga
