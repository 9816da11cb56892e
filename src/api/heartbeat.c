/* SPDX-License-Identifier: Apache-2.0 */
/* Signs of life of bouncers. */
#include "gate.h"
#include "groups.h"

#include "cc/core/bundles.h"
#include "cc/core/head.h"
#include "cc/core/tenant.h"
#include "cc/core/usage.h"
#include "cc/core/world.h"
#include "cc/model/bouncer.h"
#include "cc/model/heartbeat.h"
#include "cc/model/q_tenant.h"

#define MAX_RATE 100000 /* requests a second of one bouncer: what is more is no counter of requests */

struct heartbeat_query {
	bool intercepting;
};

#define T struct heartbeat_query
static const struct field heartbeat_query_fields[] = {
	BOOL(T, intercepting, F_CREATE, "Traffic passes the bouncer.", .def = "false"),
};
#undef T
static SCHEMA(heartbeat_query_schema, struct heartbeat_query, "HeartbeatQuery", heartbeat_query_fields);

struct beat {
	const struct req *rq;
	int64_t id;
	struct heartbeat *answer, desired;
};

/* A key for trying things out speaks for no bouncer in production; the other way round there is no harm. */
static const char *only_environment(const struct ctx *cx)
{
	const char *own = cx->actor->environment;

	return own != NULL && str_eq(own, environments[0]) ? own : NULL;
}

static enum err refuse_beat(struct ctx *cx, const struct beat *b)
{
	struct heartbeat fate;
	bool found;

	TRY(q_bouncer_fate(cx->db, &fate, &found, b->id, cx->tenant->epoch));
	if (!found)
		return refuse_missing(cx, "bouncer", b->rq->param[0]);
	if (only_environment(cx) != NULL && !str_eq(only_environment(cx), fate.environment))
		return refuse(cx, ERR_ENVIRONMENT,
			      "the API key is for bouncers of the %s environment, not of %s",
			      only_environment(cx), fate.environment);
	if (fate.deleted)
		return refuse(cx, ERR_BOUNCER_DELETED, "bouncer %s is deleted", b->rq->param[0]);
	return refuse_moving(cx);
}

static enum err beat(struct ctx *cx, void *arg)
{
	struct beat *b = arg;
	const struct heartbeat_report *said = b->rq->body;
	const struct heartbeat_query *q = b->rq->query;
	bool found, known;

	q_bouncer_beat_later(cx->db, b->answer, &found, b->id, cx->tenant->epoch, said->requests_total,
			     said->policies_synced, said->cache_hit_rate, said->revision, q->intercepting,
			     MAX_RATE, only_environment(cx));
	TRY(q_bouncer_desired(cx->db, &b->desired, &known, b->id, cx->world->settings->signing.id));
	return found && known ? ERR_NONE : refuse_beat(cx, b);
}

/* What is counted was committed: if this process dies in between, it is not counted, and never twice. */
static void count(struct ctx *cx, const struct heartbeat *h)
{
	struct world *w = cx->world;

	if (h->requests_new > 0 && w->usage != NULL &&
	    !usage_count(w->usage, cx->tenant->id, USAGE_BOUNCER_REQUESTS, h->environment, h->requests_new) &&
	    w->usage_due != NULL)
		w->usage_due(w);
}

/* It will ask for a newer one when it hears of it: until then that is made. */
static void tell_desired(struct ctx *cx, const struct beat *b, const char *said)
{
	struct heartbeat *h = b->answer;

	h->desired_revision = b->desired.desired_revision;
	h->sync_now = said != NULL && h->desired_revision != NULL && !str_eq(said, h->desired_revision);
	if (b->desired.behind)
		bundle_expect(cx, b->desired.environment);
}

static enum err heartbeat_take(struct ctx *cx, struct req *rq)
{
	const struct heartbeat_report *said = rq->body;
	struct heartbeat *h = ARENA_NEW(cx->arena, struct heartbeat);
	struct beat b = { .rq = rq, .answer = h };
	const struct tenant *fresh = NULL;
	enum err e;

	TRY(req_id(cx, rq, 0, &b.id));
	e = head_note(cx, beat, &b, &fresh);
	gate_keep(cx, rq, fresh);
	TRY(e);
	h->environment = b.desired.environment;
	count(cx, h);
	h->message = "Heartbeat received";
	h->status = bouncer_statuses[0];
	h->is_connected = true;
	tell_desired(cx, &b, said->revision);
	return reply(rq, h);
}

/* Nothing that is managed changes, so it is no write to the gate: a suspended tenant's bouncers go on. */
static const struct route routes[] = {
	{ M_POST, "/peps/{id}/heartbeat", "sendHeartbeat", "bouncers:connect", NULL, .auth = AUTH_TENANT,
	  .store = STORE_NONE, .mode = DB_READ, .flags = ROUTE_VOLATILE | ROUTE_SUSPENDED_OK,
	  .object = "bouncer", .status = 200, .handler = heartbeat_take, .query = &heartbeat_query_schema,
	  .body = &heartbeat_report_schema, .reply = &heartbeat_schema, .rate = RATE_READ,
	  .errors = { ERR_BOUNCER_DELETED, ERR_ENVIRONMENT, ERR_TENANT_MOVING },
	  .summary = "Give a sign of life of a bouncer",
	  .doc = "Every 30 seconds. The answer says which bundle is wanted of the bouncer's environment. "
		 "A bouncer counts as connected for two minutes. What its requests_total "
		 "has grown by is usage of the tenant. The first one only says where it stands. One that is "
		 "less than half of the last, which came 30 seconds ago or more, began anew, and all of it "
		 "counts; any other that is smaller counts for nothing, and neither does what is more than "
		 "100000 a second." },
};
ROUTE_GROUP(heartbeat_routes, "Bouncers", "/api/v1", routes);
