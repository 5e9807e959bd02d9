#include "inspect/handover_checks.h"

#include <array>
#include <cstdio>

#include "esp/packet.h"
#include "inspect/words.h"
#include "keys/authenticator.h"

namespace sendoff::inspect {

namespace {

constexpr std::size_t kMaxUpdates = 1024;
constexpr const char* kFragmentWords = "it is a fragment, and is not put together here";

bool is_between_routers(ByteView header) {
  const auto head = wire::MobilityHeader::parse(header);
  return head && (head->type == wire::MobilityType::kHandoverInitiate ||
                  head->type == wire::MobilityType::kHandoverAcknowledge);
}

}  // namespace

void HandoverChecks::judge_mobility(const wire::PacketView& packet, Message& message) {
  judge_header(packet, packet.upper, message);
  if (is_between_routers(packet.upper))
    message.checks.push_back({"esp", Verdict::kNotMade, "it came in clear"});
}

void HandoverChecks::judge_header(const wire::PacketView& packet, ByteView header,
                                  Message& message) {
  tell_mobility(header, message);
  const auto head = wire::MobilityHeader::parse(header);
  if (!head) return;
  const Ipv6Address& source = packet.home_address ? *packet.home_address : packet.header.source;
  const Ipv6Address& destination =
      packet.routing ? packet.routing->home_address : packet.header.destination;
  const ByteView whole = header.first(head->octets());
  const bool sum = wire::mobility_checksum_ok(source, destination, whole);
  message.checks.push_back({"form", sum && !packet.fragment ? Verdict::kGood : Verdict::kBad,
                            packet.fragment ? kFragmentWords
                            : sum           ? "checksum, lengths"
                                            : "its checksum is wrong"});
  if (!message.problem.empty()) return;
  if (packet.home_address) message.lines.push_back({"home address", packet.home_address->text()});
  if (head->type == wire::MobilityType::kFastBindingUpdate) judge_update(packet, whole, message);
  if (head->type == wire::MobilityType::kFastBindingAcknowledgement)
    judge_acknowledgement(packet, whole, message);
}

void HandoverChecks::judge_update(const wire::PacketView& packet, ByteView header,
                                  Message& message) {
  const auto fbu = wire::FastBindingUpdate::parse(header);
  if (!fbu) return;
  if (!packet.home_address)
    message.checks.push_back(
        {"form", Verdict::kBad, "it has no Home Address option, which tells whose it is (GF24)"});
  Update update;
  update.source = packet.header.source;
  update.pcoa = packet.home_address.value_or(update.source);
  update.care_of = keys::care_of_term(*fbu, update.pcoa, update.source);
  update.par = packet.header.destination;
  update.sequence = fbu->sequence;
  message.checks.push_back(mac_check(header, fbu->options.authorization, update));
  if (updates_.size() >= kMaxUpdates) updates_.pop_front();
  updates_.push_back(update);
}

void HandoverChecks::judge_acknowledgement(const wire::PacketView& packet, ByteView header,
                                           Message& message) {
  const auto fback = wire::FastBindingAcknowledgement::parse(header);
  if (!fback) return;
  const Ipv6Address& destination = packet.header.destination;
  const auto answers = [&](const Update& update) {
    if (update.par != packet.header.source || update.sequence != fback->sequence) return false;
    if (packet.routing) return packet.routing->home_address == update.pcoa;
    return destination == update.pcoa || destination == update.source ||
           destination == update.care_of;
  };
  Check best{"mac", Verdict::kNotMade, "the FBU that it answers is not in the capture"};
  for (auto update = updates_.rbegin(); update != updates_.rend(); ++update) {
    if (!answers(*update)) continue;
    Check check = mac_check(header, fback->options.authorization, *update);
    const bool good = check.verdict == Verdict::kGood;
    if (good || best.verdict == Verdict::kNotMade) best = std::move(check);
    if (good) break;
  }
  message.checks.push_back(std::move(best));
}

Check HandoverChecks::mac_check(ByteView header,
                                const std::optional<wire::AuthorizationData>& authorization,
                                const Update& update) const {
  if (!authorization)
    return {"mac", Verdict::kBad, "it has no authorization data, which FBU and FBack must have"};
  Check check{"mac", Verdict::kNotMade, "no key given for " + update.pcoa.text()};
  for (const HandoverKey& key : keys_.handover) {
    if (key.pcoa != update.pcoa) continue;
    const auto checked =
        keys::check(header, authorization, key.algorithm, key.key, update.care_of, update.par);
    if (checked)
      return {
          "mac", Verdict::kGood,
          std::string(crypto::name(key.algorithm)) + " by the key " + keys::fingerprint(key.key)};
    check.verdict = Verdict::kBad;
    switch (checked.error()) {
      case keys::AuthenticationError::kMissing:
      case keys::AuthenticationError::kSpi:
        check.why = "its SPI is not 0, which names keys of RFC 5269";
        break;
      case keys::AuthenticationError::kLength:
        check.why = "the authenticator has not the length or the place that " +
                    std::string(crypto::name(key.algorithm)) + " demands";
        break;
      case keys::AuthenticationError::kMac:
        check.why = "made by another key than " + keys::fingerprint(key.key) +
                    ", over other octets, or for other addresses";
        break;
    }
  }
  return check;
}

void HandoverChecks::judge_esp(const wire::PacketView& packet, Message& message) {
  const auto header = esp::Header::parse(packet.upper);
  if (!header) {
    message.problem = explain(header.error());
    return;
  }
  std::array<char, 16> spi{};
  std::snprintf(spi.data(), spi.size(), "0x%08x", header->spi);
  message.lines.push_back({"spi", spi.data()});
  message.lines.push_back({"esp sequence", std::to_string(header->sequence)});
  if (packet.fragment) {
    message.checks.push_back({"esp", Verdict::kNotMade, kFragmentWords});
    return;
  }
  Check check{"esp", Verdict::kNotMade, "no key given for SPI " + std::string(spi.data())};
  for (const EspKey& key : keys_.esp) {
    if (key.spi != header->spi) continue;
    const bool holds = esp::icv_holds(packet.upper, *key.key);
    check.verdict = holds ? Verdict::kGood : Verdict::kBad;
    check.why = holds ? "the integrity check value fits the key of the SPI"
                      : "the integrity check value does not fit the key given for the SPI";
    if (holds) break;
  }
  const bool opened = check.verdict == Verdict::kGood;
  message.checks.push_back(std::move(check));
  if (!opened) return;
  const auto content = esp::Content::parse(packet.upper);
  if (!content)
    message.problem = explain(content.error());
  else if (content->next_header == wire::kProtocolMobility)
    judge_header(packet, content->payload, message);
}

}  // namespace sendoff::inspect
