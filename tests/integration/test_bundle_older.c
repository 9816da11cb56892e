/* SPDX-License-Identifier: Apache-2.0 */
/* As long as the next bundle is being made nobody is given one that is older than what he has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"

#define OF_ANOTHER_KEY "ffffffffffffffffffffffffffffffff"
#define OF_NOBODY "\"00000000000000000000000000000000\""

/* From now on what is made takes long: so many seconds before it is announced. */
static void make_slowly(struct stage *g, const char *seconds)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		"CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
		" 'BEGIN PERFORM pg_sleep(%s); RETURN NEW; END';"
		"CREATE TRIGGER slowly BEFORE INSERT ON storing FOR EACH ROW EXECUTE FUNCTION slowly()",
		seconds);
	story_value(g->s, sql);
}

/* As a node with another key has made it, of all there is now. */
static void another_key_signs_it(struct stage *g)
{
	story_value(g->s,
		"INSERT INTO objects SELECT 'bundles/sandbox/" OF_ANOTHER_KEY ".tar.gz', kind, size, sha256,"
		" created_at, environment, '" OF_ANOTHER_KEY "', (SELECT version FROM head), 'another',"
		" wanted_at FROM objects WHERE environment = 'sandbox' ORDER BY version DESC LIMIT 1");
}

static void what_is_older_replaces_nothing(void **state)
{
	static const char *const has[] = { "\"" OF_ANOTHER_KEY "\"", OF_NOBODY, "\"\xff\", W/\"{,\\\"" };
	struct stage *g = *state;
	const char *tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	char name[20];

	make_slowly(g, "3");
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		const struct answer *a;

		snprintf(name, sizeof(name), "p%zu", i);
		story_policy(g->s, name);
		if (i == 0)
			another_key_signs_it(g);
		a = assert_status(200, bouncer_ask(g->sandbox, "sandbox", has[i], 2));
		assert_string_not_equal(tag, tag_of(a));
		tag = tag_of(a);
	}
}

/* It takes longer than he waits, and he has what there is. */
static void who_has_the_newest_waits_no_longer_than_he_wants(void **state)
{
	struct stage *g = *state;
	const char *tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	const struct answer *a;

	make_slowly(g, "4");
	story_policy(g->s, "p");
	a = assert_status(304, bouncer_ask(g->sandbox, "sandbox", tag, 2));
	assert_true(a->us >= 1900000);
	assert_string_equal("application/vnd.openpolicyagent.bundles", answer_header(a, "Content-Type"));
	assert_string_equal(tag, answer_header(a, "ETag"));
	assert_string_not_equal(tag, tag_of(bouncer_pull(g->sandbox, "sandbox", tag)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_older_replaces_nothing, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			who_has_the_newest_waits_no_longer_than_he_wants, stage_open, stage_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
