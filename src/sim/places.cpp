#include "sim/places.h"

#include <array>

#include "pki/issue.h"
#include "sim/key_pool.h"
#include "sim/scenario.h"

namespace sendoff::sim {

namespace {

constexpr std::size_t kAnchorKey = 0;
constexpr std::size_t kRouterKeys = 1;
constexpr std::size_t kMobileKeys = kRouterKeys + kMaxRouters;
constexpr std::size_t kStrangerKeys = kMobileKeys + kMaxMobiles;
static_assert(kStrangerKeys + kStrangers == kSigningKeys);
constexpr std::uint8_t kDocumentation[] = {0x20, 0x01, 0x0d, 0xb8};

Ipv6Address documentation_address(std::uint16_t subnet, std::uint16_t interface) {
  Ipv6Address::Octets octets{};
  std::ranges::copy(kDocumentation, octets.begin());
  octets[4] = static_cast<std::uint8_t>(subnet >> 8);
  octets[5] = static_cast<std::uint8_t>(subnet);
  octets[14] = static_cast<std::uint8_t>(interface >> 8);
  octets[15] = static_cast<std::uint8_t>(interface);
  return Ipv6Address(octets);
}

send::Identity identity(std::size_t key, std::uint8_t modifier) {
  send::Identity made;
  made.key = signing_key(key);
  made.modifier.fill(modifier);
  return made;
}

Bytes certify(pki::Role role, const std::string& common_name, const Prefix& block,
              std::uint8_t serial, ByteView spki, const pki::Issuer& issuer) {
  pki::Request request;
  request.role = role;
  request.common_name = common_name;
  request.blocks = {block};
  request.not_before = UtcTime(seconds(1'500'000'000));
  request.not_after = UtcTime(seconds(role == pki::Role::kAnchor ? 2'200'000'000 : 2'100'000'000));
  request.serial = {serial};
  auto der = pki::issue(request, spki, issuer);
  invariant(der.has_value());
  return std::move(*der);
}

struct Certificates {
  Bytes anchor_der;
  pki::TrustAnchor anchor;
  std::array<std::vector<Bytes>, kMaxRouters> paths;
};

// The same in every run of every machine: dates and serials are fixed, and so are signatures.
const Certificates& certificates() {
  static const Certificates made = [] {
    Certificates all;
    const auto& key = signing_key(kAnchorKey);
    all.anchor_der =
        certify(pki::Role::kAnchor, "Simulation", Prefix(documentation_address(0, 0), 32), 1,
                key->spki(), {{}, key->to_pem()});
    auto parsed = pki::TrustAnchor::parse(all.anchor_der);
    invariant(parsed.has_value());
    all.anchor = std::move(*parsed);
    const pki::Issuer issuer{all.anchor_der, key->to_pem()};
    for (std::size_t i = 0; i < kMaxRouters; ++i)
      all.paths[i] = {certify(pki::Role::kRouter, "ar" + std::to_string(i + 1), access_prefix(i),
                              static_cast<std::uint8_t>(i + 2),
                              signing_key(kRouterKeys + i)->spki(), issuer)};
    return all;
  }();
  return made;
}

}  // namespace

Prefix access_prefix(std::size_t router) {
  return Prefix(documentation_address(static_cast<std::uint16_t>(router + 1), 0), 64);
}
Prefix correspondent_prefix() { return Prefix(documentation_address(0xffff, 0), 64); }
Ipv6Address correspondent(std::size_t stream) {
  return documentation_address(0xffff, static_cast<std::uint16_t>(stream + 1));
}
LinkAddress router_link_address(std::size_t router) {
  return link_address(1, static_cast<std::uint8_t>(router + 1));
}
LinkAddress access_point(std::size_t router) {
  return link_address(2, static_cast<std::uint8_t>(router + 1));
}
LinkAddress mobile_link_address(std::size_t mobile) {
  return link_address(3, static_cast<std::uint8_t>(mobile + 1));
}
LinkAddress attacker_link_address(std::size_t router) {
  return link_address(4, static_cast<std::uint8_t>(router + 1));
}

send::Identity router_identity(std::size_t router) { return identity(kRouterKeys + router, 0x11); }
send::Identity mobile_identity(std::size_t mobile) { return identity(kMobileKeys + mobile, 0x22); }
send::Identity stranger_identity(std::size_t number, std::size_t cga) {
  return identity(kStrangerKeys + number, static_cast<std::uint8_t>(0x33 + cga));
}

const pki::TrustAnchor& anchor() { return certificates().anchor; }
const std::vector<Bytes>& certification_path(std::size_t router) {
  return certificates().paths.at(router);
}
pki::Policy policy() { return {.accept_rfc3971_profile = true, .strict_rfc6487 = false}; }

}  // namespace sendoff::sim
