/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* setresuid, MCL_ONFAULT */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers look at the process as a debugger would. */
bool privileges_forbid_dumps(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(CC_INSTRUMENTED)
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
#else
	return true;
#endif
}

static bool can(unsigned capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[capability / 32].effective & 1U << capability % 32) != 0;
}

/* Where that is refused too (containers), privileges_lock_memory() says so. */
void privileges_allow_locking(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &all);
}

/*
 * Under a limit all goes well until it is met, and then no memory is left for a request. What is reserved and
 * never written to counts too, and is most of it: stacks, heaps of threads.
 */
const char *privileges_lock_memory(struct arena *a)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_MEMLOCK, &most) != 0 || (most.rlim_cur != RLIM_INFINITY && !can(CAP_IPC_LOCK)))
		return "server.lock_memory needs LimitMEMLOCK=infinity (ulimit -l unlimited)";
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		return NULL;
	return arena_printf(a, "server.lock_memory: memory cannot be locked: %s", strerror(errno));
}

bool privileges_are_all(void)
{
	return geteuid() == 0;
}

/* Kernels know more of them than headers do, or fewer: the first that is unknown ends it. */
static bool bound_no_capability(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return false;
	return true;
}

/* The C library has no words for this. */
static bool keep_no_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &head, none) == 0;
}

/* A process that changes its user may be dumped again, if the system is set so (fs.suid_dumpable). */
static bool become(const struct passwd *who)
{
	return bound_no_capability() && initgroups(who->pw_name, who->pw_gid) == 0 &&
	       setresgid(who->pw_gid, who->pw_gid, who->pw_gid) == 0 &&
	       setresuid(who->pw_uid, who->pw_uid, who->pw_uid) == 0 && keep_no_capability() &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && privileges_forbid_dumps();
}

static bool is_for_good(const struct passwd *who)
{
	uid_t real, effective, saved;

	return setuid(0) != 0 && seteuid(0) != 0 && getresuid(&real, &effective, &saved) == 0 &&
	       real == who->pw_uid && effective == who->pw_uid && saved == who->pw_uid &&
	       getegid() == who->pw_gid;
}

bool privileges_drop(struct arena *a, const char *user, const char **ret_error)
{
	const struct passwd *who = getpwnam(user);

	if (who == NULL)
		*ret_error = arena_printf(a, "server.user: there is no user %s", user);
	else if (who->pw_uid == 0)
		*ret_error = arena_printf(a, "server.user: %s is root", user);
	else if (geteuid() == who->pw_uid)
		return true;
	else if (!privileges_are_all())
		*ret_error = arena_printf(a, "server.user: only root can become %s", user);
	else if (!become(who))
		*ret_error = arena_printf(a, "server.user: cannot become %s: %s", user, strerror(errno));
	else if (!is_for_good(who))
		*ret_error = arena_printf(a, "server.user: after becoming %s root can be had back", user);
	else
		return true;
	return false;
}
