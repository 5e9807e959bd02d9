#include "inspect/send_checks.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "cga/cga.h"
#include "inspect/words.h"
#include "send/receiver.h"
#include "wire/send_options.h"

namespace sendoff::inspect {

namespace {

using send::Kind;
using wire::OptionType;

constexpr std::size_t kMaxNonces = 4096;
constexpr Duration kNonceLife = seconds(60);

std::string_view fault_words(send::Reason reason) {
  using enum send::Reason;
  switch (reason) {
    case kHopLimit:
      return "its hop limit is not 255: it may come from beyond the link";
    case kFragment:
      return "it is a fragment, and is not put together here";
    case kChecksum:
      return "its checksum is wrong";
    case kCode:
      return "its code is not known";
    case kTruncated:
      return "it ends within its fixed part";
    case kOptionStructure:
      return "an option has length 0 or goes on behind the end";
    case kSource:
      return "its source address must not send this";
    case kDestination:
      return "it is not for this destination";
    case kTarget:
      return "no neighbour can have its target";
    case kOptionContent:
      return "it names a link-layer address of nobody";
    default:
      return name(reason);
  }
}

// What SEND accepts from routers only (GS15).
bool needs_certificate(Kind kind) {
  return kind == Kind::kRouterAdvertisement || kind == Kind::kRedirect || kind == Kind::kPrRtAdv;
}

std::string distance_words(std::uint64_t timestamp, UtcTime at) {
  const auto time = time_of_timestamp(timestamp);
  if (!time) return "it is no time of a calendar";
  const double apart_s = std::chrono::duration<double>(*time - at).count();
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3f s %s the capture's clock", std::abs(apart_s),
                apart_s < 0 ? "behind" : "ahead of");
  return text.data();
}

std::vector<Prefix> advertised_prefixes(const send::Message& received) {
  std::vector<Prefix> prefixes;
  if (received.kind != Kind::kRouterAdvertisement) return prefixes;
  for (const wire::RawOption& option : received.options)
    if (option.type == OptionType::kPrefixInformation)
      if (const auto prefix = wire::PrefixInformation::parse(option.octets))
        prefixes.push_back(prefix->prefix());
  return prefixes;
}

}  // namespace

// A signed message, and what of its proof holds.
struct SendChecks::Signed {
  send::Message received;
  wire::RawOption signature_option;
  std::optional<cga::ParametersView> parameters;
  bool cga = false;
  bool signature = false;
  bool solicited = false;
};

SendChecks::SendChecks(std::vector<pki::TrustAnchor> anchors, const pki::Policy& policy)
    : certificates_(std::move(anchors), policy), timestamps_({}), nonces_(kMaxNonces) {}

void SendChecks::learn(const wire::PacketView& packet) {
  if (!certificates_.has_anchors() || packet.upper_protocol != wire::kProtocolIcmpv6 ||
      !wire::CertificationPathAdvertisement::parse(packet.upper))
    return;
  const auto options =
      wire::OptionList::parse(packet.upper.subspan(wire::CertificationPathAdvertisement::kSize));
  if (!options) return;
  for (const wire::RawOption& option : *options)
    if (option.type == OptionType::kCertificate)
      if (const auto certificate = wire::CertificateOption::parse(option.octets))
        certificates_.add(pki::without_padding(certificate->certificate));
}

void SendChecks::judge(const wire::PacketView& packet, Message& message) {
  tell_icmpv6(packet.upper, message);
  const auto kind = send::kind_of(packet.upper);
  if (!kind) {
    const bool sum =
        wire::icmpv6_checksum_ok(packet.header.source, packet.header.destination, packet.upper);
    message.checks.push_back(
        {"form", sum ? Verdict::kGood : Verdict::kBad, sum ? "checksum" : "its checksum is wrong"});
    return;
  }
  if (const auto fault = send::base_checks(packet, *kind, false))
    message.checks.push_back({"form", Verdict::kBad, std::string(fault_words(*fault))});
  else
    message.checks.push_back({"form", Verdict::kGood, "hop limit, checksum, lengths, source"});
  const auto offset = wire::options_offset(packet.upper);
  const auto options = wire::OptionList::parse(packet.upper.subspan(offset.value_or(0)));
  if (!offset || !options || !send::carries_send_options(*kind)) return;
  const auto signature = options->first(OptionType::kRsaSignature);
  if (!signature) {
    message.checks.push_back(
        {"signature", Verdict::kNotMade, "it has none: SEND does not protect it"});
    return;
  }
  Signed each;
  each.received.arrived = {Instant(message.at.time_since_epoch()), message.at};
  each.received.kind = *kind;
  each.received.source = packet.header.source;
  each.received.destination = packet.header.destination;
  each.received.icmp = packet.upper;
  each.received.options = options->before_signature();
  each.signature_option = *signature;
  for (const OptionType type : {OptionType::kCga, OptionType::kTimestamp, OptionType::kNonce})
    if (each.received.options.count(type) > 1)
      message.checks.push_back({"form", Verdict::kBad, "an option of SEND comes twice"});
  message.checks.push_back(cga_check(each));
  message.checks.push_back(signature_check(each));
  if (auto check = nonce_check(each)) message.checks.push_back(std::move(*check));
  message.checks.push_back(timestamp_check(each));
  if (needs_certificate(*kind)) message.checks.push_back(certificate_check(each));
}

