/* SPDX-License-Identifier: Apache-2.0 */
/* The way of what was counted into the control database. */
#include "cc/core/usage.h"

#include <inttypes.h>
#include <unistd.h>

#include "cc/base/failpoint.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/model/tally.h"

#define NODE_MAX 64

/* A batch in the shape of the query: a column each. */
struct columns {
	const struct usage_batch *batch;
	struct strv tenants, hours, meters, details, quantities;
	const char *node;
	int64_t fresh; /* 0: the database had it already */
};

static const char *node_name(struct arena *a)
{
	char name[NODE_MAX + 1] = { 0 };

	return gethostname(name, NODE_MAX) == 0 ? arena_strdup(a, name) : "";
}

static void make_columns(struct arena *a, const struct usage_batch *b, struct columns *ret)
{
	struct strv *const all[] = { &ret->tenants, &ret->hours, &ret->meters, &ret->details,
				     &ret->quantities };
	const char **v[5];

	for (int i = 0; i < 5; i++) {
		v[i] = ARENA_ARRAY(a, const char *, b->n + 1);
		*all[i] = (struct strv){ .v = v[i], .n = b->n };
	}
	for (size_t i = 0; i < b->n; i++) {
		const struct usage_line *l = b->lines[i];

		v[0][i] = l->tenant;
		v[1][i] = arena_printf(a, "%" PRId64, l->hour);
		v[2][i] = usage_meters[l->meter];
		v[3][i] = l->detail;
		v[4][i] = arena_printf(a, "%" PRId64, l->quantity);
	}
}

static enum err apply(struct ctx *cx, void *arg)
{
	struct columns *c = arg;

	FAILPOINT("usage.send");
	return q_usage_apply(cx->db, tally_at(&c->fresh), c->batch->boot, c->node, c->batch->seq, &c->tenants,
			     &c->hours, &c->meters, &c->details, &c->quantities,
			     cx->world->settings->usage_look_s);
}

static enum err send(struct ctx *cx, const struct usage_batch *b)
{
	struct columns c = { .batch = b, .node = node_name(cx->arena) };
	struct db_place place;

	if (b->n == 0)
		return ERR_NONE;
	make_columns(cx->arena, b, &c);
	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, apply, &c);
}

enum err usage_send(struct ctx *cx)
{
	struct usage *u = cx->world->usage;
	const struct arena_mark mark = arena_mark(cx->arena);
	struct usage_batch b;

	while (usage_next(u, cx->arena, &b)) {
		TRY(send(cx, &b));
		usage_settle(u, &b);
		arena_rewind(cx->arena, mark);
	}
	return ERR_NONE;
}
