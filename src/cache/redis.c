/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/cache/redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"
#include "conn.h"

#define COMMAND_MS 20
#define FAILURES_MAX 3          /* in a row: the breaker opens */
#define PROBE_MS 1000
#define SCAN_COUNT "500"
#define TENANT_ID_MAX 128

struct redis {
	const struct redis_conf *conf;
	redisContext *c;                /* NULL: not connected */
	int failures;
	int64_t probe_at_ms;            /* while the breaker is open: when the next call may try */
};

struct redis *redis_create(const struct redis_conf *conf)
{
	struct redis *r = mem_alloc(1, sizeof(*r));

	r->conf = conf;
	return r;
}

static void hang_up(struct redis *r)
{
	if (r->c != NULL)
		redisFree(r->c);
	r->c = NULL;
}

void redis_destroy(struct redis *r)
{
	if (r == NULL)
		return;
	hang_up(r);
	free(r);
}

static bool may_try(struct redis *r)
{
	int64_t now = clock_mono_ms();

	if (r->failures < FAILURES_MAX)
		return true;
	if (now < r->probe_at_ms)
		return false;
	r->probe_at_ms = now + PROBE_MS;
	return true;
}

static void note_failure(struct redis *r)
{
	hang_up(r);
	if (r->failures < FAILURES_MAX && ++r->failures == FAILURES_MAX)
		r->probe_at_ms = clock_mono_ms() + PROBE_MS;
}

/*
 * The only way to the server. NULL: refused by the breaker, not connected, late, broken, or
 * refused by the server (loading, read-only, out of memory), which is no better for the caller.
 */
static redisReply *call(struct redis *r, int argc, const char **argv, const size_t *lens)
{
	const int command_ms = r->conf->command_ms > 0 ? r->conf->command_ms : COMMAND_MS;
	redisReply *reply = NULL;

	if (!may_try(r))
		return NULL;
	if (r->c == NULL)
		r->c = conn_dial(r->conf);
	if (r->c != NULL)
		reply = conn_call(r->c, clock_mono_ms() + command_ms, argc, argv, lens);
	if (reply != NULL && reply->type != REDIS_REPLY_ERROR) {
		r->failures = 0;
		return reply;
	}
	freeReplyObject(reply);
	note_failure(r);
	return NULL;
}

static redisReply *call_text(struct redis *r, int argc, const char **argv)
{
	size_t lens[8];

	if (argc > (int)(sizeof(lens) / sizeof(lens[0])))
		abort();
	for (int i = 0; i < argc; i++)
		lens[i] = strlen(argv[i]);
	return call(r, argc, argv, lens);
}

/* For commands whose reply says nothing that the caller wants. */
static enum err done(redisReply *reply)
{
	bool answered = reply != NULL;

	freeReplyObject(reply);
	return answered ? ERR_NONE : ERR_UNAVAILABLE;
}

enum err redis_ping(struct redis *r, int64_t *ret_us)
{
	const char *argv[] = { "PING" };
	const int64_t before = clock_mono_us();
	enum err e = done(call_text(r, 1, argv));

	if (e == ERR_NONE)
		*ret_us = clock_mono_us() - before;
	return e;
}

/* Also what makes the key safe as a glob pattern and as a hash tag of a cluster. */
static bool is_tenant_id(const char *s)
{
	const size_t len = strnlen(s, TENANT_ID_MAX + 1), before = strlen("tenant-");

	return len > before && len <= TENANT_ID_MAX && str_starts(s, "tenant-") &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

char *redis_key(struct arena *a, const char *tenant_id, const char *name)
{
	if (!is_tenant_id(tenant_id))
		abort();
	return arena_printf(a, "cc:{%s}:%s", tenant_id, name);
}

enum err redis_set(struct redis *r, const char *key, const char *value, int64_t ttl_ms)
{
	char ttl[24];
	const char *argv[] = { "SET", key, value, "PX", ttl };

	snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms);
	return done(call_text(r, ttl_ms > 0 ? 5 : 3, argv));
}

enum err redis_get(struct redis *r, struct arena *a, const char *key, const char **ret)
{
	const char *argv[] = { "GET", key };
	redisReply *reply = call_text(r, 2, argv);

	if (reply == NULL)
		return ERR_UNAVAILABLE;
	*ret = reply->type == REDIS_REPLY_STRING ? arena_strndup(a, reply->str, reply->len) : NULL;
	return done(reply);
}

enum err redis_publish(struct redis *r, const char *channel, const char *message)
{
	const char *argv[] = { "PUBLISH", channel, message };