Check SendChecks::cga_check(Signed& each) {
  const auto option = each.received.options.first(OptionType::kCga);
  if (!option) return {"cga", Verdict::kBad, "no CGA option stands before the signature"};
  const auto cga = wire::CgaOption::parse(option->octets);
  if (!cga) return {"cga", Verdict::kBad, std::string(explain(cga.error()))};
  const auto parameters = cga::ParametersView::parse(cga->parameters);
  if (!parameters) return {"cga", Verdict::kBad, std::string(explain(parameters.error()))};
  each.parameters = *parameters;
  const Ipv6Address claimed = send::claimed_address(each.received.source, each.received.icmp);
  const auto verified = cga::verify(claimed, *parameters);
  if (!verified) return {"cga", Verdict::kBad, std::string(explain(verified.error()))};
  each.cga = true;
  return {"cga", Verdict::kGood, claimed.text() + ", Sec " + std::to_string(cga::sec_of(claimed))};
}

Check SendChecks::signature_check(Signed& each) {
  const auto bad = [](std::string why) {
    return Check{"signature", Verdict::kBad, std::move(why)};
  };
  const auto signature = wire::RsaSignatureOption::parse(each.signature_option.octets);
  if (!signature) return bad(std::string(explain(signature.error())));
  if (!each.parameters)
    return {"signature", Verdict::kNotMade, "no key: it stands in the CGA option"};
  const ByteView spki = each.parameters->public_key;
  const auto key = crypto::RsaPublicKey::parse(spki);
  if (!key) return bad("the key is none that is accepted: " + std::string(name(key.error())));
  if (crypto::key_hash(spki) != signature->key_hash)
    return bad("its Key Hash names another key than the CGA option");
  if (signature->content.size() < key->modulus_size())
    return bad("it is shorter than the modulus of the key");
  const std::size_t before =
      *wire::options_offset(each.received.icmp) + each.signature_option.offset;
  const Bytes input = wire::signature_input(each.received.source, each.received.destination,
                                            each.received.icmp, before);
  each.signature =
      crypto::verify_sha1(*key, crypto::sha1(input), signature->content.first(key->modulus_size()));
  if (!each.signature) return bad("it was made over another message, or by another key");
  return {"signature", Verdict::kGood, "RSA, " + std::to_string(key->bits()) + " bits"};
}

std::optional<Check> SendChecks::nonce_check(Signed& each) {
  const send::Message& received = each.received;
  const auto option = received.options.first(OptionType::kNonce);
  const bool asks = send::is_solicitation(received.kind);
  if (!option) {
    if (!asks) return std::nullopt;
    return Check{"nonce", Verdict::kBad, "a signed solicitation must have one"};
  }
  const auto nonce = wire::NonceOption::parse(option->octets);
  if (!nonce) return Check{"nonce", Verdict::kBad, std::string(explain(nonce.error()))};
  const Instant now = received.arrived.boot;
  if (asks) {
    nonces_.remember(*send::question_of(received), to_bytes(nonce->nonce), now + kNonceLife);
    return Check{"nonce", Verdict::kGood, "the answer has to repeat it"};
  }
  const auto question = send::question_of(received);
  if (!question) return std::nullopt;
  each.solicited = nonces_.sent(*question, nonce->nonce, now);
  if (each.solicited)
    return Check{"nonce", Verdict::kGood, "a solicitation in the capture asked with it"};
  return Check{"nonce", Verdict::kNotMade,
               "no solicitation of the minute before asked with it in this capture"};
}

Check SendChecks::timestamp_check(const Signed& each) {
  const send::Message& received = each.received;
  const auto option = received.options.first(OptionType::kTimestamp);
  if (!option) return {"timestamp", Verdict::kBad, "a signed message must have one"};
  const auto timestamp = wire::TimestampOption::parse(option->octets);
  if (!timestamp) return {"timestamp", Verdict::kBad, std::string(explain(timestamp.error()))};
  const std::string distance = distance_words(timestamp->value, received.arrived.utc);
  if (!each.parameters) return {"timestamp", Verdict::kNotMade, "no key to know the sender by"};
  const send::Peer peer{{},
                        send::claimed_address(received.source, received.icmp),
                        crypto::key_hash(each.parameters->public_key)};
  const bool known = timestamps_.known(peer);
  const bool fresh = timestamps_.fresh(peer, timestamp->value, received.arrived);
  if (each.cga && each.signature && (fresh || each.solicited))
    (void)timestamps_.accept(peer, timestamp->value, received.arrived, cga::sec_of(peer.address));
  if (fresh) return {"timestamp", Verdict::kGood, distance};
  if (each.solicited)
    return {"timestamp", Verdict::kNotMade, "not needed beside the nonce; " + distance};
  return {"timestamp", Verdict::kBad,
          known ? "older than the sender's last one allows; " + distance : distance};
}

Check SendChecks::certificate_check(const Signed& each) const {
  if (!each.parameters) return {"certificate", Verdict::kNotMade, "no key to find it by"};
  return certificates_.check(each.parameters->public_key, advertised_prefixes(each.received),
                             each.received.arrived.utc);
}

}  // namespace sendoff::inspect
