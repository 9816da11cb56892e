/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_UNIT_REDIS_SERVER_H
#define CC_TESTS_UNIT_REDIS_SERVER_H

#include <sys/types.h>
#include <sys/un.h>

#include "cc/cache/redis.h"

/* A real redis-server on a unix socket in a folder of its own, and a client of it. */
struct server {
	char folder[80];
	char address[128];
	char *socket;                   /* the path within the address */
	pid_t pid;
	struct arena *arena;
	struct redis_conf conf;
	struct redis *redis;
};

/* A test machine may be busy: only the tests of a deadline set a short one. */
struct redis_conf patient_conf(const char *address);

/* cmocka fixtures; *state is the struct server. */
int server_setup(void **state);                 /* the server is not running yet */
int server_setup_up(void **state);
int server_teardown(void **state);

void server_start(struct server *fx);
void server_stop(struct server *fx);            /* kills it; not running is fine */
struct sockaddr_un server_address(const struct server *fx);

#endif
