/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CACHE_REDIS_H
#define CC_CACHE_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/err.h"

/*
 * Redis is never the only home of anything. One redis object per thread (hiredis contexts have no
 * lock). Connect deadline 50 ms, command deadline 20 ms; after three failures in a row the breaker
 * opens and calls answer ERR_UNAVAILABLE at once until a probe, one a second, succeeds. The
 * program ignores SIGPIPE.
 */
struct redis;

struct redis_conf {
	const char *address;    /* "unix:/path" or "host:port" */
	const char *password;   /* NULL: none */
	int database;
	int connect_ms, command_ms;     /* 0: the defaults */
};

/* connects on first use; conf must outlive it */
struct redis *redis_create(const struct redis_conf *conf);
void redis_destroy(struct redis *r);
enum err redis_ping(struct redis *r, int64_t *ret_us) MUST_USE;

/* The one constructor of keys: cc:{<tenant id>}:<name>. Aborts on a tenant id that is not one of ours. */
char *redis_key(struct arena *a, const char *tenant_id, const char *name);

/* ttl_ms 0: does not expire. */
enum err redis_set(struct redis *r, const char *key, const char *value, int64_t ttl_ms) MUST_USE;
/* NULL: absent */
enum err redis_get(struct redis *r, struct arena *a, const char *key, const char **ret) MUST_USE;
enum err redis_publish(struct redis *r, const char *channel, const char *message) MUST_USE;

/*
 * Runs a Lua script: args are its keys, then its arguments. It must answer nret integers; anything else is
 * ERR_UNAVAILABLE. One script per thread: it remembers whether Redis has it.
 */
struct redis_script {
	const char *text;
	char sha[41];           /* "" at first */
};
enum err redis_run(struct redis *r, struct redis_script *s, int nkeys, const char *const *args, int nargs,
		   int64_t *ret, int nret) MUST_USE;

/*
 * Deletes every key of the tenant by SCAN and UNLINK in bounded steps; *cursor starts at 0 and is 0 again
 * when done.
 */
enum err redis_purge_step(struct redis *r, const char *tenant_id, uint64_t *cursor,
			  int64_t *removed) MUST_USE;

/*
 * A subscription: its own connection, made by the first redis_sub_next(), which blocks for at most
 * wait_ms (plus the connect). *ret_message NULL: nothing came. After ERR_UNAVAILABLE messages may
 * have been missed; the next call connects again, at most once a second.
 */
struct redis_sub;
struct redis_sub *redis_subscribe(const struct redis_conf *conf, const char *channel);
enum err redis_sub_next(struct redis_sub *s, struct arena *a, int wait_ms, const char **ret_message) MUST_USE;
void redis_sub_destroy(struct redis_sub *s);

#endif
