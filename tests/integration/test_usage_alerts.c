/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts of what a tenant uses: raised in time, one of each, over by themselves, as the tenant wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bouncer.h"
#include "story.h"
#include "temp.h"

#define LOOK_MS 30000
#define RATES \
	"tenant_rate = { limit = 1000000; window = 60; }; key_rate = { limit = 1000000; window = 60; };" \
	" term_months = 12; "

static const char plans[] =
	"pro = { limits = { max_policies = 1000; max_resources = 1000; max_users = 50; max_bouncers = 10; };"
	RATES "price = { minor = 9900; currency = \"USD\"; };"
	"api_calls = { included = 10000; minor = 31; per = 100; };"
	"bouncer_requests = { included = 1000000; minor = 50; per = 100000; }; };\n";

/* Subjects of the open ones of a type, in their order. */
static const char *open_ones(struct story *s, const char *type)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(string_agg(subject, ' ' ORDER BY subject), '') FROM alert"
		 " WHERE tenant_id = '%s' AND type = '%s' AND resolved_at IS NULL",
		 s->t.id, type);
	return story_control_value(s, sql);
}

/* Each question is a call, and calls for a look. */
static void await_open(struct story *s, const char *type, const char *expected)
{
	const int64_t end = temp_now_ms() + LOOK_MS;

	while (strcmp(expected, open_ones(s, type)) != 0 && temp_now_ms() < end) {
		assert_status(200, client_get(s->c, "/resources?limit=1"));
		client_forget(s->c);
		temp_sleep_ms(200);
	}
	assert_string_equal(expected, open_ones(s, type));
}

static void make_resources(struct story *s, int from, int to)
{
	for (int i = from; i <= to; i++) {
		char name[20];

		snprintf(name, sizeof(name), "r%d", i);
		assert_int_equal(i, story_resource(s, name));
	}
}

static int64_t alerts_ever(struct story *s)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM alert WHERE tenant_id = '%s'", s->t.id);
	return strtoll(story_control_value(s, sql), NULL, 10);
}

static void shares_of_a_limit_are_told_and_over(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_limit(s, "'max_resources':20");
	make_resources(s, 1, 16);
	await_open(s, "usage_limit", "resources:50 resources:80");
	a = assert_status(200, client_get(s->c, "/tenants/%s/alerts?type=usage_limit&severity=warning",
					  s->t.id));
	assert_int_equal(1, answer_count(a, ""));
	assert_text("Approaching resource limit (80% of 20)", a, "[0].message");
	assert_true(answer_null(a, "[0].resolved_at"));
	char *id = strdup(answer_text(a, "[0].id")), path[140];

	(void)snprintf(path, sizeof(path), "/tenants/%s/alerts/%s/acknowledge", s->t.id, id);
	assert_status(200, client_post(s->c, path, "{}"));

	/* 15 of 20 are 75 %: it stays, and does not flap. */
	assert_status(200, client_delete(s->c, "/resources/16"));
	temp_sleep_ms(3000);
	await_open(s, "usage_limit", "resources:50 resources:80");
	assert_status(200, client_delete(s->c, "/resources/15"));
	await_open(s, "usage_limit", "resources:50");
	assert_int_equal(2, alerts_ever(s));

	/* Again in the same period: the same alert. */
	make_resources(s, 17, 18);
	await_open(s, "usage_limit", "resources:50 resources:80");
	a = client_get(s->c, "/tenants/%s/alerts?type=usage_limit&severity=warning", s->t.id);
	assert_text(id, a, "[0].id");
	assert_int_equal(2, alerts_ever(s));
	/* … but not one that anybody knows of. */
	assert_true(answer_null(a, "[0].acknowledged_at"));
	free(id);

	make_resources(s, 19, 22);
	await_open(s, "usage_limit", "resources:100 resources:50 resources:80 resources:90");
	a = client_get(s->c, "/tenants/%s/alerts?type=usage_limit&severity=critical", s->t.id);
	assert_text("Reached resource limit (100% of 20)", a, "[0].message");

	/* A higher limit ends them. */
	story_limit(s, "'max_resources':200");
	await_open(s, "usage_limit", "");
}

