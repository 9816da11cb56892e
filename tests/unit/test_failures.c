/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc/core/failures.h"
#include "cc/core/limiter.h"
#include "cc/core/world.h"

enum { FAILURES = 3, FLOOD = 20000 };
#define NO_KEY "cc_live_nothing"

struct desk {
	struct settings settings;
	struct world world;
	struct ctx cx;
};

static int open_desk(void **state)
{
	static struct desk d;

	d = (struct desk){ .settings.auth_failures = FAILURES };
	d.world.settings = &d.settings;
	d.world.failures = limiter_create();
	d.cx = (struct ctx){ .arena = arena_create(4096), .world = &d.world, .remote_ip = "192.0.2.1" };
	*state = &d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	limiter_destroy(d->world.failures);
	arena_destroy(d->cx.arena);
	return 0;
}

static void spend(struct desk *d)
{
	for (int i = 0; i < FAILURES; i++)
		assert_int_equal(ERR_UNAUTHORIZED, failures_note(&d->cx, NO_KEY, ERR_UNAUTHORIZED));
	assert_int_equal(ERR_RATE_LIMITED, failures_note(&d->cx, NO_KEY, ERR_UNAUTHORIZED));
}

static void only_refusals_are_counted(void **state)
{
	static const enum err others[] = { ERR_NONE, ERR_NEED_LOAD, ERR_UNAVAILABLE, ERR_INTERNAL };
	struct desk *d = *state;

	for (int i = 0; i < 10 * FAILURES; i++)
		for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
			assert_int_equal(others[k], failures_note(&d->cx, NO_KEY, others[k]));
	spend(d);
	assert_int_equal(ERR_NONE, failures_note(&d->cx, NO_KEY, ERR_NONE));
	assert_in_range(d->cx.problem.retry_after, 1, 60);
	assert_int_equal(FAILURES, d->cx.problem.limit);
}

/* As another request does. */
static bool look_anew(struct desk *d, const char *key_id)
{
	d->cx.rationed = false;
	return failures_before_look(&d->cx, key_id) == ERR_NONE;
}

/* While nothing fails nobody is kept from asking, however much there is to ask. */
static void look_ups_are_free_before_anything_failed(void **state)
{
	struct desk *d = *state;

	for (int i = 0; i < FLOOD; i++)
		assert_int_equal(ERR_NONE, failures_before_look(&d->cx, "0123456789"));
}

static void look_ups_are_rationed_behind_failures(void **state)
{
	struct desk *d = *state;
	int allowed = 0;

	spend(d);
	for (int i = 0; i < FLOOD; i++)
		allowed += look_anew(d, "0123456789");
	assert_in_range(allowed, 100, FLOOD / 2);
	d->cx.remote_ip = "192.0.2.2";
	assert_true(look_anew(d, "0123456789"));
}

static void tokens_are_rationed_alike(void **state)
{
	struct desk *d = *state;
	int allowed = 0;

	assert_int_equal(ERR_NONE, failures_before_look(&d->cx, NULL));
	spend(d);
	for (int i = 0; i < FLOOD; i++)
		allowed += look_anew(d, NULL);
	assert_in_range(allowed, 100, FLOOD / 2);
	d->cx.remote_ip = "192.0.2.2";
	assert_true(look_anew(d, NULL));
}

/* First the I/O thread, then a worker: it is one request. */
static void a_request_pays_for_its_look_ups_once(void **state)
{
	struct desk *d = *state;
	int allowed = 0;

	spend(d);
	for (int i = 0; i < FLOOD; i++)
		if (look_anew(d, NULL))
			allowed += failures_before_look(&d->cx, NULL) == ERR_NONE;
	assert_in_range(allowed, 100, FLOOD / 2);
}

/* Who sends what nobody can check is slowed down, and found guilty of nothing. */
static void what_cannot_be_checked_is_rationed(void **state)
{
	struct desk *d = *state;
	int allowed = 0;

	for (int i = 0; i < FAILURES; i++) {
		assert_true(look_anew(d, NULL));
		assert_false(d->cx.rationed);
		failures_unchecked(&d->cx);
	}
	for (int i = 0; i < FLOOD; i++)
		allowed += look_anew(d, NULL);
	assert_in_range(allowed, 100, FLOOD / 2);
	/* Keys are others' credentials, and refusals have a meter of their own. */
	assert_true(look_anew(d, "0123456789"));
	spend(d);
	d->cx.remote_ip = "192.0.2.2";
	assert_true(look_anew(d, NULL));
	assert_false(d->cx.rationed);
}

/* Whoever has no address is counted with all others who have none. */
static void nobody_is_left_out(void **state)
{
	struct desk *d = *state;

	d->cx.remote_ip = NULL;
	spend(d);
	d->cx.remote_ip = "";
	assert_int_equal(ERR_RATE_LIMITED, failures_note(&d->cx, NO_KEY, ERR_INVALID_TOKEN));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_refusals_are_counted),
		CASE(look_ups_are_free_before_anything_failed),
		CASE(look_ups_are_rationed_behind_failures),
		CASE(tokens_are_rationed_alike),
		CASE(a_request_pays_for_its_look_ups_once),
		CASE(what_cannot_be_checked_is_rationed),
		CASE(nobody_is_left_out),
	};

	return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
