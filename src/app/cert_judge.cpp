// `sendoff cert inspect` and `sendoff cert verify`: certificates in words, and the verdict on a
// path.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/certificate_files.h"
#include "inspect/words.h"
#include "net/clock.h"
#include "pki/names.h"
#include "pki/revocation.h"

namespace sendoff::app {

namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

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

std::string validity_text(const pki::CertificateInfo& info, UtcTime now) {
  std::string text = date_text(info.not_before) + " to " + date_text(info.not_after);
  if (now < info.not_before) return text + " (not yet valid)";
  if (now > info.not_after) return text + " (EXPIRED)";
  if (info.not_after == UtcTime::max()) return text;
  return text + " (" +
         std::to_string(std::chrono::floor<std::chrono::days>(info.not_after - now).count()) +
         " days left)";
}

std::string role_text(const pki::CertificateInfo& info) {
  if (info.is_ca)
    return info.subject_name == info.issuer_name ? "trust anchor (self-signed CA)" : "CA";
  if (info.send_router) return "router (sendRouter)";
  return info.send_owner ? "host (sendOwner)" : "end entity without a purpose of SEND";
}

// A CRL Number in hexadecimal.
std::string number_text(const pki::RevocationList& list) {
  return list.number.empty() ? "0" : "0x" + to_hex(list.number);
}

void show_certificate(const pki::CertificateInfo& info, UtcTime now) {
  const std::string addresses = !info.has_blocks ? "none: not usable for SEND"
                                : info.inherits  ? "those of its issuer"
                                                 : prefixes_text(info.blocks);
  std::printf(
      "  role            %s\n  subject         %s\n  issuer          %s\n"
      "  serial number   %s\n  valid           %s\n  key             %s\n"
      "  key hash        %s\n  key identifier  %s\n  addresses       %s\n",
      role_text(info).c_str(), info.subject.c_str(), info.issuer.c_str(), info.serial.c_str(),
      validity_text(info, now).c_str(), inspect::key_words(info.spki).c_str(),
      to_hex(crypto::key_hash(info.spki)).c_str(),
      info.key_identifier.empty() ? "none" : to_hex(info.key_identifier).c_str(),
      addresses.c_str());
  for (const std::string& uri : info.crl_uris) std::printf("  lists at        %s\n", uri.c_str());
}

void show_list(const pki::RevocationList& list, UtcTime now) {
  std::printf(
      "revocation list\n  issuer          %s\n  number          %s\n  valid           %s to %s%s\n"
      "  key identifier  %s\n  revoked         %zu\n",
      pki::name_text(list.issuer_name).c_str(), number_text(list).c_str(),
      date_text(list.this_update).c_str(), date_text(list.next_update).c_str(),
      now >= list.next_update ? " (OUT OF DATE)" : "", to_hex(list.issuer_key_identifier).c_str(),
      list.revoked.size());
  for (const pki::Revoked& each : list.revoked)
    std::printf("    %s since %s\n", to_hex(each.serial).c_str(), date_text(each.since).c_str());
}

// A file of certificates, or of revocation lists.
Attempt<> show(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return fail(file.error());
  const UtcTime now = net::read_clocks().utc;
  if (const auto lists = pki::decode_lists(file->expose())) {
    for (const pki::RevocationList& list : *lists) show_list(list, now);
    return {};
  }
  const auto certificates = read_certificates(path);
  if (!certificates) return fail(certificates.error());
  std::size_t number = 0;
  for (const Bytes& der : *certificates) {
    std::printf("certificate %zu of %zu\n", ++number, certificates->size());
    if (const auto info = pki::inspect(der))
      show_certificate(*info, now);
    else
      std::printf("  unreadable      %s\n", std::string(explain(info.error())).c_str());
  }
  return {};
}

struct VerifyOptions {
  std::vector<std::string> anchors;
  std::string chain;
  std::string at;
  bool legacy = false;
  bool strict = false;
  bool host = false;
  std::vector<std::string> lists;
};

Attempt<std::vector<pki::RevocationList>> read_lists(const std::vector<std::string>& paths) {
  std::vector<pki::RevocationList> all;
  for (const std::string& path : paths) {
    const auto file = read_file(path);
    if (!file) return fail(file.error());
    auto lists = pki::decode_lists(file->expose());
    if (!lists) return failed(path + ": " + std::string(explain(lists.error())));
    std::ranges::move(*lists, std::back_inserter(all));
  }
  return all;
}

// Refuses what is revoked, and what no list is there for: whoever gives lists wants them to count.
Attempt<> check_revocation(const std::vector<Bytes>& path, const pki::TrustAnchor& anchor,
                           const std::vector<pki::RevocationList>& lists, UtcTime at) {
  const Bytes* issuer = &anchor.certificate;
  for (const Bytes& certificate : path) {
    if (certificate == anchor.certificate) continue;
    const auto found = pki::revocation_of(certificate, *issuer, lists, at);
    issuer = &certificate;
    if (found.standing == pki::Standing::kGood) continue;
    const auto info = pki::inspect(certificate);
    std::printf("refused: %s\n", std::string(name(found.standing)).c_str());
    const std::string who = info->subject + " (serial number " + info->serial + ")";
    if (found.standing == pki::Standing::kRevoked)
      return failed(who + " is on list " + number_text(*found.list) + " of " + info->issuer,
                    kRefused);
    return failed("no list that counts says whether " + who + " is revoked" +
                      (found.unused ? ": " + std::string(explain(*found.unused))
                                    : ": none of its issuer " + info->issuer + " was given"),
                  kRefused);
  }
  return {};
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
                           .strict_rfc6487 = options.strict,
                           .purpose = options.host ? pki::Purpose::kOwner : pki::Purpose::kRouter};
  const auto lists = read_lists(options.lists);
  if (!lists) return fail(lists.error());
  const auto path = pki::path_order(*chain);
  const auto router = pki::validate_path(path, *anchors, at, policy);
  if (!router) {
    std::printf("refused: %s\n", std::string(name(router.error())).c_str());
    return failed(options.chain + ": " + std::string(explain(router.error())), kRefused);
  }
  const pki::TrustAnchor& anchor = (*anchors)[router->anchor];
  if (!lists->empty())
    if (auto good = check_revocation(path, anchor, *lists, at); !good) return good;
  std::printf("good: %s, certified under %s\n  %s  %s\n  valid to       %s\n  revocation     %s\n",
              router->subject.c_str(), pki::name_text(anchor.subject_name).c_str(),
              options.host ? "may claim    " : "may advertise",
              router->any_prefix ? "any prefix" : prefixes_text(router->blocks).c_str(),
              date_text(router->not_after).c_str(),
              lists->empty() ? "not checked: no list was given" : "on no list");
  return {};
}

}  // namespace

void add_cert_inspect(CLI::App& cert, int& exit_code) {
  auto file = std::make_shared<std::string>();
  CLI::App* command =
      cert.add_subcommand("inspect", "Tell in words what certificates or revocation lists say");
  command->alias("show");
  command->add_option("FILE", *file, "Certificates or revocation lists, in PEM or DER")->required();
  command->footer("Example:\n  sendoff cert inspect chain.pem");
  command->callback([file, &exit_code] { exit_code = report("cert inspect", show(*file)); });
}

void add_cert_verify(CLI::App& cert, int& exit_code) {
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
  command->add_flag("--host", options->host, "It is a host's certificate (sendOwner), no router's");
  command
      ->add_option("--crl", options->lists,
                   "File of a revocation list; may be repeated. With one or more, a certificate\n"
                   "counts only when a current list of its issuer does not have it")
      ->allow_extra_args(false);
  command->footer(
      "Exit code 0: good; 1: refused, with the reason; 2: a file cannot be used.\n\n"
      "Example:\n  sendoff cert verify --anchor anchor.pem chain.pem --at 2026-06-01");
  command->callback([options, &exit_code] { exit_code = report("cert verify", verify(*options)); });
}

}  // namespace sendoff::app
