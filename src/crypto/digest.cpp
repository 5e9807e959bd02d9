#include "crypto/digest.h"

#include "crypto/openssl.h"

namespace sendoff::crypto {

namespace {

MdPtr fetch(const char* algorithm) {
  MdPtr digest(EVP_MD_fetch(nullptr, algorithm, nullptr));
  invariant(digest != nullptr);
  return digest;
}

// A fetch walks the providers under a lock: naming the algorithm in each Init would do that for
// every packet.
struct Digests {
  MdPtr sha1 = fetch("SHA1");
  MdPtr sha224 = fetch("SHA224");
  MdPtr sha256 = fetch("SHA256");
  MdPtr sha384 = fetch("SHA384");
  MdPtr sha512 = fetch("SHA512");
};

const Digests& digests() {
  static const Digests fetched;
  return fetched;
}

// One context a digest: changing the digest of a context would free and allocate its state.
void run(EVP_MD_CTX* context, const EVP_MD* digest, std::span<const ByteView> pieces,
         ByteSpan out) {
  bool ok = context != nullptr && EVP_DigestInit_ex2(context, digest, nullptr) == 1;
  for (ByteView piece : pieces)
    ok = ok && EVP_DigestUpdate(context, piece.data(), piece.size()) == 1;
  unsigned size = 0;
  ok = ok && EVP_DigestFinal_ex(context, out.data(), &size) == 1;
  invariant(ok && size == out.size());
}

Bytes once(const EVP_MD* digest, ByteView octets) {
  const MdContextPtr context(EVP_MD_CTX_new());
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(digest)));
  run(context.get(), digest, std::span(&octets, 1), out);
  return out;
}

Sha1Digest sha1_of(std::span<const ByteView> pieces) {
  thread_local const MdContextPtr context(EVP_MD_CTX_new());
  Sha1Digest out{};
  run(context.get(), digests().sha1.get(), pieces, out);
  return out;
}

Sha256Digest sha256_of(std::span<const ByteView> pieces) {
  thread_local const MdContextPtr context(EVP_MD_CTX_new());
  Sha256Digest out{};
  run(context.get(), digests().sha256.get(), pieces, out);
  return out;
}

}  // namespace

Sha1Digest sha1(ByteView octets) { return sha1_of(std::span(&octets, 1)); }

Sha1Digest sha1(std::initializer_list<ByteView> pieces) {
  return sha1_of(std::span(pieces.begin(), pieces.size()));
}

Sha256Digest sha256(ByteView octets) { return sha256_of(std::span(&octets, 1)); }

Sha256Digest sha256(std::initializer_list<ByteView> pieces) {
  return sha256_of(std::span(pieces.begin(), pieces.size()));
}

Bytes sha224(ByteView octets) { return once(digests().sha224.get(), octets); }
Bytes sha384(ByteView octets) { return once(digests().sha384.get(), octets); }
Bytes sha512(ByteView octets) { return once(digests().sha512.get(), octets); }

}  // namespace sendoff::crypto
