#include "config/esp.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "esp/packet.h"

namespace sendoff::config {

using router::Protection;

namespace {

constexpr std::string_view kNewKey = "; make one: sendoff esp-key --out FILE";

// E8: what is not said is not exchanged.
std::optional<Protection> protection_of(const std::string& text) {
  for (const Protection each : {Protection::kClear, Protection::kEsp, Protection::kHost})
    if (name(each) == text) return each;
  return std::nullopt;
}

void warn(Section& section, const router::Neighbour& neighbour) {
  if (neighbour.protection == Protection::kClear)
    section.warning("protection", "is \"clear\": HI and HAck to and from " + neighbour.name +
                                      " are not protected; who can send in its name moves nodes");
  if (neighbour.protection == Protection::kNone && neighbour.handover_initiate &&
      neighbour.fast_handover)
    section.warning("protection", "is not set: nothing is exchanged with " + neighbour.name +
                                      ", and every handover to it is refused");
}

std::string spi_text(std::uint32_t spi) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", spi);
  return text.data();
}

std::string explain(esp::KeyError error, ByteView text) {
  switch (error) {
    case esp::KeyError::kNotHex:
      return "holds something else than hexadecimal digits; 64 of them are wanted, for 32 octets";
    case esp::KeyError::kSize:
      return "holds a key of " + std::to_string(esp::key_octets(text)) +
             " octets, but RFC 4868 wants 32: 64 hexadecimal digits";
    case esp::KeyError::kNotRandom:
      break;
  }
  return "holds a key that is plainly not random";
}

}  // namespace

std::vector<Ipv6Address> own_addresses(const std::vector<router::Interface>& interfaces) {
  constexpr std::uint8_t kLastCollisionCount = 2;
  std::vector<Ipv6Address> out;
  for (const router::Interface& interface : interfaces)
    for (const router::Advertised& advertised : interface.prefixes)
      for (std::uint8_t count = 0; count <= kLastCollisionCount && interface.identity.key; ++count)
        out.push_back(interface.identity.address(advertised.prefix, count));
  return out;
}

void ProtectionReader::read(Section& section, router::Neighbour& neighbour) {
  const bool said = section.parsed("protection", neighbour.protection, protection_of,
                                   R"("esp", "host" or "clear")");
  const Node* table = section.raw("esp");
  if (!said && section.has("protection")) return;
  const bool wanted = neighbour.protection == Protection::kEsp;
  if (table != nullptr && table->kind != Node::Kind::kTable) {
    section.error("esp", "is " + std::string(name(table->kind)) + "; write it as [neighbour.esp]");
  } else if (table != nullptr && !wanted) {
    section.error("esp", "is given, but protection is " +
                             (said ? "\"" + std::string(name(neighbour.protection)) + "\""
                                   : std::string("not set")) +
                             " for " + neighbour.name +
                             "; set it to \"esp\" or take the table out");
  } else if (table == nullptr && wanted) {
    section.error("protection", "is \"esp\", but " + neighbour.name +
                                    " has no [neighbour.esp] with its security associations");
  } else if (wanted) {
    Section esp(table, "[neighbour.esp] of " + neighbour.name + ":", section.report());
    neighbour.esp = read_pair(esp, neighbour);
    esp.finish();
    // E2: numbers that begin anew under the same key are no protection against replays.
    if (store_ == Store::Kind::kMemory)
      section.error("protection", "is \"esp\" for " + neighbour.name +
                                      ", but the store is \"memory\": it forgets the sequence "
                                      "numbers with a restart; set [store] kind = \"sqlite\"");
  }
  read_host(section, neighbour, said);
  check_peer(section, neighbour);
  warn(section, neighbour);
}

