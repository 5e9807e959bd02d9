// The kernel's IPsec (XFRM) for neighbours whose HI and HAck are left to it: says whether its
// policies protect them, again whenever a policy or an association changes, and installs policies
// where the configuration says so. Associations are set up by others: by hand, or by IKEv2.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/ipsec_policies.h"
#include "net/sysctl.h"
#include "net/system_error.h"

namespace sendoff::net {

class KernelIpsec {
 public:
  // Needs CAP_NET_ADMIN. An error says what this kernel lacks: XFRM, ESP for IPv6, or the sight of
  // a Mobility Header's type where one leaves.
  [[nodiscard]] static Attempt<std::unique_ptr<KernelIpsec>> open();
  ~KernelIpsec();
  KernelIpsec(const KernelIpsec&) = delete;
  KernelIpsec& operator=(const KernelIpsec&) = delete;

  // From now on these pairs, and no other. Policies that we install are noted in `journal` before,
  // those of pairs that are no more are taken away. One that somebody else has is left to him.
  [[nodiscard]] Attempt<> select(std::vector<ProtectedPair> pairs, UndoJournal& journal);

  // Readable when something may have changed.
  [[nodiscard]] int event_fd() const;
  // Takes note of what has changed, without waiting; tells each pair whose gap did.
  void refresh();

  struct Verdict {
    ProtectedPair pair;
    std::string lacks;  // empty: HI and HAck are protected
  };
  [[nodiscard]] const std::vector<Verdict>& verdicts() const;
  [[nodiscard]] bool stands(const Ipv6Address& peer, const Ipv6Address& local) const;
  // Called from within select() and refresh().
  void on_change(std::function<void(const Verdict&)> changed);

 private:
  struct State;
  explicit KernelIpsec(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Takes away the policy that a line of the journal tells of; false when the line is of another
// kind.
bool undo_policy(const std::string& line);

// What this kernel lacks for protection by its IPsec; a success when it lacks nothing.
[[nodiscard]] Attempt<> probe_ipsec();

}  // namespace sendoff::net
