#include "pki/blocks.h"

#include <bit>

#include "pki/der.h"

namespace sendoff::pki {

namespace {

constexpr std::uint16_t kAfiIpv6 = 2;

Ipv6Address last_of(const Ipv6Address& address, std::size_t length) {
  Ipv6Address::Octets octets = address.octets();
  for (std::size_t bit = length; bit < 128;) {
    if (bit % 8 == 0) {
      octets[bit / 8] = 0xff;
      bit += 8;
    } else {
      octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | 0x80 >> bit % 8);
      ++bit;
    }
  }
  return Ipv6Address(octets);
}

// The address behind `address`; nothing behind the highest.
std::optional<Ipv6Address> successor(const Ipv6Address& address) {
  Ipv6Address::Octets octets = address.octets();
  for (std::size_t i = octets.size(); i-- > 0;)
    if (++octets[i] != 0) return Ipv6Address(octets);
  return std::nullopt;
}

std::size_t trailing_zero_bits(const Ipv6Address& address) {
  std::size_t bits = 0;
  for (std::size_t i = Ipv6Address::kSize; i-- > 0; bits += 8)
    if (address.octets()[i] != 0)
      return bits + static_cast<std::size_t>(std::countr_zero(address.octets()[i]));
  return bits;
}

// A BIT STRING of at most 128 bits: the bits, left-aligned, zeros behind them.
struct Bits {
  Ipv6Address address;
  std::uint8_t count = 0;

  [[nodiscard]] bool last_bit() const {
    return (address.octets()[static_cast<std::size_t>(count - 1) / 8] >> (7 - (count - 1) % 8) &
            1) != 0;
  }
};

std::optional<Bits> parse_bits(ByteView content) {
  if (content.empty() || content.size() > 1 + Ipv6Address::kSize) return std::nullopt;
  const std::size_t unused = content[0];
  const ByteView octets = content.subspan(1);
  if (unused > 7 || (octets.empty() && unused != 0)) return std::nullopt;
  Ipv6Address::Octets padded{};
  std::ranges::copy(octets, padded.begin());
  Bits bits{Ipv6Address(padded), static_cast<std::uint8_t>(octets.size() * 8 - unused)};
  if (Prefix(bits.address, bits.count).address() != bits.address) return std::nullopt;
  return bits;
}

std::optional<AddressRange> parse_range(ByteView content) {
  DerReader reader(content);
  const auto min = reader.next(tag::kBitString);
  const auto max = reader.next(tag::kBitString);
  if (!min || !max || !reader.done()) return std::nullopt;
  const auto low = parse_bits(min->content);
  const auto high = parse_bits(max->content);
  if (!low || !high) return std::nullopt;
  // 2.2.3.9: trailing zeros of the minimum and ones of the maximum are removed, but a maximum keeps
  // at least one bit that is set: the highest address is a single one.
  if (low->count > 0 && !low->last_bit()) return std::nullopt;
  if (high->address.is_unspecified()) return std::nullopt;
  if (high->last_bit() && high->count != 1) return std::nullopt;
  const AddressRange range{low->address, last_of(high->address, high->count)};
  if (range.last < range.first) return std::nullopt;
  // 2.2.3.7: what is a prefix is encoded as one.
  const std::size_t zeros = trailing_zero_bits(range.first);
  for (std::size_t length = 128 - zeros; length <= 128; ++length)
    if (last_of(range.first, length) == range.last) return std::nullopt;
  return range;
}

std::optional<AddressSet> parse_set(ByteView content) {
  AddressSet set;
  DerReader reader(content);
  while (!reader.done()) {
    const auto element = reader.next();
    if (!element) return std::nullopt;
    std::optional<AddressRange> range;
    if (element->tag == tag::kBitString) {
      const auto bits = parse_bits(element->content);
      if (bits) range = AddressRange{bits->address, last_of(bits->address, bits->count)};
    } else if (element->tag == tag::kSequence) {
      range = parse_range(element->content);
    }
    if (!range || !set.append(*range)) return std::nullopt;
  }
  if (set.empty()) return std::nullopt;
  return set;
}

}  // namespace

AddressRange AddressRange::of(const Prefix& prefix) {
  return {prefix.address(), last_of(prefix.address(), prefix.length())};
}

AddressSet AddressSet::of(const std::vector<Prefix>& prefixes) {
  std::vector<AddressRange> ranges;
  ranges.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) ranges.push_back(AddressRange::of(prefix));
  std::ranges::sort(ranges);
  AddressSet set;
  for (const AddressRange& range : ranges) {
    if (set.append(range)) continue;
    set.ranges_.back().last = std::max(set.ranges_.back().last, range.last);
  }
  return set;
}

bool AddressSet::append(const AddressRange& range) {
  if (!ranges_.empty()) {
    const auto next = successor(ranges_.back().last);
    if (!next || range.first <= *next) return false;
  }
  ranges_.push_back(range);
  return true;
}

bool AddressSet::is_everything() const {
  return ranges_.size() == 1 && ranges_[0] == AddressRange::of(Prefix());
}

bool AddressSet::encompasses(const AddressSet& other) const {
  return std::ranges::all_of(other.ranges_, [this](const AddressRange& inner) {
    return std::ranges::any_of(ranges_, [&inner](const AddressRange& outer) {
      return outer.first <= inner.first && inner.last <= outer.last;
    });
  });
}

std::vector<Prefix> AddressSet::prefixes() const {
  std::vector<Prefix> prefixes;
  for (const AddressRange& range : ranges_) {
    std::optional<Ipv6Address> at = range.first;
    while (at && *at <= range.last) {
      std::size_t length = 128 - trailing_zero_bits(*at);
      while (last_of(*at, length) > range.last) ++length;
      prefixes.emplace_back(*at, static_cast<std::uint8_t>(length));
      at = successor(last_of(*at, length));
    }
  }
  return prefixes;
}

std::optional<AddressBlocks> parse_blocks(ByteView extension_value) {
  const auto families = sole(extension_value, tag::kSequence);
  if (!families) return std::nullopt;
  std::optional<AddressBlocks> ipv6;
  int previous = -1;
  DerReader reader(*families);
  while (!reader.done()) {
    const auto family = reader.next(tag::kSequence);
    if (!family) return std::nullopt;
    DerReader fields(family->content);
    const auto name = fields.next(tag::kOctetString);
    const auto choice = fields.next();
    if (!name || name->content.size() != 2 || !choice || !fields.done()) return std::nullopt;
    const std::uint16_t afi = Reader(name->content).u16();
    if (afi <= previous) return std::nullopt;  // 2.2.3.3: ascending, one of each
    previous = afi;
    if (afi != kAfiIpv6) continue;
    ipv6.emplace();
    if (choice->tag == tag::kNull && choice->content.empty()) {
      ipv6->inherit = true;
    } else if (choice->tag == tag::kSequence) {
      auto set = parse_set(choice->content);
      if (!set) return std::nullopt;
      ipv6->set = std::move(*set);
    } else {
      return std::nullopt;
    }
  }
  return ipv6;
}

}  // namespace sendoff::pki
