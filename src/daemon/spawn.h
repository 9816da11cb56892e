/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_SPAWN_H
#define CC_DAEMON_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* Children of the supervisor: as an unprivileged user, with nothing inherited but three descriptors. */
struct identity {
	uid_t uid;
	gid_t gid;
	bool drop; /* false: we are this user already */
};

struct spawn {
	const char *const *argv; /* argv[0]: absolute path */
	const char *dir;         /* working folder */
	const struct identity *who;
	int out_fd;       /* stdout and stderr */
	int death_signal; /* sent to it when its parent dies */
};

/* -1: fork failed. A child that cannot become `who` or execute ends with 127 and says why on out_fd. */
pid_t spawn_child(const struct spawn *s);
/* Gives up root for good in this process, supplementary groups too. */
bool identity_assume(const struct identity *who);
/* Can this user enter the folder (every parent is traversable)? Asked by a child process that becomes it. */
bool identity_can_enter(const struct identity *who, const char *dir);

#endif
