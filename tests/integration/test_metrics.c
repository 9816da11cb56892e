/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant is told of its use: metrics as the specification has them, usage, and the ledger behind. */
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

#define AT "/tenants/%s/metrics"
#define YEAR "2025-12-31T23:00:00Z"
#define LINES_OF_YEAR (365 * 24 * 5)

/* Five lines an hour from the begin of 2025 up to a time, and what nodes keep beside them. */
static void seed(struct story *s, const char *until)
{
	char sql[1800];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO usage_hour SELECT '%s', h, m.meter, m.detail, m.n + extract(hour FROM h)::int"
		 " FROM generate_series('2025-01-01T00:00:00Z'::timestamptz, '%s', '1 hour') h,"
		 " (VALUES ('api_calls', '/policies 2xx', 10), ('api_calls', '/policies 4xx', 1),"
		 " ('api_calls', '/users 2xx', 5), ('api_failures', '/users 5xx', 2),"
		 " ('bouncer_requests', 'production', 1000)) m (meter, detail, n);"
		 "INSERT INTO usage_hour_total SELECT tenant_id, hour,"
		 " sum(quantity) FILTER (WHERE meter = 'api_calls'),"
		 " sum(quantity) FILTER (WHERE meter = 'api_failures'),"
		 " sum(quantity) FILTER (WHERE meter = 'bouncer_requests') FROM usage_hour"
		 " WHERE tenant_id = '%s' GROUP BY 1, 2;"
		 "INSERT INTO usage_day SELECT tenant_id, date_trunc('day', hour, 'UTC'), meter, detail,"
		 " sum(quantity) FROM usage_hour WHERE tenant_id = '%s' GROUP BY 1, 2, 3, 4;"
		 "ANALYZE usage_hour, usage_hour_total, usage_day",
		 s->t.id, until, s->t.id, s->t.id);
	story_control_value(s, sql);
}

static int64_t sum_by_sql(struct story *s, const char *meter, const char *from, const char *until)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(sum(quantity), 0) FROM usage_hour WHERE tenant_id = '%s' AND meter = '%s'"
		 " AND hour >= '%s' AND hour < '%s'",
		 s->t.id, meter, from, until);
	return strtoll(story_control_value(s, sql), NULL, 10);
}

static const struct answer *metrics(struct story *s, const char *query)
{
	return assert_status(200, client_get(s->c, AT "%s", s->t.id, query));
}

static int64_t series_sum(const struct answer *a, const char *member)
{
	const json_t *series = answer_at(a, "series"), *b;
	int64_t n = 0;
	size_t i;

	json_array_foreach(series, i, b)
		n += json_integer_value(json_object_get(b, member));
	return n;
}

static void metrics_are_as_the_specification_has_them(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "one");
	story_policy(s, "two");
	story_value(s, "UPDATE policies SET environment = 'production' WHERE id = 1");
	story_bouncer(s, "edge");
	story_bouncer(s, "far");
	assert_status(200, client_post(s->c, "/peps/1/heartbeat", "{'requests_total':0}"));
	story_value(s, "UPDATE bouncer_live SET requests_at = requests_at - interval '60 s'");
	assert_status(200, client_post(s->c, "/peps/1/heartbeat", "{'requests_total':150}"));
	const int64_t end = temp_now_ms() + 10000;
	do {
		a = metrics(s, "");
	} while (answer_int(a, "metrics.api_calls.total") < 6 && temp_now_ms() < end);
	assert_int_equal(2, json_object_size(a->json));
	assert_int_equal(4, json_object_size(answer_at(a, "metrics")));
	assert_int(2, a, "metrics.policies.total");
	assert_int(1, a, "metrics.policies.active");
	assert_int(1, a, "metrics.policies.sandbox");
	assert_int(2, a, "metrics.bouncers.total");
	assert_int(1, a, "metrics.bouncers.active");
	assert_true(answer_int(a, "metrics.bouncers.requests_per_minute") >= 140);
	assert_int(1, a, "metrics.users.total");
	assert_int(0, a, "metrics.users.active");
	assert_int(2, a, "metrics.api_calls.by_endpoint./policies");
	assert_int(2, a, "metrics.api_calls.by_endpoint./bouncers");
	assert_true(answer_int(a, "metrics.api_calls.total") >= 6);
	assert_null(answer_at(a, "series"));
	assert_int_equal(20, strlen(answer_text(a, "period.start")));
}

