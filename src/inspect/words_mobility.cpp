// Mobility Headers in words.
#include "inspect/word_list.h"
#include "inspect/words.h"
#include "wire/mobility.h"

namespace sendoff::inspect {

namespace {

using wire::MobilityType;

// Status values and codes from 128 on are refusals (RFC 5568 6.2.1.2, 6.2.3).
std::string with_refusals(std::uint8_t number, std::span<const std::string_view> accepted) {
  constexpr std::array<std::string_view, 4> kRefused = {
      "refused: reason unspecified", "refused: administratively prohibited",
      "refused: insufficient resources", "refused: incorrect interface identifier length"};
  if (number < 128) return words_of(number, accepted);
  const std::size_t at = std::size_t{number} - 128;
  return std::to_string(number) +
         (at < kRefused.size() ? " (" + std::string(kRefused[at]) + ")" : " (refused)");
}

void tell_options(const wire::MobilityOptions& options, WordList& words) {
  if (options.alternate_care_of)
    words.add("alternate care-of address", options.alternate_care_of->text());
  for (const wire::MobilityAddressPrefix& each : options.addresses) {
    constexpr std::array<std::string_view, 5> kNames = {
        "", "old care-of address", "new care-of address", "NAR's address", "NAR's prefix"};
    words.add(std::string(kNames[static_cast<std::size_t>(each.code)]),
              each.address.text() +
                  (each.prefix_length == 128 ? "" : "/" + std::to_string(each.prefix_length)));
  }
  if (options.link_address)
    words.add("mobile node's link-layer address", options.link_address->address.text());
  if (options.nonce_indices) words.add("nonce indices", "present");
  if (options.authorization)
    words.add("authorization data",
              "SPI " + std::to_string(options.authorization->spi) + ", " +
                  std::to_string(options.authorization->authenticator.size()) +
                  " octets of authenticator");
}

void tell(const wire::FastBindingUpdate& fbu, WordList& words) {
  words.add("sequence", fbu.sequence);
  words.add("flags", std::string(fbu.acknowledge ? "A" : "") + (fbu.home_registration ? "H" : "") +
                         (fbu.link_local ? "L" : "") + (fbu.key_management ? "K" : ""));
  words.add("lifetime", fbu.lifetime_s == 0 ? "0: the binding is to end"
                                            : std::to_string(fbu.lifetime_s) + " s");
  tell_options(fbu.options, words);
}

void tell(const wire::FastBindingAcknowledgement& fback, WordList& words) {
  constexpr std::array<std::string_view, 2> kAccepted = {
      "accepted", "accepted, but use the care-of address given"};
  words.add("sequence", fback.sequence);
  words.add("status", with_refusals(fback.status, kAccepted));
  words.add("lifetime", std::to_string(fback.lifetime_s) + " s");
  tell_options(fback.options, words);
}

void tell(const wire::HandoverInitiate& hi, WordList& words) {
  constexpr std::array<std::string_view, 2> kCodes = {
      "predictive: the FBU came from the previous care-of address",
      "reactive: the FBU came from elsewhere"};
  words.add("sequence", hi.sequence);
  words.add("code", words_of(hi.code, kCodes));
  if (hi.assigned_addressing) words.add("assign an address", "yes");
  if (hi.buffer) words.add("buffer", "yes");
  tell_options(hi.options, words);
}

void tell(const wire::HandoverAcknowledge& hack, WordList& words) {
  constexpr std::array<std::string_view, 5> kAccepted = {
      "accepted, the new care-of address is valid",
      "accepted, the new care-of address is not valid", "accepted, a care-of address was assigned",
      "accepted, use the previous care-of address", "unsolicited"};
  words.add("sequence", hack.sequence);
  words.add("code", with_refusals(hack.code, kAccepted));
  tell_options(hack.options, words);
}

void tell(const wire::BindingError& error, WordList& words) {
  constexpr std::array<std::string_view, 3> kStatus = {"0", "no binding for the home address",
                                                       "message type not recognised"};
  words.add("status", words_of(error.status, kStatus));
  words.add("home address", error.home_address.text());
}

template <typename T>
void tell_header(ByteView header, WordList& words) {
  const auto parsed = T::parse(header);
  if (!parsed) return words.fault(std::string(explain(parsed.error())));
  tell(*parsed, words);
}

}  // namespace

void tell_mobility(ByteView header, Message& message) {
  WordList words(message);
  const auto head = wire::MobilityHeader::parse(header);
  if (!head) return words.fault(std::string(explain(head.error())));
  switch (head->type) {
    case MobilityType::kFastBindingUpdate:
      return tell_header<wire::FastBindingUpdate>(header, words);
    case MobilityType::kFastBindingAcknowledgement:
      return tell_header<wire::FastBindingAcknowledgement>(header, words);
    case MobilityType::kHandoverInitiate:
      return tell_header<wire::HandoverInitiate>(header, words);
    case MobilityType::kHandoverAcknowledge:
      return tell_header<wire::HandoverAcknowledge>(header, words);
    case MobilityType::kBindingError:
      return tell_header<wire::BindingError>(header, words);
  }
}

}  // namespace sendoff::inspect
