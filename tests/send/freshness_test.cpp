// Nonce and Timestamp (RFC 3971 5.3): which messages are fresh, for every kind of message.
#include "send/pipeline.h"
#include "send/sender.h"
#include "support/fake_random.h"
#include "wire/send_options.h"

namespace sendoff::test {
namespace {

using SendFreshness = PipelineTest;
using wire::OptionType;

constexpr std::uint64_t kSecond = 65'536;

// A message whose Timestamp option is this one.
Craft with_timestamp_option(Craft craft, Bytes option) {
  craft.timestamp.reset();
  craft.more_options.push_back(std::move(option));
  return craft;
}

Craft dated(Craft craft, std::int64_t offset_s) {
  *craft.timestamp += static_cast<std::uint64_t>(offset_s * static_cast<std::int64_t>(kSecond));
  return craft;
}

TEST_F(SendFreshness, TheTimestampOptionHasSixteenOctets) {
  COVERS("SND-5.3.1-1", "SND-5.3.1-2");
  Bytes option{13, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x65, 0x53, 0xf1, 0, 0x80, 0};
  EXPECT_EQ(octets_of(wire::TimestampOption{(std::uint64_t{1700000000} << 16) + 0x8000}), option);
  for (const Kind kind : kKinds) {
    const Craft craft = good(kind);
    Bytes reserved = octets_of(wire::TimestampOption{*craft.timestamp});
    EXPECT_EQ(Bytes(reserved.begin() + 2, reserved.begin() + 8), Bytes(6, 0));
    std::fill(reserved.begin() + 2, reserved.begin() + 8, std::uint8_t{0xff});
    EXPECT_TRUE(hear_first(with_timestamp_option(craft, reserved)).secured()) << name(kind);
    Bytes longer = octets_of(wire::TimestampOption{*craft.timestamp});
    longer.resize(24);
    longer[1] = 3;
    EXPECT_TRUE(hear_first(with_timestamp_option(craft, longer)).refused(Reason::kSendOptions))
        << name(kind);
    Bytes shorter = octets_of(wire::TimestampOption{*craft.timestamp});
    shorter.resize(8);
    shorter[1] = 1;
    EXPECT_TRUE(hear_first(with_timestamp_option(craft, shorter)).refused(Reason::kSendOptions))
        << name(kind);
  }
}

TEST_F(SendFreshness, NoncesFillTheirOption) {
  COVERS("SND-5.3.2-2");
  FakeRandom random{5};
  std::set<Bytes> drawn;
  for (int i = 0; i < 1000; ++i) {
    const Bytes nonce = send::draw_nonce(random);
    EXPECT_EQ(nonce.size(), 6u);
    drawn.insert(nonce);
  }
  EXPECT_EQ(drawn.size(), 1000u);
  for (std::size_t size = 0; size < 64; ++size) {
    send::Unsigned draft;
    draft.source = peer.link_local();
    draft.destination = kOurs;
    draft.message = octets_of(wire::NeighborSolicitation{kOurs});
    draft.parameters = peer.parameters(peer.link_local());
    draft.nonce = Bytes(size);
    EXPECT_EQ(send::sign(std::move(draft), peer.key(), now.utc, 1500).has_value(),
              size >= 6 && size % 8 == 6)
        << size;
  }
  // What is received holds 6 octets or has no length.
  Craft craft = good(Kind::kNeighborSolicitation);
  craft.nonce.reset();
  craft.more_options.push_back(Bytes{14, 0, 1, 2, 3, 4, 5, 6});
  Heard heard = hear_first(craft);
  EXPECT_EQ(heard.reason, Reason::kOptionStructure);
  EXPECT_FALSE(heard.judged);
  for (const std::size_t size : {6u, 14u, 62u, 998u}) {
    craft = good(Kind::kNeighborSolicitation);
    craft.nonce = Bytes(size, 7);
    heard = hear_first(craft);
    ASSERT_TRUE(heard.secured()) << size;
    EXPECT_EQ(heard.judged->proof->nonce, craft.nonce);
  }
}

TEST_F(SendFreshness, ASignedMessageHasATimestampAndASolicitationANonce) {
  COVERS("SND-5.3.4-2");
  for (const Kind kind : kKinds) {
    Craft craft = good(kind);
    craft.timestamp.reset();
    Heard heard = hear_first(craft);
    EXPECT_EQ(heard.reason, Reason::kNoTimestamp) << name(kind);
    EXPECT_FALSE(heard.judged) << name(kind);
    EXPECT_EQ(heard.verifications, 0) << name(kind);
    craft = good(kind);
    craft.nonce.reset();
    heard = hear_first(craft);
    if (!send::is_solicitation(kind)) {
      EXPECT_TRUE(heard.secured()) << name(kind);
      continue;
    }
    EXPECT_EQ(heard.reason, Reason::kNoNonce) << name(kind);
    EXPECT_FALSE(heard.judged) << name(kind);
    EXPECT_EQ(heard.verifications, 0) << name(kind);
  }
}

TEST_F(SendFreshness, WhatAsksAndWhatAnswersHaveOneQuestionAndARedirectHasNone) {
  for (const Kind kind : kKinds) {
    const Heard heard = hear_first(good(kind));
    ASSERT_TRUE(heard.judged) << name(kind);
    const auto question = send::question_of(heard.judged->message);
    EXPECT_EQ(question.has_value(), kind != Kind::kRedirect) << name(kind);
    if (!question) continue;
    EXPECT_EQ(question->kind, send::solicitation_of(kind).value_or(kind)) << name(kind);
  }
}

TEST_F(SendFreshness, OptionsOfSendStandInAnyOrderAndOnceEach) {
  COVERS("SND-5.3.4-8", "SND-5.3.4-9");
  for (const Kind kind : {Kind::kRouterSolicitation, Kind::kNeighborSolicitation, Kind::kRtSolPr}) {
    Craft craft = good(kind);
    std::vector<Bytes> options{octets_of(wire::CgaOption{*craft.cga_parameters}),
                               octets_of(wire::TimestampOption{*craft.timestamp}),
                               octets_of(wire::NonceOption{*craft.nonce})};
    craft.cga_parameters.reset();
    craft.timestamp.reset();
    craft.nonce.reset();
    std::vector<std::size_t> order{0, 1, 2};
    int orders = 0;
    do {
      Craft shuffled = craft;
      for (const std::size_t i : order) shuffled.options.push_back(options[i]);
      EXPECT_TRUE(hear_first(shuffled).secured()) << name(kind);
      ++orders;
    } while (std::ranges::next_permutation(order).found);
    EXPECT_EQ(orders, 6);
  }
  for (const Kind kind : kKinds) {
    const Craft craft = good(kind);
    const Bytes stale = octets_of(wire::TimestampOption{*craft.timestamp - 400 * kSecond});
    Craft twice = craft;
    twice.more_options.push_back(stale);
    EXPECT_TRUE(hear_first(twice).refused(Reason::kSendOptions)) << name(kind);
    twice = craft;
    twice.options.push_back(stale);
    EXPECT_TRUE(hear_first(twice).refused(Reason::kSendOptions)) << name(kind);
    twice = craft;
    twice.more_options.push_back(octets_of(wire::CgaOption{*craft.cga_parameters}));
    EXPECT_TRUE(hear_first(twice).refused(Reason::kSendOptions)) << name(kind);
    twice = craft;
    for (int i = 0; i < 2; ++i)
      twice.more_options.push_back(octets_of(wire::NonceOption{Bytes(6, 4)}));
    EXPECT_TRUE(hear_first(twice).refused(Reason::kSendOptions)) << name(kind);
    twice = craft;
    twice.cga_parameters.reset();
    twice.more_options.push_back(Bytes{11, 1, 200, 0, 0, 0, 0, 0});
    EXPECT_TRUE(hear_first(twice).refused(Reason::kSendOptions)) << name(kind);
  }
}

TEST_F(SendFreshness, AnAnswerHasTheNonceOfItsQuestion) {
  COVERS("SND-5.3.4.1-1", "SND-5.3.4.1-2", "SND-5.3.4.1-6");
  const Bytes nonce{3, 1, 4, 1, 5, 9};
  const auto answer = [&](Kind kind, const Ipv6Address& destination = kOurs) {
    Craft craft = good(kind);
    craft.destination = destination;
    craft.nonce = nonce;
    return craft;
  };
  struct Case {
    Kind kind;
    send::Question question;
  };
  const std::vector<Case> cases{
      {Kind::kNeighborAdvertisement, {{}, Kind::kNeighborSolicitation, peer.link_local()}},
      {Kind::kRouterAdvertisement, {{}, Kind::kRouterSolicitation, {}}},
      {Kind::kPrRtAdv, {{}, Kind::kRtSolPr, {}}}};
  const auto asked = [&](const send::Question& question) {
    restart();
    receiver->nonces().remember(question, nonce, now.boot + seconds(15));
  };
  for (const Case& each : cases) {
    asked(each.question);
    Heard heard = hear(answer(each.kind));
    ASSERT_TRUE(heard.secured()) << name(each.kind);
    EXPECT_TRUE(heard.judged->proof->solicited);
    // Another router's answer to the same question.
    const Peer second(signing_key("ar2-2048"), kPipelinePrefix, "02:00:5e:00:53:25");
    if (each.kind != Kind::kNeighborAdvertisement) {
      Craft craft = good(each.kind, second);
      craft.destination = kOurs;
      craft.nonce = nonce;
      EXPECT_TRUE(hear(craft).secured());
    }
    asked(each.question);
    now.boot += seconds(16);
    EXPECT_EQ(hear(answer(each.kind)).reason, Reason::kUnknownNonce);
    for (const Case& other : cases) {
      if (other.kind == each.kind) continue;
      asked(other.question);
      heard = hear(answer(each.kind));
      EXPECT_EQ(heard.reason, Reason::kUnknownNonce) << name(each.kind);
      EXPECT_FALSE(heard.judged);
      EXPECT_EQ(heard.verifications, 0);
    }
    asked(each.question);
    EXPECT_EQ(hear(answer(each.kind), InterfaceId{1}).reason, Reason::kUnknownNonce);
    // To a group it may be another's: as unsolicited (GS3).
    restart();
    heard = hear(answer(each.kind, kAllNodes));
    ASSERT_TRUE(heard.secured());
    EXPECT_FALSE(heard.judged->proof->solicited);
    restart();
    EXPECT_EQ(hear(dated(answer(each.kind, kAllNodes), -301)).reason, Reason::kStale);
  }
  asked({{}, Kind::kNeighborSolicitation, peer.global()});
  EXPECT_EQ(hear(answer(Kind::kNeighborAdvertisement)).reason, Reason::kUnknownNonce);
  // Of many questions the last ones are remembered.
  restart();
  for (std::uint16_t i = 0; i < 10'000; ++i)
    receiver->nonces().remember(
        cases[0].question,
        Bytes{0, 0, 0, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)},
        now.boot + seconds(15));
  const auto known = [&](std::uint16_t i) {
    return receiver->nonces().sent(
        cases[0].question,
        Bytes{0, 0, 0, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)},
        now.boot);
  };
  EXPECT_TRUE(known(9'999));
  EXPECT_TRUE(known(static_cast<std::uint16_t>(10'000 - config.max_nonces)));
  EXPECT_FALSE(known(static_cast<std::uint16_t>(9'999 - config.max_nonces)));
}

TEST_F(SendFreshness, ANonceOfOursStandsInForTheTime) {
  COVERS("SND-5.3.4.1-5", "SND-5.3.4.1-4");
  Craft craft = dated(good(Kind::kNeighborAdvertisement), -86'400);
  EXPECT_EQ(hear_first(craft).reason, Reason::kStale);
  craft.nonce = Bytes(6, 8);
  receiver->nonces().remember({{}, Kind::kNeighborSolicitation, peer.link_local()}, *craft.nonce,
                              now.boot + seconds(15));
  EXPECT_TRUE(hear(craft).secured());
  // Its clock is known from now on: the next one is judged by it.
  now.boot += seconds(10);
  now.utc += seconds(10);
  EXPECT_TRUE(hear(dated(good(Kind::kNeighborAdvertisement), -86'400)).secured());
  EXPECT_EQ(hear(dated(good(Kind::kNeighborAdvertisement), -86'405)).reason, Reason::kStale);
}

TEST_F(SendFreshness, AFloodIsVerifiedWithinItsBudgetAndAnAnswerHasItsOwn) {
  COVERS("SND-5.3.4.2-14");
  config.budget = {20, 30, 16};
  config.max_pending = config.max_pending_per_source = 8;
  restart();
  Bytes flood = good(Kind::kNeighborAdvertisement).packet();
  flood[flood.size() - 8] ^= 1;
  repair_checksum(flood);
  const auto receive = [&](ByteView packet, std::uint8_t source) {
    machine::Received received;
    received.frame_source = *LinkAddress::from(Bytes{2, 0, 0, 0, 0, source});
    received.packet = packet;
    (void)receiver->receive(now, received);
  };
  std::vector<machine::Start> jobs;
  const auto started = [&] {
    while (auto action = outbox.poll())
      jobs.push_back(std::move(std::get<machine::Start>(action->what)));
    return jobs.size();
  };
  const auto finish = [&] {
    for (const machine::Start& job : jobs)
      (void)receiver->complete(now, {job.job_id, machine::execute(job.job)});
    jobs.clear();
  };
  std::size_t verified = 0;
  for (int i = 0; i < 5000; ++i) {
    receive(flood, 1);  // in the name of who answers below
    verified += started();
    finish();
  }
  EXPECT_EQ(verified, 15u) << "after the first one it leaves half to others";
  for (int i = 0; i < 5000; ++i) {
    receive(flood, static_cast<std::uint8_t>(2 + i % 10));
    verified += started();
    finish();
  }
  EXPECT_EQ(verified, 25u) << "each of them had one";
  now.boot += seconds(1);
  for (int i = 0; i < 5000; ++i) receive(flood, static_cast<std::uint8_t>(1 + i % 11));
  EXPECT_EQ(started(), 8u) << "all places are taken, and the budget is spent";

  Craft answer = good(Kind::kNeighborAdvertisement);
  answer.nonce = Bytes(6, 8);
  receiver->nonces().remember({{}, Kind::kNeighborSolicitation, peer.link_local()}, *answer.nonce,
                              now.boot + seconds(15));
  receive(answer.packet(), 1);
  ASSERT_EQ(started(), 9u);
  EXPECT_EQ(jobs.back().job_class, machine::JobClass::kSolicited);
  const auto judged =
      receiver->complete(now, {jobs.back().job_id, machine::execute(jobs.back().job)});
  EXPECT_TRUE(judged && judged->verdict == send::Verdict::kSecured);
}

TEST_F(SendFreshness, OnlyAVerifiedSignatureMovesThePeersTime) {
  COVERS("SND-5.3.4.2-4");
  ASSERT_TRUE(hear(good(Kind::kNeighborAdvertisement)).secured());
  now.boot += seconds(5);
  now.utc += seconds(5);
  Craft plain = dated(good(Kind::kNeighborAdvertisement), 250);
  plain.signer.reset();
  EXPECT_EQ(hear(plain).reason, Reason::kUnsecured);
  Bytes broken = dated(good(Kind::kNeighborAdvertisement), 250).packet();
  broken[broken.size() - 8] ^= 1;
  repair_checksum(broken);
  EXPECT_EQ(hear(broken).reason, Reason::kSignature);
  EXPECT_TRUE(hear(good(Kind::kNeighborAdvertisement)).secured());
  EXPECT_EQ(receiver->timestamps().size(), 1u);
}

TEST_F(SendFreshness, OfANewPeerNothingStaleIsBelieved) {
  COVERS("SND-5.3.4.2-9");
  for (const Kind kind : kKinds) {
    for (const std::int64_t offset : {-300, 300, -3600, 86'400}) {
      const Heard heard = hear_first(dated(good(kind), offset));
      EXPECT_TRUE(heard.refused(Reason::kStale)) << name(kind) << offset;
      EXPECT_EQ(heard.verifications, 0);
      // Not as if it were unsecured, but for what RFC 5269 3.2 wants answered.
      EXPECT_EQ(heard.judged.has_value(), kind == Kind::kRtSolPr) << name(kind);
      EXPECT_EQ(receiver->timestamps().size(), 0u);
    }
    for (const std::int64_t offset : {-299, 299})
      EXPECT_TRUE(hear_first(dated(good(kind), offset)).secured()) << name(kind) << offset;
  }
}

TEST_F(SendFreshness, AStrangersQuestionIsVerifiedWhereItIsAnswered) {
  const auto hear_question = [&](const Craft& craft) {
    restart();
    receiver->answer_out_of_window();
    return hear(craft);
  };
  for (const Kind kind : kKinds) {
    const Heard heard = hear_question(dated(good(kind), -3600));
    EXPECT_EQ(heard.reason, Reason::kStale) << name(kind);
    const bool question = kind == Kind::kNeighborSolicitation;
    EXPECT_EQ(heard.verifications, question ? 1 : 0) << name(kind);
    EXPECT_EQ(heard.judged && heard.judged->verdict == send::Verdict::kOutOfWindow, question);
    EXPECT_EQ(receiver->timestamps().size(), 0u);
  }
  EXPECT_EQ(hear_question(dated(detection(peer), -3600)).verifications, 0);
  Bytes broken = dated(good(Kind::kNeighborSolicitation), -3600).packet();
  broken[broken.size() - 8] ^= 1;
  repair_checksum(broken);
  restart();
  receiver->answer_out_of_window();
  EXPECT_TRUE(hear(broken).refused(Reason::kSignature));
  // Once its clock is known it is judged by that.
  ASSERT_TRUE(hear(good(Kind::kNeighborSolicitation)).secured());
  const Heard heard = hear(dated(good(Kind::kNeighborSolicitation), -3600));
  EXPECT_FALSE(heard.judged);
  EXPECT_EQ(heard.verifications, 0);
}

TEST_F(SendFreshness, AnOlderTimestampWithinTheFuzzIsTakenAndNotRemembered) {
  COVERS("SND-5.3.4.2-13", "SND-5.3.4.2-11");
  const Craft first = good(Kind::kNeighborAdvertisement);
  ASSERT_TRUE(hear(first).secured());
  now.boot += milliseconds(500);
  Craft older = first;
  *older.timestamp -= kSecond / 2;
  EXPECT_TRUE(hear(older).secured());
  // Had the older one counted, this would pass: 2 s and 10 ms after the first arrived.
  now.boot += milliseconds(1530);
  Craft late = first;
  *late.timestamp += 1;
  EXPECT_EQ(hear(late).reason, Reason::kStale);
  EXPECT_EQ(hear(first).reason, Reason::kStale);
  late = first;
  *late.timestamp += kSecond / 16;
  EXPECT_TRUE(hear(late).secured());
}

TEST_F(SendFreshness, EverySecuredKindMovesThePeersTimeAndNoOther) {
  COVERS("SND-5.3.4.2-15");
  for (const Kind kind : kKinds) {
    restart();
    // Known by another kind, at another time.
    const bool global = kind == Kind::kRtSolPr;
    const Craft craft = good(kind);
    ASSERT_TRUE(hear(craft).secured());
    const send::Peer record{
        {}, global ? peer.global() : peer.link_local(), crypto::key_hash(peer.key()->spki())};
    EXPECT_TRUE(receiver->timestamps().known(record)) << name(kind);
    // Its time is the last one now: what is 3 s behind it is stale.
    EXPECT_FALSE(receiver->timestamps().fresh(record, *craft.timestamp - 3 * kSecond, now));
    Craft next = dated(good(kind), 100);
    ASSERT_TRUE(hear(next).secured()) << name(kind);
    EXPECT_FALSE(receiver->timestamps().fresh(record, *craft.timestamp + 3 * kSecond, now));
  }
  restart();
  receiver->take(Kind::kCertificationPathSolicitation);
  receiver->take(Kind::kCertificationPathAdvertisement);
  std::vector<Craft> others;
  for (Bytes head : {octets_of(wire::CertificationPathSolicitation{7}),
                     octets_of(wire::CertificationPathAdvertisement{7, 1, 0})}) {
    Craft craft = good(Kind::kRouterSolicitation);
    craft.head = std::move(head);
    others.push_back(craft);
  }
  Craft bare = good(Kind::kRouterSolicitation);
  bare.source = {};
  bare.options.clear();
  bare.cga_parameters.reset();
  bare.signer.reset();
  others.push_back(bare);
  for (const Craft& craft : others) {
    machine::Received received;
    const Bytes packet = craft.packet();
    received.packet = packet;
    const auto judged = receiver->receive(now, received);
    ASSERT_TRUE(judged);
    EXPECT_EQ(judged->verdict, send::Verdict::kUnsecured);
    EXPECT_FALSE(outbox.poll());
  }
  EXPECT_EQ(receiver->timestamps().size(), 0u);
}

TEST_F(SendFreshness, TheTableOfPeersIsBounded) {
  COVERS("SND-5.3.4-5", "SND-5.3.4-6");
  config.timestamps.max_peers = 4;
  restart();
  const auto host = [&](std::uint8_t number) {
    return Peer(signing_key("mn-1024"), kPipelinePrefix, "02:00:5e:00:53:26", number);
  };
  for (std::uint8_t number = 1; number <= 20; ++number) {
    EXPECT_TRUE(hear(good(Kind::kNeighborSolicitation, host(number))).secured());
    EXPECT_LE(receiver->timestamps().size(), 4u);
    now.boot += milliseconds(10);
    now.utc += milliseconds(10);
  }
  EXPECT_TRUE(hear(good(Kind::kNeighborSolicitation, host(20))).secured());
  EXPECT_TRUE(hear(good(Kind::kNeighborSolicitation, host(21))).secured());
  // Where all are protected a new one is refused, and counted.
  const auto key_hash = crypto::key_hash(peer.key()->spki());
  for (std::uint8_t number = 17; number <= 21; ++number)
    receiver->timestamps().protect({{}, host(number).link_local(), key_hash}, kNever);
  machine::Received received;
  const Bytes packet = good(Kind::kNeighborSolicitation, host(22)).packet();
  received.packet = packet;
  EXPECT_FALSE(receiver->receive(now, received));
  const auto action = outbox.poll();
  const auto& start = std::get<machine::Start>(action->what);
  const auto judged = receiver->complete(now, {start.job_id, machine::execute(start.job)});
  ASSERT_TRUE(judged);
  EXPECT_FALSE(receiver->accept(*judged));
  EXPECT_EQ(receiver->counters()[Reason::kPeerTable], 1u);
  EXPECT_EQ(receiver->timestamps().size(), 4u);
  now.boot += milliseconds(10);
  now.utc += milliseconds(10);
  EXPECT_TRUE(hear(good(Kind::kNeighborSolicitation, host(21))).secured());
}

TEST_F(SendFreshness, OfAKnownPeerItsOwnClockDecides) {
  COVERS("SND-5.3.4.2-2", "SND-5.3.4.2-3", "SND-5.3.4.2-6", "SND-5.3.4.2-12", "SND-5.3.4.2-16");
  ASSERT_EQ(hear(dated(good(Kind::kNeighborAdvertisement), 400)).reason, Reason::kStale);
  EXPECT_EQ(receiver->timestamps().size(), 0u);
  ASSERT_TRUE(hear(good(Kind::kNeighborAdvertisement)).secured());
  // It sets its clock a day ahead, and ours is set an hour ahead: what passed is told by neither.
  const auto pass = [&](Duration time) {
    now.boot += time;
    now.utc += time;
  };
  pass(seconds(10));
  EXPECT_TRUE(hear(dated(good(Kind::kNeighborAdvertisement), 86'400)).secured());
  pass(seconds(10));
  now.utc += hours(1);
  EXPECT_TRUE(hear(dated(good(Kind::kNeighborAdvertisement), 86'400 - 3600)).secured());
  EXPECT_EQ(hear(dated(good(Kind::kNeighborAdvertisement), 0)).reason, Reason::kStale);
  pass(milliseconds(500));
  ASSERT_TRUE(hear(dated(good(Kind::kNeighborAdvertisement), 86'400 - 3600)).secured());
  // From the same address by another key: another peer.
  send::Timestamps table({});
  const Ipv6Address address = Ipv6Address::literal("fe80::5");
  const send::Peer one{{}, address, {1}};
  const send::Peer two{{}, address, {2}};
  ASSERT_TRUE(table.accept(one, timestamp_at(now.utc) + 200 * kSecond, now, 0));
  EXPECT_FALSE(table.known(two));
  EXPECT_TRUE(table.fresh(two, timestamp_at(now.utc), now));
  EXPECT_FALSE(table.fresh(one, timestamp_at(now.utc), now));
}

// RFC 3971 5.3.4.2 and 10.2, to the unit.
TEST_F(SendFreshness, TheBoundsAreThoseOfTheRfcUnlessConfigured) {
  COVERS("SND-10.2-1", "SND-10.2-2", "SND-10.2-3", "SND-5.3.4.2-1", "SND-5.3.4.2-5",
         "SND-5.3.4.2-10");
  const send::TimestampConfig defaults;
  EXPECT_EQ(defaults.delta_s, 300u);
  EXPECT_EQ(defaults.fuzz_ms, 1000u);
  EXPECT_EQ(defaults.drift_percent, 1u);
  const send::Peer one{{}, peer.link_local(), {1}};
  // Lowest timestamp that is fresh 100 s after the last one, above that one, in units.
  const auto least = [&](const send::TimestampConfig& bounds) {
    send::Timestamps table(bounds);
    const std::uint64_t last = timestamp_at(now.utc);
    EXPECT_TRUE(table.accept(one, last, now, 0));
    const Now later{now.boot + seconds(100), now.utc + seconds(100)};
    std::uint64_t low = last;
    std::uint64_t high = last + 200 * kSecond;
    while (low + 1 < high) {
      const std::uint64_t middle = (low + high) / 2;
      (table.fresh(one, middle, later) ? high : low) = middle;
    }
    return high - last;
  };
  EXPECT_EQ(least({}), 97 * kSecond + 1);
  EXPECT_EQ(least({.drift_percent = 0}), 98 * kSecond + 1);
  EXPECT_EQ(least({.fuzz_ms = 0}), 99 * kSecond + 1);
  // And the one furthest from the clock of a new peer's.
  const auto most = [&](const send::TimestampConfig& bounds) {
    const send::Timestamps table(bounds);
    std::uint64_t apart = 0;
    while (table.fresh(one, timestamp_at(now.utc) + (apart + 1) * kSecond, now) &&
           table.fresh(one, timestamp_at(now.utc) - (apart + 1) * kSecond, now))
      ++apart;
    return apart;
  };
  EXPECT_EQ(most({}), 299u);
  EXPECT_EQ(most({.delta_s = 10}), 9u);
  const send::Timestamps table({});
  EXPECT_TRUE(table.fresh(one, timestamp_at(now.utc) + 300 * kSecond - 1, now));
  EXPECT_FALSE(table.fresh(one, timestamp_at(now.utc) + 300 * kSecond, now));
  EXPECT_TRUE(table.fresh(one, timestamp_at(now.utc) - 300 * kSecond + 1, now));
  EXPECT_FALSE(table.fresh(one, timestamp_at(now.utc) - 300 * kSecond, now));
  send::Timestamps known({});
  ASSERT_TRUE(known.accept(one, timestamp_at(now.utc), now, 0));
  EXPECT_FALSE(known.fresh(one, 0, now));
  EXPECT_TRUE(known.fresh(one, ~std::uint64_t{0}, now));
}

// GS7: what was captured before a pause is refused after it, for the record outlives the window.
TEST_F(SendFreshness, ARecordOutlivesTheWindow) {
  COVERS("SND-9.2.5-2");
  config.timestamps.delta_s = 2;
  restart();
  const Bytes captured = good(Kind::kNeighborAdvertisement).packet();
  ASSERT_TRUE(hear(captured).secured());
  for (const std::int64_t later : {3, 4, 60}) {
    now.boot += seconds(later);
    // Our clock went back meanwhile: to a forgetful receiver it would look new.
    EXPECT_EQ(hear(captured).reason, Reason::kStale) << later;
  }
}

}  // namespace
}  // namespace sendoff::test
