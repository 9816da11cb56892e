/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_POOL_IN_H
#define CC_DB_POOL_IN_H

#include "conn.h"
#include "cc/base/lock.h"

struct waiter;

/* How many connections of a pool one tenant has. */
struct tenant_use {
	int n;
	char name[];
};

struct db_budget {
	struct lock lock;
	int max, open; /* guarded by: lock, like all below and every pool's own */
	struct db_pool *pools;
	struct waiter *waiters;
};

struct db_pool {
	struct db_pool *next;
	struct db_budget *budget;
	bool own_budget;
	struct db_pool_conf conf; /* texts are copies */
	struct db *idle;          /* the one returned last first: the rest may grow old and close */
	struct map *uses;         /* struct tenant_use by tenant */
	struct db_pool_stats stats;
	int64_t paused_until_ms;
	int pause_ms; /* 0: the last connect succeeded */
	bool probing; /* one connect at a time while the server fails */
	char error[256];
};

/* Lock held, called whenever something came back. */
void pool_serve(struct db_budget *b);
/* Lock held. The place of a connection that is gone, or was never made. */
void pool_give_place(struct db_pool *p);
void pool_close_all(struct db *list);
bool pool_is_old(const struct db *db, int64_t now_ms);

#endif
