#include "app/cert.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>

#include "app/certificate_files.h"
#include "crypto/random.h"
#include "crypto/rsa.h"
#include "net/clock.h"
#include "pki/issue.h"

namespace sendoff::app {

namespace {

constexpr int kAnchorDays = 3650;
constexpr int kCaDays = 1825;
constexpr int kRouterDays = 365;
// What fits into the option that carries it (RFC 3971 6.4.4).
constexpr std::size_t kMaxAdvertised = 2036;

struct Options {
  std::string name;
  std::vector<std::string> prefixes;
  bool inherit = false;
  std::optional<int> days;
  std::uint32_t bits = 2048;
  std::string issuer_certificate;
  std::string issuer_key;
  std::string key;
  std::string old_certificate;  // renew
  std::vector<std::string> crl_uris;
  std::string out_certificate;
  std::string out_key;
  bool force = false;
};

Attempt<std::vector<Prefix>> parse_prefixes(const std::vector<std::string>& texts) {
  std::vector<Prefix> prefixes;
  for (const std::string& text : texts) {
    const auto prefix = Prefix::parse(text);
    if (!prefix)
      return failed("--prefix \"" + text +
                    "\" is no IPv6 prefix; write it like 2001:db8::/32, without bits behind the "
                    "length");
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

Attempt<Bytes> draw_serial() {
  crypto::SystemRandom random;
  Bytes serial(16);
  if (!random.fill(serial)) return failed("the system's random source does not answer");
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3f) | 0x40);  // positive, never zero
  return serial;
}

// The request for `role`; `issuer` is nothing for an anchor.
Attempt<pki::Request> prepare(pki::Role role, const Options& options, const IssuerFile* issuer) {
  pki::Request request;
  request.role = role;
  request.common_name = options.name;
  request.inherit_blocks = options.inherit;
  request.crl_uris = options.crl_uris;
  auto blocks = parse_prefixes(options.prefixes);
  if (!blocks) return fail(blocks.error());
  request.blocks = std::move(*blocks);
  auto serial = draw_serial();
  if (!serial) return fail(serial.error());
  request.serial = std::move(*serial);
  // An hour back, for relying parties whose clocks are behind.
  const UtcTime now(std::chrono::seconds(whole_seconds(net::read_clocks().utc.time_since_epoch())));
  request.not_before = now - std::chrono::hours(1);
  const int usual = role == pki::Role::kAnchor ? kAnchorDays
                    : role == pki::Role::kCa   ? kCaDays
                                               : kRouterDays;
  request.not_after = now + std::chrono::hours(24 * options.days.value_or(usual));
  if (issuer != nullptr && !options.days)
    request.not_after = std::min(request.not_after, issuer->info.not_after);
  return request;
}

Failure issue_failure(pki::IssueError error, const Options& options, const IssuerFile* issuer) {
  std::string text(explain(error));
  if (issuer == nullptr) return {kUsage, text};
  switch (error) {
    case pki::IssueError::kBlocks:
      text += " The issuer " + issuer->info.subject + " has " + prefixes_text(issuer->info.blocks) +
              ".";
      break;
    case pki::IssueError::kValidity:
      text += " The issuer's ends on " + date_text(issuer->info.not_after) + "; give fewer --days.";
      break;
    case pki::IssueError::kKey:
    case pki::IssueError::kIssuer:
      text += " Files: " + options.issuer_certificate + " and " + options.issuer_key + ".";
      break;
    case pki::IssueError::kOpenSsl:
      break;
  }
  return {kUsage, text};
}

using Key = std::shared_ptr<const crypto::SigningKey>;

Attempt<Key> new_key(std::uint32_t bits) {
  auto key = crypto::SigningKey::generate(bits);
  if (!key) return failed("a key could not be made: " + std::string(name(key.error())));
  return std::move(*key);
}

// What is written for one command: at most a key and a certificate, both or neither.
Attempt<> write_files(const Options& options, const Key& key, const std::string& certificate) {
  std::optional<NewFile> key_file;
  if (!options.out_key.empty()) {
    const Secret pem = key->to_pem();
    auto staged = NewFile::stage(options.out_key, pem.expose(), kKeyMode, options.force);
    if (!staged) return fail(staged.error());
    key_file.emplace(std::move(*staged));
  }
  const ByteView text(reinterpret_cast<const std::uint8_t*>(certificate.data()),
                      certificate.size());
  auto certificate_file = NewFile::stage(options.out_certificate, text, kPublicMode, options.force);
  if (!certificate_file) return fail(certificate_file.error());
  if (key_file)
    if (auto done = key_file->commit(); !done) return done;
  return certificate_file->commit();
}

Attempt<> check_outputs(const Options& options) {
  if (options.out_key == options.out_certificate)
    return failed("--out-key and --out-cert name the same file");
  if (!options.out_key.empty())
    if (auto free = check_free(options.out_key, options.force); !free) return free;
  return check_free(options.out_certificate, options.force);
}

void announce(const std::string& kind, const pki::CertificateInfo& info, const Options& options) {
  std::printf("%s %s\n  addresses  %s\n  valid to   %s\n  written    %s%s%s\n", kind.c_str(),
              info.subject.c_str(),
              info.inherits ? "those of its issuer" : prefixes_text(info.blocks).c_str(),
              date_text(info.not_after).c_str(), options.out_certificate.c_str(),
              options.out_key.empty() ? "" : ", key in ", options.out_key.c_str());
}

Attempt<> make_anchor(const Options& options) {
  if (auto free = check_outputs(options); !free) return free;
  const auto request = prepare(pki::Role::kAnchor, options, nullptr);
  if (!request) return fail(request.error());
  const auto key = new_key(options.bits);
  if (!key) return fail(key.error());
  const auto der = pki::issue(*request, (*key)->spki(), {{}, (*key)->to_pem()});
  if (!der) return fail(issue_failure(der.error(), options, nullptr));
  if (auto done = write_files(options, *key, pki::to_pem(*der)); !done) return done;
  announce("trust anchor", *pki::inspect(*der), options);
  return {};
}

std::string kind_of(pki::Role role) {
  switch (role) {
    case pki::Role::kAnchor:
      return "trust anchor";
    case pki::Role::kCa:
      return "CA";
    case pki::Role::kRouter:
      return "router";
    case pki::Role::kHost:
      return "host";
  }
  return "?";
}

// A certificate below another one. Its file goes from below the anchor down to the new one, so that
// a router can serve it as it stands.
Attempt<> make_below(pki::Role role, const Options& options, const Key& key,
                     const IssuerFile& issuer) {
  const auto request = prepare(role, options, &issuer);
  if (!request) return fail(request.error());
  const auto der = pki::issue(*request, key->spki(), issuer.issuer);
  if (!der) return fail(issue_failure(der.error(), options, &issuer));
  if (role != pki::Role::kHost && der->size() > kMaxAdvertised)
    return failed("the certificate has " + std::to_string(der->size()) +
                  " octets, but a router can advertise at most " + std::to_string(kMaxAdvertised) +
                  "; give fewer prefixes, or --inherit");
  std::string chain;
  for (const Bytes& above : issuer.path) chain += pki::to_pem(above);
  chain += pki::to_pem(*der);
  if (auto done = write_files(options, key, chain); !done) return done;
  announce(kind_of(role), *pki::inspect(*der), options);
  return {};
}

Attempt<> check_addresses(const Options& options) {
  if (options.inherit != options.prefixes.empty())
    return failed("give the addresses either with --prefix or with --inherit");
  return {};
}

Attempt<> make_ca(const Options& options) {
  if (auto given = check_addresses(options); !given) return given;
  if (auto free = check_outputs(options); !free) return free;
  const auto issuer = read_issuer(options.issuer_certificate, options.issuer_key);
  if (!issuer) return fail(issuer.error());
  const auto key = new_key(options.bits);
  if (!key) return fail(key.error());
  return make_below(pki::Role::kCa, options, *key, *issuer);
}

Attempt<Key> given_key(const Options& options) {
  if (options.key.empty()) return new_key(options.bits);
  const auto pem = read_key_file(options.key);
  if (!pem) return fail(pem.error());
  auto key = crypto::SigningKey::from_pem(pem->expose());
  if (!key)
    return failed(options.key + " cannot be used as its key: " + std::string(name(key.error())) +
                  "; an RSA key of 2048 bits in unencrypted PEM is wanted (`sendoff cga key`)");
  const crypto::RsaPublicKey& public_key = (*key)->public_key();
  if ((public_key.bits() != 2048 && public_key.bits() != 3072) || public_key.exponent() != 65537)
    std::fprintf(
        stderr,
        "note: %s has %u bits and exponent %u; in a router's certificate nodes accept "
        "other keys than 2048 or 3072 bits with 65537 only with the RFC 3971 profile switched on\n",
        options.key.c_str(), public_key.bits(), public_key.exponent());
  return std::move(*key);
}

// A router, or a host.
Attempt<> make_end_entity(pki::Role role, Options options) {
  if (auto given = check_addresses(options); !given) return given;
  if (options.key.empty() == options.out_key.empty())
    return failed("give its key with --key, or a file for a new one with --out-key");
  if (auto free = check_outputs(options); !free) return free;
  const auto issuer = read_issuer(options.issuer_certificate, options.issuer_key);
  if (!issuer) return fail(issuer.error());
  const auto key = given_key(options);
  if (!key) return fail(key.error());
  if (options.name.empty())  // RFC 6487 4.5: unique under its issuer
    options.name = kind_of(role) + "-" + to_hex(crypto::key_hash((*key)->spki()));
  return make_below(role, options, *key, *issuer);
}

// Whose certificate it is; nothing for one that is none of ours.
std::optional<pki::Role> role_of(const pki::CertificateInfo& info) {
  if (info.is_ca)
    return info.subject_name == info.issuer_name ? pki::Role::kAnchor : pki::Role::kCa;
  if (info.send_router) return pki::Role::kRouter;
  return info.send_owner ? std::optional(pki::Role::kHost) : std::nullopt;
}

// The same holder, key, addresses and purpose for another span of time.
Attempt<> renew(const Options& options) {
  if (auto free = check_outputs(options); !free) return free;
  const auto chain = read_certificates(options.old_certificate);
  if (!chain) return fail(chain.error());
  const Bytes old_der = pki::path_order(*chain).back();
  const auto old = pki::inspect(old_der);
  const auto role = old ? role_of(*old) : std::nullopt;
  if (!role)
    return failed(options.old_certificate +
                  " ends in no certificate of an anchor, a CA, a router or a host");
  const auto issuer = read_issuer(options.issuer_certificate, options.issuer_key);
  if (!issuer) return fail(issuer.error());
  const bool anchor = *role == pki::Role::kAnchor;
  if (!pki::issued_by(old_der, issuer->issuer.certificate))
    return failed(options.old_certificate + " was not issued by " + issuer->info.subject + " of " +
                  options.issuer_certificate + "; its issuer is called " + old->issuer);
  auto request = prepare(*role, options, anchor ? nullptr : &*issuer);
  if (!request) return fail(request.error());
  request->subject_name = old->subject_name;
  request->inherit_blocks = old->inherits;
  if (!old->inherits) request->blocks = old->blocks;
  if (request->crl_uris.empty()) request->crl_uris = old->crl_uris;
  const auto der = pki::issue(
      *request, old->spki,
      {anchor ? Bytes{} : issuer->issuer.certificate, issuer->issuer.key_pem.duplicate()});
  if (!der) return fail(issue_failure(der.error(), options, &*issuer));
  std::string text;
  if (!anchor)
    for (const Bytes& above : issuer->path) text += pki::to_pem(above);
  text += pki::to_pem(*der);
  if (auto done = write_files(options, nullptr, text); !done) return done;
  announce(kind_of(*role) + " (renewed)", *pki::inspect(*der), options);
  return {};
}

// What every command that writes a certificate has.
void add_certificate_output(CLI::App& command, Options& options) {
  command.add_option("--out-cert", options.out_certificate, "File for the certificate (PEM)")
      ->required();
  command.add_option("--days", options.days, "Days of validity from now")
      ->check(CLI::Range(1, 36500));
  command
      .add_option("--crl-uri", options.crl_uris,
                  "Where the issuer's revocation lists are; may be repeated")
      ->allow_extra_args(false);
  command.add_flag("--force", options.force, "Replace files that exist");
}

void add_outputs(CLI::App& command, Options& options, bool new_key_always) {
  add_certificate_output(command, options);
  auto* key = command.add_option("--out-key", options.out_key,
                                 "File for the new private key (PEM, readable by you alone)");
  if (new_key_always) key->required();
  command.add_option("--bits", options.bits, "Size of the new key")
      ->check(CLI::IsMember({2048, 3072}))
      ->capture_default_str();
}

void add_prefixes(CLI::App& command, Options& options) {
  command
      .add_option("--prefix", options.prefixes,
                  "IPv6 prefix that it may hand on or advertise; may be repeated")
      ->allow_extra_args(false);
}

void add_issuer_files(CLI::App& command, Options& options) {
  command
      .add_option("--issuer-cert", options.issuer_certificate,
                  "Certificate file of the issuing anchor or CA")
      ->required();
  command.add_option("--issuer-key", options.issuer_key, "Private key file of the issuer")
      ->required();
}

void add_issuer(CLI::App& command, Options& options) {
  add_issuer_files(command, options);
  command.add_flag("--inherit", options.inherit, "Take the issuer's addresses as they are");
}

void add_anchor(CLI::App& cert, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = cert.add_subcommand("anchor", "Make a trust anchor and its key");
  command->add_option("--name", options->name, "Common name of the anchor")->required();
  add_prefixes(*command, *options);
  command->get_option("--prefix")->required();
  add_outputs(*command, *options, true);
  command->footer(
      "Example:\n  sendoff cert anchor --name \"Campus anchor\" --prefix 2001:db8::/32 \\\n"
      "    --out-cert anchor.pem --out-key anchor.key");
  command->callback(
      [options, &exit_code] { exit_code = report("cert anchor", make_anchor(*options)); });
}

void add_ca(CLI::App& cert, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = cert.add_subcommand("ca", "Make a CA below an anchor or another CA");
  command->add_option("--name", options->name, "Common name of the CA")->required();
  add_issuer(*command, *options);
  add_prefixes(*command, *options);
  add_outputs(*command, *options, true);
  command->footer(
      "The certificate file holds the path from below the anchor down to the new CA.\n\nExample:\n"
      "  sendoff cert ca --issuer-cert anchor.pem --issuer-key anchor.key --name \"Building A\" "
      "\\\n"
      "    --prefix 2001:db8:a::/48 --out-cert ca.pem --out-key ca.key");
  command->callback([options, &exit_code] { exit_code = report("cert ca", make_ca(*options)); });
}

void add_router(CLI::App& cert, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      cert.add_subcommand("router", "Certify an access router and the prefixes that it advertises");
  command->add_option("--name", options->name,
                      "Common name (default: router- and the hash of its key)");
  add_issuer(*command, *options);
  add_prefixes(*command, *options);
  command->add_option("--key", options->key,
                      "The router's own private key, which is also its CGA key");
  add_outputs(*command, *options, false);
  command->footer(
      "The certificate file holds the path that the router serves: the CAs from below the anchor\n"
      "down, then the router. The key must be the one behind the router's CGA (`sendoff cga`).\n\n"
      "Example:\n"
      "  sendoff cert router --issuer-cert ca.pem --issuer-key ca.key --key router.key \\\n"
      "    --prefix 2001:db8:a:1::/64 --out-cert chain.pem");
  command->callback([options, &exit_code] {
    exit_code = report("cert router", make_end_entity(pki::Role::kRouter, *options));
  });
}

void add_host(CLI::App& cert, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      cert.add_subcommand("host", "Certify a host and the addresses that it may claim");
  command->add_option("--name", options->name,
                      "Common name (default: host- and the hash of its key)");
  add_issuer(*command, *options);
  add_prefixes(*command, *options);
  command->add_option("--key", options->key, "The host's own private key");
  add_outputs(*command, *options, false);
  command->footer(
      "Its purpose is id-kp-sendOwner (RFC 6494 7): it may sign what hosts send, and no Router\n"
      "Advertisement. An address is a prefix of 128 bits.\n\n"
      "Example:\n"
      "  sendoff cert host --issuer-cert ca.pem --issuer-key ca.key --key host.key \\\n"
      "    --prefix 2001:db8:a:1::7/128 --out-cert host.pem");
  command->callback([options, &exit_code] {
    exit_code = report("cert host", make_end_entity(pki::Role::kHost, *options));
  });
}

void add_renew(CLI::App& cert, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      cert.add_subcommand("renew", "Issue a certificate again for another span of time");
  command
      ->add_option("CHAIN", options->old_certificate,
                   "File whose last certificate is to be renewed")
      ->required();
  add_issuer_files(*command, *options);
  add_certificate_output(*command, *options);
  command->footer(
      "Name, key, addresses and purpose stay, serial number and dates are new. The old "
      "certificate\n"
      "stays valid until its end, or until `sendoff cert revoke`. An anchor is its own issuer.\n\n"
      "Example:\n"
      "  sendoff cert renew chain.pem --issuer-cert ca.pem --issuer-key ca.key \\\n"
      "    --out-cert chain.pem --force");
  command->callback([options, &exit_code] { exit_code = report("cert renew", renew(*options)); });
}

}  // namespace

void add_cert_command(CLI::App& app, int& exit_code) {
  CLI::App* cert = app.add_subcommand(
      "cert", "Make, renew, revoke, show and check certificates of routers and hosts");
  cert->require_subcommand(1);
  add_anchor(*cert, exit_code);
  add_ca(*cert, exit_code);
  add_router(*cert, exit_code);
  add_host(*cert, exit_code);
  add_renew(*cert, exit_code);
  add_cert_revoke(*cert, exit_code);
  add_cert_inspect(*cert, exit_code);
  add_cert_verify(*cert, exit_code);
}

}  // namespace sendoff::app
