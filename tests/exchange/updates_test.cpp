// FBU and FBack at both ends (RFC 5568 6.2.2, 6.2.3, W16 to W23, GF13 to GF28): what stands in each
// field, who fills it, and what becomes of a message that has it wrong.
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

std::uint16_t word_at(ByteView header, std::size_t at) {
  return Reader(header.subspan(at, 2)).u16();
}
constexpr std::size_t kFlagsAt = 8;
constexpr std::size_t kFbuLifetimeAt = 10;
constexpr std::size_t kFbackLifetimeAt = 10;
constexpr std::size_t kFbackSequenceAt = 8;
constexpr std::size_t kFbackReservedAt = 7;

FakeRouter::Fback fields(std::uint8_t status, std::uint16_t lifetime_s = 30,
                         const std::optional<Ipv6Address>& alternate = std::nullopt) {
  FakeRouter::Fback made;
  made.status = status;
  made.lifetime_s = lifetime_s;
  made.alternate = alternate;
  return made;
}

// A node that has sent its FBU and waits; it does not leave before the FBack.
struct Unanswered : Moving {
  Unanswered() : Moving(patient()) { world.order(machine::HandOver{kApNext}).value(); }
  static mobile::Config patient() {
    mobile::Config config = mobile_config();
    config.fback_wait = seconds(600);
    return config;
  }
  // An FBack to its last FBU.
  Bytes answer(const FakeRouter::Fback& answered = {}) {
    return world.fback(par, world.updates().back(), answered);
  }
  // It goes on repeating what it sent.
  bool still_waits() {
    const std::size_t before = world.updates().size();
    world.advance(seconds(5));
    return world.updates().size() > before && world.status().handover == "waiting for FBack";
  }
  [[nodiscard]] bool switched() const { return !world.asked<machine::SwitchLink>().empty(); }
};

// An FBack of the router, with its Mobility Header.
struct Answer {
  wire::Ipv6Header ip;
  wire::FastBindingAcknowledgement fback;
  Bytes header;
};
std::vector<Answer> answers_of(const MachineBench& bench) {
  std::vector<Answer> found;
  for (const auto& sent : sent_by<wire::FastBindingAcknowledgement>(bench))
    found.push_back({sent.ip, sent.message, mobility_header_of(sent.packet)});
  return found;
}

TEST(Updates, HaveNeitherLNorK) {
  COVERS("FH-6.2.2-09");
  Moving node;
  node.prepare_handover();
  node.roam();
  ASSERT_FALSE(node.world.updates().empty());
  for (const Update& update : node.world.updates())
    EXPECT_EQ(word_at(update.header, kFlagsAt) & 0x3000, 0);
  std::vector<std::vector<int>> outcomes;
  for (const int flags : {0, 0x3000, 0x2000, 0x1000}) {
    ParNode par;
    par.start();
    CraftFbu craft = par.predictive();
    craft.reserved_flags = static_cast<std::uint16_t>(flags);
    std::vector<int> outcome{par.status_of(craft), static_cast<int>(par.bindings().size())};
    for (const Answer& answer : answers_of(par.bench)) {
      EXPECT_EQ(answer.header[kFbackReservedAt], 0) << "K";
      outcome.push_back(answer.fback.lifetime_s);
    }
    outcomes.push_back(outcome);
  }
  EXPECT_EQ(outcomes[0], (std::vector<int>{0, 1, 30, 30}));
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome, outcomes[0]);
}

