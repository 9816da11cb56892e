/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "cc/http/answers.h"

#define ROOM (64 * 1024)
#define LONG_AGO (2 * ANSWERS_TRUST_US)

static int start(void **state)
{
	*state = answers_create(ROOM);
	return 0;
}

static int stop(void **state)
{
	answers_destroy(*state);
	return 0;
}

static const struct data_version one = { 1, 1, true }, two = { 1, 2, true }, moved = { 2, 1, true };

/* Asked for in an hour, so that it is trusted however slow this machine is. */
static void learn(struct answers *a, const char *tenant, struct data_version v)
{
	answers_learn(a, tenant, v, clock_mono_us() + INT64_C(3600000000));
}

static void keep(
	struct answers *a, const char *tenant, struct data_version v, const char *key, const char *body)
{
	const struct kept k = { .body = body, .body_len = strlen(body), .etag = "1-x", .total = 7 };

	answers_keep(a, tenant, v, key, &k);
}

/* Compares what is found with body; NULL: nothing is. */
static void expect(struct answers *a, const char *tenant, const char *key, const char *body, bool stale)
{
	bool is_stale = !stale;
	const struct kept *k = answers_find(a, tenant, key, &is_stale);

	assert_int_equal(stale, is_stale);
	if (body == NULL) {
		assert_null(k);
		return;
	}
	assert_non_null(k);
	assert_int_equal(strlen(body), k->body_len);
	assert_memory_equal(body, k->body, k->body_len);
	kept_put(k);
}

static void what_is_kept_is_found_as_it_was(void **state)
{
	struct answers *a = *state;
	const struct kept *k;
	bool stale;

	learn(a, "t", one);
	keep(a, "t", one, "key", "body");
	k = answers_find(a, "t", "key", &stale);
	assert_string_equal("body", k->body);
	assert_string_equal("1-x", k->etag);
	assert_null(k->next_cursor);
	assert_int_equal(7, k->total);
	kept_put(k);
	expect(a, "t", "other key", NULL, false);
	expect(a, "other tenant", "key", NULL, false);
	keep(a, "t", one, "key", "another body");
	expect(a, "t", "key", "another body", false);
}

static void nothing_is_kept_of_a_version_that_is_not_known(void **state)
{
	struct answers *a = *state;

	keep(a, "t", one, "key", "body");
	expect(a, "t", "key", NULL, false);
	learn(a, "t", two);
	keep(a, "t", one, "key", "body");
	expect(a, "t", "key", NULL, false);
}

static void a_version_is_trusted_for_a_second(void **state)
{
	struct answers *a = *state;
	struct data_version v;

	assert_false(answers_version(a, "t", &v));
	answers_learn(a, "t", one, clock_mono_us() - LONG_AGO);
	assert_false(answers_version(a, "t", &v));
	keep(a, "t", one, "key", "body");
	expect(a, "t", "key", NULL, true);
	learn(a, "t", one);
	assert_true(answers_version(a, "t", &v));
	assert_int_equal(1, v.version);
	expect(a, "t", "key", "body", false);
}

static void another_version_ends_all_answers(void **state)
{
	struct answers *a = *state;

	learn(a, "t", one);
	learn(a, "u", one);
	keep(a, "t", one, "key", "body");
	keep(a, "u", one, "key", "body");
	learn(a, "t", two);
	expect(a, "t", "key", NULL, false);
	expect(a, "u", "key", "body", false);
	learn(a, "u", moved);
	expect(a, "u", "key", NULL, false);
}

static void what_was_asked_before_a_change_counts_no_more(void **state)
{
	struct answers *a = *state;
	const int64_t before = clock_mono_us();
	struct data_version v;

	learn(a, "t", one);
	keep(a, "t", one, "key", "body");
	answers_changed(a, "t");
	expect(a, "t", "key", NULL, true);
	answers_learn(a, "t", one, before);
	assert_false(answers_version(a, "t", &v));
	expect(a, "t", "key", NULL, true);
	/* The change turned out to be none. */
	learn(a, "t", one);
	expect(a, "t", "key", "body", false);
	/* Also of a tenant that nobody had asked about. */
	answers_changed(a, "u");
	answers_learn(a, "u", one, before);
	assert_false(answers_version(a, "u", &v));
}

static void what_was_asked_before_a_doubt_counts_no_more(void **state)
{
	struct answers *a = *state;
	const char *const whose[] = { "t", NULL };
	const int64_t before = clock_mono_us();
	struct data_version v;

	for (int i = 0; i < 2; i++) {
		answers_doubt(a, whose[i]);
		answers_learn(a, "t", one, before);
		assert_false(answers_version(a, "t", &v));
		learn(a, "t", one);
		keep(a, "t", one, "key", "body");
		answers_doubt(a, "u");
		expect(a, "t", "key", "body", false);
		answers_doubt(a, whose[i]);
		expect(a, "t", "key", NULL, true);
	}
}

static void a_late_answer_does_not_bring_back_an_old_version(void **state)
{
	struct answers *a = *state;
	const int64_t before = clock_mono_us();
	struct data_version v;

	learn(a, "t", two);
	keep(a, "t", two, "key", "body");
	answers_learn(a, "t", one, before);
	assert_true(answers_version(a, "t", &v));
	assert_int_equal(2, v.version);
	expect(a, "t", "key", "body", false);
}

/* A database that was put back to an older state hands out the same numbers once more. */
static void data_that_went_back_ends_all_answers(void **state)
{
	struct answers *a = *state;

	learn(a, "t", two);
	keep(a, "t", two, "key", "body");
	learn(a, "t", one);
	learn(a, "t", two);
	expect(a, "t", "key", NULL, false);
}

