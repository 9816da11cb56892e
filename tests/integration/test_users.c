/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

#define ANN "{\"email\":\"ann@acme.com\",\"username\":\"Ann\",\"roles\":[\"Developer\"]}"

static void a_user_is_made_read_changed_and_deleted(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	a = assert_status(201,
		client_post(s->c, "/users",
			"{'email':'Ann@Acme.com','username':'Ann','roles':['Viewer','Manager','Viewer'],"
			"'department':'Risk','attributes':{'site':'north'}}"));
	assert_int(2, a, "id");
	assert_text("Ann@Acme.com", a, "email");
	assert_int_equal(2, answer_count(a, "roles"));
	assert_text("Manager", a, "roles[0]");
	assert_text("north", a, "attributes.site");
	assert_true(answer_null(a, "last_seen_at"));
	assert_non_null(strstr(a->body, "\"policies:promote\""));
	assert_null(strstr(a->body, "\"billing:read\""));
	assert_string_equal("/api/v1/users/2", answer_header(a, "Location"));
	assert_string_equal(a->body, assert_status(200, client_get(s->c, "/users/2"))->body);

	a = assert_status(200, client_patch(s->c, "/users/2", "{'department':null}"));
	assert_true(answer_null(a, "department"));
	assert_int(2, a, "version");
	a = assert_status(200, client_put(s->c, "/users/2", "%s", ANN));
	assert_true(answer_null(a, "attributes"));
	assert_text("Developer", a, "roles[0]");
	a = client_get(s->c, "/users/2");
	a = assert_status(200, client_call(s->c, "PUT", "/api/v1/users/2", NULL, a->body));
	assert_int(3, a, "version");

	assert_text("User deleted", assert_status(200, client_delete(s->c, "/users/2")), "message");
	assert_error(404, "resource_not_found", client_get(s->c, "/users/2"));
	assert_int(3, assert_status(201, client_post(s->c, "/users", "%s", ANN)), "id");
	assert_status(200, client_delete(s->c, "/users/3?hard_delete=true"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM tombstones WHERE tbl = 'users'"));
}

static void the_owner_is_the_first_user(void **state)
{
	struct story *s = *state;
	const struct answer *a = assert_status(200, client_get(s->c, "/users/1"));

	assert_text("Admin", a, "roles[0]");
	assert_text("system", a, "created_by");
	assert_int(1, client_get(s->c, "/users"), "total");
}

static void every_fault_is_told_at_once(void **state)
{
	struct story *s = *state;
	const struct answer *a = client_post(s->c, "/users",
		"{'email':'nobody','username':' ','roles':['Root'],'attributes':3,'password':'x',"
		"'permissions':[]}");

	assert_error(422, "validation_error", a);
	assert_fault("email", "format", a);
	assert_fault("username", "format", a);
	assert_fault("roles[0]", "enum", a);
	assert_fault("attributes", "type", a);
	assert_fault("password", "unknown", a);
	a = client_post(s->c, "/users", "{'email':'a@b.com','username':'u','roles':[]}");
	assert_fault("roles", "items", a);
	a = client_post(s->c, "/users", "{'email':'a@b.com','roles':['Viewer']}");
	assert_fault("username", "required", a);
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM users"));
}

static void an_address_belongs_to_one_user(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(201, client_post(s->c, "/users", "%s", ANN));
	a = client_post(s->c, "/users", "{'email':'ANN@acme.com','username':'Other','roles':['Viewer']}");
	assert_error(409, "email_taken", a);
	assert_int_equal(2, story_number(s, "SELECT users_used FROM head"));
}

static void the_last_admin_stays(void **state)
{
	struct story *s = *state;

	assert_status(201, client_post(s->c, "/users", "%s", ANN));
	assert_error(409, "last_admin", client_delete(s->c, "/users/1"));
	assert_error(409, "last_admin", client_patch(s->c, "/users/1", "{'roles':['Viewer']}"));
	assert_error(409, "last_admin",
		client_put(s->c, "/users/1/roles", "{'roles':['Manager'],'reason':'less to do'}"));
	assert_status(200, client_put(s->c, "/users/2/roles", "{'roles':['Admin'],'reason':'takes over'}"));
	assert_string_equal("takes over",
		story_value(s, "SELECT detail->>'reason' FROM audit WHERE action = 'setUserRoles'"));
	assert_status(200, client_delete(s->c, "/users/1"));
	assert_error(409, "last_admin", client_delete(s->c, "/users/2?hard_delete=true"));
}

static void nobody_gives_what_they_do_not_hold(void **state)
{
	struct story *s = *state;
	char *key = fixture_key(s->d, s->t.id, "users:read,users:write", NULL);
	struct client *c = client_of(s->d, &s->t);
	const struct answer *a;

	client_key(c, key);
	free(key);
	a = client_post(c, "/users", "{'email':'a@b.com','username':'A','roles':['Admin']}");
	assert_error(403, "scope_not_grantable", a);
	assert_error(403, "scope_not_grantable", client_patch(c, "/users/1", "{'username':'new'}"));
	assert_error(403, "scope_not_grantable", client_delete(c, "/users/1"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM users"));
	client_close(c);
}

static void lists_are_filtered_and_sorted(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(201, client_post(s->c, "/users", "%s", ANN));
	assert_status(201, client_post(s->c, "/users",
			"{'email':'bob@acme.com','username':'Bob','roles':['Viewer','Developer']}"));
	assert_string_equal("2 3", story_ids(client_get(s->c, "/users?role=Developer"), "users"));
	assert_string_equal("3", story_ids(client_get(s->c, "/users?email=BOB@acme.com"), "users"));
	assert_string_equal("2", story_ids(client_get(s->c, "/users?username=an"), "users"));
	assert_int(1, client_get(s->c, "/users?role=Viewer"), "total");
	a = client_get(s->c, "/users?sort=-username&role=Developer");
	assert_string_equal("3 2", story_ids(a, "users"));
	assert_fault("role", "enum", client_get(s->c, "/users?role=developer"));
}

static void a_full_tenant_is_told_so(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_limit(s, "'max_users':2");
	assert_status(201, client_post(s->c, "/users", "%s", ANN));
	a = client_post(s->c, "/users", "{'email':'b@acme.com','username':'B','roles':['Viewer']}");
	assert_error(403, "quota_exceeded", a);
	assert_text("users", a, "resource");
	assert_int(2, a, "limit");
	assert_status(200, client_delete(s->c, "/users/2"));
	assert_status(201, client_post(s->c, "/users", "%s", ANN));
}

struct rival {
	struct story *s;
	int id, status;
};

static void *demote(void *arg)
{
	struct rival *r = arg;
	struct client *c = client_of(r->s->d, &r->s->t);

	r->status = client_delete(c, "/users/%d", r->id)->status;
	client_close(c);
	return NULL;
}

static void of_admins_leaving_at_once_one_stays(void **state)
{
	enum { ADMINS = 6 };
	struct story *s = *state;
	struct rival rivals[ADMINS];
	pthread_t threads[ADMINS];
	int gone = 0;

	for (int i = 1; i < ADMINS; i++)
		assert_status(201, client_post(s->c, "/users",
				"{'email':'u%d@acme.com','username':'u','roles':['Admin']}", i));
	for (int i = 0; i < ADMINS; i++) {
		rivals[i] = (struct rival){ s, i + 1, 0 };
		assert_int_equal(0, pthread_create(&threads[i], NULL, demote, &rivals[i]));
	}
	for (int i = 0; i < ADMINS; i++) {
		pthread_join(threads[i], NULL);
		gone += rivals[i].status == 200;
		assert_true(rivals[i].status == 200 || rivals[i].status == 409);
	}
	assert_int_equal(ADMINS - 1, gone);
	assert_int(1, client_get(s->c, "/users?role=Admin"), "total");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_user_is_made_read_changed_and_deleted, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_owner_is_the_first_user, story_open, story_close),
		cmocka_unit_test_setup_teardown(every_fault_is_told_at_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(an_address_belongs_to_one_user, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_last_admin_stays, story_open, story_close),
		cmocka_unit_test_setup_teardown(nobody_gives_what_they_do_not_hold, story_open, story_close),
		cmocka_unit_test_setup_teardown(lists_are_filtered_and_sorted, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_full_tenant_is_told_so, story_open, story_close),
		cmocka_unit_test_setup_teardown(of_admins_leaving_at_once_one_stays, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
