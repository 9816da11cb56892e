/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's life and its trust in what it holds: the change feed. */
#include <stdlib.h>

#include "registry_in.h"

#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/model/q_control.h"

#define FRESH_MS 1000           /* a change binds everywhere within this */
#define POLL_MS 1000            /* deadline of one poll */
#define FAILED_MS 250           /* nobody asks again so soon after a failure */
#define POLL_ROWS 1000
#define KEY_PREFIX "key-"

struct registry *registry_create(struct world *w)
{
	struct registry *r = mem_alloc(1, sizeof(*r));

	r->world = w;
	r->born_ms = clock_mono_ms();
	lock_init(&r->lock, RANK_REGISTRY);
	cond_init(&r->changed);
	lru_init(&r->tenants, TENANTS_MAX);
	lru_init(&r->creds, CREDS_MAX);
	lru_init(&r->tokens, TOKENS_MAX);
	lru_init(&r->keysets, KEYSETS_MAX);
	r->denied_creds = mem_alloc(DENIED_CREDS, sizeof(*r->denied_creds));
	r->denied_hosts = mem_alloc(DENIED_HOSTS, sizeof(*r->denied_hosts));
	r->jwks_notes = mem_alloc(JWKS_NOTES, sizeof(*r->jwks_notes));
	atomic_init(&r->fresh_ms, 0);
	return r;
}

void registry_destroy(struct registry *r)
{
	if (r == NULL)
		return;
	tenants_drop_all(r);
	creds_drop_all(r);
	tokens_drop_all(r);
	keysets_drop_all(r);
	lru_finish(&r->tenants);
	lru_finish(&r->creds);
	lru_finish(&r->tokens);
	lru_finish(&r->keysets);
	free(r->denied_creds);
	free(r->denied_hosts);
	free(r->jwks_notes);
	cond_finish(&r->changed);
	lock_finish(&r->lock);
	free(r);
}

void registry_stats(struct registry *r, struct registry_stats *ret)
{
	lock_take(&r->lock);
	*ret = (struct registry_stats){ .cache = {
		{ "tenants", r->tenants.count, r->tenants.max },
		{ "credentials", r->creds.count, r->creds.max },
		{ "tokens", r->tokens.count, r->tokens.max },
		{ "keysets", r->keysets.count, r->keysets.max },
	} };
	lock_drop(&r->lock);
}

int64_t registry_fresh_at(const struct registry *r)
{
	return atomic_load_explicit(&r->fresh_ms, memory_order_acquire);
}

static int64_t age_ms(const struct registry *r)
{
	const int64_t fresh = registry_fresh_at(r);

	return fresh == 0 ? INT64_MAX : clock_mono_ms() - fresh;
}

bool registry_usable(const struct registry *r)
{
	const int64_t stated = r->world->settings->stale_max_s * 1000;

	return age_ms(r) <= (stated > FRESH_MS ? stated : FRESH_MS);
}

static void forget_hosts(struct registry *r)
{
	for (size_t i = 0; i < DENIED_HOSTS; i++)
		r->denied_hosts[i].until_ms = 0;
}

void registry_forget_tenant(struct registry *r, const char *tenant_id)
{
	lock_take(&r->lock);
	tenants_drop(r, tenant_id);
	forget_hosts(r);
	flights_stale(r);
	lock_drop(&r->lock);
	if (r->world->tenant_changed != NULL)
		r->world->tenant_changed(r->world, tenant_id);
}

void registry_forget_all(struct registry *r)
{
	lock_take(&r->lock);
	tenants_drop_all(r);
	creds_drop_all(r);
	tokens_drop_all(r);
	keysets_drop_all(r);
	forget_hosts(r);
	flights_stale(r);
	lock_drop(&r->lock);
}

/* A key is named by its id or by the public part alone. */
static const char *public_part(const char *key)
{
	return str_starts(key, KEY_PREFIX) ? key + sizeof(KEY_PREFIX) - 1 : key;
}

void registry_forget_key(struct registry *r, const char *key_id)
{
	lock_take(&r->lock);
	creds_drop(r, public_part(key_id));
	flights_stale(r);
	lock_drop(&r->lock);
}

struct poll {
	int64_t since;
	bool known;
	int64_t head;
	struct db_rows rows;
};

/* What is not known yet is not asked for: the head alone, by what nothing comes after. */
static enum err poll_read(struct ctx *cx, void *arg)
{
	struct poll *p = arg;
	const struct feed_row *first;

	TRY(q_feed_since(cx->db, &p->rows, p->known ? p->since : INT64_MAX, POLL_ROWS));
	if (p->rows.n == 0)
		return refuse(cx, ERR_INTERNAL, "the change feed has no head");
	first = DB_ROW(&p->rows, struct feed_row, 0);
	p->head = first->head;
	if (first->version == INT_NULL)
		p->rows.n = 0;
	return ERR_NONE;
}

