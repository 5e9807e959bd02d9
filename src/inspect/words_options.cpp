// The ND options in words.
#include <optional>

#include "base/text.h"
#include "cga/cga.h"
#include "cga/extension.h"
#include "crypto/mac.h"
#include "crypto/rsa.h"
#include "inspect/word_list.h"
#include "inspect/words.h"
#include "pki/certificate.h"
#include "pki/names.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::inspect {

namespace {

using wire::OptionType;

std::string lifetime(std::uint32_t seconds) {
  return seconds == wire::PrefixInformation::kInfinite ? "for ever"
                                                       : std::to_string(seconds) + " s";
}

std::string says(const wire::LinkAddressOption& option) { return option.address.text(); }

std::string says(const wire::PrefixInformation& option) {
  return (option.router_address
              ? option.address.text() + "/" + std::to_string(option.prefix_length) + " (router)"
              : option.prefix().text()) +
         (option.on_link ? ", on link" : "") + (option.autonomous ? ", autonomous" : "") +
         ", valid " + lifetime(option.valid_lifetime_s) + ", preferred " +
         lifetime(option.preferred_lifetime_s);
}

std::string says(const wire::RedirectedHeader& option) {
  return std::to_string(option.packet.size()) + " octets of the packet";
}

std::string says(const wire::MtuOption& option) { return std::to_string(option.mtu); }

std::string says(const wire::CgaOption& option) {
  const auto parameters = cga::ParametersView::parse(option.parameters);
  if (!parameters)
    return "parameters that cannot be read: " + std::string(name(parameters.error()));
  return "modifier " + to_hex(parameters->modifier) + ", prefix " +
         to_hex(parameters->subnet_prefix) + ", collision count " +
         std::to_string(parameters->collision_count) + ", key " +
         key_words(parameters->public_key) + ", key hash " +
         to_hex(crypto::key_hash(parameters->public_key)) +
         (parameters->extensions.empty()
              ? ""
              : ", extensions " + cga::explain_extensions(parameters->extensions));
}

std::string says(const wire::RsaSignatureOption& option) {
  return "by the key with hash " + to_hex(option.key_hash) + ", " +
         std::to_string(option.content.size()) + " octets with padding";
}

std::string says(const wire::TimestampOption& option) {
  const auto time = time_of_timestamp(option.value);
  return time ? utc_text(*time) : "no time of a calendar: " + std::to_string(option.value);
}

std::string says(const wire::NonceOption& option) { return to_hex(option.nonce); }

std::string says(const wire::TrustAnchorOption& option) {
  using enum wire::TrustAnchorOption::NameType;
  switch (option.name_type) {
    case kDerName: {
      const std::string text = pki::name_text(option.name);
      return text.empty() ? "a name that is no DER name" : text;
    }
    case kFqdn:
      return "host name " +
             printable({reinterpret_cast<const char*>(option.name.data()), option.name.size()});
    case kSkiSha1:
    case kSkiSha224:
    case kSkiSha256:
    case kSkiSha384:
    case kSkiSha512:
      return "key identifier " + to_hex(option.name);
  }
  return "name type " + std::to_string(static_cast<unsigned>(option.name_type));
}

std::string says(const wire::CertificateOption& option) {
  if (option.certificate_type != wire::CertificateOption::kX509)
    return "of type " + std::to_string(option.certificate_type);
  const auto info = pki::inspect(pki::without_padding(option.certificate));
  if (!info) return "unreadable: " + std::string(explain(info.error()));
  return info->subject + ", issued by " + info->issuer + ", until " + utc_text(info->not_after);
}

std::string says(const wire::IpAddressPrefixOption& option) {
  constexpr std::array<std::string_view, 5> kCodes = {
      "code 0", "old care-of address", "new care-of address", "NAR's address", "NAR's prefix"};
  const auto code = static_cast<std::uint8_t>(option.code);
  return (code < kCodes.size() ? std::string(kCodes[code]) : "code " + std::to_string(code)) + " " +
         option.address.text() +
         (option.prefix_length == 128 ? "" : "/" + std::to_string(option.prefix_length));
}

std::string says(const wire::LinkLayerAddressOption& option) {
  constexpr std::array<std::string_view, 8> kCodes = {"any access point",
                                                      "new access point",
                                                      "mobile node",
                                                      "new access router",
                                                      "sender",
                                                      "access point of the current router",
                                                      "access point without prefix information",
                                                      "access point without fast handover"};
  const auto code = static_cast<std::uint8_t>(option.code);
  return (code < kCodes.size() ? std::string(kCodes[code]) : "code " + std::to_string(code)) +
         (option.address.empty() ? "" : " " + option.address.text());
}

std::string says(const wire::NaackOption& option) {
  constexpr std::array<std::string_view, 5> kStatus = {
      "0", "address invalid, configure another", "address invalid, use the one given",
      "address invalid, use the router's in the FBU", "use the previous care-of address, no FBU"};
  const std::string status =
      option.status == 128 ? "link-layer address not recognised" : words_of(option.status, kStatus);
  return status + (option.address ? ", " + option.address->text() : "");
}

std::string says(const wire::RouteInformation& option) {
  return option.prefix.text() + ", " + lifetime(option.lifetime_s);
}

std::string algorithm_words(wire::AlgorithmCode code) {
  const auto algorithm = crypto::algorithm_of(code.value);
  return algorithm ? std::string(name(*algorithm))
                   : "algorithm type " + std::to_string(code.value) + ", which names nothing";
}

std::string says(const wire::HandoverKeyRequest& option) {
  return "for " + algorithm_words(option.algorithm) + ", to be encrypted to " +
         key_words(option.public_key);
}

std::string says(const wire::HandoverKeyReply& option) {
  return "for " + algorithm_words(option.algorithm) + ", lifetime " +
         std::to_string(option.lifetime_s) + " s, " + std::to_string(option.encrypted_key.size()) +
         " octets encrypted";
}

template <typename T>
void tell_option(std::string title, ByteView octets, WordList& words) {
  const auto parsed = T::parse(octets);
  if (parsed) return words.add(std::move(title), says(*parsed));
  words.fault(title + " option: " + std::string(explain(parsed.error())));
  words.add(std::move(title), "malformed: " + std::string(explain(parsed.error())));
}

void tell_option(const wire::RawOption& option, WordList& words) {
  const ByteView octets = option.octets;
  switch (option.type) {
    case OptionType::kSourceLinkAddress:
      return tell_option<wire::LinkAddressOption>("source link-layer address", octets, words);
    case OptionType::kTargetLinkAddress:
      return tell_option<wire::LinkAddressOption>("target link-layer address", octets, words);
    case OptionType::kPrefixInformation:
      return tell_option<wire::PrefixInformation>("prefix", octets, words);
    case OptionType::kRedirectedHeader:
      return tell_option<wire::RedirectedHeader>("redirected", octets, words);
    case OptionType::kMtu:
      return tell_option<wire::MtuOption>("mtu", octets, words);
    case OptionType::kCga:
      return tell_option<wire::CgaOption>("cga", octets, words);
    case OptionType::kRsaSignature:
      return tell_option<wire::RsaSignatureOption>("rsa signature", octets, words);
    case OptionType::kTimestamp:
      return tell_option<wire::TimestampOption>("timestamp", octets, words);
    case OptionType::kNonce:
      return tell_option<wire::NonceOption>("nonce", octets, words);
    case OptionType::kTrustAnchor:
      return tell_option<wire::TrustAnchorOption>("trust anchor", octets, words);
    case OptionType::kCertificate:
      return tell_option<wire::CertificateOption>("certificate", octets, words);
    case OptionType::kIpAddressPrefix:
      return tell_option<wire::IpAddressPrefixOption>("address or prefix", octets, words);
    case OptionType::kLinkLayerAddress:
      return tell_option<wire::LinkLayerAddressOption>("link-layer address", octets, words);
    case OptionType::kNaack:
      return tell_option<wire::NaackOption>("naack", octets, words);
    case OptionType::kRouteInformation:
      return tell_option<wire::RouteInformation>("route", octets, words);
    case OptionType::kHandoverKeyRequest:
      return tell_option<wire::HandoverKeyRequest>("handover key request", octets, words);
    case OptionType::kHandoverKeyReply:
      return tell_option<wire::HandoverKeyReply>("handover key reply", octets, words);
  }
  words.add("option " + std::to_string(static_cast<unsigned>(option.type)),
            std::to_string(octets.size()) + " octets, not known here");
}

}  // namespace

void tell_options(ByteView icmp, WordList& words) {
  const auto offset = wire::options_offset(icmp);
  if (!offset) return;
  const auto options = wire::OptionList::parse(icmp.subspan(*offset));
  if (!options) return words.fault(std::string(explain(options.error())));
  for (const wire::RawOption& option : *options) {
    tell_option(option, words);
    if (option.type == OptionType::kRsaSignature) words.set_prefix("behind the signature: ");
  }
}

}  // namespace sendoff::inspect
