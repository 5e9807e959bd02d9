// The job that signs, and OpenSSL by itself as its reader (RFC 3971 5.2, RFC 3972 6).
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "machine/job.h"
#include "support/covers.h"
#include "support/peer.h"

namespace sendoff::test {
namespace {

// RSASSA-PKCS1-v1_5 with SHA-1.
bool openssl_takes(ByteView spki, ByteView octets, ByteView signature) {
  const unsigned char* at = spki.data();
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_PKEY_CTX* padding = nullptr;
  return key &&
         EVP_DigestVerifyInit(context.get(), &padding, EVP_sha1(), nullptr, key.get()) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PADDING) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), octets.data(),
                          octets.size()) == 1;
}

TEST(SignMessage, SignsTagAndMessageAsOpensslReadsThem) {
  COVERS("CGA-6-1");
  for (const std::string bits : {"1024", "2048", "3072"}) {
    const Peer peer(signing_key("mn-" + bits), "2001:db8:a:1::/64", "02:00:5e:00:53:21");
    Bytes message = octets_of(wire::NeighborSolicitation{Ipv6Address::literal("fe80::77")});
    const Bytes parameters = peer.parameters(peer.link_local()).octets();
    append(message, wire::CgaOption{parameters});
    append(message, wire::TimestampOption{1});
    const auto made = machine::execute(machine::Job(
        machine::SignMessage{peer.key(), peer.link_local(), kAllRouters, message, std::nullopt}));
    ASSERT_TRUE(made);
    const Bytes& sent = std::get<machine::MessageSigned>(*made).message;
    ASSERT_GT(sent.size(), message.size() + 20);
    // Tag, addresses, and the message with a checksum of its own.
    Bytes octets{0x08, 0x6f, 0xca, 0x5e, 0x10, 0xb2, 0x00, 0xc9,
                 0x9c, 0x8c, 0xe0, 0x01, 0x64, 0x27, 0x7c, 0x08};
    for (const Ipv6Address& address : {peer.link_local(), kAllRouters})
      octets.insert(octets.end(), address.view().begin(), address.view().end());
    wire::seal_icmpv6(peer.link_local(), kAllRouters, message);
    octets.insert(octets.end(), message.begin(), message.end());
    const std::size_t size = peer.key()->public_key().modulus_size();
    const ByteView signature = ByteView(sent).subspan(message.size() + 20, size);
    EXPECT_TRUE(openssl_takes(peer.key()->spki(), octets, signature)) << bits;
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{15}, std::size_t{16}, octets.size() - 1}) {
      Bytes changed = octets;
      changed[at] ^= 1;
      EXPECT_FALSE(openssl_takes(peer.key()->spki(), changed, signature)) << bits << " " << at;
    }
  }
}

}  // namespace
}  // namespace sendoff::test
