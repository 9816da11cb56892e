/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis shortens the wait for the change feed, and for what is made of tenants' data. Nothing depends on it.
 * Messages: "changed"; "data <node> <tenant> …", or an asterisk for any tenant.
 */
#include "jobs_in.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"
#include "cc/cache/redis.h"
#include "cc/core/world.h"

#define COALESCE_MS 10 /* many changes at once are one message */
#define LISTEN_MS 500
#define PUBLISH_MS 1000
#define NEVER_MS 3600000
#define ANY "*"
#define ID_MAX 80

/* Telling ------------------------------------------------------------------------------------------- */

void push_feed(struct world *w)
{
	struct jobs *j = w->jobs;

	lock_take(&j->lock);
	j->changes.feed = true;
	lock_drop(&j->lock);
	jobs_alarm(j, ALARM_PUSH);
}

/* Under the lock. */
static void add(struct changes *c, const char *tenant_id)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->tenant[i], tenant_id) == 0)
			return;
	if (c->n < CHANGED_MAX)
		c->tenant[c->n++] = mem_strdup(tenant_id);
	else
		c->any = true;
}

void push_data(struct world *w, const char *tenant_id)
{
	struct jobs *j = w->jobs;

	lock_take(&j->lock);
	add(&j->changes, tenant_id);
	lock_drop(&j->lock);
	jobs_alarm(j, ALARM_PUSH);
}

void push_forget(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->tenant[i]);
	*c = (struct changes){ .n = 0 };
}

static enum err publish(struct jobs *j, struct arena *a, struct redis *redis, const struct changes *c)
{
	struct str text;

	if (c->feed)
		TRY(redis_publish(redis, PUSH_CHANNEL, "changed"));
	if (c->n == 0)
		return ERR_NONE;
	str_init(&text, a, 1024);
	str_addf(&text, "data %s", j->node);
	for (size_t i = 0; i < c->n && !c->any; i++)
		str_addf(&text, " %s", c->tenant[i]);
	if (c->any)
		str_add(&text, " " ANY);
	return redis_publish(redis, PUSH_CHANNEL, text.data);
}

void *push_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "redis push" };
	struct redis *redis = redis_create(j->world->redis);
	struct arena *a = arena_create(1024);

	while (jobs_wait(j, ALARM_PUSH, clock_mono_ms() + NEVER_MS)) {
		struct ctx cx = jobs_ctx(j, a, PUBLISH_MS);
		struct changes c;

		lock_take(&j->lock);
		c = j->changes;
		j->changes = (struct changes){ .n = 0 };
		lock_drop(&j->lock);
		trouble_note(&trouble, &cx, publish(j, a, redis, &c));
		push_forget(&c);
		if (!jobs_pause(j, ALARM_PUSH, COALESCE_MS))
			break;
	}
	redis_destroy(redis);
	arena_destroy(a);
	return NULL;
}

/* Listening ----------------------------------------------------------------------------------------- */

/* Behind "data ": the node, and which tenants. What is none of ours is passed over. */
static void hear_data(struct jobs *j, const char *text)
{
	struct world *w = j->world;
	size_t n = strcspn(text, " ");
	char id[ID_MAX + 1];

	if (w->data_changed_there == NULL || (n == strlen(j->node) && strncmp(text, j->node, n) == 0))
		return;
	for (text += n; *text == ' '; text += n) {
		n = strcspn(++text, " ");
		if (n == 0 || n > ID_MAX)
			continue;
		memcpy(id, text, n);
		id[n] = '\0';
		w->data_changed_there(w, strcmp(id, ANY) == 0 ? NULL : id);
	}
}

static void hear(struct jobs *j, const char *message)
{
	static const char data[] = "data ";

	if (strncmp(message, data, sizeof(data) - 1) == 0)
		hear_data(j, message + sizeof(data) - 1);
	else
		jobs_alarm(j, ALARM_POLL);
}

/* Connects again by itself, once a second. After a gap messages may have been missed: the feed is asked. */
void *listen_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "redis subscription" };
	struct redis_sub *sub = redis_subscribe(j->world->redis, PUSH_CHANNEL);
	struct arena *a = arena_create(1024);

	while (!jobs_stopping(j)) {
		struct ctx cx = jobs_ctx(j, a, LISTEN_MS);
		const bool gap = trouble.failures > 0;
		const char *message = NULL;
		enum err e = redis_sub_next(sub, a, LISTEN_MS, &message);

		trouble_note(&trouble, &cx, e);
		if (gap && e == ERR_NONE)
			jobs_alarm(j, ALARM_POLL);
		if (message != NULL)
			hear(j, message);
	}
	redis_sub_destroy(sub);
	arena_destroy(a);
	return NULL;
}
