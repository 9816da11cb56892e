/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections on lease. Pools that share a budget share its lock, so that one may close another's
 * idle connection and waiters of all are served in the order they came. Connecting and closing
 * happen outside the lock, on a place (pool->open, budget->open) that is already taken.
 */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool_in.h"
#include "cc/base/clock.h"
#include "cc/base/lock.h"

#define PAUSE_MIN_MS 50 /* after a failed connect; doubled with each further one */
#define PAUSE_MAX_MS 1000
/* A connection ends after this many unkept statements for each that it keeps: a new one costs less. */
#define UNKEPT_TIMES 50

enum grant { GRANT_NONE, GRANT_IDLE, GRANT_OPEN, GRANT_PAUSED };

/* A thread in db_lease() that could not be served at once; on its stack. */
struct waiter {
	struct waiter *next;
	struct db_pool *pool;
	const char *tenant;
	struct cond wake;
	enum grant grant;
	struct db *db; /* with GRANT_IDLE, and the one to close first with GRANT_OPEN */
	struct tenant_use *use;
};

struct db_budget *db_budget_create(int max)
{
	struct db_budget *b = calloc(1, sizeof(*b));

	if (b == NULL)
		abort();
	lock_init(&b->lock, RANK_POOL);
	b->max = max;
	return b;
}

void db_budget_destroy(struct db_budget *b)
{
	if (b == NULL)
		return;
	assert(b->pools == NULL);
	lock_finish(&b->lock);
	free(b);
}

static const char *copy(const char *s)
{
	char *c = s != NULL ? strdup(s) : NULL;

	if (s != NULL && c == NULL)
		abort();
	return c;
}

static void drop_copy(const char *s)
{
	free((void *)(uintptr_t)s);
}

struct db_pool *db_pool_create(const struct db_pool_conf *conf)
{
	struct db_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->conf = *conf;
	p->conf.name = copy(conf->name);
	p->conf.conninfo = copy(conf->conninfo);
	p->conf.user = copy(conf->user);
	p->conf.password = copy(conf->password);
	p->uses = map_create();
	p->own_budget = conf->budget == NULL;
	p->budget = p->own_budget ? db_budget_create(INT_MAX) : conf->budget;
	lock_take(&p->budget->lock);
	p->next = p->budget->pools;
	p->budget->pools = p;
	lock_drop(&p->budget->lock);
	return p;
}

