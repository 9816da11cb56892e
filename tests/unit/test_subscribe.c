/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cc/base/clock.h"
#include "redis_server.h"

static void a_subscriber_hears_what_is_published(void **state)
{
	struct server *fx = *state;
	struct redis_sub *s = redis_subscribe(&fx->conf, "cc:changes");
	const char *message;

	assert_int_equal(redis_sub_next(s, fx->arena, 0, &message), ERR_NONE);
	assert_null(message);
	assert_int_equal(redis_publish(fx->redis, "cc:other", "not for us"), ERR_NONE);
	assert_int_equal(redis_publish(fx->redis, "cc:changes", "one"), ERR_NONE);
	assert_int_equal(redis_publish(fx->redis, "cc:changes", "two"), ERR_NONE);
	assert_int_equal(redis_sub_next(s, fx->arena, 5000, &message), ERR_NONE);
	assert_string_equal(message, "one");
	assert_int_equal(redis_sub_next(s, fx->arena, 5000, &message), ERR_NONE);
	assert_string_equal(message, "two");
	assert_int_equal(redis_sub_next(s, fx->arena, 1, &message), ERR_NONE);
	assert_null(message);
	redis_sub_destroy(s);
}

static void a_subscriber_tells_of_a_loss_and_comes_back(void **state)
{
	struct server *fx = *state;
	struct redis_sub *s = redis_subscribe(&fx->conf, "cc:changes");
	const char *message = "untouched";
	int64_t give_up;
	enum err e;

	assert_int_equal(redis_sub_next(s, fx->arena, 0, &message), ERR_NONE);
	server_stop(fx);
	assert_int_equal(redis_sub_next(s, fx->arena, 5000, &message), ERR_UNAVAILABLE);
	assert_null(message);
	server_start(fx);
	give_up = clock_mono_ms() + 60000;
	do {
		e = redis_sub_next(s, fx->arena, 100, &message);
	} while (e != ERR_NONE && clock_mono_ms() < give_up);
	assert_int_equal(e, ERR_NONE);
	redis_sub_destroy(s);
}

static void a_subscriber_without_a_server_does_not_spin(void **state)
{
	struct server *fx = *state;
	struct redis_sub *s = redis_subscribe(&fx->conf, "cc:changes");
	const char *message;
	int64_t before;

	assert_int_equal(redis_sub_next(s, fx->arena, 0, &message), ERR_UNAVAILABLE);
	before = clock_mono_ms();
	assert_int_equal(redis_sub_next(s, fx->arena, 100, &message), ERR_UNAVAILABLE);
	assert_true(clock_mono_ms() - before >= 99);
	redis_sub_destroy(s);
}

static void destroying_no_subscription_is_fine(void **state)
{
	(void)state;
	redis_sub_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_subscriber_hears_what_is_published, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_subscriber_tells_of_a_loss_and_comes_back, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_subscriber_without_a_server_does_not_spin, server_setup, server_teardown),
		cmocka_unit_test(destroying_no_subscription_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
