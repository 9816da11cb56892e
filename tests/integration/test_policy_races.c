/* SPDX-License-Identifier: Apache-2.0 */
/* Many at once on one policy: every save has a number of its own, and there is never a second twin. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

enum { THREADS = 16, ROUNDS = 6 };

struct racer {
	struct story *s;
	int index;
	void (*run)(struct racer *r, struct client *c);
	int64_t version[ROUNDS]; /* it was told, in their order; 0: none */
	int status[ROUNDS];
};

static void *start(void *arg)
{
	struct racer *r = arg;
	struct client *c = client_of(r->s->d, &r->s->t);

	r->run(r, c);
	client_close(c);
	return NULL;
}

static void race(struct story *s, struct racer racer[THREADS], void (*run)(struct racer *r, struct client *c))
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++) {
		racer[i] = (struct racer){ .s = s, .index = i, .run = run };
		assert_int_equal(0, pthread_create(&thread[i], NULL, start, &racer[i]));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void note(struct racer *r, int round, const struct answer *a)
{
	const json_t *version = a->json != NULL ? json_object_get(a->json, "version") : NULL;

	r->status[round] = a->status;
	r->version[round] = json_is_integer(version) ? json_integer_value(version) : 0;
}

/* From first to last, each was told to exactly one. */
static void assert_all_told_once(const struct racer racer[THREADS], int64_t first, int64_t last)
{
	int *told = calloc((size_t)last + 1, sizeof(*told));

	for (int i = 0; i < THREADS; i++)
		for (int k = 0; k < ROUNDS; k++) {
			assert_int_equal(200, racer[i].status[k]);
			assert_true(racer[i].version[k] >= first && racer[i].version[k] <= last);
			told[racer[i].version[k]]++;
		}
	for (int64_t v = first; v <= last; v++)
		if (told[v] != 1)
			fail_msg("version %" PRId64 " was told %d times", v, told[v]);
	free(told);
}

static void promote_it(struct racer *r, struct client *c)
{
	for (int k = 0; k < ROUNDS; k++)
		note(r, k, client_post(c, "/policies/1/promote", "%s", ""));
}

static void parallel_promotions_make_one_twin(void **state)
{
	struct racer *racer = calloc(THREADS, sizeof(*racer));
	struct story *s = *state;

	story_policy(s, "p");
	race(s, racer, promote_it);
	assert_all_told_once(racer, 1, THREADS * ROUNDS);
	assert_string_equal("2 production", story_value(s, "SELECT string_agg(id || ' ' || environment, ', ')"
							   " FROM policies WHERE id > 1"));
	assert_int_equal(2, story_number(s, "SELECT policies_used FROM head"));
	assert_int_equal(THREADS * ROUNDS, story_number(s, "SELECT version FROM policies WHERE id = 2"));
	free(racer);
}

static void save_it(struct racer *r, struct client *c)
{
	for (int k = 0; k < ROUNDS; k++)
		note(r, k, client_patch(c, "/policies/1", "{'description':'%d %d'}", r->index, k));
}

static void parallel_saves_lose_no_version(void **state)
{
	struct racer *racer = calloc(THREADS, sizeof(*racer));
	struct story *s = *state;

	story_policy(s, "p");
	race(s, racer, save_it);
	assert_all_told_once(racer, 2, THREADS * ROUNDS + 1);
	assert_string_equal("t",
		story_value(s,
			"SELECT min(version) = 1 AND max(version) = count(*) AND count(DISTINCT version) ="
			" count(*) AND max(version) = (SELECT version FROM policies WHERE id = 1)"
			" FROM policy_versions WHERE policy_id = 1"));
	/* Each is what was saved under its number. */
	for (int i = 0; i < THREADS; i++) {
		char sql[200], saved[40];

		snprintf(sql, sizeof(sql),
			"SELECT description FROM policy_versions WHERE policy_id = 1 AND version = %" PRId64,
			racer[i].version[0]);
		snprintf(saved, sizeof(saved), "%d 0", i);
		assert_string_equal(saved, story_value(s, sql));
	}
	free(racer);
}

/* All of it at once, by everybody: whatever the order was, the books are right. */
static void do_it_all(struct racer *r, struct client *c)
{
	for (int k = 0; k < ROUNDS; k++) {
		note(r, k, client_patch(c, "/policies/1", "{'description':'%d %d'}", r->index, k));
		client_post(c, "/policies/1/rollback", "{'version':1}");
		client_post(c, r->index % 2 == 0 ? "/policies/1/disable" : "/policies/1/enable", "%s", "");
		client_post(c, "/policies/1/promote", "%s", "");
		if (r->index % 4 == 0)
			client_delete(c, "/policies/1");
		client_post(c, "/policies/1/restore", "%s", "");
		client_forget(c);
	}
}

static void the_books_are_right_after_all_of_it(void **state)
{
	struct racer *racer = calloc(THREADS, sizeof(*racer));
	struct story *s = *state;

	story_policy(s, "p");
	race(s, racer, do_it_all);
	assert_string_equal(
		"t", story_value(s, "SELECT bool_and(first = 1 AND last = n AND last = p.version) FROM"
				    " (SELECT policy_id, min(version) AS first, max(version) AS last,"
				    " count(*) AS n FROM policy_versions GROUP BY policy_id) AS v"
				    " JOIN policies p ON p.id = v.policy_id"));
	assert_true(story_number(s, "SELECT count(*) FROM policies WHERE environment = 'production'") == 1);
	assert_string_equal(
		"t", story_value(s, "SELECT count(*) = count(DISTINCT id) AND max(id) <= (SELECT version"
				    " FROM head) FROM policy_versions"));
	free(racer);
}

static void promote_own(struct racer *r, struct client *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/policies/%d/promote", r->index + 1);
	note(r, 0, client_post(c, path, "%s", ""));
}

static void one_place_is_taken_by_one_promotion(void **state)
{
	struct racer *racer = calloc(THREADS, sizeof(*racer));
	struct story *s = *state;
	char limit[60];
	int won = 0, full = 0;

	for (int i = 0; i < THREADS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", i);
		story_policy(s, name);
	}
	snprintf(limit, sizeof(limit), "'max_policies':%d", THREADS + 1);
	story_limit(s, limit);
	race(s, racer, promote_own);
	for (int i = 0; i < THREADS; i++) {
		won += racer[i].status[0] == 200;
		full += racer[i].status[0] == 403;
	}
	assert_int_equal(1, won);
	assert_int_equal(THREADS - 1, full);
	free(racer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parallel_promotions_make_one_twin, story_open, story_close),
		cmocka_unit_test_setup_teardown(parallel_saves_lose_no_version, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_books_are_right_after_all_of_it, story_open, story_close),
		cmocka_unit_test_setup_teardown(one_place_is_taken_by_one_promotion, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
