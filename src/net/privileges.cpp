#include "net/privileges.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace sendoff::net {

namespace {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

Attempt<Account> find_account(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  const int error = getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) return fail(SystemError{error, "no user " + user});
  return Account{entry.pw_uid, entry.pw_gid};
}

bool is_mapped(const Account& account) {
  // What this user namespace does not map cannot be changed to: EINVAL, before anything happened.
  return setresuid(static_cast<uid_t>(-1), account.uid, static_cast<uid_t>(-1)) == 0 &&
         setresuid(static_cast<uid_t>(-1), 0, static_cast<uid_t>(-1)) == 0;
}

constexpr auto kToLend = static_cast<capng_type_t>(CAPNG_PERMITTED | CAPNG_INHERITABLE);

// What is not in the bounding set cannot become inheritable later. False: it is not ours to lend.
bool make_ports_inheritable() {
  if (capng_get_caps_process() != 0 ||
      !capng_have_capability(CAPNG_PERMITTED, CAP_NET_BIND_SERVICE))
    return false;
  capng_update(CAPNG_ADD, CAPNG_INHERITABLE, CAP_NET_BIND_SERVICE);
  return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

Attempt<> keep_two_capabilities(bool lends_ports) {
  capng_clear(CAPNG_SELECT_ALL);
  capng_updatev(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                CAP_NET_ADMIN, CAP_NET_RAW, -1);
  if (lends_ports) capng_update(CAPNG_ADD, kToLend, CAP_NET_BIND_SERVICE);
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) return fail(last_error("drop capabilities"));
  return {};
}

}  // namespace

std::vector<std::string> harden_process() {
  std::vector<std::string> missing;
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) < 0) missing.push_back(last_error("forbid core files").text());
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    missing.push_back(last_error("forbid memory dumps").text());
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    missing.push_back(last_error("forbid new privileges").text());
  // With a limit, memory that is locked as it comes would one day not come.
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0 ||
      mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
    missing.push_back(last_error("keep memory out of swap").text());
  return missing;
}

Attempt<Dropped> drop_privileges(const std::string& user, Lends lends) {
  Dropped dropped;
  Account account;
  if (user.empty()) {
    dropped.remark = "no user is configured to run as";
  } else if (geteuid() != 0) {
    dropped.remark = "not started as root: stays user " + std::to_string(geteuid());
  } else {
    const auto found = find_account(user);
    if (!found) return fail(found.error());
    account = *found;
    if (is_mapped(account))
      dropped.user_changed = true;
    else
      dropped.remark = "this user namespace has no user " + user;
  }
  dropped.lends_ports = lends == Lends::kLowPorts && make_ports_inheritable();
  // The bounding set first: emptying it takes a capability that is not effective for another user.
  // Without it the set stays, and PR_SET_NO_NEW_PRIVS keeps it from mattering.
  capng_clear(CAPNG_SELECT_BOUNDS);
  (void)capng_apply(CAPNG_SELECT_BOUNDS);
  if (dropped.user_changed) {
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return fail(last_error("keep capabilities"));
    if (setgroups(0, nullptr) < 0 || setresgid(account.gid, account.gid, account.gid) < 0 ||
        setresuid(account.uid, account.uid, account.uid) < 0)
      return fail(last_error("become user " + user));
  }
  if (auto kept = keep_two_capabilities(dropped.lends_ports); !kept) return fail(kept.error());
  // Changing the user made it dumpable again where sysctl fs.suid_dumpable says so.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail(last_error("forbid memory dumps"));
  return dropped;
}

LentPorts::LentPorts() {
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
}

LentPorts::~LentPorts() { (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

Attempt<> give_to(const std::string& path, const std::string& user) {
  if (user.empty() || geteuid() != 0) return {};
  const auto account = find_account(user);
  if (!account) return fail(account.error());
  if (is_mapped(*account) && lchown(path.c_str(), account->uid, account->gid) != 0)
    return fail(last_error("give " + path + " to " + user));
  return {};
}

}  // namespace sendoff::net
