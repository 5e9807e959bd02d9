// Jobs carried out in microseconds: signatures and sealed keys are made of hashes over the public
// key, so that thousands of exchanges fit into a second. Whoever calls it can sign for anybody; the
// octets of an input cannot, since no input names a hash of itself.
#pragma once

#include <map>
#include <set>

#include "machine/job.h"

namespace sendoff::fuzz {

class FastCrypto {
 public:
  // LookUp is for whoever has a store: kStore. Pairs for handover keys come from a small pool.
  [[nodiscard]] Result<machine::JobOutput, machine::JobError> execute(const machine::Job& job);

  // How many signatures were found valid: in all, and of keys in `routers`.
  [[nodiscard]] std::size_t valid() const { return valid_; }
  [[nodiscard]] std::size_t valid_of_routers() const { return valid_of_routers_; }
  void count_as_router(ByteView modulus) { routers_.insert(to_bytes(modulus)); }

 private:
  using Done = Result<machine::JobOutput, machine::JobError>;
  Done run(const machine::VerifySignature& job);
  Done run(const machine::SignMessage& job);
  Done run(const machine::OpenHandoverKey& job);
  Done run(const machine::GenerateDecryptionKey& job);
  Done run(const machine::ValidatePath& job);
  Done run(const machine::JudgePaths& job);
  Done run(const machine::SearchModifier&) { return fail(machine::JobError::kCancelled); }
  Done run(const machine::LookUp&) { return fail(machine::JobError::kStore); }

  std::set<Bytes> routers_;
  std::size_t valid_ = 0;
  std::size_t valid_of_routers_ = 0;
  std::size_t pairs_ = 0;
};

}  // namespace sendoff::fuzz
