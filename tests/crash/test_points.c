/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon dies at every point of making, removing and preparing tenants: before and after each step, and
 * before, during and after each message to PostgreSQL. Nothing half made stays, nothing acknowledged is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "points.h"
#include "temp.h"

#define WORK_MS 60000
#define KILLS_LEAST 50 /* in all, without full counts */

static int total_kills;

/* Creation -------------------------------------------------------------------------------------------- */

static bool create_round(struct crash *x, int nth)
{
	char slug[32];

	snprintf(slug, sizeof(slug), "born%d", x->rounds);
	crash_arm(x, "createTenant", "*", nth);
	const bool made = points_acknowledged(x, 201, points_create(x, slug));
	crash_kill(x);
	crash_expire(x);
	crash_recover(x);
	points_expect_tenant(x, slug, made);
	return made;
}

static void creation_dies(void **state)
{
	const struct piece p = { "creation", create_round, 7 };

	points_try(*state, &p, 30);
}

static void creation_on_a_spare_dies(void **state)
{
	const struct piece p = { "creation on a spare", create_round, 5 };

	points_try(*state, &p, 12);
}

/* What the daemon does by itself ---------------------------------------------------------------------- */

/* Until it died of its failpoint, or has done all there was. */
static bool works_to_the_end(struct crash *x)
{
	for (int64_t end = temp_now_ms() + WORK_MS; temp_now_ms() < end; temp_sleep_ms(5)) {
		if (crash_awaits_death(x, 0))
			return false;
		if (whole_pending(x) == 0)
			return true;
	}
	fail_msg("neither dead nor done");
	return false;
}

/* A creation dies when its schema is there; whoever takes it away dies as well. */
static bool undo_round(struct crash *x, int nth)
{
	char slug[32];

	snprintf(slug, sizeof(slug), "undone%d", x->rounds);
	crash_arm(x, "createTenant", "tenant.create.opened", 1);
	assert_false(points_acknowledged(x, 201, points_create(x, slug)));
	crash_kill(x);
	crash_expire(x);
	crash_arm(x, "tenant.undo.claim", "*", nth);
	daemon_launch(x->d);
	const bool complete = works_to_the_end(x);
	crash_kill(x);
	crash_expire(x);
	crash_recover(x);
	assert_status(404, client_get(x->operator, "/tenants/%s", slug));
	assert_status(201, points_create(x, slug));
	return complete;
}

static void undoing_a_creation_dies(void **state)
{
	const struct piece p = { "undoing a creation", undo_round, 6 };

	points_try(*state, &p, 10);
}

/* A tenant with all that it can have, deleted so long ago that it is to be removed now. */
static void prepare_victim(struct crash *x, const char *slug, char id[80], char key[80])
{
	const struct answer *a = client_get(x->operator, "/tenants/%s", slug);

	if (a->status == 404)
		a = points_create(x, slug);
	snprintf(id, 80, "%s", answer_text(a, "id"));
	char *made = fixture_key(x->d, id, "policies:read,policies:write", NULL), command[160];
	struct client *own = client_open(daemon_port(x->d));
	snprintf(key, 80, "%s", made);
	client_key(own, key);
	assert_status(201, client_post(own, "/policies", "{'name':'p','rego_code':'package p'}"));
	client_close(own);
	snprintf(command, sizeof(command), "SET cc:{%s}:tests 1", id);
	assert_string_equal("+OK", crash_redis(x, command));
	assert_status(202, client_delete(x->operator, "/tenants/%s", id));
	crash_sql(x, NULL, "UPDATE cc.tenant SET purge_at = now() WHERE id = '%s'", id);
	free(made);
}

