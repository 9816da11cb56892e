/* SPDX-License-Identifier: Apache-2.0 */
/* Whose bundle is made next: two threads that sleep until they are told or somebody is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bundle_turns.h"

#define HOUR_MS 3600000
#define STEP_MS 10
#define SANDBOX "sandbox"

static int setup(void **state)
{
	*state = bundle_turns_create();
	return 0;
}

static int teardown(void **state)
{
	bundle_turns_destroy(*state);
	return 0;
}

/* Whose bundle it is; "": nobody's is due. */
static const char *taken(struct bundle_turns *t, bool quick, int64_t now, struct bundle_turn **ret)
{
	int64_t next;

	*ret = bundle_turns_claim(t, quick, now, &next);
	return *ret != NULL ? (*ret)->tenant_id : "";
}

/* Made at once, by the thread that makes all. False: it was not its turn. */
static bool makes(struct bundle_turns *t, const char *tenant, bool failed, int64_t now)
{
	struct bundle_turn *x;

	if (strcmp(taken(t, false, now, &x), tenant) != 0) {
		if (x != NULL)
			(void)bundle_turns_release(t, x, false, now);
		return false;
	}
	(void)bundle_turns_release(t, x, failed, now);
	return true;
}

/* The one that makes all sleeps meanwhile, and would sleep on. */
static void what_turns_out_to_take_long_is_told(void **state)
{
	struct bundle_turns *t = *state;
	struct bundle_turn *x;
	int64_t next;

	assert_true(bundle_turns_want(t, "a", SANDBOX, HOUR_MS, 1));
	assert_string_equal("a", taken(t, true, 1, &x));
	assert_null(bundle_turns_claim(t, false, 1, &next));
	assert_true(next > 30000);
	assert_true(bundle_turns_release(t, x, false, 3001));
	assert_string_equal("", taken(t, true, 9000, &x));
	assert_null(bundle_turns_claim(t, false, 3001, &next));
	assert_true(next <= 3001 + 3000);
	assert_string_equal("a", taken(t, false, next, &x));
}

static void what_is_quick_is_not_told(void **state)
{
	struct bundle_turns *t = *state;
	struct bundle_turn *x;

	(void)bundle_turns_want(t, "a", SANDBOX, HOUR_MS, 1);
	assert_string_equal("a", taken(t, true, 1, &x));
	assert_false(bundle_turns_release(t, x, false, 100));
}

/* It took long, and is remembered after nobody waited any more: no thread looks at it. */
static void who_waits_again_is_told(void **state)
{
	struct bundle_turns *t = *state;
	struct bundle_turn *x;

	(void)bundle_turns_want(t, "a", SANDBOX, 5000, 1);
	assert_string_equal("a", taken(t, false, 1, &x));
	(void)bundle_turns_release(t, x, false, 4001);
	assert_false(bundle_turns_want(t, "a", SANDBOX, 6000, 4002));
	assert_string_equal("", taken(t, false, 20000, &x));
	assert_true(bundle_turns_want(t, "a", SANDBOX, 30000, 20001));
	assert_string_equal("a", taken(t, false, 20001, &x));
}

static void fails_three_times(struct bundle_turns *t)
{
	(void)bundle_turns_want(t, "a", SANDBOX, HOUR_MS, 1);
	assert_true(makes(t, "a", true, 1));
	assert_true(makes(t, "a", true, 2000));
	assert_true(makes(t, "a", true, 5000));
}

/* Asking alone changes nothing; what is new may be what was missing. */
static void what_failed_is_tried_again_when_something_is_new(void **state)
{
	struct bundle_turns *t = *state;
	struct bundle_turn *x;

	fails_three_times(t);
	assert_true(bundle_turns_hurry(t, "a", false, 5010));
	assert_false(makes(t, "a", true, 5010));
	assert_true(bundle_turns_hurry(t, "a", true, 5020));
	assert_string_equal("a", taken(t, true, 5020, &x));
	/* While it was being made, too. */
	assert_true(bundle_turns_hurry(t, "a", true, 5030));
	(void)bundle_turns_release(t, x, true, 5040);
	assert_true(makes(t, "a", true, 5040));
	assert_false(makes(t, "a", true, 5050));
}

