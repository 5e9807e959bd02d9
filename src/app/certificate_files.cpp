#include "app/certificate_files.h"

#include <array>
#include <cstdio>

namespace sendoff::app {

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

Attempt<IssuerFile> read_issuer(const std::string& certificate, const std::string& key_path) {
  auto certificates = read_certificates(certificate);
  if (!certificates) return fail(certificates.error());
  IssuerFile file;
  file.path = pki::path_order(std::move(*certificates));
  file.issuer.certificate = file.path.back();
  const auto info = pki::inspect(file.issuer.certificate);
  if (!info || !info->is_ca)
    return failed(certificate +
                  " is not a CA's certificate: make one with `sendoff cert anchor` or `sendoff "
                  "cert ca`");
  file.info = *info;
  // The anchor is configured at the relying party and no part of what a router serves.
  const auto first = pki::inspect(file.path.front());
  if (first && first->subject_name == first->issuer_name) file.path.erase(file.path.begin());
  auto key = read_key_file(key_path);
  if (!key) return fail(key.error());
  file.issuer.key_pem = std::move(*key);
  return file;
}

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

std::string prefixes_text(const std::vector<Prefix>& prefixes) {
  constexpr std::size_t kShown = 16;
  std::string text;
  for (std::size_t i = 0; i < prefixes.size() && i < kShown; ++i)
    text += (i == 0 ? "" : ", ") + prefixes[i].text();
  if (prefixes.size() > kShown)
    text += " and " + std::to_string(prefixes.size() - kShown) + " more";
  return text;
}

}  // namespace sendoff::app