/* Every version from the last one known to the head, none left out? */
static bool is_complete(const struct poll *p)
{
	if (!p->known || p->rows.n >= POLL_ROWS || p->head < p->since)
		return false;
	for (size_t i = 0; i < p->rows.n; i++)
		if (DB_ROW(&p->rows, struct feed_row, i)->version != p->since + 1 + (int64_t)i)
			return false;
	return p->since + (int64_t)p->rows.n >= p->head;
}

static void drop_one(struct registry *r, const struct feed_row *row)
{
	if (str_eq(row->kind, "key"))
		creds_drop(r, public_part(row->subject));
	else if (row->tenant_id != NULL)
		tenants_drop(r, row->tenant_id);
	else
		tenants_drop_all(r);
}

/* The lock is held. */
static void poll_apply(struct registry *r, const struct poll *p)
{
	if (!is_complete(p)) {
		tenants_drop_all(r);
		creds_drop_all(r);
		r->feed_version = p->head;
	} else {
		for (size_t i = 0; i < p->rows.n; i++)
			drop_one(r, DB_ROW(&p->rows, struct feed_row, i));
		r->feed_version = p->since + (int64_t)p->rows.n;
	}
	if (!is_complete(p) || p->rows.n > 0) {
		forget_hosts(r);
		flights_stale(r);
	}
	r->feed_known = true;
}

/* Whoever keeps something of tenants for himself. */
static void tell_changed(struct world *w, const struct poll *p, bool complete)
{
	if (w->tenant_changed == NULL)
		return;
	for (size_t i = 0; complete && i < p->rows.n; i++) {
		const struct feed_row *row = DB_ROW(&p->rows, struct feed_row, i);

		if (!str_eq(row->kind, "key"))
			w->tenant_changed(w, row->tenant_id);
	}
	if (!complete)
		w->tenant_changed(w, NULL);
}

/* One poll with a deadline of its own, so that a silent database does not hold a request for long. */
static enum err poll_once(struct ctx *cx, struct registry *r)
{
	struct poll p = { .since = r->feed_version, .known = r->feed_known };
	const int64_t start = clock_mono_ms(), deadline = cx->deadline_ms;
	struct db_place place;
	enum err e;

	place_platform(r->world, &place);
	if (deadline == 0 || deadline > start + POLL_MS)
		cx->deadline_ms = start + POLL_MS;
	e = db_glance(cx, &place, poll_read, &p);
	cx->deadline_ms = deadline;
	lock_take(&r->lock);
	if (e == ERR_NONE) {
		poll_apply(r, &p);
		atomic_store_explicit(&r->fresh_ms, start, memory_order_release);
	}
	r->failed_ms = e == ERR_NONE ? 0 : clock_mono_ms();
	r->polling = false;
	cond_wake_all(&r->changed);
	lock_drop(&r->lock);
	if (e == ERR_NONE)
		tell_changed(r->world, &p, is_complete(&p));
	return e;
}

/* feed_version and feed_known are written by the one who polls, so poll_once() may read them unlocked. */
enum err registry_poll(struct ctx *cx)
{
	struct registry *r = cx->world->registry;
	const int64_t until = clock_mono_ms() + POLL_MS;
	const int64_t before = registry_fresh_at(r);
	bool in_time = true, mine;

	lock_take(&r->lock);
	mine = !r->polling;
	if (mine)
		r->polling = true;
	while (!mine && r->polling && in_time)
		in_time = cond_wait_until(&r->changed, &r->lock, until);
	lock_drop(&r->lock);
	if (mine)
		return poll_once(cx, r);
	return registry_fresh_at(r) > before ? ERR_NONE : ERR_UNAVAILABLE;
}

static bool failed_lately(struct registry *r)
{
	bool lately;

	lock_take(&r->lock);
	lately = r->failed_ms != 0 && clock_mono_ms() - r->failed_ms < FAILED_MS;
	lock_drop(&r->lock);
	return lately;
}

enum err registry_confirm(struct ctx *cx, bool may_load, bool *ret_degraded)
{
	struct registry *r = cx->world->registry;

	*ret_degraded = false;
	if (age_ms(r) <= FRESH_MS)
		return ERR_NONE;
	if (!failed_lately(r)) {
		if (!may_load)
			return ERR_NEED_LOAD;
		if (registry_poll(cx) == ERR_NONE)
			return ERR_NONE;
		ctx_clear_problem(cx);
	}
	if (!registry_usable(r))
		return refuse(cx, ERR_UNAVAILABLE, "the control database cannot be reached; retry");
	*ret_degraded = true;
	return ERR_NONE;
}
