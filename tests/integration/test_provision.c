/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants are made whole or not at all, and leave nothing when they go. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"
#include "cc/db/session.h"
#include "cc/schema/schema.h"

static int start(void **state)
{
	*state = plane_start();
	return 0;
}

static int stop(void **state)
{
	plane_stop(*state);
	return 0;
}

static int clean(void **state)
{
	plane_clean(*state);
	return 0;
}

static enum err create(struct plane *p, const struct tenant_spec *spec)
{
	struct ctx cx = plane_ctx(p);
	const char *id = NULL;
	enum err e = tenant_create(&cx, spec, &id);

	plane_done(&cx);
	return e;
}

/* Making ---------------------------------------------------------------------------------------------- */

static void a_tenant_is_made_without_a_spare(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme");

	assert_memory_equal("tenant-acme-", id, 12);
	assert_int_equal(18, strlen(id));
	plane_check_tenant(p, id);
	plane_check_whole(p);
}

static void a_tenant_is_made_on_a_spare_schema(void **state)
{
	struct plane *p = *state;
	const char *spare, *id;

	p->settings.spare_schemas = 1;
	assert_int_equal(2, plane_tick(p).prepared);
	spare = plane_text(
		p, PLANE_CONTROL, "SELECT schema_id FROM cc.tenant_schema WHERE region = 'us-east-1'");
	id = plane_tenant(p, "acme");
	assert_string_equal(spare, plane_schema(p, id));
	plane_check_tenant(p, id);
	plane_check_whole(p);
}

static void the_first_steps_of_a_creation_are_one_round_trip_each(void **state)
{
	struct plane *p = *state;
	struct db_pool_stats before, after;

	p->settings.spare_schemas = 3;
	while (plane_tick(p).prepared > 0)
		;
	(void)plane_tenant(p, "warm");
	db_pool_stats(p->world.ctl, &before);
	(void)plane_tenant(p, "acme");
	db_pool_stats(p->world.ctl, &after);
	assert_true(after.trips_total - before.trips_total <= 4);
}

static void a_plan_without_a_term_never_expires(void **state)
{
	struct plane *p = *state;
	struct tenant_spec spec = plane_spec(p, "forever");

	spec.plan = &p->world.plans->v[0];
	spec.limits.max_policies = INT_NULL;
	assert_int_equal(ERR_NONE, create(p, &spec));
	assert_string_equal("t t",
		plane_text(p, PLANE_CONTROL,
			"SELECT concat_ws(' ', expires_at IS NULL, max_policies IS NULL) FROM cc.tenant"));
}

static void names_and_domains_are_taken_once(void **state)
{
	struct plane *p = *state;
	struct tenant_spec spec = plane_spec(p, "acme");
	const char *id = plane_tenant(p, "acme");

	for (int spares = 0; spares <= 2; spares += 2) {
		p->settings.spare_schemas = spares;
		(void)plane_tick(p);
		spec = plane_spec(p, "acme");
		assert_int_equal(ERR_SLUG_TAKEN, create(p, &spec));
		spec = plane_spec(p, id);
		assert_int_equal(ERR_SLUG_TAKEN, create(p, &spec));
		spec = plane_spec(p, "other");
		spec.domain = "acme.controlcore.io";
		assert_int_equal(ERR_DOMAIN_TAKEN, create(p, &spec));
		spec = plane_spec(p, "other");
		spec.custom_domain = "acme.controlcore.io";
		assert_int_equal(ERR_DOMAIN_TAKEN, create(p, &spec));
	}
	assert_int_equal(1, plane_count(p, "cc.tenant"));
	assert_int_equal(2, plane_count(p, "cc.name"));
	plane_check_whole(p);
}

