// FMIPv6 idle: with the daemons running and nobody handing over, the kernels of the node and of the
// new router treat Neighbor Discovery (RFC 4861) and duplicate addresses (RFC 4862) as they do
// without any daemon, and a plain host configures itself by what the router advertises as by any
// other advertisement (RFC 5568 7).
#include <array>
#include <functional>
#include <sstream>

#include "lab/links.h"
#include "support/covers.h"
#include "system/bed.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"

namespace sendoff::test {
namespace {

const Ipv6Address kUnknown = Ipv6Address::literal("2001:db8:a:2::50");
const Ipv6Address kNeighbour = Ipv6Address::literal("2001:db8:a:2::51");
const Ipv6Address kNodesNeighbour = Ipv6Address::literal("2001:db8:a:1::51");
const LinkAddress kFirstLink = LinkAddress::literal("02:00:00:00:09:51");
const LinkAddress kSecondLink = LinkAddress::literal("02:00:00:00:09:52");
constexpr std::uint8_t kUnreachable = 1;

class Idle : public Packets {
 protected:
  // What one kernel does, a line for each question put to it.
  using Behaviour = std::vector<std::string>;

  const Wiretap& links() { return bed_->links(); }
  void inject(Place place, const LinkAddress& from, ByteView packet) {
    const bool node = place == Place::kMobileLink;
    const auto view = wire::PacketView::parse(packet);
    const LinkAddress to = view->header.destination.is_multicast()
                               ? group_link(view->header.destination)
                           : node ? lab::mobile_link()
                                  : bed_->router_link(Side::kNar);
    links().inject(place, from, to, packet);
  }
  void settle(Place place) {
    if (place == Place::kMobileLink)
      bed_->wait_for_node();
    else
      (void)bed_->answers_of_router(Side::kNar, Ipv6Address::literal("2001:db8:a:2::77"));
  }
  // The advertisements that a question brought about: their flags and where they went.
  std::string answers(Place place, const Ipv6Address& target, ByteView question) {
    const Mark since = links().mark();
    inject(place, Bed::stranger(), question);
    settle(place);
    std::string text;
    for (const Seen& answer :
         links().all(at(place) && from_node() && advertisement(target), since)) {
      const Flags flags = flags_of(*answer);
      text += std::string(flags.router ? "R" : "-") + (flags.solicited ? "S" : "-") +
              (flags.override_flag ? "O" : "-") + " to " + answer->view.header.destination.text() +
              " hop limit " + std::to_string(answer->view.header.hop_limit) + " link " +
              (target_link_address(*answer) == answer->from ? "own" : "none") + "; ";
    }
    return text.empty() ? "nothing" : text;
  }
  void ask_about(Place place, const Ipv6Address& own, Behaviour& seen);
  void ask_about_neighbours(Place place, const Ipv6Address& neighbour, Behaviour& seen);
  void ask_about_detection(Place place, const Prefix& prefix, Behaviour& seen);
  void ask_host_to_configure(bool daemons, Behaviour& seen);
  void ask_nar_about_unreachable(Behaviour& seen);
  void ask_for_redirect(Behaviour& seen);
  const lab::Namespace& space_of(Place place) {
    return place == Place::kMobileLink ? bed_->network().mobile()
                                       : bed_->network().router(Side::kNar);
  }
  std::string entry(Place place, const Ipv6Address& address) {
    const std::string text = Bed::run_in(space_of(place), "ip -6 neigh show " + address.text());
    std::string out;
    for (const char* word : {"INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED"})
      if (text.find(word) != text.npos) out = word;
    for (const LinkAddress& link : {kFirstLink, kSecondLink})
      if (text.find(link.text()) != text.npos) out += " " + link.text();
    return out.empty() ? "no entry" : out;
  }
  Behaviour behaviour(bool daemons);
};

// Solicitations of every kind for an address of the node's own.
void Idle::ask_about(Place place, const Ipv6Address& own, Behaviour& seen) {
  const Ipv6Address group = own.solicited_node();
  const Ipv6Address asker = Bed::stranger_address();
  const std::string to = std::string(name(place)) + ", " + own.text() + ": ";
  seen.push_back(to + "by group: " +
                 answers(place, own, solicitation_packet(asker, Bed::stranger(), group, own)));
  seen.push_back(to + "by unicast: " +
                 answers(place, own, solicitation_packet(asker, Bed::stranger(), own, own)));
  seen.push_back(to + "detection: " +
                 answers(place, own, solicitation_packet({}, Bed::stranger(), group, own)));
  Bytes from_afar = solicitation_packet(asker, Bed::stranger(), group, own);
  from_afar[7] = 254;
  seen.push_back(to + "from afar: " + answers(place, own, from_afar));
  const Ipv6Address nobodys = Ipv6Address::literal("2001:db8:a:2::49");
  seen.push_back(
      to + "for another: " +
      answers(place, nobodys,
              solicitation_packet(asker, Bed::stranger(), nobodys.solicited_node(), nobodys)));
}

// A neighbour's entry from nothing: announced before it is asked for, asked for, answered, claimed
// by another with and without Override.
void Idle::ask_about_neighbours(Place place, const Ipv6Address& neighbour, Behaviour& seen) {
  const bool node = place == Place::kMobileLink;
  const Ipv6Address own = node ? bed_->pcoa() : bed_->router_address(Side::kNar);
  const auto claim = [&](Flags flags, const LinkAddress& link) {
    const Ipv6Address to = flags.solicited ? own : kAllNodes;
    inject(place, link, advertisement_packet(neighbour, to, neighbour, flags, link));
    settle(place);
  };
  const std::string of = std::string(name(place)) + ", ";
  claim({.override_flag = true}, kFirstLink);
  seen.push_back(of + "announced, never asked for: " + entry(place, neighbour));
  const Mark since = links().mark();
  bed_->send(node ? bed_->network().mobile() : bed_->network().correspondent(), std::nullopt,
             neighbour, "first");
  const Match question = at(place) && from_node() && solicitation(neighbour);
  const Seen asked = links().wait(question, since);
  seen.push_back(of + "asked for " + (asked ? asked->view.header.destination.text() : "never") +
                 ": " + entry(place, neighbour));
  claim({.solicited = true, .override_flag = true}, kFirstLink);
  const Seen delivered = links().wait(at(place) && from_node() && plain("first"), since);
  seen.push_back(of + "answered: " + entry(place, neighbour) + ", the packet to " +
                 (delivered ? delivered->to.text() : "nobody"));
  claim({}, kSecondLink);
  seen.push_back(of + "claimed without Override: " + entry(place, neighbour));
  claim({.override_flag = true}, kSecondLink);
  seen.push_back(of + "claimed with Override: " + entry(place, neighbour));
}

// Two addresses that somebody gives the host by hand: one that is free, and one that another has.
void Idle::ask_about_detection(Place place, const Prefix& prefix, Behaviour& seen) {
  const std::string device = " dev " + std::string(lab::kAccessInterface);
  lab::Links(space_of(place))
      .set("net/ipv6/conf/" + std::string(lab::kAccessInterface) + "/dad_transmits", "4");
  for (const bool taken : {false, true}) {
    Ipv6Address::Octets octets = prefix.address().octets();
    octets[15] = taken ? 0xd1 : 0xd0;
    const Ipv6Address address(octets);
    const Mark since = links().mark();
    std::string said =
        Bed::run_in(space_of(place), "ip -6 addr add " + address.text() + "/64" + device);
    const Match probe = at(place) && from_node() && solicitation(address) && source({});
    const Seen first = links().wait(probe, since);
    said += first ? "probe to " + first->view.header.destination.text() + ", " : "no probe, ";
    if (taken)
      inject(
          place, kFirstLink,
          advertisement_packet(address, kAllNodes, address, {.override_flag = true}, kFirstLink));
    std::string state;
    do
      state = Bed::run_in(space_of(place), "ip -6 -o addr show" + device + " to " + address.text());
    while (state.find("tentative") != state.npos && state.find("dadfailed") == state.npos);
    const bool failed = state.find("dadfailed") != state.npos;
    if (!failed) said += std::to_string(links().count(probe, since)) + " in all, ";
    seen.push_back(std::string(name(place)) + (taken ? ", taken: " : ", free: ") + said +
                   (failed ? "duplicate" : "usable"));
  }
}

// The plain host on the PAR's link, by an advertisement of the PAR's daemon or, without one, by one
// that says the same.
void Idle::ask_host_to_configure(bool daemons, Behaviour& seen) {
  const std::string conf = "net/ipv6/conf/" + std::string(lab::kAccessInterface);
  lab::Links host(bed_->other_space());
  for (const auto& [setting, value] : {std::pair("/accept_ra", "1"), std::pair("/autoconf", "1"),
                                       std::pair("/addr_gen_mode", "0")})
    host.set(conf + setting, value);
  ASSERT_DONE(host.outcome());
  const Mark since = links().mark();
  if (!daemons) {
    wire::RouterAdvertisement advertisement;
    advertisement.current_hop_limit = 64;
    advertisement.router_lifetime_s = 1800;
    Bytes message;
    append(message, advertisement);
    append(message, wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress,
                                            bed_->router_link(Side::kPar)});
    wire::PrefixInformation information;
    information.address = lab::place(Side::kPar).prefix.address();
    information.on_link = information.autonomous = true;
    information.valid_lifetime_s = 86'400;
    information.preferred_lifetime_s = 14'400;
    append(message, information);
    const Ipv6Address from = bed_->router_link_local(Side::kPar);
    wire::seal_icmpv6(from, kAllNodes, message);
    links().inject(Place::kOtherLink, bed_->router_link(Side::kPar), group_link(kAllNodes),
                   wire::icmpv6_packet(from, kAllNodes, message));
  }
  const std::string device = " dev " + std::string(lab::kAccessInterface);
  const std::string prefix = "2001:db8:a:1:";
  std::string formed;
  const Match probe =
      at(Place::kOtherLink) && from_node() && source({}) && Match::Test([&](const Frame& frame) {
        const auto asked = wire::NeighborSolicitation::parse(frame.view.upper);
        return frame.icmp_type() == kSolicitation && asked &&
               lab::place(Side::kPar).prefix.contains(asked->target);
      });
  const Seen first = links().wait(probe, since);
  std::string state;
  do state = Bed::run_in(bed_->other_space(), "ip -6 -o addr show scope global dynamic" + device);
  while (first && (state.empty() || state.find("tentative") != state.npos));
  std::istringstream words(state);
  for (std::string word; words >> word && formed.empty();)
    if (word.starts_with(prefix)) formed = word;
  std::istringstream route(
      Bed::run_in(bed_->other_space(), "ip -6 route show default" + device + " proto ra"));
  std::string by;
  std::string gateway;
  route >> by >> by >> gateway;
  seen.push_back("a host that configures itself: " + formed + ", probed " +
                 std::to_string(links().count(probe, since)) + " times, by way of " + gateway);
}

void Idle::ask_nar_about_unreachable(Behaviour& seen) {
  const Mark since = links().mark();
  bed_->send(bed_->network().correspondent(), std::nullopt, kUnknown, "for nobody");
  const Seen error =
      links().wait(at(Place::kCorrespondent) && !from_node() && icmp(kUnreachable), since);
  const Match question = at(Place::kNarLink) && from_node() && solicitation(kUnknown);
  seen.push_back("unreachable after " + std::to_string(links().count(question, since)) +
                 " questions: " +
                 (error ? "code " + std::to_string(error->view.upper[1]) : "nothing is said"));
}

// From one neighbour by way of the router to another on the same link.
void Idle::ask_for_redirect(Behaviour& seen) {
  const Mark since = links().mark();
  inject(Place::kNarLink, kFirstLink, datagram(kUnknown, kNeighbour, 9, "by way of the router"));
  const Match question = at(Place::kNarLink) && from_node() && solicitation(kUnknown);
  if (links().wait(question, since))
    inject(Place::kNarLink, kFirstLink,
           advertisement_packet(kUnknown, bed_->router_link_local(Side::kNar), kUnknown,
                                {.solicited = true, .override_flag = true}, kFirstLink));
  const Seen forwarded =
      links().wait(at(Place::kNarLink) && from_node() && plain("by way of the router"), since);
  const Seen redirect =
      links().wait(at(Place::kNarLink) && from_node() &&
                       icmp(static_cast<std::uint8_t>(wire::Icmpv6Type::kRedirect)),
                   since);
  seen.push_back("forwarded on the same link to " + (forwarded ? forwarded->to.text() : "nobody") +
                 ", redirect to " +
                 (redirect ? redirect->view.header.destination.text() : "nobody"));
}

Idle::Behaviour Idle::behaviour(bool daemons) {
  Behaviour seen;
  bed_.reset();
  build({.routers = {}, .mobile = {}, .other = {}, .new_router = daemons, .daemons = daemons});
  if (!bed_) return seen;
  // Questions come from all over these tests; a bound on answers would make them a matter of luck.
  for (const Side side : {Side::kPar, Side::kNar})
    lab::Links(bed_->network().router(side)).set("net/ipv6/icmp/ratelimit", "0");
  ask_about(Place::kNarLink, bed_->router_address(Side::kNar), seen);
  ask_about(Place::kNarLink, bed_->router_link_local(Side::kNar), seen);
  ask_about(Place::kMobileLink, bed_->pcoa(), seen);
  ask_nar_about_unreachable(seen);
  ask_about_neighbours(Place::kNarLink, kNeighbour, seen);
  ask_about_neighbours(Place::kMobileLink, kNodesNeighbour, seen);
  ask_for_redirect(seen);
  ask_about_detection(Place::kNarLink, lab::place(Side::kNar).prefix, seen);
  ask_about_detection(Place::kMobileLink, lab::place(Side::kPar).prefix, seen);
  ask_host_to_configure(daemons, seen);
  return seen;
}

TEST_F(Idle, KernelsTreatNeighborDiscoveryAsTheyDoWithoutDaemons) {
  COVERS("FH-7-01");
  const Behaviour without = behaviour(false);
  const Behaviour with = behaviour(true);
  ASSERT_FALSE(without.empty());
  EXPECT_EQ(with, without);
  // The questions were answered, and not all by silence.
  EXPECT_NE(without[0].find("RSO"), std::string::npos) << without[0];
  EXPECT_NE(without.back().find("2001:db8:a:1:0:ff:fe00:202"), std::string::npos) << without.back();
}

}  // namespace
}  // namespace sendoff::test
