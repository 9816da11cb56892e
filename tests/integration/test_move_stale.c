/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that know only where a tenant was, at every level of isolation, while it moves: what was
 * acknowledged is where the tenant is now, and behind the flip nothing is accepted, however it came there.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "mover.h"

#include "cc/base/clock.h"

enum {
	/* Three for each level: as one that no right holds up, as the tenant's role, and one that waits. */
	WRITERS = 9,
	STALE = 10000, /* attempts behind the flip, of all */
	PAUSE_US = 3000,
	WARM_MS = 60000,
};

static const char *const levels[] = { "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE" };

struct writer {
	int n;
	const char *level, *schema;
	bool bound; /* the tenant's role */
	bool parks;
	PGconn *pg;
	pthread_t thread;
	long tried, accepted;    /* behind the flip */
	long parked;             /* of those that were begun before it */
	atomic_int acknowledged; /* before: policies w<n>-1 … */
};

/* parks: whoever does has its snapshot before the flip and goes on behind it. */
static atomic_bool parks_now, flipped;
static struct writer writers[WRITERS];

static bool ask(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);
	const ExecStatusType s = PQresultStatus(r);
	const bool ok = s == PGRES_COMMAND_OK || (s == PGRES_TUPLES_OK && PQntuples(r) > 0);

	PQclear(r);
	return ok;
}

static bool begin(const struct writer *w)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		"BEGIN ISOLATION LEVEL %s; SET LOCAL search_path = %s, pg_temp; SET LOCAL ROLE %s;"
		" SELECT version FROM head",
		w->level, w->schema, w->bound ? w->schema : "NONE");
	return ask(w->pg, sql);
}

/* What every managed write does: the gate, a row under its version, and COMMIT. */
static bool write_one(const struct writer *w, long n)
{
	char sql[700];

	snprintf(sql, sizeof(sql),
		"WITH gate AS (UPDATE head SET version = version + 1, policies_used = policies_used + 1,"
		" last_policy_id = last_policy_id + 1 WHERE epoch = 1 AND writable"
		" RETURNING version, last_policy_id)"
		" INSERT INTO policies (id, name, status, environment, rego_code, created_by, created_at,"
		" updated_at, changed_version) SELECT last_policy_id, 'w%d-%ld', 'draft', 'sandbox', 'x', "
		"'k',"
		" now(), now(), version FROM gate RETURNING id",
		w->n, n);
	if (ask(w->pg, sql))
		return ask(w->pg, "COMMIT");
	(void)ask(w->pg, "ROLLBACK");
	return false;
}

static void *work(void *arg)
{
	struct writer *w = arg;

	while (w->tried < STALE / WRITERS + 1) {
		bool stale = atomic_load(&flipped);
		const bool parks = !stale && w->parks && atomic_load(&parks_now);

		/* Refused here already: where the role may not even look any more. */
		const bool begun = begin(w);

		while (parks && !atomic_load(&flipped))
			usleep(PAUSE_US);
		stale |= parks;
		if (write_one(w, w->acknowledged + 1)) {
			w->accepted += stale;
			w->acknowledged += !stale;
		} else if (stale) {
			w->tried++;
			w->parked += parks && begun;
		}
		if (!stale)
			usleep(PAUSE_US);
	}
	return NULL;
}

static void open_writers(const char *schema)
{
	const char *info =
		arena_printf(plane->arena, "%s user=" PG_SUPERUSER, pg_conninfo(plane->pg, PLANE_EAST));

	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .n = i,
			.level = levels[i / 3],
			.schema = schema,
			.bound = i % 3 == 1,
			.parks = i % 3 == 2 };
		writers[i].pg = PQconnectdb(info);
		assert_int_equal(CONNECTION_OK, PQstatus(writers[i].pg));
		assert_int_equal(0, pthread_create(&writers[i].thread, NULL, work, &writers[i]));
	}
}

/* Each has written something. */
static void await_writers(void)
{
	const int64_t end = clock_mono_ms() + WARM_MS;

	for (int i = 0; i < WRITERS; i++)
		while (atomic_load(&writers[i].acknowledged) == 0 && clock_mono_ms() < end)
			usleep(PAUSE_US);
}

static void close_writers(void)
{
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		PQfinish(writers[i].pg);
	}
}

static void check_acknowledged(const char *t, int64_t before)
{
	int64_t all = before;

	for (int i = 0; i < WRITERS; i++) {
		const struct writer *w = &writers[i];

		assert_int_equal(w->acknowledged,
			plane_number(plane, PLANE_WEST,
				"SELECT count(*) FROM generate_series(1, %d) i JOIN %s.policies p ON"
				" p.name = 'w%d-' || i",
				w->acknowledged, t, i));
		all += w->acknowledged;
	}
	assert_int_equal(all, plane_number(plane, PLANE_WEST, "SELECT count(*) FROM %s.policies", t));
	print_message("# %lld policies, all acknowledged ones arrived\n", (long long)all);
}

static void behind_the_flip_nothing_is_accepted(void **state)
{
	const char *id = mover_tenant(50), *d = mover_begin(id, WEST, false), *from = plane_schema(plane, id);
	long tried = 0, accepted = 0, parked = 0;

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	open_writers(from);
	await_writers();
	mover_run_until(d, "step = 'catchup'");
	atomic_store(&parks_now, true);
	usleep(100000);
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now(), lease_until = now() WHERE id = '%s'", d);
	mover_run(d);
	atomic_store(&flipped, true);
	assert_string_equal("completed", mover_column(d, "step"));
	close_writers();
	for (int i = 0; i < WRITERS; i++) {
		print_message("# %s%s: %d before, %ld stale (%ld begun before), %ld accepted\n",
			writers[i].level, writers[i].bound ? " as the tenant" : "",
			atomic_load(&writers[i].acknowledged), writers[i].tried, writers[i].parked,
			writers[i].accepted);
		tried += writers[i].tried;
		accepted += writers[i].accepted;
		parked += writers[i].parked;
		assert_true(writers[i].acknowledged > 0);
	}
	assert_int_equal(0, accepted);
	assert_true(tried >= STALE);
	assert_true(parked > 0);
	check_acknowledged(mover_column(d, "to_schema"), 50);
}

/* Even at the right place, with the epoch of the old one. */
static void an_old_epoch_is_not_accepted_anywhere(void **state)
{
	const char *id = mover_tenant(5), *d = mover_begin(id, WEST, false);
	const char *info =
		arena_printf(plane->arena, "%s user=" PG_SUPERUSER, pg_conninfo(plane->west, PLANE_WEST));
	PGconn *pg = PQconnectdb(info);

	(void)state;
	mover_run(d);
	for (int i = 0; i < 300; i++) {
		const struct writer w = { .n = 9,
			.level = levels[i % 3],
			.schema = mover_column(d, "to_schema"),
			.bound = i % 2,
			.pg = pg };

		assert_true(begin(&w));
		assert_false(write_one(&w, i));
	}
	PQfinish(pg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_the_flip_nothing_is_accepted),
		cmocka_unit_test(an_old_epoch_is_not_accepted_anywhere),
	};

	return cmocka_run_group_tests(tests, mover_start, mover_stop);
}
