// Work that takes longer than a packet may wait: RSA, searches, path validation, store look-ups.
// A job is data, never a callable, so that worker threads run it, a simulator fakes it, a cost
// model prices it and a trace records it. All randomness it needs travels in it.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/secret.h"
#include "cga/cga.h"
#include "crypto/rsa.h"
#include "machine/record.h"
#include "pki/certificate.h"
#include "pki/revocation.h"

namespace sendoff::machine {

using JobId = Id<struct JobTag>;

// What a job is for. A worker takes the classes in this order; kBackground has a worker of its own
// at low priority. Machines bound the jobs in flight of each class.
enum class JobClass : std::uint8_t {
  kSolicited,    // verify what answers a question of ours; open a handover key
  kSign,         // sign, and encrypt before it
  kUnsolicited,  // verify what somebody sent on his own
  kPath,         // validate a certification path
  kLookup,       // ask the store
  kBackground,   // generate key pairs, search CGA modifiers
  kCount,
};
[[nodiscard]] std::string_view name(JobClass job_class);

// RSASSA-PKCS1-v1_5 over SEND's signature input.
struct VerifySignature {
  crypto::RsaPublicKey key;
  Bytes signed_octets;
  Bytes signature;
};

// Encrypts a handover key into a message before it is signed: the ciphertext replaces the octets
// at `offset`, as many as the modulus has.
struct Seal {
  crypto::RsaPublicKey key;
  Secret handover_key;
  Secret padding;  // crypto::padding_size() non-zero octets
  std::size_t offset = 0;
};

// Completes a SEND message: seal (if any), checksum, signature, RSA Signature option, checksum.
struct SignMessage {
  std::shared_ptr<const crypto::SigningKey> key;
  Ipv6Address source;
  Ipv6Address destination;
  Bytes message;  // ICMPv6, all options but the RSA Signature
  std::optional<Seal> seal;
};

// Decrypts an Encrypted Handover Key (RFC 5269 3.3).
struct OpenHandoverKey {
  std::shared_ptr<const crypto::HandoverDecryptionKey> key;
  Bytes ciphertext;
  std::size_t key_size = 0;  // that the algorithm type demands
};

struct GenerateDecryptionKey {
  std::uint32_t bits = 2048;
  std::uint32_t exponent = 65537;
};

struct SearchModifier {
  cga::Modifier start{};
  Bytes public_key;
  Bytes extensions;
  std::uint8_t sec = 0;
};

struct ValidatePath {
  std::vector<Bytes> path;
  std::shared_ptr<const std::vector<pki::TrustAnchor>> anchors;
  UtcTime at;
  pki::Policy policy;
  pki::RevocationListsPtr lists = nullptr;  // none: as if there were no list
};

// Asks revocation lists about paths that were valid when they came.
struct JudgePaths {
  std::vector<pki::CertificateChain> chains;
  pki::RevocationListsPtr lists;
  UtcTime at;
};

// The records of this name that a store holds and the machine's table does not.
struct LookUp {
  RecordName name;
};

using Job = std::variant<VerifySignature, SignMessage, OpenHandoverKey, GenerateDecryptionKey,
                         SearchModifier, ValidatePath, JudgePaths, LookUp>;

struct SignatureVerified {
  bool valid = false;
};
struct MessageSigned {
  Bytes message;  // ICMPv6, ready for the wire
};
struct HandoverKeyOpened {
  Secret key;  // empty: the one indistinct failure of W12
};
struct DecryptionKeyGenerated {
  std::shared_ptr<const crypto::HandoverDecryptionKey> key;
};
struct ModifierFound {
  cga::Modifier modifier{};
};
struct PathValidated {
  // kRevoked: the lists have one of its certificates.
  Result<pki::CertifiedRouter, pki::PathError> router = fail(pki::PathError::kEmpty);
  pki::Standing standing = pki::Standing::kNoSource;
};
struct PathsJudged {
  std::vector<pki::Standing> standings;  // of each chain
};
struct RecordsFound {
  std::vector<Record> records;
};

using JobOutput =
    std::variant<SignatureVerified, MessageSigned, HandoverKeyOpened, DecryptionKeyGenerated,
                 ModifierFound, PathValidated, PathsJudged, RecordsFound>;

enum class JobError : std::uint8_t {
  kCrypto,     // OpenSSL failed: memory, provider, generator
  kCancelled,  // by a Cancel action or because the daemon stops
  kStore,      // the store did not answer
};
[[nodiscard]] std::string_view name(JobError error);

// Runs a job on the calling thread. LookUp is not run here but by what holds the store: kStore.
[[nodiscard]] Result<JobOutput, JobError> execute(const Job& job,
                                                  const std::atomic<bool>* cancel = nullptr);

}  // namespace sendoff::machine