static void a_period_has_the_hours_it_touches(void **state)
{
	static const struct {
		const char *query, *from, *until, *start, *end;
	} periods[] = {
		{ "?start_date=2025-01-01&end_date=2025-01-31", "2025-01-01", "2025-02-01",
		  "2025-01-01T00:00:00Z", "2025-01-31T23:59:59Z" },
		{ "?start_date=2025-01-01T10:30:00Z&end_date=2025-01-01T12:10:00Z", "2025-01-01T10:00Z",
		  "2025-01-01T13:00Z", "2025-01-01T10:30:00Z", "2025-01-01T12:10:00Z" },
		{ "?start_date=2025-03-03T23:00:00Z&end_date=2025-03-06T00:00:00Z", "2025-03-03T23:00Z",
		  "2025-03-06T01:00Z", "2025-03-03T23:00:00Z", "2025-03-06T00:00:00Z" },
		{ "?start_date=2025-03-03T23:00:00Z&end_date=2025-03-04T01:00:00Z", "2025-03-03T23:00Z",
		  "2025-03-04T02:00Z", "2025-03-03T23:00:00Z", "2025-03-04T01:00:00Z" },
		{ "?start_date=2024-06-01&end_date=2026-06-01", "2024-06-01", "2026-06-02",
		  "2024-06-01T00:00:00Z", "2026-06-01T23:59:59Z" },
	};
	struct story *s = *state;

	seed(s, "2025-03-10T23:00:00Z");
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		const struct answer *a = metrics(s, periods[i].query);

		assert_int(sum_by_sql(s, "api_calls", periods[i].from, periods[i].until), a,
			   "metrics.api_calls.total");
		assert_text(periods[i].start, a, "period.start");
		assert_text(periods[i].end, a, "period.end");
	}
}

static void a_series_adds_up_to_the_whole(void **state)
{
	static const struct {
		const char *granularity;
		size_t n;
	} stretches[] = { { "hour", 28 * 24 }, { "day", 28 }, { "week", 5 }, { "month", 1 } };
	struct story *s = *state;

	seed(s, "2025-03-01T23:00:00Z");
	for (size_t i = 0; i < sizeof(stretches) / sizeof(stretches[0]); i++) {
		char query[120];

		snprintf(query, sizeof(query), "?start_date=2025-02-01&end_date=2025-02-28&granularity=%s",
			 stretches[i].granularity);
		const struct answer *a = metrics(s, query);
		assert_int_equal(stretches[i].n, answer_count(a, "series"));
		assert_int_equal(answer_int(a, "metrics.api_calls.total"), series_sum(a, "api_calls"));
		assert_int_equal(sum_by_sql(s, "bouncer_requests", "2025-02-01", "2025-03-01"),
				 series_sum(a, "bouncer_requests"));
	}
	const struct answer *a = metrics(s, "?start_date=2024-12-31&end_date=2025-01-01&granularity=day");
	assert_text("2024-12-31T00:00:00Z", a, "series[0].start");
	assert_int(0, a, "series[0].api_calls");
	assert_true(answer_int(a, "series[1].api_calls") > 0);
}

/* How long it takes is said, not judged: other suites run beside this one. */
static void a_year_by_hour_is_answered(void **state)
{
	struct story *s = *state;
	int64_t best = INT64_MAX;

	seed(s, YEAR);
	for (int i = 0; i < 5; i++) {
		const struct answer *a =
			metrics(s, "?start_date=2025-01-01&end_date=2025-12-31&granularity=hour");

		assert_int_equal(8760, answer_count(a, "series"));
		best = a->us < best ? a->us : best;
		client_forget(s->c);
	}
	print_message("# a year by hour took %lld ms\n", (long long)best / 1000);
	best = metrics(s, "?start_date=2025-01-01&end_date=2025-12-31")->us;
	print_message("# a year took %lld ms\n", (long long)best / 1000);
}

static void a_period_that_is_none_is_refused(void **state)
{
	struct story *s = *state;

	assert_fault("end_date", "range",
		     assert_error(422, "validation_error",
				  client_get(s->c, AT "?start_date=2025-02-01&end_date=2025-01-01",
					     s->t.id)));
	assert_fault("start_date", "format",
		     assert_error(422, "validation_error",
				  client_get(s->c, AT "?start_date=yesterday", s->t.id)));
	assert_fault("granularity", "enum",
		     assert_error(422, "validation_error",
				  client_get(s->c, AT "?granularity=year", s->t.id)));
	assert_fault("end_date", "period_too_long",
		     assert_error(422, "validation_error",
				  client_get(s->c, AT "?start_date=2020-01-01&end_date=2025-01-01",
					     s->t.id)));
	assert_fault("granularity", "period_too_long",
		     assert_error(422, "validation_error",
				  client_get(s->c,
					     AT "?start_date=2024-01-01&end_date=2025-06-01&granularity=hour",
					     s->t.id)));
}

static int64_t quantity_of(const struct answer *a, const char *metric)
{
	const json_t *items = answer_at(a, "usage"), *item;
	size_t i;

	json_array_foreach(items, i, item)
		if (strcmp(json_string_value(json_object_get(item, "metric")), metric) == 0)
			return json_integer_value(json_object_get(item, "quantity"));
	fail_msg("no %s in %s", metric, a->body);
	return -1;
}

