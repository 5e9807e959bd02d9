// SEND's options (RFC 3971 5, 6.4; RFC 6495) and the octets under its signature.
#include "wire/send_options.h"

#include <gtest/gtest.h>

#include "support/covers.h"
#include "support/vectors.h"
#include "wire/codec.h"
#include "wire/icmpv6.h"
#include "wire/option_cases.h"

namespace sendoff::wire {
namespace {

using test::counting;
using test::emitted;
using test::emitted_hex;
using test::error_of;
using test::expect_option_frame;
using test::octets;

TEST(CgaOption, HoldsTheExampleOfRfc3972) {
  COVERS("SND-5.1-1");
  const test::Vector example = test::load_vectors("rfc3972-appendix-a.txt").front();
  const Bytes parameters = example.hex("cga-parameters");
  ASSERT_EQ(parameters.size(), 119U);
  const Bytes sent = emitted(CgaOption{.parameters = parameters});
  EXPECT_EQ(to_hex(sent), "0b100500" + to_hex(parameters) + "0000000000");
  const auto option = CgaOption::parse(sent);
  ASSERT_TRUE(option);
  EXPECT_EQ(to_hex(option->parameters), to_hex(parameters));
  expect_option_frame<CgaOption>(sent);
}

TEST(CgaOption, HasTheLengthThatItsParametersNeed) {
  COVERS("SND-5.1-2");
  const struct {
    std::size_t parameters;
    unsigned length;
    unsigned pad;
  } cases[] = {{187, 24, 1}, {319, 41, 5}, {447, 57, 5}, {25, 4, 3}, {28, 4, 0}, {2036, 255, 0}};
  for (const auto& c : cases) {
    const Bytes parameters = counting(c.parameters);
    const Bytes sent = emitted(CgaOption{.parameters = parameters});
    EXPECT_EQ(sent[1], c.length);
    EXPECT_EQ(sent[2], c.pad);
    EXPECT_EQ(sent[3], 0);
    EXPECT_EQ(sent.size(), c.length * 8);
    EXPECT_EQ(to_hex(CgaOption::parse(sent)->parameters), to_hex(parameters));
  }
  Bytes bad = emitted(CgaOption{.parameters = counting(187)});
  bad[2] = 24 * 8 - 4 + 1;
  EXPECT_EQ(error_of<CgaOption>(bad), ParseError::kPadLength);
}

TEST(CgaOption, EveryPadLengthLeavesParametersOrIsRefused) {
  for (unsigned pad = 0; pad < 256; ++pad) {
    Bytes whole = emitted(CgaOption{.parameters = counting(187)});
    whole[2] = static_cast<std::uint8_t>(pad);
    whole[3] = 0xff;
    const auto option = CgaOption::parse(whole);
    // 25 octets come before the public key.
    ASSERT_EQ(option.has_value(), pad <= 24 * 8 - 4 - 25) << pad;
    if (option) {
      EXPECT_EQ(option->parameters.size(), 24 * 8 - 4 - pad);
    } else {
      EXPECT_EQ(option.error(), ParseError::kPadLength);
    }
  }
}

TEST(RsaSignatureOption, PutsTheSignatureBehindTheKeyHash) {
  COVERS("SND-5.2-1");
  const struct {
    std::size_t modulus;
    unsigned length;
  } cases[] = {{128, 19}, {256, 35}, {384, 51}};
  for (const auto& c : cases) {
    RsaSignatureOption option;
    std::ranges::copy(counting(16), option.key_hash.begin());
    const Bytes signature = counting(c.modulus);
    option.content = signature;
    const Bytes sent = emitted(option);
    ASSERT_EQ(sent.size(), c.length * 8);
    EXPECT_EQ(sent[1], c.length);
    EXPECT_EQ(to_hex(sent), "0c" + to_hex(ByteView(sent).subspan(1, 1)) + "0000" +
                                to_hex(option.key_hash) + to_hex(signature) + "00000000");
    const auto parsed = RsaSignatureOption::parse(sent);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->key_hash, option.key_hash);
    EXPECT_EQ(to_hex(parsed->content), to_hex(signature) + "00000000");
    EXPECT_EQ(emitted_hex(*parsed), to_hex(sent));
    expect_option_frame<RsaSignatureOption>(sent);
  }
}

TEST(RsaSignatureOption, IgnoresReservedAndNeedsRoomForTheKeyHash) {
  Bytes whole = octets("0c 03 ffff 000102030405060708090a0b0c0d0e0f 11121314");
  const auto option = RsaSignatureOption::parse(whole);
  ASSERT_TRUE(option);
  EXPECT_EQ(to_hex(option->key_hash), "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(to_hex(option->content), "11121314");
  whole[1] = 2;
  EXPECT_EQ(error_of<RsaSignatureOption>(ByteView(whole).first(16)), ParseError::kLength);
  whole[1] = 1;
  EXPECT_EQ(error_of<RsaSignatureOption>(ByteView(whole).first(8)), ParseError::kLength);
}

TEST(TimestampOption, CountsSixtyFourThousandthsOfASecond) {
  const Bytes whole = octets("0d 02 000000000000 00006553f100 8000");
  const auto option = TimestampOption::parse(whole);
  ASSERT_TRUE(option);
  EXPECT_EQ(option->value, (std::uint64_t{1700000000} << 16) + 0x8000);
  EXPECT_EQ(emitted_hex(*option), to_hex(whole));
  Bytes reserved = whole;
  for (std::size_t at = 2; at < 8; ++at) reserved[at] = 0xff;
  EXPECT_EQ(emitted_hex(*TimestampOption::parse(reserved)), to_hex(whole));
  expect_option_frame<TimestampOption>(whole);
}

TEST(TimestampOption, KeepsEveryBit) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const TimestampOption option{.value = std::uint64_t{1} << bit};
    const Bytes sent = emitted(option);
    EXPECT_EQ(sent[15 - bit / 8], 1U << bit % 8);
    EXPECT_EQ(TimestampOption::parse(sent)->value, option.value);
  }
}