TEST(Updates, CountTheirLifetimeInWholeSeconds) {
  COVERS("FH-6.2.2-10");
  mobile::Config config = mobile_config();
  config.tunnel_lifetime_s = 30;
  Moving node(config);
  node.prepare_handover(fields(0, 20));
  EXPECT_EQ(word_at(node.world.updates().at(0).header, kFbuLifetimeAt), 0x001e);
  // 20 is 20 seconds to the node, not 80 and not 5.
  const auto movements = node.world.status().movements;
  ASSERT_EQ(movements.size(), 1u);
  EXPECT_EQ(movements[0].remaining_s, 20);

  ParNode par;
  par.config.max_tunnel_lifetime_s = 20;
  par.start();
  CraftFbu craft = par.predictive();
  craft.lifetime_s = 30;
  EXPECT_EQ(word_at(mobility_header_of(craft.packet()), kFbuLifetimeAt), 0x001e);
  EXPECT_EQ(par.status_of(craft), 0);
  for (const Answer& answer : answers_of(par.bench))
    EXPECT_EQ(word_at(answer.header, kFbackLifetimeAt), 0x0014);
  par.bench.advance(milliseconds(19'900));
  EXPECT_EQ(par.bindings().size(), 1u);
  par.bench.advance(milliseconds(200));
  EXPECT_TRUE(par.bindings().empty());
}

TEST(Updates, FromThePreviousLinkNameTheNewAddress) {
  COVERS("FH-6.2.2-11");
  Moving node;
  node.prepare_handover();
  const auto updates = node.world.updates();
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].source, node.pcoa);
  const auto options = mobility_options_of(updates[0].header);
  ASSERT_EQ(count_of(options, 3), 1);
  const auto option = std::ranges::find(options, 3, &MobilityOption::type);
  EXPECT_EQ(option->length, 16u);
  EXPECT_TRUE(equal(ByteView(updates[0].header).subspan(option->at + 2, 16), node.ncoa.view()));

  ParNode par;
  par.start();
  CraftFbu craft = par.predictive();
  craft.alternate_care_of.reset();
  EXPECT_EQ(par.status_of(craft), -1);
  EXPECT_TRUE(par.silent());
  EXPECT_EQ(par.counted("fbu", "care-of-address"), 1u);
  craft.alternate_care_of = par.ncoa();
  EXPECT_EQ(par.status_of(craft), 0);
}

TEST(Updates, NameThePcoaInAHomeAddressOptionFromEitherLink) {
  COVERS("FH-6.2.2-16");
  Moving node;
  node.world.order(machine::HandOver{kApNext}).value();
  node.roam();
  node.world.advance(milliseconds(10));
  std::vector<Ipv6Address> sources;
  for (const Update& update : node.world.updates()) {
    sources.push_back(update.source);
    EXPECT_EQ(update.packet[6], wire::kProtocolDestinationOptions);
    EXPECT_EQ(update.packet[40 + 6], 201);
    EXPECT_TRUE(equal(ByteView(update.packet).subspan(48, 16), node.pcoa.view()));
  }
  EXPECT_NE(std::ranges::find(sources, node.pcoa), sources.end());
  EXPECT_NE(std::ranges::find(sources, node.ncoa), sources.end());

  for (const bool predictive : {true, false}) {
    ParNode par;
    par.start();
    CraftFbu craft = predictive ? par.predictive() : par.reactive();
    craft.home_address.reset();
    EXPECT_EQ(par.status_of(craft), -1);
    EXPECT_TRUE(par.silent());
    EXPECT_EQ(par.counted("fbu", "no-home-address"), 1u);
    EXPECT_EQ(par.status_of(predictive ? par.predictive() : par.reactive()), 0);
  }
}

TEST(Updates, OfLifetimeZeroAreAllAboutThePcoa) {
  COVERS("FH-6.2.2-19");
  Moving node;
  node.prepare_handover();
  node.roam();
  node.world.advance(milliseconds(10));
  node.world.forget_output();
  node.world.roam({&node.par}, kApHere);
  node.world.advance(milliseconds(10));
  auto updates = node.world.updates();
  std::erase_if(updates, [&](const Update& update) {  // the NAR is told of the move, too
    return update.destination != node.par.global[0];
  });
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].source, node.pcoa);
  EXPECT_EQ(updates[0].home, node.pcoa);
  EXPECT_EQ(updates[0].fbu.options.alternate_care_of, node.pcoa);
  EXPECT_EQ(updates[0].fbu.lifetime_s, 0);
  EXPECT_TRUE(signer_of(node, node.pcoa).made(updates[0].header));
  // An independent program's, field for field.
  const Vector vector = load_vector("wire-mobility.txt", "fbu-end-at2");
  const Ipv6Address pcoa = vector.address("home-address");
  EXPECT_EQ(vector.address("source"), pcoa);
  EXPECT_EQ(vector.address("care-of-term"), pcoa);
  const Bytes octets = vector.hex("mobility-header");
  const auto fbu = wire::FastBindingUpdate::parse(octets);
  ASSERT_TRUE(fbu);
  EXPECT_EQ(fbu->lifetime_s, 0);
  EXPECT_EQ(fbu->options.alternate_care_of, pcoa);
  const Secret key = Secret::copy_of(vector.hex("handover-key"));
  EXPECT_EQ(keys::authenticated(*fbu, crypto::Algorithm::kHmacSha256_128, key, pcoa,
                                vector.address("par-address"), pcoa, vector.address("destination")),
            octets);

  for (const int option : {0, 1, 2}) {
    ParNode par;
    par.start();
    EXPECT_EQ(par.status_of(par.predictive(1)), 0);
    CraftFbu ending = par.predictive(2);
    ending.lifetime_s = 0;
    if (option == 0) ending.alternate_care_of = par.mn.global();
    if (option == 1) ending.alternate_care_of = par.ncoa();
    if (option == 2) ending.alternate_care_of.reset();
    CraftFbu wrong = ending;
    wrong.care_of_term = par.ncoa();
    EXPECT_EQ(par.status_of(wrong), -1) << option;
    EXPECT_EQ(par.bindings().size(), 1u);
    EXPECT_EQ(par.status_of(ending), 0) << option;
    EXPECT_TRUE(par.bindings().empty());
  }
}