static void room_is_bounded_and_the_oldest_goes(void **state)
{
	struct answers *a = *state;
	static char body[1000];
	struct answers_stats s;
	char tenant[8], key[16];

	memset(body, 'x', sizeof(body) - 1);
	for (int t = 0; t < 8; t++) {
		snprintf(tenant, sizeof(tenant), "t%d", t);
		learn(a, tenant, one);
		for (int i = 0; i < 10; i++) {
			snprintf(key, sizeof(key), "key %d", i);
			keep(a, tenant, one, key, body);
			expect(a, "t0", "key 0", body, false);
			answers_stats(a, &s);
			assert_true(s.bytes <= ROOM);
		}
	}
	assert_true(s.answers < 80);
	expect(a, "t0", "key 0", body, false);
	expect(a, "t7", "key 9", body, false);
	expect(a, "t0", "key 1", NULL, false);
}

static void no_tenant_takes_more_than_a_quarter(void **state)
{
	struct answers *a = *state;
	static char body[1000];
	struct answers_stats s;
	char key[16];

	memset(body, 'x', sizeof(body) - 1);
	learn(a, "small", one);
	keep(a, "small", one, "key", body);
	learn(a, "greedy", one);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		keep(a, "greedy", one, key, body);
	}
	answers_stats(a, &s);
	assert_true(s.bytes <= ROOM / 4 + 2000);
	expect(a, "small", "key", body, false);
	expect(a, "greedy", "key 999", body, false);
}

static void what_is_too_large_is_not_kept(void **state)
{
	struct answers *a = *state;
	struct answers_stats s;
	char *body = calloc(1, ROOM / 8 + 1);

	memset(body, 'x', ROOM / 8);
	learn(a, "t", one);
	keep(a, "t", one, "key", body);
	answers_stats(a, &s);
	assert_int_equal(0, s.bytes);
	free(body);
}

static void a_reference_outlives_the_answer(void **state)
{
	struct answers *a = *state;
	const struct kept *k;
	bool stale;

	learn(a, "t", one);
	keep(a, "t", one, "key", "body");
	k = answers_find(a, "t", "key", &stale);
	learn(a, "t", two);
	expect(a, "t", "key", NULL, false);
	assert_string_equal("body", k->body);
	kept_put(k);
	kept_put(NULL);
}

static void without_room_nothing_is_kept(void **state)
{
	struct answers *a = answers_create(0);

	(void)state;
	learn(a, "t", one);
	keep(a, "t", one, "key", "");
	expect(a, "t", "key", NULL, false);
	answers_destroy(a);
}

/* More tenants than there are places: who returns is not told what was asked before its change. */
static void tenants_that_were_let_go_keep_their_changes(void **state)
{
	struct answers *a = *state;
	const int64_t before = clock_mono_us();
	struct data_version v;
	struct answers_stats s;
	char tenant[16];

	answers_changed(a, "t");
	for (int i = 0; i < 9000; i++) {
		snprintf(tenant, sizeof(tenant), "t%d", i);
		learn(a, tenant, one);
	}
	answers_stats(a, &s);
	assert_int_equal(8192, s.tenants);
	answers_learn(a, "t", one, before);
	assert_false(answers_version(a, "t", &v));
	learn(a, "t", one);
	assert_true(answers_version(a, "t", &v));
}

static void *churn(void *arg)
{
	struct answers *a = arg;
	bool stale;

	for (int64_t i = 1; i < 20000; i++) {
		const struct data_version v = { 1, i / 100, true };
		const char *tenant = i % 3 ? "t" : "u";
		const struct kept *k = answers_find(a, tenant, i % 2 ? "k" : "l", &stale);

		if (k != NULL)
			assert_int_equal(4, k->body_len);
		kept_put(k);
		learn(a, tenant, v);
		keep(a, tenant, v, i % 2 ? "k" : "l", "body");
		if (i % 50 == 0)
			answers_changed(a, tenant);
	}
	return NULL;
}

static void many_threads_keep_and_find(void **state)
{
	pthread_t thread[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, churn, *state));
	for (size_t i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_kept_is_found_as_it_was, start, stop),
		cmocka_unit_test_setup_teardown(nothing_is_kept_of_a_version_that_is_not_known, start, stop),
		cmocka_unit_test_setup_teardown(a_version_is_trusted_for_a_second, start, stop),
		cmocka_unit_test_setup_teardown(another_version_ends_all_answers, start, stop),
		cmocka_unit_test_setup_teardown(what_was_asked_before_a_change_counts_no_more, start, stop),
		cmocka_unit_test_setup_teardown(what_was_asked_before_a_doubt_counts_no_more, start, stop),
		cmocka_unit_test_setup_teardown(
			a_late_answer_does_not_bring_back_an_old_version, start, stop),
		cmocka_unit_test_setup_teardown(data_that_went_back_ends_all_answers, start, stop),
		cmocka_unit_test_setup_teardown(room_is_bounded_and_the_oldest_goes, start, stop),
		cmocka_unit_test_setup_teardown(no_tenant_takes_more_than_a_quarter, start, stop),
		cmocka_unit_test_setup_teardown(what_is_too_large_is_not_kept, start, stop),
		cmocka_unit_test_setup_teardown(a_reference_outlives_the_answer, start, stop),
		cmocka_unit_test_setup_teardown(without_room_nothing_is_kept, start, stop),
		cmocka_unit_test_setup_teardown(tenants_that_were_let_go_keep_their_changes, start, stop),
		cmocka_unit_test_setup_teardown(many_threads_keep_and_find, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
