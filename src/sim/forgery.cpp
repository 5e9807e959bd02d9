#include "sim/forgery.h"

#include "datapath/encapsulation.h"
#include "keys/authenticator.h"
#include "machine/job.h"
#include "send/sender.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::sim {

namespace {

constexpr std::uint32_t kMtu = 1500;

}  // namespace

Bytes unsigned_packet(const Ipv6Address& source, const Ipv6Address& destination, Bytes message) {
  wire::seal_icmpv6(source, destination, message);
  return wire::icmpv6_packet(source, destination, message);
}

Bytes signed_packet(const send::Identity& identity, const Ipv6Address& source,
                    const Ipv6Address& destination, Bytes message, UtcTime utc, ByteView nonce,
                    const std::optional<Ipv6Address>& claimed) {
  send::Unsigned draft;
  draft.source = source;
  draft.destination = destination;
  draft.message = std::move(message);
  draft.parameters = identity.parameters(Prefix(source, 64));
  if (!nonce.empty()) draft.nonce = to_bytes(nonce);
  auto job = send::sign(std::move(draft), identity.key, utc, kMtu);
  if (!job) return {};
  job->source = claimed.value_or(source);
  const Ipv6Address from = job->source;
  const auto done = machine::execute(machine::Job(std::move(*job)));
  const auto* made = done ? std::get_if<machine::MessageSigned>(&*done) : nullptr;
  return made == nullptr ? Bytes{} : wire::icmpv6_packet(from, destination, made->message);
}

Bytes key_request(std::uint16_t identifier, const LinkAddress& from, ByteView spki) {
  using wire::LinkLayerAddressOption;
  Bytes message;
  append(message, wire::RtSolPr{identifier});
  append(message, LinkLayerAddressOption{LinkLayerAddressOption::Code::kSource, from});
  append(message, LinkLayerAddressOption{});
  if (!spki.empty())
    append(message, wire::HandoverKeyRequest{
                        {static_cast<std::uint8_t>(crypto::Algorithm::kHmacSha256_128)}, spki});
  return message;
}

Bytes update_packet(const ForgedUpdate& update, crypto::Algorithm algorithm, const Secret& key) {
  wire::FastBindingUpdate fbu;
  fbu.sequence = update.sequence;
  fbu.acknowledge = fbu.home_registration = true;
  fbu.lifetime_s = update.lifetime_s;
  if (update.care_of != update.source) fbu.options.alternate_care_of = update.care_of;
  const Bytes header = keys::authenticated(
      fbu, algorithm, key, keys::care_of_term(fbu, update.home_address, update.source),
      update.router, update.home_address, update.router);
  wire::Ipv6Header ip;
  ip.next_header = wire::kProtocolDestinationOptions;
  ip.source = update.source;
  ip.destination = update.router;
  Bytes extension;
  append(extension, wire::HomeAddressHeader{wire::kProtocolMobility, update.home_address});
  return wire::build_packet(ip, extension, header);
}

template <typename Message>
Bytes mobility_packet(const Ipv6Address& source, const Ipv6Address& destination,
                      const Message& message) {
  Bytes header;
  append(header, message);
  wire::seal_mobility(source, destination, header);
  wire::Ipv6Header ip;
  ip.next_header = wire::kProtocolMobility;
  ip.source = source;
  ip.destination = destination;
  return wire::build_packet(ip, {}, header);
}

template Bytes mobility_packet(const Ipv6Address&, const Ipv6Address&,
                               const wire::FastBindingAcknowledgement&);
template Bytes mobility_packet(const Ipv6Address&, const Ipv6Address&,
                               const wire::HandoverInitiate&);
template Bytes mobility_packet(const Ipv6Address&, const Ipv6Address&,
                               const wire::HandoverAcknowledge&);

Bytes tampered(ByteView packet, std::uint64_t where, std::uint8_t with) {
  Bytes bent = to_bytes(packet);
  const auto view = wire::PacketView::parse(bent);
  if (!view || view->upper.size() < 8) return bent;
  const auto begin = static_cast<std::size_t>(view->upper.data() - bent.data());
  const auto upper = ByteSpan(bent).subspan(begin, view->upper.size());
  upper[where % upper.size()] ^= static_cast<std::uint8_t>(with | 1U);
  if (view->upper_protocol == wire::kProtocolIcmpv6)
    wire::seal_icmpv6(view->header.source, view->header.destination, upper);
  else if (view->upper_protocol == wire::kProtocolMobility)
    wire::seal_mobility(view->home_address.value_or(view->header.source), view->header.destination,
                        upper);
  return bent;
}

bool is_signal(ByteView packet) { return datapath::is_signalling(packet); }

}  // namespace sendoff::sim
