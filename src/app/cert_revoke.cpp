// `sendoff cert revoke`: a CA's revocation list, made or made anew (RFC 6487 5, GS24).
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/certificate_files.h"
#include "net/clock.h"
#include "pki/revocation.h"

namespace sendoff::app {

namespace {

struct Options {
  std::string issuer_certificate;
  std::string issuer_key;
  std::string list;
  std::vector<std::string> certificates;
  std::vector<std::string> serials;
  int days = 30;
};

// The list in `path` that the new one goes on from; an empty one where there is no file yet.
Attempt<pki::RevocationList> read_old(const std::string& path, const IssuerFile& issuer) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 && errno == ENOENT) return pki::RevocationList{};
  const auto file = read_file(path);
  if (!file) return fail(file.error());
  auto lists = pki::decode_lists(file->expose());
  if (!lists) return failed(path + ": " + std::string(explain(lists.error())));
  pki::RevocationList& list = lists->front();
  if (lists->size() != 1) return failed(path + " holds more than one revocation list");
  // Out of date or not, it is what went before.
  const auto checked = pki::check_list(list, issuer.issuer.certificate, list.this_update);
  if (!checked)
    return failed(path + " is no list of " + issuer.info.subject + ": " +
                  std::string(explain(checked.error())));
  return std::move(list);
}

// As the content of an INTEGER.
Attempt<Bytes> serial_of(const std::string& text) {
  Bytes octets;
  if (!from_hex(text, octets)) octets.clear();
  octets.erase(octets.begin(), std::ranges::find_if(octets, [](auto each) { return each != 0; }));
  if (octets.empty() || octets.size() > 20)
    return failed("--serial \"" + text +
                  "\" is no serial number; write it in hexadecimal as `sendoff cert inspect` does");
  if (octets[0] >= 0x80) octets.insert(octets.begin(), 0);
  return octets;
}

// The serial numbers of what `issuer` issued of the certificates in a file.
Attempt<std::vector<Bytes>> serials_in(const std::string& path, const IssuerFile& issuer) {
  const auto certificates = read_certificates(path);
  if (!certificates) return fail(certificates.error());
  std::vector<Bytes> serials;
  for (const Bytes& der : *certificates) {
    const auto info = pki::inspect(der);
    if (!info || der == issuer.issuer.certificate ||
        !pki::issued_by(der, issuer.issuer.certificate))
      continue;
    auto serial = serial_of(info->serial);
    if (!serial) return fail(serial.error());
    serials.push_back(std::move(*serial));
  }
  if (serials.empty())
    return failed(path + " holds no certificate that " + issuer.info.subject + " issued");
  return serials;
}

Attempt<std::vector<Bytes>> wanted_serials(const Options& options, const IssuerFile& issuer) {
  std::vector<Bytes> all;
  for (const std::string& text : options.serials) {
    auto serial = serial_of(text);
    if (!serial) return fail(serial.error());
    all.push_back(std::move(*serial));
  }
  for (const std::string& path : options.certificates) {
    auto serials = serials_in(path, issuer);
    if (!serials) return fail(serials.error());
    std::ranges::move(*serials, std::back_inserter(all));
  }
  return all;
}

Bytes next_number(Bytes number) {
  for (std::size_t at = number.size(); at-- > 0;)
    if (++number[at] != 0) return number;
  number.insert(number.begin(), 1);
  return number;
}

Attempt<> revoke(const Options& options) {
  const auto issuer = read_issuer(options.issuer_certificate, options.issuer_key);
  if (!issuer) return fail(issuer.error());
  const auto old = read_old(options.list, *issuer);
  if (!old) return fail(old.error());
  const auto serials = wanted_serials(options, *issuer);
  if (!serials) return fail(serials.error());

  const UtcTime now(std::chrono::seconds(whole_seconds(net::read_clocks().utc.time_since_epoch())));
  pki::ListRequest request;
  request.number = next_number(old->number);
  // An hour back, for relying parties whose clocks are behind.
  request.this_update = now - std::chrono::hours(1);
  request.next_update = now + std::chrono::hours(24 * options.days);
  request.revoked = old->revoked;
  std::size_t added = 0;
  for (const Bytes& serial : *serials) {
    if (std::ranges::find(request.revoked, serial, &pki::Revoked::serial) != request.revoked.end())
      continue;
    request.revoked.push_back({serial, now});
    ++added;
  }
  const auto der = pki::issue_list(request, issuer->issuer);
  if (!der)
    return failed(std::string(explain(der.error())) + " Files: " + options.issuer_certificate +
                  " and " + options.issuer_key + ".");
  const std::string text = pki::list_to_pem(*der);
  auto file = NewFile::stage(
      options.list, ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
      kPublicMode, true);
  if (!file) return fail(file.error());
  if (auto done = file->commit(); !done) return done;
  std::printf(
      "revocation list of %s\n  revoked    %zu, %zu of them new\n  valid to   %s\n"
      "  written    %s\n",
      issuer->info.subject.c_str(), request.revoked.size(), added,
      date_text(request.next_update).c_str(), options.list.c_str());
  return {};
}

}  // namespace

void add_cert_revoke(CLI::App& cert, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      cert.add_subcommand("revoke", "Put certificates on their issuer's revocation list");
  command
      ->add_option("--issuer-cert", options->issuer_certificate,
                   "Certificate file of the issuing anchor or CA")
      ->required();
  command->add_option("--issuer-key", options->issuer_key, "Private key file of the issuer")
      ->required();
  command
      ->add_option("--crl", options->list,
                   "The issuer's list (PEM): made, or replaced by the next one")
      ->required();
  command
      ->add_option("--cert", options->certificates,
                   "File of what is to be revoked: all in it that this issuer issued")
      ->allow_extra_args(false);
  command->add_option("--serial", options->serials, "Serial number in hexadecimal")
      ->allow_extra_args(false);
  command->add_option("--days", options->days, "Days until the next list must be there")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  command->footer(
      "What was on the list stays on it, and its number goes up by one. Without --cert and "
      "--serial\n"
      "the list is only made anew for --days: relying parties refuse one that is out of date.\n\n"
      "Example:\n"
      "  sendoff cert revoke --issuer-cert ca.pem --issuer-key ca.key --crl ca.crl --cert "
      "chain.pem");
  command->callback([options, &exit_code] { exit_code = report("cert revoke", revoke(*options)); });
}

}  // namespace sendoff::app
