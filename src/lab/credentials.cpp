#include "lab/credentials.h"

#include <fcntl.h>
#include <unistd.h>

#include "crypto/random.h"
#include "crypto/rsa.h"
#include "esp/key.h"
#include "net/file_descriptor.h"
#include "pki/issue.h"

namespace sendoff::lab {

namespace {

constexpr std::uint32_t kRouterBits = 2048;  // RFC 6487's profile wants no less
constexpr std::uint32_t kMobileBits = 1024;

using Key = std::shared_ptr<const crypto::SigningKey>;

Attempt<Key> new_key(std::uint32_t bits) {
  auto key = crypto::SigningKey::generate(bits);
  if (!key) return failed("make an RSA key: " + std::string(name(key.error())));
  return std::move(*key);
}

Attempt<Bytes> draw(std::size_t size) {
  crypto::SystemRandom random;
  Bytes octets(size);
  if (!random.fill(octets)) return failed("the system's random source does not answer");
  return octets;
}

Attempt<Bytes> certify(pki::Role role, const std::string& common_name, const Prefix& block,
                       UtcTime now, ByteView spki, const pki::Issuer& issuer) {
  auto serial = draw(16);
  if (!serial) return fail(serial.error());
  pki::Request request;
  request.role = role;
  request.common_name = common_name;
  request.blocks = {block};
  request.not_before = now - hours(1);
  // An issuer's certificate outlives what it issues.
  request.not_after = now + (role == pki::Role::kAnchor ? hours(48) : hours(24));
  request.serial = std::move(*serial);
  request.serial[0] = static_cast<std::uint8_t>((request.serial[0] & 0x3f) | 0x40);
  auto der = pki::issue(request, spki, issuer);
  if (!der) return failed("issue a certificate: " + std::string(explain(der.error())));
  return std::move(*der);
}

Attempt<> keep(const Key& key, const std::string& path, NodeKey& out) {
  const auto modifier = draw(out.modifier.size());
  if (!modifier) return fail(modifier.error());
  std::ranges::copy(*modifier, out.modifier.begin());
  out.path = path;
  out.public_key = to_bytes(key->spki());
  return write_private_file(path, key->to_pem().expose());
}

Attempt<> make_router(Side side, const std::string& directory, UtcTime now,
                      const pki::Issuer& anchor, Credentials& out) {
  const auto i = static_cast<std::size_t>(side);
  const std::string name = side == Side::kPar ? "par" : "nar";
  const auto key = new_key(kRouterBits);
  if (!key) return fail(key.error());
  const auto der =
      certify(pki::Role::kRouter, "lab-" + name, place(side).prefix, now, (*key)->spki(), anchor);
  if (!der) return fail(der.error());
  out.chains[i] = directory + "/" + name + "-chain.pem";
  if (auto kept = keep(*key, directory + "/" + name + ".key", out.routers[i]); !kept) return kept;
  return write_text_file(out.chains[i], pki::to_pem(*der));
}

}  // namespace

Ipv6Address NodeKey::address_in(const Prefix& prefix) const {
  cga::Parameters parameters{.modifier = modifier,
                             .subnet_prefix = {},
                             .collision_count = 0,
                             .public_key = public_key,
                             .extensions = {}};
  std::copy_n(prefix.address().octets().begin(), parameters.subnet_prefix.size(),
              parameters.subnet_prefix.begin());
  return cga::address_of(parameters, 0);
}

Attempt<Credentials> make_credentials(const std::string& directory, UtcTime now) {
  Credentials made;
  const auto anchor_key = new_key(kRouterBits);
  if (!anchor_key) return fail(anchor_key.error());
  auto anchor = certify(pki::Role::kAnchor, "Sendoff lab", Prefix::literal("2001:db8::/32"), now,
                        (*anchor_key)->spki(), {{}, (*anchor_key)->to_pem()});
  if (!anchor) return fail(anchor.error());
  made.anchor = directory + "/anchor.pem";
  if (auto kept = write_text_file(made.anchor, pki::to_pem(*anchor)); !kept)
    return fail(kept.error());
  const pki::Issuer issuer{std::move(*anchor), (*anchor_key)->to_pem()};
  for (const Side side : {Side::kPar, Side::kNar})
    if (auto done = make_router(side, directory, now, issuer, made); !done)
      return fail(done.error());
  const auto key = new_key(kMobileBits);
  if (!key) return fail(key.error());
  if (auto kept = keep(*key, directory + "/mn.key", made.mobile); !kept) return fail(kept.error());
  return made;
}

Attempt<AssociationKeys> make_association_keys(const std::string& directory) {
  AssociationKeys made;
  crypto::SystemRandom random;
  for (const Side side : {Side::kPar, Side::kNar}) {
    const Secret key = esp::new_key_text(random);
    if (key.empty()) return failed("the system's random source does not answer");
    std::string& file = made.files[static_cast<std::size_t>(side)];
    file = directory + (side == Side::kPar ? "/par-to-nar.key" : "/nar-to-par.key");
    if (auto written = write_private_file(file, key.expose()); !written)
      return fail(written.error());
  }
  return made;
}

Attempt<> write_private_file(const std::string& path, ByteView contents) {
  const net::FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.ok()) return failed_call("write " + path);
  while (!contents.empty()) {
    const ssize_t written = write(file.get(), contents.data(), contents.size());
    if (written <= 0) return failed_call("write " + path);
    contents = contents.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Attempt<> write_text_file(const std::string& path, std::string_view contents) {
  return write_private_file(
      path, {reinterpret_cast<const std::uint8_t*>(contents.data()), contents.size()});
}

}  // namespace sendoff::lab
