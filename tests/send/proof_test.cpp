// What a message proves to its receiver (RFC 3971 5.1 and 5.2): the address by the CGA option, and
// each signed octet by the RSA Signature option, for every kind of message.
#include "send/pipeline.h"

#include "crypto/der.h"
#include "crypto/digest.h"
#include "send/sender.h"
#include "support/fake_random.h"

namespace sendoff::test {
namespace {

using SendProof = PipelineTest;
using wire::OptionType;

// The CGA option by hand: `padding` octets behind the parameters, as many as Pad Length says.
Bytes cga_option(ByteView parameters, std::size_t pad_length, std::uint8_t reserved,
                 const Bytes& padding) {
  Bytes option{11, 0, static_cast<std::uint8_t>(pad_length), reserved};
  option.insert(option.end(), parameters.begin(), parameters.end());
  option.insert(option.end(), padding.begin(), padding.end());
  invariant(option.size() % 8 == 0);
  option[1] = static_cast<std::uint8_t>(option.size() / 8);
  return option;
}

// SubjectPublicKeyInfo of an RSA key with an odd modulus of so many bits.
Bytes spki(std::size_t bits, const Bytes& exponent) {
  using namespace crypto::der;
  Bytes numbers;
  append_unsigned(numbers, Bytes(bits / 8, 0xff));
  append_unsigned(numbers, exponent);
  Bytes key;
  append_header(key, kSequence, numbers.size());
  key.insert(key.end(), numbers.begin(), numbers.end());
  Bytes octets{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
               0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0};
  append_header(octets, kBitString, key.size() + 1);
  octets.push_back(0);
  octets.insert(octets.end(), key.begin(), key.end());
  Bytes whole;
  append_header(whole, kSequence, octets.size());
  whole.insert(whole.end(), octets.begin(), octets.end());
  return whole;
}

// A message with these octets where its CGA option was.
Craft with_cga_option(Craft craft, Bytes option) {
  craft.cga_parameters.reset();
  craft.options.push_back(std::move(option));
  return craft;
}

// What send/ makes of a message.
Bytes made_by_sender(const Peer& peer, Bytes message, const Ipv6Address& destination,
                     std::optional<Bytes> nonce, UtcTime utc) {
  send::Unsigned draft;
  draft.source = peer.link_local();
  draft.destination = destination;
  draft.message = std::move(message);
  draft.parameters = peer.parameters(peer.link_local());
  draft.nonce = std::move(nonce);
  auto job = send::sign(std::move(draft), peer.key(), utc, 1500);
  auto made = machine::execute(machine::Job(std::move(*job)));
  return wire::icmpv6_packet(peer.link_local(), destination,
                             std::get<machine::MessageSigned>(*made).message);
}

std::size_t signature_option_at(ByteView packet) {
  return packet.size() - options_of(packet).back().octets.size();
}

// What is no CGA of the key claims nothing, before any RSA operation and without a trace.
TEST_F(SendProof, TheAddressIsMadeFromTheParameters) {
  COVERS("SND-5.1.2-5");
  for (const Kind kind : kKinds) {
    EXPECT_TRUE(hear_first(good(kind)).secured()) << name(kind);
    Craft craft = good(kind);
    (*craft.cga_parameters)[3] ^= 0x10;  // in the modifier; signed as it stands
    const Heard heard = hear_first(craft);
    EXPECT_TRUE(heard.refused(Reason::kCga)) << name(kind);
    EXPECT_EQ(heard.verifications, 0) << name(kind);
    EXPECT_EQ(heard.judged.has_value(), kind == Kind::kRtSolPr) << name(kind);
    EXPECT_EQ(receiver->timestamps().size(), 0u);
  }
}

TEST_F(SendProof, TheAddressClaimedIsTheSourceOrTheTargetOfADetection) {
  COVERS("SND-5.1.1-11", "SND-5.1.1-13", "SND-5.1.2-6");
  for (const Kind kind : kKinds) {
    const bool global = kind == Kind::kRtSolPr;
    const Ipv6Address claimed = global ? peer.global() : peer.link_local();
    const Ipv6Address other = global ? peer.link_local() : peer.global();
    EXPECT_TRUE(hear_first(with_parameters_of(good(kind), claimed)).secured()) << name(kind);
    EXPECT_TRUE(hear_first(with_parameters_of(good(kind), other)).refused(Reason::kCga))
        << name(kind);
  }
  const Craft asks = detection(peer);
  EXPECT_TRUE(hear_first(asks).secured());
  Craft elsewhere = asks;
  elsewhere.head = octets_of(wire::NeighborSolicitation{peer.global()});
  EXPECT_TRUE(hear_first(elsewhere).refused(Reason::kCga));
}

TEST_F(SendProof, AWrongAddressCostsNoRsa) {
  COVERS("SND-5.1.2-7");
  int verifications = 0;
  for (int i = 0; i < 1000; ++i) {
    Craft craft = good(kKinds[static_cast<std::size_t>(i) % kKinds.size()]);
    (*craft.cga_parameters)[static_cast<std::size_t>(i) % 16] ^= 1;
    verifications += hear(craft).verifications;
  }
  EXPECT_EQ(verifications, 0);
  for (std::uint8_t number = 10; number < 20; ++number)
    verifications +=
        hear(good(Kind::kNeighborSolicitation,
                  Peer(signing_key("mn-1024"), kPipelinePrefix, "02:00:5e:00:53:22", number)))
            .verifications;
  EXPECT_EQ(verifications, 10);
}

TEST_F(SendProof, PaddingAndReservedOctetsOfTheCgaOptionAreZeroAndIgnored) {
  COVERS("SND-5.1-3", "SND-5.1-4");
  const Peer host(signing_key("mn-2048"), kPipelinePrefix, "02:00:5e:00:53:23");
  const Bytes sent = made_by_sender(host, octets_of(wire::NeighborSolicitation{kOurs}), kOurs,
                                    Bytes(6, 1), now.utc);
  const Bytes option = *find_option(sent, OptionType::kCga);
  EXPECT_EQ(option[2], 5);
  EXPECT_EQ(option[3], 0);
  EXPECT_EQ(Bytes(option.end() - 5, option.end()), Bytes(5, 0));
  for (const Kind kind : kKinds) {
    const Craft craft = good(kind, host);
    const Bytes parameters = *craft.cga_parameters;
    for (const std::uint8_t reserved : {std::uint8_t{0}, std::uint8_t{0xff}})
      for (const std::uint8_t padding : {std::uint8_t{0}, std::uint8_t{0xaa}})
        EXPECT_TRUE(hear_first(with_cga_option(
                                   craft, cga_option(parameters, 5, reserved, Bytes(5, padding))))
                        .secured())
            << name(kind);
  }
}

TEST_F(SendProof, TheParametersEndWherePadLengthSays) {
  COVERS("SND-5.1-5");
  const Peer host(signing_key("mn-2048"), kPipelinePrefix, "02:00:5e:00:53:23");
  const Craft craft = good(Kind::kNeighborSolicitation, host);
  const Bytes parameters = *craft.cga_parameters;
  for (const std::size_t pad : {5u, 13u, 21u})
    EXPECT_TRUE(
        hear_first(with_cga_option(craft, cga_option(parameters, pad, 0, Bytes(pad)))).secured())
        << pad;
  // One octet of padding becomes an extension field, which the address was not made from.
  EXPECT_TRUE(hear_first(with_cga_option(craft, cga_option(parameters, 4, 0, Bytes(5))))
                  .refused(Reason::kCga));
  // One octet of the key becomes padding.
  EXPECT_TRUE(hear_first(with_cga_option(craft, cga_option(parameters, 6, 0, Bytes(5))))
                  .refused(Reason::kSendOptions));
  Craft with_extension = craft;
  cga::Parameters made = host.parameters(host.link_local());
  made.extensions = {0xff, 0xfd, 0, 4, 1, 2, 3, 4};
  with_extension.source = cga::address_of(made, 0);
  with_extension.cga_parameters = made.octets();
  EXPECT_TRUE(hear_first(with_extension).secured());
}

TEST_F(SendProof, KeysOutsideTheLimitsCostNoRsa) {
  COVERS("SND-5.1.3-2", "SND-5.1.3-3", "SND-5.1.3-4");
  EXPECT_EQ(send::ReceiverConfig{}.key_limits.min_bits, 1024u);
  EXPECT_EQ(send::ReceiverConfig{}.key_limits.max_bits, 3072u);
  const auto heard_from = [&](const std::string& key) {
    return hear_first(good(Kind::kNeighborSolicitation,
                           Peer(signing_key(key), kPipelinePrefix, "02:00:5e:00:53:24")));
  };
  for (const char* key : {"mn-1024", "mn-2048", "mn-3072", "weird-1024-e17", "mn-2048-e3"})
    EXPECT_TRUE(heard_from(key).secured()) << key;
  const Heard too_small = heard_from("small-512");
  EXPECT_TRUE(too_small.refused(Reason::kKeyLimits));
  EXPECT_EQ(too_small.verifications, 0);
  config.key_limits = {2048, 2048};
  for (const char* key : {"mn-1024", "mn-3072", "weird-2047"}) {
    const Heard heard = heard_from(key);
    EXPECT_TRUE(heard.refused(Reason::kKeyLimits)) << key;
    EXPECT_EQ(heard.verifications, 0) << key;
  }
  EXPECT_TRUE(heard_from("mn-2048").secured());
  config.key_limits = {};
  restart();
  for (const char* section : {"bad-exponent-even", "bad-exponent-one"})
    EXPECT_TRUE(hear(load_vector("send-signatures.txt", section).hex("packet"))
                    .refused(Reason::kKeyLimits));
  // Lengths that no key file has: nobody could sign with them here.
  const auto heard_of = [&](std::size_t bits, Bytes exponent) {
    cga::Parameters parameters = peer.parameters(peer.link_local());
    parameters.public_key = spki(bits, exponent);
    Craft craft = good(Kind::kNeighborSolicitation);
    craft.source = cga::address_of(parameters, 0);
    craft.cga_parameters = parameters.octets();
    craft.key_hash = crypto::key_hash(parameters.public_key);
    craft.signature_padding = Bytes(512);
    return hear_first(craft);
  };
  EXPECT_EQ(heard_of(1024, {1, 0, 1}).verifications, 1);
  for (const auto& [bits, exponent] : {std::pair<std::size_t, Bytes>{1016, {1, 0, 1}},
                                       {4096, {1, 0, 1}},
                                       {2048, Bytes(256, 3)},
                                       {1024, {1, 0, 0, 0, 0, 15}}}) {
    const Heard heard = heard_of(bits, exponent);
    EXPECT_TRUE(heard.refused(Reason::kKeyLimits)) << bits;
    EXPECT_EQ(heard.verifications, 0) << bits;
  }
  // The rule is SEND's: the functions of RFC 3972 take its example, a key of 512 bits.
  const Peer small(signing_key("small-512"), kPipelinePrefix, "02:00:5e:00:53:24");
  const Bytes octets = small.parameters(small.link_local()).octets();
  EXPECT_TRUE(cga::verify(small.link_local(), *cga::ParametersView::parse(octets)));
}

TEST_F(SendProof, OnlyRsaKeysSign) {
  COVERS("SND-4-4");
  // P-256, as RFC 5480 writes it.
  Bytes spki;
  ASSERT_TRUE(
      from_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200"
               "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
               "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
               spki));
  cga::Parameters parameters = peer.parameters(peer.link_local());
  parameters.public_key = spki;
  for (const Kind kind : kKinds) {
    Craft craft = good(kind);
    craft.source = cga::address_of(parameters, 0);
    craft.cga_parameters = parameters.octets();
    craft.key_hash = crypto::key_hash(spki);
    const Heard heard = hear_first(craft);
    EXPECT_TRUE(heard.refused(Reason::kKeyLimits)) << name(kind);
    EXPECT_EQ(heard.verifications, 0);
  }
  const std::string pem =
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyWGR8NFF7/4ohZZS\n"
      "/X5lnRvGCAh8ZHYkKvwq0leuUWGhRANCAASZVbxko8qORaenziLn+YwCo/vjQJV1\n"
      "lZ63qtxpq6vqL2S+IKKq1bitO1ZFFslf2gVoemlwBSKyZLqf7bxFV4ny\n"
      "-----END PRIVATE KEY-----\n";
  const auto refused = crypto::SigningKey::from_pem(
      ByteView(reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), crypto::KeyError::kNotRsa);
}

TEST_F(SendProof, TheKeyHashNamesTheKeyOfTheCgaOption) {
  COVERS("SND-5.1-6", "SND-5.2-3");
  for (const char* key : {"mn-1024", "mn-2048", "mn-3072"}) {
    const Peer host(signing_key(key), kPipelinePrefix, "02:00:5e:00:53:23");
    const Bytes sent = made_by_sender(host, octets_of(wire::NeighborSolicitation{kOurs}), kOurs,
                                      Bytes(6, 1), now.utc);
    const Bytes cga = *find_option(sent, OptionType::kCga);
    const auto parameters = cga::ParametersView::parse(wire::CgaOption::parse(cga)->parameters);
    const Bytes signature = *find_option(sent, OptionType::kRsaSignature);
    const crypto::Sha1Digest digest = crypto::sha1(parameters->public_key);
    EXPECT_TRUE(equal(ByteView(signature).subspan(4, 16), ByteView(digest).first(16)));
  }
  const Vector example = load_vectors("rfc3972-appendix-a.txt").front();
  const Bytes octets = example.hex("cga-parameters");
  const ByteView spki = cga::ParametersView::parse(octets)->public_key;
  EXPECT_EQ(to_hex(crypto::key_hash(spki)), "2ccba7cb07398e018b791e06b9f72c6f");

  const ByteView whole = peer.key()->spki();
  const ByteView inner = whole.last(peer.key()->public_key().modulus_size() + 12);
  ASSERT_EQ(inner[0], 0x30);  // RSAPublicKey, inside the BIT STRING
  const Bytes all_parameters = peer.parameters(peer.link_local()).octets();
  for (const ByteView other : {inner, ByteView(all_parameters)}) {
    Craft craft = good(Kind::kNeighborSolicitation);
    craft.key_hash = crypto::key_hash(other);
    EXPECT_TRUE(hear_first(craft).refused(Reason::kTwoKeys));
  }
}

TEST_F(SendProof, AMessageOfTwoKeysIsDiscardedWhateverItsKind) {
  COVERS("SND-5.2.2-5");
  for (const Kind kind : kKinds) {
    Craft craft = good(kind);
    craft.signer = signing_key("other-2048");
    Heard heard = hear_first(craft);
    EXPECT_EQ(heard.reason, Reason::kTwoKeys) << name(kind);
    EXPECT_FALSE(heard.judged) << name(kind);
    EXPECT_EQ(heard.verifications, 0);
    // A Key Hash of nobody's, and no key beside it.
    craft = good(kind);
    craft.cga_parameters.reset();
    craft.key_hash = crypto::KeyHash{1, 2, 3};
    heard = hear_first(craft);
    EXPECT_TRUE(heard.refused(Reason::kNoCga)) << name(kind);
    EXPECT_EQ(heard.verifications, 0);
  }
}

TEST_F(SendProof, ReservedAndPaddingOfTheSignatureAreIgnored) {
  COVERS("SND-5.2-2", "SND-5.2-11");
  const Bytes sent = made_by_sender(peer, octets_of(wire::RouterSolicitation{}), kAllRouters,
                                    Bytes(6, 1), now.utc);
  const Bytes option = *find_option(sent, OptionType::kRsaSignature);
  EXPECT_EQ(option[2], 0);
  EXPECT_EQ(option[3], 0);
  EXPECT_EQ(Bytes(option.end() - 4, option.end()), Bytes(4, 0));
  for (const Kind kind : kKinds) {
    Bytes packet = good(kind).packet();
    const std::size_t at = signature_option_at(packet);
    packet[at + 2] = packet[at + 3] = 0xff;
    for (std::size_t i = 1; i <= 4; ++i) packet[packet.size() - i] = static_cast<std::uint8_t>(i);
    repair_checksum(packet);
    restart();
    EXPECT_TRUE(hear(packet).secured()) << name(kind);
    // 4 octets of padding and 4 of the signature are gone.
    Bytes cut = good(kind).packet();
    cut[at + 1] -= 1;
    cut.resize(cut.size() - 8);
    cut[4] = static_cast<std::uint8_t>((cut.size() - 40) >> 8);
    cut[5] = static_cast<std::uint8_t>(cut.size() - 40);
    repair_checksum(cut);
    restart();
    const Heard heard = hear(cut);
    EXPECT_TRUE(heard.refused(Reason::kSignature)) << name(kind);
    EXPECT_EQ(heard.verifications, 0);
    // Nothing but the Key Hash.
    Craft empty = good(kind);
    empty.signer.reset();
    const crypto::KeyHash hash = crypto::key_hash(peer.key()->spki());
    empty.more_options.push_back(octets_of(wire::RsaSignatureOption{hash, Bytes(4)}));
    EXPECT_TRUE(hear_first(empty).refused(Reason::kSignature)) << name(kind);
  }
  // Eight octets more than the signature needs, of anything.
  Craft padded = good(Kind::kNeighborSolicitation);
  padded.signature_padding = Bytes{0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4};
  EXPECT_TRUE(hear_first(padded).secured());
}

// The pseudo-header, the fixed part and each option, whoever repairs the checksum.
TEST_F(SendProof, EveryOctetBeforeTheSignatureIsSigned) {
  COVERS("SND-5.2-7", "SND-5.2-9", "SND-5.2.2-8");
  const std::map<Kind, std::size_t> headers = {{Kind::kRouterSolicitation, 4},
                                               {Kind::kRouterAdvertisement, 12},
                                               {Kind::kNeighborSolicitation, 20},
                                               {Kind::kNeighborAdvertisement, 20},
                                               {Kind::kRedirect, 36},
                                               {Kind::kRtSolPr, 4},
                                               {Kind::kPrRtAdv, 4}};
  FakeRandom random{1};
  for (const Kind kind : kKinds) {
    const Bytes packet = good(kind).packet();
    restart();
    ASSERT_TRUE(hear(packet).secured());
    const std::size_t fixed = *wire::options_offset(ByteView(packet).subspan(40));
    EXPECT_EQ(fixed - 4, headers.at(kind));
    const auto secured_with = [&](std::size_t at, std::uint8_t bit) {
      Bytes changed = packet;
      changed[at] ^= bit;
      repair_checksum(changed);
      machine::Received received;
      received.packet = changed;
      restart();
      bool secured = false;
      auto judged = receiver->receive(now, received);
      while (auto action = outbox.poll()) {
        const auto& start = std::get<machine::Start>(action->what);
        judged = receiver->complete(now, {start.job_id, machine::execute(start.job)});
      }
      secured = judged && judged->verdict == send::Verdict::kSecured;
      return secured;
    };
    for (std::size_t at = 44; at < 40 + fixed; ++at)
      EXPECT_FALSE(secured_with(at, static_cast<std::uint8_t>(1 << at % 8))) << name(kind) << at;
    for (const std::size_t at : {23u, 39u})  // of source and destination
      EXPECT_FALSE(secured_with(at, 1)) << name(kind) << at;
    const std::size_t covered = signature_option_at(packet) - 40 - fixed;
    for (int trial = 0; trial < 30; ++trial) {
      Bytes lot(3);
      ASSERT_TRUE(random.fill(lot));
      const std::size_t at = 40 + fixed + (lot[0] * 256u + lot[1]) % covered;
      const auto bit = static_cast<std::uint8_t>(1 << lot[2] % 8);
      // The padding and Reserved octets are signed as well as all others.
      EXPECT_FALSE(secured_with(at, bit)) << name(kind) << at;
    }
  }
}

TEST_F(SendProof, OptionsBeforeTheSignatureAreSignedInTheirOrder) {
  COVERS("SND-5.2-10");
  const Bytes unknown{200, 1, 1, 2, 3, 4, 5, 6};
  const Bytes mtu = octets_of(wire::MtuOption{1400});
  for (const Kind kind : kKinds) {
    Craft craft = good(kind);
    craft.options = {unknown, mtu};
    EXPECT_TRUE(hear_first(craft).secured()) << name(kind);
    const Bytes packet = craft.packet();
    const std::size_t at = 40 + *wire::options_offset(ByteView(packet).subspan(40));
    const auto heard_changed = [&](const std::function<void(Bytes&)>& change) {
      Bytes changed = packet;
      change(changed);
      const std::size_t size = changed.size() - 40;
      changed[4] = static_cast<std::uint8_t>(size >> 8);
      changed[5] = static_cast<std::uint8_t>(size);
      repair_checksum(changed);
      restart();
      return hear(changed);
    };
    const auto begin = [&](Bytes& octets) {
      return octets.begin() + static_cast<std::ptrdiff_t>(at);
    };
    EXPECT_TRUE(heard_changed([&](Bytes& octets) {
                  octets.insert(begin(octets), unknown.begin(), unknown.end());
                }).refused(Reason::kSignature));
    EXPECT_TRUE(heard_changed([&](Bytes& octets) {
                  octets.erase(begin(octets), begin(octets) + 8);
                }).refused(Reason::kSignature));
    EXPECT_TRUE(heard_changed([&](Bytes& octets) {
                  std::swap_ranges(begin(octets), begin(octets) + 8, begin(octets) + 8);
                }).refused(Reason::kSignature));
    EXPECT_TRUE(
        heard_changed([&](Bytes& octets) { octets[at + 7] ^= 0x80; }).refused(Reason::kSignature));
  }
}

// Made by an independent signer; each is an RtSolPr or a PrRtAdv that is right but for one thing.
TEST_F(SendProof, TheSignatureIsOfTheSchemeTheTagAndTheChecksumOfRfc3971) {
  COVERS("SND-5.2-5", "SND-5.2-6", "SND-5.2-8", "SND-5.2.2-7");
  const auto heard = [&](const std::string& section) {
    const Vector vector = load_vector("send-signatures.txt", section);
    now.utc = UtcTime(seconds(static_cast<std::int64_t>(vector.number("timestamp") >> 16)));
    restart();
    return hear(vector.hex("packet"));
  };
  for (const char* section : {"rtsolpr-rsa1024-at1", "rtsolpr-rsa2048-at2", "rtsolpr-rsa3072-at3",
                              "rtsolpr-rsa2048-e3-at1", "ns", "redirect", "ra-ar-2048"})
    EXPECT_TRUE(heard(section).secured()) << section;
  for (const char* section :
       {"bad-no-tag", "bad-other-tag", "bad-checksum-on-wire", "bad-checksum-zero",
        "bad-checksum-with-empty-signature", "bad-signature-sha256", "bad-signature-modulus",
        "bad-signature-zero", "bad-pkcs1-garbage-behind-hash", "bad-pkcs1-padding-not-ff",
        "bad-pkcs1-block-type-2", "bad-pkcs1-no-null", "bad-pkcs1-forged-e3"}) {
    const Heard refused = heard(section);
    EXPECT_TRUE(refused.refused(Reason::kSignature)) << section;
    EXPECT_EQ(refused.verifications, 1) << section;
  }
  // Each bit of the tag counts, and it is in no packet.
  const Bytes packet = good(Kind::kNeighborSolicitation).packet();
  const std::size_t at = signature_option_at(packet) - 40;
  const ByteView message = ByteView(packet).subspan(40);
  const Bytes input = wire::signature_input(peer.link_local(), kOurs, message, at);
  const ByteView tag = ByteView(input).first(16);
  EXPECT_EQ(to_hex(tag), "086fca5e10b200c99c8ce00164277c08");
  EXPECT_TRUE(std::ranges::search(packet, tag).empty());
  const auto option = wire::RsaSignatureOption::parse(ByteView(packet).subspan(40 + at));
  const ByteView signature = option->content.first(128);
  EXPECT_TRUE(crypto::verify_sha1(peer.key()->public_key(), crypto::sha1(input), signature));
  for (std::size_t bit = 0; bit < 128; ++bit) {
    Bytes changed = input;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(crypto::verify_sha1(peer.key()->public_key(), crypto::sha1(changed), signature));
  }
}

TEST_F(SendProof, WhatStandsBehindTheSignatureIsAbsent) {
  COVERS("SND-5.2.2-4");
  Craft late = good(Kind::kNeighborSolicitation);
  late.trailing_options.push_back(octets_of(wire::TimestampOption{*late.timestamp}));
  late.timestamp.reset();
  EXPECT_TRUE(hear_first(late).refused(Reason::kNoTimestamp));
  late = good(Kind::kNeighborSolicitation);
  late.trailing_options.push_back(octets_of(wire::NonceOption{*late.nonce}));
  late.nonce.reset();
  EXPECT_TRUE(hear_first(late).refused(Reason::kNoNonce));
  late = good(Kind::kNeighborSolicitation);
  late.trailing_options.push_back(octets_of(wire::CgaOption{*late.cga_parameters}));
  late.cga_parameters.reset();
  EXPECT_TRUE(hear_first(late).refused(Reason::kNoCga));
}

TEST_F(SendProof, TheBaseChecksAreOfTheWholeMessageAndComeFirst) {
  COVERS("SND-5.2.2-14");
  for (const Kind kind : kKinds) {
    Craft craft = good(kind);
    craft.trailing_options.push_back(Bytes{200, 0, 0, 0, 0, 0, 0, 0});
    Heard heard = hear_first(craft);
    EXPECT_EQ(heard.reason, Reason::kOptionStructure) << name(kind);
    EXPECT_FALSE(heard.judged);
    EXPECT_EQ(heard.verifications, 0);
    craft = good(kind);
    craft.hop_limit = 254;
    heard = hear_first(craft);
    EXPECT_EQ(heard.reason, Reason::kHopLimit) << name(kind);
    EXPECT_FALSE(heard.judged);
    EXPECT_EQ(heard.verifications, 0);
  }
}

}  // namespace
}  // namespace sendoff::test
