/* SPDX-License-Identifier: Apache-2.0 */
/* A dry run meets every refusal that the write would, and takes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

#define POLICY "{'name':'%s','rego_code':'package p'}"
#define TRY "?dry_run=true"

static void it_takes_no_place_of_the_quota_and_no_id(void **state)
{
	struct story *s = *state;

	story_limit(s, "'max_policies':1");
	for (int i = 0; i < 5; i++)
		assert_int(1, assert_status(200, client_post(s->c, "/policies" TRY, POLICY, "a")), "id");
	assert_int_equal(1, story_policy(s, "a"));
	assert_error(403, "quota_exceeded", client_post(s->c, "/policies" TRY, POLICY, "b"));
	assert_int(1, client_get(s->c, "/policies"), "total");
}

static void it_meets_what_only_the_database_knows(void **state)
{
	struct story *s = *state;
	const int64_t id = story_policy(s, "a");
	const int64_t used = story_resource(s, "r");

	assert_error(409, "name_taken", client_post(s->c, "/policies" TRY, POLICY, "a"));
	assert_fault("resource_id", "not_found",
		client_post(s->c, "/policies" TRY, "{'name':'b','rego_code':'package p','resource_id':99}"));
	assert_error(404, "resource_not_found", client_delete(s->c, "/policies/%d" TRY, 99));
	assert_status(201, client_post(s->c, "/policies",
				   "{'name':'c','rego_code':'package p','resource_id':%d}", (int)used));
	assert_error(409, "in_use", client_delete(s->c, "/resources/%d" TRY, (int)used));
	assert_status(200, client_delete(s->c, "/policies/%d" TRY, (int)id));
	assert_text("a", client_get(s->c, "/policies/%d", (int)id), "name");
}

static void it_shows_the_change_and_keeps_the_object(void **state)
{
	struct story *s = *state;
	char path[64], trial[80];

	snprintf(path, sizeof(path), "/policies/%d", (int)story_policy(s, "a"));
	snprintf(trial, sizeof(trial), "%s" TRY, path);
	const struct answer *a = assert_status(200, client_patch(s->c, trial, "{'status':'inactive'}"));

	assert_text("inactive", a, "status");
	assert_int(2, a, "version");
	a = client_get(s->c, "%s", path);
	assert_text("active", a, "status");
	assert_int(1, a, "version");
}

static void it_needs_what_the_write_needs(void **state)
{
	struct story *s = *state;
	char *reader = fixture_key(s->d, s->t.id, "policies:read", NULL);
	struct client *c = client_open(daemon_port(s->d));

	client_key(c, reader);
	assert_error(403, "insufficient_scope", client_post(c, "/policies" TRY, POLICY, "a"));
	client_close(c);
	free(reader);
}

/* A key that does not exist has no secret to show. */
static void it_makes_no_key(void **state)
{
	struct story *s = *state;
	char path[128];

	snprintf(path, sizeof(path), "/tenants/%s/api-keys" TRY, s->t.id);
	const struct answer *a =
		assert_status(200, client_post(s->c, path, "{'name':'k','scopes':['policies:read']}"));

	assert_null(answer_at(a, "key"));
	assert_text("k", a, "name");
	assert_int(1, client_get(s->c, "/tenants/%s/api-keys", s->t.id), "total");
	assert_error(403, "scope_not_grantable",
		client_post(s->c, path, "{'name':'k','scopes':['platform:read']}"));
}

static void it_makes_no_tenant(void **state)
{
	static const char body[] = "{'name':'T','domain':'%s.controlcore.io','region':'us-east-1'}";
	struct story *s = *state;
	const int64_t before = answer_int(client_get(s->operator, "/tenants"), "total");
	const struct answer *a =
		assert_status(200, client_post(s->operator, "/tenants" TRY, body, "rehearsed"));

	assert_text("active", a, "status");
	assert_text("rehearsed", a, "slug");
	assert_int(1, a, "limits.users_used");
	assert_null(answer_header(a, "Location"));
	assert_error(404, "tenant_not_found", client_get(s->operator, "/tenants/%s", answer_text(a, "id")));
	assert_error(409, "slug_taken", client_post(s->operator, "/tenants" TRY, body, s->t.slug));
	assert_int(before, client_get(s->operator, "/tenants"), "total");
	assert_status(201, client_post(s->operator, "/tenants", body, "rehearsed"));
	assert_error(409, "slug_taken", client_post(s->operator, "/tenants" TRY, body, "rehearsed"));
}

static void it_suspends_and_deletes_no_tenant(void **state)
{
	struct story *s = *state;
	char path[128];

	snprintf(path, sizeof(path), "/tenants/%s/suspend" TRY, s->t.id);
	assert_text("suspended", assert_status(200, client_post(s->operator, path, "{}")), "status");
	assert_text("deletion_scheduled",
		assert_status(200, client_delete(s->operator, "/tenants/%s" TRY, s->t.id)), "status");
	snprintf(path, sizeof(path), "/tenants/%s/restore" TRY, s->t.id);
	assert_error(409, "not_deleted", client_post(s->operator, path, "{}"));
	assert_text("active", client_get(s->c, "/tenants/%s", s->t.id), "status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_takes_no_place_of_the_quota_and_no_id, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			it_meets_what_only_the_database_knows, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			it_shows_the_change_and_keeps_the_object, story_open, story_close),
		cmocka_unit_test_setup_teardown(it_needs_what_the_write_needs, story_open, story_close),
		cmocka_unit_test_setup_teardown(it_makes_no_key, story_open, story_close),
		cmocka_unit_test_setup_teardown(it_makes_no_tenant, story_open, story_close),
		cmocka_unit_test_setup_teardown(it_suspends_and_deletes_no_tenant, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
