/* SPDX-License-Identifier: Apache-2.0 */
/* What /health says of a PostgreSQL that answers and keeps nothing, and the log of work that waits. */
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

#include "client.h"
#include "temp.h"

static void run(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(r));
	PQclear(r);
}

/* For sessions to come; those that are there end. */
static void set_read_only(struct daemon *d, const char *database, const char *how)
{
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "ALTER DATABASE \"%s\" %s", database, how);
	run(pg, "SET default_transaction_read_only = off");
	run(pg, sql);
	run(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		" WHERE datname = current_database() AND pid <> pg_backend_pid()");
	PQfinish(pg);
	free(conninfo);
}

static void assert_health(struct client *c, const char *status, const char *database, const char *detail)
{
	const struct answer *a = assert_status(200, client_get(c, "/health"));

	assert_text(status, a, "status");
	assert_text(database, a, "components.database.status");
	assert_text("healthy", a, "components.redis.status");
	if (detail != NULL)
		assert_text(detail, a, "components.database.detail");
}

#define POLICY "{'name':'%s','rego_code':'package p'}"

/* A standby that was taken for the primary, say: it reads, and refuses what writes. */
static void a_region_that_takes_no_writes_is_told(void **state)
{
	char *region = daemon_region_db("us-east-1");
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "region-full", NULL, "us-east-1", NULL, &t);
	c = client_of(*state, &t);
	assert_status(201, client_post(c, "/policies", POLICY, "one"));
	set_read_only(*state, region, "SET default_transaction_read_only = on");
	assert_error(503, "service_unavailable", client_post(c, "/policies", POLICY, "two"));
	assert_status(200, client_get(c, "/policies"));
	assert_health(c, "degraded", "degraded", "writes are refused by region us-east-1");
	set_read_only(*state, region, "RESET default_transaction_read_only");
	assert_status(201, client_post(c, "/policies", POLICY, "three"));
	assert_health(c, "healthy", "healthy", NULL);
	client_close(c);
	free(region);
}

/* The words of a full disk come from a trigger: a disk of its own is not everywhere to be had. */
static void a_full_disk_is_told(void **state)
{
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "disk-full", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	fixture_control(*state, "CREATE FUNCTION cc.full_disk() RETURNS trigger LANGUAGE plpgsql AS"
			    " $$ BEGIN RAISE 'could not extend file: No space left on device'"
			    " USING ERRCODE = '53100'; END $$");
	fixture_control(*state, "CREATE TRIGGER full_disk BEFORE INSERT ON cc.api_key"
			    " EXECUTE FUNCTION cc.full_disk()");
	assert_error(503, "service_unavailable",
		     client_post(c, "/tenants/disk-full/api-keys",
				 "{'name':'n','scopes':['policies:read']}"));
	assert_health(c, "degraded", "degraded", "writes are refused by the control database");
	/* What another database takes says nothing about this one. */
	assert_status(201, client_post(c, "/policies", POLICY, "one"));
	assert_health(c, "degraded", "degraded", "writes are refused by the control database");
	fixture_control(*state, "DROP TRIGGER full_disk ON cc.api_key");
	fixture_control(*state, "DROP FUNCTION cc.full_disk");
	assert_status(201, client_post(c, "/tenants/disk-full/api-keys",
				       "{'name':'n','scopes':['policies:read']}"));
	assert_health(c, "healthy", "healthy", NULL);
	client_close(c);
}

static void await_lines(struct daemon *d, const char *text, int n)
{
	for (int i = 0; i < 2000 && daemon_log_lines(d, text) < n; i++)
		clock_nap(20);
	assert_int_equal(n, daemon_log_lines(d, text));
}

