/* SPDX-License-Identifier: Apache-2.0 */
/* While one region is away the work for the others goes on; what waited for it is done when it is back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "cc/base/clock.h"
#include "cc/core/region_watch.h"

#include "client.h"
#include "wholeness.h"

#define GONE "eu-west-1"
#define ALIVE "us-east-1"
#define NEW "{'name':'New','domain':'%s.controlcore.io','plan_type':'pro','region':'%s'}"
#define POLICY "{'name':'%s','rego_code':'package p'}"

enum { SPARES = 2, WINDOW_S = 1, LEASE_S = 2 };

/* A machine that is busy with other things. */
#define SOON_MS 30000

/* The first column of the first row; "": none, or NULL. */
static const char *value(struct daemon *d, const char *database, const char *sql)
{
	static char text[512];
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	(void)snprintf(text, sizeof(text), "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
	PQclear(r);
	PQfinish(pg);
	free(conninfo);
	return text;
}

static void await_value(struct daemon *d, const char *sql, const char *expected)
{
	const int64_t end = clock_mono_ms() + SOON_MS;

	while (strcmp(expected, value(d, DAEMON_CONTROL_DB, sql)) != 0) {
		if (clock_mono_ms() > end)
			fail_msg("%s: %s and not %s", sql, value(d, DAEMON_CONTROL_DB, sql), expected);
		clock_nap(50);
	}
}

static void await_spares(struct daemon *d, const char *region)
{
	char sql[200], n[8];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM cc.tenant_schema WHERE state = 'ready' AND region = '%s'",
		       region);
	(void)snprintf(n, sizeof(n), "%d", SPARES);
	await_value(d, sql, n);
}

static void await_known(struct client *op, bool down)
{
	const int64_t end = clock_mono_ms() + SOON_MS;

	while (strcmp(down ? "degraded" : "healthy",
		      answer_text(assert_status(200, client_get(op, "/health")), "status")) != 0) {
		assert_true(clock_mono_ms() < end);
		clock_nap(20);
	}
}

static void assert_refused(const struct answer *a)
{
	assert_error(503, "service_unavailable", a);
	assert_non_null(answer_header(a, "Retry-After"));
}

static void delete_tenant(struct client *op, const char *slug, char operation[64])
{
	const struct answer *a = assert_status(202, client_delete(op, "/tenants/%s", slug));
	const char *location = answer_header(a, "Location");

	(void)snprintf(operation, 64, "%s", strrchr(location, '/') + 1);
}

static const char *state_of(struct client *op, const char *operation)
{
	return answer_text(assert_status(200, client_get(op, "/operations/%s", operation)), "status");
}

static void await_completed(struct client *op, const char *operation)
{
	const int64_t end = clock_mono_ms() + SOON_MS;

	while (strcmp("completed", state_of(op, operation)) != 0) {
		assert_true(clock_mono_ms() < end);
		clock_nap(50);
	}
}

/* Whatever was begun is ended, on both sides. */
static void assert_whole(struct daemon *d)
{
	char *database = daemon_region_db(GONE);
	char recorded[512];

	await_value(d, "SELECT count(*) FROM cc.tenant_schema WHERE state IN ('preparing', 'dropping')", "0");
	await_spares(d, GONE);
	await_spares(d, ALIVE);
	for (size_t i = 0; wholeness_control[i] != NULL; i++)
		assert_string_equal("", value(d, DAEMON_CONTROL_DB, wholeness_control[i]));
	(void)snprintf(recorded, sizeof(recorded), "%s",
		       value(d, DAEMON_CONTROL_DB, "SELECT string_agg(schema_id, ' ' ORDER BY schema_id)"
						   " FROM cc.tenant_schema WHERE region = '" GONE "'"));
	assert_string_equal(recorded,
			    value(d, database,
				  "SELECT string_agg(nspname, ' ' ORDER BY nspname COLLATE \"C\")"
				  " FROM pg_namespace WHERE nspname ~ '^t_'"));
	free(database);
}