static void what_fails_slowly_rests_whatever_is_new(void **state)
{
	struct bundle_turns *t = *state;
	struct bundle_turn *x;

	(void)bundle_turns_want(t, "a", SANDBOX, HOUR_MS, 1);
	assert_string_equal("a", taken(t, false, 1, &x));
	(void)bundle_turns_release(t, x, true, 4001);
	assert_true(bundle_turns_hurry(t, "a", true, 4010));
	assert_false(makes(t, "a", true, 4020));
	assert_false(makes(t, "a", true, 8000));
	assert_true(makes(t, "a", true, 9001));
}

/* Always in a hurry, and failing at once, it comes behind who was due before. */
static void who_always_hurries_has_one_turn_like_others(void **state)
{
	struct bundle_turns *t = *state;
	int64_t now = 1;

	(void)bundle_turns_want(t, "b", SANDBOX, HOUR_MS, now);
	assert_true(makes(t, "b", false, now));
	(void)bundle_turns_want(t, "a", SANDBOX, HOUR_MS, ++now);
	assert_true(makes(t, "a", true, now));
	for (int i = 0; i < 5; i++) {
		(void)bundle_turns_hurry(t, "a", true, ++now);
		assert_true(makes(t, "a", true, now));
		(void)bundle_turns_hurry(t, "b", true, ++now);
		(void)bundle_turns_hurry(t, "a", true, ++now);
		assert_true(makes(t, "b", false, ++now));
		assert_true(makes(t, "a", true, now));
	}
}

/* Two threads, and who has what they make --------------------------------------------------------- */

struct maker {
	bool quick;
	struct bundle_turn *has;
	int64_t until_ms; /* it is made then, or it sleeps so long */
};

static int64_t cost_of(const struct bundle_turn *x)
{
	return x->tenant_id[0] == 'h' ? 4000 : 20;
}

/* Whether one of the light tenant was made. */
static bool step(struct bundle_turns *t, struct maker m[2], int *heavy, int64_t now)
{
	bool light = false;

	for (int i = 0; i < 2; i++) {
		if (now < m[i].until_ms)
			continue;
		if (m[i].has != NULL) {
			const bool is_heavy = m[i].has->tenant_id[0] == 'h';

			*heavy += is_heavy;
			light = light || !is_heavy;
			if (bundle_turns_release(t, m[i].has, false, now))
				for (int k = 0; k < 2; k++)
					m[k].until_ms = k != i && m[k].has != NULL ? m[k].until_ms : now;
		}
		m[i].has = bundle_turns_claim(t, m[i].quick, now, &m[i].until_ms);
		if (m[i].has != NULL)
			m[i].until_ms = now + cost_of(m[i].has);
	}
	return light;
}

/* Of the two heavy ones one thread has both in the end, and never rests for long. */
static void two_heavy_tenants_hold_up_no_light_one(void **state)
{
	struct maker m[2] = { { .quick = false }, { .quick = true } };
	struct bundle_turns *t = *state;
	int64_t changed = 0, worst = 0;
	int heavy = 0, made = 0;

	(void)bundle_turns_want(t, "heavy-1", SANDBOX, HOUR_MS, 1);
	(void)bundle_turns_want(t, "heavy-2", SANDBOX, HOUR_MS, 1);
	for (int64_t now = 1; now < 300000; now += STEP_MS) {
		/* The light one comes when the heavy ones are known, and changes once a second. */
		if (now > 10000 && now % 1000 < STEP_MS && changed == 0) {
			bool told = bundle_turns_want(t, "light", SANDBOX, HOUR_MS, now);

			changed = now;
			told = bundle_turns_hurry(t, "light", true, now) || told;
			for (int i = 0; told && i < 2; i++)
				m[i].until_ms = m[i].has != NULL ? m[i].until_ms : now;
		}
		if (step(t, m, &heavy, now) && changed > 0) {
			worst = now - changed > worst ? now - changed : worst;
			changed = 0;
			made++;
		}
	}
	print_message("# light: %d, at worst after %d ms; heavy: %d\n", made, (int)worst, heavy);
	assert_true(made > 250);
	assert_true(worst <= 100);
	assert_true(heavy > 50);
	for (int i = 0; i < 2; i++)
		if (m[i].has != NULL)
			(void)bundle_turns_release(t, m[i].has, false, 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_turns_out_to_take_long_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_quick_is_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waits_again_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_failed_is_tried_again_when_something_is_new, setup, teardown),
		cmocka_unit_test_setup_teardown(what_fails_slowly_rests_whatever_is_new, setup, teardown),
		cmocka_unit_test_setup_teardown(who_always_hurries_has_one_turn_like_others, setup, teardown),
		cmocka_unit_test_setup_teardown(two_heavy_tenants_hold_up_no_light_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
