// Attackers with credentials of their own: a neighbouring access router, and a mobile node. What
// theirs entitles them to is theirs; nothing else may follow from it.
#include "keys/authenticator.h"
#include "sim/attackers.h"
#include "sim/forgery.h"
#include "sim/key_pool.h"
#include "sim/places.h"
#include "sim/world.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/send_options.h"

namespace sendoff::sim {

namespace {

using Code = wire::MobilityAddressPrefix::Code;

// Sits in the last router, beside its honest self, and speaks to the others in its name.
class RogueRouter final : public Attacker {
 public:
  explicit RogueRouter(Parts parts)
      : Attacker(std::move(parts)), place_(parts_.world.context().scenario.routers - 1) {
    parts_.world.core().tap = [this](std::size_t place, ByteView packet) {
      if (place == place_) overhear(packet);
    };
  }

  void strike() override {
    const std::size_t other = parts_.dice.below(place_);
    const MobileNode& mobile = some_mobile();
    if (parts_.dice.chance(500'000))
      initiate(other, mobile);
    else
      acknowledge(other, mobile);
  }

 private:
  void overhear(ByteView packet) {
    const auto view = wire::PacketView::parse(packet);
    if (!view || view->upper_protocol != wire::kProtocolMobility) return;
    if (const auto hi = wire::HandoverInitiate::parse(view->upper)) sequence_ = hi->sequence;
  }
  void send_out(Bytes packet) {
    note("sends", packet);
    parts_.world.core().send(place_, share(std::move(packet)));
  }
  // A node that is not there, under an address that may be somebody's.
  void initiate(std::size_t other, const MobileNode& mobile) {
    wire::HandoverInitiate hi;
    hi.sequence = static_cast<std::uint16_t>(parts_.dice.next());
    hi.code = static_cast<std::uint8_t>(parts_.dice.below(3));
    hi.buffer = parts_.dice.chance(500'000);
    hi.assigned_addressing = parts_.dice.chance(300'000);
    const bool true_address = parts_.dice.chance(300'000);
    hi.options.link_address = wire::MobilityLinkAddress{
        wire::MobilityLinkAddress::kMobileNode,
        true_address ? mobile_link_address(mobile.number()) : attacker_link_address(other)};
    const std::size_t claimed = parts_.dice.below(parts_.spies.size());
    hi.options.addresses.push_back({Code::kOldCareOfAddress, 128, address_of(mobile, claimed)});
    hi.options.addresses.push_back({Code::kNewCareOfAddress, 128, address_of(mobile, other)});
    send_out(mobility_packet(router(place_).address(), router(other).address(), hi));
  }
  // An answer to what was asked, or was not, that leads traffic somewhere.
  void acknowledge(std::size_t other, const MobileNode& mobile) {
    wire::HandoverAcknowledge hack;
    hack.sequence =
        parts_.dice.chance(700'000) ? sequence_ : static_cast<std::uint16_t>(parts_.dice.next());
    hack.code = static_cast<std::uint8_t>(parts_.dice.chance(200'000) ? 128 + parts_.dice.below(3)
                                                                      : parts_.dice.below(5));
    hack.options.addresses.push_back(
        {Code::kNewCareOfAddress, 128, address_of(mobile, parts_.dice.below(parts_.spies.size()))});
    hack.options.addresses.push_back({Code::kOldCareOfAddress, 128, address_of(mobile, other)});
    send_out(mobility_packet(router(place_).address(), router(other).address(), hack));
  }

  std::size_t place_;
  std::uint16_t sequence_ = 0;
};

// Asks for keys of its own addresses, as it may, and then speaks of others' under them.
class RogueMobile final : public Attacker {
 public:
  using Attacker::Attacker;

  void strike() override {
    const std::size_t place = some_place();
    read_replies(place);
    const auto key = keys_.find(place);
    if (key == keys_.end() || parts_.dice.chance(200'000)) return ask(place);
    misuse(place, key->second);
  }

 private:
  [[nodiscard]] Ipv6Address own(std::size_t place) const {
    return stranger_identity(0).address(access_prefix(place));
  }
  void ask(std::size_t place) {
    Bytes nonce(6);
    for (std::uint8_t& octet : nonce) octet = static_cast<std::uint8_t>(parts_.dice.next());
    send(place, router_link_address(place),
         signed_packet(
             stranger_identity(0), own(place), router(place).address(),
             key_request(10, attacker_link_address(place), decryption_key(kStrangerPair)->spki()),
             router(place).now().utc, nonce));
  }
  // A Handover Key Reply to it, among what its spy heard.
  void read_replies(std::size_t place) {
    for (const Frame& frame : parts_.spies[place]->heard()) {
      const auto view = wire::PacketView::parse(*frame.packet);
      if (!view || view->header.destination != own(place) || view->upper.size() < 8 ||
          view->upper[0] != 154)
        continue;
      const auto options = wire::OptionList::parse(view->upper.subspan(wire::PrRtAdv::kSize));
      const auto option = options ? options->first(wire::OptionType::kHandoverKeyReply)
                                  : std::optional<wire::RawOption>{};
      const auto reply = option ? wire::HandoverKeyReply::parse(option->octets)
                                : wire::Parsed<wire::HandoverKeyReply>{};
      if (!option || !reply) continue;
      Secret key =
          decryption_key(kStrangerPair)
              ->decrypt(reply->encrypted_key, crypto::key_size(crypto::Algorithm::kHmacSha256_128));
      if (!key.expose().empty()) keys_.insert_or_assign(place, std::move(key));
    }
  }
  void misuse(std::size_t place, const Secret& key) {
    const MobileNode& mobile = some_mobile();
    const std::size_t elsewhere = (place + 1) % parts_.spies.size();
    ForgedUpdate forged;
    forged.router = router(place).address();
    forged.sequence = ++sequence_;
    const bool names_itself = parts_.dice.chance(400'000);
    forged.home_address = names_itself ? own(place) : address_of(mobile, place);
    // Its own traffic onto somebody else, or somebody else's onto itself.
    forged.care_of = names_itself ? address_of(mobile, elsewhere) : own(elsewhere);
    forged.source = parts_.dice.chance(500'000) ? forged.home_address : forged.care_of;
    forged.lifetime_s = parts_.dice.chance(200'000) ? 0 : 60;
    send(place, router_link_address(place),
         update_packet(forged, crypto::Algorithm::kHmacSha256_128, key));
  }

  std::map<std::size_t, Secret> keys_;
  std::uint16_t sequence_ = 0;
};

}  // namespace

std::unique_ptr<Attacker> make_rogue_router(Attacker::Parts parts) {
  return std::make_unique<RogueRouter>(std::move(parts));
}
std::unique_ptr<Attacker> make_rogue_mobile(Attacker::Parts parts) {
  return std::make_unique<RogueMobile>(std::move(parts));
}

}  // namespace sendoff::sim