/* --- Stories -------------------------------------------------------------------------------------- */

typedef void (*change)(struct daemon *d, const char *region);

/* More than there are spares, so that one at least is made from nothing. */
static void create_where_it_is_possible(struct daemon *d, struct client *op, const char *how)
{
	int64_t longest = 0;

	for (int i = 0; i <= SPARES; i++) {
		char slug[32];
		const struct answer *a;

		(void)snprintf(slug, sizeof(slug), "%s-new%d", how, i);
		a = assert_status(201, client_post(op, "/tenants", NEW, slug, ALIVE));
		longest = a->us > longest ? a->us : longest;
		(void)snprintf(slug, sizeof(slug), "%s-not%d", how, i);
		a = client_post(op, "/tenants", NEW, slug, GONE);
		assert_refused(a);
		assert_true(a->us < (REGION_SILENCE_MS + 5000) * INT64_C(1000));
	}
	print_message("%s: tenants are made elsewhere in %.0f ms at most\n", how, (double)longest / 1000);
	await_spares(d, ALIVE);
}

/* As if nothing had been asked: the names are free. */
static void create_what_was_refused(struct client *op, const char *how)
{
	for (int i = 0; i <= SPARES; i++) {
		char slug[32];

		(void)snprintf(slug, sizeof(slug), "%s-not%d", how, i);
		assert_status(201, client_post(op, "/tenants", NEW, slug, GONE));
	}
}

static void work_goes_on(struct daemon *d, const char *how, change leave, change come_back)
{
	struct client *op = client_operator(d), *c;
	struct tenant_fixture here, there, stays;
	char slug[32], of_here[64], of_there[64];

	(void)snprintf(slug, sizeof(slug), "%s-here", how);
	fixture_tenant(d, slug, NULL, ALIVE, NULL, &here);
	(void)snprintf(slug, sizeof(slug), "%s-there", how);
	fixture_tenant(d, slug, NULL, GONE, NULL, &there);
	(void)snprintf(slug, sizeof(slug), "%s-stays", how);
	fixture_tenant(d, slug, NULL, GONE, NULL, &stays);
	await_spares(d, GONE);
	leave(d, GONE);
	create_where_it_is_possible(d, op, how);
	await_known(op, true);
	delete_tenant(op, here.slug, of_here);
	delete_tenant(op, there.slug, of_there);
	await_completed(op, of_here);
	/* What the control database knows is said as always. */
	assert_true(answer_count(assert_status(200, client_get(op, "/tenants?limit=100")), "tenants") > 2);
	assert_status(200, client_get(op, "/tenants/%s", stays.id));
	c = client_of(d, &stays);
	assert_refused(client_post(c, "/policies", POLICY, "p"));
	assert_string_not_equal("completed", state_of(op, of_there));
	come_back(d, GONE);
	await_known(op, false);
	await_completed(op, of_there);
	assert_status(201, client_post(c, "/policies", POLICY, "p"));
	create_what_was_refused(op, how);
	assert_whole(d);
	client_close(c);
	client_close(op);
}

static void when_a_region_is_killed(void **state)
{
	work_goes_on(*state, "killed", daemon_region_kill, daemon_region_restart);
}

static void when_a_region_says_nothing(void **state)
{
	work_goes_on(*state, "silent", daemon_region_freeze, daemon_region_thaw);
}

static int start(void **state)
{
	static const struct daemon_options options = {
		.own_servers = true, .undo_window_s = WINDOW_S, .provision_lease_s = LEASE_S,
		.spare_schemas = SPARES,
	};

	daemon_group_options(&options);
	return daemon_group_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_a_region_is_killed),
		cmocka_unit_test(when_a_region_says_nothing),
	};

	return cmocka_run_group_tests(tests, start, daemon_group_teardown);
}
