// The text file that keeps the parameters of one CGA (RFC 3972 3): `key = value` lines that TOML
// reads too. The subnet prefix is that of the address.
#pragma once

#include <string>

#include "app/key_files.h"
#include "cga/cga.h"

namespace sendoff::app {

struct CgaFile {
  Ipv6Address address;
  cga::Parameters parameters;

  [[nodiscard]] std::string text() const;
  // Fails with the line that is wrong; `path` is for the message.
  [[nodiscard]] static Attempt<CgaFile> parse(std::string_view text, const std::string& path);
};

}  // namespace sendoff::app