// [neighbour.ipsec]: what the kernel's policies are about.
void ProtectionReader::read_host(Section& section, router::Neighbour& neighbour, bool said) {
  const Node* table = section.raw("ipsec");
  const bool wanted = neighbour.protection == Protection::kHost;
  if (table == nullptr) {
    if (wanted && !section.has("esp"))  // which is an error already
      section.error("protection", "is \"host\", but " + neighbour.name +
                                      " has no [neighbour.ipsec] with the address of this router "
                                      "that it knows");
    return;
  }
  if (table->kind != Node::Kind::kTable)
    return section.error(
        "ipsec", "is " + std::string(name(table->kind)) + "; write it as [neighbour.ipsec]");
  if (!wanted)
    return section.error("ipsec", "is given, but protection is " +
                                      (said ? "\"" + std::string(name(neighbour.protection)) + "\""
                                            : std::string("not set")) +
                                      " for " + neighbour.name +
                                      "; set it to \"host\" or take the table out");
  Section ipsec(table, "[neighbour.ipsec] of " + neighbour.name + ":", section.report());
  router::HostIpsec host;
  read_local(ipsec, host.local);
  ipsec.flag("install", host.install);
  ipsec.number("reqid", host.reqid, 1, 0xffffffff);
  if (!host.install && ipsec.has("reqid"))
    ipsec.error("reqid", "is of policies that this daemon installs; set install = true");
  ipsec.finish();
  neighbour.ipsec = host;
}

// Where HI and HAck come from says how they are protected: one neighbour an address.
void ProtectionReader::check_peer(Section& section, const router::Neighbour& neighbour) {
  if (neighbour.address.is_unspecified()) return;
  const auto [first, fresh] =
      peers_.emplace(neighbour.address, Place{section.line_of("address"), neighbour.name});
  if (!fresh &&
      (neighbour.protection == Protection::kEsp || neighbour.protection == Protection::kHost))
    section.error("address", "is that of " + first->second.what + " too (line " +
                                 std::to_string(first->second.line) +
                                 "); a protected neighbour has an address of its own");
}

std::optional<esp::Pair> ProtectionReader::read_pair(Section& section,
                                                     const router::Neighbour& neighbour) {
  esp::Pair pair;
  pair.peer = neighbour.address;
  read_suite(section);
  read_local(section, pair.local);
  read_outbound(section, neighbour, pair);
  read_inbound(section, neighbour, pair);
  return pair;
}

// E1, E5: one suite, named so that a file says what it means.
void ProtectionReader::read_suite(Section& section) {
  std::string suite(esp::kSuite);
  if (!section.text("suite", suite) || suite == esp::kSuite) return;
  const std::string valid = "the one suite is \"" + std::string(esp::kSuite) + "\"";
  if (suite == "aes-128-gmac")
    section.error("suite",
                  "is \"aes-128-gmac\": with keys set by hand a repeated IV gives the key away "
                  "(RFC 4543 2); " +
                      valid);
  else
    section.error("suite", "is \"" + suite + "\"; " + valid);
}

void ProtectionReader::read_local(Section& section, Ipv6Address& local) {
  section.require("local", "write the address of this router that the neighbour knows");
  if (!section.parsed("local", local, &Ipv6Address::parse, "an address such as 2001:db8:a::1"))
    return;
  if (own_.empty() || std::ranges::find(own_, local) != own_.end()) return;
  section.error("local", "is " + local.text() +
                             ", which this router never has; its key and prefixes give it " +
                             own_.front().text() + (own_.size() > 3 ? " and others" : ""));
}

void ProtectionReader::read_outbound(Section& section, const router::Neighbour& neighbour,
                                     esp::Pair& pair) {
  if (!section.require("outbound", "write {spi = 0x00001000, key_file = \"out.key\"}"))
    return (void)section.raw("outbound");
  const Node* table = section.raw("outbound");
  if (table->kind != Node::Kind::kTable)
    return section.error("outbound", "is " + std::string(name(table->kind)) +
                                         "; write {spi = 0x00001000, key_file = \"out.key\"}");
  Section outbound(table, section.label("outbound"), section.report());
  read_association(outbound, pair.outbound.spi, pair.outbound.key,
                   {table->line, "outbound of " + neighbour.name});
  outbound.finish();
}