	return done(call_text(r, 3, argv));
}

static bool script_load(struct redis *r, struct redis_script *s)
{
	const char *argv[] = { "SCRIPT", "LOAD", s->text };
	redisReply *reply = call_text(r, 3, argv);
	const bool ok = reply != NULL && reply->type == REDIS_REPLY_STRING && reply->len < sizeof(s->sha);

	if (ok)
		memcpy(s->sha, reply->str, reply->len + 1);
	freeReplyObject(reply);
	return ok;
}

static redisReply *script_call(struct redis *r, const struct redis_script *s, int nkeys,
			       const char *const *args, int nargs)
{
	const int argc = nargs + 3;
	const char **argv = mem_alloc((size_t)argc, sizeof(*argv));
	size_t *lens = mem_alloc((size_t)argc, sizeof(*lens));
	redisReply *reply;
	char keys[16];

	snprintf(keys, sizeof(keys), "%d", nkeys);
	argv[0] = "EVALSHA";
	argv[1] = s->sha;
	argv[2] = keys;
	for (int i = 0; i < nargs; i++)
		argv[3 + i] = args[i];
	for (int i = 0; i < argc; i++)
		lens[i] = strlen(argv[i]);
	reply = call(r, argc, argv, lens);
	free(argv);
	free(lens);
	return reply;
}

/* A script that was forgotten (Redis was restarted) is an error like others, and loaded again. */
enum err redis_run(struct redis *r, struct redis_script *s, int nkeys, const char *const *args, int nargs,
		   int64_t *ret, int nret)
{
	redisReply *reply;
	enum err e = ERR_NONE;

	if (s->sha[0] == '\0' && !script_load(r, s))
		return ERR_UNAVAILABLE;
	reply = script_call(r, s, nkeys, args, nargs);
	if (reply == NULL) {
		s->sha[0] = '\0';
		return ERR_UNAVAILABLE;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != (size_t)nret)
		e = ERR_UNAVAILABLE;
	for (int i = 0; i < nret && e == ERR_NONE; i++) {
		if (reply->element[i]->type == REDIS_REPLY_INTEGER)
			ret[i] = reply->element[i]->integer;
		else
			e = ERR_UNAVAILABLE;
	}
	freeReplyObject(reply);
	return e;
}

static enum err unlink_all(struct redis *r, const redisReply *keys, int64_t *removed)
{
	const char **argv;
	redisReply *reply;
	size_t *lens;

	if (keys->elements == 0)
		return ERR_NONE;
	argv = mem_alloc(keys->elements + 1, sizeof(*argv));
	lens = mem_alloc(keys->elements + 1, sizeof(*lens));
	argv[0] = "UNLINK";
	lens[0] = strlen(argv[0]);
	for (size_t i = 0; i < keys->elements; i++) {
		argv[i + 1] = keys->element[i]->str;
		lens[i + 1] = keys->element[i]->len;
	}
	reply = call(r, (int)keys->elements + 1, argv, lens);
	if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
		*removed += reply->integer;
	free(argv);
	free(lens);
	return done(reply);
}

/* A cursor and a list of texts, as SCAN answers? */
static bool is_scan_reply(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING || reply->element[1]->type != REDIS_REPLY_ARRAY)
		return false;
	for (size_t i = 0; i < reply->element[1]->elements; i++) {
		if (reply->element[1]->element[i]->type != REDIS_REPLY_STRING)
			return false;
	}
	return true;
}

enum err redis_purge_step(struct redis *r, const char *tenant_id, uint64_t *cursor, int64_t *removed)
{
	char at[24], pattern[TENANT_ID_MAX + 8];
	const char *argv[] = { "SCAN", at, "MATCH", pattern, "COUNT", SCAN_COUNT };
	enum err e = ERR_UNAVAILABLE;
	redisReply *reply;

	if (!is_tenant_id(tenant_id))
		abort();
	snprintf(pattern, sizeof(pattern), "cc:{%s}:*", tenant_id);
	snprintf(at, sizeof(at), "%" PRIu64, *cursor);
	reply = call_text(r, 6, argv);
	if (reply == NULL)
		return ERR_UNAVAILABLE;
	if (is_scan_reply(reply))
		e = unlink_all(r, reply->element[1], removed);
	/* After a failure the cursor stays, so the step is repeated and nothing is left behind. */
	if (e == ERR_NONE)
		*cursor = strtoull(reply->element[0]->str, NULL, 10);
	freeReplyObject(reply);
	return e;
}