/* Reads go on for whom memory knows, and say so; changes wait. Redis unreadies nobody. */
static void without_the_control_database_memory_serves(void **state)
{
	struct daemon *d = daemon_start(&(struct daemon_options){ .own_servers = true });
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	(void)state;
	fixture_tenant(d, "remembered", NULL, "us-east-1", NULL, &t);
	c = client_of(d, &t);
	assert_status(201, client_post(c, "/policies", POLICY, "kept"));
	/* Of what was just made the feed still tells, and what it tells of is looked up anew. */
	clock_nap(2000);
	a = assert_status(200, client_get(c, "/policies"));
	assert_null(answer_header(a, "X-Degraded"));
	daemon_redis_kill(d);
	assert_text("ok", assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL)), "status");
	daemon_database_kill(d);
	for (int i = 0; i < 500; i++) {
		a = assert_status(200, client_get(c, "/policies/1"));
		if (answer_header(a, "X-Degraded") != NULL)
			break;
		clock_nap(20);
	}
	assert_string_equal("true", answer_header(a, "X-Degraded"));
	assert_text("kept", a, "name");
	assert_text("degraded", assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL)), "status");
	assert_text("unhealthy", assert_status(503, client_get(c, "/health")), "status");
	await_lines(d, "\"op\":\"health\",\"status\":503", 1);
	a = assert_error(503, "service_unavailable", client_post(c, "/policies", POLICY, "not now"));
	assert_non_null(answer_header(a, "Retry-After"));
	daemon_database_restart(d);
	daemon_redis_restart(d);
	assert_true(daemon_await_ready(d, 60000));
	assert_status(201, client_post(c, "/policies", POLICY, "again"));
	client_close(c);
	daemon_finish(d);
}

/* What is in memory is believed for so long and no longer: then it is better said by nobody. */
static void memory_serves_for_a_while_only(void **state)
{
	static const char *const env[] = { "CONTROLCORE_LIMITS_STALE_MAX_S=1", NULL };
	struct daemon *d = daemon_start(&(struct daemon_options){ .own_servers = true, .env = env });
	const struct answer *a = NULL;
	struct tenant_fixture t;
	struct client *c;

	(void)state;
	fixture_tenant(d, "forgotten", NULL, "us-east-1", NULL, &t);
	c = client_of(d, &t);
	assert_status(200, client_get(c, "/policies"));
	daemon_database_kill(d);
	for (int i = 0; i < 1000; i++) {
		a = client_call(c, "GET", "/readyz", NULL, NULL);
		if (a->status != 200)
			break;
		client_forget(c);
		clock_nap(20);
	}
	assert_error(503, "service_unavailable", a);
	assert_error(503, "service_unavailable", client_get(c, "/policies"));
	assert_status(200, client_call(c, "GET", "/livez", NULL, NULL));
	daemon_database_restart(d);
	/* With a memory of one second only, a moment is enough for it to be nobody's again. */
	for (int i = 0; i < 1000; i++) {
		a = client_get(c, "/policies");
		if (a->status == 200)
			break;
		assert_error(503, "service_unavailable", a);
		clock_nap(20);
	}
	assert_status(200, a);
	client_close(c);
	daemon_finish(d);
}

#define FAILS "background work fails\",\"what\":\"provisioning"
#define GOES_ON "background work goes on\",\"what\":\"provisioning"

/* It is tried again and again, while all other work goes well: one line, and one at the end. */
static void what_waits_for_redis_is_told_once(void **state)
{
	struct client *op = client_operator(*state);
	struct tenant_fixture t;
	const char *location;
	char id[64];

	fixture_tenant(*state, "purged", NULL, NULL, NULL, &t);
	daemon_redis_kill(*state);
	location = answer_header(assert_status(202, client_delete(op, "/tenants/purged")), "Location");
	(void)snprintf(id, sizeof(id), "%s", strrchr(location, '/') + 1);
	await_lines(*state, FAILS, 1);
	/* Three leases go by, and work of another kind is done in between. */
	for (int i = 0; i < 3; i++) {
		struct tenant_fixture other;
		char slug[16];

		(void)snprintf(slug, sizeof(slug), "between%d", i);
		fixture_tenant(*state, slug, NULL, NULL, NULL, &other);
		clock_nap(1500);
	}
	assert_int_equal(1, daemon_log_lines(*state, FAILS));
	assert_int_equal(0, daemon_log_lines(*state, GOES_ON));
	daemon_redis_restart(*state);
	await_lines(*state, GOES_ON, 1);
	assert_text("completed", assert_status(200, client_get(op, "/operations/%s", id)), "status");
	client_close(op);
}

static int start(void **state)
{
	static const struct daemon_options options = { .undo_window_s = 1, .provision_lease_s = 1 };

	daemon_group_options(&options);
	return daemon_group_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_region_that_takes_no_writes_is_told),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(what_waits_for_redis_is_told_once),
		cmocka_unit_test(without_the_control_database_memory_serves),
		cmocka_unit_test(memory_serves_for_a_while_only),
	};

	return cmocka_run_group_tests(tests, start, daemon_group_teardown);
}
