/* SPDX-License-Identifier: Apache-2.0 */
/* Signs of life of bouncers: who counts as connected, and what of their counters becomes usage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"
#include "temp.h"

static const struct answer *beat(struct story *s, const char *body)
{
	return client_post(s->c, "/peps/1/heartbeat?intercepting=true", "%s", body);
}

static void beat_at(struct story *s, int64_t total)
{
	char body[80];

	snprintf(body, sizeof(body), "{'requests_total':%lld}", (long long)total);
	assert_status(200, beat(s, body));
}

/* As if the last heartbeat had been so long ago. */
static void pass(struct story *s, const char *interval)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "UPDATE bouncer_live SET last_heartbeat = last_heartbeat - interval '%s',"
		 " requests_at = requests_at - interval '%s'",
		 interval, interval);
	story_value(s, sql);
}

static int64_t counted(struct story *s)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(sum(quantity), 0) FROM usage_hour WHERE tenant_id = '%s'"
		 " AND meter = 'bouncer_requests' AND detail = 'sandbox'",
		 s->t.id);
	return strtoll(story_control_value(s, sql), NULL, 10);
}

static void assert_counted(struct story *s, int64_t expected)
{
	const int64_t end = temp_now_ms() + 10000;

	while (counted(s) != expected && temp_now_ms() < end)
		temp_sleep_ms(50);
	assert_int_equal(expected, counted(s));
}

static void a_bouncer_is_connected_for_two_minutes(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_int_equal(1, story_bouncer(s, "edge"));
	a = assert_status(200, beat(s, "{'requests_total':1000,'policies_synced':25,'cache_hit_rate':0.5,"
				       "'revision':'7'}"));
	assert_text("Heartbeat received", a, "message");
	assert_text("connected", a, "status");
	assert_true(json_is_true(answer_at(a, "is_connected")));
	a = assert_status(200, client_get(s->c, "/bouncers/1"));
	assert_text("connected", a, "status");
	assert_int(25, a, "policies_synced");
	assert_text("7", a, "revision");
	assert_true(json_is_true(answer_at(a, "intercepting_traffic")));
	assert_status(200, client_post(s->c, "/peps/1/heartbeat", "{}"));
	pass(s, "119 seconds");
	assert_text("connected", client_get(s->c, "/bouncers/1"), "status");
	pass(s, "2 seconds");
	a = client_get(s->c, "/bouncers/1");
	assert_text("disconnected", a, "status");
	assert_true(json_is_false(answer_at(a, "intercepting_traffic")));
	assert_status(200, client_call(s->c, "POST", "/api/v1/peps/1/heartbeat", NULL, NULL));
	assert_text("connected", client_get(s->c, "/bouncers/1"), "status");
}

/* Until it is told of another revision than this one; NULL: than none. */
static const char *await_revision(struct story *s, const char *old)
{
	static char revision[80];
	const int64_t end = temp_now_ms() + 20000;
	const char *wanted;

	do {
		temp_sleep_ms(50);
		wanted = json_string_value(answer_at(assert_status(200, beat(s, "{}")), "desired_revision"));
	} while ((wanted == NULL || (old != NULL && strcmp(wanted, old) == 0)) && temp_now_ms() < end);
	assert_non_null(wanted);
	assert_true(old == NULL || strcmp(wanted, old) != 0);
	snprintf(revision, sizeof(revision), "%s", wanted);
	return revision;
}

/* Nobody has asked for a bundle before: the heartbeat is what has it made, and each newer one. */
static void a_bouncer_hears_what_it_should_run(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	char first[80], body[100];

	assert_int_equal(1, story_bouncer(s, "edge"));
	a = assert_status(200, beat(s, "{'revision':'7'}"));
	assert_true(json_is_null(answer_at(a, "desired_revision")));
	assert_true(json_is_false(answer_at(a, "sync_now")));
	snprintf(first, sizeof(first), "%s", await_revision(s, NULL));
	a = assert_status(200, beat(s, "{'revision':'7'}"));
	assert_text(first, a, "desired_revision");
	assert_true(json_is_true(answer_at(a, "sync_now")));
	snprintf(body, sizeof(body), "{'revision':'%s'}", first);
	a = assert_status(200, client_post(s->c, "/peps/1/heartbeat", "%s", body));
	assert_true(json_is_false(answer_at(a, "sync_now")));
	/* What is not said of it is as it was. */
	assert_status(200, beat(s, "{}"));
	a = assert_status(200, client_get(s->c, "/bouncers/1/revisions"));
	assert_text(first, a, "acknowledged_revision");
	assert_text(first, a, "wanted_revision");
	story_policy(s, "new");
	(void)await_revision(s, first);
	a = assert_status(200, client_post(s->c, "/peps/1/heartbeat", "%s", body));
	assert_true(json_is_true(answer_at(a, "sync_now")));
}

