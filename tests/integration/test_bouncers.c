/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

/* What a heartbeat will write; the endpoint comes later. */
static void beat(struct story *s, int id, const char *ago)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		"INSERT INTO bouncer_live VALUES (%d, now() - interval '%s', 7, 2.5, 0.25)"
		" ON CONFLICT (bouncer_id) DO UPDATE SET last_heartbeat = excluded.last_heartbeat",
		id, ago);
	story_value(s, sql);
}

static void a_bouncer_is_made_read_changed_and_deleted(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	a = assert_status(201,
		client_post(s->c, "/bouncers",
			"{'name':'Edge','hostname':'edge.acme.com','port':8080,'environment':'production',"
			"'bouncer_type':'sidecar','target_app':'app:80','configuration':{'cache_enabled':"
			"true,"
			"'cache_ttl':'5m'},'version':'v2.1.0','description':'d'}"));
	assert_int(1, a, "id");
	assert_int(8080, a, "port");
	assert_text("production", a, "environment");
	assert_text("5m", a, "configuration.cache_ttl");
	assert_text("v2.1.0", a, "version");
	assert_text("disconnected", a, "status");
	assert_true(json_is_false(answer_at(a, "is_connected")));
	assert_true(answer_null(a, "last_heartbeat") && answer_null(a, "policies_synced"));
	assert_true(answer_null(a, "requests_per_second") && answer_null(a, "cache_hit_rate"));
	assert_string_equal("/api/v1/bouncers/1", answer_header(a, "Location"));
	assert_string_equal(a->body, assert_status(200, client_get(s->c, "/bouncers/1"))->body);

	a = assert_status(200, client_patch(s->c, "/bouncers/1", "{'port':null,'hostname':'2001:db8::1'}"));
	assert_true(answer_null(a, "port"));
	assert_text("2001:db8::1", a, "hostname");
	assert_string_equal(a->body, client_get(s->c, "/bouncers/1")->body);
	assert_int_equal(2, story_number(s, "SELECT row_version FROM bouncers"));

	a = assert_status(200, client_put(s->c, "/bouncers/1", "{'name':'Edge','hostname':'h'}"));
	assert_text("reverse-proxy", a, "bouncer_type");
	assert_text("production", a, "environment");
	assert_true(answer_null(a, "version") && answer_null(a, "configuration"));

	assert_text("Bouncer deleted", assert_status(200, client_delete(s->c, "/bouncers/1")), "message");
	assert_error(404, "resource_not_found", client_get(s->c, "/bouncers/1"));
}

static void every_fault_is_told_at_once(void **state)
{
	struct story *s = *state;
	const struct answer *a = client_post(s->c, "/bouncers",
		"{'name':'b','hostname':'http://x','port':70000,'environment':'test',"
		"'target_app':'app','status':'connected','configuration':'x'}");

	assert_error(422, "validation_error", a);
	assert_fault("hostname", "format", a);
	assert_fault("port", "range", a);
	assert_fault("environment", "enum", a);
	assert_fault("target_app", "format", a);
	assert_fault("status", "read_only", a);
	assert_fault("configuration", "type", a);
	assert_int_equal(6, answer_count(a, "details"));
}

static void a_heartbeat_connects_for_two_minutes(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_bouncer(s, "one");
	story_bouncer(s, "two");
	story_bouncer(s, "three");
	beat(s, 1, "110 seconds");
	beat(s, 2, "130 seconds");
	a = client_get(s->c, "/bouncers/1");
	assert_text("connected", a, "status");
	assert_true(json_is_true(answer_at(a, "is_connected")));
	assert_int(7, a, "policies_synced");
	assert_true(json_real_value(answer_at(a, "requests_per_second")) == 2.5);
	assert_true(json_real_value(answer_at(a, "cache_hit_rate")) == 0.25);
	a = client_get(s->c, "/bouncers/2");
	assert_text("disconnected", a, "status");
	assert_false(answer_null(a, "last_heartbeat"));
	assert_string_equal("1", story_ids(client_get(s->c, "/bouncers?status=connected"), "bouncers"));
	a = client_get(s->c, "/bouncers?status=disconnected&limit=1");
	assert_string_equal("2", story_ids(a, "bouncers"));
	assert_int(2, a, "total");
	assert_string_equal("1 2 3", story_ids(client_get(s->c, "/bouncers?sort=status,id"), "bouncers"));
}

static void what_was_read_can_be_put_back_later(void **state)
{
	struct story *s = *state;
	const struct answer *got;

	story_bouncer(s, "b");
	beat(s, 1, "1 second");
	got = assert_status(200, client_get(s->c, "/bouncers/1"));
	beat(s, 1, "1 hour");
	got = assert_status(200, client_call(s->c, "PUT", "/api/v1/bouncers/1", NULL, got->body));
	assert_text("disconnected", got, "status");
	assert_int_equal(1, story_number(s, "SELECT row_version FROM bouncers"));
}

static void a_bouncer_in_use_stays(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "b");
	assert_status(
		201, client_post(s->c, "/policies", "{'name':'p','rego_code':'package p','bouncer_id':1}"));
	assert_error(409, "in_use", client_delete(s->c, "/bouncers/1"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_status(200, client_delete(s->c, "/bouncers/1"));
	beat(s, 1, "1 second");
	assert_status(200, client_delete(s->c, "/bouncers/1?hard_delete=true"));
	assert_int_equal(0, story_number(s, "SELECT count(*) FROM bouncer_live"));
	assert_int_equal(0, story_number(s, "SELECT count(*) FROM bouncers"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM policies WHERE bouncer_id IS NULL"));
}

static void lists_are_filtered_and_sorted(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "beta");
	assert_status(201,
		client_post(s->c, "/bouncers", "{'name':'alpha','hostname':'a','environment':'production'}"));
	assert_string_equal("2", story_ids(client_get(s->c, "/bouncers?environment=production"), "bouncers"));
	assert_string_equal("2 1", story_ids(client_get(s->c, "/bouncers?sort=name"), "bouncers"));
	assert_string_equal("1", story_ids(client_get(s->c, "/bouncers?name=BET"), "bouncers"));
	assert_int(2, client_get(s->c, "/bouncers"), "total");
	assert_fault("status", "enum", client_get(s->c, "/bouncers?status=healthy"));
}

static void a_full_tenant_is_told_so(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_limit(s, "'max_bouncers':1");
	story_bouncer(s, "one");
	a = client_post(s->c, "/bouncers", "{'name':'two','hostname':'h','environment':'sandbox'}");
	assert_error(403, "quota_exceeded", a);
	assert_text("bouncers", a, "resource");
	assert_error(409, "name_taken",
		(story_limit(s, "'max_bouncers':2"),
			client_post(
				s->c, "/bouncers", "{'name':'one','hostname':'h','environment':'sandbox'}")));
	assert_status(201,
		client_post(s->c, "/bouncers", "{'name':'one','hostname':'h','environment':'production'}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_bouncer_is_made_read_changed_and_deleted, story_open, story_close),
		cmocka_unit_test_setup_teardown(every_fault_is_told_at_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_heartbeat_connects_for_two_minutes, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_was_read_can_be_put_back_later, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_bouncer_in_use_stays, story_open, story_close),
		cmocka_unit_test_setup_teardown(lists_are_filtered_and_sorted, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_full_tenant_is_told_so, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
