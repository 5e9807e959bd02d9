// What the tests of validation and of its limits share: ways to spoil an RtSolPr, and what can be
// seen of the router's records.
#pragma once

#include "router/router_fixture.h"

namespace sendoff::test {

// Octets behind the head of an RSA Signature option: Reserved, Key Hash, then the signature.
inline constexpr std::size_t kSignatureAt = 20;

class ValidationTest : public RouterTest {
 protected:
  [[nodiscard]] std::uint64_t sends(std::string_view name) const {
    return bench.counter("send", name);
  }
  [[nodiscard]] std::size_t keys() const { return router->status(bench.now, 0).key_count; }
  // Offset of the RSA Signature option in a packet whose last option it is.
  [[nodiscard]] static std::size_t signature_option(ByteView packet) {
    return packet.size() - options_of(packet).back().octets.size();
  }
  [[nodiscard]] static Bytes spoil_signature(Bytes packet, std::size_t octet = 5) {
    packet[signature_option(packet) + kSignatureAt + octet] ^= 1;
    repair_checksum(packet);
    return packet;
  }
  [[nodiscard]] static Craft plain(Craft craft) {
    craft.cga_parameters.reset();
    craft.timestamp.reset();
    craft.nonce.reset();
    craft.signer.reset();
    return craft;
  }
  // Everything the router keeps of a handover key that a test can see.
  [[nodiscard]] std::string records() const {
    std::string text;
    for (const auto& key : router->status(bench.now, 1000).keys)
      text += key.cga.text() + " " + std::to_string(key.generation) + " " +
              std::to_string(static_cast<int>(key.algorithm)) + " " +
              std::to_string(key.remaining_s) + " " + key.fingerprint + "\n";
    return text;
  }
  void receive_packet(const Bytes& packet) { bench.receive(packet, mn.link_address()); }
  void unlimit() {
    config.receiver.budget = {100'000, 100'000, 4096};
    config.unvalidated_answers_s = 100'000;
    config.unvalidated_answers_per_source_s = 100'000;
  }
};

}  // namespace sendoff::test
