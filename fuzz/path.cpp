// The judge of certification paths, on certificates of tests/vectors/pki that the input puts into
// any order and bends. Only certificates as their issuers signed them make a valid path, and what
// it grants every one of them grants.
#include <map>

#include "files.h"
#include "input.h"
#include "pki/blocks.h"
#include "pki/certificate.h"
#include "target.h"

namespace sendoff::fuzz {

namespace {

constexpr const char* kKnown[] = {"ca",
                                  "good-router",
                                  "anchor",
                                  "anchor2",
                                  "ca2",
                                  "ca-inherit",
                                  "good-deep",
                                  "good-direct",
                                  "good-inherit",
                                  "good-ca-inherits",
                                  "good-nar",
                                  "good-range",
                                  "good-two-prefixes",
                                  "good-more-eku",
                                  "good-whole-block",
                                  "good-with-ipv4",
                                  "router-1024",
                                  "router-e3",
                                  "ca-no-rfc3779",
                                  "no-rfc3779",
                                  "no-eku",
                                  "null-prefix",
                                  "router-as-issuer",
                                  "router-as-issuer-mid",
                                  "ca-expired",
                                  "sha1-signature",
                                  "signed-by-other",
                                  "with-safi",
                                  "wider-than-parent",
                                  "unknown-critical"};

struct World {
  std::vector<Bytes> certificates;
  std::vector<pki::TrustAnchor> anchors;
};

const World& world() {
  static const World made = [] {
    World all;
    for (const char* name : kKnown)
      all.certificates.push_back(vector_file(std::string("pki/") + name + ".der"));
    for (const char* name : {"anchor", "anchor2"}) {
      auto anchor = pki::TrustAnchor::parse(vector_file(std::string("pki/") + name + ".der"));
      require(anchor.has_value(), "the vectors' anchors are anchors");
      all.anchors.push_back(std::move(*anchor));
    }
    return all;
  }();
  return made;
}

Bytes bent(Input& input, const Bytes& certificate) {
  Bytes octets = certificate;
  for (std::size_t edits = input.below(4); edits > 0 && !octets.empty(); --edits) {
    const std::size_t at = input.u16() % octets.size();
    const std::uint8_t how = input.u8();
    const auto where = octets.begin() + static_cast<std::ptrdiff_t>(at);
    if (how % 4 == 0)
      octets.erase(where);
    else if (how % 4 == 1)
      octets.insert(where, input.u8());
    else
      octets[at] = input.u8();
  }
  return octets;
}

bool genuine(const Bytes& certificate) {
  return std::ranges::find(world().certificates, certificate) != world().certificates.end();
}

void check(const std::vector<Bytes>& path, UtcTime at, const pki::Policy& policy,
           const pki::CertifiedRouter& router) {
  require(path.size() <= pki::kMaxPathLength, "a path has a bound");
  require(std::ranges::all_of(path, genuine), "only what its issuer signed is valid");
  const auto granted = pki::AddressSet::of(router.blocks);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto info = pki::inspect(path[i]);
    require(info.has_value(), "what is valid is well formed");
    require(info->not_before <= at && at <= info->not_after, "a valid path is valid today");
    require(router.not_after <= info->not_after, "it ends with its first certificate that does");
    require(info->is_ca || i + 1 == path.size(), "only a CA issues");
    if (!policy.accept_rfc3971_profile && info->has_blocks && !info->inherits)
      require(pki::AddressSet::of(info->blocks).encompasses(granted),
              "nobody gets more than his issuer has");
  }
  require(equal(pki::inspect(path.back())->spki, router.spki), "the last key is the router's");
  require(!router.any_prefix || policy.accept_rfc3971_profile, "no router may advertise anything");
  for (const Prefix& prefix : router.blocks)
    require(router.may_advertise(prefix), "a router may advertise what it was given");
}

}  // namespace

// policy | day | anchors | certificates: (which | edits ...) ...
void path(ByteView octets) {
  Input input(octets);
  const std::uint8_t flags = input.u8();
  const pki::Policy policy{.accept_rfc3971_profile = (flags & 1) != 0,
                           .strict_rfc6487 = (flags & 2) != 0};
  // The vectors are valid in 2026.
  const UtcTime at = UtcTime(seconds(1'780'000'000)) + hours(24) * (input.u16() % 1000);
  std::vector<pki::TrustAnchor> anchors = world().anchors;
  if ((flags & 4) != 0) anchors.erase(anchors.begin());
  std::vector<Bytes> certificates;
  while (!input.empty() && certificates.size() <= pki::kMaxPathLength) {
    const std::size_t which = input.below(world().certificates.size() + 1);
    if (which == world().certificates.size())
      certificates.push_back(to_bytes(input.take(input.u16())));
    else
      certificates.push_back(bent(input, world().certificates[which]));
  }
  const auto router = pki::validate_path(certificates, anchors, at, policy);
  if (router) check(certificates, at, policy, *router);
}

}  // namespace sendoff::fuzz