static void a_custom_domain_waits_for_its_proof_with_everybody(void **state)
{
	struct plane *p = *state;
	struct tenant_spec spec = plane_spec(p, "one");

	spec.custom_domain = "policies.acme.com";
	assert_int_equal(ERR_NONE, create(p, &spec));
	spec = plane_spec(p, "two");
	spec.custom_domain = "policies.acme.com";
	assert_int_equal(ERR_NONE, create(p, &spec));
	assert_int_equal(
		2, plane_count(p, "cc.domain WHERE domain = 'policies.acme.com' AND status = 'pending'"));
	plane_check_whole(p);
}

/* Who is gone leaves its names to nobody for a while. */
static void names_of_who_is_gone_are_held(void **state)
{
	struct plane *p = *state;
	struct tenant_spec spec = plane_spec(p, "acme");
	const char *acme = plane_tenant(p, "acme"), *other;

	p->settings.domain.quarantine_s = 3600;
	plane_sql(p, PLANE_CONTROL,
		  "INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token) VALUES"
		  " ('%s', 'www.acme.com', 'verified', 'pending', 'x'),"
		  " ('%s', 'claimed.acme.com', 'pending', 'pending', 'x');"
		  "INSERT INTO cc.domain_quarantine VALUES"
		  " ('%s', 'given-up.acme.com', now() + interval '1 day')",
		  acme, acme, acme);
	plane_schedule(p, acme);
	while (plane_tick(p).purged == 0)
		plane_expire(p);
	plane_check_whole(p);
	assert_int_equal(ERR_SLUG_TAKEN, create(p, &spec));
	other = plane_tenant(p, "other");
	assert_string_equal("given-up.acme.com www.acme.com", plane_text(p, PLANE_CONTROL,
		"SELECT string_agg(n, ' ' ORDER BY n) FROM unnest(ARRAY['www.acme.com', 'claimed.acme.com',"
		" 'given-up.acme.com']) n WHERE cc.domain_is_held(n, '%s')", other));
	assert_int_equal(1, plane_count(p, "cc.held_name WHERE name = 'acme' AND kind = 'slug'"
					   " AND until BETWEEN now() + interval '89 days'"
					   " AND now() + interval '91 days'"));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.name SET until = now() WHERE kind = 'retired'");
	assert_int_equal(ERR_NONE, create(p, &spec));
	plane_check_whole(p);
}

static void an_unknown_region_is_refused_before_anything_is_written(void **state)
{
	struct plane *p = *state;
	struct tenant_spec spec = plane_spec(p, "acme");

	spec.region = "mars-1";
	assert_int_equal(ERR_UNAVAILABLE, create(p, &spec));
	assert_int_equal(0, plane_count(p, "cc.tenant"));
}

static void a_region_that_fails_leaves_nothing_behind(void **state)
{
	struct plane *p = *state;
	struct tenant_spec spec = plane_spec(p, "acme");

	/* The schema cannot be made: all of the creation is taken back at once. */
	plane_sql(p, PLANE_EAST, "ALTER FUNCTION cc_region.create_tenant(text, text, text) RENAME TO away");
	assert_int_not_equal(ERR_NONE, create(p, &spec));
	plane_sql(p, PLANE_EAST, "ALTER FUNCTION cc_region.away(text, text, text) RENAME TO create_tenant");
	assert_int_equal(0, plane_count(p, "cc.tenant"));
	assert_int_equal(0, plane_count(p, "cc.name"));
	assert_int_equal(1, plane_tick(p).dropped);
	plane_check_whole(p);
	assert_int_equal(ERR_NONE, create(p, &spec));
	plane_check_whole(p);
}

static void a_creation_whose_lease_ran_out_is_not_activated(void **state)
{
	struct plane *p = *state;
	struct tenant_spec spec = plane_spec(p, "acme");

	plane_sql(p, PLANE_CONTROL,
		"CREATE FUNCTION cc.late() RETURNS trigger LANGUAGE plpgsql AS"
		" $$ BEGIN NEW.lease_until := now() - interval '1 s'; RETURN NEW; END $$;"
		" CREATE TRIGGER late BEFORE INSERT ON cc.tenant FOR EACH ROW EXECUTE FUNCTION cc.late()");
	assert_int_equal(ERR_UNAVAILABLE, create(p, &spec));
	plane_sql(p, PLANE_CONTROL, "DROP TRIGGER late ON cc.tenant; DROP FUNCTION cc.late()");
	assert_int_equal(0, plane_count(p, "cc.tenant"));
	assert_int_equal(0, plane_count(p, "cc.tenant_audit WHERE tenant_id LIKE 'tenant-acme-%'"));
	(void)plane_tick(p);
	plane_check_whole(p);
}

