/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon dies while it makes a bundle: the next one finds that, and makes the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"
#include "temp.h"

#define DEATH_MS 30000
#define VERSIONS 12 /* more than are kept: old ones are to be removed as well */

static void restart(struct story *s, struct client *bouncer, const char *const *env)
{
	daemon_env(s->d, env);
	daemon_restart(s->d);
	client_port(bouncer, daemon_port(s->d));
	client_port(s->c, daemon_port(s->d));
	client_port(s->operator, daemon_port(s->d));
}

static void pull(struct story *s, struct client *bouncer, size_t policies)
{
	struct bouncer_bundle b;
	const struct answer *a = bouncer_pull(bouncer, "sandbox", NULL);

	bundle_open(s, a, &b);
	assert_int_equal(policies + 3, b.n);
	bouncer_close(&b);
}

static void a_build_that_dies_is_found(void **state)
{
	static const char *const points[] = { "bundle.stored:1", "bundle.recorded:1", "bundle.dropped:1" };
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), name[24];
	struct client *bouncer = client_open(daemon_port(s->d));
	size_t made = 0;

	client_key(bouncer, key);
	for (; made < VERSIONS; made++) {
		snprintf(name, sizeof(name), "p%zu", made);
		story_policy(s, name);
		pull(s, bouncer, made + 1);
	}
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		char point[80];
		const char *const dying[] = { point, NULL };

		snprintf(point, sizeof(point), "CC_FAILPOINT=%s", points[i]);
		assert_int_equal(0, daemon_stop(s->d));
		restart(s, bouncer, dying);
		snprintf(name, sizeof(name), "p%zu", made++);
		story_policy(s, name);
		(void)bouncer_ask(bouncer, "sandbox", NULL, 5);
		assert_int_equal(128 + 9, daemon_await_end(s->d, DEATH_MS));
		restart(s, bouncer, NULL);
		pull(s, bouncer, made);
	}
	/* One more, so that what a death left is removed: nothing is lost, and nothing doubled. */
	story_policy(s, "last");
	pull(s, bouncer, made + 1);
	assert_int_equal(10, story_number(s, "SELECT count(*) FROM objects WHERE environment = 'sandbox'"));
	assert_int_equal(10, bundles_stored(daemon_objects(s->d), s->t.id));
	client_close(bouncer);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_build_that_dies_is_found, story_open_unlimited, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
