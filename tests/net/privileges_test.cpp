#include "net/privileges.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "net/sysctl.h"
#include "net/testbed.h"

namespace sendoff::net {
namespace {

// The exit status of `work` in a child: 0 when all its checks held, else the number of the first
// that did not.
template <typename Work>
int status_of(Work work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool only_the_two(capng_type_t kind) {
  for (unsigned capability = 0; capability <= static_cast<unsigned>(CAP_LAST_CAP); ++capability) {
    const bool wanted = capability == CAP_NET_ADMIN || capability == CAP_NET_RAW;
    if ((capng_have_capability(kind, capability) != 0) != wanted) return false;
  }
  return true;
}

TEST(DropPrivileges, KeepsExactlyTwoCapabilitiesAndNoGroup) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to drop it";
  const int status = status_of([] {
    const auto dropped = drop_privileges("nobody");
    const passwd* nobody = getpwnam("nobody");
    if (!dropped || !dropped->user_changed || !nobody) return 1;
    if (getuid() != nobody->pw_uid || geteuid() != nobody->pw_uid || getgid() != nobody->pw_gid)
      return 2;
    if (getgroups(0, nullptr) != 0) return 3;
    if (capng_get_caps_process() != 0) return 4;
    if (!only_the_two(CAPNG_EFFECTIVE) || !only_the_two(CAPNG_PERMITTED)) return 5;
    if (capng_have_capabilities(CAPNG_SELECT_BOUNDS) != CAPNG_NONE) return 6;
    for (unsigned i = 0; i <= static_cast<unsigned>(CAP_LAST_CAP); ++i)
      if (capng_have_capability(CAPNG_INHERITABLE, i) ||
          prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
        return 7;
    if (setresuid(0, 0, 0) == 0) return 8;
    // What the daemon goes on doing.
    if (!PacketSocket::open(0, {})) return 9;
    return prctl(PR_GET_DUMPABLE) == 0 ? 0 : 10;
  });
  EXPECT_EQ(status, 0);
}

TEST(DropPrivileges, SettingsCanStillBeWrittenAfterwards) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to drop it";
  const int status = status_of([] {
    if (unshare(CLONE_NEWNET) != 0) return 1;
    if (!drop_privileges("nobody")) return 2;
    if (!write_setting({"/proc/sys/net/ipv6/conf/lo/accept_ra", "0"})) return 3;
    return write_setting({"/proc/sys/net/ipv6/conf/lo/accept_ra", "1"}) ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
}

TEST(DropPrivileges, RefusesAUserThatDoesNotExist) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to drop it";
  EXPECT_EQ(status_of([] { return drop_privileges("so-no-such-user") ? 1 : 0; }), 0);
}

TEST(DropPrivileges, SaysWhyTheUserStaysInANamespaceThatDoesNotMapIt) {
  const int status = status_of([] {
    const uid_t uid = geteuid();
    if (unshare(CLONE_NEWUSER) != 0) return 77;
    if (!write_setting({"/proc/self/setgroups", "deny"})) return 1;
    if (!write_setting({"/proc/self/uid_map", "0 " + std::to_string(uid) + " 1"})) return 2;
    const auto dropped = drop_privileges("nobody");
    if (!dropped || dropped->user_changed || dropped->remark.empty()) return 3;
    capng_get_caps_process();
    return only_the_two(CAPNG_PERMITTED) ? 0 : 4;
  });
  if (status == 77) GTEST_SKIP() << "no user namespace can be made";
  EXPECT_EQ(status, 0);
}

TEST(HardenProcess, LeavesNoCoreFileEvenWhereTheLimitWasUnlimited) {
  const int status = status_of([] {
    const pid_t victim = fork();
    if (victim == 0) {
      const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
      (void)setrlimit(RLIMIT_CORE, &unlimited);
      (void)harden_process();
      std::signal(SIGABRT, SIG_DFL);
      kill(getpid(), SIGABRT);
    }
    int how = 0;
    if (waitpid(victim, &how, 0) != victim || !WIFSIGNALED(how)) return 1;
    return WCOREDUMP(how) ? 2 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(HardenProcess, ForbidsDumpsAndNewPrivilegesForGood) {
  const int status = status_of([] {
    (void)harden_process();
    rlimit limit{};
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0) return 1;
    if (prctl(PR_GET_DUMPABLE) != 0) return 2;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sendoff::net
