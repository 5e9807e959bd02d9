#include "control/event_text.h"

#include <gtest/gtest.h>

namespace sendoff::control {
namespace {

using machine::Event;
using machine::EventKind;

// 2026-03-01T22:50:47.123Z
constexpr Now kAt{
    Instant{milliseconds(1234)},
    UtcTime{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1).time_since_epoch() + hours(22) +
            std::chrono::minutes(50) + seconds(47) + milliseconds(123)}};

const Event kIssued{EventKind::kKeyIssued,
                    {{"cga", std::string("2001:db8::1")}, {"lifetime_s", std::int64_t{43200}}}};

TEST(EventText, IsOneJsonObjectALine) {
  EXPECT_EQ(event_json(kAt, kIssued),
            R"({"time":"2026-03-01T22:50:47.123Z","boot_ns":1234000000,"event":"key-issued",)"
            R"("cga":"2001:db8::1","lifetime_s":43200})");
}

TEST(EventText, IsWordsForPeople) {
  EXPECT_EQ(event_words(kIssued), "key-issued cga=2001:db8::1 lifetime_s=43200");
  EXPECT_EQ(human_event(event_json(kAt, kIssued)),
            "22:50:47.123 key-issued cga=2001:db8::1 lifetime_s=43200");
}

TEST(EventText, QuotesWhatHasBlanks) {
  EXPECT_EQ(event_words({EventKind::kWarning, {{"text", std::string("two words")}}}),
            "warning text=\"two words\"");
}

TEST(EventText, CannotSteerATerminalOrForgeALine) {
  const Event hostile{EventKind::kPathRefused,
                      {{"subject", std::string("CN=\x1b[31mroot\nkey-issued \x7f\xff")}}};
  const std::string words = event_words(hostile);
  EXPECT_EQ(words.find('\n'), std::string::npos);
  EXPECT_EQ(words.find('\x1b'), std::string::npos);
  EXPECT_EQ(words.find('\x7f'), std::string::npos);
  const std::string json = event_json(kAt, hostile);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_EQ(json.find('\x1b'), std::string::npos);
  EXPECT_EQ(json.find('\xff'), std::string::npos);
  EXPECT_EQ(human_event(json).find('\x1b'), std::string::npos);
}

TEST(EventText, WhatIsNoEventIsShownAsItIs) {
  EXPECT_EQ(human_event("hello"), "hello");
  EXPECT_EQ(human_event("{\"event\":5}"), "{\"event\":5}");
}

}  // namespace
}  // namespace sendoff::control
