#include "inspect/keys.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace sendoff::inspect {

namespace {

constexpr std::string_view kBlank = " \t\r";

// The next word of `line`, taken off it; empty at its end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

ByteView octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

using Done = Result<void, std::string>;

Done add_handover(std::string_view line, Keys& keys) {
  const auto pcoa = Ipv6Address::parse(take_word(line));
  if (!pcoa) return fail<std::string>("an IPv6 address is wanted behind \"handover\"");
  const auto algorithm = crypto::algorithm_named(take_word(line));
  if (!algorithm)
    return fail<std::string>(
        "an algorithm is wanted behind the address: hmac-sha1-96, hmac-sha256-128, "
        "hmac-sha384-192 or aes128-cmac-96");
  Bytes octets;
  const bool read = from_hex(take_word(line), octets);
  HandoverKey key{*pcoa, *algorithm, Secret::copy_of(octets)};
  wipe(octets);
  if (!read || key.key.size() != crypto::key_size(*algorithm))
    return fail("the key of " + std::string(name(*algorithm)) + " has " +
                std::to_string(2 * crypto::key_size(*algorithm)) + " hexadecimal digits");
  keys.handover.push_back(std::move(key));
  return {};
}

Done add_esp(std::string_view line, Keys& keys) {
  const auto spi = number_of(take_word(line));
  if (!spi) return fail<std::string>("an SPI is wanted behind \"esp\": a number, or 0x and digits");
  auto key = esp::read_key(octets_of(take_word(line)));
  if (!key) return fail<std::string>("the key has 64 hexadecimal digits (`sendoff esp-key`)");
  keys.esp.push_back({*spi, std::move(*key)});
  return {};
}

Done add_line(std::string_view line, Keys& keys) {
  const std::string_view kind = take_word(line);
  if (kind.empty() || kind.starts_with('#')) return {};
  if (kind == "handover") return add_handover(line, keys);
  if (kind == "esp") return add_esp(line, keys);
  return fail<std::string>("\"handover\" or \"esp\" is wanted at its beginning");
}

}  // namespace

Result<Keys, std::string> parse_keys(ByteView text) {
  std::string_view rest(reinterpret_cast<const char*>(text.data()), text.size());
  Keys keys;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (const auto added = add_line(line, keys); !added)
      return fail("line " + std::to_string(number) + ": " + added.error());
  }
  return keys;
}

}  // namespace sendoff::inspect
