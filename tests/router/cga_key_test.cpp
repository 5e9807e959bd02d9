// The key of a node's addresses (RFC 3972 7): several addresses verify with it, and it encrypts
// nothing.
#include "cga/example.h"
#include "router/router_fixture.h"
#include "send/sender.h"

namespace sendoff::test {
namespace {

using CgaKey = RouterTest;

TEST_F(CgaKey, AHandoverKeyBelongsToTheWholeAddress) {
  COVERS("CGA-7.1-3");
  const Bytes example = cga::example().hex("cga-parameters");
  const auto view = cga::ParametersView::parse(example);
  ASSERT_TRUE(view);
  const Ipv6Address address = Ipv6Address::from(cga::example().hex("address"));
  int verified = 0;
  for (unsigned first = 0; first < 32; ++first) {
    Ipv6Address::Octets octets = address.octets();
    octets[8] = static_cast<std::uint8_t>((octets[8] & 0x1c) | (first >> 2) << 5 | (first & 3));
    if (cga::verify(Ipv6Address(octets), *view)) ++verified;
  }
  EXPECT_EQ(verified, 8);

  start();
  const Delivered delivered = provision();
  Ipv6Address::Octets octets = mn.global().octets();
  octets[8] ^= 3;  // u and g
  const Ipv6Address sibling(octets);
  const Bytes parameters = mn.parameters(mn.global()).octets();
  ASSERT_TRUE(cga::verify(sibling, *cga::ParametersView::parse(parameters)));
  CraftFbu of_sibling = fbu(delivered);
  of_sibling.source = sibling;
  of_sibling.home_address = sibling;
  receive(of_sibling);
  EXPECT_TRUE(bench.asked<machine::InstallBinding>().empty());
  receive(fbu(delivered));
  EXPECT_EQ(bench.asked<machine::InstallBinding>().size(), 1u);
}

TEST_F(CgaKey, IsNoKeyToEncryptTo) {
  COVERS("CGA-7.4-3");
  start();
  receive(mn.rtsolpr(ar_global(), bench.now, mn.key()->spki()), mn);
  for (const machine::Transmit& transmit : bench.sent) EXPECT_FALSE(has_key(transmit.packet));
  EXPECT_EQ(bench.jobs["seal"], 0);
  // Nor would a node of ours ask for that.
  send::Unsigned message;
  message.source = mn.global();
  message.destination = ar_global();
  message.parameters = mn.parameters(mn.global());
  message.nonce = Bytes(6);
  append(message.message, wire::RtSolPr{7});
  append(message.message, wire::HandoverKeyRequest{{2}, mn.key()->spki()});
  const auto refused = send::sign(std::move(message), mn.key(), bench.now.utc, 1500);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), send::SendError::kHandoverKey);
  receive(request(), mn);
  EXPECT_EQ(bench.jobs["seal"], 1);
}

}  // namespace
}  // namespace sendoff::test