static void expect_gone(struct crash *x, const char *id, const char *key)
{
	char command[160];
	struct client *own = client_open(daemon_port(x->d));

	assert_error(404, "tenant_not_found", client_get(x->operator, "/tenants/%s", id));
	client_key(own, key);
	assert_error(401, "unauthorized", client_get(own, "/policies"));
	client_close(own);
	snprintf(command, sizeof(command), "EXISTS cc:{%s}:tests", id);
	assert_string_equal(":0", crash_redis(x, command));
	assert_int_equal(
		1, crash_number(x, NULL, "SELECT count(*) FROM cc.tenant_tombstone WHERE id = '%s'", id));
	/* Whatever died in between, each is counted once. */
	assert_string_equal("1 1 1 1 1",
		crash_value(x, NULL,
			"SELECT concat_ws(' ', removed->>'schemas', removed->>'roles', removed->>'api_keys',"
			" removed->>'rows.policies', removed->>'rows.users') FROM cc.tenant_tombstone"
			" WHERE id = '%s' AND certificate IS NOT NULL",
			id));
}

/* Two names take turns: what wakes the purge of one is the creation of the other, which was purged before. */
static bool purge_round(struct crash *x, int nth)
{
	char slug[32], other[32], id[80], key[80];

	/* A name is held when its tenant is gone. */
	snprintf(slug, sizeof(slug), "victim%d", x->rounds);
	snprintf(other, sizeof(other), "victim%d", x->rounds + 1);
	prepare_victim(x, slug, id, key);
	crash_arm(x, "tenant.purge.claim", "*", nth);
	const bool made = points_acknowledged(x, 201, points_create(x, other));
	const bool complete = made && works_to_the_end(x);
	crash_kill(x);
	crash_expire(x);
	crash_recover(x);
	expect_gone(x, id, key);
	points_expect_tenant(x, other, made);
	return complete;
}

static void purge_dies(void **state)
{
	const struct piece p = { "purge", purge_round, 6 };

	points_try(*state, &p, 25);
}

static bool stock_round(struct crash *x, int nth)
{
	char slug[32];

	snprintf(slug, sizeof(slug), "stock%d", x->rounds);
	crash_arm(x, "spare.record", "*", nth);
	const bool made = points_acknowledged(x, 201, points_create(x, slug));
	const bool complete = made && works_to_the_end(x);
	crash_kill(x);
	crash_expire(x);
	crash_recover(x);
	points_expect_tenant(x, slug, made);
	crash_settle(x);
	return complete;
}

static void preparing_a_spare_dies(void **state)
{
	const struct piece p = { "preparing a spare", stock_round, 7 };

	points_try(*state, &p, 25);
}

/* Operations on what is there ------------------------------------------------------------------------- */

static void operations_die(void **state)
{
	for (size_t i = 0; i < nacts; i++)
		points_try(*state, &acts[i], 4);
}

/* ----------------------------------------------------------------------------------------------------- */

static struct crash crash;

static int start(void **state, int spares)
{
	crash = (struct crash){ 0 };
	crash_start(&crash, &(struct daemon_options){ .spare_schemas = spares });
	*state = &crash;
	return 0;
}

static int start_without_spares(void **state)
{
	return start(state, -1);
}

static int start_with_spares(void **state)
{
	return start(state, 2);
}

static int stop(void **state)
{
	total_kills += crash.kills;
	crash_stop(*state);
	return 0;
}

static void there_were_enough_kills(void **state)
{
	(void)state;
	print_message("# %d kills\n", total_kills);
	assert_true(total_kills >= KILLS_LEAST);
}

int main(void)
{
	const struct CMUnitTest without_spares[] = {
		cmocka_unit_test(creation_dies),
		cmocka_unit_test(undoing_a_creation_dies),
		cmocka_unit_test(purge_dies),
		cmocka_unit_test(operations_die),
	};
	const struct CMUnitTest with_spares[] = {
		cmocka_unit_test(creation_on_a_spare_dies),
		cmocka_unit_test(preparing_a_spare_dies),
	};
	const struct CMUnitTest sums[] = {
		cmocka_unit_test(there_were_enough_kills),
	};
	int failed = cmocka_run_group_tests(without_spares, start_without_spares, stop);

	failed += cmocka_run_group_tests(with_spares, start_with_spares, stop);
	return failed + cmocka_run_group_tests(sums, NULL, NULL);
}
