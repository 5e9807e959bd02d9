#include "keys/encryption_pair.h"

#include <utility>

namespace sendoff::keys {

namespace {

// RFC 5269 3.1: the CGA key's parameters, but never the CGA key itself (W8).
bool fits(const DecryptionKey& pair, const crypto::RsaPublicKey& cga_key) {
  return pair && pair->public_key().same_parameters(cga_key) &&
         !equal(pair->public_key().modulus(), cga_key.modulus());
}

}  // namespace

bool EncryptionPair::too_old(Instant generated_at, Instant now) const {
  return now - generated_at >= seconds(config_.lifetime_s);
}

bool EncryptionPair::due(Instant now) const {
  return handovers_ >= config_.handovers || too_old(generated_at_, now);
}

DecryptionKey EncryptionPair::current(Instant now, const crypto::RsaPublicKey& cga_key) const {
  if (!current_ || due(now)) {
    // tick() has yet to put the next pair in its place.
    const bool usable = fits(next_, cga_key) && !too_old(next_generated_at_, now);
    return usable ? next_ : nullptr;
  }
  return fits(current_, cga_key) ? current_ : nullptr;
}

std::optional<machine::GenerateDecryptionKey> EncryptionPair::wanted(
    Instant now, const crypto::RsaPublicKey& cga_key, Duration ahead) {
  tick(now);
  if (!fits(next_, cga_key)) next_.reset();
  if (under_way_ || next_) return std::nullopt;
  const bool lasts = fits(current_, cga_key) && !too_old(generated_at_, now + ahead) &&
                     handovers_ + 1 < config_.handovers;
  if (lasts) return std::nullopt;
  under_way_ = true;
  return machine::GenerateDecryptionKey{.bits = cga_key.bits(), .exponent = cga_key.exponent()};
}

void EncryptionPair::generated(Instant now, DecryptionKey key) {
  under_way_ = false;
  if (!key) return;
  tick(now);
  if (current_ && current_->public_key().same_parameters(key->public_key())) {
    next_ = std::move(key);
    next_generated_at_ = now;
    return;
  }
  next_.reset();
  current_ = std::move(key);
  generated_at_ = now;
  handovers_ = 0;
}

void EncryptionPair::generation_failed() { under_way_ = false; }

Instant EncryptionPair::next_deadline() const {
  if (!current_) return kNever;
  if (handovers_ >= config_.handovers) return generated_at_;
  return generated_at_ + seconds(config_.lifetime_s);
}

void EncryptionPair::tick(Instant now) {
  if (current_ && due(now)) current_.reset();
  if (current_ || !next_) return;
  current_ = std::exchange(next_, nullptr);
  generated_at_ = next_generated_at_;
  handovers_ = 0;
  if (due(now)) current_.reset();
}

}  // namespace sendoff::keys
