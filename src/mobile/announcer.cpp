#include "mobile/announcer.h"

#include <algorithm>

#include "mobile/care_of.h"
#include "send/sender.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::mobile {

namespace {

constexpr std::size_t kMaxItems = 4;
// A receiver that never heard of us takes a time stamp that is TIMESTAMP_DELTA (300 s) old
// (RFC 3971 5.3.4.2); the rest is left for the difference of the clocks.
constexpr Duration kUsable = seconds(240);
// One that remembers us takes none that is 2 s old (TIMESTAMP_FUZZ, twice).
constexpr Duration kFresh = seconds(1);

}  // namespace

Bytes Announcer::compose(const Announcement& announcement) const {
  wire::NeighborAdvertisement head;
  head.override_flag = announcement.override_flag;
  head.target = announcement.address;
  Bytes message;
  append(message, head);
  if (!announcement.link_address.empty())
    append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress,
                                            announcement.link_address});
  return message;
}

bool Announcer::sign(Now now, const Announcement& announcement, bool send_when_signed) {
  auto parameters = own_parameters(config_.identity, announcement.address);
  if (!parameters) return false;
  send::Unsigned message;
  message.source = announcement.address;
  message.destination = announcement.destination;
  message.message = compose(announcement);
  message.parameters = std::move(*parameters);
  auto job =
      send::sign(std::move(message), config_.identity.key, stamps_.next(now), announcement.mtu);
  if (!job) return false;
  if (items_.size() >= kMaxItems) erase(0);
  Item item;
  item.announcement = announcement;
  item.signing = outbox_.start(std::move(*job), machine::JobClass::kSign);
  item.send_when_signed = send_when_signed;
  item.signed_at = now.boot;
  items_.push_back(std::move(item));
  return true;
}

void Announcer::prepare(Now now, const Announcement& announcement) {
  std::erase_if(items_, [&](const Item& item) {
    const bool signed_anew = item.announcement == announcement;
    return !item.signing && now.boot - item.signed_at >= (signed_anew ? kFresh : kUsable);
  });
  if (std::ranges::find(items_, announcement, &Item::announcement) == items_.end())
    (void)sign(now, announcement, false);
}

unsigned Announcer::announce(Now now, const Announcement& announcement) {
  const auto item = std::ranges::find(items_, announcement, &Item::announcement);
  if (item != items_.end() && !item->signing && now.boot - item->signed_at < kUsable) {
    const bool fresh = now.boot - item->signed_at < kFresh;
    transmit(announcement, item->message);
    items_.erase(item);
    return !fresh && sign(now, announcement, true) ? 2 : 1;
  }
  send_unsigned(announcement);
  if (item != items_.end() && item->signing) {
    item->send_when_signed = true;
    return 2;
  }
  return sign(now, announcement, true) ? 2 : 1;
}

void Announcer::repeat(Now now, const Announcement& announcement) {
  if (!sign(now, announcement, true)) send_unsigned(announcement);
}

void Announcer::send_unsigned(const Announcement& announcement) {
  Bytes message = compose(announcement);
  wire::seal_icmpv6(announcement.address, announcement.destination, message);
  if (own_parameters(config_.identity, announcement.address))
    counters_.add(MobileCounter::kUnaUnsigned);
  transmit(announcement, message);
}

void Announcer::transmit(const Announcement& announcement, ByteView message) {
  counters_.add(MobileCounter::kUnaSent);
  outbox_.push(machine::Transmit{
      announcement.interface, announcement.link_destination,
      wire::icmpv6_packet(announcement.address, announcement.destination, message)});
  outbox_.report(announcement.override_flag ? machine::EventKind::kAddressAnnounced
                                            : machine::EventKind::kUnaSent,
                 {{"address", announcement.address.text()}});
}

void Announcer::erase(std::size_t index) {
  Item& item = items_[index];
  if (item.signing) outbox_.push(machine::Cancel{*item.signing});
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(index));
}

void Announcer::withdraw(const Ipv6Address& address) {
  for (std::size_t i = items_.size(); i-- > 0;)
    if (items_[i].announcement.address == address) erase(i);
}

void Announcer::link_left() {
  for (std::size_t i = items_.size(); i-- > 0;)
    if (items_[i].send_when_signed) erase(i);
}

void Announcer::forget() {
  while (!items_.empty()) erase(items_.size() - 1);
}

bool Announcer::owns(machine::JobId job) const {
  return std::ranges::any_of(items_, [&](const Item& item) { return item.signing == job; });
}

void Announcer::complete(Now, const machine::JobResult& result) {
  const auto item =
      std::ranges::find_if(items_, [&](const Item& each) { return each.signing == result.job_id; });
  if (item == items_.end()) return;
  item->signing.reset();
  const auto* made = result.output ? std::get_if<machine::MessageSigned>(&*result.output) : nullptr;
  if (made != nullptr) item->message = made->message;
  if (made != nullptr && item->send_when_signed) transmit(item->announcement, item->message);
  if (made == nullptr || item->send_when_signed) items_.erase(item);
}

}  // namespace sendoff::mobile
