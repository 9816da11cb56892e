/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a tenant's use of the API, and what does not. */
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

static const char *details(struct story *s)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(string_agg(concat_ws(' ', detail, quantity), ', ' ORDER BY detail), '')"
		 " FROM (SELECT detail, sum(quantity) AS quantity FROM usage_hour WHERE tenant_id = '%s'"
		 " AND meter = 'api_calls' GROUP BY detail) d",
		 s->t.id);
	return story_control_value(s, sql);
}

static void assert_details(struct story *s, const char *expected)
{
	const int64_t end = temp_now_ms() + 10000;

	while (strcmp(expected, details(s)) != 0 && temp_now_ms() < end)
		temp_sleep_ms(50);
	assert_string_equal(expected, details(s));
}

static void a_call_counts_by_its_family_and_how_it_ended(void **state)
{
	struct story *s = *state;

	for (int i = 0; i < 3; i++)
		assert_status(200, client_get(s->c, "/policies"));
	assert_status(404, client_get(s->c, "/policies/77"));
	assert_status(201, client_post(s->c, "/resources", "{'name':'r','type':'api'}"));
	assert_status(422, client_post(s->c, "/resources", "{'name':''}"));
	assert_status(200, client_get(s->c, "/tenants/%s/alerts", s->t.id));
	assert_details(s, "/policies 2xx 3, /policies 4xx 1, /resources 2xx 1, /resources 4xx 1,"
			  " /tenants 2xx 1");
}

/* An answer from memory is an answer. */
static void what_is_kept_or_unchanged_counts_too(void **state)
{
	struct story *s = *state;
	const char *etag = answer_header(assert_status(200, client_get(s->c, "/policies")), "ETag");
	char header[200];

	snprintf(header, sizeof(header), "If-None-Match: %s\r\n", etag);
	assert_status(304, client_call(s->c, "GET", "/api/v1/policies", header, NULL));
	assert_status(200, client_call(s->c, "HEAD", "/api/v1/policies", NULL, NULL));
	assert_details(s, "/policies 2xx 2, /policies 3xx 1");
}

static void what_others_ask_is_not_the_tenants(void **state)
{
	struct story *s = *state;

	assert_status(200, client_get(s->operator, "/tenants/%s", s->t.id));
	client_key(s->c, NULL);
	client_tenant(s->c, s->t.id);
	assert_status(401, client_get(s->c, "/policies"));
	client_key(s->c, "cc_live_nonsense");
	assert_status(401, client_get(s->c, "/policies"));
	client_tenant(s->c, NULL);
	client_key(s->c, s->t.key);
	assert_status(200, client_call(s->c, "GET", "/readyz", NULL, NULL));
	assert_status(200, client_get(s->c, "/users"));
	assert_details(s, "/users 2xx 1");
}

/* Whoever asks for another tenant is known, and is refused at its own expense. */
static void a_foreign_tenant_is_not_charged(void **state)
{
	struct story *s = *state;
	struct tenant_fixture other;
	char sql[200];

	snprintf(sql, sizeof(sql), "foreign-%.40s", s->t.slug);
	fixture_tenant(s->d, sql, NULL, NULL, NULL, &other);
	assert_error(403, "tenant_access_denied", client_get(s->c, "/tenants/%s", other.id));
	assert_details(s, "/tenants 4xx 1");
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM usage_hour WHERE tenant_id = '%s'", other.id);
	assert_string_equal("0", story_control_value(s, sql));
}

/* What was counted last is there when the daemon has ended. */
static void an_orderly_end_sends_all(void **state)
{
	struct story *s = *state;

	for (int i = 0; i < 25; i++)
		assert_status(200, client_get(s->c, "/bouncers"));
	assert_int_equal(0, daemon_stop(s->d));
	assert_string_equal("/bouncers 2xx 25", details(s));
	daemon_restart(s->d);
	client_port(s->c, daemon_port(s->d));
	client_port(s->operator, daemon_port(s->d));
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_call_counts_by_its_family_and_how_it_ended),
		STORY(what_is_kept_or_unchanged_counts_too),
		STORY(what_others_ask_is_not_the_tenants),
		STORY(a_foreign_tenant_is_not_charged),
		STORY(an_orderly_end_sends_all),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
