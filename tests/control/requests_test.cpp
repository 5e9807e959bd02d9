#include "control/requests.h"

#include <gtest/gtest.h>

namespace sendoff::control {
namespace {

std::string refusal(std::string_view line) {
  const auto request = parse_request(line);
  return request ? "taken" : request.error().code;
}

TEST(ControlRequest, ReadsBackWhatItWrites) {
  const LinkAddress place = LinkAddress::literal("02:00:5e:00:53:01");
  const Ipv6Address node = Ipv6Address::literal("2001:db8::5");
  const std::vector<Request> all{AskStatus{},
                                 AskEvents{true},
                                 machine::Order(machine::HandOver{place}),
                                 machine::Order(machine::RequestKey{}),
                                 machine::Order(machine::RequestKey{{place}, kAllRouters}),
                                 machine::Order(machine::BindingComplete{}),
                                 machine::Order(machine::Advise{place, std::nullopt}),
                                 machine::Order(machine::Advise{node, place}),
                                 machine::Order(machine::Advise{node, place, node}),
                                 LinkMoved{"wlan0", place},
                                 LinkMoved{"wlan0", std::nullopt},
                                 Reload{},
                                 SetLogLevel{"debug"},
                                 Stop{}};
  for (const Request& request : all) {
    const std::string line = text_of(request);
    const auto again = parse_request(line);
    ASSERT_TRUE(again) << line;
    EXPECT_EQ(again->index(), request.index()) << line;
    EXPECT_EQ(text_of(*again), line);
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

TEST(ControlRequest, NamesItsSchema) {
  EXPECT_EQ(refusal(R"({"schema":1,"command":"status"})"), "taken");
  EXPECT_EQ(refusal(R"({"schema":2,"command":"status"})"), "unknown-schema");
  EXPECT_EQ(refusal(R"({"schema":"1","command":"status"})"), "unknown-schema");
  EXPECT_EQ(refusal(R"({"command":"status"})"), "unknown-schema");
}

TEST(ControlRequest, RefusesWhatItDoesNotUnderstand) {
  for (const char* line : {"", "status", "[]", "1", "null", "{", R"({"schema":1)", "\xff\xfe"})
    EXPECT_EQ(refusal(line), "bad-request") << line;
  EXPECT_EQ(refusal(R"({"schema":1,"command":"explode"})"), "unknown-command");
  EXPECT_EQ(refusal(R"({"schema":1,"command":7})"), "unknown-command");
  EXPECT_EQ(refusal(R"({"schema":1})"), "unknown-command");
  EXPECT_EQ(refusal(R"({"schema":1,"command":"handover"})"), "bad-request");
  EXPECT_EQ(refusal(R"({"schema":1,"command":"handover","access_point":"here"})"), "bad-request");
  EXPECT_EQ(refusal(R"({"schema":1,"command":"link-moved"})"), "bad-request");
  EXPECT_EQ(refusal(R"({"schema":1,"command":"advise"})"), "bad-request");
  const std::string advise = R"({"schema":1,"command":"advise","mn":"2001:db8::5")";
  EXPECT_EQ(refusal(advise + R"(,"care_of":"2001:db8::6"})"), "bad-request");
  const std::string there = R"(,"access_point":"02:00:5e:00:53:01")";
  EXPECT_EQ(refusal(advise + there + R"(,"care_of":"here"})"), "bad-request");
  EXPECT_EQ(refusal(advise + there + R"(,"care_of":"2001:db8::6"})"), "taken");
  for (const char* nobody : {"", "here", "02:00:"})
    EXPECT_EQ(refusal(std::string(R"({"schema":1,"command":"advise","mn":")") + nobody + "\"}"),
              "bad-request");
  for (const char* wrong : {R"("access_points":"02:00:5e:00:53:01")", R"("access_points":["here"])",
                            R"("access_points":[1])", R"("destination":"there")"})
    EXPECT_EQ(refusal(R"({"schema":1,"command":"request-key",)" + std::string(wrong) + "}"),
              "bad-request");
}

TEST(ControlAnswer, CarriesAResultOrAReason) {
  EXPECT_EQ(parse_answer(answer_line(std::string(R"({"count":3})"))), R"({"count":3})");
  EXPECT_EQ(parse_answer(answer_line(std::string())), "{}");
  const auto refused = parse_answer(answer_line(fail(Refusal{"no-key", "none yet"})));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "no-key");
  EXPECT_EQ(refused.error().message, "none yet");
  EXPECT_FALSE(parse_answer("{}"));
  EXPECT_FALSE(parse_answer("nonsense"));
}

}  // namespace
}  // namespace sendoff::control
