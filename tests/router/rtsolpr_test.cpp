// RtSolPr that the access router does not answer, and whom it answers without asking the link (RFC
// 5568 6.1.1, RFC 4861 6.1.1, GF29).
#include "router/handover_fixture.h"
#include "router/validation_fixture.h"

namespace sendoff::test {
namespace {

using Code = wire::LinkLayerAddressOption::Code;

class RtSolPr : public ValidationTest {
 protected:
  [[nodiscard]] bool untouched() const {
    return bench.sent.empty() && bench.actions.empty() && bench.jobs.empty() && keys() == 0;
  }
};

TEST_F(RtSolPr, WithADefectIsNotAnswered) {
  COVERS("FH-6.1.1-05");
  start();
  const auto dropped = [&](const char* counter, const Bytes& packet, const std::string& what) {
    const std::uint64_t before = sends(counter);
    receive_packet(packet);
    EXPECT_TRUE(untouched()) << what;
    EXPECT_EQ(sends(counter), before + 1) << what;
  };
  for (const bool with_send : {true, false}) {
    const auto fresh = [&] { return with_send ? request() : plain(request()); };
    const std::string kind = with_send ? "signed, " : "unsigned, ";
    for (const int hops : {254, 64, 1, 0}) {  // 254: from off-link
      Craft craft = fresh();
      craft.hop_limit = static_cast<std::uint8_t>(hops);
      dropped("hop-limit", craft.packet(), kind + "hop limit " + std::to_string(hops));
    }
    for (const int code : {1, 5, 255}) {
      Craft craft = fresh();
      craft.head[1] = static_cast<std::uint8_t>(code);
      dropped("code", craft.packet(), kind + "code " + std::to_string(code));
    }
    Bytes packet = fresh().packet();
    packet[42] ^= 1;
    dropped("checksum", packet, kind + "checksum");
    for (std::size_t size = 4; size < 8; ++size) {
      Bytes cut = to_bytes(ByteView(fresh().packet()).first(40 + size));
      cut[4] = 0;
      cut[5] = static_cast<std::uint8_t>(size);
      repair_checksum(cut);
      dropped("truncated", cut, kind + std::to_string(size) + " octets");
    }
    for (const std::uint8_t type : {std::uint8_t{19}, std::uint8_t{27}, std::uint8_t{200}}) {
      Craft craft = fresh();
      craft.options.push_back({type, 0, 0, 0, 0, 0, 0, 0});
      dropped("option-structure", craft.packet(), kind + "option of length 0");
    }
  }
  receive(request(), mn);
  EXPECT_TRUE(has_key(reply()));
}

TEST_F(RtSolPr, ThatAsksAboutNoAccessPointIsDropped) {
  COVERS("FH-6.1.1-10");
  unlimit();
  start();
  std::uint64_t expected = 0;
  for (const bool with_send : {true, false})
    for (const int code : {-1, 2, 3, 4, 5, 6, 7, 8, 255}) {  // -1: no such option at all
      bench.forget();
      Craft craft = request();
      craft.options.erase(craft.options.begin(), craft.options.begin() + 2);
      if (code >= 0)
        craft.options.push_back(
            octets_of(wire::LinkLayerAddressOption{static_cast<Code>(code), kNarAp}));
      receive(with_send ? craft : plain(craft), mn);
      EXPECT_TRUE(bench.sent.empty()) << code;
      EXPECT_TRUE(bench.actions.empty()) << code;
      EXPECT_EQ(bench.jobs["seal"], 0);
      EXPECT_EQ(keys(), 0u);
      EXPECT_EQ(bench.counter("provision", "no-access-point"), ++expected) << code;
    }
  receive(request(), mn);
  EXPECT_TRUE(has_key(reply()));
}

class AnsweredRtSolPr : public ParTest {};

TEST_F(AnsweredRtSolPr, NeedsNoNeighbourDiscoveryAndChangesNoEntry) {
  COVERS("FH-6.1.1-14");
  start();
  bench.forget();
  receive(request(), mn);
  ASSERT_EQ(bench.sent.size(), 1u) << "no solicitation goes before it";
  EXPECT_EQ(bench.sent[0].link_destination, mn.link_address());
  EXPECT_FALSE(bench.sent[0].routed);
  // The host has an entry for the node. Somebody says that its address is his.
  bench.host(machine::NeighbourChanged{{0}, mn.global(), mn.link_address(), true});
  const LinkAddress forger = LinkAddress::literal("02:00:00:00:0e:0e");
  Craft forged = request();
  forged.options[0] = octets_of(wire::LinkLayerAddressOption{Code::kSource, forger});
  std::vector<Bytes> unvalidated;
  unvalidated.push_back(forged.packet());
  unvalidated.back()[47] ^= 1;  // the Identifier, which is signed
  repair_checksum(unvalidated.back());
  forged.cga_parameters.reset();
  forged.timestamp.reset();
  forged.nonce.reset();
  forged.signer.reset();
  unvalidated.push_back(forged.packet());
  for (const Bytes& packet : unvalidated) {
    bench.forget();
    bench.receive(packet, forger);
    EXPECT_FALSE(has_key(reply()));
    EXPECT_TRUE(bench.asked<machine::SetNeighbour>().empty());
    EXPECT_TRUE(bench.actions.empty());
  }
  // Whoever looks for the node's link-layer address still finds the node's.
  bench.forget();
  CraftFbu craft = predictive(1);
  craft.link_address.reset();
  receive(craft);
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].message.options.link_address->address, mn.link_address());
  take(hack(0));
  for (const machine::Transmit& transmit : bench.sent)
    if (transmit.link_destination) {
      EXPECT_EQ(transmit.link_destination, mn.link_address());
    }
}

}  // namespace
}  // namespace sendoff::test
