// RSA by its price, for worlds of a million nodes: keys without a private half, signatures and
// ciphertexts that anybody could make, and what each operation would have taken. The octets have
// the sizes of 2048-bit RSA, a signature fits one message and one key, and a sealed handover key
// opens with its own pair: so the machines notice nothing. Worthless outside a simulation.
#pragma once

#include <map>

#include "base/time.h"
#include "machine/job.h"

namespace sendoff::sim {

// Defaults: RSA-2048 of docs/performance.md; kPath there is no figure for.
struct Costs {
  Duration sign = microseconds(236);     // 87 % of an exchange's 272 µs
  Duration verify = microseconds(14);    // a seventh of a d2i_PUBKEY
  Duration encrypt = microseconds(12);   // RSA_public_encrypt
  Duration decrypt = microseconds(236);  // as a signature
  Duration path = microseconds(150);     // assumed: a certificate parsed and verified
  Duration packet = microseconds(5);     // a raw send with the kernel's stack, or a receipt
  Duration store = microseconds(124);    // a record kept, one at a time
};

[[nodiscard]] std::shared_ptr<const crypto::SigningKey> model_signing_key(std::uint64_t number);
[[nodiscard]] std::shared_ptr<const crypto::HandoverDecryptionKey> model_pair(std::uint64_t number);

class CostModel {
 public:
  explicit CostModel(const Costs& costs);

  [[nodiscard]] Duration price(const machine::Job& job) const;
  // What the job gives. `asker` says which of the pool's pairs a new one is. Paths are validated
  // once, in earnest; LookUp finds nothing.
  [[nodiscard]] Result<machine::JobOutput, machine::JobError> run(const machine::Job& job,
                                                                  std::uint64_t asker);

 private:
  [[nodiscard]] machine::MessageSigned sign(const machine::SignMessage& job) const;
  [[nodiscard]] machine::PathValidated validate(const machine::ValidatePath& job);

  Costs costs_;
  std::map<crypto::Sha256Digest, machine::PathValidated> paths_;
  std::vector<std::shared_ptr<const crypto::HandoverDecryptionKey>> pairs_;
};

}  // namespace sendoff::sim
