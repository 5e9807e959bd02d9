#include "system/forgery.h"

#include <fstream>
#include <iterator>

#include "crypto/rsa.h"
#include "machine/job.h"
#include "net/clock.h"
#include "send/sender.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::test {

namespace {

Bytes fbu_packet(const Frame& original, const Ipv6Address& home_address, Bytes header) {
  wire::seal_mobility(home_address, original.view.header.destination, header);
  Bytes extension;
  append(extension, wire::HomeAddressHeader{wire::kProtocolMobility, home_address});
  wire::Ipv6Header ip;
  ip.next_header = wire::kProtocolDestinationOptions;
  ip.source = original.view.header.source;
  ip.destination = original.view.header.destination;
  return wire::build_packet(ip, extension, header);
}

bool is_send_option(wire::OptionType type) {
  const auto number = static_cast<std::uint8_t>(type);
  return number >= 11 && number <= 14;
}

}  // namespace

Bytes changed_fbu(const Frame& fbu, const std::function<void(wire::FastBindingUpdate&)>& change) {
  auto message = wire::FastBindingUpdate::parse(fbu.view.upper);
  if (!message || !fbu.view.home_address) {
    ADD_FAILURE() << "no FBU: " << fbu.text();
    return {};
  }
  change(*message);
  Bytes header;
  append(header, *message);
  return fbu_packet(fbu, *fbu.view.home_address, std::move(header));
}

Bytes fbu_in_the_name_of(const Ipv6Address& home_address, const Frame& fbu) {
  return fbu_packet(fbu, home_address, to_bytes(fbu.view.upper));
}

Bytes hack_for(const Frame& hi, std::uint8_t code, const std::optional<Ipv6Address>& ncoa) {
  const auto asked = wire::HandoverInitiate::parse(hi.view.upper);
  if (!asked) {
    ADD_FAILURE() << "no HI: " << hi.text();
    return {};
  }
  wire::HandoverAcknowledge hack;
  hack.sequence = asked->sequence;
  hack.code = code;
  if (ncoa)
    hack.options.addresses.push_back(
        {wire::MobilityAddressPrefix::Code::kNewCareOfAddress, 128, *ncoa});
  return mobility_packet(hi.view.header.destination, hi.view.header.source, hack);
}

Bytes naack_of_nar(const Bed& bed, const Frame& advertisement, const Ipv6Address& destination,
                   std::uint8_t status, bool with_link_address) {
  const lab::NodeKey& own = bed.router_key(Side::kNar);
  std::ifstream file(own.path);
  const Bytes pem{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto key = crypto::SigningKey::from_pem(pem);
  const ByteView upper = advertisement.view.upper;
  const auto options = wire::OptionList::parse(upper.subspan(wire::RouterAdvertisement::kSize));
  if (!key || !options) {
    ADD_FAILURE() << "cannot sign in the name of the NAR";
    return {};
  }
  send::Unsigned message;
  message.source = advertisement.view.header.source;
  message.destination = destination;
  message.message = to_bytes(upper.first(wire::RouterAdvertisement::kSize));
  for (const wire::RawOption& option : *options)
    if (!is_send_option(option.type) &&
        (with_link_address || option.type != wire::OptionType::kSourceLinkAddress))
      message.message.insert(message.message.end(), option.octets.begin(), option.octets.end());
  append(message.message, wire::NaackOption{0, status, std::nullopt});
  const send::Identity identity{*key, own.modifier, 0, {}};
  message.parameters = identity.parameters(send::link_local_prefix());
  auto job = send::sign(std::move(message), *key, net::read_clocks().utc, 1500);
  if (!job) {
    ADD_FAILURE() << name(job.error());
    return {};
  }
  const auto output = machine::execute(machine::Job(std::move(*job)));
  const auto* signed_message = output ? std::get_if<machine::MessageSigned>(&*output) : nullptr;
  if (signed_message == nullptr) return {};
  return wire::icmpv6_packet(advertisement.view.header.source, destination,
                             signed_message->message);
}

}  // namespace sendoff::test
