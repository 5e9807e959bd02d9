// Protection of a neighbour in a router's configuration: the switch, the security associations of
// [neighbour.esp] with their key files (RFC 5568 10, RFC 4868 2.1; E6 to E8), and what
// [neighbour.ipsec] leaves to the kernel.
#pragma once

#include <map>

#include "config/credentials.h"
#include "config/section.h"

namespace sendoff::config {

// Reads `protection`, `esp` and `ipsec` of each neighbour in turn, and holds them against each
// other: an inbound SPI, and a key, belongs to one association.
class ProtectionReader {
 public:
  // `store`: where counters are kept. `own`: the addresses that this router forms; an association's
  // local one is among them. Empty: not known, because of errors elsewhere.
  ProtectionReader(const Loading& loading, Store::Kind store, std::vector<Ipv6Address> own)
      : loading_(loading), store_(store), own_(std::move(own)) {}

  // `neighbour` has its name and address.
  void read(Section& section, router::Neighbour& neighbour);

 private:
  struct Place {
    unsigned line = 0;
    std::string what;  // "inbound of nar"
  };
  struct UsedKey {
    esp::Key key;
    Place place;
  };

  void check_peer(Section& section, const router::Neighbour& neighbour);
  [[nodiscard]] std::optional<esp::Pair> read_pair(Section& section,
                                                   const router::Neighbour& neighbour);
  void read_suite(Section& section);
  void read_host(Section& section, router::Neighbour& neighbour, bool said);
  void read_local(Section& section, Ipv6Address& local);
  void read_outbound(Section& section, const router::Neighbour& neighbour, esp::Pair& pair);
  void read_inbound(Section& section, const router::Neighbour& neighbour, esp::Pair& pair);
  // spi and key_file; `place` for what later ones are held against.
  void read_association(Section& section, std::uint32_t& spi, esp::Key& key, const Place& place);
  [[nodiscard]] esp::Key read_key_file(Section& section, const std::string& path);
  void check_key(Section& section, const esp::Key& key, const Place& place);

  const Loading& loading_;
  Store::Kind store_;
  std::vector<Ipv6Address> own_;
  std::map<Ipv6Address, Place> peers_;
  std::map<std::uint32_t, Place> inbound_spis_;
  std::vector<UsedKey> keys_;
};

// Every global address that the interfaces may form: with each collision count of RFC 3972.
[[nodiscard]] std::vector<Ipv6Address> own_addresses(
    const std::vector<router::Interface>& interfaces);

}  // namespace sendoff::config