void db_pool_destroy(struct db_pool *p)
{
	struct db_budget *b;

	if (p == NULL)
		return;
	b = p->budget;
	lock_take(&b->lock);
	assert(p->stats.leased == 0 && p->stats.waiting == 0);
	b->open -= p->stats.open;
	for (struct db_pool **at = &b->pools; *at != NULL; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
	lock_drop(&b->lock);
	pool_close_all(p->idle);
	map_destroy(p->uses, free);
	if (p->own_budget)
		db_budget_destroy(b);
	drop_copy(p->conf.name);
	drop_copy(p->conf.conninfo);
	drop_copy(p->conf.user);
	if (p->conf.password != NULL)
		bytes_wipe((void *)(uintptr_t)p->conf.password, strlen(p->conf.password));
	drop_copy(p->conf.password);
	free(p);
}

static struct tenant_use *use_take(struct db_pool *p, const char *tenant)
{
	struct tenant_use *u;
	size_t n;

	if (tenant == NULL)
		return NULL;
	u = map_get(p->uses, tenant);
	if (u == NULL) {
		n = strlen(tenant) + 1;
		u = calloc(1, sizeof(*u) + n);
		if (u == NULL)
			abort();
		memcpy(u->name, tenant, n);
		map_set(p->uses, tenant, u);
	}
	u->n++;
	return u;
}

static void use_drop(struct db_pool *p, struct tenant_use *u)
{
	if (u != NULL && --u->n == 0)
		free(map_take(p->uses, u->name));
}

static bool share_is_full(const struct db_pool *p, const char *tenant)
{
	const struct tenant_use *u = tenant != NULL && p->conf.share > 0 ? map_get(p->uses, tenant) : NULL;

	return u != NULL && u->n >= p->conf.share;
}

static struct db *pop_idle(struct db_pool *p)
{
	struct db *db = p->idle;

	if (db != NULL)
		p->idle = db->next;
	return db;
}

/* A place in a full budget comes from a pool whose connection nobody uses: that one is to be closed. */
static struct db *take_place(struct db_budget *b)
{
	for (struct db_pool *p = b->pools; p != NULL; p = p->next) {
		struct db *victim = pop_idle(p);

		if (victim != NULL) {
			p->stats.open--;
			b->open--;
			return victim;
		}
	}
	return NULL;
}

static enum grant try_open(struct db_pool *p, struct db **ret_victim)
{
	struct db_budget *b = p->budget;

	if (p->pause_ms > 0 && (p->probing || clock_mono_ms() < p->paused_until_ms))
		return GRANT_PAUSED;
	if (p->stats.open >= p->conf.max)
		return GRANT_NONE;
	if (b->open >= b->max) {
		*ret_victim = take_place(b);
		if (*ret_victim == NULL)
			return GRANT_NONE;
	}
	p->probing = p->pause_ms > 0;
	p->stats.open++;
	b->open++;
	return GRANT_OPEN;
}

/* Lock held. What a lease can have right now; GRANT_IDLE and GRANT_OPEN have taken it. */
static void try_grant(struct waiter *w)
{
	struct db_pool *p = w->pool;

	w->grant = db_server_is_down(p->conf.server) ? GRANT_PAUSED : GRANT_NONE;
	if (w->grant == GRANT_PAUSED || share_is_full(p, w->tenant))
		return;
	w->db = pop_idle(p);
	w->grant = w->db != NULL ? GRANT_IDLE : try_open(p, &w->db);
	if (w->grant == GRANT_IDLE || w->grant == GRANT_OPEN) {
		p->stats.leased++;
		w->use = use_take(p, w->tenant);
	}
}

/* Afterwards nobody waits for what is there, so a newcomer that finds something free overtakes nobody. */
void pool_serve(struct db_budget *b)
{
	for (struct waiter **at = &b->waiters; *at != NULL;) {
		struct waiter *w = *at;

		try_grant(w);
		if (w->grant == GRANT_NONE) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		cond_wake_one(&w->wake);
	}
}

void pool_give_place(struct db_pool *p)
{
	p->stats.open--;
	p->budget->open--;
}

/* Lock held. False: the deadline passed first. */
static bool wait_turn(struct waiter *w, int64_t deadline_ms)
{
	struct db_budget *b = w->pool->budget;
	struct waiter **at = &b->waiters;
	const int64_t since_us = clock_mono_us();
	bool in_time = true;

	cond_init(&w->wake);
	while (*at != NULL)
		at = &(*at)->next;
	*at = w;
	w->pool->stats.waiting++;
	while (w->grant == GRANT_NONE && in_time)
		in_time = cond_wait_until(&w->wake, &b->lock, deadline_ms);
	w->pool->stats.waiting--;
	w->pool->stats.waits_total++;
	w->pool->stats.waited_us += clock_mono_us() - since_us;
	if (w->grant == GRANT_NONE) {
		at = &b->waiters;
		while (*at != w)
			at = &(*at)->next;
		*at = w->next;
	}
	cond_finish(&w->wake);
	return w->grant != GRANT_NONE;
}

/* Lock held. */
static void note_connect(struct db_pool *p, bool ok, const char *error)
{
	p->probing = false;
	if (ok) {
		p->pause_ms = 0;
		p->error[0] = '\0';
		p->stats.opened_total++;
		return;
	}
	p->stats.failed_total++;
	snprintf(p->error, sizeof(p->error), "%s", error);
	p->pause_ms = p->pause_ms == 0 ? PAUSE_MIN_MS : 2 * p->pause_ms;
	if (p->pause_ms > PAUSE_MAX_MS)
		p->pause_ms = PAUSE_MAX_MS;
	p->paused_until_ms = clock_mono_ms() + p->pause_ms;
}

/* No lock held; the place is taken. */
static enum err open_on_place(struct waiter *w, int64_t deadline_ms, struct db **ret)
{
	struct db_pool *p = w->pool;
	const int64_t limit = clock_mono_ms() + p->conf.connect_ms;
	char error[256] = "";
	PGconn *pg = conn_open(p->conf.conninfo, p->conf.user, p->conf.password, true,
		p->conf.server, limit < deadline_ms ? limit : deadline_ms, error, sizeof(error));
	struct db *db = pg != NULL ? conn_wrap(pg) : NULL;

	lock_take(&p->budget->lock);
	note_connect(p, db != NULL, error);
	if (db == NULL) {
		pool_give_place(p);
		p->stats.leased--;
		use_drop(p, w->use);
		pool_serve(p->budget);
	}
	lock_drop(&p->budget->lock);
	if (db == NULL)
		return ERR_UNAVAILABLE;
	db->pool = p;
	db->use = w->use;
	db->born_ms = clock_mono_ms();
	*ret = db;
	return ERR_NONE;
}

enum err db_lease(struct db_pool *p, const char *tenant, int64_t deadline_ms, struct db **ret)
{
	struct waiter w = { .pool = p, .tenant = tenant };
	bool served = true;

	lock_take(&p->budget->lock);
	try_grant(&w);
	if (w.grant == GRANT_NONE)
		served = wait_turn(&w, deadline_ms);
	lock_drop(&p->budget->lock);
	if (!served)
		return ERR_OVERLOADED;
	if (w.grant == GRANT_PAUSED)
		return ERR_UNAVAILABLE;
	if (w.grant == GRANT_IDLE && conn_alive(w.db)) {
		w.db->use = w.use;
		*ret = w.db;
		return ERR_NONE;
	}
	/* It ended while nobody looked, or it makes room for ours: its place is ours in both cases. */
	conn_close(w.db);
	return open_on_place(&w, deadline_ms, ret);
}

/* Too many schemas are remembered, or what is kept prepared is not what is asked any more. */
static bool is_worn(const struct db *db)
{
	const int most = db->pool->conf.schemas_max;

	return most > 0 && (map_count(db->paths) > (size_t)most ||
				   db->unkept > (int64_t)UNKEPT_TIMES * db->pool->conf.statements_max);
}

void db_return(struct db *db)
{
	struct db_pool *p = db->pool;
	const bool open_tx = !db->lost && PQtransactionStatus(db->pg) != PQTRANS_IDLE;
	const int64_t trips = db->trips;
	struct tenant_use *use = db->use;

	db->cx = NULL;
	db->use = NULL;
	db->trips = 0;
	db->idle_ms = clock_mono_ms();
	if (db->lost || open_tx || pool_is_old(db, db->idle_ms) || is_worn(db)) {
		conn_close(db); /* before its place is given: the budget is never exceeded */
		db = NULL;
	}
	lock_take(&p->budget->lock);
	p->stats.leased--;
	p->stats.faults_total += open_tx;
	p->stats.trips_total += trips;
	use_drop(p, use);
	if (db != NULL) {
		db->next = p->idle;
		p->idle = db;
	} else {
		pool_give_place(p);
	}
	pool_serve(p->budget);
	lock_drop(&p->budget->lock);
}