static const char *rules_path(const struct story *s)
{
	static char path[120];

	snprintf(path, sizeof(path), "/tenants/%s/alert-rules", s->t.id);
	return path;
}

static void the_tenant_says_what_it_wants_to_be_told(void **state)
{
	struct story *s = *state;
	const struct answer *a = assert_status(200, client_get(s->c, "%s", rules_path(s)));

	assert_int_equal(6, json_object_size(a->json));
	assert_int_equal(5, answer_count(a, "policies.thresholds"));
	assert_true(json_is_true(answer_at(a, "users.enabled")));
	assert_true(answer_null(a, "api_calls.limit"));
	story_limit(s, "'max_resources':10");
	make_resources(s, 1, 6);
	await_open(s, "usage_limit", "resources:50");
	a = assert_status(200, client_put(s->c, rules_path(s), "{'resources':{'thresholds':[55,60]}}"));
	assert_int_equal(2, answer_count(a, "resources.thresholds"));
	assert_int_equal(5, answer_count(a, "policies.thresholds"));
	assert_string_equal(a->body, client_get(s->c, "%s", rules_path(s))->body);
	await_open(s, "usage_limit", "resources:55 resources:60");
	assert_status(200, client_put(s->c, rules_path(s), "{'resources':{'enabled':false}}"));
	await_open(s, "usage_limit", "");
	assert_fault("users.thresholds", "format",
		     assert_error(422, "validation_error",
				  client_put(s->c, rules_path(s), "{'users':{'thresholds':[90,80]}}")));
	assert_fault("api_calls.limit", "range",
		     client_put(s->c, rules_path(s), "{'api_calls':{'limit':0}}"));
	char *key = fixture_key(s->d, s->t.id, "alerts:read", NULL);
	client_key(s->c, key);
	assert_error(403, "insufficient_scope", client_put(s->c, rules_path(s), "{}"));
	client_key(s->c, s->t.key);
	free(key);
}

/* A period may begin earlier than it did when they were raised. */
static void one_that_is_over_stays_so_beside_one_that_is_open(void **state)
{
	struct story *s = *state;
	char sql[400];

	story_limit(s, "'max_resources':10");
	make_resources(s, 1, 6);
	await_open(s, "usage_limit", "resources:50");
	snprintf(sql, sizeof(sql),
		 "INSERT INTO alert (id, tenant_id, type, severity, subject, message, created_at,"
		 " resolved_at) SELECT id || '_before', tenant_id, type, severity, subject, message,"
		 " created_at, now() FROM alert WHERE tenant_id = '%s' AND subject = 'resources:50'",
		 s->t.id);
	story_control_value(s, sql);
	make_resources(s, 7, 8);
	await_open(s, "usage_limit", "resources:50 resources:80");
}

/* In the period of billing, which began with the day, and before. */
static void used(struct story *s, const char *meter, long now, long before)
{
	char sql[700];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO usage_hour_total AS t (tenant_id, hour, %s) VALUES"
		 " ('%s', date_trunc('day', now(), 'UTC'), %ld),"
		 " ('%s', date_trunc('day', now(), 'UTC') - interval '1 hour', %ld)"
		 " ON CONFLICT (tenant_id, hour) DO UPDATE SET %s = t.%s + excluded.%s",
		 meter, s->t.id, now, s->t.id, before, meter, meter, meter);
	story_control_value(s, sql);
}

