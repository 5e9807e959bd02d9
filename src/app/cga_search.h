// The modifier search at a terminal: with progress, cancelled by Ctrl-C, resumed from a file.
#pragma once

#include <memory>
#include <string>

#include "app/key_files.h"
#include "cga/cga.h"
#include "crypto/rsa.h"

namespace CLI {
class App;
}

namespace sendoff::app {

// An RSA key of 1024 to 3072 bits in PEM.
[[nodiscard]] Attempt<std::shared_ptr<const crypto::SigningKey>> read_cga_key(
    const std::string& path);

struct SearchRequest {
  std::uint8_t sec = 1;
  unsigned threads = 0;  // 0: as many as there are cores
  // Where a search that is interrupted leaves how far it came, and where one begins that finds it;
  // empty: nowhere. Removed when a modifier is found.
  std::string resume = {};
};

// Fails with kInterrupted on Ctrl-C or SIGTERM; where the file for resuming is another search's.
[[nodiscard]] Attempt<cga::Modifier> search_modifier(const SearchRequest& request,
                                                     ByteView public_key);

// `sendoff cga search`.
void add_cga_search(CLI::App& cga, int& exit_code);

}  // namespace sendoff::app
