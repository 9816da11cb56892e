/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/cache/redis.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"
#include "conn.h"

#define RETRY_MS 1000
#define CONFIRM_MS 50

struct redis_sub {
	const struct redis_conf *conf;
	char *channel;
	redisContext *c;                /* NULL: not subscribed */
	int64_t retry_at_ms;            /* no attempt to connect before */
};

struct redis_sub *redis_subscribe(const struct redis_conf *conf, const char *channel)
{
	struct redis_sub *s = mem_alloc(1, sizeof(*s));

	s->conf = conf;
	s->channel = mem_strdup(channel);
	return s;
}

void redis_sub_destroy(struct redis_sub *s)
{
	if (s == NULL)
		return;
	if (s->c != NULL)
		redisFree(s->c);
	free(s->channel);
	free(s);
}

static enum err lost(struct redis_sub *s)
{
	if (s->c != NULL)
		redisFree(s->c);
	s->c = NULL;
	return ERR_UNAVAILABLE;
}

/* Waits rather than returns at once, so that a caller's loop does not spin while Redis is away. */
static bool retry_is_due(struct redis_sub *s, int64_t deadline_ms)
{
	int64_t now = clock_mono_ms();
	int64_t until = s->retry_at_ms < deadline_ms ? s->retry_at_ms : deadline_ms;

	if (now < until)
		poll(NULL, 0, (int)(until - now));
	return clock_mono_ms() >= s->retry_at_ms;
}

static enum err join(struct redis_sub *s, int64_t deadline_ms)
{
	const char *argv[] = { "SUBSCRIBE", s->channel };
	const size_t lens[] = { strlen(argv[0]), strlen(s->channel) };
	redisReply *reply = NULL;
	bool joined;

	if (!retry_is_due(s, deadline_ms))
		return ERR_UNAVAILABLE;
	s->retry_at_ms = clock_mono_ms() + RETRY_MS;
	s->c = conn_dial(s->conf);
	if (s->c != NULL)
		reply = conn_call(s->c, clock_mono_ms() + CONFIRM_MS, 2, argv, lens);
	joined = reply != NULL && reply->type == REDIS_REPLY_ARRAY;
	freeReplyObject(reply);
	return joined ? ERR_NONE : lost(s);
}

/* The payload of ["message", channel, payload]; NULL for anything else. */
static const char *payload(struct arena *a, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
	    !str_eq(reply->element[0]->str, "message") || reply->element[2]->type != REDIS_REPLY_STRING)
		return NULL;
	return arena_strndup(a, reply->element[2]->str, reply->element[2]->len);
}

enum err redis_sub_next(struct redis_sub *s, struct arena *a, int wait_ms, const char **ret_message)
{
	const int64_t deadline = clock_mono_ms() + wait_ms;
	enum conn_result result;
	redisReply *reply;

	*ret_message = NULL;
	if (s->c == NULL) {
		enum err e = join(s, deadline);

		if (e != ERR_NONE)
			return e;
	}
	while (*ret_message == NULL) {
		result = conn_read(s->c, deadline, &reply);
		if (result == CONN_LATE)
			return ERR_NONE;
		if (result == CONN_BROKEN)
			return lost(s);
		*ret_message = payload(a, reply);
		freeReplyObject(reply);
	}
	return ERR_NONE;
}
