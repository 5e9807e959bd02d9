#include "config/credentials.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "crypto/digest.h"

namespace sendoff::config {

namespace {

constexpr Duration kExpiryNotice = hours(24 * 14);

// A private key that others than its owner can read is not private.
std::optional<File> read_private(Section& section, std::string_view key, const std::string& path,
                                 const Loading& loading) {
  auto file = read_named_file(section, key, path, loading);
  if (!file) return std::nullopt;
  if ((file->permissions & 077U) == 0) return file;
  std::array<char, 16> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", file->permissions & 07777U);
  section.error(key, "names " + path + ", which others than its owner can use (mode " +
                         mode.data() + "); run: chmod 600 " + path);
  return std::nullopt;
}

std::string explain_key(crypto::KeyError error) {
  switch (error) {
    case crypto::KeyError::kPem:
      return "is not an unencrypted private key in PEM; make one: sendoff cga key";
    case crypto::KeyError::kNotRsa:
      return "is not an RSA key: SEND knows only RSA; make one: sendoff cga key";
    case crypto::KeyError::kModulusSize:
      return "has a modulus outside 1024 to 3072 bits; make one of 2048: sendoff cga key";
    case crypto::KeyError::kExponent:
      return "has a public exponent that is even, below 3 or above 32 bits; use 65537";
    case crypto::KeyError::kInconsistent:
      return "is damaged: its private and public parts do not fit";
    case crypto::KeyError::kGeneration:
      break;
  }
  return "could not be taken by the cryptographic library";
}

std::shared_ptr<const crypto::SigningKey> read_key(Section& section, const Loading& loading) {
  std::string path;
  if (!section.require("key", "name the PEM file of the CGA key; sendoff cga key makes one"))
    return (void)section.raw("key"), nullptr;
  if (!section.text("key", path)) return nullptr;
  const auto file = read_private(section, "key", path, loading);
  if (!file) return nullptr;
  auto key = crypto::SigningKey::from_pem(file->octets.expose());
  if (key) return *key;
  section.error("key", "names " + path + ", which " + explain_key(key.error()));
  return nullptr;
}

std::optional<cga::Modifier> modifier_of_hex(const std::string& text) {
  Bytes octets;
  cga::Modifier modifier{};
  if (!from_hex(text, octets) || octets.size() != modifier.size()) return std::nullopt;
  std::ranges::copy(octets, modifier.begin());
  return modifier;
}

std::optional<Bytes> octets_of_hex(const std::string& text) {
  Bytes octets;
  if (!from_hex(text, octets) || octets.empty()) return std::nullopt;
  return octets;
}

// What `sendoff cga generate` writes: TOML with sec, modifier and public-key.
std::optional<cga::Modifier> read_parameters(Section& section, const Loading& loading,
                                             ByteView spki, std::uint8_t& sec) {
  std::string path;
  if (!section.text("parameters", path)) return std::nullopt;
  const auto file = read_named_file(section, "parameters", path, loading);
  if (!file) return std::nullopt;
  const ByteView octets = file->octets.expose();
  const auto document = parse_document(path, std::string(octets.begin(), octets.end()));
  const auto text = [&](std::string_view key) {
    const Entry* entry = document ? document->find(key) : nullptr;
    return entry && entry->value.kind == Node::Kind::kText ? entry->value.text : std::string();
  };
  const auto modifier = modifier_of_hex(text("modifier"));
  const Entry* its_sec = document ? document->find("sec") : nullptr;
  Bytes key;
  if (!modifier || !from_hex(text("public-key"), key) || !its_sec ||
      its_sec->value.kind != Node::Kind::kInteger || its_sec->value.integer < 0 ||
      its_sec->value.integer > 2) {
    section.error("parameters", "names " + path +
                                    ", which holds no CGA parameters; make them: sendoff cga "
                                    "generate");
    return std::nullopt;
  }
  if (!equal(key, spki)) {
    section.error("parameters", "names " + path +
                                    ", which belongs to another key than [cga] key; make it for "
                                    "this key: sendoff cga generate");
    return std::nullopt;
  }
  if (!section.has("sec")) sec = static_cast<std::uint8_t>(its_sec->value.integer);
  return modifier;
}

cga::Modifier default_modifier(ByteView spki, const Loading& loading, ModifierRule rule,
                               Section& section) {
  const send::Identity* running = loading.context.running;
  cga::Modifier modifier{};
  if (running && equal(running->key->spki(), spki)) return running->modifier;
  if (rule == ModifierRule::kOfKey) {
    const auto digest = crypto::sha256(spki);
    std::ranges::copy(ByteView(digest).first(modifier.size()), modifier.begin());
  } else if (!loading.context.random.fill(modifier)) {
    section.error("modifier", "could not be drawn: the system's random source failed");
  }
  return modifier;
}

void read_sec(Section& section, std::uint8_t& sec) {
  const Node* node = section.raw("sec");
  if (node && node->kind == Node::Kind::kInteger && node->integer >= 3 && node->integer <= 7) {
    section.error("sec", "is " + std::to_string(node->integer) +
                             "; the registry of RFC 4982 assigns only 0, 1 and 2");
    return;
  }
  section.number("sec", sec, 0, 2);
}

std::string explain_path(pki::PathError error, const std::vector<Bytes>& path, UtcTime at) {
  if (error == pki::PathError::kExpired || error == pki::PathError::kNotYetValid) {
    for (const Bytes& der : path) {
      const auto info = pki::inspect(der);
      if (!info) continue;
      if (at > info->not_after)
        return "holds the certificate of " + info->subject + ", which expired on " +
               date_text(info->not_after) + "; renew it: sendoff cert";
      if (at < info->not_before)
        return "holds the certificate of " + info->subject + ", which is valid only from " +
               date_text(info->not_before) + "; is the clock right?";
    }
  }
  return "is not a valid certification path: " + std::string(pki::explain(error));
}

void drop_anchor(std::vector<Bytes>& path, const pki::TrustAnchor& anchor) {
  if (path.size() > 1 && path.front() == anchor.certificate) path.erase(path.begin());
}

// Files often go from the router's own certificate upwards: the order that validates is the order.
Result<pki::CertifiedRouter, pki::PathError> validate(std::vector<Bytes>& path,
                                                      const pki::TrustAnchor& anchor, UtcTime at,
                                                      const pki::Policy& policy) {
  const std::vector<pki::TrustAnchor> anchors{anchor};
  drop_anchor(path, anchor);
  auto result = pki::validate_path(path, anchors, at, policy);
  if (result) return result;
  std::vector<Bytes> reversed(path.rbegin(), path.rend());
  drop_anchor(reversed, anchor);
  auto other = pki::validate_path(reversed, anchors, at, policy);
  if (!other) return result;
  path = std::move(reversed);
  return other;
}

void check_certified(Section& section, const Loading& loading, const pki::CertifiedRouter& router,
                     ByteView spki, const std::vector<PrefixLine>& prefixes) {
  if (!spki.empty() && !equal(router.spki, spki))
    section.error("chain",
                  "certifies another key than [cga] key; issue the certificate for that "
                  "key: sendoff cert");
  for (const PrefixLine& advertised : prefixes) {
    if (advertised.certified && !router.may_advertise(advertised.prefix))
      section.report().error(advertised.line,
                             "[[interface]] prefix " + advertised.prefix.text() +
                                 " is outside the address blocks of [certificate] chain; take it "
                                 "out, have it certified, or say certified = false");
  }
  if (router.not_after - loading.context.utc < kExpiryNotice)
    section.warning("chain", "is valid only until " + date_text(router.not_after));
}

void check_sizes(Section& section, const nd::CertifiedPath& certified) {
  for (const Bytes& der : certified.path) {
    const std::string size = std::to_string(der.size()) + " octets";
    if (der.size() > nd::kMaxCertificateInOption) {
      section.error("chain", "holds a certificate of " + size +
                                 "; SEND carries at most 2036: use fewer extensions");
      continue;
    }
    const std::size_t packet = nd::advertisement_size(certified, der);
    if (packet > 1500)
      section.warning("chain", "holds a certificate of " + size +
                                   "; it travels unfragmented only "
                                   "on links with an MTU of " +
                                   std::to_string(packet));
  }
}

}  // namespace

std::string Loading::resolve(const std::string& path) const {
  return path.starts_with('/') || directory.empty() ? path : directory + "/" + path;
}

std::optional<File> read_named_file(Section& section, std::string_view key, const std::string& path,
                                    const Loading& loading) {
  auto file = loading.context.files.read(loading.resolve(path));
  if (file) return std::move(*file);
  section.error(key, "names " + path + ": " + std::string(explain(file.error())));
  return std::nullopt;
}

std::string date_text(UtcTime utc) {
  const std::chrono::sys_days day(std::chrono::floor<std::chrono::days>(utc.time_since_epoch()));
  const std::chrono::year_month_day date(day);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

std::optional<send::Identity> read_identity(Section& cga, const Loading& loading,
                                            ModifierRule rule) {
  send::Identity identity;
  identity.key = read_key(cga, loading);
  read_sec(cga, identity.sec);
  std::optional<cga::Modifier> given;
  const bool named = cga.has("modifier") || cga.has("parameters");
  if (cga.has("modifier") && cga.has("parameters"))
    cga.error("modifier", "and parameters both name the modifier; keep one of them");
  cga::Modifier modifier{};
  if (cga.parsed("modifier", modifier, modifier_of_hex, "32 hexadecimal digits")) given = modifier;
  if (!identity.key) {
    (void)cga.raw("parameters");
    return std::nullopt;
  }
  const ByteView spki = identity.key->spki();
  if (!given) given = read_parameters(cga, loading, spki, identity.sec);
  if (named && !given) return std::nullopt;
  if (!given && identity.sec > 0) {
    cga.error("modifier", "is missing: sec = " + std::to_string(identity.sec) +
                              " needs one that was searched for; run: sendoff cga generate");
    return std::nullopt;
  }
  if (given && !cga::hash2_ok(*given, spki, identity.extensions, identity.sec)) {
    cga.error(cga.has("modifier") ? "modifier" : "parameters",
              "does not fit the key at sec = " + std::to_string(identity.sec) +
                  "; search one for it: sendoff cga generate");
    return std::nullopt;
  }
  identity.modifier = given ? *given : default_modifier(spki, loading, rule, cga);
  return identity;
}

std::vector<Bytes> read_certificates(Section& section, std::string_view key,
                                     const Loading& loading) {
  std::vector<Bytes> out;
  for (const Text& path : section.texts(key)) {
    const auto file = read_named_file(section, key, path.value, loading);
    if (!file) continue;
    const auto certificates = pki::decode_certificates(file->octets.expose());
    if (!certificates || certificates->empty()) {
      section.report().error(path.line, section.label(key) + " names " + path.value +
                                            ", which holds no certificate in PEM or DER");
      continue;
    }
    out.insert(out.end(), certificates->begin(), certificates->end());
  }
  return out;
}

std::optional<pki::TrustAnchor> read_anchor_fields(Section& section, const Loading& loading) {
  pki::AnchorFields fields;
  std::string key;
  section.require("key", "name the PEM file of the anchor's public key");
  if (section.text("key", key))
    if (const auto file = read_named_file(section, "key", key, loading)) {
      const auto spki = pki::decode_public_key(file->octets.expose());
      if (spki)
        fields.spki = *spki;
      else
        section.error("key", "names " + key + ", which holds no public key in PEM or DER");
    }
  section.require("name", "write its subject, as name = \"CN=Our network,O=Example\"");
  section.parsed(
      "name", fields.name, [](const std::string& text) { return pki::name_from_text(text); },
      "a name such as CN=Our network,O=Example, the most specific part first");
  section.parsed("key_identifier", fields.key_identifier, octets_of_hex,
                 "pairs of hexadecimal digits");
  section.parsed_list(
      "blocks", fields.blocks, [](const std::string& text) { return Prefix::parse(text); },
      "a prefix such as 2001:db8::/32");
  if (fields.spki.empty() || fields.name.empty()) return std::nullopt;
  auto anchor = pki::TrustAnchor::of(fields);
  if (anchor) return std::move(*anchor);
  section.error("key", "makes no trust anchor: " + std::string(pki::explain(anchor.error())));
  return std::nullopt;
}

std::vector<pki::TrustAnchor> read_anchors(Section& section, std::string_view key,
                                           const Loading& loading) {
  std::vector<pki::TrustAnchor> out;
  const UtcTime at = loading.context.utc;
  for (const Bytes& der : read_certificates(section, key, loading)) {
    auto anchor = pki::TrustAnchor::parse(der);
    if (!anchor) {
      section.error(key, "holds a certificate that is no trust anchor: " +
                             std::string(pki::explain(anchor.error())));
      continue;
    }
    const auto info = pki::inspect(der);
    if (info && (at > info->not_after || at < info->not_before)) {
      section.error(key, "holds the anchor " + info->subject + ", which is valid from " +
                             date_text(info->not_before) + " to " + date_text(info->not_after) +
                             " only; replace it, or set the clock");
      continue;
    }
    // It would be used all the same (RFC 5280 6.1), but a damaged file is what most often does it.
    if (info && !pki::issued_by(der, der))
      section.warning(key, "holds the anchor " + info->subject +
                               ", whose own signature does not fit its key; it is used, but is the "
                               "file as its CA made it?");
    out.push_back(std::move(*anchor));
  }
  return out;
}

namespace {

nd::CertifiedPath read_path(Section& section, const Loading& loading, ByteView spki,
                            const std::vector<PrefixLine>& prefixes) {
  nd::CertifiedPath out;
  pki::Policy policy;
  section.flag("rfc3971_profile", policy.accept_rfc3971_profile);
  section.flag("strict_rfc6487", policy.strict_rfc6487);
  for (const Text& name : section.texts("anchor_fqdns")) {
    if (std::ranges::all_of(name.value, [](char c) { return c > ' ' && c < 0x7f; }) &&
        !name.value.empty() && name.value.size() <= 253)
      out.anchor_fqdns.push_back(name.value);
    else
      section.report().error(name.line, section.label("anchor_fqdns") + " holds \"" + name.value +
                                            "\"; write the name in ASCII (xn--...)");
  }
  const bool has_chain =
      section.require("chain",
                      "name the PEM files of the certificates from the anchor's issue "
                      "down to the router's own; sendoff cert makes them");
  const bool has_anchor =
      section.require("anchor", "name the PEM file of the trust anchor's certificate");
  out.path = read_certificates(section, "chain", loading);
  const std::vector<pki::TrustAnchor> anchors = read_anchors(section, "anchor", loading);
  if (anchors.size() > 1) section.error("anchor", "holds more than one certificate; name one");
  if (!has_chain || !has_anchor || anchors.size() != 1 || out.path.empty()) return out;
  out.anchor = anchors.front();

  const auto router = validate(out.path, out.anchor, loading.context.utc, policy);
  if (!router) {
    section.error("chain", explain_path(router.error(), out.path, loading.context.utc));
    return out;
  }
  check_certified(section, loading, *router, spki, prefixes);
  check_sizes(section, out);
  return out;
}

}  // namespace

std::optional<router::Certification> read_certification(Section& root, const Loading& loading,
                                                        ByteView spki,
                                                        const std::vector<PrefixLine>& prefixes) {
  std::optional<router::Certification> out;
  for (Section section : root.table_or_tables("certificate")) {
    nd::CertifiedPath path = read_path(section, loading, spki, prefixes);
    section.finish();
    const auto same = [&](const nd::CertifiedPath& each) {
      return !path.anchor.certificate.empty() && each.anchor == path.anchor;
    };
    if (!out) {
      out.emplace();
      static_cast<nd::CertifiedPath&>(*out) = std::move(path);
    } else if (same(*out) || std::ranges::any_of(out->others, same)) {
      section.error("anchor", "is that of another [[certificate]]; one path for each");
    } else {
      out->others.push_back(std::move(path));
    }
  }
  return out;
}

}  // namespace sendoff::config