/* pro includes 10000 calls and 1000000 requests at bouncers. */
static void what_the_plan_includes_is_told_of(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	used(s, "bouncer_requests", 910000, 9000000);
	await_open(s, "usage_limit", "bouncer_requests:50 bouncer_requests:80 bouncer_requests:90");
	used(s, "api_calls", 5001, 90000);
	await_open(s, "usage_limit",
		   "api_calls:50 bouncer_requests:50 bouncer_requests:80 bouncer_requests:90");
	a = client_get(s->c, "/tenants/%s/alerts?type=usage_limit&severity=warning", s->t.id);
	assert_int_equal(2, answer_count(a, ""));
	assert_non_null(strstr(a->body, "Approaching included bouncer requests (90% of 1000000)"));
	/* What it says itself counts more, and may be silence. */
	assert_status(200, client_put(s->c, rules_path(s), "{'bouncer_requests':{'limit':1000000000},"
							   "'api_calls':{'enabled':false}}"));
	await_open(s, "usage_limit", "");
}

static void calls_have_a_limit_where_the_tenant_sets_one(void **state)
{
	struct story *s = *state;
	char sql[300];

	assert_status(200, client_put(s->c, rules_path(s), "{'api_calls':{'limit':1000000}}"));
	used(s, "api_calls", 910000, 9000000);
	await_open(s, "usage_limit", "api_calls:50 api_calls:80 api_calls:90");
	snprintf(sql, sizeof(sql),
		 "SELECT message FROM alert WHERE tenant_id = '%s' AND subject = 'api_calls:90'", s->t.id);
	assert_string_equal("Approaching API call limit (90% of 1000000)", story_control_value(s, sql));
}

static void a_bouncer_that_falls_silent_is_told_of(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "edge");
	story_bouncer(s, "never heard of");
	assert_status(200, client_post(s->c, "/peps/1/heartbeat", "{}"));
	await_open(s, "bouncer_stale", "");
	story_value(s, "UPDATE bouncer_live SET last_heartbeat = now() - interval '121 seconds'");
	await_open(s, "bouncer_stale", "bouncer:1");
	assert_status(200, client_post(s->c, "/peps/1/heartbeat", "{}"));
	await_open(s, "bouncer_stale", "");
	story_value(s, "UPDATE bouncer_live SET last_heartbeat = now() - interval '121 seconds'");
	await_open(s, "bouncer_stale", "bouncer:1");
	assert_status(200, client_delete(s->c, "/bouncers/1"));
	await_open(s, "bouncer_stale", "");
}

/* Alive, and of no use: it says that it cannot take its bundle, or goes on with an old one. */
static void a_bouncer_that_is_behind_is_told_of(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), said[200];
	struct client *c = client_open(daemon_port(s->d));
	const char *message = "SELECT message FROM alert WHERE type = 'bouncer_stale'"
			      " ORDER BY created_at DESC LIMIT 1";

	client_key(c, key);
	assert_status(200, client_post(c, "/peps/register", "{'bouncer_id':'b-1','resource':{'name':'r'}}"));
	snprintf(said, sizeof(said), "{'bundles':{'sandbox':{'active_revision':'%.32s'}}}",
		 answer_header(bouncer_pull(c, "sandbox", NULL), "ETag") + 1);
	assert_status(200, client_post(c, "/status/b-1",
				       "{'bundles':{'sandbox':{'code':'bundle_error','message':'no key'}}}"));
	await_open(s, "bouncer_stale", "");
	story_value(s, "UPDATE bouncer_live SET fault_at = now() - interval '121 seconds'");
	await_open(s, "bouncer_stale", "bouncer:1");
	assert_string_equal("Bouncer b-1 (sandbox) cannot use its bundle: bundle_error: no key",
			    story_control_value(s, message));
	assert_status(200, client_post(c, "/status/b-1", "%s", said));
	await_open(s, "bouncer_stale", "");
	assert_status(
		200, client_post(c, "/status/b-1", "{'bundles':{'sandbox':{'active_revision':'old'}}}"));
	await_open(s, "bouncer_stale", "");
	story_value(s, "UPDATE objects SET wanted_at = now() - interval '601 seconds'");
	story_value(s, "UPDATE bouncers SET created_at = now() - interval '1 hour'");
	await_open(s, "bouncer_stale", "bouncer:1");
	assert_non_null(strstr(story_control_value(s, message), "(sandbox) runs revision old, and "));
	assert_status(200, client_post(c, "/status/b-1", "%s", said));
	await_open(s, "bouncer_stale", "");
	client_close(c);
	free(key);
}

