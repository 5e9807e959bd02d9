#include "machine/job.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::machine {

namespace {

using Executed = Result<JobOutput, JobError>;

Executed run(const VerifySignature& job, const std::atomic<bool>*) {
  return SignatureVerified{
      crypto::verify_sha1(job.key, crypto::sha1(job.signed_octets), job.signature)};
}

Executed run(const SignMessage& job, const std::atomic<bool>*) {
  Bytes message;
  message.reserve(job.message.size() + job.key->public_key().modulus_size() + 32);
  message = job.message;
  if (job.seal) {
    const Bytes ciphertext =
        crypto::encrypt(job.seal->key, job.seal->handover_key, job.seal->padding);
    if (ciphertext.empty()) return fail(JobError::kCrypto);
    invariant(job.seal->offset + ciphertext.size() <= message.size());
    Writer(ByteSpan(message).subspan(job.seal->offset, ciphertext.size())).bytes(ciphertext);
  }
  const Bytes input = wire::signature_input(job.source, job.destination, message, message.size());
  const Bytes signature = job.key->sign_sha1(crypto::sha1(input));
  if (signature.empty()) return fail(JobError::kCrypto);
  wire::append_signature(job.source, job.destination, message, {job.key->hash(), signature});
  return MessageSigned{std::move(message)};
}

Executed run(const OpenHandoverKey& job, const std::atomic<bool>*) {
  return HandoverKeyOpened{job.key->decrypt(job.ciphertext, job.key_size)};
}

Executed run(const GenerateDecryptionKey& job, const std::atomic<bool>* cancel) {
  auto key = crypto::HandoverDecryptionKey::generate(job.bits, job.exponent, cancel);
  if (!key) return fail(cancel != nullptr && *cancel ? JobError::kCancelled : JobError::kCrypto);
  return DecryptionKeyGenerated{std::move(*key)};
}

Executed run(const SearchModifier& job, const std::atomic<bool>* cancel) {
  cga::SearchOptions options;
  options.sec = job.sec;
  options.threads = 1;
  options.cancel = cancel;
  const auto modifier = cga::find_modifier(job.start, job.public_key, job.extensions, options);
  if (!modifier) return fail(JobError::kCancelled);
  return ModifierFound{*modifier};
}

Executed run(const ValidatePath& job, const std::atomic<bool>*) {
  PathValidated done{pki::validate_path(job.path, *job.anchors, job.at, job.policy)};
  if (!done.router) return done;
  done.standing = pki::standing_of(*done.router->chain, job.lists, job.at);
  if (done.standing == pki::Standing::kRevoked) done.router = fail(pki::PathError::kRevoked);
  return done;
}

Executed run(const JudgePaths& job, const std::atomic<bool>*) {
  PathsJudged judged;
  for (const pki::CertificateChain& chain : job.chains)
    judged.standings.push_back(pki::standing_of(*chain, job.lists, job.at));
  return judged;
}

Executed run(const LookUp&, const std::atomic<bool>*) { return fail(JobError::kStore); }

}  // namespace

Result<JobOutput, JobError> execute(const Job& job, const std::atomic<bool>* cancel) {
  return std::visit([&](const auto& kind) { return run(kind, cancel); }, job);
}

}  // namespace sendoff::machine
