// The routers of guarded links: certified ones, whose secured RA was accepted, and those that an
// unsecured one told of (RFC 3971 8); and which links look for a certified one, because theirs is
// gone or was none from the beginning.
#pragma once

#include <map>
#include <vector>

#include "base/random.h"
#include "machine/outbox.h"
#include "nd/certified_keys.h"

namespace sendoff::nd {

class GuardedRouters {
 public:
  using At = std::pair<InterfaceId, Ipv6Address>;

  // What it is given outlives it.
  GuardedRouters(const CertifiedKeys& keys, machine::Outbox& outbox)
      : keys_(keys), outbox_(outbox) {}
  // Whether links are to look for a certified router: where that is a role's affair, or nobody can
  // be certified, they do not.
  void look_for_certified(bool look);

  // An RA was accepted; with lifetime 0 its sender is no router any more.
  void note(Now now, const At& at, const pki::CertifiedRouter& certified, std::uint16_t lifetime_s);
  void note_unsecured(Now now, const At& at, std::uint16_t lifetime_s);
  // A secured message came from there; the kernel reached it, or reached it no more.
  void heard(Now now, const At& at);
  void reached(Now now, const At& at, bool reached);
  void drop(InterfaceId interface);
  // Certificates were withdrawn: whose key counts no more is no router.
  void forget_withdrawn(Now now);

  // What it is certified for; null: it is none, or its RA or its certificate has ended.
  [[nodiscard]] const pki::CertifiedRouter* certified(Now now, const At& at) const;
  // Whether a certified router is there, as far as the kernel knows.
  [[nodiscard]] bool serve(Now now, InterfaceId interface) const;
  // Chosen once, whatever became of it.
  [[nodiscard]] bool knows(const At& at) const { return routers_.contains(at); }

  // In the order of their addresses.
  [[nodiscard]] std::vector<Ipv6Address> certified_of(Now now, InterfaceId interface) const;
  [[nodiscard]] std::vector<Ipv6Address> unsecured_of(Now now, InterfaceId interface) const;

  // Where a Router Solicitation is due (RTR_SOLICITATION_INTERVAL for the first three, then each
  // minute); from :: when those before had no answer, for then our clock may be off (GS26).
  struct Question {
    InterfaceId interface;
    bool from_unspecified = false;
  };
  [[nodiscard]] std::vector<Question> take_questions(Now now);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

 private:
  struct Router {
    pki::CertifiedRouter certified;
    Instant valid_until;
    bool silent = false;  // the kernel reached it no more, and nothing secured came from it since
  };
  struct Search {
    Instant next;
    unsigned asked = 0;
  };
  [[nodiscard]] std::size_t count_of(const auto& routers, InterfaceId interface) const;
  void lost(const At& at, std::string_view reason);
  void search(Now now, InterfaceId interface, Duration delay);

  const CertifiedKeys& keys_;
  machine::Outbox& outbox_;
  bool looks_ = false;
  std::map<At, Router> routers_;
  std::map<At, Instant> unsecured_;  // and until when they are routers
  std::map<InterfaceId, Search> searches_;
};

}  // namespace sendoff::nd
