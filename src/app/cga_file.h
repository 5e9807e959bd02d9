// The text file that keeps the parameters of one CGA (RFC 3972 3): `key = value` lines that TOML
// reads too. The subnet prefix is that of the address.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "app/key_files.h"
#include "cga/cga.h"

namespace sendoff::app {

// `key = value` lines.
using Fields = std::map<std::string, std::string, std::less<>>;
// All of `known`, with its value where the text has none. Nothing when a line is no `key = value`,
// a key is unknown, or one stands twice; `wrong` is the line then.
[[nodiscard]] std::optional<Fields> read_fields(std::string_view text, const Fields& known,
                                                std::size_t& wrong);

struct CgaFile {
  Ipv6Address address;
  cga::Parameters parameters;

  [[nodiscard]] std::string text() const;
  // Fails with the line that is wrong; `path` is for the message.
  [[nodiscard]] static Attempt<CgaFile> parse(std::string_view text, const std::string& path);
};

}  // namespace sendoff::app
