#include "app/cert.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>

#include "app/key_files.h"
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
  std::string out_certificate;
  std::string out_key;
  bool force = false;
};

// Certificates in a file, the issuing one picked out.
struct IssuerFile {
  std::vector<Bytes> path;  // from below the anchor to the issuer; empty when that is the anchor
  pki::Issuer issuer;
  pki::CertificateInfo info;
};

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string date_text(UtcTime time) {
  if (time == UtcTime::max()) return "no end";
  const std::chrono::sys_seconds seconds{
      std::chrono::seconds(whole_seconds(time.time_since_epoch()))};
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

// "2026-06-01T00:00:00Z" or "2026-06-01".
Attempt<UtcTime> parse_time(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int used = 0;
  const auto whole = [&](int fields, int wanted) {
    return fields == wanted && static_cast<std::size_t>(used) == text.size();
  };
  const bool read =
      whole(std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2dZ%n", &year, &month, &day, &hour,
                        &minute, &second, &used),
            6) ||
      whole(std::sscanf(text.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &used), 3);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{day}};
  if (!read || !date.ok() || year < 1700 || year > 2200 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 59)
    return failed("--at " + quoted(text) +
                  " is no time; write it in UTC like 2026-06-01T12:00:00Z or 2026-06-01");
  return UtcTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                 std::chrono::minutes(minute) + std::chrono::seconds(second));
}

std::string prefixes_text(const std::vector<Prefix>& prefixes) {
  constexpr std::size_t kShown = 16;
  std::string text;
  for (std::size_t i = 0; i < prefixes.size() && i < kShown; ++i)
    text += (i == 0 ? "" : ", ") + prefixes[i].text();
  if (prefixes.size() > kShown)
    text += " and " + std::to_string(prefixes.size() - kShown) + " more";
  return text;
}

