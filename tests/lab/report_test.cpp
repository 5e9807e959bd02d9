// Messages, phases, JSON and the page, of a handover that a test lays out.
#include "lab/report.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "lab/ladder.h"
#include "lab/messages.h"
#include "lab/results.h"
#include "lab/synthetic.h"
#include "wire/icmpv6.h"
#include "wire/mobility.h"

namespace sendoff::lab {
namespace {

using namespace sendoff::test;

template <typename Message>
Bytes mobility_frame(const LinkAddress& from, const Ipv6Address& source,
                     const Ipv6Address& destination, const Message& message) {
  Bytes header;
  append(header, message);
  wire::seal_mobility(source, destination, header);
  return frame(from, ipv6(source, destination, wire::kProtocolMobility, header));
}

Bytes una_frame() {
  Bytes message;
  wire::NeighborAdvertisement advertisement;
  advertisement.override_flag = true;
  advertisement.target = kNewAddress;
  append(message, advertisement);
  return frame(kMobileLink, ipv6(kNewAddress, kAllNodes, wire::kProtocolIcmpv6, message));
}

AddressPlan plan() { return {{{kParAddress}, {kNarAddress}}}; }

Sighting seen(std::int64_t us, const Bytes& octets) {
  auto sighting = understand(at_us(us), octets);
  EXPECT_TRUE(sighting);
  return sighting ? *sighting : Sighting{};
}

// Ordered at 0, link down from 10 ms to 60 ms, 100 datagrams, those from 5 ms on held by the NAR.
Run handover() {
  Run run;
  run.mode = Mode::kPredictive;
  run.moves.push_back({at_us(0), at_us(10'000), at_us(60'000), Side::kNar});
  wire::FastBindingUpdate fbu;
  fbu.acknowledge = fbu.home_registration = true;
  const Trace air{seen(500, mobility_frame(kMobileLink, kOldAddress, kParAddress, fbu)),
                  seen(4'000, mobility_frame(kParLink, kParAddress, kOldAddress,
                                             wire::FastBindingAcknowledgement{})),
                  seen(60'500, una_frame())};
  const Trace core{
      seen(1'000, mobility_frame(kParCoreLink, kParAddress, kNarAddress, wire::HandoverInitiate{})),
      seen(3'000, mobility_frame(LinkAddress::literal("02:00:00:00:0c:0b"), kNarAddress,
                                 kParAddress, wire::HandoverAcknowledge{}))};
  run.messages =
      messages_of({air, core}, plan(), {{UtcTime{}, Side::kPar}, {at_us(60'000), Side::kNar}});
  Trace sent;
  Trace nar;
  Trace received;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto at = static_cast<std::int64_t>(i) * 1000;
    sent.push_back(seen(at, datagram_frame(i)));
    if (i >= 5) nar.push_back(seen(at + 100, tunnelled_frame(i, kParCoreLink)));
    const std::int64_t arrives =
        i < 5 ? at + 200 : std::max<std::int64_t>(at + 300, 61'000 + at / 20);
    received.push_back(
        seen(arrives, i < 5 ? datagram_frame(i, kParLink) : tunnelled_frame(i, kNarLink)));
  }
  run.flow = analyse_flow(sent, received, nar, kMobileLink);
  return run;
}

TEST(Messages, EachIsNamedWithWhoSaidItToWhom) {
  std::string told;
  for (const Message& message : handover().messages)
    told += message.name + " " + std::string(name(message.from)) + ">" +
            std::string(name(message.to)) + "; ";
  EXPECT_EQ(told, "FBU MN>PAR; HI PAR>NAR; HAck NAR>PAR; FBack PAR>MN; UNA MN>NAR; ");
}

// RFC 4303 2 with NULL encryption: SPI, number, the message, padding 1, 2 … and its length, next
// header, 16 octets of check value.
Bytes in_esp(ByteView message, std::uint8_t next_header = wire::kProtocolMobility) {
  Bytes out;
  put(out, 0x1000, 4);
  put(out, 1, 4);
  put(out, message);
  std::uint8_t padding = 0;
  while ((out.size() + 2) % 4 != 0) out.push_back(++padding);
  put(out, padding, 1);
  put(out, next_header, 1);
  out.resize(out.size() + 16);
  return out;
}

Bytes esp_frame(ByteView esp) {
  return frame(kParCoreLink, ipv6(kParAddress, kNarAddress, wire::kProtocolEsp, esp));
}

template <typename Message>
Bytes sealed(const Message& message) {
  Bytes header;
  append(header, message);
  wire::seal_mobility(kParAddress, kNarAddress, header);
  return header;
}

TEST(Messages, WhatEspProtectsIsNamedWithItsProtection) {
  const Bytes hi = sealed(wire::HandoverInitiate{});
  EXPECT_EQ(seen(0, esp_frame(in_esp(hi))).message, "HI in ESP");
  EXPECT_EQ(seen(0, esp_frame(in_esp(sealed(wire::HandoverAcknowledge{})))).message, "HAck in ESP");
  EXPECT_EQ(seen(0, esp_frame(in_esp(hi, 17))).message, "ESP");
  EXPECT_EQ(seen(0, esp_frame(in_esp(Bytes(16)))).message, "ESP");
  EXPECT_EQ(
      seen(0, mobility_frame(kParCoreLink, kParAddress, kNarAddress, wire::HandoverInitiate{}))
          .message,
      "HI");
}

TEST(Messages, NoTruncatedEspIsReadBeyondItsEnd) {
  const Bytes whole = in_esp(sealed(wire::HandoverInitiate{}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(seen(0, esp_frame(ByteView(whole).first(size))).message, "ESP") << size;
  // Padding that would be longer than the packet.
  Bytes lying = whole;
  lying[lying.size() - 18] = 255;
  EXPECT_EQ(seen(0, esp_frame(lying)).message, "ESP");
}

TEST(Messages, OneMessageInClearIsEnoughToSaySo) {
  lab::Run run = handover();
  EXPECT_EQ(protection_seen(run), "clear");
  std::erase_if(run.messages, [](const Message& each) { return each.name == "HI"; });
  run.messages.push_back({at_us(1'000), Node::kPar, Node::kNar, "HI in ESP"});
  EXPECT_EQ(protection_seen(run), "clear");
  std::erase_if(run.messages, [](const Message& each) { return each.name == "HAck"; });
  EXPECT_EQ(protection_seen(run), "esp");
  run.messages.clear();
  EXPECT_EQ(protection_seen(run), "");
}

TEST(Messages, WhatARouterPassesOnIsOneMessageAndARepeatIsAnother) {
  wire::FastBindingUpdate fbu;
  fbu.acknowledge = true;
  const auto from = [&](const LinkAddress& link) {
    return mobility_frame(link, kNewAddress, kParAddress, fbu);
  };
  const Trace air{seen(0, from(kMobileLink)), seen(1'000'000, from(kMobileLink))};
  const Trace core{seen(200, from(LinkAddress::literal("02:00:00:00:0c:0b"))),
                   seen(1'000'200, from(LinkAddress::literal("02:00:00:00:0c:0b")))};
  const auto messages = messages_of({air, core}, plan(), {});
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[1].at, at_us(1'000'000));
  EXPECT_EQ(messages[1].from, Node::kMobile);
}

TEST(Phases, AreTimesAfterTheLinkWent) {
  std::map<std::string, double> phases;
  for (const Phase& phase : phases_of(handover())) phases[phase.name] = phase.ms;
  EXPECT_DOUBLE_EQ(phases["ordered"], -10);
  EXPECT_DOUBLE_EQ(phases["fbu"], -9.5);
  EXPECT_DOUBLE_EQ(phases["hi"], -9);
  EXPECT_DOUBLE_EQ(phases["hack"], -7);
  EXPECT_DOUBLE_EQ(phases["fback"], -6);
  EXPECT_DOUBLE_EQ(phases["link-up"], 50);
  EXPECT_DOUBLE_EQ(phases["una"], 50.5);
  EXPECT_DOUBLE_EQ(phases["first-packet"], 51.25);
  EXPECT_EQ(held_count(handover()), 57U);
}

TEST(Results, JsonHoldsWhatTheCapturesSay) {
  Results results;
  results.runs = {handover(), handover()};
  results.runs[1].number = 2;
  const auto json = nlohmann::json::parse(results_json({}, results));
  ASSERT_EQ(json["runs"].size(), 2U);
  const auto& run = json["runs"][1];
  EXPECT_EQ(run["mode"], "predictive");
  EXPECT_EQ(run["number"], 2);
  EXPECT_EQ(run["sent"], 100);
  EXPECT_EQ(run["received"], 100);
  EXPECT_EQ(run["lost"], 0);
  EXPECT_EQ(run["duplicated"], 0);
  EXPECT_EQ(run["reordered"], 0);
  EXPECT_DOUBLE_EQ(run["longest_silence_ms"], 57.05);
  EXPECT_DOUBLE_EQ(run["link_gap_ms"], 50);
  EXPECT_DOUBLE_EQ(run["silence_after_link_up_ms"], 1.25);
  EXPECT_EQ(run["phases"]["fbu"], -9.5);
  EXPECT_DOUBLE_EQ(run["added_ms"], 7.05);
  EXPECT_EQ(run["protection"], "clear");
  EXPECT_EQ(json["summary"]["predictive"]["sent"], 200);
  EXPECT_FALSE(json.contains("failure"));
}

// As handover(), and back again: ordered at 1 s, link down from 1.01 s to 1.05 s, 20 datagrams
// lost.
Run there_and_back() {
  Run run = handover();
  run.mode = Mode::kPingPong;
  run.moves[0].tcp_timeouts = 1;
  run.moves.push_back({at_us(1'000'000), at_us(1'010'000), at_us(1'050'000), Side::kPar, 2});
  run.messages.push_back({at_us(1'001'000), Node::kMobile, Node::kNar, "FBU"});
  Trace sent;
  Trace received;
  for (std::uint64_t i = 0; i < 1700; ++i) {
    const auto at = static_cast<std::int64_t>(i) * 1000 - 200'000;
    sent.push_back(seen(at, datagram_frame(i)));
    if (i >= 1210 && i < 1230) continue;
    const bool late = i >= 1230 && i < 1260;
    received.push_back(seen(late ? 1'061'000 + at / 100 : at + 200, datagram_frame(i, kParLink)));
  }
  run.flow = analyse_flow(sent, received, {}, kMobileLink);
  run.transfer = Transfer{};
  run.transfer->timeouts = 3;
  return run;
}

TEST(Results, EachMoveOfARunHasItsOwn) {
  Results results;
  results.runs = {there_and_back()};
  const auto json = nlohmann::json::parse(results_json({}, results));
  const auto& run = json["runs"][0];
  EXPECT_EQ(run["moves"], 2);
  ASSERT_EQ(run["per_move"].size(), 2U);
  const auto& there = run["per_move"][0];
  const auto& back = run["per_move"][1];
  EXPECT_EQ(there["to"], "nar");
  EXPECT_EQ(back["to"], "par");
  EXPECT_EQ(there["lost"], 0);
  EXPECT_EQ(back["lost"], 20);
  EXPECT_DOUBLE_EQ(there["link_gap_ms"], 50);
  EXPECT_DOUBLE_EQ(back["link_gap_ms"], 40);
  EXPECT_EQ(there["phases"]["fbu"], -9.5);
  EXPECT_EQ(back["phases"]["fbu"], -9);
  EXPECT_EQ(there["tcp"]["timeouts"], 1);
  EXPECT_EQ(back["tcp"]["timeouts"], 2);
  EXPECT_EQ(run["tcp"]["timeouts"], 3);
  EXPECT_EQ(json["summary"]["ping-pong"]["tcp_timeouts"], 3);
  // The worst of the moves stands for the run.
  EXPECT_EQ(run["link_gap_ms"], there["link_gap_ms"]);
  EXPECT_EQ(run["backlog_gone_ms"], back["backlog_gone_ms"]);
  EXPECT_GT(back["backlog_gone_ms"], there["backlog_gone_ms"]);
  EXPECT_EQ(back["longest_silence_ms"], run["longest_silence_ms"]);
  EXPECT_NE(report_html({}, results).find("Each handover of this run"), std::string::npos);
}

TEST(Results, LossIsAvoidableWhenTheLinkStoodOrTheFbuWasSent) {
  lab::Run run = there_and_back();
  // The FBU went ahead of the link: nothing had to be lost.
  EXPECT_EQ(result_of(run, 1).lost, 20U);
  EXPECT_EQ(result_of(run, 1).lost_avoidable, 20U);
  const auto with_fbu_at = [&](std::int64_t us) {
    run.messages.back().at = at_us(us);
    return result_of(run, 1).lost_avoidable;
  };
  // Lost are those of 1010 ms to 1029 ms; what was on its way with the FBU is excused.
  EXPECT_EQ(with_fbu_at(1'055'000), 0U);
  EXPECT_EQ(with_fbu_at(1'020'000), 9U);
  run.messages.pop_back();
  EXPECT_EQ(result_of(run, 1).lost_avoidable, 0U);
  // Before the link went there is no excuse.
  run.moves[1].link_down = at_us(1'016'000);
  EXPECT_EQ(result_of(run, 1).lost_avoidable, 5U);
  EXPECT_EQ(avoidable_losses(run), 5U);
}

TEST(Results, LossIsToldAsAPartOfPlainIpv6s) {
  Results results;
  results.runs = {handover(), there_and_back(), there_and_back()};
  results.runs[2].mode = Mode::kPlain;
  std::erase_if(results.runs[2].flow.deliveries, [](const auto& each) { return each.arrived; });
  results.runs[2].flow.lost = 80;
  const auto json = nlohmann::json::parse(results_json({}, results));
  EXPECT_EQ(json["summary"]["predictive"]["loss_of_plain"], 0);
  EXPECT_EQ(json["summary"]["ping-pong"]["loss_of_plain"], 0.25);
  EXPECT_EQ(json["summary"]["plain"]["loss_of_plain"], 1);
  EXPECT_NE(report_html({}, results).find("<td>0.25</td>"), std::string::npos);
  results.runs.pop_back();
  const auto alone = nlohmann::json::parse(results_json({}, results));
  EXPECT_TRUE(alone["summary"]["predictive"]["loss_of_plain"].is_null());
}

TEST(Results, AFailureIsInTheJsonBesideTheRunsBeforeIt) {
  Results results;
  results.runs = {handover()};
  results.failure = "predictive-2: mn did not report key-received";
  const auto json = nlohmann::json::parse(results_json({}, results));
  EXPECT_EQ(json["failure"], results.failure);
  EXPECT_EQ(json["runs"].size(), 1U);
}

TEST(Ladder, ShowsTheHandoverInItsOrder) {
  std::string told;
  for (const Rung& rung : rungs_of(handover())) told += rung.label + "; ";
  EXPECT_EQ(told,
            "order to move; FBU; HI; HAck; FBack; link goes; link comes; UNA; "
            "packets, 57 of them held; ");
}

// Every element is closed, in the order in which they were opened: what a strict reader wants.
void expect_well_formed(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = html.substr(at + 1, end - at - 1);
    const bool closes = tag.starts_with('/');
    const std::string element = tag.substr(closes ? 1 : 0, tag.find_first_of(" /", 1));
    if (tag.starts_with('!') || tag.ends_with('/') || element == "meta" || element == "br")
      continue;
    if (!tag.starts_with('/')) {
      open.push_back(element);
      continue;
    }
    ASSERT_FALSE(open.empty()) << tag;
    ASSERT_EQ(open.back(), element) << html.substr(at > 60 ? at - 60 : 0, 120);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

TEST(Report, IsOneWellFormedPageThatNeedsNothingElse) {
  Results results;
  results.runs = {handover(), handover()};
  results.runs[1].mode = Mode::kPlain;
  const std::string page = report_html({}, results);
  expect_well_formed(page);
  for (const char* outside : {"http:", "https:", "src=", "href=", "@import", "url(", "<script"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  EXPECT_NE(page.find("57 of them held"), std::string::npos);
  EXPECT_NE(page.find("<h2>plain</h2>"), std::string::npos);
}

TEST(Report, TextFromElsewhereCannotBecomeMarkup) {
  Results results;
  results.failure = "log: <script>alert(1)</script> & more";
  const std::string page = report_html({}, results);
  expect_well_formed(page);
  EXPECT_EQ(page.find("<script>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"), std::string::npos);
}

}  // namespace
}  // namespace sendoff::lab
