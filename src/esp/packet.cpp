#include "esp/packet.h"

#include "crypto/mac.h"

namespace sendoff::esp {

using wire::ParseError;

namespace {

constexpr auto kMac = crypto::Algorithm::kHmacSha256_128;

}  // namespace

std::size_t fewest_padding(std::size_t payload_size) {
  return (kAlignment - (payload_size + kTrailerSize) % kAlignment) % kAlignment;
}

void Envelope::emit(ByteSpan out, const Secret& key) const {
  invariant(out.size() == size() && padding <= kMaxPadding);
  Writer writer(out);
  writer.u32(spi);
  writer.u32(sequence);
  writer.bytes(payload);
  for (std::size_t i = 1; i <= padding; ++i) writer.u8(static_cast<std::uint8_t>(i));
  writer.u8(static_cast<std::uint8_t>(padding));
  writer.u8(next_header);
  writer.bytes(crypto::mac(kMac, key, out.first(out.size() - kIcvSize)).view());
}

wire::Parsed<Header> Header::parse(ByteView packet) {
  if (packet.size() < kMinSize || packet.size() % kAlignment != 0) return fail(ParseError::kLength);
  Reader in(packet);
  Header header;
  header.spi = in.u32();
  header.sequence = in.u32();
  return header;
}

bool icv_holds(ByteView packet, const Secret& key) {
  invariant(packet.size() >= kIcvSize);
  const std::size_t covered = packet.size() - kIcvSize;
  return crypto::mac_matches(kMac, key, packet.first(covered), packet.subspan(covered));
}

wire::Parsed<Content> Content::parse(ByteView packet) {
  if (packet.size() < kHeaderSize + kTrailerSize + kIcvSize) return fail(ParseError::kLength);
  const ByteView body = packet.subspan(kHeaderSize, packet.size() - kHeaderSize - kIcvSize);
  const std::size_t padded = body.size() - kTrailerSize;
  const std::size_t pad_length = body[padded];
  if (pad_length > padded) return fail(ParseError::kPadLength);
  const ByteView padding = body.subspan(padded - pad_length, pad_length);
  for (std::size_t i = 0; i < padding.size(); ++i)
    if (padding[i] != i + 1) return fail(ParseError::kPadLength);
  return Content{body[padded + 1], body.first(padded - pad_length)};
}

}  // namespace sendoff::esp