TEST(Acknowledgements, HaveReservedBitsOfZeroThatNobodyReads) {
  COVERS("FH-6.2.3-02");
  ParNode par;
  par.start();
  CraftFbu craft = par.predictive(1);
  craft.reserved_flags = 0x3fff;
  EXPECT_EQ(par.status_of(craft), 0);
  std::vector<Answer> answers = answers_of(par.bench);
  EXPECT_EQ(answers.size(), 2u);
  craft = par.predictive(2);
  craft.reserved_flags = 0x3fff;
  craft.alternate_care_of = Ipv6Address::literal("2001:db8:b::1");
  EXPECT_EQ(par.status_of(craft), 129);
  for (Answer& answer : answers_of(par.bench)) answers.push_back(std::move(answer));
  for (const Answer& answer : answers) EXPECT_EQ(answer.header[kFbackReservedAt], 0);

  for (unsigned bits = 0; bits < 256; bits = 2 * bits + 1) {
    Unanswered node;
    const Bytes bent = signer_of(node, node.ncoa).bent(node.answer(), [&](Bytes& header, auto&) {
      header[kFbackReservedAt] = static_cast<std::uint8_t>(bits);
    });
    node.world.deliver(bent);
    EXPECT_EQ(node.world.count("fback-accepted"), 1u) << bits;
    EXPECT_TRUE(node.switched());
  }
}

TEST(Acknowledgements, ComeFromTheAddressThatTheFbuWentTo) {
  COVERS("FH-6.2.3-07");
  // A router with two addresses on the link: each FBU is answered from its destination.
  const std::string second = "2001:db8:a:9::/64";
  ParNode par;
  par.config.interfaces[0].prefixes.push_back({Prefix::literal(second), 86'400, 14'400});
  par.start();
  EXPECT_EQ(par.status_of(par.predictive(1)), 0);
  for (const Answer& answer : answers_of(par.bench)) EXPECT_EQ(answer.ip.source, par.ar_global());
  const Ipv6Address other = par.config.interfaces[0].identity.address(Prefix::literal(second));
  CraftFbu craft = par.predictive(2);
  craft.destination = other;
  craft.alternate_care_of = Ipv6Address::literal("2001:db8:b::1");
  EXPECT_EQ(par.status_of(craft), 129);
  for (const Answer& answer : answers_of(par.bench)) EXPECT_EQ(answer.ip.source, other);

  Unanswered node;
  const Bytes good = node.answer();
  Bytes elsewhere = good;
  const Ipv6Address stranger = Ipv6Address::literal("2001:db8:a:1::bad");
  std::ranges::copy(stranger.view(), elsewhere.begin() + 8);
  wire::seal_mobility(stranger, node.pcoa, ByteSpan(elsewhere).subspan(40));
  node.world.deliver(elsewhere);
  EXPECT_EQ(node.world.count("fback-unexpected"), 1u);
  EXPECT_FALSE(node.switched());
  node.world.deliver(good);
  EXPECT_TRUE(node.switched());
}

