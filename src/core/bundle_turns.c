/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_turns.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/arena.h"
#include "cc/base/map.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"
#include "cc/model/policy.h"

#define WANTED_MAX 50000
#define LOOK_MS 1000   /* between two looks for what is waited for */
#define FAILED_MS 1000 /* … and after one that failed, doubled for each further one */
#define FAILED_MOST_MS 8000
#define LONG_MS 1000 /* of what took longer nobody takes up both threads */
#define LONG_REST_MOST_MS 10000
#define LONG_KNOWN_MS 60000 /* that it did */
#define NEVER_MS 60000

struct bundle_turns {
	struct map *wanted;
	struct bundle_turn *first;
	const struct bundle_turn *busy[BUNDLE_MAKERS];
};

struct bundle_turns *bundle_turns_create(void)
{
	struct bundle_turns *t = mem_alloc(1, sizeof(*t));

	t->wanted = map_create();
	return t;
}

static void drop(struct bundle_turns *t, struct bundle_turn **at)
{
	struct bundle_turn *x = *at;

	*at = x->next;
	(void)map_take(t->wanted, x->name);
	free(x->name);
	free(x->tenant_id);
	free(x->environment);
	free(x);
}

void bundle_turns_destroy(struct bundle_turns *t)
{
	while (t->first != NULL)
		drop(t, &t->first);
	map_destroy(t->wanted, NULL);
	free(t);
}

static const char *name_of(struct arena *a, const char *tenant_id, const char *environment)
{
	return arena_printf(a, "%s %s", tenant_id, environment);
}

/* NULL: too many are wanted. */
static struct bundle_turn *enter(struct bundle_turns *t, const char *tenant_id, const char *environment)
{
	struct arena *a = arena_create(512);
	const char *name = name_of(a, tenant_id, environment);
	struct bundle_turn *x = map_get(t->wanted, name);

	if (x == NULL && map_count(t->wanted) < WANTED_MAX) {
		x = mem_alloc(1, sizeof(*x));
		x->tenant_id = mem_strdup(tenant_id);
		x->name = mem_strdup(name);
		x->environment = mem_strdup(environment);
		x->next = t->first;
		t->first = x;
		(void)map_set(t->wanted, name, x);
	}
	arena_destroy(a);
	return x;
}

bool bundle_turns_want(
	struct bundle_turns *t, const char *tenant_id, const char *environment, int64_t until_ms, int64_t now)
{
	struct bundle_turn *x = enter(t, tenant_id, environment);
	bool passed_over;

	if (x == NULL)
		return false;
	passed_over = x->until_ms <= now;
	if (until_ms > x->until_ms)
		x->until_ms = until_ms;
	return passed_over;
}

static bool is_long(const struct bundle_turn *x, int64_t now)
{
	return x->long_ms > now;
}

/* Not only when its turn comes. Among those in a hurry the one comes first whose last turn is longest ago. */
static void hurry(struct bundle_turn *x, bool changed, int64_t now)
{
	x->again = true;
	x->look_ms = 0;
	if (!changed)
		return;
	x->changed = true;
	/* What is not long rests because it failed. */
	if (!is_long(x, now) && x->rest_ms > now)
		x->rest_ms = now;
}

static bool hurry_those_of(struct bundle_turns *t, const char *tenant_id, bool changed, int64_t now)
{
	struct arena *a = arena_create(512);
	bool any = false;

	for (const char *const *e = environments; *e != NULL; e++) {
		struct bundle_turn *x = map_get(t->wanted, name_of(a, tenant_id, *e));

		if (x != NULL)
			hurry(x, changed, now);
		any = any || x != NULL;
	}
	arena_destroy(a);
	return any;
}

bool bundle_turns_hurry(struct bundle_turns *t, const char *tenant_id, bool changed, int64_t now)
{
	if (tenant_id != NULL)
		return hurry_those_of(t, tenant_id, changed, now);
	for (struct bundle_turn *x = t->first; x != NULL; x = x->next)
		hurry(x, changed, now);
	return t->first != NULL;
}