TEST(TimestampOption, RefusesEveryLengthButTwo) {
  for (unsigned length = 1; length < 256; ++length) {
    Bytes whole(length * 8);
    whole[0] = 13;
    whole[1] = static_cast<std::uint8_t>(length);
    EXPECT_EQ(error_of<TimestampOption>(whole),
              length == 2 ? ParseError::kCount : ParseError::kLength);
  }
}

TEST(NonceOption, FillsTheOption) {
  COVERS("SND-5.3.2-1");
  for (unsigned length = 1; length < 256; ++length) {
    const Bytes nonce = counting(length * 8 - 2);
    const Bytes sent = emitted(NonceOption{.nonce = nonce});
    EXPECT_EQ(sent[0], 0x0e);
    EXPECT_EQ(sent[1], length);
    EXPECT_EQ(to_hex(ByteView(sent).subspan(2)), to_hex(nonce));
    EXPECT_EQ(to_hex(NonceOption::parse(sent)->nonce), to_hex(nonce));
  }
  expect_option_frame<NonceOption>(octets("0e 01 010203040506"));
}

TEST(NonceOptionDeathTest, DoesNotSendALengthThatTheOptionCannotHave) {
  for (const std::size_t size : {0U, 5U, 7U, 8U}) {
    const Bytes nonce = counting(size);
    EXPECT_DEATH((void)emitted(NonceOption{.nonce = nonce}), "") << size;
  }
}

TEST(TrustAnchorOption, IsReadAndWritten) {
  const Bytes anchor_name = counting(49);
  const TrustAnchorOption option{.name_type = TrustAnchorOption::NameType::kDerName,
                                 .name = anchor_name};
  const Bytes sent = emitted(option);
  EXPECT_EQ(to_hex(sent), "0f070103" + to_hex(anchor_name) + "000000");
  const auto parsed = TrustAnchorOption::parse(sent);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->name_type, TrustAnchorOption::NameType::kDerName);
  EXPECT_EQ(to_hex(parsed->name), to_hex(anchor_name));
  expect_option_frame<TrustAnchorOption>(sent);
}

TEST(TrustAnchorOption, TakesEveryNameTypeAndEveryPadLengthThatFits) {
  for (unsigned type = 0; type < 256; ++type) {
    Bytes whole = octets("0f 01 00 00 01020304");
    whole[2] = static_cast<std::uint8_t>(type);
    const auto option = TrustAnchorOption::parse(whole);
    ASSERT_TRUE(option);
    EXPECT_EQ(static_cast<unsigned>(option->name_type), type);
    EXPECT_EQ(emitted_hex(*option), to_hex(whole));
  }
  for (unsigned pad = 0; pad < 256; ++pad) {
    Bytes whole = octets("0f 01 02 00 01020304");
    whole[3] = static_cast<std::uint8_t>(pad);
    EXPECT_EQ(error_of<TrustAnchorOption>(whole),
              pad <= 4 ? ParseError::kCount : ParseError::kPadLength);
  }
}