struct racer {
	struct plane *p;
	const char *slug;
	enum err e;
};

static void *race_create(void *arg)
{
	struct racer *r = arg;
	struct tenant_spec spec = {
		.name = "Racer",
		.slug = r->slug,
		.plan = &r->p->world.plans->v[1],
		.region = "us-east-1",
		.domain = "racer.controlcore.io",
		.limits = r->p->world.plans->v[1].limits,
		.owner_email = "owner@acme.com",
		.owner_username = "owner",
	};

	r->e = create(r->p, &spec);
	return NULL;
}

static void of_eight_creations_of_one_name_one_succeeds(void **state)
{
	struct plane *p = *state;
	struct racer racers[8];
	pthread_t threads[8];
	int made = 0;

	p->settings.spare_schemas = 3;
	(void)plane_tick(p);
	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){ p, "racer", ERR_NONE };
		assert_int_equal(0, pthread_create(&threads[i], NULL, race_create, &racers[i]));
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		made += racers[i].e == ERR_NONE;
		assert_true(racers[i].e == ERR_NONE || racers[i].e == ERR_SLUG_TAKEN);
	}
	assert_int_equal(1, made);
	(void)plane_tick(p);
	plane_check_whole(p);
}

/* Going ----------------------------------------------------------------------------------------------- */

static void a_purge_takes_all_of_the_tenant_and_nothing_of_another(void **state)
{
	struct plane *p = *state;
	const char *other = plane_tenant(p, "other"), *id = plane_tenant(p, "victim"),
		   *schema = plane_schema(p, id);

	plane_keys(p, other, 1);
	plane_keys(p, id, 1200);
	plane_schedule(p, id);
	assert_int_equal(1, plane_tick(p).purged);
	plane_check_whole(p);
	plane_check_tenant(p, other);
	assert_int_equal(1, plane_count(p, "cc.api_key"));
	assert_int_equal(0, plane_number(p, PLANE_EAST,
				    "SELECT count(*) FROM pg_namespace WHERE nspname = '%s'", schema));
	assert_int_equal(
		0, plane_number(p, PLANE_EAST, "SELECT count(*) FROM pg_roles WHERE rolname = '%s'", schema));
	assert_int_equal(1, plane_number(p, PLANE_CONTROL,
				    "SELECT count(*) FROM cc.tenant_tombstone WHERE id = '%s'", id));
	assert_string_equal("tenant",
		plane_text(p, PLANE_CONTROL,
			"SELECT kind FROM cc.change WHERE tenant_id = '%s' ORDER BY version DESC LIMIT 1",
			id));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.name SET until = now() WHERE kind = 'retired'");
	assert_string_not_equal(id, plane_tenant(p, "victim"));
}

static void a_tenant_in_its_undo_window_stays(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme");

	plane_sql(p, PLANE_CONTROL,
		"UPDATE cc.tenant SET status = 'deletion_scheduled', purge_at = now() + interval '1 h'");
	assert_int_equal(0, plane_tick(p).purged);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant SET status = 'active', purge_at = NULL");
	plane_check_tenant(p, id);
}

