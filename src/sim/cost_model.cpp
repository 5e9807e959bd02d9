#include "sim/cost_model.h"

#include "base/overloaded.h"
#include "crypto/digest.h"
#include "crypto/spki.h"
#include "sim/dice.h"
#include "wire/send_options.h"

namespace sendoff::sim {

namespace {

constexpr std::size_t kModulusSize = 256;
constexpr std::array<std::uint8_t, 3> kExponent = {1, 0, 1};
constexpr std::size_t kPairsInPool = 64;
// 00 02, and the zero behind the padding.
constexpr std::size_t kBlockOverhead = 3;

Bytes model_spki(std::string_view purpose, std::uint64_t number) {
  Bytes modulus(kModulusSize);
  invariant(Octets(number, purpose).fill(modulus));
  modulus.front() |= 0x80;
  modulus.back() |= 1;
  return crypto::emit_spki(modulus, kExponent);
}

crypto::RsaPublicKey parsed(ByteView spki) {
  auto key = crypto::RsaPublicKey::parse(spki);
  invariant(key.has_value());
  return std::move(*key);
}

Bytes masked(const crypto::RsaPublicKey& key, ByteView octets) {
  Bytes out = to_bytes(key.modulus());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= octets[i % octets.size()];
  return out;
}

Bytes sealed(const machine::Seal& seal) {
  Bytes block(kBlockOverhead + seal.padding.size() + seal.handover_key.size());
  invariant(block.size() == seal.key.modulus_size());
  Writer out(block);
  out.u16(2);
  out.bytes(seal.padding.expose());
  out.u8(0);
  out.bytes(seal.handover_key.expose());
  Bytes ciphertext = masked(seal.key, block);
  wipe(block);
  return ciphertext;
}

class ModelSigningKey final : public crypto::SigningKey {
 public:
  explicit ModelSigningKey(std::uint64_t number)
      : spki_(model_spki("model signing key", number)),
        key_(parsed(spki_)),
        hash_(crypto::key_hash(spki_)) {}

  [[nodiscard]] ByteView spki() const override { return spki_; }
  [[nodiscard]] const crypto::RsaPublicKey& public_key() const override { return key_; }
  [[nodiscard]] const crypto::KeyHash& hash() const override { return hash_; }
  [[nodiscard]] Bytes sign_sha1(const crypto::Sha1Digest& digest) const override {
    return masked(key_, digest);
  }
  [[nodiscard]] Secret to_pem() const override { return {}; }

 private:
  Bytes spki_;
  crypto::RsaPublicKey key_;
  crypto::KeyHash hash_;
};

class ModelPair final : public crypto::HandoverDecryptionKey {
 public:
  explicit ModelPair(std::uint64_t number)
      : spki_(model_spki("model pair", number)), key_(parsed(spki_)) {}

  [[nodiscard]] ByteView spki() const override { return spki_; }
  [[nodiscard]] const crypto::RsaPublicKey& public_key() const override { return key_; }
  [[nodiscard]] Secret decrypt(ByteView ciphertext, std::size_t plaintext_size) const override {
    if (ciphertext.size() != kModulusSize || plaintext_size + kBlockOverhead > kModulusSize)
      return {};
    Bytes block = masked(key_, ciphertext);
    const bool fits =
        block[0] == 0 && block[1] == 2 && block[kModulusSize - plaintext_size - 1] == 0;
    Secret opened;
    if (fits) opened = Secret::copy_of(ByteView(block).last(plaintext_size));
    wipe(block);
    return opened;
  }

 private:
  Bytes spki_;
  crypto::RsaPublicKey key_;
};

}  // namespace

std::shared_ptr<const crypto::SigningKey> model_signing_key(std::uint64_t number) {
  return std::make_shared<const ModelSigningKey>(number);
}

std::shared_ptr<const crypto::HandoverDecryptionKey> model_pair(std::uint64_t number) {
  return std::make_shared<const ModelPair>(number);
}

CostModel::CostModel(const Costs& costs) : costs_(costs) {
  for (std::uint64_t i = 0; i < kPairsInPool; ++i) pairs_.push_back(model_pair(i));
}

Duration CostModel::price(const machine::Job& job) const {
  return std::visit(Overloaded{[&](const machine::VerifySignature&) { return costs_.verify; },
                               [&](const machine::SignMessage& sign) {
                                 return sign.seal ? costs_.sign + costs_.encrypt : costs_.sign;
                               },
                               [&](const machine::OpenHandoverKey&) { return costs_.decrypt; },
                               [&](const machine::ValidatePath&) { return costs_.path; },
                               [&](const machine::LookUp&) { return costs_.store; },
                               [](const machine::JudgePaths&) { return Duration{}; },
                               // In the background, ahead of need.
                               [](const machine::GenerateDecryptionKey&) { return Duration{}; },
                               [](const machine::SearchModifier&) { return Duration{}; }},
                    job);
}

machine::MessageSigned CostModel::sign(const machine::SignMessage& job) const {
  Bytes message = job.message;
  if (job.seal) {
    const Bytes ciphertext = sealed(*job.seal);
    invariant(job.seal->offset + ciphertext.size() <= message.size());
    Writer(ByteSpan(message).subspan(job.seal->offset, ciphertext.size())).bytes(ciphertext);
  }
  const Bytes input = wire::signature_input(job.source, job.destination, message, message.size());
  const Bytes signature = job.key->sign_sha1(crypto::sha1(input));
  wire::append_signature(job.source, job.destination, message, {job.key->hash(), signature});
  return {std::move(message)};
}

machine::PathValidated CostModel::validate(const machine::ValidatePath& job) {
  if (job.path.empty()) return {};
  const auto [entry, fresh] = paths_.try_emplace(crypto::sha256(job.path.back()));
  if (fresh) entry->second.router = pki::validate_path(job.path, *job.anchors, job.at, job.policy);
  return entry->second;
}

Result<machine::JobOutput, machine::JobError> CostModel::run(const machine::Job& job,
                                                             std::uint64_t asker) {
  using Output = Result<machine::JobOutput, machine::JobError>;
  return std::visit(
      Overloaded{[](const machine::VerifySignature& verify) -> Output {
                   const Bytes expected = masked(verify.key, crypto::sha1(verify.signed_octets));
                   return machine::SignatureVerified{equal(expected, verify.signature)};
                 },
                 [&](const machine::SignMessage& message) -> Output { return sign(message); },
                 [&](const machine::ValidatePath& path) -> Output { return validate(path); },
                 [&](const machine::GenerateDecryptionKey&) -> Output {
                   return machine::DecryptionKeyGenerated{pairs_[asker % pairs_.size()]};
                 },
                 [](const machine::LookUp&) -> Output { return machine::RecordsFound{}; },
                 [&](const auto&) -> Output { return machine::execute(job); }},
      job);
}

}  // namespace sendoff::sim
