/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_INSTANCE_H
#define CC_TESTS_INSTANCE_H

#include <sys/types.h>

#include "client.h"

/* A daemon with --embedded in a temporary folder. Failures end the test. */
struct instance {
	char *folder; /* temporary */
	char *dir;    /* --embedded */
	char *out;    /* what the last start wrote, both streams */
	const char *listen; /* NULL: a free port of loopback */
	pid_t pid;    /* 0: does not run */
	int port;
};

#define WAIT_MS 120000
#define PIDS_MAX 256

/* For cmocka; whatever a case left running goes with the tear-down. */
int instance_setup(void **state);
int instance_teardown(void **state);

/* Starts it and waits until it serves; without the wait; the wait alone. */
void instance_launch(struct instance *in);
void instance_launch_in(struct instance *in, const char *dir);
void instance_await(struct instance *in);
/* SIGTERM: must end with 0 and leave no process. */
void instance_stop(struct instance *in);
void instance_kill(struct instance *in);

/* Processes whose working folder is dir or below and whose name begins so; at most PIDS_MAX. */
int instance_find(const char *dir, const char *program, pid_t *ret);
int instance_count(const struct instance *in);
void instance_await_none(const struct instance *in);
pid_t instance_supervisor(const struct instance *in);
/* 0: it has no such child. */
pid_t instance_child_of(pid_t parent, const char *name);

char *instance_key(const struct instance *in); /* of operator.key, malloc'ed */
struct client *instance_client(const struct instance *in);
void instance_tenant(const struct instance *in, const char *slug, const char *region);
void instance_expect(const struct instance *in, const char *slug);
/* Waits until the tenant can be changed. */
void instance_await_writes(const struct instance *in, const char *slug);
mode_t instance_mode(const struct instance *in, const char *name);

#endif
