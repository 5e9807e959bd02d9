#include "control/status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/covers.h"

namespace sendoff::control {
namespace {

DaemonStatus daemon_status(const char* role) {
  return {.version = "0.1.0",
          .role = role,
          .configuration = "/etc/sendoff/x.toml",
          .started = UtcTime{},
          .uptime = milliseconds(61'500),
          .warnings = {"mind this"},
          .store = {"sqlite", "/var/lib/sendoff/x.db"},
          .datapath = "bpf",
          .counters = {{"send", "secured", 4}, {"send", "stale", 0}, {"host", "packets", 9}}};
}

TEST(StatusText, TellsARouter) {
  router::Router::Status status;
  status.interfaces.push_back(
      {"access0", true, Ipv6Address::literal("fe80::1"), {Ipv6Address::literal("2001:db8::1")}});
  status.keys.push_back({Ipv6Address::literal("2001:db8::2"), 1, crypto::Algorithm::kHmacSha256_128,
                         100, "0123456789abcdef"});
  status.key_count = 1;
  status.bindings.push_back(
      {Ipv6Address::literal("2001:db8::2"), Ipv6Address::literal("2001:db8:1::2"), 29});
  status.binding_count = 1;
  status.interfaces[0].pool_free = 7;
  status.handovers.push_back({Ipv6Address::literal("2001:db8::3"),
                              Ipv6Address::literal("2001:db8:1::3"),
                              Ipv6Address::literal("2001:db8:1::1"), "asking the new router"});
  status.handover_count = 1;
  status.arrivals.push_back({Ipv6Address::literal("2001:db8::4"), std::nullopt,
                             Ipv6Address::literal("2001:db8:1::1"),
                             LinkAddress::literal("02:00:5e:00:53:04"), "expected", true, false});
  status.arrival_count = 1;
  status.associations.push_back({Ipv6Address::literal("2001:db8:a::1"),
                                 Ipv6Address::literal("2001:db8:b::1"),
                                 4096,
                                 7,
                                 {{8192, 9, true}}});
  router::Neighbour neighbour;
  neighbour.name = "nar";
  neighbour.protection = router::Protection::kClear;
  const std::string text = status_json(daemon_status("router"), status, {neighbour});
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["role"], "router");
  EXPECT_EQ(json["uptime_s"], 61);
  EXPECT_EQ(json["warnings"][0], "mind this");
  EXPECT_EQ(json["store"]["kind"], "sqlite");
  EXPECT_EQ(json["store"]["file"], "/var/lib/sendoff/x.db");
  EXPECT_EQ(json["interfaces"][0]["addresses"][0], "2001:db8::1");
  EXPECT_EQ(json["keys"][0]["algorithm"], "hmac-sha256-128");
  EXPECT_EQ(json["keys"][0]["fingerprint"], "0123456789abcdef");
  EXPECT_EQ(json["bindings"][0]["ncoa"], "2001:db8:1::2");
  EXPECT_EQ(json["interfaces"][0]["pool_free"], 7);
  EXPECT_EQ(json["handovers"][0]["state"], "asking the new router");
  EXPECT_EQ(json["arrivals"][0]["link_address"], "02:00:5e:00:53:04");
  EXPECT_EQ(json["arrivals"][0]["proxied"], true);
  EXPECT_TRUE(json["arrivals"][0]["pcoa"].is_null());
  EXPECT_EQ(json["neighbours"][0]["name"], "nar");
  EXPECT_EQ(json["neighbours"][0]["protection"], "clear");
  EXPECT_EQ(json["associations"],
            nlohmann::json::parse(
                R"([{"peer":"2001:db8:b::1","local":"2001:db8:a::1","suite":"hmac-sha-256-128",)"
                R"("outbound_spi":4096,"last_sent":7,)"
                R"("inbound":[{"spi":8192,"highest":9,"anti_replay":true}]}])"));
  EXPECT_EQ(json["counters"]["send"]["secured"], 4);

  const std::string words = human_status(text);
  EXPECT_NE(words.find("warning: mind this"), std::string::npos);
  EXPECT_NE(words.find("store: sqlite, /var/lib/sendoff/x.db\n"), std::string::npos) << words;
  EXPECT_NE(words.find("0123456789abcdef"), std::string::npos);
  EXPECT_NE(words.find("asking the new router"), std::string::npos);
  EXPECT_NE(words.find("02:00:5e:00:53:04"), std::string::npos);
  EXPECT_NE(words.find("send: secured=4\n"), std::string::npos) << words;
}

TEST(StatusText, TellsAMobileNode) {
  mobile::Mobile::Status status;
  status.links.push_back(
      {"wlan0", true, {}, Ipv6Address::literal("fe80::1"), std::nullopt, "CN=\x1b[2Jrouter"});
  status.neighbours.push_back({LinkAddress::literal("02:00:5e:00:53:01"), "handover possible",
                               Prefix::literal("2001:db8::/64")});
  status.handover = "none";
  const std::string text = status_json(daemon_status("mobile"), status);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["interfaces"][0]["router"], "fe80::1");
  EXPECT_TRUE(json["interfaces"][0]["router_global"].is_null());
  EXPECT_EQ(json["neighbours"][0]["access_point"], "02:00:5e:00:53:01");
  EXPECT_EQ(json["handover"], "none");
  EXPECT_EQ(human_status(text).find('\x1b'), std::string::npos);
}

TEST(StatusText, TellsWhatProvesEachKindOfMessage) {
  COVERS("SND-5.2.3-1");
  using send::Kind;
  using send::Method;
  DaemonStatus daemon = daemon_status("mobile");
  const std::vector<std::pair<Kind, Method>> set{
      {Kind::kNeighborSolicitation, Method::kCga},
      {Kind::kNeighborAdvertisement, Method::kTrustAnchorOrCga},
      {Kind::kRouterSolicitation, Method::kTrustAnchor},
      {Kind::kRouterAdvertisement, Method::kTrustAnchorAndCga},
      {Kind::kRedirect, Method::kTrustAnchorOrCga},
      {Kind::kRtSolPr, Method::kTrustAnchorAndCga},
      {Kind::kPrRtAdv, Method::kTrustAnchor}};
  for (const auto& [kind, method] : set) daemon.methods.set(kind, method);
  const std::string text = status_json(daemon, mobile::Mobile::Status{});
  const auto json = nlohmann::json::parse(text);
  const std::string human = human_status(text);
  for (const auto& [kind, method] : set) {
    EXPECT_EQ(json["authorization"][std::string(name(kind))], name(method));
    EXPECT_NE(human.find(std::string(name(kind)) + " " + std::string(name(method))),
              std::string::npos)
        << human;
  }
  EXPECT_EQ(json["authorization"].size(), set.size());
}

TEST(StatusText, TellsOfTheGuardBesideARole) {
  DaemonStatus daemon = daemon_status("router");
  EXPECT_FALSE(
      nlohmann::json::parse(status_json(daemon, router::Router::Status{}, {})).contains("guard"));
  daemon.guard.emplace();
  daemon.guard->links.push_back({.name = "access0",
                                 .up = true,
                                 .mode = nd::GuardMode::kSecuredOnly,
                                 .addresses = {Ipv6Address::literal("fe80::1")},
                                 .routers = {}});
  const std::string text = status_json(daemon, router::Router::Status{}, {});
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["guard"][0]["mode"], "secured-only");
  EXPECT_EQ(json["guard"][0]["addresses"][0], "fe80::1");
  EXPECT_NE(human_status(text).find("secured-only"), std::string::npos);
}

TEST(StatusText, WhatIsNoStatusGivesNothing) {
  EXPECT_EQ(human_status("[]"), "");
  EXPECT_EQ(human_status("{}"), "");
  EXPECT_EQ(human_status("not json"), "");
}

}  // namespace
}  // namespace sendoff::control