TEST(Acknowledgements, NeverSay131AndTheNodeTakesItForARefusal) {
  COVERS("FH-6.2.3-11");
  ParNode par;
  par.start();
  std::uint16_t sequence = 0;
  for (int code = 0; code < 256; ++code) {
    par.bench.forget();
    CraftFbu craft = par.predictive(++sequence);  // for an NCoA of its own, so that an HI follows
    craft.alternate_care_of = Ipv6Address::literal("2001:db8:a:2::1:" + std::to_string(code));
    par.receive(craft);
    ASSERT_EQ(par.his().size(), 1u) << code;
    CraftPeer hack = par.hack(static_cast<std::uint8_t>(code));
    if (code % 2 == 1) hack.ncoa = Ipv6Address::literal("2001:db8:a:2::9");
    par.take(hack);
    if (par.fbacks().empty()) par.bench.advance(seconds(2));  // Code 4 answers nothing
    EXPECT_FALSE(par.fbacks().empty()) << code;
    for (const auto& fback : par.fbacks()) EXPECT_NE(fback.status, 131) << code;
  }
  Unanswered node;
  node.world.deliver(node.answer(fields(131, 0)));
  EXPECT_EQ(node.world.count("fback-refused"), 1u);
  EXPECT_EQ(node.failure(), "status-131");
  EXPECT_FALSE(node.switched());
  node.world.forget_output();
  // No address is formed for that prefix again, behind whichever access point it is.
  Tuple another = node.world.tuple_of_next();
  another.access_point = kApX;
  node.world.deliver(node.unsolicited(wire::PrRtAdv::kUnsolicited, {another}));
  for (const LinkAddress& access_point : {kApNext, kApX})
    EXPECT_EQ(node.world.order(machine::HandOver{access_point}).error(),
              machine::OrderError::kNoFastHandover);
  node.world.advance(seconds(60));
  EXPECT_TRUE(node.world.updates().empty());
  // Another refusal does not bar the prefix.
  Unanswered other;
  other.world.deliver(other.answer(fields(128, 0)));
  EXPECT_EQ(other.failure(), "status-128");
  other.world.advance(seconds(1));
  EXPECT_TRUE(other.world.order(machine::HandOver{kApNext}));
}

TEST(Acknowledgements, RepeatTheNumberOfTheFbu) {
  COVERS("FH-6.2.3-12");
  ParNode par;
  par.start();
  for (const int sequence : {1, 0x1234, 0x7000}) {
    EXPECT_EQ(par.status_of(par.predictive(static_cast<std::uint16_t>(sequence))), 0);
    for (const Answer& answer : answers_of(par.bench))
      EXPECT_EQ(word_at(answer.header, kFbackSequenceAt), sequence);
  }
  EXPECT_EQ(par.status_of(par.predictive(0x6fff)), 135);
  EXPECT_EQ(word_at(answers_of(par.bench).at(0).header, kFbackSequenceAt), 0x7000);

  for (const int off : {-1, 0, 1, 2, 0x100}) {
    Unanswered node;
    node.world.advance(seconds(1));
    ASSERT_EQ(node.world.updates().size(), 2u);  // both are outstanding
    const auto last = node.world.updates().back().fbu.sequence;
    FakeRouter::Fback off_by;
    off_by.sequence = static_cast<std::uint16_t>(last + off);
    const bool outstanding = off == 0 || off == -1;
    node.world.deliver(node.world.fback(node.par, node.world.updates().back(), off_by));
    EXPECT_EQ(node.switched(), outstanding) << off;
    EXPECT_EQ(node.world.count("fback-unexpected"), outstanding ? 0u : 1u) << off;
    if (!outstanding) {
      EXPECT_TRUE(node.still_waits()) << off;
    }
  }
}

