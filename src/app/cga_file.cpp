#include "app/cga_file.h"

namespace sendoff::app {

namespace {

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    return text.substr(1, text.size() - 2);
  return text;
}

// One digit from 0 to `highest`.
std::optional<std::uint8_t> digit(std::string_view text, char highest) {
  if (text.size() != 1 || text[0] < '0' || text[0] > highest) return std::nullopt;
  return static_cast<std::uint8_t>(text[0] - '0');
}

const Fields kCgaFields = {{"address", ""},         {"sec", ""},        {"modifier", ""},
                           {"collision-count", ""}, {"extensions", ""}, {"public-key", ""}};

}  // namespace

std::optional<Fields> read_fields(std::string_view text, const Fields& known, std::size_t& wrong) {
  Fields seen;
  for (wrong = 1; !text.empty(); ++wrong) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string key(trimmed(line.substr(0, equals)));
    const std::string value(unquoted(trimmed(line.substr(equals + 1))));
    if (!known.contains(key) || !seen.emplace(key, value).second) return std::nullopt;
  }
  for (const auto& [key, absent] : known) seen.emplace(key, absent);
  return seen;
}

std::string CgaFile::text() const {
  return "# CGA parameters (RFC 3972). Public; the private key is in a file of its own.\n"
         "address = \"" +
         address.text() + "\"\nsec = " + std::to_string(cga::sec_of(address)) + "\nmodifier = \"" +
         to_hex(parameters.modifier) +
         "\"\ncollision-count = " + std::to_string(parameters.collision_count) +
         "\nextensions = \"" + to_hex(parameters.extensions) + "\"\npublic-key = \"" +
         to_hex(parameters.public_key) + "\"\n";
}

Attempt<CgaFile> CgaFile::parse(std::string_view text, const std::string& path) {
  std::size_t line = 0;
  const auto fields = read_fields(text, kCgaFields, line);
  if (!fields)
    return failed(path + ":" + std::to_string(line) +
                  ": not a line of a CGA parameter file (`sendoff cga generate` writes them)");
  const auto wrong = [&path](const char* field, const char* wanted) {
    return failed(path + ": " + field + " is missing or wrong; " + wanted + " is wanted");
  };
  CgaFile file;
  const auto address = Ipv6Address::parse(fields->at("address"));
  if (!address) return wrong("address", "an IPv6 address");
  file.address = *address;
  std::ranges::copy(address->view().first(8), file.parameters.subnet_prefix.begin());
  const auto sec = digit(fields->at("sec"), '7');
  if (!sec) return wrong("sec", "a number from 0 to 7");
  if (*sec != cga::sec_of(*address))
    return failed(path + ": sec is " + fields->at("sec") + ", but the address has " +
                  std::to_string(cga::sec_of(*address)) + " in its first three interface bits");
  Bytes modifier;
  if (!from_hex(fields->at("modifier"), modifier) ||
      modifier.size() != file.parameters.modifier.size())
    return wrong("modifier", "32 hexadecimal digits");
  std::ranges::copy(modifier, file.parameters.modifier.begin());
  const auto count = digit(fields->at("collision-count"), '2');
  if (!count) return wrong("collision-count", "0, 1 or 2");
  file.parameters.collision_count = *count;
  if (!from_hex(fields->at("extensions"), file.parameters.extensions))
    return wrong("extensions", "hexadecimal, or nothing between the quotes,");
  if (!from_hex(fields->at("public-key"), file.parameters.public_key) ||
      file.parameters.public_key.empty())
    return wrong("public-key", "the hexadecimal DER of the key");
  return file;
}

}  // namespace sendoff::app
