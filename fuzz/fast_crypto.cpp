#include "fast_crypto.h"

#include "crypto/digest.h"
#include "sim/key_pool.h"
#include "target.h"
#include "wire/send_options.h"

namespace sendoff::fuzz {

namespace {

// Sealed: a digest of what follows, its size, and the octets, all under a key stream.
constexpr std::size_t kSealedHead = 33;
constexpr std::size_t kPathsKept = 256;

// `size` octets that only these two views give.
Bytes stretched(ByteView a, ByteView b, std::size_t size) {
  Bytes seed = to_bytes(a);
  seed.insert(seed.end(), b.begin(), b.end());
  Bytes out;
  while (out.size() < size) {
    const auto digest = crypto::sha256(seed);
    out.insert(out.end(), digest.begin(), digest.end());
    seed.assign(digest.begin(), digest.end());
  }
  out.resize(size);
  return out;
}

Bytes signature_over(const crypto::RsaPublicKey& key, ByteView octets) {
  return stretched(key.modulus(), crypto::sha256(octets), key.modulus_size());
}

// Compares without a branch on the octets: libFuzzer learns from comparisons, and would learn to
// sign.
bool same(ByteView a, ByteView b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    difference |= unsigned{a[i]} ^ unsigned { b[i] };
  return difference == 0;
}

void mask(ByteSpan octets, const crypto::RsaPublicKey& key) {
  const Bytes stream = stretched(key.modulus(), {}, octets.size());
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] ^= stream[i];
}

Bytes sealed(const crypto::RsaPublicKey& key, const Secret& plain) {
  Bytes out(key.modulus_size());
  require(kSealedHead + plain.size() <= out.size(), "a handover key fits into its encryption");
  const auto digest = crypto::sha256(plain.expose());
  Writer writer(out);
  writer.bytes(digest);
  writer.u8(static_cast<std::uint8_t>(plain.size()));
  writer.bytes(plain.expose());
  mask(out, key);
  return out;
}

Secret opened(const crypto::RsaPublicKey& key, ByteView ciphertext, std::size_t size) {
  if (ciphertext.size() != key.modulus_size() || kSealedHead + size > ciphertext.size()) return {};
  Bytes plain = to_bytes(ciphertext);
  mask(plain, key);
  const ByteView secret = ByteView(plain).subspan(kSealedHead, size);
  if (plain[kSealedHead - 1] != size || !same(ByteView(plain).first(32), crypto::sha256(secret)))
    return {};
  return Secret::copy_of(secret);
}

}  // namespace

FastCrypto::Done FastCrypto::execute(const machine::Job& job) {
  return std::visit([this](const auto& kind) { return run(kind); }, job);
}

FastCrypto::Done FastCrypto::run(const machine::VerifySignature& job) {
  const bool valid = same(job.signature, signature_over(job.key, job.signed_octets));
  if (valid) ++valid_;
  if (valid && routers_.contains(to_bytes(job.key.modulus()))) ++valid_of_routers_;
  return machine::SignatureVerified{valid};
}

FastCrypto::Done FastCrypto::run(const machine::SignMessage& job) {
  Bytes message = job.message;
  if (job.seal) {
    require(job.seal->padding.size() ==
                crypto::padding_size(job.seal->key, job.seal->handover_key.size()),
            "padding has its size");
    const Bytes ciphertext = sealed(job.seal->key, job.seal->handover_key);
    require(job.seal->offset + ciphertext.size() <= message.size(), "a seal has room");
    std::ranges::copy(ciphertext, message.begin() + static_cast<std::ptrdiff_t>(job.seal->offset));
  }
  const Bytes input = wire::signature_input(job.source, job.destination, message, message.size());
  const Bytes signature = signature_over(job.key->public_key(), input);
  wire::append_signature(job.source, job.destination, message, {job.key->hash(), signature});
  return machine::MessageSigned{std::move(message)};
}

FastCrypto::Done FastCrypto::run(const machine::OpenHandoverKey& job) {
  return machine::HandoverKeyOpened{opened(job.key->public_key(), job.ciphertext, job.key_size)};
}

FastCrypto::Done FastCrypto::run(const machine::GenerateDecryptionKey&) {
  return machine::DecryptionKeyGenerated{sim::decryption_key(pairs_++ % sim::kStrangerPair)};
}

// Judged for real, once a path. All runs have the same anchors and about the same day.
FastCrypto::Done FastCrypto::run(const machine::ValidatePath& job) {
  using Judged = Result<pki::CertifiedRouter, pki::PathError>;
  static std::map<std::vector<Bytes>, Judged> known;
  const auto found = known.find(job.path);
  if (found != known.end()) return machine::PathValidated{found->second};
  if (known.size() >= kPathsKept) known.clear();
  const Judged judged = pki::validate_path(job.path, *job.anchors, job.at, job.policy);
  known.emplace(job.path, judged);
  return machine::PathValidated{judged};
}

FastCrypto::Done FastCrypto::run(const machine::JudgePaths& job) { return *machine::execute(job); }

}  // namespace sendoff::fuzz
