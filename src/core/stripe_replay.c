/* SPDX-License-Identifier: Apache-2.0 */
/* Events that were sent and never came: Stripe's list is read from where it was read to. */
#include "stripe_in.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/log.h"
#include "cc/core/stripe_sync.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "rounds.h"

#define OVERLAP_S 600 /* an event may be listed later than the next one */
#define PAGES_MAX 100 /* of 100 events each, of a stretch of some hours */
#define PAGE 100
#define FETCHES_MAX 200 /* of one round: the rest is missing in the next one as well */

struct replay {
	struct stripe_span span;
	bool found;
	struct strv ids; /* of a page */
	struct db_rows missing;
	struct stripe_event_in event;
	int fetched;
};

static enum err take(struct ctx *cx, void *arg)
{
	struct replay *r = arg;

	q_stripe_replay_take_later(cx->db, &r->span, &r->found, cx->world->settings->stripe.replay_s);
	return ERR_NONE;
}

static enum err find_missing(struct ctx *cx, void *arg)
{
	struct replay *r = arg;

	r->missing = (struct db_rows){ .n = 0 };
	q_stripe_events_missing_later(cx->db, &r->missing, &r->ids);
	return ERR_NONE;
}

static enum err store(struct ctx *cx, void *arg)
{
	const struct replay *r = arg;

	stripe_event_store_later(cx, &r->event);
	return ERR_NONE;
}

static enum err move_on(struct ctx *cx, void *arg)
{
	const struct replay *r = arg;

	q_stripe_replay_read_later(cx->db, r->span.until);
	return ERR_NONE;
}

/* As it would have come. False: not now. */
static bool fetch_event(struct ctx *cx, struct replay *r, const char *id)
{
	const struct stripe_call call = { .method = "GET",
		.path = arena_printf(cx->arena, "/v1/events/%s", id) };
	struct db_place place;
	struct http_got got;
	const char *why;
	struct doc *d;
	bool good;

	if (stripe_ask(cx, &call, &got) != HTTP_GOT || got.status >= 500)
		return false;
	d = got.status == 200 ? doc_parse(cx->arena, got.body, got.len, &why) : NULL;
	good = d != NULL && stripe_event_read(cx, d, got.body, &r->event);
	doc_free(d);
	if (!good || r->event.live != cx->world->settings->stripe.live)
		return stripe_is_missing(cx, &got) || got.status == 200;
	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, store, r) == ERR_NONE;
}

/* *ret_last: the id that the next page begins behind; NULL: there is none. */
static bool read_page(struct ctx *cx, struct replay *r, const char *path, const char **ret_last)
{
	const char **ids = ARENA_ARRAY(cx->arena, const char *, PAGE);
	const struct doc *item;
	bool missing;
	struct doc *d = stripe_get_doc(cx, path, &missing);

	*ret_last = NULL;
	r->ids = (struct strv){ .v = ids };
	if (d == NULL)
		return false;
	for (size_t i = 0; i < PAGE && (item = doc_item(d, "data", i)) != NULL; i++)
		if (doc_text(item, "id") != NULL)
			ids[r->ids.n++] = arena_strdup(cx->arena, doc_text(item, "id"));
	if (doc_true(d, "has_more") && r->ids.n > 0)
		*ret_last = ids[r->ids.n - 1];
	doc_free(d);
	return true;
}

static bool bring_missing(struct ctx *cx, struct replay *r)
{
	struct db_place place;

	place_platform(cx->world, &place);
	if (r->ids.n == 0)
		return true;
	if (db_unit(cx, &place, DB_READ, find_missing, r) != ERR_NONE)
		return false;
	for (size_t i = 0; i < r->missing.n; i++) {
		if (r->fetched == FETCHES_MAX ||
			!fetch_event(cx, r, DB_ROW(&r->missing, struct stripe_missing, i)->event_id))
			return false;
		r->fetched++;
	}
	return true;
}

/* False: what is left is read again. */
static bool read_all(struct ctx *cx, struct replay *r)
{
	const char *list =
		arena_printf(cx->arena, "/v1/events?limit=%d&created[gte]=%" PRId64 "&created[lte]=%" PRId64,
			PAGE, r->span.since - OVERLAP_S, r->span.until);
	const char *path = list, *last;

	for (int page = 0; page < PAGES_MAX; page++) {
		if (!read_page(cx, r, path, &last) || !bring_missing(cx, r))
			return false;
		if (last == NULL)
			return true;
		path = arena_printf(cx->arena, "%s&starting_after=%s", list, last);
	}
	LOG(LOG_ERROR, "Stripe has more events than are looked through", LOG_INT("since", r->span.since));
	return true;
}

enum err stripe_replay(struct ctx *cx, struct round *ret)
{
	struct replay *r = ARENA_NEW(cx->arena, struct replay);
	struct db_place place;
	bool all;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	TRY(round_claim(cx, q_stripe_replay_due, take, r));
	if (!r->found)
		return ERR_NONE;
	all = read_all(cx, r);
	ctx_clear_problem(cx);
	if (r->fetched > 0)
		LOG(LOG_WARN, "events of Stripe's had not come, and were read from its list",
			LOG_INT("events", r->fetched));
	ret->done = r->fetched;
	return all ? db_unit(cx, &place, DB_WRITE, move_on, r) : ERR_NONE;
}
