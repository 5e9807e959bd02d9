// FMIPv6 idle: with the daemons running and nobody handing over, the kernels of the node and of the
// new router treat Neighbor Discovery (RFC 4861) and duplicate addresses (RFC 4862) as they do
// without any daemon (RFC 5568 7).
#include <array>
#include <functional>

#include "lab/links.h"
#include "support/covers.h"
#include "system/bed.h"
#include "wire/icmpv6.h"

namespace sendoff::test {
namespace {

const Ipv6Address kUnknown = Ipv6Address::literal("2001:db8:a:2::50");
const Ipv6Address kNeighbour = Ipv6Address::literal("2001:db8:a:2::51");
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
  void ask_nar_about_neighbours(Behaviour& seen);
  void ask_nar_about_unreachable(Behaviour& seen);
  void ask_for_redirect(Behaviour& seen);
  std::string entry(const Ipv6Address& address) {
    const std::string text =
        Bed::run_in(bed_->network().router(Side::kNar), "ip -6 neigh show " + address.text());
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
void Idle::ask_nar_about_neighbours(Behaviour& seen) {
  const auto claim = [&](Flags flags, const LinkAddress& link) {
    const Ipv6Address to = flags.solicited ? bed_->router_address(Side::kNar) : kAllNodes;
    inject(Place::kNarLink, link, advertisement_packet(kNeighbour, to, kNeighbour, flags, link));
    settle(Place::kNarLink);
  };
  claim({.override_flag = true}, kFirstLink);
  seen.push_back("announced, never asked for: " + entry(kNeighbour));
  const Mark since = links().mark();
  bed_->send(bed_->network().correspondent(), std::nullopt, kNeighbour, "first");
  const Match question = at(Place::kNarLink) && from_node() && solicitation(kNeighbour);
  const Seen asked = links().wait(question, since);
  seen.push_back("asked for " + (asked ? asked->view.header.destination.text() : "never") + ": " +
                 entry(kNeighbour));
  claim({.solicited = true, .override_flag = true}, kFirstLink);
  const Seen delivered = links().wait(at(Place::kNarLink) && from_node() && plain("first"), since);
  seen.push_back("answered: " + entry(kNeighbour) + ", the packet to " +
                 (delivered ? delivered->to.text() : "nobody"));
  claim({}, kSecondLink);
  seen.push_back("claimed without Override: " + entry(kNeighbour));
  claim({.override_flag = true}, kSecondLink);
  seen.push_back("claimed with Override: " + entry(kNeighbour));
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
  ask_nar_about_neighbours(seen);
  ask_for_redirect(seen);
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
}

}  // namespace
}  // namespace sendoff::test