void ProtectionReader::read_inbound(Section& section, const router::Neighbour& neighbour,
                                    esp::Pair& pair) {
  bool anti_replay = true;
  section.flag("anti_replay", anti_replay);
  if (!section.require("inbound", "write [{spi = 0x00001000, key_file = \"in.key\"}]"))
    return (void)section.raw("inbound");
  const Node* list = section.raw("inbound");
  const std::vector<Node> items =
      list->kind == Node::Kind::kArray ? list->items : std::vector<Node>{*list};
  if (items.empty() || items.size() > esp::Pair::kMaxInbound)
    return section.error("inbound", "holds " + std::to_string(items.size()) +
                                        " associations; one is wanted, two while a key is changed");
  for (const Node& item : items) {
    if (item.kind != Node::Kind::kTable) {
      section.report().error(item.line,
                             section.label("inbound") + " must hold {spi = ..., key_file = ...}");
      continue;
    }
    esp::Inbound inbound;
    inbound.anti_replay = anti_replay;
    Section table(&item, section.label("inbound"), section.report());
    const Place place{item.line, "inbound of " + neighbour.name};
    read_association(table, inbound.spi, inbound.key, place);
    table.flag("anti_replay", inbound.anti_replay);
    if (inbound.spi >= esp::kLowestSpi) {
      const auto [first, fresh] = inbound_spis_.emplace(inbound.spi, place);
      if (!fresh)
        table.error("spi", "is " + spi_text(inbound.spi) + ", which is " + first->second.what +
                               " too (line " + std::to_string(first->second.line) +
                               "); each inbound association has an SPI of its own");
    }
    if (!inbound.anti_replay)
      table.warning("anti_replay", "is false: who recorded HI and HAck of " + neighbour.name +
                                       " can send them again");
    table.finish();
    pair.inbound.push_back(std::move(inbound));
  }
}

void ProtectionReader::read_association(Section& section, std::uint32_t& spi, esp::Key& key,
                                        const Place& place) {
  section.require("spi", "write the number that both routers agreed on, 256 to 4294967295");
  section.number("spi", spi, esp::kLowestSpi, 0xffffffff);
  std::string path;
  if (!section.require("key_file", "name the file of its key" + std::string(kNewKey)))
    return (void)section.raw("key_file");
  if (!section.text("key_file", path)) return;
  key = read_key_file(section, path);
  if (key) check_key(section, key, place);
}

esp::Key ProtectionReader::read_key_file(Section& section, const std::string& path) {
  const auto file = read_named_file(section, "key_file", path, loading_);
  if (!file) return nullptr;
  // Its group may read it: the daemon's, where root owns the file.
  if ((file->permissions & 027U) != 0) {
    std::array<char, 16> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", file->permissions & 07777U);
    section.error("key_file", "names " + path + ", which others can use (mode " + mode.data() +
                                  "); run: chmod 640 " + path + ", and make a new key");
    return nullptr;
  }
  auto key = esp::read_key(file->octets.expose());
  if (key) return *key;
  section.error("key_file", "names " + path + ", which " +
                                explain(key.error(), file->octets.expose()) + std::string(kNewKey));
  return nullptr;
}

// E7: with one key for two associations a packet of one would be good in the other, so that it
// could be sent back to its sender.
void ProtectionReader::check_key(Section& section, const esp::Key& key, const Place& place) {
  for (const UsedKey& used : keys_)
    if (used.key->equals(*key))
      return section.error("key_file", "holds the key of " + used.place.what + " too (line " +
                                           std::to_string(used.place.line) +
                                           "); each association has a key of its own" +
                                           std::string(kNewKey));
  keys_.push_back({key, place});
}

}  // namespace sendoff::config