Attempt<std::vector<Prefix>> parse_prefixes(const std::vector<std::string>& texts) {
  std::vector<Prefix> prefixes;
  for (const std::string& text : texts) {
    const auto prefix = Prefix::parse(text);
    if (!prefix)
      return failed("--prefix " + quoted(text) +
                    " is no IPv6 prefix; write it like 2001:db8::/32, without bits behind the "
                    "length");
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

Attempt<std::vector<Bytes>> read_certificates(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return fail(file.error());
  auto certificates = pki::decode_certificates(file->expose());
  if (!certificates)
    return failed(path +
                  " holds no readable certificate (PEM or DER expected); is it the right "
                  "file, and complete?");
  return std::move(*certificates);
}

Attempt<IssuerFile> read_issuer(const Options& options) {
  auto certificates = read_certificates(options.issuer_certificate);
  if (!certificates) return fail(certificates.error());
  IssuerFile file;
  file.path = pki::path_order(std::move(*certificates));
  file.issuer.certificate = file.path.back();
  const auto info = pki::inspect(file.issuer.certificate);
  if (!info || !info->is_ca)
    return failed(options.issuer_certificate +
                  " is not a CA's certificate: make one with `sendoff cert anchor` or `sendoff "
                  "cert ca`");
  file.info = *info;
  // The anchor is configured at the relying party and no part of what a router serves.
  const auto first = pki::inspect(file.path.front());
  if (first && first->subject_name == first->issuer_name) file.path.erase(file.path.begin());
  auto key = read_key_file(options.issuer_key);
  if (!key) return fail(key.error());
  file.issuer.key_pem = std::move(*key);
  return file;
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

// A certificate below another one. Its file goes from below the anchor down to the new one, so that
// a router can serve it as it stands.
Attempt<> make_below(pki::Role role, const Options& options, const Key& key,
                     const IssuerFile& issuer) {
  const auto request = prepare(role, options, &issuer);
  if (!request) return fail(request.error());
  const auto der = pki::issue(*request, key->spki(), issuer.issuer);
  if (!der) return fail(issue_failure(der.error(), options, &issuer));
  if (der->size() > kMaxAdvertised)
    return failed("the certificate has " + std::to_string(der->size()) +
                  " octets, but a router can advertise at most " + std::to_string(kMaxAdvertised) +
                  "; give fewer prefixes, or --inherit");
  std::string chain;
  for (const Bytes& above : issuer.path) chain += pki::to_pem(above);
  chain += pki::to_pem(*der);
  if (auto done = write_files(options, key, chain); !done) return done;
  announce(role == pki::Role::kCa ? "CA" : "router", *pki::inspect(*der), options);
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
  const auto issuer = read_issuer(options);
  if (!issuer) return fail(issuer.error());
  const auto key = new_key(options.bits);
  if (!key) return fail(key.error());
  return make_below(pki::Role::kCa, options, *key, *issuer);
}

Attempt<Key> router_key(const Options& options) {
  if (options.key.empty()) return new_key(options.bits);
  const auto pem = read_key_file(options.key);
  if (!pem) return fail(pem.error());
  auto key = crypto::SigningKey::from_pem(pem->expose());
  if (!key)
    return failed(options.key +
                  " cannot be used as a router's key: " + std::string(name(key.error())) +
                  "; an RSA key of 2048 bits in unencrypted PEM is wanted (`sendoff cga key`)");
  const crypto::RsaPublicKey& public_key = (*key)->public_key();
  if ((public_key.bits() != 2048 && public_key.bits() != 3072) || public_key.exponent() != 65537)
    std::fprintf(stderr,
                 "note: %s has %u bits and exponent %u; nodes accept other routers' keys than 2048 "
                 "or 3072 bits with 65537 only with the RFC 3971 profile switched on\n",
                 options.key.c_str(), public_key.bits(), public_key.exponent());
  return std::move(*key);
}

Attempt<> make_router(Options options) {
  if (auto given = check_addresses(options); !given) return given;
  if (options.key.empty() == options.out_key.empty())
    return failed("give the router's key with --key, or a file for a new one with --out-key");
  if (auto free = check_outputs(options); !free) return free;
  const auto issuer = read_issuer(options);
  if (!issuer) return fail(issuer.error());
  const auto key = router_key(options);
  if (!key) return fail(key.error());
  if (options.name.empty())  // RFC 6487 4.5: unique under its issuer
    options.name = "router-" + to_hex(crypto::key_hash((*key)->spki()));
  return make_below(pki::Role::kRouter, options, *key, *issuer);
}

std::string validity_text(const pki::CertificateInfo& info, UtcTime now) {
  std::string text = date_text(info.not_before) + " to " + date_text(info.not_after);
  if (now < info.not_before) return text + " (not yet valid)";
  if (now > info.not_after) return text + " (EXPIRED)";
  if (info.not_after == UtcTime::max()) return text;
  return text + " (" +
         std::to_string(std::chrono::floor<std::chrono::days>(info.not_after - now).count()) +
         " days left)";
}

std::string key_text(const Bytes& spki) {
  const auto key = crypto::RsaPublicKey::parse(spki, {.min_bits = 512, .max_bits = 16384});
  if (!key) return "not usable for SEND: " + std::string(name(key.error()));
  return "RSA, " + std::to_string(key->bits()) + " bits, exponent " +
         std::to_string(key->exponent());
}

std::string role_text(const pki::CertificateInfo& info) {
  if (info.is_ca)
    return info.subject_name == info.issuer_name ? "trust anchor (self-signed CA)" : "CA";
  return info.send_router ? "router (sendRouter)" : "end entity without the purpose sendRouter";
}

Attempt<> show(const std::string& path) {
  const auto certificates = read_certificates(path);
  if (!certificates) return fail(certificates.error());
  const UtcTime now = net::read_clocks().utc;
  std::size_t number = 0;
  for (const Bytes& der : *certificates) {
    std::printf("certificate %zu of %zu\n", ++number, certificates->size());
    const auto info = pki::inspect(der);
    if (!info) {
      std::printf("  unreadable      %s\n", std::string(explain(info.error())).c_str());
      continue;
    }
    const std::string addresses = !info->has_blocks ? "none: not usable for SEND"
                                  : info->inherits  ? "those of its issuer"
                                                    : prefixes_text(info->blocks);
    std::printf(
        "  role            %s\n  subject         %s\n  issuer          %s\n"
        "  serial number   %s\n  valid           %s\n  key             %s\n"
        "  key hash        %s\n  key identifier  %s\n  addresses       %s\n",
        role_text(*info).c_str(), info->subject.c_str(), info->issuer.c_str(), info->serial.c_str(),
        validity_text(*info, now).c_str(), key_text(info->spki).c_str(),
        to_hex(crypto::key_hash(info->spki)).c_str(),
        info->key_identifier.empty() ? "none" : to_hex(info->key_identifier).c_str(),
        addresses.c_str());
  }
  return {};
}

struct VerifyOptions {
  std::vector<std::string> anchors;
  std::string chain;
  std::string at;
  bool legacy = false;
  bool strict = false;
};

Attempt<std::vector<pki::TrustAnchor>> read_anchors(const std::vector<std::string>& paths) {
  std::vector<pki::TrustAnchor> anchors;
  for (const std::string& path : paths) {
    const auto certificates = read_certificates(path);
    if (!certificates) return fail(certificates.error());
    for (const Bytes& der : *certificates) {
      auto anchor = pki::TrustAnchor::parse(der);
      if (!anchor)
        return failed(path + " is no trust anchor: " + std::string(explain(anchor.error())));
      anchors.push_back(std::move(*anchor));
    }
  }
  return anchors;
}

Attempt<> verify(const VerifyOptions& options) {
  UtcTime at = net::read_clocks().utc;
  if (!options.at.empty()) {
    const auto given = parse_time(options.at);
    if (!given) return fail(given.error());
    at = *given;
  }
  const auto anchors = read_anchors(options.anchors);
  if (!anchors) return fail(anchors.error());
  auto chain = read_certificates(options.chain);
  if (!chain) return fail(chain.error());
  const pki::Policy policy{.accept_rfc3971_profile = options.legacy,
                           .strict_rfc6487 = options.strict};
  const auto router = pki::validate_path(pki::path_order(*chain), *anchors, at, policy);
  if (!router) {
    std::printf("refused: %s\n", std::string(name(router.error())).c_str());
    return failed(options.chain + ": " + std::string(explain(router.error())), kRefused);
  }
  const auto anchor = pki::inspect((*anchors)[router->anchor].certificate);
  std::printf("good: %s, certified under %s\n  may advertise  %s\n  valid to       %s\n",
              router->subject.c_str(), anchor ? anchor->subject.c_str() : "the anchor",
              router->any_prefix ? "any prefix" : prefixes_text(router->blocks).c_str(),
              date_text(router->not_after).c_str());
  return {};
}

void add_outputs(CLI::App& command, Options& options, bool new_key_always) {
  command.add_option("--out-cert", options.out_certificate, "File for the certificate (PEM)")
      ->required();
  auto* key = command.add_option("--out-key", options.out_key,
                                 "File for the new private key (PEM, readable by you alone)");
  if (new_key_always) key->required();
  command.add_option("--bits", options.bits, "Size of the new key")
      ->check(CLI::IsMember({2048, 3072}))
      ->capture_default_str();
  command.add_option("--days", options.days, "Days of validity from now")
      ->check(CLI::Range(1, 36500));
  command.add_flag("--force", options.force, "Replace files that exist");
}

void add_prefixes(CLI::App& command, Options& options) {
  command
      .add_option("--prefix", options.prefixes,
                  "IPv6 prefix that it may hand on or advertise; may be repeated")
      ->allow_extra_args(false);
}

void add_issuer(CLI::App& command, Options& options) {
  command
      .add_option("--issuer-cert", options.issuer_certificate,
                  "Certificate file of the issuing anchor or CA")
      ->required();
  command.add_option("--issuer-key", options.issuer_key, "Private key file of the issuer")
      ->required();
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
  command->callback(
      [options, &exit_code] { exit_code = report("cert router", make_router(*options)); });
}

void add_show(CLI::App& cert, int& exit_code) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = cert.add_subcommand("show", "Tell in words what certificates say");
  command->add_option("FILE", *file, "Certificates in PEM or DER")->required();
  command->footer("Example:\n  sendoff cert show chain.pem");
  command->callback([file, &exit_code] { exit_code = report("cert show", show(*file)); });
}

void add_verify(CLI::App& cert, int& exit_code) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      cert.add_subcommand("verify", "Judge a router's certificates as a mobile node does");
  command->add_option("--anchor", options->anchors, "File of a trust anchor; may be repeated")
      ->required()
      ->allow_extra_args(false);
  command->add_option("CHAIN", options->chain, "The router's certificate and the CAs above it")
      ->required();
  command->add_option("--at", options->at, "UTC time to judge by, like 2026-06-01T12:00:00Z");
  command->add_flag("--legacy", options->legacy, "Accept the older RFC 3971 profile too");
  command->add_flag("--strict", options->strict, "Demand every field of RFC 6487");
  command->footer(
      "Exit code 0: good; 1: refused, with the reason; 2: a file cannot be used.\n\n"
      "Example:\n  sendoff cert verify --anchor anchor.pem chain.pem --at 2026-06-01");
  command->callback([options, &exit_code] { exit_code = report("cert verify", verify(*options)); });
}

}  // namespace

void add_cert_command(CLI::App& app, int& exit_code) {
  CLI::App* cert = app.add_subcommand("cert", "Make, show and check router certificates");
  cert->require_subcommand(1);
  add_anchor(*cert, exit_code);
  add_ca(*cert, exit_code);
  add_router(*cert, exit_code);
  add_show(*cert, exit_code);
  add_verify(*cert, exit_code);
}

}  // namespace sendoff::app
