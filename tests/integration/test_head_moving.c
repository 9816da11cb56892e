/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant whose place is in doubt: fenced, moved while this node did not look, gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

static void control(struct story *s, const char *fmt)
{
	char sql[300];

	snprintf(sql, sizeof(sql), "%s WHERE id = '%s'", fmt, s->t.id);
	story_control_value(s, sql);
}

static void a_fenced_tenant_asks_for_a_moment(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "p");
	story_value(s, "UPDATE head SET writable = false");
	a = client_post(s->c, "/policies", "{'name':'q','rego_code':'package p'}");
	assert_error(503, "tenant_moving", a);
	assert_string_equal("1", answer_header(a, "Retry-After"));
	assert_text(s->t.id, a, "tenant_id");
	assert_error(503, "tenant_moving", client_patch(s->c, "/policies/1", "{'name':'q'}"));
	assert_error(503, "tenant_moving", client_delete(s->c, "/policies/1"));
	assert_status(200, client_get(s->c, "/policies/1"));
	story_value(s, "UPDATE head SET writable = true");
	assert_status(200, client_patch(s->c, "/policies/1", "{'name':'q'}"));
}

static void a_write_follows_a_newer_epoch_at_once(void **state)
{
	struct story *s = *state;

	story_policy(s, "p");
	/* No note in the change feed: only the gate can tell. */
	control(s, "UPDATE tenant SET epoch = 2");
	story_value(s, "UPDATE head SET epoch = 2");
	story_policy(s, "q");
	assert_int_equal(2, story_number(s, "SELECT policies_used FROM head"));
}

static void a_write_never_lands_behind_a_fence(void **state)
{
	struct story *s = *state;

	story_policy(s, "p");
	story_value(s, "UPDATE head SET epoch = 2");
	assert_error(
		503, "tenant_moving", client_post(s->c, "/policies", "{'name':'q','rego_code':'package p'}"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM policies"));
	control(s, "UPDATE tenant SET epoch = 2");
	story_policy(s, "q");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_fenced_tenant_asks_for_a_moment, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_write_follows_a_newer_epoch_at_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_write_never_lands_behind_a_fence, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