/* One at a time of each tenant: nobody takes up all threads. */
static bool is_taken(const struct bundle_turns *t, const struct bundle_turn *x)
{
	for (size_t i = 0; i < BUNDLE_MAKERS; i++)
		if (t->busy[i] != NULL && str_eq(t->busy[i]->tenant_id, x->tenant_id))
			return true;
	return false;
}

static void note_busy(struct bundle_turns *t, const struct bundle_turn *was, const struct bundle_turn *x)
{
	for (size_t i = 0; i < BUNDLE_MAKERS; i++)
		if (t->busy[i] == was) {
			t->busy[i] = x;
			return;
		}
	abort();
}

/* Nobody waits, and what it has cost is forgotten. */
static bool is_over(const struct bundle_turn *x, int64_t now)
{
	return !x->busy && x->until_ms <= now && x->rest_ms <= now && !is_long(x, now);
}

static int64_t due_ms(const struct bundle_turn *x)
{
	return x->look_ms > x->rest_ms ? x->look_ms : x->rest_ms;
}

static bool may_take(const struct bundle_turns *t, const struct bundle_turn *x, bool quick, int64_t now)
{
	return x->until_ms > now && !is_taken(t, x) && !(quick && is_long(x, now));
}

struct bundle_turn *bundle_turns_claim(struct bundle_turns *t, bool quick, int64_t now, int64_t *ret_next_ms)
{
	struct bundle_turn **at = &t->first, *best = NULL;

	*ret_next_ms = now + NEVER_MS;
	while (*at != NULL) {
		struct bundle_turn *x = *at;

		if (is_over(x, now)) {
			drop(t, at);
			continue;
		}
		if (due_ms(x) < *ret_next_ms && may_take(t, x, quick, now)) {
			*ret_next_ms = due_ms(x);
			best = x;
		}
		at = &x->next;
	}
	if (best == NULL || due_ms(best) > now)
		return NULL;
	best->busy = true;
	best->again = best->changed = false;
	best->began_ms = now;
	note_busy(t, NULL, best);
	return best;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Who takes long rests as long, so that the others have half of the time at least, and is left to one of the
 * threads; who fails comes back later and later, unless there has been something new meanwhile.
 */
static void charge(struct bundle_turn *x, bool failed, int64_t now)
{
	const int64_t took = now - x->began_ms;
	int64_t rest = took > LONG_MS ? least(took, LONG_REST_MOST_MS) : 0;

	/* A cheap look between says nothing of the next one. */
	if (took > LONG_MS)
		x->long_ms = now + LONG_KNOWN_MS;
	x->failures = failed ? x->failures + 1 : 0;
	if (failed && (is_long(x, now) || !x->changed))
		rest += x->failures > 3 ? FAILED_MOST_MS : FAILED_MS << (x->failures - 1);
	x->rest_ms = now + rest;
}

/* Nobody was told when those of a tenant are due as long as one of them was being made. */
static bool others_wait(struct bundle_turns *t, const struct bundle_turn *x, int64_t now)
{
	struct arena *a = arena_create(512);
	bool any = false;

	for (const char *const *e = environments; *e != NULL; e++) {
		const struct bundle_turn *o = map_get(t->wanted, name_of(a, x->tenant_id, *e));

		any = any || (o != NULL && o != x && o->until_ms > now);
	}
	arena_destroy(a);
	return any;
}

/* A quick thread that made it leaves it to another, which does not know of it. */
static bool is_to_be_told(const struct bundle_turn *x, int64_t now)
{
	return x->until_ms > now && is_long(x, now);
}

bool bundle_turns_release(struct bundle_turns *t, struct bundle_turn *x, bool failed, int64_t now)
{
	x->busy = false;
	note_busy(t, x, NULL);
	charge(x, failed, now);
	x->look_ms = x->again ? 0 : now + LOOK_MS;
	return is_to_be_told(x, now) || others_wait(t, x, now);
}
