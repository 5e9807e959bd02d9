// Keys, certificates and addresses of a lab's nodes: made anew, as `sendoff cert` and `sendoff cga`
// make them, in a directory that is nobody else's.
#pragma once

#include <string>

#include "base/address.h"
#include "base/secret.h"
#include "base/time.h"
#include "cga/cga.h"
#include "lab/failure.h"
#include "lab/network.h"

namespace sendoff::lab {

// A node's key file, and what its addresses follow from.
struct NodeKey {
  std::string path;
  cga::Modifier modifier{};
  Bytes public_key;

  // The node's address (Sec 0) in a /64.
  [[nodiscard]] Ipv6Address address_in(const Prefix& prefix) const;
};

struct Credentials {
  std::string anchor;  // certificate files
  std::string chains[2];
  NodeKey routers[2];
  NodeKey mobile;
};

// Writes all files into `directory`. `now`: from when on the certificates are valid, for a day.
[[nodiscard]] Attempt<Credentials> make_credentials(const std::string& directory, UtcTime now);

// A file only its owner can read; replaces one that is there.
[[nodiscard]] Attempt<> write_private_file(const std::string& path, ByteView contents);
[[nodiscard]] Attempt<> write_text_file(const std::string& path, std::string_view contents);

// The key files of the security associations between the routers, by the router that sends.
struct AssociationKeys {
  std::string files[2];
};
// Made anew, in `directory`.
[[nodiscard]] Attempt<AssociationKeys> make_association_keys(const std::string& directory);

}  // namespace sendoff::lab