TEST(CertificateOption, HasReservedWhereOthersHaveAPadLength) {
  const Bytes der = octets("3003 020105");
  const Bytes sent = emitted(CertificateOption{.certificate = der});
  EXPECT_EQ(to_hex(sent), test::plain("10 02 01 00 3003020105 00000000000000"));
  Bytes received = sent;
  received[3] = 0xff;
  const auto option = CertificateOption::parse(received);
  ASSERT_TRUE(option);
  EXPECT_EQ(option->certificate_type, CertificateOption::kX509);
  EXPECT_EQ(to_hex(option->certificate), "300302010500000000000000");
  EXPECT_EQ(emitted_hex(*option), to_hex(sent));
  expect_option_frame<CertificateOption>(sent);
}

TEST(CertificateOption, HoldsAtMost2036Octets) {
  EXPECT_EQ(emitted(CertificateOption{.certificate = counting(2036)}).size(), 2040U);
  EXPECT_DEATH((void)emitted(CertificateOption{.certificate = counting(2037)}), "");
}

const Ipv6Address kSigner = Ipv6Address::literal("fe80::1");
const Ipv6Address kAllRouters = Ipv6Address::literal("ff02::2");

TEST(SendNumbers, AreThoseOfTheRegistry) {
  COVERS("SND-11-1");
  const std::map<Icmpv6Type, int> messages = {{Icmpv6Type::kCertificationPathSolicitation, 148},
                                              {Icmpv6Type::kCertificationPathAdvertisement, 149}};
  for (const auto& [type, number] : messages) EXPECT_EQ(std::to_underlying(type), number);
  EXPECT_EQ(emitted(CertificationPathSolicitation{})[0], 148);
  EXPECT_EQ(emitted(CertificationPathAdvertisement{})[0], 149);
  const Bytes content = counting(38);
  EXPECT_EQ(emitted(CgaOption{content})[0], 11);
  EXPECT_EQ(emitted(RsaSignatureOption{{}, content})[0], 12);
  EXPECT_EQ(emitted(TimestampOption{})[0], 13);
  EXPECT_EQ(emitted(NonceOption{content})[0], 14);
  EXPECT_EQ(emitted(TrustAnchorOption{.name = content})[0], 15);
  EXPECT_EQ(emitted(CertificateOption{.certificate = content})[0], 16);
}

TEST(SignatureInput, BeginsWithTheTagAndTheAddresses) {
  Bytes message = octets("85 00 0000 00000000 0e 01 010203040506");
  seal_icmpv6(kSigner, kAllRouters, message);
  const Bytes input = signature_input(kSigner, kAllRouters, message, message.size());
  EXPECT_EQ(to_hex(input), "086fca5e10b200c99c8ce00164277c08" + to_hex(kSigner.view()) +
                               to_hex(kAllRouters.view()) + to_hex(message));
}

TEST(SignatureInput, IsTheSameBeforeAndAfterTheSignatureIsAppended) {
  Bytes message = octets("85 00 0000 00000000 0e 01 010203040506");
  seal_icmpv6(kSigner, kAllRouters, message);
  const std::size_t offset = message.size();
  const Bytes before = signature_input(kSigner, kAllRouters, message, offset);
  const Bytes signature = counting(128);
  append_signature(kSigner, kAllRouters, message, {.key_hash = {}, .content = signature});
  EXPECT_TRUE(icmpv6_checksum_ok(kSigner, kAllRouters, message));
  EXPECT_EQ(message.size(), offset + 19 * 8);
  EXPECT_EQ(signature_input(kSigner, kAllRouters, message, offset), before);
  // What stands behind the signature is not under it (W1).
  message.resize(message.size() + 8, 0x55);
  EXPECT_EQ(signature_input(kSigner, kAllRouters, message, offset), before);
}

TEST(SignatureInput, ChangesWithEveryBitBeforeTheSignatureButTheChecksum) {
  Bytes message = octets("85 00 0000 00000000 0e 01 010203040506");
  const Bytes input = signature_input(kSigner, kAllRouters, message, message.size());
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes flipped = message;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    const bool checksum_field = bit / 8 == 2 || bit / 8 == 3;
    EXPECT_EQ(signature_input(kSigner, kAllRouters, flipped, flipped.size()) == input,
              checksum_field)
        << bit;
  }
  EXPECT_NE(signature_input(kAllRouters, kSigner, message, message.size()), input);
}

}  // namespace
}  // namespace sendoff::wire