static void a_purge_that_fails_in_the_region_goes_on_later(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme");
	struct ctx cx = plane_ctx(p);
	struct tick_report r;

	plane_schedule(p, id);
	plane_sql(p, PLANE_EAST, "ALTER FUNCTION cc_region.drop_tenant(text) RENAME TO away");
	assert_int_not_equal(ERR_NONE, provision_tick(&cx, &r));
	plane_sql(p, PLANE_EAST, "ALTER FUNCTION cc_region.away(text) RENAME TO drop_tenant");
	plane_done(&cx);
	assert_string_equal("deleting", plane_text(p, PLANE_CONTROL, "SELECT status FROM cc.tenant"));
	plane_recover(p);
	assert_int_equal(0, plane_count(p, "cc.tenant"));
}

/* Spares ---------------------------------------------------------------------------------------------- */

static void *tick_often(void *arg)
{
	struct plane *p = arg;

	for (int i = 0; i < 6; i++) {
		struct ctx cx = plane_ctx(p);
		struct tick_report r;

		/* Rivals may be in each other's way; what one leaves the next takes. */
		if (provision_tick(&cx, &r) != ERR_NONE)
			print_message(
				"# a rival: %s\n", cx.problem.cause != NULL ? cx.problem.cause : "refused");
		plane_done(&cx);
	}
	return NULL;
}

static void two_ticks_at_once_keep_the_stock_exact(void **state)
{
	struct plane *p = *state, *second = plane_join(p->pg);
	const char *id = plane_tenant(p, "victim");
	pthread_t threads[2];

	plane_schedule(p, id);
	p->settings.spare_schemas = second->settings.spare_schemas = 4;
	assert_int_equal(0, pthread_create(&threads[0], NULL, tick_often, p));
	assert_int_equal(0, pthread_create(&threads[1], NULL, tick_often, second));
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	plane_leave(second);
	plane_recover(p);
	assert_int_equal(0, plane_count(p, "cc.tenant"));
	assert_int_equal(1,
		plane_count(p, "cc.tenant_tombstone WHERE region = 'us-east-1' AND id = (SELECT max(id) FROM"
			       " cc.tenant_tombstone WHERE id LIKE 'tenant-victim-%')"));
	assert_int_equal(
		4, plane_count(p, "cc.tenant_schema WHERE region = 'us-east-1' AND state = 'ready'"));
	assert_int_equal(
		4, plane_count(p, "cc.tenant_schema WHERE region = 'eu-west-1' AND state = 'ready'"));
}

static void a_region_that_is_away_does_not_keep_others_from_their_spares(void **state)
{
	struct plane *p = *state;
	const char *there = p->regions[0].conninfo;
	struct ctx cx = plane_ctx(p);
	struct tick_report r;

	region_pools_destroy(&p->world);
	p->regions[0].conninfo = "host=/nowhere dbname=" PLANE_EAST;
	p->settings.spare_schemas = 3;
	assert_int_equal(ERR_UNAVAILABLE, provision_tick(&cx, &r));
	assert_int_equal(3, r.prepared);
	assert_int_equal(3, plane_count(p, "cc.tenant_schema"));
	region_pools_destroy(&p->world);
	p->regions[0].conninfo = there;
	p->regions[0].spares_at_ms = 0;
	assert_int_equal(3, plane_tick(p).prepared);
	plane_done(&cx);
}

/* What a node sent before it gave up may reach the server after another has dropped the schema. */
static void a_schema_that_was_dropped_is_never_made(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme"), *schema = plane_schema(p, id);
	struct ctx cx = plane_ctx(p);
	struct db_session *s = NULL;

	plane_schedule(p, id);
	assert_int_equal(1, plane_tick(p).purged);
	assert_int_equal(ERR_NONE, db_session_open(&cx, p->regions[0].conninfo, ROLE_PROV,
					   role_password(cx.arena, &p->settings, ROLE_PROV), &s));
	assert_int_not_equal(ERR_NONE, db_session_script(&cx, s,
					       arena_printf(cx.arena,
						       "SELECT cc_region.create_tenant('%s', "
						       "'cc_o_us_east_1_00', 'cc_pool_us_east_1_00')",
						       schema)));
	assert_non_null(strstr(cx.problem.cause, "given up"));
	db_session_close(s);
	plane_done(&cx);
	plane_check_whole(p);
}

