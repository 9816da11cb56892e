/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_THINGS_H
#define CC_TESTS_THINGS_H

#include "cc/db/query.h"
#include "cc/db/unit.h"
#include "pg.h"

/* A small table of its own, in two tenants' schemas, for tests of the database floor. */
struct thing_limits {
	int64_t max_users;
};
struct thing {
	int64_t id;
	const char *name, *status;
	bool good;
	int64_t made_at;
	double ratio;
	struct strv tags;
	const char *body;
	struct bytes blob;
	struct thing_limits settings;
};
extern const struct field thing_fields[];
extern const struct schema thing_schema;
extern const char *const thing_statuses[];

/* One server per program, one pool, arena and context per test. */
struct things {
	struct pg *pg;
	struct db_pool *pool;
	struct arena *arena;
	struct ctx cx;
	struct db_place place; /* tenant a */
};

/* What a piece of work is told, and what it tells. */
struct job {
	struct things *fx;
	int runs;
	struct thing thing;
	struct db_rows rows;
	bool found;
	int64_t n;
	const char *text;
};

int things_start(void **state);
int things_stop(void **state);
int things_open(void **state);
int things_close(void **state); /* fails the test when a lease or a transaction was left open */

enum err things_unit(struct things *fx, enum db_mode mode, db_work work, struct job *job);
struct db_pool_stats things_stats(struct things *fx);
void things_kill_backends(struct things *fx);
const char *things_count(struct things *fx); /* rows of tenant a, as a text */

/* Statements, to be used inside a unit. */
enum err thing_add(struct ctx *cx, int64_t id, const char *name);
void thing_add_later(struct ctx *cx, int64_t id, const char *name);
void thing_rename_later(struct ctx *cx, int64_t id, const char *name);
enum err thing_get(struct ctx *cx, struct thing *row, int64_t id);
enum err thing_find(struct ctx *cx, struct thing *row, bool *found, int64_t id);
void thing_find_later(struct ctx *cx, struct thing *row, bool *found, int64_t id);
enum err thing_list(struct ctx *cx, struct db_rows *rows, const struct db_order *order);
enum err thing_raise(struct ctx *cx, const char *sqlstate);
enum err thing_sleep(struct ctx *cx, double seconds);

/* Work: one and two are added; the first is read, and all are listed, with one round trip. */
enum err things_add_two(struct ctx *cx, void *job);
enum err things_read_later(struct ctx *cx, void *job);

#endif