/* The bill is a fold of the ledger: whoever adds up its lines finds what the service says. */
static void the_ledger_adds_up_to_the_usage(void **state)
{
	static const char period[] = "start_date=2025-01-01&end_date=2025-12-31";
	struct story *s = *state;
	int64_t calls = 0, failures = 0, bouncers = 0, lines = 0;
	const struct answer *a;

	seed(s, YEAR);
	a = assert_status(200, client_get(s->c, "/tenants/%s/usage/events?%s", s->t.id, period));
	assert_string_equal("application/x-ndjson", answer_header(a, "Content-Type"));
	for (const char *p = a->body; *p != '\0'; p = strchr(p, '\n') + 1) {
		json_t *line = json_loadb(p, strcspn(p, "\n"), 0, NULL);
		const char *meter = json_string_value(json_object_get(line, "meter"));
		const int64_t n = json_integer_value(json_object_get(line, "quantity"));

		calls += strcmp(meter, "api_calls") == 0 ? n : 0;
		failures += strcmp(meter, "api_failures") == 0 ? n : 0;
		bouncers += strcmp(meter, "bouncer_requests") == 0 ? n : 0;
		lines++;
		assert_true(json_is_true(json_object_get(line, "closed")));
		json_decref(line);
	}
	assert_int_equal(LINES_OF_YEAR, lines);
	a = assert_status(200, client_get(s->c, "/tenants/%s/usage?%s", s->t.id, period));
	assert_int_equal(8, answer_count(a, "usage"));
	assert_int_equal(calls, quantity_of(a, "api_calls"));
	assert_int_equal(failures, quantity_of(a, "api_failures"));
	assert_int_equal(bouncers, quantity_of(a, "bouncer_requests"));
	assert_int_equal(1, quantity_of(a, "users"));
	assert_int_equal(0, quantity_of(a, "storage_bytes"));
	story_value(s, "INSERT INTO objects (key, kind, size, sha256, created_at, environment, revision,"
		       " version) VALUES ('a', 'bundle', 12345, decode(repeat('00', 32), 'hex'), now(),"
		       " 'sandbox', 'r', 1)");
	a = assert_status(200, client_get(s->c, "/tenants/%s/usage?metric=storage_bytes", s->t.id));
	assert_int_equal(12345, quantity_of(a, "storage_bytes"));
	story_value(s, "DELETE FROM objects");
	assert_int(calls, metrics(s, "?start_date=2025-01-01&end_date=2025-12-31"),
		   "metrics.api_calls.total");
	a = assert_status(200, client_get(s->c, "/tenants/%s/usage?metric=policies", s->t.id));
	assert_int_equal(1, answer_count(a, "usage"));
}

static void a_ledger_is_a_sheet_too(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	seed(s, "2025-01-02T23:00:00Z");
	a = assert_status(200, client_get(s->c,
					  "/tenants/%s/usage/events?format=csv"
					  "&start_date=2025-01-01T00:00:00Z&end_date=2025-01-01T00:59:00Z",
					  s->t.id));
	assert_string_equal("text/csv", answer_header(a, "Content-Type"));
	assert_string_equal("hour,meter,detail,quantity,closed\r\n"
			    "2025-01-01T00:00:00Z,api_calls,/policies 2xx,10,true\r\n"
			    "2025-01-01T00:00:00Z,api_calls,/policies 4xx,1,true\r\n"
			    "2025-01-01T00:00:00Z,api_calls,/users 2xx,5,true\r\n"
			    "2025-01-01T00:00:00Z,api_failures,/users 5xx,2,true\r\n"
			    "2025-01-01T00:00:00Z,bouncer_requests,production,1000,true\r\n",
			    a->body);
}

/* Each sees its own, and an operator each. */
static void nobody_sees_anothers(void **state)
{
	struct story *s = *state;
	struct tenant_fixture other;
	char slug[60];

	seed(s, "2025-01-02T23:00:00Z");
	snprintf(slug, sizeof(slug), "other-%.40s", s->t.slug);
	fixture_tenant(s->d, slug, NULL, NULL, NULL, &other);
	struct client *c = client_of(s->d, &other);
	assert_error(403, "tenant_access_denied", client_get(c, AT, s->t.id));
	assert_error(403, "tenant_access_denied", client_get(c, "/tenants/%s/usage/events", s->t.id));
	assert_string_equal("", assert_status(200, client_get(c,
							      "/tenants/%s/usage/events?start_date=2025-01-01"
							      "&end_date=2025-12-31",
							      other.id))
					->body);
	assert_int(0, assert_status(200, client_get(c, AT "?start_date=2025-01-01&end_date=2025-12-31",
						    other.id)),
		   "metrics.api_calls.total");
	assert_status(200, client_get(s->operator, AT, other.id));
	client_close(c);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(metrics_are_as_the_specification_has_them),
		STORY(a_period_has_the_hours_it_touches),
		STORY(a_series_adds_up_to_the_whole),
		STORY(a_year_by_hour_is_answered),
		STORY(a_period_that_is_none_is_refused),
		STORY(the_ledger_adds_up_to_the_usage),
		STORY(a_ledger_is_a_sheet_too),
		STORY(nobody_sees_anothers),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
