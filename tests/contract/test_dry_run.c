/* SPDX-License-Identifier: Apache-2.0 */
/* ?dry_run=true on every write: all its checks, the answer it would have, and nothing written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"
#include "dump.h"

#define WRITES_MAX 200

/* Everything that all writes need exists before the first is tried. */
static struct ready writes[WRITES_MAX];
static size_t nwrites;

static void make_all_ready(struct contract *k)
{
	FOR_EACH_ROUTE(r, prefix)
	{
		if (!route_is_write(r))
			continue;
		assert_true(nwrites < WRITES_MAX);
		contract_ready(k, r, prefix, true, &writes[nwrites++]);
	}
	assert_true(nwrites > 10);
	client_forget(k->c);
}

static void clear_all(void)
{
	while (nwrites > 0)
		ready_clear(&writes[--nwrites]);
}

static const struct answer *try_it(struct contract *k, const struct ready *ready)
{
	struct ask ask = ready->ask;

	ask.query = "dry_run=true";
	ask.headers = "Idempotency-Key: dry\r\n";
	return contract_ask(k, k->c, &ask);
}

static void check_answer(const struct route *r, const struct answer *a)
{
	const char *misfit;

	assert_status(r->status == 204 ? 204 : 200, a);
	if (answer_header(a, "Location") != NULL)
		fail_msg("%s: names the place of what does not exist", a->asked);
	misfit = r->reply != NULL ? reply_misfit_kept(r->reply, a->json) : NULL;
	if (misfit != NULL)
		fail_msg("%s: %s: %s", a->asked, misfit, a->body);
}

static void a_dry_run_of_every_write_writes_nothing(void **state)
{
	struct contract *k = *state;
	char *before, *after;

	make_all_ready(k);
	before = dump_settled(k->d);
	for (size_t i = 0; i < nwrites; i++) {
		const struct route *r = writes[i].ask.r;
		const char *difference;

		check_answer(r, try_it(k, &writes[i]));
		after = dump_take(k->d);
		difference = dump_difference(before, after);
		if (difference != NULL)
			fail_msg("a dry run of %s left something:\n%s", r->op, difference);
		free(after);
	}
	free(before);
	/* What was tried is still to be had. */
	for (size_t i = 0; i < nwrites; i++)
		assert_status(writes[i].ask.r->status, contract_ask(k, k->c, &writes[i].ask));
	clear_all();
}

static void a_dry_run_of_a_bad_body_is_refused_as_the_write_is(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r,
			.prefix = prefix,
			.method = r->method,
			.beside = true,
			.body = "{\"nosuch\":1}",
			.query = "dry_run=true" };

		if (!route_is_write(r) || r->body == NULL)
			continue;
		assert_fault("nosuch", "unknown",
			assert_error(422, "validation_error", contract_ask(k, k->c, &ask)));
	}
}

static void anything_but_true_and_false_is_a_fault_of_dry_run(void **state)
{
	static const char *const bad[] = { "dry_run=", "dry_run=1", "dry_run=yes", "dry_run=TRUE", "dry_run",
		"dry_run=true&dry_run=true" };
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		if (!route_is_write(r))
			continue;
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			const struct ask ask = {
				.r = r, .prefix = prefix, .method = r->method, .query = bad[i], .beside = true
			};

			assert_fault("dry_run", NULL, assert_status(422, contract_ask(k, k->c, &ask)));
		}
		client_forget(k->c);
	}
}

static void reads_know_no_dry_run(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct ask ask = {
			.r = r,
			.prefix = prefix,
			.method = r->method,
			.query = "dry_run=true",
			.beside = r->body != NULL
		};

		if (!route_is_write(r) && r->auth != AUTH_PUBLIC)
			assert_fault("dry_run", "unknown", assert_status(422, contract_ask(k, k->c, &ask)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dry_run_of_every_write_writes_nothing),
		cmocka_unit_test(a_dry_run_of_a_bad_body_is_refused_as_the_write_is),
		cmocka_unit_test(anything_but_true_and_false_is_a_fault_of_dry_run),
		cmocka_unit_test(reads_know_no_dry_run),
	};

	return cmocka_run_group_tests(tests, contract_setup, contract_teardown);
}
