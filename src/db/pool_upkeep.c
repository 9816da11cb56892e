/* SPDX-License-Identifier: Apache-2.0 */
/* What a pool tells about itself, what its connections keep, and what closes those that nobody uses. */
#include <stdio.h>

#include "pool_in.h"
#include "cc/base/clock.h"

#define PATH_PART 8 /* one path may have about this part of the kept statements */

void db_pool_stats(struct db_pool *p, struct db_pool_stats *ret)
{
	lock_take(&p->budget->lock);
	*ret = p->stats;
	lock_drop(&p->budget->lock);
}

void pool_last_error(struct db_pool *p, char *ret, size_t n)
{
	lock_take(&p->budget->lock);
	snprintf(ret, n, "%s: %s", p->conf.name,
		db_server_is_down(p->conf.server) ? "the server does not answer"
		: p->error[0] != '\0'		  ? p->error
						  : "all are leased");
	lock_drop(&p->budget->lock);
}

/* Lifetimes differ a little, so that connections opened together do not end together. */
bool pool_is_old(const struct db *db, int64_t now_ms)
{
	const int64_t life = db->pool->conf.lifetime_ms;

	return life > 0 && now_ms - db->born_ms > life - life / 8 * ((int64_t)((uintptr_t)db >> 8) & 1);
}

void pool_visit(struct db *db, const char *path)
{
	const struct db_pool_conf *conf = &db->pool->conf;
	struct map *stmts = conf->schemas_max > 0 ? map_get(db->paths, path) : NULL;

	if (conf->schemas_max > 0 && stmts == NULL) {
		stmts = map_create();
		map_set(db->paths, path, stmts);
	}
	db->here = conf->statements_max > 0 ? stmts : NULL;
}

bool pool_keep(struct db *db)
{
	const int most = db->pool->conf.statements_max;

	/* Orders of lists are their clients' to choose: one tenant's must not take the places of all. */
	if (map_count(db->here) > (size_t)(most / PATH_PART))
		return false;
	if (db->nown >= most) {
		db->unkept++;
		return false;
	}
	db->nown++;
	return true;
}

void pool_close_all(struct db *list)
{
	while (list != NULL) {
		struct db *db = list;

		list = db->next;
		conn_close(db);
	}
}

/* No lock held. What was taken out of the idle ones: closed first, then their places are given. */
static void let_go(struct db_pool *p, struct db *list, int n)
{
	pool_close_all(list);
	lock_take(&p->budget->lock);
	for (; n > 0; n--)
		pool_give_place(p);
	pool_serve(p->budget);
	lock_drop(&p->budget->lock);
}

void db_pool_sweep(struct db_pool *p)
{
	const int64_t now = clock_mono_ms();
	struct db *old = NULL;
	int n = 0;

	lock_take(&p->budget->lock);
	for (struct db **at = &p->idle; *at != NULL;) {
		struct db *db = *at;
		bool idle = p->conf.idle_close_ms > 0 && now - db->idle_ms > p->conf.idle_close_ms;

		if (!idle && !pool_is_old(db, now)) {
			at = &db->next;
			continue;
		}
		*at = db->next;
		db->next = old;
		old = db;
		n++;
	}
	lock_drop(&p->budget->lock);
	let_go(p, old, n);
}

void db_pool_turn(struct db_pool *p)
{
	struct db *idle;
	int n = 0;

	lock_take(&p->budget->lock);
	idle = p->idle;
	p->idle = NULL;
	for (const struct db *db = idle; db != NULL; db = db->next)
		n++;
	p->pause_ms = 0;
	lock_drop(&p->budget->lock);
	let_go(p, idle, n);
}