/* Nobody uses anything: it is looked at all the same when a bouncer may have fallen silent. */
static void silence_is_noticed_by_itself(void **state)
{
	struct story *s = *state;
	char sql[300];

	story_bouncer(s, "edge");
	assert_status(200, client_post(s->c, "/peps/1/heartbeat", "{}"));
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM usage_watch WHERE tenant_id = '%s'"
		 " AND look_at BETWEEN now() + interval '60 seconds' AND now() + interval '121 seconds'",
		 s->t.id);
	for (int64_t end = temp_now_ms() + LOOK_MS;
	     strcmp("1", story_control_value(s, sql)) != 0 && temp_now_ms() < end;)
		temp_sleep_ms(200);
	assert_string_equal("1", story_control_value(s, sql));
}

static void a_move_that_failed_is_told_of(void **state)
{
	struct story *s = *state;
	char sql[600];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO deployment (id, tenant_id, from_region, from_schema, from_shard, epoch,"
		 " to_region, bare, window_at, estimated_at, started_by, step, completed_at)"
		 " SELECT 'deploy-' || slug, id, region, schema_id, shard, epoch, 'eu-west-1', false, now(),"
		 " now(), 'key', 'aborted', now() FROM tenant WHERE id = '%s'",
		 s->t.id);
	story_control_value(s, sql);
	snprintf(sql, sizeof(sql), "deploy-%s", s->t.slug);
	/* Nobody asks anything: the move itself calls for the look. */
	for (int64_t end = temp_now_ms() + LOOK_MS;
	     strcmp(sql, open_ones(s, "deployment_failed")) != 0 && temp_now_ms() < end;)
		temp_sleep_ms(200);
	assert_string_equal(sql, open_ones(s, "deployment_failed"));
	snprintf(sql, sizeof(sql), "UPDATE deployment SET completed_at = now() - interval '8 days'"
				   " WHERE tenant_id = '%s'", s->t.id);
	story_control_value(s, sql);
	await_open(s, "deployment_failed", "");
}

/* Once a day counters are recounted. */
static void a_counter_that_drifts_is_found(void **state)
{
	struct story *s = *state;
	char sql[200], mark[200];
	bool found = false;

	assert_status(200, client_get(s->c, "/policies"));
	story_value(s, "UPDATE head SET policies_used = policies_used + 3");
	await_open(s, "usage_limit", "");
	snprintf(sql, sizeof(sql), "UPDATE usage_watch SET recount_at = now(), look_at = now()"
				   " WHERE tenant_id = '%s'", s->t.id);
	snprintf(mark, sizeof(mark), "\"a tenant's counters are not what they count\",\"tenant\":\"%s\"",
		 s->t.id);
	for (int64_t end = temp_now_ms() + LOOK_MS; !found && temp_now_ms() < end; temp_sleep_ms(300)) {
		story_control_value(s, sql);
		found = daemon_log_lines(s->d, mark) > 0;
	}
	story_value(s, "UPDATE head SET policies_used = policies_used - 3");
	assert_true(found);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(shares_of_a_limit_are_told_and_over),
		STORY(the_tenant_says_what_it_wants_to_be_told),
		STORY(one_that_is_over_stays_so_beside_one_that_is_open),
		STORY(what_the_plan_includes_is_told_of),
		STORY(calls_have_a_limit_where_the_tenant_sets_one),
		STORY(a_bouncer_that_falls_silent_is_told_of),
		STORY(a_bouncer_that_is_behind_is_told_of),
		STORY(silence_is_noticed_by_itself),
		STORY(a_move_that_failed_is_told_of),
		STORY(a_counter_that_drifts_is_found),
	};

	static const char *const env[] = { "CONTROLCORE_JOBS_USAGE_LOOK_S=1", NULL };
	static const struct daemon_options options = { .env = env, .plans = plans };

	daemon_group_options(&options);
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