static void a_full_shard_is_followed_by_another(void **state)
{
	struct plane *p = *state;
	const char *id;

	(void)plane_tenant(p, "first");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.shard SET schemas = 256 WHERE region = 'us-east-1'");
	id = plane_tenant(p, "second");
	assert_string_equal(
		"1", plane_text(p, PLANE_CONTROL, "SELECT shard FROM cc.tenant WHERE id = '%s'", id));
	assert_string_equal(
		"cc_pool_us_east_1_01", plane_text(p, PLANE_EAST,
						"SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON "
						"m.oid = a.member JOIN pg_roles t ON t.oid = a.roleid"
						" WHERE t.rolname = '%s'",
						plane_schema(p, id)));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.shard SET schemas = 1 WHERE region = 'us-east-1'");
	plane_check_whole(p);
}

static void what_nothing_records_is_recorded_and_dropped(void **state)
{
	struct plane *p = *state;
	struct ctx cx = plane_ctx(p);
	const char *names = NULL;
	int found = 0;

	(void)plane_tenant(p, "acme");
	plane_sql(p, PLANE_EAST,
		"CREATE ROLE t_orphanorphanorph; GRANT t_orphanorphanorph TO cc_pool_us_east_1_00;"
		" CREATE SCHEMA t_orphanorphanorph AUTHORIZATION cc_o_us_east_1_00; CREATE SCHEMA t_ours");
	assert_int_equal(ERR_NONE, provision_orphans(&cx, &p->regions[0], 3600, &found, &names));
	assert_int_equal(1, found);
	assert_string_equal("t_orphanorphanorph", names);
	assert_int_equal(ERR_NONE, provision_orphans(&cx, &p->regions[0], 3600, &found, &names));
	assert_int_equal(0, found);
	assert_int_equal(0, plane_tick(p).dropped);
	plane_expire(p);
	assert_int_equal(1, plane_tick(p).dropped);
	plane_sql(p, PLANE_EAST, "DROP SCHEMA t_ours");
	plane_check_whole(p);
	plane_done(&cx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_tenant_is_made_without_a_spare, clean),
		cmocka_unit_test_setup(a_tenant_is_made_on_a_spare_schema, clean),
		cmocka_unit_test_setup(the_first_steps_of_a_creation_are_one_round_trip_each, clean),
		cmocka_unit_test_setup(a_plan_without_a_term_never_expires, clean),
		cmocka_unit_test_setup(names_and_domains_are_taken_once, clean),
		cmocka_unit_test_setup(a_custom_domain_waits_for_its_proof_with_everybody, clean),
		cmocka_unit_test_setup(names_of_who_is_gone_are_held, clean),
		cmocka_unit_test_setup(an_unknown_region_is_refused_before_anything_is_written, clean),
		cmocka_unit_test_setup(a_region_that_fails_leaves_nothing_behind, clean),
		cmocka_unit_test_setup(a_creation_whose_lease_ran_out_is_not_activated, clean),
		cmocka_unit_test_setup(of_eight_creations_of_one_name_one_succeeds, clean),
		cmocka_unit_test_setup(a_purge_takes_all_of_the_tenant_and_nothing_of_another, clean),
		cmocka_unit_test_setup(a_tenant_in_its_undo_window_stays, clean),
		cmocka_unit_test_setup(a_purge_that_fails_in_the_region_goes_on_later, clean),
		cmocka_unit_test_setup(two_ticks_at_once_keep_the_stock_exact, clean),
		cmocka_unit_test_setup(a_region_that_is_away_does_not_keep_others_from_their_spares, clean),
		cmocka_unit_test_setup(a_schema_that_was_dropped_is_never_made, clean),
		cmocka_unit_test_setup(a_full_shard_is_followed_by_another, clean),
		cmocka_unit_test_setup(what_nothing_records_is_recorded_and_dropped, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
