/* SPDX-License-Identifier: Apache-2.0 */
/* Two active policies of one package with a default for one rule would make a bundle that OPA refuses. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

#define BOTH "package app.authz\\n\\ndefault allow := false\\n\\ndefault limits.daily := 10\\n"
#define ONE "package app.authz\\n\\ndefault allow = true\\n"
#define OTHER_RULE "package app.authz\\n\\ndefault deny := true\\n\\nallow if input.user\\n"
#define OTHER_PACKAGE "package app.authz.more\\n\\ndefault allow := false\\n"

static const struct answer *create(struct story *s, const char *name, const char *rego)
{
	return client_post(s->c, "/policies", "{'name':'%s','rego_code':\"%s\"}", name, rego);
}

static void refused(const struct answer *a, int64_t other)
{
	char named[40];

	assert_error(409, "conflict", a);
	snprintf(named, sizeof(named), "policy %" PRId64 " (", other);
	assert_non_null(strstr(answer_text(a, "message"), named));
	assert_non_null(strstr(answer_text(a, "message"), "app.authz"));
}

/* In the sandbox anybody may try; what goes to production must go together. */
static void a_second_default_does_not_come_to_production(void **state)
{
	struct story *s = *state;

	assert_status(201, create(s, "first", BOTH));
	assert_status(201, create(s, "second", ONE));
	assert_status(201, create(s, "rule", OTHER_RULE));
	assert_status(201, create(s, "package", OTHER_PACKAGE));
	assert_status(200, client_post(s->c, "/policies/1/promote", "{}"));
	refused(client_post(s->c, "/policies/2/promote", "{}"), 5);
	assert_status(200, client_post(s->c, "/policies/3/promote", "{}"));
	assert_status(200, client_post(s->c, "/policies/4/promote", "{}"));
	/* Switched off it is in nobody's way. */
	assert_status(200, client_post(s->c, "/policies/5/disable", "{}"));
	assert_status(200, client_post(s->c, "/policies/2/promote", "{}"));
	refused(client_post(s->c, "/policies/5/enable", "{}"), 8);
	/* The first again is itself. */
	assert_status(200, client_post(s->c, "/policies/2/promote", "{}"));
	assert_status(200, client_delete(s->c, "/policies/8"));
	assert_status(200, client_post(s->c, "/policies/5/enable", "{}"));
	refused(client_post(s->c, "/policies/8/restore", "{}"), 5);
}

static void within_one_module_it_is_a_fault(void **state)
{
	struct story *s = *state;
	const struct answer *a =
		create(s, "twice", "package p\\n\\ndefault allow := false\\n\\ndefault allow := true\\n");

	assert_error(422, "rego_invalid", a);
	assert_non_null(strstr(a->body, "line 5"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_second_default_does_not_come_to_production, story_open, story_close),
		cmocka_unit_test_setup_teardown(within_one_module_it_is_a_fault, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