/* 1000 where it begins, then 100 more, the same again, 50 after a new start, none, and 10 more. */
static void what_a_counter_grows_by_is_usage(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "edge");
	beat_at(s, 1000);
	pass(s, "30 seconds");
	beat_at(s, 1100);
	beat_at(s, 1100);
	pass(s, "30 seconds");
	beat_at(s, 50);
	assert_status(200, beat(s, "{'policies_synced':3}"));
	assert_status(200, beat(s, "{}"));
	beat_at(s, 60);
	assert_counted(s, 160);
}

/* 100 more come in front of 60 and 10, which were said before; then 20 more, and 30 after a new start. */
static void what_was_overtaken_counts_nothing(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "edge");
	beat_at(s, 0);
	pass(s, "30 seconds");
	beat_at(s, 100);
	beat_at(s, 60);
	beat_at(s, 10);
	pass(s, "40 seconds");
	beat_at(s, 90);
	beat_at(s, 120);
	beat_at(s, 20);
	pass(s, "31 seconds");
	beat_at(s, 30);
	assert_counted(s, 150);
}

static void a_rate_is_what_came_since_the_last(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "edge");
	beat_at(s, 0);
	pass(s, "30 seconds");
	beat_at(s, 3000);
	const double rate = json_number_value(
		answer_at(assert_status(200, client_get(s->c, "/bouncers/1")), "requests_per_second"));
	assert_true(rate > 90 && rate <= 100);
}

/* A billion in 30 seconds is no count of requests. */
static void no_counter_grows_without_bound(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "edge");
	beat_at(s, 1);
	pass(s, "30 seconds");
	beat_at(s, INT64_C(1000000000000));
	const int64_t end = temp_now_ms() + 10000;
	while (counted(s) == 0 && temp_now_ms() < end)
		temp_sleep_ms(50);
	assert_true(counted(s) >= 3000000 && counted(s) <= 6000000);
}

static void faults_are_told(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_bouncer(s, "edge");
	a = beat(s, "{'requests_total':-1,'policies_synced':'x','cache_hit_rate':2,'revision':'','other':1}");
	assert_error(422, "validation_error", a);
	assert_fault("requests_total", "range", a);
	assert_fault("policies_synced", "type", a);
	assert_fault("cache_hit_rate", "range", a);
	assert_fault("revision", "length", a);
	assert_fault("other", "unknown", a);
	assert_fault("intercepting", "type",
		     client_post(s->c, "/peps/1/heartbeat?intercepting=maybe", "{}"));
}

static void a_bouncer_that_is_gone_is_told_so(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "edge");
	assert_status(200, client_delete(s->c, "/bouncers/1"));
	assert_error(410, "bouncer_deleted", beat(s, "{}"));
	assert_error(404, "resource_not_found", client_post(s->c, "/peps/99/heartbeat", "{}"));
	assert_error(404, "resource_not_found", client_post(s->c, "/peps/edge/heartbeat", "{}"));
}

static void it_needs_its_scope_and_nothing_else(void **state)
{
	struct story *s = *state;
	char *key = fixture_key(s->d, s->t.id, "bouncers:connect", NULL);

	story_bouncer(s, "edge");
	client_key(s->c, key);
	assert_status(200, beat(s, "{}"));
	assert_error(403, "insufficient_scope", client_get(s->c, "/bouncers/1"));
	free(key);
	key = fixture_key(s->d, s->t.id, "bouncers:write", NULL);
	client_key(s->c, key);
	assert_error(403, "insufficient_scope", beat(s, "{}"));
	free(key);
	client_key(s->c, s->t.key);
}

/* Switching off what decides for a customer's users is no way to collect a debt. */
static void a_suspended_tenants_bouncers_go_on(void **state)
{
	struct story *s = *state;
	char path[128];

	story_bouncer(s, "edge");
	snprintf(path, sizeof(path), "/tenants/%s/suspend", s->t.id);
	assert_status(200, client_post(s->operator, path, "{'reason':'tests','mode':'blocked'}"));
	assert_error(403, "tenant_suspended", client_get(s->c, "/bouncers/1"));
	assert_status(200, beat(s, "{'requests_total':1}"));
	snprintf(path, sizeof(path), "/tenants/%s/resume", s->t.id);
	assert_status(200, client_post(s->operator, path, "{}"));
}

/* It is no change: version, audit and kept answers are as before. */
static void it_changes_nothing_that_is_managed(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "edge");
	const int64_t version = story_number(s, "SELECT version FROM head");
	beat_at(s, 5);
	assert_int_equal(version, story_number(s, "SELECT version FROM head"));
	assert_int_equal(version, story_number(s, "SELECT max(seq) FROM audit"));
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_bouncer_is_connected_for_two_minutes),
		STORY(a_bouncer_hears_what_it_should_run),
		STORY(what_a_counter_grows_by_is_usage),
		STORY(what_was_overtaken_counts_nothing),
		STORY(a_rate_is_what_came_since_the_last),
		STORY(no_counter_grows_without_bound),
		STORY(faults_are_told),
		STORY(a_bouncer_that_is_gone_is_told_so),
		STORY(it_needs_its_scope_and_nothing_else),
		STORY(a_suspended_tenants_bouncers_go_on),
		STORY(it_changes_nothing_that_is_managed),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
