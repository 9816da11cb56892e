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

static void refused_by_weight(const struct answer *a)
{
	assert_error(409, "conflict", a);
	assert_non_null(strstr(answer_text(a, "message"), "64 MiB"));
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

/* Of them there is no bundle, and they are not all read at each change. */
static void more_than_a_bundle_holds_is_not_read(void **state)
{
	struct story *s = *state;

	assert_status(201, create(s, "first", BOTH));
	assert_status(201, create(s, "rule", OTHER_RULE));
	assert_status(200, client_post(s->c, "/policies/1/promote", "{}"));
	story_value(s, "UPDATE policies SET rego_code = rego_code || repeat('#', 70000000) WHERE id = 3");
	refused_by_weight(client_post(s->c, "/policies/2/promote", "{}"));
	story_value(s, "UPDATE policies SET rego_code = rtrim(rego_code, '#') WHERE id = 3");
	assert_status(200, client_post(s->c, "/policies/2/promote", "{}"));
}

/* Each of these beside the first is a bundle that OPA refuses; each beside the last is none. */
static void what_opa_does_not_take_together_does_not_come_to_production(void **state)
{
	static const struct {
		const char *first, *clash, *fits;
	} pairs[] = {
		{ "package a1\\n\\nusers := 1\\n", "package a1.users\\n\\nx := 1\\n",
			"package a1.user\\n\\nx := 1\\n" },
		{ "package a2.users\\n\\nx := 1\\n", "package a2\\n\\nusers contains 1\\n",
			"package a2\\n\\nusers[x] := y if some x, y in input\\n" },
		{ "package a3\\n\\nallow contains 1\\n", "package a3\\n\\nallow if input.x\\n",
			"package a3\\n\\nallow contains 2\\n" },
		{ "package a4\\n\\nusers := 1\\n", "package a4.users.more\\n\\nx := 1\\n",
			"package a4\\n\\nusers := 1 if input.x\\n" },
		{ "package a5\\n\\nlimits.daily := 1\\n", "package a5\\n\\nlimits := 1\\n",
			"package a5\\n\\nlimits.hourly := 1\\n" },
	};
	struct story *s = *state;
	int64_t id = 0;
	char name[20], path[60];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *const texts[] = { pairs[i].first, pairs[i].fits, pairs[i].clash };

		for (size_t k = 0; k < 3; k++) {
			snprintf(name, sizeof(name), "p%zu-%zu", i, k);
			id = answer_int(assert_status(201, create(s, name, texts[k])), "id");
			snprintf(path, sizeof(path), "/policies/%" PRId64 "/promote", id);
			if (k < 2)
				assert_status(200, client_post(s->c, path, "{}"));
			else
				assert_error(409, "conflict", client_post(s->c, path, "{}"));
		}
	}
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
		cmocka_unit_test_setup_teardown(what_opa_does_not_take_together_does_not_come_to_production,
			story_open_unlimited, story_close),
		cmocka_unit_test_setup_teardown(
			more_than_a_bundle_holds_is_not_read, story_open, story_close),
		cmocka_unit_test_setup_teardown(within_one_module_it_is_a_fault, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