TEST(Acknowledgements, GrantNoMoreThanWasAskedFor) {
  COVERS("FH-6.2.3-13");
  ParNode par;
  par.start();
  for (const int wish : {1, 30, 60, 61, 600}) {
    CraftFbu craft = par.predictive(static_cast<std::uint16_t>(wish));
    craft.lifetime_s = static_cast<std::uint16_t>(wish);
    EXPECT_EQ(par.status_of(craft), 0);
    for (const Answer& answer : answers_of(par.bench))
      EXPECT_EQ(word_at(answer.header, kFbackLifetimeAt), std::min(wish, 60)) << wish;
  }
  CraftFbu refused = par.predictive(601);
  refused.alternate_care_of = Ipv6Address::literal("2001:db8:b::1");
  EXPECT_EQ(par.status_of(refused), 129);
  EXPECT_EQ(word_at(answers_of(par.bench).at(0).header, kFbackLifetimeAt), 0);

  // A refusal's field is not read; a grant above the wish is the wish.
  Unanswered node;
  node.world.deliver(node.answer(fields(128, 500)));
  EXPECT_EQ(node.failure(), "status-128");
  EXPECT_FALSE(node.switched());
  for (const auto& movement : node.world.status().movements) {
    EXPECT_EQ(movement.remaining_s, 0);
    EXPECT_FALSE(movement.ncoa);
  }
  Moving greedy;
  greedy.prepare_handover(fields(0, 500));
  ASSERT_EQ(greedy.world.status().movements.size(), 1u);
  EXPECT_EQ(greedy.world.status().movements[0].remaining_s, 30);
}

TEST(Acknowledgements, OfAnotherAddressNameIt) {
  COVERS("FH-6.2.3-14");
  const Ipv6Address other = Ipv6Address::literal("2001:db8:a:2::9");
  for (const int code : {2, 3}) {
    ParNode par;
    par.start();
    par.receive(par.predictive());
    CraftPeer craft = par.hack(static_cast<std::uint8_t>(code));
    if (code == 2) craft.ncoa = other;
    par.take(craft);
    const auto answers = answers_of(par.bench);
    ASSERT_FALSE(answers.empty());
    for (const Answer& answer : answers) {
      EXPECT_EQ(answer.fback.status, 1);
      EXPECT_EQ(count_of(mobility_options_of(answer.header), 3), 1);
      EXPECT_EQ(answer.fback.options.alternate_care_of, code == 2 ? other : par.mn.global());
    }
  }
  Unanswered node;
  node.world.deliver(node.answer(fields(1)));
  EXPECT_EQ(node.world.count("fback-unexpected"), 1u);
  EXPECT_EQ(node.world.count("fback-accepted"), 0u);
  EXPECT_TRUE(node.still_waits());
  Unanswered named;
  named.world.deliver(named.answer(fields(1, 30, named.par.address(kNextPrefix))));
  EXPECT_EQ(named.world.count("fback-accepted"), 1u);
  EXPECT_TRUE(named.switched());
}

TEST(Acknowledgements, MayKeepThePcoaOnTheNewLink) {
  COVERS("FH-6.2.1.2-11");
  ParNode par;
  par.start();
  par.receive(par.predictive());
  par.take(par.hack(3));
  const auto installed = par.bench.asked<machine::InstallBinding>();
  ASSERT_EQ(installed.size(), 1u);
  EXPECT_EQ(installed[0]->pcoa, par.mn.global());
  EXPECT_EQ(installed[0]->ncoa, kNar);
  EXPECT_EQ(installed[0]->tunnel_source, par.ar_global());
  ASSERT_FALSE(par.fbacks().empty());
  for (const auto& fback : par.fbacks()) {
    EXPECT_EQ(fback.status, 1);
    EXPECT_EQ(fback.options.alternate_care_of, par.mn.global());
  }
  for (const bool heard : {true, false}) {
    Moving node;
    World& world = node.world;
    node.prepare_handover(fields(1, 30, node.pcoa));
    EXPECT_EQ(world.asked<machine::SwitchLink>().size(), 1u);
    world.forget_output();
    if (heard)
      node.roam();
    else
      node.roam_to_deaf();
    world.advance(milliseconds(100));
    ASSERT_FALSE(world.announced().empty()) << world.account();
    EXPECT_EQ(world.announced()[0].source, node.pcoa);
    EXPECT_EQ(world.announced()[0].target, node.pcoa);
    EXPECT_FALSE(removed(world, node.pcoa)) << "kept";
    EXPECT_TRUE(world.asked<machine::AttachTunnel>().empty()) << "nothing goes back by a tunnel";
    EXPECT_TRUE(world.updates().empty()) << "there is nothing to name";
  }
}

}  // namespace
}  // namespace sendoff::test
